//! When training ends before its last epoch.

use super::super::super::value::Value;
use super::super::param::{
    FloatRange, Form, IntRange, Literal, ParamDef, ParamType, TableDef, Variant,
};
use super::super::view::{ParamValue, entry, table};
use super::limits::MAX_EPOCHS;

pub(super) static TABLE: TableDef = TableDef {
    form: Form::Optional,
    variants: &[Variant {
        kind: "",
        params: &[
            ParamDef::required(
                "patience",
                ParamType::Int(IntRange::new(1, MAX_EPOCHS)),
                "epochs without improvement after which a trial ends",
            ),
            ParamDef::new(
                "min_delta",
                ParamType::Float(FloatRange::FROM_0),
                Literal::Float(0.0),
                "an improvement of the objective counts if it is larger than this",
            ),
        ],
    }],
    allowed: "false, or a table such as { patience = 5, min_delta = 0.0 }",
};

/// Stop when the objective has not improved by more than `min_delta` for `patience` epochs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EarlyStopping {
    pub patience: u32,
    pub min_delta: f64,
}

impl ParamValue for Option<EarlyStopping> {
    fn from_value(value: &Value) -> Option<EarlyStopping> {
        matches!(value, Value::Table(_)).then(|| EarlyStopping {
            patience: entry(value, "patience"),
            min_delta: entry(value, "min_delta"),
        })
    }

    fn to_value(&self) -> Value {
        match self {
            None => Value::Bool(false),
            Some(stopping) => table([
                ("patience", Value::Int(stopping.patience.into())),
                ("min_delta", Value::Float(stopping.min_delta)),
            ]),
        }
    }
}
