//! Which column of a table plays which part, and which rows an experiment leaves out.
//!
//! Invariant: every index in [`Roles`] is a column of the table it was found in.

use sweep_core::data_config::{DataSpec, DatePart};
use sweep_core::split_spec::SplitBy;
use sweep_table::date::DateFormat;
use sweep_table::error::{quote, suggest};
use sweep_table::{Column, DataError, Storage, Table};

use super::date_fields::{date_format, usual_parts};
use super::warnings::Note;

/// How the cells of a column become features.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    Number,
    Year,
    Date {
        format: DateFormat,
        parts: Vec<DatePart>,
        cyclic: bool,
    },
    Category,
    /// One feature for a column of two levels, 0 for the one given.
    Binary {
        base: String,
    },
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

/// Stands for the target where there is none.
pub(super) const NO_COLUMN: usize = usize::MAX;

/// The part that each column plays.
#[derive(Debug, Clone)]
pub(super) struct Roles {
    pub target: usize,
    pub group: Option<usize>,
    /// Of the weights of rows.
    pub weight: Option<usize>,
    /// Of what decides on the split.
    pub split: Option<usize>,
    pub exclude: Vec<Exclusion>,
    pub fields: Vec<Field>,
    /// Columns that the experiment drops.
    pub dropped: Vec<usize>,
    /// Columns that are not used, and why.
    pub unused: Vec<Unused>,
}

/// A column that is not used, because it is not named or does not qualify.
#[derive(Debug, Clone)]
pub(super) struct Unused {
    pub column: usize,
    pub why: String,
    /// What would use it.
    pub use_as: Option<UseAs>,
    /// Whether it is likely that it should be used, or the file mended.
    pub is_doubtful: bool,
}

/// What `[data]` would say to use a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum UseAs {
    /// Among the categorical columns, all of which are then named.
    Category,
    /// Among the dates, likewise, in this format.
    Date(String),
    /// This line.
    Line(String),
}

/// Rows whose cell in `column` is one of `values` are left out.
#[derive(Debug, Clone)]
pub(super) struct Exclusion {
    pub name: String,
    pub column: usize,
    pub values: Vec<String>,
}

impl Form {
    /// What a column of this form is used as.
    pub fn role(&self) -> &'static str {
        match self {
            Form::Number => "number",
            Form::Year => "year",
            Form::Date { .. } => "date",
            Form::Category => "category",
            Form::Binary { .. } => "binary",
            Form::Text(_) => "text",
        }
    }

    /// More about it; may be empty.
    pub fn detail(&self) -> String {
        match self {
            Form::Date { format, parts, .. } => {
                let parts: Vec<&str> = parts.iter().map(|part| part.name()).collect();
                format!("{}: {}", format.name(), parts.join(", "))
            }
            Form::Binary { base } => format!("0 is {}", quote(base)),
            Form::Number | Form::Year | Form::Category | Form::Text(_) => String::new(),
        }
    }
}

/// What the columns that `spec` names are kept as in memory.
pub(super) fn storage(spec: &DataSpec) -> Storage {
    let mut storage = Storage::default();
    let text = &mut storage.text;
    text.insert(spec.target.clone());
    text.extend(spec.group.clone());
    match &spec.split.by {
        SplitBy::Column(column)
        | SplitBy::FoldColumn(column)
        | SplitBy::Time {
            column,
            format: Some(_),
            ..
        } => {
            text.insert(column.clone());
        }
        SplitBy::Chance | SplitBy::Time { .. } => {}
    }
    text.extend(spec.exclude.keys().cloned());
    text.extend(spec.year.iter().cloned());
    text.extend(spec.categorical.iter().flatten().cloned());
    text.extend(spec.dates.iter().flatten().map(|date| date.column.clone()));
    text.extend(spec.text.iter().flat_map(|text| text.columns.clone()));
    storage
        .numbers
        .extend(spec.numeric.iter().flatten().chain(&spec.weight).cloned());
    storage
}

impl Roles {
    /// Finds the columns that `spec` names in `table`. What it leaves open is still to be found by
    /// [`Roles::infer`].
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
        let weight = spec
            .weight
            .as_ref()
            .map(|name| finder.find(name, "data.weight".to_owned()));
        let by = &spec.split.by;
        let split = by
            .column()
            .map(|name| finder.find(name, by.key().to_owned()));
        let mut exclude = Vec::new();
        for (name, values) in &spec.exclude {
            let column = finder.find(name, format!("data.exclude.{name}"));
            exclude.push(Exclusion {
                name: name.clone(),
                column,
                values: values.clone(),
            });
        }
        let dropped = finder.all(&spec.drop, "data.drop");
        let mut fields = Vec::new();
        let numeric = spec.numeric.as_deref().unwrap_or_default();
        finder.fields(spec, "numeric", numeric, &Form::Number, &mut fields);
        finder.fields(spec, "year", &spec.year, &Form::Year, &mut fields);
        finder.dates(spec, &mut fields);
        let categorical = spec.categorical.as_deref().unwrap_or_default();
        finder.fields(
            spec,
            "categorical",
            categorical,
            &Form::Category,
            &mut fields,
        );
        for (place, text) in spec.text.iter().enumerate() {
            let key = format!("text[{place}].columns");
            finder.fields(spec, &key, &text.columns, &Form::Text(place), &mut fields);
        }
        let roles = Roles {
            target,
            group,
            weight,
            split,
            exclude,
            fields,
            dropped,
            unused: Vec::new(),
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
        // Rows that are not trained on need no weight.
        roles.weight = None;
        // Nor do they take part in the split.
        roles.split = None;
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
            if !self.uses(column) {
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

    /// Whether the column is target, group or a feature, or has another part.
    pub fn uses(&self, column: usize) -> bool {
        column == self.target
            || Some(column) == self.group
            || Some(column) == self.weight
            || Some(column) == self.split
            || self.fields.iter().any(|field| field.column == column)
    }

    /// The rows that no exclusion leaves out, and a note on each value that leaves out none.
    pub fn rows(&self, table: &Table) -> (Vec<u32>, Vec<Note>) {
        let mut stays = vec![true; table.rows()];
        let mut notes = Vec::new();
        for exclusion in &self.exclude {
            let Column::Texts(texts) = table.column(exclusion.column) else {
                unreachable!("columns with exclusions are kept as text");
            };
            let place = |level: &str| exclusion.values.iter().position(|value| value == level);
            let excluded: Vec<Option<usize>> = texts.levels.iter().map(place).collect();
            let mut met = vec![false; exclusion.values.len()];
            for (stays, code) in stays.iter_mut().zip(&texts.codes) {
                if let Some(place) = excluded[*code as usize] {
                    met[place] = true;
                    *stays = false;
                }
            }
            let unmet = exclusion.values.iter().enumerate();
            for (place, value) in unmet.filter(|(place, _)| !met[*place]) {
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
        let rows = (0..table.rows() as u32).filter(|row| stays[*row as usize]);
        (rows.collect(), notes)
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

    fn all(&mut self, names: &[String], key: &str) -> Vec<usize> {
        let names = names.iter().enumerate();
        names
            .map(|(place, name)| self.find(name, format!("{key}[{place}]")))
            .collect()
    }

    /// Adds a field of `form` for each of `names`, which stand at `data.KEY`.
    fn fields(
        &mut self,
        spec: &DataSpec,
        key: &str,
        names: &[String],
        form: &Form,
        fields: &mut Vec<Field>,
    ) {
        for (place, name) in names.iter().enumerate() {
            let key = format!("data.{key}[{place}]");
            let column = self.find(name, key.clone());
            self.check_field(spec, name, &names[..place], &key);
            fields.push(Field {
                name: name.clone(),
                form: form.clone(),
                key,
                column,
            });
        }
    }

    /// Adds the columns of `data.date`, whose format is found where it is not given.
    fn dates(&mut self, spec: &DataSpec, fields: &mut Vec<Field>) {
        for (place, date) in spec.dates.iter().flatten().enumerate() {
            let key = format!("data.date[{place}]");
            let column = self.find(&date.column, key.clone());
            self.check_field(spec, &date.column, &[], &key);
            let format = match &date.format {
                Some(given) => DateFormat::named(given),
                None => match self.table.column(column) {
                    Column::Texts(texts) => {
                        date_format(texts, &date.column).unwrap_or_else(|(message, help)| {
                            let error = DataError::new(&self.table.path, message, help);
                            self.errors
                                .push(error.key(key.clone()).column(&date.column));
                            DateFormat::Iso
                        })
                    }
                    Column::Numbers { .. } => DateFormat::Iso,
                },
            };
            let parts = match date.parts.as_slice() {
                [] => usual_parts(self.table.column(column), &format),
                given => given.to_vec(),
            };
            fields.push(Field {
                name: date.column.clone(),
                form: Form::Date {
                    format,
                    parts,
                    cyclic: date.cyclic,
                },
                key,
                column,
            });
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let names = self.table.names.iter().map(String::as_str);
        names.filter(|name| !name.is_empty())
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
