//! Carriers that fail, workers that hang, coordinators that are gone: each ends, and nothing is left behind.

use std::fs;
use std::time::{Duration, Instant};

use super::{
    ENDLESS, Leftovers, Session, endless_trial, processes, run, script, slots_used, test_dir,
    wait_at_most, wait_for, workers,
};
use crate::common::TestDir;

const SMALL: &str = "[model]\nepochs = 3\n";

/// A program that sleeps without a word the first time, and is done the second time.
fn hanging_program(schedule: &str) -> TestDir {
    let dir = TestDir::empty();
    let script = "if [ -e hung ]; then echo loss=0.5; exit; fi
touch hung
# The path tells this process from others.
exec sh -c 'sleep 1000; :' \"$PWD/hangs\"
";
    dir.write("train.sh", script);
    dir.write(
        "small.toml",
        format!(
            "[experiment]\nseeds = [1]\n[program]\ncommand = [\"sh\", \"train.sh\"]\n\
             objective = {{ metric = \"loss\", goal = \"min\" }}\n[schedule]\n{schedule}"
        ),
    );
    dir
}

#[test]
fn a_carrier_that_fails_retires_its_slot_with_its_last_words_and_others_go_on() {
    let dir = test_dir(SMALL);
    let via = script(&dir, "fails.sh", "echo 'no route to gpu1' >&2; exit 255");
    let slots = format!("{{ cpu = 1 }}, {{ {via}, name = 'gpu1', cpu = 1 }}");
    run(&dir, &slots, 0);
    assert_eq!(slots_used(&dir), "cpu:0");
    let alone = test_dir(SMALL);
    let via = script(&alone, "fails.sh", "echo 'no route to gpu1' >&2; exit 255");
    let told = run(&alone, &format!("{{ {via}, name = 'gpu1', cpu = 1 }}"), 3);
    assert!(told.contains("slot gpu1/cpu:0 is disabled"), "{told}");
    assert!(
        told.contains("exited with code 255 before it had a trial: no route"),
        "{told}"
    );
    assert!(told.contains("no route to gpu1"), "{told}");
    let recorded = alone.text("SELECT message FROM slot_events WHERE event = 'retired'");
    assert!(recorded.contains("no route to gpu1"), "{recorded}");
}

#[test]
fn a_carrier_that_does_not_exist_is_named() {
    let dir = test_dir(SMALL);
    let told = run(&dir, "{ via = ['no-such-carrier', 'x'], cpu = 1 }", 3);
    assert!(told.contains("`no-such-carrier x`: No such file"), "{told}");
}

#[test]
fn a_program_of_another_version_is_told_from_a_crash() {
    let dir = test_dir(SMALL);
    let old = script(
        &dir,
        "old.sh",
        "echo \"error: unexpected argument '--expect-pings' found\" >&2; exit 2",
    );
    let told = run(&dir, &format!("{{ {old}, name = 'old', cpu = 1 }}"), 3);
    assert!(
        told.contains("the program there is of another version"),
        "{told}"
    );
    let ready = r#"{"type":"ready","protocol":7,"engine":"native","pid":1}"#;
    let older = script(&dir, "older.sh", &format!("echo '{ready}'; sleep 60"));
    let slots = format!("{{ {older}, name = 'older', cpu = 1, ending = '100ms' }}");
    let told = run(&dir, &slots, 3);
    assert!(told.contains("the worker has protocol version 7"), "{told}");
    assert!(processes(&dir, "older.sh").is_empty());
}

#[test]
fn a_folder_of_the_same_path_that_is_another_one_is_refused() {
    let dir = test_dir(SMALL);
    let logs = dir.path("runs/logs/small");
    let via = script(
        &dir,
        "other.sh",
        &format!("rm -f '{}'/shared-*; exec \"$@\"", logs.display()),
    );
    let told = run(&dir, &format!("{{ {via}, name = 'other', cpu = 1 }}"), 3);
    let expected = format!("the folder {} on ", logs.display());
    assert!(
        told.contains(&expected) && told.contains("is not the one of the sweep"),
        "{told}"
    );
}

#[test]
fn a_worker_that_is_not_ready_in_time_is_given_up_and_its_carrier_is_killed_after_the_grace() {
    let dir = test_dir(SMALL);
    let via = script(&dir, "never.sh", "sleep 1000");
    let slots =
        format!("{{ {via}, name = 'never', cpu = 1, start_timeout = '200ms', ending = '100ms' }}");
    let told = run(&dir, &slots, 3);
    assert!(told.contains("was not ready after"), "{told}");
    assert!(processes(&dir, "never.sh").is_empty());
}

#[test]
fn a_carrier_that_waits_in_a_queue_keeps_no_trial_from_this_machine_and_is_gone_in_the_end() {
    let dir = test_dir(SMALL);
    // It gives up its place as `srun` does; a shell cannot, which is started with the signal ignored.
    let queue = "import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit('gave up'))
time.sleep(1000)
";
    dir.write("queue.py", queue);
    let via = format!("via = ['python3', '{}']", dir.path("queue.py").display());
    let begin = Instant::now();
    let slots =
        format!("{{ cpu = 1 }}, {{ {via}, name = 'queue', cpu = 2, start_timeout = '1h' }}");
    run(&dir, &slots, 0);
    assert!(
        begin.elapsed() < Duration::from_secs(25),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(slots_used(&dir), "cpu:0");
    assert!(processes(&dir, "queue.py").is_empty());
    let log = fs::read_to_string(dir.path("runs/logs/small/queue-cpu-0.log")).unwrap();
    assert_eq!(log, "gave up\n");
}

#[test]
fn a_hung_trial_ends_with_its_worker_and_the_slot_goes_on() {
    let dir = hanging_program("stall_timeout = \"1s\"\n");
    let begin = Instant::now();
    run(&dir, "{ via = ['env'], cpu = 1 }", 0);
    assert!(
        begin.elapsed() < Duration::from_secs(25),
        "the worker ended when its input was closed, not after the grace: {:?}",
        begin.elapsed()
    );
    assert!(processes(&dir, "hangs").is_empty());
    let outcomes = "SELECT group_concat(outcome || ' ' || slot, ', ') FROM attempts";
    assert_eq!(dir.text(outcomes), "hung env/cpu:0, finished env/cpu:0");
}

#[test]
fn a_worker_that_does_not_end_is_killed_with_its_carrier_before_its_trial_begins_again() {
    let dir = endless_trial("[schedule]\nstall_timeout = \"2s\"\n");
    let _leftovers = Leftovers {
        dir: &dir,
        text: "--expect-file",
    };
    let _session = Session::start(
        &dir,
        "{ via = ['env'], cpu = 1, ending = '1s', ping_timeout = '1s' }",
    );
    wait_for("a step", || dir.count("SELECT count(*) FROM metrics") > 0);
    let stopped = workers(&dir);
    assert_eq!(stopped.len(), 1, "{stopped:?}");
    // SAFETY: kill takes plain numbers; the process was found running just now.
    assert_eq!(unsafe { libc::kill(stopped[0], libc::SIGSTOP) }, 0);
    let begin = Instant::now();
    wait_for("the next attempt", || {
        let now = workers(&dir);
        assert!(now.len() <= 1, "two workers at a time: {now:?}");
        dir.count("SELECT count(*) FROM attempts") > 1
    });
    assert!(
        begin.elapsed() >= Duration::from_secs(3),
        "{:?}",
        begin.elapsed()
    );
    assert!(!workers(&dir).contains(&stopped[0]));
    let first = "SELECT outcome FROM attempts WHERE number = 1";
    assert_eq!(dir.text(first), "hung");
}

#[test]
fn workers_end_at_once_when_their_coordinator_is_killed() {
    let dir = test_dir(ENDLESS);
    let _leftovers = Leftovers {
        dir: &dir,
        text: "--expect-file",
    };
    let mut session = Session::start(&dir, "{ via = ['env'], cpu = 2 }");
    wait_for("a step", || dir.count("SELECT count(*) FROM metrics") > 0);
    assert_eq!(workers(&dir).len(), 2);
    session.kill();
    wait_at_most(Duration::from_secs(10), "the workers end", || {
        workers(&dir).is_empty()
    });
}

#[test]
fn a_worker_that_never_hears_of_the_end_of_its_coordinator_ends_without_pings() {
    let dir = test_dir(ENDLESS);
    let _leftovers = Leftovers {
        dir: &dir,
        text: "--expect-file",
    };
    // The streams of the worker stay open when those of its carrier end, as when a network is cut.
    let via = script(
        &dir,
        "cut.sh",
        "{ cat; exec sleep 60; } | \"$@\" | { cat; exec sleep 60; }",
    );
    let mut session = Session::start(
        &dir,
        &format!("{{ {via}, name = 'cut', cpu = 1, ping_timeout = '2s' }}"),
    );
    wait_for("a step", || dir.count("SELECT count(*) FROM metrics") > 0);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(workers(&dir).len(), 1, "pings keep it alive");
    session.kill();
    let killed = Instant::now();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(workers(&dir).len(), 1, "its input did not end");
    wait_at_most(Duration::from_secs(10), "the worker ends", || {
        workers(&dir).is_empty()
    });
    assert!(
        killed.elapsed() >= Duration::from_secs(1),
        "{:?}",
        killed.elapsed()
    );
}

#[test]
fn a_trial_whose_carrier_lost_its_connection_begins_again_only_when_its_worker_is_gone() {
    let dir = endless_trial("");
    let _leftovers = Leftovers {
        dir: &dir,
        text: "--expect-file",
    };
    // The first carrier ends and leaves behind a worker whose streams stay open; the second is a plain one.
    let body = "here=$(dirname \"$0\")
if [ -e \"$here/lost\" ]; then exec \"$@\"; fi
exec 3<&0
setsid sh -c '{ cat; exec sleep 60; } | \"$@\" | { cat; exec sleep 60; }' left \"$@\" <&3 &
while [ ! -e \"$here/lost\" ]; do sleep 0.05; done
exit 255";
    let via = script(&dir, "lossy.sh", body);
    let _session = Session::start(
        &dir,
        &format!("{{ {via}, name = 'far', cpu = 1, ping_timeout = '4s', ending = '1s' }}"),
    );
    wait_for("a step", || dir.count("SELECT count(*) FROM metrics") > 0);
    let first = workers(&dir);
    assert_eq!(first.len(), 1);
    dir.write("lost", "");
    wait_for("the trial begins again", || {
        dir.count("SELECT count(*) FROM attempts") > 1
    });
    assert!(!workers(&dir).contains(&first[0]), "two workers train it");
    let outcome = "SELECT outcome || ' ' || exit_code FROM attempts WHERE number = 1";
    assert_eq!(dir.text(outcome), "crashed 255");
}

#[test]
fn pings_keep_a_worker_alive_whose_trial_says_nothing() {
    let dir = TestDir::empty();
    dir.write("train.sh", "sleep 3; echo loss=0.5\n");
    dir.write(
        "small.toml",
        "[experiment]\nseeds = [1]\n[program]\ncommand = [\"sh\", \"train.sh\"]\n\
         objective = { metric = \"loss\", goal = \"min\" }\n",
    );
    run(&dir, "{ via = ['env'], cpu = 1, ping_timeout = '1s' }", 0);
    assert_eq!(dir.count("SELECT count(*) FROM attempts"), 1);
}

#[test]
fn a_stop_waits_for_workers_elsewhere_to_write_their_checkpoints() {
    let dir = test_dir(ENDLESS);
    let mut session = Session::start(&dir, "{ via = ['env'], cpu = 2 }");
    wait_for("steps of both", || {
        dir.count("SELECT count(DISTINCT trial) FROM metrics") == 2
    });
    dir.succeed(&["stop", "small"]);
    wait_for("the session ends", || {
        session.0.try_wait().unwrap().is_some()
    });
    assert!(workers(&dir).is_empty());
    let outcomes = "SELECT group_concat(outcome, ' ') FROM attempts";
    assert_eq!(dir.text(outcomes), "interrupted interrupted");
    let checkpoints = fs::read_dir(dir.path("runs/trials")).unwrap().flatten();
    let with = checkpoints.filter(|trial| {
        let mut files = fs::read_dir(trial.path()).unwrap().flatten();
        files.any(|file| file.file_name().to_string_lossy().starts_with("checkpoint"))
    });
    assert_eq!(with.count(), 2);
}
