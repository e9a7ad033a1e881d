//! What tables and pages show of the ensemble of a sweep.

use std::collections::HashMap;

use crate::labels::labels;
use sweep_core::trial::{ConfigId, EnsembleScore, Kind, Objective, TrialId};
use sweep_store::{EnsembleRecord, ExperimentRecord, TrialRecord};

/// The newest ensemble of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct EnsembleSummary {
    pub stored: EnsembleRecord,
    /// The one with the highest weight first.
    pub members: Vec<EnsembleMember>,
    /// Candidates of the selection.
    pub candidates: usize,
    /// By what the sweep is ranked, if that was measured.
    pub objective: Option<EnsembleScore>,
    /// Why it should be selected again, if it should: a sentence without its end.
    pub stale: Option<String>,
}

/// A seed of a configuration, with all its folds.
#[derive(Debug, Clone, PartialEq)]
pub struct EnsembleMember {
    pub kind: Kind,
    pub config: ConfigId,
    /// The settings in which it differs from others of its kind.
    pub label: String,
    pub seed: u64,
    /// By fold; one without cross-validation.
    pub trials: Vec<TrialId>,
    pub weight: f64,
}

impl EnsembleSummary {
    /// Of `stored`, an ensemble of `experiment`.
    pub fn of(
        experiment: &ExperimentRecord,
        stored: EnsembleRecord,
        stale: Option<String>,
    ) -> EnsembleSummary {
        let by_name: HashMap<&TrialId, &TrialRecord> = (experiment.trials.iter())
            .map(|trial| (&trial.id, trial))
            .collect();
        let planned = experiment.trials.iter();
        let labels = labels(planned.map(|trial| (&trial.id, trial.kind, &trial.params)));
        let mut members: Vec<EnsembleMember> = Vec::new();
        for one in stored.ensemble.members() {
            let Some(trial) = by_name.get(&one.trial) else {
                continue;
            };
            let is_of = |member: &&mut EnsembleMember| {
                (&member.config, member.seed) == (&trial.config, trial.seed)
            };
            match members.iter_mut().find(is_of) {
                Some(member) => member.trials.push(trial.id.clone()),
                None => members.push(EnsembleMember {
                    kind: trial.kind,
                    config: trial.config.clone(),
                    label: labels.get(&trial.id).cloned().unwrap_or_default(),
                    seed: trial.seed,
                    trials: vec![trial.id.clone()],
                    weight: one.weight,
                }),
            }
        }
        let folds = experiment.folds.len().max(1);
        EnsembleSummary {
            candidates: stored.ensemble.trials.len() / folds,
            objective: stored.ensemble.score(&experiment.objective.metric).cloned(),
            members,
            stored,
            stale,
        }
    }

    /// The objective on rows that did not choose the weights or, where these were too few, on those that did.
    pub fn value(&self) -> Option<f64> {
        let score = self.objective.as_ref()?;
        Some(score.cross_fitted.unwrap_or(score.value))
    }

    /// Before which of `values`, the best first, it would stand by `objective`.
    pub fn place(&self, objective: &Objective, values: impl Iterator<Item = f64>) -> usize {
        let Some(own) = self.value() else {
            return 0;
        };
        let is_better = |other: &f64| objective.goal.is_better(*other, own);
        values.take_while(is_better).count()
    }

    /// How many members there are of each kind: `5 networks`...
    pub fn kinds(&self) -> Vec<(Kind, usize)> {
        let of = |kind: Kind| {
            let members = self.members.iter().filter(|member| member.kind == kind);
            (kind, members.count())
        };
        Kind::all()
            .map(of)
            .filter(|(_, members)| *members > 0)
            .collect()
    }
}
