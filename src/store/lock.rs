//! One sweep of an experiment at a time.
//!
//! The kernel holds the lock for the process and lets go of it however the process ends, so a lock
//! file that is there says nothing: only one that is locked does. Only who holds it removes it, and who
//! gets it makes sure that it still stands under its name.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::database::identity;
use super::now_ms;
use super::stop_request::StopRequest;
use sweep_core::run_dir::{RunDir, RunFile, is_experiment_name};
use sweep_core::signals;

/// How long a lock is tried for that another process may only be looking at.
const PROBE_TIMEOUT: Duration = Duration::from_millis(200);
/// How long those who clean up wait for data that are being prepared.
const PREPARATION_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause between two tries.
const PAUSE: Duration = Duration::from_millis(5);

/// The lock of one experiment in one folder of runs; let go when dropped.
#[derive(Debug)]
pub struct SweepLock {
    request: StopRequest,
    /// The lock lives as long as this descriptor.
    _file: File,
    path: PathBuf,
}

/// Who holds a lock, as written inside the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockHolder {
    pub pid: u32,
    pub host: String,
    /// Milliseconds since 1970, UTC.
    pub since_ms: i64,
}

/// Why the lock was not got.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error(
        "experiment `{experiment}` is being run {}: {}",
        holder.as_ref().map_or("by another process".to_owned(), LockHolder::to_string),
        match holder {
            Some(holder) if holder.is_suspended() => holder.how_to_continue(),
            _ => "wait for it, or stop it".to_owned(),
        }
    )]
    Held {
        experiment: String,
        /// `None` when it has locked the file, but not yet written who it is.
        holder: Option<LockHolder>,
    },
    #[error(
        "`{experiment}` cannot be the name of an experiment: allowed are letters, digits, `.`, `_` \
         and `-`"
    )]
    Name { experiment: String },
    #[error("cannot lock {}: {source}", path.display())]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
}

impl std::fmt::Display for LockHolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let age = u64::try_from(now_ms().saturating_sub(self.since_ms)).unwrap_or(0);
        write!(
            f,
            "by process {} on {}, begun {} ago",
            self.pid,
            // Another machine wrote it, or anybody.
            self.host.escape_debug(),
            shown(Duration::from_millis(age))
        )
    }
}

impl LockHolder {
    /// Whether the process is stopped (Ctrl-Z, SIGSTOP), so that it can do nothing that it is asked for. Known of
    /// processes of this machine alone.
    pub fn is_suspended(&self) -> bool {
        self.host == host_name() && signals::is_stopped(self.pid)
    }

    /// What to do about a process that is suspended.
    pub fn how_to_continue(&self) -> String {
        format!(
            "it is suspended; `fg` in its terminal or `kill -CONT {}` continues it",
            self.pid
        )
    }

    /// Whether the process of this number on this machine has the lock file of `experiment` open: the
    /// number may be that of another process by now.
    pub fn has_locked(&self, runs: &Path, experiment: &str) -> bool {
        let Ok(path) = path_of(runs, experiment) else {
            return false;
        };
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.pid));
        let mut files = open.into_iter().flatten().flatten();
        let wanted = identity(&path);
        wanted.is_some() && files.any(|file| identity(&file.path()) == wanted)
    }
}

impl SweepLock {
    /// Takes the lock of `experiment` in the folder `runs`, or says at once who has it.
    pub fn acquire(runs: &Path, experiment: &str) -> Result<SweepLock, LockError> {
        let path = path_of(runs, experiment)?;
        let fail = |source| LockError::Io {
            path: path.clone(),
            source,
        };
        std::fs::create_dir_all(RunDir::new(runs).locks()).map_err(fail)?;
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
                // It may be that of a process that only looks whether it is held.
                Err(TryLockError::WouldBlock) if begin.elapsed() < PROBE_TIMEOUT => {
                    thread::sleep(PAUSE)
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

/// Who runs `experiment` in the folder `runs` now, if anybody does.
pub fn holder_of(runs: &Path, experiment: &str) -> Result<Option<LockHolder>, LockError> {
    let path = path_of(runs, experiment)?;
    let fail = |source| LockError::Io {
        path: path.clone(),
        source,
    };
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(error)),
    };
    let begin = Instant::now();
    loop {
        // Shared, so that two who look do not take each other for a holder.
        match file.try_lock_shared() {
            Ok(()) => return Ok(None),
            Err(TryLockError::Error(source)) => return Err(fail(source)),
            Err(TryLockError::WouldBlock) => {}
        }
        match holder(&mut file) {
            Some(held) => return Ok(Some(held)),
            // It is about to write who it is.
            None if begin.elapsed() < PROBE_TIMEOUT => thread::sleep(PAUSE),
            None => {
                return Err(LockError::Held {
                    experiment: experiment.to_owned(),
                    holder: None,
                });
            }
        }
    }
}

/// The experiments of the folder `runs` that are being run now, by name.
pub fn running_experiments(runs: &Path) -> Vec<String> {
    let runs_dir = RunDir::new(runs);
    let entries = std::fs::read_dir(runs_dir.locks()).into_iter().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| match runs_dir.classify(&entry.ok()?.path()) {
            Some(RunFile::Lock(experiment)) => Some(experiment),
            _ => None,
        })
        .filter(|name| !matches!(holder_of(runs, name), Ok(None)))
        .collect();
    names.sort();
    names
}

/// The lock file of `experiment`, whose name must not lead out of its folder.
pub(super) fn path_of(runs: &Path, experiment: &str) -> Result<PathBuf, LockError> {
    match is_experiment_name(experiment) {
        true => Ok(RunDir::new(runs).lock(experiment)),
        false => Err(LockError::Name {
            experiment: experiment.to_owned(),
        }),
    }
}

/// Keeps prepared data from being cleaned up before the record knows of them.
#[derive(Debug)]
pub struct DataLock {
    /// `None` where no lock can be made: there, nothing can be removed either.
    file: Option<File>,
}

impl DataLock {
    /// Shared by all that prepare data in the folder `runs`.
    pub fn shared(runs: &Path) -> DataLock {
        let file = data_lock(runs).and_then(|file| file.lock_shared().map(|()| file));
        DataLock { file: file.ok() }
    }

    /// Held alone by whoever cleans up; `None` while data are being prepared.
    pub fn exclusive(runs: &Path) -> std::io::Result<Option<DataLock>> {
        let file = data_lock(runs)?;
        let deadline = Instant::now() + PREPARATION_TIMEOUT;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(DataLock { file: Some(file) })),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    std::thread::sleep(PAUSE);
                }
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// The record knows of the data now.
    pub fn release(&self) {
        if let Some(file) = &self.file {
            // What cannot be let go of now is with the end of the process.
            let _ = file.unlock();
        }
    }
}

fn data_lock(runs: &Path) -> std::io::Result<File> {
    let run_dir = RunDir::new(runs);
    std::fs::create_dir_all(run_dir.locks())?;
    open(&run_dir.data_lock())
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

/// Whether `file` is what stands at `path`.
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let own = file.metadata().ok().map(|file| (file.dev(), file.ino()));
    own.is_some() && own == identity(path)
}

/// The name of this machine.
pub fn host_name() -> String {
    /// POSIX allows 255 bytes.
    const LONGEST: usize = 256;
    let mut name = [0_u8; LONGEST];
    // SAFETY: the buffer is writable for the length given, and its last byte is kept out of reach,
    // so that it ends in a zero however long the name is.
    let status = unsafe { libc::gethostname(name.as_mut_ptr().cast(), LONGEST - 1) };
    let end = name.iter().position(|&byte| byte == 0).unwrap_or(LONGEST);
    match status == 0 && end > 0 {
        true => String::from_utf8_lossy(&name[..end]).into_owned(),
        false => "unknown".to_owned(),
    }
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

/// Who wrote into `file`; `None` while the holder is still about to.
fn holder(file: &mut File) -> Option<LockHolder> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// A length of time in its largest unit.
fn shown(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}

#[cfg(test)]
mod tests {
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
    fn a_look_at_a_lock_tells_its_holder_and_leaves_it_alone() {
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

    #[test]
    fn the_holder_is_shown_with_its_age() {
        let held = LockHolder {
            pid: 7,
            host: "box".to_owned(),
            since_ms: now_ms() - 3 * 3_600_000 - 1_000,
        };
        assert_eq!(held.to_string(), "by process 7 on box, begun 3 h ago");
        assert_eq!(shown(Duration::from_secs(59)), "59 s");
        assert_eq!(shown(Duration::from_secs(3_599)), "59 min");
    }
}
