//! Files in a run directory that nothing needs: the kind of each, and the precondition of its removal.

use std::path::PathBuf;

/// The kind of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Checkpoint,
    Trial,
    Data,
    Leftover,
    Log,
    Lock,
    Backup,
    Cache,
    Predictions,
    Pool,
}

impl Kind {
    pub const ALL: [Kind; 10] = [
        Kind::Checkpoint,
        Kind::Trial,
        Kind::Data,
        Kind::Leftover,
        Kind::Log,
        Kind::Lock,
        Kind::Backup,
        Kind::Cache,
        Kind::Predictions,
        Kind::Pool,
    ];

    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Checkpoint => "checkpoint",
            Kind::Trial => "trial",
            Kind::Data => "data",
            Kind::Leftover => "leftover",
            Kind::Log => "log",
            Kind::Lock => "lock",
            Kind::Backup => "backup",
            Kind::Cache => "cache",
            Kind::Predictions => "predictions",
            Kind::Pool => "pool",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Kind::Checkpoint => "checkpoints of trials that have ended",
            Kind::Trial => "files of trials that are not in the database",
            Kind::Data => "prepared data that are not used",
            Kind::Leftover => "unfinished files of interrupted writes",
            Kind::Log => "logs of removed sweeps",
            Kind::Lock => "locks of removed sweeps",
            Kind::Backup => "backups of the database",
            Kind::Cache => "cached outputs of sentence encoders",
            Kind::Predictions => "kept predictions for validation rows",
            Kind::Pool => "folders of agents that have ended",
        }
    }
}

/// What must hold when a file is removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Precondition {
    /// This trial is not in the database.
    NoTrial(String),
    /// This trial has ended.
    Ended(String),
    /// This trial is in the database, and not in the plan of a running sweep.
    Idle(String),
    /// These data are not in the database, and no data are being prepared.
    NoData(String),
    /// No data are being prepared.
    NoPreparation,
    /// This experiment is not in the database, and no process runs it.
    NoExperiment(String),
    /// Requested by an option.
    Requested,
}

/// A file that nothing needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GarbageFile {
    pub kind: Kind,
    pub path: PathBuf,
    pub bytes: u64,
    pub(super) precondition: Precondition,
}

/// Files to remove, and files that are left alone with the reason.
#[derive(Debug, Default)]
pub struct ScanResult {
    pub files: Vec<GarbageFile>,
    pub alone: Vec<(PathBuf, String)>,
    /// Folders to remove if they are empty in the end.
    pub(super) folders: Vec<(PathBuf, Precondition)>,
}

impl ScanResult {
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    pub(super) fn leave(&mut self, path: PathBuf, why: impl ToString) {
        self.alone.push((path, why.to_string()));
    }
}

/// What is removed besides files that nothing needs.
#[derive(Debug, Clone, Copy, Default)]
pub struct GcOptions {
    pub backups: bool,
    pub cache: bool,
    pub predictions: bool,
}
