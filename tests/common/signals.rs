//! The signals with which a command of the tests starts, whoever started the tests.
//!
//! A program inherits the signals that are ignored or held back where it was started: `nohup` ignores SIGHUP, shells
//! ignore SIGINT in the background, and `sweep` leaves SIGHUP ignored. Invariant: a command that goes through [`reset`]
//! starts as from a terminal, so that a test that signals it means the same everywhere.

#![cfg(unix)]

use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// Above the numbers of all signals.
const SIGNALS_END: i32 = 65;

/// Has the command start with no signal ignored and none held back. What is done to the command later comes after it.
pub fn reset(command: &mut Command) {
    // SAFETY: signal(2), sigemptyset and pthread_sigmask may be called between fork and exec; the set outlives them.
    unsafe {
        command.pre_exec(|| {
            for signal in 1..SIGNALS_END {
                // SIGKILL, SIGSTOP and what the C library keeps for itself cannot be changed, and need not be.
                libc::signal(signal, libc::SIG_DFL);
            }
            let mut none: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut none);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
            Ok(())
        });
    }
}
