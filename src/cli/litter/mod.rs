//! What lies in the folder of runs and is of no use: found, weighed, removed.
//!
//! Nothing is taken for litter but by its place and its name, and each piece is looked at again,
//! with no session able to begin, before it goes. What bears another name, and what a link leads to,
//! is left alone.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::PathBuf;

use super::context::store_failure;
use super::{Context, Failure};
use sweep_store::lock::DataLock;
use sweep_store::{GcReferences, Store, StoreError, SweepLock};

mod look;

pub use look::{of_trials, survey};

/// Pieces that are looked at and removed while writers wait; a few milliseconds.
const BATCH: usize = 100;

/// What a piece of litter was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Checkpoint,
    Trial,
    Data,
    Leftover,
    Log,
    Lock,
    Backup,
    Cache,
}

impl Kind {
    pub const ALL: [Kind; 8] = [
        Kind::Checkpoint,
        Kind::Trial,
        Kind::Data,
        Kind::Leftover,
        Kind::Log,
        Kind::Lock,
        Kind::Backup,
        Kind::Cache,
    ];

    /// As in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Checkpoint => "checkpoint",
            Kind::Trial => "trial",
            Kind::Data => "data",
            Kind::Leftover => "leftover",
            Kind::Log => "log",
            Kind::Lock => "lock",
            Kind::Backup => "backup",
            Kind::Cache => "cache",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Kind::Checkpoint => "checkpoints of trials that are over",
            Kind::Trial => "files of trials that the record does not know",
            Kind::Data => "prepared data that nothing refers to",
            Kind::Leftover => "what interrupted writes have left",
            Kind::Log => "logs of sweeps that are gone",
            Kind::Lock => "locks of sweeps that are gone",
            Kind::Backup => "backups of the record",
            Kind::Cache => "what sentence encoders have read",
        }
    }
}

/// What has to hold when a piece is removed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Proof {
    /// The record does not know this trial.
    NoTrial(String),
    /// This trial is over.
    Over(String),
    /// The record knows this trial, and no sweep that runs asks for it.
    Idle(String),
    /// The record does not know these data, and none are being prepared.
    NoData(String),
    /// None are being prepared.
    NoneInTheMaking,
    /// The record does not know this experiment, and nobody runs it.
    NoExperiment(String),
    /// Asked for by a flag.
    Asked,
}

/// One piece of litter: a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub kind: Kind,
    pub path: PathBuf,
    pub bytes: u64,
    proof: Proof,
}

/// What was found, and what was left alone and why.
#[derive(Debug, Default)]
pub struct Survey {
    pub pieces: Vec<Piece>,
    pub alone: Vec<(PathBuf, String)>,
    /// Folders that go when they are empty in the end.
    folders: Vec<(PathBuf, Proof)>,
}

impl Survey {
    pub fn bytes(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.bytes).sum()
    }

    fn leave(&mut self, path: PathBuf, why: impl ToString) {
        self.alone.push((path, why.to_string()));
    }
}

/// What is taken besides what nobody can want.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    pub backups: bool,
    pub cache: bool,
}

/// Removes the pieces of `survey`, all that are still of no use. Gives the number of files and of
/// bytes that went; what did not go joins what was left alone.
pub fn remove(
    context: &Context,
    store: &mut Store,
    survey: &mut Survey,
) -> Result<(usize, u64), Failure> {
    let hold = DataLock::exclusive(context.runs()).ok().flatten();
    let pieces = std::mem::take(&mut survey.pieces);
    let folders = std::mem::take(&mut survey.folders);
    let proofs = pieces.iter().map(|piece| &piece.proof);
    let gone: HashSet<&str> = (proofs.chain(folders.iter().map(|(_, proof)| proof)))
        .filter_map(|proof| match proof {
            Proof::NoExperiment(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    // Held to the end, so that nobody begins a sweep of that name on folders that go.
    let locks: HashMap<&str, SweepLock> = (gone.into_iter())
        .filter_map(|name| Some((name, SweepLock::acquire(context.runs(), name).ok()?)))
        .collect();
    let is_locked = |name: &str| locks.contains_key(name);
    let (mut files, mut bytes) = (0, 0);
    for batch in pieces.chunks(BATCH) {
        let swept = store.with_gc_references(|known| {
            let now = Now::of(context, known, hold.is_some(), &is_locked)?;
            for piece in batch {
                match now.holds(&piece.proof)? {
                    Err(why) => survey.leave(piece.path.clone(), why),
                    Ok(()) => match fs::remove_file(&piece.path) {
                        Ok(()) => (files, bytes) = (files + 1, bytes + piece.bytes),
                        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                        Err(error) => survey.leave(piece.path.clone(), error),
                    },
                }
            }
            Ok(())
        });
        swept.map_err(store_failure)?;
    }
    for batch in folders.chunks(BATCH) {
        let swept = store.with_gc_references(|known| {
            let now = Now::of(context, known, hold.is_some(), &is_locked)?;
            for (folder, proof) in batch {
                if now.holds(proof)?.is_ok() {
                    // It stays while anything is in it.
                    let _ = fs::remove_dir(folder);
                }
            }
            Ok(())
        });
        swept.map_err(store_failure)?;
    }
    let swept = store.with_gc_references(|known| {
        for (name, lock) in locks {
            if !known.has_experiment(name)? {
                // Removed above, but for one that had to be made first.
                let _ = lock.remove();
            }
        }
        Ok(())
    });
    swept.map_err(store_failure)?;
    Ok((files, bytes))
}

/// What can be relied on while no session can begin.
struct Now<'a> {
    known: &'a GcReferences<'a>,
    /// Names of the trials that sweeps which run now have asked for.
    running: HashSet<String>,
    has_data_hold: bool,
    /// Whether we hold the lock of an experiment.
    is_locked: &'a dyn Fn(&str) -> bool,
}

impl<'a> Now<'a> {
    fn of(
        context: &Context,
        known: &'a GcReferences<'a>,
        has_data_hold: bool,
        is_locked: &'a dyn Fn(&str) -> bool,
    ) -> Result<Now<'a>, StoreError> {
        let mut running = HashSet::new();
        for name in known.experiments()? {
            if SweepLock::is_held(context.runs(), &name) {
                running.extend(known.trials_of(&name)?);
            }
        }
        Ok(Now {
            known,
            running,
            has_data_hold,
            is_locked,
        })
    }

    /// Whether what `proof` says still holds; if not, why not.
    fn holds(&self, proof: &Proof) -> Result<Result<(), &'static str>, StoreError> {
        let known = self.known;
        let (holds, why) = match proof {
            Proof::NoTrial(name) => (!known.has_trial(name)?, "the record knows its trial"),
            Proof::Over(name) => {
                let status = known.status(name)?;
                (
                    status.is_some_and(|status| status.is_final()),
                    "its trial is not over",
                )
            }
            Proof::Idle(name) => (
                !self.running.contains(name) && known.has_trial(name)?,
                "its sweep is running",
            ),
            Proof::NoData(_) | Proof::NoneInTheMaking if !self.has_data_hold => {
                (false, "data are being prepared")
            }
            Proof::NoData(digest) => (!known.has_data(digest)?, "the record refers to it"),
            Proof::NoExperiment(name) if !(self.is_locked)(name) => (false, "its sweep is running"),
            Proof::NoExperiment(name) => {
                (!known.has_experiment(name)?, "the record knows its sweep")
            }
            Proof::NoneInTheMaking | Proof::Asked => (true, ""),
        };
        Ok(if holds { Ok(()) } else { Err(why) })
    }
}

/// Drops from `survey` all that the record has a use for now.
fn keep_what_is_of_use(
    context: &Context,
    survey: &mut Survey,
    store: &mut Store,
) -> Result<(), Failure> {
    let pieces = std::mem::take(&mut survey.pieces);
    let folders = std::mem::take(&mut survey.folders);
    let kept = store.with_gc_references(|known| {
        // Whether a hold and a lock can be had is seen when something is removed.
        let is_free = |name: &str| !SweepLock::is_held(context.runs(), name);
        let now = Now::of(context, known, true, &is_free)?;
        let mut litter = Vec::new();
        for piece in pieces {
            if now.holds(&piece.proof)?.is_ok() {
                litter.push(piece);
            }
        }
        let mut unused = Vec::new();
        for folder in folders {
            if now.holds(&folder.1)?.is_ok() {
                unused.push(folder);
            }
        }
        Ok((litter, unused))
    });
    (survey.pieces, survey.folders) = kept.map_err(store_failure)?;
    Ok(())
}
