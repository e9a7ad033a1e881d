//! Predicted probabilities of the best models on the validation rows, for calibration. They are predicted again from the
//! models on disk, because the database keeps no probabilities.
//!
//! Invariant: test rows are never read; a missing model or data set costs this part of the report only.

use sweep_analysis::calibration::{Calibration, Claims};
use sweep_analysis::{Configuration, Summary};
use sweep_core::trial::Kind;
use sweep_data::Dataset;
use sweep_engine::predict::Predictor;
use sweep_store::ExperimentRecord;

use crate::app::App;
use crate::model;

/// Models of each configuration that predict; more of them change the result little.
const MODELS: usize = 5;
/// Rows predicted at a time.
const CHUNK: usize = 4096;

/// The calibration of the best configuration of each kind, and a sentence for each that is missing.
pub fn calibrations(app: &App, record: &ExperimentRecord) -> (Vec<Calibration>, Vec<String>) {
    let summary = Summary::of(record);
    let best: Vec<&Configuration> = Kind::all()
        .filter_map(|kind| summary.best_of(kind))
        .collect();
    if best.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let path = app.run_dir().dataset(&record.dataset.digest);
    let data = match Dataset::open(&path) {
        Ok(data) => data,
        Err(error) => return (Vec::new(), vec![format!("Calibration: {error}.")]),
    };
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for config in best {
        match claims(app, config, &data) {
            Ok(models) => match Calibration::of(config.id.clone(), &models) {
                Some(calibration) => found.push(calibration),
                None => missing.push(format!(
                    "Calibration of {} {}: its models give no probabilities.",
                    config.kind.name(),
                    config.id.short()
                )),
            },
            Err(why) => missing.push(format!(
                "Calibration of {} {}: {why}.",
                config.kind.name(),
                config.id.short()
            )),
        }
    }
    (found, missing)
}

/// For each model of `config`, the probability of each predicted class and whether that is correct.
fn claims(app: &App, config: &Configuration, data: &Dataset) -> Result<Vec<Claims>, String> {
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
        for (x, y) in rows.x.chunks(CHUNK * width).zip(rows.y.chunks(CHUNK)) {
            let predicted = model.predict(x).map_err(|error| error.to_string())?;
            let by_row = predicted.probabilities.chunks_exact(meta.classes.len());
            for ((row, label), actual) in by_row.zip(&predicted.labels).zip(y) {
                claims.push((row[*label as usize], label == actual));
            }
        }
        models.push(claims);
    }
    Ok(models)
}
