//! Random points without repeats, each trained in full.

use crate::decision::Why;
use crate::history::View;
use crate::pool::random_point;
use crate::random::{self, Use};
use crate::searchers::{Choice, Searcher};
use crate::space::Point;

/// Draws uniformly over the space, never the same trial twice.
#[derive(Debug, Default)]
pub(crate) struct Random {
    /// How many draws lie behind: all of them taken or inadmissible, and they stay so.
    cursor: u32,
}

impl Random {
    pub fn point(&mut self, view: &View) -> Option<Point> {
        let random = random::Random::new(view.plan.seed, Use::Points, 0);
        random_point(
            view.problem,
            view.pool,
            random,
            &mut self.cursor,
            &|point| view.is_new(point),
        )
    }
}

impl Searcher for Random {
    fn decide(&mut self, view: &View) -> Option<Choice> {
        let point = self.point(view)?;
        let why = Why::Drawn { index: self.cursor };
        Some(Choice::Start {
            point,
            to: view.rungs.len() - 1,
            why,
        })
    }
}
