//! Signals to this process. What asks it to stop interrupts a sweep in training, and ends any other command, with what
//! has been written in part removed. What continues a process that was stopped is passed on to its workers.
//!
//! SIGHUP stays ignored where this process was started so, as by `nohup`.

use std::io::{self, Read as _};
use std::os::fd::{IntoRawFd as _, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::exit::Exit;
use crate::failure::Failure;
use sweep_core::{atomic_fs, signals};

/// A further signal this soon after one that was received is taken for its echo: `timeout`, wrappers and some terminals
/// signal both a process and its group.
const ECHO: Duration = Duration::from_millis(250);

/// What signals ask of a sweep in training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// To end: cleanly the first time, at once the second.
    Stop,
    /// To continue, and its workers with it, after it was stopped (SIGSTOP, Ctrl-Z).
    Continue,
}

/// Asked at each request; without one, a request to stop ends the process.
type Listener = Box<dyn FnMut(Request) + Send>;

static LISTENER: Mutex<Option<Listener>> = Mutex::new(None);

/// The end of the pipe that the handler writes the numbers of signals to.
static SIGNAL_PIPE: AtomicI32 = AtomicI32::new(-1);

/// Listens for signals from now on.
///
/// # Errors
/// When the system does not let it.
pub fn listen() -> Result<(), Failure> {
    // Beyond `ulimit -f`, a write is to fail and not to kill.
    signals::ignore(signals::FILE_SIZE_LIMIT);
    signals::keep_children();
    let start = || {
        signals::unblock_stop()?;
        let (mut reader, writer) = io::pipe()?;
        SIGNAL_PIPE.store(OwnedFd::from(writer).into_raw_fd(), Ordering::Relaxed);
        let listen = move || {
            let mut requests = StopRequests::default();
            let mut number = [0];
            while reader.read_exact(&mut number).is_ok() {
                if let Some(request) = requests.hear(number[0].into(), Instant::now()) {
                    answer(request);
                }
            }
        };
        let thread = std::thread::Builder::new().name("signals".to_owned());
        thread.spawn(listen)?;
        let stops = signals::STOP.into_iter();
        let stops = stops.filter(|signal| *signal != libc::SIGHUP || !signals::is_ignored(*signal));
        stops.chain([libc::SIGCONT]).try_for_each(handle)
    };
    start().map_err(|error| Failure::environment(format!("cannot listen for signals: {error}"), ""))
}

/// Has `listener` asked at each request, in place of ending the process.
pub fn interrupt(listener: impl FnMut(Request) + Send + 'static) {
    let mut place = LISTENER.lock().unwrap_or_else(PoisonError::into_inner);
    *place = Some(Box::new(listener));
}

/// Ends this process.
pub fn end() -> ! {
    atomic_fs::remove_partial_files();
    std::process::exit(Exit::Interrupted as i32)
}

fn answer(request: Request) {
    let mut listener = LISTENER.lock().unwrap_or_else(PoisonError::into_inner);
    match (listener.as_mut(), request) {
        (Some(listener), request) => listener(request),
        (None, Request::Stop) => end(),
        (None, Request::Continue) => {}
    }
}

/// Has `signal` written to the pipe.
fn handle(signal: libc::c_int) -> io::Result<()> {
    // SAFETY: all zeros are a value of this plain structure, with an empty mask; the handler makes one call that is
    // async-signal-safe.
    let code = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_signal as *const () as libc::sighandler_t;
        action.sa_flags = libc::SA_RESTART;
        libc::sigaction(signal, &raw const action, std::ptr::null_mut())
    };
    match code {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

extern "C" fn on_signal(signal: libc::c_int) {
    // Numbers of signals are below 65.
    let number = signal as u8;
    // SAFETY: the byte outlives the call; the pipe is never closed, and its reader never stops for long. `errno` is put
    // back for whoever was interrupted.
    unsafe {
        let errno = errno();
        let before = *errno;
        libc::write(
            SIGNAL_PIPE.load(Ordering::Relaxed),
            (&raw const number).cast(),
            1,
        );
        *errno = before;
    }
}

/// Where this thread's `errno` stands.
fn errno() -> *mut libc::c_int {
    // SAFETY: both give a place that lives as long as the thread, and may be called in a signal handler.
    #[cfg(target_os = "linux")]
    return unsafe { libc::__errno_location() };
    #[cfg(not(target_os = "linux"))]
    return unsafe { libc::__error() };
}

/// Makes requests of signals.
#[derive(Debug, Default)]
struct StopRequests {
    /// When the last request to stop was made.
    stopped: Option<Instant>,
}

impl StopRequests {
    /// What `signal`, received at `now`, asks for. A request to stop that was made cleanly is made urgent by SIGINT and
    /// SIGTERM alone: a terminal that closes, or a scheduler's second warning, does not mean to lose checkpoints.
    fn hear(&mut self, signal: libc::c_int, now: Instant) -> Option<Request> {
        if signal == libc::SIGCONT {
            return Some(Request::Continue);
        }
        if let Some(before) = self.stopped {
            let is_echo = now.saturating_duration_since(before) < ECHO;
            if is_echo || ![libc::SIGINT, libc::SIGTERM].contains(&signal) {
                return None;
            }
        }
        self.stopped = Some(now);
        Some(Request::Stop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The requests that `signals` make, each some milliseconds after the first.
    fn requests(signals: &[(libc::c_int, u64)]) -> Vec<Option<Request>> {
        let begin = Instant::now();
        let mut requests = StopRequests::default();
        let at = |ms: u64| begin + Duration::from_millis(ms);
        let received = signals.iter();
        received
            .map(|(signal, ms)| requests.hear(*signal, at(*ms)))
            .collect()
    }

    #[test]
    fn one_stop_that_arrives_twice_is_one_request() {
        let stop = Some(Request::Stop);
        let timeout = [(libc::SIGTERM, 0), (libc::SIGTERM, 1), (libc::SIGCONT, 2)];
        assert_eq!(requests(&timeout), [stop, None, Some(Request::Continue)]);
        let twice = [(libc::SIGINT, 0), (libc::SIGINT, 40), (libc::SIGINT, 400)];
        assert_eq!(requests(&twice), [stop, None, stop]);
    }

    #[test]
    fn only_an_interrupt_or_a_termination_makes_a_stop_urgent() {
        let stop = Some(Request::Stop);
        for first in signals::STOP {
            for polite in [libc::SIGHUP, libc::SIGUSR1, libc::SIGUSR2] {
                assert_eq!(requests(&[(first, 0), (polite, 9000)]), [stop, None]);
            }
            for urgent in [libc::SIGINT, libc::SIGTERM] {
                assert_eq!(requests(&[(first, 0), (urgent, 9000)]), [stop, stop]);
            }
        }
    }
}
