//! Scores of predictions. Definitions are scikit-learn's.

mod confusion;
mod measure;
mod numbers;
mod probabilities;
#[cfg(test)]
mod tests;

pub use confusion::Confusion;
pub use measure::{Measure, Outputs};
pub use numbers::Errors;

/// Softmax in 64 bits; the largest score is taken off first, so that nothing overflows.
pub fn softmax(scores: &[f32]) -> impl Iterator<Item = f64> {
    let scores: Vec<f64> = scores.iter().map(|score| f64::from(*score)).collect();
    let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = scores.iter().map(|score| (score - highest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(move |power| power / sum)
}

/// Index of the largest value, the first of several; what is not a number never wins.
pub fn argmax<T: PartialOrd + Copy>(values: &[T]) -> usize {
    let mut best = 0;
    let is_number = |value: T| value.partial_cmp(&value).is_some();
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] || (!is_number(values[best]) && is_number(*value)) {
            best = index;
        }
    }
    best
}
