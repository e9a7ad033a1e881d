//! TensorBoard's event files: a run for each trial, its curves as scalars, its settings for the HParams tab.
//!
//! Framing: `tensorflow/core/lib/io/record_writer.h`. Messages: `tensorboard/compat/proto/{event,summary}.proto`
//! and `tensorboard/plugins/hparams/plugin_data.proto`. Scalars are 32-bit floats there.

use std::path::{Path, PathBuf};

use super::best;
use super::exporter::{ExportError, Exporter, File, Sweep};
use super::protobuf::Message;
use super::times::Times;
use sweep_core::trial::{Status, Value};
use sweep_store::{Curve, TrialRecord};

/// What every event file begins with.
const VERSION: &str = "brain.Event:2";
/// Tags that the HParams plugin looks for.
const SESSION_START: &str = "_hparams_/session_start_info";
const SESSION_END: &str = "_hparams_/session_end_info";
/// `HParamsPluginData.version`.
const HPARAMS_VERSION: i64 = 0;

/// The format `tensorboard`.
#[derive(Debug)]
pub struct Tensorboard;

impl Exporter for Tensorboard {
    fn name(&self) -> &'static str {
        "tensorboard"
    }

    fn help(&self) -> &'static str {
        "A run for each trial: curves, and settings for the HParams tab"
    }

    fn files(&self, sweep: &Sweep, _root: &Path) -> Result<Vec<File>, ExportError> {
        Ok(files(sweep))
    }

    fn viewer(&self, folder: &Path) -> Option<String> {
        Some(format!("tensorboard --logdir {}", folder.display()))
    }
}

/// `KIND-TRIAL/events.out.tfevents.SECONDS.sweep`, for every trial that was ever attempted.
fn files(sweep: &Sweep) -> Vec<File> {
    let mut files = Vec::new();
    for trial in &sweep.experiment.trials {
        let curves = sweep.curves_of(&trial.id);
        let attempts = sweep.attempts_at(&trial.id);
        let Some(times) = Times::of(trial, attempts, curves) else {
            continue;
        };
        let run = format!("{}-{}", trial.kind.name(), trial.id.short());
        let name = format!("events.out.tfevents.{:010}.sweep", times.began_ms / 1000);
        let events = events(sweep, trial, curves, &times);
        files.push((PathBuf::from(run).join(name), events));
    }
    files
}

fn events(sweep: &Sweep, trial: &TrialRecord, curves: &[Curve], times: &Times) -> Vec<u8> {
    let mut file = Vec::new();
    let began = seconds(times.began_ms);
    let version = Message::default()
        .double(1, began)
        .bytes(3, VERSION.as_bytes());
    record(&mut file, version);
    record(
        &mut file,
        event(began, 0, plugin(SESSION_START, 3, start(trial, began))),
    );
    let mut points: Vec<(u32, &str, f64)> = (curves.iter())
        .flat_map(|curve| {
            let points = curve.points.iter();
            points.map(|(step, value)| (*step, curve.metric.as_str(), *value))
        })
        .collect();
    let best = best::points(trial, &sweep.experiment.objective);
    points.extend(
        best.iter()
            .map(|(name, step, value)| (*step, name.as_str(), *value)),
    );
    points.sort_by_key(|(step, metric, _)| (*step, *metric));
    for (step, metric, value) in points {
        let scalar = Message::default()
            .bytes(1, metric.as_bytes())
            .float(2, value as f32);
        record(&mut file, event(seconds(times.at(step)), step, scalar));
    }
    if let Some(ended) = times.ended_ms {
        let ended = seconds(ended);
        record(
            &mut file,
            event(ended, 0, plugin(SESSION_END, 4, end(trial, ended))),
        );
    }
    file
}

/// `SessionStartInfo`: the settings; seeds of one configuration are one group.
fn start(trial: &TrialRecord, began: f64) -> Message {
    let seed = ("seed".to_owned(), Value::Int(trial.seed as i64));
    let kind = ("kind".to_owned(), Value::Text(trial.kind.name().to_owned()));
    let fold = trial.fold;
    let fold = fold.map(|fold| ("fold".to_owned(), Value::Int(i64::from(fold))));
    let settings = trial.params.iter().chain([&kind, &seed]).chain(&fold);
    let info = settings.fold(Message::default(), |info, (name, value)| {
        let entry = Message::default()
            .bytes(1, name.as_bytes())
            .message(2, setting(value));
        info.message(1, entry)
    });
    info.bytes(4, trial.config.as_str().as_bytes())
        .double(5, began)
}

/// `google.protobuf.Value`, which has numbers, texts and booleans.
fn setting(value: &Value) -> Message {
    let message = Message::default();
    match value {
        Value::Bool(value) => message.int(4, i64::from(*value)),
        Value::Int(value) => message.double(2, *value as f64),
        Value::Float(value) => message.double(2, *value),
        Value::Text(_) | Value::List(_) | Value::Table(_) => {
            message.bytes(3, value.to_string().as_bytes())
        }
    }
}

/// `SessionEndInfo`.
fn end(trial: &TrialRecord, ended: f64) -> Message {
    let status = match trial.status {
        Status::Finished => 1,
        Status::Diverged | Status::Failed => 2,
        Status::Running => 3,
        Status::Pending | Status::Interrupted | Status::Pruned => 0,
    };
    Message::default().int(1, status).double(2, ended)
}

/// A `Summary.Value` that carries field `number` of `HParamsPluginData`.
fn plugin(tag: &str, number: u32, data: Message) -> Message {
    let content = Message::default()
        .int(1, HPARAMS_VERSION)
        .message(number, data)
        .into_bytes();
    let data = Message::default().bytes(1, b"hparams").bytes(2, &content);
    let metadata = Message::default().message(1, data);
    // An empty tensor of floats: the value that the plugin's own writer puts there.
    let tensor = Message::default().int(1, 1).message(2, Message::default());
    Message::default()
        .bytes(1, tag.as_bytes())
        .message(8, tensor)
        .message(9, metadata)
}

fn event(time: f64, step: u32, value: Message) -> Message {
    let summary = Message::default().message(1, value);
    Message::default()
        .double(1, time)
        .int(2, i64::from(step))
        .message(5, summary)
}

/// Length, its checksum, bytes, their checksum.
fn record(file: &mut Vec<u8>, message: Message) {
    let bytes = message.into_bytes();
    let length = (bytes.len() as u64).to_le_bytes();
    file.extend(length);
    file.extend(masked(&length).to_le_bytes());
    file.extend(&bytes);
    file.extend(masked(&bytes).to_le_bytes());
}

/// CRC-32C, turned and shifted so that a checksum of checksums is no fixed point.
fn masked(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}

fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1e3
}
