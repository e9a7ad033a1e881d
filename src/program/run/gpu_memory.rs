//! The memory that a program holds on GPUs, as `nvidia-smi` tells it.
//!
//! `nvidia-smi` takes a tenth of a second to seconds, so it runs beside the program and nobody waits for it. Invariant: it is
//! a child of this process and no process of the program, and is never counted as one.

use std::io::Read as _;
use std::os::fd::AsRawFd as _;
use std::process::{ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use crate::tree;

/// When it is asked first, and how long after each answer it is asked again.
const FIRST: Duration = Duration::from_millis(500);
const INTERVAL: Duration = Duration::from_secs(2);
/// Longest that an answer may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Most bytes of an answer that are read.
const MAX_ANSWER: u64 = 1 << 20;
/// It counts in MiB.
const UNIT: u64 = 1 << 20;

/// The most memory that the processes below this one held on GPUs at a time.
pub struct GpuMemory {
    /// When it is to be asked next; never on a machine without it, or of a program without GPUs.
    next: Option<Instant>,
    query: Option<Query>,
    peak: Option<u64>,
}

struct Query {
    pid: i32,
    began: Instant,
    output: ChildStdout,
    answer: Vec<u8>,
}

impl GpuMemory {
    /// Measures from `now` on, if the program uses GPUs.
    pub fn new(uses_gpus: bool, now: Instant) -> GpuMemory {
        GpuMemory {
            next: uses_gpus.then(|| now + FIRST),
            query: None,
            peak: None,
        }
    }

    /// Asks if it is time to, and reads what there is of an answer.
    pub fn turn(&mut self, now: Instant) {
        if let Some(query) = &mut self.query {
            query.read();
            if now.duration_since(query.began) > TIMEOUT {
                query.kill();
            }
        } else if self.next.is_some_and(|next| now >= next) {
            self.query = Query::start(now);
            if self.query.is_none() {
                self.next = None;
            }
        }
    }

    /// Takes notice that the child `pid` has ended with `status`; whether it was `nvidia-smi`.
    pub fn has_ended(&mut self, pid: i32, status: i32, now: Instant) -> bool {
        let Some(mut query) = self.query.take_if(|query| query.pid == pid) else {
            return false;
        };
        self.next = Some(now + INTERVAL);
        if status == 0 {
            query.read();
            let below = tree::descendants(std::process::id() as i32);
            let held = held_by(&String::from_utf8_lossy(&query.answer), &below);
            self.peak = self.peak.max(held);
        }
        true
    }

    /// The process that is no process of the program.
    pub fn pid(&self) -> Option<i32> {
        self.query.as_ref().map(|query| query.pid)
    }

    /// Asks no more, and takes away what still runs.
    pub fn end(&mut self) {
        self.next = None;
        if let Some(query) = self.query.take() {
            query.kill();
            tree::reap_soon(query.pid);
        }
    }

    /// Bytes; none if no process of the program was ever seen on a GPU.
    pub fn peak(&self) -> Option<u64> {
        self.peak
    }
}

impl Query {
    fn start(now: Instant) -> Option<Query> {
        let mut child = Command::new("nvidia-smi")
            .args([
                "--query-compute-apps=pid,used_memory",
                "--format=csv,noheader,nounits",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let output = child.stdout.take()?;
        // SAFETY: fcntl takes and gives plain numbers here; the descriptor is open.
        unsafe {
            let flags = libc::fcntl(output.as_raw_fd(), libc::F_GETFL);
            libc::fcntl(output.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK);
        }
        Some(Query {
            pid: child.id() as i32,
            began: now,
            output,
            answer: Vec::new(),
        })
    }

    /// Reads what is there, without waiting.
    fn read(&mut self) {
        let room = MAX_ANSWER.saturating_sub(self.answer.len() as u64);
        // That there is no more for now is an error too.
        let _ = (&mut self.output).take(room).read_to_end(&mut self.answer);
    }

    fn kill(&self) {
        // SAFETY: kill takes plain numbers; the child was not waited for.
        unsafe { libc::kill(self.pid, libc::SIGKILL) };
    }
}

/// Bytes of the processes `pids` on all GPUs, of lines `PID, MIB`; none if no line is of them. Where the driver does not tell
/// a process's memory, it has `[N/A]` in place of a number.
fn held_by(answer: &str, pids: &[i32]) -> Option<u64> {
    let held = answer.lines().filter_map(|line| {
        let (pid, held) = line.split_once(',')?;
        let pid: i32 = pid.trim().parse().ok()?;
        let held: u64 = held.trim().parse().ok()?;
        pids.contains(&pid).then_some(held.saturating_mul(UNIT))
    });
    held.reduce(u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_summed_over_the_processes_of_a_program_and_over_gpus() {
        let answer = "10, 100\n11, 20\n10, 3\n12, 5000\n13, [N/A]\n\nNo running processes found\n";
        let held = |pids: &[i32]| held_by(answer, pids).map(|bytes| bytes / UNIT);
        assert_eq!(held(&[10]), Some(103));
        assert_eq!(held(&[10, 11, 13, 99]), Some(123));
        assert_eq!(held(&[13]), None);
        assert_eq!(held(&[]), None);
        assert_eq!(held_by("10, 0\n", &[10]), Some(0));
    }
}
