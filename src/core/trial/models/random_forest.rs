//! A forest of histogram trees grown on bootstrap samples (Breiman 2001); names are scikit-learn's where it has one.

use super::super::task::Task;
use super::super::value::Value;
use super::kind::{Kind, KindDef, Mark, Steps};
use super::param::{FloatRange, IntRange, Literal, ParamDef, ParamType};
use super::target::{CLASS_WEIGHT, ClassWeight};
use super::view::{ParamValue, settings_struct, word};
use crate::data_config::Edition;

pub(super) static DEF: KindDef = KindDef {
    name: "random_forest",
    label: "random forest",
    is_baseline: true,
    mark: Mark::Square,
    color: (0, 158, 115),
    dark_color: (63, 195, 154),
    params: PARAMS,
    is_open: false,
    steps: Steps {
        param: "trees",
        name: "tree",
        has_curve: false,
    },
    of_no_model: &[("trees", Literal::Int(300))],
    deterministic_if: None,
    library: None,
    is_batched: false,
};

/// The word that leaves the number of features to the task.
const AUTO: &str = "auto";

static PARAMS: &[ParamDef] = &[
    ParamDef::new(
        "trees",
        ParamType::Int(IntRange::new(1, 100_000)),
        Literal::Int(100),
        "trees of the forest",
    ),
    ParamDef::new(
        "max_depth",
        ParamType::Int(IntRange::new(0, 64)),
        Literal::Int(0),
        "deepest level of a tree",
    )
    .note(" (0 = no limit)"),
    ParamDef::new(
        "min_leaf",
        ParamType::Int(IntRange::from(1)),
        Literal::Int(1),
        "fewest rows of a leaf",
    ),
    ParamDef::new(
        "max_features",
        ParamType::FloatOr(FloatRange::FRACTION, &["auto", "sqrt", "all"]),
        Literal::Text("sqrt"),
        "features tried at a node; a number is a fraction of them, \"auto\" is \"sqrt\" for classes and \"all\" for \
         numbers",
    )
    .since(Edition::Third, Literal::Text("auto"))
    .resolve(|value, context| {
        let is_auto = *value == word(AUTO);
        is_auto.then(|| word(match context.task {
            Task::Classification => "sqrt",
            Task::Regression => "all",
        }))
    }),
    ParamDef::new(
        "bootstrap",
        ParamType::Bool,
        Literal::Bool(true),
        "draw rows with replacement for each tree",
    ),
    ParamDef::new(
        "max_bin",
        ParamType::Int(IntRange::new(2, 256)),
        Literal::Int(256),
        "histogram bins per feature",
    ),
    CLASS_WEIGHT,
];

settings_struct! {
    /// Settings of a random forest.
    RandomForestSpec of Kind::RANDOM_FOREST => {
        trees: u32,
        /// 0 is no limit.
        max_depth: u32,
        min_leaf: u32,
        max_features: MaxFeatures,
        bootstrap: bool,
        max_bin: u32,
        class_weight: ClassWeight,
    }
}

/// How many features are tried at a node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaxFeatures {
    /// [`MaxFeatures::Sqrt`] for classes and [`MaxFeatures::All`] for numbers, as scikit-learn.
    Auto,
    /// The square root of their number, at least 1.
    Sqrt,
    All,
    /// This fraction of them, at least 1.
    Fraction(f64),
}

impl MaxFeatures {
    /// The number of features to try for `task` when there are `features`.
    pub fn count(self, features: usize, task: Task) -> usize {
        let count = match (self, task) {
            (MaxFeatures::Sqrt, _) | (MaxFeatures::Auto, Task::Classification) => {
                (features as f64).sqrt().floor() as usize
            }
            (MaxFeatures::All, _) | (MaxFeatures::Auto, Task::Regression) => features,
            (MaxFeatures::Fraction(fraction), _) => (features as f64 * fraction).floor() as usize,
        };
        count.clamp(1, features.max(1))
    }
}

impl ParamValue for MaxFeatures {
    fn from_value(value: &Value) -> MaxFeatures {
        match value {
            Value::Text(text) if text == AUTO => MaxFeatures::Auto,
            Value::Text(text) if text == "sqrt" => MaxFeatures::Sqrt,
            Value::Text(_) => MaxFeatures::All,
            number => MaxFeatures::Fraction(f64::from_value(number)),
        }
    }

    fn to_value(&self) -> Value {
        match self {
            MaxFeatures::Auto => word(AUTO),
            MaxFeatures::Sqrt => word("sqrt"),
            MaxFeatures::All => word("all"),
            MaxFeatures::Fraction(fraction) => Value::Float(*fraction),
        }
    }
}
