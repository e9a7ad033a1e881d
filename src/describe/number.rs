//! Numbers in order: moments, quantiles, ranks.
//!
//! Invariant: all values are finite or NaN, and NaN means missing; `order` has exactly the rows with
//! a value, sorted by it, equal ones in the order of the rows.

use super::codes::NONE;

/// Above this size squares overflow, and below its inverse they vanish, so that moments are computed
/// on another scale.
const LARGE: f64 = 1e150;

/// A column of numbers.
pub struct Numbers {
    /// A number for each row; NaN where missing.
    pub values: Vec<f64>,
    /// Rows with a value, by value.
    pub order: Vec<u32>,
}

impl Numbers {
    pub fn new(values: Vec<f64>) -> Numbers {
        let mut order: Vec<u32> = (0..values.len() as u32)
            .filter(|row| !values[*row as usize].is_nan())
            .collect();
        order.sort_by(|a, b| values[*a as usize].total_cmp(&values[*b as usize]));
        Numbers { values, order }
    }

    /// The values that are there, ascending.
    pub fn sorted(&self) -> Vec<f64> {
        let value = |row: &u32| self.values[*row as usize];
        self.order.iter().map(value).collect()
    }

    /// For each row the place of its value among the distinct ones, or [`NONE`]; and their number.
    pub fn codes(&self) -> (Vec<u32>, usize) {
        let mut codes = vec![NONE; self.values.len()];
        let mut levels = 0;
        let mut last = f64::NAN;
        for row in &self.order {
            let value = self.values[*row as usize];
            levels += u32::from(value != last);
            last = value;
            codes[*row as usize] = levels - 1;
        }
        (codes, levels as usize)
    }

    /// For each row the mean of the ranks (from 1) that its equals share, among the rows with
    /// `keep`; NaN for other rows.
    pub fn ranks(&self, keep: impl Fn(usize) -> bool) -> Vec<f64> {
        let mut ranks = vec![f64::NAN; self.values.len()];
        let kept: Vec<usize> = (self.order.iter())
            .map(|row| *row as usize)
            .filter(|row| keep(*row))
            .collect();
        let mut before = 0;
        for equals in kept.chunk_by(|a, b| self.values[*a] == self.values[*b]) {
            let rank = before as f64 + (equals.len() as f64 + 1.0) / 2.0;
            equals.iter().for_each(|row| ranks[*row] = rank);
            before += equals.len();
        }
        ranks
    }
}

/// Mean, and standard deviation with divisor n - 1 (two passes). NaN where undefined.
pub fn moments(values: &[f64]) -> (f64, f64) {
    let size = values.iter().fold(0.0, |size: f64, x| size.max(x.abs()));
    let is_extreme = size > LARGE || (size > 0.0 && size < 1.0 / LARGE);
    let scale = if is_extreme { size } else { 1.0 };
    let n = values.len() as f64;
    let mean = values.iter().map(|x| x / scale).sum::<f64>() / n;
    let (mut squares, mut rest) = (0.0, 0.0);
    for x in values {
        let away = x / scale - mean;
        squares += away * away;
        rest += away;
    }
    // The second term takes out what rounding of the mean has left.
    let squares = (squares - rest * rest / n).max(0.0);
    let sd = match values.len() {
        0 | 1 => f64::NAN,
        _ => (squares / (n - 1.0)).sqrt(),
    };
    // Equal values whose mean was rounded have no deviation.
    let is_constant = values.iter().all(|x| *x == values[0]);
    match is_constant && !values.is_empty() {
        true => (values[0], if sd.is_nan() { sd } else { 0.0 }),
        false => (mean * scale, sd * scale),
    }
}

/// The `share` quantile of ascending values, linear between neighbours (type 7 of Hyndman and Fan
/// 1996, what NumPy and R do unasked); NaN without values.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = share * last as f64;
    let below = (place.floor() as usize).min(last);
    let above = (below + 1).min(last);
    let along = place - below as f64;
    match along == 0.0 || sorted[below] == sorted[above] {
        true => sorted[below],
        // Halves first: the difference of two large numbers may overflow.
        false => sorted[below] * (1.0 - along) + sorted[above] * along,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_the_mean_of_their_ranks_among_the_rows_that_are_kept() {
        let numbers = Numbers::new(vec![3.0, f64::NAN, 1.0, 3.0, 2.0, 3.0]);
        let shown = |ranks: Vec<f64>| format!("{ranks:?}");
        assert_eq!(
            shown(numbers.ranks(|_| true)),
            "[4.0, NaN, 1.0, 4.0, 2.0, 4.0]"
        );
        assert_eq!(
            shown(numbers.ranks(|row| row != 0)),
            "[NaN, NaN, 1.0, 3.5, 2.0, 3.5]"
        );
        assert_eq!(numbers.codes(), (vec![2, NONE, 0, 2, 1, 2], 3));
    }

    #[test]
    fn huge_equal_and_few_values_have_moments() {
        assert_eq!(moments(&[1e308, 1e308]), (1e308, 0.0));
        let (mean, sd) = moments(&[1e300, -1e300, 1e300, -1e300]);
        assert_eq!(mean, 0.0);
        assert!((sd / 1e300 - (4.0f64 / 3.0).sqrt()).abs() < 1e-15);
        let (_, sd) = moments(&[1e-300, -1e-300, 1e-300, -1e-300]);
        assert!((sd / 1e-300 - (4.0f64 / 3.0).sqrt()).abs() < 1e-12);
        assert_eq!(moments(&[0.1; 10]), (0.1, 0.0));
        assert!(moments(&[]).0.is_nan() && moments(&[2.0]).1.is_nan());
        assert_eq!(moments(&[2.0]).0, 2.0);
        let (mean, sd) = moments(&[1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0]);
        assert_eq!((mean, sd), (1e9 + 2.0, 1.0));
    }

    #[test]
    fn quantiles_lie_between_neighbours() {
        assert_eq!(quantile(&[1.0, 2.0, 4.0, 8.0], 0.25), 1.75);
        assert_eq!(quantile(&[1.0, 2.0, 4.0, 8.0], 1.0), 8.0);
        assert_eq!(quantile(&[-1e308, 1e308], 0.5), 0.0);
        assert!(quantile(&[], 0.5).is_nan());
    }
}
