//! The architecture as a test: who may import whom, what every file opens with, and which words may
//! stand where. When this fails, mend the code; change the map only with the design.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Crates that may print: they are where a person is spoken to.
const MAY_PRINT: &[&str] = &["cli", "main", "sweep-torch", "worker"];

/// A library, and the crates whose manifests may name it.
const CONFINED: &[(&str, &[&str])] = &[
    ("tch", &["sweep-torch"]),
    ("torch-sys", &["sweep-torch"]),
    // Stores of other programs are SQLite files as well.
    ("rusqlite", &["store", "export", "sweep-torch"]),
    ("clap", &["cli"]),
    ("miette", &["cli"]),
    ("indicatif", &["cli"]),
    ("plotters", &["report"]),
    ("statrs", &["analysis", "data"]),
    ("libloading", &["engine"]),
    ("nalgebra", &["data", "search"]),
    ("gemm-f32", &["sentence"]),
    ("tokenizers", &["sentence"]),
];

#[test]
fn every_file_opens_with_what_it_is_for() {
    for file in sources()
        .chain(rust_files(Path::new("tests")))
        .chain(rust_files(Path::new("benches")))
    {
        let text = fs::read_to_string(&file).unwrap();
        assert!(
            text.starts_with("//! "),
            "{} does not open with `//!`",
            file.display()
        );
    }
}

#[test]
fn no_file_is_too_long_to_be_read_at_once() {
    /// Most files stay below 300.
    const MAX_LINES: usize = 500;
    let files = sources()
        .chain(rust_files(Path::new("tests")))
        .chain(rust_files(Path::new("benches")));
    let lines = |file: &PathBuf| fs::read_to_string(file).unwrap().lines().count();
    let long: Vec<String> = files
        .filter(|file| lines(file) > MAX_LINES)
        .map(|file| format!("{}: {} lines", file.display(), lines(&file)))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn libraries_stay_in_their_crates() {
    let mut wrong = Vec::new();
    for entry in fs::read_dir("src").unwrap() {
        let folder = entry.unwrap().path();
        let Ok(manifest) = fs::read_to_string(folder.join("Cargo.toml")) else {
            continue;
        };
        let name = folder.file_name().unwrap().to_str().unwrap();
        for (library, crates) in CONFINED {
            let is_named = manifest.lines().any(|line| {
                line.starts_with(&format!("{library}.")) || line.starts_with(&format!("{library} "))
            });
            if is_named && !crates.contains(&name) {
                wrong.push(format!("`{library}` in the manifest of `{name}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn test_rows_are_opened_for_counted_evaluations_alone() {
    let mut wrong = Vec::new();
    for file in sources() {
        let may = crate_of(&file) == "data"
            || file.starts_with("src/engine/evaluate")
            || file == Path::new("src/app/test_evaluations.rs");
        for (number, line) in code_lines(&file) {
            let names_them = ["HeldOutTest", "x_test", "y_test"]
                .iter()
                .any(|word| line.contains(word));
            if names_them && !may {
                wrong.push(format!("{}:{number}: {}", file.display(), line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_crates_that_speak_to_people_print() {
    let mut wrong = Vec::new();
    for file in sources() {
        if MAY_PRINT.contains(&crate_of(&file).as_str()) {
            continue;
        }
        for (number, line) in code_lines(&file) {
            if ["println!", "eprintln!", "print!(", "eprint!(", "dbg!"]
                .iter()
                .any(|word| line.contains(word))
            {
                wrong.push(format!("{}:{number}: {}", file.display(), line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_left_for_later_and_lints_are_expected_with_a_reason() {
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("X", "XX"),
        "todo!",
        "unimplemented!",
    ];
    let mut wrong = Vec::new();
    for file in sources() {
        let text = fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate() {
            let silenced = line.contains("#[allow(") || line.contains("#![allow(");
            if silenced || words.iter().any(|word| line.contains(word)) {
                wrong.push(format!(
                    "{}:{}: {}",
                    file.display(),
                    number + 1,
                    line.trim()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_in_the_code_knows_what_the_data_are_about() {
    // The demonstration data wear the columns of the music study; nothing else may know them.
    let words = ["spotify", "genre", "danceability", "playlist"];
    for file in sources() {
        if file.starts_with("src/data/synth") || file == Path::new("src/data/synth.rs") {
            continue;
        }
        for (number, line) in code_lines(&file) {
            let line = line.to_lowercase();
            for word in words {
                assert!(
                    !line.contains(word),
                    "{}:{number}: `{word}`",
                    file.display()
                );
            }
        }
    }
}

/// The crate that a file belongs to: the first name below `src/`.
fn crate_of(file: &Path) -> String {
    let below = file.strip_prefix("src").unwrap();
    let first = below
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_str()
        .unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// Lines of code with their numbers: no comments, and nothing that `#[cfg(test)]` stands before.
pub fn code_lines(file: &Path) -> Vec<(usize, String)> {
    let tests = |part: std::path::Component<'_>| part.as_os_str() == "tests";
    // Whole files of tests and of what they are fed with.
    let fed = ["tests.rs", "fixtures.rs", "samples.rs", "made_up.rs"];
    if fed.iter().any(|name| file.ends_with(name)) || file.components().any(tests) {
        return Vec::new();
    }
    code_of(&fs::read_to_string(file).unwrap())
}

/// Lines of `text` with their numbers, less comments and items behind `#[cfg(test)]`. Formatted code is assumed: an
/// item ends in the first line that is indented as it is and ends in `}` or `;`.
fn code_of(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut skipped: Option<usize> = None;
    for (number, line) in text.lines().enumerate() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        if let Some(item) = skipped {
            let is_attribute = code.starts_with("#[");
            if indent == item && !is_attribute && line.ends_with(['}', ';', ',']) {
                skipped = None;
            }
        } else if code.starts_with("#[cfg(test)]") || code.starts_with("#[cfg(all(test,") {
            skipped = Some(indent);
        } else if !code.starts_with("//") {
            lines.push((number + 1, line.to_owned()));
        }
    }
    lines
}

#[test]
fn code_after_a_test_item_is_code_again() {
    let text = "\
fn first() {}

#[cfg(test)]
#[path = \"elsewhere.rs\"]
mod tests;

// A comment.
impl Thing {
    #[cfg(test)]
    fn for_tests(&self) {
        hidden();
    }

    fn second() {}
}

#[cfg(test)]
mod more {
    fn hidden() {}
}

fn third() {}";
    let names: Vec<String> = code_of(text)
        .into_iter()
        .filter(|(_, line)| line.contains("fn "))
        .map(|(number, line)| format!("{number} {}", line.trim()))
        .collect();
    assert_eq!(
        names,
        ["1 fn first() {}", "14 fn second() {}", "22 fn third() {}"]
    );
}

/// A promise whose test was renamed or removed would be a promise no more.
#[test]
fn every_test_that_a_promise_names_is_there() {
    /// Names of tests are sentences; shorter words are files and commands.
    const SENTENCE: usize = 25;
    let promises = fs::read_to_string("docs/RELIABILITY.md").unwrap();
    let cited: BTreeSet<&str> = (promises.split('`'))
        .filter(|word| word.len() >= SENTENCE)
        .filter(|word| {
            word.bytes()
                .all(|byte| byte.is_ascii_lowercase() || b"_0123456789".contains(&byte))
        })
        .collect();
    assert!(cited.len() > 30, "{cited:?}");
    let code: String = sources()
        .chain(rust_files(Path::new("tests")))
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let is_missing = |name: &&&str| !code.contains(&format!("fn {name}("));
    let missing: Vec<_> = cited.iter().filter(is_missing).collect();
    assert!(
        missing.is_empty(),
        "docs/RELIABILITY.md names tests that are not there: {missing:?}"
    );
}

/// Tables, code and lines that are one long word, such as a link, cannot be wrapped.
#[test]
fn docs_wrap_at_100_columns() {
    let mut pages = vec![
        PathBuf::from("README.md"),
        PathBuf::from("CHANGELOG.md"),
        PathBuf::from("experiments/README.md"),
    ];
    for entry in fs::read_dir("docs").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    assert!(pages.len() > 10, "{pages:?}");
    let mut wrong = Vec::new();
    for page in pages {
        for number in long_lines(&fs::read_to_string(&page).unwrap()) {
            wrong.push(format!("{}:{number}", page.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Numbers of the lines of the Markdown `text` that should have been wrapped.
fn long_lines(text: &str) -> Vec<usize> {
    const COLUMNS: usize = 100;
    let mut is_fenced = false;
    let mut long = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let words = line.trim_start();
        if words.starts_with("```") {
            is_fenced = !is_fenced;
        }
        let is_code = is_fenced || line.starts_with("    ");
        let can_wrap = words.trim_start_matches(['-', '*', ' ']).contains(' ');
        if !is_code && !words.starts_with('|') && can_wrap && line.chars().count() > COLUMNS {
            long.push(number + 1);
        }
    }
    long
}

#[test]
fn only_prose_has_to_be_wrapped() {
    let words = "word ".repeat(21);
    let link = format!("- [a](https://example.com/{})", "a".repeat(100));
    let text =
        format!("{words}\n| {words} |\n```text\n{words}\n```\n- {words}\n    {words}\n{link}\n");
    assert_eq!(long_lines(&text), [1, 6]);
    assert!(long_lines(&format!("{} é", "é".repeat(98))).is_empty());
}

fn sources() -> impl Iterator<Item = PathBuf> {
    let files = rust_files(Path::new("src"));
    assert!(!files.is_empty());
    files.into_iter()
}

pub fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}
