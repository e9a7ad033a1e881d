//! `sweep predict`: what a trained model says of the rows of a table.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::model_flags::ModelFlags;
use crate::terminal;
use sweep_app::model;
use sweep_app::output;
use sweep_core::format::pluralize;
use sweep_data::{Encoder, RejectedRow, SavedPreprocessor, Table, write_atomically};
use sweep_engine::predict::Predictor;
use sweep_engine::predict::{self, Bundle, BundleError, TableSummary, WriteError};
use sweep_store::TrialRecord;

/// Stands for standard output.
const STDOUT: &str = "-";

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The model: `best`, which is the best seed of the configuration that ranks first, or the first digits of a trial or of a
    /// configuration, whose best seed is taken (left out with --model)
    #[arg(value_name = "TRIAL|best")]
    trial: String,

    /// The table, CSV or TSV: the columns that features are made from, in any order, and any others
    #[arg(value_name = "DATA")]
    data: Option<PathBuf>,

    #[command(flatten)]
    choice: ModelFlags,

    /// Take the model from a folder that `sweep export` wrote
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["experiment", "kind", "ensemble"])]
    model: Option<PathBuf>,

    /// Mean probabilities of all finished seeds of the trial's configuration
    #[arg(long)]
    ensemble: bool,

    /// The file to write; standard output if left out or `-`
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Replace the output if it is there
    #[arg(long, requires = "output")]
    force: bool,
}

/// One model or several, with how their features are made.
struct Models {
    names: Vec<String>,
    models: Vec<Predictor>,
    preprocessor: SavedPreprocessor,
}

/// `sweep predict TRIAL DATA` and `sweep predict --model FOLDER DATA`.
pub fn predict(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let (what, input) = parts(arguments)?;
    let output = arguments
        .output
        .as_deref()
        .filter(|path| *path != Path::new(STDOUT));
    if context.json && output.is_none() {
        let message = "--json reports on standard output, where the table would go";
        return Err(Failure::input(message, "name a file with -o"));
    }
    let output = output
        .map(|path| {
            let other = "name a file, or leave -o out for standard output";
            output::file(path, arguments.force, other)
        })
        .transpose()?;
    let mut models = load(context, arguments, what)?;
    let table = Table::read(input, "").map_err(|errors| Failure::data(&errors))?;
    let preprocessor = models.preprocessor.clone();
    let encoder = preprocessor
        .on(&table)
        .map_err(|error| Failure::data(&[error]))?;
    let summary = match &output {
        Some(path) => to_file(path, &table, &encoder, &mut models)?,
        None => to_stdout(&table, &encoder, &mut models)?,
    };
    if context.json {
        let columns = predict::columns(&table, &models.preprocessor.classes);
        let mut value = as_json(&summary);
        value["trials"] = json!(models.names);
        value["input"] = json!(input);
        value["output"] = json!(output);
        value["columns"] = json!(columns);
        terminal::print_json(&value);
    }
    say(&summary, output.as_deref());
    Ok(match summary.refused {
        0 => Exit::Success,
        _ => Exit::RowsLeft,
    })
}

/// The trial's name, unless the model comes from a folder, and the table.
fn parts(arguments: &Arguments) -> Result<(&str, &Path), Failure> {
    match (&arguments.model, &arguments.data) {
        (None, Some(data)) => Ok((&arguments.trial, data)),
        (Some(_), None) => Ok(("", Path::new(&arguments.trial))),
        (None, None) => Err(Failure::input(
            "a trial and a table are needed",
            "for instance `sweep predict best new.csv -o predicted.csv`",
        )),
        (Some(_), Some(_)) => Err(Failure::input(
            format!(
                "--model names the model, so `{}` has no part",
                arguments.trial
            ),
            "give the table alone: `sweep predict --model FOLDER new.csv`",
        )),
    }
}

fn load(context: &Context, arguments: &Arguments, what: &str) -> Result<Models, Failure> {
    if let Some(folder) = &arguments.model {
        let bundle = Bundle::read(folder).map_err(|error| bundle_failure(folder, &error))?;
        return Ok(Models {
            names: vec![bundle.card.trial.to_string()],
            models: vec![bundle.model],
            preprocessor: bundle.preprocessor,
        });
    }
    let chosen = model::choose(&context.app, what, &arguments.choice.options())?;
    let preprocessor = chosen.preprocessor(&context.app)?;
    let trials = match arguments.ensemble {
        true => {
            let seeds = chosen.seeds();
            context.note(&averaged(&seeds));
            seeds
        }
        false => {
            chosen.notice(context);
            vec![&chosen.trial]
        }
    };
    let models = trials
        .iter()
        .map(|trial| model::load(&context.app, trial, preprocessor.names()))
        .collect::<Result<_, _>>()?;
    Ok(Models {
        names: trials.iter().map(|trial| trial.id.to_string()).collect(),
        models,
        preprocessor,
    })
}

/// Which trials of a configuration, at least one, an ensemble is of.
fn averaged(trials: &[&TrialRecord]) -> String {
    let config = trials.first().map_or("", |trial| trial.config.short());
    let seeds: Vec<String> = trials.iter().map(|trial| trial.seed.to_string()).collect();
    match seeds.as_slice() {
        [seed] => format!("configuration {config}: seed {seed} alone, no other has finished"),
        seeds => format!(
            "configuration {config}: the mean of {} trials, seeds {}",
            seeds.len(),
            seeds.join(", ")
        ),
    }
}

fn bundle_failure(folder: &Path, error: &BundleError) -> Failure {
    let help = match error {
        BundleError::Read { .. } => "the folder must be one that `sweep export` wrote, whole",
        BundleError::Format { .. } | BundleError::Damaged { .. } => "",
        // The folder is sound; what is missing beside it stands in the message.
        BundleError::Preprocessor(error) if error.kind() == io::ErrorKind::Other => "",
        _ => "export the model again, or take a sound copy of the folder",
    };
    match error {
        BundleError::Read { .. } if !folder.is_dir() => {
            Failure::input(format!("there is no folder {}", folder.display()), help)
        }
        _ => Failure::environment(error, help),
    }
}

fn to_file(
    path: &Path,
    table: &Table,
    encoder: &Encoder<'_>,
    models: &mut Models,
) -> Result<TableSummary, Failure> {
    let delimiter = match path.extension() {
        Some(_) => Table::delimiter(path),
        None => Table::delimiter(&table.path),
    };
    let mut summary = TableSummary::default();
    let mut refused = None;
    let Models {
        models,
        preprocessor,
        ..
    } = models;
    let written = write_atomically(path, |out| {
        match predict::write(
            table,
            encoder,
            models,
            &preprocessor.classes,
            delimiter,
            out,
        ) {
            Ok(all) => summary = all,
            Err(WriteError::Output(error)) => return Err(error),
            Err(WriteError::Model(error)) => {
                refused = Some(Failure::environment(error, ""));
                return Err(io::ErrorKind::Other.into());
            }
            Err(WriteError::Data(error)) => {
                refused = Some(Failure::environment(&error, &error.help));
                return Err(io::ErrorKind::Other.into());
            }
        }
        Ok(())
    });
    match (refused, written) {
        (Some(failure), _) => Err(failure),
        (None, Err(error)) => Err(Failure::environment(&error, &error.help)),
        (None, Ok(())) => Ok(summary),
    }
}

fn to_stdout(
    table: &Table,
    encoder: &Encoder<'_>,
    models: &mut Models,
) -> Result<TableSummary, Failure> {
    let delimiter = Table::delimiter(&table.path);
    let classes = &models.preprocessor.classes;
    let mut out = BufWriter::new(io::stdout().lock());
    let written = predict::write(
        table,
        encoder,
        &mut models.models,
        classes,
        delimiter,
        &mut out,
    );
    let written = written.and_then(|summary| {
        out.flush()?;
        Ok(summary)
    });
    match written {
        // `sweep predict ... | head` closes the pipe: that is no failure.
        Err(WriteError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            terminal::end_unread()
        }
        Err(WriteError::Output(error)) => Err(Failure::environment(
            format!("standard output cannot be written: {error}"),
            "name a file with -o, or free some space",
        )),
        Err(error) => Err(Failure::environment(error, "")),
        Ok(summary) => Ok(summary),
    }
}

fn say(summary: &TableSummary, output: Option<&Path>) {
    if let Some(path) = output {
        let predicted = summary.rows - summary.refused;
        terminal::note(&format!("{}: {predicted} rows predicted", path.display()));
    }
    if summary.unseen > 0 {
        terminal::note(&format!(
            "note: {} with a category, or words, that no training row had; they count as none",
            pluralize(summary.unseen, "cell")
        ));
    }
    if summary.refused > 0 {
        let (refused, rows) = (summary.refused, summary.rows);
        terminal::note(&format!(
            "{refused} of {rows} rows have no prediction, their cells are empty:"
        ));
        summary
            .first_refused
            .iter()
            .for_each(|row| terminal::note(&format!("  {}", line(row))));
        if refused > summary.first_refused.len() {
            terminal::note(&format!(
                "  ... and {} more",
                refused - summary.first_refused.len()
            ));
        }
    }
}

fn line(row: &RejectedRow) -> String {
    let column: String = row
        .column
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    format!("line {}: column `{column}`: {}", row.line, row.reason)
}

fn as_json(summary: &TableSummary) -> Json {
    let refused =
        |row: &RejectedRow| json!({ "line": row.line, "column": row.column, "reason": row.reason });
    json!({
        "rows": summary.rows,
        "predicted": summary.rows - summary.refused,
        "not_predicted": summary.refused,
        "first_not_predicted": summary.first_refused.iter().map(refused).collect::<Json>(),
        "unseen_categories": summary.unseen,
    })
}
