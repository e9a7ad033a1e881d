//! Gradient boosting by XGBoost's `hist` tree method; names and defaults are XGBoost's own.

use super::super::task::Task;
use super::super::value::Value;
use super::boosting::{EARLY_STOPPING_ROUNDS, ROUNDS, StoppingMetric, early_stopping_metric};
use super::kind::{Kind, KindDef, Mark, Steps};
use super::param::{Choice, FloatRange, IntRange, Literal, ParamDef, ParamType};
use super::target::{CLASS_WEIGHT, ClassWeight, HUBER_DELTA, LOSS, Loss, LossName, QUANTILE};
use super::view::{ParamValue, settings_struct, unexpected, word};
use crate::data_config::Edition;

pub(super) static DEF: KindDef = KindDef {
    name: "xgboost",
    label: "XGBoost",
    is_baseline: true,
    mark: Mark::Diamond,
    color: (213, 94, 0),
    dark_color: (240, 136, 62),
    params: PARAMS,
    is_open: false,
    steps: Steps {
        param: "rounds",
        name: "boosting round",
        has_curve: true,
    },
    of_no_model: &[
        ("rounds", Literal::Int(1_000)),
        ("early_stopping_rounds", Literal::Int(30)),
        ("eta", Literal::Float(0.1)),
        ("subsample", Literal::Float(0.8)),
        ("colsample_bytree", Literal::Float(0.8)),
    ],
    deterministic_if: Some(&[
        ("subsample", Literal::Float(1.0)),
        ("colsample_bytree", Literal::Float(1.0)),
    ]),
    library: Some("XGBoost"),
    is_batched: false,
};

const FRACTION: ParamType = ParamType::Float(FloatRange::FRACTION);
const FROM_0: ParamType = ParamType::Float(FloatRange::FROM_0);

static BINARY_OBJECTIVES: &[Choice] = &[
    Choice::new("binary:logistic"),
    Choice::new("multi:softprob"),
];

static PARAMS: &[ParamDef] = &[
    ROUNDS,
    EARLY_STOPPING_ROUNDS,
    early_stopping_metric("objective")
        .since(Edition::Third, Literal::Text("loss"))
        .later(),
    ParamDef::new(
        "max_depth",
        ParamType::Int(IntRange::new(1, 64)),
        Literal::Int(6),
        "deepest level of a tree",
    ),
    ParamDef::new(
        "eta",
        FRACTION,
        Literal::Float(0.3),
        "shrinkage of each tree",
    ),
    ParamDef::new(
        "subsample",
        FRACTION,
        Literal::Float(1.0),
        "fraction of rows per round",
    ),
    ParamDef::new(
        "colsample_bytree",
        FRACTION,
        Literal::Float(1.0),
        "fraction of features per tree",
    ),
    ParamDef::new(
        "min_child_weight",
        FROM_0,
        Literal::Float(1.0),
        "least hessian of a leaf",
    ),
    ParamDef::new(
        "gamma",
        FROM_0,
        Literal::Float(0.0),
        "least gain of a split",
    ),
    ParamDef::new("lambda", FROM_0, Literal::Float(1.0), "L2 on leaf weights"),
    ParamDef::new("alpha", FROM_0, Literal::Float(0.0), "L1 on leaf weights"),
    ParamDef::new(
        "max_bin",
        ParamType::Int(IntRange::new(2, 65_536)),
        Literal::Int(256),
        "histogram bins per feature",
    ),
    ParamDef::new(
        "enable_categorical",
        ParamType::Bool,
        Literal::Bool(false),
        "split a column of categories as one feature, not by its 0/1 features",
    )
    .later(),
    ParamDef::new(
        "binary_objective",
        ParamType::Choice(BINARY_OBJECTIVES),
        Literal::Text("multi:softprob"),
        "what is minimised with two classes: by one tree a round, or by one for each class",
    )
    .of_task(Task::Classification)
    .since(Edition::Third, Literal::Text("binary:logistic"))
    .resolve(|_, context| (context.classes != 2).then(|| word("multi:softprob")))
    .later(),
    LOSS,
    HUBER_DELTA,
    QUANTILE,
    CLASS_WEIGHT,
    ParamDef::new(
        "scale_pos_weight",
        ParamType::Float(FloatRange::ABOVE_0),
        Literal::Float(1.0),
        "weight of the training rows of the second of two classes",
    )
    .of_task(Task::Classification)
    .later(),
];

settings_struct! {
    /// Settings of XGBoost's `hist` tree method.
    XgboostSpec of Kind::XGBOOST => {
        rounds: u32,
        /// 0 is off.
        early_stopping_rounds: u32,
        early_stopping_metric: StoppingMetric,
        max_depth: u32,
        eta: f64,
        subsample: f64,
        colsample_bytree: f64,
        min_child_weight: f64,
        gamma: f64,
        lambda: f64,
        alpha: f64,
        max_bin: u32,
        enable_categorical: bool,
        binary_objective: BinaryObjective,
        loss: LossName,
        /// In standard deviations of the target.
        huber_delta: f64,
        quantile: f64,
        class_weight: ClassWeight,
        scale_pos_weight: f64,
    }
}

/// What is minimised with two classes, as XGBoost calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryObjective {
    /// `binary:logistic`: the log loss of the second class, by one tree a round.
    Logistic,
    /// `multi:softprob`: that of a softmax, by one tree a round for each class.
    Softprob,
}

impl ParamValue for BinaryObjective {
    fn from_value(value: &Value) -> BinaryObjective {
        match value {
            Value::Text(name) if name == "binary:logistic" => BinaryObjective::Logistic,
            Value::Text(name) if name == "multi:softprob" => BinaryObjective::Softprob,
            other => unexpected(other),
        }
    }

    fn to_value(&self) -> Value {
        word(match self {
            BinaryObjective::Logistic => "binary:logistic",
            BinaryObjective::Softprob => "multi:softprob",
        })
    }
}

impl XgboostSpec {
    /// What is minimised when the target is a number with the standard deviation `sd`. Its `huber` is the smooth one.
    pub fn loss(&self, sd: f64) -> Loss {
        match Loss::new(self.loss, self.huber_delta * sd, self.quantile) {
            Loss::Huber { delta } => Loss::PseudoHuber { delta },
            other => other,
        }
    }
}
