//! Where garbage lies: a walk over the folders of runs, by place and name alone. What is of use is told by
//! the preconditions that every file carries, which are looked at afterwards.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use sweep_core::run_dir::{RunFile, TrialFile};
use sweep_core::trial::TrialId;
use sweep_store::Store;

use super::check::drop_what_is_needed;
use super::files::{GarbageFile, GcOptions, Kind, Precondition, ScanResult};
use crate::app::App;
use crate::error::Error;

/// Everything under the folder of runs that is of no use.
pub fn scan(app: &App, store: &mut Store, options: GcOptions) -> Result<ScanResult, Error> {
    alone_here(app)?;
    let mut found = ScanResult::default();
    let looked = (|| {
        trials(app, &mut found)?;
        data(app, &mut found)?;
        logs_and_locks(app, &mut found)?;
        asked_for(app, options, &mut found)
    })();
    looked.map_err(|(path, error)| cannot_read(&path, &error))?;
    drop_what_is_needed(app, &mut found, store)?;
    Ok(found)
}

/// The files of `trials`, which are about to go from the record or have gone, and of the logs of
/// `experiment` if it goes with them.
pub fn of_trials<'a>(
    app: &App,
    trials: impl Iterator<Item = &'a str>,
    experiment: Option<&str>,
) -> Result<ScanResult, Error> {
    alone_here(app)?;
    let mut found = ScanResult::default();
    for name in trials {
        let folder = app.run_dir().trial(&TrialId::from_hex(name));
        trial(app, &folder, name, &mut found)
            .map_err(|(path, error)| cannot_read(&path, &error))?;
    }
    found.files.retain(|file| file.kind == Kind::Trial);
    if let Some(name) = experiment {
        logs(app, name, &mut found)
            .and_then(|()| lock_of(app, name, &mut found))
            .map_err(|(path, error)| cannot_read(&path, &error))?;
    }
    Ok(found)
}

/// Two records in one folder share its trials: what one does not know may be the other's.
fn alone_here(app: &App) -> Result<(), Error> {
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
                "{} is another record in the same folder: the files of its trials cannot be told \
                 from those that are of no use",
                other.path.display()
            ),
            "move a copy elsewhere; records of their own want folders of their own",
        )),
    }
}

/// The trials' folders: of those that are over the checkpoint goes, of unknown ones all that a trial
/// leaves, of all of them what a write has left half done.
fn trials(app: &App, found: &mut ScanResult) -> Result<(), Unread> {
    let run_dir = app.run_dir();
    for entry in entries(&run_dir.trials())? {
        match run_dir.classify(&entry.path) {
            Some(RunFile::TrialFolder(_)) if entry.meta.is_dir() => {
                trial(app, &entry.path, &entry.name, found)?;
            }
            _ => found.leave(entry.path, "not known"),
        }
    }
    Ok(())
}

fn trial(app: &App, folder: &Path, name: &str, found: &mut ScanResult) -> Result<(), Unread> {
    let run_dir = app.run_dir();
    let listed = entries(folder)?;
    let precondition = Precondition::NoTrial(name.to_owned());
    found.folders.push((folder.to_owned(), precondition));
    for entry in listed {
        let file = match run_dir.classify(&entry.path) {
            Some(RunFile::Trial(_, file)) if entry.is_file() => file,
            _ => {
                found.leave(entry.path, "not known");
                continue;
            }
        };
        let name = name.to_owned();
        // One of them at most will be found to hold.
        found
            .files
            .push(entry.file(Kind::Trial, Precondition::NoTrial(name.clone())));
        let more = match file {
            TrialFile::Model => None,
            TrialFile::Checkpoint => Some((Kind::Checkpoint, Precondition::Over(name))),
            TrialFile::Partial => Some((Kind::Leftover, Precondition::Idle(name))),
        };
        if let Some((kind, precondition)) = more {
            found.files.push(entry.file(kind, precondition));
        }
    }
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
                entry.file(Kind::Leftover, Precondition::NoneInTheMaking)
            }
            _ => {
                found.leave(entry.path, "not known");
                continue;
            }
        };
        found.files.push(file);
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
            _ => found.leave(entry.path, "not known"),
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
            _ => found.leave(entry.path, "not known"),
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
            _ => found.leave(entry.path, "not known"),
        }
    }
    Ok(())
}

fn asked_for(app: &App, options: GcOptions, found: &mut ScanResult) -> Result<(), Unread> {
    let run_dir = app.run_dir();
    if options.backups {
        for entry in entries(run_dir.path())? {
            let is_copy = run_dir.is_copy_of_database(&entry.path);
            if is_copy && entry.is_file() && Store::is_database(&entry.path) {
                found
                    .files
                    .push(entry.file(Kind::Backup, Precondition::Asked));
            }
        }
    }
    if options.cache {
        for entry in entries(&run_dir.cache())? {
            match run_dir.classify(&entry.path) {
                Some(RunFile::Cache) if entry.is_file() => {
                    let file = entry.file(Kind::Cache, Precondition::NoneInTheMaking);
                    found.files.push(file);
                }
                _ => found.leave(entry.path, "not known"),
            }
        }
    }
    Ok(())
}

/// A folder or file that could not be looked at, and why.
type Unread = (PathBuf, io::Error);

struct Entry {
    name: String,
    path: PathBuf,
    /// Of the entry itself, not of what a link leads to.
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

/// What stands in `folder`, by name; nothing where there is no folder.
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
            // Gone in the meantime.
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
