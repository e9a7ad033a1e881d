//! Running searches as a supply of trials: decisions become trials, ends of trials become outcomes.
//!
//! Invariant: the events of a decision and of its outcome are given before anything that follows from them.

use std::collections::VecDeque;

use sweep_core::event::Event;
use sweep_core::search_job::{JobOutcome, SearchJob};
use sweep_core::trial::{Metric, Status, TrialId};
use sweep_experiment::plan::PlannedTrial;
use sweep_scheduler::{QueuedTrial, Supply, SupplyError, TrialEnd};
use sweep_search::{Decision, End, Next, Search, Why};
use sweep_store::Store;

use super::outcome::{Steps, by_step, of_steps, told};
use super::prepared::{PreparedSearch, decision_of};
use super::problem::SearchProblem;
use crate::error::Error;

/// The searches of a sweep while it is run.
pub struct SearchSupply<'a> {
    store: &'a Store,
    searches: Vec<Running<'a>>,
    /// The jobs that were given, by their number.
    given: Vec<Given>,
    /// Jobs that wait to be given: those that an earlier session did not finish come first.
    waiting: VecDeque<(usize, Decision)>,
    events: Vec<Event>,
}

struct Running<'a> {
    /// Its key in the database.
    id: i64,
    search: Search<&'a SearchProblem>,
    has_ended: bool,
    /// Failed jobs, while nothing else has come of any: at [`MAX_FAILURES`] the search is stopped.
    failures: Option<usize>,
}

/// Jobs that may fail before the first that does not. Something is wrong then that other settings do not mend.
const MAX_FAILURES: usize = 10;

impl Running<'_> {
    fn is_stopped(&self) -> bool {
        self.failures
            .is_some_and(|failures| failures >= MAX_FAILURES)
    }

    fn tell(&mut self, number: u32, outcome: &JobOutcome) {
        self.failures = match outcome {
            JobOutcome::Failed => self.failures.map(|failures| failures + 1),
            JobOutcome::Trained { .. } | JobOutcome::Diverged => None,
        };
        self.search
            .tell(number, told(self.search.problem(), outcome));
    }
}

/// A job whose trial is being trained.
struct Given {
    search: usize,
    decision: Decision,
    trial: PlannedTrial,
    /// What was reported in this session.
    steps: Steps,
}

impl<'a> SearchSupply<'a> {
    /// Continues `searches`, whose keys in the database are `ids`, from what they have recorded.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub fn new(
        store: &'a Store,
        searches: impl IntoIterator<Item = (i64, &'a PreparedSearch)>,
    ) -> Result<SearchSupply<'a>, Error> {
        let mut supply = SearchSupply {
            store,
            searches: Vec::new(),
            given: Vec::new(),
            waiting: VecDeque::new(),
            events: Vec::new(),
        };
        for (id, prepared) in searches {
            let search = Search::new(prepared.plan.clone(), &prepared.problem);
            let search = search.map_err(|error| {
                let path = &prepared.problem.spec().path;
                Error::input(
                    format!("`{path}`: {error}"),
                    "change it in the experiment file",
                )
            })?;
            let record = prepared.record.as_ref();
            let mut running = Running {
                id,
                search,
                has_ended: record.is_some_and(|record| record.ended.is_some()),
                failures: Some(0),
            };
            let at = supply.searches.len();
            for job in record.into_iter().flat_map(|record| &record.jobs) {
                let decision = decision_of(job)?;
                running.search.replay(&decision);
                match &job.outcome {
                    Some(outcome) => running.tell(job.number, outcome),
                    None => supply.waiting.push_back((at, decision)),
                }
            }
            supply.searches.push(running);
        }
        Ok(supply)
    }

    /// Whether there is nothing left to train: decides on the next jobs to find out.
    ///
    /// # Errors
    /// When what a decision depends on cannot be read.
    pub fn is_over(&mut self) -> Result<bool, Error> {
        if self.waiting.is_empty() {
            self.decide()
                .map_err(|error| Error::environment(error, ""))?;
        }
        Ok(self.waiting.is_empty())
    }

    /// Decides on jobs until one has to be trained.
    fn decide(&mut self) -> Result<(), SupplyError> {
        loop {
            let mut has_decided = false;
            for at in 0..self.searches.len() {
                let running = &mut self.searches[at];
                if running.is_stopped() {
                    let reason = format!("its first {MAX_FAILURES} jobs all failed");
                    self.search_ended(at, reason, false);
                    continue;
                }
                match running.search.next() {
                    Next::Job(decision) => {
                        has_decided = true;
                        running.has_ended = false;
                        self.record(at, &decision);
                        match self.known(at, &decision)? {
                            Some(outcome) => self.tell(at, &decision, outcome),
                            None => self.waiting.push_back((at, decision)),
                        }
                    }
                    Next::Wait => {}
                    Next::End(end) => {
                        let reason = match end {
                            End::Budget => "the budget is spent",
                            End::Exhausted => "every point of the space has been trained",
                        };
                        self.search_ended(at, reason.to_owned(), end == End::Budget);
                    }
                }
            }
            if !has_decided || !self.waiting.is_empty() {
                return Ok(());
            }
        }
    }

    /// Takes note that a search has come to its end, once.
    fn search_ended(&mut self, at: usize, reason: String, is_budget_spent: bool) {
        let running = &mut self.searches[at];
        if !std::mem::replace(&mut running.has_ended, true) {
            self.events.push(Event::SearchEnded {
                search: running.id,
                path: running.search.problem().spec().path.clone(),
                reason,
                is_budget_spent,
            });
        }
    }

    fn trial(&self, at: usize, decision: &Decision) -> PlannedTrial {
        let problem = self.searches[at].search.problem();
        problem.trial(&decision.point, decision.job.seed)
    }

    fn record(&mut self, at: usize, decision: &Decision) {
        let trial = self.trial(at, decision);
        let job = SearchJob {
            search: self.searches[at].id,
            number: decision.job.number,
            trial: trial.id,
            config: trial.config,
            spec: trial.spec,
            settings: self.searches[at].search.problem().settings(&decision.point),
            from: decision.job.from,
            to: decision.job.to,
            reason: reason(&decision.why).to_owned(),
            decision: serde_json::to_string(decision).expect("a decision is plain data"),
        };
        let job = Box::new(job);
        self.events.push(Event::SearchJobDecided { job });
    }

    /// What came of a job by what the database has of its trial; `None` if that has not been trained so far.
    fn known(&self, at: usize, decision: &Decision) -> Result<Option<JobOutcome>, SupplyError> {
        let trial = self.trial(at, decision);
        let statuses = self.store.statuses(std::slice::from_ref(&trial.id));
        let status = statuses.map_err(unreadable)?.into_iter().next().flatten();
        let is_over = matches!(status, Some(Status::Finished | Status::Diverged));
        if !is_over && status != Some(Status::Pruned) {
            return Ok(None);
        }
        let steps = self.recorded(&trial.id)?;
        let to = decision.job.to;
        let last = steps.keys().next_back().copied().unwrap_or(0);
        // At the very step with which a trial ends early, a network ends; trees pause, and end when they are continued.
        // A program that was asked to pause may have come further. What it makes at its end is there once it has ended.
        if !is_over && to >= trial.spec.model.steps() {
            return Ok(None);
        }
        let ends_there = trial.spec.model.program().is_some()
            || trial.spec.model.kind().is_network()
            || to >= trial.spec.model.steps();
        let has_ended = is_over && (to > last || (to == last && ends_there));
        if has_ended && status == Some(Status::Diverged) {
            return Ok(Some(JobOutcome::Diverged));
        }
        let problem = self.searches[at].search.problem();
        Ok(match has_ended || last >= to {
            true => of_steps(problem, &trial.spec.model, &steps, to, has_ended),
            false => None,
        })
    }

    /// What came of a job whose trial reported `steps` and has ended, or paused, in this session.
    fn outcome(
        &self,
        at: usize,
        decision: &Decision,
        trial: &PlannedTrial,
        mut steps: Steps,
        end: TrialEnd,
    ) -> Result<JobOutcome, SupplyError> {
        // An attempt that resumes reports what came before again, but for what was lost with its log.
        if steps.keys().next() != Some(&1) {
            for (step, values) in self.recorded(&trial.id)? {
                steps.entry(step).or_insert(values);
            }
        }
        // A program may come to its end before it hears that it is to pause. What it did after `to` counts later.
        let last = steps.keys().next_back().copied().unwrap_or(0);
        let has_ended = end != TrialEnd::Paused && last <= decision.job.to;
        if has_ended && end == TrialEnd::Diverged {
            return Ok(JobOutcome::Diverged);
        }
        let problem = self.searches[at].search.problem();
        let outcome = of_steps(
            problem,
            &trial.spec.model,
            &steps,
            decision.job.to,
            has_ended,
        );
        Ok(outcome.unwrap_or(JobOutcome::Diverged))
    }

    fn recorded(&self, trial: &TrialId) -> Result<Steps, SupplyError> {
        self.store.curves(trial).map(by_step).map_err(unreadable)
    }

    fn tell(&mut self, at: usize, decision: &Decision, outcome: JobOutcome) {
        let running = &mut self.searches[at];
        let number = decision.job.number;
        running.tell(number, &outcome);
        self.events.push(Event::SearchJobEnded {
            search: running.id,
            number,
            outcome,
        });
    }
}

impl Supply for SearchSupply<'_> {
    fn next(&mut self) -> Result<Option<QueuedTrial<'static>>, SupplyError> {
        if self.waiting.is_empty() {
            self.decide()?;
        }
        // What was decided before a search stopped is not trained either.
        let searches = &self.searches;
        self.waiting
            .retain(|(search, _)| !searches[*search].is_stopped());
        let Some((search, decision)) = self.waiting.pop_front() else {
            return Ok(None);
        };
        let trial = self.trial(search, &decision);
        let to = decision.job.to;
        let pause_at = (to < trial.spec.model.steps()).then_some(to);
        self.given.push(Given {
            search,
            decision,
            trial: trial.clone(),
            steps: Steps::new(),
        });
        Ok(Some(QueuedTrial {
            planned: std::borrow::Cow::Owned(trial),
            pause_at,
        }))
    }

    fn progressed(&mut self, number: usize, step: u32, values: &[(Metric, f64)]) {
        // Programs may report the values of a step one after the other.
        let known = self.given[number].steps.entry(step).or_default();
        for (name, value) in values {
            match known.iter_mut().find(|(other, _)| other == name) {
                Some((_, old)) => *old = *value,
                None => known.push((name.clone(), *value)),
            }
        }
    }

    fn ended(&mut self, number: usize, end: TrialEnd) -> Result<(), SupplyError> {
        let given = &mut self.given[number];
        let steps = std::mem::take(&mut given.steps);
        let (at, decision, trial) = (given.search, given.decision.clone(), given.trial.clone());
        let outcome = match end {
            TrialEnd::Paused | TrialEnd::Finished | TrialEnd::Diverged => {
                self.outcome(at, &decision, &trial, steps, end)?
            }
            TrialEnd::Failed => JobOutcome::Failed,
            TrialEnd::Elsewhere => self.known(at, &decision)?.unwrap_or(JobOutcome::Failed),
        };
        self.tell(at, &decision, outcome);
        Ok(())
    }

    fn drain_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }
}

/// Why a job was decided, in a word.
fn reason(why: &Why) -> &'static str {
    match why {
        Why::Enqueued => "enqueued",
        Why::Initial { .. } => "initial",
        Why::Drawn { .. } => "drawn",
        Why::Proposal { .. } | Why::Density { .. } => "proposal",
        Why::Promotion { .. } => "promotion",
        Why::Leftover { .. } => "leftover",
        Why::Completion => "completion",
        Why::Finish { .. } => "finish",
    }
}

fn unreadable(error: sweep_store::StoreError) -> SupplyError {
    SupplyError(Box::new(error))
}
