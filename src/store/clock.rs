//! The time of a session: never runs backwards, whatever becomes of the wall clock.
//!
//! The wall clock is read once, when the session begins; from then on a clock counts that cannot be
//! set, so that lengths of time within a session are true.

use std::time::{Duration, SystemTime};

/// Milliseconds since 1970, UTC, as they were when the session began, and the time that has gone by.
pub(super) struct Clock {
    anchor_ms: i64,
    anchored: Duration,
}

impl Clock {
    /// The time now, and not before `least_ms`: the clock may have been set back a moment ago.
    pub(super) fn not_before(least_ms: i64) -> Clock {
        Clock {
            anchor_ms: now_ms().max(least_ms),
            anchored: since_boot(),
        }
    }

    pub(super) fn now_ms(&self) -> i64 {
        let gone_by = since_boot().saturating_sub(self.anchored);
        let gone_by = i64::try_from(gone_by.as_millis()).unwrap_or(i64::MAX);
        self.anchor_ms.saturating_add(gone_by)
    }
}

/// Milliseconds since 1970, UTC.
pub(super) fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64)
}

/// Time since the machine was started, its sleep included where the system counts that.
fn since_boot() -> Duration {
    #[cfg(target_os = "linux")]
    const CLOCK: libc::clockid_t = libc::CLOCK_BOOTTIME;
    #[cfg(not(target_os = "linux"))]
    const CLOCK: libc::clockid_t = libc::CLOCK_MONOTONIC;
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is writable. The clock is there on every system that this is built for; were it
    // not, time would stand still at the anchor.
    unsafe { libc::clock_gettime(CLOCK, &raw mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_from_the_begin_of_a_session_though_the_clock_was_set_back() {
        let tomorrow = now_ms() + 86_400_000;
        let clock = Clock::not_before(tomorrow);
        let first = clock.now_ms();
        assert!((tomorrow..tomorrow + 60_000).contains(&first), "{first}");
        std::thread::sleep(Duration::from_millis(5));
        assert!(clock.now_ms() >= first + 5);
        let now = now_ms();
        assert!(Clock::not_before(0).now_ms() >= now);
    }
}
