//! Which rows train, which validate, which test: a pure function of labels, groups and the seed.
//!
//! Invariant: every row stands on one side, and all rows of a group stand on the same.

use sweep_core::random::{Purpose, Stream};
use sweep_core::split_spec::SplitSpec;

/// Splits of a split, as indices.
pub(super) const TRAIN: usize = 0;
pub(super) const VALID: usize = 1;
pub(super) const TEST: usize = 2;
/// Their names in messages.
pub(super) const SPLITS: [&str; 3] = ["training", "validation", "test"];

/// Places in the labels of each side, ascending.
pub(super) type Splits = [Vec<u32>; 3];

/// Splits rows with these `labels` (each below `classes`) and `groups` (codes from 0 up) by [`apportion`].
pub(super) fn split(
    labels: &[u32],
    classes: usize,
    groups: Option<&[u32]>,
    spec: &SplitSpec,
) -> Splits {
    let all: Vec<u32> = (0..labels.len() as u32).collect();
    let shares = [1.0 - spec.valid - spec.test, spec.valid, spec.test];
    let strata = Strata::of(labels, classes, spec.stratify);
    let stream = Stream::new(spec.seed, Purpose::Split, 0, 0);
    let mut dealt = apportion(&Units::of(&all, groups), &strata, &shares, stream).into_iter();
    std::array::from_fn(|_| dealt.next().unwrap_or_default())
}

/// The parts of the rows of which every side gets its share: classes, or all rows in one.
#[derive(Clone, Copy)]
pub(super) struct Strata<'a> {
    /// Of each row; `None` where there is one.
    labels: Option<&'a [u32]>,
    count: usize,
}

impl<'a> Strata<'a> {
    /// `labels`, each below `count`, if `stratify` is set.
    pub fn of(labels: &'a [u32], count: usize, stratify: bool) -> Strata<'a> {
        match stratify {
            true => Strata {
                labels: Some(labels),
                count,
            },
            false => Strata {
                labels: None,
                count: 1,
            },
        }
    }

    fn stratum(&self, row: u32) -> usize {
        self.labels
            .map_or(0, |labels| labels[row as usize] as usize)
    }
}

/// Deals the rows of `units` to as many sides as there are `shares`, which add up to 1; each side is
/// ascending.
///
/// Units, that is groups or single rows, are taken in random order, larger ones first, and each
/// goes to the side where it leaves the class counts nearest (by chi-square) to the shares wanted.
/// For single rows that is the apportionment of Sainte-Laguë: counts are within a row of the
/// shares.
pub(super) fn apportion(
    units: &Units,
    strata: &Strata,
    shares: &[f64],
    stream: Stream,
) -> Vec<Vec<u32>> {
    let sides = shares.len();
    let mut wanted = vec![vec![0.0; sides]; strata.count];
    for row in &units.rows {
        for (side, share) in shares.iter().enumerate() {
            wanted[strata.stratum(*row)][side] += share;
        }
    }
    let mut order: Vec<u32> = (0..units.len() as u32).collect();
    stream.shuffle(&mut order);
    order.sort_by_key(|unit| std::cmp::Reverse(units.rows(*unit).len()));
    let mut had = vec![vec![0.0; sides]; strata.count];
    let mut dealt = vec![Vec::new(); sides];
    let mut counts: Vec<(usize, f64)> = Vec::new();
    for unit in order {
        let unit = units.rows(unit);
        counts.clear();
        for row in unit {
            let own = strata.stratum(*row);
            match counts.iter_mut().find(|(stratum, _)| *stratum == own) {
                Some((_, count)) => *count += 1.0,
                None => counts.push((own, 1.0)),
            }
        }
        let cost = |side: usize| -> f64 {
            let one = |&(stratum, count): &(usize, f64)| {
                let (had, wanted): (f64, f64) = (had[stratum][side], wanted[stratum][side]);
                count * (2.0 * (had - wanted) + count) / wanted
            };
            counts.iter().map(one).sum()
        };
        let open = (0..sides).filter(|side| shares[*side] > 0.0);
        let side = open
            .min_by(|a, b| cost(*a).total_cmp(&cost(*b)))
            .unwrap_or(TRAIN);
        for (stratum, count) in &counts {
            had[*stratum][side] += count;
        }
        dealt[side].extend_from_slice(unit);
    }
    dealt.iter_mut().for_each(|side| side.sort_unstable());
    dealt
}

/// Rows that stay together: those of a group, or each row by itself.
pub(super) struct Units {
    /// All rows, those of a unit together, ascending.
    rows: Vec<u32>,
    /// Where each unit begins in `rows`, and the end.
    starts: Vec<u32>,
}

impl Units {
    /// Those of `rows`, ascending, by the number that `groups` has for each row; in the order of these numbers.
    pub fn of(rows: &[u32], groups: Option<&[u32]>) -> Units {
        let Some(groups) = groups else {
            return Units {
                rows: rows.to_vec(),
                starts: (0..=rows.len() as u32).collect(),
            };
        };
        let mut sorted = rows.to_vec();
        sorted.sort_by_key(|row| groups[*row as usize]);
        let is_first = |place: &usize| {
            let group = |place: usize| groups[sorted[place] as usize];
            *place == 0 || group(*place) != group(place - 1)
        };
        let mut starts: Vec<u32> = (0..sorted.len())
            .filter(is_first)
            .map(|place| place as u32)
            .collect();
        starts.push(sorted.len() as u32);
        Units {
            rows: sorted,
            starts,
        }
    }

    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    pub fn rows(&self, unit: u32) -> &[u32] {
        let unit = unit as usize;
        &self.rows[self.starts[unit] as usize..self.starts[unit + 1] as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_core::split_spec::SplitBy;

    fn spec(valid: f64, test: f64, stratify: bool, seed: u64) -> SplitSpec {
        SplitSpec {
            valid,
            test,
            test_path: None,
            stratify,
            seed,
            by: SplitBy::Chance,
            folds: None,
        }
    }

    /// Made-up labels of five uneven classes, and groups of one to about ten rows.
    fn rows(seed: u64) -> (Vec<u32>, Vec<u32>) {
        let stream = Stream::new(seed, Purpose::Synthetic, 9, 9);
        let labels = (0..3000)
            .map(|i| (stream.uniform(i).powi(2) * 5.0) as u32)
            .collect();
        let mut group = 0;
        let groups = (0..3000)
            .map(|i| {
                group += u32::from(i > 0 && stream.uniform(5000 + i) < 0.3);
                group
            })
            .collect();
        (labels, groups)
    }

    fn count(labels: &[u32], side: &[u32], class: u32) -> f64 {
        side.iter()
            .filter(|row| labels[**row as usize] == class)
            .count() as f64
    }

    #[test]
    fn every_row_stands_on_one_side_and_class_shares_are_within_a_row() {
        for seed in 0..20 {
            let (labels, _) = rows(seed);
            let splits = split(&labels, 5, None, &spec(0.2, 0.15, true, seed));
            let mut all: Vec<u32> = splits.concat();
            all.sort_unstable();
            assert_eq!(all, (0..3000).collect::<Vec<_>>());
            for class in 0..5 {
                let total = labels.iter().filter(|label| **label == class).count() as f64;
                for (side, share) in splits.iter().zip([0.65, 0.2, 0.15]) {
                    assert!((count(&labels, side, class) - total * share).abs() <= 1.0);
                }
            }
        }
    }

    #[test]
    fn a_group_never_straddles_and_class_shares_stay_near() {
        for seed in 0..20 {
            let (labels, groups) = rows(seed);
            let splits = split(&labels, 5, Some(&groups), &spec(0.2, 0.2, true, seed));
            let mut side_of = vec![None; groups.len()];
            for (number, side) in splits.iter().enumerate() {
                for row in side {
                    let known = side_of[groups[*row as usize] as usize].get_or_insert(number);
                    assert_eq!(*known, number);
                }
            }
            for class in 0..5 {
                let total = labels.iter().filter(|label| **label == class).count() as f64;
                for (side, share) in splits.iter().zip([0.6, 0.2, 0.2]) {
                    assert!((count(&labels, side, class) / total - share).abs() < 0.01);
                }
            }
        }
    }

    #[test]
    fn one_large_group_goes_where_it_fits() {
        let groups: Vec<u32> = (0..100u32)
            .map(|row| if row < 50 { 0 } else { row })
            .collect();
        let splits = split(&[0; 100], 1, Some(&groups), &spec(0.2, 0.2, false, 1));
        assert_eq!(splits.each_ref().map(Vec::len), [60, 20, 20]);
        assert!((0..50).all(|row| splits[TRAIN].contains(&row)));
    }

    #[test]
    fn the_seed_decides_and_a_side_without_share_stays_empty() {
        let (labels, _) = rows(1);
        let first = split(&labels, 5, None, &spec(0.2, 0.0, false, 1));
        assert_eq!(first, split(&labels, 5, None, &spec(0.2, 0.0, false, 1)));
        assert_ne!(first, split(&labels, 5, None, &spec(0.2, 0.0, false, 2)));
        assert_eq!(first.each_ref().map(Vec::len), [2400, 600, 0]);
    }
}
