//! Files in a run directory that nothing needs: what each is, and what has to hold when it is removed.

use std::path::PathBuf;

/// What a file was.
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
}

impl Kind {
    pub const ALL: [Kind; 8] = [
        Kind::Checkpoint,
        Kind::Trial,
        Kind::Data,
        Kind::Leftover,
        Kind::Log,
        Kind::Lock,
        Kind::Backup,
        Kind::Cache,
    ];

    /// As in JSON.
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
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Kind::Checkpoint => "checkpoints of trials that are over",
            Kind::Trial => "files of trials that the record does not know",
            Kind::Data => "prepared data that nothing refers to",
            Kind::Leftover => "what interrupted writes have left",
            Kind::Log => "logs of sweeps that are gone",
            Kind::Lock => "locks of sweeps that are gone",
            Kind::Backup => "backups of the record",
            Kind::Cache => "what sentence encoders have read",
        }
    }
}

/// What has to hold when a file is removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Precondition {
    /// The record does not know this trial.
    NoTrial(String),
    /// This trial is over.
    Over(String),
    /// The record knows this trial, and no sweep that runs asks for it.
    Idle(String),
    /// The record does not know these data, and none are being prepared.
    NoData(String),
    /// None are being prepared.
    NoneInTheMaking,
    /// The record does not know this experiment, and nobody runs it.
    NoExperiment(String),
    /// Asked for by a flag.
    Asked,
}

/// A file that nothing needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GarbageFile {
    pub kind: Kind,
    pub path: PathBuf,
    pub bytes: u64,
    pub(super) precondition: Precondition,
}

/// What was found, and what was left alone and why.
#[derive(Debug, Default)]
pub struct ScanResult {
    pub files: Vec<GarbageFile>,
    pub alone: Vec<(PathBuf, String)>,
    /// Folders that go when they are empty in the end.
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

/// What is taken besides what nobody can want.
#[derive(Debug, Clone, Copy, Default)]
pub struct GcOptions {
    pub backups: bool,
    pub cache: bool,
}
