//! Pauses trainings at rungs. A model of values over settings and rungs decides together what is started and what goes
//! on: whatever is expected to gain the most for what it costs to the next rung, as in freeze-thaw optimisation
//! (Swersky, Snoek, Adams 2014). There are no brackets; at least as many go on from a rung as asynchronous successive
//! halving would have go on.

use crate::decision::Why;
use crate::history::{State, View};
use crate::searchers::acquisition::{Acquisition, Expected, Prepared};
use crate::searchers::drawn::Sobol;
use crate::searchers::gp::proposal;
use crate::searchers::promotion;
use crate::searchers::score::{best_first, scores, weights};
use crate::searchers::searcher::{Choice, Searcher};
use crate::searchers::surrogate::is_exhaustive;
use crate::searchers::tpe;
use crate::space::Point;

/// Configurations, known ones among them, before there are proposals.
const INITIAL: usize = 20;
/// Results from which on densities propose and ranks promote.
const MAX_RESULTS: usize = 1000;
/// How much a cost counts: the gain is divided by the cost to this power. At 1, cheap steps of poor trainings are
/// preferred to dear steps of good ones; at 0, costs do not count.
const COST_EXPONENT: f64 = 0.5;
/// Costs below this count as this.
const LEAST_COST: f64 = 1e-6;

#[derive(Default)]
pub(crate) struct Auto {
    sobol: Sobol,
    acquisition: Acquisition,
}

impl Searcher for Auto {
    fn decide(&mut self, view: &View) -> Option<Choice> {
        let weights = weights(view);
        if view.may_start
            && view.configs.len() < INITIAL
            && let Some((point, index)) = self.sobol.point(view)
        {
            let why = Why::Initial { index };
            return Some(Choice::Start { point, to: 0, why });
        }
        // Once nothing may be started, a rule that ends is needed: the model would go on with every training.
        if view.seen.len() >= MAX_RESULTS || !view.may_start {
            return by_density(view, &weights);
        }
        self.by_model(view, &weights)
            .or_else(|| by_density(view, &weights))
    }
}

impl Auto {
    fn by_model(&mut self, view: &View, weights: &[f64]) -> Option<Choice> {
        let prepared = self.acquisition.prepare(view, weights)?;
        let expected = self.acquisition.targets(view, &prepared);
        if let Some(rung) = due(view)
            && let Some((_, choice)) = self.promotion(view, &expected, Some(rung))
        {
            return Some(choice);
        }
        let promotion = self.promotion(view, &expected, None);
        let start = self.start(view, weights, &prepared, &expected);
        match (promotion, start) {
            (Some((promotion, choice)), Some((start, _))) if promotion >= start => Some(choice),
            (_, Some((_, choice))) | (Some((_, choice)), None) => Some(choice),
            (None, None) => None,
        }
    }

    /// The paused training, at `only` one rung if that is given, that is most worth going on with.
    fn promotion(
        &self,
        view: &View,
        expected: &[Expected],
        only: Option<usize>,
    ) -> Option<(f64, Choice)> {
        let mut best: Option<(f64, usize, usize)> = None;
        for (config, state) in view.states.iter().enumerate() {
            let (Some(rung), Some(target)) = (state.reached, self.acquisition.target(config))
            else {
                continue;
            };
            if !state.is_paused(view.rungs.len()) || only.is_some_and(|only| only != rung) {
                continue;
            }
            let point = &view.configs[config].point;
            let score = expected[target].score - price(view, point, Some(rung), rung + 1);
            if best.is_none_or(|best| score > best.0) {
                best = Some((score, config, rung + 1));
            }
        }
        best.map(|(score, config, to)| {
            let rung = to as u32;
            let why = Why::Promotion {
                rung,
                rank: None,
                score: Some(score),
            };
            (score, Choice::Continue { config, to, why })
        })
    }

    /// The new point that is most worth starting.
    fn start(
        &mut self,
        view: &View,
        weights: &[f64],
        prepared: &Prepared,
        expected: &[Expected],
    ) -> Option<(f64, Choice)> {
        let cost = |point: &Point| price(view, point, None, 0);
        let (point, expected) = if is_exhaustive(view) {
            self.acquisition.best_of_pool(view, expected, &cost)?
        } else {
            let centres = best_first(view, weights);
            self.acquisition.search(view, prepared, &centres, &cost)?
        };
        let why = proposal(expected);
        Some((expected.score, Choice::Start { point, to: 0, why }))
    }
}

/// The highest rung from which fewer than one in `eta` went on, as asynchronous successive halving would have them (Li
/// et al. 2018). Without what comes after a rung the model knows of no gain there, and would start new points for ever
/// where there are always new ones that are nearly the best.
fn due(view: &View) -> Option<usize> {
    let eta = view.plan.eta as usize;
    (0..view.rungs.len().saturating_sub(1)).rev().find(|&rung| {
        let came = |state: &&State| state.reached.is_some_and(|reached| reached >= rung);
        let went_on = |state: &&State| state.sent.is_some_and(|sent| sent > rung);
        let states = || view.states.iter();
        states().filter(went_on).count() < states().filter(came).count() / eta
    })
}

/// What a cost takes from the log of a gain.
fn price(view: &View, point: &Point, from: Option<usize>, to: usize) -> f64 {
    COST_EXPONENT * view.cost(point, from, to).max(LEAST_COST).ln()
}

/// Proposes by densities and promotes by rank.
fn by_density(view: &View, weights: &[f64]) -> Option<Choice> {
    let scores = scores(view, view.seen.len(), weights);
    let promoted = promotion::by_rank(view, &scores);
    if promoted.is_some() || !view.may_start {
        return promoted;
    }
    match tpe::propose(view, &best_first(view, weights)) {
        Some((point, score)) => {
            let why = Why::Density { score };
            Some(Choice::Start { point, to: 0, why })
        }
        None => promotion::leftover(view, &scores),
    }
}
