//! The rows of one file: their labels or numbers, weights and groups.
//!
//! Invariant: labels are below the number of classes, weights are finite numbers from 0 of which one
//! at least is above 0.

use std::collections::HashMap;

use sweep_core::data_config::DataSpec;
use sweep_table::error::{quote, suggest};
use sweep_table::{Column, DataError, NumberStyle, Table};

use super::columns::Roles;
use super::parse::Part;
use super::split_keys::SplitKeys;
use super::target_values::{numbers, strata, style_of};

/// Key of the file with the test rows.
pub(super) const TEST_KEY: &str = "data.test_path";

/// One file with the parts its columns play.
pub(super) struct Source<'a> {
    pub table: &'a Table,
    pub roles: Roles,
    pub part: Part<'a>,
    /// Indices into the classes, or strata of a target that is a number.
    pub labels: Vec<u32>,
    /// The target, where it is a number; by place.
    pub numbers: Option<Vec<f32>>,
    /// Weights, by place, if rows have any.
    pub weights: Option<Vec<f32>>,
    /// Numbers of the groups, common to both files.
    pub groups: Option<Vec<u32>>,
    /// What decides on the split besides the seed.
    pub keys: SplitKeys,
}

/// Numbers for labels and groups, common to both files.
pub(super) struct Codes<'a> {
    pub classes: HashMap<String, u32>,
    /// How numbers of the target are written, if it is one.
    pub style: Option<NumberStyle>,
    pub groups: HashMap<&'a str, u32>,
}

impl<'a> Codes<'a> {
    pub fn source(
        &mut self,
        spec: &DataSpec,
        table: &'a Table,
        part: Part<'a>,
        (roles, key): (Roles, &str),
    ) -> Result<Source<'a>, Vec<DataError>> {
        let (labels, numbers) = match self.style {
            None => (self.labels(spec, table, &part)?, None),
            Some(style) => {
                let numbers = numbers(spec, table, &part, style, key)?;
                (strata(&numbers), Some(numbers))
            }
        };
        let weights = match roles.weight {
            None => None,
            Some(column) => Some(weights(table, &part, column)?),
        };
        let keys = SplitKeys::read(spec, table, &roles, &part)?;
        let groups = part.groups.map(|texts| {
            // Numbers in the order in which groups come.
            let mut known: Vec<Option<u32>> = vec![None; texts.levels.len()];
            let mut number = |row: &u32| {
                let code = texts.codes[*row as usize];
                *known[code as usize].get_or_insert_with(|| {
                    let next = self.groups.len() as u32;
                    *self.groups.entry(texts.levels.get(code)).or_insert(next)
                })
            };
            part.rows.iter().map(&mut number).collect()
        });
        Ok(Source {
            table,
            roles,
            part,
            labels,
            numbers,
            weights,
            groups,
            keys,
        })
    }

    fn labels(
        &self,
        spec: &DataSpec,
        table: &Table,
        part: &Part<'_>,
    ) -> Result<Vec<u32>, Vec<DataError>> {
        let levels = part.labels.levels.iter();
        let codes: Vec<Option<u32>> = levels
            .map(|level| self.classes.get(level).copied())
            .collect();
        let mut labels = Vec::with_capacity(part.rows.len());
        for row in &part.rows {
            let Some(code) = codes[part.labels.codes[*row as usize] as usize] else {
                let label = part.labels.cell(*row as usize);
                let message = format!("the training file has no row of class {}", quote(label));
                // A map has no order of its own, and a message must not change from run to run.
                let mut names: Vec<&str> = self.classes.keys().map(String::as_str).collect();
                names.sort_unstable();
                let help = suggest(label, names);
                let error = table.error_at(*row, message, help);
                return Err(vec![error.key(TEST_KEY).column(&spec.target)]);
            };
            labels.push(code);
        }
        Ok(labels)
    }
}

/// The weights in `column`, by place.
fn weights(table: &Table, part: &Part<'_>, column: usize) -> Result<Vec<f32>, Vec<DataError>> {
    let name = &table.names[column];
    let blame = |error: DataError| vec![error.key("data.weight").column(name)];
    let style = match table.column(column) {
        Column::Numbers { .. } => NumberStyle::PLAIN,
        Column::Texts(texts) => style_of(texts),
    };
    let mut weights = Vec::with_capacity(part.rows.len());
    for row in &part.rows {
        let refuse =
            |message: String, help: &'static str| Err(blame(table.error_at(*row, message, help)));
        let place = *row as usize;
        let weight = match table.column(column) {
            Column::Numbers { values, .. } => Some(values[place]).filter(|weight| !weight.is_nan()),
            // Columns that are not all numbers, or have another part as well.
            Column::Texts(texts) => match texts.present(place) {
                None => None,
                Some(cell) => match style.number(cell) {
                    Some(number) => Some(number),
                    None => {
                        let message = format!("the weight {} is not a number", quote(cell));
                        return refuse(message, NO_NUMBER);
                    }
                },
            },
        };
        match weight {
            None => return refuse("the weight is missing".to_owned(), MISSING),
            Some(weight) if weight < 0.0 => {
                return refuse(format!("the weight {weight} is negative"), NEGATIVE);
            }
            Some(weight) if !(weight as f32).is_finite() => {
                let message = format!("the weight {weight} is too large for a 32-bit number");
                return refuse(message, "write all weights in other units");
            }
            Some(weight) => weights.push(weight as f32),
        }
    }
    match weights.iter().any(|weight| *weight > 0.0) {
        true => Ok(weights),
        false => {
            let help = "weights above 0 are needed: name another column, or leave `weight` out";
            Err(blame(DataError::new(
                &table.path,
                "every weight is 0",
                help,
            )))
        }
    }
}

const NO_NUMBER: &str =
    "weights are numbers from 0: correct the cell, name another column, or leave `weight` out";
const MISSING: &str = "weights are numbers from 0: fill the cell, or exclude the row";
const NEGATIVE: &str = "weights are numbers from 0: correct the cell, or exclude the row";
