//! How much each column by itself tells of the target.

use rayon::prelude::{IntoParallelIterator, ParallelIterator};
use serde::Serialize;

use super::codes::{Labels, NONE};
use super::column::kind_name;
use super::column_data::ColumnData;
use super::cross::{Cross, entropy};
use super::number::Numbers;

/// Ranges of about equal size into which numbers are cut for mutual information.
pub const BINS: usize = 16;

/// What a column tells of the target, from the rows that have both.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Association {
    /// Of a date its year, `name.year`.
    pub column: String,
    /// `number`, `date` or `text`.
    pub kind: &'static str,
    /// Rows with a value and a class.
    pub count: usize,
    /// Mutual information of the observed shares, in nats; of numbers, after cutting them into
    /// [`BINS`] ranges at quantiles. Never below what chance gives on average.
    pub mutual_information: f64,
    /// What the above is on average when the classes are shuffled.
    pub chance: f64,
    /// Mutual information less chance, as a share of what there is to know: 1 settles the class, 0 is
    /// no more than chance. (Adjusted mutual information, with the entropy of the target as its
    /// bound.) NaN where chance alone settles the class.
    pub explained: f64,
    /// Share of the variance of a numeric column that lies between the classes.
    pub eta_squared: Option<f64>,
    /// Of a text column.
    pub cramers_v: Option<f64>,
    /// The same with its bias taken out; NaN where nearly every value is distinct.
    pub cramers_v_corrected: Option<f64>,
}

pub(super) fn of(columns: &[ColumnData<'_>], target: usize, labels: &Labels) -> Vec<Association> {
    (0..columns.len())
        .into_par_iter()
        .filter(|column| *column != target)
        .map(|column| association(&columns[column], labels))
        .collect()
}

fn association(held: &ColumnData<'_>, labels: &Labels) -> Association {
    let binned = held
        .numbers
        .as_ref()
        .map(|numbers| bins(numbers, &labels.codes));
    let (codes, levels) = match &binned {
        Some(codes) => (codes, BINS),
        None => (&held.codes, held.levels),
    };
    let cross = Cross::of(codes, levels, &labels.codes, labels.classes);
    let (information, chance) = (cross.mutual_information(), cross.chance());
    let mut classes = vec![0; labels.classes];
    for (code, class) in codes.iter().zip(&labels.codes) {
        if *code != NONE && *class != NONE {
            classes[*class as usize] += 1;
        }
    }
    let left = entropy(&classes) - chance;
    let v = binned.is_none().then(|| cross.cramers_v());
    Association {
        column: held.number_name.clone(),
        kind: kind_name(held.kind),
        count: cross.n(),
        mutual_information: information,
        chance,
        explained: match left > 1e-12 {
            true => (information - chance) / left,
            false => f64::NAN,
        },
        eta_squared: (held.numbers.as_ref()).map(|numbers| eta_squared(&numbers.values, labels)),
        cramers_v: v.map(|(plain, _)| plain),
        cramers_v_corrected: v.map(|(_, corrected)| corrected),
    }
}

/// The range of each number among those with a class: as near to equal in size as ties allow, since
/// equal numbers share one.
fn bins(numbers: &Numbers, classes: &[u32]) -> Vec<u32> {
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
        let bin = (BINS * middle / (2 * n)).min(BINS - 1) as u32;
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
