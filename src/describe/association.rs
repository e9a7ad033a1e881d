//! How much each column by itself tells of the target.

use rayon::prelude::{IntoParallelIterator, ParallelIterator};
use serde::Serialize;

use super::codes::{Labels, NONE};
use super::column::kind_name;
use super::column_data::ColumnData;
use super::correlation::pearson_and_spearman;
use super::cross::Cross;
use super::number::Numbers;

/// Ranges of about equal size into which numbers are cut for mutual information.
pub const BINS: usize = 16;
/// Ranges into which a target that is a number is cut.
pub const TARGET_BINS: usize = 10;
/// Below this, in nats, nothing is left to be known.
const NOTHING: f64 = 1e-12;

/// What a column tells of the target.
///
/// The fields outside [`WithMissing`] are of the rows that have both, a value and a class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Association {
    /// Of a date its year, `name.year`.
    pub column: String,
    /// `number`, `date` or `text`.
    pub kind: &'static str,
    /// Whether its values seem to name the rows, so that it is not ranked.
    pub identifier: bool,
    /// Rows with a value and a class.
    pub count: usize,
    /// Mutual information of the observed shares, in nats; of numbers, after cutting them into
    /// [`BINS`] ranges at quantiles. Never below what chance gives on average.
    pub mutual_information: f64,
    /// What the above is on average when the classes are shuffled.
    pub chance: f64,
    /// Mutual information less chance, as a share of what there is to know: 1 settles the class, 0 is
    /// no more than chance. (Adjusted mutual information, with the entropy of the target as its
    /// bound.) NaN where chance alone settles the class. It blows up where few rows have a value, and
    /// where nearly every value is distinct: columns are ranked by
    /// [`WithMissing::uncertainty_coefficient`].
    pub explained: f64,
    pub with_missing: WithMissing,
    /// Share of the variance of a numeric column that lies between the classes; `None` where the
    /// target is a number.
    pub eta_squared: Option<f64>,
    /// Of a text column and classes.
    pub cramers_v: Option<f64>,
    /// The same with its bias taken out; NaN where nearly every value is distinct.
    pub cramers_v_corrected: Option<f64>,
    /// Of a numeric column and a target that is a number.
    pub pearson: Option<f64>,
    pub spearman: Option<f64>,
}

/// Measures over all rows with a class, where a missing cell is a value like another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct WithMissing {
    /// Rows with a class.
    pub count: usize,
    /// In nats.
    pub mutual_information: f64,
    /// What the above is on average when the classes are shuffled, in nats.
    pub chance: f64,
    /// Mutual information less chance over the entropy of the target (Theil's U, less chance): 1 is
    /// reached by a column of few values that settles the class, 0 is no more than chance.
    pub uncertainty_coefficient: f64,
    /// Mutual information less chance over the mean of both entropies less chance, as scikit-learn's
    /// `adjusted_mutual_info_score`; NaN where both are settled by chance.
    pub adjusted_mutual_information: f64,
}

/// The target as the columns are measured against it.
pub(super) struct Goal<'a> {
    /// The class of each row, or the range of its number.
    pub labels: Labels,
    /// Of a target that is a number.
    pub numbers: Option<&'a Numbers>,
}

impl<'a> Goal<'a> {
    /// Of a target that is a number: cut into [`TARGET_BINS`] ranges at quantiles.
    pub fn of_numbers(numbers: &'a Numbers) -> Goal<'a> {
        let everywhere = vec![0; numbers.values.len()];
        let codes = bins(numbers, &everywhere, TARGET_BINS);
        let labels = Labels {
            codes,
            classes: TARGET_BINS,
        };
        Goal {
            labels,
            numbers: Some(numbers),
        }
    }
}

/// Every column but `target`.
pub(super) fn of(
    columns: &[ColumnData<'_>],
    target: usize,
    goal: &Goal<'_>,
    is_identifier: impl Fn(usize) -> bool + Sync,
) -> Vec<Association> {
    (0..columns.len())
        .into_par_iter()
        .filter(|column| *column != target)
        .map(|column| association(&columns[column], goal, is_identifier(column)))
        .collect()
}

fn association(held: &ColumnData<'_>, goal: &Goal<'_>, identifier: bool) -> Association {
    let labels = &goal.labels;
    let numbers = held.numbers.as_ref();
    let binned = numbers.map(|numbers| bins(numbers, &labels.codes, BINS));
    let (codes, levels) = match &binned {
        Some(codes) => (codes, BINS),
        None => (&held.codes, held.levels),
    };
    let cross = Cross::of(codes, levels, &labels.codes, labels.classes);
    let (information, chance) = (cross.mutual_information(), cross.chance());
    let left = cross.entropies().1 - chance;
    let is_numeric_goal = goal.numbers.is_some();
    let v = (binned.is_none() && !is_numeric_goal).then(|| cross.cramers_v());
    let correlated = numbers.zip(goal.numbers);
    let correlated = correlated.map(|(a, b)| pearson_and_spearman(a, b));
    Association {
        column: held.number_name.clone(),
        kind: kind_name(held.kind),
        identifier,
        count: cross.n(),
        mutual_information: information,
        chance,
        explained: match left > NOTHING {
            true => (information - chance) / left,
            false => f64::NAN,
        },
        with_missing: match codes.contains(&NONE) {
            true => with_missing(codes, levels, labels),
            false => measures(&cross, information, chance),
        },
        eta_squared: (numbers.filter(|_| !is_numeric_goal))
            .map(|numbers| eta_squared(&numbers.values, labels)),
        cramers_v: v.map(|(plain, _)| plain),
        cramers_v_corrected: v.map(|(_, corrected)| corrected),
        pearson: correlated.map(|(pearson, _)| pearson),
        spearman: correlated.map(|(_, spearman)| spearman),
    }
}

/// Measures on all rows with a class: missing cells get a code of their own, so that a column with
/// few values cannot seem to tell more than it does.
fn with_missing(codes: &[u32], levels: usize, labels: &Labels) -> WithMissing {
    let missing = levels as u32;
    let filled = codes.iter().map(|code| match *code {
        NONE => missing,
        code => code,
    });
    let filled: Vec<u32> = filled.collect();
    let cross = Cross::of(&filled, levels + 1, &labels.codes, labels.classes);
    measures(&cross, cross.mutual_information(), cross.chance())
}

fn measures(cross: &Cross, mutual_information: f64, chance: f64) -> WithMissing {
    let (of_column, of_target) = cross.entropies();
    let beyond = mutual_information - chance;
    let ratio = |whole: f64| match whole > NOTHING {
        true => beyond / whole,
        false => f64::NAN,
    };
    WithMissing {
        count: cross.n(),
        mutual_information,
        chance,
        uncertainty_coefficient: ratio(of_target),
        adjusted_mutual_information: ratio((of_column + of_target) / 2.0 - chance),
    }
}

/// The one of `most` ranges of each number among those with a class: as near to equal in size as
/// ties allow, since equal numbers share one.
fn bins(numbers: &Numbers, classes: &[u32], most: usize) -> Vec<u32> {
    let mut codes = vec![NONE; numbers.values.len()];
    let rows: Vec<usize> = (numbers.order.iter())
        .map(|row| *row as usize)
        .filter(|row| classes[*row] != NONE)
        .collect();
    let n = rows.len();
    let mut before = 0;
    for equals in rows.chunk_by(|a, b| numbers.values[*a] == numbers.values[*b]) {
        // The middle of the run of equals decides, so that a heavy tie is cut off on both sides.
        let middle = 2 * before + equals.len();
        let bin = (most * middle / (2 * n)).min(most - 1) as u32;
        equals.iter().for_each(|row| codes[*row] = bin);
        before += equals.len();
    }
    codes
}

/// Sum of squares between classes over the sum of squares; NaN for a constant.
fn eta_squared(values: &[f64], labels: &Labels) -> f64 {
    let rows = || {
        (values.iter().zip(&labels.codes))
            .filter(|(value, class)| !value.is_nan() && **class != NONE)
            .map(|(value, class)| (*value, *class as usize))
    };
    let Some((first, _)) = rows().next() else {
        return f64::NAN;
    };
    let size = rows().fold(0.0, |size: f64, (value, _)| size.max(value.abs()));
    let scale = if size > 0.0 { size } else { 1.0 };
    let (mut sums, mut counts) = (vec![0.0; labels.classes], vec![0.0; labels.classes]);
    let mut is_constant = true;
    for (value, class) in rows() {
        sums[class] += value / scale;
        counts[class] += 1.0;
        is_constant &= value == first;
    }
    let mean = sums.iter().sum::<f64>() / counts.iter().sum::<f64>();
    let total: f64 = rows()
        .map(|(value, _)| (value / scale - mean).powi(2))
        .sum();
    let between: f64 = (sums.iter().zip(&counts))
        .filter(|(_, count)| **count > 0.0)
        .map(|(sum, count)| count * (sum / count - mean).powi(2))
        .sum();
    match is_constant {
        true => f64::NAN,
        false => (between / total).min(1.0),
    }
}
