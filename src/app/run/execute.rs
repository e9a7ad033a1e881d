//! Training of what a prepared sweep asks for and the database does not have.

use sweep_analysis::Summary as Results;
use sweep_core::trial::Kind;
use sweep_engine::models::library;
use sweep_experiment::plan::PlannedTrial;
use sweep_scheduler::Summary;
use sweep_store::{ExperimentRecord, Store};

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
use crate::search::{PreparedSearch, SearchSupply};
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
    prepared: &PreparedSweep,
    options: &RunOptions,
    observer: &dyn Observer,
) -> Result<RunOutcome, Error> {
    let experiment = &prepared.loaded.experiment;
    let placement = placement::place(prepared, &options.slots)?;
    let lock = lock(app, &experiment.name)?;
    if !options.accept_new_file
        && let Some(conflict) = NameConflict::find(app, &prepared.loaded)?
    {
        return Err(conflict.refusal());
    }
    let mut store = app.write(observer)?;
    let session = app.with_notice(observer, || begin(app, &mut store, prepared))?;
    prepared.hold.release();

    let statuses = statuses(&store, &prepared.plan)?;
    let missing_models::Todo {
        trials: todo,
        again,
    } = missing_models::todo(app, Some(&store), prepared, &statuses, &options.retry)?;
    let before = PriorProgress::of(prepared, &todo, &statuses, &store)?;
    let searches = begin_searches(&mut store, prepared)?;
    prepared.notice_data(observer);
    observer.notice(&Notice::Planned(SessionPlan {
        sweep: experiment.name.clone(),
        planned: prepared.plan.trials.len(),
        done: before.done,
        to_train: todo.len(),
        workers: placement.slots.len(),
        out_of_plan: before.out_of_plan,
    }));
    notice_missing_library(observer, &todo);
    clear_checkpoints(&statuses, &app.trials());
    let mut supply = SearchSupply::new(&store, searches)?;
    let nothing_to_do = todo.is_empty() && supply.is_over()?;
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

/// Records that the searches of `prepared` begin, if they have not begun before; gives their keys.
fn begin_searches<'a>(
    store: &mut Store,
    prepared: &'a PreparedSweep,
) -> Result<Vec<(i64, &'a PreparedSearch)>, Error> {
    let begin = |search: &'a PreparedSearch| {
        let known = serde_json::to_string(&search.known).expect("results are plain data");
        let path = search.problem.spec().path.as_str();
        let name = &prepared.loaded.experiment.name;
        let id = store.begin_search(name, (path, &search.digest, &known))?;
        Ok((id, search))
    };
    prepared.searches.iter().map(begin).collect()
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
