//! `sweep init`: an experiment file for a table, which runs as it stands.
//!
//! Invariant: what the file says of the table comes from the code that training reads it with; the
//! file was planned and tried before it is written; an existing file is replaced only when asked.

mod columns;
mod compose;
mod layout;
mod options;
mod settings;
mod survey;
mod target;
#[cfg(test)]
mod tests;
mod uses;

use std::fs;
use std::path::{Path, PathBuf};

use sweep_core::atomic_fs::{self, TemporaryFolder};
use sweep_core::data_config::Edition;
use sweep_core::event::Slot;
use sweep_core::trial::{Kind, Task};
use sweep_data::{ColumnUse, Level, View};
use sweep_engine::models::library;
use sweep_experiment::{NAME_ALLOWED, Source, is_name};

use crate::app::App;
use crate::error::Error;
use crate::estimate::{self, Estimate};
use crate::experiment_file::NameConflict;
use crate::loaded::{self, LoadedExperiment};
use crate::observer::{Notice, Observer};
use crate::options::SlotOptions;
use crate::output;
use crate::placement;
use crate::prepare::{self, PreparedSweep};
use compose::{Findings, Frame};
pub use options::{Destination, Options};
use survey::Survey;

/// Where experiment files stand, if there is such a folder.
const FOLDER: &str = "experiments";
/// Longest name that is taken from the name of a table.
const MAX_NAME: usize = 60;

/// An experiment that was written.
#[derive(Debug)]
pub struct Outcome {
    /// The file; `None` if it was only to be returned.
    pub path: Option<PathBuf>,
    pub text: String,
    /// The name of the sweep.
    pub name: String,
    pub target: String,
    pub classes: Vec<String>,
    pub task: Task,
    /// Rows of the table.
    pub rows: usize,
    /// What each column of the table is taken as, in its order.
    pub columns: Vec<ColumnUse>,
    pub trials: usize,
    pub estimate: Estimate,
    pub slots: Vec<Slot>,
}

/// Writes an experiment for the table that `options` name.
///
/// # Errors
/// A table that cannot be read; a target that is not named, not there, or no class; a file that
/// exists; an experiment that could not run.
pub fn init(app: &App, observer: &dyn Observer, options: &Options) -> Result<Outcome, Error> {
    refuse_pipes(&options.tables)?;
    let (target, group) = (options.target.as_deref(), options.group.as_deref());
    let view = View::open(&options.tables, &options.format, target, group).map_err(Error::Data)?;
    let Some(target) = view.target else {
        return Err(target::refusal(&view));
    };
    let name = name(options)?;
    let path = path(options, &name)?;
    let survey = Survey::of(&view, target, options)?;
    let shown = path
        .clone()
        .unwrap_or(PathBuf::from(format!("{name}.toml")));
    let is_missing = |kind: &Kind| matches!(library(*kind), Some(Err(_)));
    let missing: Vec<Kind> = Kind::all().filter(is_missing).collect();
    let frame = Frame {
        name: &name,
        path: &shown,
        missing: &missing,
    };
    let first = compose::text(&survey, &frame, None);
    let trial = Trial::of(observer, check(&shown, &first)?)?;
    let (prepared, findings) = (&trial.prepared, trial.findings());
    let text = compose::text(&survey, &frame, Some(&findings));
    let loaded = check(&shown, &text)?;
    if let Some(path) = &path {
        write(path, &text)?;
        if let Some(conflict) = NameConflict::find(app, &loaded)? {
            observer.notice(&Notice::NameTaken(conflict.to_string()));
        }
    }
    Ok(Outcome {
        path,
        text,
        name: name.clone(),
        target: survey.target.clone(),
        classes: prepared.data().meta.classes.clone(),
        task: prepared.data().meta.task(),
        rows: view.rows(),
        columns: prepared.data().summary.columns.clone(),
        trials: prepared.plan.trials.len(),
        estimate: trial.estimate,
        slots: trial.slots,
    })
}

/// The experiment as it would run, with its data in a temporary folder.
struct Trial {
    prepared: PreparedSweep,
    slots: Vec<Slot>,
    estimate: Estimate,
    _scratch: TemporaryFolder,
}

impl Trial {
    fn of(observer: &dyn Observer, loaded: LoadedExperiment) -> Result<Trial, Error> {
        let scratch = TemporaryFolder::new("sweep-init").map_err(|error| {
            let folder = std::env::temp_dir();
            let help = "set TMPDIR to a folder for temporary files that can be written";
            Error::environment(format!("{}: {error}", folder.display()), help)
        })?;
        let app = App::new(&scratch.path().join("sweep.sqlite"));
        let prepared = prepare::prepare(&app, observer, loaded)?;
        // The file says the rest.
        let notes = prepared.data().summary.notes.iter();
        for note in notes.filter(|note| note.level == Level::Warning) {
            observer.notice(&Notice::Data(note.to_string()));
        }
        let slots = placement::place(&prepared.loaded.experiment, &SlotOptions::default())?.slots;
        let all: Vec<_> = prepared.plan.trials.iter().collect();
        let estimate = estimate::estimate(&prepared, &all, slots.len())?;
        Ok(Trial {
            prepared,
            slots,
            estimate,
            _scratch: scratch,
        })
    }

    fn findings(&self) -> Findings<'_> {
        let summary = &self.prepared.data().summary;
        let warnings = summary.notes.iter();
        Findings {
            trials: self.prepared.plan.trials.len(),
            seconds: self.estimate.wall_seconds,
            slots: &self.slots,
            columns: &summary.columns,
            warnings: warnings
                .filter(|note| note.level == Level::Warning)
                .collect(),
        }
    }
}

/// The text, checked like any experiment file at `path`.
fn check(path: &Path, text: &str) -> Result<LoadedExperiment, Error> {
    let source = Source::from_bytes(path, text.as_bytes().to_vec())
        .map_err(|problem| Error::input(&problem, ""))?;
    let mut loaded = loaded::check(source, &[], Edition::default())?;
    loaded.file = std::path::absolute(path).ok();
    Ok(loaded)
}

/// The file of an experiment is read again and again, and so are its tables.
fn refuse_pipes(tables: &[PathBuf]) -> Result<(), Error> {
    let is_pipe =
        |path: &&PathBuf| fs::metadata(path).is_ok_and(|about| !about.is_file() && !about.is_dir());
    match tables.iter().find(is_pipe) {
        Some(pipe) => Err(Error::input(
            format!("{} is no file that can be read again", pipe.display()),
            "save the table as a file first: every run of the experiment reads it",
        )),
        None => Ok(()),
    }
}

/// The name of the sweep: as given, or that of the file, or of the table.
fn name(options: &Options) -> Result<String, Error> {
    if let Some(name) = &options.name {
        return match is_name(name) {
            true => Ok(name.clone()),
            false => Err(Error::input(
                format!("{name:?} cannot be the name of a sweep"),
                &format!("allowed: {NAME_ALLOWED}"),
            )),
        };
    }
    let own = match &options.destination {
        Destination::File(path) => Some(path),
        Destination::Named | Destination::Nowhere => options.tables.first(),
    };
    let file = own.and_then(|path| path.file_name()).unwrap_or_default();
    Ok(name_of(&file.to_string_lossy()))
}

/// `file` without its extensions, with what no name may have replaced.
fn name_of(file: &str) -> String {
    let stem = file.split('.').find(|part| !part.is_empty());
    let mut name = String::new();
    for letter in stem.unwrap_or_default().chars().take(MAX_NAME) {
        let fits = letter.is_ascii_alphanumeric() || letter == '-';
        match fits {
            true => name.push(letter),
            false if name.ends_with('_') => {}
            false => name.push('_'),
        }
    }
    let name = name.trim_matches(['_', '-']);
    match is_name(name) {
        true => name.to_owned(),
        false => "experiment".to_owned(),
    }
}

/// The file to write, which does not exist unless it may be replaced.
fn path(options: &Options, name: &str) -> Result<Option<PathBuf>, Error> {
    let path = match &options.destination {
        Destination::Nowhere => return Ok(None),
        Destination::File(path) => path.clone(),
        Destination::Named => {
            let file = format!("{name}.toml");
            match Path::new(FOLDER).is_dir() {
                true => Path::new(FOLDER).join(file),
                false => file.into(),
            }
        }
    };
    // The path as it was given is what the user is told.
    output::file(&path, options.force, "name a file with `-o`")?;
    Ok(Some(path))
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    // A link is kept: the file it points to is replaced.
    let real = atomic_fs::follow_links(path);
    atomic_fs::write(&real, |out| out.write_all(text.as_bytes())).map_err(|error| {
        Error::environment(
            format!("cannot write {}: {error}", path.display()),
            "name a file in a folder that exists and can be written, with `-o`",
        )
    })
}
