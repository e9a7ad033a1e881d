//! The layout of a run directory: the database and everything that sweeps leave beside it.
//!
//! Invariant: no other module spells the name of a file or folder in a run directory. [`RunDir::classify`]
//! is the reverse of the methods that make paths, so that whoever cleans up knows what every writer writes.

use std::path::{Path, PathBuf};

use crate::atomic_fs;
use crate::event::Slot;
use crate::trial::{DataDigest, TrialId};

/// The database in a run directory, unless another path is given.
const DATABASE: &str = "sweep.sqlite";
const DATASETS: &str = "data";
const TRIALS: &str = "trials";
const LOGS: &str = "logs";
const TOKEN: &str = "shared-";
const LOCKS: &str = "locks";
const CACHE: &str = "cache";
const POOLS: &str = "pool";

/// What is written of a data set, after its digest.
const DATASET: &str = ".safetensors";
const HELD_OUT_TEST: &str = ".test.safetensors";
const PREPROCESSOR: &str = ".preparation.json";
const TEXT_PREPROCESSOR: &str = ".preparation.text.safetensors";

const LOG: &str = ".log";
const LOCK: &str = ".lock";
const STOP_REQUEST: &str = ".stop";
/// The lock of data preparation. No experiment's lock has this name, since theirs end in `.lock`.
const DATA_LOCK: &str = "data";

/// The cache of a sentence encoder is `sentence-v<format>-<encoder>.cache`.
const ENCODER_CACHE: (&str, &str) = ("sentence-v", ".cache");
/// Beginnings of the names of a trial's files.
const MODEL: &str = "model.";
const CHECKPOINT: &str = "checkpoint.";
/// What a finished trial predicts for the validation rows.
pub const PREDICTIONS: &str = "predictions.safetensors.zst";
/// What the program of a trial wrote to its standard streams.
pub const OUTPUT: &str = "output.log";
/// What a program writes of the single rows that it was validated on.
pub const ROW_SCORES: &str = "row_scores.csv";
/// The folder of a trial in which its program keeps checkpoints.
pub const CHECKPOINTS: &str = "checkpoints";
/// Beginning of the name of an empty folder beside those of trials.
const SPARE: &str = "spare-";
/// Endings of files that are not yet written completely.
const PARTIAL: [&str; 2] = [".part", ".partial"];

/// Hexadecimal digits of a data digest and of a trial's name.
const DIGEST_DIGITS: usize = 64;
const TRIAL_DIGITS: usize = 32;

/// A directory of runs, by the path of its database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDir {
    database: PathBuf,
}

/// What a file or folder in a run directory is, by its place and name alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunFile {
    /// The folder of a trial.
    TrialFolder(TrialId),
    /// A file of a trial.
    Trial(TrialId, TrialFile),
    /// A file of a prepared data set.
    Dataset(DataDigest),
    /// A file of a data set that was being written.
    PartialDataset,
    /// The folder with an experiment's logs.
    LogFolder(String),
    /// An empty folder of a worker that runs programs.
    Spare,
    /// The log of a slot, with the experiment's name.
    Log(String),
    /// The lock of an experiment.
    Lock(String),
    /// A request to the process that runs an experiment.
    StopRequest(String),
    /// The lock of data preparation.
    DataLock,
    /// Encoded sentences.
    Cache,
    /// A file or folder of a pool, with the experiment's name.
    Pool(String),
}

/// What a file of a trial is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrialFile {
    Model,
    Checkpoint,
    /// Predictions for the validation rows, which can be made again from the model.
    Predictions,
    /// What a program wrote to its standard streams.
    Output,
    /// A file that was being written.
    Partial,
}

impl RunDir {
    /// The run directory at `folder`, with a database of the usual name.
    pub fn new(folder: impl AsRef<Path>) -> RunDir {
        RunDir::of_database(folder.as_ref().join(DATABASE))
    }

    /// The run directory that the database at `path` is in.
    pub fn of_database(path: impl Into<PathBuf>) -> RunDir {
        RunDir {
            database: path.into(),
        }
    }

    pub fn path(&self) -> &Path {
        atomic_fs::parent_dir(&self.database)
    }

    pub fn database(&self) -> &Path {
        &self.database
    }

    /// The name of the copy that is made before a database of schema `version` is migrated. `copy`
    /// counts from 1: an earlier copy is never overwritten.
    pub fn backup(&self, version: i64, copy: u32) -> PathBuf {
        let ending = match copy {
            1 => format!("v{version}.bak"),
            _ => format!("v{version}.{copy}.bak"),
        };
        self.database.with_added_extension(ending)
    }

    /// Whether `path` is named like a backup of the database, or like another copy of it.
    pub fn is_copy_of_database(&self, path: &Path) -> bool {
        let name = |path: &Path| Some(path.file_name()?.to_string_lossy().into_owned());
        let (own, other) = (name(&self.database), name(path));
        let rest = own.zip(other).and_then(|(own, other)| {
            let rest = other.strip_prefix(&own)?;
            Some(rest.starts_with('.'))
        });
        rest == Some(true)
    }

    /// The folder of prepared data sets.
    pub fn datasets(&self) -> PathBuf {
        self.path().join(DATASETS)
    }

    /// Training and validation rows of a data set.
    pub fn dataset(&self, digest: &DataDigest) -> PathBuf {
        self.of_dataset(digest, DATASET)
    }

    /// The rows of the held-out test set.
    pub fn held_out_test(&self, digest: &DataDigest) -> PathBuf {
        self.of_dataset(digest, HELD_OUT_TEST)
    }

    /// How the columns of a table become features.
    pub fn preprocessor(&self, digest: &DataDigest) -> PathBuf {
        self.of_dataset(digest, PREPROCESSOR)
    }

    /// What preprocessing learned of texts.
    pub fn text_preprocessor(&self, digest: &DataDigest) -> PathBuf {
        self.of_dataset(digest, TEXT_PREPROCESSOR)
    }

    fn of_dataset(&self, digest: &DataDigest, ending: &str) -> PathBuf {
        self.datasets().join(format!("{digest}{ending}"))
    }

    /// The folder of all trials.
    pub fn trials(&self) -> PathBuf {
        self.path().join(TRIALS)
    }

    /// The folder of one trial: its model and checkpoints.
    pub fn trial(&self, trial: &TrialId) -> PathBuf {
        self.trials().join(trial.as_str())
    }

    /// The folder of all experiments' logs.
    pub fn all_logs(&self) -> PathBuf {
        self.path().join(LOGS)
    }

    /// The folder with the logs of `experiment`.
    pub fn logs(&self, experiment: &str) -> PathBuf {
        self.all_logs().join(experiment)
    }

    /// The log of the workers that `slot` has in sweeps of `experiment`.
    pub fn log(&self, experiment: &str, slot: &Slot) -> PathBuf {
        self.logs(experiment).join(log_name(slot))
    }

    /// The folder of locks.
    pub fn locks(&self) -> PathBuf {
        self.path().join(LOCKS)
    }

    /// The lock of `experiment`, which is held while it runs.
    pub fn lock(&self, experiment: &str) -> PathBuf {
        self.locks().join(format!("{experiment}{LOCK}"))
    }

    /// Where the process that runs `experiment` is asked to stop.
    pub fn stop_request(&self, experiment: &str) -> PathBuf {
        self.locks().join(format!("{experiment}{STOP_REQUEST}"))
    }

    /// The lock that is held while data are prepared.
    pub fn data_lock(&self) -> PathBuf {
        self.locks().join(DATA_LOCK)
    }

    /// The folder of the pools of `experiment`, one for each session that agents train.
    pub fn pools(&self, experiment: &str) -> PathBuf {
        self.path().join(POOLS).join(experiment)
    }

    /// The pool of one session.
    pub fn pool(&self, experiment: &str, session: i64) -> PathBuf {
        self.pools(experiment).join(session.to_string())
    }

    /// The folder of all pools.
    pub fn all_pools(&self) -> PathBuf {
        self.path().join(POOLS)
    }

    /// The folder of what can be computed again.
    pub fn cache(&self) -> PathBuf {
        self.path().join(CACHE)
    }

    /// What the file or folder at `path` is, if sweeps make one of this name at this place. Whether it is
    /// a file, a folder or a link is ignored.
    pub fn classify(&self, path: &Path) -> Option<RunFile> {
        let inside = path.strip_prefix(self.path()).ok()?;
        let parts: Vec<&str> = inside
            .iter()
            .map(|part| part.to_str())
            .collect::<Option<_>>()?;
        match parts[..] {
            [TRIALS, trial] if is_hex(trial, TRIAL_DIGITS) => {
                Some(RunFile::TrialFolder(TrialId::from_hex(trial)))
            }
            [TRIALS, trial, CHECKPOINTS, _, ..] if is_hex(trial, TRIAL_DIGITS) => Some(
                RunFile::Trial(TrialId::from_hex(trial), TrialFile::Checkpoint),
            ),
            [TRIALS, trial, file] if is_hex(trial, TRIAL_DIGITS) => {
                Some(RunFile::Trial(TrialId::from_hex(trial), trial_file(file)?))
            }
            [TRIALS, name] if name.starts_with(SPARE) && is_partial(name) => Some(RunFile::Spare),
            [DATASETS, file] => dataset_file(file),
            [LOGS, experiment] if is_experiment_name(experiment) => {
                Some(RunFile::LogFolder(experiment.to_owned()))
            }
            [LOGS, experiment, file]
                if is_experiment_name(experiment) && (is_log_name(file) || is_token_name(file)) =>
            {
                Some(RunFile::Log(experiment.to_owned()))
            }
            [LOCKS, file] => lock_file(file),
            [POOLS, experiment, ..] if is_experiment_name(experiment) => {
                Some(RunFile::Pool(experiment.to_owned()))
            }
            [CACHE, file] => {
                let (begin, end) = ENCODER_CACHE;
                (file.starts_with(begin) && file.ends_with(end)).then_some(RunFile::Cache)
            }
            _ => None,
        }
    }
}

/// The name of an empty folder that the worker of the process `pid` keeps beside the folders of trials.
pub fn spare_name(pid: u32) -> String {
    format!("{SPARE}{pid}{}", PARTIAL[0])
}

/// The name of the log of `slot`, as `cuda-0.1.log` for `cuda:0.1`, and `gpu1-cpu-0.log` for `gpu1/cpu:0`.
pub fn log_name(slot: &Slot) -> String {
    format!("{}{LOG}", slot.0.replace([':', '/'], "-"))
}

/// The name of the file beside the logs by which workers on other hosts know that they see the folder of the sweep.
pub fn token_name(number: u64) -> String {
    format!("{TOKEN}{number:016x}")
}

/// Whether `name` is one of [`token_name`].
pub fn is_token_name(name: &str) -> bool {
    name.strip_prefix(TOKEN)
        .is_some_and(|digits| is_hex(digits, 16))
}

/// Whether an experiment can have this name, which also names its files: it never leads out of a folder.
pub fn is_experiment_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed) && !matches!(text, "." | "..")
}

fn trial_file(name: &str) -> Option<TrialFile> {
    if is_partial(name) {
        Some(TrialFile::Partial)
    } else if name.starts_with(CHECKPOINT) {
        Some(TrialFile::Checkpoint)
    } else if name == PREDICTIONS {
        Some(TrialFile::Predictions)
    } else if name
        .strip_prefix(OUTPUT)
        .is_some_and(|rest| matches!(rest, "" | ".1"))
    {
        Some(TrialFile::Output)
    } else if name.starts_with(MODEL) || name == ROW_SCORES {
        Some(TrialFile::Model)
    } else {
        None
    }
}

fn dataset_file(name: &str) -> Option<RunFile> {
    let (digest, ending) = name.split_at_checked(DIGEST_DIGITS)?;
    if !is_hex(digest, DIGEST_DIGITS) {
        return None;
    }
    if [DATASET, HELD_OUT_TEST, PREPROCESSOR, TEXT_PREPROCESSOR].contains(&ending) {
        return Some(RunFile::Dataset(DataDigest::from_hex(digest)));
    }
    is_partial(ending).then_some(RunFile::PartialDataset)
}

fn lock_file(name: &str) -> Option<RunFile> {
    if name == DATA_LOCK {
        return Some(RunFile::DataLock);
    }
    let of = |ending: &str| {
        let experiment = name.strip_suffix(ending)?;
        is_experiment_name(experiment).then(|| experiment.to_owned())
    };
    of(LOCK)
        .map(RunFile::Lock)
        .or_else(|| of(STOP_REQUEST).map(RunFile::StopRequest))
}

/// Whether `name` is that of a slot's log or of an older one beside it: `cpu-0.log`, `cuda-0.1.log.1`, `gpu1-cpu-0.log`.
fn is_log_name(name: &str) -> bool {
    let Some((slot, older)) = name.rsplit_once(LOG) else {
        return false;
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let is_slot = slot.rsplit_once('-').is_some_and(|(device, number)| {
        let (carrier, device) = match device.rsplit_once('-') {
            Some((carrier, device)) => (Some(carrier), device),
            None => (None, device),
        };
        matches!(device, "cpu" | "cuda")
            && carrier.is_none_or(is_experiment_name)
            && number.splitn(2, '.').all(is_number)
    });
    is_slot && older.strip_prefix('.').map_or(older.is_empty(), is_number)
}

fn is_partial(name: &str) -> bool {
    PARTIAL.iter().any(|ending| name.ends_with(ending))
}

fn is_hex(text: &str, digits: usize) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == digits && text.bytes().all(digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial() -> TrialId {
        TrialId::from_hex("0123456789abcdef".repeat(2))
    }

    fn digest() -> DataDigest {
        DataDigest::from_hex("0123456789abcdef".repeat(4))
    }

    #[test]
    fn every_path_that_is_made_is_recognised() {
        for folder in ["runs", ".", "/a/b.c"] {
            let runs = RunDir::new(folder);
            let (trial, digest) = (trial(), digest());
            let of_trial = |file| RunFile::Trial(trial.clone(), file);
            let data = RunFile::Dataset(digest.clone());
            let log = RunFile::Log("genres".to_owned());
            let log_of = |slot: &str| runs.log("genres", &Slot(slot.to_owned()));
            let cases = [
                (runs.dataset(&digest), data.clone()),
                (runs.held_out_test(&digest), data.clone()),
                (runs.preprocessor(&digest), data.clone()),
                (runs.text_preprocessor(&digest), data),
                (runs.trial(&trial), RunFile::TrialFolder(trial.clone())),
                (
                    runs.trial(&trial).join("model.json"),
                    of_trial(TrialFile::Model),
                ),
                (
                    runs.trial(&trial).join("checkpoint.before.safetensors"),
                    of_trial(TrialFile::Checkpoint),
                ),
                (
                    runs.trial(&trial).join("model.json.7-1.part"),
                    of_trial(TrialFile::Partial),
                ),
                (
                    runs.datasets().join(format!("{digest}.safetensors.7.part")),
                    RunFile::PartialDataset,
                ),
                (runs.logs("genres"), RunFile::LogFolder("genres".to_owned())),
                (log_of("cpu:0"), log.clone()),
                (log_of("cuda:12"), log.clone()),
                (log_of("cuda:0.1"), log.clone()),
                (log_of("cuda:0.1").with_added_extension("1"), log.clone()),
                (log_of("gpu1/cpu:0"), log.clone()),
                (
                    log_of("a-b.log/cuda:0.1").with_added_extension("1"),
                    log.clone(),
                ),
                (runs.logs("genres").join(token_name(7)), log),
                (runs.lock("genres"), RunFile::Lock("genres".to_owned())),
                (
                    runs.stop_request("genres"),
                    RunFile::StopRequest("genres".to_owned()),
                ),
                (runs.data_lock(), RunFile::DataLock),
                (runs.cache().join("sentence-v1-00.cache"), RunFile::Cache),
            ];
            for (path, expected) in cases {
                assert_eq!(runs.classify(&path), Some(expected), "{}", path.display());
            }
        }
    }

    #[test]
    fn other_names_and_places_are_not_taken_for_ours() {
        let runs = RunDir::new("runs");
        let (trial, digest) = (trial(), digest());
        for path in [
            format!("runs/trials/{trial}x"),
            format!("runs/trials/{trial}/notes.txt"),
            format!("runs/trials/{}", "A".repeat(TRIAL_DIGITS)),
            "runs/data/songs.csv".to_owned(),
            format!("runs/data/{digest}.csv"),
            format!("other/data/{digest}.safetensors"),
            format!("runs/{digest}.safetensors"),
            "runs/logs/genres/access.log".to_owned(),
            "runs/logs/genres/cuda-0.1.2.log".to_owned(),
            "runs/logs/genres/cuda-0..log".to_owned(),
            "runs/logs/genres/cuda-+1.log".to_owned(),
            "runs/logs/genres/cpu-0.log.old".to_owned(),
            "runs/logs/genres/-cpu-0.log".to_owned(),
            "runs/logs/genres/gpu1-tpu-0.log".to_owned(),
            "runs/logs/genres/shared-7".to_owned(),
            "runs/logs/gen res/cpu-0.log".to_owned(),
            "runs/locks/genres".to_owned(),
            "runs/locks/.lock".to_owned(),
            "runs/cache/notes".to_owned(),
            "runs/sweep.sqlite".to_owned(),
        ] {
            assert_eq!(runs.classify(Path::new(&path)), None, "{path}");
        }
    }

    #[test]
    fn a_database_without_a_folder_is_in_the_working_directory() {
        let runs = RunDir::of_database("mine.db");
        assert_eq!(runs.path(), Path::new("."));
        assert_eq!(runs.trials(), Path::new("./trials"));
        assert_eq!(runs.backup(2, 1), Path::new("mine.db.v2.bak"));
        assert_eq!(runs.backup(2, 3), Path::new("mine.db.v2.3.bak"));
        assert!(runs.is_copy_of_database(&runs.backup(2, 1)));
        for other in ["mine.db", "mine.db-wal", "mine.dbx.bak", "other.db.v2.bak"] {
            assert!(!runs.is_copy_of_database(Path::new(other)), "{other}");
        }
    }
}
