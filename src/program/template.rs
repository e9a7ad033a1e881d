//! Texts with placeholders such as `{lr}`: arguments, environment variables, paths.
//!
//! Invariant: a value takes its place unchanged, to the bit and the quote, and is one argument whatever is in it.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use sweep_core::trial::Value;
use thiserror::Error;

use crate::placeholders::{Part, parts};
pub use crate::placeholders::{Problem, TemplateError};
use crate::values::to_text;

/// One argument with placeholders: `{name}` becomes the value of that name, `{{` and `}}` are braces, and
/// `{name...}`, alone, becomes one argument for each item of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

/// What takes the place of a placeholder.
#[derive(Debug, Clone, PartialEq)]
pub enum Replacement<'a> {
    Value(&'a Value),
    /// Such as a path, which need not be Unicode.
    Text(Cow<'a, OsStr>),
}

/// Why a template has no text for some values.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ExpandError {
    #[error("there is no value for the placeholder `{{{name}}}`")]
    Unknown { name: String },
    #[error("`{{{name}...}}` needs a list, but `{name}` is {found}")]
    NotAList { name: String, found: &'static str },
    #[error("`{{{name}...}}` becomes several arguments, but there is room for one text")]
    SeveralTexts { name: String },
    #[error(
        "the value of `{name}` holds a NUL character, which no argument and no environment variable can"
    )]
    Nul { name: String },
}

impl Template {
    pub fn parse(text: &str) -> Result<Template, TemplateError> {
        let placed = parts(text)?;
        for (offset, length, part) in &placed {
            if let Part::Each(name) = part
                && placed.len() > 1
            {
                return Err(TemplateError {
                    offset: *offset,
                    length: *length,
                    problem: Problem::NotAlone { name: name.clone() },
                });
            }
        }
        let parts = placed.into_iter().map(|(_, _, part)| part).collect();
        Ok(Template { parts })
    }

    /// The names of the placeholders, in the order in which they stand.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(Part::name)
    }

    /// The arguments: one, or as many as the list of `{name...}` has items.
    pub fn expand<'a>(
        &self,
        lookup: impl Fn(&str) -> Option<Replacement<'a>>,
    ) -> Result<Vec<OsString>, ExpandError> {
        match self.parts.as_slice() {
            [Part::Each(name)] => items(name, &lookup),
            _ => Ok(vec![self.expand_text(lookup)?]),
        }
    }

    /// The one text that the template becomes, such as the value of an environment variable.
    pub fn expand_text<'a>(
        &self,
        lookup: impl Fn(&str) -> Option<Replacement<'a>>,
    ) -> Result<OsString, ExpandError> {
        let mut text = OsString::new();
        for part in &self.parts {
            match part {
                Part::Text(part) => text.push(part),
                Part::Value(name) => text.push(value(name, &lookup)?),
                Part::Each(name) => return Err(ExpandError::SeveralTexts { name: name.clone() }),
            }
        }
        Ok(text)
    }
}

impl<'a> From<&'a Value> for Replacement<'a> {
    fn from(value: &'a Value) -> Replacement<'a> {
        Replacement::Value(value)
    }
}

impl<'a> From<&'a OsStr> for Replacement<'a> {
    fn from(text: &'a OsStr) -> Replacement<'a> {
        Replacement::Text(text.into())
    }
}

impl From<String> for Replacement<'_> {
    fn from(text: String) -> Self {
        Replacement::Text(OsString::from(text).into())
    }
}

/// The text of the value `name`.
pub(crate) fn value<'a>(
    name: &str,
    lookup: &impl Fn(&str) -> Option<Replacement<'a>>,
) -> Result<OsString, ExpandError> {
    let text = match found(name, lookup)? {
        Replacement::Value(value) => to_text(value).into(),
        Replacement::Text(text) => text.into_owned(),
    };
    without_nul(name, text)
}

/// The texts of the items of the list `name`.
pub(crate) fn items<'a>(
    name: &str,
    lookup: &impl Fn(&str) -> Option<Replacement<'a>>,
) -> Result<Vec<OsString>, ExpandError> {
    let found = match found(name, lookup)? {
        Replacement::Value(Value::List(items)) => {
            let text = |item| without_nul(name, to_text(item).into());
            return items.iter().map(text).collect();
        }
        Replacement::Value(value) => value.type_name(),
        Replacement::Text(_) => "a text",
    };
    let name = name.to_owned();
    Err(ExpandError::NotAList { name, found })
}

fn found<'a>(
    name: &str,
    lookup: &impl Fn(&str) -> Option<Replacement<'a>>,
) -> Result<Replacement<'a>, ExpandError> {
    lookup(name).ok_or_else(|| ExpandError::Unknown {
        name: name.to_owned(),
    })
}

fn without_nul(name: &str, text: OsString) -> Result<OsString, ExpandError> {
    match text.as_bytes().contains(&0) {
        true => Err(ExpandError::Nul {
            name: name.to_owned(),
        }),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::*;
    use crate::fixtures::values;

    fn expand<'a>(text: &str, values: &'a [(&str, Value)]) -> Result<Vec<OsString>, ExpandError> {
        let template = Template::parse(text).unwrap();
        template.expand(|name| {
            let found = values.iter().find(|(known, _)| *known == name);
            found.map(|(_, value): &'a (&str, Value)| value.into())
        })
    }

    fn problem(text: &str) -> String {
        Template::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn values_take_the_places_of_their_names() {
        let values = [
            ("lr", Value::Float(1.0)),
            ("größe/a.b-c_1", Value::Text("a \"b\"".to_owned())),
            (
                "layers",
                Value::List(vec![Value::Int(64), Value::Float(0.5)]),
            ),
        ];
        for (text, expected) in [
            ("--lr={lr}", &["--lr=1.0"][..]),
            ("{lr}{lr}", &["1.01.0"]),
            ("x{größe/a.b-c_1}y", &["xa \"b\"y"]),
            ("{layers}", &["[64,0.5]"]),
            ("{layers...}", &["64", "0.5"]),
            (r#"{{"lr": {lr}}}"#, &[r#"{"lr": 1.0}"#]),
            ("{{lr}}", &["{lr}"]),
            ("plain é", &["plain é"]),
            ("", &[""]),
        ] {
            assert_eq!(expand(text, &values).unwrap(), expected, "{text}");
        }
        let empty = [("layers", Value::List(Vec::new()))];
        assert_eq!(expand("{layers...}", &empty).unwrap(), [""; 0]);
        let template = Template::parse("{a}{{b}} {c}").unwrap();
        assert_eq!(template.names().collect::<Vec<_>>(), ["a", "c"]);
    }

    #[test]
    fn a_path_need_not_be_unicode() {
        let path = Path::new(OsStr::from_bytes(b"/tmp/\xff"));
        let template = Template::parse("{dir}/a").unwrap();
        let text = template.expand_text(|_| Some(path.as_os_str().into()));
        assert_eq!(text.unwrap().as_bytes(), b"/tmp/\xff/a");
    }

    #[test]
    fn errors_point_at_the_brace_and_say_what_is_allowed() {
        assert_eq!(
            problem("--lr={lr"),
            "at byte 6: the placeholder that begins here is not closed; write `{{` for a brace"
        );
        assert_eq!(
            problem("a{}"),
            "at byte 2: a name is missing in `{}`; write `{{}}` for the two braces"
        );
        assert_eq!(
            problem("é}"),
            "at byte 3: `}` closes nothing here; write `}}` for a brace"
        );
        assert_eq!(
            problem("a {layers...}"),
            "at byte 3: `{layers...}` becomes several arguments, so it has to stand alone"
        );
        assert_eq!(
            problem(r#"{"lr": {lr}}"#),
            "at byte 1: `{\"lr\": {lr}` is no placeholder, because names begin with a letter or `_` and go on with \
             letters, digits and `_ - . /`; write `{{` and `}}` for braces: `{{\"lr\": {lr}}}`"
        );
        for odd in [
            "{ lr }", "{1}", "{a b}", "{...}", "{a..}", "{a:b}", "{-a}", "{é\n}",
        ] {
            assert!(problem(odd).contains("is no placeholder"), "{odd}");
        }
    }

    #[test]
    fn the_suggestion_for_braces_is_right() {
        for text in [
            r#"{"lr": {lr}}"#,
            r#"{"a": {"b": {lr}, "c": [{x}]}}"#,
            "{ }{lr}",
        ] {
            let Problem::OddName { suggestion, .. } = Template::parse(text).unwrap_err().problem
            else {
                panic!("{text}");
            };
            let template = Template::parse(&suggestion.unwrap()).unwrap();
            let same = template.expand_text(|name| Some(format!("{{{name}}}").into()));
            assert_eq!(same.unwrap(), text);
        }
    }

    #[test]
    fn what_has_no_text_is_an_error() {
        let values = [
            ("lr", Value::Float(1.0)),
            ("x", Value::Text("a\0b".to_owned())),
        ];
        for (text, expected) in [
            ("{rl}", "there is no value for the placeholder `{rl}`"),
            ("{lr...}", "`{lr...}` needs a list, but `lr` is a float"),
            (
                "{x}",
                "the value of `x` holds a NUL character, which no argument and no environment variable can",
            ),
        ] {
            assert_eq!(expand(text, &values).unwrap_err().to_string(), expected);
        }
        let several = Template::parse("{x...}").unwrap();
        let error = several.expand_text(|_| None).unwrap_err();
        assert!(matches!(error, ExpandError::SeveralTexts { .. }));
    }

    #[test]
    fn every_value_arrives_unchanged_as_an_argument() {
        let values = values(500);
        let template = Template::parse("{x}").unwrap();
        let mut command = Command::new("printf");
        command.arg("%s\\0");
        for value in &values {
            command.args(template.expand(|_| Some(value.into())).unwrap());
        }
        let output = command.output().unwrap().stdout;
        let expected: Vec<u8> = values
            .iter()
            .flat_map(|value| (to_text(value) + "\0").into_bytes())
            .collect();
        assert!(output == expected);
    }
}
