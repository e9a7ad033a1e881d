//! Carriers: commands that start a worker elsewhere and carry its standard streams, as `via` of `slots` names them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::diagnostic::{Diagnostic, Problems};
use super::node::{Content, Node};
use super::table::{Table, boolean};
use super::units::duration;

/// Longest name of a carrier, in characters.
const MAX_NAME: usize = 40;
/// How long a worker may take to end when the file says nothing.
const DEFAULT_ENDING: Duration = Duration::from_secs(30);
/// How long a worker waits for a ping when the file says nothing.
const DEFAULT_PING_TIMEOUT: Duration = Duration::from_secs(60);
/// Shortest time that it may wait: workers count it in seconds.
const MIN_PING_TIMEOUT: Duration = Duration::from_secs(1);
/// How long `srun` may wait for a place when the file says nothing.
const SRUN_START_TIMEOUT: Duration = Duration::from_secs(3600);

/// A command that starts a worker elsewhere and carries its standard streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carrier {
    /// What its slots are called by.
    pub name: String,
    /// The command, at least one word; that of the worker follows it.
    pub via: Vec<String>,
    /// The path of this program there; `None` if it is the same as here.
    pub program: Option<PathBuf>,
    /// Whether a shell reads the words once more.
    pub shell: bool,
    /// How long a worker may take to be ready; `None` is what is usual here.
    pub start_timeout: Option<Duration>,
    /// How long a worker may take to end when its input has been closed.
    pub ending: Duration,
    /// How long a worker waits for a ping before it ends itself.
    pub ping_timeout: Duration,
}

/// Keys that mean nothing without `via`.
pub(super) const ABOUT_VIA: [&str; 6] = [
    "name",
    "program",
    "shell",
    "start_timeout",
    "ending",
    "ping_timeout",
];

/// Reads the keys about the carrier of one table of slots; `taken` are the names of those before it.
pub(super) fn carrier(
    table: Table<'_>,
    taken: &[String],
    problems: &mut Problems,
) -> Option<Carrier> {
    let before = problems.len();
    let via = table.read("via", problems, via);
    let named = table.read("name", problems, |node| match node.text() {
        Some(text) if is_name(text) => Ok(text.to_owned()),
        _ => Err(node),
    });
    if let (Some(name), Some(node)) = (&named, table.get("name"))
        && taken.contains(name)
    {
        problems.add(
            Diagnostic::new(
                &node.place,
                format!("slots named {name:?} stand further up; names must differ"),
            )
            .label("the name once more"),
        );
    }
    let program = table.read("program", problems, |node| match node.text() {
        Some(text) if text.starts_with('/') && is_word(text) && !text.contains('=') => {
            Ok(PathBuf::from(text))
        }
        _ => Err(node),
    });
    let shell = table.read("shell", problems, boolean);
    let start_timeout = table.read("start_timeout", problems, time);
    let ending = table.read("ending", problems, time);
    let ping_timeout = table.read("ping_timeout", problems, |node| {
        let is_enough = |timeout: &Duration| *timeout >= MIN_PING_TIMEOUT;
        time(node).ok().filter(is_enough).ok_or(node)
    });
    let via = via.filter(|_| problems.len() == before)?;
    let command = file_name(&via[0]).to_owned();
    Some(Carrier {
        name: named.unwrap_or_else(|| free_name(&name_of(&via), taken)),
        shell: shell.unwrap_or(command == "ssh"),
        start_timeout: start_timeout.or((command == "srun").then_some(SRUN_START_TIMEOUT)),
        ending: ending.unwrap_or(DEFAULT_ENDING),
        ping_timeout: ping_timeout.unwrap_or(DEFAULT_PING_TIMEOUT),
        program,
        via,
    })
}

fn via(node: &Node) -> Result<Vec<String>, &Node> {
    let Content::List(items) = &node.content else {
        return Err(node);
    };
    let words = items.iter().map(|item| match item.text() {
        Some(text) if is_word(text) => Ok(text.to_owned()),
        _ => Err(item),
    });
    let words: Vec<String> = words.collect::<Result<_, _>>()?;
    match words.first() {
        Some(_) => Ok(words),
        None => Err(node),
    }
}

fn time(node: &Node) -> Result<Duration, &Node> {
    node.text().and_then(duration).ok_or(node)
}

/// Whether `text` can be a word of a command line.
fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains('\0')
}

/// Whether a carrier can be called `text`: it is part of the names of files.
fn is_name(text: &str) -> bool {
    let is_first = |char: char| char.is_ascii_alphanumeric();
    text.starts_with(is_first) && text.len() <= MAX_NAME && text.chars().all(is_of_name)
}

fn is_of_name(char: char) -> bool {
    char.is_ascii_alphanumeric() || "._-".contains(char)
}

/// What people would call the place that `via` leads to: its last word that is no option, which is where `ssh HOST` and
/// `docker exec BOX` lead, without a user and without folders; or else the command.
fn name_of(via: &[String]) -> String {
    let mut words = via[1..].iter().rev();
    let place = words.find(|word| !word.starts_with('-'));
    let place = place.map(|word| file_name(word.rsplit('@').next().unwrap_or(word)));
    let candidates = place.into_iter().chain([file_name(&via[0]), "elsewhere"]);
    let mut names = candidates.map(|word| {
        let text: String = { word.chars() }
            .map(|char| if is_of_name(char) { char } else { '-' })
            .collect();
        let text = text.trim_matches(|char: char| !char.is_ascii_alphanumeric());
        text.chars().take(MAX_NAME).collect::<String>()
    });
    names
        .find(|name| is_name(name))
        .expect("the last is a name")
}

/// `name`, with a number behind it if it is taken.
fn free_name(name: &str, taken: &[String]) -> String {
    let is_free = |name: &String| !taken.contains(name);
    let numbered = (2..).map(|number: usize| {
        let ending = format!("-{number}");
        let kept = &name[..name.len().min(MAX_NAME - ending.len())];
        format!("{kept}{ending}")
    });
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(is_free).expect("numbers do not end")
}

/// The last part of a path; all of a word that is none.
fn file_name(word: &str) -> &str {
    let name = Path::new(word).file_name().and_then(|name| name.to_str());
    name.unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_carrier_is_called_by_the_place_it_leads_to() {
        let name = |words: &[&str]| {
            let via: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            name_of(&via)
        };
        for (words, expected) in [
            (&["ssh", "gpu1"][..], "gpu1"),
            (
                &["ssh", "-o", "BatchMode=yes", "me@gpu1.example.org"],
                "gpu1.example.org",
            ),
            (&["srun", "--overlap", "-N1", "-n1"], "srun"),
            (&["docker", "exec", "-i", "box"], "box"),
            (&["kubectl", "exec", "-i", "pod-7", "--"], "pod-7"),
            (&["docker", "run", "-i", "--rm", "image:tag"], "image-tag"),
            (&["apptainer", "exec", "/images/py.sif"], "py.sif"),
            (&["bwrap", "--bind", "/", "/"], "bwrap"),
            (&["/usr/bin/env"], "env"),
            (&["…", "日"], "elsewhere"),
        ] {
            assert_eq!(name(words), expected, "{words:?}");
        }
        let long = "x".repeat(100);
        assert_eq!(name(&["ssh", &long]).len(), MAX_NAME);
    }

    #[test]
    fn names_that_are_taken_are_numbered() {
        let mut taken = Vec::new();
        for expected in ["srun", "srun-2", "srun-3"] {
            let name = free_name("srun", &taken);
            assert_eq!(name, expected);
            taken.push(name);
        }
        let long = "x".repeat(MAX_NAME);
        assert_eq!(
            free_name(&long, std::slice::from_ref(&long)).len(),
            MAX_NAME
        );
    }
}
