//! Settings that are tables: `lr_schedule`, `early_stopping`. What is wrong with one is said of the entry that is at
//! fault.

use std::cell::RefCell;
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

/// What a schedule of each kind may have.
const LR_SCHEDULE_KINDS: Kinds = &[
    ("constant", &[KIND, "warmup"]),
    ("cosine", &[KIND, "warmup", "floor"]),
    ("step", &[KIND, "warmup", "every", "gamma"]),
];

/// Reads the value of `lr_schedule`: a table, or a kind's name alone.
pub(super) fn lr_schedule(key: &Key, value: &Value) -> Result<LrSchedule, Rejected> {
    let (kind, entries) = Entries::of_kind(key, value, LR_SCHEDULE_KEYS, LR_SCHEDULE_KINDS)?;
    let decay = match kind {
        "cosine" => Decay::Cosine {
            floor: entries.number("floor", 0.0, |floor| (0.0..=1.0).contains(&floor)),
        },
        "step" => Decay::Step {
            every: entries.integer("every", None, (1, MAX_EPOCHS)),
            gamma: entries.number("gamma", 0.1, |gamma| gamma > 0.0 && gamma <= 1.0),
        },
        _ => Decay::Constant,
    };
    let warmup = entries.number("warmup", 0.0, |epochs| epochs >= 0.0);
    entries.finish(LrSchedule { warmup, decay })
}

/// Reads the value of `early_stopping`: a table, or `false`.
pub(super) fn early_stopping(key: &Key, value: &Value) -> Result<Option<EarlyStopping>, Rejected> {
    match value {
        Value::Bool(false) => Ok(None),
        Value::Table(table) => {
            let entries = Entries::new(Some(table), EARLY_STOPPING_KEYS);
            entries.only(&["patience", "min_delta"], |_| Vec::new());
            let stopping = EarlyStopping {
                patience: entries.integer("patience", None, (1, MAX_EPOCHS)),
                min_delta: entries.number("min_delta", 0.0, |delta| delta >= 0.0),
            };
            entries.finish(Some(stopping))
        }
        _ => Err(key.reject()),
    }
}

/// The kinds of a table, each with the entries that it may have.
pub(super) type Kinds = &'static [(&'static str, &'static [&'static str])];

/// The entries of a setting that is a table. Faults are gathered, so that [`Entries::finish`] tells all of them; what is
/// read in the place of a faulty entry means nothing.
pub(super) struct Entries<'a> {
    /// `None` where a name stands for the table.
    table: Option<&'a BTreeMap<String, Value>>,
    keys: &'static [Key],
    faults: RefCell<Vec<Rejected>>,
}

impl<'a> Entries<'a> {
    fn new(table: Option<&'a BTreeMap<String, Value>>, keys: &'static [Key]) -> Entries<'a> {
        Entries {
            table,
            keys,
            faults: RefCell::default(),
        }
    }

    /// Of a table with a `kind`, or of a kind's name alone; `keys` are all that any of `kinds` has. The kind is one of
    /// them.
    pub(super) fn of_kind(
        key: &Key,
        value: &'a Value,
        keys: &'static [Key],
        kinds: Kinds,
    ) -> Result<(&'static str, Entries<'a>), Rejected> {
        let (name, table) = match value {
            Value::Text(name) => (Some(name), None),
            Value::Table(table) => {
                let name = match table.get(KIND) {
                    Some(Value::Text(name)) => Some(name),
                    _ => None,
                };
                (name, Some(table))
            }
            _ => return Err(key.reject()),
        };
        let entries = Entries::new(table, keys);
        let kind = kinds
            .iter()
            .find(|(kind, _)| name.is_some_and(|name| name == kind));
        let Some((kind, names)) = kind else {
            return Err(match table {
                Some(table) if table.contains_key(KIND) => entries.refused(KIND),
                Some(_) => entries.missing(KIND),
                None => key.reject(),
            });
        };
        let other_kinds = |name: &str| {
            let have = kinds.iter().filter(|(_, names)| names.contains(&name));
            have.map(|(kind, _)| *kind).collect()
        };
        entries.only(names, other_kinds);
        Ok((kind, entries))
    }

    /// Refuses entries other than `names`, and tells which other kinds have them.
    fn only(&self, names: &'static [&'static str], kinds: impl Fn(&str) -> Vec<&'static str>) {
        let there = self.table.into_iter().flat_map(BTreeMap::keys);
        for name in there.filter(|name| !names.contains(&name.as_str())) {
            self.add(Rejected::Entry {
                key: name.clone(),
                fault: Fault::Unknown {
                    allowed: names,
                    kinds: kinds(name),
                },
            });
        }
    }

    /// A number for which `holds`; `default` where there is none.
    pub(super) fn number(&self, name: &'static str, default: f64, holds: fn(f64) -> bool) -> f64 {
        let Some(value) = self.get(name) else {
            return default;
        };
        let read = self.key(name).number(value, holds);
        read.unwrap_or_else(|_| {
            self.refuse(name);
            default
        })
    }

    /// An integer within the bounds; `default` where there is none, which is an error without a default.
    pub(super) fn integer(
        &self,
        name: &'static str,
        default: Option<u32>,
        (from, to): (u32, u32),
    ) -> u32 {
        let read = self
            .get(name)
            .map(|value| self.key(name).integer(value, from, to));
        match (read, default) {
            (Some(Ok(number)), _) => number,
            (Some(Err(_)), _) => {
                self.refuse(name);
                from
            }
            (None, Some(default)) => default,
            (None, None) => {
                if !self.is_misspelt() {
                    self.add(self.missing(name));
                }
                from
            }
        }
    }

    /// An integer for which `holds`; `default` where there is none.
    pub(super) fn integer_that(
        &self,
        name: &'static str,
        default: u32,
        holds: fn(u32) -> bool,
    ) -> u32 {
        let read = (self.get(name)).map(|value| self.key(name).integer(value, 0, u32::MAX));
        match read {
            None => default,
            Some(Ok(number)) if holds(number) => number,
            Some(_) => {
                self.refuse(name);
                default
            }
        }
    }

    /// Refuses the value of `name`.
    fn refuse(&self, name: &'static str) {
        self.add(self.refused(name));
    }

    /// `value`, unless an entry is at fault.
    pub(super) fn finish<T>(self, value: T) -> Result<T, Rejected> {
        Rejected::all(self.faults.into_inner()).map(|()| value)
    }

    /// Whether an entry is there that no kind has: it may be the one that is missing.
    fn is_misspelt(&self) -> bool {
        let is_of_none = |fault: &Rejected| match fault {
            Rejected::Entry {
                fault: Fault::Unknown { kinds, .. },
                ..
            } => kinds.is_empty(),
            _ => false,
        };
        self.faults.borrow().iter().any(is_of_none)
    }

    fn add(&self, fault: Rejected) {
        self.faults.borrow_mut().push(fault);
    }

    fn refused(&self, name: &'static str) -> Rejected {
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

/// A table with `entries`.
#[cfg(test)]
pub(super) fn table(entries: &[(&str, Value)]) -> Value {
    let entries = entries.iter();
    Value::Table(
        entries
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::super::MlpSpec;
    use super::*;

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
                table(&[
                    kind("step"),
                    ("every", Value::Int(1)),
                    ("floor", Value::Int(0)),
                ]),
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
                Fault::Unknown { allowed, .. } => allowed.join(" "),
                Fault::Missing { allowed } | Fault::Value { allowed } => allowed.to_owned(),
            };
            assert!(allowed.contains(says), "{key} = {value}: {allowed}");
        }
    }

    #[test]
    fn every_entry_at_fault_is_named() {
        let kind = ("kind", Value::Text("step".to_owned()));
        let zero = || Value::Int(0);
        let schedule = table(&[
            kind,
            ("every", zero()),
            ("gamma", zero()),
            ("floor", zero()),
        ]);
        let refused = MlpSpec::default().set("lr_schedule", &schedule);
        let Err(Rejected::Several(faults)) = refused else {
            panic!("{refused:?}");
        };
        let named = |fault: &Rejected| match fault {
            Rejected::Entry {
                key,
                fault: Fault::Unknown { kinds, .. },
            } => {
                assert_eq!(kinds, &["cosine"]);
                key.clone()
            }
            Rejected::Entry { key, .. } => key.clone(),
            other => panic!("{other:?}"),
        };
        let names: Vec<String> = faults.iter().map(named).collect();
        assert_eq!(names, ["floor", "every", "gamma"]);
        for (key, value) in [
            ("layers", Value::List(vec![zero(), Value::Int(8), zero()])),
            ("betas", Value::List(vec![Value::Int(1), Value::Int(2)])),
            (
                "early_stopping",
                table(&[("patience", zero()), ("min_delta", Value::Int(-1))]),
            ),
            (
                "embedding",
                table(&[
                    ("kind", Value::Text("periodic".to_owned())),
                    ("width", zero()),
                    ("sigma", zero()),
                ]),
            ),
        ] {
            let refused = MlpSpec::default().set(key, &value);
            let Err(Rejected::Several(faults)) = refused else {
                panic!("{key}: {refused:?}");
            };
            assert_eq!(faults.len(), 2, "{key}");
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
