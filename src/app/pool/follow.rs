//! Follows the agents of a sweep: collects what they do until all is done, nobody is left to do it, or the caller has seen
//! enough.

use std::collections::HashSet;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use sweep_core::trial::{Status, TrialId};
use sweep_experiment::plan::PlannedTrial;
use sweep_pool::{Leases, Life, Plan, PoolFolder};
use sweep_scheduler::{Incoming, Receiver, Summary};
use sweep_store::{ExperimentRecord, OpenSession, Outcome, StopMode, Store, SweepLock, Writer};

use super::collect::Collector;
use super::jobs::{self, JobCounts};
use super::live::{LivePool, dismantle};
use super::{PoolOptions, Starter, create};
use crate::app::App;
use crate::error::Error;
use crate::model;
use crate::observer::{Notice, Observer};
use crate::overview::StopHandle;
use crate::pool_notice::PoolNotice;
use crate::prepare::PreparedSweep;
use crate::run::new_session::lock;
use crate::run::prior_progress::{PriorProgress, statuses, whole};
use crate::run::{overview, trial_files, writable};

/// How often journals are looked at while something comes.
const BUSY_INTERVAL: Duration = Duration::from_millis(50);
/// The same while nothing comes.
const IDLE_INTERVAL: Duration = Duration::from_secs(1);
/// How long agents that have nothing left to do are waited for.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long agents that were asked to stop are waited for beyond a lease.
const STOP_SLACK: Duration = Duration::from_secs(60);

/// How following a pool ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The caller has seen enough; agents go on.
    Detached,
    /// Every trial has ended.
    Over,
    /// Agents were asked to stop, and have.
    Stopped,
    /// No agent lives, and none is to come.
    NoAgents,
}

/// What came of following a pool.
#[derive(Debug)]
pub struct Followed {
    pub record: ExperimentRecord,
    pub summary: Summary,
    /// Whether agents go on.
    pub is_detached: bool,
    /// Whether no agent was left although there was something to do.
    pub lacks_agents: bool,
}

/// A sweep whose pool is followed.
pub struct Watch<'a> {
    pub app: &'a App,
    pub observer: &'a dyn Observer,
    pub prepared: &'a PreparedSweep,
    pub store: &'a Store,
    pub lock: &'a SweepLock,
    pub session: OpenSession,
}

/// Makes a pool of `todo`, submits its agents, and follows them unless the options say otherwise.
///
/// # Errors
/// When the pool cannot be made, Slurm refuses its jobs, or the database cannot be written.
pub fn run(
    watch: &Watch<'_>,
    options: &PoolOptions,
    todo: &[&PlannedTrial],
    before: PriorProgress,
) -> Result<Followed, Error> {
    let (app, store, prepared) = (watch.app, watch.store, watch.prepared);
    let experiment = &prepared.loaded.experiment;
    let tables = match options.starter {
        Starter::Slurm => jobs::tables(&experiment.schedule, options)?,
        Starter::Others => Vec::new(),
    };
    let folder = create::create(app, store, watch.session.id, prepared, todo)?;
    let submitted = jobs::submit(
        watch.observer,
        &experiment.name,
        &folder,
        &tables,
        &options.agent_flags,
    );
    if let Err(error) = submitted {
        // Those that were submitted before find nothing to do.
        let _ = folder.request_stop();
        JobCounts::new(&folder).cancel(watch.observer, false);
        let ended = watch.writer()?.finish(Outcome::Failed);
        let _ = folder.close();
        ended.map_err(|error| Error::environment(error, ""))?;
        return Err(error);
    }
    if options.starter == Starter::Others {
        watch
            .observer
            .notice(&Notice::Pool(PoolNotice::AwaitsAgents(
                folder.path().to_owned(),
            )));
    }
    let left: HashSet<TrialId> = todo.iter().map(|planned| planned.id.clone()).collect();
    if options.detach {
        return Ok(Followed {
            record: whole(store, &experiment.name)?,
            summary: Summary {
                left: left.len(),
                ..Summary::default()
            },
            is_detached: true,
            lacks_agents: false,
        });
    }
    watch.follow(&folder, left, overview(prepared, todo, before))
}

/// Follows the agents of the sweep `prepared`, which was prepared from the database.
///
/// # Errors
/// When no agents train it, another process follows them, or the database cannot be written.
pub fn watch(
    app: &App,
    observer: &dyn Observer,
    prepared: &PreparedSweep,
) -> Result<Followed, Error> {
    let name = &prepared.loaded.experiment.name;
    let lock = lock(app, name)?;
    let store = app.write(observer)?;
    let Some(pool) = LivePool::find(app, &store, name)? else {
        return Err(Error::input(
            format!("no agents train {name}"),
            &format!("`sweep resume {name} --on slurm` submits some"),
        ));
    };
    let watch = Watch {
        app,
        observer,
        prepared,
        store: &store,
        lock: &lock,
        session: pool.session,
    };
    let statuses = statuses(&store, &prepared.plan)?;
    let left = pool.left(&store)?;
    let trials = prepared.plan.trials.iter();
    let todo: Vec<&PlannedTrial> = trials.filter(|trial| left.contains(&trial.id)).collect();
    let before = PriorProgress::of(prepared, &todo, &statuses, &store)?;
    let overview = overview(prepared, &todo, before);
    watch.follow(&pool.folder, left, overview)
}

impl Watch<'_> {
    /// The one who writes what is collected.
    pub fn writer(&self) -> Result<Writer, Error> {
        let trials = self.app.trials();
        writable(&trials)?;
        Ok((self.store).writer(self.session.id, Some(trial_files(trials)))?)
    }

    fn follow(
        &self,
        folder: &PoolFolder,
        left: HashSet<TrialId>,
        overview: crate::overview::Overview,
    ) -> Result<Followed, Error> {
        let name = &self.prepared.loaded.experiment.name;
        let total = left.len();
        let (sender, receiver) = sweep_scheduler::channel();
        self.observer.notice(&Notice::Pool(PoolNotice::Following {
            sweep: name.clone(),
        }));
        self.observer.training(overview, StopHandle(sender.clone()));
        let writer = self.writer()?;
        let mut following = Following::new(self, folder, left)?;
        let end = following.until_end(&writer, &receiver);
        self.observer.trained();
        let end = end?;
        let left = following.left.len();
        let all_ended = following.collector.agents().all(|(_, has_ended)| has_ended);
        let summary = self.conclude(end, writer, folder, (left, total), all_ended)?;
        let record = whole(self.store, name)?;
        let best = model::best_trial(&record, None);
        let (trial, tie) = best.unzip();
        let best = trial.and_then(|trial| Some((trial.id.clone(), trial.best?)));
        if end != End::Detached {
            self.observer.recorded(best, tie.flatten());
        }
        Ok(Followed {
            record,
            summary,
            is_detached: end == End::Detached,
            lacks_agents: end == End::NoAgents,
        })
    }

    /// Ends the session, unless agents go on; frees what agents hold that have nothing left to do.
    fn conclude(
        &self,
        end: End,
        writer: Writer,
        folder: &PoolFolder,
        (left, total): (usize, usize),
        all_ended: bool,
    ) -> Result<Summary, Error> {
        let outcome = match end {
            End::Detached => {
                // Writes what it was given; the session goes on.
                drop(writer);
                return Ok(Summary {
                    left,
                    finished: total - left,
                    ..Summary::default()
                });
            }
            End::Over => None,
            End::Stopped => Some(Outcome::Interrupted),
            End::NoAgents => Some(Outcome::Failed),
        };
        // Agents that wait for others are free at once; jobs that have not begun never need to.
        let _ = folder.request_stop();
        JobCounts::new(folder).cancel(self.observer, true);
        let wrote = |error| {
            Error::environment(
                error,
                "recorded results are kept; `sweep watch` tries again",
            )
        };
        let ids: Vec<TrialId> = Plan::read(folder)
            .map(|plan| plan.trials.into_iter().map(|trial| trial.trial).collect())
            .unwrap_or_default();
        // All that was collected is in the database before trials are counted.
        let counted = self.store.writer(self.session.id, None)?;
        drop(writer);
        let found = self.store.statuses(&ids)?;
        let count = |status: Status| found.iter().filter(|one| **one == Some(status)).count();
        let mut summary = Summary {
            finished: count(Status::Finished),
            diverged: count(Status::Diverged),
            failed: count(Status::Failed),
            left,
            ..Summary::default()
        };
        if end == End::Stopped {
            summary.stopped = Some(sweep_core::event::StopReason::Interrupt);
        }
        let of_trials = match summary.failed {
            0 => Outcome::Finished,
            _ => Outcome::Failed,
        };
        counted
            .finish(outcome.unwrap_or(of_trials))
            .map_err(wrote)?;
        let is_done = end == End::Over && summary.failed == 0;
        dismantle(folder, is_done && all_ended);
        Ok(summary)
    }
}

/// A pool that is followed.
struct Following<'a> {
    watch: &'a Watch<'a>,
    folder: &'a PoolFolder,
    collector: Collector,
    leases: Leases,
    counts: JobCounts,
    has_searches: bool,
    /// Trials that have not ended.
    left: HashSet<TrialId>,
    /// When agents were asked to stop, and how.
    stopping: Option<(std::time::Instant, StopMode)>,
    /// How long agents may be waited for that were asked to stop.
    patience: Duration,
    told: Option<(usize, usize, Option<usize>)>,
}

impl<'a> Following<'a> {
    fn new(
        watch: &'a Watch<'a>,
        folder: &'a PoolFolder,
        left: HashSet<TrialId>,
    ) -> Result<Following<'a>, Error> {
        let head = Plan::read(folder)
            .map_err(|error| Error::environment(error, ""))?
            .head;
        let lease = head.lease;
        Ok(Following {
            collector: Collector::new(folder, watch.store, watch.session)?,
            leases: Leases::new(folder, lease),
            counts: JobCounts::new(folder),
            has_searches: head.has_searches,
            stopping: None,
            patience: lease.lease() + STOP_SLACK,
            told: None,
            watch,
            folder,
            left,
        })
    }

    fn until_end(&mut self, writer: &Writer, receiver: &Receiver) -> Result<End, Error> {
        let mut pause = BUSY_INTERVAL;
        loop {
            // Asked before journals are read: all that was decided is in them.
            let has_decided = !self.has_searches || self.folder.has_decided();
            let has_any = self.collector.poll(writer, self.watch.observer)?;
            for trial in self.collector.ended.drain() {
                self.left.remove(&trial);
            }
            pause = match has_any {
                true => BUSY_INTERVAL,
                false => (pause * 2).min(IDLE_INTERVAL),
            };
            if !has_any {
                self.watch.observer.idle();
                if self.left.is_empty() && has_decided && self.stopping.is_none() {
                    self.release_agents(writer)?;
                    return Ok(End::Over);
                }
                if let Some(end) = self.agents_gone() {
                    return Ok(end);
                }
            }
            self.hear_stop();
            match receiver.recv_timeout(pause) {
                Ok(Incoming::Interrupt) => return Ok(End::Detached),
                Ok(_) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
        }
    }

    /// Has agents end that wait for others, and waits a moment for their last words.
    fn release_agents(&mut self, writer: &Writer) -> Result<(), Error> {
        // Without the request they end by themselves, later.
        let _ = self.folder.request_stop();
        let begin = sweep_core::awake::now();
        while self.collector.agents().any(|(_, has_ended)| !has_ended)
            && sweep_core::awake::since(begin) < RELEASE_TIMEOUT
        {
            std::thread::sleep(BUSY_INTERVAL);
            self.collector.poll(writer, self.watch.observer)?;
        }
        Ok(())
    }

    /// Passes a request of `sweep stop` on to the agents.
    fn hear_stop(&mut self) {
        let asked = self.watch.lock.stop_request().pending();
        let before = self.stopping.map(|(_, mode)| mode);
        let Some(mode) = asked.filter(|mode| before < Some(*mode)) else {
            return;
        };
        let since = self
            .stopping
            .map_or_else(sweep_core::awake::now, |(since, _)| since);
        self.stopping = Some((since, mode));
        if let Err(error) = self.folder.request_stop() {
            let text = format!("cannot ask the agents to stop: {error}");
            self.watch
                .observer
                .notice(&Notice::Pool(PoolNotice::SlurmFailed(text)));
        }
        let pending_only = mode == StopMode::Graceful;
        self.counts.cancel(self.watch.observer, pending_only);
    }

    /// Whether no agent is there any more, and which end that is.
    fn agents_gone(&mut self) -> Option<End> {
        let agents: Vec<(String, bool)> = { self.collector.agents() }
            .map(|(name, has_ended)| (name.to_owned(), has_ended))
            .collect();
        let leases = &mut self.leases;
        let ended = agents
            .iter()
            .filter(|(name, has_ended)| *has_ended || leases.look(name) == Life::Dead)
            .count();
        let running = agents.len() - ended;
        let is_asked = self.counts.refresh();
        let known = self.counts.known;
        // What Slurm said earlier may be about agents that have begun since.
        let pending = known.filter(|_| is_asked).map(|jobs| jobs.pending);
        let told = (
            running,
            ended,
            pending.or(self.told.and_then(|told| told.2)),
        );
        if self.told != Some(told) {
            self.told = Some(told);
            self.watch
                .observer
                .notice(&Notice::Pool(PoolNotice::Agents {
                    running,
                    ended,
                    pending,
                }));
        }
        if let Some((since, _)) = self.stopping {
            let is_late = sweep_core::awake::since(since) > self.patience;
            return (running == 0 || is_late).then_some(End::Stopped);
        }
        // A controller that does not answer proves nothing.
        let jobs = known?;
        (running == 0 && jobs.pending + jobs.running == 0).then_some(End::NoAgents)
    }
}
