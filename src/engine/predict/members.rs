//! Models of several preparations, taken together: each sees the rows as it was trained on them.
//!
//! Invariant: a row is predicted by all of them, or by none.

use std::ops::Range;

use super::predictor::{PredictError, Predictions, Weighted};
use crate::score::argmax;
use sweep_data::{DataError, Encoder, Features};

/// Why rows cannot be predicted.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    #[error(transparent)]
    Model(#[from] PredictError),
    #[error(transparent)]
    Data(#[from] DataError),
}

/// Models that share a preparation.
pub struct Member<'a> {
    pub encoder: Encoder<'a>,
    pub models: &'a mut Weighted,
}

/// The features of `rows` for the first of `members`, less the rows that another one refuses, and what all say of those
/// that are left: the mean over all models, by their weights.
pub(super) fn predict(
    members: &mut [Member<'_>],
    rows: Range<u32>,
    classes: usize,
) -> Result<(Features, Predictions), AskError> {
    let mut each = Vec::with_capacity(members.len());
    for member in members.iter_mut() {
        let features = member.encoder.encode(rows.clone())?;
        let predictions = member.models.predict(features.inputs())?;
        each.push((features, predictions, member.models.total()));
    }
    let mut each = each.into_iter();
    let (mut features, mut together, mut total) = each.next().expect("there is a member");
    let mut is_alone = true;
    for (other, more, weight) in each {
        if is_alone {
            together.scale(total);
            is_alone = false;
        }
        keep_common(&mut features, &mut together, &other, classes);
        together.add(&more, &features.rows, &other.rows, (weight, classes));
        total += weight;
    }
    if !is_alone {
        together.scale(1.0 / total);
        let rows = together.probabilities.chunks_exact(classes.max(1));
        together.labels = rows.map(|row| argmax(row) as u32).collect();
    }
    Ok((features, together))
}

/// Takes what `other` refuses out of `features` and of what was predicted for their rows.
fn keep_common(
    features: &mut Features,
    predicted: &mut Predictions,
    other: &Features,
    classes: usize,
) {
    let is_kept: Vec<bool> = (features.rows.iter())
        .map(|row| other.rows.binary_search(row).is_ok())
        .collect();
    if is_kept.iter().all(|kept| *kept) {
        return;
    }
    retain(&mut features.rows, &is_kept, 1);
    retain(&mut predicted.numbers, &is_kept, 1);
    retain(&mut predicted.probabilities, &is_kept, classes.max(1));
    for refused in &other.refused {
        let known = features.refused.iter().any(|own| own.row == refused.row);
        if !known {
            features.refused.push(refused.clone());
        }
    }
    features.refused.sort_by_key(|refused| refused.row);
}

/// Keeps the values of rows that are kept; each row has `width`, and there may be none at all.
fn retain<T>(values: &mut Vec<T>, is_kept: &[bool], width: usize) {
    let mut place = 0;
    values.retain(|_| {
        place += 1;
        is_kept[(place - 1) / width]
    });
}

impl Predictions {
    /// Adds `times` what `other` says of `rows`, of the `others` that it has rows of.
    fn add(
        &mut self,
        other: &Predictions,
        rows: &[u32],
        others: &[u32],
        (times, classes): (f64, usize),
    ) {
        for (place, row) in rows.iter().enumerate() {
            let Ok(at) = others.binary_search(row) else {
                continue;
            };
            if let Some(number) = self.numbers.get_mut(place) {
                *number += times * other.numbers[at];
            }
            if !self.probabilities.is_empty() {
                let own = &mut self.probabilities[place * classes..(place + 1) * classes];
                let more = &other.probabilities[at * classes..(at + 1) * classes];
                own.iter_mut()
                    .zip(more)
                    .for_each(|(own, more)| *own += times * more);
            }
        }
    }
}
