//! The signals that reach the processes of a sweep, and what is to become of each: listed once, for the coordinator and
//! for its workers.
//!
//! Schedulers, containers and terminals often signal every process of a job at once. Invariant: workers ignore what asks
//! a sweep to stop, so that they live to write the checkpoints that the coordinator then asks for.

use std::io;

use libc::c_int;

/// What asks a sweep to stop cleanly. Schedulers send the last two ahead of a time limit.
pub const STOP: [c_int; 5] = [
    libc::SIGINT,
    libc::SIGTERM,
    libc::SIGHUP,
    libc::SIGUSR1,
    libc::SIGUSR2,
];

/// Sent when a file grows beyond `ulimit -f`. Where it is ignored, the write fails, as it does on a full disk.
pub const FILE_SIZE_LIMIT: c_int = libc::SIGXFSZ;

/// What a program raises by its own fault, or by a limit to itself: any other signal was sent by somebody.
const OWN_FAULTS: [c_int; 9] = [
    libc::SIGILL,
    libc::SIGTRAP,
    libc::SIGABRT,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGSEGV,
    libc::SIGSYS,
    libc::SIGXCPU,
    libc::SIGXFSZ,
];

/// Whether a process that `signal` ended was ended by somebody else.
pub fn is_sent_by_others(signal: c_int) -> bool {
    !OWN_FAULTS.contains(&signal)
}

/// Ignores `signal` from now on, and in programs that this process becomes or starts. May be called between fork and
/// exec.
pub fn ignore(signal: c_int) {
    // SAFETY: SIG_IGN runs no code of ours. It fails for numbers that are no signal, of which there are none here.
    unsafe { libc::signal(signal, libc::SIG_IGN) };
}

/// Ignores all that a worker is to ignore. May be called between fork and exec.
pub fn ignore_as_worker() {
    for signal in STOP.into_iter().chain([FILE_SIZE_LIMIT]) {
        ignore(signal);
    }
}

/// Has this process end by what a worker ignores, as every program does that says nothing else. May be called between fork
/// and exec.
pub fn heed() {
    for signal in STOP.into_iter().chain([FILE_SIZE_LIMIT, libc::SIGPIPE]) {
        // SAFETY: SIG_DFL runs no code of ours.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

/// Whether this process ignores `signal`, as `nohup` has programs ignore SIGHUP.
pub fn is_ignored(signal: c_int) -> bool {
    // SAFETY: all zeros are a value of this plain structure, which outlives the call that fills it in.
    let (code, action) = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        let code = libc::sigaction(signal, std::ptr::null(), &raw mut action);
        (code, action)
    };
    code == 0 && action.sa_sigaction == libc::SIG_IGN
}

/// Whether the process of this number is stopped (SIGSTOP, Ctrl-Z), as far as the system tells.
pub fn is_stopped(process: u32) -> bool {
    // `NUMBER (NAME) STATE ...`, where the name may hold anything: proc(5).
    let stat = std::fs::read(format!("/proc/{process}/stat")).unwrap_or_default();
    let name_end = stat.iter().rposition(|byte| *byte == b')');
    name_end.is_some_and(|end| stat[end..].starts_with(b") T"))
}

/// Stops this process, and with it what it has started, if it leads a group of its own. Returns when somebody
/// continues it.
pub fn stop_own_group() {
    // SAFETY: these calls take and give plain numbers; 0 names the group of this process.
    unsafe {
        let own = libc::getpid();
        let target = if libc::getpgrp() == own { 0 } else { own };
        libc::kill(target, libc::SIGSTOP);
    }
}

/// Holds back [`STOP`] in this thread, and in what it forks, until dropped.
pub struct Blocked {
    before: libc::sigset_t,
}

impl Blocked {
    /// # Errors
    /// When the system does not let it.
    pub fn new() -> io::Result<Blocked> {
        set_mask(libc::SIG_BLOCK, &stop_set()).map(|before| Blocked { before })
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        // It was the mask of this thread before, so that it can be again.
        let _ = set_mask(libc::SIG_SETMASK, &self.before);
    }
}

/// Lets [`STOP`] through to this thread and to those that it starts, whatever was held back before. May be called
/// between fork and exec.
///
/// # Errors
/// When the system does not let it.
pub fn unblock_stop() -> io::Result<()> {
    set_mask(libc::SIG_UNBLOCK, &stop_set()).map(drop)
}

/// Has the system keep the exit status of children until they are waited for, also where this process was started with
/// SIGCHLD ignored.
pub fn keep_children() {
    // SAFETY: SIG_DFL runs no code of ours.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
}

fn stop_set() -> libc::sigset_t {
    // SAFETY: sigemptyset makes the set a valid one, and sigaddset takes numbers of signals.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in STOP {
            libc::sigaddset(&raw mut set, signal);
        }
        set
    }
}

/// The mask of this thread as it was before.
fn set_mask(how: c_int, set: &libc::sigset_t) -> io::Result<libc::sigset_t> {
    // SAFETY: both sets outlive the call, which reads one and fills in the other.
    let (code, before) = unsafe {
        let mut before: libc::sigset_t = std::mem::zeroed();
        let code = libc::pthread_sigmask(how, set, &raw mut before);
        (code, before)
    };
    match code {
        0 => Ok(before),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_is_the_programs_own_fault_and_a_kill_somebodys() {
        for signal in [libc::SIGSEGV, libc::SIGABRT, libc::SIGXCPU] {
            assert!(!is_sent_by_others(signal), "{signal}");
        }
        for signal in STOP.into_iter().chain([libc::SIGKILL, libc::SIGQUIT]) {
            assert!(is_sent_by_others(signal), "{signal}");
        }
    }

    #[test]
    fn what_is_held_back_arrives_when_it_is_let_through() {
        let is_blocked = |signal| {
            let now = set_mask(libc::SIG_BLOCK, &stop_set()).unwrap();
            set_mask(libc::SIG_SETMASK, &now).unwrap();
            // SAFETY: the set was filled in by the system.
            unsafe { libc::sigismember(&raw const now, signal) == 1 }
        };
        let held = Blocked::new().unwrap();
        assert!(is_blocked(libc::SIGTERM) && !is_blocked(libc::SIGSEGV));
        drop(held);
        assert!(!is_blocked(libc::SIGTERM));
    }
}
