//! Atomic writes of files and folders: temporary file first, then rename.
//!
//! Invariant: a name never refers to a half-written file, not even after a power cut, unless a function
//! says so. On any error the previous content stays, and no temporary file is left behind.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes gathered before they go to the file.
const BUFFER: usize = 1 << 20;

/// Creates or replaces the file at `path` with what `fill` writes; its folder must exist. File and
/// name have reached the disk when this returns.
pub fn write(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    replace(path, fill, || Ok(()))
}

/// As [`write`], and keeps the previous file as `before`. Once `path` exists, it never ceases to.
pub fn write_keeping_previous(
    path: &Path,
    before: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    replace(path, fill, || {
        // A second name for the old file, so that `path` exists throughout.
        let second = Temporary::beside(before);
        match fs::hard_link(path, &second.0) {
            Ok(()) => fs::rename(&second.0, before),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            // A file system without hard links.
            Err(_) => fs::copy(path, &second.0).and_then(|_| fs::rename(&second.0, before)),
        }
    })
}

/// As [`write`] for `bytes`, without waiting for the disk: for files that are synced later or that
/// may be lost in a power failure. The temporary file is `PATH.PROCESS.part`.
pub fn write_unsynced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary =
        Temporary::new(path.with_added_extension(format!("{}.part", std::process::id())));
    fs::write(&temporary.0, bytes)?;
    fs::rename(&temporary.0, path)
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
    sync_folder(parent_dir(path))
}

/// Brings the names in `folder`, as a rename has left them, to the disk: they get there with the folder, not with the
/// files that they name.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Creates the folder `path` and those above it that are missing. The names of new folders have reached the disk when
/// this returns, so that a power cut cannot lose what is flushed below them.
pub fn create_folder(path: &Path) -> io::Result<()> {
    let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
    let missing: Vec<&Path> = path.ancestors().take_while(is_missing).collect();
    fs::create_dir_all(path)?;
    for new in missing.into_iter().rev() {
        match sync_folder(parent_dir(new)) {
            // Folders may be made in one that may not be read, and then it cannot be flushed.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            outcome => outcome?,
        }
    }
    Ok(())
}

/// Whether `error` means that there is no more space: a full disk, a used-up quota, or the limit to the size of files.
pub fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// What to do about an `error` that means that there is no more space.
pub fn how_to_make_room(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::FileTooLarge => "raise the limit to the size of files (`ulimit -f`)",
        _ => "free some space",
    }
}

/// Whether `name` is that of a temporary file whose writer no longer runs: `NAME.PROCESS.part` or
/// `NAME.PROCESS-COUNT.part`. This process must not be writing such a file itself.
pub fn is_stale_partial(name: &str) -> bool {
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

/// Whether `path` exists and is anything but an empty folder, so that a new folder may not replace it.
pub fn is_occupied(path: &Path) -> bool {
    match fs::symlink_metadata(path) {
        Ok(_) => fs::read_dir(path).map_or(true, |mut entries| entries.next().is_some()),
        Err(_) => false,
    }
}

/// Creates the folder `path`, or replaces an empty one, atomically. `files` go by their path in it;
/// `folders` are those that exist even if they hold no file. All have reached the disk when this returns.
pub fn write_folder(
    path: &Path,
    folders: &[PathBuf],
    files: &[(PathBuf, Vec<u8>)],
) -> io::Result<()> {
    let staging = StagingFolder::beside(path)?;
    for folder in folders {
        fs::create_dir_all(staging.path().join(folder))?;
    }
    for (name, bytes) in files {
        let file = staging.path().join(name);
        fs::create_dir_all(parent_dir(&file))?;
        fs::write(&file, bytes)?;
    }
    staging.rename(path)
}

/// From so many files on, flushing the whole file system once takes less time than flushing each: one takes
/// milliseconds, and the export of a large sweep has thousands.
const MANY: usize = 64;

/// Flushes `folder` and everything in it to the disk.
pub fn sync_all_below(folder: &Path) -> io::Result<()> {
    let mut all = Vec::new();
    let mut left = vec![folder.to_owned()];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            for entry in fs::read_dir(&path)? {
                left.push(entry?.path());
            }
        }
        all.push(path);
    }
    if all.len() > MANY && sync_file_system(folder)? {
        return Ok(());
    }
    all.iter().try_for_each(|path| File::open(path)?.sync_all())
}

/// Flushes the file system that `folder` is on; false where there is no such call.
#[cfg(target_os = "linux")]
fn sync_file_system(folder: &Path) -> io::Result<bool> {
    use std::os::fd::AsRawFd as _;
    let folder = File::open(folder)?;
    // SAFETY: the descriptor is open for the length of the call.
    match unsafe { libc::syncfs(folder.as_raw_fd()) } {
        0 => Ok(true),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(not(target_os = "linux"))]
fn sync_file_system(_: &Path) -> io::Result<bool> {
    Ok(false)
}

/// Whether this process may write to `path`, or create it in its nearest existing parent folder.
pub fn is_writable(path: &Path) -> bool {
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

/// A folder for files that are not complete yet. It is removed when dropped, or when this process is
/// interrupted, unless it was renamed.
pub struct StagingFolder(PathBuf);

impl StagingFolder {
    /// Creates one beside `path`, with the folders above it: `PATH.PROCESS.part`.
    pub fn beside(path: &Path) -> io::Result<StagingFolder> {
        StagingFolder::create(path.with_added_extension(format!("{}.part", std::process::id())))
    }

    /// Creates an empty one at `path`, with the folders above it. What an interrupted write of a process
    /// with the same number left there is removed.
    pub fn create(path: PathBuf) -> io::Result<StagingFolder> {
        let staging = StagingFolder::at(path);
        match fs::remove_dir_all(&staging.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        create_folder(&staging.0)?;
        Ok(staging)
    }

    fn at(path: PathBuf) -> StagingFolder {
        partial().push(path.clone());
        StagingFolder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Flushes everything in it to the disk and gives it the name `path`, which may be that of an empty folder.
    pub fn rename(self, path: &Path) -> io::Result<()> {
        sync_all_below(&self.0)?;
        fs::rename(&self.0, path)?;
        sync_folder(parent_dir(path))
    }
}

impl Drop for StagingFolder {
    fn drop(&mut self) {
        // There is nothing to remove after the rename; a failure before it is harmless.
        let _ = fs::remove_dir_all(&self.0);
        forget(&self.0);
    }
}

/// A folder in the system's temporary folder, removed when dropped.
pub struct TemporaryFolder(StagingFolder);

impl TemporaryFolder {
    /// Creates one whose name begins with `name`.
    pub fn new(name: &str) -> io::Result<TemporaryFolder> {
        let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        // Fails if another process created it.
        fs::create_dir(&path)?;
        Ok(TemporaryFolder(StagingFolder::at(path)))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// The file that `path` is a symbolic link to, however many lie between, whether or not it exists; `path` itself if it
/// is no link. Links among its folders are left as they are: they lead to the same files by any name.
pub fn follow_links(path: &Path) -> PathBuf {
    /// As many as Linux follows.
    const MAX_LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&path) {
            Ok(target) => path = parent_dir(&path).join(target),
            Err(_) => return path,
        }
    }
    path
}

/// The folder that contains `path`; `.` for a bare name.
pub fn parent_dir(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Temporary files and folders of this process.
static PARTIAL: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A poisoned lock is usable: a panic cannot leave the list inconsistent.
fn partial() -> MutexGuard<'static, Vec<PathBuf>> {
    PARTIAL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes all temporary files of this process, for one that is about to exit; writes in progress fail.
pub fn remove_partial_files() {
    for path in partial().drain(..) {
        // A file that cannot be removed now is found by `is_stale_partial` later.
        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
    }
}

fn forget(path: &Path) {
    partial().retain(|other| other != path);
}

/// A file, removed when dropped unless it was renamed.
struct Temporary(PathBuf);

impl Temporary {
    /// A name beside `path`: `PATH.PROCESS-COUNT.part`.
    fn beside(path: &Path) -> Temporary {
        // Process and count make the name private, so that two writers of one file do not meet.
        static WRITES: AtomicU32 = AtomicU32::new(0);
        let (process, count) = (std::process::id(), WRITES.fetch_add(1, Ordering::Relaxed));
        Temporary::new(path.with_added_extension(format!("{process}-{count}.part")))
    }

    fn new(path: PathBuf) -> Temporary {
        partial().push(path.clone());
        Temporary(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // There is nothing to remove after the rename; a failure before it is harmless.
        let _ = fs::remove_file(&self.0);
        forget(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_to_the_file_that_they_mean() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("disk")).unwrap();
        std::os::unix::fs::symlink("disk/file", at("second")).unwrap();
        std::os::unix::fs::symlink(at("second"), at("first")).unwrap();
        assert_eq!(
            follow_links(&at("first")),
            at("disk/file"),
            "it is not there yet"
        );
        fs::write(at("disk/file"), "").unwrap();
        assert_eq!(follow_links(&at("first")), at("disk/file"));
        assert_eq!(follow_links(&at("disk/file")), at("disk/file"));
        std::os::unix::fs::symlink("loop", at("loop")).unwrap();
        assert_eq!(
            follow_links(&at("loop")),
            at("loop"),
            "opening it is what fails"
        );
    }
}
