//! What a session is given, and what it returns.

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use sweep_core::event::{Event, ObserverError, Slot, StopReason};
use sweep_core::program::ProgramSpec;
use sweep_core::protocol::{Checkpointing, RecordedProgress};
use sweep_core::trial::models::DatasetSize;
use sweep_core::trial::{Metric, TrialId};
use sweep_experiment::plan::PlannedTrial;

/// What other sessions that share a trial do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimState {
    /// No other session has anything to do with it.
    Free,
    /// Another one is training it now.
    Running,
    /// Another one has finished it.
    Done,
}

/// A trial that is to be run: to its end, or to a step at which it pauses.
#[derive(Debug, Clone)]
pub struct QueuedTrial<'a> {
    pub planned: Cow<'a, PlannedTrial>,
    /// The step after which it pauses, if it has not ended by then.
    pub pause_at: Option<u32>,
}

/// How a trial that was run ended, as far as its search is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrialEnd {
    /// It stands at the step at which it was to pause.
    Paused,
    Finished,
    Diverged,
    /// It was given up.
    Failed,
    /// Another session has trained it.
    Elsewhere,
}

/// Where trials come from that are decided on while others run.
pub trait Supply {
    /// The next trial to run; `None` while that depends on trials that are running, and when there are no more.
    ///
    /// # Errors
    /// When what it depends on cannot be read.
    fn next(&mut self) -> Result<Option<QueuedTrial<'static>>, SupplyError>;

    /// A trial it gave (the one numbered `number`, from 0) reported its metrics at `step`.
    fn progressed(&mut self, number: usize, step: u32, values: &[(Metric, f64)]);

    /// A trial it gave came to its end.
    ///
    /// # Errors
    /// When its result cannot be read.
    fn ended(&mut self, number: usize, end: TrialEnd) -> Result<(), SupplyError>;

    /// What has happened in it since the last call, oldest first: all observers are told.
    fn drain_events(&mut self) -> Vec<Event> {
        Vec::new()
    }

    /// Whether it may have more to give although nothing runs here: what others do decides.
    fn is_waiting(&self) -> bool {
        false
    }
}

/// Why no more trials can be supplied.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SupplyError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// What is to be run.
pub struct Work<'a> {
    /// What is known beforehand, in the order in which it is run.
    pub trials: &'a [&'a PlannedTrial],
    /// The prepared data sets, as absolute paths: one, or one for each fold of a cross-validation.
    pub data: Vec<PathBuf>,
    /// How trials that are programs are run.
    pub program: Option<ProgramWork<'a>>,
    /// Each trial has a folder of its own in here, named by its identifier.
    pub folder: PathBuf,
    /// Asked before a trial is begun.
    pub claim_state: &'a dyn Fn(&TrialId) -> ClaimState,
    /// Of the largest data set: what decides how many trials a worker can train at once.
    pub dataset_size: DatasetSize,
}

/// How trials that are programs are run.
pub struct ProgramWork<'a> {
    pub spec: ProgramSpec,
    /// Names the run directory and the sweep.
    pub owner: String,
    /// What the database has of earlier attempts at a trial.
    pub recorded: &'a dyn Fn(&TrialId) -> Option<RecordedProgress>,
}

/// How it is to be run.
#[derive(Debug, Clone)]
pub struct Settings {
    pub slots: Vec<Slot>,
    /// Longest a trial may train; a group may take as many times that as it has trials, and on a GPU four times that.
    pub trial_timeout: Option<Duration>,
    /// Longest that a worker may say nothing of its trial; for groups as above.
    pub stall_timeout: Option<Duration>,
    /// Longest that a worker that was asked to stop may take to checkpoint and say so.
    pub stop_grace: Duration,
    /// How often a trial whose worker died is tried again.
    pub retries: u32,
    pub checkpoint: Checkpointing,
    /// Longest the session may take.
    pub max_time: Option<Duration>,
    /// Most trials that may end in the session, with a result or without.
    pub max_trials: Option<usize>,
}

/// How the trials ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    pub finished: usize,
    pub diverged: usize,
    /// Given up, skipped ones included.
    pub failed: usize,
    /// Given up without an attempt, for what others of their configuration did.
    pub skipped: usize,
    pub interrupted: usize,
    /// Paused by a search.
    pub paused: usize,
    /// Completed by another session.
    pub completed_elsewhere: usize,
    /// Never begun, or to be tried again: the session ended first.
    pub left: usize,
    /// Why the session was ended before all trials were over.
    pub stopped: Option<StopReason>,
    /// Slots that were taken out, and why.
    pub retired: Vec<(Slot, String)>,
}

impl Summary {
    /// Trials that ended with an attempt of this session.
    pub(super) fn ended(&self) -> usize {
        self.finished + self.diverged + self.failed + self.paused - self.skipped
    }
}

/// Why a session could not continue.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    #[error(transparent)]
    Observer(#[from] ObserverError),
    #[error(transparent)]
    Supply(#[from] SupplyError),
}
