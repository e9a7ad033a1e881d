//! Splits that no chance decides: in the order of time, and by a column that names the sides.
//!
//! Invariant: every row stands on one side at most (a gap leaves rows out), and all rows of a group, or of one time, on the same.

use super::split::{Splits, TEST, TRAIN, VALID};

/// Splits rows in the order of their `times`: the latest are test rows, those before them validation
/// rows. `shares` are those of validation and test.
///
/// A group stands where its latest row does. Borders lie between different times, where they come
/// nearest to the shares; of two that are equally near, at the earlier. Rows of the last `gap` times
/// before the validation rows stand on no side.
pub(super) fn split_by_time(
    times: &[f64],
    groups: Option<&[u32]>,
    (valid, test): (f64, f64),
    gap: u32,
) -> Splits {
    let (order, borders) = in_order_of_time(times, groups);
    let rows = order.len();
    let near = |wanted: f64, below: usize| {
        nearest(
            borders.iter().copied().filter(|border| *border < below),
            wanted,
        )
    };
    let until_test = match test > 0.0 {
        true => near(rows as f64 * (1.0 - test), rows).unwrap_or(rows),
        false => rows,
    };
    let until_valid = near(rows as f64 * (1.0 - valid - test), until_test).unwrap_or(until_test);
    let until_train = match gap {
        0 => until_valid,
        gap => before_gap(&borders, until_valid, gap),
    };
    let mut splits = Splits::default();
    for (place, row) in order.iter().enumerate() {
        let side = match place {
            place if place < until_train => TRAIN,
            place if place < until_valid => continue,
            place if place < until_test => VALID,
            _ => TEST,
        };
        splits[side].push(*row);
    }
    splits.iter_mut().for_each(|side| side.sort_unstable());
    splits
}

/// The places of all rows but the last `test_rows` in the order of their `times` and, if there are such, the last `gap` times
/// before them, ascending.
pub(super) fn before_test(
    times: &[f64],
    groups: Option<&[u32]>,
    test_rows: usize,
    gap: u32,
) -> Vec<u32> {
    let (mut order, borders) = in_order_of_time(times, groups);
    let until_test = order.len() - test_rows;
    let until = match (test_rows, gap) {
        (0, _) | (_, 0) => until_test,
        _ => before_gap(&borders, until_test, gap),
    };
    order.truncate(until);
    order.sort_unstable();
    order
}

/// All places in the order of their `times`, groups whole; and where in it the rows of a later time begin.
pub(super) fn in_order_of_time(times: &[f64], groups: Option<&[u32]>) -> (Vec<u32>, Vec<usize>) {
    let ends = unit_times(times, groups);
    let mut order: Vec<u32> = (0..times.len() as u32).collect();
    order.sort_by(|a, b| ends[*a as usize].total_cmp(&ends[*b as usize]));
    let borders = (1..order.len())
        .filter(|at| ends[order[at - 1] as usize] < ends[order[*at] as usize])
        .collect();
    (order, borders)
}

/// That of `borders` which is nearest to `wanted`, the earlier of two.
pub(super) fn nearest(borders: impl Iterator<Item = usize>, wanted: f64) -> Option<usize> {
    let distance = |border: usize| (border as f64 - wanted).abs();
    borders.min_by(|a, b| distance(*a).total_cmp(&distance(*b)))
}

/// Where the training rows end that stand before the border `start`, less the last `gap` times.
pub(super) fn before_gap(borders: &[usize], start: usize, gap: u32) -> usize {
    let before: Vec<usize> = (borders.iter().copied())
        .filter(|border| *border <= start)
        .collect();
    match before.len().checked_sub(1 + gap as usize) {
        Some(place) => before[place],
        None => 0,
    }
}

/// For each row the time of the latest row of its group.
pub(super) fn unit_times(times: &[f64], groups: Option<&[u32]>) -> Vec<f64> {
    let Some(groups) = groups else {
        return times.to_vec();
    };
    let number = groups.iter().max().map_or(0, |most| *most as usize + 1);
    let mut latest = vec![f64::NEG_INFINITY; number];
    for (time, group) in times.iter().zip(groups) {
        let known = &mut latest[*group as usize];
        *known = known.max(*time);
    }
    groups.iter().map(|group| latest[*group as usize]).collect()
}

/// Rows by the side that each names.
pub(super) fn split_by_side(sides: &[u8]) -> Splits {
    let mut splits = Splits::default();
    for (row, side) in sides.iter().enumerate() {
        splits[usize::from(*side)].push(row as u32);
    }
    splits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(splits: &Splits) -> [usize; 3] {
        splits.each_ref().map(Vec::len)
    }

    #[test]
    fn the_latest_rows_are_test_rows_and_those_before_them_validation_rows() {
        let times: Vec<f64> = (0..10).map(|row| f64::from(9 - row)).collect();
        let splits = split_by_time(&times, None, (0.2, 0.3), 0);
        assert_eq!(splits[TEST], [0, 1, 2]);
        assert_eq!(splits[VALID], [3, 4]);
        assert_eq!(splits[TRAIN], [5, 6, 7, 8, 9]);
        assert_eq!(
            sizes(&split_by_time(&times, None, (0.2, 0.0), 0)),
            [8, 2, 0]
        );
    }

    #[test]
    fn rows_of_one_time_stay_together_and_the_border_is_the_nearest() {
        // Borders at 6 and 9; 8 are wanted before the test rows.
        let times = [1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 3.0, 4.0];
        let splits = split_by_time(&times, None, (0.2, 0.2), 0);
        assert_eq!(sizes(&splits), [6, 3, 1]);
        // Equally near to 5 of 10 are 4 and 6: the earlier.
        let halves = split_by_time(&times, None, (0.5, 0.0), 0);
        assert_eq!(sizes(&halves), [4, 6, 0]);
    }

    #[test]
    fn every_side_gets_a_time_while_there_are_three_of_them() {
        let times = [1.0, 2.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0];
        assert_eq!(
            sizes(&split_by_time(&times, None, (0.2, 0.2), 0)),
            [1, 1, 6]
        );
        assert_eq!(
            sizes(&split_by_time(&[5.0; 4], None, (0.2, 0.2), 0)),
            [4, 0, 0]
        );
    }

    #[test]
    fn a_gap_stays_out_before_test_rows_alone() {
        let times = [5.0, 1.0, 2.0, 2.0, 3.0, 4.0];
        assert_eq!(before_test(&times, None, 1, 0), [1, 2, 3, 4, 5]);
        assert_eq!(before_test(&times, None, 1, 1), [1, 2, 3, 4]);
        assert_eq!(before_test(&times, None, 1, 2), [1, 2, 3]);
        assert_eq!(before_test(&times, None, 1, 4), [0u32; 0]);
        assert_eq!(before_test(&times, None, 0, 2), [0, 1, 2, 3, 4, 5]);
        // The rows of a group stand where its latest does.
        let groups = [0, 0, 1, 2, 3, 4];
        assert_eq!(before_test(&times, Some(&groups), 2, 1), [2, 3, 4]);
    }

    #[test]
    fn a_group_stands_where_its_latest_row_does() {
        let times: Vec<f64> = (0..10).map(f64::from).collect();
        // Row 0 belongs to the last row.
        let groups = [0, 1, 2, 3, 4, 5, 6, 7, 8, 0];
        let splits = split_by_time(&times, Some(&groups), (0.2, 0.2), 0);
        assert_eq!(splits[TEST], [0, 9]);
        assert_eq!(splits[VALID], [7, 8]);
        assert_eq!(splits[TRAIN], [1, 2, 3, 4, 5, 6]);
    }
}
