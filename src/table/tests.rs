//! Files of many kinds, read as a table.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use super::{Column, DataError, Storage, Table};
use sweep_core::data_config::{Decimal, Delimiter, Edition, TableFormat, TextEncoding};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

fn read(name: &str, bytes: impl AsRef<[u8]>) -> Table {
    read_as(name, bytes, &TableFormat::default()).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn read_as(
    name: &str,
    bytes: impl AsRef<[u8]>,
    format: &TableFormat,
) -> Result<Table, Vec<DataError>> {
    let folder = Folder::new();
    let path = folder.file(name, bytes);
    Table::read(&[path], format, &Storage::default(), "data.path")
}

fn numbers<'a>(table: &'a Table, name: &str) -> &'a [f64] {
    match table.column(table.find(name).unwrap()) {
        Column::Numbers { values, .. } => values,
        Column::Texts(texts) => panic!("{name} is text: {texts:?}"),
    }
}

fn texts(table: &Table, name: &str) -> Vec<String> {
    let column = table.find(name).unwrap();
    assert!(
        matches!(table.column(column), Column::Texts(_)),
        "{name} is numbers"
    );
    let rows = 0..table.rows() as u32;
    rows.map(|row| table.cell(row, column).into_owned())
        .collect()
}

#[test]
fn cells_are_numbers_or_text_by_column() {
    let table = read(
        "in.csv",
        "a,b,c\n1,x,2019-01-01\n?,\"y, z\",\n-2.5,NA,2020-01-01\n",
    );
    let a = numbers(&table, "a");
    assert_eq!((a[0], a[2]), (1.0, -2.5));
    assert!(a[1].is_nan());
    assert_eq!(texts(&table, "b"), ["x", "y, z", "NA"]);
    assert_eq!(table.present(2, 1), None);
    assert_eq!(table.present(1, 2), None);
    assert_eq!((table.line(0), table.line(2)), (2, 4));
}

#[test]
fn a_column_whose_later_cells_are_no_numbers_is_text_from_the_first_row_on() {
    let mut text = "a,b\n".to_owned();
    for row in 0..60_000 {
        let cell = if row == 50_000 {
            "many".to_owned()
        } else {
            format!("{row}.50")
        };
        text.push_str(&format!("{cell},{row}\n"));
    }
    let table = read("in.csv", &text);
    let a = texts(&table, "a");
    assert_eq!(
        (a[0].as_str(), a[50_000].as_str(), a[59_999].as_str()),
        ("0.50", "many", "59999.50")
    );
    assert_eq!(numbers(&table, "b")[59_999], 59_999.0);
}

#[test]
fn pieces_of_a_large_file_join_wherever_quotes_hold_ends_of_lines() {
    // Long enough for several pieces, with quoted cells of many lines anywhere.
    let mut text = "n,t\n".to_owned();
    let mut lines = Vec::new();
    let mut line = 2u64;
    for row in 0..40_000u64 {
        lines.push(line);
        let cell = match row % 7 {
            0 => format!(
                "\"row {row}\nnext, line\n\n{}\"",
                "x\n".repeat((row % 400) as usize)
            ),
            _ => format!("\"a \"\"{row}\"\"\""),
        };
        line += cell.matches('\n').count() as u64 + 1;
        text.push_str(&format!("{row},{cell}\n"));
        if row % 1000 == 0 {
            text.push('\n');
            line += 1;
        }
    }
    assert!(text.len() > 2 << 20);
    let table = read("in.csv", &text);
    assert_eq!(table.rows(), 40_000);
    let n = numbers(&table, "n");
    assert!(
        n.iter()
            .enumerate()
            .all(|(row, value)| *value == row as f64)
    );
    for row in [0u32, 1, 7, 9_999, 20_000, 39_998, 39_999] {
        assert_eq!(table.line(row), lines[row as usize], "row {row}");
    }
    assert_eq!(table.cell(8, 1), "a \"8\"");
    assert!(table.cell(7, 1).starts_with("row 7\nnext, line\n\nx\n"));
}

#[test]
fn line_ends_of_every_kind_are_read() {
    for ends in ["\n", "\r\n", "\r"] {
        let text = ["a,b", "1,x", "", "2,y"].join(ends) + ends;
        let table = read("in.csv", text);
        assert_eq!(numbers(&table, "a"), [1.0, 2.0], "{ends:?}");
        assert_eq!((table.line(0), table.line(1)), (2, 4), "{ends:?}");
    }
    assert_eq!(read("in.csv", "a,b\n1,x\n2,y").rows(), 2);
}

#[test]
fn delimiters_decimals_and_blanks_are_found() {
    let table = read("in.csv", "a;b;c\n1,5;x;10 %\n2,25;y;5 %\n");
    assert_eq!(numbers(&table, "a"), [1.5, 2.25]);
    assert_eq!(numbers(&table, "c"), [10.0, 5.0]);
    assert_eq!(table.notes.len(), 3, "{:?}", table.notes);
    let table = read("in.data", "  1.5  \"x y\"   3\n 2.5   \"z\" 4\n");
    assert_eq!(texts(&table, "column_2"), ["x y", "z"]);
    assert_eq!(numbers(&table, "column_3"), [3.0, 4.0]);
    let given = TableFormat {
        delimiter: Some(Delimiter::Byte(b'|')),
        decimal: Some(Decimal::Comma),
        header: Some(false),
        columns: Some(vec!["p".to_owned(), "q".to_owned()]),
        ..TableFormat::default()
    };
    let table = read_as("in.csv", "1,234|x\n2,5|y\n", &given).unwrap();
    assert_eq!(numbers(&table, "p"), [1.234, 2.5]);
    assert_eq!(texts(&table, "q"), ["x", "y"]);
}

#[test]
fn encodings_are_found() {
    let text = "a,b\n1,café\n2,naïve\n";
    let utf16 = |big: bool, mark: bool| -> Vec<u8> {
        let mark = mark.then_some('\u{feff}');
        let letters: String = mark.into_iter().chain(text.chars()).collect();
        let units = letters.encode_utf16();
        units
            .flat_map(|unit| {
                if big {
                    unit.to_be_bytes()
                } else {
                    unit.to_le_bytes()
                }
            })
            .collect()
    };
    let latin: Vec<u8> = text.chars().map(|letter| u32::from(letter) as u8).collect();
    let marked = format!("\u{feff}{text}").into_bytes();
    for (name, bytes) in [
        ("utf-8", text.as_bytes().to_vec()),
        ("with mark", marked),
        ("latin-1", latin),
        ("utf-16 le", utf16(false, true)),
        ("utf-16 be", utf16(true, true)),
        ("utf-16 le without mark", utf16(false, false)),
        ("utf-16 be without mark", utf16(true, false)),
    ] {
        let table = read("in.csv", bytes);
        assert_eq!(table.names, ["a", "b"], "{name}");
        assert_eq!(texts(&table, "b"), ["café", "naïve"], "{name}");
        assert_eq!(numbers(&table, "a"), [1.0, 2.0], "{name}");
    }
    // A byte of Windows-1252 far behind what is looked at first.
    let mut late = format!("a,b\n{}", "1,x\n".repeat(100_000)).into_bytes();
    late.extend(b"2,\x80\n");
    let table = read("in.csv", &late);
    assert_eq!(table.cell(100_000, 1), "€");
    let strict = TableFormat {
        encoding: Some(TextEncoding::Utf8),
        ..TableFormat::default()
    };
    let error = read_as("in.csv", &late, &strict).unwrap_err().remove(0);
    assert_eq!(error.line, Some(100_002));
    assert!(error.help.contains("windows-1252"), "{error:?}");
}

#[test]
fn packed_files_are_read_and_hashed_as_they_stand() {
    let text = b"a,b\n1,x\n2,y\n";
    let gzip = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    };
    let zip = {
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file("folder/in.csv", options).unwrap();
        archive.write_all(text).unwrap();
        archive.finish().unwrap().into_inner()
    };
    let zstd = zstd::encode_all(&text[..], 1).unwrap();
    for (name, bytes) in [("in.csv.gz", gzip), ("in.zip", zip), ("in.csv.zst", zstd)] {
        let table = read(name, &bytes);
        assert_eq!(numbers(&table, "a"), [1.0, 2.0], "{name}");
        let digest = <sha2::Sha256 as sha2::Digest>::digest(&bytes);
        assert_eq!(table.sha256, sweep_core::format::hex(&digest), "{name}");
    }
    let error = read_as("in.csv.gz", b"\x1f\x8b\x08\0\0\0", &TableFormat::default());
    assert!(error.unwrap_err()[0].message.contains("cannot be unpacked"));
}

#[test]
fn json_lines_are_read_with_the_keys_of_all_lines() {
    let text = "{\"a\": 1, \"b\": \"x\", \"big\": 1234567890123456789}\n\n{\"b\": null, \"c\": [1]}\n\
                {\"a\": 2.5, \"b\": true}\n";
    let table = read("in.jsonl", text);
    assert_eq!(table.names, ["a", "b", "big", "c"]);
    let a = numbers(&table, "a");
    assert_eq!((a[0], a[1].is_nan(), a[2]), (1.0, true, 2.5));
    assert_eq!(texts(&table, "b"), ["x", "", "true"]);
    assert_eq!(texts(&table, "big")[0], "1234567890123456789");
    assert_eq!((table.line(1), table.line(2)), (3, 4));
    let error = read_as(
        "in.jsonl",
        "{\"a\": 1}\n{\"a\": }\n",
        &TableFormat::default(),
    );
    assert_eq!(error.unwrap_err()[0].line, Some(2));
    // A key that comes late.
    let late = format!("{}{{\"z\": \"late\"}}\n", "{\"a\": 1}\n".repeat(2000));
    let table = read("in.jsonl", late);
    assert_eq!(table.present(2000, 1).as_deref(), Some("late"));
    assert_eq!(table.present(0, 1), None);
}

#[test]
fn several_files_are_one_table_with_columns_in_any_order() {
    let folder = Folder::new();
    let first = folder.file("part-1.csv", "a,b\n1,x\n");
    folder.file("part-2.csv", "b,a\ny,2\nz,3\n");
    let pattern = folder.0.path().join("part-*.csv");
    let read = |paths: &[PathBuf]| {
        Table::read(
            paths,
            &TableFormat::default(),
            &Storage::default(),
            "data.path",
        )
    };
    let table = read(&[pattern]).unwrap();
    assert_eq!(numbers(&table, "a"), [1.0, 2.0, 3.0]);
    assert_eq!(texts(&table, "b"), ["x", "y", "z"]);
    assert_eq!(table.line(2), 3);
    let error = table.error_at(2, "x".to_owned(), "y");
    assert!(error.file.ends_with("part-2.csv"));
    let other = folder.file("other.csv", "a,c\n1,x\n");
    let errors = read(&[first.clone(), other]).unwrap_err();
    assert!(
        errors[0]
            .message
            .contains("it lacks `b`; the first has no `c`"),
        "{errors:?}"
    );
    assert!(
        read(&[first.clone(), first]).unwrap_err()[0]
            .message
            .contains("twice")
    );
    let none = folder.0.path().join("none-*.csv");
    assert!(
        read(&[none]).unwrap_err()[0]
            .message
            .contains("no file matches")
    );
}

#[test]
fn foreign_files_are_refused_by_their_names() {
    for (name, bytes, wanted) in [
        (
            "a.xlsx",
            &b"PK\x03\x04....[Content_Types].xml"[..],
            "workbook",
        ),
        (
            "a.xls",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            "Excel workbook",
        ),
        ("a.arff", b"% about\n\n@RELATION iris\n@DATA\n", "ARFF"),
        ("a.db", b"SQLite format 3\0...", "SQLite"),
        ("a.h5", b"\x89HDF\r\n\x1a\n", "HDF5"),
        ("a.html", b"<!DOCTYPE html><html>", "HTML"),
        ("a.json", b"[\n {\"a\": 1}]", "JSON array"),
        ("a.dta", b"stata", "Stata"),
        ("a.xz", b"\xfd7zXZ\0", "xz"),
    ] {
        let error = read_as(name, bytes, &TableFormat::default())
            .unwrap_err()
            .remove(0);
        assert!(error.message.contains(wanted), "{name}: {error:?}");
        assert!(!error.help.is_empty());
    }
}

#[test]
fn the_first_edition_reads_as_it_always_has() {
    let first = TableFormat {
        edition: Edition::First,
        ..TableFormat::default()
    };
    let table = read_as("in.csv", "5.1,b\n?,x\nNaN,y\n", &first).unwrap();
    assert_eq!(table.names, ["5.1", "b"]);
    assert_eq!(texts(&table, "5.1"), ["?", "NaN"]);
    assert!(read_as("in.csv", "a;b\n1;2\n", &first).unwrap().names.len() == 1);
    assert!(read_as("in.csv", "a,a\n1,2\n", &first).is_err());
    assert!(read_as("in.csv", b"a,b\n1,caf\xe9\n", &first).is_err());
}

#[test]
fn a_number_that_stands_for_a_missing_value_does_so_among_numbers_and_in_text() {
    let format = TableFormat {
        missing_values: vec!["-999".to_owned()],
        ..TableFormat::default()
    };
    let csv = "a,b,c\n1,-999,x\n-999.0,2.5,-999\n-998,-999.00,007\n";
    let lines = "{\"a\": 1, \"b\": -999, \"c\": \"x\"}\n{\"a\": -999.0, \"b\": 2.5, \"c\": \"-999\"}\n\
                 {\"a\": -998, \"b\": -999.0, \"c\": \"007\"}\n";
    for (name, text) in [("in.csv", csv), ("in.jsonl", lines)] {
        let table = read_as(name, text, &format).unwrap();
        let missing = |column: &str| -> Vec<bool> {
            let all = numbers(&table, column).iter();
            all.map(|number| number.is_nan()).collect()
        };
        assert_eq!(missing("a"), [false, true, false], "{name}");
        assert_eq!(missing("b"), [true, false, true], "{name}");
        let Column::Texts(texts) = table.column(table.find("c").unwrap()) else {
            panic!("{name}: `c` is text");
        };
        let present: Vec<_> = (0..3).map(|row| texts.present(row)).collect();
        assert_eq!(present, [Some("x"), None, Some("007")], "{name}");
    }
}

#[test]
fn large_whole_numbers_are_kept_as_text_unless_they_are_to_be_numbers() {
    let text = "id,x\n1234567890123456789,1\n1234567890123456790,2\n";
    let table = read("in.csv", text);
    assert_eq!(
        texts(&table, "id"),
        ["1234567890123456789", "1234567890123456790"]
    );
    let folder = Folder::new();
    let path = folder.file("in.csv", text);
    let storage = Storage {
        numbers: ["id".to_owned()].into(),
        ..Storage::default()
    };
    let table = Table::read(&[path], &TableFormat::default(), &storage, "").unwrap();
    assert_eq!(numbers(&table, "id")[0], 1234567890123456800.0);
}

#[test]
fn ragged_rows_and_open_quotes_are_told_by_line() {
    let errors = |text: &str| read_as("in.csv", text, &TableFormat::default()).unwrap_err();
    let ragged = errors("a,b\n1,2\n3\n4,5,6\n7,8\n");
    let lines: Vec<Option<u64>> = ragged.iter().map(|error| error.line).collect();
    assert_eq!(lines, [Some(3), Some(4)]);
    let open = errors("a,b\n1,2\n3,\"4\n5,6\n");
    assert_eq!((open.len(), open[0].line), (1, Some(3)));
    let many = errors(&format!("a,b\n1,2\n{}", "3\n".repeat(40)));
    assert!(
        many.last().unwrap().message.contains("35 more rows"),
        "{many:?}"
    );
}

#[test]
fn arrow_files_are_read_by_their_types() {
    use arrow_array::types::Int8Type;
    use arrow_array::{
        ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float32Array,
        Int64Array, RecordBatch, StringArray, TimestampMillisecondArray,
    };
    use std::sync::Arc;

    let columns: Vec<(&str, ArrayRef)> = vec![
        ("float", Arc::new(Float32Array::from(vec![Some(1.5), None]))),
        ("whole", Arc::new(Int64Array::from(vec![7, -8]))),
        ("big", Arc::new(Int64Array::from(vec![1, i64::MAX]))),
        (
            "text",
            Arc::new(StringArray::from(vec![Some("x, y"), None])),
        ),
        ("flag", Arc::new(BooleanArray::from(vec![true, false]))),
        ("day", Arc::new(Date32Array::from(vec![0, 17978]))),
        (
            "time",
            Arc::new(TimestampMillisecondArray::from(vec![0, 1_553_372_469_000])),
        ),
        (
            "money",
            Arc::new(
                Decimal128Array::from(vec![12345, -5])
                    .with_precision_and_scale(10, 2)
                    .unwrap(),
            ),
        ),
        (
            "level",
            Arc::new(
                vec![Some("b"), Some("a")]
                    .into_iter()
                    .collect::<DictionaryArray<Int8Type>>(),
            ),
        ),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .unwrap();
    let mut bytes = Vec::new();
    let mut writer = arrow_ipc::writer::FileWriter::try_new(&mut bytes, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    let table = read("in.feather", &bytes);
    assert_eq!(table.rows(), 4);
    assert_eq!(numbers(&table, "float")[2], 1.5);
    assert!(numbers(&table, "float")[1].is_nan());
    assert_eq!(numbers(&table, "whole"), [7.0, -8.0, 7.0, -8.0]);
    assert_eq!(texts(&table, "big")[1], "9223372036854775807");
    assert_eq!(table.present(1, table.find("text").unwrap()), None);
    assert_eq!(texts(&table, "flag")[..2], ["true", "false"]);
    assert_eq!(texts(&table, "day")[..2], ["1970-01-01", "2019-03-23"]);
    assert_eq!(texts(&table, "time")[1], "2019-03-23T20:21:09");
    assert_eq!(numbers(&table, "money"), [123.45, -0.05, 123.45, -0.05]);
    assert_eq!(texts(&table, "level")[..2], ["b", "a"]);
    let given = TableFormat {
        delimiter: Some(Delimiter::Byte(b';')),
        ..TableFormat::default()
    };
    let error = read_as("in.feather", &bytes, &given).unwrap_err();
    assert!(error[0].message.contains("`delimiter` is for CSV files"));
    bytes.truncate(bytes.len() / 2);
    assert!(read_as("in.feather", &bytes, &TableFormat::default()).is_err());
}
