//! Whether a target of numbers is a class or a number to be predicted.

use sweep_core::format::{pluralize, with_thousands};
use sweep_table::error::quote;

use super::cells::number;
use super::warnings::Note;

/// Classes a target may have.
pub(super) const MAX_CLASSES: usize = 1000;
/// What to do about a target of numbers.
pub(super) const NUMERIC_HELP: &str = "set `task = \"regression\"` to predict the number, or write a column that \
     puts the numbers into a few classes";
/// Different numbers up to which a target holds classes, and nothing is said.
const FEW: usize = 20;
/// Rows of each number, on average, from which whole numbers are taken as classes.
const ROWS_OF_EACH: usize = 10;

/// What a target holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TargetKind {
    Classes,
    /// More than [`FEW`] whole numbers, each often enough to be a class: counts, months, ratings.
    NumericClasses,
    Number,
}

impl TargetKind {
    /// Of a target whose `rows` have one of `classes`.
    pub fn of(classes: &[String], rows: usize) -> TargetKind {
        if classes.len() <= FEW || !looks_numeric(classes) {
            return TargetKind::Classes;
        }
        let is_whole = |class: &String| number(class).is_some_and(|number| number.fract() == 0.0);
        let is_frequent = rows >= ROWS_OF_EACH * classes.len();
        match is_frequent && classes.len() <= MAX_CLASSES && classes.iter().all(is_whole) {
            true => TargetKind::NumericClasses,
            false => TargetKind::Number,
        }
    }
}

/// Whether all of `classes` are numbers.
pub(super) fn looks_numeric(classes: &[String]) -> bool {
    let is_number = |name: &String| name.trim().parse::<f64>().is_ok();
    classes.iter().all(is_number)
}

/// That training takes the numbers of `target` as classes without order.
pub(super) fn numeric_classes(target: &str, classes: usize) -> Note {
    Note::warning(format!(
        "the target {} looks like a number: its {classes} distinct numbers are taken as classes \
         without order; `task = \"regression\"` predicts the number",
        quote(target)
    ))
}

/// That the numbers of `target` are predicted as numbers.
pub(super) fn numeric_target(target: &str, distinct: usize, rows: usize) -> Note {
    Note::info(format!(
        "the target {} is a number ({} distinct ones in {}), so the task is regression; \
         `task = \"classification\"` takes its values as classes",
        quote(target),
        with_thousands(distinct as u64),
        pluralize(rows, "row")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(numbers: impl Iterator<Item = f64>, rows: usize) -> TargetKind {
        let classes: Vec<String> = numbers.map(|number| number.to_string()).collect();
        TargetKind::of(&classes, rows)
    }

    #[test]
    fn many_numbers_are_classes_only_where_they_are_whole_and_each_is_frequent() {
        let upto = |end: u32| (0..end).map(f64::from);
        assert_eq!(of(upto(20), 20), TargetKind::Classes);
        assert_eq!(of(upto(21), 210), TargetKind::NumericClasses);
        assert_eq!(of(upto(21), 209), TargetKind::Number);
        assert_eq!(of(upto(21).map(|x| x / 2.0), 9_999), TargetKind::Number);
        assert_eq!(of(upto(1001), 100_000), TargetKind::Number);
        let words: Vec<String> = (0..40).map(|word| format!("c{word}")).collect();
        assert_eq!(TargetKind::of(&words, 40), TargetKind::Classes);
    }
}
