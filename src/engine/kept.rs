//! Predictions for the validation rows that a finished trial leaves behind, so that later questions (would a lead hold on
//! other rows? how wide is an interval that covers 90%?) need no model.
//!
//! One file, `predictions.safetensors.zst`: a Zstandard frame with a checksum, in it a safetensors file. Of classes it has
//! `class` (u8, or u16 of more than 256 classes) [rows], `loss` (f16) [rows] and, while they are kept, `probabilities`
//! (f16) [rows, classes]; of numbers `residual` (f16) [rows], prediction less target in standard deviations of the
//! target. Rows are those of the prepared data, in their order.
//!
//! Invariant: a file that is damaged, or of other rows, reads as none; it can be made again from the model.

use std::io;
use std::path::Path;

use half::f16;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use sweep_core::atomic_fs;
use sweep_core::run_dir::PREDICTIONS;
use sweep_core::trial::log_loss;
use sweep_data::{DatasetMeta, Targets};

use crate::predict::Predictions;

/// As fast as it is small on numbers that are nearly noise.
const LEVEL: i32 = 3;
/// Largest file that is read, in bytes, once it is decompressed.
const MAX_BYTES: usize = 1 << 32;
/// Classes up to which one is a byte.
const BYTE: usize = 256;

/// Predictions for all validation rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Kept {
    Classes {
        /// Predicted classes [rows].
        labels: Vec<u32>,
        /// Log losses [rows].
        losses: Vec<f32>,
        /// Row-major [rows, classes], if they are kept.
        probabilities: Option<Vec<f32>>,
    },
    /// Prediction less target [rows], in units of the target.
    Numbers(Vec<f32>),
}

impl Kept {
    /// What was predicted for rows with these `targets`, as it would be kept but for its precision.
    pub fn of(meta: &DatasetMeta, targets: Targets<'_>, predicted: &Predictions) -> Kept {
        match targets {
            Targets::Classes(labels) => Kept::Classes {
                labels: predicted.labels.clone(),
                losses: losses(meta, labels, predicted).collect(),
                probabilities: Some(
                    (predicted.probabilities.iter())
                        .map(|value| *value as f32)
                        .collect(),
                ),
            },
            Targets::Numbers(numbers) => {
                let pairs = predicted.numbers.iter().zip(numbers);
                Kept::Numbers(
                    pairs
                        .map(|(predicted, actual)| (predicted - f64::from(*actual)) as f32)
                        .collect(),
                )
            }
        }
    }
}

/// Log losses [rows].
fn losses<'a>(
    meta: &DatasetMeta,
    labels: &'a [u32],
    predicted: &'a Predictions,
) -> impl Iterator<Item = f32> + 'a {
    let by_row = predicted.probabilities.chunks_exact(meta.classes.len());
    (by_row.zip(labels)).map(|(row, label)| log_loss(row[*label as usize]) as f32)
}

/// Writes what was predicted for rows with these `targets` into `folder`.
///
/// # Errors
/// When the file cannot be written.
pub fn write(
    folder: &Path,
    meta: &DatasetMeta,
    targets: Targets<'_>,
    predicted: &Predictions,
) -> io::Result<()> {
    let rows = targets.len();
    let mut tensors: Vec<(&str, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
    match targets {
        Targets::Classes(labels) => {
            let classes = meta.classes.len();
            let class = match classes <= BYTE {
                true => (
                    Dtype::U8,
                    predicted.labels.iter().map(|label| *label as u8).collect(),
                ),
                false => {
                    let wide = predicted
                        .labels
                        .iter()
                        .flat_map(|label| (*label as u16).to_le_bytes());
                    (Dtype::U16, wide.collect())
                }
            };
            tensors.push(("class", class.0, vec![rows], class.1));
            tensors.push((
                "loss",
                Dtype::F16,
                vec![rows],
                halves(losses(meta, labels, predicted)),
            ));
            let probabilities = predicted.probabilities.iter().map(|value| *value as f32);
            let shape = vec![rows, classes];
            tensors.push(("probabilities", Dtype::F16, shape, halves(probabilities)));
        }
        Targets::Numbers(numbers) => {
            let scale = spread(numbers);
            let pairs = predicted.numbers.iter().zip(numbers);
            let residuals =
                pairs.map(|(predicted, actual)| ((predicted - f64::from(*actual)) / scale) as f32);
            tensors.push(("residual", Dtype::F16, vec![rows], halves(residuals)));
        }
    }
    put(folder, &tensors)
}

/// Reads what was predicted for rows with these `targets`; `None` where there is no sound file for them.
pub fn read(folder: &Path, meta: &DatasetMeta, targets: Targets<'_>) -> Option<Kept> {
    let bytes = contents(folder)?;
    let file = SafeTensors::deserialize(&bytes).ok()?;
    let rows = targets.len();
    match targets {
        Targets::Classes(_) => {
            let classes = meta.classes.len();
            let class = file
                .tensor("class")
                .ok()
                .filter(|tensor| tensor.shape() == [rows])?;
            let labels: Vec<u32> = match class.dtype() {
                Dtype::U8 => class.data().iter().map(|label| u32::from(*label)).collect(),
                Dtype::U16 => words(class.data()).map(u32::from).collect(),
                _ => return None,
            };
            if labels.iter().any(|label| *label as usize >= classes) {
                return None;
            }
            Some(Kept::Classes {
                labels,
                losses: floats(&file, "loss", &[rows])?,
                probabilities: floats(&file, "probabilities", &[rows, classes]),
            })
        }
        Targets::Numbers(numbers) => {
            let scale = spread(numbers);
            let residuals = floats(&file, "residual", &[rows])?;
            let in_units = residuals
                .into_iter()
                .map(|residual| (f64::from(residual) * scale) as f32);
            Some(Kept::Numbers(in_units.collect()))
        }
    }
}

/// Takes the probabilities out of the file in `folder`, and leaves the rest; whether there were any.
///
/// # Errors
/// When the file cannot be written.
pub fn strip(folder: &Path) -> io::Result<bool> {
    let Some(bytes) = contents(folder) else {
        return Ok(false);
    };
    let Ok(file) = SafeTensors::deserialize(&bytes) else {
        return Ok(false);
    };
    if file.tensor("probabilities").is_err() {
        return Ok(false);
    }
    let kept = file.iter().filter(|(name, _)| *name != "probabilities");
    let kept: Vec<_> = kept
        .map(|(name, view)| {
            (
                name,
                view.dtype(),
                view.shape().to_vec(),
                view.data().to_vec(),
            )
        })
        .collect();
    put(folder, &kept).map(|()| true)
}

fn put(folder: &Path, tensors: &[(&str, Dtype, Vec<usize>, Vec<u8>)]) -> io::Result<()> {
    let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
        let view = TensorView::new(*dtype, shape.clone(), bytes);
        (*name, view.expect("shapes are counted from the same rows"))
    });
    let plain = safetensors::serialize(views, None).expect("names and shapes are valid");
    let mut packer = zstd::bulk::Compressor::new(LEVEL)?;
    packer.include_checksum(true)?;
    atomic_fs::write_unsynced(&folder.join(PREDICTIONS), &packer.compress(&plain)?)
}

fn contents(folder: &Path) -> Option<Vec<u8>> {
    let packed = std::fs::read(folder.join(PREDICTIONS)).ok()?;
    let size = zstd::zstd_safe::get_frame_content_size(&packed).ok()??;
    let size = usize::try_from(size)
        .ok()
        .filter(|size| *size <= MAX_BYTES)?;
    zstd::bulk::decompress(&packed, size).ok()
}

/// Standard deviation of the targets, or 1 where there is none.
fn spread(numbers: &[f32]) -> f64 {
    let rows = numbers.len() as f64;
    let mean = numbers.iter().map(|number| f64::from(*number)).sum::<f64>() / rows;
    let squares = numbers
        .iter()
        .map(|number| (f64::from(*number) - mean).powi(2));
    let spread = (squares.sum::<f64>() / rows).sqrt();
    if spread > 0.0 && spread.is_finite() {
        spread
    } else {
        1.0
    }
}

fn halves(values: impl Iterator<Item = f32>) -> Vec<u8> {
    values
        .flat_map(|value| f16::from_f32(value).to_le_bytes())
        .collect()
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u16> {
    let (words, _) = bytes.as_chunks::<2>();
    words.iter().map(|word| u16::from_le_bytes(*word))
}

fn floats(file: &SafeTensors<'_>, name: &str, shape: &[usize]) -> Option<Vec<f32>> {
    let tensor = file.tensor(name).ok()?;
    let fits = tensor.dtype() == Dtype::F16 && tensor.shape() == shape;
    fits.then(|| {
        words(tensor.data())
            .map(|bits| f16::from_bits(bits).to_f32())
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_core::data_config::TargetTransform;
    use sweep_data::Dataset;

    fn classes(count: usize, labels: &[u32]) -> Dataset {
        let side = || (vec![0.5; labels.len()], labels.to_vec());
        Dataset::in_memory(1, count, side(), side())
    }

    #[test]
    fn classes_read_back_with_losses_and_probabilities_until_those_are_taken_out() {
        for count in [3, 300] {
            let labels = [0, 1, 2, 1];
            let data = classes(count, &labels);
            let mut probabilities = vec![0.0; 4 * count];
            for (row, label) in labels.iter().enumerate() {
                probabilities[row * count + *label as usize] = 0.75;
                probabilities[row * count + (*label as usize + 1) % count] = 0.25;
            }
            let predicted = Predictions {
                labels: labels.to_vec(),
                probabilities,
                numbers: Vec::new(),
            };
            let folder = tempfile::tempdir().unwrap();
            let (meta, targets) = (data.meta(), data.valid().y);
            write(folder.path(), meta, targets, &predicted).unwrap();
            let Some(Kept::Classes {
                labels: read_labels,
                losses,
                probabilities: Some(read_probabilities),
            }) = read(folder.path(), meta, targets)
            else {
                panic!("it was written");
            };
            assert_eq!(read_labels, labels);
            assert!(
                losses.iter().all(|loss| (loss - 0.287_682).abs() < 1e-3),
                "{losses:?}"
            );
            assert_eq!(read_probabilities[0], 0.75);

            assert!(strip(folder.path()).unwrap());
            assert!(!strip(folder.path()).unwrap());
            let stripped = read(folder.path(), meta, targets);
            assert!(matches!(
                stripped,
                Some(Kept::Classes {
                    probabilities: None,
                    ..
                })
            ));
        }
    }

    #[test]
    fn residuals_read_back_in_units_of_the_target_to_a_thousandth() {
        let y = vec![1e6f32, 2e6, 4e6, 3e6];
        let side = || (vec![0.0; 4], y.clone());
        let data = Dataset::in_memory_numbers(1, TargetTransform::None, side(), side());
        let predicted = Predictions {
            numbers: vec![1.1e6, 1.5e6, 4e6, 3.003e6],
            ..Predictions::default()
        };
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), data.meta(), data.valid().y, &predicted).unwrap();
        let Some(Kept::Numbers(residuals)) = read(folder.path(), data.meta(), data.valid().y)
        else {
            panic!("it was written");
        };
        for (found, expected) in residuals.iter().zip([1e5, -5e5, 0.0, 3e3]) {
            assert!(
                (f64::from(*found) - expected).abs() <= 1e-3 * f64::abs(expected),
                "{residuals:?}"
            );
        }
    }

    #[test]
    fn damaged_files_and_those_of_other_rows_read_as_none() {
        let data = classes(2, &[0, 1, 1, 0]);
        let predicted = Predictions {
            labels: vec![0, 1, 1, 0],
            probabilities: vec![0.5; 8],
            numbers: Vec::new(),
        };
        let folder = tempfile::tempdir().unwrap();
        let (meta, targets) = (data.meta(), data.valid().y);
        assert_eq!(read(folder.path(), meta, targets), None);
        write(folder.path(), meta, targets, &predicted).unwrap();
        let other = classes(2, &[0, 1, 1]);
        assert_eq!(read(folder.path(), other.meta(), other.valid().y), None);
        let path = folder.path().join(PREDICTIONS);
        let whole = std::fs::read(&path).unwrap();
        for place in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[place] ^= 0x10;
            std::fs::write(&path, &damaged).unwrap();
            let found = read(folder.path(), meta, targets);
            assert!(found.is_none() || place < 8, "byte {place}: {found:?}");
        }
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert_eq!(read(folder.path(), meta, targets), None);
    }
}
