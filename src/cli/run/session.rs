//! The training of a session: workers, the record and the console, and how it is interrupted.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::How;
use super::record::{Before, whole};
use crate::console::{Console, Mode, Sweep};
use crate::context::store_failure;
use crate::placement::Placement;
use crate::prepare::Ready;
use crate::{Context, Failure, model, signals, terminal};
use sweep_core::protocol::Checkpointing;
use sweep_core::trial::{Params, Status, TrialId, complete};
use sweep_experiment::plan::PlannedTrial;
use sweep_scheduler::{
    ClaimState, DatasetSize, Incoming, LocalLauncher, Sender, Settings, Summary, Work,
};
use sweep_store::lock::holder_of;
use sweep_store::{
    ExperimentRecord, Outcome, SessionId, StopMode, StopRequest, Store, SweepLock, TrialFiles,
};
use sweep_worker::checkpoints;

/// How often requests to stop are looked for.
const REQUEST_PAUSE: Duration = Duration::from_millis(250);

/// Where a session is written down, and who may write it.
pub struct Recorded<'a> {
    pub store: &'a Store,
    pub session: SessionId,
    pub lock: &'a SweepLock,
}

/// Dispatches `todo`, with the record as first observer and the console as second; gives all that is on record then, too.
pub fn train(
    context: &Context,
    ready: &Ready,
    how: &How,
    todo: &[&PlannedTrial],
    placement: Placement,
    record: Recorded<'_>,
    before: Before,
) -> Result<(Summary, ExperimentRecord), Failure> {
    let experiment = &ready.checked.experiment;
    let trials = absolute(&context.trials())?;
    writable(&trials)?;
    let work = Work {
        trials: todo,
        data: absolute(&ready.data.path)?,
        folder: trials.clone(),
        claim_state: &|trial| claim_state(context, &record, trial),
        dataset_size: DatasetSize {
            rows: ready.data.meta.train_rows,
            features: ready.data.meta.features.len(),
            classes: ready.data.meta.classes.len(),
        },
    };
    let settings = Settings {
        slots: placement.slots,
        trial_timeout: experiment.schedule.trial_timeout,
        stall_timeout: experiment.schedule.stall_timeout,
        retries: experiment.schedule.retries,
        checkpoint: Checkpointing {
            every_ms: experiment.schedule.checkpoint.every.as_millis() as u64,
            cost: experiment.schedule.checkpoint.cost,
        },
        max_time: how.limits.max_time,
        max_trials: how.limits.max_trials.map(NonZero::get),
    };
    let program = std::env::current_exe().map_err(|error| {
        Failure::environment(format!("this program cannot find itself: {error}"), "")
    })?;
    let logs = context.run_dir().logs(&experiment.name);
    let memory_limit = how.choice.memory_limit.or(experiment.schedule.memory_limit);
    let mut launcher = LocalLauncher::new(program, logs, memory_limit)
        .map_err(|error| Failure::environment(format!("no worker can be started: {error}"), ""))?
        .with_torch(placement.torch);
    let (sender, receiver) = sweep_scheduler::channel();
    interrupt_on_signal(&sender);
    interrupt_on_request(&sender, record.lock.stop_request())?;

    // A checkpoint goes only when the result that makes it needless is on disk.
    let files = TrialFiles {
        folder: trials.clone(),
        after_commit: Box::new(move |trial| {
            checkpoints::remove(&trials.join(trial.as_str()));
        }),
    };
    let writer = record.store.writer(record.session, Some(files));
    let mut writer = writer.map_err(store_failure)?;
    let mut console = console(ready, how, todo, before);
    let result = sweep_scheduler::dispatch(
        &work,
        &settings,
        &mut launcher,
        &mut [&mut writer, &mut console],
        (sender, receiver),
    );
    console.put_away();
    let outcome = match &result {
        Ok(summary) if summary.stopped.is_some() => Outcome::Interrupted,
        Ok(summary) if summary.failed + summary.left > 0 => Outcome::Failed,
        Ok(_) => Outcome::Finished,
        Err(_) => Outcome::Failed,
    };
    let written = terminal::with_patience(&context.waits(), || writer.finish(outcome));
    // Asked when all is recorded; other sessions may have trained what this one has not seen.
    let on_record = whole(record.store, &experiment.name);
    if !todo.is_empty() {
        let best = on_record
            .as_ref()
            .ok()
            .and_then(|record| model::best_trial(record, None));
        console.learn_best(best.and_then(|trial| Some((trial.id.clone(), trial.best?))));
        console.finish();
    }
    let next = "mend the cause, then `sweep resume` goes on; what was recorded is kept";
    let summary = result.map_err(|error| Failure::environment(error, next))?;
    written.map_err(|error| Failure::environment(error, next))?;
    Ok((summary, on_record?))
}

/// Sees that models can be written before any is trained. On a full disk workers wait for room.
fn writable(trials: &Path) -> Result<(), Failure> {
    match sweep_worker::make_ready(trials) {
        Err(error) if !sweep_worker::is_full(&error) => Err(Failure::environment(
            format!("cannot write in {}: {error}", trials.display()),
            "see that the folder can be written, or choose another one with --store",
        )),
        _ => Ok(()),
    }
}

/// Turns Ctrl-C and termination signals into interrupts; the third one ends without asking anybody.
fn interrupt_on_signal(sender: &Sender) {
    let sender = sender.clone();
    let mut count = 0;
    signals::interrupt(move || {
        count += 1;
        if count > 2 {
            signals::end();
        }
        // Nobody listens once all trials are over.
        let _ = sender.send(Incoming::Interrupt);
    });
}

/// Looks for requests to stop from other processes until the session is over.
fn interrupt_on_request(sender: &Sender, requests: StopRequest) -> Result<(), Failure> {
    let sender = sender.clone();
    let watch = move || {
        let mut seen = None;
        loop {
            std::thread::sleep(REQUEST_PAUSE);
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
    started.map_err(|error| {
        Failure::environment(format!("cannot listen for `sweep stop`: {error}"), "")
    })
}

/// What other sessions, whose experiments ask for `trial` too, have to do with it.
fn claim_state(context: &Context, record: &Recorded<'_>, trial: &TrialId) -> ClaimState {
    // A record that cannot be read now is no reason to stop: it is the writer's to tell.
    let Ok(Some(standing)) = record.store.claim(trial, record.session) else {
        return ClaimState::Free;
    };
    let is_run = |name: &String| matches!(holder_of(context.runs(), name), Ok(Some(_)));
    match standing.status {
        Status::Finished | Status::Diverged => ClaimState::Done,
        _ if standing.running_in.iter().any(is_run) => ClaimState::Running,
        _ => ClaimState::Free,
    }
}

/// Workers are started by absolute paths, so that nothing depends on where they run.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| {
        Failure::environment(format!("cannot resolve {}: {error}", path.display()), "")
    })
}

fn console(ready: &Ready, how: &How, todo: &[&PlannedTrial], before: Before) -> Console {
    let trials = &ready.plan.trials;
    let mut params: Vec<Params> = trials.iter().map(|trial| trial.spec.params()).collect();
    let kinds = trials.iter().map(|trial| trial.spec.model.kind());
    complete(kinds.zip(&mut params));
    let named = trials
        .iter()
        .zip(&params)
        .map(|(trial, params)| (&trial.id, trial.spec.model.kind(), params));
    let sweep = Sweep {
        total: trials.len() as u64,
        already_done: before.done as u64,
        failed_before: before.failed as u64,
        describe: sweep_analysis::labels(named),
        epochs: todo
            .iter()
            .map(|trial| (trial.id.clone(), trial.spec.model.steps()))
            .collect(),
        objective: ready.checked.experiment.objective.clone(),
        unranked: trials
            .iter()
            .filter(|trial| trial.spec.train_share < 1.0)
            .map(|trial| trial.id.clone())
            .collect(),
        best: before.best,
    };
    Console::new(
        sweep,
        if how.quiet {
            Mode::Quiet
        } else {
            Mode::for_stderr()
        },
    )
}
