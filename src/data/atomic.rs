//! Writing a file so that its name never stands for half of it.
//!
//! Invariant: the name is given by a rename after the bytes have reached the disk; on any error
//! what was there before stays, and nothing else is left behind.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::error::DataError;

/// Bytes gathered before they go to the file.
const BUFFER: usize = 1 << 20;

/// Creates or replaces the file at `path` with what `fill` writes. Folders are made as needed.
///
/// # Errors
/// With what to do about it, when a folder or the file cannot be written.
pub fn write(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), DataError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(|source| cannot_write(folder, &source))?;
    // Process and count make the name private, so that two writers of one file do not meet.
    static WRITES: AtomicU32 = AtomicU32::new(0);
    let private = (std::process::id(), WRITES.fetch_add(1, Ordering::Relaxed));
    let name = path.with_added_extension(format!("{}-{}.part", private.0, private.1));
    let temporary = Temporary(name);
    let written = File::create(&temporary.0).and_then(|file| {
        let mut out = BufWriter::with_capacity(BUFFER, file);
        fill(&mut out)?;
        out.into_inner()
            .map_err(io::IntoInnerError::into_error)?
            .sync_all()?;
        fs::rename(&temporary.0, path)?;
        // The rename itself reaches the disk with the folder.
        File::open(folder)?.sync_all()
    });
    written.map_err(|source| cannot_write(path, &source))
}

/// A file that goes away unless it was renamed.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // After the rename there is nothing to remove; before it, a failure changes nothing.
        let _ = fs::remove_file(&self.0);
    }
}

fn cannot_write(path: &Path, source: &io::Error) -> DataError {
    let help = match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "the disk is full: free some space, or choose another folder"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "choose a folder that you may write to"
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "a file stands where a folder is needed: choose another folder"
        }
        _ => "choose another folder",
    };
    DataError::new(path, format!("cannot be written: {source}"), help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_leaves_what_was_there_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/data.bin");
        write(&path, |out| out.write_all(b"old")).unwrap();
        let error = write(&path, |out| {
            out.write_all(b"new")?;
            Err(io::ErrorKind::StorageFull.into())
        })
        .unwrap_err();
        assert!(error.help.contains("free some space"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_in_the_place_of_a_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let blocker = folder.path().join("file");
        fs::write(&blocker, "").unwrap();
        let error = write(&blocker.join("data.bin"), |_| Ok(())).unwrap_err();
        assert!(
            error
                .help
                .contains("a file stands where a folder is needed"),
            "{error:?}"
        );
    }
}
