//! The process of a worker and its group: put into one at the start, ended as a whole.
//!
//! Invariant: a signal goes to the group only while its leader has not been reaped, so that the number is
//! never that of somebody else.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use sweep_core::awake;
use sweep_core::process_memory as memory;
use sweep_core::signals::{self, Blocked};

/// How long a worker may live on after closing its standard output.
const EXIT_GRACE: Duration = Duration::from_secs(5);

/// Why the coordinator ended a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Killed {
    /// The dispatcher requested it.
    Requested,
    /// It held this many bytes of private memory, which is more than it may.
    MemoryLimit(u64),
    /// It did not read what it was sent.
    Unresponsive,
    /// It closed its output and lived on.
    StdoutClosed,
}

/// How a worker ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ended {
    pub exit_code: Option<i32>,
    pub signal: Option<i32>,
    /// Most bytes it ever held, with what it had mapped.
    pub peak: u64,
    /// Why the coordinator ended it, if it did.
    pub killed: Option<Killed>,
    /// Whether the kernel ended a process for want of memory since the worker last got an order.
    pub oom_kills: bool,
}

#[derive(Debug)]
struct Life {
    reaped: bool,
    killed: Option<Killed>,
    /// The kernel's count of such ends when the worker last got an order.
    oom_kills: Option<u64>,
}

/// A worker and whatever it has started, for all threads that deal with it.
#[derive(Debug)]
pub(super) struct Process {
    pid: libc::pid_t,
    life: Mutex<Life>,
    end: Condvar,
}

impl Process {
    /// A child of this process that leads a group of its own and has not been waited for.
    pub(super) fn new(pid: u32) -> Process {
        Process {
            pid: pid as libc::pid_t,
            life: Mutex::new(Life {
                reaped: false,
                killed: None,
                oom_kills: memory::oom_kills(),
            }),
            end: Condvar::new(),
        }
    }

    pub(super) fn pid(&self) -> i32 {
        self.pid
    }

    /// Bytes of private memory that the worker holds, as far as the system tells.
    pub(super) fn private_memory(&self) -> Option<u64> {
        memory::private(self.pid)
    }

    /// Ends the whole group at once, unless the worker has ended already.
    pub(super) fn kill(&self, why: Killed) {
        let mut life = self.life.lock().unwrap_or_else(PoisonError::into_inner);
        if !life.reaped {
            life.killed.get_or_insert(why);
            self.kill_group();
        }
    }

    /// Continues the whole group if it is stopped, unless the worker has ended.
    pub(super) fn unpause(&self) {
        let life = self.life.lock().unwrap_or_else(PoisonError::into_inner);
        if !life.reaped {
            self.signal_group(libc::SIGCONT);
        }
    }

    /// Gives the worker, whose output is closed, a moment to end by itself.
    pub(super) fn end_soon(&self) {
        let begin = awake::now();
        let mut life = self.life.lock().unwrap_or_else(PoisonError::into_inner);
        while !life.reaped {
            let left = EXIT_GRACE.saturating_sub(awake::since(begin));
            if left.is_zero() {
                life.killed.get_or_insert(Killed::StdoutClosed);
                self.kill_group();
                return;
            }
            let waited = self.end.wait_timeout(life, left);
            life = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Remembers how often the kernel has ended a process for want of memory so far.
    pub(super) fn note_oom_kills(&self) {
        let mut life = self.life.lock().unwrap_or_else(PoisonError::into_inner);
        life.oom_kills = memory::recent_oom_kills();
    }

    /// Whether the worker has ended; waits for that if `wait`. It stays to be reaped.
    pub(super) fn has_ended(&self, wait: bool) -> bool {
        let flags = libc::WEXITED | libc::WNOWAIT | if wait { 0 } else { libc::WNOHANG };
        loop {
            // SAFETY: all zeros are a value of this plain structure, which outlives the call that
            // fills it in.
            let (outcome, info) = unsafe {
                let mut info: libc::siginfo_t = std::mem::zeroed();
                let pid = self.pid as libc::id_t;
                (libc::waitid(libc::P_PID, pid, &raw mut info, flags), info)
            };
            match outcome {
                // Without an end there is no number of a process in it.
                0 => return unsafe { info.si_pid() } != 0,
                _ if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
                // There is no such child any more.
                _ => return true,
            }
        }
    }

    /// Ends what the worker has left behind in its group, and reaps it. It has ended.
    pub(super) fn reap(&self) -> Ended {
        let mut life = self.life.lock().unwrap_or_else(PoisonError::into_inner);
        // While the leader is not reaped, its number is still that of its group.
        self.kill_group();
        let mut status = 0;
        // SAFETY: all zeros are a value of this plain structure.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        // SAFETY: both outlive the call that fills them in; the process is a child that no other
        // thread waits for.
        let reaped = unsafe { libc::wait4(self.pid, &raw mut status, 0, &raw mut usage) };
        life.reaped = true;
        self.end.notify_all();
        let exited = reaped == self.pid && libc::WIFEXITED(status);
        let signalled = reaped == self.pid && libc::WIFSIGNALED(status);
        let before = life.oom_kills;
        Ended {
            exit_code: exited.then(|| libc::WEXITSTATUS(status)),
            signal: signalled.then(|| libc::WTERMSIG(status)),
            peak: u64::try_from(usage.ru_maxrss).unwrap_or(0) * memory::MAXRSS_UNIT,
            killed: life.killed,
            oom_kills: before.is_some_and(|before| memory::oom_kills() > Some(before)),
        }
    }

    fn kill_group(&self) {
        self.signal_group(libc::SIGKILL);
    }

    fn signal_group(&self, signal: libc::c_int) {
        // SAFETY: kill takes plain numbers; the leader has not been reaped, so the group is the
        // worker's. An error means that all in it have ended already.
        unsafe { libc::kill(-self.pid, signal) };
    }
}

/// Starts a worker in a process group of its own, ties its life to the coordinator's if it `dies_with_parent`, bounds its memory, and has it
/// ignore what asks a sweep to stop.
pub(super) fn spawn(
    mut command: Command,
    memory_limit: Option<u64>,
    dies_with_parent: bool,
) -> io::Result<Child> {
    command.process_group(0);
    #[cfg(target_os = "linux")]
    let parent = std::process::id();
    #[cfg(target_os = "linux")]
    let limit = memory_limit.map(memory::limit).transpose()?;
    #[cfg(not(target_os = "linux"))]
    let _ = (memory_limit, dies_with_parent);
    // SAFETY: between fork and exec only async-signal-safe calls are made: signal, pthread_sigmask, prctl,
    // getppid, setrlimit, open, write and close. The death signal follows the thread that forked; workers are
    // launched by the dispatcher's thread, which is the coordinator's main thread and lives as long as it does.
    unsafe {
        command.pre_exec(move || {
            signals::ignore_as_worker();
            signals::unblock_stop()?;
            #[cfg(target_os = "linux")]
            {
                if dies_with_parent && libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
                    return Err(io::Error::last_os_error());
                }
                // The parent may have died before the call took effect.
                if libc::getppid() as u32 != parent {
                    return Err(io::Error::from_raw_os_error(libc::ECHILD));
                }
                memory::prefer_as_oom_victim();
                if let Some(limit) = &limit {
                    memory::apply_limit(limit)?;
                }
            }
            Ok(())
        });
    }
    // A signal that found the child with the coordinator's handlers would be heard there a second time.
    let _blocked = Blocked::new()?;
    command.spawn()
}
