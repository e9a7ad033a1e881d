//! The one way in which a value is kept and shown, so that `1` and `1.0` are one value; or what would be allowed.
//!
//! What is wrong with a setting that is a table is said of the entry that is at fault.

use std::collections::BTreeMap;

use super::super::value::Value;
use super::invalid::{InvalidEntry, InvalidParam};
use super::param::{
    FloatRange, Form, IntRange, KIND, Literal, ParamDef, ParamType, TableDef, Variant,
};
use crate::data_config::Edition;

impl ParamDef {
    /// `value` as it is kept and shown, so that `1` and `1.0` are one value; or what would be allowed.
    pub(super) fn canonical(&self, value: &Value) -> Result<Value, InvalidParam> {
        let refuse = || InvalidParam::Value {
            allowed: self.allowed(),
        };
        let refuse_item = |index| InvalidParam::Item {
            index,
            allowed: self.allowed(),
        };
        let is_word =
            |words: &[&str]| matches!(value, Value::Text(text) if words.contains(&text.as_str()));
        let found = match &self.ty {
            ParamType::Bool => matches!(value, Value::Bool(_)).then(|| value.clone()),
            ParamType::Int(range) => range.value(value),
            ParamType::OneOf(numbers) => match value {
                Value::Int(int) => {
                    let is_one = numbers.iter().any(|number| i64::from(*number) == *int);
                    is_one.then_some(Value::Int(*int))
                }
                _ => None,
            },
            ParamType::Float(range) => range.value(value),
            ParamType::Choice(choices) => match value {
                Value::Text(text) => {
                    let is_one = choices.iter().any(|choice| choice.name == text);
                    is_one.then(|| value.clone())
                }
                _ => None,
            },
            ParamType::IntOr(_, words) | ParamType::FloatOr(_, words) if is_word(words) => {
                Some(value.clone())
            }
            ParamType::IntOr(range, _) => range.value(value),
            ParamType::FloatOr(range, _) => range.value(value),
            ParamType::Ints { max_len, each } => match value {
                Value::List(items) if items.len() <= *max_len => {
                    return list(items, |item| each.value(item), refuse_item);
                }
                _ => None,
            },
            ParamType::Pair(range) => match value {
                Value::List(items) if items.len() == 2 => {
                    return list(items, |item| range.value(item), refuse_item);
                }
                _ => None,
            },
            ParamType::ClassWeights => return class_weights(value, refuse()),
            ParamType::Table(def) => return def.canonical(value, refuse),
        };
        found.ok_or_else(refuse)
    }

    /// The canonical default.
    ///
    /// # Panics
    /// When there is none, or it is not allowed; a test walks all settings.
    pub(super) fn default_value(&self) -> Value {
        self.constant(self.default.expect("settings have defaults"))
    }

    /// The canonical default of experiment files of `edition`.
    ///
    /// # Panics
    /// As [`ParamDef::default_value`].
    pub fn default_in(&self, edition: Edition) -> Value {
        match self.since {
            Some((since, default)) if edition >= since => self.constant(default),
            _ => self.default_value(),
        }
    }

    /// A constant of the setting's definition.
    pub(super) fn constant(&self, literal: Literal) -> Value {
        let value = self.canonical(&literal.value());
        value.expect("constants of a setting are allowed")
    }
}

/// A word, or a table of at least one weight; anything else is `refused`.
fn class_weights(value: &Value, refused: InvalidParam) -> Result<Value, InvalidParam> {
    match value {
        Value::Text(word) if matches!(word.as_str(), "none" | "balanced") => Ok(value.clone()),
        Value::Table(given) if !given.is_empty() => {
            let (mut weights, mut problems) = (BTreeMap::new(), Vec::new());
            for (class, weight) in given {
                match FloatRange::ABOVE_0.value(weight) {
                    Some(weight) => drop(weights.insert(class.clone(), weight)),
                    None => problems.push(InvalidParam::Entry {
                        name: class.clone(),
                        problem: InvalidEntry::Value {
                            allowed: "a number above 0".to_owned(),
                        },
                    }),
                }
            }
            InvalidParam::all(problems).map(|()| Value::Table(weights))
        }
        _ => Err(refused),
    }
}

/// The list of what `read` makes of each item; every item that it does not take is refused.
fn list(
    items: &[Value],
    read: impl Fn(&Value) -> Option<Value>,
    refuse: impl Fn(usize) -> InvalidParam,
) -> Result<Value, InvalidParam> {
    let mut values = Vec::with_capacity(items.len());
    let mut problems = Vec::new();
    for (index, item) in items.iter().enumerate() {
        match read(item) {
            Some(value) => values.push(value),
            None => problems.push(refuse(index)),
        }
    }
    InvalidParam::all(problems).map(|()| Value::List(values))
}

impl IntRange {
    fn value(&self, value: &Value) -> Option<Value> {
        let Value::Int(int) = value else {
            return None;
        };
        let within = u32::try_from(*int).is_ok_and(|int| {
            (self.min..=self.max).contains(&int) && int.is_multiple_of(self.multiple_of)
        });
        within.then_some(Value::Int(*int))
    }
}

impl FloatRange {
    fn value(&self, value: &Value) -> Option<Value> {
        // Adding zero turns -0.0 into 0.0, which would otherwise be a trial of its own.
        let number = value.as_f64()? + 0.0;
        let above = number > self.min || (self.includes_min && number == self.min);
        let below = number < self.max || (self.includes_max && number == self.max);
        (above && below).then_some(Value::Float(number))
    }
}

impl TableDef {
    /// The table with every default written out, or the word that stands for it.
    pub(super) fn canonical(
        &self,
        value: &Value,
        refuse: impl Fn() -> InvalidParam,
    ) -> Result<Value, InvalidParam> {
        match (&self.form, value) {
            (Form::Optional, Value::Bool(false)) => Ok(Value::Bool(false)),
            (Form::Optional, Value::Table(table)) => {
                self.filled(&self.variants[0], table).map(Value::Table)
            }
            (Form::Tagged { .. }, Value::Text(kind)) => match self.variant(kind) {
                Some(variant) => self.tagged(variant, &BTreeMap::new()),
                None => Err(refuse()),
            },
            (Form::Tagged { .. }, Value::Table(table)) => {
                let entry = |problem| InvalidParam::Entry {
                    name: KIND.to_owned(),
                    problem,
                };
                let allowed = self.kinds();
                let variant = match table.get(KIND) {
                    Some(Value::Text(kind)) => self.variant(kind),
                    Some(_) => None,
                    None => return Err(entry(InvalidEntry::Missing { allowed })),
                };
                let variant = variant.ok_or_else(|| entry(InvalidEntry::Value { allowed }))?;
                self.tagged(variant, table)
            }
            _ => Err(refuse()),
        }
    }

    fn variant(&self, kind: &str) -> Option<&'static Variant> {
        self.variants.iter().find(|variant| variant.kind == kind)
    }

    fn tagged(
        &self,
        variant: &Variant,
        table: &BTreeMap<String, Value>,
    ) -> Result<Value, InvalidParam> {
        let mut filled = self.filled(variant, table)?;
        let is_default = |param: &ParamDef| match param.default {
            Some(_) => {
                let value = filled.get(param.name);
                value.is_none_or(|value| *value == param.default_value())
            }
            None => false,
        };
        let is_shortened = match self.form {
            Form::Tagged { is_shortened, .. } => is_shortened || variant.params.is_empty(),
            Form::Optional => false,
        };
        let kind = Value::Text(variant.kind.to_owned());
        if is_shortened && variant.params.iter().all(is_default) {
            return Ok(kind);
        }
        filled.insert(KIND.to_owned(), kind);
        Ok(Value::Table(filled))
    }

    /// The entries of `variant` as `table` gives them, the others at their defaults.
    fn filled(
        &self,
        variant: &Variant,
        table: &BTreeMap<String, Value>,
    ) -> Result<BTreeMap<String, Value>, InvalidParam> {
        let mut problems = self.unknown_entries(variant, table);
        // An entry that no kind has may be the one that seems to be missing.
        let is_of_none = |problem: &InvalidParam| {
            matches!(problem, InvalidParam::Entry {
                problem: InvalidEntry::Unknown { kinds, .. }, ..
            } if kinds.is_empty())
        };
        let is_misspelt = problems.iter().any(is_of_none);
        let mut filled = BTreeMap::new();
        for param in variant.params {
            let allowed = || param.allowed();
            // A default that stands for how it was before there was such an entry names no other trial.
            let mut keep = |value: Value| {
                if !(param.is_later && value == param.default_value()) {
                    filled.insert(param.name.to_owned(), value);
                }
            };
            let problem = match (table.get(param.name), param.default) {
                (Some(value), _) => match param.canonical(value) {
                    Ok(value) => {
                        keep(value);
                        continue;
                    }
                    Err(_) => InvalidEntry::Value { allowed: allowed() },
                },
                (None, Some(_)) => {
                    keep(param.default_value());
                    continue;
                }
                (None, None) if is_misspelt => continue,
                (None, None) => InvalidEntry::Missing { allowed: allowed() },
            };
            problems.push(InvalidParam::Entry {
                name: param.name.to_owned(),
                problem,
            });
        }
        InvalidParam::all(problems).map(|()| filled)
    }

    /// Entries that `variant` does not have, each with the other kinds that have it.
    fn unknown_entries(
        &self,
        variant: &Variant,
        table: &BTreeMap<String, Value>,
    ) -> Vec<InvalidParam> {
        let is_tagged = matches!(self.form, Form::Tagged { .. });
        let has =
            |variant: &Variant, name: &str| variant.params.iter().any(|param| param.name == name);
        let names = variant.params.iter().map(|param| param.name);
        let allowed: Vec<&'static str> = (is_tagged.then_some(KIND).into_iter())
            .chain(names)
            .collect();
        (table.keys())
            .filter(|name| !allowed.contains(&name.as_str()))
            .map(|name| InvalidParam::Entry {
                name: name.clone(),
                problem: InvalidEntry::Unknown {
                    allowed: allowed.clone(),
                    kinds: (self.variants.iter())
                        .filter(|other| has(other, name))
                        .map(|other| other.kind)
                        .collect(),
                },
            })
            .collect()
    }
}
