//! What happens in a sweep: the one road out of the scheduler. Past tense, facts only.

use std::path::PathBuf;
use std::time::Duration;

use crate::sanitize;
use crate::trial::{Metric, TrialId, TrialResult};

/// One device share that runs one worker.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub String);

impl std::fmt::Display for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

/// One execution of one trial by one worker; numbered from 1 within a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptNo(pub u64);

/// Why an attempt did not end with a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The worker process ended by itself.
    Crashed {
        exit_code: Option<i32>,
        signal: Option<i32>,
    },
    /// Longer than the time allowed for a trial.
    TimedOut { after: Duration },
    /// Nothing was heard of the trial for this long.
    Hung { after: Duration },
    /// The worker took more memory than it may, or the kernel ended it for want of memory.
    OutOfMemory { message: String },
    /// The engine reported an error; training again would give the same.
    Refused { message: String },
    /// The worker spoke nonsense, or could not be spoken to.
    Protocol { message: String },
}

/// The word under which trials are filed that were given up without an attempt of their own.
pub const SET_ASIDE: &str = "set_aside";

/// Every word under which a failed trial may be filed.
pub const CAUSES: [&str; 7] = [
    "crashed",
    "timed_out",
    "hung",
    "out_of_memory",
    "refused",
    "protocol",
    SET_ASIDE,
];

impl Cause {
    /// The word under which the store files it.
    pub fn name(&self) -> &'static str {
        match self {
            Cause::Crashed { .. } => "crashed",
            Cause::TimedOut { .. } => "timed_out",
            Cause::Hung { .. } => "hung",
            Cause::OutOfMemory { .. } => "out_of_memory",
            Cause::Refused { .. } => "refused",
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
                write!(f, "worker killed by signal {}", sanitize::signal(*signal))
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
                    "nothing was heard of it for {:.1} s",
                    after.as_secs_f64()
                )
            }
            Cause::Refused { message }
            | Cause::Protocol { message }
            | Cause::OutOfMemory { message } => f.write_str(message),
        }
    }
}

/// Why a session ends before all its trials are over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// Someone asked for it.
    Interrupt,
    /// It has run for as long as it may.
    TimeLimit(Duration),
    /// As many trials have ended as were to end in it.
    TrialLimit(usize),
}

impl std::fmt::Display for StopReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StopReason::Interrupt => f.write_str("asked to stop"),
            StopReason::TimeLimit(limit) => {
                write!(f, "the time limit of {} is reached", sanitize::span(*limit))
            }
            StopReason::TrialLimit(limit) => {
                write!(
                    f,
                    "the limit of {} is reached",
                    sanitize::count(*limit, "trial")
                )
            }
        }
    }
}

/// Something that has happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A worker process said that it is ready.
    WorkerStarted {
        slot: Slot,
        pid: u32,
        engine: String,
        log: PathBuf,
    },
    /// An attempt was handed to a worker.
    TrialStarted {
        trial: TrialId,
        attempt: AttemptNo,
        slot: Slot,
        engine: String,
        pid: u32,
    },
    /// The worker went on from a checkpoint written after `step`.
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
        values: Vec<(Metric, f64)>,
    },
    /// A result; `result.diverged` tells a diverged trial from a finished one.
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
    /// The worker noticed something that whoever looks at the trial should know; `note` is a sentence.
    TrialNoted {
        trial: TrialId,
        attempt: AttemptNo,
        note: String,
    },
    /// A trial was given up without an attempt: its configuration has killed too many workers.
    TrialSetAside { trial: TrialId, reason: String },
    /// The worker was asked to stop and did; `step` is that of the checkpoint, if there is one.
    TrialInterrupted {
        trial: TrialId,
        attempt: AttemptNo,
        step: Option<u32>,
    },
    /// A trial that was waiting has got its result from another session meanwhile.
    TrialFoundDone { trial: TrialId },
    /// A slot failed too often in a row and gets no more work.
    SlotRetired { slot: Slot, reason: String },
    /// No trial is begun any more, and those in hand were asked to write a checkpoint and end; with
    /// `at_once` their workers were ended instead.
    StopBegan { reason: StopReason, at_once: bool },
    /// The record cannot be written for now. What there is to write is kept and tried again; no new
    /// trials are begun meanwhile.
    RecordWaits { reason: String },
    /// The record could be written again, with all that was held back.
    RecordWentOn { after: Duration },
    /// Something about the record that whoever runs the sweep should know; `note` is a sentence.
    RecordNoted { note: String },
}

/// How far an observer has come with what it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Readiness {
    /// All of it is done with.
    #[default]
    Settled,
    /// Some of it is still on its way.
    Behind,
    /// It waits for something that nobody here can mend; it keeps what it is told until then.
    Waiting,
}

/// Someone who is told what happens, in order, on the dispatcher's thread.
pub trait Observer {
    /// Takes note of `event`. An error ends the sweep: only the record may return one.
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError>;

    /// Called when nothing has happened for a moment, and at the end.
    fn idle(&mut self) -> Result<(), ObserverError> {
        Ok(())
    }

    /// How far it has come. While it waits, no new trials are begun, and a session does not end by
    /// itself before it has settled.
    fn readiness(&self) -> Readiness {
        Readiness::default()
    }

    /// What it has to say itself, oldest first: it is told to all observers.
    fn news(&mut self) -> Option<Event> {
        None
    }
}

/// The record could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ObserverError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_its_word_in_the_list() {
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
            Cause::Refused {
                message: message.clone(),
            },
            Cause::Protocol { message },
        ];
        let mut words: Vec<&str> = causes.iter().map(Cause::name).collect();
        words.push(SET_ASIDE);
        assert_eq!(words, CAUSES);
    }

    #[test]
    fn a_signal_is_told_with_its_name() {
        let killed = Cause::Crashed {
            exit_code: None,
            signal: Some(9),
        };
        assert_eq!(killed.to_string(), "worker killed by signal 9 (SIGKILL)");
    }
}
