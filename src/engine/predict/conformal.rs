//! Sets of classes and intervals of numbers that hold the truth with a stated probability: split conformal prediction.
//!
//! How unusual each validation row is under the model (one less the probability of its class; the distance of its number)
//! gives the limit within which that of a new row is with the stated probability, whatever the model, if new rows are drawn as the
//! validation rows were (Vovk, Gammerman and Shafer, "Algorithmic learning in a random world", 2005; Lei and others,
//! "Distribution-free predictive inference for regression", Journal of the American Statistical Association 113, 2018; for
//! classes: Sadinle, Lei and Wasserman, "Least ambiguous set-valued classifiers with bounded error levels", the same 114, 2019).

use sweep_core::data_config::TargetTransform;
use sweep_data::{DatasetMeta, Targets};

use super::predictor::Predictions;

/// The limit of a model, or of several as one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conformal {
    coverage: f64,
    /// The least probability of a class in a set, or half the width of an interval in units of the transformed target.
    limit: f64,
    transform: TargetTransform,
}

/// There are too few validation rows.
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
    /// The limit for `coverage`, in (0, 1), of what was `predicted` for validation rows with these `targets`.
    ///
    /// # Errors
    /// Below coverage / (1 − coverage) rows, no limit would do.
    ///
    /// # Panics
    /// When predictions and targets are not of as many rows, or of other tasks.
    pub fn new(
        coverage: f64,
        meta: &DatasetMeta,
        predicted: &Predictions,
        targets: Targets<'_>,
    ) -> Result<Conformal, TooFewRows> {
        let transform = meta
            .number
            .map_or(TargetTransform::None, |number| number.transform);
        let mut unusual: Vec<f64> = match targets {
            Targets::Classes(labels) => {
                let rows = predicted.probabilities.chunks_exact(meta.classes.len());
                assert_eq!(rows.len(), labels.len());
                let of_row = |(row, label): (&[f64], &u32)| -row[*label as usize];
                rows.zip(labels).map(of_row).collect()
            }
            Targets::Numbers(numbers) => {
                assert_eq!(predicted.numbers.len(), numbers.len());
                let pairs = predicted.numbers.iter().zip(numbers);
                let distance = |(own, actual): (&f64, &f32)| {
                    (transform.apply(*own) - transform.apply(f64::from(*actual))).abs()
                };
                pairs.map(distance).collect()
            }
        };
        let rows = unusual.len();
        // The new row is one of rows + 1 that are alike. A product such as 10 * 0.9 may end above 9.
        let rank = ((rows + 1) as f64 * coverage - 1e-9).ceil() as usize;
        if rank > rows {
            let needed = (coverage / (1.0 - coverage) - 1e-9).ceil() as usize;
            return Err(TooFewRows { rows, needed });
        }
        unusual.sort_unstable_by(f64::total_cmp);
        let at_rank = unusual[rank.max(1) - 1];
        Ok(Conformal {
            coverage,
            limit: match targets {
                Targets::Classes(_) => -at_rank,
                Targets::Numbers(_) => at_rank,
            },
            transform,
        })
    }

    /// The probability with which the truth is held.
    pub fn coverage(&self) -> f64 {
        self.coverage
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

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_core::random::{Purpose, Stream};
    use sweep_data::Dataset;

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
                        (
                            transform.invert(guess),
                            transform.invert(guess + noise) as f32,
                        )
                    };
                    let rows: Vec<(f64, f32)> = (0..99).map(draw).collect();
                    let y: Vec<f32> = rows.iter().map(|row| row.1).collect();
                    let side = || (vec![0.0; 99], y.clone());
                    let data = Dataset::in_memory_numbers(1, transform, side(), side());
                    let predicted = Predictions {
                        numbers: rows.iter().map(|row| row.0).collect(),
                        ..Predictions::default()
                    };
                    let found =
                        Conformal::new(coverage, data.meta(), &predicted, data.valid().y).unwrap();
                    let mut held = Held::default();
                    for row in 1_000..1_050 {
                        let (guess, actual) = draw(row);
                        let (low, high) = found.interval(guess);
                        let actual = f64::from(actual);
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
                (probabilities, truth as u32)
            };
            let rows: Vec<(Vec<f64>, u32)> = (0..99).map(draw).collect();
            let y: Vec<u32> = rows.iter().map(|row| row.1).collect();
            let side = || (vec![0.0; 99], y.clone());
            let data = Dataset::in_memory(1, 4, side(), side());
            let predicted = Predictions {
                probabilities: rows.iter().flat_map(|row| row.0.clone()).collect(),
                ..Predictions::default()
            };
            let found = Conformal::new(0.9, data.meta(), &predicted, data.valid().y).unwrap();
            let mut held = Held::default();
            for row in 1_000..1_050 {
                let (probabilities, truth) = draw(row);
                let set = found.set(&probabilities);
                held.add(set.len() as f64, Some(set.contains(&(truth as usize))));
            }
            held
        });
        assert!((share - 0.9).abs() < 0.01, "{share}");
    }

    #[test]
    fn few_rows_are_refused_and_a_set_is_never_empty() {
        let side = || (vec![0.0; 9], vec![0u32; 9]);
        let data = Dataset::in_memory(1, 2, side(), side());
        let predicted = Predictions {
            probabilities: [0.9, 0.1].repeat(9),
            ..Predictions::default()
        };
        let of = |coverage| Conformal::new(coverage, data.meta(), &predicted, data.valid().y);
        let found = of(0.9).unwrap();
        assert_eq!(found.set(&[0.5, 0.5]), [0]);
        assert_eq!(found.set(&[0.2, 0.8]), [1]);
        let few = TooFewRows {
            rows: 9,
            needed: 19,
        };
        assert_eq!(of(0.95), Err(few));
    }
}
