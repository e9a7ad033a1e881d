//! Scripts for `sh -c` with placeholders, each of which becomes one word, whatever is in its value.
//!
//! Invariant: the shell never interprets a character of a value. Where quoting cannot hold that, no placeholder is
//! allowed.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::placeholders::{Part, Problem, TemplateError, parts};
use crate::template::{ExpandError, Replacement, items, value};

/// A script with placeholders as in a [`Template`](crate::template::Template).
///
/// A placeholder may stand in single or double quotes or in none: its value is one word, or part of the word that it
/// stands in. `{name...}` stands between blanks and becomes one word for each item of a list. No placeholder can
/// stand in a comment, after a backslash, in backquotes, `${...}`, `$((...))` or in `"$(...)"`, nor after a
/// here-document or `$'`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    parts: Vec<(Part, Quotes)>,
}

/// The quotes that a place of a script is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quotes {
    None,
    Single,
    Double,
}

impl Script {
    pub fn parse(text: &str) -> Result<Script, TemplateError> {
        let placed = parts(text)?;
        let mut reader = Reader {
            has_case: text.contains("case"),
            ..Reader::default()
        };
        let mut parts = Vec::with_capacity(placed.len());
        for (place, (offset, length, part)) in placed.iter().enumerate() {
            let error = |problem| TemplateError {
                offset: *offset,
                length: *length,
                problem,
            };
            let Some(name) = part.name() else {
                if let Part::Text(text) = part {
                    reader.read(text);
                }
                parts.push((part.clone(), Quotes::None));
                continue;
            };
            let name = || name.to_owned();
            let next = match placed.get(place + 1) {
                Some((_, _, Part::Text(text))) => text.chars().next(),
                Some(_) => Some('{'),
                None => None,
            };
            if reader.last == Some('$') {
                return Err(error(Problem::Dollar { name: name() }));
            }
            let quotes = reader.quotes().map_err(|place| {
                error(Problem::Unquotable {
                    name: name(),
                    place,
                })
            })?;
            let is_alone =
                quotes == Quotes::None && [reader.last, next].into_iter().flatten().all(separates);
            if matches!(part, Part::Each(_)) && !is_alone {
                return Err(error(Problem::NotAlone { name: name() }));
            }
            reader.last = Some('x');
            parts.push((part.clone(), quotes));
        }
        Ok(Script { parts })
    }

    /// The names of the placeholders, in the order in which they stand.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|(part, _)| part.name())
    }

    /// The script for `sh -c`.
    pub fn expand<'a>(
        &self,
        lookup: impl Fn(&str) -> Option<Replacement<'a>>,
    ) -> Result<OsString, ExpandError> {
        let mut script = OsString::new();
        for (part, quotes) in &self.parts {
            // Quotes that are open end before the word and begin anew after it.
            let around = match quotes {
                Quotes::None => "",
                Quotes::Single => "'",
                Quotes::Double => "\"",
            };
            match part {
                Part::Text(text) => script.push(text),
                Part::Value(name) => {
                    script.push(around);
                    script.push(quote(&value(name, &lookup)?));
                    script.push(around);
                }
                Part::Each(name) => {
                    let words: Vec<OsString> = items(name, &lookup)?
                        .iter()
                        .map(|item| quote(item))
                        .collect();
                    script.push(words.join(OsStr::new(" ")));
                }
            }
        }
        Ok(script)
    }
}

/// `text` in single quotes, in which a shell interprets nothing; a single quote in it stands outside of them.
pub fn quote(text: &OsStr) -> OsString {
    let mut quoted = vec![b'\''];
    for byte in text.as_bytes() {
        match byte {
            b'\'' => quoted.extend(b"'\\''"),
            byte => quoted.push(*byte),
        }
    }
    quoted.push(b'\'');
    OsString::from_vec(quoted)
}

/// Whether a word ends before `letter` or begins after it.
fn separates(letter: char) -> bool {
    letter.is_ascii_whitespace() || ";&|()".contains(letter)
}

/// What a place of a script is within, the innermost last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    Single,
    Double,
    Comment,
    Backquotes,
    /// `${...}`
    Braces,
    /// `$((...))`, with the number of open parentheses.
    Arithmetic(u32),
    /// `(...)` and `$(...)`
    Command,
}

/// Follows the quoting of a script: POSIX, Shell Command Language, 2.2 and 2.3.
#[derive(Debug, Default)]
struct Reader {
    within: Vec<Within>,
    last: Option<char>,
    /// The letter before the next is a backslash that quotes it.
    is_escaped: bool,
    /// Something came after which quoting cannot be followed.
    lost: Option<&'static str>,
    /// The script may have a `case`, whose patterns end with a parenthesis.
    has_case: bool,
}

impl Reader {
    /// The quotes at the place, or what no placeholder can stand in.
    fn quotes(&self) -> Result<Quotes, &'static str> {
        if let Some(place) = self.lost {
            return Err(place);
        }
        if self.is_escaped {
            return Err("a place after a backslash");
        }
        let (quotes, outer) = match self.within.split_last() {
            Some((Within::Single, outer)) => (Quotes::Single, outer),
            Some((Within::Double, outer)) => (Quotes::Double, outer),
            _ => (Quotes::None, self.within.as_slice()),
        };
        // The end of `$(...)` in double quotes cannot be told for certain: a pattern of `case` ends as it does.
        for within in outer {
            match within {
                Within::Command => {}
                Within::Single | Within::Double => return Err("a command within quotes"),
                Within::Comment => return Err("a comment"),
                Within::Backquotes => return Err("backquotes"),
                Within::Braces => return Err("`${...}`"),
                Within::Arithmetic(_) => return Err("arithmetic"),
            }
        }
        Ok(quotes)
    }

    fn read(&mut self, text: &str) {
        let mut rest = text.chars();
        while let Some(letter) = rest.next() {
            if std::mem::take(&mut self.is_escaped) {
                // A backslash and the end of a line are as if they were not there.
                self.last = if letter == '\n' { self.last } else { Some('x') };
                continue;
            }
            self.letter(letter, rest.as_str());
            if !self.is_escaped {
                self.last = Some(letter);
            }
        }
    }

    /// Takes one letter that is not escaped; `next` follows it.
    fn letter(&mut self, letter: char, next: &str) {
        let innermost = self.within.last().copied();
        match (innermost, letter) {
            (Some(Within::Single), '\'') | (Some(Within::Comment), '\n') => {
                self.within.pop();
            }
            (Some(Within::Single | Within::Comment), _) => {}
            (_, '\\') => self.is_escaped = true,
            (Some(Within::Double), '"')
            | (Some(Within::Backquotes), '`')
            | (Some(Within::Braces), '}') => {
                self.within.pop();
            }
            (_, '`') => self.within.push(Within::Backquotes),
            (_, '{') if self.last == Some('$') => self.within.push(Within::Braces),
            (Some(Within::Arithmetic(open)), '(' | ')') => {
                self.within.pop();
                match if letter == '(' { open + 1 } else { open - 1 } {
                    0 => {}
                    open => self.within.push(Within::Arithmetic(open)),
                }
            }
            (_, '(') if self.last == Some('$') && next.starts_with('(') => {
                self.within.push(Within::Arithmetic(1));
            }
            (_, '(') if self.last == Some('$') => self.within.push(Within::Command),
            (Some(Within::Double), _) => {}
            (Some(Within::Braces), '\'' | '"') => {
                self.lost = Some("a place after quotes in `${...}`")
            }
            (_, '"') => self.within.push(Within::Double),
            (_, '\'') if self.last == Some('$') => self.lost = Some("a place after `$'`"),
            (_, '\'') => self.within.push(Within::Single),
            (Some(Within::Arithmetic(_) | Within::Braces), _) => {}
            (_, '(') => self.within.push(Within::Command),
            (Some(Within::Command), ')') => {
                self.within.pop();
                if self.has_case && self.within.contains(&Within::Double) {
                    self.lost = Some("a place after `\"$(...)\"`, where the script has a `case`,");
                }
            }
            (_, '#') if self.last.is_none_or(separates) => self.within.push(Within::Comment),
            (_, '<') if next.starts_with('<') => self.lost = Some("a place after a here-document"),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use sweep_core::trial::Value;

    use super::*;
    use crate::fixtures::values;
    use crate::values::to_text;

    const SHELLS: [&str; 2] = ["sh", "bash"];

    fn run(shell: &str, script: &OsStr) -> Vec<u8> {
        let output = Command::new(shell).arg("-c").arg(script).output().unwrap();
        assert!(
            output.stderr.is_empty(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }

    /// What the script prints with a value that a shell would take for a command.
    fn prints(text: &str) -> String {
        let value = Value::Text("a'b\"; $(echo bad) \\ `echo bad`".to_owned());
        let items = Value::List(vec![value.clone(), Value::Int(3)]);
        let script = Script::parse(text).unwrap();
        let script = script.expand(|name| match name {
            "x" => Some((&value).into()),
            "items" => Some((&items).into()),
            _ => None,
        });
        let script = script.unwrap();
        let printed = SHELLS.map(|shell| String::from_utf8(run(shell, &script)).unwrap());
        assert_eq!(printed[0], printed[1]);
        printed[0].clone()
    }

    fn problem(text: &str) -> String {
        Script::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn every_value_arrives_unchanged_through_a_shell() {
        for shell in SHELLS {
            // A shell takes no argument above 128 KiB.
            for values in values(500).chunks(100) {
                let names: Vec<String> =
                    (0..values.len()).map(|place| format!("v{place}")).collect();
                let words: Vec<String> = names
                    .iter()
                    .map(|name| format!("{{{name}}} \"{{{name}}}\" '{{{name}}}'"))
                    .collect();
                let text = format!("printf '%s\\0' {}", words.join(" "));
                let script = Script::parse(&text).unwrap();
                assert_eq!(script.names().count(), 3 * values.len());
                let value = |name: &str| values[name[1..].parse::<usize>().unwrap()].clone();
                let script = script
                    .expand(|name| Some(to_text(&value(name)).into()))
                    .unwrap();
                let expected = values
                    .iter()
                    .flat_map(|value| (to_text(value) + "\0").repeat(3).into_bytes());
                assert!(run(shell, &script) == expected.collect::<Vec<u8>>());
            }
        }
    }

    #[test]
    fn placeholders_stand_in_quotes_or_in_none() {
        let x = "a'b\"; $(echo bad) \\ `echo bad`";
        for (text, expected) in [
            ("printf '%s|' {x}", format!("{x}|")),
            (
                "printf '%s|' p{x}s \"p {x} s\" 'p {x} s'",
                format!("p{x}s|p {x} s|p {x} s|"),
            ),
            ("printf '%s|' {items...} {{}}", format!("{x}|3|{{}}|")),
            (
                "for i in {items...}; do printf '%s|' \"$i\"; done",
                format!("{x}|3|"),
            ),
            ("y={x}; printf %s \"$y\"", x.to_owned()),
            ("y=$(printf %s {x}); printf '%s' \"$y\"", x.to_owned()),
            ("(printf '%s' {x}) # it's done", x.to_owned()),
            ("printf '%s' \"it's\" \\' {x}", format!("it's'{x}")),
            (
                "y=\"$(echo \"it's\")\"; printf '%s' \"$y${{#y}}\" {x}",
                format!("it's4{x}"),
            ),
            ("case a in a) printf %s {x};; esac", x.to_owned()),
            ("printf %s $((1 + (2))) {x}", format!("3{x}")),
            ("printf %s `echo 'it'` \\\n {x}", format!("it{x}")),
            ("f() {{ printf %s \"$1\"; }}; f {x}", x.to_owned()),
            ("printf %s a#b{x}", format!("a#b{x}")),
        ] {
            assert_eq!(prints(text), expected, "{text}");
        }
    }

    #[test]
    fn where_quoting_cannot_hold_a_value_no_placeholder_is_allowed() {
        for (text, place) in [
            ("echo # {x}", "a comment"),
            ("echo \\\n# {x}", "a comment"),
            ("echo \\{x}", "a place after a backslash"),
            ("echo `cat {x}`", "backquotes"),
            ("echo ${{y:-{x}}}", "`${...}`"),
            ("echo $(({x} + 1))", "arithmetic"),
            ("echo \"$(cat {x})\"", "a command within quotes"),
            ("cat <<END\n{x}\nEND", "a here-document"),
            ("echo $'it' {x}", "`$'`"),
            ("echo \"${{y:-'}}\" {x}", "quotes in `${...}`"),
            (
                "echo \"$(case a in a) echo '\"';; esac)\" {x}",
                "where the script has a `case`",
            ),
        ] {
            let problem = problem(text);
            assert!(
                problem.contains(place) && problem.contains("set a variable before"),
                "{text}: {problem}"
            );
        }
        assert_eq!(
            problem("cd ${HOME}"),
            "at byte 5: `${HOME}` could be meant for the shell; write `${{HOME}}` for its variable, `{HOME}` for the \
             value"
        );
        for text in [
            "a{items...}",
            "{items...}b",
            "\"{items...}\"",
            "{items...}{x}",
        ] {
            assert!(problem(text).contains("it has to stand alone"), "{text}");
        }
        assert!(problem("{").contains("is not closed"));
    }
}
