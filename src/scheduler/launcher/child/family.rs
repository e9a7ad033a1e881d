//! The children of the coordinator: its workers, and what comes below it because a worker that ran a program is gone.

use std::collections::HashSet;
use std::io;
use std::process::Child;
use std::sync::{Mutex, PoisonError};

use sweep_program::{leftovers, tree};

/// Rounds in which orphans are ended: what an orphan leaves behind comes below the coordinator as well.
const MAX_ROUNDS: usize = 8;

/// The workers that are alive, and the name that processes of programs carry, if trials are programs.
#[derive(Debug, Default)]
pub(in crate::launcher) struct Family {
    owner: Option<String>,
    workers: Mutex<HashSet<i32>>,
}

impl Family {
    pub(in crate::launcher) fn new(owner: Option<String>) -> Family {
        Family {
            owner,
            workers: Mutex::default(),
        }
    }

    /// Has `spawn` start a worker, and remembers it: nobody takes it for an orphan meanwhile.
    pub(in crate::launcher) fn add(
        &self,
        spawn: impl FnOnce() -> io::Result<Child>,
    ) -> io::Result<Child> {
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let child = spawn()?;
        workers.insert(child.id() as i32);
        Ok(child)
    }

    /// Forgets a worker that has been reaped, and ends what its program has left behind.
    pub(in crate::launcher) fn remove(&self, worker: i32) {
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        workers.remove(&worker);
        let Some(owner) = &self.owner else {
            return;
        };
        for _ in 0..MAX_ROUNDS {
            let own = std::process::id() as i32;
            let below = tree::children(own).unwrap_or_default();
            let mut is_clear = true;
            for pid in below.into_iter().filter(|pid| !workers.contains(pid)) {
                is_clear &= !end(pid, owner);
            }
            if is_clear {
                return;
            }
        }
    }
}

/// Ends the orphan `pid` with all below it, if it carries the name `owner` or has ended already; whether it was one.
fn end(pid: i32, owner: &str) -> bool {
    let is_ours = tree::is_zombie(pid) || leftovers::carries(pid, owner);
    if is_ours {
        for pid in tree::descendants(pid).into_iter().chain([pid]) {
            // SAFETY: kill takes plain numbers. An orphan is a child that has not been reaped.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        }
        tree::reap_soon(pid);
    }
    is_ours
}
