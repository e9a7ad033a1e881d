//! Scaling by quantiles: a number becomes the point of the normal distribution below which the same
//! share of the training rows lies.
//!
//! Invariant: the map never falls, and agrees with scikit-learn's
//! `QuantileTransformer(output_distribution="normal", subsample=None)` of at most 1,000 quantiles.

use statrs::distribution::{ContinuousCDF, Normal};

/// Most quantiles that are kept of a column.
const MAX_QUANTILES: usize = 1000;
/// Shares this near to 0 or 1 are taken as this: the normal distribution has no end.
const BOUND: f64 = 1e-7;

/// The quantiles 0, 1/(n-1), ..., 1 of `values`, interpolated as `numpy.percentile` does; n is 1,000 or
/// the number of values, if that is less. `values` has at least one number.
pub(super) fn quantiles(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let count = sorted.len().min(MAX_QUANTILES);
    let last = sorted.len() - 1;
    let mut highest = f64::NEG_INFINITY;
    (0..count)
        .map(|number| {
            let place = last as f64 * number as f64 / (count - 1).max(1) as f64;
            let (low, share) = ((place.floor() as usize).min(last), place.fract());
            let (a, b) = (sorted[low], sorted[(low + 1).min(last)]);
            // Halves are added so that numbers of opposite sign near the largest do not overflow.
            let between = a * (1.0 - share) + b * share;
            // Between equal values, rounding alone could make it fall.
            highest = between.max(highest);
            highest
        })
        .collect()
}

/// The point of the normal distribution for `value` among `quantiles`, which rise.
///
/// Where several quantiles are equal, the middle of their shares is taken, as scikit-learn does.
pub(super) fn to_normal(quantiles: &[f64], value: f64) -> f64 {
    let end = (quantiles.len() - 1).max(1) as f64;
    let (first, last) = (quantiles[0], quantiles[quantiles.len() - 1]);
    if value.is_nan() {
        return value;
    }
    let share = if value <= first {
        0.0
    } else if value >= last {
        1.0
    } else {
        // From below: the last quantile that is not above; from above: the first that is not below.
        let after = quantiles.partition_point(|quantile| *quantile <= value);
        let before = quantiles.partition_point(|quantile| *quantile < value);
        let between = |low: usize| {
            let (a, b) = (quantiles[low], quantiles[low + 1]);
            low as f64 + (value - a) / (b - a)
        };
        match after > before {
            // `value` is a quantile, from `before` to `after - 1`.
            true => (before + after - 1) as f64 / 2.0 / end,
            false => between(after - 1) / end,
        }
    };
    normal_point(share.clamp(BOUND, 1.0 - BOUND))
}

/// The inverse of the standard normal distribution function.
fn normal_point(share: f64) -> f64 {
    Normal::standard().inverse_cdf(share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_core::random::{Purpose, Stream};

    #[test]
    fn quantiles_never_fall() {
        // Columns of few decimals and of many equal values, as tables have them.
        for (column, decimals) in [(1, 100.0), (2, 1000.0), (3, 7.0), (4, 1e6)] {
            let stream = Stream::new(column, Purpose::Synthetic, 0, 0);
            let values: Vec<f64> = (0..16_075)
                .map(|row| (stream.uniform(row) * decimals).round() / decimals)
                .collect();
            let found = quantiles(&values);
            assert_eq!(found.len(), MAX_QUANTILES);
            assert!(found.is_sorted(), "column {column}");
        }
    }

    #[test]
    fn points_of_the_normal_distribution_are_those_of_scipy() {
        // scipy.stats.norm.ppf
        for (share, wanted) in [
            (1e-7, -5.199_337_582_192_819),
            (1e-12, -7.034483825301131),
            (0.01, -2.326_347_874_040_841),
            (0.3, -0.524_400_512_708_041),
            (0.5, 0.0),
            (0.93, 1.475_791_028_179_170_7),
            (0.999, 3.090_232_306_167_813),
        ] {
            assert!((normal_point(share) - wanted).abs() < 1e-12, "{share}");
        }
    }

    #[test]
    fn values_are_mapped_as_scikit_learn_maps_them() {
        // QuantileTransformer(n_quantiles=1000, output_distribution="normal", subsample=None)
        let known = [
            0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.3, 1.6, 3.2, 6.8, 4.5, 2.8, 9.4, 2.6, 3.4, 2.0, 4.4,
            5.9, 2.9, 8.7, 1.5, 12.2, 6.1, 13.0, 15.7, 6.5, 5.0, 1.5, 6.9, 1.7, 3.5, 15.2, 6.4,
            14.0, 7.9, 5.2, 10.0, 2.9, 5.2, 5.8,
        ];
        let quantiles = quantiles(&known);
        for (value, wanted) in [
            (-1.0, -5.199_337_582_605_575),
            (0.0, -5.199_337_582_605_575),
            (0.05, -1.114_750_707_349_477_8),
            (1.0, -0.958_904_539_682_604_7),
            (2.5, -0.514_592_786_571_723_1),
            (3.3, -0.194_028_142_423_926_46),
            (7.0, 0.744_770_855_566_561_8),
            (15.65, 2.798_868_285_984_883),
            (50.0, 5.199_337_582_702_74),
            (1.7, -0.654_452_200_732_003_8),
            (2.9, -0.3271033163475285),
        ] {
            let given = to_normal(&quantiles, value);
            assert!((given - wanted).abs() < 1e-8, "{value}: {given}");
        }
    }

    #[test]
    fn a_thousand_quantiles_stand_for_many_values() {
        // The same, of 2,500 values i^2 mod 1009 / 10.
        let known: Vec<f64> = (0..2500u32)
            .map(|i| f64::from(i * i % 1009) / 10.0)
            .collect();
        let quantiles = quantiles(&known);
        assert_eq!(quantiles.len(), 1000);
        for (value, wanted) in [
            (0.0, -5.199337582605575),
            (0.05, -3.0908256489421033),
            (1.0, -2.0533356042404134),
            (33.3, -0.43072729929545756),
            (50.44, 0.005095270409187295),
            (77.0, 0.7147874917391148),
            (100.6, 2.6117120822772177),
            (100.8, 5.19933758270342),
            (99.99, 2.117301894395016),
        ] {
            let given = to_normal(&quantiles, value);
            assert!((given - wanted).abs() < 1e-8, "{value}: {given}");
        }
    }

    #[test]
    fn the_map_never_falls() {
        let quantiles = quantiles(&[3.0, 1.0, 1.0, 1.0, 2.0, 5.0, 5.0]);
        let points: Vec<f64> = (0..600)
            .map(|step| to_normal(&quantiles, f64::from(step) / 100.0))
            .collect();
        assert!(points.windows(2).all(|pair| pair[0] <= pair[1]));
        assert!(to_normal(&quantiles, f64::NAN).is_nan());
    }
}
