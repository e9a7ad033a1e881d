//! Asking the process that runs an experiment to stop, from another process or another machine.
//!
//! A request is a small file beside the lock, `EXPERIMENT.stop`. It names the holder it is meant for, so
//! that one that was left behind stops no other process, and saying the same twice changes nothing.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::holder::{LockError, LockHolder, path_of};
use sweep_core::atomic_fs;

/// Asks the process that holds a lock to stop, and tells that process of it.
#[derive(Debug, Clone)]
pub struct StopRequest {
    path: PathBuf,
    holder: LockHolder,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum StopMode {
    /// Let running trials write a checkpoint.
    #[serde(rename = "clean")]
    Graceful,
    /// End workers at once.
    #[serde(rename = "at_once")]
    Immediate,
}

#[derive(Serialize, Deserialize)]
struct Request {
    stop: StopMode,
    /// Whom it is meant for.
    holder: LockHolder,
}

impl StopRequest {
    /// The request to the holder of the lock file at `lock`.
    pub(super) fn new(lock: &Path, holder: LockHolder) -> StopRequest {
        let path = lock.with_extension("stop");
        StopRequest { path, holder }
    }

    /// The request to `holder`, which runs `experiment` in the folder `runs`.
    pub fn to(runs: &Path, experiment: &str, holder: LockHolder) -> Result<StopRequest, LockError> {
        Ok(StopRequest::new(&path_of(runs, experiment)?, holder))
    }

    /// Asks the holder to stop. A request to stop at once is not taken back by a later, milder one.
    pub fn send(&self, mode: StopMode) -> std::io::Result<()> {
        if self.pending() == Some(StopMode::Immediate) {
            return Ok(());
        }
        let request = Request {
            stop: mode,
            holder: self.holder.clone(),
        };
        // A file that is there has been written: the holder never reads half a request.
        let text = serde_json::to_vec(&request)?;
        atomic_fs::write_unsynced(&self.path, &text)
    }

    /// What the holder has been asked for and not yet ended upon.
    pub fn pending(&self) -> Option<StopMode> {
        let text = std::fs::read(&self.path).ok()?;
        let request: Request = serde_json::from_slice(&text).ok()?;
        (request.holder == self.holder).then_some(request.stop)
    }

    /// Removes what was asked for, for whomever it was meant. Only who holds the lock may do that.
    pub(super) fn clear(&self) {
        // One that stays names a process that is gone, and stops nothing.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{SweepLock, holder_of};
    use super::*;

    #[test]
    fn a_request_reaches_the_holder_of_the_lock_and_goes_with_it() {
        let runs = tempfile::tempdir().unwrap();
        let lock = SweepLock::acquire(runs.path(), "genres").unwrap();
        let own = lock.stop_request();
        assert_eq!(own.pending(), None);

        let holder = holder_of(runs.path(), "genres").unwrap().unwrap();
        let asked = StopRequest::to(runs.path(), "genres", holder).unwrap();
        for (mode, pending) in [
            (StopMode::Graceful, StopMode::Graceful),
            (StopMode::Immediate, StopMode::Immediate),
            (StopMode::Graceful, StopMode::Immediate),
        ] {
            asked.send(mode).unwrap();
            assert_eq!(own.pending(), Some(pending));
        }
        let files = || {
            std::fs::read_dir(runs.path().join("locks"))
                .unwrap()
                .count()
        };
        assert_eq!(files(), 2);
        drop(lock);
        assert_eq!(files(), 1);
    }

    #[test]
    fn a_request_to_another_process_stops_nothing() {
        let runs = tempfile::tempdir().unwrap();
        let lock = SweepLock::acquire(runs.path(), "genres").unwrap();
        let gone = LockHolder {
            pid: 1,
            host: "elsewhere".to_owned(),
            since_ms: 0,
        };
        let asked = StopRequest::to(runs.path(), "genres", gone).unwrap();
        asked.send(StopMode::Immediate).unwrap();
        assert_eq!(lock.stop_request().pending(), None);
        assert!(StopRequest::to(runs.path(), "../genres", lock.stop_request().holder).is_err());
    }
}
