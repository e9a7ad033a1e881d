//! A multi-layer perceptron and its training: [Linear, BatchNorm?, activation, Dropout] x n, Linear, and a loss.

mod by_rows;
mod category_embedding;
mod early_stopping;
mod embedding;
mod limits;
mod lr_schedule;
mod optimizer;

pub use category_embedding::CategoryEmbedding;
pub use early_stopping::EarlyStopping;
pub use embedding::Embedding;
pub use lr_schedule::{Decay, LrSchedule};
pub use optimizer::Optimizer;

use serde::{Deserialize, Serialize};

use super::super::task::Task;
use super::super::value::Value;
use super::dataset_size::DatasetSize;
use super::kind::{Kind, KindDef, Mark, Steps};
use super::param::{Choice, FloatRange, InBatch, IntRange, Literal, ParamDef, ParamType};
use super::target::{CLASS_WEIGHT, ClassWeight, HUBER_DELTA, LOSS, Loss, LossName, QUANTILE};
use super::view::{ParamValue, settings_struct, unexpected, word};
use crate::data_config::Edition;
use by_rows::{ALL, AUTO};
use limits::{MAX_EPOCHS, MAX_LAYERS, MAX_WIDTH};

pub(super) static DEF: KindDef = KindDef {
    name: "mlp",
    label: "network",
    is_baseline: false,
    mark: Mark::Disc,
    color: (0, 114, 178),
    dark_color: (86, 180, 233),
    params: PARAMS,
    is_open: false,
    steps: Steps {
        param: "epochs",
        name: "epoch",
        has_curve: true,
    },
    of_no_model: &[],
    deterministic_if: None,
    library: None,
    is_batched: true,
};

/// The first defaults are those of PyTorch where it has one; those since the fourth edition suit most tables (docs/EXPERIMENT.md).
/// The order is part of every trial's id.
static PARAMS: &[ParamDef] = &[
    ParamDef::new(
        "layers",
        ParamType::Ints {
            max_len: MAX_LAYERS,
            each: IntRange::new(1, MAX_WIDTH),
        },
        Literal::Ints(&[64, 32]),
        "widths of the hidden layers",
    )
    .since(Edition::Fourth, Literal::Ints(&[256, 256]))
    .in_batch(InBatch::Same)
    .note(", such as [64, 32]; [] is a linear model"),
    ParamDef::new(
        "activation",
        ParamType::Choice(ACTIVATIONS),
        Literal::Text("relu"),
        "after each hidden layer",
    )
    .in_batch(InBatch::Same)
    .unless("layers", Literal::Ints(&[])),
    ParamDef::new(
        "batch_norm",
        ParamType::Bool,
        Literal::Bool(false),
        "batch normalisation before the activation",
    )
    .since(Edition::Fourth, Literal::Bool(true))
    .unless("layers", Literal::Ints(&[])),
    ParamDef::new(
        "dropout",
        ParamType::Float(FloatRange::BELOW_1),
        Literal::Float(0.0),
        "probability of dropping a hidden unit",
    )
    .since(Edition::Fourth, Literal::Float(0.2))
    .unless("layers", Literal::Ints(&[])),
    ParamDef::new(
        "epochs",
        ParamType::IntOr(IntRange::new(1, MAX_EPOCHS), &[AUTO]),
        Literal::Int(20),
        "passes over the training rows",
    )
    .since(Edition::Fourth, Literal::Text(AUTO))
    .resolve(by_rows::epochs),
    ParamDef::new(
        "batch_size",
        ParamType::IntOr(IntRange::from(1), &[ALL, AUTO]),
        Literal::Int(32),
        "rows per optimiser step",
    )
    .since(Edition::Fourth, Literal::Text(AUTO))
    .resolve(by_rows::batch_size)
    .in_batch(InBatch::Same),
    ParamDef::new(
        "optimizer",
        ParamType::Choice(optimizer::OPTIMIZERS),
        Literal::Text("adam"),
        "the update rule",
    )
    .since(Edition::Fourth, Literal::Text("adamw"))
    .in_batch(InBatch::SameUses),
    ParamDef::new(
        "lr",
        ParamType::Float(FloatRange::ABOVE_0),
        Literal::Float(1e-3),
        "learning rate",
    ),
    ParamDef::new(
        "lr_schedule",
        ParamType::Table(&lr_schedule::TABLE),
        Literal::Text("constant"),
        "how the learning rate moves",
    )
    .since(Edition::Fourth, Literal::Text("cosine")),
    ParamDef::new(
        "weight_decay",
        ParamType::Float(FloatRange::FROM_0),
        Literal::Float(0.0),
        "L2 for adam and sgd, decoupled for adamw",
    )
    .since(Edition::Fourth, Literal::Float(0.01)),
    ParamDef::new(
        "clip_norm",
        ParamType::Float(FloatRange::FROM_0),
        Literal::Float(0.0),
        "largest global norm of the gradient",
    )
    .since(Edition::Fourth, Literal::Float(1.0))
    .note(" (0 = off)"),
    optimizer::MOMENTUM,
    optimizer::NESTEROV,
    optimizer::BETAS,
    optimizer::EPS,
    ParamDef::new(
        "early_stopping",
        ParamType::Table(&early_stopping::TABLE),
        Literal::Bool(false),
        "end when the objective no longer improves",
    ),
    ParamDef::new(
        "embedding",
        ParamType::Table(&embedding::TABLE),
        Literal::Text("none"),
        "how each feature is spread over several inputs",
    )
    .since(Edition::Fourth, Literal::Text("auto"))
    .resolve(embedding::resolve)
    .in_batch(InBatch::Same)
    .later(),
    ParamDef::new(
        "label_smoothing",
        ParamType::Float(FloatRange::BELOW_1),
        Literal::Float(0.0),
        "fraction of the target spread evenly over all classes while training",
    )
    .of_task(Task::Classification)
    .in_batch(InBatch::SameSwitch)
    .later(),
    ParamDef::new(
        "ema",
        ParamType::Float(FloatRange::BELOW_1),
        Literal::Float(0.0),
        "measure and save a moving average of the weights, with this decay per step",
    )
    .in_batch(InBatch::SameSwitch)
    .note(", such as 0.995 (0 = off)")
    .later(),
    LOSS,
    HUBER_DELTA,
    QUANTILE,
    CLASS_WEIGHT,
    category_embedding::PARAM,
];

settings_struct! {
    /// Every setting of a network and of its training.
    MlpSpec of Kind::MLP => {
        /// Widths of the hidden layers; none is a linear model.
        layers: Vec<usize>,
        activation: Activation,
        batch_norm: bool,
        /// Probability that a hidden unit is set to zero while training.
        dropout: f64,
        epochs: u32,
        batch_size: BatchSize,
        optimizer: Optimizer,
        lr: f64,
        lr_schedule: LrSchedule,
        /// L2 added to the gradient for `adam` and `sgd`; decoupled for `adamw`.
        weight_decay: f64,
        /// Largest global L2 norm of the gradient; 0 is off.
        clip_norm: f64,
        momentum: f64,
        nesterov: bool,
        /// Decay of the first and second moment.
        betas: (f64, f64),
        eps: f64,
        early_stopping: Option<EarlyStopping>,
        /// How features enter the first layer.
        embedding: Embedding,
        /// Fraction of the target that is spread evenly over all classes while training.
        label_smoothing: f64,
        /// Decay of the moving average of the weights that is measured and saved in their place; 0 is off.
        ema: f64,
        loss: LossName,
        /// In standard deviations of the target.
        huber_delta: f64,
        quantile: f64,
        class_weight: ClassWeight,
        /// How columns of categories enter the first layer.
        category_embedding: CategoryEmbedding,
    }
}

/// Its names are also those in the files of trained networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    Relu,
    Gelu,
    Silu,
    Tanh,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchSize {
    Rows(usize),
    /// All training rows in one batch.
    All,
}

const ACTIVATIONS: &[Choice] = &[
    Choice::new("relu"),
    Choice::new("gelu"),
    Choice::new("silu"),
    Choice::new("tanh"),
];

impl MlpSpec {
    /// What is minimised when the target is a number: of errors in standard deviations of the target.
    pub fn loss(&self) -> Loss {
        self.loss_in(1.0)
    }

    /// The same of errors in units of a target whose standard deviation is `sd`.
    pub fn loss_in(&self, sd: f64) -> Loss {
        Loss::new(self.loss, self.huber_delta * sd, self.quantile)
    }

    /// Rows of one batch, if as many are there, where the size is left to the number of training rows, `rows`.
    pub fn usual_batch_rows(rows: usize) -> usize {
        by_rows::batch_rows(rows)
    }

    /// Rows of one batch when there are `rows` training rows.
    pub fn batch_rows(&self, rows: usize) -> usize {
        match self.batch_size {
            BatchSize::Rows(size) => size.min(rows),
            BatchSize::All => rows,
        }
    }

    /// Numbers that training takes: the values of a batch at every layer, and the parameters. At least 1.
    pub fn numbers(&self, data: DatasetSize) -> u64 {
        let (values, parameters) = self.sizes(data);
        (values as u64)
            .saturating_mul(self.batch_rows(data.rows) as u64)
            .saturating_add(parameters as u64)
            .max(1)
    }

    /// What an epoch costs, in arbitrary units: a product with each parameter and some operations on each value for every
    /// row, and what is done once a batch.
    pub fn step_cost(&self, data: DatasetSize) -> f64 {
        /// In products with a parameter.
        const VALUE: f64 = 16.0;
        const BATCH: f64 = 20_000.0;
        let (values, parameters) = self.sizes(data);
        let rows = data.rows as f64;
        let batches = rows / self.batch_rows(data.rows).max(1) as f64;
        rows * (parameters as f64 + VALUE * values as f64) + BATCH * batches
    }

    /// What two networks on the same data have in common that are of one shape.
    pub fn shape_name(&self) -> String {
        format!(
            "{:?} {} {:?} {:?}",
            self.layers, self.batch_norm, self.embedding, self.category_embedding
        )
    }

    /// Values of a row at all layers, and parameters, biases and normalisation left out.
    fn sizes(&self, data: DatasetSize) -> (usize, usize) {
        let per_feature = self.embedding.inputs_per_feature();
        // No column has more features than all of them, and wider vectors than such a one would have.
        let (inputs, tables) = match self.category_embedding.width(data.category_features) {
            Some(width) => (
                (data.features - data.category_features) * per_feature
                    + data.category_columns * width,
                data.category_features * width,
            ),
            None => (data.features * per_feature, 0),
        };
        let (mut values, mut parameters, mut previous) = (inputs, tables, inputs);
        for width in self.layers.iter().copied().chain([data.classes]) {
            values += width;
            parameters += previous * width;
            previous = width;
        }
        (values, parameters)
    }
}

impl ParamValue for Activation {
    fn from_value(value: &Value) -> Activation {
        match value {
            Value::Text(name) => match name.as_str() {
                "relu" => Activation::Relu,
                "gelu" => Activation::Gelu,
                "silu" => Activation::Silu,
                "tanh" => Activation::Tanh,
                _ => unexpected(value),
            },
            other => unexpected(other),
        }
    }

    fn to_value(&self) -> Value {
        word(match self {
            Activation::Relu => "relu",
            Activation::Gelu => "gelu",
            Activation::Silu => "silu",
            Activation::Tanh => "tanh",
        })
    }
}

impl ParamValue for BatchSize {
    fn from_value(value: &Value) -> BatchSize {
        match value {
            Value::Text(_) => BatchSize::All,
            rows => BatchSize::Rows(u32::from_value(rows) as usize),
        }
    }

    fn to_value(&self) -> Value {
        match self {
            BatchSize::All => word("all"),
            BatchSize::Rows(rows) => Value::Int(*rows as i64),
        }
    }
}
