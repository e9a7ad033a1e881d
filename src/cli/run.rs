//! `sweep run`: parse, check, plan, open the store, dispatch, say what came out.

use std::collections::HashMap;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::context::store_failure;
use super::environment::environment;
use super::limits::{Limits, Retry};
use super::placement::{self, EngineChoice, Placement};
use super::prepare::{self, Ready};
use super::{Context, Exit, Failure, listing, model, more_seeds, signals, terminal};
use crate::console::{Console, Mode, Sweep};
use crate::engine::boost;
use crate::event::StopReason;
use crate::plan::{self, Plan, PlannedTrial};
use crate::protocol::Checkpointing;
use crate::report;
use crate::schedule::{
    self, Elsewhere, Extent, Gpus, Inbox, Incoming, MAX_SLOTS, ProcessLauncher, Settings, Summary,
    Wanted, Work,
};
use crate::shown::{clean, count};
use crate::spec::{self, memory_size};
use crate::store::lock::{LockError, holder_of, host_name};
use crate::store::{
    Begin, DatasetRecord, ExperimentSummary, Outcome, Planned, Requests, SessionId, Store,
    SweepLock, TrialFiles, Urgency,
};
use crate::trial::{ModelSpec, Params, Status, TrialId, complete};
use crate::worker::{self, checkpoints};

/// How often requests to stop are looked for.
const REQUEST_PAUSE: Duration = Duration::from_millis(250);

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The experiment file
    file: PathBuf,

    /// Set a key of the file for this run, as in `--set model.epochs=5`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,

    /// Replicate seeds instead of the file's: 1..10, both ends included, or 1,2,5
    #[arg(long, value_name = "SEEDS")]
    seeds: Option<String>,

    /// Once all is trained: train the best configurations, and the best of each baseline, with N further seeds
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=more_seeds::MOST))]
    more_seeds: Option<u64>,

    /// How many of the best configurations --more-seeds is for
    #[arg(long, value_name = "K", default_value_t = 3, requires = "more_seeds",
          value_parser = clap::value_parser!(u64).range(1..=more_seeds::MOST))]
    top: u64,

    #[command(flatten)]
    pub how: How,
}

/// Flags on how to run, shared with `resume`. They change no result.
#[derive(Debug, clap::Args)]
pub struct How {
    #[command(flatten)]
    pub choice: Choice,

    #[command(flatten)]
    limits: Limits,

    /// Say nothing but errors and the last line
    #[arg(long, short)]
    pub quiet: bool,
}

/// Flags on which trials run on which slots, shared with `plan`.
#[derive(Debug, clap::Args)]
pub struct Choice {
    /// Number of CPU workers
    #[arg(long, value_name = "N", conflicts_with = "slots", value_parser = workers)]
    pub workers: Option<usize>,

    /// Slots to use: auto, or a list such as cpu:2, cuda (all GPUs) or cpu:2,cuda:0
    #[arg(long, value_parser = slots)]
    pub slots: Option<String>,

    /// What trains networks
    #[arg(long, value_enum)]
    pub engine: Option<EngineChoice>,

    /// Workers that share each GPU
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16))]
    pub gpu_shares: Option<u8>,

    /// Most private memory of a worker, such as 2GB
    #[arg(long, value_name = "SIZE", value_parser = memory_limit)]
    memory_limit: Option<u64>,

    #[command(flatten)]
    pub retry: Retry,
}

/// `sweep run FILE`.
pub fn run(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let mut flags = arguments.set.clone();
    if let Some(seeds) = &arguments.seeds {
        let setting = more_seeds::setting(seeds)?;
        if let Some(other) = flags.iter().find(|flag| spec::is_of_key(flag, &setting)) {
            return Err(Failure::input(
                format!("--seeds {seeds} and --set {other} both say with which seeds to train"),
                "give one of the two",
            ));
        }
        flags.push(setting);
    }
    let checked = prepare::read(&arguments.file, &flags)?;
    let mut ready = prepare::prepare(context, checked)?;
    if let Some(number) = arguments.more_seeds {
        more_seeds::spend(context, &mut ready, number as usize, arguments.top as usize)?;
    }
    go(context, &ready, &arguments.how)
}

/// Trains what `ready` asks for and the record does not have, and says what came out.
pub fn go(context: &Context, ready: &Ready, how: &How) -> Result<Exit, Failure> {
    let experiment = &ready.checked.experiment;
    let placement = placement::place(ready, &how.choice)?;
    let lock = lock(context, &experiment.name)?;
    let mut store = context.write()?;
    let begun = || begin(&mut store, ready);
    let session = terminal::with_patience(&context.waits(), begun)?;
    ready.hold.release();

    let statuses = statuses(&store, &ready.plan)?;
    let todo = plan::remaining(
        &ready.plan,
        |id| statuses.get(id).copied(),
        how.choice.retry.of(Some(&store))?,
    );
    let before = Before::of(ready, &todo, &statuses, &store)?;
    if !how.quiet {
        ready
            .data
            .summary
            .notes
            .iter()
            .for_each(|note| terminal::note(&clean(&note.to_string())));
        let slots = placement.slots.len();
        let line = announcement(ready, &todo, &statuses, (slots, before.out_of_plan));
        terminal::note(&line);
    }
    note_missing_library(context, &todo);
    clear_checkpoints(&statuses, &context.trials());
    let failed_before = before.failed;
    let record = Recorded {
        store: &store,
        session,
        lock: &lock,
    };
    let summary = train(context, ready, how, &todo, placement, record, before)?;
    conclude(context, ready, &summary, (failed_before, todo.is_empty()))
}

/// Says at once, and not when all else is trained, that what some of `todo` need is missing.
pub fn note_missing_library(context: &Context, todo: &[&PlannedTrial]) {
    let is_boost = |trial: &&&PlannedTrial| matches!(trial.spec.model, ModelSpec::Boost(_));
    let number = todo.iter().filter(is_boost).count();
    if number > 0
        && let Err(missing) = boost::locate()
    {
        context.note(&format!(
            "note: {} cannot be trained here: {missing}",
            count(number, "XGBoost trial")
        ));
    }
}

/// Where a session is written down, and who may write it.
struct Recorded<'a> {
    store: &'a Store,
    session: SessionId,
    lock: &'a SweepLock,
}

/// What earlier sessions have left.
struct Before {
    /// Trials with a result.
    done: usize,
    /// Trials that failed and are not tried again.
    failed: usize,
    best: Option<(TrialId, f64)>,
    /// Trials that earlier files or data asked for.
    out_of_plan: usize,
}

impl Before {
    fn of(
        ready: &Ready,
        todo: &[&PlannedTrial],
        statuses: &HashMap<TrialId, Status>,
        store: &Store,
    ) -> Result<Before, Failure> {
        let is_done = |status: &&Status| matches!(status, Status::Finished | Status::Diverged);
        let done = statuses.values().filter(is_done).count();
        let own = summary_of(store, &ready.checked.experiment.name)?;
        Ok(Before {
            done,
            failed: ready.plan.trials.len() - done - todo.len(),
            out_of_plan: own.as_ref().map_or(0, |own| own.out_of_plan as usize),
            best: own.and_then(|own| own.best_trial.zip(own.best)),
        })
    }
}

/// What the record says of the experiment called `name` in short.
fn summary_of(store: &Store, name: &str) -> Result<Option<ExperimentSummary>, Failure> {
    let known = store.experiments().map_err(store_failure)?;
    Ok(known.into_iter().find(|other| other.name == name))
}

/// What every command calls the best of the experiment called `name`.
fn best_of_plan(store: &Store, name: &str) -> Result<Option<(TrialId, f64)>, Failure> {
    let record = store.experiment(name).map_err(store_failure)?;
    let best = record
        .as_ref()
        .and_then(|record| model::best_trial(record, None));
    Ok(best.and_then(|trial| Some((trial.id.clone(), trial.best?))))
}

/// Dispatches `todo`, with the record as first observer and the console as second.
fn train(
    context: &Context,
    ready: &Ready,
    how: &How,
    todo: &[&PlannedTrial],
    placement: Placement,
    record: Recorded<'_>,
    before: Before,
) -> Result<Summary, Failure> {
    let experiment = &ready.checked.experiment;
    let trials = absolute(&context.trials())?;
    writable(&trials)?;
    let work = Work {
        trials: todo,
        data: absolute(&ready.data.path)?,
        folder: trials.clone(),
        elsewhere: &|trial| elsewhere(context, &record, trial),
        extent: Extent {
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
    let logs = context.runs().join("logs").join(&experiment.name);
    let memory_limit = how.choice.memory_limit.or(experiment.schedule.memory_limit);
    let mut launcher = ProcessLauncher::new(program, logs, memory_limit)
        .map_err(|error| Failure::environment(format!("no worker can be started: {error}"), ""))?
        .with_torch(placement.torch);
    let (inbox, incoming) = schedule::inbox();
    interrupt_on_signal(&inbox);
    interrupt_on_request(&inbox, record.lock.requests())?;

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
    let result = schedule::dispatch(
        &work,
        &settings,
        &mut launcher,
        &mut [&mut writer, &mut console],
        (inbox, incoming),
    );
    if !todo.is_empty() {
        // What other sessions have trained of the plan meanwhile, this one has not seen.
        if let Ok(best) = best_of_plan(record.store, &experiment.name) {
            console.learn_best(best);
        }
        console.finish();
    }
    let outcome = match &result {
        Ok(summary) if summary.stopped.is_some() => Outcome::Interrupted,
        Ok(summary) if summary.failed + summary.left > 0 => Outcome::Failed,
        Ok(_) => Outcome::Finished,
        Err(_) => Outcome::Failed,
    };
    let written = terminal::with_patience(&context.waits(), || writer.finish(outcome));
    let next = "mend the cause, then `sweep resume` goes on; what was recorded is kept";
    let summary = result.map_err(|error| Failure::environment(error, next))?;
    written.map_err(|error| Failure::environment(error, next))?;
    Ok(summary)
}

/// Sees that models can be written before any is trained. On a full disk workers wait for room.
fn writable(trials: &Path) -> Result<(), Failure> {
    match worker::make_ready(trials) {
        Err(error) if !worker::is_full(&error) => Err(Failure::environment(
            format!("cannot write in {}: {error}", trials.display()),
            "see that the folder can be written, or choose another one with --store",
        )),
        _ => Ok(()),
    }
}

/// Reads the value of `--workers`.
fn workers(text: &str) -> Result<usize, String> {
    let number = text.parse().ok();
    number
        .filter(|number| (1..=MAX_SLOTS).contains(number))
        .ok_or_else(|| format!("from 1 to {MAX_SLOTS} workers are possible"))
}

/// Checks the value of `--slots`.
fn slots(text: &str) -> Result<String, String> {
    match schedule::parse_slots(text).map_err(|error| error.to_string())? {
        Wanted::These { cpu, .. } if cpu > MAX_SLOTS => {
            Err(format!("from 1 to {MAX_SLOTS} slots are possible"))
        }
        Wanted::These {
            cpu: 0,
            gpus: Gpus::These(numbers),
        } if numbers.is_empty() => Err(format!("from 1 to {MAX_SLOTS} slots are possible")),
        _ => Ok(text.to_owned()),
    }
}

/// Reads the value of `--memory-limit`.
fn memory_limit(text: &str) -> Result<u64, String> {
    memory_size(text).ok_or_else(|| "write a size from 64MB, such as 512MB or 2GB".to_owned())
}

/// Removes checkpoints of trials that have a result: a session that was killed may not have come to it.
fn clear_checkpoints(statuses: &HashMap<TrialId, Status>, trials: &Path) {
    for (trial, status) in statuses {
        if matches!(status, Status::Finished | Status::Diverged) {
            checkpoints::remove(&trials.join(trial.as_str()));
        }
    }
}

/// What the record knows of the trials of `plan`.
pub fn statuses(store: &Store, plan: &Plan) -> Result<HashMap<TrialId, Status>, Failure> {
    let ids: Vec<TrialId> = plan.trials.iter().map(|trial| trial.id.clone()).collect();
    let found = store.statuses(&ids).map_err(store_failure)?;
    Ok(ids
        .into_iter()
        .zip(found)
        .filter_map(|(id, status)| Some((id, status?)))
        .collect())
}

/// The lock of `experiment`, or who has it.
pub fn lock(context: &Context, experiment: &str) -> Result<SweepLock, Failure> {
    SweepLock::acquire(context.runs(), experiment).map_err(|error| match error {
        LockError::Held { .. } => Failure::new(Exit::Busy, error, ""),
        LockError::Name { .. } => Failure::input(error, ""),
        LockError::Io { .. } => Failure::environment(
            error,
            "choose a folder that can be written with --store, or free some space",
        ),
    })
}

/// Records that a session begins, with the whole plan.
fn begin(store: &mut Store, ready: &Ready) -> Result<SessionId, Failure> {
    let experiment = &ready.checked.experiment;
    let planned: Vec<Planned<'_>> = ready
        .plan
        .trials
        .iter()
        .map(|trial| (trial.id.clone(), trial.config.clone(), &trial.spec))
        .collect();
    let commit = git_commit();
    let is_boost = |trial: &PlannedTrial| matches!(trial.spec.model, ModelSpec::Boost(_));
    let needs_xgboost = ready.plan.trials.iter().any(is_boost);
    let command: Vec<String> = std::env::args().collect();
    let begin = Begin {
        experiment: &experiment.name,
        file_path: &ready.checked.source.path,
        file_text: &ready.checked.source.text,
        flags: &ready.checked.flags,
        objective: &experiment.objective,
        dataset: &dataset_record(ready),
        command: &command.join(" "),
        host: &host_name(),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION"),
        git_commit: commit.as_deref(),
        environment: &environment(needs_xgboost),
        trials: &planned,
        holds_lock: true,
    };
    store.begin(&begin).map_err(store_failure)
}

fn dataset_record(ready: &Ready) -> DatasetRecord {
    let (meta, summary) = (&ready.data.meta, &ready.data.summary);
    DatasetRecord {
        digest: meta.digest.clone(),
        source: summary.source.clone(),
        source_sha256: summary.source_sha256.clone(),
        features: meta.features.clone(),
        classes: meta.classes.clone(),
        train_rows: meta.train_rows as u64,
        valid_rows: meta.valid_rows as u64,
        test_rows: meta.test_rows as u64,
        notes: summary.notes.iter().map(ToString::to_string).collect(),
    }
}

/// The commit checked out in the working directory, if Git knows one.
fn git_commit() -> Option<String> {
    let output = std::process::Command::new("git")
        .args(["rev-parse", "HEAD"])
        .stderr(std::process::Stdio::null())
        .output()
        .ok()?;
    let commit = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !commit.is_empty()).then_some(commit)
}

/// One line before training starts.
fn announcement(
    ready: &Ready,
    todo: &[&PlannedTrial],
    statuses: &HashMap<TrialId, Status>,
    (slots, out_of_plan): (usize, usize),
) -> String {
    let name = &ready.checked.experiment.name;
    let total = ready.plan.trials.len();
    let number = |status: Status| statuses.values().filter(|other| **other == status).count();
    let done = number(Status::Finished) + number(Status::Diverged);
    let mut line = format!("{name}: {}", count(total, "trial"));
    if done > 0 {
        line.push_str(&format!(", {done} done before"));
    }
    if todo.is_empty() {
        line.push_str(", nothing left to train");
    } else {
        let workers = count(slots.min(todo.len()), "worker");
        line.push_str(&format!(", {} to train on {workers}", todo.len()));
    }
    let failed = total - done - todo.len();
    if failed > 0 {
        line.push_str(&format!(
            "; {failed} failed before (--retry-failed tries them again)"
        ));
    }
    if out_of_plan > 0 {
        let kept = count(out_of_plan, "trial");
        line.push_str(&format!(
            "; {kept} of earlier files or data stay in the record, out of the plan"
        ));
    }
    line
}

/// Turns Ctrl-C and termination signals into interrupts; the third one ends without asking anybody.
fn interrupt_on_signal(inbox: &Inbox) {
    let inbox = inbox.clone();
    let mut count = 0;
    signals::interrupt(move || {
        count += 1;
        if count > 2 {
            signals::end();
        }
        // Nobody listens once all trials are over.
        let _ = inbox.send(Incoming::Interrupt);
    });
}

/// Looks for requests to stop from other processes until the session is over.
fn interrupt_on_request(inbox: &Inbox, requests: Requests) -> Result<(), Failure> {
    let inbox = inbox.clone();
    let watch = move || {
        let mut seen = None;
        loop {
            std::thread::sleep(REQUEST_PAUSE);
            let pending = requests.pending();
            let interrupts = match (seen, pending) {
                (None, Some(Urgency::Clean)) | (Some(Urgency::Clean), Some(Urgency::AtOnce)) => 1,
                (None, Some(Urgency::AtOnce)) => 2,
                _ => 0,
            };
            seen = seen.max(pending);
            for _ in 0..interrupts {
                if inbox.send(Incoming::Interrupt).is_err() {
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
fn elsewhere(context: &Context, record: &Recorded<'_>, trial: &TrialId) -> Elsewhere {
    // A record that cannot be read now is no reason to stop: it is the writer's to tell.
    let Ok(Some(standing)) = record.store.standing(trial, record.session) else {
        return Elsewhere::Free;
    };
    let is_run = |name: &String| matches!(holder_of(context.runs(), name), Ok(Some(_)));
    match standing.status {
        Status::Finished | Status::Diverged => Elsewhere::Done,
        _ if standing.running_for.iter().any(is_run) => Elsewhere::Running,
        _ => Elsewhere::Free,
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
        describe: report::labels(named),
        epochs: todo
            .iter()
            .map(|trial| (trial.id.clone(), steps(trial)))
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

/// Most epochs, rounds or trees that `trial` may take.
pub fn steps(trial: &PlannedTrial) -> u32 {
    match &trial.spec.model {
        ModelSpec::Mlp(model) => model.epochs,
        ModelSpec::Boost(model) => model.rounds,
        ModelSpec::Forest(model) => model.trees,
    }
}

/// Shows the best runs and what to do next.
fn conclude(
    context: &Context,
    ready: &Ready,
    summary: &Summary,
    (failed_before, nothing_to_do): (usize, bool),
) -> Result<Exit, Failure> {
    let name = &ready.checked.experiment.name;
    let record = context
        .read()?
        .experiment(name)
        .map_err(store_failure)?
        .ok_or_else(|| Failure::environment(format!("{name} is not in the record"), ""))?;
    if context.json {
        terminal::print_json(&listing::sweep_json(&record));
    } else if !context.is_quiet {
        terminal::print_table(&listing::sweep(&record, terminal::stdout_has_colour()));
    }
    let (exit, said) = verdict(name, summary, failed_before);
    // The console's last line is the last one where all went well.
    if !context.is_quiet || exit != Exit::Success || nothing_to_do {
        terminal::note(&said);
    }
    Ok(exit)
}

/// How a session ends, and what to do next.
fn verdict(name: &str, summary: &Summary, failed_before: usize) -> (Exit, String) {
    let goes_on = format!("`sweep resume {name}` goes on");
    let says_why = format!("`sweep show {name}` says why");
    let (failed, left) = (summary.failed, summary.left + summary.interrupted);
    match summary.stopped {
        Some(StopReason::Interrupt) => (Exit::Interrupted, format!("stopped; {goes_on}")),
        Some(reason) => (
            Exit::LimitReached,
            format!("{reason}: {} left; {goes_on}", count(left, "trial")),
        ),
        None if summary.left > 0 => {
            let reasons: Vec<String> = (summary.retired.iter())
                .map(|(slot, reason)| format!("  {slot}: {}", clean(reason)))
                .collect();
            let said = format!(
                "no slot is left that works, and {} not begun; {failed} failed\n{}\n\
                 mend the cause, then {goes_on}; {says_why}",
                match summary.left {
                    1 => "1 trial was".to_owned(),
                    many => format!("{many} trials were"),
                },
                reasons.join("\n")
            );
            (Exit::TrialsFailed, said)
        }
        None if failed > 0 => (
            Exit::TrialsFailed,
            format!("{} failed; {says_why}", count(failed, "trial")),
        ),
        None if failed_before > 0 => (
            Exit::TrialsFailed,
            format!(
                "{} failed before: {says_why}, --retry-failed tries them again",
                count(failed_before, "trial")
            ),
        ),
        None => (Exit::Success, format!("next: sweep report {name}")),
    }
}
