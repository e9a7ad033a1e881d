//! Which training rows a share of them is: stratified by class, groups whole, nested.
//!
//! Invariant: of two shares with one seed, the rows of the smaller are among those of the larger,
//! and no class is left without a row.

use sweep_core::random::{Purpose, Stream};

/// Places, ascending, of the `share` (in (0, 1]) of the rows with these `labels` and `groups` that
/// `seed` chooses.
///
/// Units, that is groups or single rows, are shuffled and lined up by class: that of most of their
/// rows, the first of equals. A unit belongs to the share if the middle of its rows lies within that
/// share of its class's line; the first unit always does. Of single rows that takes the share
/// of every class, rounded to the nearest row.
pub(super) fn sample(
    labels: &[u32],
    classes: usize,
    groups: Option<&[u32]>,
    seed: u64,
    share: f64,
) -> Vec<u32> {
    let mut units = units(labels.len(), groups);
    Stream::new(seed, Purpose::TrainFraction, 0, 0).shuffle(&mut units);
    let classes_of: Vec<usize> = units
        .iter()
        .map(|unit| most_frequent(unit, labels, classes))
        .collect();
    let mut totals = vec![0usize; classes];
    for (unit, class) in units.iter().zip(&classes_of) {
        totals[*class] += unit.len();
    }
    let mut before = vec![0usize; classes];
    let mut rows = Vec::new();
    for (unit, class) in units.iter().zip(&classes_of) {
        let middle = (before[*class] as f64 + unit.len() as f64 / 2.0) / totals[*class] as f64;
        if middle <= share || before[*class] == 0 {
            rows.extend_from_slice(unit);
        }
        before[*class] += unit.len();
    }
    rows.sort_unstable();
    rows
}

/// Rows that stay together, in order of their first row.
fn units(rows: usize, groups: Option<&[u32]>) -> Vec<Vec<u32>> {
    let Some(groups) = groups else {
        return (0..rows as u32).map(|row| vec![row]).collect();
    };
    let number = groups.iter().max().map_or(0, |most| *most as usize + 1);
    let mut units = vec![Vec::new(); number];
    for (row, group) in groups.iter().enumerate() {
        units[*group as usize].push(row as u32);
    }
    units.retain(|unit| !unit.is_empty());
    units
}

fn most_frequent(unit: &[u32], labels: &[u32], classes: usize) -> usize {
    if let [row] = unit {
        return labels[*row as usize] as usize;
    }
    let mut counts = vec![0usize; classes];
    for row in unit {
        counts[labels[*row as usize] as usize] += 1;
    }
    let most = counts.iter().max().copied().unwrap_or(0);
    counts.iter().position(|count| *count == most).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made-up labels of four uneven classes, and groups of one to about five rows.
    fn rows() -> (Vec<u32>, Vec<u32>) {
        let stream = Stream::new(3, Purpose::Synthetic, 1, 1);
        let labels = (0..2000)
            .map(|i| (stream.uniform(i).powi(2) * 4.0) as u32)
            .collect();
        let mut group = 0;
        let groups = (0..2000)
            .map(|i| {
                group += u32::from(i > 0 && stream.uniform(5000 + i) < 0.6);
                group
            })
            .collect();
        (labels, groups)
    }

    fn of_class(labels: &[u32], rows: &[u32], class: u32) -> usize {
        let is_of = |row: &&u32| labels[**row as usize] == class;
        rows.iter().filter(is_of).count()
    }

    #[test]
    fn smaller_shares_are_part_of_larger_ones_and_the_whole_is_all() {
        let (labels, groups) = rows();
        for groups in [None, Some(groups.as_slice())] {
            for seed in 0..5 {
                let mut before: Vec<u32> = Vec::new();
                for share in [0.001, 0.1, 0.25, 0.5, 0.9, 1.0] {
                    let now = sample(&labels, 4, groups, seed, share);
                    assert!(before.iter().all(|row| now.binary_search(row).is_ok()));
                    assert!(before.len() < now.len());
                    before = now;
                }
                assert_eq!(before, (0..2000).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn every_class_keeps_its_share_to_the_row() {
        let (labels, _) = rows();
        let all: Vec<u32> = (0..2000).collect();
        for share in [0.1, 0.25, 0.5] {
            let rows = sample(&labels, 4, None, 7, share);
            for class in 0..4 {
                let wanted = of_class(&labels, &all, class) as f64 * share;
                let found = of_class(&labels, &rows, class) as f64;
                assert!((found - wanted).abs() <= 0.5, "{found} for {wanted}");
            }
        }
    }

    #[test]
    fn groups_stay_whole_and_classes_near_their_share() {
        let (labels, groups) = rows();
        let all: Vec<u32> = (0..2000).collect();
        let rows = sample(&labels, 4, Some(&groups), 7, 0.25);
        let chosen: std::collections::HashSet<u32> =
            rows.iter().map(|row| groups[*row as usize]).collect();
        for row in 0..2000u32 {
            let is_in = rows.binary_search(&row).is_ok();
            assert_eq!(is_in, chosen.contains(&groups[row as usize]));
        }
        for class in 0..4 {
            let share =
                of_class(&labels, &rows, class) as f64 / of_class(&labels, &all, class) as f64;
            assert!((share - 0.25).abs() < 0.05, "{share}");
        }
    }

    #[test]
    fn the_seed_chooses_and_a_rare_class_is_never_lost() {
        let (labels, _) = rows();
        let first = sample(&labels, 4, None, 1, 0.1);
        assert_eq!(first, sample(&labels, 4, None, 1, 0.1));
        assert_ne!(first, sample(&labels, 4, None, 2, 0.1));
        let labels: Vec<u32> = (0..100).map(|row| u32::from(row == 57)).collect();
        assert!(sample(&labels, 2, None, 1, 0.02).contains(&57));
    }
}
