//! How numeric columns go together, pair by pair.

use rayon::prelude::{IntoParallelIterator, ParallelIterator};
use serde::Serialize;

use super::column_data::ColumnData;
use super::number::{Numbers, moments};

/// Columns that are correlated; time and space grow with the square of their number.
pub const MOST_CORRELATED: usize = 500;

/// Correlations of every pair of columns, each from the rows that have a value in both.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Correlation {
    pub columns: Vec<String>,
    /// `[column][column]`, symmetric; NaN where a column is constant in the rows of a pair.
    pub pearson: Vec<Vec<f64>>,
    /// Pearson's correlation of ranks, ties sharing the mean of theirs; ranks are those among the
    /// rows of the pair.
    pub spearman: Vec<Vec<f64>>,
}

/// A column made ready: on a scale on which nothing overflows, with its ranks.
struct Ready<'a> {
    numbers: &'a Numbers,
    is_complete: bool,
    scaled: Vec<f64>,
    ranks: Vec<f64>,
}

pub(super) fn of(numeric: &[&ColumnData<'_>], notes: &mut Vec<String>) -> Option<Correlation> {
    if numeric.len() > MOST_CORRELATED {
        notes.push(format!(
            "note: correlations of the first {MOST_CORRELATED} of {} numeric columns alone",
            numeric.len()
        ));
    }
    let taken = &numeric[..numeric.len().min(MOST_CORRELATED)];
    let columns = taken.iter().map(|held| held.number_name.clone()).collect();
    let ready: Vec<Ready<'_>> = taken
        .into_par_iter()
        .filter_map(|held| held.numbers.as_ref().map(ready))
        .collect();
    let size = ready.len();
    if size < 2 {
        return None;
    }
    let pairs: Vec<(usize, usize)> = (0..size)
        .flat_map(|a| (a..size).map(move |b| (a, b)))
        .collect();
    let found: Vec<(f64, f64)> = (pairs.clone().into_par_iter())
        .map(|(a, b)| pair(&ready[a], &ready[b]))
        .collect();
    let mut pearsons = vec![vec![f64::NAN; size]; size];
    let mut spearmans = pearsons.clone();
    for ((a, b), (pearson, spearman)) in pairs.into_iter().zip(found) {
        (pearsons[a][b], pearsons[b][a]) = (pearson, pearson);
        (spearmans[a][b], spearmans[b][a]) = (spearman, spearman);
    }
    Some(Correlation {
        columns,
        pearson: pearsons,
        spearman: spearmans,
    })
}

fn ready(numbers: &Numbers) -> Ready<'_> {
    let (mean, sd) = moments(&numbers.sorted());
    let scale = if sd > 0.0 && sd.is_finite() { sd } else { 1.0 };
    Ready {
        numbers,
        is_complete: numbers.order.len() == numbers.values.len(),
        scaled: (numbers.values.iter())
            .map(|x| (x - mean) / scale)
            .collect(),
        ranks: numbers.ranks(|_| true),
    }
}

/// Pearson's and Spearman's correlation of the rows that have both values.
pub(super) fn pearson_and_spearman(a: &Numbers, b: &Numbers) -> (f64, f64) {
    pair(&ready(a), &ready(b))
}

fn pair(a: &Ready<'_>, b: &Ready<'_>) -> (f64, f64) {
    let pearson = pearson(&a.scaled, &b.scaled);
    if a.is_complete && b.is_complete {
        return (pearson, self::pearson(&a.ranks, &b.ranks));
    }
    let both = |row: usize| !a.numbers.values[row].is_nan() && !b.numbers.values[row].is_nan();
    let (ranks_a, ranks_b) = (a.numbers.ranks(both), b.numbers.ranks(both));
    (pearson, self::pearson(&ranks_a, &ranks_b))
}

/// Pearson's correlation over the places where neither is NaN; NaN if either is constant there.
pub(super) fn pearson(a: &[f64], b: &[f64]) -> f64 {
    let pairs = || a.iter().zip(b).filter(|(a, b)| !(a.is_nan() || b.is_nan()));
    let (mut n, mut sum_a, mut sum_b) = (0.0, 0.0, 0.0);
    for (a, b) in pairs() {
        n += 1.0;
        sum_a += a;
        sum_b += b;
    }
    let Some((first_a, first_b)) = pairs().next() else {
        return f64::NAN;
    };
    let (mean_a, mean_b) = (sum_a / n, sum_b / n);
    let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
    let (mut flat_a, mut flat_b) = (true, true);
    for (a, b) in pairs() {
        let (away_a, away_b) = (a - mean_a, b - mean_b);
        aa += away_a * away_a;
        bb += away_b * away_b;
        ab += away_a * away_b;
        flat_a &= a == first_a;
        flat_b &= b == first_b;
    }
    // Numbers whose squares vanish are as good as constant.
    match flat_a || flat_b || aa == 0.0 || bb == 0.0 {
        true => f64::NAN,
        false => (ab / (aa.sqrt() * bb.sqrt())).clamp(-1.0, 1.0),
    }
}
