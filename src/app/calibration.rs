//! Predicted probabilities of the best models on the validation rows, for calibration and for the losses of single rows. They
//! are predicted again from the models on disk, because the database keeps no probabilities.
//!
//! Invariant: test rows are never read; a missing model or data set costs this part of the report only.

use std::collections::HashMap;

use sweep_analysis::calibration::{Calibration, Claims};
use sweep_analysis::lead::RowLosses;
use sweep_analysis::{Configuration, Summary};
use sweep_core::trial::{Kind, TrialId, log_loss};
use sweep_data::Dataset;
use sweep_engine::predict::Predictor;
use sweep_store::ExperimentRecord;

use crate::app::App;
use crate::model;

/// Models of each configuration that predict; more of them change the result little.
const MODELS: usize = 5;
/// The objective that is not known from counts of rows by class.
const LOSS: &str = "valid/loss";
/// Rows predicted at a time.
const CHUNK: usize = 4096;

/// What the best models said of the validation rows.
#[derive(Debug, Default)]
pub struct Predicted {
    /// Of the best configuration of each kind.
    pub calibrations: Vec<Calibration>,
    /// Losses of the rows, by trials of the winner, as many as were asked; empty unless the objective is a loss.
    pub losses: HashMap<TrialId, RowLosses>,
    /// A sentence for each configuration that could not be asked.
    pub missing: Vec<String>,
}

/// What the best configuration of each kind of `record` says of the validation rows.
pub fn predicted(app: &App, record: &ExperimentRecord) -> Predicted {
    let summary = Summary::of(record);
    let best: Vec<&Configuration> = Kind::all()
        .filter_map(|kind| summary.best_of(kind))
        .collect();
    let mut found = Predicted::default();
    if best.is_empty() {
        return found;
    }
    let path = app.run_dir().dataset(&record.dataset.digest);
    let data = match Dataset::open(&path) {
        Ok(data) => data,
        Err(error) => {
            found.missing.push(format!("Calibration: {error}."));
            return found;
        }
    };
    // Other metrics are counted by class, which the database knows.
    let is_loss = summary.objective.metric == LOSS;
    for config in best {
        let wants_losses = summary.place(config) == 0 && is_loss;
        let why = match asked(app, config, &data, wants_losses) {
            Ok(models) => {
                let (claims, losses): (Vec<Claims>, Vec<RowLosses>) = models.into_iter().unzip();
                if wants_losses {
                    let trials = config.runs.iter().map(|run| run.trial.clone());
                    found.losses.extend(trials.zip(losses));
                }
                match Calibration::of(config.id.clone(), &claims) {
                    Some(calibration) => {
                        found.calibrations.push(calibration);
                        continue;
                    }
                    None => "its models give no probabilities".to_owned(),
                }
            }
            Err(why) => why,
        };
        let (kind, config) = (config.kind.name(), config.id.short());
        let said = format!("Calibration of {kind} {config}: {why}.");
        found.missing.push(said);
    }
    found
}

/// For each model of `config`, the probability of each predicted class and whether that is correct; and the class of each row
/// with its loss, if those are wanted.
fn asked(
    app: &App,
    config: &Configuration,
    data: &Dataset,
    wants_losses: bool,
) -> Result<Vec<(Claims, RowLosses)>, String> {
    let meta = data.meta();
    let (rows, width) = (data.valid(), meta.features.len());
    let mut models = Vec::new();
    for run in config.runs.iter().take(MODELS) {
        let folder = app.trials().join(run.trial.as_str());
        let mut model = Predictor::load(&folder, config.kind, &meta.features, &meta.classes)
            .map_err(|error| match error {
                error if model::lacks_library(&error) => error.to_string(),
                error => {
                    let command = model::train_again(app, &run.trial);
                    format!("{error}; {command} trains models that are lost again")
                }
            })?;
        let mut claims = Claims::with_capacity(rows.y.len());
        let mut losses = RowLosses::new();
        let each = rows.inputs().chunks(CHUNK, width);
        for (inputs, y) in each.zip(rows.y.chunks(CHUNK)) {
            let predicted = model.predict(inputs).map_err(|error| error.to_string())?;
            let by_row = predicted.probabilities.chunks_exact(meta.classes.len());
            for ((row, label), actual) in by_row.zip(&predicted.labels).zip(y) {
                claims.push((row[*label as usize], label == actual));
                if wants_losses {
                    losses.push((*actual, log_loss(row[*actual as usize])));
                }
            }
        }
        models.push((claims, losses));
    }
    Ok(models)
}
