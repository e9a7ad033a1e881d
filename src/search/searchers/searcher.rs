//! What every searcher is: something that decides the next job from what it sees.

use crate::decision::Why;
use crate::history::View;
use crate::space::Point;

/// Decides the next job. What a searcher keeps between calls is a cache: a pure function of the results seen, so that
/// a search that resumes in the middle decides the same.
pub(crate) trait Searcher: Send {
    /// `None` if nothing can be started or continued before another result is seen.
    fn decide(&mut self, view: &View) -> Option<Choice>;
}

/// What a searcher chose.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Choice {
    /// Trains a new point to a rung.
    Start { point: Point, to: usize, why: Why },
    /// Goes on with a paused configuration.
    Continue { config: usize, to: usize, why: Why },
}
