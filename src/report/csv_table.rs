//! A CSV file in the making, and its cells: UTF-8, comma, one header line, numbers as programs read them (`NaN`,
//! `inf` and `1e-5` included).
//!
//! A cell that holds text from the data, or a message, never begins a formula in a spreadsheet.

use sweep_analysis::text;

pub(super) fn number(value: Option<f64>) -> String {
    value.map_or(String::new(), text::exact)
}

pub(super) fn whole<T: std::fmt::Display>(value: Option<T>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}

/// A CSV file in the making. No cell of it begins a formula.
pub(super) struct CsvTable {
    writer: csv::Writer<Vec<u8>>,
    pub(super) rows: usize,
}

impl CsvTable {
    pub(super) fn new(header: &[&str]) -> CsvTable {
        let mut writer = csv::Writer::from_writer(Vec::new());
        write(&mut writer, header.iter().copied());
        CsvTable { writer, rows: 0 }
    }

    pub(super) fn push(&mut self, row: &[String]) {
        write(&mut self.writer, row.iter().map(String::as_str));
        self.rows += 1;
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.writer.into_inner().expect(IN_MEMORY)
    }
}

fn write<'a>(writer: &mut csv::Writer<Vec<u8>>, cells: impl Iterator<Item = &'a str>) {
    let cells = cells.map(text::guarded);
    writer
        .write_record(cells.map(|cell| cell.into_owned()))
        .expect(IN_MEMORY);
}

const IN_MEMORY: &str = "rows are as long as the header and memory takes them";
