//! Training of what a prepared sweep asks for and the database does not have.

use sweep_analysis::Summary as Results;
use sweep_core::trial::Kind;
use sweep_engine::models::library;
use sweep_experiment::plan::PlannedTrial;
use sweep_experiment::search::Budget;
use sweep_scheduler::Summary;
use sweep_store::{ExperimentRecord, NewSearch, OpenSession, SessionId, Store};

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
use crate::placement::{self, Placement};
use crate::pool::{self, Followed, Starter, Watch};
use crate::prepare::PreparedSweep;
use crate::search::{self, PreparedSearch, SearchSupply};
use crate::valid_predictions;

/// How a session ended, or that its agents go on.
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
    /// Whether agents go on.
    pub is_detached: bool,
    /// Whether no agent was left although there was something to do.
    pub lacks_agents: bool,
}

impl RunOutcome {
    /// What came of a pool.
    pub fn of_pool(
        app: &App,
        store: &Store,
        followed: Followed,
        failed_before: usize,
    ) -> Result<RunOutcome, Error> {
        let Followed {
            record,
            summary,
            is_detached,
            lacks_agents,
        } = followed;
        Ok(RunOutcome {
            results: dummy::summary(app, store, &record)?,
            record,
            summary,
            failed_before,
            nothing_to_do: false,
            is_detached,
            lacks_agents,
        })
    }
}

/// Trains what `prepared` asks for and the database does not have.
pub fn execute(
    app: &App,
    prepared: &mut PreparedSweep,
    options: &RunOptions,
    observer: &dyn Observer,
) -> Result<RunOutcome, Error> {
    let placement = placement(prepared, options)?;
    let lock = lock(app, &prepared.loaded.experiment.name)?;
    if !options.accept_new_file
        && let Some(conflict) = NameConflict::find(app, &prepared.loaded)?
    {
        return Err(conflict.refusal());
    }
    check_libraries(prepared)?;
    let mut store = app.write(observer)?;
    pool::refuse_live(app, observer, &store, &prepared.loaded.experiment.name)?;
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
    let workers = placement.as_ref().map(|placement| placement.slots.len());
    notice_plan(observer, prepared, (&before, todo.len(), !is_over), workers);
    notice_missing_library(observer, &todo);
    clear_checkpoints(&statuses, &app.trials());
    let nothing_to_do = todo.is_empty() && is_over;
    let failed_before = before.failed;
    if let (Some(pool), false) = (&options.pool, nothing_to_do) {
        let watch = Watch {
            app,
            observer,
            prepared,
            store: &store,
            lock: &lock,
            session: open_session(&store, session)?,
        };
        let followed = pool::run(&watch, pool, &todo, before)?;
        return RunOutcome::of_pool(app, &store, followed, failed_before);
    }
    // Nothing is trained by a session without trials.
    let placement = placement.unwrap_or_else(Placement::none);
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
        is_detached: false,
        lacks_agents: false,
    })
}

/// Tells what the session will do.
fn notice_plan(
    observer: &dyn Observer,
    prepared: &PreparedSweep,
    (before, to_train, is_searching): (&PriorProgress, usize, bool),
    workers: Option<usize>,
) {
    let searches = prepared.searches.iter();
    observer.notice(&Notice::Planned(SessionPlan {
        sweep: prepared.loaded.experiment.name.clone(),
        planned: prepared.plan.trials.len(),
        done: before.done,
        to_train,
        workers,
        searches: searches.map(PreparedSearch::summary).collect(),
        is_searching,
        out_of_plan: before.out_of_plan,
    }));
}

/// The slots of this machine; what agents find where they run, they say themselves.
fn placement(prepared: &PreparedSweep, options: &RunOptions) -> Result<Option<Placement>, Error> {
    match &options.pool {
        None => placement::place(&prepared.loaded.experiment, &options.slots).map(Some),
        Some(pool) => check_for_pool(prepared, options, pool.starter).map(|()| None),
    }
}

/// Refuses what agents cannot do.
fn check_for_pool(
    prepared: &PreparedSweep,
    options: &RunOptions,
    starter: Starter,
) -> Result<(), Error> {
    if starter == Starter::Slurm {
        pool::check_installed()?;
    }
    let is_of_time =
        |search: &&PreparedSearch| matches!(search.problem.spec().budget, Budget::Time(_));
    if let Some(search) = prepared.searches.iter().find(is_of_time) {
        return Err(Error::input(
            format!(
                "the budget of `{}` is a time, and agents share no clock",
                search.problem.spec().path
            ),
            "give the budget as trials, trainings or epochs",
        ));
    }
    if options.limits.max_time.is_some() || options.limits.max_trials.is_some() {
        return Err(Error::input(
            "--max-time and --max-trials are about a session on this machine",
            "set `time` in [[schedule.slurm]], or end the agents with `sweep stop`",
        ));
    }
    Ok(())
}

fn open_session(store: &Store, session: SessionId) -> Result<OpenSession, Error> {
    let found = store.open_session(session.get())?;
    found.ok_or_else(|| Error::environment("the session has ended", "run the command again"))
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
