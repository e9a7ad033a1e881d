//! Distributions that tests and intervals need; the numbers come from `statrs`.

use statrs::distribution::{ChiSquared, ContinuousCDF, FisherSnedecor, StudentsT};

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
        assert!(error < 1e-6, "{found} is not {expected}");
    }
}
