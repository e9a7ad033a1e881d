//! The sweep under which the power is cut: small, of every kind of model, in two sessions.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use super::check::tree_of;
use super::history::History;
use super::recording::{self, Recorder};
use crate::torture::experiments::{CrashDir, xgboost};

pub const NAME: &str = "small";
pub const FILE: &str = "small.toml";

/// Trials of the first session, which leaves the others to the second.
const FIRST: &str = "3";
/// Files of a prepared data set.
const PREPARED_FILES: usize = 3;
/// The exit code of a session that `--max-trials` ended.
pub const LIMIT_REACHED: i32 = 6;

/// A folder with the data and the experiment file, and nothing else.
pub fn new() -> CrashDir {
    let folder = CrashDir::empty();
    folder.succeed(&["data", "synth", "demo.csv", "--rows", "400"]);
    std::fs::write(folder.path(FILE), experiment()).unwrap();
    folder
}

/// The folder of a sweep that was never disturbed.
pub fn undisturbed() -> CrashDir {
    let folder = new();
    folder.succeed(&["run", FILE]);
    folder
}

/// Sessions that are killed while they prepare the data, one that is stopped, and one that resumes.
pub fn record(recording: &Path) {
    let folder = new();
    let mut recorder = Recorder::new(&folder.root(), recording);
    for _ in 0..PREPARED_FILES {
        // A file has its name, which no process has flushed, and the next session finds it.
        let mut running = folder.start_by(&["run", FILE], |command| {
            recorder.watch_and_kill(command);
        });
        let status = running.child.wait().unwrap();
        assert_eq!(status.signal(), Some(libc::SIGKILL), "{status}");
    }
    let stopped = ["run", FILE, "--max-trials", FIRST];
    record_command(&folder, &stopped, LIMIT_REACHED, &mut recorder);
    record_command(&folder, &["resume", NAME], 0, &mut recorder);
    check_recording(&folder, recording);
}

/// Records a command that must end with `code`.
pub fn record_command(folder: &CrashDir, arguments: &[&str], code: i32, recorder: &mut Recorder) {
    folder.end(arguments, &[code], |command| recorder.watch(command));
    recorder.ended();
}

/// Holds a recording against the files that are left in `folder`.
pub fn check_recording(folder: &CrashDir, recording: &Path) {
    let history = History::new(recording::read(recording));
    let mut recorded = history.whole(history.changes.len());
    let mut real = tree_of(&folder.root());
    for tree in [&mut recorded, &mut real] {
        // What memory shared between processes holds is recorded now and then only.
        tree.retain(|path, _| !path.to_string_lossy().ends_with("-shm"));
    }
    assert!(recorded.keys().eq(real.keys()), "names in the recording");
    for (path, content) in &real {
        let is_same = recorded[path] == *content;
        assert!(is_same, "{} in the recording", path.display());
    }
}

fn experiment() -> String {
    let boost = match xgboost() {
        Some(_) => "[[baseline]]\nkind = \"xgboost\"\nrounds = 8\nmax_depth = 3\n",
        None => "",
    };
    format!(
        "[data]
path = \"demo.csv\"
target = \"playlist_genre\"
group = \"track_id\"
numeric = [\"danceability\", \"energy\", \"loudness\", \"tempo\", \"valence\"]

[model]
epochs = 600
layers = [32]

[grid]
dropout = [0.0, 0.3]

[[baseline]]
kind = \"random_forest\"
trees = 8
max_depth = 6

{boost}
[schedule]
slots = {{ cpu = 2 }}
checkpoint = {{ every = \"10ms\", cost = 1.0 }}
"
    )
}
