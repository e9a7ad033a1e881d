//! Proposals by a Gaussian process (Matérn 5/2, one length scale for each dimension, Hamming distance of categories)
//! and log expected improvement; every training is full.

use crate::decision::Why;
use crate::history::View;
use crate::searchers::acquisition::{Acquisition, Expected};
use crate::searchers::drawn::Sobol;
use crate::searchers::score::{best_first, weights};
use crate::searchers::searcher::{Choice, Searcher};
use crate::searchers::surrogate::is_exhaustive;
use crate::space::Point;

/// Configurations, known ones among them, before there are proposals.
const INITIAL: usize = 10;

#[derive(Default)]
pub(crate) struct Gp {
    sobol: Sobol,
    acquisition: Acquisition,
}

impl Searcher for Gp {
    fn decide(&mut self, view: &View) -> Option<Choice> {
        if !view.may_start {
            return None;
        }
        let to = view.rungs.len() - 1;
        if view.configs.len() >= INITIAL
            && let Some((point, expected)) = self.propose(view)
        {
            let why = proposal(expected);
            return Some(Choice::Start { point, to, why });
        }
        let (point, index) = self.sobol.point(view)?;
        let why = Why::Initial { index };
        Some(Choice::Start { point, to, why })
    }
}

impl Gp {
    fn propose(&mut self, view: &View) -> Option<(Point, Expected)> {
        let weights = weights(view);
        let prepared = self.acquisition.prepare(view, &weights)?;
        if !is_exhaustive(view) {
            let centres = best_first(view, &weights);
            return self.acquisition.search(view, &prepared, &centres, &|_| 0.0);
        }
        let expected = self.acquisition.targets(view, &prepared);
        self.acquisition.best_of_pool(view, &expected, &|_| 0.0)
    }
}

pub(crate) fn proposal(expected: Expected) -> Why {
    Why::Proposal {
        score: expected.score,
        mean: expected.mean,
        sd: expected.sd,
    }
}
