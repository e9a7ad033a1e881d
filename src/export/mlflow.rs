//! An MLflow tracking store in SQLite, which is what MLflow opens by default: a run for each trial, its curves as
//! metrics, its settings as parameters.
//!
//! Layout: `mlflow/store/tracking/dbmodels`, at an early revision that every later version migrates when it opens the
//! file (`mlflow.sql`). A run bears the trial's own name, 32 hexadecimal digits, which is what MLflow's run
//! identifiers are.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};

use super::best;
use super::exporter::{ExportError, Exporter, File, Sweep};
use super::times::Times;
use sweep_core::format::{percent_encode_path, shell_word};
use sweep_core::trial::Status;
use sweep_store::TrialRecord;

const SCHEMA: &str = include_str!("mlflow.sql");
/// The file's name, which is MLflow's own default.
const DATABASE: &str = "mlflow.db";
const ARTIFACTS: &str = "artifacts";
/// Longest value of a parameter that MLflow takes, in characters.
const MAX_PARAM: usize = 6000;
/// Longest value of a tag that MLflow takes, in characters.
const MAX_TAG: usize = 5000;
/// A store holds one sweep, so any number will do; MLflow keeps 0 for its default experiment.
const EXPERIMENT: i64 = 1;

/// The format `mlflow`.
#[derive(Debug)]
pub struct Mlflow;

impl Exporter for Mlflow {
    fn name(&self) -> &'static str {
        "mlflow"
    }

    fn help(&self) -> &'static str {
        "A SQLite store for MLflow: a run for each trial"
    }

    fn files(&self, sweep: &Sweep, root: &Path) -> Result<Vec<File>, ExportError> {
        let failed = |error: rusqlite::Error| ExportError::Make {
            name: DATABASE.to_owned(),
            message: error.to_string(),
        };
        let bytes = database(sweep, root).map_err(failed)?;
        Ok(vec![(PathBuf::from(DATABASE), bytes)])
    }

    fn folders(&self, _: &Sweep) -> Vec<PathBuf> {
        vec![PathBuf::from(ARTIFACTS)]
    }

    fn viewer(&self, folder: &Path) -> Option<String> {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let uri = format!("sqlite:///{}", folder.join(DATABASE).display());
        let uri = shell_word(&uri);
        Some(format!("mlflow ui --backend-store-uri {uri}"))
    }
}

/// The bytes of a database with one experiment and a run for every trial that was ever attempted; `root` is where
/// it will be, because MLflow wants to know where artifacts are.
fn database(sweep: &Sweep, root: &Path) -> rusqlite::Result<Vec<u8>> {
    let mut connection = Connection::open_in_memory()?;
    connection.execute_batch(SCHEMA)?;
    let transaction = connection.transaction()?;
    let artifacts = format!("file://{}", percent_encode_path(&root.join(ARTIFACTS)));
    transaction.execute(
        "INSERT INTO experiments VALUES (?1, ?2, ?3, 'active')",
        params![EXPERIMENT, sweep.experiment.name, artifacts],
    )?;
    for trial in &sweep.experiment.trials {
        let curves = sweep.curves_of(&trial.id);
        let attempts = sweep.attempts_at(&trial.id);
        if let Some(times) = Times::of(trial, attempts, curves) {
            run(&transaction, trial, &times, &artifacts)?;
            settings(&transaction, trial)?;
            metrics(&transaction, sweep, trial, &times)?;
            tags(&transaction, sweep, trial)?;
        }
    }
    transaction.commit()?;
    Ok(connection.serialize(c"main")?.to_vec())
}

fn run_name(trial: &TrialRecord) -> String {
    format!("{}-{}", trial.kind.name(), trial.id.short())
}

fn run(
    database: &Connection,
    trial: &TrialRecord,
    times: &Times,
    artifacts: &str,
) -> rusqlite::Result<()> {
    // mlflow.entities.RunStatus
    let status = match trial.status {
        Status::Running => "RUNNING",
        Status::Pending => "SCHEDULED",
        Status::Finished => "FINISHED",
        Status::Diverged | Status::Failed => "FAILED",
        Status::Interrupted | Status::Pruned => "KILLED",
    };
    database.execute(
        "INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status,
                           start_time, end_time, source_version, lifecycle_stage, artifact_uri, experiment_id)
         VALUES (?1, ?2, 'LOCAL', '', '', '', ?3, ?4, ?5, '', 'active', ?6, ?7)",
        params![
            trial.id.as_str(),
            run_name(trial),
            status,
            times.began_ms,
            times.ended_ms,
            format!("{artifacts}/{}/artifacts", trial.id),
            EXPERIMENT,
        ],
    )?;
    Ok(())
}

fn settings(database: &Connection, trial: &TrialRecord) -> rusqlite::Result<()> {
    let mut insert = database.prepare_cached("INSERT INTO params VALUES (?1, ?2, ?3)")?;
    let settings = trial.params.iter();
    let settings = settings.map(|(name, value)| (name.as_str(), value.to_string()));
    let kind = ("kind", trial.kind.name().to_owned());
    let seed = ("seed", trial.seed.to_string());
    let fold = trial.fold.map(|fold| ("fold", fold.to_string()));
    for (name, value) in settings.chain([kind, seed]).chain(fold) {
        let value: String = value.chars().take(MAX_PARAM).collect();
        insert.execute(params![name, value, trial.id.as_str()])?;
    }
    Ok(())
}

/// Every curve, and what was measured at the best step under `best/`, so that sorting by it gives the report's order.
fn metrics(
    database: &Connection,
    sweep: &Sweep,
    trial: &TrialRecord,
    times: &Times,
) -> rusqlite::Result<()> {
    let mut insert = database.prepare_cached(
        "INSERT OR REPLACE INTO metrics (key, value, timestamp, run_uuid, step, is_nan)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let mut insert_latest = database.prepare_cached(
        "INSERT OR REPLACE INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let curves = sweep.curves_of(&trial.id).iter();
    let curves = curves.map(|curve| (curve.metric.clone(), curve.points.clone()));
    let best = best::points(trial, &sweep.experiment.objective);
    let best = best
        .into_iter()
        .map(|(name, step, value)| (name, vec![(step, value)]));
    for (name, points) in curves.chain(best) {
        for (step, value) in &points {
            let (value, is_nan) = sql_value(*value);
            let (time, run) = (times.at(*step), trial.id.as_str());
            insert.execute(params![name, value, time, run, step, is_nan])?;
            // Steps ascend, so the last one stays.
            insert_latest.execute(params![name, value, time, step, is_nan, run])?;
        }
    }
    Ok(())
}

/// As MLflow keeps what SQL has no number for.
fn sql_value(value: f64) -> (f64, bool) {
    match value.is_nan() {
        true => (0.0, true),
        false => (value.clamp(-f64::MAX, f64::MAX), false),
    }
}

fn tags(database: &Connection, sweep: &Sweep, trial: &TrialRecord) -> rusqlite::Result<()> {
    let experiment = &sweep.experiment;
    let file = experiment.file_path.display().to_string();
    let mut tags: Vec<(&str, String)> = vec![
        ("mlflow.runName", run_name(trial)),
        ("mlflow.source.name", file),
        ("mlflow.source.type", "LOCAL".to_owned()),
        ("sweep.config", trial.config.to_string()),
        ("sweep.data", experiment.dataset.digest.to_string()),
        ("sweep.in_plan", trial.in_plan.to_string()),
        ("sweep.status", trial.status.name().to_owned()),
    ];
    let commit = (experiment.sessions.last()).and_then(|session| session.git_commit.clone());
    tags.extend(commit.map(|commit| ("mlflow.source.git.commit", commit)));
    let message = trial.message.clone();
    tags.extend(message.map(|message| ("sweep.message", message)));
    let notes: Vec<&str> = trial.notes.iter().map(|note| note.text.as_str()).collect();
    if !notes.is_empty() {
        tags.push(("mlflow.note.content", notes.join("\n\n")));
    }
    // A tag of ours is a word, one of MLflow's a name with a text.
    let own = trial
        .tags
        .iter()
        .map(|tag| (tag.as_str(), "true".to_owned()));
    let mut insert = database.prepare_cached("INSERT OR REPLACE INTO tags VALUES (?1, ?2, ?3)")?;
    for (name, value) in own.chain(tags) {
        let value: String = value.chars().take(MAX_TAG).collect();
        insert.execute(params![name, value, trial.id.as_str()])?;
    }
    Ok(())
}
