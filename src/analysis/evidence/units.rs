//! What was drawn when validation rows were drawn: single rows, or groups of rows that belong together.
//!
//! A metric that is a mean over rows is linear in what each unit adds to it, which is all that the variance needs. Units of
//! different size make the mean a ratio, which is linearised (Cameron and Miller, "A practitioner's guide to
//! cluster-robust inference", Journal of Human Resources 50, 2015).

use std::collections::HashMap;
use sweep_core::random::{Purpose, Stream};

/// Key of all draws of this module tree; any number would do.
pub(super) const SEED: u64 = 0;

/// The units of `rows` validation rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Units {
    /// Unit of each row [rows], from 0 without a gap; `None` where each row is one.
    of_rows: Option<Vec<u32>>,
    /// Rows of each unit [units]; empty where each row is a unit.
    sizes: Vec<u32>,
    rows: usize,
}

impl Units {
    /// Each row by itself.
    pub fn rows(rows: usize) -> Units {
        Units {
            of_rows: None,
            sizes: Vec::new(),
            rows,
        }
    }

    /// Rows of one number go together [rows]; the numbers may be any.
    pub fn groups(groups: &[u64]) -> Units {
        let mut places: HashMap<u64, u32> = HashMap::new();
        let mut sizes = Vec::new();
        let of_rows = groups.iter().map(|group| {
            let place = *places.entry(*group).or_insert(sizes.len() as u32);
            if place as usize == sizes.len() {
                sizes.push(0);
            }
            sizes[place as usize] += 1;
            place
        });
        Units {
            of_rows: Some(of_rows.collect()),
            sizes,
            rows: groups.len(),
        }
    }

    /// The units thrown together at random into `count` blocks, or as they are where there are no more than that: for
    /// [`super::pseudo_values::jackknife`].
    pub fn blocks(&self, count: usize) -> Units {
        if self.count() <= count {
            return self.clone();
        }
        let mut order: Vec<u64> = (0..self.count() as u64).collect();
        Stream::new(SEED, Purpose::Evidence, 1, 0).shuffle(&mut order);
        let block = |row: usize| order[self.of_row(row)] % count as u64;
        Units::groups(&(0..self.rows).map(block).collect::<Vec<_>>())
    }

    pub fn count(&self) -> usize {
        match self.of_rows {
            Some(_) => self.sizes.len(),
            None => self.rows,
        }
    }

    /// Validation rows in all.
    pub fn row_count(&self) -> usize {
        self.rows
    }

    /// The unit of `row`.
    pub fn of_row(&self, row: usize) -> usize {
        match &self.of_rows {
            Some(of_rows) => of_rows[row] as usize,
            None => row,
        }
    }

    /// Rows of `unit`.
    pub fn size(&self, unit: usize) -> usize {
        match self.of_rows {
            Some(_) => self.sizes[unit] as usize,
            None => 1,
        }
    }

    /// Mean of `scores` [rows] and what each unit adds to it beyond its share [units]: these add up to 0, and those of a
    /// difference are the differences of those. `None` where a score is not finite.
    pub(super) fn deviations(&self, scores: &[f32]) -> Option<(f64, Vec<f64>)> {
        let rows = self.rows as f64;
        let mut sums = vec![0.0; self.count()];
        match &self.of_rows {
            Some(of_rows) => {
                for (unit, score) in of_rows.iter().zip(scores) {
                    sums[*unit as usize] += f64::from(*score);
                }
            }
            None => (sums.iter_mut().zip(scores)).for_each(|(sum, score)| *sum = f64::from(*score)),
        }
        let mean = sums.iter().sum::<f64>() / rows;
        for (unit, sum) in sums.iter_mut().enumerate() {
            *sum = (*sum - self.size(unit) as f64 * mean) / rows;
        }
        mean.is_finite().then_some((mean, sums))
    }
}
