//! `sweep init TABLE --target COLUMN`: an experiment file for a table.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::table_flags::TableFlags;
use crate::terminal;
use sweep_app::init::{self, Destination, Options, Outcome};
use sweep_core::format::{format_seconds, pluralize, pluralize_irregular, shell_word};
use sweep_core::sanitize::sanitize;
use sweep_core::trial::Task;
use sweep_data::ColumnUse;

/// Unused columns that are named.
const MAX_LISTED: usize = 8;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The files of the table (CSV and its relatives, JSON lines, Parquet, Arrow); several are one table
    #[arg(required = true, value_name = "TABLE")]
    tables: Vec<PathBuf>,

    /// The column to predict; without it, the columns are listed
    #[arg(long, value_name = "COLUMN")]
    target: Option<String>,

    /// The column whose values group rows: those of one group stay in one split
    #[arg(long, value_name = "COLUMN")]
    group: Option<String>,

    /// The name of the sweep; by default that of the table
    #[arg(long)]
    name: Option<String>,

    /// The file to write, or `-` for standard output; by default NAME.toml, in experiments/ if there is such a folder
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Replace an existing file
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    format: TableFlags,
}

/// `sweep init TABLE`.
pub fn init(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let destination = match &arguments.output {
        None => Destination::Named,
        Some(path) if path == Path::new("-") => Destination::Nowhere,
        Some(path) => Destination::File(path.clone()),
    };
    let outcome = init::init(
        &context.app,
        context,
        &Options {
            tables: arguments.tables.clone(),
            target: arguments.target.clone(),
            group: arguments.group.clone(),
            name: arguments.name.clone(),
            destination,
            force: arguments.force,
            format: arguments.format.format(),
        },
    )?;
    match (context.json, &outcome.path) {
        (true, _) => terminal::print_json(&as_json(&outcome)),
        (false, Some(path)) => terminal::print(&as_text(&outcome, path)),
        (false, None) => terminal::print_bytes(outcome.text.as_bytes()),
    }
    Ok(Exit::Success)
}

fn as_text(outcome: &Outcome, path: &Path) -> String {
    let unused: Vec<&str> = (outcome.columns.iter())
        .filter(|column| column.role == "not used")
        .map(|column| column.name.as_str())
        .collect();
    let is_taken = |column: &&ColumnUse| !["target", "group", "not used"].contains(&column.role);
    let taken = outcome.columns.iter().filter(is_taken).count();
    let shown = sanitize(&path.display().to_string());
    let mut text = format!(
        "{shown}: predicts {} ({}) from {}",
        sanitize(&outcome.target),
        match outcome.task {
            Task::Regression => "a number".to_owned(),
            Task::Classification => pluralize_irregular(outcome.classes.len(), "class", "classes"),
        },
        pluralize(taken, "column"),
    );
    if !unused.is_empty() {
        text.push_str(&format!(
            "; not used: {} (the file says why)",
            sanitize(&listed(&unused))
        ));
    }
    text.push_str(&format!(
        "\n{}: about {} on {}\nread it, then `sweep run {}`",
        pluralize(outcome.trials, "trial"),
        format_seconds(outcome.estimate.wall_seconds),
        pluralize(outcome.slots.len(), "slot"),
        sanitize(&shell_word(&path.display().to_string())),
    ));
    text
}

/// The first of `names`, and how many more there are.
fn listed(names: &[&str]) -> String {
    let shown = names[..names.len().min(MAX_LISTED)].join(", ");
    match names.len().saturating_sub(MAX_LISTED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn as_json(outcome: &Outcome) -> Json {
    let columns: Vec<Json> = (outcome.columns.iter())
        .map(|column| json!({ "name": column.name, "role": column.role, "detail": column.detail }))
        .collect();
    let slots: Vec<&str> = outcome.slots.iter().map(|slot| slot.0.as_str()).collect();
    json!({
        "path": outcome.path,
        "text": outcome.text,
        "experiment": outcome.name,
        "task": outcome.task.name(),
        "target": outcome.target,
        "classes": outcome.classes,
        "rows": outcome.rows,
        "columns": columns,
        "trials": outcome.trials,
        "slots": slots,
        "estimate": {
            "seconds": outcome.estimate.wall_seconds,
            "worker_bytes": outcome.estimate.worker_bytes,
        },
    })
}
