//! Gradient boosting by XGBoost (Chen and Guestrin, KDD 2016), whose shared library is loaded at run time.
//!
//! A result is a function of the job and of the library's version: one thread, one seed drawn from the replicate
//! seed, and the generator set anew each round, so that a run that was interrupted goes on with the same
//! numbers.
//!
//! Start the process with `OMP_WAIT_POLICY=passive`, which OpenMP reads when the library is loaded. Training keeps to
//! one thread, but [`load`] starts a team that would otherwise spin through all training after it.

mod columns;
mod ffi;
mod locate;
mod objective;
mod schema;

#[cfg(test)]
mod tests;

pub use locate::{Located, NotFound, VARIABLE};

use std::fs;
use std::path::Path;

use super::baseline::{self, Kept, Measured, Progress};
use super::model_kind::{LoadError, ModelKind, Names, Scores, TrainedModel, other_kind};
use crate::artifact;
use crate::{Backend, Callback, Control, EngineError, Epoch, Job, Keep, Outcome, weights};
use columns::Columns;
use ffi::{Booster, Matrix, Xgboost};
use objective::{Goal, Predicts, Units};
use schema::Schema;
use sweep_core::awake;
use sweep_core::random::{Purpose, Stream};
use sweep_core::trial::Kind;
use sweep_core::trial::models::{StoppingMetric, XgboostSpec};
use sweep_data::{Inputs, Rows};

const MODEL: &str = "model.json";
/// The attribute of a model that says which of its columns are categories.
const CATEGORIES: &str = "sweep_categories";
/// The attribute that says how predictions of numbers are scaled.
const UNITS: &str = "sweep_units";
/// From this version on, the rows and features that a round draws hang on seed and round alone; in 2.1 and 3.2
/// also on whether the ensemble has just been read. Tests check it.
const DRAWN_AFRESH: (i32, i32) = (3, 4);

/// The kind, as the registry has it.
pub(super) struct XgboostKind;

impl ModelKind for XgboostKind {
    fn kind(&self) -> Kind {
        Kind::XGBOOST
    }

    fn train(
        &self,
        _: &mut dyn Backend,
        job: Job<'_>,
        checkpoint: Option<&[u8]>,
        callback: &mut dyn Callback,
    ) -> Result<Outcome, EngineError> {
        match XgboostSpec::of(&job.spec.model) {
            Some(model) => train(job, &model, checkpoint, callback),
            None => Err(other_kind(job)),
        }
    }

    fn load(&self, folder: &Path) -> Result<Box<dyn TrainedModel>, LoadError> {
        Ok(Box::new(load(folder)?))
    }
}

/// The library that [`train`] uses, loading it; or every place where it is not.
pub fn locate() -> Result<Located, NotFound> {
    match ffi::library() {
        Ok(library) => Ok(library.located.clone()),
        Err(missing) => Err(missing.clone()),
    }
}

/// Boosts `job` with `tree_method=hist` and the objective `multi:softprob`, of two classes its `binary_objective`, or of
/// numbers the one for its loss; a step is a round.
///
/// Each round reports "train/loss", the cheap metrics of the validation rows, the objective and "seconds", those of the
/// round. The round that is best by `early_stopping_metric` is kept, of equal ones that with the lowest "valid/loss"; with
/// early stopping, boosting ends that many rounds after the last one that was better by it than all before. A job that asks
/// for a round ends with it and keeps it. Leaves `model.json`, XGBoost's own format cut after the kept round, in the job's
/// folder.
///
/// # Errors
/// When the library is missing or reports an error, the data cannot be learnt from, the checkpoint is not
/// this trial's or another version's, or the model cannot be written.
pub fn train(
    job: Job<'_>,
    model: &XgboostSpec,
    checkpoint: Option<&[u8]>,
    callback: &mut dyn Callback,
) -> Result<Outcome, EngineError> {
    baseline::check(job)?;
    let library = loaded()?;
    let mut began = awake::now();
    let mut ensemble = Ensemble::new(library, job, model)?;
    let mut progress = Progress::default();
    if let Some(bytes) = checkpoint {
        progress = ensemble.restore(bytes)?;
        callback.resumed(progress.step);
    }
    let kept = match (job.keep, model.early_stopping_metric) {
        (Keep::Step(_), _) => Kept::Latest,
        (Keep::Best, StoppingMetric::Loss) => Kept::ByLoss,
        (Keep::Best, StoppingMetric::Objective) => Kept::ByObjective,
    };
    let mut diverged = None;
    let rounds = job.keep.steps(model.rounds);
    let may_stop = job.keep == Keep::Best;
    while progress.step < rounds && !(may_stop && is_stale(&progress, model)) {
        let step = progress.step + 1;
        let (mut measured, train_loss) = ensemble.boost(progress.step)?;
        let seconds = awake::since(began).as_secs_f64();
        began = awake::now();
        measured
            .values
            .insert(0, ("train/loss".to_owned(), train_loss));
        measured.values.push(("seconds".to_owned(), seconds));
        let broken = measured.values.iter().find(|(_, value)| !value.is_finite());
        diverged = broken.map(|(name, value)| format!("{name} was {value} after round {step}"));
        if diverged.is_none() {
            progress.record(step, seconds, &measured, &job.spec.objective, kept)?;
        }
        let epoch = Epoch {
            step,
            values: measured.values,
        };
        if diverged.is_some() {
            // There is nothing to resume, so no checkpoint and no wish to stop matter any more.
            callback.epoch(&epoch, &mut || baseline::encode(job, &progress, &[]));
            (progress.step, progress.seconds) = (step, progress.seconds + seconds);
            break;
        }
        let mut failure = None;
        let control = callback.epoch(&epoch, &mut || {
            ensemble.checkpoint(&progress).unwrap_or_else(|error| {
                failure = Some(error);
                Vec::new()
            })
        });
        if let Some(error) = failure {
            return Err(error);
        }
        if control == Control::Stop {
            return Ok(Outcome::Stopped { step });
        }
    }
    ensemble.finish(progress, diverged, callback)
}

/// A model that [`train`] left in a folder.
pub struct Boosted {
    library: &'static Xgboost,
    booster: Booster,
    columns: Columns,
    predicts: Predicts,
    units: Units,
}

/// Reads the model that [`train`] left in `folder`.
///
/// # Errors
/// When the library is missing, or the file is missing or damaged.
pub fn load(folder: &Path) -> Result<Boosted, EngineError> {
    let library = loaded()?;
    let path = folder.join(MODEL);
    let unreadable = |why: &dyn std::fmt::Display| {
        EngineError::Unsupported(format!("cannot read the model {}: {why}", path.display()))
    };
    let json = fs::read(&path).map_err(|error| unreadable(&error))?;
    let schema = Schema::read(&json).map_err(|why| unreadable(&why))?;
    let mut booster = Booster::new(library, &[])?;
    // Reading starts an OpenMP team whatever was set before, and forgets that it was.
    booster.read_json(&json)?;
    booster.set("nthread", "1")?;
    let columns = match schema.attribute(CATEGORIES) {
        None => Columns::plain(schema.columns),
        Some(text) => {
            Columns::from_json(text, schema.columns).map_err(|error| unreadable(&error))?
        }
    };
    Ok(Boosted {
        library,
        booster,
        columns,
        predicts: schema.predicts,
        units: Units::from_json(schema.attribute(UNITS)).map_err(|why| unreadable(&why))?,
    })
}

impl Boosted {
    /// Number of inputs.
    pub fn features(&self) -> usize {
        self.columns.features()
    }

    /// Number of classes; 0 of a model that predicts a number.
    pub fn classes(&self) -> usize {
        self.predicts.classes()
    }

    /// Class probabilities, row-major [rows, classes], or numbers as they were learned [rows].
    ///
    /// # Errors
    /// When the library reports one.
    ///
    /// # Panics
    /// When the inputs are not whole rows.
    pub fn predict(&mut self, inputs: Inputs<'_>) -> Result<Vec<f32>, EngineError> {
        let matrix = Matrix::new(self.library, inputs, &self.columns)?;
        let mut outputs = self.booster.predict(&matrix, self.predicts.width())?;
        self.units.restore(&mut outputs);
        Ok(self.predicts.of_all_classes(outputs))
    }
}

impl TrainedModel for Boosted {
    fn features(&self) -> Names<'_> {
        Names::Counted(Boosted::features(self))
    }

    fn classes(&self) -> Names<'_> {
        Names::Counted(Boosted::classes(self))
    }

    fn predict(&mut self, inputs: Inputs<'_>) -> Result<Scores, EngineError> {
        let outputs = Boosted::predict(self, inputs)?;
        Ok(match self.predicts {
            Predicts::Number => Scores::Numbers(outputs),
            Predicts::SecondOfTwo | Predicts::Classes(_) => Scores::Probabilities(outputs),
        })
    }
}

fn loaded() -> Result<&'static Xgboost, EngineError> {
    let library = ffi::library().map_err(|missing| EngineError::Library(missing.to_string()))?;
    library.hush()?;
    Ok(library)
}

/// Whether early stopping ends boosting here.
fn is_stale(progress: &Progress, model: &XgboostSpec) -> bool {
    let stalled = progress.step - progress.improved;
    model.early_stopping_rounds > 0 && stalled >= model.early_stopping_rounds
}

/// The ensemble in hand with the rows that it learns from and is judged by.
struct Ensemble<'a> {
    library: &'static Xgboost,
    job: Job<'a>,
    model: &'a XgboostSpec,
    columns: Columns,
    goal: Goal,
    train: Matrix,
    valid: Matrix,
    booster: Booster,
}

impl<'a> Ensemble<'a> {
    fn new(
        library: &'static Xgboost,
        job: Job<'a>,
        model: &'a XgboostSpec,
    ) -> Result<Ensemble<'a>, EngineError> {
        let meta = job.data.meta();
        let columns = match model.enable_categorical {
            true => Columns::with_categories(&meta.preprocessor),
            false => Columns::plain(meta.features.len()),
        };
        let goal = Goal::of(meta, model);
        let matrix = |rows: Rows<'_>, weights: Option<&[f32]>| {
            let labels = goal.labels(meta, rows.y);
            Matrix::labelled(library, rows.inputs(), &columns, &labels, weights)
        };
        let rows = job.data.train();
        // Of one tree a round, XGBoost has this setting itself: it leaves the score that boosting begins with alone.
        let (of_library, of_rows) = match goal.outputs {
            Predicts::SecondOfTwo => (model.scale_pos_weight, 1.0),
            Predicts::Classes(_) | Predicts::Number => (1.0, model.scale_pos_weight),
        };
        let weights = weights::of_rows(meta, rows, &model.class_weight, of_rows);
        let train = matrix(rows, weights.as_deref())?;
        let valid = matrix(job.data.valid(), None)?;
        let booster = Booster::new(library, &[&train, &valid])?;
        let seed = Stream::new(job.spec.seed, Purpose::Library, 0, 0).bits(0) >> 33;
        for (name, value) in &goal.settings {
            booster.set(name, value)?;
        }
        for (name, value) in [
            ("tree_method", "hist".to_owned()),
            ("nthread", "1".to_owned()),
            ("verbosity", "0".to_owned()),
            ("seed", seed.to_string()),
            // Otherwise the draws would go on from those of whatever was trained before.
            ("seed_per_iteration", "1".to_owned()),
            ("max_depth", model.max_depth.to_string()),
            ("eta", model.eta.to_string()),
            ("subsample", model.subsample.to_string()),
            ("colsample_bytree", model.colsample_bytree.to_string()),
            ("min_child_weight", model.min_child_weight.to_string()),
            ("gamma", model.gamma.to_string()),
            ("lambda", model.lambda.to_string()),
            ("alpha", model.alpha.to_string()),
            ("max_bin", model.max_bin.to_string()),
            ("scale_pos_weight", of_library.to_string()),
        ] {
            booster.set(name, &value)?;
        }
        Ok(Ensemble {
            library,
            job,
            model,
            columns,
            goal,
            train,
            valid,
            booster,
        })
    }

    /// One round, counted from 0: validation measures and training loss after it. The library keeps the
    /// predictions for both sides, so this costs the new trees alone.
    fn boost(&mut self, round: u32) -> Result<(Measured, f64), EngineError> {
        self.booster.update(round, &self.train)?;
        let metric = self.booster.evaluate(round, &self.train)?;
        let meta = self.job.data.meta();
        let outputs = self.goal.outputs;
        let mut predicted = self.booster.predict(&self.valid, outputs.width())?;
        self.goal.units.restore(&mut predicted);
        let outputs = outputs.of_all_classes(predicted);
        let measured = baseline::measure(self.job, &outputs, self.goal.loss);
        Ok((measured, self.goal.loss_of(meta, metric)))
    }

    /// Whether rounds are boosted again on the way back, because a snapshot would not go on with the
    /// same draws.
    fn replays(&self) -> bool {
        let (major, minor, _) = self.library.located.version;
        let draws = self.model.subsample < 1.0 || self.model.colsample_bytree < 1.0;
        draws && (major, minor) < DRAWN_AFRESH
    }

    /// The library's version, then its snapshot unless rounds are to be replayed.
    fn checkpoint(&self, progress: &Progress) -> Result<Vec<u8>, EngineError> {
        let mut body = version_bytes(self.library);
        if !self.replays() {
            body.extend(self.booster.to_snapshot()?);
        }
        Ok(baseline::encode(self.job, progress, &body))
    }

    fn restore(&mut self, checkpoint: &[u8]) -> Result<Progress, EngineError> {
        let (progress, body) = baseline::decode(self.job, checkpoint)?;
        let version = version_bytes(self.library);
        let snapshot = body.strip_prefix(version.as_slice()).ok_or_else(|| {
            let (major, minor, patch) = self.library.located.version;
            let (numbers, _) = body.as_chunks::<4>();
            let written: Vec<String> = numbers
                .iter()
                .take(3)
                .map(|number| i32::from_le_bytes(*number).to_string())
                .collect();
            EngineError::Checkpoint(format!(
                "it was written by XGBoost {}, and {major}.{minor}.{patch} is in use now",
                written.join(".")
            ))
        })?;
        if self.replays() {
            for round in 0..progress.step {
                self.booster.update(round, &self.train)?;
            }
        } else {
            self.booster.read_snapshot(snapshot)?;
        }
        Ok(progress)
    }

    /// Keeps the rounds up to the best one.
    fn finish(
        self,
        progress: Progress,
        diverged: Option<String>,
        callback: &mut dyn Callback,
    ) -> Result<Outcome, EngineError> {
        let meta = self.job.data.meta();
        let mut result = progress.into_result();
        result.diverged = diverged;
        if result.best.is_some() {
            let kept = self.booster.first(result.best_step)?;
            let names = self.columns.names(&meta.features);
            let gains = kept.total_gain(names.len())?;
            result.importance = baseline::shares(&names, &gains);
            kept.describe(&names, &self.columns)?;
            if let Some(text) = self.columns.to_json() {
                kept.set_attribute(CATEGORIES, &text)?;
            }
            if let Some(text) = self.goal.units.to_json() {
                kept.set_attribute(UNITS, &text)?;
            }
            let json = kept.to_json()?;
            let schema = Schema::read(&json);
            let unexpected = |why| EngineError::Library(format!("unexpected model: {why}"));
            result.parameters = schema.map_err(unexpected)?.leaves;
            let artifact = artifact::write(self.job.folder, "model", MODEL, &json, callback)?;
            result.artifacts.push(artifact);
        }
        Ok(Outcome::Done(Box::new(result)))
    }
}

fn version_bytes(library: &Xgboost) -> Vec<u8> {
    let (major, minor, patch) = library.located.version;
    [major, minor, patch]
        .into_iter()
        .flat_map(i32::to_le_bytes)
        .collect()
}
