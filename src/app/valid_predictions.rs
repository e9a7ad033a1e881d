//! What a trial predicts for the validation rows: what it left behind, or else what its model says now.
//!
//! Invariant: test rows are never read.

use sweep_core::trial::{Kind, TrialId};
use sweep_data::Dataset;
use sweep_engine::kept::{self, Kept};
use sweep_engine::predict::{Predictions, Predictor};

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
    let mut all = Predictions::default();
    for inputs in rows.inputs().chunks(CHUNK, meta.features.len()) {
        let predicted = model.predict(inputs).map_err(|error| error.to_string())?;
        all.labels.extend(predicted.labels);
        all.probabilities.extend(predicted.probabilities);
        all.numbers.extend(predicted.numbers);
    }
    Ok(Kept::of(meta, rows.y, &all))
}

/// Likewise, from the model only where the trial left no probabilities behind.
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
