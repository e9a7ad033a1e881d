//! What seeds add to the variance of means and differences, and where it is known from.
//!
//! The seeds' part of a difference is the variance that [`crate::inference`] has: of the differences seed by seed, moderated by
//! that of the other configurations of the kind. What rows that change with the seed have in it (the overlap) is known from the
//! rows, and is in the rows' part too.

use super::contrast::Contrast;
use super::input::Entry;
use super::result::SeedCoverage;
use super::spread::Part;
use crate::inference::{Prior, Sample, Table, moderated, prior};

/// Means by configuration and seed, and what is known of their variance.
pub(super) struct SeedVariances {
    table: Table,
    /// Variance of the mean of one seed from rows that change with the seed [configurations].
    overlaps: Vec<f64>,
    /// Prior of each kind that has been asked for, by configuration.
    priors: Vec<Option<Prior>>,
}

impl SeedVariances {
    /// `means` [configurations] are (seed, mean), `overlaps` as in [`Contrast`].
    pub fn new(entries: &[Entry], means: Vec<Vec<(u64, f64)>>, overlaps: Vec<f64>) -> Self {
        let samples = entries.iter().zip(means).map(|(entry, values)| Sample {
            group: entry.kind,
            values,
            is_deterministic: entry.is_deterministic,
        });
        let table = Table::new(&samples.collect::<Vec<_>>(), 1.0);
        let mut known: Vec<(usize, Option<Prior>)> = Vec::new();
        let mut of_kind = |kind: usize| {
            if let Some((_, found)) = known.iter().find(|(own, _)| *own == kind) {
                return *found;
            }
            let found = prior(&table, kind);
            known.push((kind, found));
            found
        };
        let priors = entries.iter().map(|entry| of_kind(entry.kind)).collect();
        SeedVariances {
            table,
            overlaps,
            priors,
        }
    }

    /// The seeds' part of the variance of the winner's mean difference from the one at `over`, and the overlap in it.
    pub fn of_pair(&self, over: usize, contrast: &Contrast) -> (Part, f64, SeedCoverage) {
        let (winner, other) = (&self.table.samples[0], &self.table.samples[over]);
        if winner.is_deterministic && other.is_deterministic {
            return (Part::NOTHING, 0.0, SeedCoverage::Deterministic);
        }
        let seeds = contrast.values.len() as f64;
        let Some((variance, degrees)) = variance(&contrast.values) else {
            let varying = [0, over].into_iter();
            let varying = varying.filter(|place| !self.table.samples[*place].is_deterministic);
            return borrowed(varying.map(|place| self.beyond_rows(place)));
        };
        let prior = self.priors[0].filter(|_| winner.group == other.group);
        let (variance, degrees) = match (prior, self.table.residual[0]) {
            (Some(prior), Some(own)) => moderated(variance, degrees, own.variance, prior),
            _ => (variance, degrees),
        };
        let part = Part {
            variance: variance / seeds,
            degrees,
        };
        (part, contrast.overlap / seeds, SeedCoverage::Measured)
    }

    /// The same of the mean of one configuration.
    pub fn of_one(&self, place: usize, contrast: &Contrast) -> (Part, f64, SeedCoverage) {
        if self.table.samples[place].is_deterministic {
            return (Part::NOTHING, 0.0, SeedCoverage::Deterministic);
        }
        let seeds = contrast.values.len() as f64;
        let Some((variance, degrees)) = variance(&contrast.values) else {
            return borrowed([self.beyond_rows(place)].into_iter());
        };
        let part = Part {
            variance: variance / seeds,
            degrees,
        };
        (part, contrast.overlap / seeds, SeedCoverage::Measured)
    }

    /// The variance of the mean of one seed of the configuration at `place` that is not from rows, what a seed does to all
    /// configurations aside: from its own seeds and the others of its kind, or from these alone. `None` where nothing is known.
    pub fn beyond_rows(&self, place: usize) -> Option<Part> {
        let kind = self.table.samples[place].group;
        let others = (0..self.overlaps.len())
            .filter(|other| self.table.samples[*other].group == kind)
            .filter_map(|other| Some((self.own(other)?, self.overlaps[other])));
        let (mut squares, mut overlap, mut degrees) = (0.0, 0.0, 0.0);
        for (other, of_rows) in others {
            squares += other.variance * other.degrees;
            overlap += of_rows * other.degrees;
            degrees += other.degrees;
        }
        let (own, prior) = (self.own(place), self.priors[place]);
        let (variance, overlap, degrees) = match (own, prior) {
            (Some(own), Some(prior)) => {
                let all = own.degrees + prior.degrees;
                let sum = own.degrees * own.variance + prior.degrees * prior.variance;
                (sum / all, self.overlaps[place], all)
            }
            (Some(own), None) => (own.variance, self.overlaps[place], own.degrees),
            (None, Some(prior)) => (prior.variance, overlap / degrees, prior.degrees),
            (None, None) if degrees > 0.0 => (squares / degrees, overlap / degrees, degrees),
            (None, None) => return None,
        };
        Some(Part {
            variance: (variance - overlap).max(0.0),
            degrees,
        })
    }

    /// The variance of the mean of one seed as its own seeds have it; what a seed does to all is taken out where others have it too.
    fn own(&self, place: usize) -> Option<Part> {
        let sample = &self.table.samples[place];
        if let Some(residual) = self.table.residual[place] {
            return Some(Part {
                variance: residual.variance,
                degrees: residual.degrees,
            });
        }
        let values: Vec<f64> = sample.values.iter().map(|(_, value)| *value).collect();
        let (variance, degrees) = variance(&values).filter(|_| !sample.is_deterministic)?;
        Some(Part { variance, degrees })
    }
}

/// The sum of `parts`, known as well as the worst of them.
fn borrowed(parts: impl Iterator<Item = Option<Part>>) -> (Part, f64, SeedCoverage) {
    let parts: Option<Vec<Part>> = parts.collect();
    let Some(parts) = parts.filter(|parts| !parts.is_empty()) else {
        return (Part::NOTHING, 0.0, SeedCoverage::NotCovered);
    };
    let part = Part {
        variance: parts.iter().map(|part| part.variance).sum(),
        degrees: (parts.iter()).fold(f64::INFINITY, |least, part| least.min(part.degrees)),
    };
    (part, 0.0, SeedCoverage::Borrowed)
}

/// Variance and degrees of freedom of two values or more.
fn variance(values: &[f64]) -> Option<(f64, f64)> {
    let degrees = (values.len().checked_sub(1)).filter(|degrees| *degrees > 0)? as f64;
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some((squares / degrees, degrees))
}
