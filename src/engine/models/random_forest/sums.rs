//! Impurity from sums of weights in 64-bit floats: the variance of numbers, and Gini impurity of weighted classes.
//!
//! Sums run over the rows of a node in their order, which no thread changes.

use super::criterion::{BINS, Criterion, Split, between};

/// A training row in the bag of a tree.
#[derive(Clone, Copy, Default)]
pub(super) struct Sample {
    row: u32,
    /// How often it was drawn, times its weight.
    weight: f32,
    /// Its number, or its class.
    value: f32,
}

/// What is summed over the rows on one side of a split.
#[derive(Clone, Copy)]
enum Kind {
    /// Weights, and weights times numbers.
    Numbers { mean: f64 },
    /// Weights by class.
    Classes,
}

/// The purity of a split is the sum over its sides of (sum of weighted numbers) squared / weight, or of (sum over classes
/// of weight squared) / weight: the larger it is, the less is left of variance, or of impurity.
pub(super) struct Sums<'a> {
    values: Values<'a>,
    weights: Option<&'a [f32]>,
    kind: Kind,
    /// Sums over the node's rows [sums].
    total: Vec<f64>,
    /// Sums by [bin, sum]; all 0 between features.
    histogram: Vec<f64>,
    /// Rows by bin; all 0 between features.
    rows: Vec<u32>,
    left: Vec<f64>,
    right: Vec<f64>,
}

/// What is learned of each row.
#[derive(Clone, Copy)]
enum Values<'a> {
    Numbers(&'a [f32]),
    Classes(&'a [u32]),
}

impl<'a> Sums<'a> {
    /// Of numbers less their `mean`.
    pub fn of_numbers(values: &'a [f32], mean: f64, weights: Option<&'a [f32]>) -> Sums<'a> {
        Sums::new(Values::Numbers(values), weights, Kind::Numbers { mean }, 2)
    }

    pub fn of_classes(labels: &'a [u32], weights: &'a [f32], classes: usize) -> Sums<'a> {
        Sums::new(
            Values::Classes(labels),
            Some(weights),
            Kind::Classes,
            classes,
        )
    }

    fn new(values: Values<'a>, weights: Option<&'a [f32]>, kind: Kind, sums: usize) -> Sums<'a> {
        Sums {
            values,
            weights,
            kind,
            total: vec![0.0; sums],
            histogram: vec![0.0; BINS * sums],
            rows: vec![0; BINS],
            left: vec![0.0; sums],
            right: vec![0.0; sums],
        }
    }
}

impl Kind {
    /// Adds a row to `sums`.
    fn add(self, sums: &mut [f64], sample: &Sample) {
        let weight = f64::from(sample.weight);
        match self {
            Kind::Numbers { .. } => {
                sums[0] += weight;
                sums[1] += weight * f64::from(sample.value);
            }
            Kind::Classes => sums[sample.value as usize] += weight,
        }
    }

    fn purity(self, sums: &[f64]) -> f64 {
        match self {
            Kind::Numbers { .. } => sums[1] * sums[1] / sums[0],
            Kind::Classes => {
                let squares: f64 = sums.iter().map(|sum| sum * sum).sum();
                squares / sums.iter().sum::<f64>()
            }
        }
    }
}

impl Criterion for Sums<'_> {
    type Sample = Sample;

    fn sample(&self, row: u32, drawn: u16) -> Option<Sample> {
        let weight = self.weights.map_or(1.0, |weights| weights[row as usize]) * f32::from(drawn);
        (weight > 0.0).then(|| Sample {
            row,
            weight,
            value: match self.values {
                Values::Numbers(values) => values[row as usize],
                // Classes are fewer than what a float can count.
                Values::Classes(labels) => labels[row as usize] as f32,
            },
        })
    }

    fn row(sample: &Sample) -> u32 {
        sample.row
    }

    fn start(&mut self, rows: &[Sample]) -> bool {
        self.total.fill(0.0);
        for sample in rows {
            self.kind.add(&mut self.total, sample);
        }
        let first = rows.first().map_or(0.0, |sample| sample.value);
        rows.iter().any(|sample| sample.value != first)
    }

    fn fill(&mut self, rows: &[Sample], column: &[u8]) {
        let stride = self.total.len();
        for sample in rows {
            let bin = usize::from(column[sample.row as usize]);
            self.kind
                .add(&mut self.histogram[bin * stride..][..stride], sample);
            self.rows[bin] += 1;
        }
    }

    fn scan(
        &mut self,
        (rows, min_leaf): (usize, usize),
        feature: usize,
        best: &mut Option<Split>,
    ) -> bool {
        let stride = self.total.len();
        let mut seen = 0;
        let mut previous: Option<usize> = None;
        let mut varies = false;
        self.left.fill(0.0);
        for bin in 0..BINS {
            let here = std::mem::take(&mut self.rows[bin]) as usize;
            if here == 0 {
                continue;
            }
            if let Some(previous) = previous {
                varies = true;
                if seen >= min_leaf && rows - seen >= min_leaf {
                    let sums = self.total.iter().zip(&self.left);
                    for (right, (total, left)) in self.right.iter_mut().zip(sums) {
                        *right = total - left;
                    }
                    let purity = self.kind.purity(&self.left) + self.kind.purity(&self.right);
                    if best.as_ref().is_none_or(|best| purity > best.purity) {
                        *best = Some(Split {
                            feature,
                            bin: between(previous, bin),
                            purity,
                        });
                    }
                }
            }
            previous = Some(bin);
            let entry = &mut self.histogram[bin * stride..][..stride];
            for (left, sum) in self.left.iter_mut().zip(entry) {
                *left += std::mem::take(sum);
            }
            seen += here;
        }
        varies
    }

    fn leaf(&self) -> impl Iterator<Item = f32> + '_ {
        let weight: f64 = match self.kind {
            Kind::Numbers { .. } => self.total[0],
            Kind::Classes => self.total.iter().sum(),
        };
        let (first, mean) = match self.kind {
            Kind::Numbers { mean } => (1, mean),
            Kind::Classes => (0, 0.0),
        };
        let sums = self.total[first..].iter();
        sums.map(move |sum| (sum / weight + mean) as f32)
    }

    fn purity(&self) -> f64 {
        self.kind.purity(&self.total)
    }
}
