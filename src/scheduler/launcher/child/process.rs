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

/// How long what has been asked to end by SIGTERM may take.
const TERMINATE_GRACE: Duration = Duration::from_secs(2);
/// How often what waits for a place is asked to end.
const TERMINATE_INTERVAL: Duration = Duration::from_millis(500);

/// Why the coordinator ended a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::launcher) enum Killed {
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
pub(in crate::launcher) struct Ended {
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
pub(in crate::launcher) struct Process {
    pid: libc::pid_t,
    life: Mutex<Life>,
    end: Condvar,
}

impl Process {
    /// A child of this process that leads a group of its own and has not been waited for.
    pub(in crate::launcher) fn new(pid: u32) -> Process {
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

    pub(in crate::launcher) fn pid(&self) -> i32 {
        self.pid
    }

    /// Bytes of private memory that the worker holds, as far as the system tells.
    pub(in crate::launcher) fn private_memory(&self) -> Option<u64> {
        memory::private(self.pid)
    }

    /// Ends the whole group at once, unless the worker has ended already.
    pub(in crate::launcher) fn kill(&self, why: Killed) {
        let mut life = self.life.lock().unwrap_or_else(PoisonError::into_inner);
        if !life.reaped {
            life.killed.get_or_insert(why);
            self.kill_group();
        }
    }

    /// Continues the whole group if it is stopped, unless the worker has ended.
    pub(in crate::launcher) fn unpause(&self) {
        let life = self.life.lock().unwrap_or_else(PoisonError::into_inner);
        if !life.reaped {
            self.signal_group(libc::SIGCONT);
        }
    }

    /// Asks the whole group to end (SIGTERM), unless the worker has ended.
    fn terminate(&self) {
        let life = self.life.lock().unwrap_or_else(PoisonError::into_inner);
        if !life.reaped {
            self.signal_group(libc::SIGTERM);
        }
    }

    /// Whether the worker has ended and has been reaped, within `limit`.
    pub(in crate::launcher) fn ends_within(&self, limit: Duration) -> bool {
        let begin = awake::now();
        let mut life = self.life.lock().unwrap_or_else(PoisonError::into_inner);
        while !life.reaped {
            let left = limit.saturating_sub(awake::since(begin));
            if left.is_zero() {
                return false;
            }
            let waited = self.end.wait_timeout(life, left);
            life = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Gives the worker, whose output is closed, `grace` to end by itself.
    pub(in crate::launcher) fn end_soon(&self, grace: Duration) {
        if !self.ends_within(grace) {
            self.kill(Killed::StdoutClosed);
        }
    }

    /// Gives the worker, whose input is closed, `grace` to end by itself, and what carries it a moment more to end on
    /// SIGTERM. What `may_wait` for a place where nobody reads the input is asked to end from the start, again and again:
    /// it may not listen yet.
    pub(in crate::launcher) fn end_gently(&self, grace: Duration, may_wait: bool, why: Killed) {
        let begin = awake::now();
        loop {
            let left = grace.saturating_sub(awake::since(begin));
            if may_wait {
                self.terminate();
            }
            let pause = if may_wait { TERMINATE_INTERVAL } else { left };
            if self.ends_within(pause.min(left)) {
                return;
            }
            if left.is_zero() {
                break;
            }
        }
        self.terminate();
        if !self.ends_within(TERMINATE_GRACE) {
            self.kill(why);
        }
    }

    /// Remembers how often the kernel has ended a process for want of memory so far.
    pub(in crate::launcher) fn note_oom_kills(&self) {
        let mut life = self.life.lock().unwrap_or_else(PoisonError::into_inner);
        life.oom_kills = memory::recent_oom_kills();
    }

    /// Whether the worker has ended; waits for that if `wait`. It stays to be reaped.
    pub(in crate::launcher) fn has_ended(&self, wait: bool) -> bool {
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
    pub(in crate::launcher) fn reap(&self) -> Ended {
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

/// How a worker's process is tied to this one.
#[derive(Debug, Clone, Copy)]
pub(in crate::launcher) struct Ties {
    /// Bytes of private memory that it may have.
    pub memory_limit: Option<u64>,
    /// Whether the kernel kills it with its coordinator.
    pub dies_with_parent: bool,
    /// Whether it is kept from the terminal, where it could ask for a password and wait.
    pub leaves_terminal: bool,
}

/// Starts a worker in a process group of its own, tied to this process by `ties`, and has it ignore what asks a sweep to
/// stop.
pub(in crate::launcher) fn spawn(mut command: Command, ties: Ties) -> io::Result<Child> {
    let Ties {
        memory_limit,
        dies_with_parent,
        leaves_terminal,
    } = ties;
    if !leaves_terminal {
        command.process_group(0);
    }
    #[cfg(target_os = "linux")]
    let parent = std::process::id();
    #[cfg(target_os = "linux")]
    let limit = memory_limit.map(memory::limit).transpose()?;
    #[cfg(not(target_os = "linux"))]
    let _ = (memory_limit, dies_with_parent);
    // SAFETY: between fork and exec only async-signal-safe calls are made: setsid, signal, pthread_sigmask, prctl,
    // getppid, setrlimit, open, write and close. The death signal follows the thread that forked; workers are
    // launched by the dispatcher's thread, which is the coordinator's main thread and lives as long as it does.
    unsafe {
        command.pre_exec(move || {
            // A session of its own is a process group of its own as well.
            if leaves_terminal && libc::setsid() < 0 {
                return Err(io::Error::last_os_error());
            }
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
