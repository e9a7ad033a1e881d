//! Training of what a prepared sweep asks for and the database does not have.

use sweep_analysis::Summary as Results;
use sweep_core::trial::Kind;
use sweep_engine::models::library;
use sweep_experiment::plan::PlannedTrial;
use sweep_scheduler::Summary;
use sweep_store::{ExperimentRecord, NewSearch, Store};

use super::new_session::{begin, lock};
use super::prior_progress::{PriorProgress, clear_checkpoints, statuses};
use super::session::{Recorded, train};
use crate::app::App;
use crate::dummy;
use crate::error::Error;
use crate::experiment_file::NameConflict;
use crate::missing_models;
use crate::observer::{Notice, Observer, SessionPlan};
use crate::options::RunOptions;
use crate::placement;
use crate::prepare::PreparedSweep;
use crate::search::{self, PreparedSearch, SearchSupply};
use crate::valid_predictions;

/// How a session ended.
#[derive(Debug)]
pub struct RunOutcome {
    /// Everything recorded about the sweep now.
    pub record: ExperimentRecord,
    /// The ranking, and the winner's lead over the zero line.
    pub results: Results,
    /// What the session did.
    pub summary: Summary,
    /// Trials that failed in earlier sessions and were not retried.
    pub failed_before: usize,
    pub nothing_to_do: bool,
}

/// Trains what `prepared` asks for and the database does not have.
pub fn execute(
    app: &App,
    prepared: &mut PreparedSweep,
    options: &RunOptions,
    observer: &dyn Observer,
) -> Result<RunOutcome, Error> {
    let placement = placement::place(prepared, &options.slots)?;
    let lock = lock(app, &prepared.loaded.experiment.name)?;
    if !options.accept_new_file
        && let Some(conflict) = NameConflict::find(app, &prepared.loaded)?
    {
        return Err(conflict.refusal());
    }
    check_libraries(prepared)?;
    let mut store = app.write(observer)?;
    search::retry_failed(&mut store, &mut prepared.searches, &options.retry)?;
    let prepared = &*prepared;
    let experiment = &prepared.loaded.experiment;
    let session = app.with_notice(observer, || begin(app, &mut store, prepared))?;
    prepared.hold.release();

    let statuses = statuses(&store, &prepared.plan)?;
    let missing_models::Todo {
        trials: todo,
        again,
    } = missing_models::todo(app, Some(&store), prepared, &statuses, &options.retry)?;
    let before = PriorProgress::of(prepared, &todo, &statuses, &store)?;
    let searches = begin_searches(&mut store, prepared)?;
    let mut supply = SearchSupply::new(&store, searches)?;
    let is_over = supply.is_over()?;
    prepared.notice_data(observer);
    observer.notice(&Notice::Planned(SessionPlan {
        sweep: experiment.name.clone(),
        planned: prepared.plan.trials.len(),
        done: before.done,
        to_train: todo.len(),
        workers: placement.slots.len(),
        searches: prepared
            .searches
            .iter()
            .map(PreparedSearch::summary)
            .collect(),
        is_searching: !is_over,
        out_of_plan: before.out_of_plan,
    }));
    notice_missing_library(observer, &todo);
    clear_checkpoints(&statuses, &app.trials());
    let nothing_to_do = todo.is_empty() && is_over;
    let failed_before = before.failed;
    let recorded = Recorded {
        store: &store,
        session,
        lock: &lock,
        again: &again,
    };
    let (mut summary, record) = train(
        app,
        observer,
        prepared,
        options,
        (&todo, &mut supply),
        placement,
        recorded,
        before,
    )?;
    let others = missing_models::remove_others(app, observer, &store, session, &again)?;
    summary.finished = summary.finished.saturating_sub(others);
    summary.failed += others;
    if !nothing_to_do {
        valid_predictions::prune(app, &record, experiment.schedule.keep_predictions);
    }
    Ok(RunOutcome {
        results: dummy::summary(app, &store, &record)?,
        record,
        summary,
        failed_before,
        nothing_to_do,
    })
}

/// A search over settings of models that cannot be trained here would fail with each of them.
fn check_libraries(prepared: &PreparedSweep) -> Result<(), Error> {
    for search in &prepared.searches {
        if let Some(Err(missing)) = library(search.problem.kind()) {
            let path = &search.problem.spec().path;
            let help = "remove the search from the experiment file to train the rest";
            return Err(Error::environment(format!("`{path}`: {missing}"), help));
        }
    }
    Ok(())
}

/// Records that the searches of `prepared` begin, if they have not begun before; gives their keys.
fn begin_searches<'a>(
    store: &mut Store,
    prepared: &'a PreparedSweep,
) -> Result<Vec<(i64, &'a PreparedSearch)>, Error> {
    let known = |search: &PreparedSearch| {
        serde_json::to_string(&search.known).expect("results are plain data")
    };
    let known: Vec<String> = prepared.searches.iter().map(known).collect();
    let new: Vec<NewSearch<'_>> = (prepared.searches.iter().zip(&known))
        .map(|(search, known)| NewSearch {
            path: &search.problem.spec().path,
            digest: &search.digest,
            known,
        })
        .collect();
    let ids = store.begin_searches(&prepared.loaded.experiment.name, &new)?;
    Ok(ids.into_iter().zip(&prepared.searches).collect())
}

/// Gives notice before training of each library that some of `todo` need and that is missing.
pub fn notice_missing_library(observer: &dyn Observer, todo: &[&PlannedTrial]) {
    for kind in Kind::all() {
        let trials = { todo.iter() }
            .filter(|trial| trial.spec.model.kind() == kind)
            .count();
        if trials > 0
            && let Some(Err(missing)) = library(kind)
        {
            observer.notice(&Notice::LibraryMissing {
                kind,
                trials,
                why: missing.to_string(),
            });
        }
    }
}
