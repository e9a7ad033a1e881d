//! Gradient boosting by XGBoost (Chen and Guestrin, KDD 2016), whose shared library is loaded at run time.
//!
//! A result is a function of the job and of the library's version: one thread, one seed drawn from the replicate
//! seed, and the generator set anew each round, so that a run that was interrupted goes on with the same
//! numbers.
//!
//! Start the process with `OMP_WAIT_POLICY=passive`, which OpenMP reads when the library is loaded. Training keeps to
//! one thread, but [`load`] starts a team that would otherwise spin through all training after it.

mod ffi;
mod objective;
mod schema;

#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;

use super::baseline::{self, Measured};
use super::boosting::{self, Boosted, Columns, KeptModel, Predictor, Predicts, Rules};
pub use super::library::XGBOOST as VARIABLE;
use super::library::{Located, NotFound};
use super::model_kind::{LoadError, ModelKind, TrainedModel, other_kind};
use crate::{Backend, Callback, EngineError, Job, Outcome, weights};

use ffi::{Booster, Matrix, WANTED, Xgboost};
use objective::{Goal, Units};
use schema::Schema;
use sweep_core::random::{Purpose, Stream};
use sweep_core::trial::Kind;
use sweep_core::trial::models::XgboostSpec;
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

    fn library(&self) -> Option<Result<Located, NotFound>> {
        Some(locate())
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
    boosting::located(ffi::library().map(|library| &library.located))
}

/// Boosts `job` with `tree_method=hist` and the objective `multi:softprob`, of two classes its `binary_objective`, or of
/// numbers the one for its loss; a step is a round, and what it reports and keeps is that of [`boosting::train`].
///
/// Leaves `model.json`, XGBoost's own format cut after the kept round, in the job's folder.
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
    let rules = Rules {
        rounds: model.rounds,
        early_stopping_rounds: model.early_stopping_rounds,
        metric: model.early_stopping_metric,
    };
    let new = || Ensemble::new(loaded()?, job, model);
    boosting::train(job, &rules, new, checkpoint, callback)
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
    let units = Units::from_json(schema.attribute(UNITS)).map_err(|why| unreadable(&why))?;
    Ok(Boosted {
        predictor: Box::new(Loaded {
            library,
            booster,
            units,
        }),
        columns,
        predicts: schema.predicts,
    })
}

/// A model that [`train`] left in a folder.
struct Loaded {
    library: &'static Xgboost,
    booster: Booster,
    units: Units,
}

impl Predictor for Loaded {
    fn predict(
        &mut self,
        inputs: Inputs<'_>,
        columns: &Columns,
        predicts: Predicts,
    ) -> Result<Vec<f32>, EngineError> {
        let matrix = Matrix::new(self.library, inputs, columns)?;
        let mut outputs = self.booster.predict(&matrix, predicts.width())?;
        self.units.restore(&mut outputs);
        Ok(predicts.of_all_classes(outputs))
    }
}

fn loaded() -> Result<&'static Xgboost, EngineError> {
    let library = ffi::library().map_err(|missing| WANTED.failure(missing.to_string()))?;
    library.hush()?;
    Ok(library)
}

/// The ensemble that is boosted, with its training and validation rows.
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
        let columns = Columns::of(meta, model.enable_categorical);
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

    /// Whether rounds are boosted again on the way back, because a snapshot would not go on with the
    /// same draws.
    fn replays(&self) -> bool {
        let (major, minor, _) = self.library.version;
        let draws = self.model.subsample < 1.0 || self.model.colsample_bytree < 1.0;
        draws && (major, minor) < DRAWN_AFRESH
    }
}

impl boosting::Ensemble for Ensemble<'_> {
    /// The library keeps the predictions for both sides, so this costs the new trees alone.
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

    /// The library's version, then its snapshot unless rounds are to be replayed.
    fn snapshot(&self) -> Result<Vec<u8>, EngineError> {
        let mut body = version_bytes(self.library);
        if !self.replays() {
            body.extend(self.booster.to_snapshot()?);
        }
        Ok(body)
    }

    fn restore(&mut self, rounds: u32, body: &[u8]) -> Result<(), EngineError> {
        let version = version_bytes(self.library);
        let snapshot = body.strip_prefix(version.as_slice()).ok_or_else(|| {
            let (major, minor, patch) = self.library.version;
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
        if !self.replays() {
            return self.booster.read_snapshot(snapshot);
        }
        for round in 0..rounds {
            self.booster.update(round, &self.train)?;
        }
        Ok(())
    }

    fn kept(self, rounds: u32) -> Result<KeptModel, EngineError> {
        let kept = self.booster.first(rounds)?;
        let names = self.columns.names(&self.job.data.meta().features);
        let gains = kept.total_gain(names.len())?;
        kept.describe(&names, &self.columns)?;
        if let Some(text) = self.columns.to_json() {
            kept.set_attribute(CATEGORIES, &text)?;
        }
        if let Some(text) = self.goal.units.to_json() {
            kept.set_attribute(UNITS, &text)?;
        }
        let bytes = kept.to_json()?;
        let unexpected = |why| WANTED.failure(format!("unexpected model: {why}"));
        let leaves = Schema::read(&bytes).map_err(unexpected)?.leaves;
        Ok(KeptModel {
            importance: baseline::shares(&names, &gains),
            leaves,
            file: MODEL,
            bytes,
        })
    }
}

fn version_bytes(library: &Xgboost) -> Vec<u8> {
    let (major, minor, patch) = library.version;
    [major, minor, patch]
        .into_iter()
        .flat_map(i32::to_le_bytes)
        .collect()
}
