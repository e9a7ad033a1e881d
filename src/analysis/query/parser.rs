//! From the text of a query to its conditions.

use super::condition::{Condition, OPERATORS, Operand, Operator, Test};

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

/// The groups of conditions that `text` holds: any group must hold, and all of its conditions.
///
/// # Errors
/// With the place of what is not understood.
pub(super) fn groups(text: &str) -> Result<Vec<Vec<Condition>>, QueryError> {
    let mut parser = Parser {
        text: text.chars().collect(),
        at: 0,
    };
    let mut groups = vec![Vec::new()];
    let mut or_at = None;
    while parser.skip_space() {
        let begun = parser.at;
        if parser.take_word("or") {
            if groups.last().is_some_and(Vec::is_empty) {
                return Err(lonely_or(begun));
            }
            groups.push(Vec::new());
            or_at = Some(begun);
            continue;
        }
        let condition = parser.condition()?;
        groups.last_mut().expect("never empty").push(condition);
    }
    match or_at {
        Some(at) if groups.last().is_some_and(Vec::is_empty) => Err(lonely_or(at)),
        _ => Ok(groups),
    }
}

struct Parser {
    text: Vec<char>,
    at: usize,
}

impl Parser {
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
        let mut after = Parser {
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

pub(super) fn error(at: usize, length: usize, message: String) -> QueryError {
    QueryError {
        at,
        length,
        message,
    }
}
