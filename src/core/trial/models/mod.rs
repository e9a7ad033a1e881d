//! The kinds of model and their settings: one file or folder for each kind, and what they have in common.

mod boosting;
mod canonical;
mod context;
mod dataset_size;
mod invalid;
mod kind;
mod lightgbm;
mod mlp;
mod model;
mod param;
mod program;
mod random_forest;
mod registry;
mod target;
#[cfg(test)]
mod tests;
mod trained_loss;
mod view;
mod xgboost;

pub use boosting::StoppingMetric;
pub use context::Context;
pub use dataset_size::DatasetSize;
pub use invalid::{InvalidEntry, InvalidParam};
pub use kind::{Kind, KindDef, Mark, Steps};
pub use lightgbm::LightgbmSpec;
pub use mlp::{
    Activation, BatchSize, CategoryEmbedding, Decay, EarlyStopping, Embedding, LrSchedule, MlpSpec,
    Optimizer,
};
pub use model::{ModelSpec, OPEN_NAME, ProgramModel, UNKNOWN_STEPS, is_open_name, step_text};
pub use param::{
    Choice, EntryDoc, FloatRange, Form, InBatch, IntRange, Literal, ParamDef, ParamType, TableDef,
    Variant,
};
pub use random_forest::{MaxFeatures, RandomForestSpec};
pub use target::{ClassWeight, Loss, LossName};
pub use trained_loss::trained_loss;
pub use view::ParamValue;
pub use xgboost::{BinaryObjective, XgboostSpec};
