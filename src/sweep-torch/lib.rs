//! The torch engine: networks trained with libtorch, on CPUs and on GPUs, several of one shape as one batched model.
//!
//! Invariant: the only crate that knows `tch`; a trial ends in what the native engine gives it, within rounding.

mod active_lane;
pub mod device;
mod device_dataset;
mod engine;
mod group;
mod layout;
mod masks;
mod network;
mod optimizer;
mod snapshot;
#[cfg(test)]
mod tests;
mod trained;

pub use engine::Torch;
