//! One more training of a chosen configuration: on training and validation rows together, for as many steps as its runs
//! kept.
//!
//! Invariant: the database stays as it is, test rows are never read, and nothing is measured on rows that the model has
//! seen.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sweep_core::atomic_fs::{self, TemporaryFolder};
use sweep_core::data_config::TargetTransform;
use sweep_core::trial::{Kind, Task, TrialSpec};
use sweep_data::{Dataset, DatasetMeta, Prepared, SavedPreprocessor, prepare_refit};
use sweep_engine::predict::{Predictor, Refit, RefitRun};
use sweep_engine::{Callback, Control, EngineError, Epoch, Job, Keep, Outcome};
use sweep_experiment::{Source, plan};
use sweep_store::{ExperimentRecord, TrialRecord};

use crate::app::App;
use crate::error::Error;
use crate::loaded::{self, LoadedExperiment};
use crate::model::{self, Chosen};
use crate::observer::{Notice, Observer};
use crate::prepare::size_of;

/// How often a long training says where it stands.
const PROGRESS: Duration = Duration::from_secs(10);
/// What can always be done instead.
const WITHOUT: &str = "leave out --refit (or use --no-refit) to use the model that was trained";

/// Models of one configuration, one for each seed, trained on the same rows.
pub struct Refits {
    pub about: Refit,
    /// By seed, as they were asked for.
    pub trained: Vec<Trained>,
    pub kind: Kind,
    /// Of the data that they were trained on.
    pub meta: DatasetMeta,
    pub preprocessor: SavedPreprocessor,
    /// Holds the files; removed with this value.
    _folder: TemporaryFolder,
}

/// The files of a trained model.
pub struct Trained {
    pub folder: PathBuf,
    /// Relative to `folder`.
    pub files: Vec<PathBuf>,
}

/// Whether `chosen` is to be trained once more: as `asked`, or else as its experiment file says where no trial was named.
pub fn is_wanted(chosen: &Chosen, asked: Option<bool>) -> bool {
    let by_file = || {
        // A file of an earlier version that cannot be read any more does not ask for it.
        chosen.stands_for_configuration()
            && experiment_of(&chosen.experiment).is_ok_and(|loaded| loaded.experiment.refit)
    };
    asked.unwrap_or_else(by_file)
}

/// Trains the configuration of `chosen` with each of `seeds` on training and validation rows, in this process.
pub fn train(
    app: &App,
    observer: &dyn Observer,
    chosen: &Chosen,
    seeds: &[u64],
) -> Result<Refits, Error> {
    let loaded = experiment_of(&chosen.experiment)?;
    let spec = spec_of(app, chosen, &loaded)?;
    let runs = runs(chosen);
    let step = mean_step(&runs);
    let folder = TemporaryFolder::new("sweep-refit").map_err(|error| {
        let help = "set TMPDIR to a folder for temporary files that can be written";
        Error::environment(format!("{}: {error}", std::env::temp_dir().display()), help)
    })?;
    let prepared = prepared(app, chosen, &loaded, folder.path())?;
    let kind = spec.model.kind();
    let rows = prepared.meta.train_rows;
    observer.notice(&Notice::Refit {
        kind,
        config: chosen.trial.config.clone(),
        rows,
        seeds: seeds.to_vec(),
        step,
        runs: runs.len(),
    });
    let unreadable = |error| Error::environment(format!("cannot open prepared data: {error}"), "");
    let data = Dataset::open(&prepared.path).map_err(unreadable)?;
    let preprocessor = SavedPreprocessor::read(&prepared.preprocessor_path).map_err(unreadable)?;
    let mut trained = Vec::new();
    for seed in seeds {
        let mut spec = spec.clone();
        spec.seed = *seed;
        let folder = folder.path().join(format!("seed-{seed}"));
        std::fs::create_dir(&folder).map_err(|error| {
            Error::environment(format!("cannot create {}: {error}", folder.display()), "")
        })?;
        let job = Job {
            keep: Keep::Step(step),
            ..Job::new(&spec, &data, &folder)
        };
        let files = train_one(observer, job, step)?;
        trained.push(Trained { folder, files });
    }
    Ok(Refits {
        about: Refit {
            rows: rows as u64,
            step,
            runs,
        },
        trained,
        kind,
        meta: prepared.meta,
        preprocessor,
        _folder: folder,
    })
}

impl Refits {
    /// The models, ready to predict.
    pub fn load(&self) -> Result<Vec<Predictor>, Error> {
        let predicted = || (&self.preprocessor).into();
        let models = self.trained.iter().map(|trained| {
            Predictor::load(
                &trained.folder,
                self.kind,
                &self.preprocessor.features,
                predicted(),
            )
        });
        let models: Result<Vec<_>, _> = models.collect();
        models.map_err(|error| Error::environment(error, ""))
    }
}

/// The experiment of `record`, as it was last run.
fn experiment_of(record: &ExperimentRecord) -> Result<LoadedExperiment, Error> {
    let source = Source {
        path: record.file_path.clone(),
        text: record.file_text.clone(),
    };
    loaded::check(source, &record.flags, record.edition)
}

/// All settings of the configuration of `chosen`, which the plan of `loaded` has; refuses what cannot be trained on other rows.
fn spec_of(app: &App, chosen: &Chosen, loaded: &LoadedExperiment) -> Result<TrialSpec, Error> {
    let (record, trial) = (&chosen.experiment, &chosen.trial);
    let short = trial.id.short();
    if loaded.experiment.transfer.is_some() {
        let message = format!(
            "there is no refit of trial {short}: rows of a sweep with [transfer] are split after those of its source"
        );
        return Err(Error::input(message, WITHOUT));
    }
    let digests: Vec<_> = (record.datasets().into_iter())
        .map(|dataset| dataset.digest.clone())
        .collect();
    let classes = &record.dataset.classes;
    let saved = model::preprocessor(app, record, &record.dataset)?;
    let outputs = classes.len().max(1);
    let target = plan::Target {
        task: match classes.is_empty() {
            true => Task::Regression,
            false => Task::Classification,
        },
        classes,
        data: size_of(
            &saved.preprocessor,
            record.dataset.train_rows as usize,
            outputs,
        ),
        is_transformed: loaded.experiment.data.target_transform != TargetTransform::None,
    };
    // The seed may be one that was added to those of the file.
    let mut trials = plan::expand(&loaded.experiment, &digests, target)
        .trials
        .into_iter();
    let planned = trials.find(|own| own.config == trial.config);
    let Some(planned) = planned else {
        let message = format!(
            "there is no refit of trial {short}: it is of an earlier file, or earlier data, of sweep {}, out of the plan",
            record.name
        );
        let help = format!(
            "choose a trial of the plan (`sweep ls {}`); or {WITHOUT}",
            record.name
        );
        return Err(Error::input(message, &help));
    };
    if planned.spec.train_fraction < 1.0 {
        let message = format!(
            "there is no refit of trial {short}: it learned from {} of the training rows, for a learning curve",
            planned.spec.train_fraction
        );
        let help = format!("choose a trial of all training rows, or `best`; or {WITHOUT}");
        return Err(Error::input(message, &help));
    }
    Ok(planned.spec)
}

/// The finished runs of the configuration of `chosen`, which decide on the steps; itself among them.
fn runs(chosen: &Chosen) -> Vec<RefitRun> {
    let run = |trial: &TrialRecord| RefitRun {
        trial: trial.id.clone(),
        seed: trial.seed,
        fold: trial.fold,
        best_step: trial.best_step.unwrap_or(0),
    };
    chosen.seeds().into_iter().map(run).collect()
}

/// The mean of the steps that `runs`, at least one, kept; a half is rounded up.
fn mean_step(runs: &[RefitRun]) -> u32 {
    let sum: u64 = runs.iter().map(|run| u64::from(run.best_step)).sum();
    let mean = sum as f64 / runs.len() as f64;
    (mean.round() as u32).max(1)
}

/// The data with all training and validation rows to train on, below `folder`; refuses another table than that of `chosen`.
fn prepared(
    app: &App,
    chosen: &Chosen,
    loaded: &LoadedExperiment,
    folder: &Path,
) -> Result<Prepared, Error> {
    let cache = app.run_dir().cache();
    let cache = match atomic_fs::is_writable(&cache) {
        true => cache,
        false => folder.join("cache"),
    };
    let prepared = prepare_refit(&loaded.experiment.data, folder, &cache)
        .map_err(|errors| loaded.diagnose(&errors))?;
    let recorded = &chosen.dataset;
    if prepared.summary.source_sha256 == recorded.source_sha256 {
        return Ok(prepared);
    }
    let message = format!(
        "{} has changed since trial {} was trained on it: its SHA-256 was {} and is now {}",
        recorded.source.display(),
        chosen.trial.id.short(),
        shortened(&recorded.source_sha256),
        shortened(&prepared.summary.source_sha256),
    );
    let help = format!(
        "restore the old file; or train on the new one with `sweep resume {} --accept-new-data`; or {WITHOUT}",
        chosen.experiment.name
    );
    Err(Error::input(message, &help))
}

fn shortened(sha256: &str) -> &str {
    &sha256[..12.min(sha256.len())]
}

/// Trains `job` to `step`; gives the files of the model.
fn train_one(observer: &dyn Observer, job: Job<'_>, step: u32) -> Result<Vec<PathBuf>, Error> {
    let mut progress = Progress {
        observer,
        kind: job.spec.model.kind(),
        seed: job.spec.seed,
        until: step,
        told: Instant::now(),
    };
    let outcome = sweep_engine::train(job, None, &mut progress).map_err(|error| match error {
        error @ EngineError::Write { .. } => {
            let help = "free some space, or set TMPDIR to another folder for temporary files";
            Error::environment(error, help)
        }
        error => Error::environment(error, ""),
    })?;
    let Outcome::Done(result) = outcome else {
        unreachable!("no callback asked to stop")
    };
    if let Some(why) = result.diverged {
        let message = format!("the refit with seed {} diverged: {why}", job.spec.seed);
        return Err(Error::environment(message, WITHOUT));
    }
    let files = result.artifacts.into_iter().map(|artifact| artifact.path);
    Ok(files.collect())
}

/// Says now and then where training stands.
struct Progress<'a> {
    observer: &'a dyn Observer,
    kind: Kind,
    seed: u64,
    until: u32,
    told: Instant,
}

impl Callback for Progress<'_> {
    fn epoch(&mut self, epoch: &Epoch, _checkpoint: &mut dyn FnMut() -> Vec<u8>) -> Control {
        if self.told.elapsed() >= PROGRESS {
            self.told = Instant::now();
            self.observer.notice(&Notice::RefitProgress {
                kind: self.kind,
                seed: self.seed,
                step: epoch.step,
                until: self.until,
            });
        }
        Control::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_core::trial::TrialId;

    #[test]
    fn a_refit_has_the_mean_of_the_steps_that_runs_kept_and_one_at_least() {
        let runs = |steps: &[u32]| -> Vec<RefitRun> {
            let run = |(place, best_step): (usize, &u32)| RefitRun {
                trial: TrialId::from_hex("ab".repeat(16)),
                seed: place as u64,
                fold: None,
                best_step: *best_step,
            };
            steps.iter().enumerate().map(run).collect()
        };
        assert_eq!(mean_step(&runs(&[12])), 12);
        assert_eq!(mean_step(&runs(&[10, 11])), 11);
        assert_eq!(mean_step(&runs(&[10, 10, 11])), 10);
        assert_eq!(mean_step(&runs(&[0, 0])), 1);
    }
}
