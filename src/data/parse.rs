//! From cells as text to typed values: numbers, years, categories, labels, groups.
//!
//! Invariant: in a [`Part`] all vectors have one entry for each row kept, labels and groups are
//! never missing, and a value is missing only where a rule says how to fill it in.

use rayon::prelude::{IntoParallelRefIterator, ParallelIterator};

use sweep_core::data_config::{MissingPolicy, MissingRules};

use super::columns::{Field, Form, Roles, number};
use super::date::year;
use super::error::{DataError, pluralize, quote};
use super::table::Table;

/// The rows of one file that take part, and what stands in them.
#[derive(Debug)]
pub(super) struct Part<'a> {
    /// Rows of the table, ascending.
    pub rows: Vec<u32>,
    /// In the order of the fields.
    pub values: Vec<Values<'a>>,
    pub labels: Vec<&'a str>,
    pub groups: Option<Vec<&'a str>>,
    /// Rows left out because a cell is missing.
    pub dropped: usize,
    /// Columns whose missing cells had rows left out, and how many; a row may count for several.
    pub dropped_by: Vec<(String, usize)>,
}

/// The cells of one field.
#[derive(Debug)]
pub(super) enum Values<'a> {
    /// Not a number where missing.
    Numbers(Vec<f64>),
    Texts(Vec<Option<&'a str>>),
}

/// One column read: its values, and the places (not rows) where they are missing.
struct Read<'a> {
    values: Values<'a>,
    missing: Vec<usize>,
    /// Rows that lack a value are left out.
    drops: bool,
}

impl<'a> Part<'a> {
    /// Reads the columns of `roles` in the `rows` of `table`.
    pub fn read(
        table: &'a Table,
        roles: &Roles,
        rules: &MissingRules,
        rows: Vec<u32>,
    ) -> Result<Part<'a>, Vec<DataError>> {
        let reader = Reader {
            table,
            rules,
            rows: &rows,
        };
        let mut errors = Vec::new();
        let mut reads = Vec::with_capacity(roles.fields.len());
        let read: Vec<_> = roles
            .fields
            .par_iter()
            .map(|field| reader.field(field))
            .collect();
        for result in read {
            match result {
                Ok(read) => reads.push(read),
                Err(more) => errors.extend(more),
            }
        }
        let mut fixed = |column: usize, key: &str, what: &str| match reader.fixed(column, key, what)
        {
            Ok(read) => Some(read),
            Err(error) => {
                errors.push(error);
                None
            }
        };
        let labels = fixed(roles.target, "data.target", "target");
        let groups = roles
            .group
            .map(|column| fixed(column, "data.group", "group"));
        let (Some(labels), true) = (labels, errors.is_empty()) else {
            return Err(errors);
        };
        let groups = groups.flatten();

        let mut keep = vec![true; rows.len()];
        let mut dropped_by = Vec::new();
        let names = roles.fields.iter().map(|field| field.name.as_str());
        let named = names.zip(&reads);
        let target = std::iter::once((table.names[roles.target].as_str(), &labels));
        let group = roles
            .group
            .iter()
            .map(|column| table.names[*column].as_str())
            .zip(&groups);
        for (name, read) in named.chain(target).chain(group) {
            // A column of text may stand in several fields.
            let counted = dropped_by.iter().any(|(column, _)| column == name);
            if read.drops && !read.missing.is_empty() && !counted {
                read.missing.iter().for_each(|place| keep[*place] = false);
                dropped_by.push((name.to_owned(), read.missing.len()));
            }
        }
        let rows = kept(rows, &keep);
        Ok(Part {
            dropped: keep.len() - rows.len(),
            rows,
            values: reads
                .into_iter()
                .map(|read| read.values.kept(&keep))
                .collect(),
            labels: labels.values.texts(&keep),
            groups: groups.map(|read| read.values.texts(&keep)),
            dropped_by,
        })
    }
}

impl<'a> Values<'a> {
    fn kept(self, keep: &[bool]) -> Values<'a> {
        match self {
            Values::Numbers(values) => Values::Numbers(kept(values, keep)),
            Values::Texts(values) => Values::Texts(kept(values, keep)),
        }
    }

    /// The texts that are kept, none of which is missing.
    fn texts(self, keep: &[bool]) -> Vec<&'a str> {
        match self {
            Values::Texts(values) => kept(values, keep).into_iter().flatten().collect(),
            Values::Numbers(_) => Vec::new(),
        }
    }
}

fn kept<T>(values: Vec<T>, keep: &[bool]) -> Vec<T> {
    values
        .into_iter()
        .zip(keep)
        .filter(|(_, keep)| **keep)
        .map(|(value, _)| value)
        .collect()
}

struct Reader<'a, 'b> {
    table: &'a Table,
    rules: &'b MissingRules,
    rows: &'b [u32],
}

impl<'a> Reader<'a, '_> {
    /// Reads a column that becomes features.
    fn field(&self, field: &Field) -> Result<Read<'a>, Vec<DataError>> {
        let policy = match field.form {
            Form::Text(_) => return self.text(field).map_err(|error| vec![error]),
            _ => self.rules.of(&field.name),
        };
        let values = match field.form {
            Form::Number => self.numbers(field, number, "a number"),
            Form::Year => self.numbers(field, year, "a date: YYYY, YYYY-MM or YYYY-MM-DD"),
            Form::Category | Form::Text(_) => Ok(self.texts(field.column)),
        };
        let values = values.map_err(|error| vec![error])?;
        let missing: Vec<usize> = match &values {
            Values::Numbers(values) => places(values, |value| value.is_nan()),
            Values::Texts(values) => places(values, Option::is_none),
        };
        let median_of_text = policy == MissingPolicy::Median && field.form == Form::Category;
        let explicit = self.rules.columns.contains_key(&field.name);
        if median_of_text && (explicit || !missing.is_empty()) {
            let message = format!(
                "column {} holds categories, which have no median",
                quote(&field.name)
            );
            let error =
                DataError::new(&self.table.path, message, "allowed here: error, drop, mode");
            return Err(vec![error.key(format!("data.missing.{}", field.name))]);
        }
        if policy == MissingPolicy::Error && !missing.is_empty() {
            let help = format!(
                "fill the cells, or set {}; {}\"mode\" is allowed too",
                rule(&field.name, "drop"),
                if field.form == Form::Category {
                    ""
                } else {
                    "\"median\" or "
                }
            );
            return Err(vec![
                self.missing_error(field.column, &missing, help)
                    .key(field.key.clone()),
            ]);
        }
        Ok(Read {
            values,
            missing,
            drops: policy == MissingPolicy::Drop,
        })
    }

    /// Reads a column of text, in which a missing cell is an empty text: the default of the rules is
    /// for values, only a rule of its own holds here.
    fn text(&self, field: &Field) -> Result<Read<'a>, DataError> {
        let policy = self.rules.columns.get(&field.name);
        if let Some(MissingPolicy::Median | MissingPolicy::Mode) = policy {
            let name = quote(&field.name);
            let message = format!("column {name} holds text, which cannot be filled in");
            let help = "allowed here: error, drop; without a rule, a missing text is empty";
            let error = DataError::new(&self.table.path, message, help);
            return Err(error.key(format!("data.missing.{}", field.name)));
        }
        let values = self.texts(field.column);
        let missing = match &values {
            Values::Texts(values) => places(values, Option::is_none),
            Values::Numbers(_) => Vec::new(),
        };
        if policy == Some(&MissingPolicy::Error) && !missing.is_empty() {
            let help = format!(
                "fill the cells, set {}, or remove the rule: a missing text is then empty",
                rule(&field.name, "drop")
            );
            return Err(self
                .missing_error(field.column, &missing, help)
                .key(format!("data.missing.{}", field.name)));
        }
        Ok(Read {
            values,
            missing,
            drops: policy == Some(&MissingPolicy::Drop),
        })
    }

    /// Reads the target or the group, which cannot be filled in.
    fn fixed(&self, column: usize, key: &str, what: &str) -> Result<Read<'a>, DataError> {
        let name = &self.table.names[column];
        let explicit = self.rules.columns.get(name);
        let policy = match (explicit, self.rules.default) {
            (Some(MissingPolicy::Median | MissingPolicy::Mode), _) => {
                let message = format!("{} is the {what}, which cannot be filled in", quote(name));
                let error = DataError::new(&self.table.path, message, "allowed here: error, drop");
                return Err(error.key(format!("data.missing.{name}")));
            }
            (Some(MissingPolicy::Drop), _) | (None, MissingPolicy::Drop) => MissingPolicy::Drop,
            _ => MissingPolicy::Error,
        };
        let values = self.texts(column);
        let missing = match &values {
            Values::Texts(values) => places(values, Option::is_none),
            Values::Numbers(_) => Vec::new(),
        };
        if policy == MissingPolicy::Error && !missing.is_empty() {
            let help = format!("fill the cells, or set {}", rule(name, "drop"));
            return Err(self.missing_error(column, &missing, help).key(key));
        }
        Ok(Read {
            values,
            missing,
            drops: policy == MissingPolicy::Drop,
        })
    }

    fn missing_error(&self, column: usize, missing: &[usize], help: String) -> DataError {
        let row = self.rows[missing[0]];
        let shown = match self.table.cell(row, column) {
            "" => "the cell is empty".to_owned(),
            cell => format!(
                "the cell reads {}, which stands for a missing value",
                quote(cell)
            ),
        };
        let message = format!("{shown}{}", and_more(missing.len()));
        DataError::new(&self.table.path, message, help)
            .line(self.table.line(row))
            .column(&self.table.names[column])
    }

    fn texts(&self, column: usize) -> Values<'a> {
        Values::Texts(
            self.rows
                .iter()
                .map(|row| self.table.present(*row, column))
                .collect(),
        )
    }

    fn numbers(
        &self,
        field: &Field,
        parse: fn(&str) -> Option<f64>,
        wanted: &str,
    ) -> Result<Values<'a>, DataError> {
        let mut bad = Vec::new();
        let mut values = Vec::with_capacity(self.rows.len());
        for row in self.rows {
            let cell = self.table.present(*row, field.column);
            let value = cell.map_or(Some(f64::NAN), parse);
            if value.is_none() {
                bad.push(*row);
            }
            values.push(value.unwrap_or(f64::NAN));
        }
        let Some(first) = bad.first() else {
            return Ok(Values::Numbers(values));
        };
        let cell = self.table.cell(*first, field.column);
        let message = format!("{} is not {wanted}{}", quote(cell), and_more(bad.len()));
        let error = DataError::new(&self.table.path, message, hint(cell, field.form))
            .key(field.key.clone())
            .line(self.table.line(*first));
        Err(error.column(&field.name))
    }
}

/// What to do about a cell that is no number or date.
fn hint(cell: &str, form: Form) -> String {
    let cell = cell.trim();
    let advice = match form {
        Form::Year => "a year has four digits, month and day two, and the day must exist",
        _ if cell.parse::<f64>().is_ok() => {
            "numbers must be finite; a missing value is an empty cell or NA"
        }
        _ if ["n/a", "null", "none", "-", "?"].contains(&cell.to_lowercase().as_str()) => {
            "a missing value is an empty cell or NA"
        }
        _ if cell.contains(',') && number(&cell.replace(',', ".")).is_some() => {
            "write decimals with a point and thousands without a mark"
        }
        _ => "correct the cell, move the column to `categorical`, or leave it out",
    };
    advice.to_owned()
}

fn and_more(cells: usize) -> String {
    match cells {
        1 => String::new(),
        _ => format!(" (and {} further down)", pluralize(cells - 1, "more cell")),
    }
}

/// The entry of an experiment that sets a rule for `column`.
fn rule(column: &str, policy: &str) -> String {
    let bare = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    let key = match !column.is_empty() && column.chars().all(bare) {
        true => column.to_owned(),
        false => quote(column).replace('`', "\""),
    };
    format!("`missing = {{ {key} = \"{policy}\" }}`")
}

fn places<T>(values: &[T], is: impl Fn(&T) -> bool) -> Vec<usize> {
    (0..values.len())
        .filter(|place| is(&values[*place]))
        .collect()
}
