//! What the agents of a pool train. One JSON object a line: the head, then each trial, in the order in which they begin.
//!
//! Invariant: the file is there whole, or not at all, and never changes.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use sweep_core::atomic_fs;
use sweep_core::protocol::{PROTOCOL_VERSION, RecordedProgress};
use sweep_core::trial::models::DatasetSize;
use sweep_core::trial::{ConfigId, DataDigest, TrialId, TrialSpec};

use crate::error::PoolError;
use crate::folder::PoolFolder;

/// Raised with every change that an agent of another version would misread.
pub const FORMAT: u32 = 1;

/// A plan, in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub head: Head,
    pub trials: Vec<PoolTrial>,
}

/// What holds for all trials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// [`FORMAT`] of the program that made the pool.
    pub pool: u32,
    /// [`PROTOCOL_VERSION`] of that program.
    pub protocol: u32,
    /// The version of that program.
    pub version: String,
    pub experiment: String,
    /// The key of the session in the database.
    pub session: i64,
    /// Names the run directory and the sweep in the environment of programs.
    pub owner: String,
    pub source: ExperimentSource,
    /// The prepared data sets: one, or one for each fold; none where trials are programs.
    pub data: Vec<PoolData>,
    /// Of the largest data set.
    pub dataset_size: DatasetSize,
    /// The folder of all trials' folders, as an absolute path.
    pub trials: PathBuf,
    /// Where programs run, and what relative paths of the experiment are relative to.
    pub directory: PathBuf,
    pub lease: Lease,
    /// Whether trials are decided on while others run.
    #[serde(default)]
    pub has_searches: bool,
}

/// The experiment file, as it is in the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExperimentSource {
    pub path: PathBuf,
    pub text: String,
    pub flags: Vec<String>,
    /// The number of the edition whose defaults hold.
    pub edition: i64,
}

/// A prepared data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolData {
    /// An absolute path.
    pub path: PathBuf,
    pub digest: DataDigest,
    /// SHA-256 of the file, for copies of it.
    pub sha256: String,
}

/// When an agent counts as dead, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// How often it raises its beat.
    pub beat_ms: u64,
    /// How long its beat may stand still. Longer than network file systems keep what they know of a file (a minute for
    /// NFS), and a beat.
    pub lease_ms: u64,
}

impl Default for Lease {
    fn default() -> Lease {
        Lease {
            beat_ms: 15_000,
            lease_ms: 150_000,
        }
    }
}

impl Lease {
    pub fn beat(self) -> Duration {
        Duration::from_millis(self.beat_ms)
    }

    pub fn lease(self) -> Duration {
        Duration::from_millis(self.lease_ms)
    }
}

/// A trial to train.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PoolTrial {
    pub trial: TrialId,
    pub config: ConfigId,
    pub spec: TrialSpec,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fold: Option<u32>,
    /// What the database has of earlier attempts, for trials that are programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<RecordedProgress>,
    /// For a job of a search: how far it is to be trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobSteps>,
}

/// How far a job of a search trains its trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSteps {
    /// The step that it is to come to.
    pub to: u32,
    /// Whether the trial pauses there: it has more steps.
    pub pauses: bool,
}

impl PoolTrial {
    /// What is claimed: the trial, or the part of it that a search wants now.
    pub fn key(&self) -> String {
        match self.job {
            None => self.trial.to_string(),
            Some(job) => format!("{}-{}", self.trial, job.to),
        }
    }

    /// The step after which it pauses, if it has not ended by then.
    pub fn pause_at(&self) -> Option<u32> {
        self.job.filter(|job| job.pauses).map(|job| job.to)
    }
}

impl Plan {
    /// Writes the plan of a new pool, durably. From now on agents may join.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, folder: &PoolFolder) -> Result<(), PoolError> {
        let path = folder.plan();
        let written = atomic_fs::write(&path, |out| {
            serde_json::to_writer(&mut *out, &self.head)?;
            out.write_all(b"\n")?;
            for trial in &self.trials {
                serde_json::to_writer(&mut *out, trial)?;
                out.write_all(b"\n")?;
            }
            Ok(())
        });
        written.map_err(PoolError::io(&path))
    }

    /// Reads the plan of the pool in `folder`.
    ///
    /// # Errors
    /// When there is none, or it is of a version of this program with other formats.
    pub fn read(folder: &PoolFolder) -> Result<Plan, PoolError> {
        let path = folder.plan();
        let file = File::open(&path).map_err(PoolError::io(&path))?;
        let mut lines = BufReader::new(file).lines().enumerate();
        let mut next = || -> Result<Option<(usize, String)>, PoolError> {
            let Some((number, line)) = lines.next() else {
                return Ok(None);
            };
            Ok(Some((number + 1, line.map_err(PoolError::io(&path))?)))
        };
        let Some((number, first)) = next()? else {
            return Err(PoolError::invalid(&path, "the file is empty"));
        };
        // The version comes before all else, which it decides on.
        let versions: Versions = parse(&path, number, &first)?;
        if (versions.pool, versions.protocol) != (FORMAT, PROTOCOL_VERSION) {
            return Err(PoolError::invalid(
                &path,
                format!(
                    "the pool was made by sweep {} (pool format {}, worker protocol {}), and this is another one (pool \
                     format {FORMAT}, worker protocol {PROTOCOL_VERSION}): install the same release everywhere",
                    versions.version, versions.pool, versions.protocol
                ),
            ));
        }
        let head = parse(&path, number, &first)?;
        let mut trials = Vec::new();
        while let Some((number, line)) = next()? {
            trials.push(parse(&path, number, &line)?);
        }
        Ok(Plan { head, trials })
    }
}

/// Writes the trials of decision `number`, from 1, durably. What another agent has decided stands.
///
/// # Errors
/// When they cannot be written.
pub fn publish(folder: &PoolFolder, number: u32, trials: &[PoolTrial]) -> Result<(), PoolError> {
    let path = folder.decision(number);
    let written = atomic_fs::write(&path, |out| {
        for trial in trials {
            serde_json::to_writer(&mut *out, trial)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    });
    written.map_err(PoolError::io(&path))
}

/// The trials of decision `number`; `None` if it has not been made.
///
/// # Errors
/// When the file cannot be read.
pub fn published(folder: &PoolFolder, number: u32) -> Result<Option<Vec<PoolTrial>>, PoolError> {
    let path = folder.decision(number);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(PoolError::io(&path)(error)),
    };
    let trials = text.lines().enumerate();
    trials
        .map(|(number, line)| parse(&path, number + 1, line))
        .collect::<Result<_, _>>()
        .map(Some)
}

#[derive(Deserialize)]
struct Versions {
    pool: u32,
    protocol: u32,
    version: String,
}

fn parse<T: DeserializeOwned>(
    path: &std::path::Path,
    number: usize,
    line: &str,
) -> Result<T, PoolError> {
    let parsed = serde_json::from_str(line);
    parsed.map_err(|error| PoolError::invalid(path, format!("line {number}: {error}")))
}
