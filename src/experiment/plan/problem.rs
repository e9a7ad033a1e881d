//! What is wrong with a plan, how bad it is, and which key of the file causes it.

use sweep_core::trial::{Kind, Value};

use super::{AxisSummary, Plan};

/// Whether a sweep may start in spite of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
}

/// Something in the plan that cannot work, or has no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    /// Dotted path of the key that causes it: `grid.batch_size[1]`.
    pub key: String,
    pub message: String,
    pub help: String,
}

impl Plan {
    /// The path of `key` of models of `kind`: fixed, or an axis; the table it belongs in if the file
    /// does not name it.
    pub(super) fn path_of(&self, kind: Kind, key: &str) -> String {
        let is_fixed = |(_, own, name): &&(String, Kind, String)| *own == kind && name == key;
        if let Some((path, ..)) = self.fixed.iter().find(is_fixed) {
            return path.clone();
        }
        match (self.axis(kind, key), kind.is_baseline()) {
            (Some(axis), _) => axis.path.clone(),
            (None, false) => format!("model.{key}"),
            (None, true) => "baseline".to_owned(),
        }
    }

    /// The path of `key` where it has `value`: a place on an axis, or the fixed key.
    pub(super) fn path_of_value(&self, kind: Kind, key: &str, value: &Value) -> String {
        let values = self.axis(kind, key).map(|axis| &axis.values);
        let place = values.and_then(|values| values.iter().position(|other| other == value));
        let path = self.path_of(kind, key);
        match place {
            Some(place) => format!("{path}[{place}]"),
            None => path,
        }
    }

    fn axis(&self, kind: Kind, key: &str) -> Option<&AxisSummary> {
        let mut axes = self.axes.iter();
        axes.find(|axis| axis.kind == kind && axis.name == key)
    }
}
