//! The one who writes: an observer that hands events to a thread of its own.
//!
//! There is no race to lose: the thread alone owns the connection and events reach it in order. What
//! cannot be written for want of space, or since another process keeps the database locked, is held back
//! and tried again until it can be; any other failure ends the thread for good and is told by every
//! later call.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::agents::CollectedEvents;
use super::batch_writer::{BatchWriter, Entry};
use super::clock::Clock;
use super::database::Database;
use super::session::{Outcome, SessionId};
use super::writer_state::WriterState;
use super::{Store, StoreError};
use sweep_core::artifacts::{self, SyncError};
use sweep_core::event::{Event, Observer, ObserverError, Readiness};
use sweep_core::trial::TrialId;
use sweep_core::{atomic_fs, awake};

/// The files that trials leave, in a folder of its own for each trial.
pub struct TrialFiles {
    /// Holds the folders, named after the trials.
    pub folder: PathBuf,
    /// Called on the writing thread with a trial whose result is durable, and its files with it.
    pub after_commit: Box<dyn FnMut(&TrialId) + Send>,
}

/// Longest time that an event waits for company before it is written.
const FLUSH_AFTER: Duration = Duration::from_millis(100);
/// Most events of one transaction.
const BATCH_EVENTS: usize = 8_192;
/// First pause before what was held back is tried again; each further one is twice as long.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
/// Longest such pause: how late at most the sweep continues when it could.
const MAX_BACKOFF: Duration = Duration::from_secs(5);
/// How long the end of a session may be held back before what is left counts as not recorded.
const END_TIMEOUT: Duration = Duration::from_secs(60);
/// Likewise, when somebody wants it to end.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// Writes the events of one session. Dropped without [`Writer::finish`], it still writes what it was
/// given, and the session stays `running` until the next one finds it dead.
pub struct Writer {
    /// `None` once closed.
    sender: Option<Sender<Message>>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<WriterState>,
    clock: Clock,
    path: PathBuf,
}

enum Message {
    Entry(Entry),
    Flush,
}

/// How long the writer waits for another process's lock before it says so and keeps waiting.
const QUIET_LOCK_TIMEOUT: Duration = Duration::from_secs(3);

/// What a committed batch of events is safe against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Loss of power: every batch waits for the disk.
    Power,
    /// The end of any process, but not of the machine: the last seconds may then be missing.
    Process,
}

impl Store {
    /// The observer that writes the events of `session`, safe against loss of power, and with
    /// `files` what trials leave behind as well.
    pub fn writer(
        &self,
        session: SessionId,
        files: Option<TrialFiles>,
    ) -> Result<Writer, StoreError> {
        self.writer_with(session, Durability::Power, files)
    }

    /// As [`Store::writer`], with another `durability`.
    pub fn writer_with(
        &self,
        session: SessionId,
        durability: Durability,
        files: Option<TrialFiles>,
    ) -> Result<Writer, StoreError> {
        let database = Database::create(&self.database.path)?;
        // The journal reads every key it writes from this very file; checking each again would
        // cost more than writing.
        let mut setup = "PRAGMA foreign_keys = OFF;".to_owned();
        if durability == Durability::Process {
            setup.push_str("PRAGMA synchronous = NORMAL;");
        }
        database
            .connection
            .execute_batch(&setup)
            .map_err(database.fail("setting it up"))?;
        database.wait_for_locks(QUIET_LOCK_TIMEOUT)?;
        Writer::start(database, session, files)
    }
}

impl Writer {
    /// `database` becomes the property of the thread.
    pub(super) fn start(
        database: Database,
        session: SessionId,
        files: Option<TrialFiles>,
    ) -> Result<Writer, StoreError> {
        Writer::start_with(BatchWriter::new(database, session), files)
    }

    /// Likewise, with a journal that is set up.
    pub(super) fn start_with(
        journal: BatchWriter,
        files: Option<TrialFiles>,
    ) -> Result<Writer, StoreError> {
        let (sender, receiver) = channel();
        let shared = Arc::new(WriterState::default());
        let clock = Clock::not_before(journal.began_ms()?);
        let path = journal.path().to_path_buf();
        let mut writer = WriterThread {
            journal,
            files,
            shared: Arc::clone(&shared),
        };
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                if let Err(error) = writer.write_all(&receiver) {
                    // Before the receiver is dropped, so that whoever finds it gone finds this.
                    writer.shared.fail(error);
                }
            })
            .map_err(StoreError::Thread)?;
        Ok(Writer {
            sender: Some(sender),
            thread: Some(thread),
            shared,
            clock,
            path,
        })
    }

    /// Writes what is left and ends the session. Attempts that never ended count as interrupted.
    ///
    /// # Errors
    /// The first failure to write; what is still held back after a minute, or after two seconds of a
    /// stop, counts as one.
    pub fn finish(mut self, outcome: Outcome) -> Result<(), ObserverError> {
        self.give(Entry::Ended {
            outcome,
            at_ms: self.clock.now_ms(),
        })?;
        let timeout = match outcome {
            Outcome::Interrupted => STOP_TIMEOUT,
            Outcome::Finished | Outcome::Failed => END_TIMEOUT,
        };
        match self.close(timeout) {
            true => self.check(),
            false => Err(self.failed()),
        }
    }

    /// Writes what an agent has done; its events and the place of its journal are in the database together, or neither.
    ///
    /// # Errors
    /// The first failure to write, perhaps of something earlier.
    pub fn collect(&self, collected: CollectedEvents) -> Result<(), ObserverError> {
        self.give(Entry::Collected(Box::new(collected)))
    }

    /// The file that is written to.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn give(&self, entry: Entry) -> Result<(), ObserverError> {
        self.check()?;
        let is_gone = || self.thread.as_ref().is_none_or(JoinHandle::is_finished);
        self.shared.wait_for_capacity(is_gone);
        self.send(Message::Entry(entry))
    }

    fn send(&self, message: Message) -> Result<(), ObserverError> {
        self.check()?;
        match &self.sender {
            Some(sender) => sender.send(message).map_err(|_| self.failed()),
            None => Err(self.failed()),
        }
    }

    fn check(&self) -> Result<(), ObserverError> {
        match self.shared.failure() {
            Some(_) => Err(self.failed()),
            None => Ok(()),
        }
    }

    fn failed(&self) -> ObserverError {
        let error = self.shared.failure().unwrap_or_else(|| {
            Arc::new(StoreError::WriterGone {
                path: self.path.clone(),
            })
        });
        ObserverError(Box::new(error))
    }

    /// Lets the thread write what it has and waits for it; false if it panicked.
    fn close(&mut self, timeout: Duration) -> bool {
        self.shared.close_by(awake::now() + timeout);
        self.sender = None;
        self.thread
            .take()
            .is_none_or(|thread| thread.join().is_ok())
    }
}

impl Observer for Writer {
    /// Waits only when the disk is far behind. The error may be that of an earlier event.
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        match event {
            // Its own words.
            Event::StoreBlocked { .. }
            | Event::StoreResumed { .. }
            | Event::StoreWarning { .. } => self.check(),
            event => self.give(Entry::Event {
                event: event.clone(),
                at_ms: self.clock.now_ms(),
            }),
        }
    }

    fn idle(&mut self) -> Result<(), ObserverError> {
        match self.shared.readiness() {
            Readiness::Busy => self.send(Message::Flush),
            Readiness::Idle | Readiness::Blocked => self.check(),
        }
    }

    fn readiness(&self) -> Readiness {
        self.shared.readiness()
    }

    fn counts(&self) -> (u64, u64) {
        self.shared.counts()
    }

    fn drain_events(&mut self) -> Vec<Event> {
        self.shared.drain_events()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close(STOP_TIMEOUT);
    }
}

/// What the thread owns.
struct WriterThread {
    journal: BatchWriter,
    files: Option<TrialFiles>,
    shared: Arc<WriterState>,
}

impl WriterThread {
    /// The life of the thread: batch after batch until the channel is closed or a write fails.
    fn write_all(&mut self, receiver: &Receiver<Message>) -> Result<(), StoreError> {
        while let Ok(first) = receiver.recv() {
            let batch = collect(first, receiver);
            if batch.is_empty() {
                continue;
            }
            self.write_with_retries(&batch).map_err(|error| {
                let rest = receiver.try_iter().filter(Message::is_result).count();
                error.with_lost_results(finished(&batch).count() + rest)
            })?;
            if let Some(files) = &mut self.files {
                finished(&batch).for_each(|trial| (files.after_commit)(trial));
            }
            if let Some(note) = self.journal.checkpoint_wal() {
                self.shared.tell(Event::StoreWarning { message: note });
            }
            self.shared.written(batch.len());
        }
        Ok(())
    }

    /// Writes `batch`, however long it takes until it can be.
    fn write_with_retries(&mut self, batch: &[Entry]) -> Result<(), StoreError> {
        let mut pause = FIRST_BACKOFF;
        loop {
            match self.try_to_write(batch) {
                Ok(()) => {
                    self.shared.unblock();
                    return Ok(());
                }
                Err(error) => {
                    let Some(reason) = error.retry_reason() else {
                        return Err(error);
                    };
                    if !self.shared.wait(reason, pause) {
                        return Err(error);
                    }
                }
            }
            pause = (pause * 2).min(MAX_BACKOFF);
        }
    }

    fn try_to_write(&mut self, batch: &[Entry]) -> Result<(), StoreError> {
        if let Some(files) = &self.files {
            // Where the whole folder is gone, that is what there is to say.
            sync_artifacts(&files.folder, batch).or_else(|error| {
                self.journal.is_in_place()?;
                Err(error)
            })?;
        }
        self.journal.write(batch)
    }
}

impl Message {
    fn is_result(&self) -> bool {
        matches!(self, Message::Entry(entry) if finished(std::slice::from_ref(entry)).count() > 0)
    }
}

/// The trials that have a result in `batch`.
fn finished(batch: &[Entry]) -> impl Iterator<Item = &TrialId> {
    let events = batch.iter().flat_map(Entry::events);
    events.filter_map(|event| match event {
        Event::TrialFinished { trial, .. } => Some(trial),
        _ => None,
    })
}

/// Flushes the files of the trials that finish in `batch` here; agents have flushed those of theirs.
fn sync_artifacts(trials: &Path, batch: &[Entry]) -> Result<(), StoreError> {
    let finished = batch.iter().filter_map(|entry| match entry {
        Entry::Event {
            event: Event::TrialFinished { trial, result, .. },
            ..
        } => Some((trial, &**result)),
        _ => None,
    });
    artifacts::sync(trials, finished).map_err(
        |SyncError { path, source }| match atomic_fs::is_full(&source) {
            true => StoreError::Full {
                path,
                action: "keeping a model",
            },
            false => StoreError::Artifact { path, source },
        },
    )
}

/// `first` and what comes after it, until a flush is asked for, time is up or the batch is full.
fn collect(first: Message, receiver: &Receiver<Message>) -> Vec<Entry> {
    let deadline = Instant::now() + FLUSH_AFTER;
    let mut batch = Vec::new();
    let mut next = Ok(first);
    loop {
        match next {
            Ok(Message::Entry(entry)) => batch.push(entry),
            Ok(Message::Flush)
            | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return batch,
        }
        if batch.len() >= BATCH_EVENTS {
            return batch;
        }
        next = receiver.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    }
}
