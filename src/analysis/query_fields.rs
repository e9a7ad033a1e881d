//! Trials as the rows that a query is asked of.
//!
//! Keys are settings (`lr`), metrics at the best step (`valid/loss`), the columns of the database, and what the ranking
//! says of the trial's configuration. The report's page knows the same keys, of configurations; a test holds the two
//! lists to each other. No setting bears the name of a column.

use std::collections::{BTreeSet, HashMap};

use super::query::{Query, QueryError, Row};
use super::summary::Summary;
use super::summary_stats::SummaryStats;
use super::text;
use sweep_core::trial::{ConfigId, Kind, Status, Value};
use sweep_store::{ExperimentRecord, TrialRecord};

/// Columns that every trial has, or may have.
pub const COLUMNS: [&str; 25] = [
    "trial",
    "config",
    "name",
    "kind",
    "seed",
    "fold",
    "status",
    "in_plan",
    "best",
    "best_step",
    "last",
    "steps",
    "seconds",
    "parameters",
    "cause",
    "tag",
    "message",
    "rank",
    "mean",
    "sd",
    "min",
    "max",
    "seeds",
    "failed",
    "diverged",
];

/// Keeps of `experiment` the trials that meet `query`; gives the number of all.
///
/// # Errors
/// With the place of what is not understood, or of a key that no trial has.
pub fn narrow(experiment: &mut ExperimentRecord, query: &str) -> Result<usize, QueryError> {
    let query = Query::parse(query)?;
    let trials = &experiment.trials;
    let mut known: Vec<&str> = COLUMNS.to_vec();
    let settings = trials
        .iter()
        .flat_map(|trial| trial.params.iter().map(|(key, _)| key));
    let metrics = trials
        .iter()
        .flat_map(|trial| trial.metrics.iter().map(|(key, _)| key))
        .filter(|metric| is_of_a_side(metric));
    known.extend(settings.chain(metrics).map(String::as_str));
    known.sort_unstable();
    known.dedup();
    query.check(&known)?;
    let all = trials.len();
    let states = states(experiment);
    experiment.trials.retain(|trial| {
        query.holds(&Ranked {
            trial,
            state: states.get(&trial.config),
        })
    });
    Ok(all)
}

/// Whether `metric` belongs to a split, as in `valid/loss`: others, such as the learning rate of a step,
/// bear names of settings.
fn is_of_a_side(metric: &str) -> bool {
    metric.contains('/')
}

/// Where a configuration stands.
#[derive(Debug, Default)]
struct ConfigState {
    /// Its rank, from 1, and its scores over seeds, if it is ranked.
    ranked: Option<(usize, SummaryStats)>,
    finished: BTreeSet<u64>,
    failed: u64,
    diverged: u64,
}

/// Of every configuration of the plan.
fn states(experiment: &ExperimentRecord) -> HashMap<ConfigId, ConfigState> {
    let mut states: HashMap<ConfigId, ConfigState> = HashMap::new();
    for trial in experiment.trials.iter().filter(|trial| trial.in_plan) {
        let state = states.entry(trial.config.clone()).or_default();
        match trial.status {
            Status::Finished => {
                state.finished.insert(trial.seed);
            }
            Status::Failed => state.failed += 1,
            Status::Diverged => state.diverged += 1,
            _ => {}
        }
    }
    let summary = Summary::of(experiment);
    for (config, rank) in summary.ranking.into_iter().zip(summary.ranks) {
        let state = states.entry(config.id).or_default();
        state.ranked = Some((rank, config.stats));
    }
    states
}

/// A trial with where its configuration stands.
struct Ranked<'a> {
    trial: &'a TrialRecord,
    state: Option<&'a ConfigState>,
}

impl Row for Ranked<'_> {
    fn values(&self, key: &str) -> Vec<Value> {
        let trial = self.trial;
        let text = |text: &str| vec![Value::Text(text.to_owned())];
        let float = |number: Option<f64>| number.map(Value::Float).into_iter().collect();
        let int = |number: Option<u64>| {
            let number = number.and_then(|number| i64::try_from(number).ok());
            number.map(Value::Int).into_iter().collect()
        };
        let is_it = |name: &str| name.to_lowercase() == key;
        if let Some((_, value)) = trial.params.iter().find(|(name, _)| is_it(name)) {
            return vec![value.clone()];
        }
        let metrics = &mut trial.metrics.iter();
        if let Some((_, value)) = metrics.find(|(name, _)| is_of_a_side(name) && is_it(name)) {
            return vec![Value::Float(*value)];
        }
        let stats = |of: fn(&SummaryStats) -> Option<f64>| {
            let ranked = self.state.and_then(|state| state.ranked.as_ref());
            float(ranked.and_then(|(_, stats)| of(stats)))
        };
        let number = |of: fn(&ConfigState) -> Option<u64>| int(self.state.and_then(of));
        match key {
            "trial" => text(trial.id.as_str()),
            "config" | "name" => text(trial.config.as_str()),
            "kind" => kind_names(trial.kind).map(Value::Text).to_vec(),
            "seed" => int(Some(trial.seed)),
            "fold" => int(trial.fold.map(u64::from)),
            "status" => text(trial.status.name()),
            "in_plan" => vec![Value::Bool(trial.in_plan)],
            "best" => float(trial.best),
            "best_step" => int(trial.best_step.map(u64::from)),
            "last" => float(trial.last),
            "steps" => int(trial.steps.map(u64::from)),
            "seconds" => float(trial.seconds),
            "parameters" => int(trial.parameters),
            "cause" => trial.cause.as_deref().map_or(Vec::new(), text),
            "tag" => trial.tags.iter().cloned().map(Value::Text).collect(),
            "message" => trial.message.as_deref().map_or(Vec::new(), text),
            "rank" => number(|state| Some(state.ranked.as_ref()?.0 as u64)),
            "mean" => stats(|stats| Some(stats.mean)),
            "sd" => stats(|stats| stats.sd),
            "min" => stats(|stats| Some(stats.min)),
            "max" => stats(|stats| Some(stats.max)),
            "seeds" => number(|state| Some(state.finished.len() as u64)),
            "failed" => number(|state| Some(state.failed)),
            "diverged" => number(|state| Some(state.diverged)),
            _ => Vec::new(),
        }
    }

    fn text(&self) -> String {
        let trial = self.trial;
        let [stored, shown] = kind_names(trial.kind);
        let status = trial.status.name();
        let mut text = format!("{} {} {stored} {shown} {status}", trial.id, trial.config);
        for (key, value) in &trial.params {
            text.push_str(&format!(" {key}={}", text::setting(value)));
        }
        let notes = trial.notes.iter().map(|note| &note.text);
        for word in trial.tags.iter().chain(notes).chain(&trial.message) {
            text.push(' ');
            text.push_str(word);
        }
        text
    }
}

/// A kind of model as the database calls it, and as tables do: both can be asked for.
fn kind_names(kind: Kind) -> [String; 2] {
    [kind.name().to_owned(), kind.label().to_owned()]
}

#[cfg(test)]
mod tests {
    use super::super::fixtures;
    use super::*;

    fn kept(query: &str) -> Vec<TrialRecord> {
        let mut experiment = fixtures::genres().experiment;
        let all = experiment.trials.len();
        assert_eq!(narrow(&mut experiment, query).unwrap(), all);
        experiment.trials
    }

    #[test]
    fn a_query_keeps_the_trials_that_meet_it() {
        let all = fixtures::genres().experiment.trials;
        assert_eq!(kept("").len(), all.len());
        let networks = kept("kind=mlp lr<0.005");
        assert!(!networks.is_empty() && networks.len() < all.len());
        let lr = |trial: &TrialRecord| {
            let found = trial.params.iter().find(|(key, _)| key == "lr");
            found.unwrap().1.as_f64().unwrap()
        };
        assert!(
            networks
                .iter()
                .all(|trial| trial.kind == Kind::MLP && lr(trial) < 0.005)
        );
        let expected = all
            .iter()
            .filter(|trial| trial.kind == Kind::MLP && lr(trial) < 0.005);
        assert_eq!(networks.len(), expected.count());
        let failed = kept("status=failed|diverged");
        assert!(!failed.is_empty());
        assert!(
            failed
                .iter()
                .all(|trial| matches!(trial.status, Status::Failed | Status::Diverged))
        );
    }

    #[test]
    fn tags_and_metrics_are_keys_too() {
        let mut experiment = fixtures::genres().experiment;
        experiment.trials[3].tags = vec!["paper".to_owned(), "keep".to_owned()];
        let id = experiment.trials[3].id.clone();
        narrow(&mut experiment, "tag=keep").unwrap();
        assert_eq!(experiment.trials.len(), 1);
        assert_eq!(experiment.trials[0].id, id);
        assert!(kept("valid/accuracy>0").len() > 1);
    }

    #[test]
    fn a_key_that_no_trial_has_is_refused_at_its_place() {
        let mut experiment = fixtures::genres().experiment;
        let before = experiment.clone();
        let error = narrow(&mut experiment, "lr<0.1 droput=0.3").unwrap_err();
        assert_eq!((error.at, error.length), (7, 6));
        assert!(error.message.contains("did you mean `dropout`?"), "{error}");
        assert_eq!(experiment, before);
    }

    #[test]
    fn what_tables_show_can_be_asked_for() {
        let experiment = fixtures::genres().experiment;
        let summary = Summary::of(&experiment);
        let [first, .., last] = summary.ranking.as_slice() else {
            panic!("a ranking of several");
        };
        let is_of = |config: &ConfigId| {
            let of = experiment.trials.iter();
            of.filter(|trial| trial.config == *config).count()
        };
        for (query, wanted) in [
            ("kind=network".to_owned(), kept("kind=mlp").len()),
            (
                "\"random forest\"".to_owned(),
                kept("kind=random_forest").len(),
            ),
            ("KIND=XGBoost".to_owned(), kept("kind=xgboost").len()),
            ("rank=1".to_owned(), is_of(&first.id)),
            (format!("config={}", first.id.short()), is_of(&first.id)),
            (format!("name={}", last.id.short()), is_of(&last.id)),
            (format!("trial={}", first.runs[0].trial.short()), 1),
            (
                format!("mean={} rank=1", text::score(first.stats.mean)),
                is_of(&first.id),
            ),
            (format!("seeds={} rank=1", first.stats.n), is_of(&first.id)),
        ] {
            assert!(wanted > 0, "{query}");
            assert_eq!(kept(&query).len(), wanted, "{query}");
        }
        assert!(
            kept("failed>0")
                .iter()
                .any(|trial| trial.status == Status::Failed)
        );
        assert!(
            kept("diverged>0")
                .iter()
                .any(|trial| trial.status == Status::Diverged)
        );
        for query in ["sd>=0", "min>0 max>0", "LR<0.01", "mean>0 OR kind=xgboost"] {
            assert!(!kept(query).is_empty(), "{query}");
        }
    }

    #[test]
    fn no_setting_bears_the_name_of_a_column() {
        for param in Kind::all().flat_map(Kind::params) {
            assert!(!COLUMNS.contains(&param.name), "{}", param.name);
            assert_eq!(param.name, param.name.to_lowercase());
        }
    }
}
