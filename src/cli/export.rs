//! `sweep export`: a trained model as a folder that needs no database; a sweep in the formats of other programs.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use serde_json::json;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::filter::Filter;
use crate::model_flags::ModelFlags;
use crate::terminal;
use sweep_app::{ensemble, export};
use sweep_core::format::{pluralize, with_thousands};
use sweep_export::{Exporter, FORMATS};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The model: `best` (the best seed of the best configuration), `ensemble` (what `sweep ensemble` selected), or the first
    /// digits of a trial, or of a configuration (its best seed). With --format: the name of a sweep
    #[arg(value_name = "TRIAL|best|ensemble|NAME")]
    what: String,

    /// The folder to write: new or empty
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,

    /// Export the results of a sweep in this format instead of a model
    #[arg(long, value_name = "FORMAT", value_parser = formats(), conflicts_with_all = ["experiment", "kind", "refit", "no_refit"])]
    format: Option<&'static dyn Exporter>,

    #[command(flatten)]
    filter: Filter,

    #[command(flatten)]
    choice: ModelFlags,
}

/// `sweep export TRIAL FOLDER`, or `sweep export NAME FOLDER --format FORMAT`.
pub fn export(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    match arguments.format {
        Some(format) => sweep(context, arguments, format),
        None if arguments.filter.is_given() => Err(Failure::input(
            "--query chooses trials of a sweep, and needs --format",
            "add a format, such as --format csv, or name one trial",
        )),
        None if arguments.what == ensemble::ENSEMBLE => members(context, arguments),
        None => model(context, arguments),
    }
}

/// The names of all formats, with what each writes.
fn formats() -> impl TypedValueParser<Value = &'static dyn Exporter> {
    let names = FORMATS.map(|format| PossibleValue::new(format.name()).help(format.help()));
    PossibleValuesParser::new(names)
        .map(|name| sweep_export::format(&name).expect("one of the possible values"))
}

fn sweep(context: &Context, arguments: &Arguments, format: &dyn Exporter) -> Result<Exit, Failure> {
    let (name, folder) = (&arguments.what, &arguments.folder);
    let exported = export::sweep(&context.app, name, arguments.filter.query(), format, folder)?;
    let shown = folder.display().to_string();
    if context.json {
        let files = exported.files;
        let value = json!({ "folder": shown, "format": format.name(), "files": files });
        terminal::print_json(&value);
    } else {
        let trials = pluralize(exported.trials, "trial");
        let files = pluralize(exported.files, "file");
        terminal::print(&format!("{shown}: {trials} of {name} in {files}"));
        if let Some(viewer) = format.viewer(folder) {
            terminal::note(&format!("open it with: {viewer}"));
        }
    }
    Ok(Exit::Success)
}

fn members(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let options = arguments.choice.options();
    let card = ensemble::export(&context.app, context, &options, &arguments.folder)?;
    let folder = arguments.folder.display().to_string();
    match context.json {
        true => {
            let mut value = json!(card);
            value["folder"] = json!(folder);
            terminal::print_json(&value);
        }
        false => terminal::print(&format!(
            "{folder}: ensemble of {}, {}; use it with `sweep predict --model {folder} DATA`",
            card.experiment,
            pluralize(card.members.len(), "model")
        )),
    }
    Ok(Exit::Success)
}

fn model(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let card = export::model(
        &context.app,
        context,
        &arguments.what,
        &arguments.choice.options(),
        &arguments.folder,
    )?;
    let folder = arguments.folder.display().to_string();
    match context.json {
        true => {
            let mut value = json!(card);
            value["folder"] = json!(folder);
            terminal::print_json(&value);
        }
        false => {
            let what = match &card.refit {
                None => format!("{} {}", card.kind.name(), card.trial.short()),
                Some(refit) => format!(
                    "{} {}, refitted on {} training and validation rows",
                    card.kind.name(),
                    card.config.short(),
                    with_thousands(refit.rows)
                ),
            };
            terminal::print(&format!(
                "{folder}: {what}; use it with `sweep predict --model {folder} DATA`"
            ));
        }
    }
    Ok(Exit::Success)
}
