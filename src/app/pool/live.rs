//! Pools whose session has not ended: found, brought up to date, and ended where no agent lives.

use std::collections::HashSet;
use std::time::Duration;

use sweep_core::awake;
use sweep_core::trial::{Status, TrialId};
use sweep_pool::{ClaimStatus, Claims, Leases, Life, Plan, PoolFolder};
use sweep_store::{OpenSession, Outcome, StopMode, Store, SweepLock};

use super::collect::Collector;
use super::jobs::JobCounts;
use crate::app::App;
use crate::error::Error;
use crate::observer::{Notice, Observer};
use crate::pool_notice::PoolNotice;
use crate::run::new_session::lock;
use crate::run::trial_files;

/// How often beats are looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// How often journals are looked at for the ends of agents that were asked to stop.
const STOP_INTERVAL: Duration = Duration::from_millis(200);
/// How long those are waited for beyond a lease.
const STOP_SLACK: Duration = Duration::from_secs(60);

/// A pool whose session has not ended.
pub struct LivePool {
    pub folder: PoolFolder,
    pub session: OpenSession,
    plan: Plan,
}

impl LivePool {
    /// That of the sweep called `name`, if it has one.
    ///
    /// # Errors
    /// When its plan or the database cannot be read.
    pub fn find(app: &App, store: &Store, name: &str) -> Result<Option<LivePool>, Error> {
        for (key, folder) in app.open_pools(name).into_iter().rev() {
            let Some(session) = store.open_session(key)? else {
                // The session has ended otherwise; only the mark is missing.
                let _ = folder.close();
                continue;
            };
            let plan = Plan::read(&folder).map_err(|error| Error::environment(error, ""))?;
            return Ok(Some(LivePool {
                folder,
                session,
                plan,
            }));
        }
        Ok(None)
    }

    /// Its trials that have not ended.
    ///
    /// # Errors
    /// When claims or the database cannot be read.
    pub fn left(&self, store: &Store) -> Result<HashSet<TrialId>, Error> {
        left(&self.plan, &self.folder, store)
    }

    /// Whether nothing is left to do, by what was collected.
    fn is_over(&self, store: &Store) -> Result<bool, Error> {
        if !self.left(store)?.is_empty() {
            return Ok(false);
        }
        // The mark says that all was decided, and the database whether it was told.
        let searches = store.searches_of_session(self.session.id)?;
        let has_decided = !self.plan.head.has_searches || self.folder.has_decided();
        Ok(has_decided
            && searches
                .iter()
                .all(|search| !search.in_plan || search.ended.is_some()))
    }

    /// Collects what its agents have done so far; the number of trials that have ended since, and the agents that have not
    /// said that they ended.
    fn collect(
        &self,
        app: &App,
        store: &Store,
        observer: &dyn Observer,
    ) -> Result<(usize, Vec<String>), Error> {
        let writer = store.writer(self.session.id, Some(trial_files(app.trials())))?;
        let mut collector = Collector::new(&self.folder, store, self.session)?;
        while collector.poll(&writer, observer)? {}
        // Writes what it was given.
        drop(writer);
        let running = { collector.agents() }
            .filter(|(_, has_ended)| !has_ended)
            .map(|(name, _)| name.to_owned());
        Ok((collector.ended.len(), running.collect()))
    }

    /// How the session ends when all of its trials have.
    fn outcome(&self, store: &Store) -> Result<Outcome, Error> {
        let trials = self.plan.trials.iter();
        let ids: Vec<TrialId> = trials.map(|trial| trial.trial.clone()).collect();
        let has_failed = store.statuses(&ids)?.contains(&Some(Status::Failed));
        Ok(match has_failed {
            true => Outcome::Failed,
            false => Outcome::Finished,
        })
    }

    /// Ends the session, in which nothing more is to come.
    fn close(&self, observer: &dyn Observer, store: &Store, outcome: Outcome) -> Result<(), Error> {
        let _ = self.folder.request_stop();
        JobCounts::new(&self.folder).cancel(observer, true);
        let ended = store.writer(self.session.id, None)?.finish(outcome);
        ended.map_err(|error| Error::environment(error, ""))?;
        let _ = self.folder.close();
        Ok(())
    }
}

/// Closes the pool in `folder`, whose session has ended; removes it if nobody can need it any more.
pub fn dismantle(folder: &PoolFolder, is_needless: bool) {
    // Without the mark, the next command finds that the session has ended.
    let _ = folder.close();
    if is_needless {
        // `sweep gc` removes what stays.
        let _ = std::fs::remove_dir_all(folder.path());
        let _ = folder.path().parent().map(std::fs::remove_dir);
    }
}

/// Brings the database up to date with what agents of the sweeps called `names`, or of all sweeps, have done, where no other
/// process does that. For commands that read.
///
/// # Errors
/// When a journal cannot be read, or the database cannot be written.
pub fn collect_now(app: &App, observer: &dyn Observer, names: &[String]) -> Result<(), Error> {
    let open = app.names_of_open_pools();
    for name in open
        .iter()
        .filter(|name| names.is_empty() || names.contains(name))
    {
        collect_of(app, observer, name)?;
    }
    Ok(())
}

fn collect_of(app: &App, observer: &dyn Observer, name: &str) -> Result<(), Error> {
    let Ok(_lock) = SweepLock::acquire(app.runs(), name) else {
        // Whoever has it collects.
        return Ok(());
    };
    let store = app.write(observer)?;
    let Some(pool) = LivePool::find(app, &store, name)? else {
        return Ok(());
    };
    let (ended, _) = pool.collect(app, &store, &Quiet(observer))?;
    if pool.is_over(&store)? {
        pool.close(observer, &store, pool.outcome(&store)?)?;
    }
    if ended > 0 {
        observer.notice(&Notice::Pool(PoolNotice::Collected {
            sweep: name.to_owned(),
            ended,
        }));
    }
    Ok(())
}

/// Makes sure that no agent trains the sweep called `name`, whose lock the caller holds: collects what there is, and ends the
/// session of a pool in which no agent lives.
///
/// # Errors
/// When agents live.
pub fn refuse_live(
    app: &App,
    observer: &dyn Observer,
    store: &Store,
    name: &str,
) -> Result<(), Error> {
    let Some(pool) = LivePool::find(app, store, name)? else {
        return Ok(());
    };
    let (_, running) = pool.collect(app, store, &Quiet(observer))?;
    if pool.is_over(store)? {
        return pool.close(observer, store, pool.outcome(store)?);
    }
    let lives = |count: usize| {
        let (agents, train) = match count {
            1 => ("1 agent trains".to_owned(), "ends it"),
            many => (format!("{many} agents train"), "ends them"),
        };
        Error::busy(
            format!("{agents} {name}"),
            &format!("`sweep watch {name}` follows, `sweep stop {name}` {train}"),
        )
    };
    let alive = alive(observer, &pool, &running);
    if alive > 0 {
        return Err(lives(alive));
    }
    pool.close(observer, store, Outcome::Interrupted)
}

/// How many of the agents called `running` live; waits until that is known.
fn alive(observer: &dyn Observer, pool: &LivePool, running: &[String]) -> usize {
    let lease = pool.plan.head.lease;
    let mut leases = Leases::new(&pool.folder, lease);
    let began = awake::now();
    let mut is_told = false;
    loop {
        let lives: Vec<Life> = running.iter().map(|name| leases.look(name)).collect();
        let alive = lives.iter().filter(|life| matches!(life, Life::Alive(_)));
        let alive = alive.count();
        if alive > 0 || lives.iter().all(|life| *life == Life::Dead) {
            return alive;
        }
        if !is_told && awake::since(began) > LOOK_INTERVAL {
            is_told = true;
            observer.notice(&Notice::Pool(PoolNotice::AwaitingBeats {
                agents: running.len(),
                at_most: lease.lease(),
            }));
        }
        std::thread::sleep(LOOK_INTERVAL);
    }
}

/// Asks the agents of the sweep called `name` to stop, and waits until they have; whether there were any.
///
/// # Errors
/// When another process follows them, or the database cannot be written.
pub fn stop_pool(
    app: &App,
    observer: &dyn Observer,
    name: &str,
    mode: StopMode,
) -> Result<bool, Error> {
    if app.open_pools(name).is_empty() {
        return Ok(false);
    }
    let _lock = lock(app, name)?;
    let store = app.write(observer)?;
    let Some(pool) = LivePool::find(app, &store, name)? else {
        return Ok(false);
    };
    pool.folder.request_stop().map_err(|error| {
        Error::environment(
            format!("cannot write in {}: {error}", pool.folder.path().display()),
            "",
        )
    })?;
    let pending_only = mode == StopMode::Graceful;
    JobCounts::new(&pool.folder).cancel(observer, pending_only);
    let lease = pool.plan.head.lease;
    let mut leases = Leases::new(&pool.folder, lease);
    let began = awake::now();
    loop {
        let (_, running) = pool.collect(app, &store, &Quiet(observer))?;
        let lives = running
            .iter()
            .filter(|name| leases.look(name) != Life::Dead);
        if lives.count() == 0 || awake::since(began) > lease.lease() + STOP_SLACK {
            break;
        }
        std::thread::sleep(STOP_INTERVAL);
    }
    let outcome = match pool.is_over(&store)? {
        true => pool.outcome(&store)?,
        false => Outcome::Interrupted,
    };
    pool.close(observer, &store, outcome)?;
    Ok(true)
}

/// Trials of `plan` that have not ended, by the database and by what agents have marked.
fn left(plan: &Plan, folder: &PoolFolder, store: &Store) -> Result<HashSet<TrialId>, Error> {
    let mut claims = Claims::new(folder, "");
    claims.refresh().map_err(|error| {
        Error::environment(
            format!("cannot read {}: {error}", folder.claims().display()),
            "",
        )
    })?;
    let ids: Vec<TrialId> = plan
        .trials
        .iter()
        .map(|trial| trial.trial.clone())
        .collect();
    let found = store.statuses(&ids)?;
    let is_left = |(id, status): &(TrialId, Option<Status>)| match status {
        Some(Status::Finished | Status::Diverged) => false,
        // It may have failed in an earlier session, and be tried again in this one.
        Some(Status::Failed) => claims.status(id.as_str()) != ClaimStatus::Done,
        _ => true,
    };
    Ok(ids
        .into_iter()
        .zip(found)
        .filter(is_left)
        .map(|(id, _)| id)
        .collect())
}

/// Passes notices on, and no events: nothing is trained here.
struct Quiet<'a>(&'a dyn Observer);

impl Observer for Quiet<'_> {
    fn notice(&self, notice: &Notice) {
        self.0.notice(notice);
    }
}
