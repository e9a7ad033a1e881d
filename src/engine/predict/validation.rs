//! What a model predicts for its validation rows, in a file beside the model, so that calibration, thresholds, sets and
//! intervals can be fitted where the prepared data are not.
//!
//! One safetensors file, `validation.safetensors`: of classes `probabilities` [rows, classes] and `label` (u32) [rows]; of numbers
//! `predicted` [rows] and `actual` (f32) [rows], in units of the target. Predictions are f32 where that loses nothing, else f64.
//! Rows that belong together have the same number in `group` (u32) [rows], if the data have groups. The metadata have `format`.
//!
//! Invariant: what is read is to the bit what was predicted, so that what is fitted is the same, too.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use sweep_data::Targets;

use super::predictor::{Predicted, Predictions};
use crate::score::argmax;

/// Its name in the folder of a model.
pub const VALIDATION: &str = "validation.safetensors";
/// Raised with every change of meaning.
const FORMAT: &str = "1";

/// What a model predicts for its validation rows, and their truth.
#[derive(Debug, Clone, PartialEq)]
pub struct Validation {
    pub said: Predictions,
    truth: Truth,
    /// Rows of one number belong together [rows]; `None` without groups.
    pub groups: Option<Vec<u32>>,
}

#[derive(Debug, Clone, PartialEq)]
enum Truth {
    Classes(Vec<u32>),
    Numbers(Vec<f32>),
}

impl Validation {
    /// What was `said` of rows with these `targets` and `groups`.
    pub fn new(said: Predictions, targets: Targets<'_>, groups: Option<&[u32]>) -> Validation {
        Validation {
            said,
            truth: match targets {
                Targets::Classes(labels) => Truth::Classes(labels.to_vec()),
                Targets::Numbers(numbers) => Truth::Numbers(numbers.to_vec()),
            },
            groups: groups.map(<[u32]>::to_vec),
        }
    }

    pub fn targets(&self) -> Targets<'_> {
        match &self.truth {
            Truth::Classes(labels) => Targets::Classes(labels),
            Truth::Numbers(numbers) => Targets::Numbers(numbers),
        }
    }

    /// The content of the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let rows = self.targets().len();
        let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let mut tensors: Vec<(&str, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
        match &self.truth {
            Truth::Classes(labels) => {
                let classes = self.said.probabilities.len() / rows.max(1);
                let (dtype, bytes) = exact(&self.said.probabilities);
                tensors.push(("probabilities", dtype, vec![rows, classes], bytes));
                tensors.push(("label", Dtype::U32, vec![rows], words(labels)));
            }
            Truth::Numbers(numbers) => {
                let (dtype, bytes) = exact(&self.said.numbers);
                tensors.push(("predicted", dtype, vec![rows], bytes));
                let actual = numbers.iter().flat_map(|one| one.to_le_bytes()).collect();
                tensors.push(("actual", Dtype::F32, vec![rows], actual));
            }
        }
        if let Some(groups) = &self.groups {
            tensors.push(("group", Dtype::U32, vec![rows], words(groups)));
        }
        let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
            let view = TensorView::new(*dtype, shape.clone(), bytes);
            (*name, view.expect("shapes are counted from the same rows"))
        });
        let about = HashMap::from([("format".to_owned(), FORMAT.to_owned())]);
        serialize(views, Some(about)).expect("tensors of known shapes")
    }

    /// Reads what [`Validation::to_bytes`] wrote of a model that predicts `predicted`.
    ///
    /// # Errors
    /// With a sentence, when it is of another format or of another model.
    pub fn from_bytes(bytes: &[u8], predicted: Predicted<'_>) -> Result<Validation, String> {
        let (_, about) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
        let about = about.metadata().as_ref();
        let format = about.and_then(|about| about.get("format"));
        if format.is_none_or(|format| format != FORMAT) {
            let found = format.map_or("none", String::as_str);
            return Err(format!(
                "it has format {found}, and this program reads format {FORMAT}"
            ));
        }
        let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
        let tensor = |name: &str| file.tensor(name).map_err(|error| error.to_string());
        let (truth, said) = match predicted.number {
            None => {
                let labels = words(&tensor("label")?)?;
                let classes = predicted.classes.len();
                let probabilities = floats(&tensor("probabilities")?, &[labels.len(), classes])?;
                if labels.iter().any(|label| *label as usize >= classes) {
                    return Err("a label is not one of the classes".to_owned());
                }
                let rows = probabilities.chunks_exact(classes.max(1));
                let said = Predictions {
                    labels: rows.map(|row| argmax(row) as u32).collect(),
                    probabilities,
                    numbers: Vec::new(),
                };
                (Truth::Classes(labels), said)
            }
            Some(_) => {
                let actual = words(&tensor("actual")?)?;
                let said = Predictions {
                    numbers: floats(&tensor("predicted")?, &[actual.len()])?,
                    ..Predictions::default()
                };
                let actual = actual.into_iter().map(f32::from_bits).collect();
                (Truth::Numbers(actual), said)
            }
        };
        let groups = tensor("group")
            .ok()
            .map(|group| words(&group))
            .transpose()?;
        Ok(Validation {
            said,
            truth,
            groups,
        })
    }
}

/// `values` in the smallest type of floats that holds all of them.
fn exact(values: &[f64]) -> (Dtype, Vec<u8>) {
    let is_exact = |value: &f64| f64::from(*value as f32).to_bits() == value.to_bits();
    match values.iter().all(is_exact) {
        true => {
            let bytes = values
                .iter()
                .flat_map(|value| (*value as f32).to_le_bytes());
            (Dtype::F32, bytes.collect())
        }
        false => {
            let bytes = values.iter().flat_map(|value| value.to_le_bytes());
            (Dtype::F64, bytes.collect())
        }
    }
}

/// The words of a list of 32-bit numbers.
fn words(tensor: &TensorView<'_>) -> Result<Vec<u32>, String> {
    match (tensor.dtype(), tensor.shape()) {
        (Dtype::U32 | Dtype::F32, [_]) => {
            let words = tensor.data().chunks_exact(4);
            let word = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().expect("four bytes"));
            Ok(words.map(word).collect())
        }
        _ => Err("it has another shape than its rows".to_owned()),
    }
}

/// The numbers of a tensor of this `shape`.
fn floats(tensor: &TensorView<'_>, shape: &[usize]) -> Result<Vec<f64>, String> {
    if tensor.shape() != shape {
        return Err("it has another shape than its rows".to_owned());
    }
    match tensor.dtype() {
        Dtype::F32 => {
            let parts = tensor.data().chunks_exact(4);
            let float = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().expect("four bytes"));
            Ok(parts.map(|bytes| f64::from(float(bytes))).collect())
        }
        Dtype::F64 => {
            let parts = tensor.data().chunks_exact(8);
            let float = |bytes: &[u8]| f64::from_le_bytes(bytes.try_into().expect("eight bytes"));
            Ok(parts.map(float).collect())
        }
        _ => Err("its predictions are not floats".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_core::data_config::TargetTransform;
    use sweep_data::NumberTarget;

    const NUMBER: NumberTarget = NumberTarget {
        transform: TargetTransform::Log,
        mean: 0.0,
        sd: 1.0,
    };

    fn classes() -> Vec<String> {
        ["no", "yes"].map(str::to_owned).to_vec()
    }

    fn of_classes(probabilities: &[f64]) -> Validation {
        let said = Predictions {
            labels: probabilities
                .chunks(2)
                .map(|row| argmax(row) as u32)
                .collect(),
            probabilities: probabilities.to_vec(),
            numbers: Vec::new(),
        };
        Validation::new(said, Targets::Classes(&[0, 1, 1]), Some(&[4, 4, 7]))
    }

    #[test]
    fn what_is_read_is_what_was_written_to_the_bit() {
        let names = classes();
        let predicted = Predicted {
            classes: &names,
            number: None,
        };
        let short = of_classes(&[0.25, 0.75, 0.5, 0.5, 1.0, 0.0]);
        let long = of_classes(&[0.1, 0.9, 1.0 / 3.0, 2.0 / 3.0, 1.0, 0.0]);
        for one in [&short, &long] {
            assert_eq!(
                Validation::from_bytes(&one.to_bytes(), predicted).as_ref(),
                Ok(one)
            );
        }
        // Six probabilities of four bytes or of eight.
        assert_eq!(long.to_bytes().len() - short.to_bytes().len(), 24);

        let said = Predictions {
            numbers: vec![1.5, 0.1],
            ..Predictions::default()
        };
        let numbers = Validation::new(said, Targets::Numbers(&[1.0, 0.3]), None);
        let predicted = Predicted {
            classes: &[],
            number: Some(NUMBER),
        };
        let read = Validation::from_bytes(&numbers.to_bytes(), predicted);
        assert_eq!(read, Ok(numbers));
    }

    #[test]
    fn another_model_or_format_is_refused() {
        let (two, three) = (classes(), ["a", "b", "c"].map(str::to_owned));
        let bytes = of_classes(&[0.25, 0.75, 0.5, 0.5, 1.0, 0.0]).to_bytes();
        let read = |bytes: &[u8], classes: &[String], number| {
            Validation::from_bytes(bytes, Predicted { classes, number })
        };
        assert!(read(&bytes, &two, None).is_ok());
        assert!(read(&bytes, &three, None).unwrap_err().contains("shape"));
        assert!(read(&bytes, &two[..1], None).is_err());
        assert!(read(&bytes, &[], Some(NUMBER)).is_err());
        assert!(read(&bytes[..20], &two, None).is_err());
        let format = b"\"format\":\"";
        let found = bytes.windows(format.len()).position(|part| part == format);
        let at = found.unwrap() + format.len();
        let mut newer = bytes.clone();
        newer[at] = b'2';
        assert!(read(&newer, &two, None).unwrap_err().contains("format 2"));
    }
}
