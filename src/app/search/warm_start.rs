//! Results of earlier sweeps that a search is told before its first decision.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use sweep_core::search_job::JobOutcome;
use sweep_core::trial::{INIT, ModelSpec, Status, TRAIN_FRACTION, TrialId};
use sweep_search::{Known, Point};
use sweep_store::{Store, TrialRecord};

use super::outcome::{measured, told};
use super::problem::SearchProblem;
use crate::error::Error;

/// Most results that a search is told: the best ones.
const MAX_KNOWN: usize = 1000;

/// A result of an earlier sweep, as the database keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Earlier {
    pub sweep: String,
    pub trial: TrialId,
    pub point: Point,
    pub step: u32,
    pub outcome: JobOutcome,
}

impl Earlier {
    /// What the search is told; `None` if the point is not one of the space.
    pub fn known(&self, problem: &SearchProblem) -> Option<Known> {
        Some(Known {
            point: self.point.clone(),
            step: self.step,
            outcome: told(problem, &self.outcome),
        })
    }
}

/// The finished trials of other sweeps on the same data, and of those called `from`, whose settings lie in the space; the
/// best ones of each configuration's first seed.
pub fn find(
    store: &Store,
    problem: &SearchProblem,
    own: &str,
    from: &[String],
) -> Result<Vec<Earlier>, Error> {
    let mut found: Vec<Earlier> = Vec::new();
    let mut ids = HashSet::new();
    for summary in store.experiments()? {
        let is_named = from.contains(&summary.name);
        if summary.objective != *problem.objective()
            || !(is_named || summary.data == *problem.digest())
        {
            continue;
        }
        let Some(record) = store.experiment(&summary.name)? else {
            continue;
        };
        let is_own = summary.name == own;
        for trial in &record.trials {
            if !ids.contains(&trial.id)
                && let Some(earlier) = earlier(problem, trial, &summary.name, is_named || is_own)
            {
                ids.insert(trial.id.clone());
                found.push(earlier);
            }
        }
    }
    // One result of each point, with the lowest seed; the order does not depend on that in which sweeps were run.
    found.sort_by(|a, b| (&a.point, &a.trial.as_str()).cmp(&(&b.point, &b.trial.as_str())));
    found.dedup_by(|b, a| a.point == b.point);
    let goal = problem.objective().goal;
    let value = |one: &Earlier| match &one.outcome {
        JobOutcome::Trained { objectives, .. } => objectives[0].unwrap_or(f64::NAN),
        JobOutcome::Diverged | JobOutcome::Failed => f64::NAN,
    };
    found.sort_by(|a, b| goal.order(value(a), value(b)));
    found.truncate(MAX_KNOWN);
    Ok(found)
}

fn earlier(
    problem: &SearchProblem,
    trial: &TrialRecord,
    sweep: &str,
    may_be_other_data: bool,
) -> Option<Earlier> {
    let kind = problem.spec().space.grid.base.kind();
    let is_plain = |key: &str| trial.params.iter().all(|(name, _)| name != key);
    let is_usable = trial.kind == kind
        && trial.fold.is_none()
        && is_plain(TRAIN_FRACTION)
        && is_plain(INIT)
        && matches!(trial.status, Status::Finished | Status::Diverged);
    if !is_usable {
        return None;
    }
    let recorded = ModelSpec::recorded(kind, &trial.params);
    let point = problem.point_of(&recorded)?;
    let own = problem.trial(&point, 0);
    // All that is not searched is the same, too: on the same data that is the name of the configuration.
    let same = match own.config == trial.config {
        true => true,
        false => may_be_other_data && own.spec.model.significant().eq(recorded.significant()),
    };
    if !same {
        return None;
    }
    let outcome = match trial.status {
        Status::Diverged => JobOutcome::Diverged,
        _ => measured(problem, &own.spec.model, trial.best?, &trial.metrics, true),
    };
    Some(Earlier {
        sweep: sweep.to_owned(),
        trial: trial.id.clone(),
        point,
        step: problem.full(),
        outcome,
    })
}
