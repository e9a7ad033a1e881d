//! The real worker over its pipes: checkpoints that are damaged, torn or old, and a machine that is in
//! the way.

#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use sweep_core::protocol::{Checkpointing, FromWorker, ToWorker, TrainRequest};
use sweep_core::trial::{DataDigest, Kind, Objective, TrialResult, TrialSpec, Value};
use sweep_experiment::{Source, parse};
use sweep_worker::checkpoints::{BEFORE, LAST};
use sweep_worker::reports::REPORTS;

/// A checkpoint after every epoch.
const ALWAYS: Checkpointing = Checkpointing {
    every_ms: 1,
    cost: 1.0,
};
/// None but those that a stop asks for.
const NEVER: Checkpointing = Checkpointing {
    every_ms: 3_600_000,
    cost: 1.0,
};

/// A worker and all that it needs to train.
struct Bench {
    folder: tempfile::TempDir,
    data: PathBuf,
    digest: DataDigest,
    worker: Child,
    orders: ChildStdin,
    words: BufReader<ChildStdout>,
    pid: u32,
    attempts: u64,
}

impl Bench {
    fn new() -> Bench {
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
        let experiment = parse(&source, &[]).unwrap();
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
        let mut bench = Bench {
            data: prepared.path,
            digest: prepared.meta.digest,
            orders: worker.stdin.take().unwrap(),
            words: BufReader::new(worker.stdout.take().unwrap()),
            pid: worker.id(),
            worker,
            folder,
            attempts: 0,
        };
        let FromWorker::Ready { pid, .. } = bench.hear() else {
            panic!("not ready")
        };
        assert_eq!(pid, bench.pid);
        bench
    }

    fn hear(&mut self) -> FromWorker {
        let mut line = String::new();
        self.words.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    fn send(&mut self, message: &ToWorker) {
        let line = serde_json::to_string(message).unwrap();
        writeln!(self.orders, "{line}").unwrap();
    }

    fn trial(&self, spec: &TrialSpec) -> PathBuf {
        let folder = self.folder.path().join("trials");
        folder.join(spec.id(&self.digest).as_str())
    }

    fn order(&mut self, spec: &TrialSpec, folder: &Path, checkpoint: Checkpointing) {
        self.attempts += 1;
        self.send(&ToWorker::Train(Box::new(TrainRequest {
            attempt: self.attempts,
            trial: spec.id(&self.digest),
            spec: spec.clone(),
            data: self.data.clone(),
            folder: folder.to_owned(),
            checkpoint,
        })));
    }

    /// Trains to the end, in the folder of the trial, and tells what was said but for progress.
    fn finish(&mut self, spec: &TrialSpec, checkpoint: Checkpointing) -> (Story, TrialResult) {
        let folder = self.trial(spec);
        self.order(spec, &folder, checkpoint);
        let (story, end) = self.hear_out(|_| {});
        match end {
            FromWorker::Finished { result, .. } => (story, *result),
            other => panic!("{other:?} after {story:?}"),
        }
    }

    /// Hears all until the last word, and does something after each message.
    fn hear_out(&mut self, mut then: impl FnMut(&FromWorker)) -> (Story, FromWorker) {
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
    fn stop(&mut self, spec: &TrialSpec) -> Option<u32> {
        let folder = self.trial(spec);
        self.order(spec, &folder, NEVER);
        self.send(&ToWorker::Stop);
        match self.hear_out(|_| {}).1 {
            FromWorker::Interrupted { step, .. } => step,
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = self.worker.kill();
        let _ = self.worker.wait();
    }
}

/// What a worker said of an attempt before its last word.
#[derive(Debug, Default)]
struct Story {
    notes: Vec<String>,
    resumed: Option<u32>,
    steps: Vec<u32>,
    /// Steps before the checkpoint that were told once more.
    again: Vec<u32>,
    waited: usize,
}

/// A trial that takes long enough to be stopped in the middle.
fn spec(kind: Kind, seed: u64) -> TrialSpec {
    let mut model = kind.default_model();
    let (key, steps) = match kind {
        Kind::Mlp => ("epochs", 60),
        Kind::Boost => ("rounds", 200),
        Kind::Forest => ("trees", 2000),
    };
    model.set(key, &Value::Int(steps)).unwrap();
    TrialSpec::new(model, seed, Objective::default())
}

/// What must not depend on how often a trial was stopped.
fn timeless(mut result: TrialResult) -> TrialResult {
    result.seconds = 0.0;
    result.metrics.retain(|(name, _)| name != "seconds");
    result
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn models(folder: &Path) -> Vec<Vec<u8>> {
    let files = names(folder).into_iter();
    files
        .filter(|name| ["model.json", "model.safetensors"].contains(&name.as_str()))
        .map(|name| fs::read(folder.join(name)).unwrap())
        .collect()
}

/// Turns a bit in the middle of a file around.
fn damage(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// Cuts a file in half.
fn tear(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}

fn kinds() -> Vec<Kind> {
    let mut kinds = vec![Kind::Mlp, Kind::Forest];
    match sweep_engine::models::xgboost::locate() {
        Ok(_) => kinds.push(Kind::Boost),
        Err(missing) => eprintln!("without XGBoost: {missing}"),
    }
    kinds
}

#[test]
fn a_damaged_or_torn_checkpoint_is_reported_and_the_one_before_is_gone_on_with() {
    for kind in kinds() {
        for (number, spoil) in [damage, tear].into_iter().enumerate() {
            let mut bench = Bench::new();
            let spec = spec(kind, number as u64);
            let folder = bench.trial(&spec);
            let (_, expected) = bench.finish(&spec, NEVER);
            let model = models(&folder);
            fs::remove_dir_all(&folder).unwrap();

            let before = bench.stop(&spec).expect("a checkpoint");
            let step = bench.stop(&spec).expect("a checkpoint");
            assert!(before < step, "{before} {step}");
            assert_eq!(names(&folder), [BEFORE, REPORTS, LAST], "{kind:?}");
            let good = fs::read(folder.join(BEFORE)).unwrap();
            spoil(&folder.join(LAST));
            let (story, result) = bench.finish(&spec, NEVER);
            assert_eq!(story.notes.len(), 1, "{story:?}");
            let note = &story.notes[0];
            assert!(
                note.starts_with(&format!("{LAST} cannot be used: ")),
                "{note}"
            );
            assert!(note.ends_with("; the one before it is tried"), "{note}");
            assert_eq!(story.resumed, Some(before));
            assert!(story.steps[0] > before);
            // Forests report now and then, all others every step.
            assert_eq!(
                story.again.last(),
                Some(&before),
                "what came before is told again"
            );
            assert!(kind == Kind::Forest || story.again.len() == before as usize);
            assert_eq!(timeless(result), timeless(expected), "{kind:?}");
            assert_eq!(models(&folder), model, "{kind:?}");
            assert_eq!(
                fs::read(folder.join(LAST)).unwrap(),
                good,
                "it is the last one now"
            );
            assert!(!folder.join(BEFORE).exists());
        }
    }
}

#[test]
fn without_a_good_checkpoint_training_begins_from_the_start_and_says_so() {
    let mut bench = Bench::new();
    let spec = spec(Kind::Mlp, 1);
    let folder = bench.trial(&spec);
    let (_, expected) = bench.finish(&spec, NEVER);
    bench.stop(&spec);
    // One of another trial, and none at all.
    let other = TrialSpec::new(spec.model.clone(), 2, Objective::default());
    bench.stop(&other);
    fs::copy(bench.trial(&other).join(LAST), folder.join(LAST)).unwrap();
    fs::write(folder.join(BEFORE), "").unwrap();
    let (story, result) = bench.finish(&spec, ALWAYS);
    assert_eq!(story.notes.len(), 2, "{story:?}");
    assert!(story.notes[0].contains("belongs to trial"), "{story:?}");
    assert!(story.notes[1].starts_with(BEFORE), "{story:?}");
    assert!(story.notes[1].ends_with("; training begins from the start"));
    assert_eq!((story.resumed, story.steps[0]), (None, 1));
    assert_eq!(timeless(result), timeless(expected));
}

#[test]
fn going_on_starts_from_the_last_checkpoint_and_repeats_nothing() {
    for kind in kinds() {
        let mut bench = Bench::new();
        let spec = spec(kind, 5);
        let step = bench.stop(&spec).expect("a checkpoint");
        let again = bench.stop(&spec).expect("a checkpoint");
        assert!(again > step);
        let (story, result) = bench.finish(&spec, NEVER);
        assert_eq!(story.resumed, Some(again), "{kind:?}");
        assert!(
            Some(story.steps[0]) > Some(again) && story.notes.is_empty(),
            "{story:?}"
        );
        assert_eq!(story.steps.last(), Some(&result.steps));
    }
}

#[test]
fn a_checkpoint_that_is_not_worth_its_time_is_not_written_but_for_a_stop() {
    let mut bench = Bench::new();
    let spec = spec(Kind::Mlp, 1);
    let folder = bench.trial(&spec);
    let stingy = Checkpointing {
        every_ms: 1,
        cost: 1e-9,
    };
    bench.finish(&spec, stingy);
    assert!(!names(&folder).iter().any(|name| name == LAST));
    fs::remove_dir_all(&folder).unwrap();
    let step = bench.stop(&spec).expect("a checkpoint");
    assert!(step < 60, "it was stopped on the way");
    assert_eq!(names(&folder), [REPORTS, LAST]);
}

#[test]
fn what_a_killed_worker_left_half_written_is_cleared_away() {
    let mut bench = Bench::new();
    let spec = spec(Kind::Mlp, 1);
    let folder = bench.trial(&spec);
    fs::create_dir_all(&folder).unwrap();
    let mut child = Command::new("true").spawn().unwrap();
    let dead = child.id();
    child.wait().unwrap();
    fs::write(folder.join(format!("{LAST}.{dead}-0.part")), "half").unwrap();
    fs::write(
        folder.join(format!("model.safetensors.{dead}.part")),
        "half",
    )
    .unwrap();
    bench.finish(&spec, NEVER);
    assert_eq!(names(&folder), ["model.json", "model.safetensors"]);
}

#[test]
fn a_checkpoint_that_finds_no_room_is_noted_once_and_costs_no_trial() {
    let mut bench = Bench::new();
    let spec = spec(Kind::Mlp, 1);
    let folder = bench.trial(&spec);
    fs::create_dir_all(&folder).unwrap();
    // Where checkpoints are written first, there is no room.
    for count in 0..100 {
        let part = folder.join(format!("{LAST}.{}-{count}.part", bench.pid));
        std::os::unix::fs::symlink("/dev/full", part).unwrap();
    }
    bench.order(&spec, &folder, ALWAYS);
    bench.send(&ToWorker::Stop);
    let (story, end) = bench.hear_out(|_| {});
    let (attempt, step) = (bench.attempts, None);
    assert_eq!(end, FromWorker::Interrupted { attempt, step });
    assert_eq!(story.notes.len(), 1, "{story:?}");
    assert!(story.notes[0].contains("No space left"), "{story:?}");
    assert!(story.notes[0].contains("training goes on"), "{story:?}");
    let (story, result) = bench.finish(&spec, ALWAYS);
    assert!(story.notes.len() <= 1, "{story:?}");
    assert_eq!(result.steps, 60);
}

#[test]
fn a_model_that_finds_no_room_is_held_back_and_written_once_there_is_some() {
    for kind in kinds() {
        let mut bench = Bench::new();
        let spec = spec(kind, 1);
        let folder = bench.trial(&spec);
        let (_, expected) = bench.finish(&spec, NEVER);
        let model = models(&folder);
        no_room_once(&folder, bench.pid);
        let (story, result) = bench.finish(&spec, NEVER);
        assert_eq!(timeless(result), timeless(expected), "{kind:?}");
        assert_eq!(models(&folder), model, "{kind:?}");
        assert!(story.waited >= 1, "{story:?}");
        assert!(story.notes[0].contains("No space left"), "{story:?}");
        assert!(story.notes[0].contains("kept in memory"), "{story:?}");
        assert!(story.notes[1].contains("room again"), "{story:?}");
    }
}

#[test]
fn a_stop_is_answered_while_a_model_is_held_back() {
    let mut bench = Bench::new();
    let spec = spec(Kind::Mlp, 1);
    let folder = bench.trial(&spec);
    fs::create_dir_all(&folder).unwrap();
    // On a busy machine the stop may come too late, when there is room again.
    let interrupted = (0..20).any(|_| {
        no_room_once(&folder, bench.pid);
        bench.order(&spec, &folder, NEVER);
        while !matches!(bench.hear(), FromWorker::Warning { .. }) {}
        bench.send(&ToWorker::Stop);
        let (_, end) = bench.hear_out(|_| {});
        let (attempt, step) = (bench.attempts, None);
        end == FromWorker::Interrupted { attempt, step }
    });
    assert!(interrupted);
    // The worker is as good as new.
    let (_, result) = bench.finish(&spec, NEVER);
    assert_eq!(result.steps, 60);
}

/// The next time that a worker writes a model file in `folder`, there is no room.
fn no_room_once(folder: &Path, pid: u32) {
    for name in ["model.safetensors", "model.json"] {
        let part = folder.join(format!("{name}.{pid}.part"));
        // One that no model was written by stands there still.
        let _ = fs::remove_file(&part);
        std::os::unix::fs::symlink("/dev/full", part).unwrap();
    }
}

#[test]
fn a_folder_that_is_removed_while_its_trial_trains_is_made_again() {
    let mut bench = Bench::new();
    let spec = spec(Kind::Forest, 1);
    let folder = bench.trial(&spec);
    bench.order(&spec, &folder, NEVER);
    let mut gone = false;
    let (story, end) = bench.hear_out(|said| {
        if matches!(said, FromWorker::Progress { .. }) && !gone {
            gone = true;
            fs::remove_dir_all(&folder).unwrap();
        }
    });
    assert!(matches!(end, FromWorker::Finished { .. }), "{end:?}");
    assert_eq!(story.notes.len(), 1, "{story:?}");
    assert!(story.notes[0].contains("had been removed"), "{story:?}");
    assert_eq!(models(&folder).len(), 2);
}

#[test]
fn a_folder_that_cannot_be_written_is_refused_before_training_with_its_path() {
    let mut bench = Bench::new();
    let spec = spec(Kind::Mlp, 1);
    let blocker = bench.folder.path().join("file");
    fs::write(&blocker, "").unwrap();
    let folder = blocker.join("trial");
    bench.order(&spec, &folder, NEVER);
    let (story, end) = bench.hear_out(|_| {});
    let FromWorker::Rejected { message, .. } = end else {
        panic!("{end:?}")
    };
    let expected = format!("cannot write in {}: ", folder.display());
    assert!(message.starts_with(&expected), "{message}");
    assert!(
        story.steps.is_empty() && story.notes.is_empty(),
        "{story:?}"
    );
    let (_, result) = bench.finish(&spec, NEVER);
    assert_eq!(result.steps, 60, "the worker goes on");
}

#[test]
fn a_file_system_that_is_read_only_is_refused_before_training() {
    let mut bench = Bench::new();
    let mount = bench.folder.path().join("mount");
    fs::create_dir(&mount).unwrap();
    let run = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).arg(&mount).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if !run("mount", &["-t", "tmpfs", "-o", "ro", "tmpfs"]) {
        eprintln!("SKIPPED: file systems cannot be mounted here");
        return;
    }
    let spec = spec(Kind::Mlp, 1);
    bench.order(&spec, &mount.join("trial"), NEVER);
    let (_, end) = bench.hear_out(|_| {});
    assert!(run("umount", &[]));
    let FromWorker::Rejected { message, .. } = end else {
        panic!("{end:?}")
    };
    assert!(message.contains("Read-only file system"), "{message}");
}

#[test]
fn a_disk_that_is_full_from_the_start_holds_a_trial_back_until_there_is_room() {
    let mut bench = Bench::new();
    let mount = bench.folder.path().join("mount");
    fs::create_dir(&mount).unwrap();
    let mut mounting = Command::new("mount");
    // No room for another file: the root folder and the one that fills it.
    mounting
        .args(["-t", "tmpfs", "-o", "nr_inodes=2", "tmpfs"])
        .arg(&mount);
    if !mounting
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
    {
        eprintln!("SKIPPED: file systems cannot be mounted here");
        return;
    }
    fs::write(mount.join("filler"), "").unwrap();
    let spec = spec(Kind::Mlp, 1);
    bench.order(&spec, &mount.join("trial"), NEVER);
    let remount = mount.clone();
    let (story, end) = bench.hear_out(move |said| {
        if matches!(said, FromWorker::Warning { message, .. } if message.contains("No space left"))
        {
            let more = ["-o", "remount,nr_inodes=100"];
            let mut command = Command::new("mount");
            assert!(command.args(more).arg(&remount).status().unwrap().success());
        }
    });
    let models = models(&mount.join("trial")).len();
    assert!(
        Command::new("umount")
            .arg(&mount)
            .status()
            .unwrap()
            .success()
    );
    assert!(matches!(end, FromWorker::Finished { .. }), "{end:?}");
    assert_eq!(models, 2);
    assert!(story.waited >= 1 && story.notes.len() == 2, "{story:?}");
}

#[test]
fn an_order_that_cannot_be_read_ends_the_worker() {
    let mut bench = Bench::new();
    bench.orders.write_all(b"\xff\xfe{\n").unwrap();
    assert_eq!(bench.worker.wait().unwrap().code(), Some(2));
}
