//! The description of a table: of a CSV or TSV file, or of the rows and columns that an experiment uses.

use std::path::{Path, PathBuf};

use sweep_core::data_config::TableFormat;
use sweep_data::View;
use sweep_describe::Description;
use sweep_report::describe::Described;

use crate::error::Error;
use crate::loaded;
use crate::program;

/// What to describe.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// A CSV or TSV file, or an experiment file (`.toml`).
    pub file: PathBuf,
    /// The column to predict, of a CSV or TSV file.
    pub target: Option<String>,
    /// The column that groups rows, of a CSV or TSV file.
    pub group: Option<String>,
    /// How the cells of a table are read.
    pub format: TableFormat,
    /// Keys set on top of an experiment file.
    pub set: Vec<String>,
}

/// The description of a table.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub description: Description,
    /// Which rows and columns of which file it is of.
    pub title: String,
    /// The name of the folder that it is written to.
    pub folder_name: PathBuf,
}

/// Describes the table that `options` name.
pub fn describe(options: &Options) -> Result<Outcome, Error> {
    let is_experiment = options
        .file
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
    let (view, mut folder_name, title) = match is_experiment {
        true => of_experiment(options)?,
        false => of_table(options)?,
    };
    folder_name.as_mut_os_string().push("-data");
    Ok(Outcome {
        description: sweep_describe::describe(&view),
        title,
        folder_name,
    })
}

/// Writes the description to a folder of its own in `out`.
pub fn write(out: &Path, outcome: &Outcome) -> Result<Described, Error> {
    let folder = out.join(&outcome.folder_name);
    sweep_report::describe::write(&folder, &outcome.description, &outcome.title)
        .map_err(|error| Error::environment(error, "name another folder with `--out`"))
}

/// The view, the name of its folder without the suffix, and the title.
type Opened = (View, PathBuf, String);

fn of_experiment(options: &Options) -> Result<Opened, Error> {
    for (flag, key, value) in [
        ("--target", "data.target", &options.target),
        ("--group", "data.group", &options.group),
    ] {
        if value.is_some() {
            return Err(Error::input(
                format!("{flag} is for tables: an experiment file has the key `{key}`"),
                &format!("change it there, or use `--set {key}=\"COLUMN\"`"),
            ));
        }
    }
    if options.format != TableFormat::default() {
        return Err(Error::input(
            "flags about cells are for tables: an experiment file says it under [data]",
            "write it there, or use `--set`, as in `--set data.delimiter=\";\"`",
        ));
    }
    let loaded = loaded::read(&options.file, &options.set)?;
    program::refuse_file(&loaded.experiment, "there is no table to describe")?;
    let data = &loaded.experiment.data;
    let view = View::of(data).map_err(|errors| loaded.diagnose(&errors))?;
    let title = format!(
        "{}, as {} uses it (training, validation and test rows together)",
        data.path().display(),
        loaded.experiment.name
    );
    Ok((view, loaded.experiment.name.clone().into(), title))
}

fn of_table(options: &Options) -> Result<Opened, Error> {
    let file = &options.file;
    if !options.set.is_empty() {
        return Err(Error::input(
            "--set is for experiment files",
            "for a table, use --target and --group",
        ));
    }
    let (target, group) = (options.target.as_deref(), options.group.as_deref());
    let paths = std::slice::from_ref(file);
    let view = View::open(paths, &options.format, target, group).map_err(Error::Data)?;
    Ok((view, table_name(file), file.display().to_string()))
}

/// The name of a table without what says how it is written: `songs` of `songs.csv.gz`.
fn table_name(file: &Path) -> PathBuf {
    let name = Path::new(file.file_stem().unwrap_or(file.as_os_str()));
    let extension = file.extension().and_then(|extension| extension.to_str());
    match (extension, name.file_stem()) {
        (Some("gz" | "zst" | "zip"), Some(inner)) => inner.into(),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_table_says_nothing_of_how_it_is_written() {
        for (file, name) in [
            ("data/songs.csv", "songs"),
            ("songs.csv.gz", "songs"),
            ("songs.2024.csv", "songs.2024"),
            ("songs.zip", "songs"),
            ("songs", "songs"),
        ] {
            assert_eq!(table_name(Path::new(file)), Path::new(name), "{file}");
        }
    }
}
