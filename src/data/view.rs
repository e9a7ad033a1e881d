//! A table as it stands, for those who look at it before anything is trained.
//!
//! Invariant: every place is a row that is looked at, in the order of the file; target and group, if
//! any, are columns of the view. Nothing is filled in, scaled or split.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use sweep_core::data_config::{DataSpec, TableFormat};
use sweep_core::format::pluralize;
use sweep_core::trial::Task;
use sweep_table::date::{DateFormat, Guess, year};
use sweep_table::error::{quote, suggest};
use sweep_table::{Column, DataError, Storage, Table, Texts};

use super::cells::{in_order, number};
use super::columns::{Field, Form, Roles, storage};
use super::loaded_table::LoadedTable;
use super::split_keys::level_times;
use super::summary::ColumnUse;
use super::target_kind::{MAX_CLASSES, TargetKind, numeric_classes, numeric_target};
use super::target_values::target_kind_of;
use super::usage::{doubtful_notes, uses};
use super::warnings::Note;

/// What the cells of a column are taken as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    Number,
    /// Its number is the year.
    Date,
    Text,
}

/// A column that is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewColumn {
    /// As in the header; `column 3` where that has nothing.
    pub name: String,
    pub kind: ColumnKind,
    /// Whether the experiment learns from it; without an experiment, whether one would by default.
    pub is_feature: bool,
    /// Whether its values seem to name the rows: nearly all distinct, or counted up.
    pub is_identifier: bool,
    /// What an experiment uses it as, or why it would not.
    pub usage: ColumnUse,
    /// Index of the column in the file.
    pub(super) place: usize,
    /// How dates are written.
    format: Option<DateFormat>,
}

/// Rows and columns of one file.
#[derive(Debug)]
pub struct View {
    pub(super) table: Table,
    pub(super) rows: Vec<u32>,
    /// In the order of the file.
    pub columns: Vec<ViewColumn>,
    /// Index into `columns`.
    pub target: Option<usize>,
    /// Index into `columns`.
    pub group: Option<usize>,
    /// Whether the target is a number to be predicted, not a class.
    pub is_target_number: bool,
    /// Names of the classes, in order: as numbers if all of them are, else by their bytes. None of a
    /// target that is a number.
    pub classes: Vec<String>,
    /// Rows that the experiment's `exclude` leaves out.
    pub excluded: usize,
    /// Rows that the experiment leaves out because a cell is missing.
    pub dropped: usize,
    /// What is odd about the table, one sentence each.
    pub notes: Vec<Note>,
}

impl View {
    /// All rows and columns of the table at `paths`.
    ///
    /// # Errors
    /// What makes a file unreadable; columns that are not there; a target that has one value, none
    /// or more than a thousand.
    pub fn open(
        paths: &[PathBuf],
        format: &TableFormat,
        target: Option<&str>,
        group: Option<&str>,
    ) -> Result<View, Vec<DataError>> {
        let named = target.into_iter().chain(group).map(str::to_owned);
        let storage = Storage {
            text: named.collect(),
            ..Storage::default()
        };
        let table = Table::read(paths, format, &storage, "FILE")?;
        let mut errors = Vec::new();
        let mut find = |flag: &str, name: Option<&str>| {
            let name = name?;
            let place = table.find(name).filter(|_| !name.is_empty());
            if place.is_none() {
                errors.push(no_such_column(&table, name).key(flag));
            }
            place
        };
        let target = find("--target", target);
        let group = find("--group", group);
        if target.is_some() && target == group {
            let message = format!(
                "column {} is both target and group",
                quote(&table.names[target.unwrap_or(0)])
            );
            let error = DataError::new(&table.path, message, "name another `--group`");
            errors.push(error.key("--group"));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let rows: Vec<u32> = (0..table.rows() as u32).collect();
        let (roles, found) = Roles::of_all(&table, &rows, (target, group), format.edition);
        let mut notes: Vec<Note> = table.notes.iter().cloned().map(Note::info).collect();
        notes.extend(found);
        let used = uses(&table, &roles);
        notes.extend(doubtful_notes(&used));
        let columns = (0..table.names.len())
            .map(|place| {
                let is_key = Some(place) == target || Some(place) == group;
                let field = roles.fields.iter().find(|field| field.column == place);
                column(&table, place, field, is_key, used[place].clone())
            })
            .collect();
        let mut view = View {
            table,
            rows,
            columns,
            target,
            group,
            is_target_number: false,
            classes: Vec::new(),
            excluded: 0,
            dropped: 0,
            notes,
        };
        if let Some(target) = target {
            let texts = super::parse::texts(&view.table, view.columns[target].place);
            let levels = texts.present_levels().map(|(_, level)| level);
            let classes = in_order(levels).into_iter().map(str::to_owned).collect();
            view.classes = classes;
            view.set_target_kind(target);
            view.check_classes(target).map_err(|error| vec![error])?;
        }
        Ok(view)
    }

    /// The rows and columns that an experiment with this `[data]` uses, whichever side of the split
    /// they are on; of the main file alone when the test rows stand in a file of their own.
    ///
    /// # Errors
    /// Those of preparing the data.
    pub fn of(spec: &DataSpec) -> Result<View, Vec<DataError>> {
        let table = Table::read(&spec.paths, &spec.format, &storage(spec), "data.path")?;
        let content = LoadedTable::read(spec, &table, None)?;
        let roles = content.main.roles.clone();
        let rows = content.main.part.rows.clone();
        let classes = content.classes.clone();
        let is_target_number = content.task == Task::Regression;
        let (excluded, dropped) = (content.summary.excluded, content.summary.dropped);
        let mut notes = content.summary.notes.clone();
        let uses = content.summary.columns.clone();
        drop(content);
        if let Some(test) = &spec.split.test_path {
            notes.push(Note::info(format!(
                "the rows of {} are test rows and are not looked at",
                quote(&test.to_string_lossy())
            )));
        }
        let mut columns = Vec::new();
        let (mut target, mut group) = (None, None);
        for place in (0..table.names.len()).filter(|place| roles.uses(*place)) {
            let field = roles.fields.iter().find(|field| field.column == place);
            let (is_target, is_group) = (roles.target == place, roles.group == Some(place));
            target = target.or(is_target.then_some(columns.len()));
            group = group.or(is_group.then_some(columns.len()));
            let usage = uses[place].clone();
            columns.push(column(&table, place, field, is_target || is_group, usage));
            if is_target && is_target_number {
                let last = columns.last_mut().expect("it was pushed");
                last.kind = ColumnKind::Number;
            }
        }
        Ok(View {
            table,
            rows,
            columns,
            target,
            group,
            is_target_number,
            classes,
            excluded,
            dropped,
            notes,
        })
    }

    pub fn path(&self) -> &Path {
        &self.table.path
    }

    /// SHA-256 of the file, hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.table.sha256
    }

    /// Rows that are looked at.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Rows and columns of the file.
    pub fn file_size(&self) -> (usize, usize) {
        (self.table.rows(), self.table.names.len())
    }

    /// The cell of `column` (an index into `columns`) in row `row` of the view; nothing when missing.
    pub fn text(&self, row: usize, column: usize) -> Option<Cow<'_, str>> {
        self.table
            .present(self.rows[row], self.columns[column].place)
    }

    /// The numbers of a column (years, if it holds dates), not a number where missing. `None` for
    /// text.
    pub fn numbers(&self, column: usize) -> Option<Vec<f64>> {
        let about = &self.columns[column];
        let of_levels = |texts: &Texts, parse: &dyn Fn(&str) -> Option<f64>| -> Vec<f64> {
            let levels = texts.levels.iter().zip(&texts.is_missing);
            let value = |(level, is_missing): (&str, &bool)| {
                let parsed = if *is_missing { None } else { parse(level) };
                parsed.unwrap_or(f64::NAN)
            };
            let levels: Vec<f64> = levels.map(value).collect();
            let rows = self.rows.iter();
            rows.map(|row| levels[texts.codes[*row as usize] as usize])
                .collect()
        };
        let values = match (about.kind, self.table.column(about.place)) {
            (ColumnKind::Text, _) => return None,
            (_, Column::Numbers { values, .. }) => {
                self.rows.iter().map(|row| values[*row as usize]).collect()
            }
            (ColumnKind::Number, Column::Texts(texts)) => of_levels(texts, &number),
            (ColumnKind::Date, Column::Texts(texts)) => match &about.format {
                None => of_levels(texts, &year),
                Some(format) => {
                    let parse = |cell: &str| Some(f64::from(format.parse(cell)?.year()));
                    of_levels(texts, &parse)
                }
            },
        };
        // Adding zero turns a -0 into 0: they are one value.
        Some(values.into_iter().map(|value| value + 0.0).collect())
    }

    /// The times of a column of dates, as numbers that rise with time; `None` if a cell is missing or
    /// the column holds none.
    pub fn times(&self, column: usize) -> Option<Vec<f64>> {
        let about = &self.columns[column];
        let Column::Texts(texts) = self.table.column(about.place) else {
            return None;
        };
        let levels = level_times(texts, about.format.as_ref())?;
        let rows = self.rows.iter();
        rows.map(|row| levels[texts.codes[*row as usize] as usize])
            .collect()
    }

    /// For each row of the view a number, equal for equal cells of the column; `None` when missing.
    pub fn codes(&self, column: usize) -> Option<Vec<Option<u32>>> {
        let Column::Texts(texts) = self.table.column(self.columns[column].place) else {
            return None;
        };
        let code = |row: &u32| {
            let code = texts.codes[*row as usize];
            (!texts.is_missing[code as usize]).then_some(code)
        };
        Some(self.rows.iter().map(code).collect())
    }

    /// Whether the rows `one` and `other` of the view are equal in every column of the file, also of
    /// those that are not looked at; missing equals missing.
    pub fn are_equal(&self, one: usize, other: usize) -> bool {
        self.whole_row(one).eq(self.whole_row(other))
    }

    /// Every cell of the file in row `row` of the view, as numbers that are equal for equal cells.
    pub fn whole_row(&self, row: usize) -> impl Iterator<Item = u64> {
        let row = self.rows[row] as usize;
        (0..self.table.names.len()).map(move |place| match self.table.column(place) {
            Column::Numbers { values, .. } if values[row].is_nan() => u64::MAX,
            Column::Numbers { values, .. } => (values[row] + 0.0).to_bits(),
            Column::Texts(texts) => match texts.codes[row] {
                code if texts.is_missing[code as usize] => u64::MAX,
                code => u64::from(code),
            },
        })
    }

    /// Finds whether the target is a number; of one there are no classes.
    fn set_target_kind(&mut self, target: usize) {
        let column = &mut self.columns[target];
        let texts = super::parse::texts(&self.table, column.place);
        let codes = texts.codes.iter();
        let rows = codes
            .filter(|code| !texts.is_missing[**code as usize])
            .count();
        let distinct = self.classes.len();
        match target_kind_of(texts, &self.classes, rows) {
            TargetKind::Classes => {}
            TargetKind::NumericClasses => {
                self.notes.push(numeric_classes(&column.name, distinct));
            }
            TargetKind::Number => {
                self.notes
                    .push(numeric_target(&column.name, distinct, rows));
                column.kind = ColumnKind::Number;
                self.is_target_number = true;
                self.classes.clear();
            }
        }
    }

    fn check_classes(&self, target: usize) -> Result<(), DataError> {
        let name = &self.columns[target].name;
        let (message, help) = match self.classes.len() {
            _ if self.is_target_number => return Ok(()),
            0 => (
                "every cell of the target is missing".to_owned(),
                "name another `--target`, or none".to_owned(),
            ),
            1 => (
                format!("every row has the same class, {}", quote(&self.classes[0])),
                "at least two classes are needed: name another `--target`, or none".to_owned(),
            ),
            many if many > MAX_CLASSES => (
                format!(
                    "{} in {}: this does not look like a class",
                    pluralize(many, "distinct value"),
                    pluralize(self.rows(), "row")
                ),
                format!("at most {MAX_CLASSES} classes; name another `--target`, or none"),
            ),
            _ => return Ok(()),
        };
        let error = DataError::new(self.path(), message, help).key("--target");
        Err(error.column(name))
    }
}

fn no_such_column(table: &Table, name: &str) -> DataError {
    let names = table.names.iter().map(String::as_str);
    let help = suggest(name, names.filter(|name| !name.is_empty()));
    DataError::new(
        &table.path,
        format!("there is no column {}", quote(name)),
        help,
    )
    .line(1)
}

/// A column as it is looked at: one that is used, as what it is used as.
fn column(
    table: &Table,
    place: usize,
    field: Option<&Field>,
    is_key: bool,
    usage: ColumnUse,
) -> ViewColumn {
    let (kind, format) = match field.map(|field| &field.form) {
        _ if is_key => (ColumnKind::Text, None),
        Some(Form::Number) => (ColumnKind::Number, None),
        Some(Form::Year) => (ColumnKind::Date, None),
        Some(Form::Date { format, .. }) => (ColumnKind::Date, Some(format.clone())),
        Some(_) => (ColumnKind::Text, None),
        None => kind_of(table.column(place)),
    };
    let is_identifier =
        usage.detail.contains("identifier") || usage.detail.contains("counts the rows");
    ViewColumn {
        name: match table.names[place].as_str() {
            "" => format!("column {}", place + 1),
            name => name.to_owned(),
        },
        kind,
        is_feature: field.is_some() && !is_key,
        is_identifier,
        usage,
        place,
        format,
    }
}

/// What the cells of a column that is not used are.
fn kind_of(column: &Column) -> (ColumnKind, Option<DateFormat>) {
    let Column::Texts(texts) = column else {
        return (ColumnKind::Number, None);
    };
    let levels = || texts.present_levels().map(|(_, level)| level);
    if levels().next().is_some() && levels().all(|level| year(level).is_some()) {
        return (ColumnKind::Date, None);
    }
    match DateFormat::guess(levels().collect::<Vec<_>>().into_iter()) {
        Guess::Found(format) => (ColumnKind::Date, Some(format)),
        Guess::Ambiguous(_) | Guess::NoDates => (ColumnKind::Text, None),
    }
}
