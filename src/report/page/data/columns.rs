//! Columns of configurations: results, settings, metrics, tags and statuses.

use std::collections::HashMap;
use sweep_analysis::text;

use serde_json::{Value as Json, json};

use super::numbers::{maybe, number};
use sweep_analysis::inference::Inference;
use sweep_analysis::{Configuration, Summary};
use sweep_core::named::value_of;
use sweep_core::trial::{Kind, Status, TRAIN_FRACTION, TrialId, Value};
use sweep_store::TrialRecord;

/// Characters of a message or a note.
const SAID: usize = 200;

pub(super) fn configs(summary: &Summary, inference: &Inference) -> Json {
    let ranking = &summary.ranking;
    let column = |of: &dyn Fn(&Configuration) -> Json| ranking.iter().map(of).collect::<Json>();
    let intervals = inference.estimates.iter().map(|estimate| estimate.interval);
    let (low, high): (Vec<Json>, Vec<Json>) = intervals
        .map(|found| {
            (
                maybe(found.map(|(low, _)| low)),
                maybe(found.map(|(_, high)| high)),
            )
        })
        .unzip();
    json!({
        "rank": summary.ranks,
        "low": low,
        "high": high,
        "candidates": inference.candidates,
        "id": column(&|config| json!(config.id.short())),
        "kind": column(&|config| {
            json!(config.kind.index())
        }),
        "planned": column(&|config| json!(config.planned)),
        "mean": column(&|config| number(config.stats.mean)),
        "sd": column(&|config| maybe(config.stats.sd)),
        "min": column(&|config| number(config.stats.min)),
        "max": column(&|config| number(config.stats.max)),
        "diverged": column(&|config| json!(config.diverged)),
        "failed": column(&|config| json!(config.failed)),
        "seconds": column(&|config| maybe(config.seconds)),
        "parameters": column(&|config| json!(config.parameters)),
    })
}

/// Every setting that any ranked configuration has: `values` as they are and as they are `shown`, `at`
/// the place of each configuration's value, and the kinds among which it `varies`.
pub(super) fn params(summary: &Summary) -> Json {
    let mut settings: Vec<Setting> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (config, of) in summary.ranking.iter().enumerate() {
        for (key, value) in of.params.iter().filter(|(key, _)| key != TRAIN_FRACTION) {
            let place = *places.entry(key).or_insert_with(|| {
                settings.push(Setting::new(key, summary.ranking.len()));
                settings.len() - 1
            });
            settings[place].put(config, value);
        }
    }
    settings
        .into_iter()
        .map(|setting| setting.json(&summary.ranking))
        .collect()
}

struct Setting<'a> {
    key: &'a str,
    values: Vec<&'a Value>,
    /// Place of each text that stands for a value.
    known: HashMap<String, usize>,
    at: Vec<i64>,
}

impl<'a> Setting<'a> {
    fn new(key: &'a str, configs: usize) -> Setting<'a> {
        Setting {
            key,
            values: Vec::new(),
            known: HashMap::new(),
            at: vec![-1; configs],
        }
    }

    fn put(&mut self, config: usize, value: &'a Value) {
        let text = format!("{} {value}", value.type_name());
        let place = *self.known.entry(text).or_insert_with(|| {
            self.values.push(value);
            self.values.len() - 1
        });
        self.at[config] = place as i64;
    }

    fn json(&self, ranking: &[Configuration]) -> Json {
        let varies = |kind: &Kind| {
            let mut of_kind = (ranking.iter().zip(&self.at))
                .filter(|(config, at)| config.kind == *kind && **at >= 0)
                .map(|(_, at)| at);
            let first = of_kind.next();
            of_kind.any(|at| Some(at) != first)
        };
        let kinds = Kind::all().enumerate().filter(|(_, kind)| varies(kind));
        let shown = self
            .values
            .iter()
            .map(|value| text::sanitize(&text::setting(value)));
        json!({
            "key": self.key,
            "values": self.values,
            "shown": shown.collect::<Vec<_>>(),
            "whole": !self.values.iter().any(|value| matches!(value, Value::Float(_))),
            "at": self.at,
            "varies": kinds.map(|(place, _)| place).collect::<Vec<_>>(),
        })
    }
}

/// Every metric at the best step of each run.
pub(super) fn metrics(runs: &[&TrialRecord]) -> Json {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in runs.iter().flat_map(|trial| &trial.metrics) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let column = |name: &str| -> Json {
        let value = |trial: &&TrialRecord| maybe(value_of(&trial.metrics, name).copied());
        runs.iter().map(value).collect()
    };
    let columns = names.iter().map(|name| ((*name).to_owned(), column(name)));
    Json::Object(columns.collect())
}

/// Tags of any trial of a configuration, where there are some.
pub(super) fn tags(ranking: &[Configuration], trials: &HashMap<&TrialId, &TrialRecord>) -> Json {
    let mut found = serde_json::Map::new();
    for (place, config) in ranking.iter().enumerate() {
        let mut tags: Vec<&String> = config
            .runs
            .iter()
            .flat_map(|run| &trials[&run.trial].tags)
            .collect();
        tags.sort();
        tags.dedup();
        if !tags.is_empty() {
            found.insert(place.to_string(), json!(tags));
        }
    }
    Json::Object(found)
}

/// Of configurations that have more to tell than finished trials: how those of the plan stand, why some have no result,
/// and notes.
pub(super) fn details(ranking: &[Configuration], trials: &[TrialRecord]) -> Json {
    let mut by_config: HashMap<&str, Vec<&TrialRecord>> = HashMap::new();
    for trial in trials.iter().filter(|trial| trial.in_plan) {
        by_config
            .entry(trial.config.as_str())
            .or_default()
            .push(trial);
    }
    let mut found = serde_json::Map::new();
    for (place, config) in ranking.iter().enumerate() {
        let own = by_config.get(config.id.as_str());
        let own = || own.into_iter().flatten();
        let unlike = |texts: &mut dyn Iterator<Item = &str>| -> Vec<String> {
            let mut texts: Vec<String> = texts.map(|said| text::cut(said, SAID)).collect();
            texts.sort();
            texts.dedup();
            texts
        };
        let status = unlike(&mut own().map(|trial| trial.status.name()));
        let notes = unlike(
            &mut own()
                .flat_map(|trial| &trial.notes)
                .map(|note| note.text.as_str()),
        );
        if status == [Status::Finished.name()] && notes.is_empty() {
            continue;
        }
        let detail = json!({
            "status": status,
            "cause": unlike(&mut own().filter_map(|trial| trial.cause.as_deref())),
            "message": unlike(&mut own().filter_map(|trial| trial.message.as_deref())),
            "notes": notes,
        });
        found.insert(place.to_string(), detail);
    }
    Json::Object(found)
}
