//! Folders and files that go away, are moved, or cannot be written.

use std::fs;

use super::mounts::{Mounted, with_own_mounts};
use super::running::{EPOCHS, remove_folder, start, succeed, test_dir, undisturbed};
use crate::common::{DATABASE, results};

#[test]
fn a_database_that_was_moved_away_ends_the_sweep_which_resumes_once_it_is_put_back() {
    let bench = test_dir(EPOCHS);
    let sweep = start(&bench, 60);
    fs::rename(bench.path(DATABASE), bench.path("elsewhere")).unwrap();
    let (code, said) = sweep.end();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("was moved, removed or replaced"), "{said}");
    assert!(said.contains("sweep resume"), "{said}");
    fs::rename(bench.path("elsewhere"), bench.path(DATABASE)).unwrap();
    succeed(&bench, &["resume"]);
    assert_eq!(results(&bench), undisturbed());
}

#[test]
fn a_run_folder_that_was_deleted_ends_the_sweep_and_it_can_be_run_anew() {
    let bench = test_dir(EPOCHS);
    let sweep = start(&bench, 60);
    remove_folder(&bench.path("runs"));
    let (code, said) = sweep.end();
    assert_eq!(code, Some(1), "{said}");
    // Models may go a moment before the database does.
    let told = ["was moved, removed or replaced", "a model cannot be kept"];
    assert!(told.iter().any(|words| said.contains(words)), "{said}");
    remove_folder(&bench.path("runs"));
    let said = bench.fail(&["resume"], 1);
    assert!(
        said.contains("there is no database at runs/sweep.sqlite"),
        "{said}"
    );
    succeed(&bench, &["run", "small.toml"]);
    assert_eq!(results(&bench), undisturbed());
}

#[test]
fn models_that_were_deleted_under_a_sweep_are_trained_again_where_they_were_not_recorded() {
    let bench = test_dir(EPOCHS);
    let sweep = start(&bench, 60);
    remove_folder(&bench.path("runs/trials"));
    let (code, said) = sweep.end();
    // A trial whose folder is made again in time is none the worse for it.
    if code != Some(0) {
        assert!(matches!(code, Some(1 | 3)), "{code:?}: {said}");
        assert!(said.contains("runs/trials"), "{said}");
        succeed(&bench, &["resume", "--retry-failed"]);
    }
    assert_eq!(results(&bench), undisturbed());
}

#[test]
fn prepared_data_that_were_deleted_are_made_again() {
    let bench = test_dir(EPOCHS);
    let sweep = start(&bench, 60);
    remove_folder(&bench.path("runs/data"));
    sweep.interrupt();
    let (code, said) = sweep.end();
    assert_eq!(code, Some(130), "{said}");
    succeed(&bench, &["resume"]);
    assert_eq!(results(&bench), undisturbed());
}

#[test]
fn a_folder_that_cannot_be_written_is_read_and_a_sweep_in_it_is_refused() {
    with_own_mounts("a read-only folder", || {
        let bench = test_dir(1);
        succeed(&bench, &["run", "small.toml"]);
        let mounted = Mounted::read_only(&bench.path("runs"));
        let said = bench.fail(&["run", "small.toml"], 1);
        assert!(said.contains("Read-only file system"), "{said}");
        assert!(succeed(&bench, &["ls"]).0.contains("small"));
        assert!(succeed(&bench, &["report"]).0.contains("index.html"));
        let (planned, said) = succeed(
            &bench,
            &["plan", "small.toml", "--set", "data.split.seed=5"],
        );
        assert!(planned.contains("to train"), "{planned}");
        assert!(said.contains("runs cannot be written"), "{said}");
        let (found, _) = succeed(&bench, &["doctor"]);
        assert!(
            found.contains("read-only: no sweep can be run here"),
            "{found}"
        );
        assert!(found.contains("free, not writable"), "{found}");
        let said = bench.fail(&["report", "--test"], 1);
        assert!(said.contains("can only be read"), "{said}");
        drop(mounted);
        let (_, said) = succeed(&bench, &["resume"]);
        assert!(said.contains("nothing left to train"), "{said}");
    });
}
