//! Which results were reported as finished when the power was cut.
//!
//! A result is reported once any process can read it: SQLite shows a transaction to readers after its commit has
//! returned, so at the latest when the next transaction begins to be written. It is reported at the end of a command
//! as well. What was being committed just then is no promise yet.

use std::collections::{BTreeMap, HashMap};
use std::fs;

use super::history::{Change, History, Id};
use crate::torture::snapshot::Snapshot;

/// Trials with what is recorded of each.
pub type Results = BTreeMap<String, String>;

pub struct Promises<'a> {
    history: &'a History,
    /// Numbers of changes after which all that the database shows is reported.
    points: Vec<usize>,
    known: HashMap<usize, Results>,
}

impl Promises<'_> {
    pub fn of(history: &History) -> Promises<'_> {
        let is = |id: Id, ending: &str| history.names[id].to_string_lossy().ends_with(ending);
        let mut points = vec![history.begun];
        for (index, change) in history.changes.iter().enumerate().skip(history.begun) {
            match change {
                // Before it all earlier transactions are over.
                Change::Write { file, .. } if is(*file, ".sqlite-wal") => points.push(index),
                Change::Sync(id) if is(*id, ".sqlite-wal") || is(*id, ".sqlite") => {
                    points.push(index + 1);
                }
                Change::Ended => points.push(index + 1),
                _ => {}
            }
        }
        Promises {
            history,
            points,
            known: HashMap::new(),
        }
    }

    /// The results that had been reported when `cut` changes had been made.
    pub fn at(&mut self, cut: usize) -> &Results {
        let next = self.points.partition_point(|point| *point <= cut);
        let point = self.points[next - 1];
        let history = self.history;
        self.known.entry(point).or_insert_with(|| {
            let runs = tempfile::tempdir().unwrap();
            for (path, content) in history.whole(point) {
                let is_database = path.starts_with("runs") && path.components().count() == 2;
                if let (true, Some(content)) = (is_database, content) {
                    fs::write(runs.path().join(path.file_name().unwrap()), content).unwrap();
                }
            }
            Snapshot::read(runs.path()).map_or_else(Results::new, |found| found.results)
        })
    }
}
