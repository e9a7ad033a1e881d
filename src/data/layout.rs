//! The file of a prepared data set: safetensors, with one JSON text under `sweep` in its metadata.
//! `docs/DATA.md` describes it for readers in other languages.
//!
//! Invariant: a [`Place`] was checked against the very mapping it is used with, for bounds,
//! alignment and element type.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use memmap2::Mmap;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, Metadata, SafeTensorError, TensorInfo};
use serde::{Deserialize, Serialize};

use super::encode::SplitEncoder;
use super::mask::Mask;
use super::meta::{DatasetMeta, Rows, Targets};

/// Raised with every change of layout or of the digest's bytes.
pub const DATA_FORMAT: u32 = 1;
/// The metadata key of the description.
const META_KEY: &str = "sweep";
/// What the length of a header is a multiple of.
const ALIGNMENT: usize = 8;

#[cfg(target_endian = "big")]
compile_error!("prepared data sets are mapped as they stand, in little-endian order");

/// The description as it stands in the file.
#[derive(Serialize, Deserialize)]
struct Header<M> {
    format: u32,
    #[serde(flatten)]
    meta: M,
}

/// A tensor to be written.
pub(super) struct Tensor<'a> {
    pub name: &'static str,
    pub content: Content<'a>,
}

/// The elements of a tensor.
pub(super) enum Content<'a> {
    /// [rows, features], made as they are written.
    Features(&'a SplitEncoder<'a>),
    /// [rows].
    Words(&'a [u32]),
    /// [rows].
    Floats(&'a [f32]),
    /// [rows, features], made as it is written: 1 where the cell is missing.
    Missing(&'a Mask<'a>),
}

/// A file to be written: always the same bytes for the same content.
pub(super) struct Laid<'a> {
    /// In the order in which they stand in the file.
    tensors: Vec<Tensor<'a>>,
    header: Vec<u8>,
}

impl<'a> Laid<'a> {
    /// Lays out `tensors` as the safetensors library does: by type, then by name.
    pub fn new(
        mut tensors: Vec<Tensor<'a>>,
        meta: &DatasetMeta,
    ) -> Result<Laid<'a>, SafeTensorError> {
        let header = Header {
            format: DATA_FORMAT,
            meta,
        };
        let text = serde_json::to_string(&header)?;
        tensors.sort_by(|a, b| (b.dtype().cmp(&a.dtype())).then_with(|| a.name.cmp(b.name)));
        let mut end = 0;
        let infos = tensors.iter().map(|tensor| {
            let start = end;
            end += tensor.bytes();
            let info = TensorInfo {
                dtype: tensor.dtype(),
                shape: tensor.shape(),
                data_offsets: (start, end),
            };
            (tensor.name.to_owned(), info)
        });
        let infos: Vec<(String, TensorInfo)> = infos.collect();
        let metadata = Metadata::new(Some([(META_KEY.to_owned(), text)].into()), infos)?;
        let mut json = serde_json::to_string(&metadata)?.into_bytes();
        json.resize(json.len().next_multiple_of(ALIGNMENT), b' ');
        let mut header = (json.len() as u64).to_le_bytes().to_vec();
        header.extend(json);
        Ok(Laid { tensors, header })
    }

    /// Writes the file.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(&self.header)?;
        for tensor in &self.tensors {
            match &tensor.content {
                Content::Features(encoder) => {
                    encoder.for_each_block(|block| out.write_all(float_bytes(block)))?;
                }
                Content::Words(words) => out.write_all(word_bytes(words))?,
                Content::Floats(values) => out.write_all(float_bytes(values))?,
                Content::Missing(mask) => mask.for_each_block(|block| out.write_all(block))?,
            }
        }
        Ok(())
    }
}

impl Tensor<'_> {
    fn dtype(&self) -> Dtype {
        match self.content {
            Content::Features(_) | Content::Floats(_) => Dtype::F32,
            Content::Words(_) => Dtype::U32,
            Content::Missing(_) => Dtype::U8,
        }
    }

    fn shape(&self) -> Vec<usize> {
        match &self.content {
            Content::Features(encoder) => vec![encoder.rows(), encoder.width],
            Content::Words(words) => vec![words.len()],
            Content::Floats(values) => vec![values.len()],
            Content::Missing(mask) => vec![mask.rows(), mask.width],
        }
    }

    fn bytes(&self) -> usize {
        bytes_of(self.dtype()) * self.shape().iter().product::<usize>()
    }
}

/// Bytes of an element.
fn bytes_of(dtype: Dtype) -> usize {
    dtype.bitsize() / 8
}

/// The bytes of 32-bit floats as they stand in a file.
pub(super) fn float_bytes(values: &[f32]) -> &[u8] {
    // SAFETY: every byte of a float is initialised, bytes have no alignment, and the length is that
    // of the same memory; the program runs on little-endian machines alone.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast::<u8>(), size_of_val(values)) }
}

/// Likewise of 32-bit words.
pub(super) fn word_bytes(words: &[u32]) -> &[u8] {
    // SAFETY: as in `float_bytes`.
    unsafe { std::slice::from_raw_parts(words.as_ptr().cast::<u8>(), size_of_val(words)) }
}

/// A prepared file in memory.
#[derive(Debug)]
pub(super) struct Mapped {
    map: Mmap,
    path: String,
}

/// Where a tensor lies.
#[derive(Debug)]
pub(super) struct Place {
    start: usize,
    length: usize,
    dtype: Dtype,
}

impl Mapped {
    pub fn open(path: &Path) -> io::Result<Mapped> {
        let shown = path.display().to_string();
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{shown}: {error}"));
        let file = File::open(path).map_err(named)?;
        // SAFETY: prepared files are written under another name and renamed, and never changed or
        // cut afterwards; a newer one takes the name of the older and leaves its bytes alone.
        let map = unsafe { Mmap::map(&file) }.map_err(named)?;
        Ok(Mapped { map, path: shown })
    }

    pub fn meta(&self) -> io::Result<DatasetMeta> {
        let (_, metadata) = SafeTensors::read_metadata(&self.map).map_err(|e| self.unsound(e))?;
        let text = metadata
            .metadata()
            .as_ref()
            .and_then(|entries| entries.get(META_KEY));
        let text = text.ok_or_else(|| self.unsound("it is not a prepared data set"))?;
        #[derive(Deserialize)]
        struct FormatOnly {
            format: u32,
        }
        let FormatOnly { format } = serde_json::from_str(text).map_err(|e| self.unsound(e))?;
        if format != DATA_FORMAT {
            let message =
                format!("it has format {format}, this program reads format {DATA_FORMAT}");
            return Err(self.unsound(message));
        }
        let header: Header<DatasetMeta> =
            serde_json::from_str(text).map_err(|e| self.unsound(e))?;
        Ok(header.meta)
    }

    /// The place of the f32 tensor `name` of `shape`.
    pub fn floats(&self, name: &str, shape: &[usize]) -> io::Result<Place> {
        self.place(name, Dtype::F32, shape)
    }

    /// The place of the u32 tensor `name` with `rows` elements.
    pub fn words(&self, name: &str, rows: usize) -> io::Result<Place> {
        self.place(name, Dtype::U32, &[rows])
    }

    /// The place of the u32 tensor `name` with `rows` elements, if the file has it.
    pub fn words_if_any(&self, name: &str, rows: usize) -> io::Result<Option<Place>> {
        match self.has(name)? {
            true => self.words(name, rows).map(Some),
            false => Ok(None),
        }
    }

    /// The place of the f32 tensor `name` with `rows` elements, if the file has it.
    pub fn floats_if_any(&self, name: &str, rows: usize) -> io::Result<Option<Place>> {
        match self.has(name)? {
            true => self.floats(name, &[rows]).map(Some),
            false => Ok(None),
        }
    }

    fn has(&self, name: &str) -> io::Result<bool> {
        let tensors = SafeTensors::deserialize(&self.map).map_err(|e| self.unsound(e))?;
        Ok(tensors.names().contains(&name))
    }

    /// The place of the target `name`: labels below the number of classes, or finite numbers.
    pub fn targets(&self, name: &str, rows: usize, meta: &DatasetMeta) -> io::Result<Place> {
        if meta.number.is_none() {
            return self.labels(name, rows, meta.classes.len());
        }
        let place = self.floats(name, &[rows])?;
        match self
            .float_slice(&place)
            .iter()
            .find(|number| !number.is_finite())
        {
            Some(number) => Err(self.unsound(format!("{name} has the number {number}"))),
            None => Ok(place),
        }
    }

    /// The place of the u8 tensor `name` of `shape`.
    pub fn bytes(&self, name: &str, shape: &[usize]) -> io::Result<Place> {
        self.place(name, Dtype::U8, shape)
    }

    /// The place of the u32 tensor `name`, every element below `classes`.
    pub fn labels(&self, name: &str, rows: usize, classes: usize) -> io::Result<Place> {
        let place = self.words(name, rows)?;
        match self
            .word_slice(&place)
            .iter()
            .find(|label| **label as usize >= classes)
        {
            Some(label) => {
                Err(self.unsound(format!("{name} has label {label} of {classes} classes")))
            }
            None => Ok(place),
        }
    }

    pub fn rows(&self, x: &Place, y: &Place, missing: Option<&Place>) -> Rows<'_> {
        Rows {
            x: self.float_slice(x),
            y: match y.dtype {
                Dtype::F32 => Targets::Numbers(self.float_slice(y)),
                _ => Targets::Classes(self.word_slice(y)),
            },
            weights: None,
            missing: missing.map(|place| self.byte_slice(place)),
        }
    }

    pub fn float_slice(&self, place: &Place) -> &[f32] {
        assert_eq!(place.dtype, Dtype::F32);
        let bytes = &self.map[place.start..place.start + 4 * place.length];
        // SAFETY: the range lies in the map (checked by the slice) and is aligned to 4 bytes
        // (checked when the place was made from this map); every bit pattern is an f32; the map
        // lives as long as the result and is not written to.
        unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast::<f32>(), place.length) }
    }

    pub fn word_slice(&self, place: &Place) -> &[u32] {
        assert_eq!(place.dtype, Dtype::U32);
        let bytes = &self.map[place.start..place.start + 4 * place.length];
        // SAFETY: as in `float_slice`; every bit pattern is a u32.
        unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast::<u32>(), place.length) }
    }

    fn byte_slice(&self, place: &Place) -> &[u8] {
        assert_eq!(place.dtype, Dtype::U8);
        &self.map[place.start..][..place.length]
    }

    fn place(&self, name: &str, dtype: Dtype, shape: &[usize]) -> io::Result<Place> {
        let tensors = SafeTensors::deserialize(&self.map).map_err(|e| self.unsound(e))?;
        let tensor = tensors.tensor(name).map_err(|e| self.unsound(e))?;
        if tensor.dtype() != dtype || tensor.shape() != shape {
            return Err(self.unsound(format!(
                "{name} is {:?} {:?} where {dtype:?} {shape:?} is described",
                tensor.dtype(),
                tensor.shape()
            )));
        }
        let (bytes, size) = (tensor.data(), bytes_of(dtype));
        if bytes.as_ptr().align_offset(size) != 0 {
            return Err(self.unsound(format!("{name} is not aligned to {size} bytes")));
        }
        let start = bytes.as_ptr() as usize - self.map.as_ptr() as usize;
        Ok(Place {
            start,
            length: bytes.len() / size,
            dtype,
        })
    }

    fn unsound(&self, why: impl std::fmt::Display) -> io::Error {
        let text = format!(
            "{}: the prepared data set is damaged or foreign: {why}; delete it and prepare it \
             again",
            self.path
        );
        io::Error::new(io::ErrorKind::InvalidData, text)
    }
}
