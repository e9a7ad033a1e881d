//! Gradient boosting by LightGBM (Ke et al., NIPS 2017), whose shared library is loaded at run time.
//!
//! A result is a function of the job and of the library's version: one thread, histograms by rows, and seeds drawn anew for
//! each round from the replicate seed, so that a run that was interrupted goes on with the same numbers.
//!
//! Start the process with `OMP_WAIT_POLICY=passive`, which OpenMP reads when the library is loaded.

mod ffi;
mod file;
mod objective;

#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::baseline::{self, Measured};
use super::boosting::{self, Boosted, Columns, KeptModel, Predictor, Predicts, Rules, labels};
pub use super::library::LIGHTGBM as VARIABLE;
use super::library::{Located, NotFound};
use super::model_kind::{LoadError, ModelKind, TrainedModel, other_kind};
use crate::{Backend, Callback, EngineError, Job, Outcome, weights};

use ffi::{Booster, Lightgbm, Rows, WANTED};
use objective::Goal;
use sweep_core::random::{Purpose, Stream};
use sweep_core::trial::Kind;
use sweep_core::trial::models::LightgbmSpec;
use sweep_data::Inputs;

const MODEL: &str = "model.txt";
/// By so much of itself the fraction of rows is less in every second round: the library draws by a new seed only where the
/// fraction is another, and compares it with multiples of 2^-15.
const NUDGE: f64 = 1e-9;

/// The kind, as the registry has it.
pub(super) struct LightgbmKind;

impl ModelKind for LightgbmKind {
    fn kind(&self) -> Kind {
        Kind::LIGHTGBM
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
        match LightgbmSpec::of(&job.spec.model) {
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

/// Boosts `job` with the objective `binary`, `multiclass`, or of numbers the one for its loss; a step is a round, and what
/// it reports and keeps is that of [`boosting::train`].
///
/// Leaves `model.txt`, LightGBM's own format cut after the kept round, in the job's folder.
///
/// # Errors
/// When the library is missing or reports an error, the data cannot be learnt from, the checkpoint is not
/// this trial's or another version's, or the model cannot be written.
pub fn train(
    job: Job<'_>,
    model: &LightgbmSpec,
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
    let text = fs::read_to_string(&path).map_err(|error| unreadable(&error))?;
    let booster = Booster::read(library, &text).map_err(|error| unreadable(&error))?;
    let count = booster.columns()? as usize;
    let columns = file::columns(&text, count).map_err(|why| unreadable(&why))?;
    let outputs = booster.outputs()? as usize;
    Ok(Boosted {
        columns,
        predicts: file::predicts(&text, outputs).map_err(|why| unreadable(&why))?,
        predictor: Box::new(booster),
    })
}

impl Predictor for Booster {
    fn predict(
        &mut self,
        inputs: Inputs<'_>,
        columns: &Columns,
        predicts: Predicts,
    ) -> Result<Vec<f32>, EngineError> {
        let outputs = Booster::predict(self, inputs, columns, predicts.width())?;
        let outputs = outputs.into_iter().map(|value| value as f32).collect();
        Ok(predicts.of_all_classes(outputs))
    }
}

fn loaded() -> Result<&'static Lightgbm, EngineError> {
    let library = ffi::library().map_err(|missing| WANTED.failure(missing.to_string()))?;
    library.hush()?;
    Ok(library)
}

/// The first line of a snapshot; LightGBM's text follows.
#[derive(Serialize, Deserialize)]
struct Snapshot {
    library: String,
    barren: Vec<u32>,
}

/// The ensemble that is boosted, with its training and validation rows.
struct Ensemble<'a> {
    library: &'static Lightgbm,
    job: Job<'a>,
    model: &'a LightgbmSpec,
    columns: Columns,
    goal: Goal,
    booster: Booster,
    /// Rounds, counted from 0, that have no trees because nothing could be split.
    barren: Vec<u32>,
}

impl<'a> Ensemble<'a> {
    fn new(
        library: &'static Lightgbm,
        job: Job<'a>,
        model: &'a LightgbmSpec,
    ) -> Result<Ensemble<'a>, EngineError> {
        let meta = job.data.meta();
        let columns = Columns::of(meta, model.enable_categorical);
        let goal = Goal::of(meta, model);
        let booster = booster(library, job, model, (&columns, &goal), None)?;
        Ok(Ensemble {
            library,
            job,
            model,
            columns,
            goal,
            booster,
            barren: Vec::new(),
        })
    }

    /// Settings that draw the rows and features of `round` by seeds of its own; `None` where nothing is drawn.
    fn draws(&self, round: u32) -> Option<String> {
        let LightgbmSpec {
            subsample,
            colsample_bytree,
            ..
        } = *self.model;
        if subsample >= 1.0 && colsample_bytree >= 1.0 {
            return None;
        }
        let stream = Stream::new(self.job.spec.seed, Purpose::Library, round + 1, 0);
        // The last bit tells it from the seed before, since only another seed is taken up.
        let seed = |place| ((stream.bits(place) >> 34) << 1) | u64::from(round.is_multiple_of(2));
        let mut settings = format!(
            "verbosity=-1 feature_fraction_seed={} bagging_seed={}",
            seed(0),
            seed(1)
        );
        if subsample < 1.0 {
            let nudged = subsample * (1.0 - NUDGE * f64::from(1 + round % 2));
            settings.push_str(&format!(" bagging_fraction={nudged:.17}"));
        }
        Some(settings)
    }
}

/// An ensemble for `job`: without trees, or with those of `first`.
fn booster(
    library: &'static Lightgbm,
    job: Job<'_>,
    model: &LightgbmSpec,
    (columns, goal): (&Columns, &Goal),
    first: Option<&Booster>,
) -> Result<Booster, EngineError> {
    let meta = job.data.meta();
    let settings = settings(model, columns, goal);
    let rows = |side: sweep_data::Rows<'_>, reference: Option<&Rows>| {
        let rows = Rows::new(library, side.inputs(), columns, &settings, reference)?;
        rows.set_floats(c"label", &labels(meta, side.y, |number| number))?;
        if let Some(first) = first {
            let width = goal.outputs.width();
            rows.set_scores(&first.scores(side.inputs(), columns, width)?)?;
        }
        Ok::<Rows, EngineError>(rows)
    };
    let train = rows(job.data.train(), None)?;
    train.set_names(&file::names(&columns.names(&meta.features)))?;
    let weights = weights::of_rows(meta, job.data.train(), &model.class_weight, 1.0);
    if let Some(weights) = weights {
        train.set_floats(c"weight", &weights)?;
    }
    let valid = rows(job.data.valid(), Some(&train))?;
    let mut booster = Booster::new(library, &settings, train, valid)?;
    if let Some(first) = first {
        booster.merge(first)?;
    }
    Ok(booster)
}

/// All settings, as the library reads them.
fn settings(model: &LightgbmSpec, columns: &Columns, goal: &Goal) -> String {
    let are_categories = columns.are_categories().into_iter().enumerate();
    let categories: Vec<String> = are_categories
        .filter(|(_, is_category)| *is_category)
        .map(|(place, _)| place.to_string())
        .collect();
    let mut settings = goal.settings.clone();
    settings.extend([
        ("boosting", "gbdt".to_owned()),
        ("num_threads", "1".to_owned()),
        ("deterministic", "true".to_owned()),
        ("force_row_wise", "true".to_owned()),
        ("verbosity", "-1".to_owned()),
        ("num_leaves", model.num_leaves.to_string()),
        (
            "max_depth",
            match model.max_depth {
                0 => "-1".to_owned(),
                depth => depth.to_string(),
            },
        ),
        ("learning_rate", model.learning_rate.to_string()),
        ("bagging_fraction", model.subsample.to_string()),
        ("bagging_freq", u32::from(model.subsample < 1.0).to_string()),
        ("feature_fraction", model.colsample_bytree.to_string()),
        // Seeds that no round has.
        ("bagging_seed", "0".to_owned()),
        ("feature_fraction_seed", "0".to_owned()),
        ("min_data_in_leaf", model.min_child_samples.to_string()),
        (
            "min_sum_hessian_in_leaf",
            model.min_child_weight.to_string(),
        ),
        ("min_gain_to_split", model.min_split_gain.to_string()),
        ("lambda_l2", model.reg_lambda.to_string()),
        ("lambda_l1", model.reg_alpha.to_string()),
        ("max_bin", model.max_bin.to_string()),
    ]);
    if !categories.is_empty() {
        settings.push(("categorical_feature", categories.join(",")));
    }
    let settings = settings
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    settings.collect::<Vec<_>>().join(" ")
}

impl boosting::Ensemble for Ensemble<'_> {
    /// The library keeps the predictions for both sides, so this costs the new trees alone.
    fn boost(&mut self, round: u32) -> Result<(Measured, f64), EngineError> {
        if let Some(settings) = self.draws(round) {
            self.booster.reset(&settings)?;
        }
        let before = self.booster.iterations()?;
        self.booster.update()?;
        if self.booster.iterations()? == before {
            self.barren.push(round);
        }
        let metric = self.booster.train_metric()?;
        let outputs = self.goal.outputs;
        let by_output = self.booster.valid_outputs()?;
        let rows = self.job.data.valid().y.len();
        let of_row = |row: usize| by_output.iter().skip(row).step_by(rows);
        let by_row: Vec<f32> = match outputs.width() {
            1 => by_output.iter().map(|value| *value as f32).collect(),
            _ => (0..rows)
                .flat_map(of_row)
                .map(|value| *value as f32)
                .collect(),
        };
        let outputs = outputs.of_all_classes(by_row);
        let measured = baseline::measure(self.job, &outputs, self.goal.loss);
        Ok((measured, metric))
    }

    fn snapshot(&self) -> Result<Vec<u8>, EngineError> {
        let head = Snapshot {
            library: self.library.identity(),
            barren: self.barren.clone(),
        };
        let mut bytes = serde_json::to_vec(&head).expect("plain data");
        bytes.push(b'\n');
        let text = self.booster.to_text(self.booster.iterations()?)?;
        bytes.extend(text.into_bytes());
        Ok(bytes)
    }

    /// Scores are sums over trees in their order here and there, so those to begin with are what they were.
    fn restore(&mut self, rounds: u32, snapshot: &[u8]) -> Result<(), EngineError> {
        let damaged = || EngineError::Checkpoint("its snapshot is no text of LightGBM".to_owned());
        let text = std::str::from_utf8(snapshot).map_err(|_| damaged())?;
        let (head, text) = text.split_once('\n').ok_or_else(damaged)?;
        let head: Snapshot = serde_json::from_str(head).map_err(|_| damaged())?;
        let used = self.library.identity();
        if head.library != used {
            return Err(EngineError::Checkpoint(format!(
                "it was written by LightGBM {}, and {used} is in use now",
                head.library
            )));
        }
        let first = Booster::read(self.library, text)?;
        let parts = (&self.columns, &self.goal);
        self.booster = booster(self.library, self.job, self.model, parts, Some(&first))?;
        self.barren = head.barren;
        // The model keeps the settings of the last round, which may have been this one.
        if let Some(settings) = rounds.checked_sub(1).and_then(|last| self.draws(last)) {
            self.booster.reset(&settings)?;
        }
        Ok(())
    }

    fn kept(self, rounds: u32) -> Result<KeptModel, EngineError> {
        let barren = self.barren.iter().filter(|round| **round < rounds).count();
        let iterations = rounds - barren as u32;
        // Read back, as after an interruption: of gains and of trees without a split the text does not say all.
        let kept = Booster::read(self.library, &self.booster.to_text(iterations)?)?;
        let (gains, text) = (kept.total_gain()?, kept.to_text(iterations)?);
        let names = self.columns.names(&self.job.data.meta().features);
        Ok(KeptModel {
            importance: baseline::shares(&names, &gains),
            leaves: file::leaves(&text),
            file: MODEL,
            bytes: file::write(&text, &self.columns).into_bytes(),
        })
    }
}
