//! Processes of programs whose worker and coordinator are both gone.
//!
//! Every process of a program inherits a variable that names the run directory and the sweep. Whoever holds the lock of the
//! sweep knows that nobody runs it, so that whatever still carries its name was left behind.

use crate::tree;

/// The variable that names the run directory and the sweep of a program.
pub const OWNER: &str = "SWEEP_OWNER";

/// Ends every process that carries the name `owner`, but for `spared` ones, and gives how many there were.
pub fn end(owner: &str, spared: impl Fn(i32) -> bool) -> usize {
    let own = std::process::id() as i32;
    let mut ended = 0;
    for pid in tree::all() {
        if pid != own && carries(pid, owner) && !spared(pid) {
            // SAFETY: kill takes plain numbers. The process had the sweep's name a moment ago.
            ended += usize::from(unsafe { libc::kill(pid, libc::SIGKILL) } == 0);
        }
    }
    ended
}

/// Whether the process was started with the name `owner` in its environment.
pub fn carries(pid: i32, owner: &str) -> bool {
    let variable = format!("{OWNER}={owner}");
    let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let mut variables = environment.split(|byte| *byte == 0);
    variables.any(|one| one == variable.as_bytes())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn processes_that_carry_the_name_are_ended_and_others_spared() {
        let begin = |owner: &str| {
            let mut command = std::process::Command::new("sleep");
            command.arg("100").env(OWNER, owner).spawn().unwrap()
        };
        let owner = format!("/a:{}", std::process::id());
        let (mut own, mut other) = (begin(&owner), begin("/b:x"));
        // A program that has just been started shows no environment for a moment.
        while !carries(own.id() as i32, &owner) {
            std::thread::yield_now();
        }
        assert_eq!(end(&owner, |pid| pid == own.id() as i32), 0);
        assert_eq!(end(&owner, |_| false), 1);
        assert!(!own.wait().unwrap().success());
        assert!(other.try_wait().unwrap().is_none());
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
