//! Experiment files, flags, tables and lines of the worker protocol.

use std::fs;
use std::path::Path;

use sweep_core::data_config::Edition;
use sweep_core::event::{AttemptNo, Event, Observer, Slot};
use sweep_core::protocol::{Checkpointing, FromWorker, ToWorker, TrainRequest};
use sweep_core::trial::{Artifact, DataDigest, Kind, ModelSpec, Objective, TrialResult, TrialSpec};
use sweep_data::{Dataset, HeldOutTest, SavedPreprocessor, View, prepare};
use sweep_experiment::{Source, parse};
use sweep_store::{DatasetRecord, Durability, NewSession, NewTrial, Outcome, Store};

use super::bound::cases;
use super::mangle::{self, Rng};

pub const TOML: &str = r#"[experiment]
name = "fuzz"
seeds = [1, 2]
objective = "valid/accuracy"

[data]
path = "songs.csv"
target = "class"
group = "id"
exclude = { class = ["none"] }
numeric = ["a", "b"]
year = ["date"]
categorical = ["key"]
missing = { key = "mode" }
text = { columns = ["title"], encoder = "tfidf", dims = 2 }
split = { valid = 0.2, test = 0.2, stratify = true, seed = 42 }

[model]
epochs = 2
batch_size = 8
embedding = { kind = "ple", bins = 4 }
early_stopping = { patience = 5 }

[grid]
layers = [[8], [4, 4]]
lr = { log = [1e-4, 1e-2], steps = 3 }
dropout = [0.0, 0.5]

[[baseline]]
kind = "random_forest"
grid = { trees = [3], max_depth = [4] }

[schedule]
slots = { cpu = 2 }
trial_timeout = "30m"
retries = 2
"#;

/// A table with a column of each kind, holes and repeats.
pub fn csv() -> String {
    let mut rng = Rng(7);
    let mut text = "id,class,a,b,date,key,title\n".to_owned();
    for row in 0..120 {
        let class = ["red", "blue", "green"][row % 3];
        let a = row as f64 * 0.25 + (row % 3) as f64 + rng.below(9) as f64;
        let key = ["C", "D", "NA", "E"][rng.below(4)];
        let title = ["la la", "love song", "\"the, end\"", "song of the sea"][rng.below(4)];
        let day = 1 + row % 28;
        text.push_str(&format!(
            "{},{class},{a},{},2001-02-{day:02},{key},{title}\n",
            row / 2,
            rng.below(100)
        ));
    }
    text
}

#[test]
fn mangled_experiment_files_and_flags_are_read_or_refused() {
    let flags = [
        "model.epochs=5",
        "grid.lr=[0.1, 0.2]",
        "data.split={ valid = 0.1, test = 0.1 }",
        "experiment.name=x",
        "schedule.slots=\"auto\"",
    ];
    let (run, taken) = cases("experiment files", 400, |seed| {
        let mut rng = Rng(seed);
        let (mut text, mut flag) = (TOML.as_bytes().to_vec(), rng.pick(&flags).to_string());
        match rng.below(2) {
            0 => text = mangle::bytes(&text, &mut rng),
            _ => {
                let spoiled = mangle::bytes(flag.as_bytes(), &mut rng);
                flag = String::from_utf8_lossy(&spoiled).into_owned();
            }
        }
        let Ok(source) = Source::from_bytes(Path::new("fuzz.toml"), text) else {
            return false;
        };
        parse(&source, &[flag], Edition::default()).is_ok()
    });
    assert!(taken > 0 && taken < run, "{taken} of {run} were taken");
}

#[test]
fn mangled_tables_are_prepared_and_described_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("songs.csv");
    let source = Source::from_bytes(Path::new("fuzz.toml"), TOML.as_bytes().to_vec()).unwrap();
    let mut spec = parse(&source, &[], Edition::default())
        .expect("a sound experiment")
        .data;
    spec.paths = vec![path.clone()];
    let sound = csv();
    let (run, taken) = cases("tables", 50, |seed| {
        let mut rng = Rng(seed);
        let spoiled = match rng.below(10) {
            0 => sound.as_bytes().to_vec(),
            _ => mangle::bytes(sound.as_bytes(), &mut rng),
        };
        fs::write(&path, spoiled).unwrap();
        if let Ok(view) = View::of(&spec) {
            sweep_describe::describe(&view);
        }
        if let Ok(view) = View::open(&spec.paths, &spec.format, Some("class"), None) {
            sweep_describe::describe(&view);
        }
        let Ok(prepared) = prepare(&spec, folder.path()) else {
            return false;
        };
        let data = Dataset::open(&prepared.path).expect("what was prepared is sound");
        let test = HeldOutTest::open(&prepared.test_path).expect("what was prepared is sound");
        SavedPreprocessor::read(&prepared.preprocessor_path).expect("what was prepared is sound");
        assert!(data.train().x.iter().all(|x| x.is_finite()));
        assert!(test.rows().x.iter().all(|x| x.is_finite()));
        true
    });
    assert!(taken > 0 && taken < run, "{taken} of {run} were prepared");
}

fn result() -> TrialResult {
    TrialResult {
        best: Some(0.5),
        best_step: 2,
        last: Some(0.5),
        steps: 2,
        parameters: 10,
        seconds: 1.5,
        metrics: vec![
            ("valid/accuracy".to_owned(), 0.5),
            ("valid/loss".to_owned(), 1.0),
        ],
        confusion: vec![vec![3, 1], vec![0, 4]],
        importance: vec![("a".to_owned(), 0.75), ("b".to_owned(), 0.25)],
        artifacts: vec![Artifact {
            kind: "weights".to_owned(),
            path: "model.safetensors".into(),
            bytes: 12,
        }],
        diverged: None,
    }
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "a table of cases and what is made of each"
)]
fn mangled_lines_of_workers_are_understood_or_refused_and_the_database_stands() {
    let spec = TrialSpec::new(ModelSpec::new(Kind::MLP), 1, Objective::default());
    let digest = DataDigest::from_hex("d".repeat(64));
    let (trial, config) = (spec.id(&digest), spec.config_id(&digest));
    let order = ToWorker::Train(Box::new(TrainRequest {
        attempt: 1,
        trial: trial.clone(),
        spec: spec.clone(),
        data: "data".into(),
        folder: "folder".into(),
        checkpoint: Checkpointing {
            every_ms: 5000,
            cost: 0.02,
        },
        pause_at: Some(3),
        program: None,
    }));
    let order = serde_json::to_string(&order).unwrap();
    let said = [
        FromWorker::Ready {
            protocol: 3,
            engine: "native".to_owned(),
            pid: 7,
            capacity: 0,
        },
        FromWorker::Resumed {
            attempt: 1,
            step: 4,
        },
        FromWorker::Progress {
            attempt: 1,
            step: 2,
            values: vec![("valid/loss".to_owned(), f64::NAN), ("lr".to_owned(), 0.1)],
        },
        FromWorker::Finished {
            attempt: 1,
            result: Box::new(result()),
        },
        FromWorker::Warning {
            attempt: 1,
            message: "a note".to_owned(),
        },
        FromWorker::Rejected {
            attempt: 1,
            message: "no".to_owned(),
        },
    ]
    .map(|message| serde_json::to_string(&message).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sweep.sqlite");
    let mut store = Store::open(&path).unwrap();
    let dataset = DatasetRecord {
        digest,
        source: "songs.csv".into(),
        source_sha256: "5".repeat(64),
        features: vec!["a".to_owned(), "b".to_owned()],
        classes: vec!["x".to_owned(), "y".to_owned()],
        train_rows: 6,
        valid_rows: 8,
        test_rows: 0,
        notes: Vec::new(),
    };
    let trials = [NewTrial {
        id: &trial,
        config: &config,
        spec: &spec,
        fold: None,
    }];
    let (run, taken) = cases("protocol", 300, |seed| {
        let mut rng = Rng(seed);
        let _ = serde_json::from_slice::<ToWorker>(&mangle::json_text(order.as_bytes(), &mut rng));
        let line = mangle::json_text(rng.pick(&said).as_bytes(), &mut rng);
        let Ok(message) = serde_json::from_slice::<FromWorker>(&line) else {
            return false;
        };
        let attempt = AttemptNo(1);
        let event = match message {
            FromWorker::Progress { step, values, .. } => Event::TrialProgressed {
                trial: trial.clone(),
                attempt,
                step,
                values,
            },
            FromWorker::Finished { result, .. } => Event::TrialFinished {
                trial: trial.clone(),
                attempt,
                result,
            },
            FromWorker::Warning { message, .. } => Event::TrialWarning {
                trial: trial.clone(),
                attempt,
                message,
            },
            _ => return true,
        };
        let begin = NewSession {
            experiment: "fuzz",
            file_path: Path::new("fuzz.toml"),
            file_text: "",
            flags: &[],
            edition: Edition::default(),
            objective: &Objective::default(),
            datasets: std::slice::from_ref(&dataset),
            command: "sweep run fuzz.toml",
            host: "here",
            pid: 1,
            version: "0.1.0",
            git_commit: None,
            environment: &[],
            trials: &trials,
            holds_lock: true,
        };
        let session = store.begin(&begin).unwrap();
        let mut writer = store
            .writer_with(session, Durability::Process, None)
            .unwrap();
        let start = Event::TrialStarted {
            trial: trial.clone(),
            attempt,
            slot: Slot("cpu:0".to_owned()),
            engine: "native".to_owned(),
            pid: 7,
        };
        let written = (writer.observe(&start))
            .and_then(|()| writer.observe(&event))
            .and_then(|()| writer.finish(Outcome::Finished));
        let said = written
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(!said.contains("ended without a word"), "{said}");
        super::database::probe(&path, rng.below(32) == 0);
        true
    });
    assert!(taken > 0 && taken < run, "{taken} of {run} were understood");
}
