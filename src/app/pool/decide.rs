//! Decisions of searches in a pool: made by the agent that holds the claim to decide, for all.
//!
//! It has a private copy of the database as it was when the pool was made, and collects all journals into it; from there on a
//! search is what it is on one machine. What it decides goes to a journal of its own, then to the pool. An agent that takes
//! over does the same from the beginning: decisions that are in a journal are put back, never made again.

use std::collections::HashMap;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use sweep_core::atomic_fs::{self, TemporaryFolder};
use sweep_core::event::{Event, Observer as _, Readiness};
use sweep_core::trial::{Status, TrialId};
use sweep_pool::{
    AgentRecord, Claim, ClaimStatus, Claims, EndReason, Head, JobSteps, PoolFolder, PoolTrial,
    Recorder, publish, published,
};
use sweep_scheduler::{QueuedTrial, Supply as _, TrialEnd};
use sweep_store::lock::host_name;
use sweep_store::{Store, Writer};

use super::collect::{Collector, DECIDER};
use crate::app::App;
use crate::error::Error;
use crate::observer::{Notice, Observer, Silent};
use crate::resume;
use crate::run::recorded;
use crate::search::SearchSupply;

/// What is claimed by the agent that decides.
pub const DECIDE: &str = "ask";

/// How often journals are looked at while something comes.
const BUSY_INTERVAL: Duration = Duration::from_millis(20);
/// The same while nothing comes.
const IDLE_INTERVAL: Duration = Duration::from_millis(500);

/// The thread that decides, until it is dropped or has decided on everything.
pub struct Decider {
    thread: Option<JoinHandle<Result<(), Error>>>,
    is_stopped: Arc<AtomicBool>,
}

impl Decider {
    /// Starts to decide for the pool in `folder`, under `claim`.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(
        folder: &PoolFolder,
        head: &Head,
        agent: &str,
        claim: Claim,
    ) -> io::Result<Decider> {
        let is_stopped = Arc::new(AtomicBool::new(false));
        let (folder, head, agent) = (folder.clone(), head.clone(), agent.to_owned());
        let stop = Arc::clone(&is_stopped);
        let work = move || {
            let mut claims = Claims::new(&folder, &agent);
            let decided = decide(&folder, &head, (&agent, claim.generation), &stop);
            match &decided {
                // Others look for the mark of the pool; this one spares them a look at the claim.
                Ok(true) => drop(claims.done(DECIDE)),
                _ => drop(claims.let_go(&claim)),
            }
            decided.map(drop)
        };
        let thread = std::thread::Builder::new().name("decide".to_owned());
        Ok(Decider {
            thread: Some(thread.spawn(work)?),
            is_stopped,
        })
    }

    /// Whether all is well.
    ///
    /// # Errors
    /// Why it has ended before everything was decided.
    pub fn check(&mut self) -> io::Result<()> {
        match self.thread.take_if(|thread| thread.is_finished()) {
            Some(thread) => match thread.join() {
                Ok(outcome) => outcome.map_err(io::Error::other),
                Err(_) => Err(io::Error::other("the search has failed")),
            },
            None => Ok(()),
        }
    }
}

impl Drop for Decider {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Decides until all searches have ended, or until `is_stopped`; whether they have ended.
fn decide(
    folder: &PoolFolder,
    head: &Head,
    (agent, generation): (&str, u32),
    is_stopped: &AtomicBool,
) -> Result<bool, Error> {
    let copy = TemporaryFolder::new(&format!("sweep-decide-{generation}"))
        .and_then(|copy| lay_out(folder, head, copy.path()).map(|()| copy))
        .map_err(|error| {
            Error::environment(
                format!("cannot copy the database of the pool: {error}"),
                "set TMPDIR to a folder with enough space",
            )
        })?;
    let app = App::new(&copy.path().join("sweep.sqlite"));
    let store = app.write(&Silent)?;
    let Some(session) = store.open_session(head.session)? else {
        return Err(Error::environment("the pool's session has ended", ""));
    };
    let mut writer = store.writer(session.id, None)?;
    let mut collector = Collector::new(folder, &store, session)?;
    let ends = Ends::default();
    while collector.poll(&writer, &ends)? {}
    flush(&mut writer)?;
    ends.take();
    let options = resume::Options {
        name: Some(head.experiment.clone()),
        accept_new_data: false,
    };
    let prepared = resume::prepare(&app, &Silent, &options)?;
    let ids = prepared
        .searches
        .iter()
        .filter_map(|search| Some((search.record.as_ref()?.id, search)));
    let mut deciding = Deciding {
        folder,
        store: &store,
        prepared: &prepared,
        supply: SearchSupply::new(&store, ids)?,
        journal: journal(folder, head, agent)?,
        given: 0,
        open: HashMap::new(),
        decision: 1,
    };
    let mut pause = BUSY_INTERVAL;
    while !is_stopped.load(Ordering::Relaxed) {
        if deciding.give()? {
            folder.end_decisions().map_err(|error| {
                Error::environment(
                    format!("cannot write in {}: {error}", folder.path().display()),
                    "",
                )
            })?;
            let ended = deciding.journal.end(EndReason::NothingLeft);
            return ended
                .map(|()| true)
                .map_err(|error| Error::environment(error, ""));
        }
        std::thread::sleep(pause);
        let has_any = collector.poll(&writer, &ends)?;
        flush(&mut writer)?;
        for (trial, has_failed) in ends.take() {
            deciding.ended(&trial, has_failed)?;
        }
        pause = match has_any {
            true => BUSY_INTERVAL,
            false => (pause * 2).min(IDLE_INTERVAL),
        };
    }
    let ended = deciding.journal.end(EndReason::Stopped);
    ended
        .map(|()| false)
        .map_err(|error| Error::environment(error, ""))
}

/// A run directory of its own in `copy`, with the data and the trials of the pool's.
fn lay_out(folder: &PoolFolder, head: &Head, copy: &Path) -> io::Result<()> {
    std::fs::copy(folder.snapshot(), copy.join("sweep.sqlite"))?;
    if let Some(data) = head.data.first() {
        symlink(atomic_fs::parent_dir(&data.path), copy.join("data"))?;
    }
    symlink(&head.trials, copy.join("trials"))
}

/// The journal of decisions.
fn journal(folder: &PoolFolder, head: &Head, agent: &str) -> Result<Recorder, Error> {
    let at_ms = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64);
    let record = AgentRecord {
        name: format!("{DECIDER}{agent}.{}", at_ms % 1_000_000_000),
        host: host_name(),
        pid: std::process::id(),
        job: None,
        slots: 0,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        at_ms,
        environment: Vec::new(),
    };
    Recorder::start(folder, record, &head.trials, |_| {})
        .map_err(|error| Error::environment(error, ""))
}

/// Waits until all that `writer` was given is in the database.
fn flush(writer: &mut Writer) -> Result<(), Error> {
    let failed = |error| Error::environment(error, "set TMPDIR to a folder with enough space");
    while writer.readiness() != Readiness::Idle {
        writer.idle().map_err(failed)?;
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

struct Deciding<'a> {
    folder: &'a PoolFolder,
    store: &'a Store,
    prepared: &'a crate::prepare::PreparedSweep,
    supply: SearchSupply<'a>,
    journal: Recorder,
    /// Jobs that the search has given.
    given: usize,
    /// Jobs that have not ended, by their trial: their number and how far they go.
    open: HashMap<TrialId, (usize, u32)>,
    /// The number of the next decision.
    decision: u32,
}

impl Deciding<'_> {
    /// Publishes all that can be decided on now; whether there is nothing more to come.
    fn give(&mut self) -> Result<bool, Error> {
        let mut jobs = Vec::new();
        while let Some(queued) = self.supply.next().map_err(search_failed)? {
            let number = self.given;
            self.given += 1;
            let job = self.job(&queued);
            let to = job.job.map_or(0, |job| job.to);
            match self.known_end(&job, to)? {
                Some(end) => self.supply.ended(number, end).map_err(search_failed)?,
                None => {
                    self.open.insert(job.trial.clone(), (number, to));
                    jobs.push(job);
                }
            }
        }
        self.record()?;
        if !jobs.is_empty() {
            self.publish(&jobs)?;
        }
        Ok(self.open.is_empty())
    }

    /// What agents are to do for a job.
    fn job(&self, queued: &QueuedTrial<'_>) -> PoolTrial {
        let planned = &queued.planned;
        let steps = planned.spec.model.steps();
        PoolTrial {
            trial: planned.id.clone(),
            config: planned.config.clone(),
            spec: planned.spec.clone(),
            fold: planned.fold,
            recorded: (planned.spec.model.program())
                .and_then(|_| recorded(self.store, self.prepared, &planned.id)),
            job: Some(JobSteps {
                to: queued.pause_at.unwrap_or(steps),
                pauses: queued.pause_at.is_some(),
            }),
        }
    }

    /// How a job has ended that an earlier agent published.
    fn known_end(&self, job: &PoolTrial, to: u32) -> Result<Option<TrialEnd>, Error> {
        let found = self.store.statuses(std::slice::from_ref(&job.trial))?;
        Ok(match found.into_iter().next().flatten() {
            Some(Status::Finished | Status::Diverged) => Some(TrialEnd::Elsewhere),
            Some(Status::Pruned) => {
                let curves = self.store.curves(&job.trial)?;
                let last = curves.iter().filter_map(|curve| curve.points.last());
                let has_come = last.map(|(step, _)| *step).max() >= Some(to);
                has_come.then_some(TrialEnd::Elsewhere)
            }
            Some(Status::Failed) => {
                let mut claims = Claims::new(self.folder, "");
                let is_read = claims.refresh().is_ok();
                let is_done = is_read && claims.status(&job.key()) == ClaimStatus::Done;
                is_done.then_some(TrialEnd::Failed)
            }
            _ => None,
        })
    }

    /// Takes note that `trial` has ended, or paused.
    fn ended(&mut self, trial: &TrialId, has_failed: bool) -> Result<(), Error> {
        let Some((number, _)) = self.open.remove(trial) else {
            return Ok(());
        };
        let end = match has_failed {
            true => TrialEnd::Failed,
            // By what the database has of it, as that of another session.
            false => TrialEnd::Elsewhere,
        };
        self.supply.ended(number, end).map_err(search_failed)?;
        self.record()
    }

    /// Brings what the search has said to the journal, durably.
    fn record(&mut self) -> Result<(), Error> {
        let failed = |error| Error::environment(error, "");
        let events = self.supply.drain_events();
        for event in &events {
            self.journal.observe(event).map_err(failed)?;
        }
        while !events.is_empty() && self.journal.readiness() != Readiness::Idle {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    fn publish(&mut self, jobs: &[PoolTrial]) -> Result<(), Error> {
        let failed = |error| Error::environment(error, "");
        while published(self.folder, self.decision)
            .map_err(failed)?
            .is_some()
        {
            self.decision += 1;
        }
        publish(self.folder, self.decision, jobs).map_err(failed)
    }
}

fn search_failed(error: sweep_scheduler::SupplyError) -> Error {
    Error::environment(error, "fix the cause, then run `sweep resume`")
}

/// The trials that have ended or paused since the last look, and whether each has failed.
#[derive(Default)]
struct Ends(Mutex<Vec<(TrialId, bool)>>);

impl Ends {
    fn take(&self) -> Vec<(TrialId, bool)> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Observer for Ends {
    fn notice(&self, _: &Notice) {}

    fn event(&self, event: &Event) {
        let end = match event {
            Event::TrialFinished { trial, .. } | Event::TrialPaused { trial, .. } => {
                (trial.clone(), false)
            }
            Event::TrialFailed {
                trial,
                will_retry: false,
                ..
            }
            | Event::TrialSkipped { trial, .. } => (trial.clone(), true),
            _ => return,
        };
        let mut ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ends.push(end);
    }
}
