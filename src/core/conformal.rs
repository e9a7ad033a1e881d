//! Sets of classes and intervals of numbers that hold the truth with a stated probability: split conformal prediction.
//!
//! How unusual each of some rows is under a model that was not trained on them (one less the probability of its class; the
//! distance of its number) gives the limit within which that of a new row is with the stated probability, whatever the
//! model, if new rows are drawn as these were (Vovk, Gammerman and Shafer, "Algorithmic learning in a random world", 2005;
//! Lei and others, "Distribution-free predictive inference for regression", Journal of the American Statistical Association
//! 113, 2018; for classes: Sadinle, Lei and Wasserman, "Least ambiguous set-valued classifiers with bounded error levels",
//! the same 114, 2019).

use crate::data_config::TargetTransform;

/// The probability that reports and evaluations speak of.
pub const USUAL_COVERAGE: f64 = 0.9;

/// The limit of a model, or of several as one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conformal {
    coverage: f64,
    /// The least probability of a class in a set, or half the width of an interval in units of the transformed target.
    limit: f64,
    transform: TargetTransform,
}

/// There are too few rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there are {rows} validation rows, and at least {needed} are needed")]
pub struct TooFewRows {
    pub rows: usize,
    pub needed: usize,
}

/// How often sets or intervals held the truth, and their size.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Held {
    /// Rows whose target is known.
    pub rows: u64,
    /// Those of them that were held.
    pub held: u64,
    /// Classes in the sets of all rows, or the sum of the widths.
    pub size: f64,
    /// Rows with a set or an interval.
    pub all: u64,
}

impl Conformal {
    /// The limit for `coverage`, in (0, 1), where the classes of rows have the probabilities `own` [rows].
    ///
    /// # Errors
    /// Below coverage / (1 − coverage) rows, no limit would do.
    pub fn of_classes(
        coverage: f64,
        own: impl Iterator<Item = f64>,
    ) -> Result<Conformal, TooFewRows> {
        let unusual = own.map(|probability| -probability).collect();
        Ok(Conformal {
            coverage,
            limit: -at_rank(coverage, unusual)?,
            transform: TargetTransform::None,
        })
    }

    /// The limit where rows have these numbers and predictions (actual, predicted), of which `transform` is learned.
    ///
    /// # Errors
    /// As of classes.
    pub fn of_numbers(
        coverage: f64,
        transform: TargetTransform,
        rows: impl Iterator<Item = (f64, f64)>,
    ) -> Result<Conformal, TooFewRows> {
        let distance = |(actual, predicted)| distance(transform, actual, predicted);
        Ok(Conformal {
            coverage,
            limit: at_rank(coverage, rows.map(distance).collect())?,
            transform,
        })
    }

    /// The probability with which the truth is held.
    pub fn coverage(&self) -> f64 {
        self.coverage
    }

    /// The least probability of a class in a set, or half the width of an interval in units of the transformed target.
    pub fn limit(&self) -> f64 {
        self.limit
    }

    /// Classes of a row with these `probabilities`, the most probable first: at least one.
    pub fn set(&self, probabilities: &[f64]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..probabilities.len()).collect();
        order.sort_by(|one, other| probabilities[*other].total_cmp(&probabilities[*one]));
        let others = order.iter().skip(1);
        let size = 1 + others
            .take_while(|class| probabilities[**class] >= self.limit)
            .count();
        order.truncate(size);
        order
    }

    /// The least and the largest number around a `predicted` one, in units of the target.
    pub fn interval(&self, predicted: f64) -> (f64, f64) {
        let middle = self.transform.apply(predicted);
        let at = |learned: f64| self.transform.invert(learned);
        (at(middle - self.limit), at(middle + self.limit))
    }
}

impl Held {
    /// Counts a row with a set or interval of this `size`; `holds` is `None` where its target is not known.
    pub fn add(&mut self, size: f64, holds: Option<bool>) {
        self.all += 1;
        self.size += size;
        if let Some(holds) = holds {
            self.rows += 1;
            self.held += u64::from(holds);
        }
    }
}

/// How far two numbers of the target are apart, as it is learned.
fn distance(transform: TargetTransform, actual: f64, predicted: f64) -> f64 {
    (transform.apply(predicted) - transform.apply(actual)).abs()
}

/// The value of `unusual` that one more row does not exceed with this probability: it is one of so many and one that are
/// alike.
fn at_rank(coverage: f64, mut unusual: Vec<f64>) -> Result<f64, TooFewRows> {
    let rows = unusual.len();
    // A product such as 10 * 0.9 may end above 9.
    let rank = ((rows + 1) as f64 * coverage - 1e-9).ceil() as usize;
    if rank > rows {
        let needed = (coverage / (1.0 - coverage) - 1e-9).ceil() as usize;
        return Err(TooFewRows { rows, needed });
    }
    let (_, found, _) = unusual.select_nth_unstable_by(rank.max(1) - 1, f64::total_cmp);
    Ok(*found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    /// `sets` of validation rows and as many new ones are drawn alike; the mean share of new rows that are held.
    fn mean_held(sets: u32, held_of: impl Fn(Stream) -> Held) -> f64 {
        let share = |set: u32| {
            let found = held_of(Stream::new(5, Purpose::Synthetic, set, 0));
            found.held as f64 / found.rows as f64
        };
        (0..sets).map(share).sum::<f64>() / f64::from(sets)
    }

    #[test]
    fn intervals_hold_as_many_new_rows_as_stated_whatever_the_noise() {
        for transform in [TargetTransform::None, TargetTransform::Log] {
            for coverage in [0.5, 0.9] {
                let share = mean_held(400, |stream| {
                    let draw = |row: u32| {
                        let guess = 3.0 + stream.normal(2 * row);
                        let noise = stream.normal(2 * row + 1).powi(3);
                        (transform.invert(guess + noise), transform.invert(guess))
                    };
                    let rows = (0..99).map(draw);
                    let found = Conformal::of_numbers(coverage, transform, rows).unwrap();
                    let mut held = Held::default();
                    for row in 1_000..1_050 {
                        let (actual, guess) = draw(row);
                        let (low, high) = found.interval(guess);
                        held.add(high - low, Some(low <= actual && actual <= high));
                    }
                    held
                });
                assert!(
                    (share - coverage).abs() < 0.01,
                    "{transform:?} {coverage}: {share}"
                );
            }
        }
    }

    #[test]
    fn sets_hold_as_many_new_rows_as_stated_even_where_the_model_is_overconfident() {
        let share = mean_held(400, |stream| {
            let draw = |row: u32| {
                let scores: Vec<f64> = (0..4).map(|k| stream.normal(8 * row + k)).collect();
                // The truth follows flatter scores than the model claims.
                let noisy = |k: usize| scores[k] + stream.normal(8 * row + 4 + k as u32);
                let truth = (0..4)
                    .max_by(|a, b| noisy(*a).total_cmp(&noisy(*b)))
                    .unwrap();
                let powers: Vec<f64> = scores.iter().map(|score| (5.0 * score).exp()).collect();
                let sum: f64 = powers.iter().sum();
                let probabilities: Vec<f64> = powers.iter().map(|power| power / sum).collect();
                (probabilities, truth)
            };
            let own = (0..99).map(draw).map(|(row, truth)| row[truth]);
            let found = Conformal::of_classes(0.9, own).unwrap();
            let mut held = Held::default();
            for row in 1_000..1_050 {
                let (probabilities, truth) = draw(row);
                let set = found.set(&probabilities);
                held.add(set.len() as f64, Some(set.contains(&truth)));
            }
            held
        });
        assert!((share - 0.9).abs() < 0.01, "{share}");
    }

    #[test]
    fn few_rows_are_refused_and_a_set_is_never_empty() {
        let of = |coverage| Conformal::of_classes(coverage, [0.9; 9].into_iter());
        let found = of(0.9).unwrap();
        assert_eq!((found.coverage(), found.limit()), (0.9, 0.9));
        assert_eq!(found.set(&[0.5, 0.5]), [0]);
        assert_eq!(found.set(&[0.2, 0.8]), [1]);
        let few = TooFewRows {
            rows: 9,
            needed: 19,
        };
        assert_eq!(of(0.95), Err(few));
    }
}
