//! Files of this room: written whole by [`disk`], with errors that say what to do.

use std::fs;
use std::io::{self, BufReader, Read as _, Write};
use std::path::Path;

use sweep_core::atomic_fs;

use sweep_table::DataError;

/// Creates or replaces the file at `path` with what `fill` writes. Folders are made as needed.
///
/// # Errors
/// With what to do about it, when a folder or the file cannot be written.
pub fn write(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), DataError> {
    let folder = atomic_fs::parent_dir(path);
    atomic_fs::create_folder(folder).map_err(|source| cannot_write(folder, &source))?;
    atomic_fs::write(path, fill).map_err(|source| cannot_write(path, &source))?;
    clear_leftovers(path);
    Ok(())
}

/// Writes `bytes` to the file at `path`, unless they stand there already; see [`write_if_other`].
pub fn write_if_new(path: &Path, bytes: &[u8]) -> Result<bool, DataError> {
    write_if_other(path, |out| out.write_all(bytes))
}

/// Writes what `fill` writes, the same each time, to the file at `path`, unless it stands there
/// already; true if it does. File and name have reached the disk when this returns.
pub fn write_if_other(
    path: &Path,
    fill: impl Fn(&mut dyn Write) -> io::Result<()>,
) -> Result<bool, DataError> {
    if !stands(path, &fill) {
        write(path, fill)?;
        return Ok(false);
    }
    // Who wrote it may have been killed before the flush. Where nothing is to be flushed, this costs next to nothing.
    let flushed = fs::File::open(path).and_then(|file| file.sync_all());
    flushed
        .and_then(|()| atomic_fs::sync_folder(atomic_fs::parent_dir(path)))
        .map_err(|source| cannot_write(path, &source))?;
    // A power cut may have kept the file and lost the removal of what was beside it.
    clear_leftovers(path);
    Ok(true)
}

/// Whether the file at `path` is what `fill` writes, byte for byte.
fn stands(path: &Path, fill: impl Fn(&mut dyn Write) -> io::Result<()>) -> bool {
    let Ok(file) = fs::File::open(path) else {
        return false;
    };
    let mut comparing = Comparing {
        file: BufReader::new(file),
        buffer: Vec::new(),
    };
    let is_equal = fill(&mut comparing).is_ok();
    let mut rest = [0];
    is_equal
        && comparing
            .file
            .read(&mut rest)
            .is_ok_and(|length| length == 0)
}

/// Fails at the first byte that differs from those of a file.
struct Comparing {
    file: BufReader<fs::File>,
    buffer: Vec<u8>,
}

impl Write for Comparing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.resize(bytes.len(), 0);
        self.file.read_exact(&mut self.buffer)?;
        match self.buffer == bytes {
            true => Ok(bytes.len()),
            false => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Removes what writers of `path` that were killed left beside it.
fn clear_leftovers(path: &Path) {
    let folder = atomic_fs::parent_dir(path);
    let (Some(name), Ok(entries)) = (path.file_name(), fs::read_dir(folder)) else {
        return;
    };
    for entry in entries.filter_map(Result::ok) {
        let other = entry.file_name();
        let is_of_it = other
            .as_encoded_bytes()
            .starts_with(name.as_encoded_bytes());
        if is_of_it && other.to_str().is_some_and(atomic_fs::is_stale_partial) {
            // One that stays takes room and does no other harm.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn cannot_write(path: &Path, source: &io::Error) -> DataError {
    let help = match source.kind() {
        io::ErrorKind::FileTooLarge => atomic_fs::how_to_make_room(source),
        _ if atomic_fs::is_full(source) => {
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
    DataError::new(path, format!("cannot be written: {source}"), help).of_machine()
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
    fn what_a_killed_writer_left_goes_with_the_next_write() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let (gone, alive) = (i32::MAX, std::os::unix::process::parent_id());
        let kept = [
            format!("data.bin.{alive}-0.part"),
            format!("other.{gone}-0.part"),
        ];
        for name in kept.iter().chain([&format!("data.bin.{gone}-0.part")]) {
            fs::write(at(name), "half").unwrap();
        }
        assert!(!write_if_new(&at("data.bin"), b"whole").unwrap());
        fs::write(at(&format!("data.bin.{gone}-1.part")), "half").unwrap();
        assert!(write_if_new(&at("data.bin"), b"whole").unwrap());
        assert!(kept.iter().all(|name| at(name).exists()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
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
