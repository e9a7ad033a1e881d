//! How far the probabilities of models can be believed: reliability diagrams and their one number.
//!
//! Pure. Of each prediction only two things count: the probability of the class that was named, and
//! whether it was right (Guo, Pleiss, Sun, Weinberger: "On calibration of modern neural networks",
//! 2017, section 2).

use sweep_core::trial::ConfigId;

/// Bins of equal width between 0 and 1, as many as in the paper.
pub const BINS: usize = 15;

/// A configuration's probabilities on the validation rows, all of `seeds` models together.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    pub config: ConfigId,
    pub seeds: usize,
    /// Predictions that were made, those of every model counted.
    pub predictions: u64,
    /// By probability, ascending; empty bins left out.
    pub bins: Vec<Bin>,
    /// Expected calibration error: of each model the mean distance between probability and share
    /// right over bins, weighted by their predictions; the mean over models.
    pub ece: f64,
    /// Mean probability of the named class less the share right, over all predictions: positive
    /// where the models claim too much.
    pub excess: f64,
}

/// Predictions of about the same probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    pub predictions: u64,
    /// Mean probability of the named class.
    pub confidence: f64,
    /// Share of predictions that were right.
    pub accuracy: f64,
}

/// What one model claimed of its predictions, and whether it was right.
pub type Claims = Vec<(f64, bool)>;

impl Calibration {
    /// Of the `models` of a configuration; `None` without a prediction, or where a probability is none.
    pub fn of(config: ConfigId, models: &[Claims]) -> Option<Calibration> {
        let all = || models.iter().flatten();
        let is_sound = all().all(|(claim, _)| (0.0..=1.0 + 1e-6).contains(claim));
        if models.iter().any(Vec::is_empty) || models.is_empty() || !is_sound {
            return None;
        }
        let errors = models.iter().map(|claims| {
            let gaps = binned(claims.iter())
                .into_iter()
                .map(|bin| (bin.accuracy - bin.confidence).abs() * bin.predictions as f64);
            gaps.sum::<f64>() / claims.len() as f64
        });
        let number = all().count() as f64;
        Some(Calibration {
            config,
            seeds: models.len(),
            predictions: all().count() as u64,
            bins: binned(all()),
            ece: errors.sum::<f64>() / models.len() as f64,
            excess: all()
                .map(|(claim, right)| claim - f64::from(*right))
                .sum::<f64>()
                / number,
        })
    }

    /// `claims too much`, `claims too little`, or nothing where the two agree to half a point.
    pub fn verdict(&self) -> &'static str {
        match self.excess {
            excess if excess > 0.005 => "overconfident",
            excess if excess < -0.005 => "underconfident",
            _ => "well calibrated",
        }
    }
}

/// The bins that `claims` fall into. A bin holds its upper end, as in the paper.
fn binned<'a>(claims: impl Iterator<Item = &'a (f64, bool)>) -> Vec<Bin> {
    let mut sums = [(0u64, 0.0, 0u64); BINS];
    for (claim, is_right) in claims {
        let place = ((claim * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
        let (number, claimed, right) = &mut sums[place];
        *number += 1;
        *claimed += claim;
        *right += u64::from(*is_right);
    }
    let filled = sums.into_iter().filter(|(number, _, _)| *number > 0);
    filled
        .map(|(number, claimed, right)| Bin {
            predictions: number,
            confidence: claimed / number as f64,
            accuracy: right as f64 / number as f64,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> ConfigId {
        ConfigId::from_hex("c".repeat(32))
    }

    #[test]
    fn the_error_is_the_mean_gap_of_bins() {
        // By hand: 0.9 claimed, 3 of 4 right: gap 0.15; 0.5 claimed, 1 of 2 right: no gap.
        let claims = vec![
            (0.9, true),
            (0.9, true),
            (0.9, true),
            (0.9, false),
            (0.5, true),
            (0.5, false),
        ];
        let one = Calibration::of(config(), std::slice::from_ref(&claims)).unwrap();
        assert!((one.ece - 0.15 * 4.0 / 6.0).abs() < 1e-12);
        assert_eq!(one.bins.len(), 2);
        assert_eq!(one.bins[1].predictions, 4);
        assert!((one.bins[1].accuracy - 0.75).abs() < 1e-12);
        assert!((one.excess - 0.1).abs() < 1e-12);
        assert_eq!(one.verdict(), "overconfident");
        // A second model that keeps what it claims halves the mean, not the bins of the first.
        let sure = vec![(1.0, true); 6];
        let both = Calibration::of(config(), &[claims, sure]).unwrap();
        assert!((both.ece - 0.05).abs() < 1e-12);
        assert_eq!(both.predictions, 12);
    }

    #[test]
    fn edges_fall_into_the_bin_below_and_nonsense_is_no_calibration() {
        let at = |claim: f64| {
            let one = Calibration::of(config(), &[vec![(claim, true), (1.0, true)]]).unwrap();
            one.bins.len()
        };
        assert_eq!(at(1.0), 1);
        assert_eq!(at(14.0 / 15.0), 2);
        assert_eq!(at(0.0), 2);
        assert!(Calibration::of(config(), &[]).is_none());
        assert!(Calibration::of(config(), &[Vec::new()]).is_none());
        assert!(Calibration::of(config(), &[vec![(f64::NAN, true)]]).is_none());
    }
}
