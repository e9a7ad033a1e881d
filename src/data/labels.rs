//! The classes or numbers of rows that had no part in training, where their table has the target.
//!
//! Invariant: a cell is a class only if it is written as in the training data; a class is an index
//! into those of the preprocessor.

use std::collections::HashMap;

use sweep_table::{Column, NumberStyle, Table};

use super::saved::SavedPreprocessor;
use super::target_values::style_of;

/// The target column of a table, and the classes that a model knows.
pub struct TargetColumn<'a> {
    table: &'a Table,
    column: usize,
    classes: HashMap<&'a str, u32>,
    /// How numbers are written, if the target is one.
    style: Option<NumberStyle>,
}

/// What the target cell of a row says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Label {
    /// An index into the classes.
    Class(u32),
    Number(f32),
    Missing,
    /// A text that is no class of the training data, or no number.
    Unknown,
}

impl SavedPreprocessor {
    /// The target in `table`, if it has that column; files of earlier versions do not name it.
    pub fn target_of<'a>(&'a self, table: &'a Table) -> Option<TargetColumn<'a>> {
        let column = table.find(self.target.as_ref()?)?;
        let classes = self.classes.iter().map(String::as_str).zip(0..).collect();
        Some(TargetColumn {
            table,
            column,
            classes,
            style: self.number.map(|_| match table.column(column) {
                Column::Texts(texts) => style_of(texts),
                Column::Numbers { style, .. } => *style,
            }),
        })
    }
}

impl TargetColumn<'_> {
    /// The name of the column.
    pub fn name(&self) -> &str {
        &self.table.names[self.column]
    }

    /// What the cell of `row`, from 0, says.
    ///
    /// # Panics
    /// When the table has fewer rows.
    pub fn label(&self, row: u32) -> Label {
        match (self.table.present(row, self.column), self.style) {
            (None, _) => Label::Missing,
            (Some(cell), Some(style)) => match style.number(&cell).map(|number| number as f32) {
                Some(number) if number.is_finite() => Label::Number(number),
                _ => Label::Unknown,
            },
            (Some(cell), None) => match self.classes.get(&*cell) {
                Some(class) => Label::Class(*class),
                None => Label::Unknown,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SavedPreprocessor;
    use crate::tests::{Case, as_text};

    #[test]
    fn a_cell_of_the_target_is_a_class_missing_or_unknown() {
        let rows: String = (0..20)
            .map(|row| format!("{},{}\n", row % 7, ["1.0", "b"][row % 2]))
            .collect();
        let case = Case::new(format!("n,class\n{rows}"));
        let saved = SavedPreprocessor::read(&case.prepared().preprocessor_path).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new.csv");
        std::fs::write(&path, "class,n\nb,1\n1.0,2\n,3\n1,4\n b,5\n").unwrap();
        let table = as_text(&path);
        let target = saved.target_of(&table).unwrap();
        let labels: Vec<Label> = (0..5).map(|row| target.label(row)).collect();
        assert_eq!(target.name(), "class");
        assert_eq!(
            labels,
            [
                Label::Class(1),
                Label::Class(0),
                Label::Missing,
                Label::Unknown,
                Label::Unknown
            ]
        );

        std::fs::write(&path, "n\n1\n").unwrap();
        assert!(saved.target_of(&as_text(&path)).is_none());
    }
}
