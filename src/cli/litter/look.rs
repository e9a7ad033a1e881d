//! Where litter lies: a walk over the folders of runs, by place and name alone. What is of use is told by
//! the proofs that every piece carries, which are looked at afterwards.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::{Kind, Piece, Proof, Survey, Wanted, keep_what_is_of_use};
use crate::{Context, Failure};
use sweep_core::run_dir::{RunFile, TrialFile};
use sweep_core::trial::TrialId;
use sweep_store::Store;

/// Everything under the folder of runs that is of no use.
pub fn survey(context: &Context, store: &mut Store, wanted: Wanted) -> Result<Survey, Failure> {
    alone_here(context)?;
    let mut survey = Survey::default();
    let looked = (|| {
        trials(context, &mut survey)?;
        data(context, &mut survey)?;
        logs_and_locks(context, &mut survey)?;
        asked_for(context, wanted, &mut survey)
    })();
    looked.map_err(|(path, error)| cannot_read(&path, &error))?;
    keep_what_is_of_use(context, &mut survey, store)?;
    Ok(survey)
}

/// The files of `trials`, which are about to go from the record or have gone, and of the logs of
/// `experiment` if it goes with them.
pub fn of_trials<'a>(
    context: &Context,
    trials: impl Iterator<Item = &'a str>,
    experiment: Option<&str>,
) -> Result<Survey, Failure> {
    alone_here(context)?;
    let mut survey = Survey::default();
    for name in trials {
        let folder = context.run_dir().trial(&TrialId::from_hex(name));
        trial(context, &folder, name, &mut survey)
            .map_err(|(path, error)| cannot_read(&path, &error))?;
    }
    survey.pieces.retain(|piece| piece.kind == Kind::Trial);
    if let Some(name) = experiment {
        logs(context, name, &mut survey)
            .and_then(|()| lock_of(context, name, &mut survey))
            .map_err(|(path, error)| cannot_read(&path, &error))?;
    }
    Ok(survey)
}

/// Two records in one folder share its trials: what one does not know may be the other's.
fn alone_here(context: &Context) -> Result<(), Failure> {
    let folder = context.runs();
    let own = context.store.file_name().unwrap_or_default();
    let own = own.to_string_lossy();
    let entries = entries(folder).map_err(|(path, error)| cannot_read(&path, &error))?;
    let other = entries.into_iter().find(|entry| {
        entry.is_file() && !entry.name.starts_with(own.as_ref()) && Store::is_database(&entry.path)
    });
    match other {
        None => Ok(()),
        Some(other) => Err(Failure::input(
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
fn trials(context: &Context, survey: &mut Survey) -> Result<(), Unread> {
    let run_dir = context.run_dir();
    for entry in entries(&run_dir.trials())? {
        match run_dir.classify(&entry.path) {
            Some(RunFile::TrialFolder(_)) if entry.meta.is_dir() => {
                trial(context, &entry.path, &entry.name, survey)?;
            }
            _ => survey.leave(entry.path, "not known"),
        }
    }
    Ok(())
}

fn trial(context: &Context, folder: &Path, name: &str, survey: &mut Survey) -> Result<(), Unread> {
    let run_dir = context.run_dir();
    let found = entries(folder)?;
    let proof = Proof::NoTrial(name.to_owned());
    survey.folders.push((folder.to_owned(), proof));
    for entry in found {
        let file = match run_dir.classify(&entry.path) {
            Some(RunFile::Trial(_, file)) if entry.is_file() => file,
            _ => {
                survey.leave(entry.path, "not known");
                continue;
            }
        };
        let name = name.to_owned();
        // One of them at most will be found to hold.
        survey
            .pieces
            .push(entry.piece(Kind::Trial, Proof::NoTrial(name.clone())));
        let more = match file {
            TrialFile::Model => None,
            TrialFile::Checkpoint => Some((Kind::Checkpoint, Proof::Over(name))),
            TrialFile::Partial => Some((Kind::Leftover, Proof::Idle(name))),
        };
        if let Some((kind, proof)) = more {
            survey.pieces.push(entry.piece(kind, proof));
        }
    }
    Ok(())
}

fn data(context: &Context, survey: &mut Survey) -> Result<(), Unread> {
    let run_dir = context.run_dir();
    for entry in entries(&run_dir.datasets())? {
        let piece = match run_dir.classify(&entry.path).filter(|_| entry.is_file()) {
            Some(RunFile::Dataset(digest)) => {
                entry.piece(Kind::Data, Proof::NoData(digest.as_str().to_owned()))
            }
            Some(RunFile::PartialDataset) => entry.piece(Kind::Leftover, Proof::NoneInTheMaking),
            _ => {
                survey.leave(entry.path, "not known");
                continue;
            }
        };
        survey.pieces.push(piece);
    }
    Ok(())
}

fn logs_and_locks(context: &Context, survey: &mut Survey) -> Result<(), Unread> {
    let run_dir = context.run_dir();
    for entry in entries(&run_dir.all_logs())? {
        match run_dir.classify(&entry.path) {
            Some(RunFile::LogFolder(experiment)) if entry.meta.is_dir() => {
                logs(context, &experiment, survey)?;
            }
            _ => survey.leave(entry.path, "not known"),
        }
    }
    for entry in entries(&run_dir.locks())? {
        match run_dir.classify(&entry.path) {
            Some(RunFile::Lock(name) | RunFile::StopRequest(name)) if entry.is_file() => {
                survey
                    .pieces
                    .push(entry.piece(Kind::Lock, Proof::NoExperiment(name)));
            }
            Some(RunFile::DataLock) => {}
            _ => survey.leave(entry.path, "not known"),
        }
    }
    Ok(())
}

fn lock_of(context: &Context, experiment: &str, survey: &mut Survey) -> Result<(), Unread> {
    let run_dir = context.run_dir();
    let lock = run_dir.lock(experiment);
    let found = entries(&run_dir.locks())?;
    if let Some(entry) = found.into_iter().find(|entry| entry.path == lock) {
        let proof = Proof::NoExperiment(experiment.to_owned());
        survey.pieces.push(entry.piece(Kind::Lock, proof));
    }
    Ok(())
}

/// The logs of one experiment, older ones included.
fn logs(context: &Context, experiment: &str, survey: &mut Survey) -> Result<(), Unread> {
    let run_dir = context.run_dir();
    let folder = run_dir.logs(experiment);
    let found = entries(&folder)?;
    let proof = Proof::NoExperiment(experiment.to_owned());
    survey.folders.push((folder, proof.clone()));
    for entry in found {
        match run_dir.classify(&entry.path) {
            Some(RunFile::Log(_)) if entry.is_file() => {
                survey.pieces.push(entry.piece(Kind::Log, proof.clone()));
            }
            _ => survey.leave(entry.path, "not known"),
        }
    }
    Ok(())
}

fn asked_for(context: &Context, wanted: Wanted, survey: &mut Survey) -> Result<(), Unread> {
    let run_dir = context.run_dir();
    if wanted.backups {
        for entry in entries(run_dir.path())? {
            let is_copy = run_dir.is_copy_of_database(&entry.path);
            if is_copy && entry.is_file() && Store::is_database(&entry.path) {
                survey.pieces.push(entry.piece(Kind::Backup, Proof::Asked));
            }
        }
    }
    if wanted.cache {
        for entry in entries(&run_dir.cache())? {
            match run_dir.classify(&entry.path) {
                Some(RunFile::Cache) if entry.is_file() => {
                    let piece = entry.piece(Kind::Cache, Proof::NoneInTheMaking);
                    survey.pieces.push(piece);
                }
                _ => survey.leave(entry.path, "not known"),
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

    fn piece(&self, kind: Kind, proof: Proof) -> Piece {
        Piece {
            kind,
            path: self.path.clone(),
            bytes: self.meta.len(),
            proof,
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

fn cannot_read(path: &Path, error: &io::Error) -> Failure {
    Failure::environment(format!("cannot read {}: {error}", path.display()), "")
}
