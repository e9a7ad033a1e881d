//! A trained model as a folder that needs no database, and a sweep in the formats of other programs.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};

use sweep_core::atomic_fs;
use sweep_data::Dataset;
use sweep_engine::predict::{self, BundleError, Card, Predictor, Validation};
use sweep_export::{ExportError, Exporter, Sweep};
use sweep_store::{DatasetRecord, ExperimentRecord, TrialRecord};

use crate::app::App;
use crate::error::Error;
use crate::filter;
use crate::model::{self, Chosen, ModelOptions};
use crate::observer::{Notice, Observer};
use crate::refit::{self, Refits};
use crate::valid_predictions;

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
    if refit::is_wanted(&chosen, options.refit) {
        return refitted(app, observer, &chosen, folder);
    }
    refuse_folds(&chosen)?;
    chosen.notice(observer);
    let preprocessor = chosen.preprocessor(app)?;
    // A model that cannot be loaded here could not be loaded from the folder.
    let mut model = model::load(
        app,
        &chosen.trial,
        &preprocessor.features,
        (&preprocessor).into(),
    )?;
    let validation = validation(app, observer, &chosen, &mut model)?;
    let store = app.read()?;
    let files: Vec<PathBuf> = store
        .artifacts(&chosen.trial.id)?
        .into_iter()
        .map(|artifact| artifact.path)
        .collect();
    let card = chosen_card(&chosen);
    let from = app.trials().join(chosen.trial.id.as_str());
    let written = predict::export(
        folder,
        &card,
        &preprocessor,
        &from,
        &files,
        validation.as_ref(),
    );
    written.map_err(|error| match &error {
        BundleError::Read { .. } => model::model_failure(app, &chosen.trial.id, &error),
        _ => unwritten(&error),
    })?;
    Ok(card)
}

/// Trains the configuration of `chosen` once more, and writes that model to `folder`.
fn refitted(
    app: &App,
    observer: &dyn Observer,
    chosen: &Chosen,
    folder: &Path,
) -> Result<Card, Error> {
    // Before the training, which may take long.
    if atomic_fs::is_occupied(folder) {
        let path = folder.to_owned();
        return Err(unwritten(&BundleError::Taken { path }));
    }
    chosen.notice(observer);
    let refits = refit::train(app, observer, chosen, &[chosen.trial.seed])?;
    // As above.
    refits.load()?;
    let card = refit_card(chosen, &refits);
    let trained = &refits.trained[0];
    let (from, files) = (&trained.folder, &trained.files);
    predict::export(folder, &card, &refits.preprocessor, from, files, None)
        .map_err(|error| unwritten(&error))?;
    Ok(card)
}

/// Refuses to take the model of one fold for that of a cross-validated configuration.
fn refuse_folds(chosen: &Chosen) -> Result<(), Error> {
    if !chosen.stands_for_configuration() || chosen.trial.fold.is_none() {
        return Ok(());
    }
    let message = format!(
        "configuration {} is cross-validated: each of its models is of one fold, and none was trained on all rows",
        chosen.trial.config.short(),
    );
    let help = format!(
        "--refit trains one on all training and validation rows; or name the trial of a fold, such as {}; \
         `sweep predict` takes the mean of all folds",
        chosen.trial.id.short()
    );
    Err(Error::input(message, &help))
}

/// A folder that cannot be written.
pub fn unwritten(error: &BundleError) -> Error {
    match error {
        BundleError::Taken { .. } => Error::input(error, TAKEN_HELP),
        BundleError::Write(cause) => Error::environment(cause, &cause.help),
        _ => Error::environment(error, ""),
    }
}

/// The card of a model of `chosen` that was trained once more: it has no scores.
fn refit_card(chosen: &Chosen, refits: &Refits) -> Card {
    Card {
        best: None,
        best_step: Some(refits.about.step),
        metrics: Map::new(),
        data: refits.meta.digest.clone(),
        features: refits.meta.features.clone(),
        classes: refits.meta.classes.clone(),
        refit: Some(refits.about.clone()),
        ..chosen_card(chosen)
    }
}

/// What `model`, which was chosen, predicts for its validation rows; `None` with a notice where the prepared data are gone.
fn validation(
    app: &App,
    observer: &dyn Observer,
    chosen: &Chosen,
    model: &mut Predictor,
) -> Result<Option<Validation>, Error> {
    let path = app.run_dir().dataset(&chosen.dataset.digest);
    let data = match Dataset::open(&path) {
        Ok(data) => data,
        Err(error) => {
            observer.notice(&Notice::ExportedWithoutValidation {
                why: error.to_string(),
                sweep: chosen.experiment.name.clone(),
            });
            return Ok(None);
        }
    };
    let said =
        valid_predictions::of_model(model, &data).map_err(|error| Error::environment(error, ""))?;
    let (targets, groups) = (data.valid().y, data.valid_groups());
    Ok(Some(Validation::new(said, targets, groups)))
}

fn chosen_card(chosen: &Chosen) -> Card {
    card(&chosen.trial, &chosen.dataset, &chosen.experiment)
}

/// What is told of the model of `trial`, one of `experiment` on `dataset`.
pub fn card(trial: &TrialRecord, dataset: &DatasetRecord, experiment: &ExperimentRecord) -> Card {
    let object = |entries: &mut dyn Iterator<Item = (String, Json)>| entries.collect::<Map<_, _>>();
    Card {
        kind: trial.kind,
        trial: trial.id.clone(),
        config: trial.config.clone(),
        seed: trial.seed,
        experiment: experiment.name.clone(),
        params: object(
            &mut trial
                .params
                .iter()
                .map(|(key, value)| (key.clone(), json!(value))),
        ),
        objective: experiment.objective.clone(),
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
        refit: None,
    }
}
