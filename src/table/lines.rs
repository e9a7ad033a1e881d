//! On which lines of a file its rows stand.

/// The line of each row: in runs where every row is one line, and one by one elsewhere.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lines {
    runs: Vec<Run>,
    rows: usize,
}

#[derive(Debug, Clone)]
struct Run {
    /// Its first row.
    row: usize,
    /// The line of that row, from 1.
    line: u64,
    /// Of each row, how many lines it stands below the first; `None` where every row is one line.
    listed: Option<Vec<u32>>,
}

impl Lines {
    /// Adds `rows` of one line each, the first on `line`.
    pub fn add_regular(&mut self, rows: usize, line: u64) {
        if rows == 0 {
            return;
        }
        let goes_on = self.runs.last().is_some_and(|run| {
            run.listed.is_none() && run.line + (self.rows - run.row) as u64 == line
        });
        if !goes_on {
            self.runs.push(Run {
                row: self.rows,
                line,
                listed: None,
            });
        }
        self.rows += rows;
    }

    /// Adds rows that stand `lines` below `first`.
    pub fn add_listed(&mut self, lines: &[u32], first: u64) {
        if lines.is_empty() {
            return;
        }
        self.runs.push(Run {
            row: self.rows,
            line: first,
            listed: Some(lines.to_vec()),
        });
        self.rows += lines.len();
    }

    /// The line of `row`, from 1.
    pub fn of(&self, row: usize) -> u64 {
        let after = self.runs.partition_point(|run| run.row <= row);
        let Some(run) = after.checked_sub(1).map(|place| &self.runs[place]) else {
            return 1;
        };
        let below = row - run.row;
        match &run.listed {
            None => run.line + below as u64,
            Some(listed) => run.line + u64::from(listed.get(below).copied().unwrap_or(0)),
        }
    }

    /// The line of the last row.
    pub fn last(&self) -> u64 {
        self.of(self.rows.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_in_runs_and_in_lists() {
        let mut lines = Lines::default();
        lines.add_regular(3, 2);
        lines.add_regular(2, 5);
        lines.add_listed(&[0, 2, 3], 7);
        lines.add_regular(1, 20);
        let found: Vec<u64> = (0..9).map(|row| lines.of(row)).collect();
        assert_eq!(found, [2, 3, 4, 5, 6, 7, 9, 10, 20]);
        assert_eq!((lines.last(), lines.runs.len()), (20, 3));
    }
}
