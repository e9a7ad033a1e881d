//! An agent: trains trials of a pool on what this job has, and writes what happens to a journal of its own.
//!
//! It talks to nobody. The database is not opened here.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use sweep_core::data_config::Edition;
use sweep_core::event::{Event, ObserverError};
use sweep_core::protocol::RecordedProgress;
use sweep_core::trial::{Kind, Objective, Params, TrialId, complete};
use sweep_experiment::{Experiment, Source};
use sweep_pool::slurm::{self, OwnJob};
use sweep_pool::{AgentRecord, Claims, EndReason, Heartbeat, Plan, PoolFolder, Recorder};
use sweep_program::{leftovers, tree};
use sweep_scheduler::{
    ClaimState, Incoming, ProgramWork, Sender, SlotLauncher, Summary, Work, gpu_of,
};
use sweep_store::lock::host_name;
use sweep_worker::checkpoints;

use super::local_data;
use super::supply::{Held, PoolSupply, lock};
use crate::environment::environment;
use crate::error::Error;
use crate::loaded;
use crate::observer::{Notice, Observer};
use crate::options::SlotOptions;
use crate::overview::{Overview, StopHandle};
use crate::placement::{self, Placement};
use crate::pool_notice::PoolNotice;
use crate::run::{absolute, launcher, settings};

/// How often the request to stop is looked for.
const STOP_INTERVAL: Duration = Duration::from_secs(1);
/// Trials that an agent on GPUs claims for each worker: they may be trained together.
const GPU_BATCH: usize = 64;
/// With less time than this to its limit, a job was signalled for that.
const NEAR_LIMIT: Duration = Duration::from_secs(slurm::WARNING * 2 + 60);
/// Longest that an agent that was signalled stays, for Slurm to end it.
const MAX_STAY: Duration = Duration::from_secs(15 * 60);

/// How an agent is run.
#[derive(Debug, Clone, Default)]
pub struct AgentOptions {
    pub slots: SlotOptions,
    /// Whether the data set is copied to the temporary folder.
    pub local_data: bool,
}

/// What an agent has done.
#[derive(Debug, Clone)]
pub struct AgentSummary {
    pub name: String,
    pub summary: Summary,
    pub reason: EndReason,
    /// Whether the job was queued again.
    pub is_requeued: bool,
}

/// Trains trials of the pool in `folder` until nothing is left to do here.
///
/// # Errors
/// When the pool cannot be read or written, or nothing here can train its trials.
pub fn agent(
    observer: &dyn Observer,
    folder: &Path,
    options: &AgentOptions,
) -> Result<AgentSummary, Error> {
    let folder = PoolFolder::new(absolute(folder)?);
    let plan = Plan::read(&folder).map_err(|error| {
        let help =
            "give the folder of a pool, such as runs/pool/NAME/1; `sweep run --on slurm` makes it";
        Error::input(error, help)
    })?;
    let head = plan.head.clone();
    std::env::set_current_dir(&head.directory).map_err(|error| {
        Error::environment(
            format!("cannot enter {}: {error}", head.directory.display()),
            "agents need the same folders as the machine on which the sweep was begun",
        )
    })?;
    let experiment = experiment(&plan)?;
    let placement = placement::place(&experiment, &options.slots)?;
    let data = match options.local_data && experiment.program.is_none() {
        true => { head.data.iter() }
            .map(local_data::copy)
            .collect::<Result<Vec<_>, _>>()?,
        // Programs have one data set without a file.
        false if experiment.program.is_some() => vec![PathBuf::new()],
        false => head.data.iter().map(|data| data.path.clone()).collect(),
    };
    if folder.is_stopped() {
        observer.notice(&Notice::Pool(PoolNotice::Stopped(folder.path().to_owned())));
    }
    let job = OwnJob::find();
    let record = record(job.as_ref(), &plan, &placement);
    let name = record.name.clone();
    let session = Session {
        observer,
        folder: &folder,
        experiment: &experiment,
        name: &name,
        job: job.as_ref(),
        memory_limit: options.slots.memory_limit,
    };
    session.run(plan, record, placement, data)
}

/// The experiment whose trials `plan` has.
fn experiment(plan: &Plan) -> Result<Experiment, Error> {
    let file = &plan.head.source;
    let edition = Edition::from_number(file.edition).ok_or_else(|| {
        Error::input(
            format!(
                "the pool has defaults of an unknown edition, {}",
                file.edition
            ),
            "install the same release of sweep everywhere",
        )
    })?;
    let source = Source {
        path: file.path.clone(),
        text: file.text.clone(),
    };
    Ok(loaded::check(source, &file.flags, edition)?.experiment)
}

/// What the journal begins with.
fn record(job: Option<&OwnJob>, plan: &Plan, placement: &Placement) -> AgentRecord {
    let host = job
        .and_then(|job| job.node.clone())
        .unwrap_or_else(host_name);
    let pid = std::process::id();
    let (id, restarts) = match job {
        Some(job) => (job.id.as_str(), job.restarts),
        None => ("local", 0),
    };
    let at_ms = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64);
    // Two agents of one number on one host, one of which was restarted with it, differ in the time.
    let name = format!("{id}.{restarts}.{host}.{pid}.{}", at_ms % 1_000_000_000);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let kinds = plan.trials.iter().map(|trial| trial.spec.model.kind());
    let planned: HashSet<&str> = kinds.map(Kind::name).collect();
    let kinds: Vec<Kind> = Kind::all()
        .filter(|kind| planned.contains(kind.name()))
        .collect();
    AgentRecord {
        name: name
            .chars()
            .map(|c| if is_plain(c) { c } else { '-' })
            .collect(),
        host,
        pid,
        job: job.map(|job| job.id.clone()),
        slots: placement.slots.len(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        at_ms,
        environment: environment(&kinds),
    }
}

/// The life of an agent.
struct Session<'a> {
    observer: &'a dyn Observer,
    folder: &'a PoolFolder,
    experiment: &'a Experiment,
    name: &'a str,
    job: Option<&'a OwnJob>,
    memory_limit: Option<u64>,
}

impl Session<'_> {
    fn run(
        &self,
        plan: Plan,
        record: AgentRecord,
        placement: Placement,
        data: Vec<PathBuf>,
    ) -> Result<AgentSummary, Error> {
        let head = plan.head.clone();
        let held = Arc::new(Mutex::new(Held {
            claims: Claims::new(self.folder, self.name),
            by_trial: HashMap::new(),
        }));
        let (sender, receiver) = sweep_scheduler::channel();
        let is_stopped = Arc::new(AtomicBool::new(false));
        let lost = stopper(&sender, &is_stopped);
        let beat = Heartbeat::start(self.folder, self.name, head.lease, move || {
            // Others may take this agent for dead: what it holds is no longer its own alone.
            lost();
        })
        .map_err(|error| self.unwritable(&error))?;
        let after = Settled {
            held: Arc::clone(&held),
            trials: head.trials.clone(),
        };
        let mut recorder = Recorder::start(self.folder, record, &head.trials, move |event| {
            after.settle(event)
        })
        .map_err(|error| Error::environment(error, ""))?;
        let from_file = self
            .watch_stop(&sender, &is_stopped)
            .map_err(|error| self.unwritable(&error))?;
        self.observer
            .training(overview(&plan, self.experiment), StopHandle(sender.clone()));
        let recorded: HashMap<TrialId, RecordedProgress> = { plan.trials.iter() }
            .filter_map(|trial| Some((trial.trial.clone(), trial.recorded?)))
            .collect();
        let capacity = self.claimed_at_a_time(&placement);
        let mut supply = PoolSupply::new(
            (self.folder, self.name),
            plan,
            Arc::clone(&held),
            capacity,
            Arc::clone(&is_stopped),
        );
        let owner = format!("{}:{}", head.owner, self.name);
        let recorded = |trial: &TrialId| recorded.get(trial).copied();
        let work = Work {
            trials: &[],
            data,
            program: (self.experiment.program.as_ref()).map(|program| ProgramWork {
                spec: program.spec.clone(),
                owner: owner.clone(),
                recorded: &recorded,
            }),
            folder: head.trials.clone(),
            claim_state: &|_| ClaimState::Free,
            dataset_size: head.dataset_size,
        };
        let settings = settings(self.experiment, placement.slots.clone());
        let mut launcher = self.launcher(placement, &owner)?;
        let result = sweep_scheduler::dispatch(
            &work,
            Some(&mut supply),
            &settings,
            &mut launcher,
            &mut [&mut recorder, &mut Forward(self.observer)],
            (sender, receiver),
        );
        if self.experiment.program.is_some() {
            leftovers::end(&owner, |_| false);
        }
        self.observer.trained();
        let was_stopped = is_stopped.load(Ordering::Relaxed);
        let reason = end_reason(result.as_ref().ok(), was_stopped);
        let ended = recorder.end(reason);
        let_go_of_all(&held);
        beat.end();
        let next = "fix the cause, then run `sweep resume`; recorded results are kept";
        let summary = result.map_err(|error| Error::environment(error, next))?;
        ended.map_err(|error| Error::environment(error, next))?;
        let is_signal = reason == EndReason::Stopped && !from_file.load(Ordering::Relaxed);
        Ok(AgentSummary {
            name: self.name.to_owned(),
            summary,
            reason,
            is_requeued: is_signal && self.await_end(),
        })
    }

    fn unwritable(&self, error: &std::io::Error) -> Error {
        let path = self.folder.path().display();
        Error::environment(format!("cannot write in {path}: {error}"), "")
    }

    /// How many trials are claimed at a time.
    fn claimed_at_a_time(&self, placement: &Placement) -> usize {
        let slots = &placement.slots;
        let is_on_gpu = slots.iter().any(|slot| gpu_of(slot).is_some());
        match is_on_gpu && self.experiment.program.is_none() {
            true => slots.len() * GPU_BATCH,
            // One more, so that a worker need not wait for its next trial.
            false => slots.len() + 1,
        }
    }

    fn launcher(&self, placement: Placement, owner: &str) -> Result<SlotLauncher, Error> {
        if self.experiment.program.is_some() {
            tree::adopt_orphans().map_err(|error| {
                Error::environment(format!("cannot adopt processes: {error}"), "")
            })?;
        }
        // Several agents may have workers of the same slots.
        let logs = self.folder.logs().join(self.name);
        let memory_limit = self.memory_limit;
        launcher(self.experiment, memory_limit, &logs, placement, owner)
    }

    /// Looks for the request to stop until the session ends; tells whether it has come.
    fn watch_stop(
        &self,
        sender: &Sender,
        is_stopped: &Arc<AtomicBool>,
    ) -> std::io::Result<Arc<AtomicBool>> {
        let found = Arc::new(AtomicBool::new(false));
        let folder = self.folder.clone();
        let stop = stopper(sender, is_stopped);
        let seen = Arc::clone(&found);
        let watch = move || {
            while !folder.is_stopped() {
                std::thread::sleep(STOP_INTERVAL);
            }
            seen.store(true, Ordering::Relaxed);
            stop();
        };
        std::thread::Builder::new()
            .name("stop".to_owned())
            .spawn(watch)?;
        Ok(found)
    }

    /// Stays until Slurm ends this job, as it does after a preemption: one that ends by itself counts as failed, and is not
    /// queued again. At a time limit, which nothing comes back from, has it queued again.
    fn await_end(&self) -> bool {
        let Some(job) = self.job else {
            return false;
        };
        let is_near_limit = job.time_left().is_some_and(|left| left < NEAR_LIMIT);
        let requeued = is_near_limit.then(|| job.requeue());
        let is_requeued = matches!(requeued, Some(Ok(())));
        self.observer.notice(&Notice::Pool(PoolNotice::AgentStays {
            job: job.id.clone(),
            is_requeued,
        }));
        if let Some(Err(error)) = requeued {
            self.observer
                .notice(&Notice::Pool(PoolNotice::SlurmFailed(error.to_string())));
        }
        std::thread::sleep(MAX_STAY);
        is_requeued
    }
}

/// Why an agent has ended that did what `summary` says, if it came to its end.
fn end_reason(summary: Option<&Summary>, was_stopped: bool) -> EndReason {
    match summary {
        None => EndReason::Error,
        Some(summary) if summary.stopped.is_some() => EndReason::Stopped,
        Some(summary) if summary.left > 0 => EndReason::SlotsFailed,
        Some(_) if was_stopped => EndReason::Stopped,
        Some(_) => EndReason::NothingLeft,
    }
}

/// Lets go of what was claimed and never begun.
fn let_go_of_all(held: &Mutex<Held>) {
    let mut held = lock(held);
    for claim in std::mem::take(&mut held.by_trial).into_values() {
        // One that cannot be let go is taken over: this agent has ended.
        let _ = held.claims.let_go(&claim);
    }
}

/// What stops the session of `sender` cleanly.
fn stopper(sender: &Sender, is_stopped: &Arc<AtomicBool>) -> impl Fn() + Send + 'static {
    let (sender, is_stopped) = (sender.clone(), Arc::clone(is_stopped));
    move || {
        if !is_stopped.swap(true, Ordering::Relaxed) {
            // After the last trial, the receiver is gone.
            let _ = sender.send(Incoming::Interrupt);
        }
    }
}

/// What becomes of claims when the journal says how their trials ended.
struct Settled {
    held: Arc<Mutex<Held>>,
    trials: PathBuf,
}

impl Settled {
    fn settle(&self, event: &Event) {
        match event {
            Event::TrialFinished { trial, .. } => {
                // The result that replaces it is on disk.
                checkpoints::remove(&self.trials.join(trial.as_str()));
                self.done(trial);
            }
            Event::TrialFailed {
                trial,
                will_retry: false,
                ..
            }
            | Event::TrialPaused { trial, .. }
            | Event::TrialSkipped { trial, .. } => self.done(trial),
            Event::TrialInterrupted { trial, .. } => {
                let mut held = lock(&self.held);
                if let Some(claim) = held.by_trial.remove(trial) {
                    // One that cannot be let go is taken over when this agent counts as dead.
                    let _ = held.claims.let_go(&claim);
                }
            }
            _ => {}
        }
    }

    fn done(&self, trial: &TrialId) {
        let mut held = lock(&self.held);
        if let Some(claim) = held.by_trial.remove(trial) {
            // Without the mark, another agent trains it once more, with the same result.
            let _ = held.claims.done(&claim.key);
        }
    }
}

/// The state of the pool as an agent's log shows it.
fn overview(plan: &Plan, experiment: &Experiment) -> Overview {
    let trials = &plan.trials;
    let mut params: Vec<Params> = trials.iter().map(|trial| trial.spec.params()).collect();
    complete(
        trials
            .iter()
            .map(|trial| trial.spec.model.kind())
            .zip(&mut params),
    );
    let named = trials
        .iter()
        .zip(&params)
        .map(|(trial, params)| (&trial.trial, trial.spec.model.kind(), params));
    let objective = trials.first().map(|trial| trial.spec.objective.clone());
    let objective = objective.or_else(|| experiment.objective.clone());
    Overview {
        total: trials.len() as u64,
        already_done: 0,
        failed_before: 0,
        describe: sweep_analysis::labels(named),
        epochs: { trials.iter() }
            .map(|trial| (trial.trial.clone(), trial.spec.model.steps()))
            .collect(),
        objective: objective.unwrap_or_else(|| Objective::usual(Default::default())),
        unranked: { trials.iter() }
            .filter(|trial| trial.spec.train_fraction < 1.0)
            .map(|trial| trial.trial.clone())
            .collect(),
        best: None,
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
