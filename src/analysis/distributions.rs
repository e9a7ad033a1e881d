//! Distributions that tests and intervals need; the numbers come from `statrs`.

use statrs::distribution::{ChiSquared, ContinuousCDF, FisherSnedecor, Normal, StudentsT};

/// One minus the confidence of every interval, and the level of every test.
pub const ALPHA: f64 = 0.05;

/// `P(|T| > |t|)` for Student's t with `degrees` degrees of freedom, which need not be whole; 0 for an infinite `t`.
pub fn t_two_sided(t: f64, degrees: f64) -> f64 {
    match t.is_infinite() {
        true => 0.0,
        false => 2.0 * student(degrees).sf(t.abs()),
    }
}

/// The point below which Student's t with `degrees` degrees of freedom lies with probability `p`, in 0..1.
pub fn t_quantile(p: f64, degrees: f64) -> f64 {
    student(degrees).inverse_cdf(p)
}

/// The point below which the standard normal distribution lies with probability `p`, in 0..1.
pub(super) fn normal_quantile(p: f64) -> f64 {
    Normal::standard().inverse_cdf(p)
}

/// `P(Z > z)` for the standard normal distribution.
pub(super) fn normal_upper(z: f64) -> f64 {
    Normal::standard().sf(z)
}

/// `P(F > f)` for the F distribution with `above` and `below` degrees of freedom; 0 for an infinite `f`.
pub fn f_upper(f: f64, above: f64, below: f64) -> f64 {
    let distribution = FisherSnedecor::new(above, below).expect("degrees of freedom are positive");
    match f.is_infinite() {
        true => 0.0,
        false => distribution.sf(f),
    }
}

/// The point below which chi-squared with `degrees` degrees of freedom lies with probability `p`.
pub(super) fn chi_squared_quantile(p: f64, degrees: f64) -> f64 {
    let distribution = ChiSquared::new(degrees).expect("degrees of freedom are positive");
    distribution.inverse_cdf(p)
}

/// The derivative of the digamma function at positive `x`: recurrence up to 10, then the asymptotic series (Abramowitz and
/// Stegun 6.4.6 and 6.4.12).
pub(super) fn trigamma(mut x: f64) -> f64 {
    let mut sum = 0.0;
    while x < 10.0 {
        sum += 1.0 / (x * x);
        x += 1.0;
    }
    let y = 1.0 / (x * x);
    let series =
        1.0 / 6.0 - y * (1.0 / 30.0 - y * (1.0 / 42.0 - y * (1.0 / 30.0 - y * 5.0 / 66.0)));
    sum + 1.0 / x + y / 2.0 + y / x * series
}

/// The `x` at which [`trigamma`] is `value`, which is positive: Newton's method on 1 / trigamma, which is convex (Smyth 2004,
/// appendix).
pub(super) fn trigamma_inverse(value: f64) -> f64 {
    // Beyond these the first term of a series is the function to the last digits.
    if value > 1e7 {
        return 1.0 / value.sqrt();
    }
    if value < 1e-6 {
        return 1.0 / value;
    }
    let mut x = 0.5 + 1.0 / value;
    for _ in 0..50 {
        let here = trigamma(x);
        let slope = -(trigamma(x * (1.0 + 1e-5)) - trigamma(x * (1.0 - 1e-5))) / (2e-5 * x);
        let change = here * (1.0 - here / value) / -slope;
        x += change;
        if change.abs() < 1e-8 * x {
            break;
        }
    }
    x
}

fn student(degrees: f64) -> StudentsT {
    StudentsT::new(0.0, 1.0, degrees).expect("degrees of freedom are positive")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) {
        let error = (found - expected).abs() / expected.abs();
        assert!(error < 1e-7, "{found} is not {expected}");
    }

    #[test]
    fn distributions_are_those_of_scipy() {
        for (t, degrees, expected) in [
            (0.5, 1.0, 0.7048327646991335),
            (-2.0, 2.0, 0.18350341907227397),
            (3.1, 6.37, 0.019540894206958682),
            (30.0, 2.5, 0.00029106470915739535),
            (2.1, 400.0, 0.03635461007805355),
        ] {
            close(t_two_sided(t, degrees), expected);
        }
        for (p, degrees, expected) in [
            (0.975, 1.0, 12.706204736174694),
            (0.975, 4.5, 2.6589123472044034),
            (0.9995, 7.0, 5.407882520861828),
            (1.0 - 0.025 / 4950.0, 2.0, 314.64027078946873),
            (0.8, 9.0, 0.8834038596855346),
        ] {
            close(t_quantile(p, degrees), expected);
        }
        for (f, above, below, expected) in [
            (4.0, 1.0, 4.0, 0.11611652351681556),
            (3.3, 3.0, 20.0, 0.041437861787961064),
            (0.5, 5.0, 7.0, 0.7685843297279158),
            (60.0, 4.0, 190.0, 1.0831025159902507e-32),
        ] {
            close(f_upper(f, above, below), expected);
        }
        for (p, degrees, expected) in [
            (0.1, 2.0, 0.21072103131565273),
            (0.1, 199.0, 173.89952613733632),
            (0.05, 49.0, 33.93030561852784),
        ] {
            close(chi_squared_quantile(p, degrees), expected);
        }
        assert_eq!(t_two_sided(f64::INFINITY, 2.0), 0.0);
        assert_eq!(f_upper(f64::INFINITY, 2.0, 3.0), 0.0);
    }

    #[test]
    fn trigamma_is_that_of_scipy_and_its_inverse_turns_it_round() {
        for (x, expected) in [
            (0.3, 12.245364546107734),
            (1.0, 1.6449340668482266),
            (1.5, 0.9348022005446793),
            (7.2, 0.14897878164889405),
            (40.0, 0.025315103841291032),
        ] {
            close(trigamma(x), expected);
        }
        for x in [1e-4, 0.02, 0.7, 3.0, 55.0, 1e5, 1e7] {
            close(trigamma_inverse(trigamma(x)), x);
        }
    }
}
