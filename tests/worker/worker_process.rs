//! The real worker process, driven over its pipes.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use sweep_core::protocol::{Checkpointing, FromWorker, ToWorker, TrainRequest};
use sweep_core::trial::{DataDigest, Kind, ModelSpec, Objective, TrialResult, TrialSpec, Value};
use sweep_experiment::{Source, parse};

/// A checkpoint after every epoch.
pub const ALWAYS: Checkpointing = Checkpointing {
    every_ms: 1,
    cost: 1.0,
};

/// None but those that a stop asks for.
pub const NEVER: Checkpointing = Checkpointing {
    every_ms: 3_600_000,
    cost: 1.0,
};

/// A worker and all that it needs to train.
pub struct TestWorker {
    pub folder: tempfile::TempDir,
    pub data: PathBuf,
    pub digest: DataDigest,
    pub process: Child,
    pub orders: ChildStdin,
    pub words: BufReader<ChildStdout>,
    pub pid: u32,
    pub attempts: u64,
}

impl TestWorker {
    pub fn new() -> TestWorker {
        let folder = tempfile::tempdir().unwrap();
        let csv = folder.path().join("rows.csv");
        let mut text = "a,b,c,class\n".to_owned();
        for row in 0..1200u64 {
            let random = |salt: u64| (row * 2654435761 + salt * 40503) % 1000;
            let class = ["x", "y", "z"][((random(1) + random(2) / 2) / 500).min(2) as usize];
            text += &format!("{},{},{},{class}\n", random(1), random(2), random(3));
        }
        fs::write(&csv, text).unwrap();
        let source = Source {
            path: "small.toml".into(),
            text: format!("[data]\npath = {csv:?}\ntarget = \"class\"\n[model]\n"),
        };
        let experiment = parse(&source, &[], sweep_core::data_config::Edition::default()).unwrap();
        let prepared = sweep_data::prepare(&experiment.data, folder.path()).unwrap();
        let mut worker = Command::new(env!("CARGO_BIN_EXE_sweep"))
            .arg("worker")
            .env("OMP_NUM_THREADS", "1")
            .env("RAYON_NUM_THREADS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut started = TestWorker {
            data: prepared.path,
            digest: prepared.meta.digest,
            orders: worker.stdin.take().unwrap(),
            words: BufReader::new(worker.stdout.take().unwrap()),
            pid: worker.id(),
            process: worker,
            folder,
            attempts: 0,
        };
        let FromWorker::Ready { pid, .. } = started.hear() else {
            panic!("not ready")
        };
        assert_eq!(pid, started.pid);
        started
    }

    pub fn hear(&mut self) -> FromWorker {
        let mut line = String::new();
        self.words.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    pub fn send(&mut self, message: &ToWorker) {
        let line = serde_json::to_string(message).unwrap();
        writeln!(self.orders, "{line}").unwrap();
    }

    pub fn trial(&self, spec: &TrialSpec) -> PathBuf {
        let folder = self.folder.path().join("trials");
        folder.join(spec.id(&self.digest).as_str())
    }

    pub fn order(&mut self, spec: &TrialSpec, folder: &Path, checkpoint: Checkpointing) {
        self.attempts += 1;
        self.send(&ToWorker::Train(Box::new(TrainRequest {
            attempt: self.attempts,
            trial: spec.id(&self.digest),
            spec: spec.clone(),
            data: self.data.clone(),
            folder: folder.to_owned(),
            checkpoint,
            pause_at: None,
            program: None,
        })));
    }

    /// Trains to the end, in the folder of the trial, and tells what was said but for progress.
    pub fn finish(&mut self, spec: &TrialSpec, checkpoint: Checkpointing) -> (Story, TrialResult) {
        let folder = self.trial(spec);
        self.order(spec, &folder, checkpoint);
        let (story, end) = self.hear_out(|_| {});
        match end {
            FromWorker::Finished { result, .. } => (story, *result),
            other => panic!("{other:?} after {story:?}"),
        }
    }

    /// Hears all until the last word, and does something after each message.
    pub fn hear_out(&mut self, mut then: impl FnMut(&FromWorker)) -> (Story, FromWorker) {
        let mut story = Story::default();
        loop {
            let said = self.hear();
            then(&said);
            match said {
                FromWorker::Warning { message, .. } => story.notes.push(message),
                FromWorker::Resumed { step, .. } => story.resumed = Some(step),
                // What was reported before the checkpoint is told once more.
                FromWorker::Progress { step, .. } if story.resumed >= Some(step) => {
                    story.again.push(step)
                }
                FromWorker::Progress { step, .. } => story.steps.push(step),
                FromWorker::Blocked { .. } => story.waited += 1,
                end => return (story, end),
            }
        }
    }

    /// Trains until a stop, which comes with the order, and gives the step of the checkpoint.
    pub fn stop(&mut self, spec: &TrialSpec) -> Option<u32> {
        let folder = self.trial(spec);
        self.order(spec, &folder, NEVER);
        self.send(&ToWorker::Stop);
        match self.hear_out(|_| {}).1 {
            FromWorker::Interrupted { step, .. } => step,
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for TestWorker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a worker said of an attempt before its last word.
#[derive(Debug, Default)]
pub struct Story {
    pub notes: Vec<String>,
    pub resumed: Option<u32>,
    pub steps: Vec<u32>,
    /// Steps before the checkpoint that were told once more.
    pub again: Vec<u32>,
    pub waited: usize,
}

/// A trial that takes long enough to be stopped in the middle.
pub fn spec(kind: Kind, seed: u64) -> TrialSpec {
    let mut model = ModelSpec::new(kind);
    let counts = [
        (Kind::MLP, 60),
        (Kind::XGBOOST, 200),
        (Kind::RANDOM_FOREST, 2000),
        (Kind::LIGHTGBM, 200),
    ];
    let found = counts.into_iter().find(|(known, _)| *known == kind);
    let (_, steps) = found.expect("one of the kinds above");
    model
        .set(kind.def().steps.param, &Value::Int(steps))
        .unwrap();
    TrialSpec::new(model, seed, Objective::default())
}

/// What must not depend on how often a trial was stopped.
pub fn timeless(mut result: TrialResult) -> TrialResult {
    result.seconds = 0.0;
    result.metrics.retain(|(name, _)| name != "seconds");
    result
}

pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

pub fn models(folder: &Path) -> Vec<Vec<u8>> {
    let files = names(folder).into_iter();
    files
        .filter(|name| ["model.json", "model.safetensors", "model.txt"].contains(&name.as_str()))
        .map(|name| fs::read(folder.join(name)).unwrap())
        .collect()
}

/// Turns a bit in the middle of a file around.
pub fn damage(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// Cuts a file in half.
pub fn tear(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}

pub fn kinds() -> Vec<Kind> {
    let mut kinds = vec![Kind::MLP, Kind::RANDOM_FOREST];
    for kind in [Kind::XGBOOST, Kind::LIGHTGBM] {
        match sweep_engine::models::library(kind).expect("it needs one") {
            Ok(_) => kinds.push(kind),
            Err(missing) => eprintln!("without {}: {missing}", kind.label()),
        }
    }
    kinds
}

/// The next time that a worker writes a model file in `folder`, there is no space.
pub fn no_space_once(folder: &Path, pid: u32) {
    for name in ["model.safetensors", "model.json", "model.txt"] {
        let part = folder.join(format!("{name}.{pid}.part"));
        // One that no model was written by stands there still.
        let _ = fs::remove_file(&part);
        std::os::unix::fs::symlink("/dev/full", part).unwrap();
    }
}
