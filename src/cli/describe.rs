//! `sweep describe FILE`: what a table holds, before anything is trained on it.

use std::path::PathBuf;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::table_flags::TableFlags;
use crate::terminal;
use sweep_app::describe::{self, Options};
use sweep_report::describe::tables;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A table (CSV and its relatives, JSON lines, Parquet, Arrow), or an experiment file (.toml): the rows and columns
    /// that it uses
    file: PathBuf,

    /// The column to predict: adds classes and the association of each column with them (tables)
    #[arg(long, value_name = "COLUMN")]
    target: Option<String>,

    /// The column whose values group rows (tables)
    #[arg(long, value_name = "COLUMN")]
    group: Option<String>,

    #[command(flatten)]
    format: TableFlags,

    /// Set a key of the experiment file, as in `--set data.missing="drop"`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,

    /// The folder to write to: each table gets a subfolder NAME-data
    #[arg(long, default_value = "reports", value_name = "FOLDER")]
    out: PathBuf,
}

/// `sweep describe FILE`.
pub fn describe(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let outcome = describe::describe(&Options {
        file: arguments.file.clone(),
        target: arguments.target.clone(),
        group: arguments.group.clone(),
        format: arguments.format.format(),
        set: arguments.set.clone(),
    })?;
    let written = describe::write(&arguments.out, &outcome)?;
    let (description, folder) = (&outcome.description, &written.folder);
    if context.json {
        let mut value = serde_json::to_value(description)
            .map_err(|error| Failure::environment(error, "the description is not valid JSON"))?;
        value["folder"] = folder.display().to_string().into();
        value["page"] = written.page.display().to_string().into();
        value["left_out"] = written.left_out.into();
        terminal::print_json(&value);
        return Ok(Exit::Success);
    }
    let text = tables(description, &outcome.title, folder, terminal::table_style());
    terminal::print(&text);
    for line in &written.left_out {
        terminal::note(&format!("note: {line}"));
    }
    Ok(Exit::Success)
}
