//! What calibration brings, measured on rows that it was not fitted on, and which calibration a model gets.
//!
//! The rows are dealt into parts; what is said of each part is calibrated by what is fitted on the others, as scikit-learn's
//! `cross_val_predict` does. A calibration that is fitted and scored on the same rows is flattered: one number a little, a curve
//! for each class much more.
//!
//! Invariant: parts are a function of labels and groups alone, so that all trials on the same rows have the same ones.

use std::ops::Range;

use sweep_core::random::{Purpose, Stream};
use sweep_core::trial::log_loss;

use super::calibrator::{CalibrationMethod, Calibrator, Curve};
use super::temperature::{LEAST, Logits};

/// Parts of the rows.
const PARTS: usize = 5;
/// Rows from which on isotonic regression is tried: scikit-learn advises against it below about a thousand.
pub const ISOTONIC_ROWS: usize = 1000;
/// Rows that calibrations are fitted on at most while they are measured; each row is scored.
const MAX_FITTED: usize = 50_000;
/// Key of the deal; any number would do.
const SEED: u64 = 0;

/// Rows that a calibration is fitted on, and what is predicted for them.
#[derive(Debug, Clone, Copy)]
pub struct CalibrationRows<'a> {
    pub classes: usize,
    /// Row-major [rows, classes].
    pub probabilities: &'a [f64],
    /// [rows].
    pub labels: &'a [u32],
    /// Rows of one number stay in one part [rows]; `None` if each row stands for itself.
    pub groups: Option<&'a [u32]>,
}

/// The calibration that is best on rows that it was not fitted on.
#[derive(Debug, Clone, PartialEq)]
pub struct CrossFit {
    pub method: CalibrationMethod,
    /// Log losses with probabilities that are calibrated by the other parts [rows], in nats.
    pub losses: Vec<f64>,
}

impl CrossFit {
    /// The best of `methods`, by its mean log loss; of equal ones the first. Isotonic regression is left out where there are
    /// fewer than [`ISOTONIC_ROWS`] rows.
    ///
    /// A row that no other part can calibrate, because there is none, keeps the probabilities that it has.
    ///
    /// # Panics
    /// Without a method, and when `rows` do not have as many probabilities as labels.
    pub fn of(methods: &[CalibrationMethod], rows: CalibrationRows<'_>) -> CrossFit {
        assert_eq!(rows.probabilities.len(), rows.labels.len() * rows.classes);
        let parts = Parts::of(rows.labels, rows.groups);
        let mut best: Option<(f64, CrossFit)> = None;
        for method in methods {
            let mut losses = match method {
                CalibrationMethod::Temperature => by_temperature(rows, &parts),
                CalibrationMethod::Isotonic if rows.labels.len() < ISOTONIC_ROWS => continue,
                CalibrationMethod::Isotonic => isotonic(rows, &parts),
            };
            for (loss, row) in losses
                .iter_mut()
                .zip(rows.probabilities.chunks_exact(rows.classes))
            {
                if row.iter().any(|value| value.is_nan()) {
                    *loss = f64::NAN;
                }
            }
            let sum = losses.iter().sum::<f64>();
            if best.as_ref().is_none_or(|(least, _)| sum < *least) {
                let method = *method;
                best = Some((sum, CrossFit { method, losses }));
            }
        }
        best.expect("there is a method for any number of rows").1
    }

    /// The calibration of the chosen method, fitted on all `rows`.
    pub fn fit(&self, rows: CalibrationRows<'_>) -> Calibrator {
        Calibrator::fit(self.method, rows.classes, rows.probabilities, rows.labels)
    }
}

/// Rows by part, each part in a random order.
struct Parts {
    order: Vec<u32>,
    /// Where each part begins, and where the last one ends.
    starts: [usize; PARTS + 1],
}

impl Parts {
    /// Deals rows out class by class, so that each part has its share of every class; whole groups one by one.
    fn of(labels: &[u32], groups: Option<&[u32]>) -> Parts {
        let stream = Stream::new(SEED, Purpose::CalibrationParts, 0, 0);
        let mut order: Vec<u32> = (0..labels.len() as u32).collect();
        stream.shuffle(&mut order);
        let part_of = match groups {
            None => deal(&order, labels),
            Some(groups) => {
                let number = groups.iter().max().map_or(0, |last| *last as usize + 1);
                let mut shuffled: Vec<u32> = (0..number as u32).collect();
                stream.shuffle(&mut shuffled);
                let of_groups = deal(&shuffled, &vec![0; number]);
                groups
                    .iter()
                    .map(|group| of_groups[*group as usize])
                    .collect()
            }
        };
        // A counting sort, which leaves the order within a part as it is.
        let mut starts = [0; PARTS + 1];
        part_of
            .iter()
            .for_each(|part| starts[*part as usize + 1] += 1);
        (0..PARTS).for_each(|part| starts[part + 1] += starts[part]);
        let (mut next, mut sorted) = (starts, vec![0; order.len()]);
        for row in order {
            let part = part_of[row as usize] as usize;
            sorted[next[part]] = row;
            next[part] += 1;
        }
        Parts {
            order: sorted,
            starts,
        }
    }

    /// Places in the order of the rows of one part.
    fn range(&self, part: usize) -> Range<usize> {
        self.starts[part]..self.starts[part + 1]
    }

    /// Places of those that others are fitted on: all of it, unless there are very many rows.
    fn fitted(&self, part: usize) -> Range<usize> {
        let range = self.range(part);
        let all = self.order.len();
        let most = match all <= MAX_FITTED {
            true => range.len(),
            false => (range.len() as u128 * MAX_FITTED as u128 / all as u128) as usize,
        };
        range.start..range.start + most
    }

    /// Likewise, of all parts but one; none of them empty.
    fn others(&self, part: usize) -> Vec<Range<usize>> {
        let others = (0..PARTS).filter(|other| *other != part);
        let ranges = others.map(|other| self.fitted(other));
        ranges.filter(|range| !range.is_empty()).collect()
    }
}

/// The part of each unit, by class and within each in this `order`.
fn deal(order: &[u32], classes: &[u32]) -> Vec<u8> {
    let number = classes.iter().max().map_or(0, |last| *last as usize + 1);
    let mut before = vec![0; number + 1];
    classes
        .iter()
        .for_each(|class| before[*class as usize + 1] += 1);
    (0..number).for_each(|class| before[class + 1] += before[class]);
    let mut parts = vec![0; order.len()];
    for unit in order {
        let next = &mut before[classes[*unit as usize] as usize];
        parts[*unit as usize] = (*next % PARTS) as u8;
        *next += 1;
    }
    parts
}

/// Log losses [rows] with the temperature of the other parts.
fn by_temperature(rows: CalibrationRows<'_>, parts: &Parts) -> Vec<f64> {
    let places = parts.order.iter().map(|row| *row as usize);
    let logits = Logits::new(rows.classes, rows.probabilities, rows.labels, places);
    let all: Vec<Range<usize>> = parts.others(PARTS);
    // The best power of all rows is nearly that of four fifths of them.
    let start = match all.is_empty() {
        true => 1.0,
        false => logits.power(&all, 1.0),
    };
    let mut losses = vec![0.0; rows.labels.len()];
    for part in 0..PARTS {
        let others = parts.others(part);
        let power = match others.is_empty() {
            true => 1.0,
            false => logits.power(&others, start),
        };
        for place in parts.range(part) {
            let row = parts.order[place] as usize;
            losses[row] = logits.loss(place, power).min(-LEAST.ln());
        }
    }
    losses
}

/// Log losses [rows] with the curves of the other parts.
fn isotonic(rows: CalibrationRows<'_>, parts: &Parts) -> Vec<f64> {
    let mut part_of = vec![0u8; rows.labels.len()];
    let mut is_fitted = vec![false; rows.labels.len()];
    for part in 0..PARTS {
        for place in parts.range(part) {
            part_of[parts.order[place] as usize] = part as u8;
            is_fitted[parts.order[place] as usize] = parts.fitted(part).contains(&place);
        }
    }
    let mut curves: [Vec<Curve>; PARTS] = Default::default();
    for class in Calibrator::curves(rows.classes) {
        // Sorted once for all parts.
        let mut sorted: Vec<(f64, u8, bool)> = (part_of.iter().enumerate())
            .filter(|(row, _)| is_fitted[*row])
            .map(|(row, part)| {
                let value = rows.probabilities[row * rows.classes + class];
                (value, *part, rows.labels[row] as usize == class)
            })
            .collect();
        sorted.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
        for (part, curves) in curves.iter_mut().enumerate() {
            let others = sorted.iter().filter(|(_, own, _)| *own as usize != part);
            curves.push(Curve::fit(
                others.map(|(value, _, is_own)| (*value, *is_own)),
            ));
        }
    }
    let calibrators = curves.map(Calibrator::Isotonic);
    let is_calibrated: [bool; PARTS] = std::array::from_fn(|part| !parts.others(part).is_empty());
    let mut row_buffer = vec![0.0; rows.classes];
    let by_row = rows.probabilities.chunks_exact(rows.classes);
    let each = by_row.zip(rows.labels).zip(&part_of);
    each.map(|((row, label), part)| {
        row_buffer.copy_from_slice(row);
        if is_calibrated[*part as usize] {
            calibrators[*part as usize].apply(&mut row_buffer);
        }
        log_loss(row_buffer[*label as usize])
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use CalibrationMethod::{Isotonic, Temperature};

    /// Rows of which each class has a third; `sharpness` is the power to which true probabilities are raised.
    fn rows(count: u32, sharpness: f64) -> (Vec<f64>, Vec<u32>) {
        let stream = Stream::new(3, Purpose::Synthetic, 0, 0);
        let (mut probabilities, mut labels) = (Vec::new(), Vec::new());
        for row in 0..count {
            let scores = [0, 1, 2].map(|class| 2.0 * stream.normal(3 * row + class));
            let sum: f64 = scores.iter().map(|score| score.exp()).sum();
            let mut draw = stream.uniform(1_000_000 + row) * sum;
            let label = scores.iter().position(|score| {
                draw -= score.exp();
                draw < 0.0
            });
            labels.push(label.unwrap_or(2) as u32);
            let sum: f64 = scores.iter().map(|score| (sharpness * score).exp()).sum();
            probabilities.extend(scores.map(|score| (sharpness * score).exp() / sum));
        }
        (probabilities, labels)
    }

    fn on<'a>(
        (probabilities, labels): &'a (Vec<f64>, Vec<u32>),
        groups: Option<&'a [u32]>,
    ) -> CalibrationRows<'a> {
        CalibrationRows {
            classes: 3,
            probabilities,
            labels,
            groups,
        }
    }

    fn mean(values: &[f64]) -> f64 {
        values.iter().sum::<f64>() / values.len() as f64
    }

    #[test]
    fn each_part_is_calibrated_by_what_is_fitted_on_the_others() {
        let own = rows(1200, 3.0);
        let groups: Vec<u32> = (0..1200).map(|row| row / 7).collect();
        for (method, groups) in [
            (Temperature, None),
            (Isotonic, None),
            (Temperature, Some(groups.as_slice())),
            (Isotonic, Some(groups.as_slice())),
        ] {
            let rows = on(&own, groups);
            let parts = Parts::of(rows.labels, groups);
            let found = CrossFit::of(&[method], rows);
            for part in 0..PARTS {
                let (mut fitted, mut labels) = (Vec::new(), Vec::new());
                for place in (0..1200).filter(|place| !parts.range(part).contains(place)) {
                    let row = parts.order[place] as usize;
                    fitted.extend_from_slice(&rows.probabilities[3 * row..3 * row + 3]);
                    labels.push(rows.labels[row]);
                }
                let calibrator = Calibrator::fit(method, 3, &fitted, &labels);
                for place in parts.range(part) {
                    let row = parts.order[place] as usize;
                    let mut said = rows.probabilities[3 * row..3 * row + 3].to_vec();
                    calibrator.apply(&mut said);
                    let expected = log_loss(said[rows.labels[row] as usize]);
                    assert!(
                        (found.losses[row] - expected).abs() < 1e-9,
                        "{method:?} {row}"
                    );
                }
            }
        }
    }

    #[test]
    fn parts_have_their_share_of_every_class_and_whole_groups() {
        let (_, labels) = rows(1003, 1.0);
        let parts = Parts::of(&labels, None);
        let mut seen = parts.order.clone();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..1003));
        for part in 0..PARTS {
            assert!((200..=201).contains(&parts.range(part).len()));
            for class in 0..3 {
                let is_of = |row: &u32| labels[*row as usize] == class;
                let all = labels.iter().filter(|label| **label == class).count();
                let own = parts.order[parts.range(part)]
                    .iter()
                    .filter(|row| is_of(row));
                assert!(own.count().abs_diff(all / PARTS) <= 1);
            }
        }
        let groups: Vec<u32> = (0..1003).map(|row| row * 7 % 50).collect();
        let parts = Parts::of(&labels, Some(&groups));
        let mut part_of = [None; 50];
        for part in 0..PARTS {
            for row in &parts.order[parts.range(part)] {
                let own = &mut part_of[groups[*row as usize] as usize];
                assert_eq!(*own.get_or_insert(part), part);
            }
        }
    }

    #[test]
    fn a_curve_is_tried_where_there_are_enough_rows_and_taken_where_it_is_better() {
        // Probabilities that one power mends: a curve has nothing to add.
        let sharp = rows(3000, 3.0);
        let both = CrossFit::of(&[Temperature, Isotonic], on(&sharp, None));
        assert_eq!(both.method, Temperature);
        let found = both.fit(on(&sharp, None));
        let Calibrator::Temperature(temperature) = found else {
            panic!("it is the method that was chosen");
        };
        assert!((temperature - 3.0).abs() < 0.15, "{temperature}");
        // Those of one class are too high, which no power mends.
        let mut bent = rows(3000, 1.0);
        for row in bent.0.chunks_exact_mut(3) {
            row[0] = row[0].sqrt();
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|value| *value /= sum);
        }
        let both = CrossFit::of(&[Temperature, Isotonic], on(&bent, None));
        assert_eq!(both.method, Isotonic);
        let alone = CrossFit::of(&[Temperature], on(&bent, None));
        assert!(mean(&both.losses) < mean(&alone.losses) - 0.005);
        let few = (bent.0[..3 * 999].to_vec(), bent.1[..999].to_vec());
        let both = CrossFit::of(&[Temperature, Isotonic], on(&few, None));
        assert_eq!(both.method, Temperature);
    }

    #[test]
    fn the_loss_of_other_rows_is_told_without_flattery() {
        let (all, labels) = rows(21_000, 3.0);
        let first = (all[..3 * 1000].to_vec(), labels[..1000].to_vec());
        for method in [Temperature, Isotonic] {
            let found = CrossFit::of(&[method], on(&first, None));
            let calibrator = found.fit(on(&first, None));
            let flattered = mean(&calibrator.losses(&first.0, &first.1));
            let crossed = mean(&found.losses);
            assert!(flattered < crossed, "{method:?}: {flattered} {crossed}");
            // What the fit on all of them scores on rows that nothing was fitted on, but for how hard the first rows are.
            let hard = |all: &[f64], labels: &[u32]| {
                let known = Calibrator::Temperature(3.0).losses(all, labels);
                mean(&known)
            };
            let of_others = mean(&calibrator.losses(&all[3000..], &labels[1000..]))
                - hard(&all[3000..], &labels[1000..]);
            let told = crossed - hard(&first.0, &first.1);
            assert!(
                (told - of_others).abs() < 0.02,
                "{method:?}: {told} {of_others}"
            );
        }
    }

    #[test]
    fn few_rows_and_what_is_not_a_number_are_no_trouble() {
        for count in 1..8 {
            let own = rows(count, 2.0);
            let found = CrossFit::of(&[Temperature, Isotonic], on(&own, None));
            assert_eq!(found.losses.len(), count as usize);
            assert!(found.losses.iter().all(|loss| loss.is_finite()));
        }
        // One group has no others: it stays as it is.
        let own = rows(20, 2.0);
        let found = CrossFit::of(&[Temperature], on(&own, Some(&[0; 20])));
        for ((row, label), loss) in own.0.chunks(3).zip(&own.1).zip(&found.losses) {
            assert!((log_loss(row[*label as usize]) - loss).abs() < 1e-9);
        }
        let mut broken = rows(1200, 2.0);
        broken.0[4] = f64::NAN;
        let found = CrossFit::of(&[Temperature, Isotonic], on(&broken, None));
        assert!(found.losses[1].is_nan());
        assert!(found.losses[0].is_finite() && found.losses[2].is_finite());
        let empty = (Vec::new(), Vec::new());
        assert!(
            CrossFit::of(&[Temperature], on(&empty, None))
                .losses
                .is_empty()
        );
    }

    #[test]
    fn of_very_many_rows_a_part_is_fitted_on_and_each_is_scored() {
        let many = rows(120_000, 3.0);
        let parts = Parts::of(&many.1, None);
        let fitted: usize = (0..PARTS).map(|part| parts.fitted(part).len()).sum();
        assert!((MAX_FITTED - PARTS..=MAX_FITTED).contains(&fitted));
        let found = CrossFit::of(&[Temperature], on(&many, None));
        let known = Calibrator::Temperature(3.0).losses(&many.0, &many.1);
        assert!((mean(&found.losses) - mean(&known)).abs() < 1e-3);
    }
}
