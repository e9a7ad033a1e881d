//! What the best models predict for the validation rows, for calibration, for the losses of single rows and for figures of
//! numbers.
//!
//! Invariant: test rows are never read; a missing model or data set costs this part of the report only.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sweep_analysis::calibration::{Calibration, Claims};
use sweep_analysis::lead::{RowLosses, RowNumbers};
use sweep_analysis::regions::Regions;
use sweep_analysis::{Configuration, Run, Summary};
use sweep_core::trial::{Kind, TrialId};
use sweep_data::Targets;
use sweep_engine::kept::Kept;
use sweep_store::ExperimentRecord;

use crate::app::App;
use crate::regions;
use crate::valid_predictions;
use crate::valid_rows::{Fold, ValidRows};

/// Seeds of each configuration whose models predict; more of them change the result little.
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
    /// Sets or intervals of the best run of the best configuration of each kind.
    pub regions: Vec<Regions>,
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
    if best.is_empty() || record.is_of_programs() {
        return found;
    }
    let rows = match ValidRows::open(app, record) {
        Ok(rows) => rows,
        Err(why) => {
            found.missing.push(format!("Calibration: {why}."));
            return found;
        }
    };
    // Further repeats of folds change the result little.
    let folds = &rows.folds[rows.repeats[0].clone()];
    let is_number = folds[0].data.meta().number.is_some();
    // Other metrics are counted by class, which the database knows.
    let is_loss = summary.objective.metric == LOSS;
    for config in best {
        let wants_losses = summary.place(config) == 0 && is_loss && !is_number;
        let why = match asked(app, config, folds, wants_losses) {
            Ok(models) => {
                match regions::regions(app, config, &summary.objective, folds) {
                    Ok(regions) => found.regions.push(regions),
                    Err(why) => {
                        let (kind, config) = (config.kind.name(), config.id.short());
                        let what = format!("Sets or intervals of {kind} {config}: {why}.");
                        found.missing.push(what);
                    }
                }
                // What the folds of a seed say is of different rows.
                let mut claims: BTreeMap<u64, Claims> = BTreeMap::new();
                for (run, model) in models {
                    if wants_losses {
                        found.losses.insert(run.trial.clone(), model.losses);
                    }
                    if is_number {
                        found.numbers.insert(run.trial.clone(), model.numbers);
                    }
                    claims.entry(run.seed).or_default().extend(model.claims);
                }
                let claims: Vec<Claims> = claims.into_values().collect();
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

/// What trials of `config` say of the rows of `folds`.
fn asked<'a>(
    app: &App,
    config: &'a Configuration,
    folds: &[Fold],
    wants_losses: bool,
) -> Result<Vec<(&'a Run, Asked)>, String> {
    let seeds: BTreeSet<u64> = config.runs.iter().map(|run| run.seed).collect();
    let last = seeds.iter().take(MODELS).next_back();
    let mut trials = Vec::new();
    for run in config.runs.iter().filter(|run| Some(&run.seed) <= last) {
        let Some(fold) = folds.iter().find(|fold| fold.number == run.fold) else {
            continue;
        };
        let data = &fold.data;
        let (targets, classes) = (data.valid().y, data.meta().classes.len());
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
        trials.push((run, own));
    }
    Ok(trials)
}
