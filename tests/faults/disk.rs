//! Full disks.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::thread::sleep;
use std::time::Duration;

use super::mounts::{Mounted, fill, with_own_mounts};
use super::running::{EPOCHS, small, start, start_by, succeed, test_dir, undisturbed};
use crate::common::{DATABASE, TestDir, results};

/// The database in a file system of 12 MB, the models in another.
fn dir_on_a_small_disk() -> (TestDir, [Mounted; 2]) {
    let dir = test_dir(EPOCHS);
    let disk = Mounted::memory(&dir.path("runs"), 12 << 20);
    let models = Mounted::memory(&dir.path("runs/trials"), 64 << 20);
    (dir, [models, disk])
}

#[test]
fn a_full_disk_holds_work_back_until_there_is_space_and_nothing_is_lost() {
    with_own_mounts("a sweep on a full disk", || {
        let (dir, _mounts) = dir_on_a_small_disk();
        let mut sweep = start(&dir, 60);
        let ballast = fill(&dir.path("runs"), 0);
        sweep.wait_for("the database cannot be written");
        assert!(
            sweep.said().contains("there is no space left for"),
            "{}",
            sweep.said()
        );
        // Trials make their folders when they begin: none does while the database cannot be written.
        sleep(Duration::from_secs(1));
        let begun = || fs::read_dir(dir.path("runs/trials")).unwrap().count();
        let before = begun();
        sleep(Duration::from_secs(2));
        assert_eq!(begun(), before);
        fs::remove_file(ballast).unwrap();
        sweep.wait_for("the database can be written again");
        let (code, said) = sweep.end();
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(
            said.matches("the database cannot be written").count(),
            1,
            "it is told once: {said}"
        );
        assert_eq!(dir.count("SELECT count(*) FROM attempts"), 10);
        assert_eq!(results(&dir), undisturbed());
    });
}

#[test]
fn a_stop_on_a_full_disk_says_what_was_not_recorded_and_resume_goes_on() {
    with_own_mounts("a stop on a full disk", || {
        let (dir, _mounts) = dir_on_a_small_disk();
        let mut sweep = start(&dir, 60);
        let ballast = fill(&dir.path("runs"), 0);
        sweep.wait_for("the database cannot be written");
        sweep.interrupt();
        let (code, said) = sweep.end();
        assert_eq!(code, Some(1), "{said}");
        assert!(
            said.contains("no space left") && said.contains("sweep resume"),
            "{said}"
        );
        fs::remove_file(ballast).unwrap();
        succeed(&dir, &["resume"]);
        assert_eq!(results(&dir), undisturbed());
    });
}

#[test]
fn a_sweep_that_begins_on_a_full_disk_is_refused_with_one_message() {
    with_own_mounts("a begin on a full disk", || {
        let (dir, _mounts) = dir_on_a_small_disk();
        let ballast = fill(&dir.path("runs"), 0);
        let output = dir.run(&["run", "small.toml"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success());
        assert!(said.contains("o space left"), "{said}");
        fs::remove_file(ballast).unwrap();
        succeed(&dir, &["run", "small.toml"]);
        assert_eq!(dir.count("SELECT count(*) FROM attempts"), 10);
    });
}

#[test]
fn a_full_disk_refuses_the_migration_of_a_database_and_leaves_it_as_it_is() {
    with_own_mounts("an upgrade on a full disk", || {
        let (dir, _mounts) = dir_on_a_small_disk();
        dir.write("small.toml", small(1));
        succeed(&dir, &["run", "small.toml"]);
        let old = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/store/v2.db");
        fs::copy(old, dir.path(DATABASE)).unwrap();
        let ballast = fill(&dir.path("runs"), 50_000);
        let said = dir.fail(&["run", "small.toml"], 1);
        assert!(
            said.contains("no space left") && said.contains("bak"),
            "{said}"
        );
        assert_eq!(
            fs::read(dir.path(DATABASE)).unwrap(),
            fs::read(old).unwrap()
        );
        let names = fs::read_dir(dir.path("runs")).unwrap();
        let left = names.filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_string_lossy().contains("bak")
        });
        assert_eq!(left.count(), 0, "half a copy is none");
        assert!(succeed(&dir, &["ls"]).0.contains("songs"));

        fs::remove_file(ballast).unwrap();
        let (_, said) = succeed(&dir, &["run", "small.toml"]);
        assert!(said.contains("sweep.sqlite.v2.bak"), "{said}");
    });
}

/// The limit to the size of files of `process`, 0 for the calling one, in bytes.
fn limit_file_size(process: i32, bytes: u64) -> std::io::Result<()> {
    let limit = libc::rlimit {
        rlim_cur: bytes,
        rlim_max: libc::RLIM_INFINITY,
    };
    let no_answer = std::ptr::null_mut();
    // SAFETY: `limit` outlives the call that reads it, and no answer is asked for. It may be called between fork and
    // exec.
    match unsafe { libc::prlimit(process, libc::RLIMIT_FSIZE, &raw const limit, no_answer) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

/// Has `command` run under a limit to the size of files, as `ulimit -f` sets it.
fn under_limit(command: &mut std::process::Command, bytes: u64) {
    // SAFETY: see `limit_file_size`.
    unsafe { command.pre_exec(move || limit_file_size(0, bytes)) };
}

#[test]
fn a_limit_to_the_size_of_files_holds_work_back_until_it_is_raised() {
    let dir = test_dir(EPOCHS);
    // The database, empty, fits.
    let mut sweep = start_by(&dir, 0, |command| under_limit(command, 500 << 10));
    sweep.wait_for("the database cannot be written");
    let said = sweep.said();
    assert!(
        said.contains("ulimit -f") && said.contains("prlimit"),
        "{said}"
    );
    sleep(Duration::from_secs(1));
    limit_file_size(sweep.pid(), libc::RLIM_INFINITY).unwrap();
    sweep.wait_for("the database can be written again");
    let (code, said) = sweep.end();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(
        said.matches("the database cannot be written").count(),
        1,
        "{said}"
    );
    assert_eq!(dir.count("SELECT count(*) FROM attempts"), 10);
    assert_eq!(results(&dir), undisturbed());
}

#[test]
fn a_stop_at_the_limit_to_the_size_of_files_is_resumed_without_it() {
    let dir = test_dir(EPOCHS);
    let mut sweep = start_by(&dir, 0, |command| under_limit(command, 500 << 10));
    sweep.wait_for("the database cannot be written");
    sweep.interrupt();
    let (code, said) = sweep.end();
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("ulimit -f") && said.contains("sweep resume"),
        "{said}"
    );
    succeed(&dir, &["resume"]);
    assert_eq!(results(&dir), undisturbed());
}

#[test]
fn a_sweep_that_begins_at_the_limit_to_the_size_of_files_is_refused_with_one_message() {
    let dir = test_dir(EPOCHS);
    for bytes in [1, 20 << 10, 100 << 10] {
        let mut command = dir.command(&["run", "small.toml"]);
        under_limit(&mut command, bytes);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{bytes}: {said}");
        assert!(
            said.contains("ulimit -f") || said.contains("File too large"),
            "{bytes}: {said}"
        );
    }
    dir.write("small.toml", small(2));
    succeed(&dir, &["run", "small.toml"]);
    assert_eq!(dir.count("SELECT count(*) FROM attempts"), 10);
}
