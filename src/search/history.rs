//! What a decision may see: configurations, the results that have ended on the virtual machine, in the order in which
//! they ended there, and what is under way. Seen results are only ever appended, so the first m of them stay what they
//! are.

use std::collections::HashMap;

use crate::decision::{Decision, Outcome, Values};
use crate::plan::Plan;
use crate::pool::Pool;
use crate::problem::Problem;
use crate::space::Point;

/// A configuration of the search.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub point: Point,
    pub key: String,
    /// Came with the plan; has no job unless one was decided since.
    pub known: bool,
}

/// A decision and, once it is told, its outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub decision: Decision,
    pub outcome: Option<Outcome>,
    /// When the job ends on the virtual machine.
    pub(crate) end: f64,
}

/// A result of the search seed that decisions see.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    pub config: usize,
    pub rung: usize,
    /// `None` if it failed.
    pub values: Option<Values>,
}

/// Where a configuration stands.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct State {
    /// The highest rung that a job was sent to.
    pub sent: Option<usize>,
    /// The highest rung with a result that is seen.
    pub reached: Option<usize>,
    /// The seen result at the highest rung, as an index into `seen`.
    pub last: Option<usize>,
    /// Failed, or ended early: cannot go on.
    pub closed: bool,
}

/// All that a decision may depend on.
pub(crate) struct View<'a> {
    pub plan: &'a Plan,
    /// The rungs of the method: only the last for methods that train in full.
    pub rungs: &'a [u32],
    pub problem: &'a dyn Problem,
    pub pool: &'a Pool,
    pub configs: &'a [Config],
    pub states: &'a [State],
    pub seen: &'a [Seen],
    /// Jobs under way on the virtual machine: configuration and rung.
    pub pending: &'a [(usize, usize)],
    /// Configurations by key.
    pub keys: &'a HashMap<String, usize>,
    /// Whether the budget allows another configuration.
    pub may_start: bool,
    /// The number of the job that is decided.
    pub number: u32,
}

impl State {
    /// Whether the configuration is paused: it has a result, nothing is under way, and it can go on.
    pub fn is_paused(&self, rungs: usize) -> bool {
        !self.closed
            && self.reached.is_some()
            && self.sent <= self.reached
            && self.reached.is_some_and(|rung| rung + 1 < rungs)
    }
}

impl View<'_> {
    /// Whether a point may be proposed: admissible, and no configuration has its key unless it is only known.
    pub fn is_new(&self, point: &Point) -> bool {
        self.problem.is_admissible(point) && self.is_untaken(&self.problem.key(point))
    }

    /// Whether a job may be started from nothing for this key.
    pub fn is_untaken(&self, key: &str) -> bool {
        self.keys
            .get(key)
            .is_none_or(|&config| self.is_startable(config))
    }

    /// A configuration of which only a part is known may be trained from its start.
    fn is_startable(&self, config: usize) -> bool {
        let state = &self.states[config];
        self.configs[config].known && state.sent.is_none() && !state.closed
    }

    /// The cost of going on from a rung (`None`: from the start) to another.
    pub fn cost(&self, point: &Point, from: Option<usize>, to: usize) -> f64 {
        let from = from.map_or(0, |rung| self.rungs[rung]);
        self.problem.cost(point, from, self.rungs[to])
    }
}
