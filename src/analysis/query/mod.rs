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

mod condition;
mod parser;
#[cfg(test)]
mod tests;

pub use condition::Row;
pub use parser::QueryError;

use condition::{Condition, Test};
use parser::error;

/// Names at most this many letters away are offered for one that is not there.
const NEAR: usize = 2;
/// A query that has been understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Any of these must hold; none at all is held by every row.
    groups: Vec<Vec<Condition>>,
}

impl Query {
    /// Reads `text`.
    ///
    /// # Errors
    /// With the place of what is not understood.
    pub fn parse(text: &str) -> Result<Query, QueryError> {
        parser::groups(text).map(|groups| Query { groups })
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
