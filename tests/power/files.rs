//! Files that commands remove and write when no sweep runs: `rm`, reports and exports.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::check::{check_models, placed, tree_of};
use super::counts::Found;
use super::cuts::State;
use super::history::{History, Tree};
use super::recording::{self, Recorder};
use super::sweep::{self, FILE, LIMIT_REACHED, NAME, check_recording, record_command};
use crate::torture::compare::assert_same;
use crate::torture::experiments::CrashDir;
use crate::torture::snapshot::Snapshot;

/// A second sweep on the same data, which shares the networks.
const OTHER: &str = "other";

/// The removal of a sweep beside another one.
pub struct Removal {
    before: CrashDir,
    removed: CrashDir,
    /// Results that stay.
    others: Snapshot,
}

const REMOVE: [&str; 3] = ["rm", NAME, "--yes"];
const CLEAN_UP: [&str; 2] = ["gc", "--yes"];

pub fn record_removal(recording: &Path) {
    let folder = sweep::undisturbed();
    let text = fs::read_to_string(folder.path(FILE)).unwrap();
    let other = text
        .replace("trees = 8", "trees = 9")
        .replace("rounds = 8", "rounds = 9");
    fs::write(folder.path("other.toml"), other).unwrap();
    folder.succeed(&["run", "other.toml"]);
    let mut recorder = Recorder::new(&folder.root(), recording);
    record_command(&folder, &REMOVE, 0, &mut recorder);
    check_recording(&folder, recording);
}

impl Removal {
    pub fn of(recording: &Path) -> Removal {
        let history = History::new(recording::read(recording));
        let removed = placed(&history.whole(history.changes.len()));
        let others = Snapshot::read(&removed.runs()).expect("a database");
        assert!(others.results.len() > 2, "a second sweep");
        // As `gc` leaves it, which finds nothing to do.
        removed.succeed(&CLEAN_UP);
        Removal {
            before: placed(&history.whole(history.begun)),
            removed,
            others,
        }
    }

    /// The other sweep is whole, the removed one is there with its models or gone; removing it comes to its end.
    pub fn check(&mut self, state: &State<'_>) -> Found {
        let folder = placed(state.tree);
        let found = Snapshot::read(&folder.runs()).expect("a database");
        for (trial, result) in &self.others.results {
            let there = found.results.get(trial);
            assert_eq!(there, Some(result), "{trial} of the other sweep");
        }
        let files = check_models(&found, &folder, &self.before);
        assert!(found.sweeps.contains(OTHER), "the other sweep is gone");
        if found.sweeps.contains(NAME) {
            assert_eq!(state.ended, 0, "the sweep is back after `rm` has ended");
            folder.succeed(&REMOVE);
        }
        folder.succeed(&CLEAN_UP);
        assert_same(&folder, &self.removed);
        Found {
            databases: 1,
            results: found.results.len(),
            files,
            ..Found::default()
        }
    }
}

/// A report that replaces an earlier one, and two exports.
pub struct Output {
    before: Tree,
    after: Tree,
}

const REPORT: [&str; 2] = ["report", NAME];
const REPORTS: &str = "reports/small";
/// The folders that exports write.
const MODEL: &str = "model";
const TABLES: &str = "tables";

pub fn record_output(recording: &Path) {
    let folder = sweep::new();
    folder.end(
        &["run", FILE, "--max-trials", "2"],
        &[LIMIT_REACHED],
        |_| {},
    );
    folder.succeed(&REPORT);
    folder.succeed(&["resume", NAME]);
    let mut recorder = Recorder::new(&folder.root(), recording);
    let export_tables = ["export", NAME, TABLES, "--format", "tensorboard"];
    let commands: [&[&str]; 3] = [&REPORT, &["export", "best", MODEL], &export_tables];
    for command in commands {
        record_command(&folder, command, 0, &mut recorder);
    }
    check_recording(&folder, recording);
}

impl Output {
    pub fn of(recording: &Path) -> Output {
        let history = History::new(recording::read(recording));
        Output {
            before: history.whole(history.begun),
            after: history.whole(history.changes.len()),
        }
    }

    /// Every file of the report is the old one or the new one, and exports are whole or not there; what a command had
    /// written when it ended is there.
    pub fn check(&self, state: &State<'_>) -> Found {
        let report = below(state.tree, REPORTS);
        let (old, new) = (below(&self.before, REPORTS), below(&self.after, REPORTS));
        let names: BTreeSet<&PathBuf> = old.keys().chain(new.keys()).copied().collect();
        for name in names {
            let versions = [old.get(name), new.get(name)];
            let there = report.get(name);
            let is_whole = versions.contains(&there);
            assert!(
                is_whole,
                "{} is neither the old one nor the new one",
                name.display()
            );
            if state.ended > 0 {
                assert!(
                    there == versions[1],
                    "{} is not the new one",
                    name.display()
                );
            }
        }
        for (number, export) in [MODEL, TABLES].into_iter().enumerate() {
            let (found, whole) = (below(state.tree, export), below(&self.after, export));
            let is_written = state.ended > 1 + number;
            assert!(whole.len() > 2, "{export} has files");
            assert!(
                found == whole || found.is_empty() && !is_written,
                "{export} is not whole"
            );
        }
        let folder = placed(state.tree);
        folder.succeed(&REPORT);
        let left = tree_of(&folder.path(REPORTS));
        let is_known = |name: &PathBuf| new.contains_key(&Path::new(REPORTS).join(name));
        assert!(
            left.keys().all(is_known),
            "left of the report: {:?}",
            left.keys()
        );
        Found {
            files: report.len(),
            ..Found::default()
        }
    }
}

/// The files of `tree` below `folder`.
fn below<'a>(tree: &'a Tree, folder: &str) -> std::collections::BTreeMap<&'a PathBuf, &'a [u8]> {
    let files = tree.iter().filter(|(path, _)| path.starts_with(folder));
    let files = files.filter_map(|(path, content)| Some((path, content.as_deref()?)));
    files.collect()
}
