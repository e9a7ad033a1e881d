//! Where litter lies: a walk over the folders of runs, by place and name alone. What is of use is told by
//! the proofs that every piece carries, which are looked at afterwards.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::{Kind, Piece, Proof, Survey, Wanted, keep_what_is_of_use};
use crate::{Context, Failure};
use sweep_store::Store;

/// Digits of a digest and of a trial's name.
const DIGEST: usize = 64;
const TRIAL: usize = 32;

/// What [`sweep_data`] writes of a data set, after its digest.
const DATA_FILES: [&str; 4] = [
    ".safetensors",
    ".test.safetensors",
    ".preparation.json",
    ".preparation.text.safetensors",
];

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
        let folder = context.trials().join(name);
        trial(&folder, name, &mut survey).map_err(|(path, error)| cannot_read(&path, &error))?;
    }
    survey.pieces.retain(|piece| piece.kind == Kind::Trial);
    if let Some(name) = experiment {
        let folder = context.runs().join("logs").join(name);
        logs(&folder, name, &mut survey)
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
        entry.is_file() && !entry.name.starts_with(own.as_ref()) && Store::is_record(&entry.path)
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
    for entry in entries(&context.trials())? {
        match entry.meta.is_dir() && is_hex(&entry.name, TRIAL) {
            true => trial(&entry.path, &entry.name, survey)?,
            false => survey.leave(entry.path, "not known"),
        }
    }
    Ok(())
}

fn trial(folder: &Path, name: &str, survey: &mut Survey) -> Result<(), Unread> {
    let found = entries(folder)?;
    let proof = Proof::NoTrial(name.to_owned());
    survey.folders.push((folder.to_owned(), proof));
    for entry in found {
        let is_part = entry.name.ends_with(".part") || entry.name.ends_with(".partial");
        let is_checkpoint = entry.name.starts_with("checkpoint.");
        let is_model = entry.name.starts_with("model.");
        if !entry.is_file() || !(is_part || is_checkpoint || is_model) {
            survey.leave(entry.path, "not known");
            continue;
        }
        let name = name.to_owned();
        // One of them at most will be found to hold.
        survey
            .pieces
            .push(entry.piece(Kind::Trial, Proof::NoTrial(name.clone())));
        if is_part {
            let proof = Proof::Idle(name);
            survey.pieces.push(entry.piece(Kind::Leftover, proof));
        } else if is_checkpoint {
            let proof = Proof::Over(name);
            survey.pieces.push(entry.piece(Kind::Checkpoint, proof));
        }
    }
    Ok(())
}

fn data(context: &Context, survey: &mut Survey) -> Result<(), Unread> {
    for entry in entries(&context.runs().join("data"))? {
        let (digest, rest) = entry.name.split_at_checked(DIGEST).unwrap_or_default();
        let is_ours = entry.is_file() && is_hex(digest, DIGEST);
        if is_ours && DATA_FILES.contains(&rest) {
            let proof = Proof::NoData(digest.to_owned());
            survey.pieces.push(entry.piece(Kind::Data, proof));
        } else if is_ours && rest.ends_with(".part") {
            let piece = entry.piece(Kind::Leftover, Proof::NoneInTheMaking);
            survey.pieces.push(piece);
        } else {
            survey.leave(entry.path, "not known");
        }
    }
    Ok(())
}

fn logs_and_locks(context: &Context, survey: &mut Survey) -> Result<(), Unread> {
    for entry in entries(&context.runs().join("logs"))? {
        match entry.meta.is_dir() && is_name(&entry.name) {
            true => logs(&entry.path, &entry.name, survey)?,
            false => survey.leave(entry.path, "not known"),
        }
    }
    for entry in entries(&context.runs().join("locks"))? {
        let name = entry.name.strip_suffix(".lock");
        // Beside it stand requests to whoever holds it.
        match name.or_else(|| entry.name.strip_suffix(".stop")) {
            Some(name) if entry.is_file() && is_name(name) => {
                let proof = Proof::NoExperiment(name.to_owned());
                survey.pieces.push(entry.piece(Kind::Lock, proof));
            }
            None if entry.name == "data" => {}
            _ => survey.leave(entry.path, "not known"),
        }
    }
    Ok(())
}

fn lock_of(context: &Context, experiment: &str, survey: &mut Survey) -> Result<(), Unread> {
    let name = format!("{experiment}.lock");
    let found = entries(&context.runs().join("locks"))?;
    if let Some(entry) = found.into_iter().find(|entry| entry.name == name) {
        let proof = Proof::NoExperiment(experiment.to_owned());
        survey.pieces.push(entry.piece(Kind::Lock, proof));
    }
    Ok(())
}

/// The logs of one experiment: `SLOT.log`, and older ones.
fn logs(folder: &Path, experiment: &str, survey: &mut Survey) -> Result<(), Unread> {
    let found = entries(folder)?;
    let proof = Proof::NoExperiment(experiment.to_owned());
    survey.folders.push((folder.to_owned(), proof));
    for entry in found {
        let slot = entry.name.split_once(".log").map(|(slot, _)| slot);
        let is_slot = slot
            .and_then(|slot| slot.split_once('-'))
            .is_some_and(|(device, number)| {
                matches!(device, "cpu" | "cuda") && number.parse::<u32>().is_ok()
            });
        match entry.is_file() && is_slot {
            true => {
                let proof = Proof::NoExperiment(experiment.to_owned());
                survey.pieces.push(entry.piece(Kind::Log, proof));
            }
            false => survey.leave(entry.path, "not known"),
        }
    }
    Ok(())
}

fn asked_for(context: &Context, wanted: Wanted, survey: &mut Survey) -> Result<(), Unread> {
    let own = context.store.file_name().unwrap_or_default();
    let own = format!("{}.", own.to_string_lossy());
    if wanted.backups {
        for entry in entries(context.runs())? {
            if entry.name.starts_with(&own) && entry.is_file() && Store::is_record(&entry.path) {
                survey.pieces.push(entry.piece(Kind::Backup, Proof::Asked));
            }
        }
    }
    if wanted.cache {
        for entry in entries(&context.runs().join("cache"))? {
            let is_ours = entry.name.starts_with("sentence-v") && entry.name.ends_with(".cache");
            match is_ours && entry.is_file() {
                true => {
                    let piece = entry.piece(Kind::Cache, Proof::NoneInTheMaking);
                    survey.pieces.push(piece);
                }
                false => survey.leave(entry.path, "not known"),
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

fn is_hex(text: &str, length: usize) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == length && text.bytes().all(digit)
}

/// Whether an experiment can be called so.
fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !text.is_empty() && text.bytes().all(plain)
}
