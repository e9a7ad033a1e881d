//! The named pipe through which a program reports metrics, and reading without waiting.
//!
//! A named pipe and not a descriptor: it survives programs that close what they inherit, and any language can open it.

use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// How much the pipe holds, if the system lets it: what a program reports while its worker has no time.
#[cfg(target_os = "linux")]
const PIPE_BYTES: libc::c_int = 1 << 20;

/// Makes a named pipe at `path` that the owner alone can use, and opens it for reading. It is opened for writing as well, so
/// that it never comes to an end and that a program which opens it never waits.
///
/// # Errors
/// When the file system has no named pipes, or the pipe cannot be made.
pub fn make(path: &Path) -> io::Result<File> {
    let name = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: the name ends with a zero byte and outlives the call.
    if unsafe { libc::mkfifo(name.as_ptr(), 0o600) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let pipe = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)?;
    #[cfg(target_os = "linux")]
    // SAFETY: fcntl takes and gives plain numbers; the descriptor is open. A pipe that stays small has writers wait sooner.
    unsafe {
        libc::fcntl(pipe.as_raw_fd(), libc::F_SETPIPE_SZ, PIPE_BYTES);
    }
    Ok(pipe)
}

/// Has reads of `file` return at once.
///
/// # Errors
/// When the system does not let it.
pub fn never_wait(file: &impl AsRawFd) -> io::Result<()> {
    // SAFETY: fcntl takes and gives plain numbers; the descriptor is open.
    unsafe {
        let flags = libc::fcntl(file.as_raw_fd(), libc::F_GETFL);
        if flags < 0 || libc::fcntl(file.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK) < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// What a read found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    Bytes(usize),
    /// Nothing now.
    Nothing,
    End,
}

/// Reads what is there.
pub fn read(file: &mut impl Read, buffer: &mut [u8]) -> Found {
    loop {
        return match file.read(buffer) {
            Ok(0) => Found::End,
            Ok(read) => Found::Bytes(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Found::Nothing,
            Err(_) => Found::End,
        };
    }
}
