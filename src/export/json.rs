//! Everything in one JSON file: the experiment, its sessions, and each trial with its curves and attempts,
//! under the keys of `sweep show --json`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::exporter::{ExportError, Exporter, File, Sweep};
use sweep_analysis::json as shown;

/// The format `json`.
#[derive(Debug)]
pub struct Json;

impl Exporter for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn help(&self) -> &'static str {
        "One file with everything"
    }

    fn files(&self, sweep: &Sweep, _root: &Path) -> Result<Vec<File>, ExportError> {
        let path = PathBuf::from("sweep.json");
        Ok(vec![(path, bytes(sweep))])
    }
}

fn bytes(sweep: &Sweep) -> Vec<u8> {
    let experiment = &sweep.experiment;
    let trials: Vec<Value> = (experiment.trials.iter())
        .map(|trial| {
            let attempts = sweep.attempts_at(&trial.id);
            let curves = sweep.curves_of(&trial.id);
            shown::trial(&experiment.objective, trial, attempts, curves, &[])
        })
        .collect();
    let sessions: Vec<Value> = (experiment.sessions.iter())
        .map(|session| {
            json!({
                "id": session.id,
                "started_ms": session.started_ms,
                "ended_ms": session.ended_ms,
                "outcome": session.outcome,
                "command": session.command,
                "host": session.host,
                "pid": session.pid,
                "version": session.version,
                "git_commit": session.git_commit,
                "environment": session.environment.iter().cloned().collect::<BTreeMap<_, _>>(),
            })
        })
        .collect();
    let data = &experiment.dataset;
    let whole = json!({
        "name": experiment.name,
        "file_path": experiment.file_path,
        "file_text": experiment.file_text,
        "flags": experiment.flags,
        "objective": experiment.objective,
        "data": {
            "digest": data.digest,
            "source": data.source,
            "source_sha256": data.source_sha256,
            "features": data.features,
            "classes": data.classes,
            "train_rows": data.train_rows,
            "valid_rows": data.valid_rows,
            "test_rows": data.test_rows,
            "notes": data.notes,
        },
        "sessions": sessions,
        "trials": trials,
    });
    let mut bytes = serde_json::to_vec_pretty(&whole).expect("plain data");
    bytes.push(b'\n');
    bytes
}
