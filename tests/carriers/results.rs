//! What workers behind carriers train is what workers of this machine train.

use std::process::Command;

use super::{assert_all_on, run, script, slots_used, test_dir, workers};
use crate::common::{TestDir, results};

/// Networks, so small that a test can train them several times.
const NETWORKS: &str = "[grid]\nepochs = [4]\nlr = [0.01, 0.02]\n";

/// Results of workers of this machine.
fn of_this_machine() -> Vec<String> {
    let dir = test_dir(NETWORKS);
    dir.succeed(&["run", "small.toml", "--workers", "2"]);
    results(&dir)
}

fn log(dir: &TestDir, name: &str) -> String {
    let path = dir.path("runs/logs/small").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn results_of_workers_elsewhere_are_those_of_this_machine_to_the_bit() {
    let expected = of_this_machine();
    assert!(expected.len() > 20);
    let dir = test_dir(NETWORKS);
    run(&dir, "{ via = ['env'], cpu = 2 }", 0);
    assert_eq!(results(&dir), expected);
    assert_all_on(&dir, "env/cpu:");
    let left = workers(&dir);
    assert!(left.is_empty(), "{left:?}");
    let logs = std::fs::read_dir(dir.path("runs/logs/small")).unwrap();
    let names: Vec<_> = logs.map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        names
            .iter()
            .all(|name| !name.to_string_lossy().starts_with("shared-")),
        "{names:?}"
    );
}

#[test]
fn a_carrier_may_take_its_time_and_print_to_standard_error() {
    let dir = test_dir(NETWORKS);
    let via = script(
        &dir,
        "slow.sh",
        "echo 'all access is logged' >&2; sleep 0.3; exec \"$@\"",
    );
    let slots = format!("{{ {via}, name = 'far', cpu = 2 }}");
    run(&dir, &slots, 0);
    assert_eq!(results(&dir), of_this_machine());
    assert_eq!(log(&dir, "far-cpu-0.log"), "all access is logged\n");
}

#[test]
fn threads_of_workers_elsewhere_are_those_of_workers_of_this_machine() {
    let dir = test_dir(NETWORKS);
    // No variable of this process reaches the worker by itself.
    let via = script(
        &dir,
        "bare.sh",
        "for word; do echo \"$word\"; done >&2; exec env -i \"$@\"",
    );
    run(&dir, &format!("{{ {via}, name = 'far', cpu = 1 }}"), 0);
    let words = log(&dir, "far-cpu-0.log");
    for word in [
        "OMP_NUM_THREADS=1",
        "RAYON_NUM_THREADS=1",
        "OMP_WAIT_POLICY=passive",
    ] {
        assert!(words.lines().any(|line| line == word), "{word}: {words}");
    }
    assert_eq!(results(&dir), of_this_machine());
}

#[test]
fn plans_and_lists_show_slots_by_the_names_of_their_carriers() {
    let dir = test_dir(&format!(
        "{NETWORKS}[schedule]
slots = [{{ cpu = 1 }}, {{ via = [\"ssh\", \"me@gpu1\"], cpu = 1, cuda = [2] }}, {{ via = [\"env\"], cpu = 1 }}]
"
    ));
    let plan = dir.succeed(&["plan", "small.toml", "--engine", "native"]);
    let expected = "slots: cpu:0, gpu1/cpu:0, env/cpu:0\n";
    assert!(plan.contains(expected), "{plan}");
    let plan = dir.succeed(&["plan", "small.toml"]);
    let expected = "slots: cpu:0, gpu1/cuda:2, gpu1/cpu:0, env/cpu:0\n";
    assert!(plan.contains(expected), "{plan}");
    let plan = dir.succeed(&["plan", "small.toml", "--workers", "2"]);
    assert!(plan.contains("slots: cpu:0, cpu:1\n"), "{plan}");
    let refused = dir.fail(&["run", "small.toml", "--memory-limit", "1GB"], 2);
    assert!(
        refused.contains("--memory-limit holds on this machine alone"),
        "{refused}"
    );
}

#[test]
fn programs_run_elsewhere() {
    let dir = TestDir::empty();
    dir.write(
        "train.sh",
        "echo loss=0.$SWEEP_SEED; echo threads=$OMP_NUM_THREADS\n",
    );
    dir.write(
        "small.toml",
        "[experiment]\nseeds = [1, 2]\n[program]\ncommand = [\"sh\", \"train.sh\"]\n\
         objective = { metric = \"loss\", goal = \"min\" }\nresources = { cpus = 3 }\n",
    );
    let via = script(&dir, "bare.sh", "exec env -i PATH=\"$PATH\" \"$@\"");
    let slots = format!("{{ {via}, name = 'far', cpu = 1 }}");
    dir.command(&super::on(&slots).each_ref().map(String::as_str))
        .env_remove("OMP_NUM_THREADS")
        .output()
        .unwrap();
    assert_eq!(slots_used(&dir), "far/cpu:0");
    assert_eq!(
        dir.count("SELECT count(*) FROM trials WHERE status = 'finished'"),
        2
    );
    let threads = "SELECT min(value) FROM metric_rows WHERE metric = 'threads'";
    assert_eq!(
        dir.database().query_row(threads, [], |row| row.get(0)),
        Ok(3.0)
    );
}

#[test]
fn a_container_serves_that_sees_the_folder_and_one_that_does_not_says_so() {
    let can = Command::new("bwrap")
        .args(["--bind", "/", "/", "true"])
        .status();
    if !can.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: bwrap does not work here; workers in containers are not checked");
        return;
    }
    let dir = test_dir(NETWORKS);
    let open = "{ via = ['bwrap', '--bind', '/', '/', '--dev', '/dev', '--unshare-pid', '--proc', '/proc'], \
                cpu = 2, name = 'box' }";
    run(&dir, open, 0);
    assert_eq!(results(&dir), of_this_machine());
    let closed = test_dir(NETWORKS);
    let hidden = closed.path("runs");
    let slots = format!(
        "{{ via = ['bwrap', '--bind', '/', '/', '--dev', '/dev', '--tmpfs', '{}'], cpu = 1, name = 'box' }}",
        closed.root().display()
    );
    let told = run(&closed, &slots, 3);
    let expected = format!("the folder {} is not visible on ", hidden.display());
    assert!(told.contains(&expected), "{told}");
}
