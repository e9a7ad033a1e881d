//! The search as a deterministic machine: decisions in, jobs out, on the virtual clock.

use std::collections::HashMap;

use crate::clock::Clock;
use crate::decision::{Decision, End, Job, Next, Outcome, Why};
use crate::finish::{self, Step};
use crate::history::{Config, Record, Seen, State, View};
use crate::plan::{Budget, Plan, PlanError};
use crate::pool::Pool;
use crate::problem::Problem;
use crate::searchers::{self, Choice, Searcher};
use crate::space::Point;

/// Decides jobs one after the other. The same plan and the same outcomes give the same jobs, in whatever order `tell`
/// is called, however many jobs are under way, and after a `replay` of what was decided before.
pub struct Search<P: Problem> {
    pub(crate) plan: Plan,
    pub(crate) problem: P,
    /// The rungs of the method: only the last one for methods that train in full.
    pub(crate) rungs: Vec<u32>,
    pub(crate) pool: Pool,
    searcher: Box<dyn Searcher>,
    pub(crate) clock: Clock,
    pub(crate) configs: Vec<Config>,
    pub(crate) keys: HashMap<String, usize>,
    pub(crate) states: Vec<State>,
    pub(crate) records: Vec<Record>,
    /// Results that decisions have seen, in the order in which they ended on the virtual machine.
    pub(crate) seen: Vec<Seen>,
    /// Whether the job of each record has ended there and was seen.
    pub(crate) was_seen: Vec<bool>,
    /// How many of them were.
    pub(crate) saw: u32,
    is_exhausted: bool,
}

impl<P: Problem> Search<P> {
    /// A search before its first decision.
    pub fn new(plan: Plan, problem: P) -> Result<Search<P>, PlanError> {
        plan.check(problem.space())?;
        let full = plan.full();
        let rungs = if plan.method.pauses() {
            plan.rungs.clone()
        } else {
            vec![full]
        };
        let mut search = Search {
            pool: Pool::new(&problem),
            searcher: searchers::searcher(plan.method),
            clock: Clock::new(plan.width),
            configs: Vec::new(),
            keys: HashMap::new(),
            states: Vec::new(),
            records: Vec::new(),
            seen: Vec::new(),
            was_seen: Vec::new(),
            saw: 0,
            is_exhausted: false,
            rungs,
            plan,
            problem,
        };
        search.learn_known();
        Ok(search)
    }

    /// The next decision, if all that it sees is known. Several calls in a row give several jobs while the virtual
    /// machine has a free worker.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator has no way to wait"
    )]
    pub fn next(&mut self) -> Next {
        loop {
            if self.see_ended().is_err() {
                return Next::Wait;
            }
            let decision = if self.is_exhausted || self.is_spent() {
                match self.completion() {
                    Some(decision) => Some(decision),
                    None => match self.finish() {
                        Step::Train {
                            config,
                            seed,
                            round,
                        } => {
                            let point = self.configs[config].point.clone();
                            let why = Why::Finish { round };
                            Some(self.decision(config, point, (seed, 0, self.plan.full()), why))
                        }
                        Step::Wait => None,
                        Step::Over => return Next::End(self.end()),
                    },
                }
            } else {
                self.decide()
            };
            match decision {
                Some(decision) => {
                    self.record(decision.clone());
                    return Next::Job(decision);
                }
                None if self.has_pending() => self.wait_for_next_end(),
                None => self.is_exhausted = true,
            }
        }
    }

    /// The outcome of a job: in any order, at any time.
    ///
    /// # Panics
    ///
    /// If no such job was decided, or if the numbers of values are not those of the plan.
    pub fn tell(&mut self, job: u32, outcome: Outcome) {
        if let Outcome::Finished(values) = &outcome {
            assert_eq!(
                values.objectives.len(),
                self.plan.objectives,
                "objectives of job {job}"
            );
            assert_eq!(
                values.violations.len(),
                self.plan.constraints,
                "constraints of job {job}"
            );
        }
        let record = &mut self.records[job as usize];
        if record.outcome.is_none() {
            record.outcome = Some(outcome);
        }
    }

    /// Puts back a decision that was recorded: it is not decided again, and the virtual clock moves as it did.
    ///
    /// # Panics
    ///
    /// If decisions are not put back in the order of their numbers.
    pub fn replay(&mut self, decision: &Decision) {
        assert_eq!(
            decision.job.number as usize,
            self.records.len(),
            "decisions in order"
        );
        self.clock.wait_until(decision.at);
        self.record(decision.clone());
    }

    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    pub fn problem(&self) -> &P {
        &self.problem
    }

    pub fn configs(&self) -> &[Config] {
        &self.configs
    }

    /// All decisions so far, with the outcomes that were told.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// What the search has spent, without its finish, in average full trainings.
    pub fn spent(&self) -> f64 {
        self.search_jobs().map(|record| record.decision.cost).sum()
    }

    fn search_jobs(&self) -> impl Iterator<Item = &Record> {
        self.records
            .iter()
            .filter(|record| record.decision.job.seed == 0)
    }

    /// Whether the budget of the search is spent.
    fn is_spent(&self) -> bool {
        match self.plan.budget {
            Budget::Trainings(trainings) => self.spent() >= trainings - 1e-9,
            Budget::Steps(steps) => {
                let spent =
                    |record: &Record| u64::from(record.decision.job.to - record.decision.job.from);
                self.search_jobs().map(spent).sum::<u64>() >= steps
            }
            // Ends when nothing that was started is left to go on with.
            Budget::Trials(_) | Budget::Unlimited => false,
        }
    }

    fn decide(&mut self) -> Option<Decision> {
        let number = self.records.len() as u32;
        let choice = self.enqueued().or_else(|| {
            let pending = self.pending();
            let view = View {
                plan: &self.plan,
                rungs: &self.rungs,
                problem: &self.problem,
                pool: &self.pool,
                configs: &self.configs,
                states: &self.states,
                seen: &self.seen,
                pending: &pending,
                keys: &self.keys,
                may_start: self.may_start(),
                number,
            };
            self.searcher.decide(&view)
        })?;
        let (config, point, from, to, why) = match choice {
            Choice::Start { point, to, why } => {
                (self.config(&point, false), point, 0, self.rungs[to], why)
            }
            Choice::Continue { config, to, why } => {
                let from = self.states[config].sent.map_or(0, |rung| self.rungs[rung]);
                (
                    config,
                    self.configs[config].point.clone(),
                    from,
                    self.rungs[to],
                    why,
                )
            }
        };
        Some(self.decision(config, point, (0, from, to), why))
    }

    fn may_start(&self) -> bool {
        match self.plan.budget {
            Budget::Trials(trials) => (self.started() as u64) < trials,
            _ => true,
        }
    }

    fn started(&self) -> usize {
        self.states
            .iter()
            .filter(|state| state.sent.is_some())
            .count()
    }

    /// The first enqueued point that was not trained.
    fn enqueued(&self) -> Option<Choice> {
        let mut points = self.plan.enqueue.iter();
        let point = points.find(|point| {
            let known = self.keys.get(&self.problem.key(point));
            self.problem.is_admissible(point)
                && known.is_none_or(|&config| {
                    let state = &self.states[config];
                    state.sent.is_none() && !state.closed
                })
        })?;
        self.may_start().then(|| Choice::Start {
            point: point.clone(),
            to: 0,
            why: Why::Enqueued,
        })
    }

    /// Jobs of the search seed under way on the virtual machine.
    fn pending(&self) -> Vec<(usize, usize)> {
        let jobs = self
            .records
            .iter()
            .zip(&self.was_seen)
            .filter(|(_, seen)| !**seen);
        let jobs = jobs
            .map(|(record, _)| record.decision.job)
            .filter(|job| job.seed == 0);
        jobs.map(|job| (job.config as usize, self.rung_of(job.to)))
            .collect()
    }

    /// The step of a rung.
    pub(crate) fn step_of(&self, rung: usize) -> u32 {
        self.rungs[rung]
    }

    fn rung_of(&self, step: u32) -> usize {
        self.rungs
            .iter()
            .rposition(|&rung| rung <= step)
            .unwrap_or(0)
    }

    fn decision(
        &self,
        config: usize,
        point: Point,
        (seed, from, to): (u32, u32, u32),
        why: Why,
    ) -> Decision {
        let job = Job {
            number: self.records.len() as u32,
            config: config as u32,
            seed,
            from,
            to,
        };
        Decision {
            cost: self.problem.cost(&point, from, to).max(0.0),
            at: self.clock.now(),
            saw: self.saw,
            job,
            point,
            why,
        }
    }

    /// Starts the job of a decision on the virtual machine.
    fn record(&mut self, decision: Decision) {
        let end = self.clock.start(decision.cost);
        let config = self.config(&decision.point, false);
        debug_assert_eq!(config as u32, decision.job.config);
        if decision.job.seed == 0 {
            self.states[config].sent = Some(self.rung_of(decision.job.to));
        }
        self.was_seen.push(false);
        self.records.push(Record {
            decision,
            outcome: None,
            end,
        });
    }

    /// Once the budget is spent: trains the best so far to its last step, if it is paused below that. What a search
    /// ends with is a training in full, of what it believes to be the best; a few times at most, since that may turn
    /// out worse.
    fn completion(&self) -> Option<Decision> {
        let is_completion = |record: &&Record| record.decision.why == Why::Completion;
        if !self.pending().is_empty()
            || self.records.iter().filter(is_completion).count() >= MAX_COMPLETIONS
        {
            return None;
        }
        let config = *self.finalists().first()?;
        let state = self.states[config];
        let rung = state.sent.filter(|_| !state.closed)?;
        let (from, to) = (self.rungs[rung], self.plan.full());
        let point = self.configs[config].point.clone();
        (from < to).then(|| self.decision(config, point, (0, from, to), Why::Completion))
    }

    /// The next step of halving on seeds, once every job of the search has ended.
    fn finish(&self) -> Step {
        let Some(finish) = self.plan.finish else {
            return if self.has_pending() {
                Step::Wait
            } else {
                Step::Over
            };
        };
        if !self.pending().is_empty() {
            return Step::Wait;
        }
        let objectives = self.plan.objectives;
        finish::step(finish, &self.finalists(), objectives, &self.seed_results())
    }

    fn end(&self) -> End {
        if self.is_exhausted && self.may_start() {
            End::Exhausted
        } else {
            End::Budget
        }
    }
}

/// Most trainings that are completed beyond the budget.
const MAX_COMPLETIONS: usize = 3;
