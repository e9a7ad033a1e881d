//! Errors of predicted numbers by the size of the true one.

use super::lead::RowNumbers;

/// Slices of equal numbers of rows.
const SLICES: usize = 10;

/// Rows whose true number lies in a range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slice {
    /// Smallest and largest true number.
    pub range: (f64, f64),
    pub rows: usize,
    /// Mean of prediction less true number.
    pub bias: f64,
    /// Mean absolute error.
    pub mae: f64,
    /// Root of the mean squared error.
    pub rmse: f64,
}

/// Tenths of the rows by true number, those of equal numbers in one slice; of several models the mean over them, row by row.
/// Empty where nothing was predicted.
pub fn slices(models: &[&RowNumbers]) -> Vec<Slice> {
    let Some(first) = models.first() else {
        return Vec::new();
    };
    let mut order: Vec<usize> = (0..first.len()).collect();
    order.sort_by(|a, b| first[*a].0.total_cmp(&first[*b].0));
    let mut slices: Vec<Vec<usize>> = vec![Vec::new(); SLICES];
    let mut own = 0;
    for (rank, row) in order.iter().enumerate() {
        if rank == 0 || first[order[rank - 1]].0 != first[*row].0 {
            own = rank * SLICES / order.len();
        }
        slices[own].push(*row);
    }
    let slice = |rows: Vec<usize>| {
        let ends = (first[*rows.first()?].0, first[*rows.last()?].0);
        let errors = || {
            let rows = rows.iter();
            rows.flat_map(|row| models.iter().map(|model| model[*row].1 - model[*row].0))
        };
        let all = (rows.len() * models.len()) as f64;
        Some(Slice {
            range: ends,
            rows: rows.len(),
            bias: errors().sum::<f64>() / all,
            mae: errors().map(f64::abs).sum::<f64>() / all,
            rmse: (errors().map(|error| error * error).sum::<f64>() / all).sqrt(),
        })
    };
    slices.into_iter().filter_map(slice).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_into_tenths_by_their_true_number() {
        let numbers: RowNumbers = (0..40)
            .map(|row| {
                (
                    f64::from(row),
                    f64::from(row) + if row % 2 == 0 { 1.0 } else { 3.0 },
                )
            })
            .collect();
        let found = slices(&[&numbers]);
        assert_eq!(found.len(), 10);
        assert_eq!((found[0].range, found[0].rows), ((0.0, 3.0), 4));
        assert_eq!(
            (found[9].range, found[9].bias, found[9].mae),
            ((36.0, 39.0), 2.0, 2.0)
        );
        assert!((found[0].rmse - 5.0f64.sqrt()).abs() < 1e-12);
        let same: RowNumbers = vec![(1.0, 2.0); 7];
        assert_eq!(slices(&[&same]).len(), 1);
        assert!(slices(&[]).is_empty() && slices(&[&Vec::new()]).is_empty());
    }
}
