//! The journal of an agent: all that has happened there, one JSON object a line, written by that agent alone.
//!
//! Invariant: a line without its end is not there yet. Readers keep the place up to which they have read, in bytes, and
//! never read a line twice.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use sweep_core::event::Event;

use crate::error::PoolError;

/// Most bytes that are read at once; a line may be longer.
const MAX_READ: usize = 4 << 20;

/// A line of a journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Entry {
    /// The first line.
    Agent(Box<AgentRecord>),
    /// Something has happened.
    Event {
        /// By the clock of the agent's machine, in milliseconds since 1970, UTC.
        at_ms: i64,
        event: Box<Event>,
    },
    /// The last line, unless the agent was killed.
    End { at_ms: i64, reason: EndReason },
}

/// Who writes a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRecord {
    pub name: String,
    pub host: String,
    pub pid: u32,
    /// The job of the cluster, if it runs in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// How many trials it runs at a time.
    pub slots: usize,
    /// Of the program.
    pub version: String,
    pub at_ms: i64,
    /// What the machine and its libraries are: name and text.
    #[serde(default)]
    pub environment: Vec<(String, String)>,
}

/// Why an agent has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Nothing was left for it to do.
    NothingLeft,
    /// A signal or a request stopped it.
    Stopped,
    /// Its slots failed too often.
    SlotsFailed,
    /// It could not go on.
    Error,
}

/// Reads one journal, from where it was left.
#[derive(Debug)]
pub struct JournalReader {
    path: PathBuf,
    place: u64,
}

impl JournalReader {
    /// Reads the journal at `path` from `place` on.
    pub fn new(path: &Path, place: u64) -> JournalReader {
        JournalReader {
            path: path.to_owned(),
            place,
        }
    }

    /// The whole lines that have come since the last time, at most some megabytes of them, each with the place of the journal
    /// after it, in bytes; `None` if there are none.
    ///
    /// # Errors
    /// When the file cannot be read, or holds a line that is no entry.
    pub fn read(&mut self) -> Result<Option<Vec<(Entry, u64)>>, PoolError> {
        // Opened anew each time: network file systems look again at a file that is opened.
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(PoolError::io(&self.path)(error)),
        };
        let length = file.metadata().map_err(PoolError::io(&self.path))?.len();
        let mut most = MAX_READ as u64;
        loop {
            let wanted = length.saturating_sub(self.place).min(most) as usize;
            if wanted == 0 {
                return Ok(None);
            }
            let mut bytes = vec![0; wanted];
            let read =
                read_at_most(&file, &mut bytes, self.place).map_err(PoolError::io(&self.path))?;
            bytes.truncate(read);
            match bytes.iter().rposition(|byte| *byte == b'\n') {
                Some(end) => return self.entries(&bytes[..=end]).map(Some),
                // A line that is longer than what was read.
                None if read as u64 == most => most *= 2,
                None => return Ok(None),
            }
        }
    }

    fn entries(&mut self, bytes: &[u8]) -> Result<Vec<(Entry, u64)>, PoolError> {
        let mut entries = Vec::new();
        let mut place = self.place;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let entry = serde_json::from_slice(line).map_err(|error| {
                PoolError::invalid(&self.path, format!("no entry at byte {place}: {error}"))
            })?;
            place += line.len() as u64;
            entries.push((entry, place));
        }
        self.place = place;
        Ok(entries)
    }
}

fn read_at_most(file: &File, bytes: &mut [u8], from: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], from + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write as _;

    use super::*;

    fn end(at_ms: i64) -> Entry {
        Entry::End {
            at_ms,
            reason: EndReason::Stopped,
        }
    }

    #[test]
    fn a_torn_last_line_waits_for_its_end_and_nothing_is_read_twice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        let mut reader = JournalReader::new(&path, 0);
        assert_eq!(reader.read().unwrap(), None, "there is no file yet");
        let line = |at_ms| format!("{}\n", serde_json::to_string(&end(at_ms)).unwrap());
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .unwrap();
        let (head, tail) = (line(1) + &line(2)[..7], line(2)[7..].to_owned());
        file.write_all(head.as_bytes()).unwrap();
        let first = reader.read().unwrap().unwrap();
        let place = line(1).len() as u64;
        assert_eq!(first, [(end(1), place)]);
        assert_eq!(reader.read().unwrap(), None);
        file.write_all(tail.as_bytes()).unwrap();
        let whole = line(1).len() + line(2).len();
        assert_eq!(reader.read().unwrap().unwrap(), [(end(2), whole as u64)]);
        let mut again = JournalReader::new(&path, place);
        assert_eq!(again.read().unwrap().unwrap()[0].0, end(2));

        file.write_all(b"nonsense\n").unwrap();
        let error = reader.read().unwrap_err().to_string();
        assert!(
            error.contains("a.jsonl") && error.contains("byte"),
            "{error}"
        );
    }

    #[test]
    fn a_line_may_be_longer_than_what_is_read_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        let message = "x".repeat(3 * MAX_READ);
        let event = Box::new(Event::StoreWarning { message });
        let long = Entry::Event { at_ms: 1, event };
        std::fs::write(&path, serde_json::to_string(&long).unwrap() + "\n").unwrap();
        let mut reader = JournalReader::new(&path, 0);
        assert_eq!(reader.read().unwrap().unwrap()[0].0, long);
        assert_eq!(reader.read().unwrap(), None);
    }

    /// Journals are read by later versions of this program.
    #[test]
    fn entries_keep_their_form() {
        let lines = include_str!("fixtures/journal.jsonl");
        for line in lines.lines() {
            let entry: Entry = serde_json::from_str(line).unwrap();
            assert_eq!(serde_json::to_string(&entry).unwrap(), line);
        }
        assert_eq!(lines.lines().count(), 12);
    }
}
