//! What a search did: its history, what each rung cost and decided.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::text;
use sweep_core::search_job::JobOutcome;
use sweep_core::trial::{Kind, Objective, TrialId};
use sweep_store::{ExperimentRecord, SearchJobRecord, SearchRecord};

/// A search of the experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchSummary {
    /// Its table in the experiment file.
    pub path: String,
    /// Of its trials; `None` before the first decision.
    pub kind: Option<Kind>,
    /// Why it has ended; `None` while something is left to do.
    pub ended: Option<String>,
    /// In the order of decisions.
    pub jobs: Vec<SearchPoint>,
    /// By step, ascending; of the search itself, without its finish.
    pub rungs: Vec<Rung>,
    /// Jobs of the finish, with other seeds.
    pub finish: usize,
    /// What it was told first.
    pub known: usize,
}

/// A job.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchPoint {
    pub number: u32,
    pub trial: TrialId,
    pub from: u32,
    pub to: u32,
    pub reason: String,
    /// What the objective came to; `None` of a job that failed, diverged or has not ended.
    pub value: Option<f64>,
    /// The best value up to this job, of the search itself.
    pub best: Option<f64>,
    /// Cost of all jobs up to this one, in average full trainings.
    pub spent: f64,
    /// Whether it is one of the finish, with another seed.
    pub is_finish: bool,
}

/// What only the models and the front of a search tell.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchInsight {
    /// Its table in the experiment file.
    pub path: String,
    /// Metrics that it makes better, that of the experiment first.
    pub objectives: Vec<String>,
    /// Of several objectives: trials of which none is better than another in all of them, the best by the first one first.
    pub front: Vec<FrontPoint>,
    /// The volume between the front and the worst values that any trial came to.
    pub hypervolume: Option<f64>,
    /// Settings with the share of the variance of predicted final values that each explains alone, the largest first; empty
    /// while there are too few results for a model.
    pub importance: Vec<(String, f64)>,
    /// Where the model expects the best final value; `None` of several objectives.
    pub guess: Option<Guess>,
}

/// A prediction of the model of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct Guess {
    pub settings: String,
    /// The median of the final value, and the ends of its interval of two standard deviations.
    pub value: f64,
    pub low: f64,
    pub high: f64,
    /// Whether a trial of it has been begun.
    pub is_tried: bool,
}

/// A trial of a front.
#[derive(Debug, Clone, PartialEq)]
pub struct FrontPoint {
    pub trial: TrialId,
    pub settings: String,
    /// The step it has been trained to.
    pub step: u32,
    /// One for each objective.
    pub values: Vec<f64>,
}

/// A step to which trials were trained.
#[derive(Debug, Clone, PartialEq)]
pub struct Rung {
    pub step: u32,
    /// Trials that came to it.
    pub trials: usize,
    /// Those of them that went on.
    pub promoted: usize,
    /// Jobs that failed or diverged on the way to it.
    pub failed: usize,
    /// Cost of the jobs that led to it, in average full trainings.
    pub cost: f64,
    /// The best value there.
    pub best: Option<f64>,
}

impl FrontPoint {
    /// Its value of the objective numbered `at`, which is measured by `metric`, as text: numbers of parameters are whole.
    pub fn shown(&self, at: usize, metric: &str) -> String {
        match metric {
            "parameters" => text::with_thousands(self.values[at].round() as u64),
            _ => text::score(self.values[at]),
        }
    }
}

impl SearchSummary {
    /// Every search that the current file of `experiment` asks for.
    pub fn all(experiment: &ExperimentRecord) -> Vec<SearchSummary> {
        let kinds: HashMap<&TrialId, Kind> = experiment
            .trials
            .iter()
            .map(|trial| (&trial.id, trial.kind))
            .collect();
        let searches = experiment.searches.iter();
        searches
            .map(|record| SearchSummary::of(record, &experiment.objective, &kinds))
            .collect()
    }

    fn of(
        record: &SearchRecord,
        objective: &Objective,
        kinds: &HashMap<&TrialId, Kind>,
    ) -> SearchSummary {
        let mut jobs: Vec<SearchPoint> = Vec::with_capacity(record.jobs.len());
        let mut rungs: BTreeMap<u32, Rung> = BTreeMap::new();
        let mut reached: BTreeMap<u32, HashSet<&TrialId>> = BTreeMap::new();
        let (mut best, mut spent, mut finish): (Option<f64>, f64, usize) = (None, 0.0, 0);
        for job in &record.jobs {
            let Cost { cost, is_finish } = Cost::of(job);
            spent += cost;
            let value = value_of(job);
            if is_finish {
                finish += 1;
            } else {
                if value.is_some_and(|value| {
                    best.is_none_or(|best| objective.goal.is_better(value, best))
                }) {
                    best = value;
                }
                reached.entry(job.to).or_default().insert(&job.trial);
                let rung = rungs.entry(job.to).or_insert(Rung {
                    step: job.to,
                    trials: 0,
                    promoted: 0,
                    failed: 0,
                    cost: 0.0,
                    best: None,
                });
                rung.trials += 1;
                rung.cost += cost;
                rung.failed += usize::from(job.outcome.is_some() && value.is_none());
                if value.is_some_and(|value| {
                    rung.best
                        .is_none_or(|best| objective.goal.is_better(value, best))
                }) {
                    rung.best = value;
                }
            }
            jobs.push(SearchPoint {
                number: job.number,
                trial: job.trial.clone(),
                from: job.from,
                to: job.to,
                reason: job.reason.clone(),
                value,
                best,
                spent,
                is_finish,
            });
        }
        for (step, rung) in &mut rungs {
            let above: HashSet<&TrialId> = reached
                .range(step + 1..)
                .flat_map(|(_, trials)| trials)
                .copied()
                .collect();
            rung.promoted = reached[step]
                .iter()
                .filter(|trial| above.contains(*trial))
                .count();
        }
        let known: Vec<serde_json::Value> = serde_json::from_str(&record.known).unwrap_or_default();
        SearchSummary {
            path: record.path.clone(),
            kind: record
                .jobs
                .iter()
                .find_map(|job| kinds.get(&job.trial).copied()),
            ended: record.ended.clone(),
            jobs,
            rungs: rungs.into_values().collect(),
            finish,
            known: known.len(),
        }
    }

    /// Cost of all jobs, in average full trainings.
    pub fn spent(&self) -> f64 {
        self.jobs.last().map_or(0.0, |job| job.spent)
    }
}

/// What a recorded decision says of its cost.
struct Cost {
    /// In average full trainings.
    cost: f64,
    is_finish: bool,
}

impl Cost {
    fn of(job: &SearchJobRecord) -> Cost {
        let decision: serde_json::Value = serde_json::from_str(&job.decision).unwrap_or_default();
        Cost {
            cost: decision["cost"].as_f64().unwrap_or(0.0),
            is_finish: decision["job"]["seed"].as_u64().unwrap_or(0) > 0,
        }
    }
}

fn value_of(job: &SearchJobRecord) -> Option<f64> {
    match &job.outcome {
        Some(JobOutcome::Trained { objectives, .. }) => objectives.first().copied().flatten(),
        Some(JobOutcome::Diverged | JobOutcome::Failed) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_core::trial::Objective;

    fn job(
        number: u32,
        trial: &str,
        (from, to): (u32, u32),
        value: Option<f64>,
        seed: u32,
    ) -> SearchJobRecord {
        let outcome = match value {
            Some(value) => JobOutcome::Trained {
                objectives: vec![Some(value)],
                violations: Vec::new(),
                has_ended: false,
            },
            None => JobOutcome::Diverged,
        };
        SearchJobRecord {
            number,
            trial: TrialId::from_hex(trial.repeat(16)),
            from,
            to,
            reason: "initial".to_owned(),
            decision: format!(
                "{{\"cost\":{},\"job\":{{\"seed\":{seed}}}}}",
                f64::from(to - from) / 4.0
            ),
            outcome: Some(outcome),
        }
    }

    #[test]
    fn rungs_count_trials_costs_and_who_went_on() {
        let record = SearchRecord {
            id: 1,
            path: "search".to_owned(),
            digest: String::new(),
            known: "[{}]".to_owned(),
            in_plan: true,
            ended: None,
            jobs: vec![
                job(0, "aa", (0, 1), Some(0.5), 0),
                job(1, "bb", (0, 1), Some(0.7), 0),
                job(2, "cc", (0, 1), None, 0),
                job(3, "bb", (1, 4), Some(0.8), 0),
                job(4, "dd", (0, 4), Some(0.9), 1),
            ],
        };
        let summary = SearchSummary::of(&record, &Objective::default(), &HashMap::new());
        let best: Vec<Option<f64>> = summary.jobs.iter().map(|job| job.best).collect();
        // What other seeds give at the end is not what the search found.
        assert_eq!(
            best,
            [Some(0.5), Some(0.7), Some(0.7), Some(0.8), Some(0.8)]
        );
        assert_eq!(summary.spent(), 2.5);
        assert_eq!((summary.finish, summary.known), (1, 1));
        let [low, high] = &summary.rungs[..] else {
            panic!("two rungs")
        };
        assert_eq!(
            (low.step, low.trials, low.promoted, low.failed),
            (1, 3, 1, 1)
        );
        assert_eq!((low.cost, low.best), (0.75, Some(0.7)));
        assert_eq!(
            (high.step, high.trials, high.promoted, high.cost),
            (4, 1, 0, 0.75)
        );
    }
}
