//! The database as three tables of typed columns, from which CSV and Parquet are written.
//!
//! Invariant: all columns of a table are of one length; a cell that is not known is `None`, never a zero
//! or an empty text.

use std::path::PathBuf;

use super::exporter::{ExportError, File, Sweep};
use sweep_analysis::text::{metric_column, param_column};
use sweep_core::named::{distinct_names, value_of};
use sweep_core::trial::Value;
use sweep_store::{AttemptRecord, TrialRecord};

/// Rows under names.
pub struct Table {
    /// The file's name, less its ending.
    pub name: &'static str,
    pub columns: Vec<Column>,
}

pub struct Column {
    pub name: String,
    pub cells: Cells,
}

/// The cells of one column, from the first row down.
pub enum Cells {
    Bool(Vec<Option<bool>>),
    Int(Vec<Option<i64>>),
    Float(Vec<Option<f64>>),
    Text(Vec<Option<String>>),
}

/// `trials` (one row a trial, in plan order), `metrics` (one row a value) and `attempts`.
pub fn all(sweep: &Sweep) -> Vec<Table> {
    vec![trials(sweep), metrics(sweep), attempts(sweep)]
}

/// A file for each table of `sweep`, as `bytes` makes it.
pub fn files<E: std::fmt::Display>(
    sweep: &Sweep,
    extension: &str,
    bytes: fn(&Table) -> Result<Vec<u8>, E>,
) -> Result<Vec<File>, ExportError> {
    let file = |table: Table| {
        let name = format!("{}.{extension}", table.name);
        match bytes(&table) {
            Ok(bytes) => Ok((PathBuf::from(name), bytes)),
            Err(error) => Err(ExportError::Make {
                name,
                message: error.to_string(),
            }),
        }
    };
    all(sweep).into_iter().map(file).collect()
}

/// Settings stand under `params.` and metrics at the best step under `metrics.`, since both may have the
/// same name (`lr`).
fn trials(sweep: &Sweep) -> Table {
    let trials = &sweep.experiment.trials;
    let text = |name: &str, of: &dyn Fn(&TrialRecord) -> Option<String>| {
        Column::new(name, Cells::Text(trials.iter().map(of).collect()))
    };
    let int = |name: &str, of: &dyn Fn(&TrialRecord) -> Option<i64>| {
        Column::new(name, Cells::Int(trials.iter().map(of).collect()))
    };
    let float = |name: &str, of: &dyn Fn(&TrialRecord) -> Option<f64>| {
        Column::new(name, Cells::Float(trials.iter().map(of).collect()))
    };
    let mut columns = vec![
        text("experiment", &|_| Some(sweep.experiment.name.clone())),
        text("trial", &|trial| Some(trial.id.to_string())),
        text("config", &|trial| Some(trial.config.to_string())),
        text("kind", &|trial| Some(trial.kind.name().to_owned())),
        int("seed", &|trial| whole(trial.seed)),
        int("fold", &|trial| trial.fold.map(i64::from)),
        text("status", &|trial| Some(trial.status.name().to_owned())),
        Column::new(
            "in_plan",
            Cells::Bool(trials.iter().map(|trial| Some(trial.in_plan)).collect()),
        ),
        float("best", &|trial| trial.best),
        int("best_step", &|trial| trial.best_step.map(i64::from)),
        float("last", &|trial| trial.last),
        int("steps", &|trial| trial.steps.map(i64::from)),
        float("seconds", &|trial| trial.seconds),
        int("parameters", &|trial| trial.parameters.and_then(whole)),
        text("message", &|trial| trial.message.clone()),
        text("cause", &|trial| trial.cause.clone()),
        text("tags", &|trial| Some(trial.tags.join(" "))),
        text("notes", &|trial| {
            let notes = trial.notes.iter().map(|note| note.text.as_str());
            Some(notes.collect::<Vec<_>>().join("\n"))
        }),
    ];
    for name in distinct_names(trials.iter().map(|trial| &trial.params)) {
        let values = trials.iter().map(|trial| value_of(&trial.params, name));
        columns.push(Column::new(
            &param_column(name),
            settings(&values.collect::<Vec<_>>()),
        ));
    }
    for name in distinct_names(trials.iter().map(|trial| &trial.metrics)) {
        columns.push(float(&metric_column(name), &|trial| {
            value_of(&trial.metrics, name).copied()
        }));
    }
    Table {
        name: "trials",
        columns,
    }
}

/// Every value of every metric: trial by trial, metric by metric, step by step.
fn metrics(sweep: &Sweep) -> Table {
    let (mut trials, mut metrics) = (Vec::new(), Vec::new());
    let (mut steps, mut values) = (Vec::new(), Vec::new());
    for trial in &sweep.experiment.trials {
        for curve in sweep.curves.get(&trial.id).into_iter().flatten() {
            for (step, value) in &curve.points {
                trials.push(Some(trial.id.to_string()));
                metrics.push(Some(curve.metric.clone()));
                steps.push(Some(i64::from(*step)));
                values.push(Some(*value));
            }
        }
    }
    Table {
        name: "metrics",
        columns: vec![
            Column::new("trial", Cells::Text(trials)),
            Column::new("metric", Cells::Text(metrics)),
            Column::new("step", Cells::Int(steps)),
            Column::new("value", Cells::Float(values)),
        ],
    }
}

fn attempts(sweep: &Sweep) -> Table {
    let rows: Vec<(&TrialRecord, &AttemptRecord)> = (sweep.experiment.trials.iter())
        .flat_map(|trial| {
            let attempts = sweep.attempts.get(&trial.id).into_iter().flatten();
            attempts.map(move |attempt| (trial, attempt))
        })
        .collect();
    let text = |name: &str, of: &dyn Fn(&AttemptRecord) -> Option<String>| {
        Column::new(
            name,
            Cells::Text(rows.iter().map(|row| of(row.1)).collect()),
        )
    };
    let int = |name: &str, of: &dyn Fn(&AttemptRecord) -> Option<i64>| {
        Column::new(name, Cells::Int(rows.iter().map(|row| of(row.1)).collect()))
    };
    let names = rows.iter().map(|(trial, _)| Some(trial.id.to_string()));
    let mut columns = vec![Column::new("trial", Cells::Text(names.collect()))];
    columns.extend([
        int("session", &|attempt| Some(attempt.session)),
        int("number", &|attempt| whole(attempt.number)),
        text("slot", &|attempt| Some(attempt.slot.clone())),
        text("engine", &|attempt| Some(attempt.engine.clone())),
        int("pid", &|attempt| Some(i64::from(attempt.pid))),
        int("started_ms", &|attempt| Some(attempt.started_ms)),
        int("ended_ms", &|attempt| attempt.ended_ms),
        text("outcome", &|attempt| Some(attempt.outcome.clone())),
        int("exit_code", &|attempt| attempt.exit_code.map(i64::from)),
        int("signal", &|attempt| attempt.signal.map(i64::from)),
        text("message", &|attempt| attempt.message.clone()),
        int("resumed_from", &|attempt| {
            attempt.resumed_from.map(i64::from)
        }),
        text("warnings", &|attempt| Some(attempt.warnings.join("\n"))),
        text("log_tail", &|attempt| attempt.log_tail.clone()),
    ]);
    Table {
        name: "attempts",
        columns,
    }
}

impl Column {
    fn new(name: &str, cells: Cells) -> Column {
        Column {
            name: name.to_owned(),
            cells,
        }
    }
}

impl Cells {
    pub fn len(&self) -> usize {
        match self {
            Cells::Bool(cells) => cells.len(),
            Cells::Int(cells) => cells.len(),
            Cells::Float(cells) => cells.len(),
            Cells::Text(cells) => cells.len(),
        }
    }
}

/// One setting of all trials, in the narrowest type that holds each of its values.
fn settings(values: &[Option<&Value>]) -> Cells {
    let known = || values.iter().flatten();
    if known().all(|value| matches!(value, Value::Bool(_))) {
        Cells::Bool(each(values, |value| match value {
            Value::Bool(value) => Some(*value),
            _ => None,
        }))
    } else if known().all(|value| matches!(value, Value::Int(_))) {
        Cells::Int(each(values, |value| match value {
            Value::Int(value) => Some(*value),
            _ => None,
        }))
    } else if known().all(|value| value.as_f64().is_some()) {
        Cells::Float(each(values, Value::as_f64))
    } else {
        Cells::Text(each(values, |value| Some(value.to_string())))
    }
}

fn each<T>(values: &[Option<&Value>], of: impl Fn(&Value) -> Option<T>) -> Vec<Option<T>> {
    values.iter().map(|value| value.and_then(&of)).collect()
}

/// SQLite holds no more than this either.
fn whole(number: u64) -> Option<i64> {
    i64::try_from(number).ok()
}
