//! Gini impurity of classes; all counting is in integers.

use super::criterion::{BINS, Criterion, Split, between};

/// A training row in the bag of a tree.
#[derive(Clone, Copy, Default)]
pub(super) struct Sample {
    row: u32,
    class: u16,
    /// How often it was drawn.
    weight: u16,
}

/// The purity of a split is the sum over its sides of (sum over classes of count squared) / count.
pub(super) struct Gini<'a> {
    labels: &'a [u32],
    classes: usize,
    /// Weight of the node's rows by class, and in all.
    counts: Vec<u64>,
    total: u64,
    /// Sum of squares of `counts`.
    squares: u64,
    /// Weight by [bin, class] with the number of rows last; all 0 between features.
    histogram: Vec<u32>,
    /// Bit b is set when bin b has a row; all 0 between features.
    occupied: [u64; BINS / 64],
    left: Vec<u64>,
}

impl<'a> Gini<'a> {
    pub fn new(labels: &'a [u32], classes: usize) -> Gini<'a> {
        Gini {
            labels,
            classes,
            counts: vec![0; classes],
            total: 0,
            squares: 0,
            histogram: vec![0; BINS * (classes + 1)],
            occupied: [0; BINS / 64],
            left: vec![0; classes],
        }
    }
}

impl Criterion for Gini<'_> {
    type Sample = Sample;

    fn sample(&self, row: u32, drawn: u16) -> Option<Sample> {
        Some(Sample {
            row,
            class: self.labels[row as usize] as u16,
            weight: drawn,
        })
    }

    fn row(sample: &Sample) -> u32 {
        sample.row
    }

    fn start(&mut self, rows: &[Sample]) -> bool {
        self.counts.fill(0);
        for sample in rows {
            self.counts[usize::from(sample.class)] += u64::from(sample.weight);
        }
        self.total = self.counts.iter().sum();
        self.squares = self.counts.iter().map(|count| count * count).sum();
        !self.counts.contains(&self.total)
    }

    fn fill(&mut self, rows: &[Sample], column: &[u8]) {
        let stride = self.classes + 1;
        for sample in rows {
            let bin = usize::from(column[sample.row as usize]);
            let entry = &mut self.histogram[bin * stride..][..stride];
            entry[usize::from(sample.class)] += u32::from(sample.weight);
            entry[stride - 1] += 1;
            self.occupied[bin / 64] |= 1 << (bin % 64);
        }
    }

    fn scan(
        &mut self,
        (rows, min_leaf): (usize, usize),
        feature: usize,
        best: &mut Option<Split>,
    ) -> bool {
        let stride = self.classes + 1;
        let mut seen = 0;
        let (mut left_total, mut left_squares, mut right_squares) = (0u64, 0u64, self.squares);
        let mut previous: Option<usize> = None;
        let mut varies = false;
        self.left.fill(0);
        for (word, bits) in self.occupied.iter_mut().enumerate() {
            while *bits != 0 {
                let bin = word * 64 + bits.trailing_zeros() as usize;
                *bits &= *bits - 1;
                if let Some(previous) = previous {
                    varies = true;
                    let purity = left_squares as f64 / left_total as f64
                        + right_squares as f64 / (self.total - left_total) as f64;
                    if best.as_ref().is_none_or(|best| purity > best.purity)
                        && seen >= min_leaf
                        && rows - seen >= min_leaf
                    {
                        *best = Some(Split {
                            feature,
                            bin: between(previous, bin),
                            purity,
                        });
                    }
                }
                previous = Some(bin);
                let entry = &mut self.histogram[bin * stride..][..stride];
                for (class, left) in self.left.iter_mut().enumerate() {
                    let weight = u64::from(entry[class]);
                    let right = self.counts[class] - *left;
                    left_squares += weight * (2 * *left + weight);
                    right_squares -= weight * (2 * right - weight);
                    *left += weight;
                    left_total += weight;
                }
                seen += entry[stride - 1] as usize;
                entry.fill(0);
            }
        }
        varies
    }

    fn leaf(&self) -> impl Iterator<Item = f32> + '_ {
        let total = self.total as f64;
        self.counts
            .iter()
            .map(move |count| (*count as f64 / total) as f32)
    }

    fn purity(&self) -> f64 {
        self.squares as f64 / self.total as f64
    }
}
