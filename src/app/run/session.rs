//! The training of a session: workers, database, observer, and interruption.

use std::collections::HashSet;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sweep_core::event::{Event, ObserverError, Slot};
use sweep_core::protocol::Checkpointing;
use sweep_core::trial::models::DatasetSize;
use sweep_core::trial::{Params, Status, TrialId, complete};
use sweep_experiment::Experiment;
use sweep_experiment::plan::PlannedTrial;
use sweep_experiment::search::Budget;
use sweep_scheduler::{
    ClaimState, Incoming, LocalLauncher, ProgramWork, Sender, Settings, SlotLauncher, Summary,
    Supply, Work,
};
use sweep_store::lock::holder_of;
use sweep_store::{
    ExperimentRecord, Outcome, SessionId, StopMode, StopRequest, Store, SweepLock, TrialFiles,
};
use sweep_worker::checkpoints;

use super::paths::{absolute, writable};
use super::prior_progress::{PriorProgress, whole};
use super::programs;
use crate::app::App;
use crate::error::Error;
use crate::model;
use crate::observer::Observer;
use crate::options::RunOptions;
use crate::overview::{Overview, StopHandle};
use crate::placement::Placement;
use crate::prepare::{PreparedSweep, dataset_size};
use crate::search::PreparedSearch;

/// How often requests to stop are polled.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// How long a worker that was asked to stop may take.
const STOP_GRACE: Duration = Duration::from_secs(30);

/// The session in the database, and the lock that lets this process write it.
pub struct Recorded<'a> {
    pub store: &'a Store,
    pub session: SessionId,
    pub lock: &'a SweepLock,
    /// Trials with a result that are trained all the same.
    pub again: &'a HashSet<TrialId>,
}

/// Dispatches `todo`, with the database as first observer and the caller's as second; gives the sweep as recorded
/// afterwards, too.
#[expect(
    clippy::too_many_arguments,
    reason = "each comes from another module and is used once"
)]
pub fn train(
    app: &App,
    observer: &dyn Observer,
    prepared: &PreparedSweep,
    options: &RunOptions,
    (todo, supply): (&[&PlannedTrial], &mut dyn Supply),
    placement: Placement,
    record: Recorded<'_>,
    before: PriorProgress,
) -> Result<(Summary, ExperimentRecord), Error> {
    let experiment = &prepared.loaded.experiment;
    let trials = absolute(&app.trials())?;
    writable(&trials)?;
    let owner = programs::owner(app, &experiment.name)?;
    if experiment.program.is_some() {
        programs::begin(observer, &owner)?;
    }
    let recorded = |trial: &TrialId| programs::recorded(record.store, prepared, trial);
    let work = Work {
        trials: todo,
        data: (prepared.folds.iter())
            .map(|fold| match experiment.program {
                // Programs have none.
                Some(_) => Ok(fold.path.clone()),
                None => absolute(&fold.path),
            })
            .collect::<Result<_, _>>()?,
        program: (experiment.program.as_ref()).map(|program| ProgramWork {
            spec: program.spec.clone(),
            owner: owner.clone(),
            recorded: &recorded,
        }),
        folder: trials.clone(),
        claim_state: &|trial| claim_state(app, &record, trial),
        dataset_size: largest(&prepared.folds),
    };
    let settings = Settings {
        max_time: max_time(prepared, options),
        max_trials: options.limits.max_trials.map(NonZero::get),
        ..settings(experiment, placement.slots.clone())
    };
    let logs = app.run_dir().logs(&experiment.name);
    let memory_limit = options.slots.memory_limit;
    let mut launcher = launcher(experiment, memory_limit, &logs, placement, &owner)?;
    let (sender, receiver) = sweep_scheduler::channel();
    interrupt_on_request(&sender, record.lock.stop_request())?;

    let mut writer = (record.store).writer(record.session, Some(trial_files(trials)))?;
    observer.training(overview(prepared, todo, before), StopHandle(sender.clone()));
    let mut forward = Forward(observer);
    let result = sweep_scheduler::dispatch(
        &work,
        Some(supply),
        &settings,
        &mut launcher,
        &mut [&mut writer, &mut forward],
        (sender, receiver),
    );
    if experiment.program.is_some() {
        programs::end(&owner);
    }
    observer.trained();
    let outcome = match &result {
        Ok(summary) if summary.stopped.is_some() => Outcome::Interrupted,
        Ok(summary) if summary.failed + summary.left > 0 => Outcome::Failed,
        Ok(_) => Outcome::Finished,
        Err(_) => Outcome::Failed,
    };
    let written = app.with_notice(observer, || writer.finish(outcome));
    // Read after everything is written: other sessions may have trained more.
    let on_record = whole(record.store, &experiment.name);
    if !todo.is_empty() {
        let best = on_record
            .as_ref()
            .ok()
            .and_then(|record| model::best_trial(record, None));
        let (trial, tie) = best.unzip();
        let best = trial.and_then(|trial| Some((trial.id.clone(), trial.best?)));
        observer.recorded(best, tie.flatten());
    }
    let next = "fix the cause, then run `sweep resume`; recorded results are kept";
    let summary = result.map_err(|error| Error::environment(error, next))?;
    written.map_err(|error| Error::environment(error, next))?;
    Ok((summary, on_record?))
}

/// What the writer of a session does with the files of trials, which have their folders in `trials`.
pub fn trial_files(trials: PathBuf) -> TrialFiles {
    TrialFiles {
        folder: trials.clone(),
        // A checkpoint is removed only after the result that replaces it is on disk.
        after_commit: Box::new(move |trial| {
            checkpoints::remove(&trials.join(trial.as_str()));
        }),
    }
}

/// What starts the workers of `experiment`, whose programs carry the name `owner`. The memory limit of the file holds where
/// none is given.
pub fn launcher(
    experiment: &Experiment,
    memory_limit: Option<u64>,
    logs: &Path,
    placement: Placement,
    owner: &str,
) -> Result<SlotLauncher, Error> {
    let program = std::env::current_exe().map_err(|error| {
        Error::environment(format!("cannot find the path of this program: {error}"), "")
    })?;
    let memory_limit = memory_limit.or(experiment.schedule.memory_limit);
    let cannot_start = |error| Error::environment(format!("cannot start workers: {error}"), "");
    let local = LocalLauncher::new(program, logs.to_owned(), memory_limit)
        .map_err(cannot_start)?
        .with_torch(placement.torch)
        .with_programs(placement.program, owner);
    SlotLauncher::new(local, placement.carried, absolute(logs)?).map_err(cannot_start)
}

/// How trials are run, without limits to the session.
pub fn settings(experiment: &Experiment, slots: Vec<Slot>) -> Settings {
    let schedule = &experiment.schedule;
    let program = experiment.program.as_ref().map(|program| &program.spec);
    Settings {
        slots,
        trial_timeout: program.map_or(schedule.trial_timeout, programs::backstop),
        stop_grace: program.map_or(STOP_GRACE, |spec| {
            programs::stop_grace(spec).max(STOP_GRACE)
        }),
        stall_timeout: schedule.stall_timeout,
        retries: schedule.retries,
        checkpoint: Checkpointing {
            every_ms: schedule.checkpoint.every.as_millis() as u64,
            cost: schedule.checkpoint.cost,
        },
        max_time: None,
        max_trials: None,
    }
}

/// Of the fold with the most training rows.
pub fn largest(folds: &[sweep_data::Prepared]) -> DatasetSize {
    let sizes = folds.iter().map(|fold| dataset_size(&fold.meta));
    let most = sizes.max_by_key(|size| size.rows);
    most.expect("there is a data set")
}

/// Polls for requests to stop from other processes until the session ends.
fn interrupt_on_request(sender: &Sender, requests: StopRequest) -> Result<(), Error> {
    let sender = sender.clone();
    let watch = move || {
        let mut seen = None;
        loop {
            std::thread::sleep(POLL_INTERVAL);
            let pending = requests.pending();
            let interrupts = match (seen, pending) {
                (None, Some(StopMode::Graceful))
                | (Some(StopMode::Graceful), Some(StopMode::Immediate)) => 1,
                (None, Some(StopMode::Immediate)) => 2,
                _ => 0,
            };
            seen = seen.max(pending);
            for _ in 0..interrupts {
                if sender.send(Incoming::Interrupt).is_err() {
                    return;
                }
            }
        }
    };
    let thread = std::thread::Builder::new().name("requests".to_owned());
    let started = thread.spawn(watch).map(drop);
    started
        .map_err(|error| Error::environment(format!("cannot poll for `sweep stop`: {error}"), ""))
}

/// Whether another session has trained `trial`, or is training it.
fn claim_state(app: &App, record: &Recorded<'_>, trial: &TrialId) -> ClaimState {
    // A database that cannot be read now is no reason to stop: the writer reports that.
    let Ok(Some(claim)) = record.store.claim(trial, record.session) else {
        return ClaimState::Free;
    };
    let is_run = |name: &String| matches!(holder_of(app.runs(), name), Ok(Some(_)));
    match claim.status {
        Status::Finished | Status::Diverged if !record.again.contains(trial) => ClaimState::Done,
        _ if claim.running_in.iter().any(is_run) => ClaimState::Running,
        _ => ClaimState::Free,
    }
}

/// Longest that the session may take: what the command says, and the time that a search has.
fn max_time(prepared: &PreparedSweep, options: &RunOptions) -> Option<Duration> {
    let of_search = |search: &PreparedSearch| match search.problem.spec().budget {
        Budget::Time(time) => Some(time),
        _ => None,
    };
    let of_searches = prepared.searches.iter().filter_map(of_search);
    of_searches.chain(options.limits.max_time).min()
}

/// The state of the sweep before any trial of `todo` is trained.
pub fn overview(
    prepared: &PreparedSweep,
    todo: &[&PlannedTrial],
    before: PriorProgress,
) -> Overview {
    let trials = &prepared.trials();
    let mut params: Vec<Params> = trials.iter().map(|trial| trial.spec.params()).collect();
    let kinds = trials.iter().map(|trial| trial.spec.model.kind());
    complete(kinds.zip(&mut params));
    let named = trials
        .iter()
        .zip(&params)
        .map(|(trial, params)| (&trial.id, trial.spec.model.kind(), params));
    Overview {
        total: trials.len() as u64,
        already_done: before.done as u64,
        failed_before: before.failed as u64,
        describe: sweep_analysis::labels(named),
        epochs: todo
            .iter()
            .map(|trial| (trial.id.clone(), trial.spec.model.steps()))
            .collect(),
        objective: prepared.plan.objective.clone(),
        unranked: trials
            .iter()
            .filter(|trial| trial.spec.train_fraction < 1.0)
            .map(|trial| trial.id.clone())
            .collect(),
        best: before.best,
    }
}

/// Passes events on to the caller's observer.
struct Forward<'a>(&'a dyn Observer);

impl sweep_core::event::Observer for Forward<'_> {
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        self.0.event(event);
        Ok(())
    }

    fn idle(&mut self) -> Result<(), ObserverError> {
        self.0.idle();
        Ok(())
    }
}
