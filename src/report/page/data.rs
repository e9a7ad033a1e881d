//! What the page's script draws from: the sweep as columns of numbers, small also for 10,000 trials.
//!
//! Configurations stand in the order of the ranking, their runs side by side in the same order;
//! a setting is a list of its values and, for each configuration, a place in it (-1 where it has none).
//! Numbers of results keep six significant digits; what is not finite is `null`.

use std::collections::HashMap;

use serde_json::{Value as Json, json};

use crate::anova::Anova;
use crate::inference::Inference;
use crate::summary::{Configuration, Run, Summary};
use crate::{Input, growth, text};
use sweep_core::trial::{Kind, Status, TRAIN_SHARE, TrialId, Value};
use sweep_store::{AttemptRecord, TrialRecord};

/// Numbers in learning curves, in all; those of the configurations ranked last are left out first.
const CURVE_NUMBERS: usize = 150_000;
/// Steps of a curve; longer ones keep every second, third, ... and the last.
const CURVE_STEPS: usize = 120;
/// Classes up to which confusion can be looked at cell by cell.
const CLASSES: usize = 60;
/// Characters of a message or a note.
const SAID: usize = 200;
/// Features shown of a model.
const FEATURES: usize = 20;
/// Digits of a trial's name: `sweep show` takes any beginning.
const NAME: usize = 12;

/// All of it.
pub fn of(input: &Input, summary: &Summary, inference: &Inference, anova: Option<&Anova>) -> Json {
    let runs: Vec<(usize, &Run)> = (summary.ranking.iter().enumerate())
        .flat_map(|(place, config)| config.runs.iter().map(move |run| (place, run)))
        .collect();
    let experiment = &input.experiment;
    let trials: HashMap<&TrialId, &TrialRecord> = (experiment.trials.iter())
        .map(|trial| (&trial.id, trial))
        .collect();
    let of_runs: Vec<&TrialRecord> = runs.iter().map(|(_, run)| trials[&run.trial]).collect();
    json!({
        "name": text::sanitize(&experiment.name),
        "objective": {
            "name": summary.objective.metric,
            "label": text::metric(&summary.objective.metric),
            "max": summary.objective.goal.is_better(1.0, 0.0),
        },
        "kinds": Kind::ALL.map(|kind| [kind.name(), text::kind(kind)]),
        "configs": configs(&summary.ranking, inference),
        "params": params(summary),
        "runs": {
            "config": runs.iter().map(|(place, _)| *place).collect::<Vec<_>>(),
            "trial": of_runs.iter().map(|trial| short(&trial.id)).collect::<Vec<_>>(),
            "seed": runs.iter().map(|(_, run)| run.seed).collect::<Vec<_>>(),
            "value": runs.iter().map(|(_, run)| number(run.value)).collect::<Vec<_>>(),
            "step": runs.iter().map(|(_, run)| run.step).collect::<Vec<_>>(),
            "steps": of_runs.iter().map(|trial| trial.steps).collect::<Vec<_>>(),
            "last": of_runs.iter().map(|trial| maybe(trial.last)).collect::<Vec<_>>(),
            "seconds": of_runs.iter().map(|trial| maybe(trial.seconds)).collect::<Vec<_>>(),
        },
        "metrics": metrics(&of_runs),
        "tags": tags(&summary.ranking, &trials),
        "fates": fates(&summary.ranking, &experiment.trials),
        "curves": curves(input, &runs),
        "classes": experiment.dataset.classes.iter().map(|name| text::sanitize(name)).collect::<Vec<_>>(),
        "confusion": confusion(input, &summary.ranking),
        "calibration": calibration(input, &summary.ranking),
        "features": features(input, summary),
        "growth": growth(input, summary),
        "anova": anova.map(variance),
        "timeline": timeline(input),
    })
}

fn configs(ranking: &[Configuration], inference: &Inference) -> Json {
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
        "low": low,
        "high": high,
        "candidates": inference.candidates,
        "id": column(&|config| json!(config.id.short())),
        "kind": column(&|config| {
            json!(Kind::ALL.iter().position(|kind| *kind == config.kind))
        }),
        "planned": column(&|config| json!(config.planned)),
        "mean": column(&|config| number(config.spread.mean)),
        "sd": column(&|config| maybe(config.spread.sd)),
        "min": column(&|config| number(config.spread.min)),
        "max": column(&|config| number(config.spread.max)),
        "diverged": column(&|config| json!(config.diverged)),
        "failed": column(&|config| json!(config.failed)),
        "seconds": column(&|config| maybe(config.seconds)),
        "parameters": column(&|config| json!(config.parameters)),
    })
}

/// Every setting that any ranked configuration has: `values` as they are and as they are `shown`, `at`
/// the place of each configuration's value, and the kinds among which it `varies`.
fn params(summary: &Summary) -> Json {
    let mut settings: Vec<Setting> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (config, of) in summary.ranking.iter().enumerate() {
        for (key, value) in of.params.iter().filter(|(key, _)| key != TRAIN_SHARE) {
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
        let kinds = Kind::ALL
            .iter()
            .enumerate()
            .filter(|(_, kind)| varies(kind));
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

/// Shares of the variance, and the marginal means of each setting.
fn variance(anova: &Anova) -> Json {
    let factors = anova.factors.iter().map(|factor| {
        let levels = factor.levels.iter().map(|level| {
            json!({
                "name": text::sanitize(&level.label),
                "low": maybe(level.interval.map(|(low, _)| low)),
                "high": maybe(level.interval.map(|(_, high)| high)),
            })
        });
        json!({ "name": factor.name, "levels": levels.collect::<Json>() })
    });
    let shares = anova.shares.iter().map(|share| {
        json!({
            "name": text::sanitize(&anova.title(share)),
            "isPair": share.second.is_some(),
            "share": number(share.share),
            "chance": maybe(share.chance),
            "p": maybe(share.p),
        })
    });
    json!({ "factors": factors.collect::<Json>(), "shares": shares.collect::<Json>() })
}

/// Every metric at the best step of each run.
fn metrics(runs: &[&TrialRecord]) -> Json {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in runs.iter().flat_map(|trial| &trial.metrics) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let column = |name: &str| -> Json {
        let value = |trial: &&TrialRecord| {
            let found = trial.metrics.iter().find(|(other, _)| other == name);
            maybe(found.map(|(_, value)| *value))
        };
        runs.iter().map(value).collect()
    };
    let columns = names.iter().map(|name| ((*name).to_owned(), column(name)));
    Json::Object(columns.collect())
}

/// Tags of any trial of a configuration, where there are some.
fn tags(ranking: &[Configuration], trials: &HashMap<&TrialId, &TrialRecord>) -> Json {
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
fn fates(ranking: &[Configuration], trials: &[TrialRecord]) -> Json {
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
        let fate = json!({
            "status": status,
            "cause": unlike(&mut own().filter_map(|trial| trial.cause.as_deref())),
            "message": unlike(&mut own().filter_map(|trial| trial.message.as_deref())),
            "notes": notes,
        });
        found.insert(place.to_string(), fate);
    }
    Json::Object(found)
}

/// Curves by run, as long as there is room: `{run: {metric: values}}`, and `steps` where these are not
/// 1, 2, 3, ...
fn curves(input: &Input, runs: &[(usize, &Run)]) -> Json {
    let mut room = CURVE_NUMBERS;
    let mut found = serde_json::Map::new();
    for (place, (_, run)) in runs.iter().enumerate() {
        let Some(curves) = input
            .curves
            .get(&run.trial)
            .filter(|curves| !curves.is_empty())
        else {
            continue;
        };
        let longest = curves
            .iter()
            .map(|curve| curve.points.len())
            .max()
            .unwrap_or(0);
        let every = longest.div_ceil(CURVE_STEPS).max(1);
        let mut of_run = serde_json::Map::new();
        for curve in curves {
            let last = curve.points.len().saturating_sub(1);
            let kept = (curve.points.iter().enumerate())
                .filter(|(place, _)| (place + 1) % every == 0 || *place == 0 || *place == last);
            let (steps, values): (Vec<u32>, Vec<Json>) = kept
                .map(|(_, (step, value))| (*step, number(*value)))
                .unzip();
            room = room.saturating_sub(values.len());
            let is_plain = steps.iter().zip(1..).all(|(step, place)| *step == place);
            of_run.insert(
                text::sanitize(&curve.metric),
                match is_plain {
                    true => json!(values),
                    false => json!([steps, values]),
                },
            );
        }
        if room == 0 {
            break;
        }
        found.insert(place.to_string(), Json::Object(of_run));
    }
    Json::Object(found)
}

/// Confusion of configurations, the rows of all their seeds added: `{config: [[rows]]}`.
fn confusion(input: &Input, ranking: &[Configuration]) -> Json {
    let classes = input.experiment.dataset.classes.len();
    let mut found = serde_json::Map::new();
    for (place, config) in ranking.iter().enumerate().filter(|_| classes <= CLASSES) {
        let matrices = (config.runs.iter())
            .filter_map(|run| input.confusion.get(&run.trial))
            .filter(|matrix| !matrix.is_empty());
        let mut sum: Option<Vec<Vec<u64>>> = None;
        for matrix in matrices {
            match &mut sum {
                None => sum = Some(matrix.clone()),
                Some(sum) => {
                    let cells = sum.iter_mut().flatten().zip(matrix.iter().flatten());
                    cells.for_each(|(cell, more)| *cell += more);
                }
            }
        }
        if let Some(sum) = sum {
            found.insert(place.to_string(), json!(sum));
        }
    }
    Json::Object(found)
}

/// What the best tree model of each kind used most, the mean over its seeds: `[[config, [[feature, share]]]]`.
fn features(input: &Input, summary: &Summary) -> Json {
    let one = |kind: Kind| {
        let config = summary
            .ranking
            .iter()
            .position(|config| config.kind == kind)?;
        let seeds: Vec<&Vec<(String, f64)>> = (summary.ranking[config].runs.iter())
            .filter_map(|run| input.importance.get(&run.trial))
            .filter(|shares| !shares.is_empty())
            .collect();
        let mut sums: HashMap<&str, f64> = HashMap::new();
        for (feature, share) in seeds
            .iter()
            .copied()
            .flatten()
            .filter(|(_, share)| share.is_finite())
        {
            *sums.entry(feature).or_default() += share / seeds.len() as f64;
        }
        let mut shares: Vec<(&str, f64)> = sums.into_iter().collect();
        shares.sort_by(|(a, x), (b, y)| y.total_cmp(x).then(a.cmp(b)));
        let shares = shares.iter().take(FEATURES);
        let shares = shares.map(|(name, share)| json!([text::sanitize(name), number(*share)]));
        (!seeds.is_empty()).then(|| json!([config, shares.collect::<Json>()]))
    };
    Kind::ALL.into_iter().filter_map(one).collect()
}

/// Scores on shares of the training rows, of the best configuration of each kind:
/// `[[config, [[rows, mean, lowest, highest, seeds]]]]`.
fn growth(input: &Input, summary: &Summary) -> Json {
    let growths = growth::all(&input.experiment, summary);
    let one = |kind: Kind| {
        let best = growths.iter().find(|growth| growth.config.kind == kind)?;
        let config = summary
            .ranking
            .iter()
            .position(|config| config.id == best.config.id)?;
        let points = best.points.iter().map(|point| {
            let spread = point.spread;
            let numbers = [
                point.rows,
                spread.mean,
                spread.min,
                spread.max,
                spread.n as f64,
            ];
            json!(numbers.map(number))
        });
        Some(json!([config, points.collect::<Json>()]))
    };
    Kind::ALL.into_iter().filter_map(one).collect()
}

fn calibration(input: &Input, ranking: &[Configuration]) -> Json {
    let one = |calibration: &crate::calibration::Calibration| {
        let config = ranking
            .iter()
            .position(|config| config.id == calibration.config)?;
        let bins = calibration.bins.iter();
        let bins = bins.map(|bin| {
            json!([
                bin.predictions,
                number(bin.confidence),
                number(bin.accuracy)
            ])
        });
        Some(json!({
            "config": config,
            "seeds": calibration.seeds,
            "ece": number(calibration.ece),
            "bins": bins.collect::<Json>(),
        }))
    };
    input.calibration.iter().filter_map(one).collect()
}

/// Attempts by session and slot, and what became of the slots; times in milliseconds from the session's
/// beginning. An attempt whose end nobody saw ends where the record of its session does.
fn timeline(input: &Input) -> Json {
    let sessions = &input.experiment.sessions;
    let place = |id: i64| sessions.iter().position(|session| session.id == id);
    let last = |id: i64| {
        let seen = (input
            .attempts
            .iter()
            .filter(|(_, attempt)| attempt.session == id))
        .map(|(_, attempt)| attempt.ended_ms.unwrap_or(attempt.started_ms));
        let events = input.slot_events.iter().filter(|event| event.session == id);
        seen.chain(events.map(|event| event.at_ms)).max()
    };
    let ends: Vec<i64> = (sessions.iter())
        .map(|session| {
            session
                .ended_ms
                .or(last(session.id))
                .unwrap_or(session.started_ms)
        })
        .collect();
    let mut slots = Names::default();
    let mut outcomes = Names::default();
    let mut attempts = Vec::new();
    for (trial, attempt) in &input.attempts {
        let Some(session) = place(attempt.session) else {
            continue;
        };
        let begun = sessions[session].started_ms;
        attempts.push(json!([
            session,
            slots.place(&attempt.slot),
            attempt.started_ms - begun,
            attempt.ended_ms.unwrap_or(ends[session]) - attempt.started_ms,
            outcomes.place(&attempt.outcome),
            short(trial),
            said(attempt),
        ]));
    }
    let events: Vec<Json> = (input.slot_events.iter())
        .filter(|event| event.what != "worker_started")
        .filter_map(|event| {
            let session = place(event.session)?;
            let message = event
                .message
                .as_deref()
                .map(|message| text::cut(message, 200));
            let at = event.at_ms - sessions[session].started_ms;
            Some(json!([
                session,
                slots.place(&event.slot),
                at,
                text::sanitize(&event.what),
                message
            ]))
        })
        .collect();
    let lengths = sessions.iter().zip(&ends);
    json!({
        "sessions": lengths
            .map(|(session, end)| json!([text::utc(session.started_ms), end - session.started_ms]))
            .collect::<Json>(),
        "slots": slots.names,
        "outcomes": outcomes.names,
        "attempts": attempts,
        "events": events,
    })
}

/// Why an attempt gave no result.
fn said(attempt: &AttemptRecord) -> Option<String> {
    let message = attempt.message.as_deref()?;
    (attempt.outcome != "finished").then(|| text::cut(message, 160))
}

#[derive(Default)]
struct Names {
    names: Vec<String>,
}

impl Names {
    fn place(&mut self, name: &str) -> usize {
        let name = text::sanitize(name);
        let found = self.names.iter().position(|other| *other == name);
        found.unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        })
    }
}

fn short(trial: &TrialId) -> &str {
    trial.as_str().get(..NAME).unwrap_or(trial.as_str())
}

fn maybe(value: Option<f64>) -> Json {
    value.map_or(Json::Null, number)
}

/// Six significant digits, in the shortest notation.
pub(super) fn number(value: f64) -> Json {
    let rounded = format!("{value:.5e}").parse::<f64>();
    let rounded = rounded.ok().filter(|value| value.is_finite());
    match rounded {
        // Whole numbers without a fraction: two characters less, a hundred thousand times.
        Some(whole) if whole.fract() == 0.0 && whole.abs() < 1e9 => json!(whole as i64),
        rounded => json!(rounded),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{Summary, samples};
    use super::*;

    fn page_data() -> Json {
        let input = samples::genres();
        let summary = Summary::of(&input.experiment);
        let anova = Anova::of(&summary);
        of(
            &input,
            &summary,
            &Inference::of(&summary),
            anova.as_ref().ok(),
        )
    }

    #[test]
    fn columns_are_as_long_as_what_they_describe() {
        let data = page_data();
        let length = |json: &Json| json.as_array().unwrap().len();
        let configs = length(&data["configs"]["id"]);
        for (name, column) in data["configs"].as_object().unwrap() {
            let is_column = name != "candidates";
            assert!(!is_column || length(column) == configs, "{name}");
        }
        for param in data["params"].as_array().unwrap() {
            assert_eq!(length(&param["at"]), configs);
            assert_eq!(length(&param["values"]), length(&param["shown"]));
        }
        let runs = length(&data["runs"]["config"]);
        for column in ["trial", "seed", "value", "step", "seconds"] {
            assert_eq!(length(&data["runs"][column]), runs, "{column}");
        }
        for column in data["metrics"].as_object().unwrap().values() {
            assert_eq!(length(column), runs);
        }
        assert_eq!(data["calibration"].as_array().unwrap().len(), 3);
        assert_eq!(length(&data["timeline"]["attempts"]), 45);
        assert_eq!(length(&data["timeline"]["events"]), 1);
    }

    #[test]
    fn settings_name_the_kinds_among_which_they_vary() {
        let data = page_data();
        let params = data["params"].as_array().unwrap();
        let varies = |key: &str| {
            let found = params.iter().find(|param| param["key"] == key);
            found.unwrap()["varies"].clone()
        };
        assert_eq!(varies("lr"), json!([0]));
        // Trees of both kinds have it; among forests there is one value alone.
        assert_eq!(varies("max_depth"), json!([1]));
        assert_eq!(varies("epochs"), json!([]));
    }

    #[test]
    fn numbers_are_short_and_what_is_none_is_null() {
        let text = |value: f64| number(value).to_string();
        assert_eq!(text(0.123_456_78), "0.123457");
        assert_eq!(text(1.0), "1");
        assert_eq!(text(f64::NAN), "null");
        assert_eq!(text(1e30), "1e+30");
        assert_eq!(text(-0.5), "-0.5");
    }
}
