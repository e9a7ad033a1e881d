//! What was read at once: the values of a step.

use thiserror::Error;

/// Longest name of a metric, in bytes. What is longer is none.
pub const MAX_NAME: usize = 256;
/// Most values of one JSON object or one event of TensorBoard.
pub const MAX_VALUES: usize = 10_000;

/// Names of the step, whatever their case, the one that counts most first.
const STEPS: [&str; 5] = ["step", "global_step", "iteration", "iter", "epoch"];

/// Largest step: up to here every whole number is a float.
const MAX_STEP: f64 = 9_007_199_254_740_992.0;

/// The values of one step, in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Where nothing was said of the step, values belong to the one that was reported last.
    pub step: Option<u64>,
    /// Empty where only a step was read, as in `Epoch 3/10`.
    pub values: Vec<(String, f64)>,
}

/// Reads lines of output or of a file, one after the other.
pub trait LineReader {
    /// What `line` says, without its end; `None` where it says nothing. An error is a line that should say something
    /// and cannot be read: worth one warning.
    fn read(&mut self, line: &[u8]) -> Result<Option<Report>, LineError>;
}

/// Why a line could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LineError {
    #[error("this is no JSON object: {problem} at byte {}", at + 1)]
    Json {
        /// Bytes before the place.
        at: usize,
        problem: &'static str,
    },
    #[error("the pattern's group `{group}` matched `{text}`, which is no number")]
    NotANumber { group: String, text: String },
}

/// Gathers the values of one line and finds the step among them.
#[derive(Debug, Default)]
pub(super) struct Collector {
    values: Vec<(String, f64)>,
    /// Rank of the name in [`STEPS`] and place in `values`.
    step: Option<(usize, usize)>,
}

impl Collector {
    pub fn push(&mut self, name: &str, value: f64) {
        if let Some(rank) = step_rank(name)
            && as_step(value).is_some()
            && self.step.is_none_or(|(best, _)| rank < best)
        {
            self.step = Some((rank, self.values.len()));
        }
        self.values.push((name.to_owned(), value));
    }

    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// `None` where nothing was gathered.
    pub fn report(mut self) -> Option<Report> {
        let step = self.step.map(|(_, place)| self.values.remove(place).1);
        let step = step.and_then(as_step);
        (step.is_some() || !self.values.is_empty()).then_some(Report {
            step,
            values: self.values,
        })
    }
}

/// The place of `name` among the names of the step.
pub(super) fn step_rank(name: &str) -> Option<usize> {
    STEPS
        .iter()
        .position(|step| step.eq_ignore_ascii_case(name))
}

/// A whole number that is not negative: `1.0` is one, `0.5` is an ordinary metric.
fn as_step(value: f64) -> Option<u64> {
    ((0.0..=MAX_STEP).contains(&value) && value.fract() == 0.0).then_some(value as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(values: &[(&str, f64)]) -> Option<Report> {
        let mut collector = Collector::default();
        for (name, value) in values {
            collector.push(name, *value);
        }
        collector.report()
    }

    #[test]
    fn the_step_is_taken_from_the_name_that_counts_most() {
        let read = report(&[("epoch", 1.0), ("loss", 0.5), ("Global_Step", 70.0)]).unwrap();
        assert_eq!(read.step, Some(70));
        let rest = [("epoch".to_owned(), 1.0), ("loss".to_owned(), 0.5)];
        assert_eq!(read.values, rest);
        assert_eq!(report(&[("ITER", 4.0)]).unwrap().step, Some(4));
        let order = report(&[
            ("epoch", 1.0),
            ("iter", 2.0),
            ("iteration", 3.0),
            ("step", 4.0),
        ]);
        assert_eq!(order.unwrap().step, Some(4));
    }

    #[test]
    fn only_whole_numbers_are_steps() {
        assert_eq!(report(&[("epoch", 2.0)]).unwrap().step, Some(2));
        for value in [0.25, -1.0, f64::NAN, f64::INFINITY, 1e300] {
            let read = report(&[("epoch", value)]).unwrap();
            assert_eq!((read.step, read.values.len()), (None, 1), "{value}");
        }
        let read = report(&[("step", 0.5), ("epoch", 3.0)]).unwrap();
        assert_eq!(read.step, Some(3));
        assert_eq!(read.values, [("step".to_owned(), 0.5)]);
        assert_eq!(report(&[]), None);
    }
}
