//! Two lists of codes against each other: mutual information, what of it is chance, Cramér's V.
//!
//! Tables of values by classes are kept sparse: an identifier has as many rows in them as the file.

use std::collections::HashMap;

use super::codes::NONE;

/// How often each value, each class and each pair of them occurs.
pub struct Cross {
    n: usize,
    rows: Vec<usize>,
    columns: Vec<usize>,
    /// (row, column, count), for pairs that occur.
    cells: Vec<(u32, u32, usize)>,
}

impl Cross {
    /// Of the places where neither code is [`NONE`]. Values that do not occur there do not count.
    pub fn of(a: &[u32], a_levels: usize, b: &[u32], b_levels: usize) -> Cross {
        let mut pairs: Vec<u64> = (a.iter().zip(b))
            .filter(|(a, b)| **a != NONE && **b != NONE)
            .map(|(a, b)| u64::from(*a) << 32 | u64::from(*b))
            .collect();
        pairs.sort_unstable();
        let mut cross = Cross {
            n: pairs.len(),
            rows: vec![0; a_levels],
            columns: vec![0; b_levels],
            cells: Vec::new(),
        };
        for equal in pairs.chunk_by(|a, b| a == b) {
            let (row, column) = ((equal[0] >> 32) as u32, equal[0] as u32);
            cross.rows[row as usize] += equal.len();
            cross.columns[column as usize] += equal.len();
            cross.cells.push((row, column, equal.len()));
        }
        cross
    }

    pub fn n(&self) -> usize {
        self.n
    }

    /// Entropies of the values and of the classes, in nats.
    pub fn entropies(&self) -> (f64, f64) {
        (entropy(&self.rows), entropy(&self.columns))
    }

    /// Mutual information of the observed shares (the plug-in estimate), in nats.
    pub fn mutual_information(&self) -> f64 {
        let n = self.n as f64;
        let term = |(row, column, count): &(u32, u32, usize)| {
            let (a, b) = (self.rows[*row as usize], self.columns[*column as usize]);
            let count = *count as f64;
            count / n * (count * n / (a as f64 * b as f64)).ln()
        };
        self.cells.iter().map(term).sum::<f64>().max(0.0)
    }

    /// What the plug-in estimate is on average when the classes are shuffled: exact, from the
    /// hypergeometric distribution of each cell (Vinh, Epps and Bailey 2010, equation 24a). In nats.
    pub fn chance(&self) -> f64 {
        let logs = log_factorials(self.n);
        // Cells depend on their sums alone, of which few are distinct even for an identifier.
        let (rows, columns) = (tally(&self.rows), tally(&self.columns));
        let mut sum = 0.0;
        for (a, a_times) in &rows {
            for (b, b_times) in &columns {
                sum += (a_times * b_times) as f64 * expected_term(*a, *b, self.n, &logs);
            }
        }
        sum
    }

    /// Cramér's V of the table, and V with the bias taken out (Bergsma 2013); NaN where a side has a
    /// single value.
    pub fn cramers_v(&self) -> (f64, f64) {
        let n = self.n as f64;
        let occurring = |sums: &[usize]| sums.iter().filter(|sum| **sum > 0).count() as f64;
        let (r, c) = (occurring(&self.rows), occurring(&self.columns));
        let square = |(row, column, count): &(u32, u32, usize)| {
            let (a, b) = (self.rows[*row as usize], self.columns[*column as usize]);
            (*count as f64).powi(2) / (a as f64 * b as f64)
        };
        // Chi square over n.
        let phi = (self.cells.iter().map(square).sum::<f64>() - 1.0).max(0.0);
        if r < 2.0 || c < 2.0 {
            return (f64::NAN, f64::NAN);
        }
        let plain = (phi / (r - 1.0).min(c - 1.0)).sqrt().min(1.0);
        let left = (phi - (r - 1.0) * (c - 1.0) / (n - 1.0)).max(0.0);
        let shrunk = |levels: f64| levels - (levels - 1.0).powi(2) / (n - 1.0);
        let most = shrunk(r).min(shrunk(c)) - 1.0;
        let corrected = match most > 1e-12 {
            true => (left / most).sqrt().min(1.0),
            false => f64::NAN,
        };
        (plain, corrected)
    }
}

/// Entropy of the shares of `counts`, in nats.
pub fn entropy(counts: &[usize]) -> f64 {
    let n = counts.iter().sum::<usize>() as f64;
    let shares = counts.iter().map(|count| *count as f64 / n);
    -shares
        .filter(|share| *share > 0.0)
        .map(|share| share * share.ln())
        .sum::<f64>()
}

/// The mean of `x/n ln(n x / (a b))` over the hypergeometric distribution of a cell with sums `a`
/// and `b`.
fn expected_term(a: usize, b: usize, n: usize, logs: &[f64]) -> f64 {
    let of_sums = logs[a] + logs[b] + logs[n - a] + logs[n - b] - logs[n];
    let (low, high) = ((a + b).saturating_sub(n).max(1), a.min(b));
    let all = n as f64;
    let term = |x: usize| {
        let of_cell = logs[x] + logs[a - x] + logs[b - x] + logs[n + x - a - b];
        let gain = (all * x as f64 / (a as f64 * b as f64)).ln();
        x as f64 / all * gain * (of_sums - of_cell).exp()
    };
    (low..=high).map(term).sum()
}

/// Sums above zero and how often each occurs, ascending.
fn tally(sums: &[usize]) -> Vec<(usize, usize)> {
    let mut times: HashMap<usize, usize> = HashMap::new();
    for sum in sums.iter().filter(|sum| **sum > 0) {
        *times.entry(*sum).or_default() += 1;
    }
    let mut times: Vec<(usize, usize)> = times.into_iter().collect();
    times.sort_unstable();
    times
}

/// `ln k!` for k from 0 to `n`; what each addition loses is carried on.
fn log_factorials(n: usize) -> Vec<f64> {
    let (mut sum, mut lost) = (0.0f64, 0.0f64);
    let mut logs = vec![0.0];
    for k in 1..=n {
        let step = (k as f64).ln() - lost;
        let next = sum + step;
        lost = (next - sum) - step;
        sum = next;
        logs.push(sum);
    }
    logs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_the_mean_over_all_shufflings() {
        // All 24 orders of the classes of four rows.
        let (x, y) = ([0, 0, 1, 1], [0, 1, 1, 1]);
        let mut sum = 0.0;
        let mut number = 0.0;
        for code in 0..256usize {
            let places = [code % 4, code / 4 % 4, code / 16 % 4, code / 64];
            let mut sorted = places;
            sorted.sort_unstable();
            if sorted == [0, 1, 2, 3] {
                let shuffled = places.map(|place| y[place]);
                sum += Cross::of(&x, 2, &shuffled, 2).mutual_information();
                number += 1.0;
            }
        }
        assert_eq!(number, 24.0);
        assert!((Cross::of(&x, 2, &y, 2).chance() - sum / number).abs() < 1e-14);
    }

    #[test]
    fn an_identifier_tells_nothing_but_chance() {
        let ids: Vec<u32> = (0..40).collect();
        let classes: Vec<u32> = (0..40).map(|row| row % 3).collect();
        let cross = Cross::of(&ids, 40, &classes, 3);
        let entropy = entropy(&[14, 13, 13]);
        assert!((cross.mutual_information() - entropy).abs() < 1e-12);
        assert!((cross.chance() - entropy).abs() < 1e-12);
        let (plain, corrected) = cross.cramers_v();
        assert!((plain - 1.0).abs() < 1e-12 && corrected.is_nan());
    }

    #[test]
    fn a_copy_tells_everything_and_a_constant_nothing() {
        let classes: Vec<u32> = (0..60).map(|row| row % 3).collect();
        let copy = Cross::of(&classes, 3, &classes, 3);
        assert!((copy.mutual_information() - 3f64.ln()).abs() < 1e-12);
        assert!((copy.cramers_v().1 - 1.0).abs() < 1e-12);
        let constant = Cross::of(&[0; 60], 1, &classes, 3);
        assert_eq!(constant.mutual_information(), 0.0);
        assert!(constant.chance().abs() < 1e-12);
        assert!(constant.cramers_v().0.is_nan());
    }
}
