//! Settings as a struct of Rust types, for the code that trains: made from a [`super::ModelSpec`], which is the truth.

use super::super::value::Value;

/// A setting's Rust type. `from_value` is only called with what the setting's definition lets through.
pub trait ParamValue: Sized {
    fn from_value(value: &Value) -> Self;

    fn to_value(&self) -> Value;
}

/// What `from_value` is called with is checked before.
pub(super) fn unexpected(value: &Value) -> ! {
    unreachable!("{value} passed the definition of its setting")
}

/// Declares the struct whose fields are the settings of a kind, by name, and its conversions from and to a
/// [`super::ModelSpec`].
macro_rules! settings_struct {
    ($(#[$doc:meta])* $name:ident of $kind:expr => { $($(#[$about:meta])* $field:ident: $ty:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $($(#[$about])* pub $field: $ty,)*
        }

        impl $name {
            /// The settings of `model`, if it is of this kind.
            pub fn of(model: &$crate::trial::ModelSpec) -> Option<$name> {
                if model.kind() != $kind {
                    return None;
                }
                Some($name {
                    $($field: {
                        let value = model.get(stringify!($field)).expect("a setting of the kind");
                        <$ty as $crate::trial::models::view::ParamValue>::from_value(value)
                    },)*
                })
            }
        }

        impl Default for $name {
            fn default() -> $name {
                $name::of(&$crate::trial::ModelSpec::new($kind)).expect("it is of this kind")
            }
        }

        /// # Panics
        /// When a field has a value that the kind does not take.
        impl From<$name> for $crate::trial::ModelSpec {
            fn from(settings: $name) -> $crate::trial::ModelSpec {
                let mut model = $crate::trial::ModelSpec::new($kind);
                $(
                    let value = $crate::trial::models::view::ParamValue::to_value(&settings.$field);
                    if let Err(problem) = model.set(stringify!($field), &value) {
                        panic!("{} = {value}: {problem:?}", stringify!($field));
                    }
                )*
                model
            }
        }
    };
}
pub(super) use settings_struct;

impl ParamValue for bool {
    fn from_value(value: &Value) -> bool {
        match value {
            Value::Bool(value) => *value,
            other => unexpected(other),
        }
    }

    fn to_value(&self) -> Value {
        Value::Bool(*self)
    }
}

impl ParamValue for u32 {
    fn from_value(value: &Value) -> u32 {
        match value {
            Value::Int(value) => u32::try_from(*value).expect("integers are 32 bits"),
            other => unexpected(other),
        }
    }

    fn to_value(&self) -> Value {
        Value::Int((*self).into())
    }
}

impl ParamValue for f64 {
    fn from_value(value: &Value) -> f64 {
        match value.as_f64() {
            Some(value) => value,
            None => unexpected(value),
        }
    }

    fn to_value(&self) -> Value {
        Value::Float(*self)
    }
}

impl ParamValue for Vec<usize> {
    fn from_value(value: &Value) -> Vec<usize> {
        match value {
            Value::List(items) => {
                let sizes = items.iter().map(|item| u32::from_value(item) as usize);
                sizes.collect()
            }
            other => unexpected(other),
        }
    }

    fn to_value(&self) -> Value {
        Value::List(self.iter().map(|size| Value::Int(*size as i64)).collect())
    }
}

impl ParamValue for (f64, f64) {
    fn from_value(value: &Value) -> (f64, f64) {
        match value {
            Value::List(items) => match items.as_slice() {
                [first, second] => (f64::from_value(first), f64::from_value(second)),
                _ => unexpected(value),
            },
            other => unexpected(other),
        }
    }

    fn to_value(&self) -> Value {
        Value::List(vec![Value::Float(self.0), Value::Float(self.1)])
    }
}

/// The entry `name` of a table that the setting's definition has filled in.
pub(super) fn entry<T: ParamValue>(value: &Value, name: &str) -> T {
    match value {
        Value::Table(table) => match table.get(name) {
            Some(value) => T::from_value(value),
            None => unexpected(value),
        },
        other => unexpected(other),
    }
}

/// The same of an entry that is left out of the table at its default, which is `default`.
pub(super) fn later_entry<T: ParamValue>(value: &Value, name: &str, default: T) -> T {
    match value {
        Value::Table(table) => table.get(name).map_or(default, T::from_value),
        other => unexpected(other),
    }
}

/// The kind of a table, or of the word that stands for it.
pub(super) fn kind(value: &Value) -> &str {
    let kind = match value {
        Value::Table(table) => table.get("kind").unwrap_or(value),
        other => other,
    };
    match kind {
        Value::Text(kind) => kind,
        other => unexpected(other),
    }
}

/// A table with `entries`.
pub(super) fn table<const N: usize>(entries: [(&str, Value); N]) -> Value {
    let entries = entries.into_iter();
    Value::Table(
        entries
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

/// The word `text`.
pub(super) fn word(text: &str) -> Value {
    Value::Text(text.to_owned())
}
