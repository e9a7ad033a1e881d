//! Which engine trains on which slots, as a user meets it where there is neither libtorch nor a GPU.

use crate::common::{DATABASE, TestDir};

const EXPERIMENT: &str = "\
[data]
path = \"demo.csv\"
target = \"playlist_genre\"
group = \"track_id\"
missing = \"drop\"
[model]
layers = [8]
epochs = 1
";

/// What `sweep run` says of an experiment with this `[schedule]` and these flags, and its exit code, with no GPU and no
/// torch worker in reach.
fn refusal(schedule: &str, flags: &[&str]) -> (Option<i32>, String) {
    let mut place = TestDir::with_data(300);
    place.set("SWEEP_TORCH_WORKER", place.path("no-such-worker"));
    place.set("CUDA_VISIBLE_DEVICES", "");
    place.write(
        "small.toml",
        format!("{EXPERIMENT}[schedule]\n{schedule}\n"),
    );
    let mut arguments = vec!["run", "small.toml"];
    arguments.extend(flags);
    let output = place.run(&arguments);
    let begun = place.path(DATABASE).exists();
    assert!(
        output.status.success() || !begun,
        "refused before anything is recorded"
    );
    let said = String::from_utf8_lossy(&output.stderr);
    // Lines of messages are wrapped.
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    (output.status.code(), said.replace("│ ", ""))
}

#[test]
fn without_its_worker_the_torch_engine_is_refused_with_the_command_that_brings_it() {
    for (schedule, flags) in [
        ("engine = \"torch\"", [].as_slice()),
        ("", &["--engine", "torch"]),
    ] {
        let (code, said) = refusal(schedule, flags);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("no-such-worker"), "{said}");
        assert!(said.contains("make torch"), "{said}");
        assert!(said.contains("--engine native"), "{said}");
    }
}

#[test]
fn gpus_that_are_not_there_are_refused_by_number() {
    let (code, said) = refusal("slots = { cpu = 1, cuda = [3] }", &[]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("there is no GPU 3"), "{said}");
    let (code, said) = refusal("slots = { cuda = \"all\" }", &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("none was found"), "{said}");
    let (code, said) = refusal("", &["--slots", "cuda:0", "--engine", "native"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("trains on CPUs only"), "{said}");
}

#[test]
fn what_is_left_to_auto_trains_where_there_is_neither() {
    let (code, said) = refusal("engine = \"auto\"\nslots = { cpu = 1 }", &[]);
    assert_eq!(code, Some(0), "{said}");
}
