//! A trial between two epochs, as bytes: a safetensors file.
//!
//! Tensors have PyTorch's shapes and bear the names of [`Shape::tensors`] after `now.`, `first.`,
//! `second.`, `average.` and `best.`; the metadata entry `sweep` is a JSON object with all else and the SHA-256 of
//! everything. Invariant: what [`restore`] accepts is what [`write`] wrote for the same trial, to
//! the bit; anything else is an error and leaves nothing half restored.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::network::Network;
use super::shape::Shape;
use super::simd::F32x16;
use super::state::{Best, State};
use crate::{EngineError, version};
use sweep_core::trial::{Metric, TrialId};

/// Raised whenever the meaning of the bytes changes.
const FORMAT: u32 = 2;
/// The metadata entry of the safetensors file.
const ENTRY: &str = "sweep";

/// Everything but tensors. Floats are kept as their bits.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    format: u32,
    /// The version of the program that wrote it.
    program: String,
    trial: TrialId,
    epoch: u32,
    step: u64,
    seconds: u64,
    last: Option<u64>,
    reference: Option<u64>,
    stalled: u32,
    best: Option<BestHeader>,
}

/// What the header of every version can be asked for.
#[derive(Debug, Deserialize)]
struct Origin {
    format: u32,
    program: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct BestHeader {
    epoch: u32,
    objective: u64,
    metrics: Vec<(Metric, u64)>,
    confusion: Vec<Vec<u64>>,
}

/// The header beside the digest of header and tensors.
#[derive(Debug, Serialize, Deserialize)]
struct CheckedHeader {
    header: String,
    sha256: String,
}

/// The bytes of a checkpoint of `trial`.
pub fn write(trial: &TrialId, network: &Network, state: &State) -> Vec<u8> {
    let bits = f64::to_bits;
    let header = Header {
        format: FORMAT,
        program: version::PROGRAM.to_owned(),
        trial: trial.clone(),
        epoch: state.epoch,
        step: state.step,
        seconds: bits(state.seconds),
        last: state.last.map(bits),
        reference: state.reference.map(bits),
        stalled: state.stalled,
        best: state.best.as_ref().map(|best| BestHeader {
            epoch: best.epoch,
            objective: bits(best.objective),
            metrics: best
                .metrics
                .iter()
                .map(|(name, value)| (name.clone(), bits(*value)))
                .collect(),
            confusion: best.confusion.clone(),
        }),
    };
    let header = serde_json::to_string(&header).expect("a header is plain data");
    let tensors = tensors_of(network, state);
    let checked = CheckedHeader {
        sha256: digest(
            &header,
            tensors
                .iter()
                .map(|(name, _, bytes)| (name.as_str(), bytes.as_slice())),
        ),
        header,
    };
    let entry = serde_json::to_string(&checked).expect("a header is plain data");
    let views = tensors.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
        (name.as_str(), view.expect("a tensor's bytes fit its shape"))
    });
    safetensors::serialize(views, Some(HashMap::from([(ENTRY.to_owned(), entry)])))
        .expect("names are unique and bytes fit")
}

/// Puts a checkpoint of `trial` into `network` and `state`, which are as at the start of it.
///
/// # Errors
/// When the bytes are damaged, or those of another trial or of another version of the program.
pub fn restore(
    bytes: &[u8],
    trial: &TrialId,
    network: &mut Network,
    state: &mut State,
) -> Result<(), EngineError> {
    let damaged = |why: String| EngineError::Checkpoint(why);
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| damaged(e.to_string()))?;
    let entry = metadata
        .metadata()
        .as_ref()
        .and_then(|entries| entries.get(ENTRY))
        .ok_or_else(|| damaged(format!("there is no entry `{ENTRY}`")))?;
    let CheckedHeader { header, sha256 } =
        serde_json::from_str(entry).map_err(|e| damaged(e.to_string()))?;
    let file = SafeTensors::deserialize(bytes).map_err(|e| damaged(e.to_string()))?;
    let mut tensors: Vec<(&str, TensorView<'_>)> = file.iter().collect();
    tensors.sort_by_key(|(name, _)| *name);
    let found = digest(
        &header,
        tensors.iter().map(|(name, view)| (*name, view.data())),
    );
    if found != sha256 {
        return Err(damaged(
            "its SHA-256 is not the one written in it".to_owned(),
        ));
    }
    let origin: Origin = serde_json::from_str(&header).map_err(|e| damaged(e.to_string()))?;
    version::check((origin.format, origin.program.as_deref()), FORMAT)?;
    let header: Header = serde_json::from_str(&header).map_err(|e| damaged(e.to_string()))?;
    if header.trial != *trial {
        let found = header.trial;
        return Err(damaged(format!(
            "it belongs to trial {found}, this is {trial}"
        )));
    }

    let mut best = header.best.map(|best| Best {
        epoch: best.epoch,
        objective: f64::from_bits(best.objective),
        metrics: best
            .metrics
            .into_iter()
            .map(|(name, value)| (name, f64::from_bits(value)))
            .collect(),
        confusion: best.confusion,
        parameters: vec![F32x16::ZERO; network.parameters.len()],
        running: vec![F32x16::ZERO; network.running.len()],
    });
    let (mut parameters, mut running) = (network.parameters.clone(), network.running.clone());
    let (mut first, mut second) = (state.first.clone(), state.second.clone());
    let mut average = state.average.clone();
    let mut parts: Vec<(&str, &mut [F32x16], &mut [F32x16])> = vec![
        ("now", &mut parameters, &mut running),
        ("first", &mut first, &mut []),
        ("second", &mut second, &mut []),
        ("average", &mut average, &mut []),
    ];
    if let Some(best) = &mut best {
        parts.push(("best", &mut best.parameters, &mut best.running));
    }
    for (part, parameters, running) in parts {
        read_part(&file, &network.shape, part, parameters, running)?;
    }
    network.parameters = parameters;
    network.running = running;
    *state = State {
        keep: state.keep,
        epoch: header.epoch,
        step: header.step,
        seconds: f64::from_bits(header.seconds),
        first,
        second,
        average,
        last: header.last.map(f64::from_bits),
        best,
        reference: header.reference.map(f64::from_bits),
        stalled: header.stalled,
    };
    Ok(())
}

/// Every tensor of a checkpoint, by name.
fn tensors_of(network: &Network, state: &State) -> Vec<(String, Vec<usize>, Vec<u8>)> {
    let none: &[F32x16] = &[];
    let mut parts = vec![
        (
            "now",
            network.parameters.as_slice(),
            network.running.as_slice(),
        ),
        ("first", &state.first, none),
        ("second", &state.second, none),
        ("average", &state.average, none),
    ];
    if let Some(best) = &state.best {
        parts.push(("best", &best.parameters, &best.running));
    }
    let mut tensors = Vec::new();
    for (part, parameters, running) in parts {
        for tensor in network.shape.tensors() {
            let list = if tensor.running { running } else { parameters };
            if list.is_empty() {
                continue;
            }
            let bytes = tensor
                .read(list)
                .into_iter()
                .flat_map(f32::to_le_bytes)
                .collect();
            tensors.push((format!("{part}.{}", tensor.name), tensor.shape, bytes));
        }
    }
    tensors.sort();
    tensors
}

/// Reads the tensors of one part into lists that are empty where the part has none.
fn read_part(
    file: &SafeTensors<'_>,
    shape: &Shape,
    part: &str,
    parameters: &mut [F32x16],
    running: &mut [F32x16],
) -> Result<(), EngineError> {
    for tensor in shape.tensors() {
        let list = if tensor.running {
            &mut *running
        } else {
            &mut *parameters
        };
        if list.is_empty() {
            continue;
        }
        let name = format!("{part}.{}", tensor.name);
        let view = file
            .tensor(&name)
            .map_err(|e| EngineError::Checkpoint(e.to_string()))?;
        if view.dtype() != Dtype::F32 || view.shape() != tensor.shape {
            let found = view.shape();
            return Err(EngineError::Checkpoint(format!(
                "`{name}` is {found:?}, not {:?}",
                tensor.shape
            )));
        }
        let (numbers, _) = view.data().as_chunks::<4>();
        tensor.write(list, numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)));
    }
    Ok(())
}

/// SHA-256 of the header and of every tensor's name and bytes, in the order given.
fn digest<'a>(header: &str, tensors: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut hash = Sha256::new();
    let mut add = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    add(header.as_bytes());
    for (name, bytes) in tensors {
        add(name.as_bytes());
        add(bytes);
    }
    sweep_core::format::hex(&hash.finalize())
}

#[cfg(test)]
mod tests;
