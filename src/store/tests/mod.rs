//! A database in a folder of its own, a small plan, and the events of its trials.

mod agents;
mod annotations;
mod blocking;
mod durability;
mod ensembles;
mod extra_seeds;
mod finished_again;
mod half_written;
mod opening;
mod reading;
mod removing;
mod rename;
mod searches;
mod sharing;
mod test_evaluations;
mod versions;
mod writing;

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{DatasetRecord, NewSession, Outcome, SessionId, Store, TrialFiles, Writer};
use sweep_core::event::{AttemptNo, Event, Observer, Slot};
use sweep_core::trial::{
    Artifact, ConfigId, DataDigest, Kind, Metric, ModelSpec, Objective, TrialId, TrialResult,
    TrialSpec, Value,
};

/// A folder with a new database in it.
struct TestStore {
    folder: tempfile::TempDir,
    store: Store,
}

impl TestStore {
    fn new() -> TestStore {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("runs/sweeps.db")).unwrap();
        TestStore { folder, store }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("runs/sweeps.db")
    }

    /// Begins a session of `experiment` while holding its lock.
    fn begin(&mut self, experiment: &str, plan: &[NewTrial]) -> SessionId {
        begin(&mut self.store, experiment, plan, true)
    }

    fn writer(&self, session: SessionId) -> Writer {
        self.store.writer(session, None).unwrap()
    }

    /// A writer that flushes the files of trials and calls `after_commit`.
    fn keeping_files(
        &self,
        session: SessionId,
        after_commit: Box<dyn FnMut(&TrialId) + Send>,
    ) -> Writer {
        let folder = self.trials();
        let files = TrialFiles {
            folder,
            after_commit,
        };
        self.store.writer(session, Some(files)).unwrap()
    }

    fn trials(&self) -> PathBuf {
        self.folder.path().join("runs/trials")
    }

    /// The file that [`result`] speaks of.
    fn leave_model(&self, trial: &TrialId) {
        let folder = self.trials().join(trial.as_str());
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("model.safetensors"), [0; 4_096]).unwrap();
    }
}

type NewTrial = (TrialId, ConfigId, TrialSpec);

fn begin(store: &mut Store, experiment: &str, plan: &[NewTrial], holds_lock: bool) -> SessionId {
    let trials: Vec<_> = plan
        .iter()
        .map(|(id, config, spec)| crate::NewTrial {
            id,
            config,
            spec,
            fold: None,
        })
        .collect();
    store
        .begin(&NewSession {
            experiment,
            file_path: Path::new("experiments/songs.toml"),
            file_text: "[experiment]\n",
            flags: &[],
            // As in databases of before editions.
            edition: sweep_core::data_config::Edition::First,
            objective: &Objective::default(),
            datasets: &[dataset()],
            command: "sweep run experiments/songs.toml",
            host: "box",
            pid: 4_242,
            version: "0.1.0",
            git_commit: Some("abc123"),
            environment: &[
                ("memory".to_owned(), "16 GB".to_owned()),
                ("cpu".to_owned(), "a \"fast\" one".to_owned()),
            ],
            trials: &trials,
            holds_lock,
        })
        .unwrap()
}

fn dataset() -> DatasetRecord {
    DatasetRecord {
        digest: DataDigest::from_hex("d".repeat(64)),
        source: PathBuf::from("data/songs.csv"),
        source_sha256: "5".repeat(64),
        features: vec!["energy".to_owned(), "tempo".to_owned()],
        classes: vec!["pop".to_owned(), "rap".to_owned(), "rock".to_owned()],
        train_rows: 60,
        valid_rows: 20,
        test_rows: 20,
        notes: vec!["3 rows without `tempo` were left out".to_owned()],
    }
}

/// One configuration for each of `rates`, with two seeds each.
fn plan(rates: &[f64]) -> Vec<NewTrial> {
    let mut plan = Vec::new();
    for rate in rates {
        for seed in [1, 2] {
            let mut model = ModelSpec::new(Kind::MLP);
            model.set("lr", &Value::Float(*rate)).unwrap();
            let spec = TrialSpec::new(model, seed, Objective::default());
            let digest = dataset().digest;
            plan.push((spec.id(&digest), spec.config_id(&digest), spec));
        }
    }
    plan
}

fn started(trial: &TrialId, attempt: u64) -> Event {
    Event::TrialStarted {
        trial: trial.clone(),
        attempt: AttemptNo(attempt),
        slot: Slot("cpu:0".to_owned()),
        engine: "native".to_owned(),
        pid: 77,
    }
}

fn progressed(trial: &TrialId, attempt: u64, step: u32, values: &[(&str, f64)]) -> Event {
    Event::TrialProgressed {
        trial: trial.clone(),
        attempt: AttemptNo(attempt),
        step,
        values: metrics(values),
    }
}

fn finished(trial: &TrialId, attempt: u64, result: TrialResult) -> Event {
    Event::TrialFinished {
        trial: trial.clone(),
        attempt: AttemptNo(attempt),
        result: Box::new(result),
    }
}

fn metrics(values: &[(&str, f64)]) -> Vec<(Metric, f64)> {
    values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), *value))
        .collect()
}

/// A result after two epochs, the second the better one.
fn result(best: f64) -> TrialResult {
    TrialResult {
        diverged: None,
        best: Some(best),
        best_step: 2,
        last: Some(best),
        steps: 2,
        parameters: 1_234,
        seconds: 1.5,
        metrics: metrics(&[("valid/accuracy", best), ("valid/loss", 0.5)]),
        confusion: vec![vec![5, 0, 1], vec![0, 7, 0], vec![2, 0, 5]],
        importance: vec![("tempo".to_owned(), 0.75), ("energy".to_owned(), 0.25)],
        artifacts: vec![Artifact {
            kind: "weights".to_owned(),
            path: PathBuf::from("model.safetensors"),
            bytes: 4_096,
        }],
    }
}

fn observe_all(writer: &mut Writer, events: impl IntoIterator<Item = Event>) {
    for event in events {
        writer.observe(&event).unwrap();
    }
}

/// A database with one experiment, of which all trials but the last have finished with `best`.
fn finished_lab(best: &[f64]) -> (TestStore, Vec<TrialId>) {
    let mut lab = TestStore::new();
    let plan = plan(&[0.1, 0.01, 0.001]);
    let session = lab.begin("songs", &plan);
    let mut writer = lab.writer(session);
    for ((attempt, best), (trial, ..)) in (1..).zip(best).zip(&plan) {
        observe_all(
            &mut writer,
            [
                started(trial, attempt),
                finished(trial, attempt, result(*best)),
            ],
        );
    }
    writer.finish(Outcome::Finished).unwrap();
    (lab, plan.into_iter().map(|planned| planned.0).collect())
}

/// Waits until the writer tells of its failure, and gives the message.
fn failure_of(mut writer: Writer) -> String {
    loop {
        if let Err(error) = writer.idle() {
            assert_eq!(writer.idle().unwrap_err().to_string(), error.to_string());
            assert_eq!(
                writer.finish(Outcome::Finished).unwrap_err().to_string(),
                error.to_string()
            );
            return error.to_string();
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The one value that `sql` gives, asked of the file by a connection of its own.
fn query<T: rusqlite::types::FromSql>(path: &Path, sql: &str) -> T {
    rusqlite::Connection::open(path)
        .unwrap()
        .query_row(sql, [], |row| row.get(0))
        .unwrap()
}

/// Changes the file behind the store's back.
fn execute(path: &Path, sql: &str) {
    rusqlite::Connection::open(path)
        .unwrap()
        .execute_batch(sql)
        .unwrap();
}
