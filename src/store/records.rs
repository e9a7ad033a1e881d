//! What the store gives back: plain values, no rusqlite types.

use std::path::PathBuf;

use super::WorkingTree;
use sweep_core::data_config::Edition;
use sweep_core::search_job::JobOutcome;
use sweep_core::trial::{
    ConfigId, DataDigest, Ensemble, Evaluation, Kind, Metric, Objective, Params, Status, TrialId,
};

/// One line of `sweep ls`.
#[derive(Debug, Clone, PartialEq)]
pub struct ExperimentSummary {
    pub name: String,
    pub objective: Objective,
    pub data: DataDigest,
    /// Milliseconds since 1970, UTC.
    pub created_ms: i64,
    /// When the newest session began or ended.
    pub updated_ms: i64,
    /// Number of trials of the current plan by status.
    pub counts: Vec<(Status, u64)>,
    /// Number of trials that earlier files or data asked for and the current ones do not.
    pub out_of_plan: u64,
    /// Best objective of a single run so far.
    pub best: Option<f64>,
    /// The trial that holds it. Of the configuration that ranks first only a report knows the best.
    pub best_trial: Option<TrialId>,
}

/// An experiment with all its trials: what a report is made from.
#[derive(Debug, Clone, PartialEq)]
pub struct ExperimentRecord {
    pub name: String,
    /// Path of the experiment file when it was last run.
    pub file_path: PathBuf,
    /// Its full text then.
    pub file_text: String,
    /// Keys that were set on top of it, such as `model.epochs=5`.
    pub flags: Vec<String>,
    /// Whose defaults hold for its data.
    pub edition: Edition,
    pub objective: Objective,
    /// The data set of the plan, or that of the first fold.
    pub dataset: DatasetRecord,
    /// The folds of a cross-validation, by number; empty without one.
    pub folds: Vec<FoldRecord>,
    pub sessions: Vec<SessionRecord>,
    /// In plan order; those that fell out of the plan come last.
    pub trials: Vec<TrialRecord>,
    /// Those that the current file asks for.
    pub searches: Vec<SearchRecord>,
}

impl ExperimentRecord {
    /// Whether its trials are programs, which read their own data.
    pub fn is_of_programs(&self) -> bool {
        self.trials.iter().any(|trial| trial.kind == Kind::PROGRAM)
    }

    /// The data set on which trials of `fold` are trained.
    pub fn dataset_of(&self, fold: Option<u32>) -> &DatasetRecord {
        let own = self.folds.iter().find(|own| Some(own.fold) == fold);
        own.map_or(&self.dataset, |own| &own.dataset)
    }

    /// All data sets of the plan: one, or one for each fold.
    pub fn datasets(&self) -> Vec<&DatasetRecord> {
        match self.folds.is_empty() {
            true => vec![&self.dataset],
            false => self.folds.iter().map(|fold| &fold.dataset).collect(),
        }
    }
}

/// An experiment file as it was when a trial was trained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExperimentFile {
    pub experiment: String,
    /// Path of the file when the experiment was last run.
    pub path: PathBuf,
    pub text: String,
    /// Keys that were set on top of it.
    pub flags: Vec<String>,
    /// Whose defaults hold for its data.
    pub edition: Edition,
}

/// A prepared data set as recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct DatasetRecord {
    pub digest: DataDigest,
    pub source: PathBuf,
    /// SHA-256 of the source file, hexadecimal.
    pub source_sha256: String,
    pub features: Vec<String>,
    pub classes: Vec<String>,
    pub train_rows: u64,
    pub valid_rows: u64,
    pub test_rows: u64,
    /// What preparation noticed: rows dropped, columns that give the target away, ...
    pub notes: Vec<String>,
}

/// One fold of a cross-validation.
#[derive(Debug, Clone, PartialEq)]
pub struct FoldRecord {
    /// From 1.
    pub fold: u32,
    pub dataset: DatasetRecord,
}

/// One `sweep run` or `sweep resume`.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionRecord {
    pub id: i64,
    pub started_ms: i64,
    pub ended_ms: Option<i64>,
    /// `running`, `finished`, `interrupted`, `failed`.
    pub outcome: String,
    pub command: String,
    pub host: String,
    pub pid: u32,
    pub version: String,
    pub git_commit: Option<String>,
    /// How the Git working tree differed from that commit, if that was recorded.
    pub working_tree: Option<WorkingTree>,
    /// The absolute path of the experiment file, if the session read one: `sweep resume` reads the database.
    pub file: Option<PathBuf>,
    /// What the machine and the libraries were: name and text, by name.
    pub environment: Vec<(String, String)>,
}

/// Something that became of a slot in the course of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotEventRecord {
    pub session: i64,
    pub slot: String,
    /// Milliseconds since 1970, UTC.
    pub at_ms: i64,
    /// `worker_started` or `retired`.
    pub event: String,
    /// Of a worker that started.
    pub engine: Option<String>,
    /// Of a worker that started.
    pub pid: Option<u32>,
    /// Why the slot was retired.
    pub message: Option<String>,
}

/// One trial of an experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct TrialRecord {
    pub id: TrialId,
    pub config: ConfigId,
    pub kind: Kind,
    pub seed: u64,
    /// The fold whose rows validate it, from 1; `None` without cross-validation.
    pub fold: Option<u32>,
    pub status: Status,
    /// Whether the experiment's current file still asks for it.
    pub in_plan: bool,
    /// Every key, resolved.
    pub params: Params,
    pub best: Option<f64>,
    pub best_step: Option<u32>,
    pub last: Option<f64>,
    pub steps: Option<u32>,
    pub parameters: Option<u64>,
    pub seconds: Option<f64>,
    /// Every metric at the best step.
    pub metrics: Vec<(Metric, f64)>,
    /// Why it diverged, or the last failure.
    pub message: Option<String>,
    /// Why it failed, in a word: the outcome of its last attempt, or `skipped`. `None` unless it
    /// failed.
    pub cause: Option<String>,
    /// Words that people put on it, in order.
    pub tags: Vec<String>,
    /// What people wrote about it, oldest first.
    pub notes: Vec<NoteRecord>,
}

/// A sentence that someone wrote about a trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteRecord {
    /// Milliseconds since 1970, UTC.
    pub written_ms: i64,
    pub text: String,
}

/// One execution of a trial by one worker.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptRecord {
    pub session: i64,
    pub number: u64,
    pub slot: String,
    pub engine: String,
    pub pid: u32,
    pub started_ms: i64,
    pub ended_ms: Option<i64>,
    /// `running`, `finished`, `diverged`, `interrupted`, or a cause of failure.
    pub outcome: String,
    /// Of a worker that ended by itself.
    pub exit_code: Option<i32>,
    /// That killed the worker.
    pub signal: Option<i32>,
    pub message: Option<String>,
    pub log_tail: Option<String>,
    /// The step of the checkpoint it resumed from.
    pub resumed_from: Option<u32>,
    /// Warnings of the worker, a sentence each.
    pub warnings: Vec<String>,
}

/// One metric of one trial over its epochs or rounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    pub metric: Metric,
    /// (step from 1, value), by step.
    pub points: Vec<(u32, f64)>,
}

/// A file that a trial left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactRecord {
    pub kind: String,
    pub path: PathBuf,
    pub bytes: u64,
}

/// An ensemble of trials of an experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct EnsembleRecord {
    /// Its key in the database.
    pub id: i64,
    /// Milliseconds since 1970, UTC.
    pub selected_ms: i64,
    /// Of the program.
    pub version: String,
    pub ensemble: Ensemble,
}

/// That a test set was evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestEvaluation {
    /// The data set whose rows they were.
    pub data: DataDigest,
    /// The file of the experiment that evaluated, if that still is of this data set.
    pub file: Option<ExperimentFile>,
}

/// One evaluation on the held-out test set of a data set.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluationRecord {
    /// Milliseconds since 1970, UTC.
    pub evaluated_ms: i64,
    /// How often this test set has been evaluated so far, by any experiment and with any features.
    pub test_evaluations: u64,
    pub evaluation: Evaluation,
}

/// A search of an experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchRecord {
    /// Its key in the database.
    pub id: i64,
    /// Its table in the experiment file.
    pub path: String,
    /// Of all that decides.
    pub digest: String,
    /// What it was told first, as JSON.
    pub known: String,
    /// Whether the experiment's current file asks for it.
    pub in_plan: bool,
    /// Why it has ended, a sentence; `None` while something is left to do.
    pub ended: Option<String>,
    /// In the order of decisions.
    pub jobs: Vec<SearchJobRecord>,
}

/// A decision of a search, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchJobRecord {
    /// From 0.
    pub number: u32,
    pub trial: TrialId,
    pub from: u32,
    pub to: u32,
    pub reason: String,
    /// As JSON.
    pub decision: String,
    pub outcome: Option<JobOutcome>,
}
