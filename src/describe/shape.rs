//! The shape of numeric columns, by class, in the few numbers that a plot needs.

use rayon::prelude::{IntoParallelRefIterator, ParallelIterator};
use serde::Serialize;

use super::codes::Labels;
use super::column::sorted_by_class;
use super::column_data::ColumnData;
use super::number::quantile;

/// Bins of a histogram, at least and at most.
const LEAST_BINS: usize = 10;
const MOST_BINS: usize = 40;
/// Beyond this range of whole numbers a bin of as many of them as the next changes nothing to see.
const WHOLE: f64 = 10_000.0;
/// Share of values that may lie beyond the drawn range at either end...
const TAIL: f64 = 0.005;
/// ...where leaving them out makes the range this many times shorter.
const LONG: f64 = 2.0;
/// Reach of whiskers, in distances between the quartiles (Tukey 1977).
const REACH: f64 = 1.5;

/// A numeric column as a plot shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shape {
    pub column: String,
    pub histogram: Histogram,
    /// For each class; without a target one of all. `None` where there is no value.
    pub boxes: Vec<Option<BoxPlot>>,
}

/// Counts in bins of equal width.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Histogram {
    /// Ends of the bins, ascending; a bin has its lower end, the last both. Empty without a value.
    pub edges: Vec<f64>,
    /// `[class][bin]`; without a target one row, of all.
    pub counts: Vec<Vec<usize>>,
    /// Values below the first and above the last edge.
    pub below: usize,
    pub above: usize,
}

/// Quartiles and whiskers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BoxPlot {
    /// The least and the greatest value within 1.5 distances between the quartiles from them.
    pub low: f64,
    pub q1: f64,
    pub median: f64,
    pub q3: f64,
    pub high: f64,
    /// Values beyond the whiskers.
    pub beyond: usize,
}

pub(super) fn of(numeric: &[&ColumnData<'_>], labels: Option<&Labels>) -> Vec<Shape> {
    let shape = |held: &&ColumnData<'_>| {
        let parts = match (labels, &held.numbers) {
            (Some(labels), _) => sorted_by_class(held, labels),
            (None, Some(numbers)) => vec![numbers.sorted()],
            (None, None) => Vec::new(),
        };
        Shape {
            column: held.number_name.clone(),
            histogram: histogram(&parts),
            boxes: parts.iter().map(|sorted| whiskers(sorted)).collect(),
        }
    };
    numeric.par_iter().map(shape).collect()
}

fn histogram(parts: &[Vec<f64>]) -> Histogram {
    let mut all: Vec<f64> = parts.iter().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    let largest = parts.iter().map(Vec::len).max().unwrap_or(0);
    let edges = edges(&all, largest);
    let (Some(first), Some(last)) = (edges.first().copied(), edges.last().copied()) else {
        return Histogram {
            edges,
            counts: vec![Vec::new(); parts.len()],
            below: 0,
            above: 0,
        };
    };
    let count = |sorted: &Vec<f64>| -> Vec<usize> {
        let until = |end: f64| sorted.partition_point(|x| *x < end);
        let mut counts: Vec<usize> = edges
            .windows(2)
            .map(|ends| until(ends[1]) - until(ends[0]))
            .collect();
        if let Some(bin) = counts.last_mut() {
            *bin += sorted.partition_point(|x| *x <= last) - until(last);
        }
        counts
    };
    Histogram {
        counts: parts.iter().map(count).collect(),
        below: all.partition_point(|x| *x < first),
        above: all.len() - all.partition_point(|x| *x <= last),
        edges,
    }
}

/// Ends of bins over ascending values: a bin for each whole number where those are few; else the
/// width of Freedman and Diaconis (1981) for the `largest` class, within bounds, over a range that
/// leaves out long tails. Bins of whole numbers have as many of them each.
fn edges(sorted: &[f64], largest: usize) -> Vec<f64> {
    let (Some(min), Some(max)) = (sorted.first().copied(), sorted.last().copied()) else {
        return Vec::new();
    };
    if min == max {
        let half = if min == 0.0 { 0.5 } else { min.abs() * 0.05 };
        return vec![min - half, min + half];
    }
    let is_whole = sorted.iter().all(|x| x.fract() == 0.0);
    if is_whole && max - min < MOST_BINS as f64 {
        let bins = (max - min) as usize + 1;
        return (0..=bins).map(|bin| min - 0.5 + bin as f64).collect();
    }
    let (low, high) = (quantile(sorted, TAIL), quantile(sorted, 1.0 - TAIL));
    let (low, high) = match high > low && (max / LONG - min / LONG) > high - low {
        true => (low, high),
        false => (min, max),
    };
    let spread = quantile(sorted, 0.75) - quantile(sorted, 0.25);
    let width = 2.0 * spread / (largest as f64).cbrt();
    let bins = match width > 0.0 {
        true => ((high / width - low / width).ceil() as usize).clamp(LEAST_BINS, MOST_BINS),
        false => MOST_BINS,
    };
    if is_whole && high - low < WHOLE {
        let width = ((high - low) / bins as f64).ceil().max(1.0);
        let (first, last) = (low.floor() - 0.5, high.ceil() + 0.5);
        let bins = ((last - first) / width).ceil() as usize;
        return (0..=bins).map(|bin| first + width * bin as f64).collect();
    }
    let share = |bin: usize| bin as f64 / bins as f64;
    let mut edges: Vec<f64> = (0..=bins)
        .map(|bin| match (high - low).is_finite() {
            true => low + (high - low) * share(bin),
            false => low * (1.0 - share(bin)) + high * share(bin),
        })
        .collect();
    edges[bins] = high;
    // Numbers so near to each other that some ends are equal.
    edges.dedup();
    edges
}

/// The box of ascending values.
fn whiskers(sorted: &[f64]) -> Option<BoxPlot> {
    if sorted.is_empty() {
        return None;
    }
    let quartile = |share| quantile(sorted, share);
    let (q1, median, q3) = (quartile(0.25), quartile(0.5), quartile(0.75));
    let reach = REACH * (q3 - q1);
    let from = sorted.partition_point(|x| *x < q1 - reach);
    let until = sorted.partition_point(|x| *x <= q3 + reach);
    Some(BoxPlot {
        // A quartile between two values may have none within reach on its side.
        low: sorted.get(from).map_or(q1, |x| x.min(q1)),
        q1,
        median,
        q3,
        high: sorted[..until].last().map_or(q3, |x| x.max(q3)),
        beyond: from + sorted.len() - until,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_counted_once() {
        for values in [
            vec![0.0],
            vec![2.0; 9],
            vec![0.0, 1.0, 1.0, 11.0],
            (0..1_000).map(|x| f64::from(x) / 7.0).collect(),
            (0..1_000).map(|x| f64::from(x).exp2()).collect(),
            vec![1.0, 1.0 + f64::EPSILON],
            vec![-1e308, 0.0, 1e308],
        ] {
            let parts = vec![values.clone(), vec![values[0]]];
            let found = histogram(&parts);
            let counted: usize = found.counts.iter().flatten().sum();
            assert_eq!(
                counted + found.below + found.above,
                values.len() + 1,
                "{values:?}"
            );
            assert!(found.edges.windows(2).all(|ends| ends[0] < ends[1]));
        }
    }

    #[test]
    fn few_whole_numbers_have_a_bin_each_and_long_tails_are_cut() {
        let found = histogram(&[vec![0.0, 3.0, 3.0]]);
        assert_eq!(found.edges, [-0.5, 0.5, 1.5, 2.5, 3.5]);
        assert_eq!(found.counts, [[1, 0, 0, 2]]);
        let mut values: Vec<f64> = (0..10_000).map(|x| f64::from(x) / 10_000.0).collect();
        values.push(1e6);
        let found = histogram(&[values]);
        assert_eq!((found.below, found.above), (50, 50));
        assert!(found.edges.last().copied().unwrap_or(0.0) < 1.0);
    }

    #[test]
    fn whiskers_end_at_values_within_reach() {
        let found = whiskers(&[1.0, 2.0, 3.0, 4.0, 5.0, 100.0]).unwrap();
        assert_eq!((found.low, found.high, found.beyond), (1.0, 5.0, 1));
        assert_eq!((found.q1, found.median, found.q3), (2.25, 3.5, 4.75));
        assert_eq!(whiskers(&[]), None);
    }
}
