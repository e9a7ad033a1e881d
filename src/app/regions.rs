//! What the sets or intervals of the best models are like on the validation rows.
//!
//! With cross-validation, each row is predicted by the model of the fold that did not train on it.
//!
//! Invariant: test rows are never read; a missing model costs this part of the report only.

use sweep_analysis::evidence::Units;
use sweep_analysis::regions::{Model, Predicted, Regions};
use sweep_analysis::{Configuration, Run};
use sweep_core::trial::Objective;
use sweep_data::{Dataset, Targets};
use sweep_engine::kept::Kept;

use crate::app::App;
use crate::valid_predictions;
use crate::valid_rows::Fold;

/// Of the best run of `config`, by `objective`, which is the one that predicts, on the rows of `folds`, in which every row is
/// once.
///
/// # Errors
/// With a sentence on why they are not known.
pub fn regions(
    app: &App,
    config: &Configuration,
    objective: &Objective,
    folds: &[Fold],
) -> Result<Regions, String> {
    let best = config.best_run(objective);
    let mut said = Said::default();
    for fold in folds {
        let is_of = |run: &&Run| (run.seed, run.fold) == (best.seed, fold.number);
        let run = config.runs.iter().find(is_of).ok_or_else(|| {
            format!(
                "seed {} has not finished fold {}",
                best.seed,
                fold.number.unwrap_or(1)
            )
        })?;
        let kept = valid_predictions::in_full(app, config.kind, &run.trial, &fold.data)?;
        said.add(kept, &fold.data)?;
    }
    let model = Model {
        kind: config.kind,
        config: config.id.clone(),
        trial: best.trial.clone(),
        seed: best.seed,
    };
    let units = said.units();
    let predicted = said.predicted(&folds[0].data);
    Regions::of(model, &predicted, &units).map_err(|error| error.to_string())
}

/// Rows of all folds, one fold after the other.
#[derive(Default)]
struct Said {
    /// Of classes, row-major.
    probabilities: Vec<f64>,
    labels: Vec<u32>,
    /// (actual, predicted), of numbers.
    numbers: Vec<(f64, f64)>,
    /// The unit of each row.
    units: Vec<u64>,
    folds: u64,
    has_groups: bool,
}

impl Said {
    /// Adds what was `kept` of the validation rows of `data`.
    fn add(&mut self, kept: Kept, data: &Dataset) -> Result<(), String> {
        let units = valid_predictions::units(data)?;
        let unit = |row: usize| self.folds << 32 | units.of_row(row) as u64;
        self.units.extend((0..units.row_count()).map(unit));
        self.has_groups |= units.count() < units.row_count();
        self.folds += 1;
        let wide = |values: Vec<f32>| values.into_iter().map(f64::from);
        match (kept, data.valid().y) {
            (Kept::Numbers(residuals), Targets::Numbers(actual)) => {
                let actual = actual.iter().map(|actual| f64::from(*actual));
                let rows = actual.zip(wide(residuals));
                let pair = |(actual, residual): (f64, f64)| (actual, actual + residual);
                self.numbers.extend(rows.map(pair));
            }
            (Kept::Classes { probabilities, .. }, Targets::Classes(labels)) => {
                self.probabilities
                    .extend(wide(probabilities.unwrap_or_default()));
                self.labels.extend(labels);
            }
            _ => unreachable!("predictions are read for these targets"),
        }
        Ok(())
    }

    fn units(&self) -> Units {
        match self.has_groups {
            true => Units::groups(&self.units),
            false => Units::rows(self.units.len()),
        }
    }

    /// As rows of data like `data`.
    fn predicted(self, data: &Dataset) -> Predicted {
        let meta = data.meta();
        match meta.number {
            None => Predicted::Classes {
                probabilities: self.probabilities,
                labels: self.labels,
                classes: meta.classes.len(),
            },
            Some(number) => Predicted::Numbers {
                transform: number.transform,
                rows: self.numbers,
            },
        }
    }
}
