//! One searcher a file behind one trait, and the registry of them.

pub(crate) mod acquisition;
mod asha;
mod auto;
mod drawn;
mod gp;
mod objective;
mod promotion;
pub(crate) mod score;
pub(crate) mod surrogate;
mod tpe;

use crate::decision::Why;
use crate::history::View;
use crate::plan::Method;
use crate::space::Point;

/// Decides the next job. What a searcher keeps between calls is a cache: a pure function of the results seen, so that a
/// search that resumes in the middle decides the same.
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

/// The registry: a new method is one file and one line.
pub(crate) fn searcher(method: Method) -> Box<dyn Searcher> {
    match method {
        Method::Auto => Box::new(auto::Auto::default()),
        Method::Gp => Box::new(gp::Gp::default()),
        Method::Tpe => Box::new(tpe::Tpe::default()),
        Method::Random => Box::new(drawn::Random::default()),
        Method::Sobol => Box::new(drawn::Sobol::default()),
        Method::Asha => Box::new(asha::Asha::default()),
    }
}
