//! Ensembles of trained models: which of them, and with which weights, by what each predicts for rows that none was trained
//! on (Caruana, Niculescu-Mizil, Crew and Ksikes, "Ensemble selection from libraries of models", ICML 2004), and
//! what that choice is worth on rows that it was not made on.
//!
//! Pure and deterministic: the order in which candidates come changes nothing.

mod halves;
mod library;
mod select;
mod summary;

pub use halves::{Halves, halves};
pub use library::{Library, Part, RowLoss};
pub use select::{Method, select};
pub use summary::{EnsembleMember, EnsembleSummary};

#[cfg(test)]
mod tests;
