//! Values of TOML files; the crate `toml_edit` keeps everything else.

use sweep_core::format::toml_string;
use sweep_core::trial::Value;
use toml_edit::{DocumentMut, Item, Table, TableLike};

use super::error::ConfigError;
use super::key::{Key, Step};
use crate::values::float_text;

/// `text` with each value at its key.
pub fn write(text: &str, keys: &[(Key, &Value)]) -> Result<String, ConfigError> {
    let mut document: DocumentMut =
        text.parse()
            .map_err(|error: toml_edit::TomlError| ConfigError::Syntax {
                format: "TOML",
                problem: error.to_string().trim_end().to_owned(),
            })?;
    for (key, value) in keys {
        let text = inline(value, float_text, " = ");
        let value = text
            .parse()
            .map_err(|_| ConfigError::unwritable(key, "TOML has no such value"))?;
        set(document.as_item_mut(), key, value)?;
    }
    Ok(document.to_string())
}

/// A value on one line, with the strings of TOML, which YAML reads in the same way.
pub fn inline(value: &Value, float: fn(f64) -> String, assign: &str) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => float(*value),
        Value::Text(text) => toml_string(text),
        Value::List(values) => {
            let items: Vec<String> = values
                .iter()
                .map(|value| inline(value, float, assign))
                .collect();
            format!("[{}]", items.join(", "))
        }
        Value::Table(entries) => {
            let entry = |(key, value): (&String, &Value)| {
                format!(
                    "{}{assign}{}",
                    toml_string(key),
                    inline(value, float, assign)
                )
            };
            let entries: Vec<String> = entries.iter().map(entry).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// A place that has a value.
enum Place<'a> {
    Item(&'a mut Item),
    /// In a list, or in a table in braces.
    Value(&'a mut toml_edit::Value),
    /// One of `[[tables]]`.
    Table(&'a mut Table),
}

fn set(root: &mut Item, key: &Key, value: toml_edit::Value) -> Result<(), ConfigError> {
    let mut place = Place::Item(root);
    for (number, step) in key.steps.iter().enumerate() {
        let is_last = number + 1 == key.steps.len();
        if is_last
            && key.may_add
            && let Step::Name(name) = step
            && let Some(table) = place.table()
            && !table.contains_key(name)
        {
            table.insert(name, Item::Value(value));
            return Ok(());
        }
        place = place.inner(key, number, step)?;
    }
    place.set(key, value)
}

impl<'a> Place<'a> {
    fn table(&mut self) -> Option<&mut dyn TableLike> {
        match self {
            Place::Item(item) => item.as_table_like_mut(),
            Place::Value(value) => value
                .as_inline_table_mut()
                .map(|table| table as &mut dyn TableLike),
            Place::Table(table) => Some(*table),
        }
    }

    fn inner(self, key: &Key, number: usize, step: &Step) -> Result<Place<'a>, ConfigError> {
        let out_of_range = |length| ConfigError::OutOfRange {
            key: key.text.clone(),
            at: key.beginning(number),
            length,
        };
        let index = step.index().unwrap_or_default();
        let is_index = step.index().is_some();
        let found = self.name();
        match (self, step) {
            (Place::Item(Item::Value(value)), _) => Place::Value(value).inner(key, number, step),
            (Place::Item(Item::Table(table)), Step::Name(_)) => {
                Place::Table(table).inner(key, number, step)
            }
            (Place::Item(Item::ArrayOfTables(tables)), _) if is_index => {
                let length = tables.len();
                tables
                    .get_mut(index)
                    .map(Place::Table)
                    .ok_or_else(|| out_of_range(length))
            }
            (Place::Value(toml_edit::Value::Array(items)), _) if is_index => {
                let length = items.len();
                items
                    .get_mut(index)
                    .map(Place::Value)
                    .ok_or_else(|| out_of_range(length))
            }
            (Place::Value(toml_edit::Value::InlineTable(table)), Step::Name(name)) => {
                match table.contains_key(name) {
                    true => Ok(Place::Value(&mut table[name])),
                    false => Err(ConfigError::missing(
                        key,
                        number,
                        table.iter().map(|(name, _)| name),
                    )),
                }
            }
            (Place::Table(table), Step::Name(name)) => match table.contains_key(name) {
                true => Ok(Place::Item(&mut table[name])),
                false => Err(ConfigError::missing(
                    key,
                    number,
                    table.iter().map(|(name, _)| name),
                )),
            },
            _ => Err(ConfigError::not_a_table(key, number, found)),
        }
    }

    fn set(self, key: &Key, mut new: toml_edit::Value) -> Result<(), ConfigError> {
        match self {
            // Blanks and comments around stay.
            Place::Item(Item::Value(value)) | Place::Value(value) => {
                *new.decor_mut() = value.decor().clone();
                *value = new;
                Ok(())
            }
            Place::Item(item) => {
                *item = Item::Value(new);
                Ok(())
            }
            Place::Table(_) => Err(ConfigError::unwritable(
                key,
                "it is one of an array of tables; set the keys within it",
            )),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Place::Item(Item::ArrayOfTables(_)) | Place::Value(toml_edit::Value::Array(_)) => {
                "a list"
            }
            Place::Item(Item::Table(_))
            | Place::Table(_)
            | Place::Value(toml_edit::Value::InlineTable(_)) => "a table",
            Place::Item(_) | Place::Value(_) => "a single value",
        }
    }
}
