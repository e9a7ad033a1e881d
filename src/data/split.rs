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

/// Splits rows with these `labels` (each below `classes`) and `groups` (codes from 0 up).
///
/// Units, that is groups or single rows, are taken in random order, larger ones first, and each
/// goes to the side where it leaves the class counts nearest (by chi-square) to the shares wanted.
/// For single rows that is the apportionment of Sainte-Laguë: counts are within a row of the
/// shares.
pub(super) fn split(
    labels: &[u32],
    classes: usize,
    groups: Option<&[u32]>,
    spec: &SplitSpec,
) -> Splits {
    let strata = if spec.stratify { classes } else { 1 };
    let stratum = |row: u32| {
        if spec.stratify {
            labels[row as usize] as usize
        } else {
            0
        }
    };
    let shares = [1.0 - spec.valid - spec.test, spec.valid, spec.test];
    let mut wanted = vec![[0.0; 3]; strata];
    for row in 0..labels.len() as u32 {
        for (side, share) in shares.iter().enumerate() {
            wanted[stratum(row)][side] += share;
        }
    }

    let units = Units::of(labels.len(), groups);
    let mut order: Vec<u32> = (0..units.len() as u32).collect();
    Stream::new(spec.seed, Purpose::Split, 0, 0).shuffle(&mut order);
    order.sort_by_key(|unit| std::cmp::Reverse(units.rows(*unit).len()));

    let mut had = vec![[0.0; 3]; strata];
    let mut splits = Splits::default();
    let mut counts: Vec<(usize, f64)> = Vec::new();
    for unit in order {
        let unit = units.rows(unit);
        counts.clear();
        for row in unit {
            let own = stratum(*row);
            match counts.iter_mut().find(|(stratum, _)| *stratum == own) {
                Some((_, count)) => *count += 1.0,
                None => counts.push((own, 1.0)),
            }
        }
        let cost = |side: usize| -> f64 {
            let one = |&(stratum, count): &(usize, f64)| {
                let (had, wanted) = (had[stratum][side], wanted[stratum][side]);
                count * (2.0 * (had - wanted) + count) / wanted
            };
            counts.iter().map(one).sum()
        };
        let open = (0..3).filter(|side| shares[*side] > 0.0);
        let side = open
            .min_by(|a, b| cost(*a).total_cmp(&cost(*b)))
            .unwrap_or(TRAIN);
        for (stratum, count) in &counts {
            had[*stratum][side] += count;
        }
        splits[side].extend_from_slice(unit);
    }
    splits.iter_mut().for_each(|side| side.sort_unstable());
    splits
}

/// Rows that stay together: those of a group, or each row by itself.
struct Units {
    /// All rows, those of a unit together, ascending.
    rows: Vec<u32>,
    /// Where each unit begins in `rows`, and the end.
    starts: Vec<u32>,
}

impl Units {
    fn of(rows: usize, groups: Option<&[u32]>) -> Units {
        let Some(groups) = groups else {
            return Units {
                rows: (0..rows as u32).collect(),
                starts: (0..=rows as u32).collect(),
            };
        };
        let number = groups.iter().max().map_or(0, |most| *most as usize + 1);
        let mut starts = vec![0u32; number + 1];
        groups
            .iter()
            .for_each(|group| starts[*group as usize + 1] += 1);
        for unit in 0..number {
            starts[unit + 1] += starts[unit];
        }
        let mut next = starts.clone();
        let mut sorted = vec![0; groups.len()];
        for (row, group) in groups.iter().enumerate() {
            let place = &mut next[*group as usize];
            sorted[*place as usize] = row as u32;
            *place += 1;
        }
        Units {
            rows: sorted,
            starts,
        }
    }

    fn len(&self) -> usize {
        self.starts.len() - 1
    }

    fn rows(&self, unit: u32) -> &[u32] {
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
