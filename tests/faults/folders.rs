//! Folders and files that go away, are moved, or cannot be written.

use std::fs;

use super::bench::{Bench, EPOCHS, RECORD, remove_folder, undisturbed};
use super::mounts::{Mounted, with_own_mounts};

#[test]
fn a_record_that_was_moved_away_ends_the_sweep_and_put_back_it_is_gone_on_with() {
    let bench = Bench::new(EPOCHS);
    let sweep = bench.start(60);
    fs::rename(bench.path(RECORD), bench.path("elsewhere")).unwrap();
    let (code, said) = sweep.end();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("was moved, removed or replaced"), "{said}");
    assert!(said.contains("sweep resume"), "{said}");
    fs::rename(bench.path("elsewhere"), bench.path(RECORD)).unwrap();
    bench.succeed(&["resume"]);
    assert_eq!(bench.results(), undisturbed());
}

#[test]
fn a_run_folder_that_was_deleted_ends_the_sweep_and_it_can_be_run_anew() {
    let bench = Bench::new(EPOCHS);
    let sweep = bench.start(60);
    remove_folder(&bench.path("runs"));
    let (code, said) = sweep.end();
    assert_eq!(code, Some(1), "{said}");
    // Models may go a moment before the record does.
    let told = ["was moved, removed or replaced", "a model cannot be kept"];
    assert!(told.iter().any(|words| said.contains(words)), "{said}");
    remove_folder(&bench.path("runs"));
    let said = bench.fail(&["resume"], 1);
    assert!(
        said.contains("there is no record at runs/sweep.sqlite"),
        "{said}"
    );
    bench.succeed(&["run", "small.toml"]);
    assert_eq!(bench.results(), undisturbed());
}

#[test]
fn models_that_were_deleted_under_a_sweep_are_trained_again_where_they_were_not_recorded() {
    let bench = Bench::new(EPOCHS);
    let sweep = bench.start(60);
    remove_folder(&bench.path("runs/trials"));
    let (code, said) = sweep.end();
    // A trial whose folder is made again in time is none the worse for it.
    if code != Some(0) {
        assert!(matches!(code, Some(1 | 3)), "{code:?}: {said}");
        assert!(said.contains("runs/trials"), "{said}");
        bench.succeed(&["resume", "--retry-failed"]);
    }
    assert_eq!(bench.results(), undisturbed());
}

#[test]
fn prepared_data_that_were_deleted_are_made_again() {
    let bench = Bench::new(EPOCHS);
    let sweep = bench.start(60);
    remove_folder(&bench.path("runs/data"));
    sweep.interrupt();
    let (code, said) = sweep.end();
    assert_eq!(code, Some(130), "{said}");
    bench.succeed(&["resume"]);
    assert_eq!(bench.results(), undisturbed());
}

#[test]
fn a_folder_that_cannot_be_written_is_read_and_a_sweep_in_it_is_refused() {
    with_own_mounts("a read-only folder", || {
        let bench = Bench::new(1);
        bench.succeed(&["run", "small.toml"]);
        let mounted = Mounted::read_only(&bench.path("runs"));
        let said = bench.fail(&["run", "small.toml"], 1);
        assert!(said.contains("Read-only file system"), "{said}");
        assert!(bench.succeed(&["ls"]).0.contains("small"));
        assert!(bench.succeed(&["report"]).0.contains("index.html"));
        let (planned, said) = bench.succeed(&["plan", "small.toml", "--set", "data.split.seed=5"]);
        assert!(planned.contains("to train"), "{planned}");
        assert!(said.contains("runs cannot be written"), "{said}");
        let (found, _) = bench.succeed(&["doctor"]);
        assert!(found.contains("it can only be read"), "{found}");
        assert!(found.contains("and it cannot be written"), "{found}");
        let said = bench.fail(&["report", "--test"], 1);
        assert!(said.contains("can only be read"), "{said}");
        drop(mounted);
        let (_, said) = bench.succeed(&["resume"]);
        assert!(said.contains("nothing left to train"), "{said}");
    });
}
