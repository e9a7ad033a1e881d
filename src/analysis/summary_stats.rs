//! Location and width of some numbers, and how well their mean is known.

use super::distributions::{ALPHA, t_quantile};

/// Location and width of some numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SummaryStats {
    pub n: usize,
    pub mean: f64,
    /// Standard deviation with n - 1; `None` below two numbers.
    pub sd: Option<f64>,
    pub min: f64,
    pub max: f64,
}

impl SummaryStats {
    /// Of finite `values`, if there are any. Two-pass, so that a large mean does not drown a small width.
    pub fn of(values: &[f64]) -> Option<SummaryStats> {
        if values.is_empty() {
            return None;
        }
        let n = values.len() as f64;
        let min = values.iter().copied().fold(f64::INFINITY, f64::min);
        let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // The clamp gives equal values their own mean, and so no width from rounding.
        let mean = (values.iter().sum::<f64>() / n).clamp(min, max);
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Some(SummaryStats {
            n: values.len(),
            mean,
            sd: (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt()),
            min,
            max,
        })
    }

    /// 95% interval of the mean by Student's t (Student, "The probable error of a mean", Biometrika 6, 1908); `None`
    /// below two numbers, and where they are all equal and nothing says how finely they are known.
    ///
    /// Values that come in steps of `step` are each off by at most half of one, evenly (Sheppard 1898), and are
    /// taken to scatter by at least that: equal scores are no certainty.
    pub fn interval(&self, step: f64) -> Option<(f64, f64)> {
        let variance = self.sd?.powi(2).max(step * step / 12.0);
        if variance <= 0.0 {
            return None;
        }
        let quantile = t_quantile(1.0 - ALPHA / 2.0, (self.n - 1) as f64);
        let half = quantile * (variance / self.n as f64).sqrt();
        Some((self.mean - half, self.mean + half))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_are_known_to_within_a_step_and_not_better() {
        let equal = SummaryStats::of(&[0.5, 0.5]).unwrap();
        assert_eq!(equal.interval(0.0), None);
        // 12.706 times 0.1 / sqrt(12) / sqrt(2).
        let (low, high) = equal.interval(0.1).unwrap();
        assert!((low - (0.5 - 0.259_361)).abs() < 1e-5, "{low}");
        assert!((high - (0.5 + 0.259_361)).abs() < 1e-5, "{high}");
        // Steps finer than the scatter change nothing.
        let apart = SummaryStats::of(&[0.4, 0.6, 0.5]).unwrap();
        assert_eq!(apart.interval(0.1), apart.interval(0.0));
        assert_eq!(SummaryStats::of(&[0.5]).unwrap().interval(0.1), None);
    }
}
