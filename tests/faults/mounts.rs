//! File systems of a test's own: small ones that fill up, and folders that cannot be written.
//!
//! They are mounted in a mount namespace of one thread, which goes with the thread and its children, so
//! that nothing is left behind however a test ends. That takes root, as in a plain container.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Runs `test` where it may mount; says loudly that it is left out where it may not.
pub fn with_own_mounts(name: &'static str, test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::spawn(move || match enter() {
        Ok(()) => test(),
        Err(error) => {
            eprintln!("LEFT OUT: {name} needs to mount file systems, and may not here: {error}");
        }
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// Gives this thread a mount namespace of its own.
fn enter() -> io::Result<()> {
    // SAFETY: only this thread is moved; no memory is touched.
    if unsafe { libc::unshare(libc::CLONE_NEWNS) } != 0 {
        return Err(io::Error::last_os_error());
    }
    mount(
        "none",
        Path::new("/"),
        None,
        libc::MS_REC | libc::MS_PRIVATE,
        "",
    )?;
    // The right to enter a namespace may be there without that to mount.
    let probe = tempfile::tempdir()?;
    mount("tmpfs", probe.path(), Some("tmpfs"), 0, "size=64k")?;
    Mounted(probe.path().to_owned()).release()
}

/// A mount that goes when dropped.
pub struct Mounted(PathBuf);

impl Mounted {
    /// A file system of `bytes` at the folder `at`, which is created if need be.
    pub fn memory(at: &Path, bytes: u64) -> Mounted {
        std::fs::create_dir_all(at).unwrap();
        mount("tmpfs", at, Some("tmpfs"), 0, &format!("size={bytes}")).unwrap();
        Mounted(at.to_owned())
    }

    /// Makes the folder `at` one that cannot be written, not even by root.
    pub fn read_only(at: &Path) -> Mounted {
        let source = at.to_str().unwrap();
        mount(source, at, None, libc::MS_BIND, "").unwrap();
        let mounted = Mounted(at.to_owned());
        let flags = libc::MS_BIND | libc::MS_REMOUNT | libc::MS_RDONLY;
        mount(source, at, None, flags, "").unwrap();
        mounted
    }

    fn release(&self) -> io::Result<()> {
        let at = CString::new(self.0.as_os_str().as_bytes())?;
        // SAFETY: `at` is a C string that outlives the call.
        match unsafe { libc::umount2(at.as_ptr(), libc::MNT_DETACH) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // It goes with the namespace at the latest.
        let _ = self.release();
    }
}

fn mount(
    source: &str,
    target: &Path,
    kind: Option<&str>,
    flags: libc::c_ulong,
    data: &str,
) -> io::Result<()> {
    let source = CString::new(source)?;
    let target = CString::new(target.as_os_str().as_bytes())?;
    let kind = kind.map(CString::new).transpose()?;
    let data = CString::new(data)?;
    let kind = kind.as_ref().map_or(std::ptr::null(), |kind| kind.as_ptr());
    // SAFETY: all pointers are to C strings that outlive the call, or null where that is allowed.
    let code = unsafe {
        libc::mount(
            source.as_ptr(),
            target.as_ptr(),
            kind,
            flags,
            data.as_ptr().cast(),
        )
    };
    match code {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Fills the file system of the folder `at` until `left` bytes of it are free; gives the file that takes
/// the space.
pub fn fill(at: &Path, left: u64) -> PathBuf {
    let path = at.join("ballast");
    let mut file = File::create(&path).unwrap();
    let block = [0_u8; 4_096];
    let mut written = 0;
    while file.write_all(&block).is_ok() {
        written += block.len() as u64;
    }
    file.set_len(written.saturating_sub(left)).unwrap();
    path
}
