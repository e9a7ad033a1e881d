//! Tables as Parquet files: one row group, every column optional, texts as UTF-8.

use std::path::Path;
use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::Result;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

use super::exporter::{ExportError, Exporter, File, Sweep};
use super::table::{self, Cells, Column, Table};

/// The format `parquet`.
#[derive(Debug)]
pub struct Parquet;

impl Exporter for Parquet {
    fn name(&self) -> &'static str {
        "parquet"
    }

    fn help(&self) -> &'static str {
        "The same tables as Parquet files, with types"
    }

    fn files(&self, sweep: &Sweep, _root: &Path) -> std::result::Result<Vec<File>, ExportError> {
        table::files(sweep, "parquet", bytes)
    }
}

/// The file of `table`.
fn bytes(table: &Table) -> Result<Vec<u8>> {
    let fields = table.columns.iter().map(field).collect::<Result<_>>()?;
    let schema = Type::group_type_builder(table.name)
        .with_fields(fields)
        .build()?;
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), properties)?;
    let mut group = writer.next_row_group()?;
    for column in &table.columns {
        let Some(mut out) = group.next_column()? else {
            break;
        };
        match &column.cells {
            Cells::Bool(cells) => put::<BoolType, _>(&mut out, cells, |cell| *cell)?,
            Cells::Int(cells) => put::<Int64Type, _>(&mut out, cells, |cell| *cell)?,
            Cells::Float(cells) => put::<DoubleType, _>(&mut out, cells, |cell| *cell)?,
            Cells::Text(cells) => {
                put::<ByteArrayType, _>(&mut out, cells, |cell| ByteArray::from(cell.as_str()))?;
            }
        }
        out.close()?;
    }
    group.close()?;
    writer.into_inner()
}

fn field(column: &Column) -> Result<Arc<Type>> {
    let (physical, logical) = match column.cells {
        Cells::Bool(_) => (Physical::BOOLEAN, None),
        Cells::Int(_) => (Physical::INT64, None),
        Cells::Float(_) => (Physical::DOUBLE, None),
        Cells::Text(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
    };
    Type::primitive_type_builder(&column.name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
        .build()
        .map(Arc::new)
}

/// Values without the unknown ones, and a level a cell: 1 where there is a value, 0 where there is none.
fn put<T: DataType, C>(
    out: &mut SerializedColumnWriter<'_>,
    cells: &[Option<C>],
    value: impl Fn(&C) -> T::T,
) -> Result<()> {
    let known: Vec<T::T> = cells.iter().flatten().map(value).collect();
    let levels: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
    out.typed::<T>().write_batch(&known, Some(&levels), None)?;
    Ok(())
}
