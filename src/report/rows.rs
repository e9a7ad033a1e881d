//! Trials as the rows that a query is asked of.
//!
//! Keys are settings (`lr`), metrics at the best step (`valid/loss`), and the columns of the record. A setting goes
//! before a column of the same name.

use super::query::{Query, QueryError, Row};
use crate::store::{ExperimentRecord, TrialRecord};
use crate::trial::Value;

/// Columns that every trial has, or may have.
const COLUMNS: [&str; 15] = [
    "trial",
    "config",
    "kind",
    "seed",
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
        .flat_map(|trial| trial.metrics.iter().map(|(key, _)| key));
    known.extend(settings.chain(metrics).map(String::as_str));
    known.sort_unstable();
    known.dedup();
    query.check(&known)?;
    let all = trials.len();
    experiment.trials.retain(|trial| query.holds(trial));
    Ok(all)
}

impl Row for TrialRecord {
    fn values(&self, key: &str) -> Vec<Value> {
        let text = |text: &str| vec![Value::Text(text.to_owned())];
        let float = |number: Option<f64>| number.map(Value::Float).into_iter().collect();
        let int = |number: Option<u64>| {
            let number = number.and_then(|number| i64::try_from(number).ok());
            number.map(Value::Int).into_iter().collect()
        };
        if let Some((_, value)) = self.params.iter().find(|(name, _)| name == key) {
            return vec![value.clone()];
        }
        if let Some((_, value)) = self.metrics.iter().find(|(name, _)| name == key) {
            return vec![Value::Float(*value)];
        }
        match key {
            "trial" => text(self.id.as_str()),
            "config" => text(self.config.as_str()),
            "kind" => text(self.kind.name()),
            "seed" => int(Some(self.seed)),
            "status" => text(self.status.name()),
            "in_plan" => vec![Value::Bool(self.in_plan)],
            "best" => float(self.best),
            "best_step" => int(self.best_step.map(u64::from)),
            "last" => float(self.last),
            "steps" => int(self.steps.map(u64::from)),
            "seconds" => float(self.seconds),
            "parameters" => int(self.parameters),
            "cause" => self.cause.as_deref().map_or(Vec::new(), text),
            "tag" => self.tags.iter().cloned().map(Value::Text).collect(),
            "message" => self.message.as_deref().map_or(Vec::new(), text),
            _ => Vec::new(),
        }
    }

    fn text(&self) -> String {
        let mut text = format!("{} {} {}", self.id, self.kind.name(), self.status.name());
        for (key, value) in &self.params {
            text.push_str(&format!(" {key}={value}"));
        }
        let notes = self.notes.iter().map(|note| &note.text);
        for word in self.tags.iter().chain(notes).chain(&self.message) {
            text.push(' ');
            text.push_str(word);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use crate::trial::{Kind, Status};

    fn kept(query: &str) -> Vec<TrialRecord> {
        let mut experiment = samples::genres().experiment;
        let all = experiment.trials.len();
        assert_eq!(narrow(&mut experiment, query).unwrap(), all);
        experiment.trials
    }

    #[test]
    fn a_query_keeps_the_trials_that_meet_it() {
        let all = samples::genres().experiment.trials;
        assert_eq!(kept("").len(), all.len());
        let networks = kept("kind=mlp lr<0.005");
        assert!(!networks.is_empty() && networks.len() < all.len());
        let lr = |trial: &TrialRecord| trial.values("lr")[0].as_f64().unwrap();
        assert!(
            networks
                .iter()
                .all(|trial| trial.kind == Kind::Mlp && lr(trial) < 0.005)
        );
        let expected = all
            .iter()
            .filter(|trial| trial.kind == Kind::Mlp && lr(trial) < 0.005);
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
        let mut experiment = samples::genres().experiment;
        experiment.trials[3].tags = vec!["paper".to_owned(), "keep".to_owned()];
        let id = experiment.trials[3].id.clone();
        narrow(&mut experiment, "tag=keep").unwrap();
        assert_eq!(experiment.trials.len(), 1);
        assert_eq!(experiment.trials[0].id, id);
        assert!(kept("valid/accuracy>0").len() > 1);
    }

    #[test]
    fn a_key_that_no_trial_has_is_refused_at_its_place() {
        let mut experiment = samples::genres().experiment;
        let before = experiment.clone();
        let error = narrow(&mut experiment, "lr<0.1 droput=0.3").unwrap_err();
        assert_eq!((error.at, error.length), (7, 6));
        assert!(error.message.contains("did you mean `dropout`?"), "{error}");
        assert_eq!(experiment, before);
    }
}
