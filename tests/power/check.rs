//! What must hold of a sweep whose power was cut.

use std::fs;
use std::path::{Path, PathBuf};

use super::counts::Found;
use super::cuts::State;
use super::history::Tree;
use super::promises::Results;
use super::recording::Recorder;
use super::sweep::{FILE, NAME};
use crate::torture::compare::assert_same;
use crate::torture::experiments::CrashDir;
use crate::torture::rng::Rng;
use crate::torture::snapshot::Snapshot;

/// What was reported is there, every result has its model, and the sweep resumes to the end of the `undisturbed` one.
pub fn sweep(state: &State<'_>, undisturbed: &CrashDir, rng: &mut Rng) -> Found {
    let folder = placed(state.tree);
    let (before, mut found) = results(state.promised, &folder, undisturbed);
    let is_begun = before.sweeps.contains(NAME);
    if is_begun && rng.chance(50) {
        folder.succeed(&["ls", NAME]);
    }
    let arguments = match is_begun && rng.chance(70) {
        true => ["resume", NAME],
        false => ["run", FILE],
    };
    match state.recording {
        None => folder.succeed(&arguments),
        Some(recording) => {
            let mut recorder = Recorder::new(&folder.root(), recording);
            folder.end(&arguments, &[0], |command| recorder.watch(command));
            recorder.ended();
        }
    }
    assert_same(&folder, undisturbed);
    let after = Snapshot::read(&folder.runs()).expect("a database");
    let new = &after.attempts[before.attempts.len()..];
    for attempt in new {
        let trial = &attempt.trial;
        assert!(
            !before.results.contains_key(trial),
            "{trial} was trained twice"
        );
    }
    found.trained = new.len();
    found.resumed = new.iter().filter(|new| new.resumed_from.is_some()).count();
    found
}

/// What the database in `folder` says: the results that were `promised` are there, and every result has its model.
pub fn results(promised: &Results, folder: &CrashDir, undisturbed: &CrashDir) -> (Snapshot, Found) {
    let read = Snapshot::read(&folder.runs());
    let databases = usize::from(read.is_some());
    let before = read.unwrap_or_default();
    for (trial, result) in promised {
        let there = before.results.get(trial);
        assert_eq!(
            there,
            Some(result),
            "the result of {trial}, which was reported"
        );
    }
    let mut found = Found {
        databases,
        results: before.results.len(),
        files: check_models(&before, folder, undisturbed),
        ..Found::default()
    };
    if !before.results.is_empty() {
        // A model is of no use without what prepares new rows for it.
        for (path, content) in tree_of(&undisturbed.path("runs/data")) {
            let mine = fs::read(folder.path("runs/data").join(&path)).ok();
            assert!(mine == content, "{} of the data of results", path.display());
            found.files += 1;
        }
    }
    (before, found)
}

/// Every result has its model, byte for byte that of `whole`; the number of files.
pub fn check_models(before: &Snapshot, folder: &CrashDir, whole: &CrashDir) -> usize {
    let has_result = |trial: &String| before.results.contains_key(trial);
    let artifacts = before.artifacts.iter();
    let mut count = 0;
    for (trial, name) in artifacts.filter(|(trial, _)| has_result(trial)) {
        let path = PathBuf::from("runs/trials").join(trial).join(name);
        let path = path.to_str().unwrap();
        let mine = fs::read(folder.path(path));
        let mine = mine.unwrap_or_else(|error| panic!("{path} of a result: {error}"));
        let theirs = fs::read(whole.path(path)).unwrap();
        assert!(mine == theirs, "{path} of a result differs");
        count += 1;
    }
    count
}

/// A folder with the files of `tree`.
pub fn placed(tree: &Tree) -> CrashDir {
    let folder = CrashDir::empty();
    // A folder comes before what is in it.
    for (path, content) in tree {
        let path = folder.root().join(path);
        match content {
            None => fs::create_dir(path).unwrap(),
            Some(content) => fs::write(path, content).unwrap(),
        }
    }
    folder
}

/// The files below `folder`, from there.
pub fn tree_of(folder: &Path) -> Tree {
    let mut tree = Tree::new();
    let mut left = vec![folder.to_owned()];
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let content = (!path.is_dir()).then(|| fs::read(&path).unwrap());
            tree.insert(path.strip_prefix(folder).unwrap().to_owned(), content);
            if path.is_dir() {
                left.push(path);
            }
        }
    }
    tree
}
