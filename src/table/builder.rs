//! Columns as they are read: pieces of a file, made side by side, are put one behind the other.
//!
//! Invariant: all columns that are kept have as many rows as were added. A column of numbers in
//! which a cell is none is given up, to be read again as text.

use super::missing::MissingMarkers;
use super::number::{NumberStyle, Parsed};
use super::texts::{Index, Levels, Texts};

/// What a column is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Not at all.
    Skip,
    Number {
        style: NumberStyle,
        /// Whether whole numbers that are not exact may be rounded.
        rounds: bool,
    },
    Text,
}

/// A column in memory.
#[derive(Debug, Clone)]
pub enum Column {
    /// Not a number where missing.
    Numbers {
        values: Vec<f64>,
        style: NumberStyle,
    },
    Texts(Texts),
}

/// Rows of some columns, in the order of a file.
#[derive(Debug)]
pub(crate) struct Piece {
    pub rows: usize,
    pub columns: Vec<PieceColumn>,
}

/// One column of a piece.
#[derive(Debug)]
pub(crate) enum PieceColumn {
    Skip,
    Numbers {
        values: Vec<f64>,
        style: NumberStyle,
        rounds: bool,
    },
    /// A cell was no number.
    Failed,
    Texts {
        codes: Vec<u32>,
        levels: Levels,
        index: Index,
    },
}

/// All rows of all columns.
#[derive(Debug)]
pub(crate) struct Builder {
    columns: Vec<BuilderColumn>,
    pub rows: usize,
}

#[derive(Debug)]
struct BuilderColumn {
    kind: Kind,
    values: Vec<f64>,
    texts: Texts,
    index: Index,
    has_failed: bool,
}

impl Kind {
    /// Numbers as programs write them.
    pub const NUMBER: Kind = Kind::Number {
        style: NumberStyle::PLAIN,
        rounds: false,
    };
}

impl Piece {
    pub fn new(kinds: &[Kind]) -> Piece {
        Piece::with_capacity(kinds, 0)
    }

    /// Has space for about as many `rows`.
    pub fn with_capacity(kinds: &[Kind], rows: usize) -> Piece {
        let column = |kind: &Kind| PieceColumn::with_capacity(*kind, rows);
        Piece {
            rows: 0,
            columns: kinds.iter().map(column).collect(),
        }
    }
}

impl PieceColumn {
    pub fn new(kind: Kind) -> PieceColumn {
        PieceColumn::with_capacity(kind, 0)
    }

    fn with_capacity(kind: Kind, rows: usize) -> PieceColumn {
        match kind {
            Kind::Skip => PieceColumn::Skip,
            Kind::Number { style, rounds } => PieceColumn::Numbers {
                values: Vec::with_capacity(rows),
                style,
                rounds,
            },
            Kind::Text => PieceColumn::Texts {
                codes: Vec::with_capacity(rows),
                levels: Levels::default(),
                index: Index::default(),
            },
        }
    }

    /// Adds a cell.
    pub fn push(&mut self, cell: &str, markers: &MissingMarkers) {
        match self {
            PieceColumn::Skip | PieceColumn::Failed => {}
            PieceColumn::Numbers {
                values,
                style,
                rounds,
            } => match style.parse(cell) {
                Parsed::Number(number) => values.push(markers.number(cell, number)),
                Parsed::Rounded(number) if *rounds => {
                    values.push(markers.number(cell, number));
                }
                _ if markers.has(cell) => values.push(f64::NAN),
                _ => *self = PieceColumn::Failed,
            },
            PieceColumn::Texts {
                codes,
                levels,
                index,
            } => codes.push(index.code(levels, cell)),
        }
    }

    /// Adds a number, without writing it out where that is not needed.
    pub fn push_number(&mut self, number: f64, markers: &MissingMarkers) {
        match self {
            PieceColumn::Numbers { values, .. } => values.push(markers.without(number)),
            PieceColumn::Texts {
                codes,
                levels,
                index,
            } => codes.push(index.code(levels, &number.to_string())),
            PieceColumn::Skip | PieceColumn::Failed => {}
        }
    }

    /// Adds a missing cell.
    pub fn push_missing(&mut self) {
        match self {
            PieceColumn::Numbers { values, .. } => values.push(f64::NAN),
            PieceColumn::Texts {
                codes,
                levels,
                index,
            } => codes.push(index.code(levels, "")),
            PieceColumn::Skip | PieceColumn::Failed => {}
        }
    }
}

impl Builder {
    pub fn new(kinds: &[Kind]) -> Builder {
        Builder {
            columns: kinds.iter().map(|kind| BuilderColumn::new(*kind)).collect(),
            rows: 0,
        }
    }

    /// Adds the rows of `piece`, whose columns go to the places `to`. Columns that get nothing are
    /// missing in these rows.
    pub fn append(&mut self, piece: Piece, to: &[usize]) {
        self.rows += piece.rows;
        for (column, place) in piece.columns.into_iter().zip(to) {
            self.columns[*place].append(column);
        }
        for column in &mut self.columns {
            column.fill(self.rows);
        }
    }

    /// Adds a column that is missing in all rows so far; its place.
    pub fn add_column(&mut self, kind: Kind) -> usize {
        let mut column = BuilderColumn::new(kind);
        column.fill(self.rows);
        self.columns.push(column);
        self.columns.len() - 1
    }

    /// What the next pieces are read as: columns that were given up are skipped.
    pub fn kinds(&self) -> Vec<Kind> {
        let kind = |column: &BuilderColumn| match column.has_failed {
            true => Kind::Skip,
            false => column.kind,
        };
        self.columns.iter().map(kind).collect()
    }

    /// Places of the columns that were given up.
    pub fn failed(&self) -> Vec<usize> {
        let columns = self.columns.iter().enumerate();
        let failed = columns.filter(|(_, column)| column.has_failed);
        failed.map(|(place, _)| place).collect()
    }

    /// The columns; `None` for those that were skipped or given up.
    pub fn finish(self, markers: &MissingMarkers) -> Vec<Option<Column>> {
        let columns = self.columns.into_iter();
        columns.map(|column| column.finish(markers)).collect()
    }
}

impl BuilderColumn {
    fn new(kind: Kind) -> BuilderColumn {
        BuilderColumn {
            kind,
            values: Vec::new(),
            texts: Texts::default(),
            index: Index::default(),
            has_failed: false,
        }
    }

    fn append(&mut self, piece: PieceColumn) {
        match piece {
            PieceColumn::Skip => {}
            PieceColumn::Failed => {
                self.has_failed = true;
                self.values = Vec::new();
            }
            PieceColumn::Numbers { values, .. } if !self.has_failed => {
                self.values.extend_from_slice(&values);
            }
            PieceColumn::Numbers { .. } => {}
            PieceColumn::Texts { codes, levels, .. } => {
                let own: Vec<u32> = levels
                    .iter()
                    .map(|level| self.index.code(&mut self.texts.levels, level))
                    .collect();
                let codes = codes.iter().map(|code| own[*code as usize]);
                self.texts.codes.extend(codes);
            }
        }
    }

    fn fill(&mut self, rows: usize) {
        match self.kind {
            Kind::Skip => {}
            Kind::Number { .. } if self.has_failed => {}
            Kind::Number { .. } => self.values.resize(rows, f64::NAN),
            Kind::Text if self.texts.codes.len() < rows => {
                let empty = self.index.code(&mut self.texts.levels, "");
                self.texts.codes.resize(rows, empty);
            }
            Kind::Text => {}
        }
    }

    fn finish(mut self, markers: &MissingMarkers) -> Option<Column> {
        match self.kind {
            Kind::Skip => None,
            Kind::Number { .. } if self.has_failed => None,
            Kind::Number { style, .. } => Some(Column::Numbers {
                values: self.values,
                style,
            }),
            Kind::Text => {
                let levels = self.texts.levels.iter();
                self.texts.is_missing = levels.map(|level| markers.has(level)).collect();
                Some(Column::Texts(self.texts))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_core::data_config::TableFormat;

    fn piece(kinds: &[Kind], rows: &[[&str; 2]]) -> Piece {
        let markers = MissingMarkers::of(&TableFormat::default());
        let mut piece = Piece::new(kinds);
        for row in rows {
            for (column, cell) in piece.columns.iter_mut().zip(row) {
                column.push(cell, &markers);
            }
            piece.rows += 1;
        }
        piece
    }

    #[test]
    fn pieces_are_put_one_behind_the_other() {
        let kinds = [Kind::NUMBER, Kind::Text];
        let mut builder = Builder::new(&kinds);
        builder.append(piece(&kinds, &[["1", "b"], ["?", "a"]]), &[0, 1]);
        builder.append(piece(&kinds, &[["3", "a"], ["4", "NA"]]), &[0, 1]);
        let columns = builder.finish(&MissingMarkers::of(&TableFormat::default()));
        let Some(Column::Numbers { values, .. }) = &columns[0] else {
            panic!("{columns:?}");
        };
        assert_eq!(values[0], 1.0);
        assert!(values[1].is_nan());
        assert_eq!(values[2..], [3.0, 4.0]);
        let Some(Column::Texts(texts)) = &columns[1] else {
            panic!("{columns:?}");
        };
        assert_eq!(texts.codes, [0, 1, 1, 2]);
        assert_eq!((texts.present(1), texts.present(3)), (Some("a"), None));
    }

    #[test]
    fn a_column_with_a_cell_that_is_no_number_is_given_up_and_the_others_stay() {
        let kinds = [Kind::NUMBER, Kind::NUMBER];
        let mut builder = Builder::new(&kinds);
        builder.append(piece(&kinds, &[["1", "2"]]), &[0, 1]);
        builder.append(piece(&kinds, &[["x", "3"]]), &[0, 1]);
        builder.append(piece(&builder.kinds(), &[["4", "5"]]), &[0, 1]);
        assert_eq!(builder.failed(), [0]);
        let columns = builder.finish(&MissingMarkers::of(&TableFormat::default()));
        assert!(columns[0].is_none());
        let Some(Column::Numbers { values, .. }) = &columns[1] else {
            panic!("{columns:?}");
        };
        assert_eq!(values, &[2.0, 3.0, 5.0]);
    }

    #[test]
    fn a_column_that_comes_later_is_missing_before() {
        let kinds = [Kind::NUMBER, Kind::Text];
        let mut builder = Builder::new(&kinds);
        builder.append(piece(&kinds, &[["1", "b"]]), &[0, 1]);
        let place = builder.add_column(Kind::Text);
        builder.append(piece(&[Kind::Text, Kind::Text], &[["z", "c"]]), &[place, 1]);
        let columns = builder.finish(&MissingMarkers::of(&TableFormat::default()));
        let Some(Column::Texts(texts)) = &columns[2] else {
            panic!("{columns:?}");
        };
        assert_eq!((texts.present(0), texts.present(1)), (None, Some("z")));
        let Some(Column::Numbers { values, .. }) = &columns[0] else {
            panic!("{columns:?}");
        };
        assert!(values[1].is_nan());
    }
}
