//! One sweep of an experiment at a time.
//!
//! The kernel holds the lock for the process and releases it however the process ends, so a lock
//! file that is there says nothing: only one that is locked does. Only who holds it removes it, and who
//! gets it makes sure that it still stands under its name.

use std::fs::{File, TryLockError};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use super::holder::{
    LockError, LockHolder, PROBE_TIMEOUT, RETRY_INTERVAL, holder, holder_of, host_name, open,
    path_of,
};
use super::stop_request::StopRequest;
use crate::clock::now_ms;
use crate::system::identity;
use sweep_core::atomic_fs;
use sweep_core::run_dir::RunDir;

/// The lock of one experiment in one folder of runs; let go when dropped.
#[derive(Debug)]
pub struct SweepLock {
    request: StopRequest,
    /// The lock lives as long as this descriptor.
    _file: File,
    path: PathBuf,
}

impl SweepLock {
    /// Takes the lock of `experiment` in the folder `runs`, or says at once who has it.
    pub fn acquire(runs: &Path, experiment: &str) -> Result<SweepLock, LockError> {
        let path = path_of(runs, experiment)?;
        let fail = |source| LockError::Io {
            path: path.clone(),
            source,
        };
        atomic_fs::create_folder(&RunDir::new(runs).locks()).map_err(fail)?;
        let begin = Instant::now();
        loop {
            let mut file = open(&path).map_err(fail)?;
            match file.try_lock() {
                // Its last holder may have removed it in the meantime.
                Ok(()) if !is_at(&file, &path) => {}
                Ok(()) => {
                    let held = write_holder(&mut file).map_err(fail)?;
                    let request = StopRequest::new(&path, held);
                    // One that was meant for a process that is gone.
                    request.clear();
                    return Ok(SweepLock {
                        request,
                        _file: file,
                        path,
                    });
                }
                // It may be that of a process that only probes whether it is held.
                Err(TryLockError::WouldBlock) if begin.elapsed() < PROBE_TIMEOUT => {
                    thread::sleep(RETRY_INTERVAL)
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(LockError::Held {
                        experiment: experiment.to_owned(),
                        holder: holder(&mut file),
                    });
                }
                Err(TryLockError::Error(source)) => return Err(fail(source)),
            }
        }
    }

    /// Where others ask the holder of this lock to stop.
    pub fn stop_request(&self) -> StopRequest {
        self.request.clone()
    }

    /// Whether somebody runs `experiment`.
    pub fn is_held(runs: &Path, experiment: &str) -> bool {
        !matches!(holder_of(runs, experiment), Ok(None))
    }

    /// Removes the file and lets go, for an experiment that is gone.
    pub fn remove(self) -> std::io::Result<()> {
        std::fs::remove_file(&self.path)
    }
}

impl Drop for SweepLock {
    fn drop(&mut self) {
        self.request.clear();
    }
}

/// Whether `file` is what stands at `path`.
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let own = file.metadata().ok().map(|file| (file.dev(), file.ino()));
    own.is_some() && own == identity(path)
}

/// Writes into the locked `file` who holds it.
fn write_holder(file: &mut File) -> std::io::Result<LockHolder> {
    let held = LockHolder {
        pid: std::process::id(),
        host: host_name(),
        since_ms: now_ms(),
    };
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(serde_json::to_string(&held)?.as_bytes())?;
    Ok(held)
}

#[cfg(test)]
mod tests {
    use super::super::{DataLock, running_experiments};
    use super::*;

    #[test]
    fn a_second_one_is_told_who_holds_the_lock_and_gets_it_when_let_go() {
        let runs = tempfile::tempdir().unwrap();
        let first = SweepLock::acquire(runs.path(), "genres").unwrap();
        let LockError::Held { experiment, holder } =
            SweepLock::acquire(runs.path(), "genres").unwrap_err()
        else {
            panic!("another error");
        };
        let holder = holder.unwrap();
        assert_eq!(experiment, "genres");
        assert_eq!(holder.pid, std::process::id());
        assert_eq!(holder.host, host_name());

        SweepLock::acquire(runs.path(), "other").unwrap();
        drop(first);
        SweepLock::acquire(runs.path(), "genres").unwrap();
    }

    #[test]
    fn reading_a_lock_tells_its_holder_and_leaves_it_alone() {
        let runs = tempfile::tempdir().unwrap();
        assert_eq!(holder_of(runs.path(), "genres").unwrap(), None);
        let lock = SweepLock::acquire(runs.path(), "genres").unwrap();
        let _other = SweepLock::acquire(runs.path(), "other").unwrap();
        let held = holder_of(runs.path(), "genres").unwrap().unwrap();
        assert_eq!(held.pid, std::process::id());
        assert!(held.has_locked(runs.path(), "genres"));
        assert!(!held.has_locked(runs.path(), "third"));
        let init = LockHolder { pid: 1, ..held };
        assert!(!init.has_locked(runs.path(), "genres"));
        assert_eq!(running_experiments(runs.path()), ["genres", "other"]);
        drop(lock);
        assert_eq!(holder_of(runs.path(), "genres").unwrap(), None);
        assert_eq!(running_experiments(runs.path()), ["other"]);
        SweepLock::acquire(runs.path(), "genres").unwrap();
    }

    #[test]
    fn a_lock_file_left_by_a_dead_process_locks_nothing() {
        let runs = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(runs.path().join("locks")).unwrap();
        let left = r#"{"pid":1,"host":"elsewhere-with-a-long-name","since_ms":0}"#;
        let path = runs.path().join("locks/genres.lock");
        std::fs::write(&path, left).unwrap();
        let _lock = SweepLock::acquire(runs.path(), "genres").unwrap();
        let held: LockHolder =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(held.pid, std::process::id());
    }

    #[test]
    fn a_lock_that_was_removed_is_made_anew_by_the_next() {
        let runs = tempfile::tempdir().unwrap();
        let first = SweepLock::acquire(runs.path(), "genres").unwrap();
        // Opened before it is removed, locked after.
        let path = runs.path().join("locks/genres.lock");
        let late = File::open(&path).unwrap();
        assert!(SweepLock::is_held(runs.path(), "genres"));
        first.remove().unwrap();
        assert!(!SweepLock::is_held(runs.path(), "genres"));
        late.try_lock().unwrap();
        assert!(!is_at(&late, &path));
        let _second = SweepLock::acquire(runs.path(), "genres").unwrap();
        assert!(path.is_file());
        SweepLock::acquire(runs.path(), "genres").unwrap_err();
    }

    #[test]
    fn data_in_the_making_are_not_cleaned_up() {
        let runs = tempfile::tempdir().unwrap();
        let first = DataLock::shared(runs.path());
        let second = DataLock::shared(runs.path());
        first.release();
        assert!(DataLock::exclusive(runs.path()).unwrap().is_none());
        drop(second);
        assert!(DataLock::exclusive(runs.path()).unwrap().is_some());
    }

    #[test]
    fn a_name_that_would_leave_the_folder_is_refused() {
        let runs = tempfile::tempdir().unwrap();
        for name in ["", "../genres", "a/b", "gen res"] {
            let error = SweepLock::acquire(runs.path(), name).unwrap_err();
            assert!(matches!(error, LockError::Name { .. }), "{name}: {error}");
        }
    }
}
