//! The one who writes: an observer that hands events to a thread of its own.
//!
//! There is no race to lose: the thread alone owns the connection, events reach it in order through
//! one bounded channel, and the first failure ends it for good and is told by every later call.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::database::Database;
use super::flush::flush;
use super::journal::{Entry, Journal, Outcome};
use super::{SessionId, StoreError, now_ms};
use crate::event::{Event, Observer, ObserverError};
use crate::trial::TrialId;

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
/// Events on their way; the dispatcher waits when the disk is that far behind.
const CHANNEL_EVENTS: usize = 8_192;

/// Writes the events of one session. Dropped without [`Writer::finish`], it still writes what it was
/// given, and the session stays `running` until the next one finds it dead.
pub struct Writer {
    /// `None` once closed.
    sender: Option<SyncSender<Message>>,
    thread: Option<JoinHandle<()>>,
    failure: Arc<OnceLock<Arc<StoreError>>>,
    path: PathBuf,
}

enum Message {
    Entry(Entry),
    Flush,
}

impl Writer {
    /// `database` becomes the property of the thread.
    pub(super) fn start(
        database: Database,
        session: SessionId,
        files: Option<TrialFiles>,
    ) -> Result<Writer, StoreError> {
        let (sender, receiver) = sync_channel(CHANNEL_EVENTS);
        let failure = Arc::new(OnceLock::new());
        let path = database.path.clone();
        let journal = Journal::new(database, session);
        let remembered = Arc::clone(&failure);
        let thread = std::thread::Builder::new()
            .name("record".to_owned())
            .spawn(move || {
                if let Err(error) = write_all(journal, &receiver, files) {
                    // Before the receiver is dropped, so that whoever finds it gone finds this.
                    remembered.get_or_init(|| Arc::new(error));
                }
            })
            .map_err(StoreError::Thread)?;
        Ok(Writer {
            sender: Some(sender),
            thread: Some(thread),
            failure,
            path,
        })
    }

    /// Writes what is left and ends the session. Attempts that never ended count as interrupted.
    pub fn finish(mut self, outcome: Outcome) -> Result<(), ObserverError> {
        self.send(Message::Entry(Entry::Ended {
            outcome,
            at_ms: now_ms(),
        }))?;
        match self.close() {
            true => self.check(),
            false => Err(self.failed()),
        }
    }

    /// The file that is written to.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn send(&self, message: Message) -> Result<(), ObserverError> {
        self.check()?;
        match &self.sender {
            Some(sender) => sender.send(message).map_err(|_| self.failed()),
            None => Err(self.failed()),
        }
    }

    fn check(&self) -> Result<(), ObserverError> {
        match self.failure.get() {
            Some(_) => Err(self.failed()),
            None => Ok(()),
        }
    }

    fn failed(&self) -> ObserverError {
        let error = self.failure.get().cloned().unwrap_or_else(|| {
            Arc::new(StoreError::WriterGone {
                path: self.path.clone(),
            })
        });
        ObserverError(Box::new(error))
    }

    /// Lets the thread write what it has and waits for it; false if it panicked.
    fn close(&mut self) -> bool {
        self.sender = None;
        self.thread
            .take()
            .is_none_or(|thread| thread.join().is_ok())
    }
}

impl Observer for Writer {
    /// Waits only when the disk is far behind. The error may be that of an earlier event.
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        self.send(Message::Entry(Entry::Event {
            event: event.clone(),
            at_ms: now_ms(),
        }))
    }

    fn idle(&mut self) -> Result<(), ObserverError> {
        self.send(Message::Flush)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

/// The life of the thread: batch after batch until the channel is closed or a write fails.
fn write_all(
    mut journal: Journal,
    receiver: &Receiver<Message>,
    mut files: Option<TrialFiles>,
) -> Result<(), StoreError> {
    while let Ok(first) = receiver.recv() {
        let batch = collect(first, receiver);
        if batch.is_empty() {
            continue;
        }
        if let Some(files) = &files {
            flush(&files.folder, &batch)?;
        }
        journal.write(&batch)?;
        if let Some(files) = &mut files {
            for entry in &batch {
                if let Entry::Event {
                    event: Event::TrialFinished { trial, .. },
                    ..
                } = entry
                {
                    (files.after_commit)(trial);
                }
            }
        }
    }
    Ok(())
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
