//! A table as it stands, for those who look at it before anything is trained.
//!
//! Invariant: every place is a row that is looked at, in the order of the file; target and group, if
//! any, are columns of the view. Nothing is filled in, scaled or split.

use std::path::Path;

use sweep_core::data_config::DataSpec;

use super::columns::{Form, number};
use super::date::year;
use super::error::{DataError, pluralize, quote, suggest};
use super::fit::in_order;
use super::loaded_table::{LoadedTable, MAX_CLASSES};
use super::table::Table;
use super::warnings::Note;

/// Share of numbers from which a column of text is mentioned as nearly numeric.
const NEARLY_NUMERIC: f64 = 0.9;

/// What the cells of a column are taken as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    Number,
    /// `YYYY`, `YYYY-MM` or `YYYY-MM-DD`; its number is the year.
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
    /// Index of the column in the file.
    place: usize,
}

/// Rows and columns of one file.
#[derive(Debug)]
pub struct View {
    table: Table,
    rows: Vec<u32>,
    /// In the order of the file.
    pub columns: Vec<ViewColumn>,
    /// Index into `columns`.
    pub target: Option<usize>,
    /// Index into `columns`.
    pub group: Option<usize>,
    /// Names of the classes, in order: as numbers if all of them are, else by their bytes.
    pub classes: Vec<String>,
    /// Rows that the experiment's `exclude` leaves out.
    pub excluded: usize,
    /// Rows that the experiment leaves out because a cell is missing.
    pub dropped: usize,
    /// What is odd about the table, one sentence each.
    pub notes: Vec<Note>,
}

impl View {
    /// All rows and columns of the CSV or TSV file at `path`.
    ///
    /// # Errors
    /// What makes the file unreadable; columns that are not there; a target that has one value, none
    /// or more than a thousand.
    pub fn open(
        path: &Path,
        target: Option<&str>,
        group: Option<&str>,
    ) -> Result<View, Vec<DataError>> {
        let table = Table::read(path, "FILE")?;
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
            errors.push(DataError::new(path, message, "name another `--group`").key("--group"));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let rows: Vec<u32> = (0..table.rows() as u32).collect();
        let mut notes = Vec::new();
        let columns: Vec<ViewColumn> = (0..table.names.len())
            .map(|place| {
                let is_key = Some(place) == target || Some(place) == group;
                let kind = match is_key {
                    true => ColumnKind::Text,
                    false => kind_of(&table, place, &mut notes),
                };
                ViewColumn {
                    name: name_of(&table, place),
                    kind,
                    is_feature: !is_key && kind == ColumnKind::Number,
                    place,
                }
            })
            .collect();
        let mut view = View {
            table,
            rows,
            columns,
            target,
            group,
            classes: Vec::new(),
            excluded: 0,
            dropped: 0,
            notes,
        };
        if let Some(target) = target {
            view.classes = in_order((0..view.rows()).filter_map(|row| view.text(row, target)))
                .into_iter()
                .map(str::to_owned)
                .collect();
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
        let table = Table::read(&spec.path, "data.path")?;
        let content = LoadedTable::read(spec, &table, None)?;
        let roles = content.main.roles.clone();
        let rows = content.main.part.rows.clone();
        let classes = content.classes.clone();
        let (excluded, dropped) = (content.summary.excluded, content.summary.dropped);
        let mut notes = content.summary.notes.clone();
        drop(content);
        if let Some(test) = &spec.split.test_path {
            notes.push(Note::info(format!(
                "the rows of {} are test rows and are not looked at",
                quote(&test.to_string_lossy())
            )));
        }
        let mut columns = Vec::new();
        let (mut target, mut group) = (None, None);
        for place in 0..table.names.len() {
            let field = roles.fields.iter().find(|field| field.column == place);
            let kind = match field.map(|field| field.form) {
                Some(Form::Number) => ColumnKind::Number,
                Some(Form::Year) => ColumnKind::Date,
                _ => ColumnKind::Text,
            };
            let (is_target, is_group) = (roles.target == place, roles.group == Some(place));
            if field.is_none() && !is_target && !is_group {
                continue;
            }
            target = target.or(is_target.then_some(columns.len()));
            group = group.or(is_group.then_some(columns.len()));
            columns.push(ViewColumn {
                name: name_of(&table, place),
                kind,
                is_feature: field.is_some(),
                place,
            });
        }
        Ok(View {
            table,
            rows,
            columns,
            target,
            group,
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
    pub fn text(&self, row: usize, column: usize) -> Option<&str> {
        self.table
            .present(self.rows[row], self.columns[column].place)
    }

    /// The numbers of a column (years, if it holds dates), not a number where missing. `None` for
    /// text.
    pub fn numbers(&self, column: usize) -> Option<Vec<f64>> {
        let parse = match self.columns[column].kind {
            ColumnKind::Number => number,
            ColumnKind::Date => year,
            ColumnKind::Text => return None,
        };
        let value = |row| self.text(row, column).and_then(parse).unwrap_or(f64::NAN);
        // Adding zero turns a -0 into 0: they are one value.
        Some((0..self.rows()).map(|row| value(row) + 0.0).collect())
    }

    /// Every cell of the file in row `row` of the view, also of columns that are not looked at.
    pub fn whole_row(&self, row: usize) -> impl Iterator<Item = Option<&str>> {
        (0..self.table.names.len()).map(move |place| self.table.present(self.rows[row], place))
    }

    fn check_classes(&self, target: usize) -> Result<(), DataError> {
        let name = &self.columns[target].name;
        let (message, help) = match self.classes.len() {
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

fn name_of(table: &Table, place: usize) -> String {
    match table.names[place].as_str() {
        "" => format!("column {}", place + 1),
        name => name.to_owned(),
    }
}

/// Numbers if every cell that is there is a finite number, dates if every one is a day, month or
/// year that exists, else text.
fn kind_of(table: &Table, place: usize, notes: &mut Vec<Note>) -> ColumnKind {
    let (mut present, mut numbers, mut dates) = (0usize, 0usize, 0usize);
    let mut first_text = None;
    for row in 0..table.rows() as u32 {
        let Some(cell) = table.present(row, place) else {
            continue;
        };
        present += 1;
        dates += usize::from(year(cell).is_some());
        match number(cell) {
            Some(_) => numbers += 1,
            None => first_text = first_text.or(Some(row)),
        }
    }
    match first_text {
        _ if present == 0 => ColumnKind::Text,
        None => ColumnKind::Number,
        Some(_) if dates == present => ColumnKind::Date,
        Some(row) => {
            if numbers as f64 >= NEARLY_NUMERIC * present as f64 {
                notes.push(Note::warning(format!(
                    "column {} is nearly numeric, but {} no number, the first on line {}: {}; it \
                     is taken as text",
                    quote(&name_of(table, place)),
                    match present - numbers {
                        1 => "1 cell is".to_owned(),
                        many => format!("{many} cells are"),
                    },
                    table.line(row),
                    quote(table.cell(row, place))
                )));
            }
            ColumnKind::Text
        }
    }
}
