//! What a model makes small where the target is a number.

use super::super::value::Params;
use super::kind::Kind;
use super::lightgbm::LightgbmSpec;
use super::mlp::MlpSpec;
use super::model::ModelSpec;
use super::target::Loss;
use super::xgboost::XgboostSpec;

impl ModelSpec {
    /// What is minimised when the target is a number with the standard deviation `sd`, in units of the target as it is
    /// learned.
    pub fn trained_loss(&self, sd: f64) -> Loss {
        let network = MlpSpec::of(self).map(|network| network.loss_in(sd));
        let boosted = || XgboostSpec::of(self).map(|boosted| boosted.loss(sd));
        let by_leaves = || LightgbmSpec::of(self).map(|boosted| boosted.loss(sd));
        let loss = network.or_else(boosted).or_else(by_leaves);
        loss.unwrap_or(Loss::Squared)
    }
}

/// The same of a trial with these `params`.
pub fn trained_loss(kind: Kind, params: &Params, sd: f64) -> Loss {
    ModelSpec::recorded(kind, params).trained_loss(sd)
}
