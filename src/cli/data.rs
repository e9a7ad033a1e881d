//! `sweep data`: prepare the data of an experiment; write demonstration data.

use std::path::PathBuf;

use serde_json::json;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::listing;
use crate::terminal;
use sweep_analysis::text::{cut, score};
use sweep_app::prepare::{self, PreparedSweep};
use sweep_app::{demo_data, loaded, program};
use sweep_core::format::pluralize;
use sweep_core::sanitize::sanitize;
use sweep_data::{ColumnUse, DatasetMeta, FittedField, Summary};

/// Rows and seed of the demonstration data, unless asked otherwise.
const DEMO_ROWS: usize = 32_833;
const DEMO_SEED: u64 = 1;
/// Levels of a column that are listed one by one.
const MAX_LEVELS: usize = 8;
/// Longest name of a class in the table, in characters.
const WIDEST: usize = 24;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Prepare the data of an experiment file and print a summary
    Check {
        /// The experiment file
        file: PathBuf,

        /// Set a key of the file, as in `--set data.missing="drop"`
        #[arg(long = "set", value_name = "KEY=VALUE")]
        set: Vec<String>,
    },
    /// Write synthetic data with the columns of the music data set
    Synth {
        /// The CSV file to write
        path: PathBuf,

        #[arg(long, default_value_t = DEMO_ROWS)]
        rows: usize,

        /// The same seed gives the same file
        #[arg(long, default_value_t = DEMO_SEED)]
        seed: u64,

        /// Replace an existing file
        #[arg(long)]
        force: bool,
    },
}

/// `sweep data check` and `sweep data synth`.
pub fn data(context: &Context, command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Check { file, set } => {
            let loaded = loaded::read(file, set)?;
            program::refuse_file(&loaded.experiment, "there is no table to check")?;
            let prepared = prepare::prepare(&context.app, context, loaded)?;
            match context.json {
                true => terminal::print_json(&as_json(&prepared)),
                false => terminal::print_table(&as_text(&prepared)),
            }
        }
        Command::Synth {
            path,
            rows,
            seed,
            force,
        } => {
            demo_data::write(path, *rows, *seed, *force)?;
            match context.json {
                true => terminal::print_json(&json!({ "path": path, "rows": rows, "seed": seed })),
                false => {
                    terminal::print(&format!("{}: {rows} rows, seed {seed}", path.display()));
                }
            }
        }
    }
    Ok(Exit::Success)
}

fn as_text(prepared: &PreparedSweep) -> String {
    let (meta, summary) = (&prepared.data().meta, &prepared.data().summary);
    let mut columns = vec!["split".to_owned(), "rows".to_owned()];
    columns.extend(meta.classes.iter().map(|class| cut(class, WIDEST)));
    if meta.number.is_some() {
        columns.extend(["lowest", "mean", "highest"].map(str::to_owned));
    }
    let rows: Vec<Vec<String>> = summary
        .splits
        .iter()
        .map(|split| {
            let mut row = vec![split.name.to_owned(), split.rows.to_string()];
            row.extend(split.per_class.iter().map(ToString::to_string));
            row.extend(split.numbers.iter().flatten().map(|number| score(*number)));
            row
        })
        .collect();
    let mut text = format!(
        "{} ({})\n",
        sanitize(&summary.source.display().to_string()),
        &summary.source_sha256[..12]
    );
    if prepared.folds.len() > 1 {
        text.push_str(&format!("fold 1 of {}\n", prepared.folds.len()));
    }
    text.push_str(&listing::plain(&columns, &rows));
    text.push('\n');
    text.push_str(&listing::plain(
        &["column", "used as", "details"].map(str::to_owned),
        &column_rows(summary),
    ));
    text.push_str(&format!(
        "\n{}: {}\n",
        pluralize(meta.features.len(), "feature"),
        sanitize(&shown_features(meta).join(", "))
    ));
    let left_out = [
        ("excluded", summary.excluded),
        ("dropped for missing cells", summary.dropped),
    ];
    for (what, count) in left_out.into_iter().filter(|(_, count)| *count > 0) {
        text.push_str(&format!("{count} rows {what}\n"));
    }
    for (column, count) in &summary.imputed {
        text.push_str(&format!("{count} cells of {} imputed\n", sanitize(column)));
    }
    for note in &summary.notes {
        text.push_str(&format!("{}\n", sanitize(&note.to_string())));
    }
    let verb = if summary.reused { "found" } else { "written" };
    let others = match prepared.folds.len() - 1 {
        0 => String::new(),
        more => format!(" and {}", pluralize(more, "more fold")),
    };
    text.push_str(&format!(
        "{verb} {}{others} in {:.2} s\n",
        prepared.data().path.display(),
        summary.seconds
    ));
    text
}

/// What each column is used as, or why it is not.
fn column_rows(summary: &Summary) -> Vec<Vec<String>> {
    let row = |column: &ColumnUse| {
        let line = column.line.as_ref();
        let line = line.map(|line| format!("; to use it: {}", sanitize(line)));
        vec![
            cut(&column.name, WIDEST),
            column.role.to_owned(),
            format!("{}{}", sanitize(&column.detail), line.unwrap_or_default()),
        ]
    };
    summary.columns.iter().map(row).collect()
}

/// Names of the features, those of one text as one: `title:tfidf_word.0 to .99`.
fn shown_features(meta: &DatasetMeta) -> Vec<String> {
    let mut names = meta.features.iter();
    let mut shown = Vec::new();
    for field in &meta.preprocessor.fields {
        let own: Vec<&String> = names.by_ref().take(field.width()).collect();
        match field {
            FittedField::Text { text, .. } if own.len() > 1 => {
                shown.push(format!("{}.0 to .{}", text.name, own.len() - 1));
            }
            FittedField::Category { column, .. } if own.len() > MAX_LEVELS => {
                shown.push(format!("{column} ({} levels)", own.len()));
            }
            _ => shown.extend(own.into_iter().cloned()),
        }
    }
    shown
}

fn as_json(prepared: &PreparedSweep) -> serde_json::Value {
    let (meta, summary) = (&prepared.data().meta, &prepared.data().summary);
    let splits: serde_json::Map<_, _> = summary
        .splits
        .iter()
        .map(|split| {
            let mut value = json!({ "rows": split.rows, "per_class": split.per_class });
            if let Some([low, mean, high]) = split.numbers {
                value["target"] = json!({ "lowest": low, "mean": mean, "highest": high });
            }
            (split.name.to_owned(), value)
        })
        .collect();
    json!({
        "source": summary.source,
        "source_sha256": summary.source_sha256,
        "digest": meta.digest,
        "columns": summary.columns.iter().map(|column| json!({
            "name": column.name,
            "used_as": column.role,
            "details": column.detail,
            "line": column.line,
        })).collect::<Vec<_>>(),
        "features": meta.features,
        "task": meta.task().name(),
        "classes": meta.classes,
        "sides": splits,
        "excluded": summary.excluded,
        "dropped": summary.dropped,
        "dropped_by": summary.dropped_by,
        "imputed": summary.imputed,
        "notes": summary.notes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "prepared": prepared.data().path,
        "folds": prepared.folds.iter().map(|fold| json!({
            "digest": fold.meta.digest,
            "train_rows": fold.meta.train_rows,
            "valid_rows": fold.meta.valid_rows,
            "prepared": fold.path,
        })).collect::<Vec<_>>(),
        "seconds": summary.seconds,
    })
}
