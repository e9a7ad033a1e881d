//! Gradient boosting by LightGBM; names and defaults are those of its scikit-learn interface.

use super::boosting::{EARLY_STOPPING_ROUNDS, ROUNDS, StoppingMetric, early_stopping_metric};
use super::kind::{Kind, KindDef, Mark, Steps};
use super::param::{FloatRange, IntRange, Literal, ParamDef, ParamType};
use super::target::{CLASS_WEIGHT, ClassWeight, HUBER_DELTA, LOSS, Loss, LossName, QUANTILE};
use super::view::settings_struct;

pub(super) static DEF: KindDef = KindDef {
    name: "lightgbm",
    label: "LightGBM",
    is_baseline: true,
    mark: Mark::Triangle,
    color: (170, 68, 153),
    dark_color: (221, 136, 207),
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
        ("subsample", Literal::Float(0.8)),
        ("colsample_bytree", Literal::Float(0.8)),
    ],
    deterministic_if: Some(&[
        ("subsample", Literal::Float(1.0)),
        ("colsample_bytree", Literal::Float(1.0)),
    ]),
    library: Some("LightGBM"),
    is_batched: false,
};

const FRACTION: ParamType = ParamType::Float(FloatRange::FRACTION);
const FROM_0: ParamType = ParamType::Float(FloatRange::FROM_0);

static PARAMS: &[ParamDef] = &[
    ROUNDS,
    EARLY_STOPPING_ROUNDS,
    early_stopping_metric("loss"),
    ParamDef::new(
        "num_leaves",
        ParamType::Int(IntRange::new(2, 131_072)),
        Literal::Int(31),
        "most leaves of a tree",
    ),
    ParamDef::new(
        "max_depth",
        ParamType::Int(IntRange::new(0, 64)),
        Literal::Int(0),
        "deepest level of a tree",
    )
    .note(" (0 = no limit)"),
    ParamDef::new(
        "learning_rate",
        FRACTION,
        Literal::Float(0.1),
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
        "min_child_samples",
        ParamType::Int(IntRange::new(0, 1_000_000_000)),
        Literal::Int(20),
        "fewest rows of a leaf",
    ),
    ParamDef::new(
        "min_child_weight",
        FROM_0,
        Literal::Float(1e-3),
        "least hessian of a leaf",
    ),
    ParamDef::new(
        "min_split_gain",
        FROM_0,
        Literal::Float(0.0),
        "least gain of a split",
    ),
    ParamDef::new(
        "reg_lambda",
        FROM_0,
        Literal::Float(0.0),
        "L2 on leaf values",
    ),
    ParamDef::new(
        "reg_alpha",
        FROM_0,
        Literal::Float(0.0),
        "L1 on leaf values",
    ),
    ParamDef::new(
        "max_bin",
        ParamType::Int(IntRange::new(2, 65_535)),
        Literal::Int(255),
        "histogram bins per feature",
    ),
    ParamDef::new(
        "enable_categorical",
        ParamType::Bool,
        Literal::Bool(false),
        "split a column of categories as one feature, not by its 0/1 features",
    ),
    LOSS,
    HUBER_DELTA,
    QUANTILE,
    CLASS_WEIGHT,
];

settings_struct! {
    /// Settings of LightGBM's `gbdt`.
    LightgbmSpec of Kind::LIGHTGBM => {
        rounds: u32,
        /// 0 is off.
        early_stopping_rounds: u32,
        early_stopping_metric: StoppingMetric,
        num_leaves: u32,
        /// 0 is no limit.
        max_depth: u32,
        learning_rate: f64,
        subsample: f64,
        colsample_bytree: f64,
        min_child_samples: u32,
        min_child_weight: f64,
        min_split_gain: f64,
        reg_lambda: f64,
        reg_alpha: f64,
        max_bin: u32,
        enable_categorical: bool,
        loss: LossName,
        /// In standard deviations of the target.
        huber_delta: f64,
        quantile: f64,
        class_weight: ClassWeight,
    }
}

impl LightgbmSpec {
    /// What is minimised when the target is a number with the standard deviation `sd`.
    pub fn loss(&self, sd: f64) -> Loss {
        Loss::new(self.loss, self.huber_delta * sd, self.quantile)
    }
}
