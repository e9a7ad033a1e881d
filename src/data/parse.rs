//! From columns to typed values: numbers, dates, categories, labels, groups.
//!
//! Invariant: the rows kept have a label and a group, and a value is missing only where a rule says
//! what becomes of it.

use std::borrow::Cow;

use jiff::civil::DateTime;
use rayon::prelude::{IntoParallelRefIterator, ParallelIterator};

use sweep_core::data_config::{Edition, MissingPolicy, MissingRules};
use sweep_core::format::pluralize;
use sweep_table::date::{DateFormat, year};
use sweep_table::error::quote;
use sweep_table::{Column, DataError, NumberStyle, Table, Texts};

use super::cells::number;
use super::columns::{Field, Form, Roles};

/// The rows of one file that take part, and what stands in them.
#[derive(Debug)]
pub(super) struct Part<'a> {
    /// Rows of the table, ascending.
    pub rows: Vec<u32>,
    /// In the order of the fields; each by row of the table.
    pub values: Vec<Values<'a>>,
    pub labels: &'a Texts,
    pub groups: Option<&'a Texts>,
    /// Rows left out because a cell is missing.
    pub dropped: usize,
    /// Columns whose missing cells had rows left out, and how many; a row may count for several.
    pub dropped_by: Vec<(String, usize)>,
}

/// The cells of one field, by row of the table.
#[derive(Debug)]
pub(super) enum Values<'a> {
    /// Not a number where missing.
    Numbers {
        values: Cow<'a, [f64]>,
        style: NumberStyle,
    },
    Texts(&'a Texts),
    Dates {
        texts: &'a Texts,
        /// Of each level; `None` where missing.
        moments: Vec<Option<DateTime>>,
    },
}

/// One column read: its values, and the rows where they are missing.
struct Read<'a> {
    values: Values<'a>,
    missing: Vec<u32>,
    /// Rows that lack a value are left out.
    drops: bool,
}

impl Values<'_> {
    /// Whether the cell of `row` is missing.
    pub fn is_missing(&self, row: u32) -> bool {
        let row = row as usize;
        match self {
            Values::Numbers { values, .. } => values[row].is_nan(),
            Values::Texts(texts) | Values::Dates { texts, .. } => {
                texts.is_missing[texts.codes[row] as usize]
            }
        }
    }
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
                Err(error) => errors.push(error),
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
        let split = match roles.split.map(|column| reader.split(column)) {
            None => None,
            Some(Ok(dropped)) => dropped,
            Some(Err(error)) => {
                errors.push(error);
                None
            }
        };
        let (Some(labels), true) = (labels, errors.is_empty()) else {
            return Err(errors);
        };
        let groups = groups.flatten();

        let mut keep = vec![true; table.rows()];
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
                let missing = read.missing.iter();
                missing.for_each(|row| keep[*row as usize] = false);
                dropped_by.push((name.to_owned(), read.missing.len()));
            }
        }
        if let Some((name, missing)) = split {
            missing.iter().for_each(|row| keep[*row as usize] = false);
            if !dropped_by.iter().any(|(column, _)| *column == name) {
                dropped_by.push((name, missing.len()));
            }
        }
        let before = rows.len();
        let rows: Vec<u32> = rows.into_iter().filter(|row| keep[*row as usize]).collect();
        Ok(Part {
            dropped: before - rows.len(),
            rows,
            values: reads.into_iter().map(|read| read.values).collect(),
            labels: texts(table, roles.target),
            groups: roles.group.map(|column| texts(table, column)),
            dropped_by,
        })
    }
}

struct Reader<'a, 'b> {
    table: &'a Table,
    rules: &'b MissingRules,
    rows: &'b [u32],
}

impl<'a> Reader<'a, '_> {
    /// Reads a column that becomes features.
    fn field(&self, field: &Field) -> Result<Read<'a>, DataError> {
        let values = match &field.form {
            Form::Number => self.numbers(field)?,
            Form::Year => self.years(field)?,
            Form::Date { format, .. } => self.dates(field, format)?,
            Form::Category | Form::Binary { .. } | Form::Text(_) => {
                Values::Texts(texts(self.table, field.column))
            }
        };
        let missing = self.missing(&values);
        let has_texts = matches!(field.form, Form::Text(_));
        // For text a missing cell is an empty text: the default of the rules is for values, only a
        // rule of its own holds.
        let policy = match (self.rules.columns.get(&field.name), has_texts) {
            (Some(own), _) => *own,
            (None, true) => MissingPolicy::Category,
            (None, false) => self.rules.default,
        };
        let is_own = self.rules.columns.contains_key(&field.name);
        if let Some(allowed) = not_allowed(policy, &field.form)
            && (is_own || !missing.is_empty())
        {
            return Err(self.not_allowed(field, allowed));
        }
        if policy == MissingPolicy::Error && !missing.is_empty() {
            return Err(self.must_not_be_missing(field, &missing, has_texts));
        }
        Ok(Read {
            values,
            missing,
            drops: policy == MissingPolicy::Drop,
        })
    }

    /// Reads the target or the group, which cannot be filled in.
    fn fixed(&self, column: usize, key: &str, what: &str) -> Result<Read<'a>, DataError> {
        let name = &self.table.names[column];
        let policy = match self.rules.columns.get(name) {
            Some(own @ (MissingPolicy::Drop | MissingPolicy::Error)) => *own,
            Some(_) => {
                let message = format!("{} is the {what}, which cannot be filled in", quote(name));
                let error = DataError::new(&self.table.path, message, "allowed here: error, drop");
                return Err(error.key(format!("data.missing.{name}")));
            }
            None if self.rules.default == MissingPolicy::Drop => MissingPolicy::Drop,
            None => MissingPolicy::Error,
        };
        let values = Values::Texts(texts(self.table, column));
        let missing = self.missing(&values);
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

    /// The column that decides on the split, and the rows to leave out because they lack it.
    fn split(&self, column: usize) -> Result<Option<(String, Vec<u32>)>, DataError> {
        let name = &self.table.names[column];
        let is_missing = |row: &u32| match self.table.column(column) {
            Column::Numbers { values, .. } => values[*row as usize].is_nan(),
            Column::Texts(texts) => texts.is_missing[texts.codes[*row as usize] as usize],
        };
        let missing: Vec<u32> = self.rows.iter().copied().filter(is_missing).collect();
        if missing.is_empty() {
            return Ok(None);
        }
        let own = self.rules.columns.get(name);
        match own.unwrap_or(&self.rules.default) {
            MissingPolicy::Drop => Ok(Some((name.clone(), missing))),
            _ => {
                let help = format!(
                    "every row needs one to be split by: fill the cells, or set {}",
                    rule(name, "drop")
                );
                Err(self.missing_error(column, &missing, help).key("data.split"))
            }
        }
    }

    fn missing(&self, values: &Values<'_>) -> Vec<u32> {
        let rows = self.rows.iter().copied();
        rows.filter(|row| values.is_missing(*row)).collect()
    }

    fn not_allowed(&self, field: &Field, allowed: &str) -> DataError {
        let name = quote(&field.name);
        let message = match field.form {
            Form::Text(_) => format!("column {name} holds text, which cannot be filled in"),
            Form::Category | Form::Binary { .. } => {
                format!("column {name} holds categories, which have no median")
            }
            Form::Number | Form::Year | Form::Date { .. } => {
                format!("column {name} holds numbers, for which missing is no level")
            }
        };
        let error = DataError::new(&self.table.path, message, allowed);
        error.key(format!("data.missing.{}", field.name))
    }

    fn must_not_be_missing(&self, field: &Field, missing: &[u32], has_texts: bool) -> DataError {
        let drop = rule(&field.name, "drop");
        if has_texts {
            let help = format!(
                "fill the cells, set {drop}, or remove the rule: a missing text is then empty"
            );
            let error = self.missing_error(field.column, missing, help);
            return error.key(format!("data.missing.{}", field.name));
        }
        let fillings = match field.form {
            Form::Category | Form::Binary { .. } => "\"impute\" or \"category\"",
            _ => "\"impute\" (the median)",
        };
        let help = format!(
            "fill the cells, or set {drop}; {fillings} is allowed too; `missing = \"impute\"` is for \
             all columns"
        );
        let error = self.missing_error(field.column, missing, help);
        error.key(field.key.clone())
    }

    fn missing_error(&self, column: usize, missing: &[u32], help: String) -> DataError {
        let row = missing[0];
        let cell = self.table.cell(row, column);
        let shown = match cell.trim() {
            "" => "the cell is empty".to_owned(),
            cell => format!(
                "the cell reads {}, which stands for a missing value",
                quote(cell)
            ),
        };
        let message = format!("{shown}{}", and_more(missing.len()));
        let error = self.table.error_at(row, message, help);
        error.column(&self.table.names[column])
    }

    fn numbers(&self, field: &Field) -> Result<Values<'a>, DataError> {
        match self.table.column(field.column) {
            Column::Numbers { values, style } => Ok(Values::Numbers {
                values: Cow::Borrowed(values),
                style: *style,
            }),
            // Columns that have another part as well are kept as text.
            Column::Texts(texts) => {
                let levels: Vec<&str> = texts.present_levels().map(|(_, level)| level).collect();
                let style = match self.table.edition {
                    Edition::First => None,
                    _ => NumberStyle::find(levels.iter().copied(), None),
                };
                let style = style.unwrap_or_default();
                let parse = |cell: &str| style.number(cell);
                let values = self.parsed(field, texts, parse, "a number")?;
                Ok(Values::Numbers {
                    values: Cow::Owned(values),
                    style,
                })
            }
        }
    }

    fn years(&self, field: &Field) -> Result<Values<'a>, DataError> {
        let wanted = "a date: YYYY, YYYY-MM or YYYY-MM-DD";
        let values = self.parsed(field, texts(self.table, field.column), year, wanted)?;
        Ok(Values::Numbers {
            values: Cow::Owned(values),
            style: NumberStyle::PLAIN,
        })
    }

    fn dates(&self, field: &Field, format: &DateFormat) -> Result<Values<'a>, DataError> {
        let texts = texts(self.table, field.column);
        let moments: Vec<Option<DateTime>> = texts
            .levels
            .iter()
            .zip(&texts.is_missing)
            .map(|(level, is_missing)| match is_missing {
                true => None,
                false => format.parse(level),
            })
            .collect();
        let wanted = format!("a date written as {}", quote(format.name()));
        self.check(
            field,
            texts,
            |code| moments[code as usize].is_some(),
            &wanted,
        )?;
        Ok(Values::Dates { texts, moments })
    }

    /// The number of each row of the table, which is none where the cell is missing or its row is
    /// left out.
    fn parsed(
        &self,
        field: &Field,
        texts: &Texts,
        parse: impl Fn(&str) -> Option<f64>,
        wanted: &str,
    ) -> Result<Vec<f64>, DataError> {
        let levels: Vec<Option<f64>> = texts
            .levels
            .iter()
            .zip(&texts.is_missing)
            .map(|(level, is_missing)| if *is_missing { None } else { parse(level) })
            .collect();
        self.check(field, texts, |code| levels[code as usize].is_some(), wanted)?;
        let value = |code: &u32| levels[*code as usize].unwrap_or(f64::NAN);
        Ok(texts.codes.iter().map(value).collect())
    }

    /// An error if a level in the rows at hand is neither missing nor what is `wanted`.
    fn check(
        &self,
        field: &Field,
        texts: &Texts,
        is_wanted: impl Fn(u32) -> bool,
        wanted: &str,
    ) -> Result<(), DataError> {
        let is_bad = |row: &&u32| {
            let code = texts.codes[**row as usize];
            !texts.is_missing[code as usize] && !is_wanted(code)
        };
        let bad: Vec<u32> = self.rows.iter().filter(is_bad).copied().collect();
        let Some(first) = bad.first() else {
            return Ok(());
        };
        let cell = texts.cell(*first as usize);
        let message = format!("{} is not {wanted}{}", quote(cell), and_more(bad.len()));
        let error = self
            .table
            .error_at(*first, message, hint(cell, &field.form));
        Err(error.key(field.key.clone()).column(&field.name))
    }
}

/// A column that is kept as text because the experiment names it as one of those.
pub(super) fn texts(table: &Table, column: usize) -> &Texts {
    match table.column(column) {
        Column::Texts(texts) => texts,
        Column::Numbers { .. } => unreachable!("columns that are texts by their role are kept so"),
    }
}

/// What is allowed instead, where a rule does not go with the form of a column.
fn not_allowed(policy: MissingPolicy, form: &Form) -> Option<&'static str> {
    match (form, policy) {
        (Form::Text(_), MissingPolicy::Median | MissingPolicy::Mode | MissingPolicy::Impute) => {
            Some("allowed here: error, drop; without a rule, a missing text is empty")
        }
        (Form::Category | Form::Binary { .. }, MissingPolicy::Median | MissingPolicy::Keep) => {
            Some("allowed here: error, drop, mode, impute, category")
        }
        (Form::Number | Form::Year | Form::Date { .. }, MissingPolicy::Category) => {
            Some("allowed here: error, drop, median, mode, impute, keep")
        }
        _ => None,
    }
}

/// What to do about a cell that is no number or date.
fn hint(cell: &str, form: &Form) -> String {
    let cell = cell.trim();
    let advice = match form {
        Form::Year => {
            "a year has four digits, month and day two, and the day must exist; `date = [...]` reads \
             dates of other kinds"
        }
        Form::Date { .. } => "correct the cell or the `format`, or leave the column out",
        _ if cell.parse::<f64>().is_ok() => {
            "numbers must be finite; a missing value is an empty cell or NA"
        }
        _ if ["n/a", "null", "none", "-", "?"].contains(&cell.to_lowercase().as_str()) => {
            "if it stands for a missing value, name it in `missing_values`"
        }
        _ if cell.contains(',') && number(&cell.replace(',', ".")).is_some() => {
            "set `decimal = \",\"` if commas separate decimals, or write thousands without a mark"
        }
        _ => {
            "correct the cell, name it in `missing_values` if it stands for a missing value, move the \
             column to `categorical`, or leave it out"
        }
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
