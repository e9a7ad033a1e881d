//! What only the models and the front of a search tell, computed again from its record.
//!
//! Invariant: where the file is of another version or the data are gone there is nothing, and that is no error.

use std::path::PathBuf;

use sweep_analysis::search::{FrontPoint, Guess, SearchInsight};
use sweep_core::format::pluralize;
use sweep_core::program::DIGEST_FACT;
use sweep_core::trial::{Goal, Objective, Status};
use sweep_data::{Dataset, Prepared};
use sweep_experiment::Source;
use sweep_search::{Problem as _, Search};
use sweep_store::{ExperimentRecord, Store};

use super::outcome::told;
use super::prepared::{PreparedSearch, decision_of, prepare};
use super::problem::SearchProblem;
use crate::app::App;
use crate::error::Error;
use crate::loaded;
use crate::prepare::target;

/// Of the searches of `record`, as far as they can be made ready again.
pub fn insights(app: &App, store: &Store, record: &ExperimentRecord) -> Vec<SearchInsight> {
    let prepared = again(app, store, record).unwrap_or_default();
    prepared.iter().filter_map(insight).collect()
}

/// Of several objectives none is the best: which trial is meant has to be said.
///
/// # Errors
/// When a search of `record` has a front of several trials; the message lists those that have a model.
pub fn refuse_best_of_front(
    app: &App,
    store: &Store,
    record: &ExperimentRecord,
) -> Result<(), Error> {
    let prepared = again(app, store, record).unwrap_or_default();
    // A search of one objective has no front, and its model is not worth the wait here.
    let several = prepared
        .iter()
        .filter(|one| objectives(&one.problem).len() > 1);
    for insight in several.filter_map(insight) {
        let has_model = |point: &&FrontPoint| {
            let mut trials = record.trials.iter();
            trials.any(|trial| trial.id == point.trial && trial.status == Status::Finished)
        };
        let front: Vec<&FrontPoint> = insight.front.iter().filter(has_model).collect();
        if front.len() < 2 {
            continue;
        }
        let shown = front.iter().take(MAX_SHOWN).map(|point| {
            let values: Vec<String> = (insight.objectives.iter().enumerate())
                .map(|(at, metric)| format!("{metric} {}", point.shown(at, metric)))
                .collect();
            format!("{}: {}", point.trial.short(), values.join(", "))
        });
        let message = format!(
            "sweep {} has several objectives, and {} of which none is the best in all of them:\n  {}",
            record.name,
            pluralize(front.len(), "trial"),
            shown.collect::<Vec<_>>().join("\n  ")
        );
        return Err(Error::input(message, "name one of them in place of `best`"));
    }
    Ok(())
}

/// Most trials of a front that a message lists.
const MAX_SHOWN: usize = 12;

fn again(app: &App, store: &Store, record: &ExperimentRecord) -> Option<Vec<PreparedSearch>> {
    if record.searches.is_empty() {
        return None;
    }
    let source = Source {
        path: record.file_path.clone(),
        text: record.file_text.clone(),
    };
    let mut loaded = loaded::check(source, &record.flags, record.edition).ok()?;
    if record.is_of_programs() {
        let facts = &record.sessions.last()?.environment;
        let (_, digest) = facts.iter().find(|(name, _)| name == DIGEST_FACT)?;
        loaded.experiment.set_program(digest);
        let data = Prepared::without_table(record.dataset.digest.clone(), PathBuf::new());
        let target = target(&data.meta, &loaded.experiment.data);
        return prepare(
            &loaded,
            (&data.meta.digest, &data.path),
            target,
            Some(store),
        )
        .ok();
    }
    let path = app.run_dir().dataset(&record.dataset.digest);
    let data = Dataset::open(&path).ok()?;
    let meta = data.meta();
    let target = target(meta, &loaded.experiment.data);
    prepare(&loaded, (&meta.digest, &path), target, Some(store)).ok()
}

fn insight(prepared: &PreparedSearch) -> Option<SearchInsight> {
    let record = prepared.record.as_ref()?;
    let problem = &prepared.problem;
    let mut search = Search::new(prepared.plan.clone(), problem).ok()?;
    for job in &record.jobs {
        search.replay(&decision_of(job).ok()?);
        if let Some(outcome) = &job.outcome {
            search.tell(job.number, told(problem, outcome));
        }
    }
    // Makes visible what has ended on the virtual clock; what it decides is not carried out.
    let _ = search.next();
    let model = search.insight();
    let objectives = objectives(problem);
    let (front, hypervolume) = match objectives.len() {
        1 => (Vec::new(), None),
        _ => (front(&search, &objectives), hypervolume(&search)),
    };
    Some(SearchInsight {
        path: record.path.clone(),
        objectives: objectives
            .iter()
            .map(|objective| objective.metric.clone())
            .collect(),
        front,
        hypervolume,
        importance: model.as_ref().map_or_else(Vec::new, |model| {
            let dims = problem.space().dims.iter();
            let named = dims
                .zip(&model.importance)
                .map(|(dim, share)| (dim.name.clone(), *share));
            let mut named: Vec<(String, f64)> = named.collect();
            named.sort_by(|a, b| b.1.total_cmp(&a.1));
            named
        }),
        guess: model.filter(|_| objectives.len() == 1).map(|model| {
            let measured = |value: f64| match objectives[0].goal {
                Goal::Max => value,
                Goal::Min => -value,
            };
            let ends = [model.guess.low, model.guess.high].map(measured);
            Guess {
                settings: problem.settings(&model.guess.point),
                value: measured(model.guess.value),
                low: ends[0].min(ends[1]),
                high: ends[0].max(ends[1]),
                is_tried: model.guess.config.is_some(),
            }
        }),
    })
}

/// What the search makes better, the objective of the experiment first.
fn objectives(problem: &SearchProblem) -> Vec<Objective> {
    match problem.spec().objectives.is_empty() {
        true => vec![problem.objective().clone()],
        false => problem.spec().objectives.clone(),
    }
}

/// The configurations of which none is better than another in every objective, the best by the first one first.
fn front(search: &Search<&SearchProblem>, objectives: &[Objective]) -> Vec<FrontPoint> {
    let mut points: Vec<FrontPoint> = Vec::new();
    for config in search.front() {
        let jobs = search.records().iter().filter(|record| {
            record.decision.job.config as usize == config && record.decision.job.seed == 0
        });
        let Some((step, values)) = jobs
            .filter_map(|record| match &record.outcome {
                Some(sweep_search::Outcome::Finished(values)) => {
                    Some((record.decision.job.to, values))
                }
                _ => None,
            })
            .next_back()
        else {
            continue;
        };
        let point = &search.configs()[config].point;
        let measured = values.objectives.iter().zip(objectives);
        points.push(FrontPoint {
            trial: search.problem().trial(point, 0).id,
            settings: search.problem().settings(point),
            step,
            values: measured
                .map(|(value, objective)| match objective.goal {
                    Goal::Max => *value,
                    Goal::Min => -value,
                })
                .collect(),
        });
    }
    let goal = objectives[0].goal;
    points.sort_by(|a, b| goal.order(a.values[0], b.values[0]));
    points
}

/// The volume between the front and the worst value of each objective that any trial came to.
fn hypervolume(search: &Search<&SearchProblem>) -> Option<f64> {
    let told = search
        .records()
        .iter()
        .filter_map(|record| match &record.outcome {
            Some(sweep_search::Outcome::Finished(values)) => Some(&values.objectives),
            _ => None,
        });
    let worst = told
        .cloned()
        .reduce(|worst, values| worst.iter().zip(&values).map(|(a, b)| a.min(*b)).collect())?;
    Some(search.hypervolume(&worst))
}
