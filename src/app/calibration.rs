//! What the best models predict for the validation rows, for calibration, for the losses of single rows and for figures of
//! numbers.
//!
//! Invariant: test rows are never read; a missing model or data set costs this part of the report only.

use std::collections::HashMap;

use sweep_analysis::calibration::{Calibration, Claims};
use sweep_analysis::lead::{RowLosses, RowNumbers};
use sweep_analysis::{Configuration, Summary};
use sweep_core::trial::{Kind, TrialId};
use sweep_data::{Dataset, Targets};
use sweep_engine::kept::Kept;
use sweep_store::ExperimentRecord;

use crate::app::App;
use crate::valid_predictions;

/// Models of each configuration that predict; more of them change the result little.
const MODELS: usize = 5;
/// The objective that is not known from counts of rows by class.
const LOSS: &str = "valid/loss";

/// What the best models said of the validation rows.
#[derive(Debug, Default)]
pub struct Predicted {
    /// Of the best configuration of each kind.
    pub calibrations: Vec<Calibration>,
    /// Losses of the rows, by trials of the winner, as many as were asked; empty unless the objective is a loss.
    pub losses: HashMap<TrialId, RowLosses>,
    /// Targets and predictions of the rows, where they are numbers, by trials of the best configuration of each kind, as many
    /// as were asked.
    pub numbers: HashMap<TrialId, RowNumbers>,
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
        let is_number = data.meta().number.is_some();
        let wants_losses = summary.place(config) == 0 && is_loss && !is_number;
        let why = match asked(app, config, &data, wants_losses) {
            Ok(models) => {
                let trials = || config.runs.iter().map(|run| run.trial.clone());
                let mut claims = Vec::with_capacity(models.len());
                for (trial, model) in trials().zip(models) {
                    if wants_losses {
                        found.losses.insert(trial.clone(), model.losses);
                    }
                    if is_number {
                        found.numbers.insert(trial, model.numbers);
                    }
                    claims.push(model.claims);
                }
                if is_number {
                    continue;
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
        let what = match is_number {
            true => "Predictions",
            false => "Calibration",
        };
        found
            .missing
            .push(format!("{what} of {kind} {config}: {why}."));
    }
    found
}

/// What a model says of the validation rows.
#[derive(Default)]
struct Asked {
    /// The probability of each predicted class, and whether that is correct.
    claims: Claims,
    /// The class of each row with its loss, if those are wanted.
    losses: RowLosses,
    /// Target and prediction of each row, where they are numbers.
    numbers: RowNumbers,
}

/// What the trials of `config` say.
fn asked(
    app: &App,
    config: &Configuration,
    data: &Dataset,
    wants_losses: bool,
) -> Result<Vec<Asked>, String> {
    let (targets, classes) = (data.valid().y, data.meta().classes.len());
    let mut trials = Vec::new();
    for run in config.runs.iter().take(MODELS) {
        let mut own = Asked::default();
        let said = valid_predictions::in_full(app, config.kind, &run.trial, data)?;
        match (said, targets) {
            (Kept::Numbers(residuals), Targets::Numbers(actual)) => {
                let pairs = residuals.iter().zip(actual);
                own.numbers = pairs
                    .map(|(residual, actual)| {
                        let actual = f64::from(*actual);
                        (actual, actual + f64::from(*residual))
                    })
                    .collect();
            }
            (
                Kept::Classes {
                    labels,
                    losses,
                    probabilities,
                },
                Targets::Classes(actual),
            ) => {
                let probabilities = probabilities.unwrap_or_default();
                let by_row = probabilities.chunks_exact(classes);
                for ((row, label), actual) in by_row.zip(&labels).zip(actual) {
                    let claimed = f64::from(row[*label as usize]);
                    own.claims.push((claimed, label == actual));
                }
                if wants_losses {
                    let losses = losses.iter().map(|loss| f64::from(*loss));
                    own.losses = actual.iter().copied().zip(losses).collect();
                }
            }
            _ => unreachable!("predictions are read for these targets"),
        }
        trials.push(own);
    }
    Ok(trials)
}
