//! Values by configuration and seed, and what seeds do to all configurations alike.
//!
//! Larger is better in here, whatever the objective: values are turned when they come in.

use std::collections::BTreeMap;

use super::result::Estimate;
use crate::bounds::Bounds;
use crate::summary_stats::SummaryStats;

/// Rounds of the fit of incomplete tables; a complete one takes two.
const ROUNDS: usize = 100;
/// Change of an effect, as a share of the width of the table, below which the fit is done.
const SETTLED: f64 = 1e-12;

/// The values of one configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Configurations of one group are of one kind: a seed may do to all of them the same.
    pub group: usize,
    /// (seed, objective), by seed, each seed once, finite.
    pub values: Vec<(u64, f64)>,
    /// Whether the seed changes nothing, so that all values are one result: they count as one.
    pub is_deterministic: bool,
}

/// All samples, with the variance of each once the effects of seeds are taken out.
pub(crate) struct Table {
    /// By place in the ranking; larger is better.
    pub samples: Vec<Sample>,
    /// What is left of each configuration's variance; `None` where nothing is known of it.
    pub residual: Vec<Option<Residual>>,
    /// The smallest step between two values: nothing is known more finely than that.
    pub step: f64,
}

/// Variance of a single value of one configuration, effects of seeds taken out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Residual {
    pub variance: f64,
    pub degrees: f64,
}

impl Sample {
    /// Values come in steps of `step` and lie within `bounds`.
    pub(crate) fn estimate(&self, is_candidate: bool, step: f64, bounds: Bounds) -> Estimate {
        let values: Vec<f64> = self.values.iter().map(|(_, value)| *value).collect();
        let stats = SummaryStats::of(&values).expect("a ranked configuration has a value");
        Estimate {
            seeds: stats.n,
            mean: stats.mean,
            interval: (stats.interval(step).filter(|_| !self.is_deterministic))
                .map(|interval| bounds.cut(interval)),
            is_deterministic: self.is_deterministic,
            is_candidate,
        }
    }
}

impl Table {
    /// Of `samples`, each value times `sign`.
    pub(crate) fn new(samples: &[Sample], sign: f64) -> Table {
        let mut samples = samples.to_vec();
        for value in samples.iter_mut().flat_map(|sample| &mut sample.values) {
            value.1 *= sign;
        }
        let step = step(&samples);
        let mut table = Table {
            residual: vec![None; samples.len()],
            samples,
            step,
        };
        let mut groups: Vec<usize> = table.samples.iter().map(|sample| sample.group).collect();
        groups.sort_unstable();
        groups.dedup();
        groups.into_iter().for_each(|group| table.fit(group));
        table
    }

    /// Whether the configuration at `place` is worse, with every seed, than one ranked before it: the seed changes neither.
    pub(super) fn is_behind(&self, place: usize) -> bool {
        let sample = &self.samples[place];
        let value = |sample: &Sample| sample.values.first().map(|(_, value)| *value);
        let before = self.samples[..place].iter();
        let mut before = before.filter(|other| other.is_deterministic);
        sample.is_deterministic && before.any(|other| value(other) > value(sample))
    }

    /// Fits value = configuration + seed by least squares to one group, configurations and seeds in turn.
    fn fit(&mut self, group: usize) {
        let members: Vec<usize> = (0..self.samples.len())
            .filter(|place| self.samples[*place].group == group)
            // Where the seed changes nothing there is nothing to learn of what seeds do.
            .filter(|place| !self.samples[*place].is_deterministic)
            .collect();
        let mut by_seed: BTreeMap<u64, Vec<(usize, f64)>> = BTreeMap::new();
        for place in &members {
            for (seed, value) in &self.samples[*place].values {
                by_seed.entry(*seed).or_default().push((*place, *value));
            }
        }
        // A seed that one configuration alone has says nothing of what seeds do.
        by_seed.retain(|_, block| block.len() > 1);
        let mut effects: BTreeMap<u64, f64> = by_seed.keys().map(|seed| (*seed, 0.0)).collect();
        let mut means = vec![0.0; self.samples.len()];
        let values = || by_seed.values().flatten().map(|(_, value)| *value);
        let width = values().fold(f64::MIN, f64::max) - values().fold(f64::MAX, f64::min);
        for _ in 0..ROUNDS {
            for place in &members {
                let own = &self.samples[*place].values;
                let own = own
                    .iter()
                    .filter_map(|(seed, value)| Some(value - effects.get(seed)?));
                let own: Vec<f64> = own.collect();
                means[*place] = own.iter().sum::<f64>() / own.len().max(1) as f64;
            }
            let mut change: f64 = 0.0;
            for (seed, block) in &by_seed {
                let rest = block.iter().map(|(place, value)| value - means[*place]);
                let effect = rest.sum::<f64>() / block.len() as f64;
                let old = effects.insert(*seed, effect).unwrap_or(0.0);
                change = change.max((effect - old).abs());
            }
            if change <= SETTLED * width {
                break;
            }
        }
        for place in &members {
            self.residual[*place] = residual(&self.samples[*place], &by_seed, &effects);
        }
    }
}

/// The mean over a block of b values takes a share 1/b of the variance with it, which is put back.
fn residual(
    sample: &Sample,
    by_seed: &BTreeMap<u64, Vec<(usize, f64)>>,
    effects: &BTreeMap<u64, f64>,
) -> Option<Residual> {
    let rest: Vec<(f64, f64)> = (sample.values.iter())
        .filter_map(|(seed, value)| {
            let block = by_seed.get(seed)?.len() as f64;
            Some((value - effects[seed], 1.0 - 1.0 / block))
        })
        .collect();
    let degrees = rest.len().checked_sub(1).filter(|degrees| *degrees > 0)? as f64;
    let mean = rest.iter().map(|(value, _)| value).sum::<f64>() / rest.len() as f64;
    let squares = rest
        .iter()
        .map(|(value, left)| (value - mean).powi(2) / left);
    Some(Residual {
        variance: squares.sum::<f64>() / degrees,
        degrees,
    })
}

/// The smallest difference between two unequal values, those aside that differ by rounding alone.
pub(crate) fn step(samples: &[Sample]) -> f64 {
    let mut values: Vec<f64> = samples
        .iter()
        .flat_map(|sample| &sample.values)
        .map(|(_, value)| *value)
        .collect();
    values.sort_unstable_by(f64::total_cmp);
    let gaps = values
        .windows(2)
        .map(|pair| (pair[1] - pair[0], pair[1].abs()));
    gaps.filter(|(gap, size)| *gap > 1e-9 * size)
        .map(|(gap, _)| gap)
        .reduce(f64::min)
        .unwrap_or(0.0)
}
