//! The processes below this one, wherever they have moved to: what a program has started, and what that has started.
//!
//! This process adopts what loses its parent (PR_SET_CHILD_SUBREAPER of prctl(2)), so that nothing leaves the tree by way
//! of `setsid` or of a parent that ends. That, and the lists of processes in /proc, are Linux's.

use std::collections::HashMap;
use std::io;
use std::time::{Duration, Instant};

use sweep_core::process_memory;

/// How long processes that were killed are waited for. Those in an uninterruptible sleep may take longer.
const KILL_WAIT: Duration = Duration::from_secs(5);
/// The same of a single one.
const REAP_WAIT: Duration = Duration::from_millis(500);
/// Most processes that are asked to end one by one.
const MAX_ASKED: usize = 1000;
/// Deepest tree that is looked through.
const MAX_DEPTH: usize = 64;

/// What a child used that has ended, with what it has itself waited for.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    pub cpu_seconds: f64,
    /// Most memory of any one process, in bytes.
    pub peak_memory: u64,
}

impl Usage {
    fn of(usage: &libc::rusage) -> Usage {
        let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 * 1e-6;
        Usage {
            cpu_seconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
            peak_memory: u64::try_from(usage.ru_maxrss).unwrap_or(0) * process_memory::MAXRSS_UNIT,
        }
    }

    pub fn add(&mut self, other: Usage) {
        self.cpu_seconds += other.cpu_seconds;
        self.peak_memory = self.peak_memory.max(other.peak_memory);
    }
}

/// A child that has ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reaped {
    pub pid: i32,
    /// As wait(2) gives it.
    pub status: i32,
    pub usage: Usage,
}

/// Has this process adopt orphans below it from now on.
///
/// # Errors
/// When the system cannot do that.
pub fn adopt_orphans() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    // SAFETY: prctl takes and gives plain numbers here.
    if unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Waits for a child that has ended, if there is one.
///
/// # Errors
/// When there are no children at all (ECHILD).
pub fn reap_any() -> io::Result<Option<Reaped>> {
    reap(-1)
}

/// Waits for the child `pid` if it has ended.
///
/// # Errors
/// When there is no such child.
pub fn reap(pid: i32) -> io::Result<Option<Reaped>> {
    let mut status = 0;
    // SAFETY: all zeros are a value of this plain structure; both outlive the call that fills them in.
    let (found, usage) = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        let found = libc::wait4(pid, &raw mut status, libc::WNOHANG, &raw mut usage);
        (found, usage)
    };
    match found {
        0 => Ok(None),
        -1 => match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::Interrupted => Ok(None),
            error => Err(error),
        },
        pid => Ok(Some(Reaped {
            pid,
            status,
            usage: Usage::of(&usage),
        })),
    }
}

/// The processes below the process `root`, parents first.
pub fn descendants(root: i32) -> Vec<i32> {
    let mut found = Vec::new();
    let mut level = vec![root];
    for _ in 0..MAX_DEPTH {
        let mut below = Vec::new();
        for pid in &level {
            match children(*pid) {
                Some(children) => below.extend(children),
                None if *pid == root => return from_parents(root),
                // It has ended.
                None => {}
            }
        }
        if below.is_empty() {
            break;
        }
        found.extend_from_slice(&below);
        level = below;
    }
    found
}

/// The children of a process as the kernel lists them (CONFIG_PROC_CHILDREN); `None` where it does not.
pub fn children(pid: i32) -> Option<Vec<i32>> {
    let mut found = Vec::new();
    for thread in std::fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        let Ok(thread) = thread else { continue };
        let text = std::fs::read_to_string(thread.path().join("children")).ok()?;
        found.extend(
            text.split_whitespace()
                .filter_map(|pid| pid.parse::<i32>().ok()),
        );
    }
    Some(found)
}

/// The same from the parents of all processes.
fn from_parents(root: i32) -> Vec<i32> {
    let mut by_parent: HashMap<i32, Vec<i32>> = HashMap::new();
    for pid in all() {
        if let Some(parent) = parent(pid) {
            by_parent.entry(parent).or_default().push(pid);
        }
    }
    let mut found = Vec::new();
    let mut next = vec![root];
    while let Some(pid) = next.pop() {
        for child in by_parent.remove(&pid).unwrap_or_default() {
            found.push(child);
            next.push(child);
        }
    }
    found
}

/// The numbers of all processes.
pub fn all() -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// The parent of a process.
fn parent(pid: i32) -> Option<i32> {
    stat(pid)?.split_whitespace().nth(1)?.parse().ok()
}

/// Whether a process has ended and waits to be reaped.
pub fn is_zombie(pid: i32) -> bool {
    stat(pid).is_some_and(|stat| stat.trim_start().starts_with('Z'))
}

/// What follows the name in `NUMBER (NAME) STATE PARENT ...` of proc(5); the name may hold anything.
fn stat(pid: i32) -> Option<String> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    Some(String::from_utf8_lossy(&stat[end + 1..]).into_owned())
}

/// Waits a moment for a child that was killed.
pub fn reap_soon(pid: i32) {
    let begin = Instant::now();
    while let Ok(None) = reap(pid) {
        if begin.elapsed() > REAP_WAIT {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Bytes of private memory of all processes below this one but `other`, a child without children.
pub fn memory(other: Option<i32>) -> u64 {
    let below = descendants(std::process::id() as i32).into_iter();
    let counted = below.filter(|pid| Some(*pid) != other);
    counted.filter_map(process_memory::private).sum()
}

/// Sends `signal` to every process below this one.
pub fn signal_all(signal: i32) {
    for pid in descendants(std::process::id() as i32) {
        // SAFETY: kill takes plain numbers. A process below this one is its child, or becomes it before it is reaped, but for
        // one that its own parent reaps in this very moment.
        unsafe { libc::kill(pid, signal) };
    }
}

/// Asks the program that begins with the process `first` to end: with SIGTERM to that process alone, since many programs end
/// what they have started in an order of their own (a data loader that loses its workers to a signal fails). A shell hears
/// nothing while it waits for what it runs, so that this is asked as well.
pub fn ask_to_end(first: i32) {
    for pid in askable(first) {
        // SAFETY: kill takes plain numbers; see `signal_all`. One that is stopped hears nothing else.
        unsafe {
            libc::kill(pid, libc::SIGTERM);
            libc::kill(pid, libc::SIGCONT);
        }
    }
}

/// The process `first`, and below shells what they run.
fn askable(first: i32) -> Vec<i32> {
    let mut found = vec![first];
    let mut next = 0;
    while let Some(pid) = found.get(next).copied() {
        next += 1;
        if is_shell(pid) && found.len() < MAX_ASKED {
            found.extend(children(pid).unwrap_or_default());
        }
    }
    found
}

/// Whether a process is a shell, by its name.
fn is_shell(pid: i32) -> bool {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    matches!(
        name.trim_end(),
        "sh" | "bash" | "dash" | "ash" | "zsh" | "ksh" | "fish"
    )
}

/// Ends every process below this one, and waits for them.
pub fn kill_all(usage: &mut Usage) {
    let begin = Instant::now();
    loop {
        signal_all(libc::SIGKILL);
        loop {
            match reap_any() {
                Ok(Some(reaped)) => usage.add(reaped.usage),
                Ok(None) => break,
                // Nobody is left.
                Err(_) => return,
            }
        }
        if begin.elapsed() > KILL_WAIT {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_found_by_the_lists_of_children_and_by_parents_alike() {
        use std::process::{Command, Stdio};
        let mut shell = Command::new("sh")
            .args(["-c", "sh -c 'sleep 100 & echo; wait' & wait"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = [0];
        std::io::Read::read_exact(shell.stdout.as_mut().unwrap(), &mut line).unwrap();
        let root = shell.id() as i32;
        let sorted = |mut pids: Vec<i32>| {
            pids.sort_unstable();
            pids
        };
        let found = sorted(descendants(root));
        assert_eq!(found.len(), 2);
        assert_eq!(found, sorted(from_parents(root)));
        for pid in found {
            // SAFETY: they are processes of this test.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        }
        shell.kill().unwrap();
        shell.wait().unwrap();
    }
}
