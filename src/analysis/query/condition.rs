//! One condition of a query, and whether a row meets it.

use crate::text;
use sweep_core::trial::Value;

/// Floats are equal when they agree in as many digits as were written, and in this many at least:
/// tables show no more, and what is shown can be asked for.
const DIGITS: usize = 4;
/// Keys whose values are identifiers, which are equal to their first digits: tables show no more of them.
const IDENTIFIERS: [&str; 3] = ["trial", "config", "name"];
/// Digits of an identifier that tables show. A page holds no more than some of them, and is asked for all.
const SHOWN_DIGITS: usize = 8;

/// What a query is asked of.
pub trait Row {
    /// What stands under `key`, which is in lower case: several values where the row has several, none where it has none.
    fn values(&self, key: &str) -> Vec<Value>;

    /// Where a word that stands alone is looked for: names, settings, tags.
    fn text(&self) -> String;
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Condition {
    pub(super) is_negated: bool,
    pub(super) test: Test,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    /// The row's text holds this, in lower case.
    Word(String),
    Compare {
        /// In lower case.
        key: String,
        /// The same as it was written.
        written: String,
        /// Place of the key.
        at: usize,
        operator: Operator,
        /// Any of them.
        operands: Vec<Operand>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
    Contains,
    Lacks,
}

/// A value as written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Operand {
    /// In lower case and without white space, as values are compared.
    pub(super) text: String,
    /// And the number that it is, with the significant digits written.
    pub(super) number: Option<(f64, usize)>,
}

/// Longest first, so that `<=` is not read as `<`.
pub(super) const OPERATORS: [(&str, Operator); 9] = [
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("!=", Operator::Unequal),
    ("!~", Operator::Lacks),
    ("==", Operator::Equal),
    ("=", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::Greater),
    ("~", Operator::Contains),
];

impl Condition {
    pub(super) fn holds(&self, row: &impl Row) -> bool {
        let holds = match &self.test {
            Test::Word(word) => row.text().to_lowercase().contains(word),
            Test::Compare {
                key,
                operator,
                operands,
                ..
            } => {
                let values = row.values(key);
                let is_name = IDENTIFIERS.contains(&key.as_str());
                let is_any = |wanted: Operator| {
                    let meets = |operand: &Operand, value| match wanted {
                        Operator::Equal if is_name => operand.begins(value),
                        wanted => operand.meets(wanted, value),
                    };
                    let any = |value| operands.iter().any(|operand| meets(operand, value));
                    values.iter().any(any)
                };
                match operator {
                    Operator::Unequal => !values.is_empty() && !is_any(Operator::Equal),
                    Operator::Lacks => !values.is_empty() && !is_any(Operator::Contains),
                    operator => is_any(*operator),
                }
            }
        };
        holds != self.is_negated
    }
}

impl Operand {
    pub(super) fn of(written: &str) -> Operand {
        let is_numeric = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
        let number = match written.chars().all(is_numeric) {
            true => written
                .parse::<f64>()
                .ok()
                .filter(|number| number.is_finite()),
            false => None,
        };
        let mantissa = written.split(['e', 'E']).next().unwrap_or_default();
        let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
        let significant = digits.trim_start_matches('0').len();
        Operand {
            text: folded(written),
            number: number.map(|number| (number, significant.max(DIGITS))),
        }
    }

    /// Whether this is an identifier's first digits, or continues where the identifier was cut short.
    fn begins(&self, identifier: &Value) -> bool {
        let whole = folded(&text::setting(identifier));
        let is_cut = whole.len() >= SHOWN_DIGITS;
        !self.text.is_empty()
            && (whole.starts_with(&self.text) || is_cut && self.text.starts_with(&whole))
    }

    fn meets(&self, operator: Operator, value: &Value) -> bool {
        let shown = || folded(&text::setting(value));
        if operator == Operator::Contains {
            return shown().contains(&self.text);
        }
        let (Some(found), Some((wanted, digits))) = (value.as_f64(), self.number) else {
            return operator == Operator::Equal && shown() == self.text;
        };
        match operator {
            Operator::Equal if matches!(value, Value::Int(_)) || wanted == 0.0 => found == wanted,
            Operator::Equal => {
                let last = wanted.abs().log10().floor() - digits as f64 + 1.0;
                (found - wanted).abs() <= 0.5 * 10f64.powf(last)
            }
            Operator::Less => found < wanted,
            Operator::AtMost => found <= wanted,
            Operator::Greater => found > wanted,
            Operator::AtLeast => found >= wanted,
            Operator::Contains | Operator::Unequal | Operator::Lacks => false,
        }
    }
}

/// `text` as values are compared: `[64, 32]` is `[64,32]`, `Adam` is `adam`.
fn folded(text: &str) -> String {
    let letters = text.chars().filter(|c| !c.is_whitespace());
    letters.collect::<String>().to_lowercase()
}
