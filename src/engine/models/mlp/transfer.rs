//! Beginning with layers of a trained network, and training its parts at their own rates.
//!
//! Invariant: parameters of a layer lie side by side and layers in order (see `shape`), so that what
//! is frozen, what is copied and what is new are three ranges of the list of parameters. Nothing
//! ever writes to the first one: its gradients stay 0, and no update covers it.

use std::ops::Range;

use safetensors::tensor::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};

use super::model_io::{self, WEIGHTS};
use super::network::Network;
use super::piecewise::Piecewise;
use super::shape::Shape;
use crate::{EngineError, Job};
use sweep_core::trial::Transfer;
use sweep_core::trial::models::{Embedding, MlpSpec};

/// A range of the parameters that is trained at one rate.
pub struct ParamRange {
    /// Lines of the parameters.
    pub lines: Range<usize>,
    /// Learning rate before the schedule.
    pub lr: f64,
}

/// Copies the layers that `job` takes over into `network`, which is as drawn from the seed, and
/// freezes those that stay; gives the parts that are trained. Without a transfer, that is everything.
///
/// # Errors
/// When the weights of the source are not there, are not those that the trial is named by, or do not
/// fit.
pub fn begin(
    job: &Job<'_>,
    spec: &MlpSpec,
    network: &mut Network,
) -> Result<Vec<ParamRange>, EngineError> {
    let all = network.parameters.len();
    let Some(transfer) = &job.spec.transfer else {
        return Ok(vec![ParamRange {
            lines: 0..all,
            lr: spec.lr,
        }]);
    };
    let hidden = network.shape.layers.len() - 1;
    if !(1..=hidden).contains(&transfer.layers) || transfer.freeze > transfer.layers {
        return Err(EngineError::Unsupported(format!(
            "{} layers of {hidden} cannot be copied and {} of them frozen",
            transfer.layers, transfer.freeze
        )));
    }
    copy(job, transfer, network)?;
    network.frozen = transfer.freeze;
    // Whatever stands before the first layer belongs to it.
    let start_of = |layer: usize| match layer {
        0 => 0,
        layer => network.shape.layers[layer].weight.start,
    };
    let (frozen, copied) = (start_of(transfer.freeze), start_of(transfer.layers));
    let parts = [(frozen..copied, transfer.lr), (copied..all, spec.lr)];
    Ok(parts
        .into_iter()
        .filter(|(lines, _)| !lines.is_empty())
        .map(|(lines, lr)| ParamRange { lines, lr })
        .collect())
}

/// The bins of the source's piecewise-linear encoding of `features` features, if `job` takes layers
/// over that read one.
///
/// # Errors
/// When the description of the source is not there, or not sound.
pub fn pieces(
    job: &Job<'_>,
    spec: &MlpSpec,
    features: usize,
) -> Result<Option<Piecewise>, EngineError> {
    match (&job.spec.transfer, spec.embedding) {
        (Some(transfer), Embedding::Ple { .. }) => {
            let folder = job.folder.with_file_name(transfer.source.as_str());
            model_io::pieces_in(&folder, features).map_err(|error| {
                let source = transfer.source.short();
                EngineError::Unsupported(format!(
                    "the layers of trial {source} cannot be copied: {error}"
                ))
            })
        }
        _ => Ok(None),
    }
}

/// Numbers of the first `layers` layers of `shape`, which are not trained when these are frozen.
pub fn count(shape: &Shape, layers: usize) -> u64 {
    if layers == 0 {
        return 0;
    }
    let first = shape.tensors().into_iter().filter(|tensor| !tensor.running);
    first
        .filter(|tensor| belongs_to_first(&tensor.name, layers))
        .map(|tensor| tensor.len() as u64)
        .sum()
}

/// Puts weights, biases, and parameters and running statistics of batch normalisation of the source's
/// first layers into `network`.
fn copy(job: &Job<'_>, transfer: &Transfer, network: &mut Network) -> Result<(), EngineError> {
    let source = &transfer.source;
    let refuse = |why: String| {
        EngineError::Unsupported(format!(
            "the layers of trial {} cannot be copied: {why}",
            source.short()
        ))
    };
    // Folders of trials stand side by side, each under the name of its trial.
    let folder = job.folder.with_file_name(source.as_str());
    let path = folder.join(WEIGHTS);
    let bytes = std::fs::read(&path)
        .map_err(|error| refuse(format!("cannot read {}: {error}", path.display())))?;
    let found: String = sweep_core::format::hex(&Sha256::digest(&bytes));
    if found != transfer.weights {
        return Err(refuse(format!(
            "{} has changed: its SHA-256 is {found}, this trial is named by {}",
            path.display(),
            transfer.weights
        )));
    }
    let file = SafeTensors::deserialize(&bytes)
        .map_err(|error| refuse(format!("{}: {error}", path.display())))?;
    let tensors = network.shape.tensors();
    let copied = tensors
        .iter()
        .filter(|tensor| belongs_to_first(&tensor.name, transfer.layers));
    for tensor in copied {
        let view = file
            .tensor(&tensor.name)
            .map_err(|error| refuse(error.to_string()))?;
        if view.dtype() != Dtype::F32 || view.shape() != tensor.shape {
            return Err(refuse(format!(
                "`{}` is {:?} of {:?} there and {:?} of F32 here",
                tensor.name,
                view.shape(),
                view.dtype(),
                tensor.shape
            )));
        }
        let list = match tensor.running {
            true => &mut network.running,
            false => &mut network.parameters,
        };
        let (numbers, _) = view.data().as_chunks::<4>();
        tensor.write(list, numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)));
    }
    Ok(())
}

/// Whether the tensor called `name` belongs to one of the first `layers` hidden layers, or stands before
/// all of them.
fn belongs_to_first(name: &str, layers: usize) -> bool {
    match name.strip_prefix("layers.") {
        Some(rest) => rest
            .split('.')
            .next()
            .and_then(|place| place.parse::<usize>().ok())
            .is_some_and(|place| place < layers),
        None => !name.starts_with("output."),
    }
}
