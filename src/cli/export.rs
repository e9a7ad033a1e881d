//! `sweep export`: a trained model as a folder that needs no record.

use std::path::PathBuf;

use serde_json::{Map, Value as Json, json};

use super::context::store_failure;
use super::model::{self, Choice, Chosen};
use super::{Context, Exit, Failure, terminal};
use crate::predict::{self, BundleError, Card};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The model: `best`, or the first digits of a trial
    #[arg(value_name = "TRIAL|best")]
    trial: String,

    /// The folder to write; new, or empty
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,

    #[command(flatten)]
    choice: Choice,
}

/// `sweep export TRIAL FOLDER`.
pub fn export(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let chosen = model::choose(context, &arguments.trial, &arguments.choice)?;
    let preparation = chosen.preparation(context)?;
    // What cannot be read here cannot be read there.
    model::load(context, &chosen.trial, preparation.names())?;
    let store = context.read()?;
    let files: Vec<PathBuf> = store
        .artifacts(&chosen.trial.id)
        .map_err(store_failure)?
        .into_iter()
        .map(|artifact| artifact.path)
        .collect();
    let card = card(&chosen);
    let from = context.trials().join(chosen.trial.id.as_str());
    predict::export(&arguments.folder, &card, &preparation, &from, &files).map_err(|error| {
        match &error {
            BundleError::Taken { .. } => {
                Failure::input(&error, "name a folder that is new or empty")
            }
            BundleError::Read { .. } => model::model_failure(&from, &error),
            BundleError::Write(cause) => Failure::environment(cause, &cause.help),
            _ => Failure::environment(&error, ""),
        }
    })?;
    let folder = arguments.folder.display().to_string();
    match context.json {
        true => {
            let mut value = json!(card);
            value["folder"] = json!(folder);
            terminal::print_json(&value);
        }
        false => terminal::print(&format!(
            "{folder}: {} {}, for `sweep predict --model {folder} DATA`",
            card.kind.name(),
            card.trial.short(),
        )),
    }
    Ok(Exit::Success)
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
