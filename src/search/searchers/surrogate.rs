//! A Gaussian process over what is seen, kept up to date: hyper-parameters are fitted on the first m results, m from a
//! fixed schedule, and the results after them extend the posterior one by one. So it is a function of the results
//! alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::View;
use crate::model::fit::{Hyper, Observation, fit};
use crate::model::kernel::{Metric, features};
use crate::model::posterior::{Posterior, Predictions};
use crate::space::Point;

/// Results before there is a model.
pub(crate) const FIRST_FIT: usize = 6;
/// Results by which hyper-parameters are fitted: about so many times more each time.
const GROWTH: f64 = 1.2;
/// But at the latest after so many more.
const MAX_STEP: usize = 100;
/// Results that hyper-parameters are fitted on.
const MAX_FITTED: usize = 160;
/// Results that a posterior starts with after a fit: fewer where candidates differ from decision to decision, because
/// each of them costs the square of that.
const MAX_RESULTS: usize = 800;
const MAX_RESULTS_IN_LARGE_SPACES: usize = 300;
/// Pools of at most so many points are predicted in full.
pub(crate) const MAX_TARGETS: usize = 5000;

/// The model and what it was made of.
#[derive(Default)]
pub(crate) struct Surrogate {
    fitted: Option<Fitted>,
}

struct Fitted {
    /// How many results were seen.
    at: usize,
    posterior: Posterior,
    /// The results in the posterior, as indices into what is seen.
    used: Vec<usize>,
    /// How many seen results have been considered.
    considered: usize,
    /// Configurations with a result in the posterior.
    told: BTreeSet<usize>,
    /// Their targets.
    targets: BTreeMap<usize, usize>,
}

/// Whether every point of the pool is a target.
pub(crate) fn is_exhaustive(view: &View) -> bool {
    view.pool.is_complete && view.pool.len() <= MAX_TARGETS
}

/// The number of results that hyper-parameters are fitted on once `seen` are.
fn scheduled(seen: usize) -> Option<usize> {
    let mut at = FIRST_FIT;
    if seen < at {
        return None;
    }
    loop {
        let next = (at + 2)
            .max((at as f64 * GROWTH) as usize)
            .min(at + MAX_STEP);
        if next > seen {
            return Some(at);
        }
        at = next;
    }
}

/// The number by which the model knows a configuration: its place in the pool, or a number above.
fn identity(view: &View, config: usize) -> usize {
    let place = view.pool.index.get(&view.configs[config].key);
    place.copied().unwrap_or(view.pool.len() + config)
}

/// A result of a configuration at a rung, as the model sees it.
pub(crate) fn observation(view: &View, config: usize, rung: usize) -> Observation {
    Observation {
        features: features(view.problem.space(), &view.configs[config].point),
        config: identity(view, config),
        rung,
    }
}

/// A new point at the last rung.
pub(crate) fn candidate(view: &View, point: &Point) -> Observation {
    Observation {
        features: features(view.problem.space(), point),
        config: usize::MAX,
        rung: view.rungs.len() - 1,
    }
}

impl Surrogate {
    /// Brings the model up to what is seen. `values` gives the value of each of the first results; `None` tells
    /// nothing.
    pub fn update(&mut self, view: &View, values: &dyn Fn(usize) -> Vec<Option<f64>>) -> bool {
        let Some(at) = scheduled(view.seen.len()) else {
            return false;
        };
        if self.fitted.as_ref().is_none_or(|fitted| fitted.at != at) {
            self.fitted = fit_first(view, at, &values(at));
        }
        let Some(fitted) = &mut self.fitted else {
            return false;
        };
        let known = values(view.seen.len());
        let new = known.iter().enumerate().skip(fitted.considered);
        for (index, value) in new {
            if value.is_some() {
                fitted.push(view, index);
            }
        }
        fitted.considered = view.seen.len();
        fitted.add_targets(view);
        true
    }

    /// L⁻¹ times the values of what the posterior holds.
    pub fn whiten(&self, values: &[Option<f64>]) -> Vec<f64> {
        let Some(fitted) = &self.fitted else {
            return Vec::new();
        };
        let values: Vec<f64> = fitted
            .used
            .iter()
            .map(|&index| values[index].unwrap_or(0.0))
            .collect();
        fitted.posterior.whiten(&values)
    }

    /// Predictions of final values at every target.
    pub fn predict(&mut self, view: &View, whitened: &[f64]) -> Predictions {
        let pending = pending(view);
        match &mut self.fitted {
            Some(fitted) => fitted.posterior.predict(whitened, &pending),
            None => Predictions {
                mean: Vec::new(),
                sd: Vec::new(),
            },
        }
    }

    /// Predictions of final values at new points.
    pub fn predict_at(&mut self, view: &View, whitened: &[f64], points: &[Point]) -> Predictions {
        let pending = pending(view);
        let points = points.iter().map(|point| candidate(view, point)).collect();
        match &mut self.fitted {
            Some(fitted) => fitted.posterior.predict_at(whitened, &pending, points),
            None => Predictions {
                mean: Vec::new(),
                sd: Vec::new(),
            },
        }
    }

    /// The target of a configuration that has a result in the posterior.
    pub fn target(&self, config: usize) -> Option<usize> {
        self.fitted.as_ref()?.targets.get(&config).copied()
    }
}

fn pending(view: &View) -> Vec<Observation> {
    view.pending
        .iter()
        .map(|&(config, rung)| observation(view, config, rung))
        .collect()
}

/// Fits hyper-parameters on the first `at` results and conditions on them, or on the most telling of them if they are
/// many.
fn fit_first(view: &View, at: usize, values: &[Option<f64>]) -> Option<Fitted> {
    let metric = Metric::new(view.problem.space());
    let rungs = view.rungs.len();
    let told: Vec<usize> = (0..at).filter(|&index| values[index].is_some()).collect();
    if told.len() < FIRST_FIT {
        return None;
    }
    let value = |index: usize| values[index].unwrap_or(0.0);
    let of = |index: usize| observation(view, view.seen[index].config, view.seen[index].rung);
    let chosen = telling(view, &told, &value, MAX_FITTED);
    let results: Vec<Observation> = chosen.iter().map(|&index| of(index)).collect();
    let chosen: Vec<f64> = chosen.iter().map(|&index| value(index)).collect();
    let hyper: Hyper = fit(&metric, rungs, &results, &chosen);
    let mut fitted = Fitted {
        at,
        posterior: Posterior::new(hyper.covariance(&metric)),
        used: Vec::new(),
        considered: at,
        told: BTreeSet::new(),
        targets: BTreeMap::new(),
    };
    let max = if is_exhaustive(view) {
        MAX_RESULTS
    } else {
        MAX_RESULTS_IN_LARGE_SPACES
    };
    for index in telling(view, &told, &value, max) {
        fitted.push(view, index);
    }
    if is_exhaustive(view) {
        for (place, point) in view.pool.points.iter().enumerate() {
            let config = place;
            fitted.posterior.add_target(Observation {
                config,
                ..candidate(view, point)
            });
        }
    }
    fitted.add_targets(view);
    Some(fitted)
}

impl Fitted {
    fn push(&mut self, view: &View, index: usize) {
        let seen = &view.seen[index];
        if self
            .posterior
            .push(observation(view, seen.config, seen.rung))
        {
            self.used.push(index);
            self.told.insert(seen.config);
        }
    }

    /// Configurations are targets where trainings may go on: those of an exhaustive pool are already.
    fn add_targets(&mut self, view: &View) {
        if view.rungs.len() == 1 {
            return;
        }
        let is_pool = is_exhaustive(view);
        for &config in &self.told {
            if self.targets.contains_key(&config) {
                continue;
            }
            let mut target = identity(view, config);
            if !is_pool || target >= view.pool.len() {
                target = self.posterior.targets();
                let rung = view.rungs.len() - 1;
                self.posterior.add_target(observation(view, config, rung));
            }
            self.targets.insert(config, target);
        }
    }
}

/// At most `max` results: all of the best configurations for a half of them, and an even choice of the others'
/// highest.
fn telling(view: &View, told: &[usize], value: &dyn Fn(usize) -> f64, max: usize) -> Vec<usize> {
    if told.len() <= max {
        return told.to_vec();
    }
    let mut last = BTreeMap::new();
    for &index in told {
        last.insert(view.seen[index].config, index);
    }
    let mut configs: Vec<(usize, usize)> = last.into_iter().collect();
    configs.sort_by(|a, b| value(b.1).total_cmp(&value(a.1)).then(a.cmp(b)));
    let mut chosen: Vec<usize> = Vec::new();
    let mut taken = 0;
    while taken < configs.len() && chosen.len() < max / 2 {
        let config = configs[taken].0;
        chosen.extend(
            told.iter()
                .filter(|&&index| view.seen[index].config == config),
        );
        taken += 1;
    }
    // All rungs of each, so that gains are known too.
    let rest = &configs[taken..];
    let per_config = told.len().div_ceil(configs.len());
    let room = ((max - chosen.len().min(max)) / per_config).min(rest.len());
    for place in 0..room {
        let config = rest[place * rest.len() / room].0;
        chosen.extend(
            told.iter()
                .filter(|&&index| view.seen[index].config == config),
        );
    }
    chosen.sort_unstable();
    chosen
}
