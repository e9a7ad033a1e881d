//! Disks that are full or read-only, folders that are removed, and requests that cannot be read.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use sweep_core::protocol::{FromWorker, ToWorker};
use sweep_core::trial::Kind;

use super::worker_process::{NEVER, TestWorker, kinds, models, no_space_once, spec, timeless};

#[test]
fn a_model_that_finds_no_space_is_held_back_and_written_once_there_is_some() {
    for kind in kinds() {
        let mut worker = TestWorker::new();
        let spec = spec(kind, 1);
        let folder = worker.trial(&spec);
        let (_, expected) = worker.finish(&spec, NEVER);
        let model = models(&folder);
        no_space_once(&folder, worker.pid);
        let (story, result) = worker.finish(&spec, NEVER);
        assert_eq!(timeless(result), timeless(expected), "{kind:?}");
        assert_eq!(models(&folder), model, "{kind:?}");
        assert!(story.waited >= 1, "{story:?}");
        assert!(story.notes[0].contains("No space left"), "{story:?}");
        assert!(story.notes[0].contains("kept in memory"), "{story:?}");
        assert!(story.notes[1].contains("space again"), "{story:?}");
    }
}

#[test]
fn a_stop_is_answered_while_a_model_is_held_back() {
    let mut worker = TestWorker::new();
    let spec = spec(Kind::MLP, 1);
    let folder = worker.trial(&spec);
    fs::create_dir_all(&folder).unwrap();
    // On a busy machine the stop may come too late, when there is space again.
    let interrupted = (0..20).any(|_| {
        no_space_once(&folder, worker.pid);
        worker.order(&spec, &folder, NEVER);
        while !matches!(worker.hear(), FromWorker::Warning { .. }) {}
        worker.send(&ToWorker::Stop);
        let (_, end) = worker.hear_out(|_| {});
        let (attempt, step) = (worker.attempts, None);
        end == FromWorker::Interrupted { attempt, step }
    });
    assert!(interrupted);
    // The worker is as good as new.
    let (_, result) = worker.finish(&spec, NEVER);
    assert_eq!(result.steps, 60);
}

#[test]
fn a_folder_that_is_removed_while_its_trial_trains_is_made_again() {
    let mut worker = TestWorker::new();
    let spec = spec(Kind::RANDOM_FOREST, 1);
    let folder = worker.trial(&spec);
    worker.order(&spec, &folder, NEVER);
    let mut gone = false;
    let (story, end) = worker.hear_out(|said| {
        if matches!(said, FromWorker::Progress { .. }) && !gone {
            gone = true;
            fs::remove_dir_all(&folder).unwrap();
        }
    });
    assert!(matches!(end, FromWorker::Finished { .. }), "{end:?}");
    assert_eq!(story.notes.len(), 1, "{story:?}");
    assert!(story.notes[0].contains("had been removed"), "{story:?}");
    assert_eq!(models(&folder).len(), 2);
}

#[test]
fn a_folder_that_cannot_be_written_is_refused_before_training_with_its_path() {
    let mut worker = TestWorker::new();
    let spec = spec(Kind::MLP, 1);
    let blocker = worker.folder.path().join("file");
    fs::write(&blocker, "").unwrap();
    let folder = blocker.join("trial");
    worker.order(&spec, &folder, NEVER);
    let (story, end) = worker.hear_out(|_| {});
    let FromWorker::Rejected { message, .. } = end else {
        panic!("{end:?}")
    };
    let expected = format!("cannot write in {}: ", folder.display());
    assert!(message.starts_with(&expected), "{message}");
    assert!(
        story.steps.is_empty() && story.notes.is_empty(),
        "{story:?}"
    );
    let (_, result) = worker.finish(&spec, NEVER);
    assert_eq!(result.steps, 60, "the worker continues");
}

#[test]
fn a_file_system_that_is_read_only_is_refused_before_training() {
    let mut worker = TestWorker::new();
    let mount = worker.folder.path().join("mount");
    fs::create_dir(&mount).unwrap();
    let run = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).arg(&mount).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if !run("mount", &["-t", "tmpfs", "-o", "ro", "tmpfs"]) {
        eprintln!("SKIPPED: file systems cannot be mounted here");
        return;
    }
    let spec = spec(Kind::MLP, 1);
    worker.order(&spec, &mount.join("trial"), NEVER);
    let (_, end) = worker.hear_out(|_| {});
    assert!(run("umount", &[]));
    let FromWorker::Rejected { message, .. } = end else {
        panic!("{end:?}")
    };
    assert!(message.contains("Read-only file system"), "{message}");
}

#[test]
fn a_disk_that_is_full_from_the_start_holds_a_trial_back_until_there_is_space() {
    let mut worker = TestWorker::new();
    let mount = worker.folder.path().join("mount");
    fs::create_dir(&mount).unwrap();
    let mut mounting = Command::new("mount");
    // No space for another file: the root folder and the one that fills it.
    mounting
        .args(["-t", "tmpfs", "-o", "nr_inodes=2", "tmpfs"])
        .arg(&mount);
    if !mounting
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
    {
        eprintln!("SKIPPED: file systems cannot be mounted here");
        return;
    }
    fs::write(mount.join("filler"), "").unwrap();
    let spec = spec(Kind::MLP, 1);
    worker.order(&spec, &mount.join("trial"), NEVER);
    let remount = mount.clone();
    let (story, end) = worker.hear_out(move |said| {
        if matches!(said, FromWorker::Warning { message, .. } if message.contains("No space left"))
        {
            let more = ["-o", "remount,nr_inodes=100"];
            let mut command = Command::new("mount");
            assert!(command.args(more).arg(&remount).status().unwrap().success());
        }
    });
    let models = models(&mount.join("trial")).len();
    assert!(
        Command::new("umount")
            .arg(&mount)
            .status()
            .unwrap()
            .success()
    );
    assert!(matches!(end, FromWorker::Finished { .. }), "{end:?}");
    assert_eq!(models, 2);
    assert!(story.waited >= 1 && story.notes.len() == 2, "{story:?}");
}

#[test]
fn an_order_that_cannot_be_read_ends_the_worker() {
    let mut worker = TestWorker::new();
    worker.orders.write_all(b"\xff\xfe{\n").unwrap();
    assert_eq!(worker.process.wait().unwrap().code(), Some(2));
}
