//! The output of a program: read for metrics, and kept for people.

use std::path::Path;

use sweep_core::bounded_log::{Log, Tail};
use sweep_core::run_dir;

/// How much is gathered before it is written.
const BUFFER: usize = 1 << 14;

/// What a program writes to standard output and standard error, in the folder of its trial.
pub struct Output {
    log: Log,
    tail: Tail,
    waiting: Vec<u8>,
}

impl Output {
    /// The output of an attempt at the trial in `folder`; added to that of earlier ones.
    pub fn new(folder: &Path) -> Output {
        let log = Log::new(&folder.join(run_dir::OUTPUT));
        Output {
            tail: log.tail(),
            log,
            waiting: Vec::new(),
        }
    }

    pub fn add(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= BUFFER {
            self.flush();
        }
    }

    /// Writes what waits.
    pub fn flush(&mut self) {
        if !self.waiting.is_empty() {
            self.log.add(&self.waiting);
            self.waiting.clear();
        }
    }

    /// The last lines.
    pub fn tail(&mut self) -> String {
        self.flush();
        self.tail.lines()
    }
}
