//! Values on their way into and out of the database, which is not trusted: another program may
//! have changed it. What does not parse is an error that names table, row and column, never a panic.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use rusqlite::Row;
use rusqlite::types::{FromSql, Value as Sql, ValueRef};

use super::StoreError;
use sweep_core::data_config::Edition;
use sweep_core::trial::{Goal, Kind, Objective, Status, Value};

/// The last millisecond of the year 9999.
const LAST_MS: i64 = 253_402_300_799_999;
/// Characters of a text that will not do which are shown.
const SHOWN: usize = 60;

/// One row being read.
pub(super) struct Cells<'a> {
    pub(super) path: &'a Path,
    /// The table to name in an error.
    pub(super) table: &'static str,
    /// The column whose value names the row in an error.
    pub(super) key: &'static str,
    pub(super) row: &'a Row<'a>,
}

impl Cells<'_> {
    /// The value of `column`, which is `allowed`.
    pub(super) fn get<T: FromSql>(
        &self,
        column: &'static str,
        allowed: &'static str,
    ) -> Result<T, StoreError> {
        self.row
            .get(column)
            .map_err(|_| self.refuse(column, allowed))
    }

    pub(super) fn text(&self, column: &'static str) -> Result<String, StoreError> {
        self.get(column, "text")
    }

    pub(super) fn optional_text(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        self.get(column, "text or NULL")
    }

    pub(super) fn path_of(&self, column: &'static str) -> Result<PathBuf, StoreError> {
        self.text(column).map(PathBuf::from)
    }

    /// A path that stays in the folder it is taken from.
    pub(super) fn path_within(&self, column: &'static str) -> Result<PathBuf, StoreError> {
        let path = self.path_of(column)?;
        let mut parts = path.components().peekable();
        let stays =
            parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)));
        match stays && !path.as_os_str().as_encoded_bytes().contains(&0) {
            true => Ok(path),
            false => Err(self.refuse(column, "a path within the folder of the trial")),
        }
    }

    /// The name of an experiment, which is that of folders as well.
    pub(super) fn name(&self, column: &'static str) -> Result<String, StoreError> {
        let name = self.text(column)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        match !name.is_empty() && !name.starts_with('.') && name.bytes().all(plain) {
            true => Ok(name),
            false => Err(self.refuse(
                column,
                "letters, digits, `.`, `_` and `-`, not beginning with `.`",
            )),
        }
    }

    /// An integer that fits `T`.
    pub(super) fn int<T: TryFrom<i64>>(&self, column: &'static str) -> Result<T, StoreError> {
        self.optional_int(column)?
            .ok_or_else(|| self.refuse(column, "an integer"))
    }

    /// An integer that fits `T`, or NULL.
    pub(super) fn optional_int<T: TryFrom<i64>>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        let value = self.get::<Option<i64>>(column, "an integer")?;
        // Every column of a time is called so; whoever subtracts two need not fear for the difference.
        if column.ends_with("_ms") && value.is_some_and(|time| !(0..=LAST_MS).contains(&time)) {
            return Err(self.refuse(column, "milliseconds since 1970, up to the year 9999"));
        }
        value
            .map(T::try_from)
            .transpose()
            .map_err(|_| self.refuse(column, "an integer that is not negative and not too large"))
    }

    /// A number for which NULL stands for NaN.
    pub(super) fn number(&self, column: &'static str) -> Result<f64, StoreError> {
        let value = self.get::<Option<f64>>(column, "a number or NULL")?;
        Ok(value.unwrap_or(f64::NAN))
    }

    pub(super) fn status(&self, column: &'static str) -> Result<Status, StoreError> {
        Status::parse(&self.text(column)?).ok_or_else(|| {
            self.refuse(
                column,
                "pending, running, finished, diverged, failed or interrupted",
            )
        })
    }

    pub(super) fn kind(&self, column: &'static str) -> Result<Kind, StoreError> {
        Kind::parse(&self.text(column)?).ok_or_else(|| self.refuse(column, Kind::allowed()))
    }

    /// Whose defaults hold for the data of an experiment file.
    pub(super) fn edition(&self, column: &'static str) -> Result<Edition, StoreError> {
        Edition::from_number(self.int(column)?)
            .ok_or_else(|| self.refuse(column, "1 or 2; the sweep was run by a newer version"))
    }

    /// The columns `metric` and `goal`.
    pub(super) fn objective(&self) -> Result<Objective, StoreError> {
        let goal = match self.text("goal")?.as_str() {
            "min" => Goal::Min,
            "max" => Goal::Max,
            _ => return Err(self.refuse("goal", "min or max")),
        };
        Ok(Objective {
            metric: self.text("metric")?,
            goal,
        })
    }

    /// A JSON list of texts.
    pub(super) fn texts(&self, column: &'static str) -> Result<Vec<String>, StoreError> {
        serde_json::from_str(&self.text(column)?)
            .map_err(|_| self.refuse(column, "a JSON list of texts"))
    }

    /// A JSON object of texts, by name.
    pub(super) fn named_texts(
        &self,
        column: &'static str,
    ) -> Result<Vec<(String, String)>, StoreError> {
        serde_json::from_str::<BTreeMap<String, String>>(&self.text(column)?)
            .map(|named| named.into_iter().collect())
            .map_err(|_| self.refuse(column, "a JSON object of texts"))
    }

    /// A text that is a name of 32 or 64 hexadecimal digits.
    pub(super) fn hex(&self, column: &'static str, digits: usize) -> Result<String, StoreError> {
        let text = self.text(column)?;
        match text.len() == digits && is_hex(&text) {
            true => Ok(text),
            false => Err(self.refuse(column, "a name of lower-case hexadecimal digits")),
        }
    }

    /// The columns `type` and `value` of a hyper-parameter.
    pub(super) fn param(&self) -> Result<Value, StoreError> {
        let cell = self.get::<Sql>("value", "a value of its type")?;
        let value = match (self.text("type")?.as_str(), cell) {
            ("bool", Sql::Integer(value @ (0 | 1))) => Some(Value::Bool(value == 1)),
            ("int", Sql::Integer(value)) => Some(Value::Int(value)),
            ("float", Sql::Real(value)) => Some(Value::Float(value)),
            ("text", Sql::Text(value)) => Some(Value::Text(value)),
            ("list", Sql::Text(json)) => serde_json::from_str(&json).ok().map(Value::List),
            ("table", Sql::Text(json)) => serde_json::from_str(&json).ok().map(Value::Table),
            _ => None,
        };
        value.ok_or_else(|| {
            self.refuse(
                "value",
                "what its type says: bool (0 or 1), int, float, text, list or table (JSON)",
            )
        })
    }

    /// The error for a value that will not do.
    pub(super) fn refuse(&self, column: &'static str, allowed: impl Into<Box<str>>) -> StoreError {
        StoreError::Value {
            path: self.path.to_path_buf(),
            table: self.table,
            key: self.shown(self.key),
            column,
            found: self.shown(column),
            allowed: allowed.into(),
        }
    }

    fn shown(&self, column: &str) -> String {
        match self.row.get_ref(column) {
            Ok(ValueRef::Null) => "NULL".to_owned(),
            Ok(ValueRef::Integer(value)) => value.to_string(),
            Ok(ValueRef::Real(value)) => value.to_string(),
            Ok(ValueRef::Text(text)) => {
                let text = String::from_utf8_lossy(text);
                let mut begin: String = text.chars().take(SHOWN).collect();
                if begin.len() < text.len() {
                    begin.push('…');
                }
                format!("`{}`", begin.escape_debug())
            }
            Ok(ValueRef::Blob(bytes)) => format!("a blob of {} bytes", bytes.len()),
            Err(_) => "?".to_owned(),
        }
    }
}

/// Whether `text` is made of lower-case hexadecimal digits alone.
pub(super) fn is_hex(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The type and the value under which a hyper-parameter is filed; `None` for a number that is not
/// finite, which neither the column nor JSON can hold.
pub(super) fn param_cells(value: &Value) -> Option<(&'static str, Sql)> {
    let json = |value: &Value| serde_json::to_string(value).ok().map(Sql::Text);
    Some(match value {
        Value::Bool(value) => ("bool", Sql::Integer(i64::from(*value))),
        Value::Int(value) => ("int", Sql::Integer(*value)),
        Value::Float(value) if value.is_nan() => return None,
        Value::Float(value) => ("float", Sql::Real(*value)),
        Value::Text(value) => ("text", Sql::Text(value.clone())),
        Value::List(_) if has_non_finite(value) => return None,
        Value::Table(_) if has_non_finite(value) => return None,
        Value::List(_) => ("list", json(value)?),
        Value::Table(_) => ("table", json(value)?),
    })
}

/// Whether there is a number in `value` that JSON has no spelling for.
fn has_non_finite(value: &Value) -> bool {
    match value {
        Value::Float(value) => !value.is_finite(),
        Value::List(values) => values.iter().any(has_non_finite),
        Value::Table(entries) => entries.values().any(has_non_finite),
        Value::Bool(_) | Value::Int(_) | Value::Text(_) => false,
    }
}

/// `value` as SQLite's signed integer.
pub(super) fn to_int(what: &str, value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::InvalidValue {
        what: what.to_owned(),
        found: value.to_string(),
        allowed: "an integer up to 9223372036854775807",
    })
}

/// `path` as text.
pub(super) fn to_text<'a>(what: &str, path: &'a Path) -> Result<&'a str, StoreError> {
    path.to_str().ok_or_else(|| StoreError::InvalidValue {
        what: what.to_owned(),
        found: path.display().to_string(),
        allowed: "a path in UTF-8",
    })
}

/// `list` as JSON.
pub(super) fn to_json(list: &[String]) -> String {
    serde_json::Value::from(list).to_string()
}

/// `named` texts as a JSON object; of two with one name, the last.
pub(super) fn to_json_object(named: &[(String, String)]) -> String {
    let object: serde_json::Map<String, serde_json::Value> = named
        .iter()
        .map(|(name, text)| (name.clone(), text.as_str().into()))
        .collect();
    serde_json::Value::Object(object).to_string()
}
