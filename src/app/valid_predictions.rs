//! What a trial predicts for the validation rows: what it left behind, or else what its model says now.
//!
//! Invariant: test rows are never read.

use std::collections::{HashMap, HashSet};

use sweep_analysis::Summary;
use sweep_analysis::evidence::Units;
use sweep_core::run_dir::PREDICTIONS;
use sweep_core::trial::{Kind, Status, TrialId};
use sweep_data::{Dataset, DatasetMeta, Inputs, Targets};
use sweep_engine::kept::{self, Kept};
use sweep_engine::predict::{PredictError, Predictions, Predictor, Weighted};
use sweep_store::ExperimentRecord;

use crate::app::App;
use crate::model;

/// Rows predicted at a time.
const CHUNK: usize = 4096;

/// As the finished `trial` left it behind on `data`; `None` where that is gone or damaged.
pub fn kept(app: &App, trial: &TrialId, data: &Dataset) -> Option<Kept> {
    let folder = app.trials().join(trial.as_str());
    kept::read(&folder, data.meta(), data.valid().y)
}

/// As the model of `trial` says now, or why it cannot be asked.
pub fn from_model(app: &App, kind: Kind, trial: &TrialId, data: &Dataset) -> Result<Kept, String> {
    let (meta, rows) = (data.meta(), data.valid());
    let folder = app.trials().join(trial.as_str());
    let mut model =
        Predictor::load(&folder, kind, &meta.features, meta.into()).map_err(|error| {
            if model::lacks_library(&error) {
                return error.to_string();
            }
            let command = model::train_again(app, trial);
            format!("{error}; {command} trains models that are lost again")
        })?;
    let all = of_model(&mut model, data);
    let all = all.map_err(|error| error.to_string())?;
    Ok(Kept::of(meta, rows.y, &all))
}

/// What the models of folds, or of a single split, say of rows that they did not train on.
pub struct OutOfFold {
    /// Of the first data set.
    pub meta: DatasetMeta,
    pub predictions: Predictions,
    labels: Vec<u32>,
    numbers: Vec<f32>,
    /// Groups of rows by fold and number; empty if the data have none.
    groups: Vec<u32>,
    seen: HashSet<u32>,
}

impl OutOfFold {
    pub fn of(meta: &DatasetMeta) -> OutOfFold {
        OutOfFold {
            meta: meta.clone(),
            predictions: Predictions::default(),
            labels: Vec::new(),
            numbers: Vec::new(),
            groups: Vec::new(),
            seen: HashSet::new(),
        }
    }

    /// Adds the validation rows of `data` as `models`, taken together, predict them; false if there are such
    /// rows already, which then stay alone.
    pub fn add(&mut self, models: &mut Weighted, data: &Dataset) -> Result<bool, PredictError> {
        let rows = data.valid_source();
        if rows.iter().any(|row| self.seen.contains(row)) {
            return Ok(false);
        }
        self.seen.extend(rows.iter().copied());
        let own = of_models(models, data)?;
        self.predictions.append(own);
        if let Some(groups) = data.valid_groups() {
            // Folds number theirs from 0, and no group is in two.
            let first = self.groups.iter().max().map_or(0, |last| last + 1);
            self.groups.extend(groups.iter().map(|group| first + group));
        }
        match data.valid().y {
            Targets::Classes(labels) => self.labels.extend(labels),
            Targets::Numbers(numbers) => self.numbers.extend(numbers),
        }
        Ok(true)
    }

    /// Rows of one number belong together [rows]; `None` without groups.
    pub fn groups(&self) -> Option<&[u32]> {
        (!self.groups.is_empty()).then_some(&self.groups)
    }

    pub fn targets(&self) -> Targets<'_> {
        match self.meta.number {
            None => Targets::Classes(&self.labels),
            Some(_) => Targets::Numbers(&self.numbers),
        }
    }
}

/// What was drawn when the validation rows of `data` were drawn: groups of rows, or rows.
///
/// # Errors
/// With a sentence, where the data have groups and say nothing of those of validation rows.
pub fn units(data: &Dataset) -> Result<Units, String> {
    match data.valid_groups() {
        None if data.has_groups() => Err(
            "the data were prepared before groups of validation rows were kept; `sweep data check` \
             or `sweep resume` prepares them again"
                .to_owned(),
        ),
        None => Ok(Units::rows(data.valid().y.len())),
        Some(groups) => Ok(Units::groups(
            &groups.iter().map(|one| u64::from(*one)).collect::<Vec<_>>(),
        )),
    }
}

/// What `models`, taken together, say of the validation rows of `data`.
pub fn of_models(models: &mut Weighted, data: &Dataset) -> Result<Predictions, PredictError> {
    in_chunks(data, |inputs| models.predict(inputs))
}

/// What `model` says of the validation rows of `data`.
pub fn of_model(model: &mut Predictor, data: &Dataset) -> Result<Predictions, PredictError> {
    in_chunks(data, |inputs| model.predict(inputs))
}

fn in_chunks(
    data: &Dataset,
    mut predict: impl FnMut(Inputs<'_>) -> Result<Predictions, PredictError>,
) -> Result<Predictions, PredictError> {
    let mut all = Predictions::default();
    let width = data.meta().features.len();
    for inputs in data.valid().inputs().chunks(CHUNK, width) {
        all.append(predict(inputs)?);
    }
    Ok(all)
}

/// What `trial` says of them, from its model only where it left no probabilities behind.
pub fn in_full(app: &App, kind: Kind, trial: &TrialId, data: &Dataset) -> Result<Kept, String> {
    let lacks_probabilities = |kept: &Kept| {
        matches!(
            kept,
            Kept::Classes {
                probabilities: None,
                ..
            }
        )
    };
    match kept(app, trial, data).filter(|kept| !lacks_probabilities(kept)) {
        Some(kept) => Ok(kept),
        None => from_model(app, kind, trial, data),
    }
}

/// Takes the probabilities out of what trials of `record` left behind, but for the `most` best ones of each kind. Models can
/// make them again, so what cannot be written stays as it is.
pub fn prune(app: &App, record: &ExperimentRecord, most: usize) {
    let mut by_kind: HashMap<Kind, usize> = HashMap::new();
    let mut best: HashSet<&TrialId> = HashSet::new();
    let summary = Summary::of(record);
    for config in &summary.ranking {
        let taken = by_kind.entry(config.kind).or_default();
        let room = most.saturating_sub(*taken);
        best.extend(config.runs.iter().take(room).map(|run| &run.trial));
        *taken += config.runs.len();
    }
    let finished = record
        .trials
        .iter()
        .filter(|trial| trial.status == Status::Finished);
    for trial in finished.filter(|trial| !best.contains(&trial.id)) {
        let _ = kept::strip(&app.trials().join(trial.id.as_str()));
    }
}

/// Trials with kept predictions, and the bytes of these.
pub fn size(app: &App) -> (usize, u64) {
    let folders = std::fs::read_dir(app.trials()).into_iter().flatten();
    let files = folders.filter_map(|folder| {
        let file = folder.ok()?.path().join(PREDICTIONS);
        Some(std::fs::metadata(file).ok()?.len())
    });
    files.fold((0, 0), |(trials, bytes), own| (trials + 1, bytes + own))
}
