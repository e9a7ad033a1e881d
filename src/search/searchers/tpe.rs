//! The tree-structured Parzen estimator (Bergstra et al. 2011): proposes where the density of good results is highest
//! beside that of the others. What is under way counts with the others, nothing is proposed twice, and a small space
//! is searched in full.

use crate::decision::Why;
use crate::history::View;
use crate::model::parzen::Parzen;
use crate::random::{Random, Use};
use crate::searchers::drawn::Sobol;
use crate::searchers::score::{best_first, weights};
use crate::searchers::searcher::{Choice, Searcher};
use crate::searchers::surrogate::MAX_TARGETS;
use crate::space::Point;

/// Configurations, known ones among them, before there are proposals.
const INITIAL: usize = 10;
/// One in so many results is good, at most `MAX_GOOD`.
const GOOD_SHARE: usize = 10;
const MAX_GOOD: usize = 25;
/// Others that a density is made of: an even choice of more.
const MAX_OTHERS: usize = 1000;
/// Candidates drawn from the density of good results in a large space.
const DRAWS: u32 = 200;

#[derive(Debug, Default)]
pub(crate) struct Tpe {
    sobol: Sobol,
}

impl Searcher for Tpe {
    fn decide(&mut self, view: &View) -> Option<Choice> {
        if !view.may_start {
            return None;
        }
        let to = view.rungs.len() - 1;
        if view.configs.len() >= INITIAL
            && let Some((point, score)) = propose(view, &best_first(view, &weights(view)))
        {
            let why = Why::Density { score };
            return Some(Choice::Start { point, to, why });
        }
        let (point, index) = self.sobol.point(view)?;
        Some(Choice::Start {
            point,
            to,
            why: Why::Initial { index },
        })
    }
}

/// The best new point by configurations in the order of their results, with the log of the ratio of densities.
pub(crate) fn propose(view: &View, ranked: &[usize]) -> Option<(Point, f64)> {
    let space = view.problem.space();
    let count = ranked.len().div_ceil(GOOD_SHARE).min(MAX_GOOD);
    let (good, others) = ranked.split_at(count);
    let others = others.iter().copied().chain(failed_or_pending(view));
    let others: Vec<usize> = others.collect();
    let kept = others.len().min(MAX_OTHERS);
    let others = (0..kept).map(|place| others[place * others.len() / kept]);
    let point = |config: usize| &view.configs[config].point;
    let good = Parzen::new(
        space,
        &good.iter().map(|&config| point(config)).collect::<Vec<_>>(),
    );
    let others = Parzen::new(space, &others.map(point).collect::<Vec<_>>());
    let ratio = |point: &Point| good.log_density(point) - others.log_density(point);
    let scored = |point: Point| {
        let score = ratio(&point);
        (point, score)
    };
    let better = |best: (Point, f64), next: (Point, f64)| if next.1 > best.1 { next } else { best };
    if view.pool.is_complete && view.pool.len() <= MAX_TARGETS {
        let new = (0..view.pool.len()).filter(|&place| view.is_untaken(&view.pool.keys[place]));
        let points = new.map(|place| view.pool.points[place].clone());
        return points.map(scored).reduce(better);
    }
    let random = Random::new(view.plan.seed, Use::Candidates, view.number);
    let mut drawn: Vec<Point> = (0..DRAWS)
        .map(|draw| good.draw(random, draw * good.counters()))
        .collect();
    drawn.sort();
    drawn.dedup();
    let new = drawn.into_iter().filter(|point| view.is_new(point));
    new.map(scored).reduce(better)
}

fn failed_or_pending(view: &View) -> impl Iterator<Item = usize> {
    let states = view.states.iter().enumerate();
    states
        .filter(|(_, state)| state.last.is_none() && state.sent.is_some())
        .map(|(config, _)| config)
}
