//! Logs of processes that write without end: of a slot, what its workers write for people; of a program, its output.
//!
//! Whoever started the process owns the other end of its output and writes the file, so that the bound holds while the
//! process lives, and so that its last lines are at hand even when the disk is full. Invariant: a log and the older one kept
//! beside it never hold more than twice [`LOG_BYTES`].

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Most bytes of a log. A full one becomes the older one, `NAME.log.1`.
pub const LOG_BYTES: u64 = 1 << 20;
/// How much of the end of a log is kept for its last lines.
const TAIL_BYTES: usize = 4096;
/// How many last lines of a log are kept with a failure.
const TAIL_LINES: usize = 20;

/// The last of what a worker wrote.
#[derive(Debug, Clone, Default)]
pub struct Tail(Arc<Mutex<VecDeque<u8>>>);

impl Tail {
    fn add(&self, bytes: &[u8]) {
        let mut tail = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tail.extend(bytes);
        let surplus = tail.len().saturating_sub(TAIL_BYTES);
        tail.drain(..surplus);
    }

    /// The last lines.
    pub fn lines(&self) -> String {
        let tail = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = tail.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }
}

/// A log file being written.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    /// The file and its length; none while it cannot be written.
    file: Option<(File, u64)>,
    tail: Tail,
}

impl Log {
    /// The log at `path`, to be added to.
    pub fn new(path: &Path) -> Log {
        Log {
            path: path.to_owned(),
            file: None,
            tail: Tail::default(),
        }
    }

    /// What is written from now on, by whoever is listened to.
    pub fn tail(&self) -> Tail {
        self.tail.clone()
    }

    /// Writes down what `errors` gives until its end.
    pub fn carry(mut self, mut errors: impl Read) {
        let mut buffer = [0; 8192];
        loop {
            match errors.read(&mut buffer) {
                Ok(0) => return,
                Ok(read) => self.add(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    /// Writes down `bytes`, at most [`LOG_BYTES`] of them. What cannot be written is lost but for the tail: nobody is held
    /// up by a log.
    pub fn add(&mut self, bytes: &[u8]) {
        self.tail.add(bytes);
        if self.write(bytes).is_err() {
            self.file = None;
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (mut file, mut length) = match self.file.take() {
            Some(open) => open,
            None => self.open()?,
        };
        if length > 0 && length + bytes.len() as u64 > LOG_BYTES {
            fs::rename(&self.path, self.path.with_added_extension("1"))?;
            (file, length) = self.open()?;
        }
        file.write_all(bytes)?;
        self.file = Some((file, length + bytes.len() as u64));
        Ok(())
    }

    /// Opens the file, in a folder that is made again if it was removed; gives its length too.
    fn open(&self) -> io::Result<(File, u64)> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)?;
        let length = file.metadata()?.len();
        Ok((file, length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_of_a_log_begins_where_the_worker_did_and_is_its_last_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cpu-0.log");
        fs::write(&path, "before\n").unwrap();
        let log = Log::new(&path);
        let tail = log.tail();
        log.carry(&b"first\nsecond\n"[..]);
        assert_eq!(tail.lines(), "first\nsecond");
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "before\nfirst\nsecond\n"
        );
        let log = Log::new(&path);
        let tail = log.tail();
        log.carry("x\n".repeat(5000).as_bytes());
        assert_eq!(tail.lines().lines().count(), TAIL_LINES);
    }

    #[test]
    fn a_log_that_is_written_without_end_is_bounded_and_its_newest_part_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cpu-0.log");
        let older = folder.path().join("cpu-0.log.1");
        let text: String = (0..400_000).map(|line| format!("{line:07}\n")).collect();
        assert!(text.len() as u64 > 3 * LOG_BYTES);
        Log::new(&path).carry(text.as_bytes());
        let kept = fs::read_to_string(&older).unwrap() + &fs::read_to_string(&path).unwrap();
        for file in [&path, &older] {
            assert!(fs::metadata(file).unwrap().len() <= LOG_BYTES);
        }
        assert!(kept.len() as u64 > LOG_BYTES && text.ends_with(&kept));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_log_that_cannot_be_written_blocks_nothing_and_keeps_the_tail() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs").join("cpu-0.log");
        fs::write(folder.path().join("logs"), "no folder").unwrap();
        let log = Log::new(&path);
        let tail = log.tail();
        log.carry(&b"last words\n"[..]);
        assert_eq!(tail.lines(), "last words");
        assert!(!path.exists());
    }
}
