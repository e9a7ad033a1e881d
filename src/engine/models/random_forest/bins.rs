//! Features as bytes: each is cut at up to 255 thresholds, made once per forest from the training
//! rows.
//!
//! Invariant: `value <= cuts[b]` exactly when its code is at most `b`, so a tree grown on codes
//! decides the same rows by real values.

/// The codes of the training rows and where the real values were cut.
pub(super) struct Bins {
    /// Ascending thresholds [features][cuts].
    cuts: Vec<Vec<f32>>,
    /// Column-major [features, rows].
    codes: Vec<u8>,
    rows: usize,
}

impl Bins {
    /// Cuts `x`, row-major [rows, `features`] and finite, into at most `max_bin` (2..=256) bins a feature.
    ///
    /// A feature with no more than `max_bin` different values is cut between every two of them, so
    /// nothing is lost; others are cut near their quantiles.
    pub fn new(x: &[f32], features: usize, max_bin: usize) -> Bins {
        let rows = x.len() / features;
        let mut codes = Vec::with_capacity(x.len());
        let mut cuts = Vec::with_capacity(features);
        let mut column = Vec::with_capacity(rows);
        for feature in 0..features {
            column.clear();
            column.extend(x.iter().skip(feature).step_by(features));
            column.sort_unstable_by(f32::total_cmp);
            let thresholds = cut(&column, max_bin);
            let values = x.iter().skip(feature).step_by(features);
            codes.extend(values.map(|value| code(&thresholds, *value)));
            cuts.push(thresholds);
        }
        Bins { cuts, codes, rows }
    }

    pub fn features(&self) -> usize {
        self.cuts.len()
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Codes of one feature by row.
    pub fn column(&self, feature: usize) -> &[u8] {
        &self.codes[feature * self.rows..][..self.rows]
    }

    /// The real threshold after bin `bin` of `feature`.
    pub fn threshold(&self, feature: usize, bin: u8) -> f32 {
        self.cuts[feature][usize::from(bin)]
    }
}

fn code(cuts: &[f32], value: f32) -> u8 {
    cuts.partition_point(|cut| *cut < value) as u8
}

/// Thresholds for `sorted` values: fewer than `max_bin`, ascending, none above every value.
fn cut(sorted: &[f32], max_bin: usize) -> Vec<f32> {
    let mut distinct = sorted.to_vec();
    distinct.dedup();
    if distinct.len() <= max_bin {
        return distinct
            .windows(2)
            .map(|pair| between(pair[0], pair[1]))
            .collect();
    }
    let mut cuts = Vec::with_capacity(max_bin - 1);
    for part in 1..max_bin {
        let value = sorted[part * sorted.len() / max_bin];
        let place = distinct.partition_point(|other| *other < value);
        if place > 0 {
            cuts.push(between(distinct[place - 1], value));
        }
    }
    cuts.dedup();
    cuts
}

/// The middle of `low` < `high`, such that `low <= middle < high` holds whatever the rounding.
fn between(low: f32, high: f32) -> f32 {
    let middle = low / 2.0 + high / 2.0;
    if low <= middle && middle < high {
        middle
    } else {
        low
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_core::random::{Purpose, Stream};

    #[test]
    fn few_values_are_cut_half_way_between_each_two() {
        let bins = Bins::new(&[3.0, 1.0, 1.0, 2.0, -0.0, 0.0], 1, 256);
        assert_eq!(bins.cuts, [[0.5, 1.5, 2.5]]);
        assert_eq!(bins.column(0), [3, 1, 1, 2, 0, 0]);
    }

    #[test]
    fn constant_features_have_no_cut() {
        let bins = Bins::new(&[5.0; 9], 1, 256);
        assert!(bins.cuts[0].is_empty());
        assert_eq!(bins.column(0), [0; 9]);
    }

    #[test]
    fn codes_and_thresholds_decide_alike_and_bins_are_even() {
        let stream = Stream::new(1, Purpose::Synthetic, 0, 0);
        let x: Vec<f32> = (0..6000).map(|i| stream.normal(i) as f32).collect();
        for max_bin in [2, 7, 256] {
            let bins = Bins::new(&x, 2, max_bin);
            for feature in 0..2 {
                assert_eq!(bins.cuts[feature].len(), max_bin - 1);
                let mut filled = vec![0u32; max_bin];
                for (row, &code) in bins.column(feature).iter().enumerate() {
                    filled[usize::from(code)] += 1;
                    let value = x[row * 2 + feature];
                    for bin in 0..bins.cuts[feature].len() as u8 {
                        assert_eq!(value <= bins.threshold(feature, bin), code <= bin);
                    }
                }
                let (low, high) = (filled.iter().min().unwrap(), filled.iter().max().unwrap());
                assert!(high - low <= 1, "{low}..{high} rows a bin");
            }
        }
    }

    #[test]
    fn a_value_that_fills_many_quantiles_gets_one_bin() {
        let mut x: Vec<f32> = vec![0.0; 900];
        x.extend((1..=300).map(|i| i as f32));
        let bins = Bins::new(&x, 1, 16);
        assert_eq!(bins.cuts[0][0], 0.5);
        assert!(bins.cuts[0].windows(2).all(|pair| pair[0] < pair[1]));
        assert!(bins.column(0)[..900].iter().all(|code| *code == 0));
    }

    #[test]
    fn neighbouring_floats_and_extremes_are_told_apart() {
        let low = 1.0f32;
        let high = f32::from_bits(low.to_bits() + 1);
        assert_eq!(Bins::new(&[low, high], 1, 256).column(0), [0, 1]);
        let bins = Bins::new(&[f32::MIN, f32::MAX], 1, 256);
        assert_eq!(bins.column(0), [0, 1]);
        assert_eq!(bins.cuts[0], [0.0]);
    }
}
