//! The search for garbage in the run directory, by place and name alone. The precondition of each file, checked
//! afterwards, decides whether it is needed.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use sweep_core::run_dir::{CHECKPOINTS, RunFile, TrialFile};
use sweep_core::trial::TrialId;
use sweep_pool::PoolFolder;
use sweep_store::Store;

use super::check::drop_needed;
use super::files::{GarbageFile, GcOptions, Kind, Precondition, ScanResult};
use crate::app::App;
use crate::error::Error;

/// All files in the run directory that nothing needs.
pub fn scan(app: &App, store: &mut Store, options: GcOptions) -> Result<ScanResult, Error> {
    refuse_other_databases(app)?;
    let programs = store.program_trials()?;
    let mut found = ScanResult::default();
    let scanned = (|| {
        trials(app, options, &programs, &mut found)?;
        data(app, &mut found)?;
        pools(app, &mut found)?;
        logs_and_locks(app, &mut found)?;
        requested(app, options, &mut found)
    })();
    scanned.map_err(|(path, error)| cannot_read(&path, &error))?;
    drop_needed(app, &mut found, store)?;
    Ok(found)
}

/// The files of `trials`, which are being removed from the database, and the logs of `experiment` if it is removed, too. What
/// stands in the folders of `programs` is theirs, whatever it is called.
pub fn of_trials<'a>(
    app: &App,
    trials: impl Iterator<Item = &'a TrialId>,
    programs: &HashSet<TrialId>,
    experiment: Option<&str>,
) -> Result<ScanResult, Error> {
    refuse_other_databases(app)?;
    let mut found = ScanResult::default();
    for id in trials {
        let (folder, name) = (app.run_dir().trial(id), id.as_str());
        let scanned = match programs.contains(id) {
            true => program(&folder, name, &mut found),
            false => trial(app, (&folder, name), GcOptions::default(), &mut found),
        };
        scanned.map_err(|(path, error)| cannot_read(&path, &error))?;
    }
    found.files.retain(|file| file.kind == Kind::Trial);
    if let Some(name) = experiment {
        logs(app, name, &mut found)
            .and_then(|()| lock_of(app, name, &mut found))
            .map_err(|(path, error)| cannot_read(&path, &error))?;
    }
    Ok(found)
}

/// Two databases in one folder share its trial folders: files that one does not know may belong to the other.
fn refuse_other_databases(app: &App) -> Result<(), Error> {
    let folder = app.runs();
    let own = app.store.file_name().unwrap_or_default();
    let own = own.to_string_lossy();
    let entries = entries(folder).map_err(|(path, error)| cannot_read(&path, &error))?;
    let other = entries.into_iter().find(|entry| {
        entry.is_file() && !entry.name.starts_with(own.as_ref()) && Store::is_database(&entry.path)
    });
    match other {
        None => Ok(()),
        Some(other) => Err(Error::input(
            format!(
                "{} is another database in the same folder: files of its trials would look unused",
                other.path.display()
            ),
            "move it to a folder of its own",
        )),
    }
}

/// Trial folders: checkpoints of ended trials, all files of unknown trials, and unfinished files.
fn trials(
    app: &App,
    options: GcOptions,
    programs: &HashSet<TrialId>,
    found: &mut ScanResult,
) -> Result<(), Unread> {
    let run_dir = app.run_dir();
    for entry in entries(&run_dir.trials())? {
        match run_dir.classify(&entry.path) {
            Some(RunFile::TrialFolder(id)) if entry.meta.is_dir() => {
                let before = found.alone.len();
                trial(app, (&entry.path, &entry.name), options, found)?;
                // What a program leaves in the folder of its trial may have any name.
                if programs.contains(&id) {
                    found.alone.truncate(before);
                }
            }
            // Removed if it is empty; that of a worker that lives is made again when it is needed.
            Some(RunFile::Spare) if entry.meta.is_dir() => {
                found.folders.push((entry.path, Precondition::Requested));
            }
            _ => found.leave(entry.path, "unknown file"),
        }
    }
    Ok(())
}

fn trial(
    app: &App,
    (folder, name): (&Path, &str),
    options: GcOptions,
    found: &mut ScanResult,
) -> Result<(), Unread> {
    let run_dir = app.run_dir();
    let listed = entries(folder)?;
    for entry in listed {
        if entry.meta.is_dir() && entry.name == CHECKPOINTS {
            let ended = Precondition::Ended(name.to_owned());
            below(&entry.path, (Kind::Checkpoint, ended), found)?;
            let unknown = Precondition::NoTrial(name.to_owned());
            below(&entry.path, (Kind::Trial, unknown), found)?;
            continue;
        }
        let file = match run_dir.classify(&entry.path) {
            Some(RunFile::Trial(_, file)) if entry.is_file() => file,
            _ => {
                found.leave(entry.path, "unknown file");
                continue;
            }
        };
        let name = name.to_owned();
        // At most one of the preconditions will hold.
        found
            .files
            .push(entry.file(Kind::Trial, Precondition::NoTrial(name.clone())));
        let more = match file {
            TrialFile::Predictions if options.predictions => {
                Some((Kind::Predictions, Precondition::Idle(name)))
            }
            TrialFile::Model | TrialFile::Predictions | TrialFile::Output => None,
            TrialFile::Checkpoint => Some((Kind::Checkpoint, Precondition::Ended(name))),
            TrialFile::Partial => Some((Kind::Leftover, Precondition::Idle(name))),
        };
        if let Some((kind, precondition)) = more {
            found.files.push(entry.file(kind, precondition));
        }
    }
    let precondition = Precondition::NoTrial(name.to_owned());
    found.folders.push((folder.to_owned(), precondition));
    Ok(())
}

/// All that stands in the folder of a trial that is a program, which is being removed.
fn program(folder: &Path, name: &str, found: &mut ScanResult) -> Result<(), Unread> {
    let unknown = Precondition::NoTrial(name.to_owned());
    below(folder, (Kind::Trial, unknown), found)
}

/// All files below `folder`, and the folders, deepest first. Links are removed, not followed.
fn below(
    folder: &Path,
    (kind, precondition): (Kind, Precondition),
    found: &mut ScanResult,
) -> Result<(), Unread> {
    for entry in entries(folder)? {
        match entry.meta.is_dir() {
            true => below(&entry.path, (kind, precondition.clone()), found)?,
            false => found.files.push(entry.file(kind, precondition.clone())),
        }
    }
    found.folders.push((folder.to_owned(), precondition));
    Ok(())
}

fn data(app: &App, found: &mut ScanResult) -> Result<(), Unread> {
    let run_dir = app.run_dir();
    for entry in entries(&run_dir.datasets())? {
        let file = match run_dir.classify(&entry.path).filter(|_| entry.is_file()) {
            Some(RunFile::Dataset(digest)) => {
                entry.file(Kind::Data, Precondition::NoData(digest.as_str().to_owned()))
            }
            Some(RunFile::PartialDataset) => {
                entry.file(Kind::Leftover, Precondition::NoPreparation)
            }
            _ => {
                found.leave(entry.path, "unknown file");
                continue;
            }
        };
        found.files.push(file);
    }
    Ok(())
}

/// Pools whose session has ended, with all that agents did in the database. One that agents still train in is left alone.
fn pools(app: &App, found: &mut ScanResult) -> Result<(), Unread> {
    let run_dir = app.run_dir();
    for experiment in entries(&run_dir.all_pools())? {
        let Some(RunFile::Pool(name)) = run_dir.classify(&experiment.path) else {
            found.leave(experiment.path, "unknown file");
            continue;
        };
        for session in entries(&run_dir.pools(&name))? {
            if PoolFolder::new(&session.path).is_closed() {
                below(&session.path, (Kind::Pool, Precondition::Requested), found)?;
            }
        }
        found
            .folders
            .push((experiment.path, Precondition::Requested));
    }
    Ok(())
}

fn logs_and_locks(app: &App, found: &mut ScanResult) -> Result<(), Unread> {
    let run_dir = app.run_dir();
    for entry in entries(&run_dir.all_logs())? {
        match run_dir.classify(&entry.path) {
            Some(RunFile::LogFolder(experiment)) if entry.meta.is_dir() => {
                logs(app, &experiment, found)?;
            }
            _ => found.leave(entry.path, "unknown file"),
        }
    }
    for entry in entries(&run_dir.locks())? {
        match run_dir.classify(&entry.path) {
            Some(RunFile::Lock(name) | RunFile::StopRequest(name)) if entry.is_file() => {
                found
                    .files
                    .push(entry.file(Kind::Lock, Precondition::NoExperiment(name)));
            }
            Some(RunFile::DataLock) => {}
            _ => found.leave(entry.path, "unknown file"),
        }
    }
    Ok(())
}

fn lock_of(app: &App, experiment: &str, found: &mut ScanResult) -> Result<(), Unread> {
    let run_dir = app.run_dir();
    let lock = run_dir.lock(experiment);
    let listed = entries(&run_dir.locks())?;
    if let Some(entry) = listed.into_iter().find(|entry| entry.path == lock) {
        let precondition = Precondition::NoExperiment(experiment.to_owned());
        found.files.push(entry.file(Kind::Lock, precondition));
    }
    Ok(())
}

/// The logs of one experiment, older ones included.
fn logs(app: &App, experiment: &str, found: &mut ScanResult) -> Result<(), Unread> {
    let run_dir = app.run_dir();
    let folder = run_dir.logs(experiment);
    let listed = entries(&folder)?;
    let precondition = Precondition::NoExperiment(experiment.to_owned());
    found.folders.push((folder, precondition.clone()));
    for entry in listed {
        match run_dir.classify(&entry.path) {
            Some(RunFile::Log(_)) if entry.is_file() => {
                found
                    .files
                    .push(entry.file(Kind::Log, precondition.clone()));
            }
            _ => found.leave(entry.path, "unknown file"),
        }
    }
    Ok(())
}

fn requested(app: &App, options: GcOptions, found: &mut ScanResult) -> Result<(), Unread> {
    let run_dir = app.run_dir();
    if options.backups {
        for entry in entries(run_dir.path())? {
            let is_copy = run_dir.is_copy_of_database(&entry.path);
            if is_copy && entry.is_file() && Store::is_database(&entry.path) {
                found
                    .files
                    .push(entry.file(Kind::Backup, Precondition::Requested));
            }
        }
    }
    if options.cache {
        for entry in entries(&run_dir.cache())? {
            match run_dir.classify(&entry.path) {
                Some(RunFile::Cache) if entry.is_file() => {
                    let file = entry.file(Kind::Cache, Precondition::NoPreparation);
                    found.files.push(file);
                }
                _ => found.leave(entry.path, "unknown file"),
            }
        }
    }
    Ok(())
}

/// A folder or file that could not be read, and why.
type Unread = (PathBuf, io::Error);

struct Entry {
    name: String,
    path: PathBuf,
    /// Of the entry itself: links are not followed.
    meta: Metadata,
}

impl Entry {
    fn is_file(&self) -> bool {
        self.meta.is_file()
    }

    fn file(&self, kind: Kind, precondition: Precondition) -> GarbageFile {
        GarbageFile {
            kind,
            path: self.path.clone(),
            bytes: self.meta.len(),
            precondition,
        }
    }
}

/// The entries of `folder`, by name; none if it does not exist.
fn entries(folder: &Path) -> Result<Vec<Entry>, Unread> {
    let fail = |error| (folder.to_owned(), error);
    let read = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.map_err(fail)?,
    };
    let mut entries = Vec::new();
    for entry in read {
        let entry = entry.map_err(fail)?;
        match entry.metadata() {
            Ok(meta) => entries.push(Entry {
                name: entry.file_name().to_string_lossy().into_owned(),
                path: entry.path(),
                meta,
            }),
            // Removed in the meantime.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err((entry.path(), error)),
        }
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

fn cannot_read(path: &Path, error: &io::Error) -> Error {
    Error::environment(format!("cannot read {}: {error}", path.display()), "")
}
