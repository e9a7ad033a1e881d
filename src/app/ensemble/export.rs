//! The ensemble of a sweep as a folder that needs no database.

use std::path::{Path, PathBuf};

use sweep_data::Dataset;
use sweep_engine::predict::{EnsembleCard, MemberFiles, Validation, export_ensemble};
use sweep_store::Store;

use super::recorded::{Recorded, check, models, recorded};
use crate::app::App;
use crate::error::Error;
use crate::export::{card, unwritten};
use crate::fold_models::{self, FoldModels};
use crate::model::{self, ModelOptions};
use crate::observer::{Notice, Observer};

/// Writes the newest ensemble of a sweep to the new or empty `folder`, and gives its description.
pub fn export(
    app: &App,
    observer: &dyn Observer,
    options: &ModelOptions,
    folder: &Path,
) -> Result<EnsembleCard, Error> {
    check(options, false)?;
    let found = recorded(app, options.experiment.as_deref())?;
    found.notice(observer);
    // Models that cannot be loaded here could not be loaded from the folder.
    let mut folds = models(app, &found)?;
    let validation = validation(app, observer, &found, &mut folds)?;
    let store = app.read()?;
    let members = members(app, &store, &found)?;
    let (experiment, stored) = (&found.experiment, &found.stored);
    let card = EnsembleCard {
        experiment: experiment.name.clone(),
        objective: experiment.objective.clone(),
        loss: stored.ensemble.loss.clone(),
        selected_ms: stored.selected_ms,
        candidates: found.summary().candidates as u64,
        members: Vec::new(),
        scores: stored.ensemble.scores.clone(),
        classes: experiment.dataset.classes.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    export_ensemble(folder, card, &members, validation.as_ref()).map_err(|error| unwritten(&error))
}

fn members(app: &App, store: &Store, found: &Recorded) -> Result<Vec<MemberFiles>, Error> {
    let experiment = &found.experiment;
    let member = |(trial, weight): (&sweep_store::TrialRecord, f64)| {
        let dataset = experiment.dataset_of(trial.fold);
        let files: Vec<PathBuf> = (store.artifacts(&trial.id)?.into_iter())
            .map(|artifact| artifact.path)
            .collect();
        Ok(MemberFiles {
            card: card(trial, dataset, experiment),
            fold: trial.fold,
            weight,
            preprocessor: model::preprocessor(app, experiment, dataset)?,
            from: app.run_dir().trial(&trial.id),
            files,
        })
    };
    found.members().map(member).collect()
}

/// What `folds` predict for the validation rows; `None` with a notice where the prepared data are gone.
fn validation(
    app: &App,
    observer: &dyn Observer,
    found: &Recorded,
    folds: &mut [FoldModels],
) -> Result<Option<Validation>, Error> {
    let sweep = &found.experiment.name;
    for fold in folds.iter() {
        let path = app.run_dir().dataset(&fold.preprocessor.digest);
        if let Err(error) = Dataset::open(&path) {
            observer.notice(&Notice::ExportedWithoutValidation {
                why: error.to_string(),
                sweep: sweep.clone(),
            });
            return Ok(None);
        }
    }
    let mut rows = fold_models::out_of_fold(app, folds, sweep)?;
    let said = std::mem::take(&mut rows.predictions);
    Ok(Some(Validation::new(said, rows.targets(), rows.groups())))
}
