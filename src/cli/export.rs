//! `sweep export`: a trained model as a folder that needs no record; the record of a sweep for other programs.

use std::collections::HashMap;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use serde_json::{Map, Value as Json, json};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::filter::Filter;
use crate::model_flags::ModelFlags;
use crate::terminal;
use sweep_app::model::{self, Chosen};
use sweep_core::format::pluralize;
use sweep_engine::predict::{self, BundleError, Card};
use sweep_export::{ExportError, Exporter, FORMATS, Sweep};
use sweep_store::TrialRecord;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The model: `best`, which is the best seed of the configuration that ranks first, or the first digits of a trial or of a
    /// configuration, whose best seed is taken; with --format a sweep's name
    #[arg(value_name = "TRIAL|best|NAME")]
    what: String,

    /// The folder to write; new, or empty
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,

    /// Write a sweep for another program instead of a model
    #[arg(long, value_name = "FORMAT", value_parser = formats(), conflicts_with_all = ["experiment", "kind"])]
    format: Option<&'static dyn Exporter>,

    #[command(flatten)]
    filter: Filter,

    #[command(flatten)]
    choice: ModelFlags,
}

/// `sweep export TRIAL FOLDER`, or `sweep export NAME FOLDER --format FORMAT`.
pub fn export(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    match arguments.format {
        Some(format) => record(context, arguments, format),
        None if arguments.filter.is_given() => Err(Failure::input(
            "--query chooses what of a record is exported, and no --format is given",
            "add --format csv, say, or name one trial",
        )),
        None => model(context, arguments),
    }
}

/// The names of all formats, with what each writes.
fn formats() -> impl TypedValueParser<Value = &'static dyn Exporter> {
    let names = FORMATS.map(|format| PossibleValue::new(format.name()).help(format.help()));
    PossibleValuesParser::new(names)
        .map(|name| sweep_export::format(&name).expect("one of the possible values"))
}

fn record(
    context: &Context,
    arguments: &Arguments,
    format: &dyn Exporter,
) -> Result<Exit, Failure> {
    let (name, folder) = (&arguments.what, &arguments.folder);
    let mut experiment = context.app.experiment(Some(name))?;
    arguments.filter.apply(&mut experiment)?;
    let store = context.app.read()?;
    let (mut attempts, mut curves) = (HashMap::new(), HashMap::new());
    for TrialRecord { id, .. } in &experiment.trials {
        attempts.insert(id.clone(), context.app.attempts(&store, id)?);
        curves.insert(id.clone(), store.curves(id)?);
    }
    let trials = experiment.trials.len();
    let sweep = Sweep {
        experiment,
        attempts,
        curves,
    };
    let files = sweep_export::write(folder, format, &sweep).map_err(|error| match error {
        ExportError::Taken { .. } => Failure::input(error, "name a folder that is new or empty"),
        _ => Failure::environment(error, ""),
    })?;
    let shown = folder.display().to_string();
    if context.json {
        let value = json!({ "folder": shown, "format": format.name(), "files": files });
        terminal::print(&value.to_string());
    } else {
        let (trials, files) = (pluralize(trials, "trial"), pluralize(files, "file"));
        terminal::print(&format!("{shown}: {trials} of {name} in {files}"));
        if let Some(viewer) = format.viewer(folder) {
            terminal::note(&format!("open it with: {viewer}"));
        }
    }
    Ok(Exit::Success)
}

fn model(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let chosen = model::choose(&context.app, &arguments.what, &arguments.choice.options())?;
    chosen.notice(context);
    let preprocessor = chosen.preprocessor(&context.app)?;
    // What cannot be read here cannot be read there.
    model::load(&context.app, &chosen.trial, preprocessor.names())?;
    let store = context.app.read()?;
    let files: Vec<PathBuf> = store
        .artifacts(&chosen.trial.id)?
        .into_iter()
        .map(|artifact| artifact.path)
        .collect();
    let card = card(&chosen);
    let from = context.app.trials().join(chosen.trial.id.as_str());
    predict::export(&arguments.folder, &card, &preprocessor, &from, &files).map_err(|error| {
        match &error {
            BundleError::Taken { .. } => {
                Failure::input(&error, "name a folder that is new or empty")
            }
            BundleError::Read { .. } => model::model_failure(&from, &error).into(),
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
