//! The query language: which rows are wanted, as in `lr<0.01 dropout=0.3|0.5 not kind=xgboost`.
//!
//! ```text
//! query     = group { "or" group }          empty: every row
//! group     = condition { condition }       all must hold
//! condition = [ "not" ] ( key operator value { "|" value } | word )
//! operator  = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" (contains) | "!~"
//! value     = number, text, "quoted text", [list] or call(of a table)
//! ```
//!
//! Letters' case matters nowhere: neither in keys, nor in values, nor in `or` and `not`. Pure. The script of the
//! report's page implements the same language; `tests/browser/queries.json` holds both to the same answers. A row
//! without the key meets no condition on it, `!=` included.

use super::text;
use sweep_core::trial::Value;

/// Names at most this many letters away are offered for one that is not there.
const NEAR: usize = 2;
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

/// A query that has been understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Any of these must hold; none at all is held by every row.
    groups: Vec<Vec<Condition>>,
}

/// Why a query cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at character {place})", place = .at + 1)]
pub struct QueryError {
    /// Place of the first character that is meant, from 0.
    pub at: usize,
    /// Number of characters that are meant.
    pub length: usize,
    pub message: String,
}

#[derive(Debug, Clone, PartialEq)]
struct Condition {
    is_negated: bool,
    test: Test,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
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
enum Operator {
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
struct Operand {
    /// In lower case and without white space, as values are compared.
    text: String,
    /// And the number that it is, with the significant digits written.
    number: Option<(f64, usize)>,
}

/// Longest first, so that `<=` is not read as `<`.
const OPERATORS: [(&str, Operator); 9] = [
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

impl Query {
    /// Reads `text`.
    ///
    /// # Errors
    /// With the place of what is not understood.
    pub fn parse(text: &str) -> Result<Query, QueryError> {
        let mut reader = Reader {
            text: text.chars().collect(),
            at: 0,
        };
        let mut groups = vec![Vec::new()];
        let mut or_at = None;
        while reader.skip_space() {
            let begun = reader.at;
            if reader.take_word("or") {
                if groups.last().is_some_and(Vec::is_empty) {
                    return Err(lonely_or(begun));
                }
                groups.push(Vec::new());
                or_at = Some(begun);
                continue;
            }
            let condition = reader.condition()?;
            groups.last_mut().expect("never empty").push(condition);
        }
        match or_at {
            Some(at) if groups.last().is_some_and(Vec::is_empty) => Err(lonely_or(at)),
            _ => Ok(Query { groups }),
        }
    }

    /// Checks that every key is one of `known`.
    ///
    /// # Errors
    /// With the place of a key that is not, and the one that was probably meant.
    pub fn check(&self, known: &[&str]) -> Result<(), QueryError> {
        for condition in self.groups.iter().flatten() {
            let Test::Compare {
                key, written, at, ..
            } = &condition.test
            else {
                continue;
            };
            if known.iter().any(|name| name.to_lowercase() == *key) {
                continue;
            }
            let near = known
                .iter()
                .map(|name| (strsim::levenshtein(name, key), name));
            let near = near.min_by_key(|(distance, _)| *distance);
            let letters = written.chars().count();
            let meant = match near.filter(|(distance, _)| *distance <= NEAR && *distance < letters)
            {
                Some((_, name)) => format!("did you mean `{name}`?"),
                None => format!("there are: {}", known.join(", ")),
            };
            return Err(error(
                *at,
                letters,
                format!("no column `{written}`; {meant}"),
            ));
        }
        Ok(())
    }

    /// Whether `row` is wanted.
    pub fn holds(&self, row: &impl Row) -> bool {
        let all = |group: &Vec<Condition>| group.iter().all(|condition| condition.holds(row));
        self.groups.iter().any(all)
    }
}

impl Condition {
    fn holds(&self, row: &impl Row) -> bool {
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
    fn of(written: &str) -> Operand {
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

    /// Whether this is an identifier's first digits, or goes on where the identifier was cut short.
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

struct Reader {
    text: Vec<char>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    /// Whether anything is left.
    fn skip_space(&mut self) -> bool {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
        self.peek().is_some()
    }

    /// Takes `word` if it stands here alone and is not a key.
    fn take_word(&mut self, word: &str) -> bool {
        let end = self.at + word.chars().count();
        let is_here = self
            .text
            .get(self.at..end)
            .is_some_and(|here| here.iter().flat_map(|c| c.to_lowercase()).eq(word.chars()));
        let ends = self.text.get(end).is_none_or(|c| c.is_whitespace());
        let mut after = Reader {
            text: Vec::new(),
            at: end,
        };
        std::mem::swap(&mut after.text, &mut self.text);
        after.skip_space();
        let is_key = after.operator().is_some();
        std::mem::swap(&mut after.text, &mut self.text);
        let takes = is_here && ends && !is_key;
        if takes {
            self.at = end;
        }
        takes
    }

    /// The operator here, and its number of characters.
    fn operator(&self) -> Option<(Operator, usize)> {
        OPERATORS.into_iter().find_map(|(sign, operator)| {
            let here = self.text.iter().skip(self.at).take(sign.len());
            here.copied()
                .eq(sign.chars())
                .then_some((operator, sign.len()))
        })
    }

    fn condition(&mut self) -> Result<Condition, QueryError> {
        let begun = self.at;
        let is_negated = self.take_word("not");
        if is_negated && !self.skip_space() {
            return Err(error(begun, 3, "`not` has nothing after it".to_owned()));
        }
        let at = self.at;
        if self.peek() == Some('"') {
            let word = self.quoted()?;
            let test = Test::Word(word.to_lowercase());
            return Ok(Condition { is_negated, test });
        }
        while self.peek().is_some_and(|c| !c.is_whitespace()) && self.operator().is_none() {
            self.at += 1;
        }
        let key: String = self.text[at..self.at].iter().collect();
        let after_key = self.at;
        self.skip_space();
        let Some((operator, length)) = self.operator() else {
            self.at = after_key;
            let test = Test::Word(key.to_lowercase());
            return Ok(Condition { is_negated, test });
        };
        let sign: String = self.text[self.at..self.at + length].iter().collect();
        if key.is_empty() {
            let message = format!("`{sign}` has no column before it");
            return Err(error(self.at, length, message));
        }
        self.at += length;
        let operands = self.operands(&key, &sign, operator)?;
        let test = Test::Compare {
            key: key.to_lowercase(),
            written: key,
            at,
            operator,
            operands,
        };
        Ok(Condition { is_negated, test })
    }

    fn operands(
        &mut self,
        key: &str,
        sign: &str,
        operator: Operator,
    ) -> Result<Vec<Operand>, QueryError> {
        let mut operands = Vec::new();
        loop {
            self.skip_space();
            let at = self.at;
            let written = match self.peek() {
                Some('"') => self.quoted()?,
                _ => self.bare()?,
            };
            if at == self.at {
                let message = format!("a value is missing after `{key}{sign}`");
                return Err(error(at, 1, message));
            }
            let operand = Operand::of(&written);
            let compares = ["<", "<=", ">", ">="].contains(&sign);
            if compares && operand.number.is_none() {
                let message = format!("`{sign}` wants a number, and `{written}` is none");
                return Err(error(at, self.at - at, message));
            }
            operands.push(operand);
            let end = self.at;
            self.skip_space();
            if self.peek() != Some('|') {
                self.at = end;
                return Ok(operands);
            }
            if !matches!(
                operator,
                Operator::Equal | Operator::Unequal | Operator::Contains | Operator::Lacks
            ) {
                let message = format!("`|` gives a choice, which `{sign}` cannot have");
                return Err(error(self.at, 1, message));
            }
            self.at += 1;
        }
    }

    /// Up to white space or `|`; what stands in brackets is kept together.
    fn bare(&mut self) -> Result<String, QueryError> {
        let at = self.at;
        let mut open = Vec::new();
        while let Some(c) = self.peek() {
            match c {
                '[' | '(' | '{' => open.push(self.at),
                ']' | ')' | '}' => drop(open.pop()),
                c if open.is_empty() && (c.is_whitespace() || c == '|') => break,
                _ => {}
            }
            self.at += 1;
        }
        match open.first() {
            Some(&at) => {
                let message = format!("`{}` is never closed", self.text[at]);
                Err(error(at, 1, message))
            }
            None => Ok(self.text[at..self.at].iter().collect()),
        }
    }

    fn quoted(&mut self) -> Result<String, QueryError> {
        let at = self.at;
        self.at += 1;
        let mut text = String::new();
        while let Some(c) = self.peek() {
            self.at += 1;
            match c {
                '"' => return Ok(text),
                '\\' => {
                    text.extend(self.peek());
                    self.at += 1;
                }
                c => text.push(c),
            }
        }
        Err(error(at, 1, "this quote is never closed".to_owned()))
    }
}

fn lonely_or(at: usize) -> QueryError {
    error(at, 2, "`or` stands between two conditions".to_owned())
}

fn error(at: usize, length: usize, message: String) -> QueryError {
    QueryError {
        at,
        length,
        message,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;

    struct Example(Json);

    impl Row for Example {
        fn values(&self, key: &str) -> Vec<Value> {
            match &self.0[key] {
                Json::Null => Vec::new(),
                // Several values; a list of one stands in a list of its own.
                Json::Array(values) => {
                    let read = |value: &Json| serde_json::from_value(value.clone()).unwrap();
                    values.iter().map(read).collect()
                }
                value => vec![serde_json::from_value(value.clone()).unwrap()],
            }
        }

        fn text(&self) -> String {
            self.0["text"].as_str().unwrap().to_owned()
        }
    }

    #[test]
    fn every_example_that_the_page_answers_is_answered_alike() {
        let suite: Json =
            serde_json::from_str(include_str!("../../tests/browser/queries.json")).unwrap();
        let known: Vec<&str> = (suite["columns"].as_array().unwrap().iter())
            .map(|name| name.as_str().unwrap())
            .collect();
        let rows = suite["rows"].as_array().unwrap();
        let examples = suite["examples"].as_array().unwrap();
        assert!(examples.len() > 40);
        for example in examples {
            let query = example["query"].as_str().unwrap();
            let answer = Query::parse(query).and_then(|parsed| {
                parsed.check(&known)?;
                let wanted = |(_, row): &(usize, &Json)| parsed.holds(&Example((*row).clone()));
                let places = rows
                    .iter()
                    .enumerate()
                    .filter(wanted)
                    .map(|(place, _)| place);
                Ok(places.collect::<Vec<usize>>())
            });
            match answer {
                Ok(places) => assert_eq!(serde_json::json!(places), example["rows"], "{query}"),
                Err(error) => {
                    let error = serde_json::json!([error.at, error.length, error.message]);
                    assert_eq!(error, example["error"], "{query}");
                }
            }
        }
    }

    #[test]
    fn an_error_says_where_as_people_count() {
        let error = Query::parse("lr<fast").unwrap_err();
        assert_eq!(
            error.to_string(),
            "`<` wants a number, and `fast` is none (at character 4)"
        );
    }

    #[test]
    fn no_text_makes_it_stumble() {
        let pieces = [
            "not", "or", "=", "\"", "\\", "[", "]", "|", "<", " ", "é", "a", "~", "!",
        ];
        for first in pieces {
            for second in pieces {
                for third in pieces {
                    let text = format!("{first}{second}{third}");
                    if let Err(error) = Query::parse(&text) {
                        assert!(error.at <= text.chars().count(), "{text}: {error}");
                    }
                }
            }
        }
    }
}
