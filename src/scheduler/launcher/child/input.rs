//! Writing to a worker without ever waiting long for it.

use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::process::ChildStdin;
use std::time::Duration;

use sweep_core::awake;

/// How long a worker may leave an order unread once the pipe to it is full.
const SEND_LIMIT: Duration = Duration::from_secs(2);

/// Makes writes to `pipe` return at once when it is full.
pub(in crate::launcher) fn never_block(pipe: &ChildStdin) -> io::Result<()> {
    // SAFETY: the descriptor is open as long as `pipe` lives; both calls only read and set its flags.
    let set = unsafe {
        let flags = libc::fcntl(pipe.as_raw_fd(), libc::F_GETFL);
        flags >= 0 && libc::fcntl(pipe.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK) >= 0
    };
    match set {
        true => Ok(()),
        false => Err(io::Error::last_os_error()),
    }
}

/// Writes `bytes`, a line at most as long as the system writes in one piece, or nothing while the pipe is full.
///
/// # Errors
/// When nobody reads from the pipe any more.
pub(in crate::launcher) fn write_if_free(pipe: &mut ChildStdin, bytes: &[u8]) -> io::Result<()> {
    debug_assert!(bytes.len() <= libc::PIPE_BUF);
    match pipe.write(bytes) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        outcome => outcome.map(drop),
    }
}

/// Writes all of `bytes` to a pipe that never blocks.
///
/// # Errors
/// `TimedOut` when the worker does not read; what has been written then is of no use.
pub(in crate::launcher) fn write_all(pipe: &mut ChildStdin, mut bytes: &[u8]) -> io::Result<()> {
    let begin = awake::now();
    while !bytes.is_empty() {
        match pipe.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let left = SEND_LIMIT.saturating_sub(awake::since(begin));
                if left.is_zero() {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                let mut ready = libc::pollfd {
                    fd: pipe.as_raw_fd(),
                    events: libc::POLLOUT,
                    revents: 0,
                };
                // SAFETY: `ready` is one entry and outlives the call. Whatever ends the wait, the next
                // write says how things stand.
                unsafe { libc::poll(&raw mut ready, 1, left.as_millis() as libc::c_int + 1) };
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
