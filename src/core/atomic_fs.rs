//! Writing a file so that its name never stands for half of it.
//!
//! Invariant: the name is given by a rename after the bytes have reached the disk; on any error
//! what was there before stays, and nothing else is left behind.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes gathered before they go to the file.
const BUFFER: usize = 1 << 20;

/// Creates or replaces the file at `path` with what `fill` writes; its folder must be there. File and
/// name are on the disk when this returns.
pub fn write(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    replace(path, fill, || Ok(()))
}

/// As [`write`]; what stood at `path` stands at `before` afterwards. At no moment is `path` without a
/// whole file once it had one.
pub fn write_keeping(
    path: &Path,
    before: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    replace(path, fill, || {
        // A second name for the old file, so that the first one never stands for nothing.
        let second = Temporary::beside(before);
        match fs::hard_link(path, &second.0) {
            Ok(()) => fs::rename(&second.0, before),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            // A file system without hard links.
            Err(_) => fs::copy(path, &second.0).and_then(|_| fs::rename(&second.0, before)),
        }
    })
}

/// Writes a file and calls `prepare` before it takes the place of the one at `path`.
fn replace(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    prepare: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    let temporary = Temporary::beside(path);
    let mut out = BufWriter::with_capacity(BUFFER, File::create(&temporary.0)?);
    fill(&mut out)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    prepare()?;
    fs::rename(&temporary.0, path)?;
    // The rename itself reaches the disk with the folder.
    File::open(folder_of(path))?.sync_all()
}

/// Whether `name` is that of a partial file whose writer is gone: `NAME.PROCESS.part` or
/// `NAME.PROCESS-COUNT.part`. This process must not be writing such a file itself.
pub fn is_abandoned(name: &str) -> bool {
    let Some(writer) = name
        .strip_suffix(".part")
        .and_then(|name| name.rsplit('.').next())
    else {
        return false;
    };
    let process = writer.split('-').next().unwrap_or(writer);
    process
        .parse()
        .is_ok_and(|process: i32| process > 0 && !is_alive(process))
}

/// Whether there is another process of that number on this machine.
fn is_alive(process: i32) -> bool {
    if process == std::process::id() as i32 {
        return false;
    }
    // SAFETY: kill takes plain numbers, and signal 0 only asks.
    let asked = unsafe { libc::kill(process, 0) };
    asked == 0 || io::Error::last_os_error().raw_os_error() == Some(libc::EPERM)
}

/// Whether something stands at `path` that a new folder may not replace: anything but an empty folder.
pub fn is_taken(path: &Path) -> bool {
    match fs::symlink_metadata(path) {
        Ok(_) => fs::read_dir(path).map_or(true, |mut entries| entries.next().is_some()),
        Err(_) => false,
    }
}

/// Creates the folder `path`, or replaces an empty one, with `files` by their path in it, and `folders` that may
/// hold none of them: all of it or nothing.
pub fn write_folder(
    path: &Path,
    folders: &[PathBuf],
    files: &[(PathBuf, Vec<u8>)],
) -> io::Result<()> {
    let staging = Staging::at(path.with_added_extension(format!("{}.part", std::process::id())));
    fs::create_dir_all(&staging.0)?;
    for folder in folders {
        fs::create_dir_all(staging.0.join(folder))?;
    }
    for (name, bytes) in files {
        let file = staging.0.join(name);
        fs::create_dir_all(folder_of(&file))?;
        fs::write(&file, bytes)?;
    }
    // An empty folder gives way to the new one.
    fs::rename(&staging.0, path)
}

/// Whether this process may write to `path`, or make it in the nearest folder around it that is there.
pub fn may_write(path: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt as _;
    let there = path
        .ancestors()
        .find(|path| path.as_os_str().is_empty() || path.exists());
    let there = match there {
        Some(there) if !there.as_os_str().is_empty() => there,
        _ => Path::new("."),
    };
    let Ok(name) = std::ffi::CString::new(there.as_os_str().as_bytes()) else {
        return false;
    };
    let enters = if there.is_dir() { libc::X_OK } else { 0 };
    // SAFETY: `name` is a C string that outlives the call, which only asks.
    let asked = unsafe {
        libc::faccessat(
            libc::AT_FDCWD,
            name.as_ptr(),
            libc::W_OK | enters,
            libc::AT_EACCESS,
        )
    };
    asked == 0
}

/// A folder below the system's folder for temporary files that goes away.
pub struct TemporaryFolder(Staging);

impl TemporaryFolder {
    /// A new one, whose name begins with `name`.
    pub fn new(name: &str) -> io::Result<TemporaryFolder> {
        let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        // Never one that somebody else has made.
        fs::create_dir(&path)?;
        Ok(TemporaryFolder(Staging::at(path)))
    }

    pub fn path(&self) -> &Path {
        &self.0.0
    }
}

/// The folder that `path` stands in.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Files and folders of this process that are not whole yet.
static PARTIAL: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Whoever held the lock when it panicked left a list that is whole.
fn partial() -> MutexGuard<'static, Vec<PathBuf>> {
    PARTIAL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes what this process has written in part. For a process that is about to end: what was being
/// written fails.
pub fn abandon() {
    for path in partial().drain(..) {
        // Nothing can be done about what stays; `is_abandoned` knows it.
        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
    }
}

fn forget(path: &Path) {
    partial().retain(|other| other != path);
}

/// A folder that goes away unless it was renamed.
struct Staging(PathBuf);

impl Staging {
    fn at(path: PathBuf) -> Staging {
        partial().push(path.clone());
        Staging(path)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // After the rename there is nothing to remove; before it, a failure changes nothing.
        let _ = fs::remove_dir_all(&self.0);
        forget(&self.0);
    }
}

/// A file that goes away unless it was renamed.
struct Temporary(PathBuf);

impl Temporary {
    /// A name beside `path`: `PATH.PROCESS-COUNT.part`.
    fn beside(path: &Path) -> Temporary {
        // Process and count make the name private, so that two writers of one file do not meet.
        static WRITES: AtomicU32 = AtomicU32::new(0);
        let (process, count) = (std::process::id(), WRITES.fetch_add(1, Ordering::Relaxed));
        let path = path.with_added_extension(format!("{process}-{count}.part"));
        partial().push(path.clone());
        Temporary(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // After the rename there is nothing to remove; before it, a failure changes nothing.
        let _ = fs::remove_file(&self.0);
        forget(&self.0);
    }
}
