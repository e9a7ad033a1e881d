//! The torch engine: networks trained with libtorch, on CPUs and on GPUs, several of one shape as one batched model.
//!
//! Invariant: the only crate that knows `tch`; a trial ends in what the native engine gives it, within rounding.

pub mod device;
mod engine;
mod group;
mod layout;
mod masks;
mod network;
mod optimizer;
mod rows;
mod seat;
mod snapshot;
#[cfg(test)]
mod tests;
mod trained;

pub use engine::Torch;
