//! The normal distribution far into its tails, and the logarithm of expected improvement (Ament, Daulton, Eriksson,
//! Balandat, Bakshy 2023), which stays exact where expected improvement underflows.

use std::f64::consts::{FRAC_1_SQRT_2, PI, TAU};

/// Below this, erfc comes from the series of erf; above, from its continued fraction.
const SERIES_BELOW: f64 = 2.0;
/// Levels of the continued fraction: enough for full precision from `SERIES_BELOW` on.
const LEVELS: usize = 120;

/// exp(x²) erfc(x) for x >= 0.
pub(crate) fn erfcx(x: f64) -> f64 {
    if x < SERIES_BELOW {
        // erf x = 2/√π exp(-x²) Σ 2ⁿ x²ⁿ⁺¹ / (2n+1)!!, all terms positive.
        let (mut term, mut sum) = (x, x);
        let mut odd = 1.0;
        while term > sum * 1e-17 {
            odd += 2.0;
            term *= 2.0 * x * x / odd;
            sum += term;
        }
        return (x * x).exp() - 2.0 / PI.sqrt() * sum;
    }
    // erfcx x = 1/√π · 1/(x + (1/2)/(x + (2/2)/(x + (3/2)/(x + ...)))), fewer levels the larger x is.
    let levels = ((4.0 * LEVELS as f64 / (x * x)) as usize).clamp(4, LEVELS);
    let fraction = (1..=levels)
        .rev()
        .fold(x, |below, level| x + 0.5 * level as f64 / below);
    1.0 / (PI.sqrt() * fraction)
}

/// The normal distribution function.
pub(crate) fn cdf(z: f64) -> f64 {
    let x = z.abs() * FRAC_1_SQRT_2;
    let tail = 0.5 * erfcx(x) * (-x * x).exp();
    if z > 0.0 { 1.0 - tail } else { tail }
}

/// The logarithm of the normal distribution function.
pub(crate) fn log_cdf(z: f64) -> f64 {
    if z > -1.0 {
        return cdf(z).ln();
    }
    (0.5 * erfcx(-z * FRAC_1_SQRT_2)).ln() - 0.5 * z * z
}

/// log(φ(z) + z Φ(z)): the logarithm of expected improvement in standard units.
pub(crate) fn log_improvement(z: f64) -> f64 {
    let density = -0.5 * z * z - 0.5 * TAU.ln();
    if z > -1.0 {
        return (density.exp() + z * cdf(z)).ln();
    }
    if z < -1e6 {
        return density - 2.0 * (-z).ln();
    }
    // φ(z) (1 - √(π/2) |z| erfcx(|z|/√2)); the difference is computed from a series where it cancels.
    if z < -30.0 {
        let inverse = 1.0 / (z * z);
        let series = inverse * (1.0 - inverse * (3.0 - inverse * (15.0 - inverse * 105.0)));
        return density + series.ln();
    }
    density + (-(PI / 2.0).sqrt() * -z * erfcx(-z * FRAC_1_SQRT_2)).ln_1p()
}

/// The logarithm of the expected improvement of a normal variable over `best`.
pub(crate) fn log_expected_improvement(mean: f64, sd: f64, best: f64) -> f64 {
    log_improvement((mean - best) / sd) + sd.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distribution_function_has_its_known_values() {
        // From tables of the complementary error function with 15 digits.
        for (z, known) in [
            (0.0, 0.5),
            (1.0, 0.841_344_746_068_543),
            (-1.0, 0.158_655_253_931_457),
            (-2.0, 0.022_750_131_948_179_2),
            (-4.0, 3.167_124_183_311_99e-5),
            (-8.0, 6.220_960_574_271_78e-16),
            (3.0, 0.998_650_101_968_370),
        ] {
            assert!((cdf(z) / known - 1.0).abs() < 1e-11, "{z}: {}", cdf(z));
        }
        assert!((log_cdf(-40.0) + 804.608_442_013_754).abs() < 1e-9);
    }

    #[test]
    fn both_ways_to_compute_erfcx_meet() {
        let (below, above) = (erfcx(SERIES_BELOW - 1e-13), erfcx(SERIES_BELOW));
        assert!((below / above - 1.0).abs() < 1e-11, "{below} {above}");
    }

    /// ∫ max(0, y) of a normal density around z, by Simpson's rule; the density is scaled by its value at 0 so that
    /// tails do not underflow.
    fn quadrature(z: f64) -> f64 {
        let upper = 12.0 / (1.0 + (-z).max(0.0)) * 3.0
            + z.max(0.0)
            + 10.0_f64.min(40.0 / (1.0 + (-z).max(0.0)));
        let steps = 200_000;
        let width = upper / f64::from(steps);
        let value = |y: f64| y * (-0.5 * (y - z) * (y - z) + 0.5 * z * z).exp();
        let sum: f64 = (0..=steps)
            .map(|step| {
                let weight = match step {
                    0 => 1.0,
                    _ if step == steps => 1.0,
                    _ if step % 2 == 1 => 4.0,
                    _ => 2.0,
                };
                weight * value(f64::from(step) * width)
            })
            .sum();
        (sum * width / 3.0).ln() - 0.5 * z * z - 0.5 * TAU.ln()
    }

    #[test]
    fn log_improvement_is_the_integral_from_far_below_to_far_above() {
        for z in [
            -200.0, -31.0, -29.0, -10.0, -3.0, -1.01, -0.99, 0.0, 0.7, 3.0,
        ] {
            let (value, integral) = (log_improvement(z), quadrature(z));
            assert!((value - integral).abs() < 1e-6, "{z}: {value} {integral}");
        }
    }

    #[test]
    fn log_improvement_rises_without_a_step_where_the_formula_changes() {
        for edge in [-1.0, -30.0, -1e6] {
            let (below, above) = (
                log_improvement(edge * (1.0 + 1e-9)),
                log_improvement(edge * (1.0 - 1e-9)),
            );
            assert!(
                above > below && (above - below) / above.abs() < 1e-5,
                "{edge}"
            );
        }
    }
}
