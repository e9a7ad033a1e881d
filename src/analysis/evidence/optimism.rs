//! What the winner owes to having been picked by these rows and these seeds.
//!
//! Tsamardinos, Greasidou and Borboudakis ("Bootstrapping the out-of-sample predictions for efficient and accurate
//! cross-validation", Machine Learning 107, 2018) pick by a bootstrap sample of the rows and score what was picked by the rows that
//! are not in it. In terms of the means m of all configurations, whose errors have covariance S: with e drawn from N(0, S), m + e picks
//! and m − e scores. The two are independent, so the score is that of what was picked without bias, by twice the
//! variance (Oliveira, Lei and Tibshirani, "Unbiased risk estimation in the normal means problem via coupled bootstrap techniques",
//! Electronic Journal of Statistics 18, 2024). Drawn from the covariance, it covers seeds as well as rows. A choice by twice the variance
//! flatters more, by the root of two, which is put right.

use super::covariance::{DRAWS, Draws};

/// By how much the mean of what is picked is too large; `means` [configurations], larger being better.
pub(super) fn of_picking(means: &[f64], draws: &Draws) -> f64 {
    let mut best = vec![(f64::NEG_INFINITY, 0.0f64); DRAWS];
    for (mean, errors) in means.iter().zip(&draws.errors) {
        for (best, error) in best.iter_mut().zip(errors) {
            let error = f64::from(*error);
            if mean + error > best.0 {
                *best = (mean + error, error);
            }
        }
    }
    // Picked by m + e and scored by m − e: 2 e apart, over the root of two.
    let sum: f64 = best.iter().map(|(_, error)| error).sum();
    (std::f64::consts::SQRT_2 * sum / DRAWS as f64).max(0.0)
}
