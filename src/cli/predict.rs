//! `sweep predict`: predictions of a trained model for the rows of a table.

use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::model_flags::ModelFlags;
use crate::terminal;
use sweep_analysis::text;
use sweep_app::output;
use sweep_app::predict::{self, Models, Source, WriteFailure};
use sweep_core::conformal::Held;
use sweep_core::format::pluralize;
use sweep_core::sanitize::sanitize;
use sweep_data::{RejectedRow, Table};
use sweep_engine::predict::{
    CalibrationMethod, Calibrator, Decision, Scores, TableSummary, TargetScores, Wanted,
    WantedCalibration, WantedThreshold,
};

/// Stands for standard output.
const STDOUT: &str = "-";
/// Where what is made of predictions comes from, if the model is a refit.
const FITTED_BEFORE: &str = "what was fitted on validation rows comes from the models before the refit, which had not seen them";
/// Classes that are named when no row is of one of them.
const CLASSES_SHOWN: usize = 5;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The model: `best` (the best seed of the best configuration), `ensemble` (what `sweep ensemble` selected), or the first
    /// digits of a trial, or of a configuration (its best seed); left out with --model
    #[arg(value_name = "TRIAL|best|ensemble")]
    trial: String,

    /// The CSV or TSV file: the columns that features are made from, in any order; others are copied
    #[arg(value_name = "DATA")]
    data: Option<PathBuf>,

    #[command(flatten)]
    choice: ModelFlags,

    /// Use the model in a folder that `sweep export` wrote
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["experiment", "kind", "ensemble", "refit", "no_refit"])]
    model: Option<PathBuf>,

    /// Average the probabilities of all finished seeds of the configuration
    #[arg(long)]
    ensemble: bool,

    /// Add a set of classes, or an interval, to each row that holds the truth with this probability, such as 0.9
    #[arg(long, value_name = "SHARE", value_parser = share)]
    coverage: Option<f64>,

    /// Make probabilities match how often they are right on the validation rows
    #[arg(long, value_name = "HOW")]
    calibrate: Option<Calibrate>,

    /// Of two classes, predict the second from this probability on: a number, or a metric such as f1@CLASS whose best
    /// threshold on the validation rows is taken
    #[arg(long, value_name = "NUMBER|METRIC")]
    threshold: Option<String>,

    /// The file to write; standard output if left out or `-`
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Replace an existing output file
    #[arg(long, requires = "output")]
    force: bool,
}

/// `sweep predict TRIAL DATA` and `sweep predict --model FOLDER DATA`.
pub fn predict(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let (source, input) = source(arguments)?;
    let output = arguments
        .output
        .as_deref()
        .filter(|path| *path != Path::new(STDOUT));
    if context.json && output.is_none() {
        let message = "--json prints to standard output, and so would the table";
        return Err(Failure::input(message, "name a file with -o"));
    }
    let output = output
        .map(|path| {
            let other = "name a file, or leave -o out for standard output";
            output::file(path, arguments.force, other)
        })
        .transpose()?;
    predict::check_table(input)?;
    let wanted = wanted(arguments)?;
    let mut models = predict::load(&context.app, context, &source, &wanted)?;
    let table = models.read_table(input)?;
    let summary = match &output {
        Some(path) => models.write_file(&table, path)?,
        None => to_stdout(&mut models, &table)?,
    };
    if context.json {
        let mut value = as_json(&summary);
        let scores = summary.scores.as_ref();
        value["scores"] = json!(scores.map(|found| scores_as_json(found, &models)));
        value["coverage"] = json!(arguments.coverage.zip(summary.held).map(coverage_as_json));
        value["threshold"] = json!(models.decision().threshold);
        value["calibration"] = calibration_as_json(models.decision());
        value["trials"] = json!(models.trials);
        value["refit"] = json!(models.refit);
        value["input"] = json!(input);
        value["output"] = json!(output);
        value["columns"] = json!(models.columns(&table));
        terminal::print_json(&value);
    }
    print_summary(&summary, output.as_deref());
    print_decision(&models);
    if models.refit.is_some() && wanted.is_fitted() {
        terminal::note(FITTED_BEFORE);
    }
    if let Some(scores) = &summary.scores {
        print_scores(scores, &models);
    }
    if let Some((coverage, held)) = arguments.coverage.zip(summary.held) {
        print_coverage(coverage, &held, models.predicts_numbers());
    }
    Ok(match summary.refused {
        0 => Exit::Success,
        _ => Exit::RowsLeft,
    })
}

/// How probabilities are calibrated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Calibrate {
    /// What the end of the trial chose: for networks a temperature, for trees the better of both
    Auto,
    /// All to one power: keeps the order, needs few rows
    Temperature,
    /// By a rising curve for each class: needs more rows
    Isotonic,
}

/// What is asked of predictions.
fn wanted(arguments: &Arguments) -> Result<Wanted, Failure> {
    let threshold = |text: &String| match text.parse::<f64>() {
        Ok(at) if at > 0.0 && at < 1.0 => Ok(WantedThreshold::At(at)),
        Ok(_) => Err(Failure::input(
            format!("--threshold {text} is not between 0 and 1"),
            "use a number such as 0.3, or a metric such as balanced_accuracy",
        )),
        Err(_) => Ok(WantedThreshold::BestBy(text.clone())),
    };
    Ok(Wanted {
        coverage: arguments.coverage,
        calibration: arguments.calibrate.map(|how| match how {
            Calibrate::Auto => WantedCalibration::Best,
            Calibrate::Temperature => WantedCalibration::By(CalibrationMethod::Temperature),
            Calibrate::Isotonic => WantedCalibration::By(CalibrationMethod::Isotonic),
        }),
        threshold: arguments.threshold.as_ref().map(threshold).transpose()?,
    })
}

/// `{method, temperature}`, null without one.
fn calibration_as_json(decision: &Decision) -> Json {
    match &decision.calibrator {
        None => Json::Null,
        Some(Calibrator::Temperature(temperature)) => {
            json!({ "method": "temperature", "temperature": temperature })
        }
        Some(Calibrator::Isotonic(_)) => json!({ "method": "isotonic", "temperature": null }),
    }
}

/// What was fitted on the validation rows.
fn print_decision(models: &Models) {
    let decision = models.decision();
    match &decision.calibrator {
        None => {}
        Some(Calibrator::Temperature(temperature)) => terminal::note(&format!(
            "probabilities are calibrated by a temperature of {temperature:.3}"
        )),
        Some(Calibrator::Isotonic(_)) => {
            terminal::note("probabilities are calibrated by isotonic regression");
        }
    }
    if let Some([trained, calibrated]) = models.uncalibrated() {
        terminal::note(&format!(
            "note: probabilities are as trained; `--calibrate auto` takes the validation log loss from {trained:.4} to {calibrated:.4}"
        ));
    }
    if let (Some(threshold), [_, second]) = (decision.threshold, models.classes()) {
        terminal::note(&format!(
            "`{}` is predicted from a probability of {threshold:.4} on",
            sanitize(second)
        ));
    }
}

/// A number between 0 and 1.
fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if share > 0.0 && share < 1.0 => Ok(share),
        _ => Err("must be a number between 0 and 1, such as 0.9".to_owned()),
    }
}

/// Where the model comes from, and the table: with --model, the first argument is the table.
fn source(arguments: &Arguments) -> Result<(Source, &Path), Failure> {
    match (&arguments.model, &arguments.data) {
        (None, Some(data)) => {
            let source = Source::Trial {
                what: arguments.trial.clone(),
                options: arguments.choice.options(),
                ensemble: arguments.ensemble,
            };
            Ok((source, data))
        }
        (Some(folder), None) => Ok((Source::Folder(folder.clone()), Path::new(&arguments.trial))),
        (None, None) => Err(Failure::input(
            "a trial and a table are required",
            "for example `sweep predict best new.csv -o predicted.csv`",
        )),
        (Some(_), Some(_)) => Err(Failure::input(
            format!(
                "--model already names the model, and so does `{}`",
                arguments.trial
            ),
            "give only the table: `sweep predict --model FOLDER new.csv`",
        )),
    }
}

fn to_stdout(models: &mut Models, table: &Table) -> Result<TableSummary, Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    match models.write(table, &mut out) {
        Ok(summary) => Ok(summary),
        Err(WriteFailure::Output(error)) => terminal::end_unwritten(&error),
        Err(WriteFailure::Model(error)) => Err(error.into()),
    }
}

fn print_summary(summary: &TableSummary, output: Option<&Path>) {
    if let Some(path) = output {
        let predicted = summary.rows - summary.refused;
        terminal::note(&format!("{}: {predicted} rows predicted", path.display()));
    }
    let predicted = summary.rows - summary.refused;
    for (column, cells) in &summary.unseen {
        // With one predicted row, that its category is new is no sign of another file.
        let level = if *cells == predicted && predicted > 1 {
            "warning"
        } else {
            "note"
        };
        terminal::note(&format!(
            "{level}: column `{}`: {} with a category, or words, that no training row has{}",
            sanitize(column),
            pluralize(*cells, "cell"),
            if *cells == predicted {
                ", which is every row"
            } else {
                ""
            },
        ));
    }
    if summary.refused > 0 {
        let (refused, rows) = (summary.refused, summary.rows);
        terminal::note(&format!(
            "{refused} of {rows} rows have no prediction; their cells are empty:"
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

/// How well the rows were predicted whose target the table tells.
fn print_scores(found: &TargetScores, models: &Models) {
    let target = sanitize(&found.target);
    let (missing, unknown) = match models.predicts_numbers() {
        false => ("without a class", "of a class that the model does not know"),
        true => ("without a number", "with a text that is no number"),
    };
    let left_out = [
        (found.without_prediction, "without a prediction"),
        (found.missing, missing),
        (found.unknown, unknown),
    ];
    let left_out = left_out.into_iter().filter(|(rows, _)| *rows > 0);
    let left_out: Vec<String> = left_out
        .map(|(rows, why)| format!("{} {why}", pluralize(rows, "row")))
        .collect();
    let Some(own) = found.scores else {
        // Rows without a target are what predictions are for.
        let level = match found.unknown {
            0 => "note",
            _ => "warning",
        };
        let classes = match models.predicts_numbers() {
            true => String::new(),
            false => format!("; the classes are {}", known_classes(models)),
        };
        return terminal::note(&format!(
            "{level}: no row can be scored by column `{target}`, the target: {}{classes}",
            left_out.join(", "),
        ));
    };
    terminal::note(&format!(
        "scores by column `{target}`, {}: {}",
        pluralize(found.rows, "row"),
        scores(&own)
    ));
    if let Some(always) = models.always(found) {
        terminal::note(&format!(
            "  always predicting `{}`, the most frequent class: {}",
            sanitize(&always.class),
            scores(&always.scores)
        ));
    }
    if !left_out.is_empty() {
        terminal::note(&format!("  not scored: {}", left_out.join(", ")));
    }
}

/// How large sets or intervals are and, where the target is known, how many hold it.
fn print_coverage(coverage: f64, held: &Held, is_number: bool) {
    if held.all == 0 {
        return;
    }
    let size = held.size / held.all as f64;
    let what = match is_number {
        true => format!("intervals, {} wide on average", text::score(size)),
        false => format!("sets, of {size:.2} classes on average"),
    };
    let found = match held.rows {
        0 => String::new(),
        rows => format!(
            "; {:.1}% of {} hold their target",
            100.0 * held.held as f64 / rows as f64,
            pluralize(rows, "scored row")
        ),
    };
    terminal::note(&format!(
        "{what}, hold the truth of {:.1}% of rows like the validation rows{found}",
        100.0 * coverage
    ));
}

/// `{asked, rows, held, mean_size}`: classes in a set, or the width of an interval.
fn coverage_as_json((asked, held): (f64, Held)) -> Json {
    json!({
        "asked": asked,
        "rows": held.rows,
        "held": held.held,
        "mean_size": (held.all > 0).then(|| held.size / held.all as f64),
    })
}

fn known_classes(models: &Models) -> String {
    let classes = models.classes();
    let mut known: Vec<String> = classes
        .iter()
        .take(CLASSES_SHOWN)
        .map(|class| format!("`{}`", sanitize(class)))
        .collect();
    let more = classes.len().saturating_sub(CLASSES_SHOWN);
    known.extend((more > 0).then(|| format!("{more} more")));
    known.join(", ")
}

fn scores(scores: &Scores) -> String {
    match scores {
        Scores::Classes {
            accuracy,
            loss,
            macro_f1,
        } => format!("accuracy {accuracy:.4}, log loss {loss:.4}, macro F1 {macro_f1:.4}"),
        Scores::Numbers { rmse, mae, r2 } => {
            format!(
                "RMSE {}, MAE {}, R\u{b2} {r2:.4}",
                text::score(*rmse),
                text::score(*mae)
            )
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
        "unseen_categories": summary.unseen.iter().map(|(_, cells)| cells).sum::<usize>(),
        "unseen_by_column": summary.unseen.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
    })
}

fn scores_as_json(found: &TargetScores, models: &Models) -> Json {
    let mut value = json!({
        "target": found.target,
        "rows": found.rows,
        "not_scored": {
            "without_prediction": found.without_prediction,
            "without_class": found.missing,
            "unknown_class": found.unknown,
        },
        "most_frequent": null,
    });
    let usual: &[&str] = match models.predicts_numbers() {
        false => &["accuracy", "loss", "macro_f1"],
        true => &["rmse", "mae", "r2"],
    };
    for name in usual {
        value[*name] = Json::Null;
    }
    for (name, score) in found.scores.iter().flat_map(Scores::named) {
        value[name] = json!(score);
    }
    if let Some((_, always)) = found.scores.zip(models.always(found)) {
        let mut zero = json!({ "class": always.class });
        for (name, score) in always.scores.named() {
            zero[name] = json!(score);
        }
        value["most_frequent"] = zero;
    }
    value
}
