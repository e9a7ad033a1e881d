//! What happens in a sweep. Events are all that the scheduler reports: past tense, facts only.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::format;
use crate::search_job::{JobOutcome, SearchJob};
use crate::trial::{Metric, TrialId, TrialResult};

/// A CPU core, or a GPU or a share of one, that runs one worker.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Slot(pub String);

impl std::fmt::Display for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

/// One execution of one trial by one worker; numbered from 1 within a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AttemptNo(pub u64);

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Cause {
    /// The worker process ended by itself.
    Crashed {
        exit_code: Option<i32>,
        signal: Option<i32>,
    },
    /// A program ended without a result.
    ProgramEnded {
        exit_code: Option<i32>,
        signal: Option<i32>,
        message: String,
        /// Its exit code asks for another attempt.
        is_temporary: bool,
    },
    /// It ran longer than a trial may.
    TimedOut { after: Duration },
    /// The worker reported nothing about the trial for this long.
    Hung { after: Duration },
    /// The worker exceeded its memory limit, or the kernel killed it because memory ran out.
    OutOfMemory { message: String },
    /// The engine reported an error that another attempt would repeat.
    Rejected { message: String },
    /// The worker sent an invalid message, or could not be reached.
    Protocol { message: String },
}

/// The recorded cause of trials that were skipped: given up without an attempt of their own.
pub const SKIPPED: &str = "skipped";

/// Every recorded cause of a failed trial.
pub const CAUSES: [&str; 7] = [
    "crashed",
    "timed_out",
    "hung",
    "out_of_memory",
    "rejected",
    "protocol",
    SKIPPED,
];

impl Cause {
    /// Its name in the database and on the command line.
    pub fn name(&self) -> &'static str {
        match self {
            Cause::Crashed { .. } | Cause::ProgramEnded { .. } => "crashed",
            Cause::TimedOut { .. } => "timed_out",
            Cause::Hung { .. } => "hung",
            Cause::OutOfMemory { .. } => "out_of_memory",
            Cause::Rejected { .. } => "rejected",
            Cause::Protocol { .. } => "protocol",
        }
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Cause::Crashed {
                signal: Some(signal),
                ..
            } => {
                write!(
                    f,
                    "worker killed by signal {}",
                    format::format_signal(*signal)
                )
            }
            Cause::Crashed {
                exit_code: Some(code),
                ..
            } => {
                write!(
                    f,
                    "worker exited with code {code} before the trial was done"
                )
            }
            Cause::Crashed { .. } => write!(f, "worker ended before the trial was done"),
            Cause::TimedOut { after } => {
                write!(f, "timed out after {:.1} s", after.as_secs_f64())
            }
            Cause::Hung { after } => {
                write!(
                    f,
                    "no progress was reported for {:.1} s",
                    after.as_secs_f64()
                )
            }
            Cause::ProgramEnded { message, .. }
            | Cause::Rejected { message }
            | Cause::Protocol { message }
            | Cause::OutOfMemory { message } => f.write_str(message),
        }
    }
}

/// Why a session ends before all of its trials have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// Someone asked for it.
    Interrupt,
    /// Its time limit is reached.
    TimeLimit(Duration),
    /// Its limit of ended trials is reached.
    TrialLimit(usize),
}

impl std::fmt::Display for StopReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StopReason::Interrupt => f.write_str("asked to stop"),
            StopReason::TimeLimit(limit) => {
                write!(
                    f,
                    "the time limit of {} is reached",
                    format::format_duration(*limit)
                )
            }
            StopReason::TrialLimit(limit) => {
                write!(
                    f,
                    "the limit of {} is reached",
                    format::pluralize(*limit, "trial")
                )
            }
        }
    }
}

/// Something that has happened. As JSON it is a line of an agent's journal (crate `pool`), which other versions read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A worker process reported that it is ready.
    WorkerStarted {
        slot: Slot,
        pid: u32,
        engine: String,
        log: PathBuf,
    },
    /// An attempt was assigned to a worker.
    TrialStarted {
        trial: TrialId,
        attempt: AttemptNo,
        slot: Slot,
        engine: String,
        pid: u32,
    },
    /// Training resumed from the checkpoint written after `step`.
    TrialResumed {
        trial: TrialId,
        attempt: AttemptNo,
        step: u32,
    },
    /// An epoch or round ended. After a resume, steps already reported may come again with the
    /// same values.
    TrialProgressed {
        trial: TrialId,
        attempt: AttemptNo,
        /// Epoch or round, from 1.
        step: u32,
        #[serde(with = "crate::trial::metric_values")]
        values: Vec<(Metric, f64)>,
    },
    /// A result. `result.diverged` is set if the trial diverged.
    TrialFinished {
        trial: TrialId,
        attempt: AttemptNo,
        result: Box<TrialResult>,
    },
    /// An attempt ended without a result. With `will_retry`, the trial goes back to the queue.
    TrialFailed {
        trial: TrialId,
        attempt: AttemptNo,
        cause: Cause,
        /// Last lines that the worker wrote to its log.
        log_tail: String,
        will_retry: bool,
    },
    /// The worker has a warning about the trial; `message` is a sentence.
    TrialWarning {
        trial: TrialId,
        attempt: AttemptNo,
        message: String,
    },
    /// A trial was given up without an attempt, because its configuration has crashed too many workers.
    TrialSkipped { trial: TrialId, reason: String },
    /// A search has the trial pause after `step`; a checkpoint of it is there.
    TrialPaused {
        trial: TrialId,
        attempt: AttemptNo,
        step: u32,
    },
    /// The worker was asked to stop and did; `step` is that of the checkpoint, if there is one.
    TrialInterrupted {
        trial: TrialId,
        attempt: AttemptNo,
        step: Option<u32>,
    },
    /// Another session has completed a trial that was queued here.
    TrialCompletedElsewhere { trial: TrialId },
    /// A search decided on a job.
    SearchJobDecided { job: Box<SearchJob> },
    /// A job of a search has its outcome.
    SearchJobEnded {
        /// The key of the search in the database.
        search: i64,
        number: u32,
        outcome: JobOutcome,
    },
    /// A search has come to its end; `reason` is a sentence.
    SearchEnded {
        /// The key of the search in the database.
        search: i64,
        /// Its table in the experiment file.
        path: String,
        reason: String,
        /// Whether its budget is spent: otherwise it ended earlier than it might have.
        is_budget_spent: bool,
    },
    /// A slot failed too often in a row and gets no more trials.
    SlotRetired { slot: Slot, reason: String },
    /// No more trials are started. Running ones were asked to write a checkpoint and end; with
    /// `at_once` their workers were killed instead.
    StopRequested { reason: StopReason, at_once: bool },
    /// The database cannot be written for now. Pending writes are kept and retried; no new trials are
    /// started meanwhile.
    StoreBlocked { reason: String },
    /// The database could be written again, with everything that was pending.
    StoreResumed { after: Duration },
    /// The store has a warning about the database; `message` is a sentence.
    StoreWarning { message: String },
}

impl Event {
    /// The attempt that it is about, if it is about one.
    pub fn attempt_mut(&mut self) -> Option<&mut AttemptNo> {
        match self {
            Event::TrialStarted { attempt, .. }
            | Event::TrialResumed { attempt, .. }
            | Event::TrialProgressed { attempt, .. }
            | Event::TrialFinished { attempt, .. }
            | Event::TrialFailed { attempt, .. }
            | Event::TrialWarning { attempt, .. }
            | Event::TrialPaused { attempt, .. }
            | Event::TrialInterrupted { attempt, .. } => Some(attempt),
            Event::WorkerStarted { .. }
            | Event::TrialSkipped { .. }
            | Event::TrialCompletedElsewhere { .. }
            | Event::SearchJobDecided { .. }
            | Event::SearchJobEnded { .. }
            | Event::SearchEnded { .. }
            | Event::SlotRetired { .. }
            | Event::StopRequested { .. }
            | Event::StoreBlocked { .. }
            | Event::StoreResumed { .. }
            | Event::StoreWarning { .. } => None,
        }
    }
}

/// Whether an observer has processed the events it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Readiness {
    /// All events are processed.
    #[default]
    Idle,
    /// Some events are still being processed.
    Busy,
    /// It waits for something that this program cannot fix, and keeps the events until then.
    Blocked,
}

/// Receives every event, in order, on the dispatcher's thread.
pub trait Observer {
    /// Processes `event`. An error ends the sweep: only the store may return one.
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError>;

    /// Called when nothing has happened for a moment, and at the end.
    fn idle(&mut self) -> Result<(), ObserverError> {
        Ok(())
    }

    /// Whether it has processed all events. While it is blocked no new trials are started, and a
    /// session does not end by itself before it is idle.
    fn readiness(&self) -> Readiness {
        Readiness::default()
    }

    /// How many events it was given, and how many of them, the first ones, it has processed for good.
    fn counts(&self) -> (u64, u64) {
        (0, 0)
    }

    /// Events of its own since the last call, oldest first: all observers receive them.
    fn drain_events(&mut self) -> Vec<Event> {
        Vec::new()
    }
}

/// The database could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ObserverError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_its_name_in_the_list() {
        let after = Duration::from_secs(1);
        let message = String::new();
        let causes = [
            Cause::Crashed {
                exit_code: None,
                signal: None,
            },
            Cause::TimedOut { after },
            Cause::Hung { after },
            Cause::OutOfMemory {
                message: message.clone(),
            },
            Cause::Rejected {
                message: message.clone(),
            },
            Cause::Protocol { message },
        ];
        let mut names: Vec<&str> = causes.iter().map(Cause::name).collect();
        names.push(SKIPPED);
        assert_eq!(names, CAUSES);
    }

    #[test]
    fn a_signal_is_shown_with_its_name() {
        let killed = Cause::Crashed {
            exit_code: None,
            signal: Some(9),
        };
        assert_eq!(killed.to_string(), "worker killed by signal 9 (SIGKILL)");
    }
}
