//! Maps the exit of a worker to a cause. Pure.

use super::process::{Ended, Killed};
use sweep_core::event::Cause;

/// What is written by what cannot get memory: Rust's allocator, C++'s, the C library, programs of GNU.
const OUT_OF_MEMORY_MESSAGES: [&str; 4] = [
    "memory allocation of ",
    "bad_alloc",
    "Cannot allocate memory",
    "memory exhausted",
];
/// How many last lines of the log may tell of want of memory.
const SEARCHED_LINES: usize = 5;

/// Maps the exit of a worker to a [`Cause`]. `log_tail` is the end of its log, `limit` its limit of private
/// memory in bytes, and `seen` the most that it was seen to hold.
pub(in crate::launcher) fn cause(
    ended: &Ended,
    log_tail: &str,
    limit: Option<u64>,
    seen: Option<u64>,
) -> Cause {
    let Ended {
        exit_code, signal, ..
    } = *ended;
    match ended.killed {
        Some(Killed::MemoryLimit(held)) => {
            let limit = limit.unwrap_or_default();
            return out_of_memory(format!(
                "the worker held {} of memory, more than the {} that it may",
                size(held),
                size(limit)
            ));
        }
        Some(Killed::Unresponsive) => {
            return protocol("the worker did not read what it was sent and was ended");
        }
        Some(Killed::StdoutClosed) => {
            return protocol("the worker closed its output, lived on and was ended");
        }
        Some(Killed::Requested) | None => {}
    }
    let held = match seen {
        Some(seen) => format!("it was seen to hold {}", size(seen)),
        None => format!(
            "it held {} at most, with what it had mapped",
            size(ended.peak)
        ),
    };
    let held = match limit {
        Some(limit) => format!("{held} and may hold {}", size(limit)),
        None => held,
    };
    let lines: Vec<&str> = log_tail.lines().collect();
    let last = &lines[lines.len().saturating_sub(SEARCHED_LINES)..];
    let tells = |line: &&&str| {
        OUT_OF_MEMORY_MESSAGES
            .iter()
            .any(|words| line.contains(words))
    };
    let failed = signal.is_some() || exit_code.is_some_and(|code| code != 0);
    if let (Some(line), true, None) = (last.iter().find(tells), failed, ended.killed) {
        return out_of_memory(format!(
            "the worker could get no more memory ({}); {held}",
            line.trim()
        ));
    }
    if signal == Some(libc::SIGKILL) && ended.killed.is_none() && ended.oom_kills {
        return out_of_memory(format!(
            "the kernel ended the worker since the machine ran out of memory; {held}"
        ));
    }
    Cause::Crashed { exit_code, signal }
}

fn out_of_memory(message: String) -> Cause {
    Cause::OutOfMemory { message }
}

fn protocol(message: &str) -> Cause {
    Cause::Protocol {
        message: message.to_owned(),
    }
}

/// Bytes for people: three digits at least, with a decimal unit.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let mut amount = bytes as f64 / 1e3;
    let mut unit = 0;
    while amount >= 1000.0 && unit + 1 < UNITS.len() {
        amount /= 1e3;
        unit += 1;
    }
    match amount < 100.0 {
        true => format!("{amount:.1} {}", UNITS[unit]),
        false => format!("{amount:.0} {}", UNITS[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(exit_code: Option<i32>, signal: Option<i32>) -> Ended {
        Ended {
            exit_code,
            signal,
            peak: 123_400_000,
            killed: None,
            oom_kills: false,
        }
    }

    fn message(cause: &Cause) -> String {
        format!("{}: {cause}", cause.name())
    }

    #[test]
    fn an_end_without_a_sign_of_memory_is_a_crash_with_its_code_or_signal() {
        for (code, signal) in [(Some(0), None), (Some(101), None), (None, Some(11))] {
            let found = cause(&ended(code, signal), "panicked at src\nx", Some(1), Some(1));
            assert_eq!(
                found,
                Cause::Crashed {
                    exit_code: code,
                    signal
                }
            );
        }
        // Talk of memory in a worker that ended well, or long before its end, means nothing.
        let talk = "memory allocation of 8 bytes failed\n";
        assert_eq!(
            cause(&ended(Some(0), None), talk, None, None).name(),
            "crashed"
        );
        let long_ago = format!("{talk}{}", "training\n".repeat(SEARCHED_LINES));
        assert_eq!(
            cause(&ended(None, Some(6)), &long_ago, None, None).name(),
            "crashed"
        );
    }

    #[test]
    fn an_allocation_that_failed_is_out_of_memory_with_what_was_held_and_allowed() {
        for tail in [
            "x\nmemory allocation of 4096 bytes failed",
            "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc",
            "thread 'main' panicked at x:\nfailed to spawn: Cannot allocate memory (os error 12)",
        ] {
            let found = cause(
                &ended(None, Some(libc::SIGABRT)),
                tail,
                Some(2_000_000_000),
                Some(1_900_000_000),
            );
            let message = message(&found);
            assert!(message.starts_with("out_of_memory: "), "{message}");
            assert!(message.contains("1.9 GB and may hold 2.0 GB"), "{message}");
        }
        let unlimited = cause(
            &ended(None, Some(libc::SIGABRT)),
            "memory allocation of 4096 bytes failed",
            None,
            None,
        );
        assert_eq!(
            message(&unlimited),
            "out_of_memory: the worker could get no more memory (memory allocation of 4096 bytes \
             failed); it held 123 MB at most, with what it had mapped"
        );
    }

    #[test]
    fn a_kill_is_out_of_memory_only_if_it_was_the_kernels_for_want_of_it() {
        let mut end = ended(None, Some(libc::SIGKILL));
        assert_eq!(cause(&end, "", None, None).name(), "crashed");
        end.oom_kills = true;
        let said = message(&cause(&end, "", None, None));
        assert!(
            said.contains("ran out of memory") && said.contains("123 MB"),
            "{said}"
        );
        end.killed = Some(Killed::Requested);
        assert_eq!(cause(&end, "", None, None).name(), "crashed");
    }

    #[test]
    fn what_the_coordinator_ended_a_worker_for_is_the_cause() {
        let mut end = ended(None, Some(libc::SIGKILL));
        end.killed = Some(Killed::MemoryLimit(80_000_000));
        let said = message(&cause(&end, "", Some(64_000_000), Some(80_000_000)));
        assert_eq!(
            said,
            "out_of_memory: the worker held 80.0 MB of memory, more than the 64.0 MB that it may"
        );
        for (killed, word) in [
            (Killed::Unresponsive, "did not read"),
            (Killed::StdoutClosed, "closed its output"),
        ] {
            end.killed = Some(killed);
            let said = message(&cause(&end, "", None, None));
            assert!(
                said.starts_with("protocol: ") && said.contains(word),
                "{said}"
            );
        }
    }
}
