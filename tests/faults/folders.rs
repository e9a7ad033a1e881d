//! Folders and files that go away, are moved, or cannot be written.

use std::fs;

use super::mounts::{Mounted, with_own_mounts};
use super::running::{EPOCHS, remove_folder, start, succeed, test_dir, undisturbed};
use crate::common::{DATABASE, results};

#[test]
fn a_database_that_was_moved_away_ends_the_sweep_which_resumes_once_it_is_put_back() {
    let dir = test_dir(EPOCHS);
    let sweep = start(&dir, 60);
    fs::rename(dir.path(DATABASE), dir.path("elsewhere")).unwrap();
    let (code, said) = sweep.end();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("was moved, removed or replaced"), "{said}");
    assert!(said.contains("sweep resume"), "{said}");
    fs::rename(dir.path("elsewhere"), dir.path(DATABASE)).unwrap();
    succeed(&dir, &["resume"]);
    assert_eq!(results(&dir), undisturbed());
}

#[test]
fn a_run_folder_that_was_deleted_ends_the_sweep_and_it_can_be_run_anew() {
    let dir = test_dir(EPOCHS);
    let sweep = start(&dir, 60);
    remove_folder(&dir.path("runs"));
    let (code, said) = sweep.end();
    assert_eq!(code, Some(1), "{said}");
    // Models may go a moment before the database does.
    let told = ["was moved, removed or replaced", "a model cannot be kept"];
    assert!(told.iter().any(|words| said.contains(words)), "{said}");
    remove_folder(&dir.path("runs"));
    let said = dir.fail(&["resume"], 1);
    assert!(
        said.contains("there is no database at runs/sweep.sqlite"),
        "{said}"
    );
    succeed(&dir, &["run", "small.toml"]);
    assert_eq!(results(&dir), undisturbed());
}

#[test]
fn models_that_were_deleted_under_a_sweep_are_trained_again_where_they_were_not_recorded() {
    let dir = test_dir(EPOCHS);
    let sweep = start(&dir, 60);
    remove_folder(&dir.path("runs/trials"));
    let (code, said) = sweep.end();
    // A trial whose folder is made again in time is none the worse for it.
    if code != Some(0) {
        assert!(matches!(code, Some(1 | 3)), "{code:?}: {said}");
        assert!(said.contains("runs/trials"), "{said}");
        succeed(&dir, &["resume", "--retry-failed"]);
    }
    assert_eq!(results(&dir), undisturbed());
}

#[test]
fn prepared_data_that_were_deleted_are_made_again() {
    let dir = test_dir(EPOCHS);
    let mut sweep = start(&dir, 60);
    // A trial whose worker opens the data only afterwards fails.
    sweep.wait_for_both_workers(&dir);
    remove_folder(&dir.path("runs/data"));
    sweep.interrupt();
    let (code, said) = sweep.end();
    assert_eq!(code, Some(130), "{said}");
    succeed(&dir, &["resume"]);
    assert_eq!(results(&dir), undisturbed());
}

#[test]
fn a_folder_that_cannot_be_written_is_read_and_a_sweep_in_it_is_refused() {
    with_own_mounts("a read-only folder", || {
        let dir = test_dir(1);
        succeed(&dir, &["run", "small.toml"]);
        let mounted = Mounted::read_only(&dir.path("runs"));
        let said = dir.fail(&["run", "small.toml"], 1);
        assert!(said.contains("Read-only file system"), "{said}");
        assert!(succeed(&dir, &["ls"]).0.contains("small"));
        assert!(succeed(&dir, &["report"]).0.contains("index.html"));
        let (planned, said) = succeed(&dir, &["plan", "small.toml", "--set", "data.split.seed=5"]);
        assert!(planned.contains("to train"), "{planned}");
        assert!(said.contains("runs cannot be written"), "{said}");
        let (found, _) = succeed(&dir, &["doctor"]);
        assert!(
            found.contains("read-only: no sweep can be run here"),
            "{found}"
        );
        assert!(found.contains("free, not writable"), "{found}");
        let said = dir.fail(&["report", "--test"], 1);
        assert!(said.contains("can only be read"), "{said}");
        drop(mounted);
        let (_, said) = succeed(&dir, &["resume"]);
        assert!(said.contains("nothing left to train"), "{said}");
    });
}
