//! How numbers, settings and strings from data are written in tables, files and plots.
//!
//! Nothing that leaves [`sanitize`] can move a cursor, break a line or reverse the reading direction.

use std::borrow::Cow;

pub use sweep_core::format::{format_seconds, pluralize, pluralize_irregular, with_thousands};
pub use sweep_core::sanitize::sanitize;
use sweep_core::trial::{Params, Value};

/// What one run of a configuration is called, and what its means are over: with cross-validation, a seed has a run for
/// each fold.
pub fn run_names(has_folds: bool) -> (&'static str, &'static str) {
    match has_folds {
        true => ("one fold", "seeds and folds"),
        false => ("one seed", "seeds"),
    }
}

/// [`sanitize`], and at most `most` characters, the last of them an ellipsis if some had to go.
pub fn cut(text: &str, most: usize) -> String {
    let text = sanitize(text);
    match text.chars().count() > most {
        true => {
            let kept: String = text.chars().take(most.saturating_sub(1)).collect();
            format!("{}…", kept.trim_end())
        }
        false => text,
    }
}

/// A score or loss with four decimals, or fewer where it is large; exponents where those would say nothing.
pub fn score(value: f64) -> String {
    let size = value.abs();
    match value.is_finite() && size != 0.0 && !(1e-3..1e9).contains(&size) {
        true => format!("{value:.3e}"),
        false => format!("{value:.*}", decimals(value)),
    }
}

/// A difference or standard deviation in the notation of the score `beside` it, so that the two can
/// be compared at a glance.
pub fn difference(value: f64, beside: f64) -> String {
    match score(beside).contains('e') || value.abs() >= 1e9 {
        true => score(value),
        false => format!("{value:.*}", decimals(value).min(decimals(beside))),
    }
}

/// Decimals of a score: of large ones the last would say nothing.
fn decimals(value: f64) -> usize {
    match value.abs() {
        size if size >= 1e5 => 0,
        size if size >= 1e3 => 1,
        _ => 4,
    }
}

/// Of a configuration whose seed changes nothing, and which was trained with so many.
pub fn deterministic(seeds: usize) -> String {
    match seeds {
        1 => "deterministic (same result for every seed)".to_owned(),
        _ => format!("deterministic (same result for all {seeds} seeds)"),
    }
}

/// The column of the parameter `name` in tables that leave the program: parameters, metrics and facts of a trial may
/// have the same name (`lr`, `seconds`).
pub fn param_column(name: &str) -> String {
    format!("params.{name}")
}

/// The column of the metric `name` at the best step.
pub fn metric_column(name: &str) -> String {
    format!("metrics.{name}")
}

/// The shortest text that reads back as `value`, for files that programs read.
pub fn exact(value: f64) -> String {
    Value::Float(value).to_string()
}

/// Milliseconds since 1970 as `2026-03-01 14:05` in UTC.
pub fn utc(milliseconds: i64) -> String {
    match jiff::Timestamp::from_millisecond(milliseconds) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M").to_string(),
        // Beyond the year 9999.
        Err(_) => "unknown".to_owned(),
    }
}

/// `cell`, made harmless where a spreadsheet would take it for a formula: an apostrophe goes before
/// a first character that begins one, numbers excepted (OWASP, "CSV Injection").
pub fn guarded(cell: &str) -> Cow<'_, str> {
    let begins_formula =
        cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    match begins_formula && cell.parse::<f64>().is_err() {
        true => Cow::Owned(format!("'{cell}")),
        false => Cow::Borrowed(cell),
    }
}

/// A setting with floats rounded to four digits: people read a grid in it, programs read the exact
/// number in the CSV files. A table is written as a call: `step(every=10 gamma=0.5)`.
pub fn setting(value: &Value) -> String {
    match value {
        Value::Float(float) if float.is_finite() => {
            let rounded: f64 = format!("{float:.3e}")
                .parse()
                .expect("a float as Rust writes it");
            Value::Float(rounded).to_string()
        }
        Value::Table(entries) => {
            let kind = match entries.get("kind") {
                Some(Value::Text(kind)) => sanitize(kind),
                _ => String::new(),
            };
            let rest: Vec<String> = (entries.iter())
                .filter(|(key, _)| *key != "kind")
                .map(|(key, value)| format!("{key}={}", setting(value)))
                .collect();
            format!("{kind}({})", rest.join(" "))
        }
        value => value.to_string(),
    }
}

/// `key=value` of the params named in `keys`, in the order of `params`; without any, empty.
pub fn settings(params: &Params, keys: &[String]) -> String {
    let shown: Vec<String> = params
        .iter()
        .filter(|(key, _)| keys.contains(key))
        .map(|(key, value)| format!("{key}={}", setting(value)))
        .collect();
    shown.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_print_is_replaced() {
        assert_eq!(
            sanitize("a\n\tb\x1b[31m\u{202e}c"),
            "a  b\u{fffd}[31m\u{fffd}c"
        );
        assert_eq!(sanitize("naïve 日本 <script>"), "naïve 日本 <script>");
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("abcd", 4), "abcd");
        assert_eq!(cut("日本語の名前", 3), "日本…");
    }

    #[test]
    fn numbers_keep_their_digits_where_they_say_something() {
        assert_eq!(score(0.71236), "0.7124");
        assert_eq!(score(1e30), "1.000e30");
        assert_eq!(score(-0.00012), "-1.200e-4");
        assert_eq!(score(f64::NAN), "NaN");
        assert_eq!(score(f64::INFINITY), "inf");
        assert_eq!(difference(0.00051, 0.7), "0.0005");
        assert_eq!(difference(1e28, 1e30), "1.000e28");
        assert_eq!(difference(1e28, 0.7), "1.000e28");
        assert_eq!(exact(0.1 + 0.2), "0.30000000000000004");
        assert_eq!(exact(1e30), "1e30");
    }

    #[test]
    fn settings_are_rounded_to_what_people_read() {
        assert_eq!(setting(&Value::Float(3.1622776601683794e-4)), "3.162e-4");
        assert_eq!(setting(&Value::Float(1.0 / 7.0)), "0.1429");
        assert_eq!(setting(&Value::Float(0.3)), "0.3");
        assert_eq!(setting(&Value::Int(123_456)), "123456");
        let table = [
            ("kind", Value::Text("step".to_owned())),
            ("every", Value::Int(10)),
        ];
        let table = table.map(|(key, value)| (key.to_owned(), value));
        assert_eq!(setting(&Value::Table(table.into())), "step(every=10)");
        let params = vec![
            ("lr".to_owned(), Value::Float(0.001)),
            ("epochs".to_owned(), Value::Int(20)),
        ];
        assert_eq!(settings(&params, &["lr".to_owned()]), "lr=0.001");
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        // From `date -u -d @SECONDS`.
        assert_eq!(utc(0), "1970-01-01 00:00");
        assert_eq!(utc(951_782_400_000), "2000-02-29 00:00");
        assert_eq!(utc(1_772_323_199_999), "2026-02-28 23:59");
        assert_eq!(utc(4_107_542_400_000), "2100-03-01 00:00");
        assert_eq!(utc(-1), "1969-12-31 23:59");
    }
}
