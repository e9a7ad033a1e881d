//! Minimisation by L-BFGS (Liu and Nocedal 1989) with a backtracking line search. A point at which the function is not
//! finite counts as too far.

use super::linalg::dot;

/// Pairs of steps and gradient changes that the Hessian is approximated from.
const MEMORY: usize = 8;
/// Sufficient decrease, as a share of what the slope promises.
const DECREASE: f64 = 1e-4;
const MAX_HALVINGS: usize = 20;
/// No parameter moves further than this in one iteration: they are logarithms.
const MAX_STEP: f64 = 2.0;

/// Minimises `function`, which returns value and gradient, from `start`.
pub(crate) fn minimize(
    start: &[f64],
    iterations: usize,
    mut function: impl FnMut(&[f64]) -> (f64, Vec<f64>),
) -> Vec<f64> {
    let mut x = start.to_vec();
    let (mut value, mut gradient) = function(&x);
    let mut pairs: Vec<(Vec<f64>, Vec<f64>)> = Vec::new();
    for _ in 0..iterations {
        let mut direction = direction(&gradient, &pairs);
        let mut slope = dot(&direction, &gradient);
        if slope >= 0.0 {
            pairs.clear();
            direction = gradient.iter().map(|g| -g).collect();
            slope = -dot(&gradient, &gradient);
        }
        if slope > -1e-8 || !value.is_finite() {
            break;
        }
        let longest = direction
            .iter()
            .fold(0.0f64, |longest, d| longest.max(d.abs()));
        let mut step = (MAX_STEP / longest).min(1.0);
        let mut found = None;
        for _ in 0..MAX_HALVINGS {
            let next: Vec<f64> = x
                .iter()
                .zip(&direction)
                .map(|(x, d)| x + step * d)
                .collect();
            let (next_value, next_gradient) = function(&next);
            if next_value.is_finite() && next_value <= value + DECREASE * step * slope {
                found = Some((next, next_value, next_gradient));
                break;
            }
            step *= 0.5;
        }
        let Some((next, next_value, next_gradient)) = found else {
            break;
        };
        let moved: Vec<f64> = next.iter().zip(&x).map(|(a, b)| a - b).collect();
        let changed: Vec<f64> = next_gradient
            .iter()
            .zip(&gradient)
            .map(|(a, b)| a - b)
            .collect();
        if dot(&moved, &changed) > 1e-10 {
            pairs.push((moved, changed));
            if pairs.len() > MEMORY {
                pairs.remove(0);
            }
        }
        let is_done = value - next_value < 1e-5;
        (x, value, gradient) = (next, next_value, next_gradient);
        if is_done {
            break;
        }
    }
    x
}

/// Minus the approximate inverse Hessian times the gradient: the two-loop recursion.
fn direction(gradient: &[f64], pairs: &[(Vec<f64>, Vec<f64>)]) -> Vec<f64> {
    let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut alphas = Vec::with_capacity(pairs.len());
    for (moved, changed) in pairs.iter().rev() {
        let alpha = dot(moved, &q) / dot(moved, changed);
        q.iter_mut().zip(changed).for_each(|(q, y)| *q -= alpha * y);
        alphas.push(alpha);
    }
    if let Some((moved, changed)) = pairs.last() {
        let scale = dot(moved, changed) / dot(changed, changed);
        q.iter_mut().for_each(|q| *q *= scale);
    }
    for ((moved, changed), alpha) in pairs.iter().zip(alphas.iter().rev()) {
        let beta = dot(changed, &q) / dot(moved, changed);
        q.iter_mut()
            .zip(moved)
            .for_each(|(q, s)| *q += (alpha - beta) * s);
    }
    q
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_minimum_of_rosenbrocks_valley() {
        let found = minimize(&[-1.2, 1.0], 500, |x| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            let gradient = vec![-2.0 * a - 400.0 * x[0] * b, 200.0 * b];
            (a * a + 100.0 * b * b, gradient)
        });
        assert!(
            (found[0] - 1.0).abs() < 0.01 && (found[1] - 1.0).abs() < 0.02,
            "{found:?}"
        );
    }

    #[test]
    fn steps_back_from_where_the_function_is_not_finite() {
        let found = minimize(&[0.1], 100, |x| (x[0] - x[0].ln(), vec![1.0 - 1.0 / x[0]]));
        assert!((found[0] - 1.0).abs() < 0.01, "{found:?}");
    }
}
