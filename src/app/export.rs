//! A trained model as a folder that needs no database, and a sweep in the formats of other programs.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};

use sweep_core::format::pluralize;
use sweep_engine::predict::{self, BundleError, Card};
use sweep_export::{ExportError, Exporter, Sweep};
use sweep_store::TrialRecord;

use crate::app::App;
use crate::error::Error;
use crate::filter;
use crate::model::{self, Chosen, ModelOptions};
use crate::observer::Observer;

/// What to do if the folder is taken.
const TAKEN_HELP: &str = "name a folder that is new or empty";

/// A sweep that has been exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SweepExport {
    pub trials: usize,
    pub files: usize,
}

/// Writes the sweep `name`, of which the trials that match `query`, to the new or empty `folder`.
pub fn sweep(
    app: &App,
    name: &str,
    query: Option<&str>,
    format: &dyn Exporter,
    folder: &Path,
) -> Result<SweepExport, Error> {
    let mut experiment = app.experiment(Some(name))?;
    filter::apply(&mut experiment, query)?;
    let store = app.read()?;
    let (mut attempts, mut curves) = (HashMap::new(), HashMap::new());
    for TrialRecord { id, .. } in &experiment.trials {
        attempts.insert(id.clone(), app.attempts(&store, id)?);
        curves.insert(id.clone(), store.curves(id)?);
    }
    let trials = experiment.trials.len();
    let sweep = Sweep {
        experiment,
        attempts,
        curves,
    };
    let files = sweep_export::write(folder, format, &sweep).map_err(|error| match error {
        ExportError::Taken { .. } => Error::input(error, TAKEN_HELP),
        _ => Error::environment(error, ""),
    })?;
    Ok(SweepExport { trials, files })
}

/// Writes the model that `what` names to the new or empty `folder`, and gives its description.
pub fn model(
    app: &App,
    observer: &dyn Observer,
    what: &str,
    options: &ModelOptions,
    folder: &Path,
) -> Result<Card, Error> {
    let chosen = model::choose(app, what, options)?;
    if let folds @ [_, _, ..] = &chosen.folds()[..] {
        let message = format!(
            "{} of configuration {} are models of different rows: a folder holds one model",
            pluralize(folds.len(), "fold"),
            chosen.trial.config.short()
        );
        let help = format!(
            "name the trial of a fold, such as {}; `sweep predict` takes the mean of all",
            chosen.trial.id.short()
        );
        return Err(Error::input(message, &help));
    }
    chosen.notice(observer);
    let preprocessor = chosen.preprocessor(app)?;
    // A model that cannot be loaded here could not be loaded from the folder.
    model::load(
        app,
        &chosen.trial,
        &preprocessor.features,
        (&preprocessor).into(),
    )?;
    let store = app.read()?;
    let files: Vec<PathBuf> = store
        .artifacts(&chosen.trial.id)?
        .into_iter()
        .map(|artifact| artifact.path)
        .collect();
    let card = card(&chosen);
    let from = app.trials().join(chosen.trial.id.as_str());
    predict::export(folder, &card, &preprocessor, &from, &files).map_err(|error| match &error {
        BundleError::Taken { .. } => Error::input(&error, TAKEN_HELP),
        BundleError::Read { .. } => model::model_failure(app, &chosen.trial.id, &error),
        BundleError::Write(cause) => Error::environment(cause, &cause.help),
        _ => Error::environment(&error, ""),
    })?;
    Ok(card)
}

fn card(chosen: &Chosen) -> Card {
    let (trial, dataset) = (&chosen.trial, &chosen.dataset);
    let object = |entries: &mut dyn Iterator<Item = (String, Json)>| entries.collect::<Map<_, _>>();
    Card {
        kind: trial.kind,
        trial: trial.id.clone(),
        config: trial.config.clone(),
        seed: trial.seed,
        experiment: chosen.experiment.name.clone(),
        params: object(
            &mut trial
                .params
                .iter()
                .map(|(key, value)| (key.clone(), json!(value))),
        ),
        objective: chosen.experiment.objective.clone(),
        best: trial.best,
        best_step: trial.best_step,
        metrics: object(
            &mut trial
                .metrics
                .iter()
                .map(|(key, value)| (key.clone(), json!(value))),
        ),
        data: dataset.digest.clone(),
        source: dataset.source.display().to_string(),
        source_sha256: dataset.source_sha256.clone(),
        features: dataset.features.clone(),
        classes: dataset.classes.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
