//! Two trials side by side: what was set, what came out, what they ran on, what they were trained on.
//!
//! Invariant: a line that both have alike is only there when asked for, and nothing that differs is left out.

use serde_json::{Value as Json, json};
use sweep_analysis::{json, text};

use super::commit;
use sweep_core::named::value_of;
use sweep_core::trial::{Params, complete};
use sweep_store::{AttemptRecord, DatasetRecord, SessionRecord, TrialRecord};

/// All that is compared of one trial.
#[derive(Debug, Clone)]
pub struct Side {
    pub trial: TrialRecord,
    pub dataset: DatasetRecord,
    /// The attempt that brought it where it stands, and the session of that attempt.
    pub last: Option<(AttemptRecord, Option<SessionRecord>)>,
}

/// Lines of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    pub name: &'static str,
    pub lines: Vec<Line>,
}

/// One fact of both trials; `None` where it is not known.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub name: String,
    pub left: Option<String>,
    pub right: Option<String>,
    /// Right less left, where both are numbers that were measured.
    pub difference: Option<f64>,
}

impl Line {
    pub fn differs(&self) -> bool {
        self.left != self.right
    }
}

/// Parameters, metrics at the best step, environment, data: in this order, each with every fact.
pub fn sections(left: &Side, right: &Side) -> Vec<Section> {
    let section = |name, lines| Section { name, lines };
    vec![
        section("parameters", parameters(left, right)),
        section("metrics", metrics(left, right)),
        section(
            "environment",
            texts(&environment(left), &environment(right)),
        ),
        section("data", texts(&data(left), &data(right))),
    ]
}

/// `{left, right, parameters: {name: {left, right}}, metrics: {name: {left, right, difference}}, ...}`; only what
/// differs, unless `all`.
pub fn json(left: &Side, right: &Side, sections: &[Section], all: bool) -> Json {
    let mut object = json!({ "left": left.trial.id, "right": right.trial.id });
    for section in sections {
        let lines = section.lines.iter().filter(|line| all || line.differs());
        object[section.name] = json::object(lines.map(|line| {
            let mut value = json!({ "left": line.left, "right": line.right });
            if section.name == "metrics" {
                value["difference"] = json!(line.difference);
            }
            (&line.name, value)
        }));
    }
    object
}

fn parameters(left: &Side, right: &Side) -> Vec<Line> {
    let (mut one, mut other) = (left.trial.params.clone(), right.trial.params.clone());
    complete([(left.trial.kind, &mut one), (right.trial.kind, &mut other)].into_iter());
    let named = |side: &Side, params: &Params| {
        let kind = ("kind".to_owned(), side.trial.kind.name().to_owned());
        let seed = ("seed".to_owned(), side.trial.seed.to_string());
        let settings = params
            .iter()
            .map(|(key, value)| (key.clone(), value.to_string()));
        let facts = [kind].into_iter().chain(settings).chain([seed]);
        facts.collect::<Vec<_>>()
    };
    texts(&named(left, &one), &named(right, &other))
}

fn metrics(left: &Side, right: &Side) -> Vec<Line> {
    let measured = |side: &Side| -> Vec<(String, f64)> {
        let trial = &side.trial;
        let step = trial
            .best_step
            .map(|step| ("best_step".to_owned(), f64::from(step)));
        let seconds = trial.seconds.map(|seconds| ("seconds".to_owned(), seconds));
        let metrics = trial
            .metrics
            .iter()
            .filter(|(name, _)| name != "seconds")
            .cloned();
        metrics.chain(step).chain(seconds).collect()
    };
    let (one, other) = (measured(left), measured(right));
    let find = |list: &[(String, f64)], name: &str| value_of(list, name).copied();
    let mut lines = vec![Line {
        name: "status".to_owned(),
        left: Some(left.trial.status.name().to_owned()),
        right: Some(right.trial.status.name().to_owned()),
        difference: None,
    }];
    lines.extend(names(&one, &other).into_iter().map(|name| {
        let (left, right) = (find(&one, &name), find(&other, &name));
        Line {
            left: left.map(text::exact),
            right: right.map(text::exact),
            difference: left.zip(right).map(|(left, right)| right - left),
            name,
        }
    }));
    lines
}

fn environment(side: &Side) -> Vec<(String, String)> {
    let Some((attempt, session)) = &side.last else {
        return Vec::new();
    };
    let mut facts = vec![
        ("engine".to_owned(), attempt.engine.clone()),
        ("slot".to_owned(), attempt.slot.clone()),
    ];
    if let Some(session) = session {
        facts.push(("host".to_owned(), session.host.clone()));
        facts.push(("version".to_owned(), session.version.clone()));
        let commit = commit::describe(session, usize::MAX);
        facts.extend(commit.map(|commit| ("git_commit".to_owned(), commit)));
        let known = |name: &String| facts.iter().any(|(other, _)| other == name);
        let more = session.environment.iter().filter(|(name, _)| !known(name));
        let more: Vec<(String, String)> = more.cloned().collect();
        facts.extend(more);
    }
    facts
}

fn data(side: &Side) -> Vec<(String, String)> {
    let data = &side.dataset;
    [
        ("digest", data.digest.to_string()),
        ("source", data.source.display().to_string()),
        ("source_sha256", data.source_sha256.clone()),
        ("train_rows", data.train_rows.to_string()),
        ("valid_rows", data.valid_rows.to_string()),
        ("test_rows", data.test_rows.to_string()),
        ("features", data.features.join(", ")),
        ("classes", data.classes.join(", ")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn texts(left: &[(String, String)], right: &[(String, String)]) -> Vec<Line> {
    let find = |list: &[(String, String)], name: &str| value_of(list, name).cloned();
    let line = |name: String| Line {
        left: find(left, &name),
        right: find(right, &name),
        difference: None,
        name,
    };
    names(left, right).into_iter().map(line).collect()
}

/// The names of both, those of `left` first.
fn names<T>(left: &[(String, T)], right: &[(String, T)]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (name, _) in left.iter().chain(right) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_analysis::fixtures as samples;
    use sweep_core::trial::{Kind, Value};

    fn side(place: usize) -> Side {
        let experiment = samples::genres().experiment;
        Side {
            trial: experiment.trials[place].clone(),
            dataset: experiment.dataset,
            last: None,
        }
    }

    #[test]
    fn only_what_differs_is_said_to_differ() {
        let left = side(0);
        let mut right = left.clone();
        assert!(sections(&left, &right).iter().all(|section| {
            section.lines.is_empty() == (section.name == "environment")
                && section.lines.iter().all(|line| !line.differs())
        }));
        let lr = right
            .trial
            .params
            .iter_mut()
            .find(|(key, _)| key == "lr")
            .unwrap();
        lr.1 = Value::Float(0.5);
        let metric = right
            .trial
            .metrics
            .iter_mut()
            .find(|(name, _)| name == "valid/loss");
        metric.unwrap().1 += 0.25;
        right.dataset.features.push("loudness".to_owned());
        let sections = sections(&left, &right);
        let different: Vec<(&str, &str)> = (sections.iter())
            .flat_map(|section| {
                let lines = section.lines.iter().filter(|line| line.differs());
                lines.map(|line| (section.name, line.name.as_str()))
            })
            .collect();
        assert_eq!(
            different,
            [
                ("parameters", "lr"),
                ("metrics", "valid/loss"),
                ("data", "features")
            ]
        );
        let json = json(&left, &right, &sections, false);
        let difference = json["metrics"]["valid/loss"]["difference"]
            .as_f64()
            .unwrap();
        assert!((difference - 0.25).abs() < 1e-12, "{difference}");
        assert_eq!(json["parameters"]["lr"]["right"], "0.5");
    }

    #[test]
    fn settings_that_one_kind_lacks_are_unknown_there() {
        let experiment = samples::genres().experiment;
        let place = experiment
            .trials
            .iter()
            .position(|trial| trial.kind == Kind::RANDOM_FOREST)
            .unwrap();
        let sections = sections(&side(0), &side(place));
        let line = |name: &str| {
            let lines = &sections[0].lines;
            lines.iter().find(|line| line.name == name).unwrap().clone()
        };
        assert_eq!(line("kind").right.as_deref(), Some("random_forest"));
        assert!(line("lr").left.is_some() && line("lr").right.is_none());
        assert!(line("trees").left.is_none() && line("trees").right.is_some());
    }
}
