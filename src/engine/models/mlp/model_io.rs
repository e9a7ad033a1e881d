//! Trained networks on disk: `model.safetensors` with tensors named and shaped as PyTorch's
//! `state_dict` has them, and `model.json` with all that is needed to build the network again.
//!
//! Invariant: a file appears under its name only when it is whole.

use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use super::category::{Categories, EmbeddedColumn};
use super::network::Network;
use super::piecewise::Piecewise;
use super::shape::{InputLayer, Shape};
use super::simd::Isa;
use super::state::Best;
use crate::models::model_kind::LoadError;
use crate::{Callback, EngineError, Job, artifact};
use sweep_core::trial::models::{Activation, Embedding, MlpSpec};
use sweep_core::trial::{Artifact, Kind, ModelSpec, Value};
use sweep_data::NumberTarget;

/// Raised whenever the meaning of the files changes.
const FORMAT: u32 = 1;
/// The file of the tensors.
pub const WEIGHTS: &str = "model.safetensors";
/// The file that describes the network.
pub const DESCRIPTION: &str = "model.json";

/// `model.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Description {
    format: u32,
    kind: String,
    /// Widths of the hidden layers.
    layers: Vec<usize>,
    activation: Activation,
    batch_norm: bool,
    /// How features become inputs, as in an experiment file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    embedding: Option<Value>,
    /// Edges of the bins of each feature that is no embedded column's, for the piecewise-linear encoding alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    edges: Option<Vec<Vec<f64>>>,
    /// Columns of categories with vectors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    categories: Vec<EmbeddedColumn>,
    /// Names of the inputs, in order; they are scaled as in the prepared data set.
    features: Vec<String>,
    /// Names of the outputs, in order; none of a network that predicts a number.
    classes: Vec<String>,
    /// How the number that it predicts was scaled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<NumberTarget>,
}

/// A trained network, read back to predict with.
pub struct Model {
    network: Network,
    features: Vec<String>,
    classes: Vec<String>,
    number: Option<NumberTarget>,
}

/// The bins of the piecewise-linear encoding of the network that was saved in `folder`, if it has one.
///
/// # Errors
/// When its description cannot be read or is not sound.
pub fn pieces_in(folder: &Path, features: usize) -> Result<Option<Piecewise>, LoadError> {
    let path = folder.join(DESCRIPTION);
    let content = |why: String| LoadError::Content {
        path: path.clone(),
        why,
    };
    let description: Description =
        serde_json::from_slice(&read(&path)?).map_err(|error| content(error.to_string()))?;
    let Some(edges) = description.edges else {
        return Ok(None);
    };
    match pieces(&edges, features) {
        Some(pieces) => Ok(Some(pieces)),
        None => Err(content("`edges` is not sound".to_owned())),
    }
}

impl Model {
    /// Reads the network that was saved in `folder`.
    pub fn load(folder: &Path) -> Result<Model, LoadError> {
        let path = folder.join(DESCRIPTION);
        let text = read(&path)?;
        let content = |path: &Path, why: String| LoadError::Content {
            path: path.to_owned(),
            why,
        };
        let description: Description =
            serde_json::from_slice(&text).map_err(|e| content(&path, e.to_string()))?;
        if description.format != FORMAT {
            let why = format!("its format is {}, not {FORMAT}", description.format);
            return Err(content(&path, why));
        }
        let (features, classes) = (description.features, description.classes);
        let number = description.number;
        let outputs = number.map_or(classes.len(), |_| 1);
        if number.is_some_and(|number| !(number.mean.is_finite() && number.sd.is_finite())) {
            return Err(content(&path, "`number` is not sound".to_owned()));
        }
        if features.is_empty() || outputs == 0 || description.layers.contains(&0) {
            return Err(content(&path, "a layer has no units".to_owned()));
        }
        let mut model = ModelSpec::new(Kind::MLP);
        if let Some(embedding) = &description.embedding {
            model
                .set("embedding", embedding)
                .map_err(|_| content(&path, format!("`embedding` is {embedding}")))?;
        }
        let spec = MlpSpec {
            layers: description.layers,
            activation: description.activation,
            batch_norm: description.batch_norm,
            ..MlpSpec::of(&model).expect("a network")
        };
        let categories = Categories::read(features.len(), description.categories)
            .ok_or_else(|| content(&path, "`categories` is not sound".to_owned()))?;
        let pieces = match (spec.embedding, description.edges) {
            (Embedding::Ple { .. }, Some(edges)) => Some(
                pieces(&edges, categories.others().len())
                    .ok_or_else(|| content(&path, "`edges` is not sound".to_owned()))?,
            ),
            (Embedding::Ple { .. }, None) | (_, Some(_)) => {
                let why = "`edges` belongs to a piecewise-linear encoding, and to that alone";
                return Err(content(&path, why.to_owned()));
            }
            (Embedding::None | Embedding::Periodic { .. }, None) => None,
        };

        let path = folder.join(WEIGHTS);
        let bytes = read(&path)?;
        let file = SafeTensors::deserialize(&bytes).map_err(|e| content(&path, e.to_string()))?;
        let sizes = (&categories, outputs);
        if !fits(&spec, pieces.as_ref(), sizes, bytes.len()) {
            let why = format!("it is too short for the layers that {DESCRIPTION} describes");
            return Err(content(&path, why));
        }
        let shape = Shape::new(&spec, pieces, categories, outputs);
        let mut network = Network::new(Isa::detect(), &spec, shape, 1, 0);
        for tensor in network.shape.tensors() {
            let view = file
                .tensor(&tensor.name)
                .map_err(|e| content(&path, e.to_string()))?;
            if view.dtype() != Dtype::F32 || view.shape() != tensor.shape {
                let why = format!("`{}` is not {:?} of F32", tensor.name, tensor.shape);
                return Err(content(&path, why));
            }
            let list = match tensor.running {
                true => &mut network.running,
                false => &mut network.parameters,
            };
            let (numbers, _) = view.data().as_chunks::<4>();
            tensor.write(list, numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)));
        }
        Ok(Model {
            network,
            features,
            classes,
            number,
        })
    }

    pub fn features(&self) -> &[String] {
        &self.features
    }

    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// How the number that it predicts was scaled, if it predicts one.
    pub fn number(&self) -> Option<NumberTarget> {
        self.number
    }

    /// Scores before the softmax, row-major [rows, classes], or scaled numbers [rows], for `x`, row-major
    /// [rows, features].
    ///
    /// # Panics
    /// When `x` is not a whole number of rows.
    pub fn scores(&mut self, x: &[f32]) -> Vec<f32> {
        assert!(x.len().is_multiple_of(self.features.len()));
        let mut scores =
            Vec::with_capacity(x.len() / self.features.len() * self.classes.len().max(1));
        self.network.scores(x, |row| scores.extend_from_slice(row));
        scores
    }
}

/// Saves the weights of `best` in the folder of `job`; `callback` is asked when that fails.
pub fn save(
    job: &Job<'_>,
    spec: &MlpSpec,
    shape: &Shape,
    best: &Best,
    callback: &mut dyn Callback,
) -> Result<Vec<Artifact>, EngineError> {
    let meta = job.data.meta();
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = shape
        .tensors()
        .into_iter()
        .map(|tensor| {
            let list = if tensor.running {
                &best.running
            } else {
                &best.parameters
            };
            let bytes = tensor
                .read(list)
                .into_iter()
                .flat_map(f32::to_le_bytes)
                .collect();
            (tensor.name, tensor.shape, bytes)
        })
        .collect();
    let views = tensors.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
        (name.as_str(), view.expect("a tensor's bytes fit its shape"))
    });
    let weights = safetensors::serialize(views, None).expect("names are unique and bytes fit");
    let edges = match &shape.entry {
        InputLayer::Piecewise(pieces) => {
            let wide = |edges: &Vec<f32>| edges.iter().map(|edge| f64::from(*edge)).collect();
            Some(pieces.edges.iter().map(wide).collect())
        }
        InputLayer::Plain | InputLayer::Periodic(_) => None,
    };
    let model = ModelSpec::from(spec.clone());
    let embedding = match spec.embedding {
        Embedding::None => None,
        Embedding::Ple { .. } | Embedding::Periodic { .. } => model.get("embedding").cloned(),
    };
    let description = Description {
        format: FORMAT,
        kind: "mlp".to_owned(),
        layers: spec.layers.clone(),
        activation: spec.activation,
        batch_norm: spec.batch_norm,
        embedding,
        edges,
        categories: shape.categories.columns().to_vec(),
        features: meta.features.clone(),
        classes: meta.classes.clone(),
        number: meta.number,
    };
    let mut text = serde_json::to_vec_pretty(&description).expect("a description is plain data");
    text.push(b'\n');
    [("weights", WEIGHTS, weights), ("model", DESCRIPTION, text)]
        .into_iter()
        .map(|(kind, name, bytes)| artifact::write(job.folder, kind, name, &bytes, callback))
        .collect()
}

/// The encoding with these edges, unless they are not rising numbers for each of `features`.
fn pieces(edges: &[Vec<f64>], features: usize) -> Option<Piecewise> {
    let narrow = |edges: &Vec<f64>| -> Vec<f32> { edges.iter().map(|edge| *edge as f32).collect() };
    let edges: Vec<Vec<f32>> = edges.iter().map(narrow).collect();
    let sound = |edges: &Vec<f32>| {
        !edges.is_empty()
            && edges.iter().all(|edge| edge.is_finite())
            && edges.windows(2).all(|pair| pair[0] < pair[1])
    };
    (edges.len() == features && edges.iter().all(sound)).then(|| Piecewise::new(edges))
}

/// Whether a file of `bytes` can hold the weights of such layers, so that a description that is not
/// true cannot have us reserve memory for it.
fn fits(
    spec: &MlpSpec,
    pieces: Option<&Piecewise>,
    (categories, classes): (&Categories, usize),
    bytes: usize,
) -> bool {
    let features = categories.others().len();
    let (mut inputs, embedded) = match (pieces, spec.embedding) {
        (Some(pieces), _) => (Some(pieces.inputs), Some(0)),
        (
            None,
            Embedding::Periodic {
                frequencies, width, ..
            },
        ) => {
            let (frequencies, width) = (frequencies as usize, width as usize);
            let inputs = features.checked_mul(width);
            (
                inputs,
                inputs.and_then(|inputs| inputs.checked_mul(2 * frequencies)),
            )
        }
        (None, Embedding::None | Embedding::Ple { .. }) => (Some(features), Some(0)),
    };
    let columns = categories.columns().iter();
    let (widths, tables) = columns.fold((inputs, embedded), |(widths, tables), column| {
        let table = column.block.features.checked_mul(column.width);
        let added = |sum: Option<usize>, more: Option<usize>| sum?.checked_add(more?);
        (added(widths, Some(column.width)), added(tables, table))
    });
    let mut numbers = tables;
    inputs = widths;
    for outputs in spec.layers.iter().copied().chain([classes]) {
        let weights = inputs.and_then(|inputs| inputs.checked_mul(outputs));
        numbers = numbers
            .zip(weights)
            .and_then(|(sum, weights)| sum.checked_add(weights));
        inputs = Some(outputs);
    }
    numbers.is_some_and(|numbers| numbers <= bytes / size_of::<f32>())
}

fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    std::fs::read(path).map_err(|source| LoadError::Read {
        path: path.to_owned(),
        source,
    })
}
