//! Metrics by regular expressions over lines of output.

use regex::bytes::{Captures, Regex};
use thiserror::Error;

use super::number;
use super::report::{Collector, LineError, LineReader, MAX_NAME, Report};

/// Groups that, together, are the name and the value of a metric.
const NAME: &str = "name";
const VALUE: &str = "value";

/// Longest text of a match that an error shows, in characters.
const SHOWN: usize = 40;

/// Reads every match of some regular expressions in a line.
///
/// With the groups `name` and `value`, each match is a metric; other groups are metrics of their own names. Groups
/// called as a step is (`step`, `epoch`, ...) set it. Groups without a name, and such as did not take part in the
/// match, mean nothing.
#[derive(Debug)]
pub struct Patterns {
    patterns: Vec<Pattern>,
}

#[derive(Debug)]
struct Pattern {
    regex: Regex,
    /// Names of groups other than `name` and `value` where these belong together.
    groups: Vec<String>,
    is_named_by_match: bool,
}

/// Why a regular expression cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("pattern {} of {of}, `{text}`: {reason}", place + 1)]
pub struct PatternError {
    /// Place among the patterns, from 0.
    pub place: usize,
    pub of: usize,
    pub text: String,
    pub reason: String,
}

/// Compiles patterns in the syntax of the crate `regex`.
pub fn patterns(texts: &[String]) -> Result<Patterns, PatternError> {
    let compile = |(place, text): (usize, &String)| {
        pattern(text).map_err(|reason| PatternError {
            place,
            of: texts.len(),
            text: text.clone(),
            reason,
        })
    };
    let patterns = texts
        .iter()
        .enumerate()
        .map(compile)
        .collect::<Result<_, _>>()?;
    Ok(Patterns { patterns })
}

fn pattern(text: &str) -> Result<Pattern, String> {
    let regex = Regex::new(text).map_err(|error| error.to_string())?;
    let mut groups: Vec<String> = regex.capture_names().flatten().map(str::to_owned).collect();
    if groups.is_empty() {
        return Err("it has no named group; name the group that is the metric, as in `loss (?<loss>\\S+)`, or have \
                    groups `name` and `value`"
            .to_owned());
    }
    if let Some(long) = groups.iter().find(|group| group.len() > MAX_NAME) {
        return Err(format!(
            "the name of the group `{long}` is longer than {MAX_NAME} bytes"
        ));
    }
    let has = |name: &str| groups.iter().any(|group| group == name);
    let is_named_by_match = has(NAME) && has(VALUE);
    if has(NAME) && !is_named_by_match {
        return Err("it has a group `name` but no group `value`".to_owned());
    }
    if is_named_by_match {
        groups.retain(|group| group != NAME && group != VALUE);
    }
    Ok(Pattern {
        regex,
        groups,
        is_named_by_match,
    })
}

impl LineReader for Patterns {
    fn read(&mut self, line: &[u8]) -> Result<Option<Report>, LineError> {
        let mut found = Collector::default();
        let mut odd = None;
        for pattern in &self.patterns {
            for captures in pattern.regex.captures_iter(line) {
                pattern.read(&captures, &mut found, &mut odd);
            }
        }
        match (found.report(), odd) {
            (None, Some(odd)) => Err(odd),
            (report, _) => Ok(report),
        }
    }
}

impl Pattern {
    /// Gathers the values of one match, and notes in `odd` the first that is no number.
    fn read(&self, captures: &Captures, found: &mut Collector, odd: &mut Option<LineError>) {
        let mut push = |group: &str, name: &str, text: &[u8]| match number::whole(text.trim_ascii())
        {
            Some(value) => found.push(name, value),
            None => {
                odd.get_or_insert_with(|| LineError::NotANumber {
                    group: group.to_owned(),
                    text: String::from_utf8_lossy(text).chars().take(SHOWN).collect(),
                });
            }
        };
        for group in &self.groups {
            if let Some(text) = captures.name(group) {
                push(group, group, text.as_bytes());
            }
        }
        if self.is_named_by_match
            && let (Some(name), Some(value)) = (captures.name(NAME), captures.name(VALUE))
            && let Ok(name) = std::str::from_utf8(name.as_bytes())
            && (1..=MAX_NAME).contains(&name.len())
        {
            push(VALUE, name, value.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiled(texts: &[&str]) -> Result<Patterns, PatternError> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        patterns(&texts)
    }

    fn read(texts: &[&str], line: &str) -> Option<Report> {
        compiled(texts).unwrap().read(line.as_bytes()).unwrap()
    }

    fn report(step: Option<u64>, values: &[(&str, f64)]) -> Option<Report> {
        let values = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), *value));
        Some(Report {
            step,
            values: values.collect(),
        })
    }

    #[test]
    fn each_named_group_is_a_metric() {
        let pattern = r"iter (?<step>\d+): loss (?P<loss>\S+), time (\d+)ms(?:, mfu (?<mfu>\S+)%)?";
        assert_eq!(
            read(&[pattern], "iter 20: loss 10.5, time 31ms, mfu -100.00%"),
            report(Some(20), &[("loss", 10.5), ("mfu", -100.0)])
        );
        assert_eq!(
            read(&[pattern], "iter 20: loss 10.5, time 31ms"),
            report(Some(20), &[("loss", 10.5)])
        );
        assert_eq!(read(&[pattern], "nothing"), None);
    }

    #[test]
    fn with_name_and_value_each_match_is_a_metric() {
        let pattern = r"(?<name>\w+) loss (?<value>[\d.]+)";
        assert_eq!(
            read(
                &[pattern, r"^step (?<step>\d+)"],
                "step 5: train loss 0.5, val loss 0.75"
            ),
            report(Some(5), &[("train", 0.5), ("val", 0.75)])
        );
    }

    #[test]
    fn a_match_that_is_no_number_is_an_error_if_nothing_else_was_read() {
        let mut patterns = compiled(&[r"loss (?<loss>\S+)", r"acc (?<acc>\S+)"]).unwrap();
        let error = patterns.read(b"loss went down").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the pattern's group `loss` matched `went`, which is no number"
        );
        assert_eq!(
            patterns.read(b"loss went, acc 0.5").unwrap(),
            report(None, &[("acc", 0.5)])
        );
    }

    #[test]
    fn a_pattern_that_cannot_be_used_is_named_with_the_reason() {
        let error = compiled(&[r"(?<a>\d)", r"loss (\d+)"]).unwrap_err();
        assert_eq!((error.place, error.of), (1, 2));
        assert!(
            error
                .to_string()
                .starts_with(r"pattern 2 of 2, `loss (\d+)`: it has no named group; name")
        );
        let error = compiled(&["(?<a>[)"]).unwrap_err().to_string();
        assert!(error.contains("unclosed character class"), "{error}");
        let error = compiled(&[r"(?<name>\w+)=(?<loss>\d+)"]).unwrap_err();
        assert!(error.reason.contains("no group `value`"));
        assert!(compiled(&["(?<a>[a-z]{1000}{1000})"]).is_err());
    }
}
