//! What the sets of classes or intervals of numbers of a model are like on the validation rows: how large they are, and how
//! many rows they hold that did not choose their limit.
//!
//! Pure, and the same for the same rows: halves are drawn by a fixed key. Sizes are by the limit from all validation rows, which
//! predictions use. How many rows are held cannot be counted on the rows that the limit is from: there it is from a random
//! half, groups whole, and counted on the other half.

use sweep_core::conformal::{Conformal, TooFewRows};
use sweep_core::data_config::TargetTransform;
use sweep_core::random::{Purpose, Stream};
use sweep_core::trial::{ConfigId, Kind, TrialId};

use super::evidence::Units;

/// Probabilities with which sets or intervals hold the truth.
pub const COVERAGES: [f64; 3] = [0.8, 0.9, 0.95];
/// Random halves; each is calibrated on and counted on.
pub const HALVES: u32 = 20;
/// Key of the halves; any number would do.
const SEED: u64 = 0;

/// Which model it is: the best run of the best configuration of a kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub kind: Kind,
    pub config: ConfigId,
    pub trial: TrialId,
    pub seed: u64,
}

/// What a model predicted for the validation rows, with the truth.
#[derive(Debug, Clone, PartialEq)]
pub enum Predicted {
    Classes {
        /// Row-major [rows, classes].
        probabilities: Vec<f64>,
        labels: Vec<u32>,
        classes: usize,
    },
    Numbers {
        transform: TargetTransform,
        /// (actual, predicted) [rows], in units of the target.
        rows: Vec<(f64, f64)>,
    },
}

/// The sets or intervals of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Regions {
    pub model: Model,
    /// Validation rows, and what was drawn when they were drawn: groups of rows, or rows.
    pub rows: usize,
    pub units: usize,
    /// By probability, ascending; without those for which there are too few rows.
    pub levels: Vec<Level>,
}

/// Sets or intervals that hold the truth with one probability.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// The probability that was asked for.
    pub coverage: f64,
    /// `None` where half of the rows are too few.
    pub held: Option<HeldOut>,
    pub size: Size,
}

/// Share of rows held that did not choose the limit: over halves.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldOut {
    pub mean: f64,
    pub lowest: f64,
    pub highest: f64,
    /// Of the rows of each class, all halves together; `None` of a class without rows. Empty of numbers.
    pub by_class: Vec<Option<f64>>,
}

/// How large sets or intervals are.
#[derive(Debug, Clone, PartialEq)]
pub enum Size {
    /// Rows by the number of classes in their set, from 1 on.
    Sets(Vec<u64>),
    Intervals {
        transform: TargetTransform,
        /// Half the width, of the target as it is learned.
        half_width: f64,
        /// In units of the target, over the validation rows.
        mean_width: f64,
    },
}

impl Regions {
    /// Of `model`, which predicted `predicted` for rows that were drawn in `units`.
    ///
    /// # Errors
    /// When there are too few rows for the least of [`COVERAGES`].
    pub fn of(model: Model, predicted: &Predicted, units: &Units) -> Result<Regions, TooFewRows> {
        let rows = Scored::of(predicted);
        // Fails as the first level does, if none is left.
        rows.limit(COVERAGES[0], |_| true)?;
        let levels = COVERAGES.into_iter().filter_map(|coverage| {
            let found = rows.limit(coverage, |_| true).ok()?;
            Some(Level {
                coverage,
                held: held_out(&rows, coverage, units),
                size: size(predicted, &found),
            })
        });
        Ok(Regions {
            model,
            rows: units.row_count(),
            units: units.count(),
            levels: levels.collect(),
        })
    }

    /// Those that hold the truth with the probability `coverage`.
    pub fn level(&self, coverage: f64) -> Option<&Level> {
        self.levels.iter().find(|level| level.coverage == coverage)
    }
}

impl HeldOut {
    /// The class whose rows are held least often, by its place, with their share.
    pub fn least_class(&self) -> Option<(usize, f64)> {
        let classes = self.by_class.iter().enumerate();
        let known = classes.filter_map(|(class, share)| Some((class, (*share)?)));
        known.min_by(|one, other| one.1.total_cmp(&other.1))
    }
}

impl Size {
    /// Classes in a set, or the width of an interval, on average.
    pub fn mean(&self) -> f64 {
        match self {
            Size::Sets(rows) => {
                let classes: u64 = (1..).zip(rows).map(|(classes, rows)| classes * rows).sum();
                classes as f64 / rows.iter().sum::<u64>() as f64
            }
            Size::Intervals { mean_width, .. } => *mean_width,
        }
    }
}

/// Of each row what decides whether it is held.
enum Scored {
    /// Its class, the probability of that, and whether no other is more probable.
    Classes(Vec<(usize, f64, bool)>),
    Numbers(TargetTransform, Vec<(f64, f64)>),
}

impl Scored {
    fn of(predicted: &Predicted) -> Scored {
        match predicted {
            Predicted::Classes {
                probabilities,
                labels,
                classes,
            } => {
                let rows = probabilities.chunks_exact(*classes).zip(labels);
                let of_row = |(row, label): (&[f64], &u32)| {
                    let label = *label as usize;
                    let first = (0..row.len())
                        .rev()
                        .max_by(|a, b| row[*a].total_cmp(&row[*b]));
                    (label, row[label], first == Some(label))
                };
                Scored::Classes(rows.map(of_row).collect())
            }
            Predicted::Numbers { transform, rows } => Scored::Numbers(*transform, rows.clone()),
        }
    }

    /// The limit from the rows that `counts` lets through.
    fn limit(
        &self,
        coverage: f64,
        counts: impl Fn(usize) -> bool,
    ) -> Result<Conformal, TooFewRows> {
        let is_in = |(place, _): &(usize, _)| counts(*place);
        match self {
            Scored::Classes(rows) => {
                let rows = rows.iter().map(|(_, own, _)| *own).enumerate();
                let rows = rows.filter(|(place, _)| counts(*place));
                Conformal::of_classes(coverage, rows.map(|(_, own)| own))
            }
            Scored::Numbers(transform, rows) => {
                let rows = rows.iter().copied().enumerate().filter(is_in);
                Conformal::of_numbers(coverage, *transform, rows.map(|(_, row)| row))
            }
        }
    }

    /// The class of `row`; `None` of numbers.
    fn class(&self, row: usize) -> Option<usize> {
        match self {
            Scored::Classes(rows) => Some(rows[row].0),
            Scored::Numbers(..) => None,
        }
    }

    /// Classes of which there may be rows.
    fn classes(&self) -> usize {
        match self {
            Scored::Classes(rows) => rows.iter().map(|(class, ..)| class + 1).max().unwrap_or(0),
            Scored::Numbers(..) => 0,
        }
    }

    /// Whether the set or the interval of `row` holds the truth.
    fn holds(&self, row: usize, found: &Conformal) -> bool {
        match self {
            Scored::Classes(rows) => {
                let (_, own, is_first) = rows[row];
                is_first || own >= found.limit()
            }
            Scored::Numbers(_, rows) => {
                let (actual, predicted) = rows[row];
                let (low, high) = found.interval(predicted);
                (low..=high).contains(&actual)
            }
        }
    }
}

/// The share of rows held, where limits are from one half of the units and rows of the other are counted.
fn held_out(rows: &Scored, coverage: f64, units: &Units) -> Option<HeldOut> {
    let mut shares = Vec::with_capacity(2 * HALVES as usize);
    // Rows held and rows counted, of each class.
    let mut by_class = vec![(0u64, 0u64); rows.classes()];
    for half in 0..HALVES {
        let mut order: Vec<u64> = (0..units.count() as u64).collect();
        Stream::new(SEED, Purpose::Halves, half, 0).shuffle(&mut order);
        let is_first = |row: usize| order[units.of_row(row)] < units.count() as u64 / 2;
        for side in [true, false] {
            let found = rows.limit(coverage, |row| is_first(row) == side).ok()?;
            let (mut held, mut all) = (0u64, 0u64);
            for row in (0..units.row_count()).filter(|row| is_first(*row) != side) {
                let holds = u64::from(rows.holds(row, &found));
                (held, all) = (held + holds, all + 1);
                if let Some(class) = rows.class(row) {
                    by_class[class].0 += holds;
                    by_class[class].1 += 1;
                }
            }
            shares.push(held as f64 / all as f64);
        }
    }
    Some(HeldOut {
        mean: shares.iter().sum::<f64>() / shares.len() as f64,
        lowest: shares.iter().copied().fold(f64::INFINITY, f64::min),
        highest: shares.iter().copied().fold(0.0, f64::max),
        by_class: (by_class.into_iter())
            .map(|(held, all)| (all > 0).then(|| held as f64 / all as f64))
            .collect(),
    })
}

fn size(predicted: &Predicted, found: &Conformal) -> Size {
    match predicted {
        Predicted::Classes {
            probabilities,
            classes,
            ..
        } => {
            let mut rows = vec![0; *classes];
            for row in probabilities.chunks_exact(*classes) {
                let inside = row.iter().filter(|own| **own >= found.limit()).count();
                rows[inside.max(1) - 1] += 1;
            }
            Size::Sets(rows)
        }
        Predicted::Numbers { transform, rows } => {
            let widths = rows.iter().map(|(_, predicted)| {
                let (low, high) = found.interval(*predicted);
                high - low
            });
            Size::Intervals {
                transform: *transform,
                half_width: found.limit(),
                mean_width: widths.sum::<f64>() / rows.len() as f64,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> Model {
        Model {
            kind: Kind::MLP,
            config: ConfigId::from_hex("c".repeat(32)),
            trial: TrialId::from_hex("d".repeat(32)),
            seed: 1,
        }
    }

    /// Numbers whose errors are normal, of `rows` rows, the same in every group of `together` rows.
    fn numbers(rows: usize, together: usize, transform: TargetTransform) -> Predicted {
        let stream = Stream::new(9, Purpose::Synthetic, 0, 0);
        let row = |row: usize| {
            let guess = 1.0 + 1e-4 * row as f64;
            let error = stream.normal((row / together) as u32);
            (transform.invert(guess + error), transform.invert(guess))
        };
        Predicted::Numbers {
            transform,
            rows: (0..rows).map(row).collect(),
        }
    }

    #[test]
    fn rows_that_did_not_choose_the_limit_are_held_as_often_as_asked() {
        for transform in TargetTransform::ALL {
            let rows = 20_000;
            let said = numbers(rows, 1, transform);
            let found = Regions::of(model(), &said, &Units::rows(rows)).unwrap();
            let coverages: Vec<f64> = found.levels.iter().map(|level| level.coverage).collect();
            assert_eq!(coverages, COVERAGES);
            for level in &found.levels {
                let held = level.held.as_ref().unwrap();
                assert!(held.by_class.is_empty() && held.least_class().is_none());
                assert!((held.mean - level.coverage).abs() < 0.01, "{held:?}");
                assert!(held.lowest < held.mean && held.mean < held.highest);
                let Size::Intervals { half_width, .. } = level.size else {
                    panic!("numbers have intervals");
                };
                // Of a standard normal: 1.282, 1.645 and 1.960.
                let expected = [1.282, 1.645, 1.960][coverages
                    .iter()
                    .position(|other| *other == level.coverage)
                    .unwrap()];
                assert!((half_width / expected - 1.0).abs() < 0.025, "{half_width}");
            }
            assert_eq!(found.level(0.9).unwrap().coverage, 0.9);
            assert!(found.level(0.5).is_none());
        }
    }

    #[test]
    fn groups_stay_whole() {
        // Twenty rows of each group have one error. Rows apart would tell of each other: with them, what is held varies
        // from half to half as little as 800 rows do, with groups as 40 do.
        let (rows, together) = (800, 20);
        let said = numbers(rows, together, TargetTransform::None);
        let groups: Vec<u64> = (0..rows).map(|row| (row / together) as u64).collect();
        let range = |units: &Units| {
            let found = Regions::of(model(), &said, units).unwrap();
            let held = found.level(0.8).unwrap().held.clone().unwrap();
            (found.units, held.highest - held.lowest)
        };
        let (of_rows, of_groups) = (range(&Units::rows(rows)), range(&Units::groups(&groups)));
        assert_eq!((of_rows.0, of_groups.0), (800, 40));
        assert!(of_groups.1 > 2.0 * of_rows.1, "{of_rows:?} {of_groups:?}");
    }

    #[test]
    fn sets_are_counted_by_their_classes_and_few_rows_have_fewer_levels() {
        // Of ten rows, nine have 0.7 for their class; the last has 0.2 for it, and two classes above that.
        let mut probabilities = [0.7, 0.2, 0.1].repeat(9);
        probabilities.extend([0.4, 0.4, 0.2]);
        let labels = [vec![0; 9], vec![2]].concat();
        let said = Predicted::Classes {
            probabilities,
            labels,
            classes: 3,
        };
        let found = Regions::of(model(), &said, &Units::rows(10)).unwrap();
        // Of 11 rows 9.9 are to be held: the tenth of ten is the least probable one, at 0.2. 95% need 19 rows.
        assert_eq!(found.levels.len(), 2);
        let (few, most) = (&found.levels[0], &found.levels[1]);
        assert_eq!(few.size, Size::Sets(vec![10, 0, 0]));
        assert_eq!(most.size, Size::Sets(vec![0, 9, 1]));
        assert!((most.size.mean() - 2.1).abs() < 1e-12);
        // Five rows are enough for 80%, and too few for 90%.
        assert!(few.held.is_some() && most.held.is_none());
        let few = Regions::of(
            model(),
            &numbers(3, 1, TargetTransform::None),
            &Units::rows(3),
        );
        assert_eq!(few, Err(TooFewRows { rows: 3, needed: 4 }));
    }

    #[test]
    fn a_class_that_is_held_less_often_is_told() {
        // Rows of the second class are rare and never look like it; the limit is one that the others meet.
        let rows = 400u32;
        let row = |row: u32| match row % 20 {
            0 => [0.9, 0.0],
            _ => [0.6 + 0.001 * f64::from(row), 0.0],
        };
        let probabilities = (0..rows).flat_map(row).map(|own| own.min(1.0)).collect();
        let labels = (0..rows).map(|row| u32::from(row % 20 == 0)).collect();
        let said = Predicted::Classes {
            probabilities,
            labels,
            classes: 2,
        };
        let found = Regions::of(model(), &said, &Units::rows(rows as usize)).unwrap();
        let held = found.level(0.9).unwrap().held.clone().unwrap();
        assert_eq!(held.by_class, [Some(1.0), Some(0.0)]);
        assert_eq!(held.least_class(), Some((1, 0.0)));
        assert!((held.mean - 0.95).abs() < 1e-12);
    }

    #[test]
    fn a_set_holds_the_most_probable_class_whatever_the_limit() {
        // Always right, at half: the limit is a half, and rows below it are still held.
        let said = Predicted::Classes {
            probabilities: [0.5, 0.3, 0.2].repeat(50),
            labels: vec![0; 50],
            classes: 3,
        };
        let found = Regions::of(model(), &said, &Units::rows(50)).unwrap();
        for level in &found.levels {
            let held = level.held.as_ref().unwrap();
            assert_eq!((held.mean, held.least_class()), (1.0, Some((0, 1.0))));
            assert_eq!(level.size, Size::Sets(vec![50, 0, 0]));
        }
    }
}
