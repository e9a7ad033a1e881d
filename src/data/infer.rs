//! Which columns are numeric when an experiment does not say.
//!
//! Invariant: a column is only taken if every cell of the rows at hand is missing or a finite
//! number.

use rayon::prelude::{IntoParallelIterator, ParallelIterator};

use super::columns::{Field, Form, Roles, number};
use super::error::quote;
use super::table::Table;
use super::warnings::Note;

/// Share of numbers from which a column of text is mentioned as nearly numeric.
const NEARLY_NUMERIC: f64 = 0.9;

impl Roles {
    /// Puts first the columns of which every cell of `rows` is missing or a finite number, in file
    /// order, less target, group and the columns named already.
    pub fn infer_numeric(&mut self, table: &Table, rows: &[u32]) -> Vec<Note> {
        let taken = |column: usize| {
            column == self.target
                || Some(column) == self.group
                || self.fields.iter().any(|field| field.column == column)
        };
        let found: Vec<(usize, Finding)> = (0..table.names.len())
            .into_par_iter()
            .filter(|column| !taken(*column))
            .map(|column| (column, look(table, rows, column)))
            .collect();
        let mut fields = Vec::new();
        let mut notes = Vec::new();
        for (column, finding) in found {
            let name = &table.names[column];
            match finding {
                Finding::Numbers | Finding::Counter if name.is_empty() => notes.push(Note::info(
                    format!("column number {} has no name and is not used", column + 1),
                )),
                Finding::Numbers => fields.push(Field {
                    name: name.clone(),
                    form: Form::Number,
                    key: "data.numeric".to_owned(),
                    column,
                }),
                Finding::Counter => {
                    notes.push(Note::warning(format!(
                        "column {} only counts the rows up or down; it is taken as a number \
                         because `numeric` is not set; name the numeric columns to leave it out",
                        quote(name)
                    )));
                    fields.push(Field {
                        name: name.clone(),
                        form: Form::Number,
                        key: "data.numeric".to_owned(),
                        column,
                    });
                }
                Finding::Nearly { row } => notes.push(Note::warning(format!(
                    "column {} is nearly numeric, but line {} reads {}; it is not used",
                    quote(name),
                    table.line(row),
                    quote(table.cell(row, column))
                ))),
                Finding::Text => {}
            }
        }
        fields.append(&mut self.fields);
        self.fields = fields;
        notes
    }
}

/// What a column holds.
enum Finding {
    Numbers,
    /// Whole numbers that rise by one, or fall by one, from row to row.
    Counter,
    /// Numbers but for a few cells, the first of which stands in `row`.
    Nearly {
        row: u32,
    },
    Text,
}

fn look(table: &Table, rows: &[u32], column: usize) -> Finding {
    let (mut numbers, mut texts) = (0usize, 0usize);
    let mut first_text = None;
    let mut last: Option<f64> = None;
    let (mut up, mut down) = (true, true);
    for row in rows {
        let Some(cell) = table.present(*row, column) else {
            continue;
        };
        match number(cell) {
            Some(value) => {
                if let Some(last) = last {
                    up &= value == last + 1.0;
                    down &= value == last - 1.0;
                }
                last = Some(value);
                numbers += 1;
            }
            None => {
                texts += 1;
                first_text = first_text.or(Some(*row));
                if texts as f64 > (1.0 - NEARLY_NUMERIC) * rows.len() as f64 {
                    return Finding::Text;
                }
            }
        }
    }
    match first_text {
        Some(row) if numbers as f64 >= NEARLY_NUMERIC * (numbers + texts) as f64 => {
            Finding::Nearly { row }
        }
        Some(_) => Finding::Text,
        None if numbers == 0 => Finding::Text,
        None if numbers > 2 && (up || down) => Finding::Counter,
        None => Finding::Numbers,
    }
}
