//! Values on the scale of the model: standardised by what is good. Far below the median counts as far below, not how
//! far.

/// A monotone map of values to standard units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Squash {
    median: f64,
    spread: f64,
    mean: f64,
    sd: f64,
}

/// The quantile that the spread above the median is taken to.
const UPPER: f64 = 0.9;

impl Squash {
    /// The map for these values; the median is at 0 and the upper decile at 1 before they are standardised.
    pub fn new(values: &[f64]) -> Squash {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let median = quantile(&sorted, 0.5);
        let range = sorted.last().copied().unwrap_or(0.0) - sorted.first().copied().unwrap_or(0.0);
        let spread = (quantile(&sorted, UPPER) - median)
            .max(1e-3 * range)
            .max(1e-12);
        let mut squash = Squash {
            median,
            spread,
            mean: 0.0,
            sd: 1.0,
        };
        let mapped: Vec<f64> = values.iter().map(|&value| squash.map(value)).collect();
        let count = mapped.len().max(1) as f64;
        let mean = mapped.iter().sum::<f64>() / count;
        let variance = mapped
            .iter()
            .map(|value| (value - mean) * (value - mean))
            .sum::<f64>()
            / count;
        squash.mean = mean;
        squash.sd = variance.sqrt().max(1e-9);
        squash
    }

    pub fn map(&self, value: f64) -> f64 {
        let z = (value - self.median) / self.spread;
        let z = if z < -1.0 { -1.0 - (-z).ln() } else { z };
        (z - self.mean) / self.sd
    }

    /// The value that is mapped to this.
    pub fn invert(&self, mapped: f64) -> f64 {
        let z = mapped * self.sd + self.mean;
        let z = if z < -1.0 { -(-1.0 - z).exp() } else { z };
        self.median + self.spread * z
    }
}

/// By linear interpolation, of sorted values.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return 0.0;
    };
    let place = share * last as f64;
    let below = place as usize;
    let above = (below + 1).min(last);
    sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_far_below_is_drawn_in_and_the_order_stays() {
        let values = [0.50, 0.57, 0.60, 0.61, 0.62, 0.10, 0.0];
        let squash = Squash::new(&values);
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let mapped: Vec<f64> = sorted.iter().map(|&value| squash.map(value)).collect();
        assert!(mapped.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(mapped[1] - mapped[0] < mapped[6] - mapped[3]);
        assert!(mapped.iter().sum::<f64>().abs() < 1e-9);
        for (value, mapped) in sorted.iter().zip(mapped) {
            assert!((squash.invert(mapped) - value).abs() < 1e-12);
        }
    }

    #[test]
    fn equal_values_and_no_values_are_not_divided_by_nothing() {
        assert_eq!(Squash::new(&[0.5, 0.5]).map(0.5), 0.0);
        assert!(Squash::new(&[]).map(1.0).is_finite());
    }
}
