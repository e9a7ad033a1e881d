//! Settings that are tables, such as `lr_schedule`: what is wrong with one is said of the entry that is at fault.

use std::collections::BTreeMap;

use super::super::value::Value;
use super::invalid::{InvalidEntry, InvalidParam};
use super::param::ParamDef;

/// The entry that tells which variant a table is.
const KIND: &str = "kind";

/// A setting that is a table, or a word or `false` that stands for one.
#[derive(Debug)]
pub struct TableDef {
    pub form: Form,
    pub variants: &'static [Variant],
    /// What may be given, as a sentence fragment.
    pub allowed: &'static str,
}

/// How a table is written.
#[derive(Debug)]
pub enum Form {
    /// `false`, or a table without a kind; there is one variant.
    Optional,
    /// A table with a kind, or the kind's name alone.
    Tagged {
        /// Of the entry `kind`, for the reference.
        about: &'static str,
        /// Whether a table with every entry at its default is kept as the kind's name alone.
        is_shortened: bool,
    },
}

/// The entries that tables of one kind have.
#[derive(Debug)]
pub struct Variant {
    pub kind: &'static str,
    pub params: &'static [ParamDef],
}

/// A row of the reference.
pub struct EntryDoc {
    pub name: &'static str,
    pub allowed: String,
    pub about: &'static str,
}

impl TableDef {
    /// Every entry that any variant has, once.
    pub fn entries(&self) -> Vec<EntryDoc> {
        let mut docs = Vec::new();
        if let Form::Tagged { about, .. } = self.form {
            docs.push(EntryDoc {
                name: KIND,
                allowed: self.kinds(),
                about,
            });
        }
        for param in self.variants.iter().flat_map(|variant| variant.params) {
            if docs.iter().all(|doc| doc.name != param.name) {
                docs.push(EntryDoc {
                    name: param.name,
                    allowed: param.allowed(),
                    about: param.about,
                });
            }
        }
        docs
    }

    /// `"constant", "cosine" or "step"`
    fn kinds(&self) -> String {
        let names: Vec<String> = (self.variants.iter())
            .map(|variant| format!("\"{}\"", variant.kind))
            .collect();
        let (last, others) = names.split_last().expect("a table has variants");
        format!("{} or {last}", others.join(", "))
    }

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
            Some(_) => filled.get(param.name) == Some(&param.default_value()),
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
            let problem = match (table.get(param.name), param.default) {
                (Some(value), _) => match param.canonical(value) {
                    Ok(value) => {
                        filled.insert(param.name.to_owned(), value);
                        continue;
                    }
                    Err(_) => InvalidEntry::Value { allowed: allowed() },
                },
                (None, Some(_)) => {
                    filled.insert(param.name.to_owned(), param.default_value());
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
