//! Who holds the lock of an experiment, as others see it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::clock::now_ms;
use crate::system::{identity, open_descriptors};
use sweep_core::run_dir::{RunDir, RunFile, is_experiment_name};
use sweep_core::signals;

/// How long a lock is tried for that another process may only be probing.
pub(super) const PROBE_TIMEOUT: Duration = Duration::from_millis(200);
/// Pause between two tries.
pub(super) const RETRY_INTERVAL: Duration = Duration::from_millis(5);

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
        identity(&path).is_some_and(|wanted| open_descriptors(self.pid, wanted).next().is_some())
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
        // Shared, so that two probes do not take each other for a holder.
        match file.try_lock_shared() {
            Ok(()) => return Ok(None),
            Err(TryLockError::Error(source)) => return Err(fail(source)),
            Err(TryLockError::WouldBlock) => {}
        }
        match holder(&mut file) {
            Some(held) => return Ok(Some(held)),
            // It is about to write who it is.
            None if begin.elapsed() < PROBE_TIMEOUT => thread::sleep(RETRY_INTERVAL),
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

pub(super) fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

/// The name of this machine.
pub fn host_name() -> String {
    /// POSIX allows 255 bytes.
    const MAX_LEN: usize = 256;
    let mut name = [0_u8; MAX_LEN];
    // SAFETY: the buffer is writable for the length given, and its last byte is kept out of reach,
    // so that it ends in a zero however long the name is.
    let status = unsafe { libc::gethostname(name.as_mut_ptr().cast(), MAX_LEN - 1) };
    let end = name.iter().position(|&byte| byte == 0).unwrap_or(MAX_LEN);
    match status == 0 && end > 0 {
        true => String::from_utf8_lossy(&name[..end]).into_owned(),
        false => "unknown".to_owned(),
    }
}

/// Who wrote into `file`; `None` while the holder is still about to.
pub(super) fn holder(file: &mut File) -> Option<LockHolder> {
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
