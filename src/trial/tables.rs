//! Settings that are tables: `lr_schedule`, `early_stopping`. What is wrong with one is said of the entry that is at
//! fault.

use std::collections::BTreeMap;

use super::mlp::{Decay, EarlyStopping, LrSchedule, MAX_EPOCHS};
use super::settings::{Fault, Key, Rejected};
use super::value::Value;

/// What a table that has a `kind`, or stands for one by its name alone, may have as such.
const KIND: &str = "kind";

pub const LR_SCHEDULE_KEYS: &[Key] = &[
    Key::new(
        KIND,
        "\"constant\", \"cosine\" or \"step\"",
        "after the warm-up: keep `lr`; half a cosine down to `floor`; times `gamma` now and then",
    ),
    Key::new(
        "warmup",
        "a number of epochs from 0, such as 2 or 0.5",
        "epochs over which the rate first rises in a line, step by step, up to `lr`",
    ),
    Key::new(
        "floor",
        "a number in [0, 1]",
        "with \"cosine\": the share of `lr` that is left at the last step",
    ),
    Key::new(
        "every",
        "an integer from 1 to 1000000",
        "with \"step\": epochs between two drops",
    ),
    Key::new(
        "gamma",
        "a number above 0, at most 1",
        "with \"step\": what the rate is multiplied with at each drop",
    ),
];

pub const EARLY_STOPPING_KEYS: &[Key] = &[
    Key::new(
        "patience",
        "an integer from 1 to 1000000",
        "epochs without improvement after which a trial ends",
    ),
    Key::new(
        "min_delta",
        "a number from 0",
        "an improvement of the objective counts if it is larger than this",
    ),
];

/// Reads the value of `lr_schedule`: a table, or a kind's name alone.
pub(super) fn lr_schedule(key: &Key, value: &Value) -> Result<LrSchedule, Rejected> {
    let (kind, entries) = Entries::of_kind(key, value, LR_SCHEDULE_KEYS)?;
    let decay = match kind {
        "constant" => {
            entries.only(&[KIND, "warmup"])?;
            Decay::Constant
        }
        "cosine" => {
            entries.only(&[KIND, "warmup", "floor"])?;
            let floor = entries.number("floor", 0.0, |floor| (0.0..=1.0).contains(&floor))?;
            Decay::Cosine { floor }
        }
        "step" => {
            entries.only(&[KIND, "warmup", "every", "gamma"])?;
            Decay::Step {
                every: entries.integer("every", None, (1, MAX_EPOCHS))?,
                gamma: entries.number("gamma", 0.1, |gamma| gamma > 0.0 && gamma <= 1.0)?,
            }
        }
        _ => return Err(entries.unknown_kind(key)),
    };
    let warmup = entries.number("warmup", 0.0, |epochs| epochs >= 0.0)?;
    Ok(LrSchedule { warmup, decay })
}

/// Reads the value of `early_stopping`: a table, or `false`.
pub(super) fn early_stopping(key: &Key, value: &Value) -> Result<Option<EarlyStopping>, Rejected> {
    match value {
        Value::Bool(false) => Ok(None),
        Value::Table(table) => {
            let entries = Entries {
                table: Some(table),
                keys: EARLY_STOPPING_KEYS,
            };
            entries.only(&["patience", "min_delta"])?;
            Ok(Some(EarlyStopping {
                patience: entries.integer("patience", None, (1, MAX_EPOCHS))?,
                min_delta: entries.number("min_delta", 0.0, |delta| delta >= 0.0)?,
            }))
        }
        _ => Err(key.reject()),
    }
}

/// The entries of a setting that is a table.
#[derive(Clone, Copy)]
pub(super) struct Entries<'a> {
    /// `None` where a name stands for the table.
    table: Option<&'a BTreeMap<String, Value>>,
    keys: &'static [Key],
}

impl<'a> Entries<'a> {
    /// Of a table with a `kind`, or of a kind's name alone; `keys` are all that any kind has.
    pub(super) fn of_kind(
        key: &Key,
        value: &'a Value,
        keys: &'static [Key],
    ) -> Result<(&'a str, Entries<'a>), Rejected> {
        match value {
            Value::Text(kind) => Ok((kind, Entries { table: None, keys })),
            Value::Table(table) => {
                let entries = Entries {
                    table: Some(table),
                    keys,
                };
                match table.get(KIND) {
                    Some(Value::Text(kind)) => Ok((kind, entries)),
                    Some(_) => Err(entries.refuse(KIND)),
                    None => Err(entries.missing(KIND)),
                }
            }
            _ => Err(key.reject()),
        }
    }

    /// Refuses entries other than `names`.
    pub(super) fn only(&self, names: &'static [&'static str]) -> Result<(), Rejected> {
        let mut there = self.table.into_iter().flat_map(BTreeMap::keys);
        match there.find(|name| !names.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(Rejected::Entry {
                key: name.clone(),
                fault: Fault::Unknown { allowed: names },
            }),
        }
    }

    /// A number for which `holds`; `default` where there is none.
    pub(super) fn number(
        &self,
        name: &'static str,
        default: f64,
        holds: fn(f64) -> bool,
    ) -> Result<f64, Rejected> {
        match self.get(name) {
            Some(value) => (self.key(name).number(value, holds)).map_err(|_| self.refuse(name)),
            None => Ok(default),
        }
    }

    /// An integer within the bounds; `default` where there is none, which is an error without a default.
    pub(super) fn integer(
        &self,
        name: &'static str,
        default: Option<u32>,
        (from, to): (u32, u32),
    ) -> Result<u32, Rejected> {
        match (self.get(name), default) {
            (Some(value), _) => {
                (self.key(name).integer(value, from, to)).map_err(|_| self.refuse(name))
            }
            (None, Some(default)) => Ok(default),
            (None, None) => Err(self.missing(name)),
        }
    }

    /// Refuses a kind that there is not.
    pub(super) fn unknown_kind(&self, key: &Key) -> Rejected {
        match self.table {
            Some(_) => self.refuse(KIND),
            None => key.reject(),
        }
    }

    /// Refuses the value of `name`.
    pub(super) fn refuse(&self, name: &'static str) -> Rejected {
        Rejected::Entry {
            key: name.to_owned(),
            fault: Fault::Value {
                allowed: self.key(name).allowed,
            },
        }
    }

    fn missing(&self, name: &'static str) -> Rejected {
        Rejected::Entry {
            key: name.to_owned(),
            fault: Fault::Missing {
                allowed: self.key(name).allowed,
            },
        }
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.table.and_then(|table| table.get(name))
    }

    fn key(&self, name: &str) -> &'static Key {
        let found = self.keys.iter().find(|key| key.name == name);
        found.expect("only keys of the table are asked for")
    }
}

#[cfg(test)]
mod tests {
    use super::super::MlpSpec;
    use super::*;

    fn table(entries: &[(&str, Value)]) -> Value {
        let entries = entries.iter();
        Value::Table(
            entries
                .map(|(key, value)| ((*key).to_owned(), value.clone()))
                .collect(),
        )
    }

    #[test]
    fn the_entry_at_fault_is_named() {
        let kind = |kind: &str| ("kind", Value::Text(kind.to_owned()));
        for (key, value, at, says) in [
            (
                "lr_schedule",
                table(&[kind("cosine"), ("floor", Value::Int(2))]),
                "floor",
                "[0, 1]",
            ),
            (
                "lr_schedule",
                table(&[kind("cosine"), ("flor", Value::Int(0))]),
                "flor",
                "floor",
            ),
            (
                "lr_schedule",
                table(&[kind("step"), ("floor", Value::Int(0))]),
                "floor",
                "gamma",
            ),
            ("lr_schedule", table(&[kind("step")]), "every", "1000000"),
            (
                "lr_schedule",
                table(&[("warmup", Value::Int(1))]),
                "kind",
                "cosine",
            ),
            ("lr_schedule", table(&[kind("linear")]), "kind", "cosine"),
            (
                "early_stopping",
                table(&[("patience", Value::Int(0))]),
                "patience",
                "from 1",
            ),
            (
                "early_stopping",
                table(&[
                    ("patience", Value::Int(1)),
                    ("min_delta", Value::Float(-1.0)),
                ]),
                "min_delta",
                "from 0",
            ),
        ] {
            let refused = MlpSpec::default().set(key, &value);
            let Err(Rejected::Entry { key: found, fault }) = refused else {
                panic!("{key} = {value}: {refused:?}");
            };
            assert_eq!(found, at, "{key} = {value}");
            let allowed = match fault {
                Fault::Unknown { allowed } => allowed.join(" "),
                Fault::Missing { allowed } | Fault::Value { allowed } => allowed.to_owned(),
            };
            assert!(allowed.contains(says), "{key} = {value}: {allowed}");
        }
    }

    #[test]
    fn a_list_names_the_item_at_fault() {
        let layers = Value::List(vec![Value::Int(64), Value::Int(0)]);
        let refused = MlpSpec::default().set("layers", &layers);
        assert!(
            matches!(refused, Err(Rejected::Item { at: 1, .. })),
            "{refused:?}"
        );
    }
}
