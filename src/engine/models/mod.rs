//! The kinds of model: one folder for each, what they have in common, and the registry of all.
//!
//! A new kind is a folder here with an implementation of [`ModelKind`], a line in the registry, and its settings in
//! `core/trial`.

mod baseline;
mod boosting;
mod library;
pub mod lightgbm;
pub mod mlp;
pub(crate) mod model_kind;
pub mod random_forest;
pub mod xgboost;

pub use library::{Located, NotFound};
pub use model_kind::LoadError;

use model_kind::ModelKind;
use sweep_core::trial::Kind;

/// Every kind that is trained here: all but programs.
static REGISTRY: [&dyn ModelKind; 4] = [
    &mlp::MlpKind,
    &xgboost::XgboostKind,
    &random_forest::RandomForestKind,
    &lightgbm::LightgbmKind,
];

/// What trains and reads models of `kind`; `None` of a program, which is run and not trained.
pub(crate) fn of(kind: Kind) -> Option<&'static dyn ModelKind> {
    REGISTRY.into_iter().find(|known| known.kind() == kind)
}

/// The library that models of `kind` are trained with, loading it, or every place where it is not; `None` where they need
/// none.
pub fn library(kind: Kind) -> Option<Result<Located, NotFound>> {
    of(kind)?.library()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_in_the_registry() {
        for kind in Kind::all().filter(|kind| !kind.is_open()) {
            assert_eq!(of(kind).map(ModelKind::kind), Some(kind));
        }
        assert!(of(Kind::PROGRAM).is_none());
        assert_eq!(REGISTRY.len() + 1, Kind::all().len());
    }
}
