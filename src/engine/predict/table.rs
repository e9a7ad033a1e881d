//! A table with its predictions, written row by row.
//!
//! Invariant: every row of the input is a row of the output, in the same order, with the same cells
//! in front; a row without features has empty cells behind them.

use std::io::Write;

use super::decision::Decision;
use super::members::{self, AskError, Member};
use super::predictor::{PredictError, Predictions};
use super::scores::{RowPrediction, Scorer, TargetScores};
use sweep_core::conformal::{Conformal, Held};
use sweep_data::{DataError, Features, Label, RejectedRow, Table, TargetColumn};

/// Rows encoded and predicted at a time, which bounds memory beside the table itself.
const CHUNK: usize = 4096;
/// RejectedRow rows that are kept for a message; the others are counted.
const SHOWN: usize = 5;
/// What the new columns begin with, followed by a number from 2 on where the table has such names.
const PREFIX: &str = "sweep";

/// What was written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TableSummary {
    pub rows: usize,
    /// Rows without a prediction.
    pub refused: usize,
    /// The first of them.
    pub first_refused: Vec<RejectedRow>,
    /// Columns with categories that no training row had, and the cells in rows with a prediction.
    pub unseen: Vec<(String, usize)>,
    /// How well the rows were predicted, where the table has the target.
    pub scores: Option<TargetScores>,
    /// How often sets or intervals held the target, if there are any.
    pub held: Option<Held>,
}

/// What is written, and how.
#[derive(Debug, Clone, Copy)]
pub struct Layout<'a> {
    /// Names of the classes; none where numbers are predicted.
    pub classes: &'a [String],
    /// Between cells.
    pub delimiter: u8,
    /// What is made of predictions.
    pub decision: &'a Decision,
}

/// Why predictions could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error(transparent)]
    Output(#[from] std::io::Error),
    #[error(transparent)]
    Model(#[from] PredictError),
    #[error(transparent)]
    Data(#[from] DataError),
}

impl From<AskError> for WriteError {
    fn from(error: AskError) -> WriteError {
        match error {
            AskError::Model(error) => WriteError::Model(error),
            AskError::Data(error) => WriteError::Data(error),
        }
    }
}

/// Names of the columns that are added to `table`: `sweep.predicted`, then `sweep.probability.CLASS`
/// for each class, if it has classes; with a set or an interval (`has_region`), `sweep.set`, or `sweep.low` and
/// `sweep.high`. Where a column of the table begins with `sweep.`, they begin with `sweep2.`, and
/// so on.
pub fn columns(table: &Table, classes: &[String], has_region: bool) -> Vec<String> {
    let taken = |prefix: &str| {
        let start = format!("{prefix}.");
        table.names.iter().any(|name| name.starts_with(&start))
    };
    let prefix = std::iter::once(PREFIX.to_owned())
        .chain((2u64..).map(|number| format!("{PREFIX}{number}")))
        .find(|prefix| !taken(prefix))
        .expect("a table has finitely many columns");
    let probability = |class: &String| format!("{prefix}.probability.{class}");
    let region: &[&str] = match (has_region, classes.is_empty()) {
        (false, _) => &[],
        (true, false) => &["set"],
        (true, true) => &["low", "high"],
    };
    std::iter::once(format!("{prefix}.predicted"))
        .chain(classes.iter().map(probability))
        .chain(region.iter().map(|name| format!("{prefix}.{name}")))
        .collect()
}

/// Writes `table` and what `models`, taken together, say of each row to `out` as `layout` has it, lines ended by LF.
///
/// Of several `members` it is the mean that is written, of the rows that none of them refuses.
/// Probabilities and numbers are the shortest decimals that read back as the same 32-bit number. Predictions are
/// scored by `target`, if it is there.
///
/// # Errors
/// When `out` cannot be written, or a model cannot be asked.
pub fn write(
    table: &Table,
    members: &mut [Member<'_>],
    target: Option<&TargetColumn<'_>>,
    layout: Layout<'_>,
    out: &mut dyn Write,
) -> Result<TableSummary, WriteError> {
    let (classes, conformal) = (layout.classes, layout.decision.conformal.as_ref());
    let mut writer = csv::WriterBuilder::new()
        .delimiter(layout.delimiter)
        .from_writer(out);
    let mut record = csv::ByteRecord::new();
    let header = columns(table, classes, conformal.is_some());
    record.extend(table.names.iter().chain(&header));
    writer.write_byte_record(&record).map_err(output)?;
    let mut scorer = target.map(|target| (target, Scorer::new(target.name(), classes.len())));
    let mut summary = TableSummary {
        rows: table.rows(),
        held: conformal.map(|_| Held::default()),
        ..TableSummary::default()
    };
    let mut start = 0;
    while start < table.rows() {
        let end = (start + CHUNK).min(table.rows());
        let rows = start as u32..end as u32;
        let (features, mut predictions) = members::predict(members, rows, classes.len())?;
        layout.decision.adjust(&mut predictions, classes.len());
        let mut predicted = features
            .rows
            .iter()
            .zip(by_row(&predictions, classes.len()));
        let mut next = predicted.next();
        for row in start as u32..end as u32 {
            record.clear();
            (0..table.names.len())
                .for_each(|column| record.push_field(table.cell(row, column).as_bytes()));
            let own = next.filter(|(place, _)| **place == row);
            let own = own.map(|(_, prediction)| prediction);
            if let Some((target, scorer)) = &mut scorer {
                scorer.add(target.label(row), own);
            }
            match own {
                Some(own) => own.push(&mut record, classes),
                None => (0..header.len()).for_each(|_| record.push_field(b"")),
            }
            if let (Some(own), Some(conformal), Some(held)) = (own, conformal, &mut summary.held) {
                let actual = target.map_or(Label::Missing, |target| target.label(row));
                own.push_region(&mut record, (conformal, classes), (actual, held));
            }
            if own.is_some() {
                next = predicted.next();
            }
            writer.write_byte_record(&record).map_err(output)?;
        }
        summary.add(features);
        start = end;
    }
    writer.flush()?;
    summary.scores = scorer.map(|(_, scorer)| scorer.finish());
    Ok(summary)
}

impl RowPrediction<'_> {
    /// The predicted class and the probability of each, or the predicted number.
    fn push(self, record: &mut csv::ByteRecord, classes: &[String]) {
        match self {
            RowPrediction::Class(label, probabilities) => {
                record.push_field(classes[label as usize].as_bytes());
                for probability in probabilities {
                    record.push_field(format!("{:?}", *probability as f32).as_bytes());
                }
            }
            RowPrediction::Number(number) => {
                record.push_field(format!("{:?}", number as f32).as_bytes());
            }
        }
    }

    /// Its set of classes or its interval, counted as `held` by the `actual` target.
    fn push_region(
        self,
        record: &mut csv::ByteRecord,
        (conformal, classes): (&Conformal, &[String]),
        (actual, held): (Label, &mut Held),
    ) {
        match self {
            RowPrediction::Class(_, probabilities) => {
                let set = conformal.set(probabilities);
                let names: Vec<String> = set.iter().map(|class| in_set(&classes[*class])).collect();
                record.push_field(names.join("|").as_bytes());
                let holds = match actual {
                    Label::Class(class) => Some(set.contains(&(class as usize))),
                    _ => None,
                };
                held.add(set.len() as f64, holds);
            }
            RowPrediction::Number(number) => {
                let (low, high) = conformal.interval(number);
                for end in [low, high] {
                    record.push_field(format!("{:?}", end as f32).as_bytes());
                }
                let holds = match actual {
                    Label::Number(actual) => Some((low..=high).contains(&f64::from(actual))),
                    _ => None,
                };
                held.add(high - low, holds);
            }
        }
    }
}

/// The name of a class among several that `|` separates.
fn in_set(class: &str) -> String {
    class.replace('\\', "\\\\").replace('|', "\\|")
}

/// The prediction of each row.
fn by_row(predictions: &Predictions, classes: usize) -> impl Iterator<Item = RowPrediction<'_>> {
    let labels = predictions.labels.iter();
    // One of the two is empty.
    let rows = labels.zip(predictions.probabilities.chunks_exact(classes.max(1)));
    let of_classes = rows.map(|(label, row)| RowPrediction::Class(*label, row));
    let numbers = predictions.numbers.iter();
    of_classes.chain(numbers.map(|number| RowPrediction::Number(*number)))
}

impl TableSummary {
    fn add(&mut self, features: Features) {
        for (column, cells) in features.unseen {
            match self.unseen.iter_mut().find(|(known, _)| *known == column) {
                Some((_, known)) => *known += cells,
                None => self.unseen.push((column, cells)),
            }
        }
        self.refused += features.refused.len();
        let room = SHOWN - self.first_refused.len();
        self.first_refused
            .extend(features.refused.into_iter().take(room));
    }
}

/// The error of the file behind a CSV writer, with its kind.
fn output(error: csv::Error) -> std::io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => std::io::Error::other(format!("{kind:?}")),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn table(text: &str) -> Table {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new.csv");
        fs::write(&path, text).unwrap();
        let storage = sweep_data::Storage {
            all_text: true,
            ..Default::default()
        };
        Table::read(&[path], &Default::default(), &storage, "").unwrap()
    }

    #[test]
    fn new_columns_never_have_the_name_of_one_that_is_there() {
        let classes = ["no".to_owned(), "yes".to_owned()];
        let fresh = columns(&table("a,sweep,sweeps.predicted\n1,2,3\n"), &classes, false);
        assert_eq!(
            fresh,
            [
                "sweep.predicted",
                "sweep.probability.no",
                "sweep.probability.yes"
            ]
        );
        let again = columns(&table("sweep.predicted,sweep2.x\n1,2\n"), &classes, true);
        assert_eq!(
            (again[0].as_str(), again[3].as_str()),
            ("sweep3.predicted", "sweep3.set")
        );
        let numbers = columns(&table("a\n1\n"), &[], true);
        assert_eq!(numbers, ["sweep.predicted", "sweep.low", "sweep.high"]);
        assert_eq!(in_set("a|b\\c"), "a\\|b\\\\c");
    }
}
