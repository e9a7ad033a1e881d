//! The value of one hyper-parameter, as written in an experiment file and shown in tables.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A value as TOML knows it, less dates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Value>),
    Table(BTreeMap<String, Value>),
}

/// Hyper-parameters by name, in the order in which they are to be shown.
pub type Params = Vec<(String, Value)>;

impl Value {
    /// The type's name in an error message.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Bool(_) => "a boolean",
            Value::Int(_) => "an integer",
            Value::Float(_) => "a float",
            Value::Text(_) => "a string",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }

    /// The number, if it is one; integers count.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Int(int) => Some(*int as f64),
            Value::Float(float) => Some(*float),
            _ => None,
        }
    }
}

/// As TOML spells it, less the quotes round a text: `0.001`, `[64, 32]`, `adam`, `{ patience = 5 }`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Bool(value) => write!(f, "{value}"),
            Value::Int(value) => write!(f, "{value}"),
            // Shortest text that reads back as the same number; exponents where they are shorter.
            Value::Float(value) if *value != 0.0 && !(1e-3..1e6).contains(&value.abs()) => {
                write!(f, "{value:e}")
            }
            Value::Float(value) => write!(f, "{value}"),
            Value::Text(value) => f.write_str(value),
            Value::List(values) => {
                f.write_str("[")?;
                for (place, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if place == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Value::Table(entries) => {
                f.write_str("{")?;
                for (place, (key, value)) in entries.iter().enumerate() {
                    write!(f, "{} {key} = {value}", if place == 0 { "" } else { "," })?;
                }
                f.write_str(" }")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_show_as_toml_spells_them() {
        let shown = |value: Value| value.to_string();
        assert_eq!(shown(Value::Float(1e-4)), "1e-4");
        assert_eq!(shown(Value::Float(0.001)), "0.001");
        assert_eq!(shown(Value::Float(0.0)), "0");
        assert_eq!(
            shown(Value::List(vec![Value::Int(64), Value::Int(32)])),
            "[64, 32]"
        );
        let table = BTreeMap::from([("patience".to_owned(), Value::Int(5))]);
        assert_eq!(shown(Value::Table(table)), "{ patience = 5 }");
    }
}
