//! The values of settings as text for a program, and as JSON.
//!
//! Invariant: what is written reads back as the same value, floats to the bit. An infinity and what is not a number are
//! written as Python's `json` and `float` read them.

use serde_json::Number;
use sweep_core::trial::Value;

/// A value as one argument or environment variable: texts as they are, booleans as `true` and `false`, integers
/// plain, lists and tables as JSON without blanks. Floats are the shortest text that reads back as the same number,
/// always with a point or an exponent: `1.0`, `0.0001`, `1e-5`, `1e16`; further `nan`, `inf`, `-inf`.
pub fn to_text(value: &Value) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => float_text(*value),
        Value::Text(text) => text.clone(),
        Value::List(_) | Value::Table(_) => to_json_text(value),
    }
}

/// A value as JSON text. JSON has no text for what is not finite: it becomes `NaN`, `Infinity` and `-Infinity`, which
/// Python's `json` writes and reads.
pub fn to_json_text(value: &Value) -> String {
    let mut text = String::new();
    write_json(value, &mut text);
    text
}

/// A value as JSON. Floats that are not finite become the strings `NaN`, `Infinity` and `-Infinity`, as in the JSON of
/// protocol buffers, because JSON has no numbers for them.
pub fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Bool(value) => (*value).into(),
        Value::Int(value) => (*value).into(),
        Value::Float(value) => match Number::from_f64(*value) {
            Some(number) => serde_json::Value::Number(number),
            None => json_float(*value).into(),
        },
        Value::Text(text) => text.clone().into(),
        Value::List(values) => values.iter().map(to_json).collect(),
        Value::Table(entries) => entries
            .iter()
            .map(|(key, value)| (key.clone(), to_json(value)))
            .collect(),
    }
}

/// The shortest text that reads back as the same number, with a point or an exponent; in Rust's spelling of
/// numbers, but `nan` in small letters.
pub(crate) fn float_text(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    format!("{value:?}")
}

/// A float as Python's `json` writes and reads it.
fn json_float(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value == f64::INFINITY {
        "Infinity".to_owned()
    } else if value == f64::NEG_INFINITY {
        "-Infinity".to_owned()
    } else {
        float_text(value)
    }
}

fn write_json(value: &Value, text: &mut String) {
    match value {
        Value::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => text.push_str(&value.to_string()),
        Value::Float(value) => text.push_str(&json_float(*value)),
        Value::Text(value) => text.push_str(&json_string(value)),
        Value::List(values) => {
            text.push('[');
            for (place, value) in values.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write_json(value, text);
            }
            text.push(']');
        }
        Value::Table(entries) => {
            text.push('{');
            for (place, (key, value)) in entries.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                text.push_str(&json_string(key));
                text.push(':');
                write_json(value, text);
            }
            text.push('}');
        }
    }
}

pub(crate) fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{same, values};

    #[test]
    fn floats_are_short_and_have_a_point_or_an_exponent() {
        let shown = [1.0, 0.0001, 1e-5, 1e16, -0.0, 0.1, 5e-324].map(float_text);
        let expected = ["1.0", "0.0001", "1e-5", "1e16", "-0.0", "0.1", "5e-324"];
        assert_eq!(shown, expected);
        let odd = [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(float_text);
        assert_eq!(odd, ["nan", "nan", "inf", "-inf"]);
    }

    #[test]
    fn floats_read_back_to_the_bit() {
        for value in values(2_000) {
            if let Value::Float(float) = value {
                let read: f64 = float_text(float).parse().unwrap();
                assert!(same(&Value::Float(read), &Value::Float(float)), "{float:e}");
            }
        }
    }

    #[test]
    fn only_lists_and_tables_are_written_as_json() {
        let list = Value::List(vec![
            Value::Text("a \"b\"\n".to_owned()),
            Value::Float(1.0),
            Value::Int(-3),
            Value::Bool(true),
            Value::List(Vec::new()),
        ]);
        assert_eq!(to_text(&list), r#"["a \"b\"\n",1.0,-3,true,[]]"#);
        let table = Value::Table([("é'".to_owned(), Value::Float(f64::NEG_INFINITY))].into());
        assert_eq!(to_text(&table), r#"{"é'":-Infinity}"#);
        assert_eq!(to_text(&Value::Text("a \"b\"\n".to_owned())), "a \"b\"\n");
        assert_eq!(to_text(&Value::Bool(false)), "false");
    }

    #[test]
    fn json_loses_nothing_that_is_finite() {
        for value in values(2_000) {
            let text = to_json(&value).to_string();
            let read: Value = serde_json::from_str(&text).unwrap();
            match value {
                Value::Float(float) if !float.is_finite() => {
                    assert_eq!(read, Value::Text(json_float(float)));
                }
                value => assert!(same(&read, &value), "{text}"),
            }
        }
    }

    #[test]
    fn text_and_value_of_json_are_the_same_where_numbers_are_finite() {
        for value in values(2_000) {
            if !matches!(value, Value::Float(float) if !float.is_finite()) {
                let text = to_json_text(&value);
                let read: serde_json::Value = serde_json::from_str(&text).unwrap();
                assert_eq!(read, to_json(&value), "{text}");
            }
        }
    }
}
