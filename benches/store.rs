//! What the database costs: metric rows a second through the observer, and how long a result takes to
//! be durable. `cargo bench --bench store [throughput|latency|reading]`; writes to the system's temporary folder.

use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use sweep_core::event::{AttemptNo, Event, Observer, Slot};
use sweep_core::trial::{
    ConfigId, DataDigest, Kind, ModelSpec, Objective, TrialId, TrialResult, TrialSpec, Value,
};
use sweep_store::{
    DatasetRecord, Durability, NewSession, NewTrial, Outcome, SessionId, Store, TrialFiles,
};

/// Rows written by each measurement of throughput.
const ROWS: usize = 1_000_000;
/// Metrics of one epoch.
const METRICS: [&str; 8] = [
    "train/loss",
    "train/accuracy",
    "valid/loss",
    "valid/accuracy",
    "valid/macro_f1",
    "lr",
    "grad_norm",
    "seconds",
];
const EPOCHS: usize = 100;
/// Trials that report in turn, as workers do.
const WORKERS: usize = 8;
/// Results whose latency is measured.
const RESULTS: usize = 200;
/// Interleaved rounds, of which the median is shown.
const ROUNDS: usize = 3;

fn main() {
    // A word picks one part; cargo itself passes `--bench`.
    let picked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    for (name, part) in [
        ("throughput", throughputs as fn()),
        ("latency", latencies),
        ("reading", reading),
    ] {
        if picked.is_empty() || picked.iter().any(|word| word == name) {
            part();
        }
    }
}

fn throughputs() {
    let mut power = Vec::new();
    let mut process = Vec::new();
    for _ in 0..ROUNDS {
        power.push(throughput(Durability::Power));
        process.push(throughput(Durability::Process));
    }
    println!(
        "metric rows/s, synchronous=FULL:   {:>9.0}",
        median(&mut power)
    );
    println!(
        "metric rows/s, synchronous=NORMAL: {:>9.0}",
        median(&mut process)
    );
}

fn latencies() {
    let mut latencies = latency();
    let mid = median(&mut latencies);
    let worst = latencies.last().copied().unwrap_or_default();
    println!("a result is durable after: median {mid:.2} ms, worst {worst:.2} ms");
}

/// Rows a second from the first event to the end of [`sweep_store::Writer::finish`].
fn throughput(durability: Durability) -> f64 {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let trials = plan(ROWS / METRICS.len() / EPOCHS);
    let mut store = Store::open(&folder.path().join("sweeps.db")).expect("a new record");
    let session = begin(&mut store, &trials);
    let mut writer = store
        .writer_with(session, durability, None)
        .expect("a writer");
    let start = Instant::now();
    for (batch, group) in trials.chunks(WORKERS).enumerate() {
        let attempt = |place: usize| (batch * WORKERS + place + 1) as u64;
        for (place, (trial, ..)) in group.iter().enumerate() {
            writer
                .observe(&started(trial, attempt(place)))
                .expect("written");
        }
        for step in 1..=EPOCHS as u32 {
            for (place, (trial, ..)) in group.iter().enumerate() {
                let event = progressed(trial, attempt(place), step);
                writer.observe(&event).expect("written");
            }
        }
    }
    writer.finish(Outcome::Finished).expect("written");
    let rows = trials.len() * EPOCHS * METRICS.len();
    rows as f64 / start.elapsed().as_secs_f64()
}

/// Milliseconds from a result's event to its being durable, asked for at once; sorted.
fn latency() -> Vec<f64> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let trials = plan(RESULTS);
    let mut store = Store::open(&folder.path().join("sweeps.db")).expect("a new record");
    let session = begin(&mut store, &trials);
    let (sender, receiver) = mpsc::channel();
    let tell = Box::new(move |_: &TrialId| sender.send(Instant::now()).expect("a listener"));
    let mut writer = store
        .writer(
            session,
            Some(TrialFiles {
                folder: folder.path().to_owned(),
                after_commit: tell,
            }),
        )
        .expect("a writer");
    let mut latencies = Vec::new();
    for (attempt, (trial, ..)) in (1..).zip(&trials) {
        writer.observe(&started(trial, attempt)).expect("written");
        writer
            .observe(&progressed(trial, attempt, 1))
            .expect("written");
        writer.idle().expect("written");
        let start = Instant::now();
        writer.observe(&finished(trial, attempt)).expect("written");
        writer.idle().expect("written");
        let durable = receiver.recv().expect("a result");
        latencies.push(milliseconds(durable - start));
    }
    writer.finish(Outcome::Finished).expect("written");
    latencies
}

/// How long the questions of a report take on 5,000 trials of 20 epochs.
fn reading() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let trials = plan(5_000);
    let mut store = Store::open(&folder.path().join("sweeps.db")).expect("a new record");
    let start = Instant::now();
    let session = begin(&mut store, &trials);
    println!(
        "begin, 5,000 new trials: {:.0} ms",
        milliseconds(start.elapsed())
    );
    let mut writer = store.writer(session, None).expect("a writer");
    for (attempt, (trial, ..)) in (1..).zip(&trials) {
        writer.observe(&started(trial, attempt)).expect("written");
        for step in 1..=20 {
            writer
                .observe(&progressed(trial, attempt, step))
                .expect("written");
        }
        writer.observe(&finished(trial, attempt)).expect("written");
    }
    writer.finish(Outcome::Finished).expect("written");
    let timed = |what: &str, work: &dyn Fn()| {
        let start = Instant::now();
        work();
        println!("{what}: {:.2} ms", milliseconds(start.elapsed()));
    };
    timed("experiments()", &|| {
        drop(store.experiments().expect("read"))
    });
    timed("experiment(), 5,000 trials", &|| {
        drop(store.experiment("bench").expect("read"));
    });
    timed("curves() of 100 trials", &|| {
        for (trial, ..) in &trials[..100] {
            drop(store.curves(trial).expect("read"));
        }
    });
    timed("attempts() of 100 trials", &|| {
        for (trial, ..) in &trials[..100] {
            drop(store.attempts(trial).expect("read"));
        }
    });
}

fn plan(count: usize) -> Vec<(TrialId, ConfigId, TrialSpec)> {
    let digest = DataDigest::from_hex("d".repeat(64));
    (0..count)
        .map(|place| {
            let mut model = ModelSpec::new(Kind::MLP);
            let rate = Value::Float(1.0 / (place + 1) as f64);
            model.set("lr", &rate).expect("a learning rate");
            let spec = TrialSpec::new(model, 1, Objective::default());
            (spec.id(&digest), spec.config_id(&digest), spec)
        })
        .collect()
}

fn begin(store: &mut Store, plan: &[(TrialId, ConfigId, TrialSpec)]) -> SessionId {
    let trials: Vec<_> = plan
        .iter()
        .map(|(id, config, spec)| NewTrial {
            id,
            config,
            spec,
            fold: None,
        })
        .collect();
    let dataset = DatasetRecord {
        digest: DataDigest::from_hex("d".repeat(64)),
        source: "data/songs.csv".into(),
        source_sha256: "5".repeat(64),
        features: (0..12).map(|place| format!("feature {place}")).collect(),
        classes: (0..6).map(|place| format!("class {place}")).collect(),
        train_rows: 20_000,
        valid_rows: 6_000,
        test_rows: 6_000,
        notes: Vec::new(),
    };
    store
        .begin(&NewSession {
            experiment: "bench",
            file_path: Path::new("bench.toml"),
            file_text: "",
            flags: &[],
            edition: sweep_core::data_config::Edition::default(),
            objective: &Objective::default(),
            datasets: std::slice::from_ref(&dataset),
            command: "bench",
            host: "here",
            pid: std::process::id(),
            version: "0",
            git_commit: None,
            environment: &[],
            trials: &trials,
            holds_lock: true,
        })
        .expect("a session")
}

fn started(trial: &TrialId, attempt: u64) -> Event {
    Event::TrialStarted {
        trial: trial.clone(),
        attempt: AttemptNo(attempt),
        slot: Slot("cpu:0".to_owned()),
        engine: "native".to_owned(),
        pid: 1,
    }
}

fn progressed(trial: &TrialId, attempt: u64, step: u32) -> Event {
    let value = 1.0 / (f64::from(step) + attempt as f64);
    Event::TrialProgressed {
        trial: trial.clone(),
        attempt: AttemptNo(attempt),
        step,
        values: METRICS
            .iter()
            .map(|name| ((*name).to_owned(), value))
            .collect(),
    }
}

fn finished(trial: &TrialId, attempt: u64) -> Event {
    Event::TrialFinished {
        trial: trial.clone(),
        attempt: AttemptNo(attempt),
        result: Box::new(TrialResult {
            best: Some(0.5),
            best_step: 1,
            steps: 1,
            metrics: METRICS
                .iter()
                .map(|name| ((*name).to_owned(), 0.5))
                .collect(),
            confusion: vec![vec![166; 6]; 6],
            importance: (0..12)
                .map(|place| (format!("feature {place}"), 0.1))
                .collect(),
            ..TrialResult::default()
        }),
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
