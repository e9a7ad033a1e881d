//! When the power is cut: at operations of every sort, rare ones as often as common ones.

use std::collections::BTreeMap;

use super::history::{Change, History, Id};
use crate::torture::rng::Rng;

/// The changes of a history by what they are: what kind of change, of what kind of file.
pub struct Moments<'a> {
    sorts: Vec<(&'static str, Vec<usize>)>,
    history: &'a History,
}

impl Moments<'_> {
    pub fn of(history: &History) -> Moments<'_> {
        let mut sorts: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for index in history.begun..history.changes.len() {
            let sort = sort(history, &history.changes[index]);
            sorts.entry(sort).or_default().push(index);
        }
        Moments {
            sorts: sorts.into_iter().collect(),
            history,
        }
    }

    /// A number of changes after which the power is cut, and the sort of change that it was drawn by: mostly just
    /// before or after that change.
    pub fn draw(&self, rng: &mut Rng) -> (usize, &'static str) {
        let place = rng.between(0, self.sorts.len() as u64) as usize;
        let (sort, changes) = &self.sorts[place];
        let change = changes[rng.between(0, changes.len() as u64) as usize];
        let after = rng.pick(&[(3, 0), (5, 1), (1, 2), (1, 4)]);
        ((change + after).min(self.history.changes.len()), sort)
    }
}

fn sort(history: &History, change: &Change) -> &'static str {
    let file = |id: Id| kind(&history.names[id].to_string_lossy());
    match change {
        Change::Ended => "the end of a command",
        Change::Sync(id) if history.folders[*id] => "a folder flushed",
        Change::Sync(id) => match file(*id) {
            File::Log => "the write-ahead log flushed",
            File::Database => "the database flushed",
            File::Model => "a model flushed",
            File::Checkpoint => "a checkpoint flushed",
            File::Data => "prepared data flushed",
            File::Other => "another file flushed",
        },
        Change::Write { file: id, .. } | Change::Resize { file: id, .. } => match file(*id) {
            File::Log => "the write-ahead log written",
            File::Database => "the database written",
            File::Model => "a model written",
            File::Checkpoint => "a checkpoint written",
            File::Data => "prepared data written",
            File::Other => "another file written",
        },
        Change::Names(names) => {
            let target = names.iter().find_map(|naming| naming.target);
            match (target, names.len()) {
                (None, _) => "a file removed",
                (Some(id), _) if history.folders[id] => "a folder made",
                (Some(id), 1) => match file(id) {
                    File::Log | File::Database => "a file of the database made",
                    File::Model => "a model made",
                    File::Checkpoint => "a checkpoint made or kept",
                    File::Data => "prepared data made",
                    File::Other => "another file made",
                },
                (Some(id), _) => match file(id) {
                    File::Model => "a model renamed",
                    File::Checkpoint => "a checkpoint renamed",
                    File::Data => "prepared data renamed",
                    File::Log | File::Database | File::Other => "another file renamed",
                },
            }
        }
    }
}

enum File {
    Log,
    Database,
    Model,
    Checkpoint,
    Data,
    Other,
}

fn kind(path: &str) -> File {
    let name = path.rsplit('/').next().unwrap_or(path);
    if name.ends_with("-wal") {
        File::Log
    } else if name.ends_with(".sqlite") || name.ends_with("-journal") {
        File::Database
    } else if name.starts_with("model.") {
        File::Model
    } else if name.starts_with("checkpoint.") {
        File::Checkpoint
    } else if path.contains("/data/") {
        File::Data
    } else {
        File::Other
    }
}
