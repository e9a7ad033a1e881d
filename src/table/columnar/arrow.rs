//! Arrow files, which are Feather files of version 2.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek};

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal128Type, Float16Type, Float32Type,
    Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_ipc::reader::FileReader;
use arrow_schema::{DataType, TimeUnit};

use super::cell;
use super::typed::{TypedColumn, damaged};
use crate::builder::{Builder, Kind, Piece, PieceColumn};
use crate::error::DataError;
use crate::missing::MissingMarkers;
use crate::source::{Hash, Source};

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// Arrow files are read from their end.
trait Input: Read + Seek {}
impl<T: Read + Seek> Input for T {}

pub(super) fn columns(source: &Source) -> Result<Vec<TypedColumn>, DataError> {
    let reader = open(source, None)?;
    let schema = reader.schema();
    let columns = schema.fields().iter().map(|field| TypedColumn {
        name: field.name().clone(),
        kind: kind(field.data_type()),
    });
    Ok(columns.collect())
}

pub(super) fn read(
    source: &Source,
    builder: &mut Builder,
    to: &[usize],
    markers: &MissingMarkers,
) -> Result<(), DataError> {
    let all = columns(source)?;
    let readable: Vec<usize> = (0..all.len())
        .filter(|place| all[*place].kind.is_some())
        .collect();
    let kinds = builder.kinds();
    let wanted = readable.iter().zip(to);
    let (wanted, places): (Vec<usize>, Vec<usize>) = wanted
        .filter(|(_, to)| kinds[**to] != Kind::Skip)
        .map(|(place, to)| (*place, *to))
        .unzip();
    for batch in open(source, Some(wanted))? {
        let batch: RecordBatch = batch.map_err(|error| damaged(source, error))?;
        let kinds = builder.kinds();
        let kinds: Vec<Kind> = places.iter().map(|place| kinds[*place]).collect();
        let mut piece = Piece::new(&kinds);
        piece.rows = batch.num_rows();
        for (column, array) in piece.columns.iter_mut().zip(batch.columns()) {
            push(column, array.as_ref(), markers);
        }
        builder.append(piece, &places);
    }
    Ok(())
}

fn open(
    source: &Source,
    columns: Option<Vec<usize>>,
) -> Result<FileReader<Box<dyn Input>>, DataError> {
    let file: Option<File> = source.plain_file();
    let input: Box<dyn Input> = match file {
        Some(file) => Box::new(BufReader::new(file)),
        None => Box::new(Cursor::new(source.whole(Hash::default())?)),
    };
    FileReader::try_new(input, columns).map_err(|error| damaged(source, error))
}

/// What a column is read as; `None` for nested ones.
fn kind(data_type: &DataType) -> Option<Kind> {
    Some(match data_type {
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float16
        | DataType::Float32
        | DataType::Float64
        | DataType::Decimal128(_, _) => Kind::NUMBER,
        DataType::Null
        | DataType::Boolean
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Date32
        | DataType::Date64
        | DataType::Timestamp(_, _) => Kind::Text,
        DataType::Dictionary(_, values) => match kind(values)? {
            Kind::Text => Kind::Text,
            _ => Kind::NUMBER,
        },
        _ => return None,
    })
}

/// Adds the cells of `array`.
fn push(column: &mut PieceColumn, array: &dyn Array, markers: &MissingMarkers) {
    if let DataType::Dictionary(_, _) = array.data_type() {
        let dictionary = array.as_any_dictionary();
        let values = dictionary.values().as_ref();
        for (row, key) in dictionary.normalized_keys().into_iter().enumerate() {
            match array.is_null(row) {
                true => column.push_missing(),
                false => push_one(column, values, key, markers),
            }
        }
        return;
    }
    for row in 0..array.len() {
        push_one(column, array, row, markers);
    }
}

fn push_one(column: &mut PieceColumn, array: &dyn Array, row: usize, markers: &MissingMarkers) {
    if array.is_null(row) {
        return column.push_missing();
    }
    fn value<T: ArrowPrimitiveType>(array: &dyn Array, row: usize) -> T::Native {
        array.as_primitive::<T>().value(row)
    }
    let mut whole = |number: i128| cell::push_whole(column, number, markers);
    match array.data_type() {
        DataType::Int8 => whole(value::<Int8Type>(array, row).into()),
        DataType::Int16 => whole(value::<Int16Type>(array, row).into()),
        DataType::Int32 => whole(value::<Int32Type>(array, row).into()),
        DataType::Int64 => whole(value::<Int64Type>(array, row).into()),
        DataType::UInt8 => whole(value::<UInt8Type>(array, row).into()),
        DataType::UInt16 => whole(value::<UInt16Type>(array, row).into()),
        DataType::UInt32 => whole(value::<UInt32Type>(array, row).into()),
        DataType::UInt64 => whole(value::<UInt64Type>(array, row).into()),
        DataType::Float16 => {
            cell::push_float(column, value::<Float16Type>(array, row).to_f64(), markers);
        }
        DataType::Float32 => {
            cell::push_float(column, value::<Float32Type>(array, row).into(), markers);
        }
        DataType::Float64 => {
            cell::push_float(column, value::<Float64Type>(array, row), markers);
        }
        DataType::Boolean => cell::push_bool(column, array.as_boolean().value(row), markers),
        _ => match text(array, row) {
            Some(text) => column.push(&text, markers),
            None => column.push_missing(),
        },
    }
}

/// What is no number, as text.
fn text(array: &dyn Array, row: usize) -> Option<String> {
    match array.data_type() {
        DataType::Utf8 => Some(array.as_string::<i32>().value(row).to_owned()),
        DataType::LargeUtf8 => Some(array.as_string::<i64>().value(row).to_owned()),
        DataType::Utf8View => Some(array.as_string_view().value(row).to_owned()),
        DataType::Decimal128(_, scale) => {
            let unscaled = array.as_primitive::<Decimal128Type>().value(row);
            Some(cell::decimal(unscaled, i32::from(*scale)))
        }
        DataType::Date32 => cell::date(array.as_primitive::<Date32Type>().value(row).into()),
        DataType::Date64 => {
            let milliseconds = array.as_primitive::<Date64Type>().value(row);
            cell::date(milliseconds.div_euclid(DAY))
        }
        DataType::Timestamp(unit, _) => match unit {
            TimeUnit::Second => {
                cell::timestamp(array.as_primitive::<TimestampSecondType>().value(row), 1)
            }
            TimeUnit::Millisecond => {
                let ticks = array.as_primitive::<TimestampMillisecondType>().value(row);
                cell::timestamp(ticks, 1_000)
            }
            TimeUnit::Microsecond => {
                let ticks = array.as_primitive::<TimestampMicrosecondType>().value(row);
                cell::timestamp(ticks, 1_000_000)
            }
            TimeUnit::Nanosecond => {
                let ticks = array.as_primitive::<TimestampNanosecondType>().value(row);
                cell::timestamp(ticks, 1_000_000_000)
            }
        },
        _ => None,
    }
}
