//! Memory of processes: how much they hold, how much they may, and what the kernel has ended for want of it.
//!
//! What counts is private memory, that is heap, stacks and what is copied on being written to. A data set
//! that several workers have mapped counts for none of them. See setrlimit(2) for `RLIMIT_DATA`, proc(5) for
//! `/proc/PID/status`, and the kernel's documentation of cgroups for `memory.events` and
//! `memory.oom_control`.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
pub use linux::{apply_limit, limit, oom_kills, prefer_as_oom_victim, private};

/// Whether a limit can be held on this system.
pub const CAN_LIMIT: bool = cfg!(target_os = "linux");

/// Bytes in the unit of `ru_maxrss`, see getrusage(2).
pub const MAXRSS_UNIT: u64 = if cfg!(target_os = "macos") { 1 } else { 1024 };

/// How old the count of [`recent_oom_kills`] may be.
const RECENT: Duration = Duration::from_secs(1);

/// What [`oom_kills`] gave at most a second ago: for a count before something begins, which is asked for often.
pub fn recent_oom_kills() -> Option<u64> {
    static KNOWN: Mutex<Option<(Instant, Option<u64>)>> = Mutex::new(None);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    match *known {
        Some((at, count)) if at.elapsed() < RECENT => count,
        _ => {
            let count = oom_kills();
            *known = Some((Instant::now(), count));
            count
        }
    }
}

/// Bytes of private memory that a process holds.
#[cfg(not(target_os = "linux"))]
pub fn private(_pid: libc::pid_t) -> Option<u64> {
    None
}

/// How often the kernel has ended a process here for want of memory.
#[cfg(not(target_os = "linux"))]
pub fn oom_kills() -> Option<u64> {
    None
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::io;

    /// Added to a worker's badness in the eyes of the kernel, of at most 1000: when memory runs out, a
    /// worker goes and costs one attempt, not the coordinator.
    const OOM_SCORE_ADJ: &[u8] = b"500";

    /// The resource limit that holds a process to `bytes` of private memory, or to what it is held to
    /// already.
    pub fn limit(bytes: u64) -> io::Result<libc::rlimit> {
        let mut limit = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        // SAFETY: `limit` outlives the call that fills it in.
        if unsafe { libc::getrlimit(libc::RLIMIT_DATA, &raw mut limit) } != 0 {
            return Err(io::Error::last_os_error());
        }
        let bytes = limit.rlim_max.min(bytes);
        Ok(libc::rlimit {
            rlim_cur: bytes,
            rlim_max: bytes,
        })
    }

    /// Holds this process to `limit`; safe between fork and exec.
    pub fn apply_limit(limit: &libc::rlimit) -> io::Result<()> {
        // SAFETY: `limit` outlives the call that reads it.
        match unsafe { libc::setrlimit(libc::RLIMIT_DATA, limit) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Makes this process the one that the kernel ends first; safe between fork and exec. Where that is
    /// not allowed, it is as any other.
    pub fn prefer_as_oom_victim() {
        // SAFETY: the path ends with a zero byte, the bytes written outlive the call, and the
        // descriptor is this function's own.
        unsafe {
            let file = libc::open(c"/proc/self/oom_score_adj".as_ptr(), libc::O_WRONLY);
            if file >= 0 {
                libc::write(file, OOM_SCORE_ADJ.as_ptr().cast(), OOM_SCORE_ADJ.len());
                libc::close(file);
            }
        }
    }

    /// Bytes of private memory that a process holds, in memory or swapped out.
    pub fn private(pid: libc::pid_t) -> Option<u64> {
        read_private(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
    }

    /// What `/proc/PID/status` says of private memory, in bytes.
    pub fn read_private(status: &str) -> Option<u64> {
        let kilobytes = |name: &str| -> Option<u64> {
            let line = status.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse().ok()
        };
        let anonymous = kilobytes("RssAnon:")?;
        let others = ["RssShmem:", "VmSwap:"];
        let others: u64 = others.into_iter().filter_map(kilobytes).sum();
        Some((anonymous + others) * 1024)
    }

    /// How often the kernel has ended a process for want of memory: in the control group of this process
    /// if it counts there, else on the whole machine.
    pub fn oom_kills() -> Option<u64> {
        let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let counters = counters(&groups);
        let mut texts = counters
            .iter()
            .map(String::as_str)
            .chain(["/proc/vmstat"])
            .filter_map(|path| fs::read_to_string(path).ok());
        texts.find_map(|text| count_in(&text))
    }

    /// Files that count such ends for the groups that `/proc/self/cgroup` lists, the likeliest first.
    /// Inside a container a group is often mounted as the root.
    pub fn counters(groups: &str) -> Vec<String> {
        let mut files = Vec::new();
        for line in groups.lines() {
            let mut parts = line.splitn(3, ':').skip(1);
            let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else {
                continue;
            };
            let path = path.trim_end_matches('/');
            let (root, name) = match controllers {
                "" => ("/sys/fs/cgroup", "memory.events"),
                _ if controllers.split(',').any(|name| name == "memory") => {
                    ("/sys/fs/cgroup/memory", "memory.oom_control")
                }
                _ => continue,
            };
            files.push(format!("{root}{path}/{name}"));
            files.push(format!("{root}/{name}"));
        }
        files.dedup();
        files
    }

    /// The count in such a file, or in `/proc/vmstat`.
    pub fn count_in(text: &str) -> Option<u64> {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("oom_kill "))?;
        line.trim().parse().ok()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::linux::{count_in, counters, read_private};
    use super::*;

    #[test]
    fn private_memory_leaves_out_what_is_mapped_from_files() {
        let status = "Name:\tx\nRssAnon:\t     144 kB\nRssFile:\t    1864 kB\nRssShmem:\t       2 kB\n\
                      VmSwap:\t       1 kB\n";
        assert_eq!(read_private(status), Some(147 * 1024));
        assert_eq!(read_private("Name:\tkthreadd\n"), None);
        let own = private(std::process::id() as libc::pid_t).unwrap();
        assert!(own > 10_000, "{own}");
        assert_eq!(private(0), None);
    }

    #[test]
    fn the_count_of_ends_is_looked_for_in_the_groups_of_the_process_first() {
        assert_eq!(
            counters("12:pids:/a\n4:memory:/b/c\n0::/\n"),
            [
                "/sys/fs/cgroup/memory/b/c/memory.oom_control",
                "/sys/fs/cgroup/memory/memory.oom_control",
                "/sys/fs/cgroup/memory.events",
            ]
        );
        assert_eq!(counters("garbage\n3:cpu,memory\n"), Vec::<String>::new());
        assert_eq!(count_in("oom_kill_disable 0\noom_kill 3\n"), Some(3));
        assert_eq!(count_in("oom 1\noom_group_kill 2\n"), None);
        assert!(oom_kills().is_some(), "Linux counts them somewhere");
    }
}
