//! Parquet files, column by column within each group of rows.

use std::fs::File;

use parquet::basic::{LogicalType, TimeUnit, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType, FixedLenByteArray, Int96};
use parquet::file::reader::SerializedFileReader;
use parquet::schema::types::ColumnDescriptor;

use super::cell;
use super::typed::{TypedColumn, damaged};
use crate::builder::{Builder, Kind, Piece, PieceColumn};
use crate::error::DataError;
use crate::missing::MissingMarkers;
use crate::source::{Hash, Source};

/// Rows read at a time.
const BATCH: usize = 1 << 16;

/// What the values of a column stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Plain,
    Unsigned,
    Date,
    /// Ticks since 1970, and how many a second has.
    Timestamp(i64),
    Decimal(i32),
    Text,
    Half,
}

pub(super) fn columns(source: &Source) -> Result<Vec<TypedColumn>, DataError> {
    let opened = open(source)?;
    let schema = opened.metadata().file_metadata().schema_descr_ptr();
    let columns = schema.columns().iter().map(|column| TypedColumn {
        name: column.path().string(),
        kind: kind(column),
    });
    Ok(columns.collect())
}

pub(super) fn read(
    source: &Source,
    builder: &mut Builder,
    to: &[usize],
    markers: &MissingMarkers,
) -> Result<(), DataError> {
    let failed = |error: parquet::errors::ParquetError| damaged(source, error);
    let opened = open(source)?;
    let schema = opened.metadata().file_metadata().schema_descr_ptr();
    let readable: Vec<usize> = (0..schema.num_columns())
        .filter(|place| kind(&schema.column(*place)).is_some())
        .collect();
    for group in 0..opened.num_row_groups() {
        let group = opened.get_row_group(group).map_err(failed)?;
        let mut rest = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        let kinds = builder.kinds();
        let mut readers = Vec::new();
        for (place, to) in readable.iter().zip(to) {
            if kinds[*to] != Kind::Skip {
                let reader = group.get_column_reader(*place).map_err(failed)?;
                readers.push((schema.column(*place), *to, reader));
            }
        }
        let places: Vec<usize> = readers.iter().map(|(_, to, _)| *to).collect();
        while rest > 0 {
            let rows = rest.min(BATCH);
            let kinds = builder.kinds();
            let kinds: Vec<Kind> = places.iter().map(|place| kinds[*place]).collect();
            let mut piece = Piece::new(&kinds);
            piece.rows = rows;
            let columns = piece.columns.iter_mut().zip(&mut readers);
            for (column, (about, _, reader)) in columns {
                push(column, about, reader, rows, markers).map_err(failed)?;
            }
            builder.append(piece, &places);
            rest -= rows;
        }
    }
    Ok(())
}

fn open(source: &Source) -> Result<Box<dyn parquet::file::reader::FileReader>, DataError> {
    let failed = |error: parquet::errors::ParquetError| damaged(source, error);
    let file: Option<File> = source.plain_file();
    Ok(match file {
        Some(file) => Box::new(SerializedFileReader::new(file).map_err(failed)?),
        None => {
            let bytes = bytes::Bytes::from(source.whole(Hash::default())?);
            Box::new(SerializedFileReader::new(bytes).map_err(failed)?)
        }
    })
}

/// What a column is read as; `None` for lists.
fn kind(column: &ColumnDescriptor) -> Option<Kind> {
    if column.max_rep_level() > 0 {
        return None;
    }
    Some(match (column.physical_type(), meaning(column)) {
        (Physical::BOOLEAN | Physical::INT96, _) => Kind::Text,
        (_, Meaning::Date | Meaning::Timestamp(_) | Meaning::Text) => Kind::Text,
        _ => Kind::NUMBER,
    })
}

fn meaning(column: &ColumnDescriptor) -> Meaning {
    use parquet::basic::ConvertedType;
    match column.logical_type_ref() {
        Some(LogicalType::Date) => return Meaning::Date,
        Some(LogicalType::Timestamp(about)) => {
            return Meaning::Timestamp(match about.unit {
                TimeUnit::MILLIS => 1_000,
                TimeUnit::MICROS => 1_000_000,
                TimeUnit::NANOS => 1_000_000_000,
            });
        }
        Some(LogicalType::Decimal(about)) => return Meaning::Decimal(about.scale),
        Some(LogicalType::Integer(about)) if !about.is_signed => return Meaning::Unsigned,
        Some(LogicalType::Float16) => return Meaning::Half,
        _ => {}
    }
    match (column.converted_type(), column.physical_type()) {
        (ConvertedType::DATE, _) => Meaning::Date,
        (ConvertedType::TIMESTAMP_MILLIS, _) => Meaning::Timestamp(1_000),
        (ConvertedType::TIMESTAMP_MICROS, _) => Meaning::Timestamp(1_000_000),
        (ConvertedType::DECIMAL, _) => Meaning::Decimal(column.type_scale()),
        (
            ConvertedType::UINT_8
            | ConvertedType::UINT_16
            | ConvertedType::UINT_32
            | ConvertedType::UINT_64,
            _,
        ) => Meaning::Unsigned,
        (_, Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY) => Meaning::Text,
        _ => Meaning::Plain,
    }
}

/// Adds the next `rows` cells of a column.
fn push(
    column: &mut PieceColumn,
    about: &ColumnDescriptor,
    reader: &mut ColumnReader,
    rows: usize,
    markers: &MissingMarkers,
) -> Result<(), parquet::errors::ParquetError> {
    let meaning = meaning(about);
    let whole = |column: &mut PieceColumn, number: i64, unsigned: i128| match meaning {
        Meaning::Date => push_text(column, cell::date(number), markers),
        Meaning::Timestamp(per_second) => {
            push_text(column, cell::timestamp(number, per_second), markers);
        }
        Meaning::Decimal(scale) => column.push(&cell::decimal(i128::from(number), scale), markers),
        Meaning::Unsigned => cell::push_whole(column, unsigned, markers),
        Meaning::Plain | Meaning::Text | Meaning::Half => {
            cell::push_whole(column, i128::from(number), markers);
        }
    };
    let most = about.max_def_level();
    match reader {
        ColumnReader::BoolColumnReader(reader) => {
            each(reader, rows, most, column, |column, value: &bool| {
                cell::push_bool(column, *value, markers);
            })
        }
        ColumnReader::Int32ColumnReader(reader) => {
            each(reader, rows, most, column, |column, value: &i32| {
                whole(column, i64::from(*value), i128::from(value.cast_unsigned()));
            })
        }
        ColumnReader::Int64ColumnReader(reader) => {
            each(reader, rows, most, column, |column, value: &i64| {
                whole(column, *value, i128::from(value.cast_unsigned()));
            })
        }
        ColumnReader::Int96ColumnReader(reader) => {
            each(reader, rows, most, column, |column, value: &Int96| {
                push_text(column, cell::timestamp(value.to_millis(), 1_000), markers);
            })
        }
        ColumnReader::FloatColumnReader(reader) => {
            each(reader, rows, most, column, |column, value: &f32| {
                cell::push_float(column, f64::from(*value), markers);
            })
        }
        ColumnReader::DoubleColumnReader(reader) => {
            each(reader, rows, most, column, |column, value: &f64| {
                cell::push_float(column, *value, markers);
            })
        }
        ColumnReader::ByteArrayColumnReader(reader) => {
            each(reader, rows, most, column, |column, value: &ByteArray| {
                push_bytes(column, value.data(), meaning, markers);
            })
        }
        ColumnReader::FixedLenByteArrayColumnReader(reader) => each(
            reader,
            rows,
            most,
            column,
            |column, value: &FixedLenByteArray| {
                push_bytes(column, value.data(), meaning, markers);
            },
        ),
    }
}

/// Gives the next `rows` values to `push`, and a missing cell for each that is not there.
fn each<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    rows: usize,
    most: i16,
    column: &mut PieceColumn,
    push: impl Fn(&mut PieceColumn, &T::T),
) -> Result<(), parquet::errors::ParquetError> {
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    let mut read = 0;
    while read < rows {
        let (records, _, _) = reader.read_records(
            rows - read,
            (most > 0).then_some(&mut levels),
            None,
            &mut values,
        )?;
        if records == 0 {
            let message = format!("a column ends after {read} of {rows} rows");
            return Err(parquet::errors::ParquetError::EOF(message));
        }
        read += records;
    }
    let mut values = values.iter();
    for row in 0..rows {
        let is_there = levels.get(row).is_none_or(|level| *level == most);
        match is_there.then(|| values.next()).flatten() {
            Some(value) => push(column, value),
            None => column.push_missing(),
        }
    }
    Ok(())
}

fn push_text(column: &mut PieceColumn, text: Option<String>, markers: &MissingMarkers) {
    match text {
        Some(text) => column.push(&text, markers),
        None => column.push_missing(),
    }
}

fn push_bytes(column: &mut PieceColumn, bytes: &[u8], meaning: Meaning, markers: &MissingMarkers) {
    match (meaning, bytes) {
        (Meaning::Decimal(scale), bytes) if bytes.len() <= 16 => {
            let first = if bytes.first().is_some_and(|byte| *byte >= 0x80) {
                0xff
            } else {
                0
            };
            let mut wide = [first; 16];
            wide[16 - bytes.len()..].copy_from_slice(bytes);
            column.push(&cell::decimal(i128::from_be_bytes(wide), scale), markers);
        }
        (Meaning::Half, [low, high]) => {
            let half = half::f16::from_le_bytes([*low, *high]);
            cell::push_float(column, half.to_f64(), markers);
        }
        _ => column.push(&String::from_utf8_lossy(bytes), markers),
    }
}
