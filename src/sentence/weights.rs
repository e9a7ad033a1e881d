//! The numbers of the model, out of its safetensors file.
//!
//! Invariant: every matrix has the shape that the configuration gives; matrices of linear layers
//! are stored [inputs, outputs], transposed from the file, so that products read them row by row.

use std::path::Path;

use safetensors::{Dtype, SafeTensors};

use super::config::Config;
use super::error::SentenceError;

/// y = x · weight + bias.
pub(crate) struct Linear {
    /// [inputs, outputs].
    pub weight: Vec<f32>,
    /// [outputs].
    pub bias: Vec<f32>,
}

/// Layer normalisation: scale and shift, [hidden] each.
pub(crate) struct Norm {
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
}

pub(crate) struct Layer {
    /// Query, key and value side by side: [hidden, 3 · hidden].
    pub attention: Linear,
    pub attention_output: Linear,
    pub attention_norm: Norm,
    pub intermediate: Linear,
    pub output: Linear,
    pub output_norm: Norm,
}

pub(crate) struct Weights {
    /// [vocabulary, hidden].
    pub words: Vec<f32>,
    /// [positions, hidden], with the vector of token type 0 added to each.
    pub positions: Vec<f32>,
    pub norm: Norm,
    pub layers: Vec<Layer>,
}

impl Weights {
    pub(crate) fn read(
        path: &Path,
        bytes: &[u8],
        config: &Config,
    ) -> Result<Weights, SentenceError> {
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| {
            SentenceError::model(path, format!("is no whole safetensors file: {error}"))
        })?;
        let file = File { path, tensors };
        let hidden = config.hidden;
        let words = "embeddings.word_embeddings.weight";
        let mut positions = file.floats(
            "embeddings.position_embeddings.weight",
            &[config.positions, hidden],
        )?;
        let types = file.floats(
            "embeddings.token_type_embeddings.weight",
            &[config.token_types, hidden],
        )?;
        for position in positions.chunks_exact_mut(hidden) {
            for (value, add) in position.iter_mut().zip(&types[..hidden]) {
                *value += add;
            }
        }
        Ok(Weights {
            words: file.floats(words, &[config.vocabulary, hidden])?,
            positions,
            norm: file.norm("embeddings.LayerNorm", hidden)?,
            layers: (0..config.layers)
                .map(|layer| file.layer(layer, config))
                .collect::<Result<_, _>>()?,
        })
    }
}

struct File<'a> {
    path: &'a Path,
    tensors: SafeTensors<'a>,
}

impl File<'_> {
    fn layer(&self, layer: usize, config: &Config) -> Result<Layer, SentenceError> {
        let hidden = config.hidden;
        let name = |part: &str| format!("encoder.layer.{layer}.{part}");
        let parts = ["query", "key", "value"].map(|part| name(&format!("attention.self.{part}")));
        Ok(Layer {
            attention: self.linear(&parts, hidden, hidden)?,
            attention_output: self.linear(&[name("attention.output.dense")], hidden, hidden)?,
            attention_norm: self.norm(&name("attention.output.LayerNorm"), hidden)?,
            intermediate: self.linear(
                &[name("intermediate.dense")],
                hidden,
                config.intermediate,
            )?,
            output: self.linear(&[name("output.dense")], config.intermediate, hidden)?,
            output_norm: self.norm(&name("output.LayerNorm"), hidden)?,
        })
    }

    /// Layers of equal shape side by side.
    fn linear(
        &self,
        names: &[String],
        inputs: usize,
        outputs: usize,
    ) -> Result<Linear, SentenceError> {
        let columns = names.len() * outputs;
        let mut weight = vec![0.0; inputs * columns];
        let mut bias = Vec::with_capacity(columns);
        for (part, name) in names.iter().enumerate() {
            let rows = self.floats(&format!("{name}.weight"), &[outputs, inputs])?;
            for (output, row) in rows.chunks_exact(inputs).enumerate() {
                for (input, value) in row.iter().enumerate() {
                    weight[input * columns + part * outputs + output] = *value;
                }
            }
            bias.extend(self.floats(&format!("{name}.bias"), &[outputs])?);
        }
        Ok(Linear { weight, bias })
    }

    fn norm(&self, name: &str, hidden: usize) -> Result<Norm, SentenceError> {
        Ok(Norm {
            weight: self.floats(&format!("{name}.weight"), &[hidden])?,
            bias: self.floats(&format!("{name}.bias"), &[hidden])?,
        })
    }

    fn floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, SentenceError> {
        let wrong = |message: String| SentenceError::model(self.path, message);
        // Some writers put the name of the whole in front.
        let tensor = self
            .tensors
            .tensor(name)
            .or_else(|_| self.tensors.tensor(&format!("bert.{name}")))
            .map_err(|_| wrong(format!("has no tensor {name}")))?;
        if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
            return Err(wrong(format!(
                "tensor {name} is {:?} {:?}, where the configuration wants F32 {shape:?}",
                tensor.dtype(),
                tensor.shape()
            )));
        }
        let values: Vec<f32> = tensor
            .data()
            .as_chunks::<4>()
            .0
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect();
        if !values.iter().all(|value| value.is_finite()) {
            return Err(wrong(format!(
                "tensor {name} holds a value that is not finite"
            )));
        }
        Ok(values)
    }
}
