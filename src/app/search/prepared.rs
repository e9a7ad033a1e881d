//! A search made ready: its space on prepared data, its plan, and what the database has of it.

use std::collections::HashSet;
use std::path::Path;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use sweep_core::format::{format_duration, hex, pluralize};
use sweep_core::search_job::JobOutcome;
use sweep_core::trial::models::UNKNOWN_STEPS;
use sweep_core::trial::{DataDigest, Kind, Objective, Value};
use sweep_engine::models::random_forest::report_stride;
use sweep_experiment::Group;
use sweep_experiment::plan::{self as experiment_plan, PlannedTrial, Target};
use sweep_experiment::search::{Budget, Domain, Method, SearchSpec};
use sweep_search::{Decision, Finish, Known, Plan, Problem as _};
use sweep_store::{SearchJobRecord, SearchRecord, Store};

use super::problem::SearchProblem;
use super::warm_start::{self, Earlier};
use crate::error::Error;
use crate::loaded::LoadedExperiment;
use crate::options::Retry;

/// A search of an experiment on prepared data.
pub struct PreparedSearch {
    pub problem: SearchProblem,
    pub plan: Plan,
    /// Of all that decides, but for the budget and the finish: with more of them a search continues.
    pub digest: String,
    /// What it is told first, as the database keeps it.
    pub known: Vec<Earlier>,
    /// What the database has of it.
    pub record: Option<SearchRecord>,
}

/// Makes the searches of `loaded` ready on the data set `digest` at `data`, with what `store` has of them.
pub fn prepare(
    loaded: &LoadedExperiment,
    (digest, data): (&DataDigest, &Path),
    target: Target<'_>,
    store: Option<&Store>,
) -> Result<Vec<PreparedSearch>, Error> {
    let experiment = &loaded.experiment;
    let objective = match &experiment.objective {
        Some(objective) => objective.clone(),
        None => Objective::usual(target.task),
    };
    let recorded = match store {
        Some(store) => store.searches(&experiment.name)?,
        None => Vec::new(),
    };
    check_told_from(loaded, store)?;
    let mut searches = Vec::new();
    for spec in &experiment.searches {
        let problem = SearchProblem::new(
            spec,
            (digest, data.to_owned()),
            target,
            &objective,
            &experiment.seeds,
        );
        check(spec, &problem)?;
        let mut plan = plan(spec, &problem);
        let definition = definition_digest(&problem, &plan);
        let record = recorded
            .iter()
            .find(|record| record.digest == definition)
            .cloned();
        if let (Some(record), [first, ..]) = (&record, &loaded.told_from[..]) {
            return Err(Error::input(
                format!(
                    "`{}` has begun, and was told what it is told: --from {first} comes too late",
                    record.path
                ),
                "leave --from out, or begin another search with another `seed`",
            ));
        }
        let known = match (&record, store) {
            (Some(record), _) => serde_json::from_str(&record.known).map_err(|_| {
                let what = format!("what search {} was told first is not readable", record.id);
                Error::environment(what, "restore the database from a backup")
            })?,
            (None, Some(store)) => {
                warm_start::find(store, &problem, &experiment.name, &loaded.told_from)?
            }
            (None, None) => Vec::new(),
        };
        plan.known = known
            .iter()
            .map(|one| one.known(&problem))
            .collect::<Option<Vec<Known>>>()
            .unwrap_or_default();
        searches.push(PreparedSearch {
            problem,
            plan,
            digest: definition,
            known,
            record,
        });
    }
    Ok(searches)
}

impl PreparedSearch {
    /// The trials that it has decided on, and those it was told of that it could have trained, each once.
    pub fn trials(&self) -> Vec<PlannedTrial> {
        let mut trials: Vec<PlannedTrial> = Vec::new();
        let mut ids = HashSet::new();
        let mut add = |trial: PlannedTrial| {
            if ids.insert(trial.id.clone()) {
                trials.push(trial);
            }
        };
        for earlier in &self.known {
            let point = earlier.known(&self.problem).map(|known| known.point);
            let trial = point.map(|point| self.problem.trial(&point, 0));
            if let Some(trial) = trial.filter(|trial| trial.id == earlier.trial) {
                add(trial);
            }
        }
        for job in self.record.iter().flat_map(|record| &record.jobs) {
            if let Ok(decision) = decision_of(job) {
                add(self.problem.trial(&decision.point, decision.job.seed));
            }
        }
        trials
    }

    /// Trials that cost about as much as the budget, spread over the space; none where the budget is a time.
    pub fn samples(&self) -> Vec<PlannedTrial> {
        let full = f64::from(self.problem.full());
        let trainings = match self.problem.spec().budget {
            Budget::Trainings(number) => number,
            Budget::Epochs(number) => number as f64 / full,
            Budget::Trials(number) => number as f64,
            Budget::Time(_) => 0.0,
        };
        let finish = self
            .problem
            .spec()
            .finish
            .map_or(0, |finish| finish.trainings);
        let number = (trainings.ceil() as u64 + u64::from(finish)).min(MAX_SAMPLES);
        let points = (0..number).map(|index| self.problem.spread(index));
        points.map(|point| self.problem.trial(&point, 0)).collect()
    }

    /// The plan in lines of text: how it is searched, then an axis each.
    pub fn describe(&self) -> Vec<String> {
        let spec = self.problem.spec();
        let rungs: Vec<String> = self.plan.rungs.iter().map(ToString::to_string).collect();
        let steps = self.problem.kind().def().steps.name;
        let mut lines = vec![match self.plan.rungs[..] {
            [UNKNOWN_STEPS] => format!(
                "seed {}, width {}, all trials run to their end",
                spec.seed, spec.width
            ),
            [_] => format!(
                "seed {}, width {}, all trials in full: {} {steps}s",
                spec.seed, spec.width, rungs[0]
            ),
            _ => format!(
                "seed {}, width {}, rungs at {steps} {}",
                spec.seed,
                spec.width,
                rungs.join(", ")
            ),
        }];
        if let Some(points) = self.problem.space().cardinality() {
            lines.push(format!(
                "{} before `exclude` and constraints",
                pluralize(points as usize, "point")
            ));
        }
        lines.extend((0..spec.space.dimensions()).map(|at| axis(spec, at)));
        lines.extend(
            spec.constraints
                .iter()
                .map(|one| format!("constraint {}", one.text)),
        );
        if let Some(finish) = spec.finish {
            lines.push(format!(
                "then {} with other seeds, of the {} best and fewer and fewer of them",
                pluralize(finish.trainings as usize, "training"),
                finish.top
            ));
        }
        lines
    }

    /// What it is, in a few words: `search of networks by auto, 50 trainings, 12 jobs decided before`.
    pub fn summary(&self) -> String {
        let spec = self.problem.spec();
        let budget = match spec.budget {
            Budget::Trainings(number) => format!("{number} trainings"),
            Budget::Epochs(number) => format!("{number} {}s", self.problem.kind().def().steps.name),
            Budget::Trials(number) => pluralize(number as usize, "trial"),
            Budget::Time(time) => format_duration(time),
        };
        let kind = self.problem.kind().label();
        let mut text = format!(
            "search of {kind} settings by {}, {budget}",
            spec.method.name()
        );
        if !self.known.is_empty() {
            text += &format!(
                ", told of {}",
                pluralize(self.known.len(), "earlier result")
            );
        }
        let decided = self.record.as_ref().map_or(0, |record| record.jobs.len());
        if decided > 0 {
            text += &format!(", {} decided on before", pluralize(decided, "job"));
        }
        text
    }
}

/// `plan` with trials of `searches` that have every value of every axis, for checks that need the data.
pub fn checked_plan(
    plan: &experiment_plan::Plan,
    searches: &[PreparedSearch],
) -> experiment_plan::Plan {
    let mut plan = plan.clone();
    for search in searches {
        let spec = search.problem.spec();
        let (space, kind) = (&spec.space, search.problem.kind());
        plan.trials.extend(search.problem.representatives());
        let fixed = space.grid.fixed.iter();
        plan.fixed
            .extend(fixed.map(|key| (format!("{}.{key}", space.grid.path), kind, key.clone())));
        for (at, key) in (0..space.dimensions())
            .flat_map(|at| space.keys(at).into_iter().map(move |key| (at, key)))
        {
            let column = |group: &Group| group.keys.iter().position(|other| other == key);
            let values = space.grid.groups.get(at).and_then(|group| {
                let column = column(group)?;
                Some(group.rows.iter().map(|row| row[column].clone()).collect())
            });
            plan.axes.push(experiment_plan::AxisSummary {
                kind,
                name: key.to_owned(),
                values: values.unwrap_or_default(),
                path: format!("{}.space.{key}", spec.path),
            });
        }
    }
    plan
}

/// Most trials that stand for a budget.
const MAX_SAMPLES: u64 = 10_000;

/// `axis lr: 0.0001 to 0.03, logarithmic; when optimizer is sgd`.
fn axis(spec: &SearchSpec, at: usize) -> String {
    let space = &spec.space;
    let mut text = format!("axis {}: ", space.keys(at).join(" with "));
    match space.grid.groups.get(at) {
        Some(group) => {
            let row = |row: &Vec<Value>| {
                row.iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(" with ")
            };
            text += &group.rows.iter().map(row).collect::<Vec<_>>().join(" | ");
        }
        None => {
            let (ends, log) = match space.ranges[at - space.grid.groups.len()].domain {
                Domain::Real { low, high, log } => (
                    format!("{} to {}", Value::Float(low), Value::Float(high)),
                    log,
                ),
                Domain::Integer { low, high, log } => {
                    (format!("{low} to {high}, whole numbers"), log)
                }
            };
            text += &ends;
            text += if log { ", logarithmic" } else { "" };
        }
    }
    if let Some(activity) = space.activity(at) {
        let group = &space.grid.groups[activity.group];
        let rows = activity
            .rows
            .iter()
            .map(|row| group.rows[*row][0].to_string());
        text += &format!(
            "; when {} is {}",
            group.keys[0],
            rows.collect::<Vec<_>>().join(" or ")
        );
    }
    text
}

/// Puts back to before their first failed job the searches of `prepared` that `retry` chooses: what is decided from there
/// on is decided again, with what was trained meanwhile known.
///
/// # Errors
/// When the database cannot be written.
pub fn retry_failed(
    store: &mut Store,
    searches: &mut [PreparedSearch],
    retry: &Retry,
) -> Result<(), Error> {
    let is_retried = retry.of(Some(store))?;
    for record in searches
        .iter_mut()
        .filter_map(|search| search.record.as_mut())
    {
        let is_failed = |job: &SearchJobRecord| {
            job.outcome == Some(JobOutcome::Failed) && is_retried(&job.trial)
        };
        if let Some(first) = record.jobs.iter().position(is_failed) {
            store.forget_search_jobs(record.id, record.jobs[first].number)?;
            record.jobs.truncate(first);
            record.ended = None;
        }
    }
    Ok(())
}

/// The decision that `job` holds.
pub fn decision_of(job: &SearchJobRecord) -> Result<Decision, Error> {
    serde_json::from_str(&job.decision).map_err(|error| {
        let what = format!(
            "decision {} of a search cannot be read: {error}",
            job.number
        );
        Error::environment(what, "restore the database from a backup")
    })
}

/// Sweeps that a search is to be told of have to be there, and a search to be told.
fn check_told_from(loaded: &LoadedExperiment, store: Option<&Store>) -> Result<(), Error> {
    let Some(first) = loaded.told_from.first() else {
        return Ok(());
    };
    if loaded.experiment.searches.is_empty() {
        let message = format!("--from {first} is for searches, and the experiment has none");
        return Err(Error::input(message, "leave it out, or write a [search]"));
    }
    let known = store
        .map(Store::experiments)
        .transpose()?
        .unwrap_or_default();
    for name in &loaded.told_from {
        if known.iter().all(|summary| summary.name != *name) {
            let message = format!("--from {name}: there is no sweep of that name");
            return Err(Error::input(message, "`sweep ls` lists the sweeps"));
        }
    }
    Ok(())
}

/// What the file asks for and this kind of model does not have.
fn check(spec: &SearchSpec, problem: &SearchProblem) -> Result<(), Error> {
    let asks = spec
        .objectives
        .iter()
        .any(|objective| objective.metric == sweep_experiment::search::PARAMETERS)
        || spec
            .constraints
            .iter()
            .any(|one| one.text.contains(sweep_experiment::search::PARAMETERS));
    let kind = spec.space.grid.base.kind();
    if asks && !kind.is_network() {
        return Err(Error::input(
            format!(
                "`{}`: the number of parameters is known before training for networks alone",
                spec.path
            ),
            "constrain a setting instead, such as \"max_depth <= 6\"",
        ));
    }
    if problem.space().dims.len() > MAX_DIMENSIONS {
        return Err(Error::input(
            format!(
                "`{}.space` has {} axes; at most {MAX_DIMENSIONS} are allowed",
                spec.path,
                problem.space().dims.len()
            ),
            "fix some of them in the table of the model",
        ));
    }
    Ok(())
}

/// Most axes of a search.
const MAX_DIMENSIONS: usize = 64;

fn plan(spec: &SearchSpec, problem: &SearchProblem) -> Plan {
    Plan {
        method: method(spec),
        seed: spec.seed,
        width: spec.width,
        rungs: rungs(spec, problem),
        eta: spec.rungs.eta(),
        budget: match spec.budget {
            Budget::Trainings(trainings) => sweep_search::Budget::Trainings(trainings),
            Budget::Epochs(steps) => sweep_search::Budget::Steps(steps),
            Budget::Trials(trials) => sweep_search::Budget::Trials(trials),
            Budget::Time(_) => sweep_search::Budget::Unlimited,
        },
        finish: spec.finish.map(|finish| Finish {
            top: finish.top as usize,
            trainings: finish.trainings,
        }),
        objectives: spec.objectives.len().max(1),
        constraints: (spec.constraints.iter())
            .filter(|one| !one.is_known_before())
            .count(),
        enqueue: spec
            .enqueue
            .iter()
            .map(|point| problem.point(point))
            .collect(),
        known: Vec::new(),
    }
}

/// The steps at which trials pause, and the last one: where there is something to compare.
fn rungs(spec: &SearchSpec, problem: &SearchProblem) -> Vec<u32> {
    let full = problem.full();
    let steps = spec.rungs.steps(spec.method, full);
    if problem.kind() != Kind::RANDOM_FOREST {
        return steps;
    }
    let stride = report_stride(full);
    let mut steps: Vec<u32> = (steps.into_iter())
        .map(|step| step.next_multiple_of(stride).min(full))
        .collect();
    steps.dedup();
    steps
}

fn method(spec: &SearchSpec) -> sweep_search::Method {
    match spec.method {
        Method::Auto => sweep_search::Method::Auto,
        Method::Gp => sweep_search::Method::Gp,
        Method::Tpe => sweep_search::Method::Tpe,
        Method::Random => sweep_search::Method::Random,
        Method::Sobol => sweep_search::Method::Sobol,
        Method::Asha => sweep_search::Method::Asha,
    }
}

/// The name of all that decides on jobs: another one is another search.
fn definition_digest(problem: &SearchProblem, plan: &Plan) -> String {
    let spec = problem.spec();
    let space = &spec.space;
    let plan = Plan {
        budget: sweep_search::Budget::Unlimited,
        finish: None,
        ..plan.clone()
    };
    let values: Vec<_> = space
        .grid
        .groups
        .iter()
        .map(|group| json!([group.keys, group.rows]))
        .collect();
    let ranges: Vec<String> = space
        .ranges
        .iter()
        .map(|axis| format!("{axis:?}"))
        .collect();
    let activities: Vec<String> = space
        .activities
        .iter()
        .map(|one| format!("{one:?}"))
        .collect();
    let definition = json!({
        "format": 1,
        "data": problem.digest().as_str(),
        "kind": space.grid.base.kind().name(),
        "base": space.grid.base.params(),
        "values": values,
        "ranges": ranges,
        "activities": activities,
        "exclude": space.grid.exclusions.iter().map(|one| format!("{one:?}")).collect::<Vec<_>>(),
        "objective": problem.objective(),
        "objectives": spec.objectives,
        "constraints": spec.constraints.iter().map(|one| &one.text).collect::<Vec<_>>(),
        "trial_seed": problem.first_seed(),
        "plan": plan,
    });
    hex(&Sha256::digest(definition.to_string().as_bytes())[..16])
}
