//! Writes the journal of an agent: an observer that hands events to a thread of its own.
//!
//! Invariant: what is said to others about a trial that has ended is said after its files and its entry in the journal are
//! durable. What cannot be written for want of space is kept and tried again, and no trial is begun meanwhile.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use sweep_core::artifacts;
use sweep_core::atomic_fs;
use sweep_core::event::{Event, Observer, ObserverError, Readiness};

use crate::error::PoolError;
use crate::folder::PoolFolder;
use crate::journal::{AgentRecord, EndReason, Entry};

/// Most entries that are written at once.
const MAX_BATCH: usize = 4096;
/// Pause before what could not be written is tried again.
const PAUSE: Duration = Duration::from_millis(500);

/// Clocks that are off by less are left alone.
const CLOCK_TOLERANCE_MS: i64 = 500;

/// Called on the writing thread with each event, once it is durable.
type AfterWrite = Box<dyn FnMut(&Event) + Send>;

/// The journal of this agent, to be written.
pub struct Recorder {
    sender: Option<Sender<Entry>>,
    thread: Option<JoinHandle<()>>,
    state: Arc<Mutex<State>>,
    path: PathBuf,
    /// From this machine's clock to that of the folder, in milliseconds.
    offset_ms: i64,
}

#[derive(Debug, Default)]
struct State {
    given: u64,
    written: u64,
    is_blocked: bool,
    /// Why nothing more is written.
    failure: Option<String>,
}

impl Recorder {
    /// Begins the journal of `agent`, whose trials have their folders in `trials`.
    ///
    /// # Errors
    /// When the journal cannot be created, or an agent of that name has one.
    pub fn start(
        folder: &PoolFolder,
        agent: AgentRecord,
        trials: &Path,
        after_write: impl FnMut(&Event) + Send + 'static,
    ) -> Result<Recorder, PoolError> {
        let path = folder.journal(&agent.name);
        let open = || {
            let file = OpenOptions::new()
                .append(true)
                .create_new(true)
                .open(&path)?;
            atomic_fs::sync_folder(&folder.journals())?;
            Ok(file)
        };
        let file = open().map_err(PoolError::io(&path))?;
        let offset_ms = offset_ms(&file).map_err(PoolError::io(&path))?;
        let agent = AgentRecord {
            at_ms: agent.at_ms + offset_ms,
            ..agent
        };
        let state = Arc::new(Mutex::new(State::default()));
        let (sender, receiver) = channel();
        let mut thread = WriterThread {
            file,
            length: 0,
            trials: trials.to_owned(),
            after_write: Box::new(after_write),
            state: Arc::clone(&state),
        };
        let builder = std::thread::Builder::new().name("journal".to_owned());
        let thread = builder
            .spawn(move || thread.write_all(&receiver))
            .map_err(PoolError::io(&path))?;
        let mut recorder = Recorder {
            sender: Some(sender),
            thread: Some(thread),
            state,
            path,
            offset_ms,
        };
        // A first line that cannot be written shows itself with the next.
        let _ = recorder.give(Entry::Agent(Box::new(agent)));
        Ok(recorder)
    }

    /// Writes the last line, and waits until all is durable.
    ///
    /// # Errors
    /// When something could not be written.
    pub fn end(mut self, reason: EndReason) -> Result<(), ObserverError> {
        self.give(Entry::End {
            at_ms: now_ms() + self.offset_ms,
            reason,
        })?;
        self.close();
        self.check()
    }

    fn give(&mut self, entry: Entry) -> Result<(), ObserverError> {
        self.check()?;
        lock(&self.state).given += 1;
        let sent = self.sender.as_ref().map(|sender| sender.send(entry));
        match sent {
            Some(Ok(())) => Ok(()),
            _ => Err(self.failed("its writer has ended")),
        }
    }

    fn check(&self) -> Result<(), ObserverError> {
        match &lock(&self.state).failure {
            Some(failure) => Err(self.failed(failure)),
            None => Ok(()),
        }
    }

    fn failed(&self, reason: &str) -> ObserverError {
        ObserverError(Box::new(PoolError::invalid(&self.path, reason)))
    }

    fn close(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Observer for Recorder {
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        self.give(Entry::Event {
            at_ms: now_ms() + self.offset_ms,
            event: Box::new(event.clone()),
        })
    }

    fn readiness(&self) -> Readiness {
        let state = lock(&self.state);
        match state.given - state.written {
            _ if state.is_blocked => Readiness::Blocked,
            0 => Readiness::Idle,
            _ => Readiness::Busy,
        }
    }

    fn counts(&self) -> (u64, u64) {
        let state = lock(&self.state);
        (state.given, state.written)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.close();
    }
}

struct WriterThread {
    file: File,
    /// Bytes of whole lines.
    length: u64,
    trials: PathBuf,
    after_write: AfterWrite,
    state: Arc<Mutex<State>>,
}

impl WriterThread {
    fn write_all(&mut self, receiver: &Receiver<Entry>) {
        while let Ok(first) = receiver.recv() {
            let mut batch = vec![first];
            batch.extend(receiver.try_iter().take(MAX_BATCH));
            loop {
                match self.write(&batch) {
                    Ok(()) => break,
                    Err(error) if atomic_fs::is_full(&error) => {
                        lock(&self.state).is_blocked = true;
                        std::thread::sleep(PAUSE);
                    }
                    Err(error) => {
                        lock(&self.state).failure = Some(error.to_string());
                        return;
                    }
                }
            }
            for entry in &batch {
                if let Entry::Event { event, .. } = entry {
                    (self.after_write)(event);
                }
            }
            let mut state = lock(&self.state);
            state.is_blocked = false;
            state.written += batch.len() as u64;
        }
    }

    /// Writes all of `batch`, or nothing that a reader would see.
    fn write(&mut self, batch: &[Entry]) -> io::Result<()> {
        let finished = batch.iter().filter_map(|entry| match entry {
            Entry::Event { event, .. } => match &**event {
                Event::TrialFinished { trial, result, .. } => Some((trial, &**result)),
                _ => None,
            },
            _ => None,
        });
        artifacts::sync(&self.trials, finished).map_err(|error| error.source)?;
        let mut bytes = Vec::new();
        for entry in batch {
            serde_json::to_writer(&mut bytes, entry)?;
            bytes.push(b'\n');
        }
        if let Err(error) = self.file.write_all(&bytes) {
            // What was written in part must not become the beginning of another line.
            self.file.set_len(self.length)?;
            return Err(error);
        }
        self.length += bytes.len() as u64;
        match batch.iter().any(is_durable) {
            true => self.file.sync_data(),
            false => Ok(()),
        }
    }
}

/// Whether `entry` has to have reached the disk before anything follows from it.
fn is_durable(entry: &Entry) -> bool {
    match entry {
        Entry::Agent(_) | Entry::End { .. } => true,
        Entry::Event { event, .. } => matches!(
            **event,
            Event::TrialFinished { .. }
                | Event::TrialFailed { .. }
                | Event::TrialSkipped { .. }
                | Event::TrialPaused { .. }
                | Event::TrialInterrupted { .. }
        ),
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How far the clock of the folder that `file` was just created in is ahead of this machine's. Journals of several machines
/// are put in one order by their times, so that they must not be off by more than it takes to pass a trial on.
fn offset_ms(file: &File) -> io::Result<i64> {
    let created = file.metadata()?.modified()?;
    let created = created.duration_since(SystemTime::UNIX_EPOCH);
    let offset = created.map_or(0, |since| since.as_millis() as i64) - now_ms();
    Ok(match offset.abs() > CLOCK_TOLERANCE_MS {
        true => offset,
        // File systems keep times less exactly than clocks that agree.
        false => 0,
    })
}

/// Milliseconds since 1970, UTC.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as i64)
}
