//! Sweeps on the torch engine through the real programs, and handed from one engine to the other.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

#[path = "common/mod.rs"]
mod common;

use crate::common::{TIMEOUT, TestDir};

const EXPERIMENT: &str = "\
[experiment]
seeds = [1, 2]
[data]
path = \"demo.csv\"
target = \"playlist_genre\"
group = \"track_id\"
missing = \"drop\"
[model]
layers = [24]
epochs = 6
batch_size = 32
embedding = \"none\"
optimizer = \"adam\"
lr_schedule = \"constant\"
[grid]
lr = [0.001, 0.01]
dropout = [0.0, 0.3]
batch_norm = [true, false]
[[baseline]]
kind = \"random_forest\"
trees = 5
[schedule]
slots = { cpu = 2 }
checkpoint = { every = \"1ms\", cost = 1.0 }
";

fn test_dir(experiment: &str) -> TestDir {
    let mut place = TestDir::with_data(900);
    place.set("SWEEP_TORCH_WORKER", env!("CARGO_BIN_EXE_sweep-torch"));
    place.write("small.toml", experiment);
    place
}

fn rows<T>(dir: &TestDir, query: &str, read: impl Fn(&rusqlite::Row<'_>) -> T) -> Vec<T> {
    let connection = dir.database();
    let mut query = connection.prepare(query).unwrap();
    let rows = query.query_map([], |row| Ok(read(row))).unwrap();
    rows.map(Result::unwrap).collect()
}

/// The best objective of every trial, by trial.
fn objectives(dir: &TestDir) -> Vec<(String, f64)> {
    let query = "SELECT name, best FROM trials WHERE status = 'finished' ORDER BY name";
    rows(dir, query, |row| (row.get(0).unwrap(), row.get(1).unwrap()))
}

/// Engines of attempts that came to their end.
fn engines(dir: &TestDir) -> Vec<String> {
    rows(
        dir,
        "SELECT DISTINCT engine FROM attempts ORDER BY engine",
        |row| row.get(0).unwrap(),
    )
}

#[test]
fn a_sweep_on_torch_gives_the_trials_of_a_sweep_on_the_native_engine() {
    let (ours, theirs) = (test_dir(EXPERIMENT), test_dir(EXPERIMENT));
    ours.succeed(&["run", "small.toml", "--engine", "torch", "--quiet"]);
    theirs.succeed(&["run", "small.toml", "--quiet"]);
    assert_eq!(engines(&ours), ["torch"]);
    // Lanes of a group are attempts on one slot at one time.
    let overlapping = "SELECT count(*) FROM attempts AS one JOIN attempts AS other
        ON one.slot = other.slot AND one.number < other.number AND other.started_ms < one.ended_ms";
    let counts: Vec<i64> = rows(&ours, overlapping, |row| row.get(0).unwrap());
    assert!(counts[0] > 0, "trials that are alike were trained together");
    assert_eq!(engines(&theirs), ["native"]);
    let (ours, theirs) = (objectives(&ours), objectives(&theirs));
    assert_eq!(ours.len(), 18);
    for ((trial, ours), (other, theirs)) in ours.iter().zip(&theirs) {
        assert_eq!(trial, other, "the engine is not part of a trial's name");
        assert!(
            (ours - theirs).abs() < 0.02,
            "{trial}: {ours} against {theirs}"
        );
    }
}

#[test]
fn a_sweep_stopped_on_one_engine_goes_on_with_the_other() {
    let long = EXPERIMENT.replace("epochs = 6", "epochs = 60");
    let dir = test_dir(&long);
    let mut child = dir
        .command(&["run", "small.toml", "--engine", "torch", "--quiet"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begin = Instant::now();
    while dir.count("SELECT count(*) FROM metrics") < 200 {
        assert!(begin.elapsed() < TIMEOUT, "nothing was recorded");
        sleep(Duration::from_millis(10));
    }
    // SAFETY: kill takes plain numbers, and the process is a child that was not waited for.
    assert_eq!(unsafe { libc::kill(child.id() as i32, libc::SIGINT) }, 0);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    dir.succeed(&["resume", "small", "--engine", "native", "--quiet"]);
    assert_eq!(objectives(&dir).len(), 18);
    let handed_over =
        "SELECT count(*) FROM attempts AS one JOIN attempts AS other ON one.trial = other.trial
        WHERE one.engine = 'torch' AND other.engine = 'native' AND other.resumed_from > 0";
    let counts: Vec<i64> = rows(&dir, handed_over, |row| row.get(0).unwrap());
    assert!(
        counts[0] > 0,
        "a trial resumed from the other engine's checkpoint"
    );
}

#[test]
fn the_doctor_says_what_the_worker_can_train_on() {
    let dir = test_dir(EXPERIMENT);
    let said = dir.succeed(&["doctor"]);
    let line = said
        .lines()
        .find(|line| line[2..].trim_start().starts_with("torch"));
    let line = line.unwrap();
    assert!(line.starts_with("ok") && line.contains("CPUs"), "{line}");
}

#[test]
fn a_gpu_that_libtorch_cannot_use_is_not_replaced_by_a_cpu() {
    // Without a GPU there is none to be found, and where there is one it is hidden.
    let output = Command::new(env!("CARGO_BIN_EXE_sweep-torch"))
        .args(["worker", "cuda"])
        .env("CUDA_VISIBLE_DEVICES", "")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("GPU"), "{said}");
}

/// Pretends that this machine has a GPU: what lists GPUs says so, and its worker is one that trains on a CPU and
/// leaves word of how it was started.
fn with_a_gpu(dir: &TestDir) -> PathBuf {
    let folder = dir.path("bin");
    std::fs::create_dir(&folder).unwrap();
    let worker = env!("CARGO_BIN_EXE_sweep-torch");
    let started = dir.path("started");
    let started = started.display();
    for (name, script) in [
        (
            "nvidia-smi",
            "echo '0, Card of tests, 16000, 12000'".to_owned(),
        ),
        (
            "worker",
            format!(
                "echo $2 $CUDA_VISIBLE_DEVICES $CUDA_DEVICE_ORDER ${{TORCH_ALLOW_TF32_CUBLAS_OVERRIDE:-exact}} \
                 $PYTORCH_CUDA_ALLOC_CONF >> {started}\n\
                 exec {worker} worker cpu"
            ),
        ),
    ] {
        use std::os::unix::fs::PermissionsExt as _;
        let path = folder.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

#[test]
fn workers_share_a_gpu_and_are_told_how_to_use_it() {
    let experiment = EXPERIMENT.replace(
        "slots = { cpu = 2 }",
        "slots = { cpu = 1, cuda = [0] }\ngpu_shares = 3\ntf32 = true",
    );
    let dir = test_dir(&experiment);
    let folder = with_a_gpu(&dir);
    let path = std::env::var("PATH").unwrap();
    let output = dir
        .command(&["run", "small.toml", "--quiet"])
        .env("PATH", format!("{}:{path}", folder.display()))
        .env("SWEEP_TORCH_WORKER", folder.join("worker"))
        .env_remove("CUDA_VISIBLE_DEVICES")
        .env_remove("TORCH_ALLOW_TF32_CUBLAS_OVERRIDE")
        .env_remove("PYTORCH_CUDA_ALLOC_CONF")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert_eq!(objectives(&dir).len(), 18);
    let query = "SELECT DISTINCT slot FROM attempts WHERE engine = 'torch' ORDER BY slot";
    let slots: Vec<String> = rows(&dir, query, |row| row.get(0).unwrap());
    assert!(
        slots.iter().all(|slot| slot.starts_with("cuda:0.")),
        "{slots:?}"
    );
    let started = std::fs::read_to_string(dir.path("started")).unwrap();
    let started: Vec<&str> = started.lines().collect();
    let wanted = "cuda 0 PCI_BUS_ID 1 per_process_memory_fraction:0.317";
    assert_eq!(started, [wanted; 3]);
}
