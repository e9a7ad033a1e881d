//! `sweep describe FILE`: what a table holds, before anything is trained on it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal;
use sweep_app::loaded;
use sweep_data::View;
use sweep_report::describe as report;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A CSV or TSV file, or an experiment file (.toml), of which the rows and columns that it uses
    /// are described
    file: PathBuf,

    /// The column to predict: adds classes and what each column tells of them (CSV and TSV)
    #[arg(long, value_name = "COLUMN")]
    target: Option<String>,

    /// The column that says which rows are about the same thing (CSV and TSV)
    #[arg(long, value_name = "COLUMN")]
    group: Option<String>,

    /// Set a key of the experiment file, as in `--set data.missing="drop"`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,

    /// The folder to write to; each table gets a folder of its own in it, called NAME-data
    #[arg(long, default_value = "reports", value_name = "FOLDER")]
    out: PathBuf,
}

/// `sweep describe FILE`.
pub fn describe(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let (view, name, title) = match is_experiment(&arguments.file) {
        true => of_experiment(arguments)?,
        false => of_file(arguments)?,
    };
    let description = sweep_describe::describe(&view);
    let mut folder_name = name;
    folder_name.push("-data");
    let folder = arguments.out.join(folder_name);
    let written = report::write(&folder, &description)
        .map_err(|error| Failure::environment(error, "`--out` names another folder to write to"))?;
    if context.json {
        let mut value = serde_json::to_value(&description)
            .map_err(|error| Failure::environment(error, "the description is no JSON"))?;
        value["folder"] = folder.display().to_string().into();
        value["left_out"] = written.left_out.clone().into();
        terminal::print_json(&value);
        return Ok(Exit::Success);
    }
    terminal::print(&report::tables(
        &description,
        &title,
        &folder,
        terminal::look(),
    ));
    for line in &written.left_out {
        terminal::note(&format!("note: {line}"));
    }
    Ok(Exit::Success)
}

fn is_experiment(file: &Path) -> bool {
    file.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("toml"))
}

/// The view, the name of its folder and the title of what is printed.
type Opened = (View, OsString, String);

fn of_experiment(arguments: &Arguments) -> Result<Opened, Failure> {
    for (flag, key, value) in [
        ("--target", "data.target", &arguments.target),
        ("--group", "data.group", &arguments.group),
    ] {
        if value.is_some() {
            return Err(Failure::input(
                format!("{flag} is for CSV and TSV files: the experiment file says `{key}`"),
                &format!("change it there, or write `--set {key}=\"COLUMN\"`"),
            ));
        }
    }
    let loaded = loaded::read(&arguments.file, &arguments.set)?;
    let data = &loaded.experiment.data;
    let view = View::of(data).map_err(|errors| loaded.diagnose(&errors))?;
    let title = format!(
        "{}, as {} uses it (all sides of the split together)",
        data.path.display(),
        loaded.experiment.name
    );
    Ok((view, loaded.experiment.name.clone().into(), title))
}

fn of_file(arguments: &Arguments) -> Result<Opened, Failure> {
    let file = &arguments.file;
    if !arguments.set.is_empty() {
        return Err(Failure::input(
            "--set is for experiment files",
            "a CSV or TSV file takes --target and --group",
        ));
    }
    let (target, group) = (arguments.target.as_deref(), arguments.group.as_deref());
    let view = View::open(file, target, group).map_err(|errors| Failure::data(&errors))?;
    let name = file.file_stem().unwrap_or(file.as_os_str()).to_owned();
    Ok((view, name, file.display().to_string()))
}
