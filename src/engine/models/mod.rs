//! The kinds of model: one folder for each, and what the two tree baselines share.

mod baseline;
pub mod mlp;
pub mod random_forest;
pub mod xgboost;
