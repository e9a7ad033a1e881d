//! The trials that an agent takes from its pool: each is claimed before it is begun.
//!
//! Invariant: a trial that is given is claimed. A claim that somebody else holds is taken over when its owner is dead, by the
//! clock of this process.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::decide::{DECIDE, Decider};
use sweep_core::awake;
use sweep_core::event::Event;
use sweep_core::trial::{Metric, TrialId};
use sweep_experiment::plan::PlannedTrial;
use sweep_pool::{
    Claim, ClaimStatus, Claims, Head, Leases, Life, Plan, PoolFolder, PoolTrial, published,
};
use sweep_scheduler::{QueuedTrial, Supply, SupplyError, TrialEnd};

/// How often the folder of claims is read when there is nothing to take from what is known.
const REFRESH: Duration = Duration::from_secs(1);
/// The same while a search decides on trials: what is decided waits for an agent to see it.
const SEARCH_REFRESH: Duration = Duration::from_millis(200);
/// Trials at the front of which an agent takes one, for each trial that it runs at a time: with fewer, agents would want the
/// same ones again and again.
const SPREAD: usize = 8;
/// Most agents that may be lost with a trial. One that ends machines is given up.
const MAX_GENERATIONS: u32 = 8;

/// The claims of an agent, shared with the thread that says what has become of them.
pub struct Held {
    pub claims: Claims,
    /// The claim under which a trial is trained.
    pub by_trial: HashMap<TrialId, Claim>,
}

/// Locks the claims of this agent.
pub fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long an agent waits for decisions of a search with nothing to do, before it frees its job.
const MAX_IDLE: Duration = Duration::from_secs(10 * 60);

/// The trials of a pool.
pub struct PoolSupply {
    folder: PoolFolder,
    head: Head,
    agent: String,
    trials: Vec<PoolTrial>,
    /// What is claimed for each of them.
    keys: Vec<String>,
    /// The number of the next decision to read.
    next_decision: u32,
    /// Decides for all agents, while this one has the claim to do so.
    decider: Option<Decider>,
    /// Those that may be left, by their index, in the order of the plan.
    left: Vec<usize>,
    held: Arc<Mutex<Held>>,
    leases: Leases,
    /// Trials that may be claimed and not have ended.
    capacity: usize,
    outstanding: usize,
    refreshed: Option<Instant>,
    /// Since when nothing has run here.
    idle_since: Option<Instant>,
    is_waiting: bool,
    /// Whether nothing is free as far as is known, until the next look.
    is_exhausted: bool,
    /// Trials that were given up here.
    events: Vec<Event>,
    /// Set when no more is to be taken.
    is_stopped: Arc<AtomicBool>,
    draw: u64,
}

impl PoolSupply {
    /// Trials of `plan`, of which at most `capacity` are claimed at a time.
    pub fn new(
        (folder, agent): (&PoolFolder, &str),
        plan: Plan,
        held: Arc<Mutex<Held>>,
        capacity: usize,
        is_stopped: Arc<AtomicBool>,
    ) -> PoolSupply {
        PoolSupply {
            folder: folder.clone(),
            agent: agent.to_owned(),
            left: (0..plan.trials.len()).collect(),
            keys: plan.trials.iter().map(PoolTrial::key).collect(),
            trials: plan.trials,
            next_decision: 1,
            decider: None,
            held,
            leases: Leases::new(folder, plan.head.lease),
            head: plan.head,
            capacity,
            outstanding: 0,
            refreshed: None,
            idle_since: Some(awake::now()),
            is_waiting: true,
            is_exhausted: false,
            events: Vec::new(),
            is_stopped,
            draw: u64::from(std::process::id()),
        }
    }

    /// Claims a trial, if there is one to be had now.
    fn take(&mut self) -> io::Result<Option<usize>> {
        if self.refreshed.is_none() {
            self.refresh()?;
        }
        if let Some(index) = self.take_free()? {
            return Ok(Some(index));
        }
        let interval = match self.head.has_searches {
            true => SEARCH_REFRESH,
            false => REFRESH,
        };
        if self.refreshed.is_none_or(|at| awake::since(at) >= interval) {
            self.refresh()?;
            if let Some(index) = self.take_free()? {
                return Ok(Some(index));
            }
            return self.take_over();
        }
        Ok(None)
    }

    fn refresh(&mut self) -> io::Result<()> {
        lock(&self.held).claims.refresh()?;
        self.refreshed = Some(awake::now());
        self.is_exhausted = false;
        if self.head.has_searches {
            self.read_decisions()?;
            self.keep_deciding()?;
        }
        let (held, keys) = (lock(&self.held), &self.keys);
        self.left
            .retain(|index| held.claims.status(&keys[*index]) != ClaimStatus::Done);
        Ok(())
    }

    /// Reads what was decided since the last time.
    fn read_decisions(&mut self) -> io::Result<()> {
        while let Some(trials) =
            published(&self.folder, self.next_decision).map_err(io::Error::other)?
        {
            self.next_decision += 1;
            for trial in trials {
                let key = trial.key();
                // Two agents may have decided alike.
                if !self.keys.contains(&key) {
                    self.left.push(self.trials.len());
                    self.trials.push(trial);
                    self.keys.push(key);
                }
            }
        }
        Ok(())
    }

    /// Takes the claim to decide if nobody living has it. An error of who decides here ends this agent.
    fn keep_deciding(&mut self) -> io::Result<()> {
        if let Some(decider) = &mut self.decider {
            return decider.check();
        }
        if self.folder.has_decided() {
            return Ok(());
        }
        let mut held = lock(&self.held);
        let generation = match held.claims.status(DECIDE) {
            ClaimStatus::Done => return Ok(()),
            ClaimStatus::Free => 0,
            ClaimStatus::Held(generation) => {
                let owner = held.claims.owner(DECIDE, generation);
                let owner = owner.unwrap_or_else(|| format!("{DECIDE}.{generation}"));
                if self.leases.look(&owner) != Life::Dead {
                    return Ok(());
                }
                generation + 1
            }
        };
        if let Some(claim) = held.claims.claim(DECIDE, generation)? {
            drop(held);
            let decider = Decider::start(&self.folder, &self.head, &self.agent, claim);
            self.decider = Some(decider?);
        }
        Ok(())
    }

    /// Whether decisions may come that this agent is to wait for.
    fn awaits_decisions(&self) -> bool {
        if !self.head.has_searches || self.folder.has_decided() {
            return false;
        }
        let idle = self.idle_since.map(awake::since);
        self.decider.is_some() || idle.is_none_or(|idle| idle < MAX_IDLE)
    }

    /// Claims one of the first trials that are free as far as is known.
    fn take_free(&mut self) -> io::Result<Option<usize>> {
        if self.is_exhausted {
            return Ok(None);
        }
        let mut held = lock(&self.held);
        loop {
            let is_free =
                |index: &&usize| held.claims.status(&self.keys[**index]) == ClaimStatus::Free;
            let free = self.left.iter().filter(is_free);
            let first: Vec<usize> = free.take(SPREAD * self.capacity).copied().collect();
            if first.is_empty() {
                self.is_exhausted = true;
                return Ok(None);
            }
            // Any number will do that differs between agents; results do not depend on who trains what.
            self.draw = self
                .draw
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let index = first[(self.draw >> 33) as usize % first.len()];
            let trial = &self.trials[index].trial;
            if let Some(claim) = held.claims.claim(&self.keys[index], 0)? {
                held.by_trial.insert(trial.clone(), claim);
                return Ok(Some(index));
            }
        }
    }

    /// Takes a trial over from an agent that is dead. Determines whether it is worth waiting for one.
    fn take_over(&mut self) -> io::Result<Option<usize>> {
        let is_idle = self.outstanding == 0;
        self.is_waiting = self.awaits_decisions();
        let mut held = lock(&self.held);
        for index in &self.left {
            let trial = &self.trials[*index].trial;
            let key = self.keys[*index].as_str();
            let ClaimStatus::Held(generation) = held.claims.status(key) else {
                continue;
            };
            if held.by_trial.contains_key(trial) {
                continue;
            }
            // A claim whose owner was not written has no beat, and is taken over like that of a dead agent.
            let owner = held.claims.owner(key, generation);
            let owner = owner.unwrap_or_else(|| format!("{key}.{generation}"));
            match self.leases.look(&owner) {
                Life::Dead => {
                    let Some(claim) = held.claims.claim(key, generation + 1)? else {
                        self.is_waiting = true;
                        continue;
                    };
                    held.by_trial.insert(trial.clone(), claim);
                    if generation + 1 < MAX_GENERATIONS {
                        return Ok(Some(*index));
                    }
                    self.events.push(Event::TrialSkipped {
                        trial: trial.clone(),
                        reason: format!("{MAX_GENERATIONS} agents were lost while they trained it"),
                    });
                }
                Life::Unknown => self.is_waiting = true,
                // One whose beat has changed since nothing runs here is left to its trials.
                Life::Alive(still) => {
                    let idle = self.idle_since.filter(|_| is_idle);
                    self.is_waiting |= idle.is_none_or(|since| awake::since(since) < still);
                }
            }
        }
        Ok(None)
    }
}

impl Supply for PoolSupply {
    fn next(&mut self) -> Result<Option<QueuedTrial<'static>>, SupplyError> {
        if self.is_stopped.load(Ordering::Relaxed) {
            self.is_waiting = false;
            self.decider = None;
            return Ok(None);
        }
        if self.outstanding >= self.capacity {
            return Ok(None);
        }
        let taken = self.take().map_err(|error| SupplyError(Box::new(error)))?;
        let Some(index) = taken else {
            return Ok(None);
        };
        self.outstanding += 1;
        self.idle_since = None;
        self.left.retain(|left| *left != index);
        let trial = &self.trials[index];
        Ok(Some(QueuedTrial {
            planned: Cow::Owned(PlannedTrial {
                id: trial.trial.clone(),
                config: trial.config.clone(),
                spec: trial.spec.clone(),
                fold: trial.fold,
            }),
            pause_at: trial.pause_at(),
        }))
    }

    fn progressed(&mut self, _number: usize, _step: u32, _values: &[(Metric, f64)]) {}

    fn ended(&mut self, _number: usize, _end: TrialEnd) -> Result<(), SupplyError> {
        self.outstanding -= 1;
        if self.outstanding == 0 {
            self.idle_since = Some(awake::now());
            // What is left to others is not known before the next look.
            self.is_waiting = true;
        }
        Ok(())
    }

    fn drain_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    fn is_waiting(&self) -> bool {
        self.is_waiting && !self.is_stopped.load(Ordering::Relaxed)
    }
}
