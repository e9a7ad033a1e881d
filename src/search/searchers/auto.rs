//! Pauses trainings at rungs; the model decides together what is started and what goes on: whatever is expected to gain the
//! most for what its next rung costs.

use crate::decision::Why;
use crate::history::View;
use crate::searchers::acquisition::{Acquisition, Expected};
use crate::searchers::drawn::Sobol;
use crate::searchers::gp::proposal;
use crate::searchers::score::{best_first, scores, weights};
use crate::searchers::surrogate::is_exhaustive;
use crate::searchers::{Choice, Searcher, promotion, tpe};
use crate::space::Point;

/// Points of the sequence before there are proposals.
const INITIAL: usize = 20;
/// Results from which on densities propose and ranks promote.
const MAX_RESULTS: usize = 1000;
/// How much a cost counts: gain / cost^this.
const COST_EXPONENT: f64 = 0.5;

#[derive(Default)]
pub(crate) struct Auto {
    sobol: Sobol,
    acquisition: Acquisition,
}

impl Searcher for Auto {
    fn decide(&mut self, view: &View) -> Option<Choice> {
        let weights = weights(view);
        if view.may_start && view.started() < INITIAL {
            if let Some((point, index)) = self.sobol.point(view) {
                return Some(Choice::Start {
                    point,
                    to: 0,
                    why: Why::Initial { index },
                });
            }
        }
        if view.seen.len() >= MAX_RESULTS {
            return self.by_density(view, &weights);
        }
        self.by_model(view, &weights)
            .or_else(|| self.by_density(view, &weights))
    }
}

impl Auto {
    fn by_model(&mut self, view: &View, weights: &[f64]) -> Option<Choice> {
                let prepared = self.acquisition.prepare(view, weights)?;
        let expected = self.acquisition.targets(view, &prepared);
        let price = |point: &Point, from: Option<usize>, to: usize| {
            COST_EXPONENT * view.cost(point, from, to).max(1e-9).ln()
        };
        let mut best: Option<(f64, Choice)> = None;
        let mut offer = |score: f64, choice: &dyn Fn() -> Choice| {
            if best.as_ref().is_none_or(|best| score > best.0) {
                best = Some((score, choice()));
            }
        };
            for (config, state) in view.states.iter().enumerate() {
                if let (true, Some(rung), Some(target)) = (
                    state.is_paused(view.rungs.len()),
                    state.reached,
                    self.acquisition.target(config),
                ) {
                    let to = rung + 1;
                    let score =
                        expected[target].score - price(&view.configs[config].point, Some(rung), to);
                    let why = Why::Promotion {
                        rung: to as u32,
                        rank: 0,
                        score,
                    };
                    offer(score, &|| Choice::Continue {
                        config,
                        to,
                        why: why.clone(),
                    });
                }
            }
        }
        if view.may_start {
            if let Some((point, expected)) =
                self.new_point(view, weights, &prepared, &expected, &price)
            {
                offer(expected.score, &|| Choice::Start {
                    point: point.clone(),
                    to: 0,
                    why: proposal(expected),
                });
            }
        }
        best.map(|(_, choice)| choice)
    }

    fn new_point(
        &mut self,
        view: &View,
        weights: &[f64],
        prepared: &crate::searchers::acquisition::Prepared,
        expected: &[Expected],
        price: &dyn Fn(&Point, Option<usize>, usize) -> f64,
    ) -> Option<(Point, Expected)> {
        if !is_exhaustive(view) {
            let centres = best_first(view, weights);
            return self
                .acquisition
                .search(view, prepared, &centres, &|point| price(point, None, 0));
        }
        let new = (0..view.pool.len()).filter(|&place| view.is_untaken(&view.pool.keys[place]));
        let score = |place: usize| expected[place].score - price(&view.pool.points[place], None, 0);
        let scored = new.map(|place| (score(place), place));
        let (score, place) =
            scored.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
        Some((
            view.pool.points[place].clone(),
            Expected {
                score,
                ..expected[place]
            },
        ))
    }

    /// Proposes by densities and promotes by rank.
    fn by_density(&mut self, view: &View, weights: &[f64]) -> Option<Choice> {
        let scores = scores(view, view.seen.len(), weights);
        let promoted = promotion::by_rank(view, &scores);
        if promoted.is_some() || !view.may_start {
            return promoted;
        }
        match tpe::propose(view, &best_first(view, weights)) {
            Some((point, score)) => {
                let why = Why::Proposal {
                    score,
                    mean: 0.0,
                    sd: 0.0,
                };
                Some(Choice::Start { point, to: 0, why })
            }
            None => promotion::leftover(view, &scores),
        }
    }
}
