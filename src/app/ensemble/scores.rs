//! Metrics of an ensemble on the validation rows: on all of them, which have chosen it, and where halves of them choose for
//! each other.

use std::collections::HashMap;

use sweep_analysis::ensemble::{Halves, Library, Method, halves};
use sweep_analysis::evidence::Units;
use sweep_core::trial::models::Loss;
use sweep_core::trial::{Metric, Objective};
use sweep_data::Dataset;
use sweep_engine::predict::Predictions;
use sweep_engine::score::{Measure, Outputs};

use super::candidates::best_by;
use super::predictions::Said;
use crate::valid_rows::ValidRows;

/// How often the rows are halved.
const REPEATS: u32 = 5;

/// Metrics by name, in the order in which they are shown.
pub type Values = Vec<(Metric, f64)>;

/// What is measured, and how.
#[derive(Clone, Copy)]
pub struct Measured<'a> {
    pub rows: &'a ValidRows,
    pub objective: &'a Objective,
    /// Of numbers.
    pub loss: Loss,
}

/// Scores of choices on rows that have not made them: of the ensemble, and of the best single candidate.
pub struct CrossFitted {
    pub ensemble: Values,
    pub single: Values,
}

impl Measured<'_> {
    /// The metrics of what was `predicted` for the rows of each fold; means over folds.
    pub fn of(self, predicted: &[Predictions]) -> Values {
        let of_fold = |(fold, said): (usize, &Predictions)| {
            let outputs = match said.numbers.is_empty() {
                true => &said.probabilities,
                false => &said.numbers,
            };
            self.of_fold(fold, outputs)
        };
        let folds = predicted.iter().enumerate();
        mean(&folds.map(of_fold).collect::<Vec<_>>())
    }

    /// The metrics of `outputs` for the rows of one fold.
    fn of_fold(self, fold: usize, outputs: &[f64]) -> Values {
        self.measure(fold, outputs, None).at_best(self.objective)
    }

    fn measure<'b>(self, fold: usize, outputs: &'b [f64], times: Option<&'b [u32]>) -> Measure<'b>
    where
        Self: 'b,
    {
        let data: &Dataset = &self.rows.folds[fold].data;
        let outputs = match data.meta().number {
            None => Outputs::Probabilities(outputs),
            Some(_) => Outputs::Numbers(outputs),
        };
        Measure::with_times(data.meta(), outputs, data.valid().y, self.loss, times)
    }

    /// Scores where halves of the `units` of the rows choose by `method` among the candidates of `library`, who `said` so, for
    /// each other; `None` where rows are too few.
    pub fn cross_fitted(
        self,
        library: &Library,
        said: &[Said],
        (method, units): (Method, &Units),
    ) -> Option<CrossFitted> {
        let places: Vec<u32> = (self.rows.folds.iter())
            .flat_map(|fold| fold.places.iter().copied())
            .collect();
        let (mut ensembles, mut singles) = (Vec::new(), Vec::new());
        for repeat in 0..REPEATS {
            let halves = halves(library, method, (units, &places), repeat)?;
            ensembles.push(self.mixed(&halves, said));
            singles.push(self.mixed(&self.single(&halves, said)?, said));
        }
        Some(CrossFitted {
            ensemble: mean(&ensembles),
            single: mean(&singles),
        })
    }

    /// The metrics of rows that are predicted with the weights that the other half has chosen.
    fn mixed(self, halves: &Halves, said: &[Said]) -> Values {
        let mut start = 0;
        let mut folds = Vec::with_capacity(self.rows.folds.len());
        for (fold, own) in self.rows.folds.iter().enumerate() {
            let rows = own.data.valid().y.len();
            let width = own.data.meta().outputs();
            let mut outputs = vec![0.0; rows * width];
            for (candidate, said) in said.iter().enumerate() {
                let by_row = outputs.chunks_exact_mut(width);
                let by_row = by_row.zip(said.outputs[fold].chunks_exact(width));
                for (row, (sums, values)) in by_row.enumerate() {
                    let weight = halves.of_row(start + row)[candidate];
                    if weight > 0.0 {
                        (sums.iter_mut().zip(values))
                            .for_each(|(sum, value)| *sum += weight * f64::from(*value));
                    }
                }
            }
            folds.push(self.of_fold(fold, &outputs));
            start += rows;
        }
        mean(&folds)
    }

    /// The same halves, each of which chooses the one candidate that is best by the objective.
    fn single(self, halves: &Halves, said: &[Said]) -> Option<Halves> {
        let mut of_half = [Vec::new(), Vec::new()];
        for said in said {
            let outputs: Vec<Vec<f64>> = (said.outputs.iter())
                .map(|fold| fold.iter().map(|value| f64::from(*value)).collect())
                .collect();
            for (half, values) in of_half.iter_mut().enumerate() {
                values.push(self.objective_on(halves, half == 0, &outputs));
            }
        }
        let [first, second] = of_half.map(|values| best_by(self.objective, &values));
        let weights = |best: usize| {
            let mut weights = vec![0.0; said.len()];
            weights[best] = 1.0;
            weights
        };
        Some(Halves {
            is_first: halves.is_first.clone(),
            weights: [weights(first?), weights(second?)],
        })
    }

    /// The objective on the first half of the rows, or on the second, the mean over folds with such rows.
    fn objective_on(self, halves: &Halves, first: bool, outputs: &[Vec<f64>]) -> Option<f64> {
        let mut start = 0;
        let mut values = Vec::with_capacity(outputs.len());
        for (fold, outputs) in outputs.iter().enumerate() {
            let rows = self.rows.folds[fold].places.len();
            let is_first = &halves.is_first[start..start + rows];
            start += rows;
            let times: Vec<u32> = (is_first.iter())
                .map(|is_first| u32::from(*is_first == first))
                .collect();
            if times.contains(&1) {
                let measure = self.measure(fold, outputs, Some(&times));
                values.push(measure.value(&self.objective.metric)?);
            }
        }
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }
}

/// The mean of each metric that all of `each` have.
fn mean(each: &[Values]) -> Values {
    let mut sums: HashMap<&str, (f64, usize)> = HashMap::new();
    for (metric, value) in each.iter().flatten() {
        let (sum, count) = sums.entry(metric).or_default();
        *sum += value;
        *count += 1;
    }
    let names = each.first().into_iter().flatten().map(|(metric, _)| metric);
    let means = names.filter_map(|metric| {
        let (sum, count) = sums[metric.as_str()];
        (count == each.len()).then(|| (metric.clone(), sum / count as f64))
    });
    means.collect()
}
