//! Which column of a file plays which part, and which rows an experiment leaves out.
//!
//! Invariant: every index in [`Roles`] is a column of the table it was found in.

use sweep_core::data_config::DataSpec;

use super::error::{DataError, quote, suggest};
use super::table::Table;
use super::warnings::Note;

/// How the cells of a column become features.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Number,
    Year,
    Category,
    /// The index of what `data.text` says of it.
    Text(usize),
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
    /// Finds the columns that `spec` names in `table`. With `numeric` left out of the experiment,
    /// the numeric fields are still to be found by [`Roles::infer_numeric`].
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
        for (place, text) in spec.text.iter().enumerate() {
            for (at, name) in text.columns.iter().enumerate() {
                let key = format!("data.text[{place}].columns[{at}]");
                let column = finder.find(name, key.clone());
                finder.check_field(spec, name, &text.columns[..at], &key);
                fields.push(Field {
                    name: name.clone(),
                    form: Form::Text(place),
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
}

/// The finite number that `cell` spells.
pub(super) fn number(cell: &str) -> Option<f64> {
    cell.trim()
        .parse()
        .ok()
        .filter(|value: &f64| value.is_finite())
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
