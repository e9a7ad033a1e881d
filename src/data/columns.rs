//! Which column of a file plays which part, and which rows an experiment leaves out.
//!
//! Invariant: every index in [`Roles`] is a column of the table it was found in.

use rayon::prelude::{IntoParallelIterator, ParallelIterator};

use crate::recipe::DataSpec;

use super::error::{DataError, quote, suggest};
use super::note::Note;
use super::table::Table;

/// Share of numbers from which a column of text is mentioned as nearly numeric.
const NEARLY_NUMERIC: f64 = 0.9;

/// How the cells of a column become features.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Number,
    Year,
    Category,
}

/// A column that becomes one feature, or several.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub name: String,
    pub form: Form,
    /// The experiment key that asks for it.
    pub key: String,
    /// Index of the column in its table.
    pub column: usize,
}

/// The part that each column plays.
#[derive(Debug, Clone)]
pub(super) struct Roles {
    pub target: usize,
    pub group: Option<usize>,
    pub exclude: Vec<Exclusion>,
    pub fields: Vec<Field>,
}

/// Rows whose cell in `column` is one of `values` are left out.
#[derive(Debug, Clone)]
pub(super) struct Exclusion {
    pub name: String,
    pub column: usize,
    pub values: Vec<String>,
}

impl Roles {
    /// Finds the columns that `spec` names in `table`. With `numeric` left out of the experiment, the
    /// numeric fields are still to be found by [`Roles::infer_numeric`].
    pub fn resolve(spec: &DataSpec, table: &Table) -> Result<Roles, Vec<DataError>> {
        let mut finder = Finder {
            table,
            errors: Vec::new(),
        };
        let target = finder.find(&spec.target, "data.target".to_owned());
        let group = spec
            .group
            .as_ref()
            .map(|name| finder.find(name, "data.group".to_owned()));
        let mut exclude = Vec::new();
        for (name, values) in &spec.exclude {
            let column = finder.find(name, format!("data.exclude.{name}"));
            exclude.push(Exclusion {
                name: name.clone(),
                column,
                values: values.clone(),
            });
        }
        let numeric = spec.numeric.as_deref().unwrap_or_default();
        let mut fields = Vec::new();
        for (word, form, names) in [
            ("numeric", Form::Number, numeric),
            ("year", Form::Year, &spec.year),
            ("categorical", Form::Category, &spec.categorical),
        ] {
            for (place, name) in names.iter().enumerate() {
                let key = format!("data.{word}[{place}]");
                let column = finder.find(name, key.clone());
                finder.check_field(spec, name, &names[..place], &key);
                fields.push(Field {
                    name: name.clone(),
                    form,
                    key,
                    column,
                });
            }
        }
        let roles = Roles {
            target,
            group,
            exclude,
            fields,
        };
        match finder.errors.is_empty() {
            true => Ok(roles),
            false => Err(finder.errors),
        }
    }

    /// The same parts in `table`, a test file; `key` names it.
    pub fn in_table(
        &self,
        spec: &DataSpec,
        table: &Table,
        key: &str,
    ) -> Result<Roles, Vec<DataError>> {
        let mut finder = Finder {
            table,
            errors: Vec::new(),
        };
        let mut roles = self.clone();
        roles.target = finder.find(&spec.target, key.to_owned());
        roles.group = spec
            .group
            .as_ref()
            .map(|name| finder.find(name, key.to_owned()));
        for exclusion in &mut roles.exclude {
            exclusion.column = finder.find(&exclusion.name, key.to_owned());
        }
        for field in &mut roles.fields {
            field.column = finder.find(&field.name, key.to_owned());
        }
        finder.errors.dedup();
        match finder.errors.is_empty() {
            true => Ok(roles),
            false => Err(finder.errors),
        }
    }

    /// A rule for missing cells of a column that is absent or plays no part would have no effect.
    pub fn check_missing_rules(&self, spec: &DataSpec, table: &Table) -> Vec<DataError> {
        let mut finder = Finder {
            table,
            errors: Vec::new(),
        };
        for name in spec.missing.columns.keys() {
            let key = format!("data.missing.{name}");
            let Some(column) = table.find(name) else {
                finder.find(name, key);
                continue;
            };
            let used = column == self.target
                || Some(column) == self.group
                || self.fields.iter().any(|field| field.column == column);
            if !used {
                let message = format!(
                    "column {} is not used, so a rule for it has no effect",
                    quote(name)
                );
                let help = "name it among the features, or remove the rule";
                finder
                    .errors
                    .push(DataError::new(&table.path, message, help).key(key));
            }
        }
        finder.errors
    }

    /// The rows that no exclusion leaves out, and a note on each value that leaves out none.
    pub fn rows(&self, table: &Table) -> (Vec<u32>, Vec<Note>) {
        let mut met: Vec<Vec<bool>> = self
            .exclude
            .iter()
            .map(|exclusion| vec![false; exclusion.values.len()])
            .collect();
        let mut rows = Vec::with_capacity(table.rows());
        for row in 0..table.rows() as u32 {
            let mut stays = true;
            for (exclusion, met) in self.exclude.iter().zip(&mut met) {
                let cell = table.cell(row, exclusion.column);
                if let Some(place) = exclusion.values.iter().position(|value| value == cell) {
                    met[place] = true;
                    stays = false;
                }
            }
            if stays {
                rows.push(row);
            }
        }
        let mut notes = Vec::new();
        for (exclusion, met) in self.exclude.iter().zip(met) {
            for (place, value) in exclusion
                .values
                .iter()
                .enumerate()
                .filter(|(place, _)| !met[*place])
            {
                let text = format!(
                    "no row of {} has {} in column {}: excluding it leaves out nothing",
                    table.path.display(),
                    quote(value),
                    quote(&exclusion.name)
                );
                notes.push(
                    Note::warning(text).key(format!("data.exclude.{}[{place}]", exclusion.name)),
                );
            }
        }
        (rows, notes)
    }

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
                Finding::Numbers if name.is_empty() => notes.push(Note::info(format!(
                    "column number {} has no name and is not used",
                    column + 1
                ))),
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

/// The finite number that `cell` spells.
pub(super) fn number(cell: &str) -> Option<f64> {
    cell.trim()
        .parse()
        .ok()
        .filter(|value: &f64| value.is_finite())
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

/// Finds columns by name and keeps what went wrong.
struct Finder<'a> {
    table: &'a Table,
    errors: Vec<DataError>,
}

impl Finder<'_> {
    /// The index of `name`; 0 and an error when there is none.
    fn find(&mut self, name: &str, key: String) -> usize {
        if let Some(column) = self.table.find(name).filter(|_| !name.is_empty()) {
            return column;
        }
        let message = format!("there is no column {}", quote(name));
        let help = suggest(name, self.names());
        self.errors.push(
            DataError::new(&self.table.path, message, help)
                .key(key)
                .line(1),
        );
        0
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.table
            .names
            .iter()
            .map(String::as_str)
            .filter(|name| !name.is_empty())
    }

    fn check_field(&mut self, spec: &DataSpec, name: &str, before: &[String], key: &str) {
        let problem = if name == spec.target {
            Some((
                "is the target and cannot be a feature",
                "a model that reads its target has learned nothing",
            ))
        } else if before.iter().any(|other| other == name) {
            Some(("is named twice", "name each column once"))
        } else {
            None
        };
        if let Some((what, help)) = problem {
            let message = format!("column {} {what}", quote(name));
            self.errors
                .push(DataError::new(&self.table.path, message, help).key(key));
        }
    }
}
