//! An MLflow file store: a run for each trial, its curves as metrics, its settings as parameters.
//!
//! Layout: `mlflow/store/tracking/file_store.py`. A run bears the trial's own name, 32 hexadecimal digits, which
//! is what MLflow's run identifiers are.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::exporter::{ExportError, Exporter, File, Sweep};
use super::times::Times;
use sweep_core::trial::Status;
use sweep_store::{Curve, ExperimentRecord, TrialRecord};

/// Longest value of a parameter that MLflow takes, in characters.
const LONGEST_PARAM: usize = 6000;
/// A store holds one sweep, so any number will do; MLflow keeps 0 for its default experiment.
const EXPERIMENT: &str = "1";

/// The format `mlflow`.
#[derive(Debug)]
pub struct Mlflow;

impl Exporter for Mlflow {
    fn name(&self) -> &'static str {
        "mlflow"
    }

    fn help(&self) -> &'static str {
        "A file store for MLflow: a run for each trial"
    }

    fn files(&self, sweep: &Sweep, root: &Path) -> Result<Vec<File>, ExportError> {
        Ok(files(sweep, root))
    }

    fn folders(&self, sweep: &Sweep) -> Vec<PathBuf> {
        folders(sweep)
    }

    fn viewer(&self, folder: &Path) -> Option<String> {
        Some(format!(
            "mlflow ui --backend-store-uri {}",
            folder.display()
        ))
    }
}

/// A store with one experiment and a run for every trial that was ever attempted; `root` is where the
/// store will be, because MLflow writes its own address into it.
fn files(sweep: &Sweep, root: &Path) -> Vec<File> {
    let experiment = &sweep.experiment;
    let experiment_folder = PathBuf::from(EXPERIMENT);
    let address = uri(&root.join(EXPERIMENT));
    let mut files = vec![(
        experiment_folder.join("meta.yaml"),
        meta(experiment, &address).into_bytes(),
    )];
    for trial in &experiment.trials {
        let curves = sweep.curves_of(&trial.id);
        let attempts = sweep.attempts_at(&trial.id);
        if let Some(times) = Times::of(trial, attempts, curves) {
            let folder = experiment_folder.join(trial.id.as_str());
            files.extend(
                run(sweep, trial, curves, &times, &address)
                    .map(|(name, text)| (folder.join(name), text.into_bytes())),
            );
        }
    }
    files
}

/// Folders that MLflow wants of a run, whether there is anything in them or not.
fn folders(sweep: &Sweep) -> Vec<PathBuf> {
    let attempted = |trial: &&TrialRecord| {
        sweep
            .attempts
            .get(&trial.id)
            .is_some_and(|all| !all.is_empty())
    };
    let trials = sweep.experiment.trials.iter().filter(attempted);
    trials
        .flat_map(|trial| {
            let run = Path::new(EXPERIMENT).join(trial.id.as_str());
            ["metrics", "params", "tags", "artifacts"].map(|name| run.join(name))
        })
        .collect()
}

fn meta(experiment: &ExperimentRecord, address: &str) -> String {
    let sessions = &experiment.sessions;
    let created = sessions.first().map_or(0, |session| session.started_ms);
    let updated = sessions.last().map_or(created, |session| {
        session.ended_ms.unwrap_or(session.started_ms)
    });
    yaml(&[
        ("artifact_location", quoted(address)),
        ("creation_time", created.to_string()),
        ("experiment_id", quoted(EXPERIMENT)),
        ("last_update_time", updated.to_string()),
        ("lifecycle_stage", "active".to_owned()),
        ("name", quoted(&experiment.name)),
    ])
}

/// The files of one run, by their path in its folder.
fn run(
    sweep: &Sweep,
    trial: &TrialRecord,
    curves: &[Curve],
    times: &Times,
    address: &str,
) -> impl Iterator<Item = (PathBuf, String)> {
    let experiment = &sweep.experiment;
    let named = |folder: &str, name: &str| Path::new(folder).join(name);
    let mut files = vec![(PathBuf::from("meta.yaml"), run_meta(trial, times, address))];
    let params = trial
        .params
        .iter()
        .map(|(key, value)| (key.clone(), value.to_string()));
    let kind = ("kind".to_owned(), trial.kind.name().to_owned());
    let seed = ("seed".to_owned(), trial.seed.to_string());
    for (key, value) in params.chain([kind, seed]) {
        let value: String = value.chars().take(LONGEST_PARAM).collect();
        files.push((named("params", &key), value));
    }
    for curve in curves {
        let mut lines = String::new();
        for (step, value) in &curve.points {
            // Python's float() reads what Rust writes, `NaN` and `inf` included.
            let _ = writeln!(lines, "{} {value} {step}", times.at(*step));
        }
        files.push((named("metrics", &curve.metric), lines));
    }
    let name = format!("{}-{}", trial.kind.name(), trial.id.short());
    let mut tags = vec![
        ("mlflow.runName", name),
        (
            "mlflow.source.name",
            experiment.file_path.display().to_string(),
        ),
        ("mlflow.source.type", "LOCAL".to_owned()),
        ("sweep.config", trial.config.to_string()),
        ("sweep.data", experiment.dataset.digest.to_string()),
        ("sweep.in_plan", trial.in_plan.to_string()),
        ("sweep.status", trial.status.name().to_owned()),
    ];
    let commit = experiment
        .sessions
        .last()
        .and_then(|session| session.git_commit.clone());
    tags.extend(commit.map(|commit| ("mlflow.source.git.commit", commit)));
    tags.extend(
        trial
            .message
            .clone()
            .map(|message| ("sweep.message", message)),
    );
    let notes: Vec<&str> = trial.notes.iter().map(|note| note.text.as_str()).collect();
    if !notes.is_empty() {
        tags.push(("mlflow.note.content", notes.join("\n\n")));
    }
    // A tag of ours is a word, one of MLflow's a name with a text.
    for tag in &trial.tags {
        files.push((named("tags", tag), "true".to_owned()));
    }
    files.extend(
        tags.into_iter()
            .map(|(key, value)| (named("tags", key), value)),
    );
    files.into_iter()
}

fn run_meta(trial: &TrialRecord, times: &Times, address: &str) -> String {
    // mlflow.entities.RunStatus
    let status = match trial.status {
        Status::Running => 1,
        Status::Pending => 2,
        Status::Finished => 3,
        Status::Diverged | Status::Failed => 4,
        Status::Interrupted => 5,
    };
    yaml(&[
        (
            "artifact_uri",
            quoted(&format!("{address}/{}/artifacts", trial.id)),
        ),
        (
            "end_time",
            times
                .ended_ms
                .map_or("null".to_owned(), |end| end.to_string()),
        ),
        ("entry_point_name", quoted("")),
        ("experiment_id", quoted(EXPERIMENT)),
        ("lifecycle_stage", "active".to_owned()),
        ("run_id", quoted(trial.id.as_str())),
        (
            "run_name",
            quoted(&format!("{}-{}", trial.kind.name(), trial.id.short())),
        ),
        ("run_uuid", quoted(trial.id.as_str())),
        ("source_name", quoted("")),
        ("source_type", "4".to_owned()),
        ("source_version", quoted("")),
        ("start_time", times.began_ms.to_string()),
        ("status", status.to_string()),
        ("tags", "[]".to_owned()),
        ("user_id", quoted("")),
    ])
}

fn yaml(entries: &[(&str, String)]) -> String {
    let line = |(key, value): &(&str, String)| format!("{key}: {value}\n");
    entries.iter().map(line).collect()
}

/// A JSON string is one of YAML as well.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// `file://` and the path, with what an address may not hold as `%XX`.
fn uri(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    let mut uri = "file://".to_owned();
    for &byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'~' => uri.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => uri.push(char::from(byte)),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}
