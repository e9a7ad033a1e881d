//! Keeps prepared data from being cleaned up while it is prepared.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

use super::holder::{RETRY_INTERVAL, open};
use sweep_core::atomic_fs;
use sweep_core::run_dir::RunDir;

/// How long those who clean up wait for data that are being prepared.
const PREPARATION_TIMEOUT: Duration = Duration::from_secs(5);

/// Keeps prepared data from being cleaned up before the database knows of them.
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
                    std::thread::sleep(RETRY_INTERVAL);
                }
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// The database knows of the data now.
    pub fn release(&self) {
        if let Some(file) = &self.file {
            // What cannot be let go of now is with the end of the process.
            let _ = file.unlock();
        }
    }
}

fn data_lock(runs: &Path) -> std::io::Result<File> {
    let run_dir = RunDir::new(runs);
    atomic_fs::create_folder(&run_dir.locks())?;
    open(&run_dir.data_lock())
}
