//! Points that no result decides: at random, and from Sobol's sequence; trained in full.

use crate::decision::Why;
use crate::history::View;
use crate::pool::random_point;
use crate::random::{self, Use};
use crate::searchers::searcher::{Choice, Searcher};
use crate::sequence::Sequence;
use crate::space::Point;

/// Draws uniformly over the space, never the same trial twice.
#[derive(Debug, Default)]
pub(crate) struct Random {
    /// How many draws lie behind: all of them taken or inadmissible, and they stay so.
    cursor: u32,
}

impl Random {
    /// The first draw that was not taken, and its number.
    pub fn point(&mut self, view: &View) -> Option<(Point, u32)> {
        let random = random::Random::new(view.plan.seed, Use::Points, 0);
        let is_new = |point: &Point| view.is_new(point);
        let point = random_point(view.problem, view.pool, random, &mut self.cursor, &is_new)?;
        Some((point, self.cursor))
    }
}

impl Searcher for Random {
    fn decide(&mut self, view: &View) -> Option<Choice> {
        in_full(view, || self.point(view))
    }
}

/// Starts the next point that `draw` has, with its number, and trains it to the last rung.
fn in_full(view: &View, draw: impl FnOnce() -> Option<(Point, u32)>) -> Option<Choice> {
    if !view.may_start {
        return None;
    }
    let (point, index) = draw()?;
    let to = view.rungs.len() - 1;
    let why = Why::Drawn { index };
    Some(Choice::Start { point, to, why })
}

/// Where the sequence ends in a space that is no pool.
const MAX_INDEX: u32 = 1 << 20;

/// Scrambled Sobol points, never the same trial twice.
#[derive(Debug, Default)]
pub(crate) struct Sobol {
    sequence: Option<Sequence>,
    /// The first index that may be free: all before it are taken or inadmissible, and they stay so.
    cursor: u32,
    random: Random,
}

impl Sobol {
    /// The first point of the sequence that was not taken, and its number.
    pub fn point(&mut self, view: &View) -> Option<(Point, u32)> {
        let space = view.problem.space();
        let sequence = self
            .sequence
            .get_or_insert_with(|| Sequence::scrambled(space.dims.len(), view.plan.seed));
        // A small space is covered long before the sequence has met each of its points: the rest comes at random.
        let limit = if view.pool.is_complete {
            4 * view.pool.len() as u32
        } else {
            MAX_INDEX
        };
        while self.cursor < limit {
            let point = space.at(&sequence.point(self.cursor));
            if view.is_new(&point) {
                return Some((point, self.cursor));
            }
            self.cursor += 1;
        }
        self.random.point(view)
    }
}

impl Searcher for Sobol {
    fn decide(&mut self, view: &View) -> Option<Choice> {
        in_full(view, || self.point(view))
    }
}
