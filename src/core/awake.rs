//! Time as this process has lived it: while it stood still, no time went by.
//!
//! A process stands still when it is stopped (SIGSTOP, Ctrl-Z) or frozen with its container, and the system's clock runs
//! on. Limits that are measured with [`now`] do not count that. Invariant: it never runs backwards.
//!
//! While the machine sleeps, the clock below stands still as well, so that there is nothing to take off.

use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How often a thread reads the clock.
const TICK: Duration = Duration::from_millis(100);
/// A gap between two readings that no busy machine explains: the process stood still.
const STANDSTILL: Duration = Duration::from_secs(1);

/// A point in the time that this process has lived. Compare it with others of this function alone, not with those of
/// [`Instant::now`].
pub fn now() -> Instant {
    static LIVED: LazyLock<Option<&Mutex<Lived>>> = LazyLock::new(start);
    let now = Instant::now();
    match *LIVED {
        Some(lived) => lived
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .read(now),
        None => now,
    }
}

/// Time lived since `earlier`, which is from [`now`].
pub fn since(earlier: Instant) -> Duration {
    now().saturating_duration_since(earlier)
}

/// Starts the thread that reads the clock; without it, long work would be taken for a standstill.
fn start() -> Option<&'static Mutex<Lived>> {
    let lived: &'static Mutex<Lived> = Box::leak(Box::new(Mutex::new(Lived {
        last: Instant::now(),
        still: Duration::ZERO,
    })));
    let poll = move || {
        loop {
            thread::sleep(TICK);
            let mut lived = lived.lock().unwrap_or_else(PoisonError::into_inner);
            lived.read(Instant::now());
        }
    };
    let thread = thread::Builder::new().name("awake".to_owned());
    thread.spawn(poll).ok().map(|_| lived)
}

#[derive(Debug)]
struct Lived {
    /// When the clock was last read.
    last: Instant,
    /// Time that the process has stood still.
    still: Duration,
}

impl Lived {
    /// The point in lived time at `now` of the system's clock.
    fn read(&mut self, now: Instant) -> Instant {
        let gap = now.saturating_duration_since(self.last);
        if gap > STANDSTILL {
            self.still += gap;
        }
        // Another thread may have read the clock later and been here first.
        self.last = self.last.max(now);
        let lived = self.last.checked_sub(self.still);
        lived.expect("it stood still after the clock began")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_between_two_looks_is_no_time_and_everything_else_is() {
        let begin = Instant::now();
        let mut lived = Lived {
            last: begin,
            still: Duration::ZERO,
        };
        let at = |ms: u64| begin + Duration::from_millis(ms);
        for ms in [0, 100, 250, 1200] {
            assert_eq!(lived.read(at(ms)), at(ms));
        }
        let hour = 3_600_000;
        assert_eq!(lived.read(at(1200 + hour)), at(1200), "an hour stood still");
        assert_eq!(lived.read(at(1300 + hour)), at(1300));
        assert_eq!(lived.read(at(1250 + hour)), at(1300), "never backwards");
        assert_eq!(lived.read(at(1300 + 2 * hour)), at(1300));
        assert_eq!(lived.read(at(1900 + 2 * hour)), at(1900));
    }

    #[test]
    fn work_that_never_looks_takes_its_time() {
        let begin = now();
        thread::sleep(STANDSTILL + Duration::from_millis(300));
        assert!(since(begin) > STANDSTILL, "{:?}", since(begin));
    }
}
