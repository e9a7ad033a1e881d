//! The model file: LightGBM's own text, and after its end a line of ours, which LightGBM passes over.
//!
//! Invariant: a text without that line is one of plain columns, and a line that cannot be is refused.

use serde::{Deserialize, Serialize};

use super::super::boosting::{Columns, Predicts};
use super::objective::BINARY;

/// What the last line begins with.
const OURS: &str = "sweep:";

/// The last line.
#[derive(Serialize, Deserialize)]
struct Line {
    /// As [`Columns::to_json`] writes them.
    categories: String,
}

/// LightGBM's `text` with what it has to be told of its columns.
pub(super) fn write(text: &str, columns: &Columns) -> String {
    match columns.to_json() {
        None => text.to_owned(),
        Some(categories) => {
            let line = serde_json::to_string(&Line { categories }).expect("plain data");
            format!("{}\n{OURS}{line}\n", text.trim_end())
        }
    }
}

/// The columns, `count` of them, that [`write`] was told of.
///
/// # Errors
/// Why they cannot be.
pub(super) fn columns(text: &str, count: usize) -> Result<Columns, String> {
    let last = text.trim_end().lines().next_back().unwrap_or_default();
    match last.strip_prefix(OURS) {
        None => Ok(Columns::plain(count)),
        Some(line) => {
            let line: Line = serde_json::from_str(line).map_err(|error| error.to_string())?;
            Columns::from_json(&line.categories, count)
        }
    }
}

/// What a model of so many `outputs` predicts.
///
/// # Errors
/// When the text does not say what it was trained for.
pub(super) fn predicts(text: &str, outputs: usize) -> Result<Predicts, String> {
    let objective = { text.lines() }
        .find_map(|line| line.strip_prefix("objective="))
        .ok_or("it names no objective")?;
    match objective.split(' ').next() {
        Some(BINARY) => Ok(Predicts::SecondOfTwo),
        Some("multiclass") => Ok(Predicts::Classes(outputs)),
        _ if outputs == 1 => Ok(Predicts::Number),
        _ => Err(format!(
            "it has {outputs} outputs and the objective {objective}"
        )),
    }
}

/// Leaves of all trees.
pub(super) fn leaves(text: &str) -> u64 {
    let counts = text
        .lines()
        .filter_map(|line| line.strip_prefix("num_leaves="));
    counts.filter_map(|count| count.parse::<u64>().ok()).sum()
}

/// `names` as LightGBM takes them: without white space and the characters of JSON, and each once.
pub(super) fn names(names: &[String]) -> Vec<String> {
    let mut taken = std::collections::HashSet::new();
    let plain = |character: char| match character {
        '"' | ',' | ':' | '[' | ']' | '{' | '}' => '_',
        other if other.is_whitespace() || other.is_control() => '_',
        other => other,
    };
    let mut unique = |name: &String| {
        let base: String = name.chars().map(plain).collect();
        let mut name = base.clone();
        let mut number = 2;
        while !taken.insert(name.clone()) {
            name = format!("{base}_{number}");
            number += 1;
        }
        name
    };
    names.iter().map(&mut unique).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_each_is_there_once() {
        let given = ["a b", "a_b", "x:[1,2]", "é", "a b", ""].map(str::to_owned);
        assert_eq!(names(&given), ["a_b", "a_b_2", "x__1_2_", "é", "a_b_3", ""]);
    }

    #[test]
    fn a_text_says_what_it_predicts_and_from_what() {
        let text = "tree\nversion=v4\nobjective=binary sigmoid:1\n\nTree=0\nnum_leaves=3\n\nTree=1\nnum_leaves=4\n";
        assert_eq!(predicts(text, 1), Ok(Predicts::SecondOfTwo));
        assert_eq!(leaves(text), 7);
        assert_eq!(columns(text, 4), Ok(Columns::plain(4)));
        assert!(columns(&format!("{text}sweep:{{}}\n"), 4).is_err());
        let number = text.replace("binary sigmoid:1", "huber");
        assert_eq!(predicts(&number, 1), Ok(Predicts::Number));
        assert!(predicts(&number, 3).is_err());
        assert!(predicts("tree\n", 1).is_err());
        let several = text.replace("binary sigmoid:1", "multiclass num_class:3");
        assert_eq!(predicts(&several, 3), Ok(Predicts::Classes(3)));
    }
}
