//! The folds of a cross-validation: the sides of the split, once for each fold. Pure.
//!
//! Invariant: test rows are the same in every fold; each other row is a validation row of one fold of
//! a repeat at most (of exactly one, but for folds in the order of time), and all rows of a group
//! stand on one side.

use sweep_core::format::pluralize;
use sweep_core::random::{Purpose, Stream};
use sweep_core::split_spec::SplitSpec;

use super::split::{Splits, Strata, TEST, TRAIN, Units, VALID, apportion};
use super::split_by::{before_gap, in_order_of_time, nearest};

/// What rows are split by.
pub(super) struct Rows<'a> {
    /// Each below `strata`.
    pub labels: &'a [u32],
    pub strata: usize,
    /// Numbers of the groups of rows, if they have any.
    pub groups: Option<&'a [u32]>,
}

/// As many `folds` of equal size, `repeats` times. Test rows are drawn first; they do not depend on
/// how many folds there are.
pub(super) fn by_chance(rows: &Rows, spec: &SplitSpec, folds: u32, repeats: u32) -> Vec<Splits> {
    let (others, test) = without_test(rows, spec);
    let strata = rows.stratified(spec);
    let shares = vec![1.0 / f64::from(folds); folds as usize];
    let mut all = Vec::new();
    for repeat in 0..repeats {
        // Epoch 0 decides on the test rows.
        let stream = Stream::new(spec.seed, Purpose::Split, repeat + 1, 0);
        let dealt = apportion(&Units::of(&others, rows.groups), &strata, &shares, stream);
        all.extend(dealt.into_iter().map(|valid| sides(&others, valid, &test)));
    }
    all
}

/// A fold for each group that is left when test groups are drawn, in the order of their numbers.
pub(super) fn by_group(rows: &Rows, spec: &SplitSpec) -> Vec<Splits> {
    let (others, test) = without_test(rows, spec);
    let units = Units::of(&others, rows.groups);
    (0..units.len() as u32)
        .map(|unit| sides(&others, units.rows(unit).to_vec(), &test))
        .collect()
}

/// A fold for each number that `fold_of` rows holds, ascending; `None` is a test row.
pub(super) fn by_number(fold_of: &[Option<u32>]) -> Vec<Splits> {
    let rows = || 0..fold_of.len() as u32;
    let of = |fold: Option<u32>| rows().filter(move |row| fold_of[*row as usize] == fold);
    let test: Vec<u32> = of(None).collect();
    let others: Vec<u32> = rows()
        .filter(|row| fold_of[*row as usize].is_some())
        .collect();
    let folds = fold_of.iter().flatten().max().map_or(0, |last| last + 1);
    (0..folds)
        .map(|fold| sides(&others, of(Some(fold)).collect(), &test))
        .filter(|sides| !sides[VALID].is_empty())
        .collect()
}

/// Folds in the order of time, each trained on what comes before it, as scikit-learn's
/// `TimeSeriesSplit`: the rows that are not test rows, the latest, are `folds` + 1 blocks of equal size
/// (the first takes what is over), of which all but the first are validated in turn. Borders lie
/// between different times, and the last `gap` times before a border are not trained on.
///
/// # Errors
/// With the number of borders, where there are not enough for so many folds.
pub(super) fn by_time(
    times: &[f64],
    groups: Option<&[u32]>,
    test: f64,
    (folds, gap): (u32, u32),
) -> Result<Vec<Splits>, String> {
    let (order, open) = in_order_of_time(times, groups);
    let until = match test > 0.0 {
        true => {
            let wanted = order.len() as f64 * (1.0 - test);
            nearest(open.iter().copied(), wanted).unwrap_or(order.len())
        }
        false => order.len(),
    };
    let block = until / (folds as usize + 1);
    let mut starts: Vec<usize> = Vec::new();
    let few = || {
        let times = open.iter().filter(|border| **border < until).count() + 1;
        format!(
            "{} before the test rows are too few for {folds} folds in the order of time",
            pluralize(times as u64, "different time")
        )
    };
    for fold in 0..folds as usize {
        let wanted = until - (folds as usize - fold) * block;
        let after = starts.last().copied().unwrap_or(0);
        let free = (open.iter().copied()).filter(|border| (after + 1..until).contains(border));
        starts.push(nearest(free, wanted as f64).ok_or_else(few)?);
    }
    let test: Vec<u32> = sorted(&order[until..]);
    let ends_of = |fold: usize| starts.get(fold + 1).copied().unwrap_or(until);
    let each = starts.iter().enumerate().map(|(fold, start)| {
        let last = before_gap(&open, *start, gap);
        let mut sides = Splits::default();
        sides[TRAIN] = sorted(&order[..last]);
        sides[VALID] = sorted(&order[*start..ends_of(fold)]);
        sides[TEST].clone_from(&test);
        sides
    });
    Ok(each.collect())
}

fn sorted(places: &[u32]) -> Vec<u32> {
    let mut places = places.to_vec();
    places.sort_unstable();
    places
}

/// All rows but the test rows, and those, each ascending.
fn without_test(rows: &Rows, spec: &SplitSpec) -> (Vec<u32>, Vec<u32>) {
    let all: Vec<u32> = (0..rows.labels.len() as u32).collect();
    if spec.test == 0.0 {
        return (all, Vec::new());
    }
    let stream = Stream::new(spec.seed, Purpose::Split, 0, 0);
    let shares = [1.0 - spec.test, spec.test];
    let strata = rows.stratified(spec);
    let units = Units::of(&all, rows.groups);
    let mut dealt = apportion(&units, &strata, &shares, stream).into_iter();
    (
        dealt.next().unwrap_or_default(),
        dealt.next().unwrap_or_default(),
    )
}

/// The sides of the fold whose validation rows are `valid`.
fn sides(others: &[u32], valid: Vec<u32>, test: &[u32]) -> Splits {
    let mut sides = Splits::default();
    let is_train = |row: &u32| valid.binary_search(row).is_err();
    sides[TRAIN] = others.iter().copied().filter(is_train).collect();
    sides[VALID] = valid;
    sides[TEST] = test.to_vec();
    sides
}

impl Rows<'_> {
    fn stratified(&self, spec: &SplitSpec) -> Strata<'_> {
        Strata::of(self.labels, self.strata, spec.stratify)
    }
}

#[cfg(test)]
mod tests;
