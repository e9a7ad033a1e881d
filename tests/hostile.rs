//! Names and texts that would like to be more than text, through every command of the real binary and into
//! every file it writes.
//!
//! The table's columns, classes and titles are markup, formulas, paths, options and characters that act on a
//! terminal. What is checked is where they come out: they are shown, and stay where they belong.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::common::TestDir;

/// Classes of the target.
const CLASSES: [&str; 5] = [
    "<script>alert(1)</script>",
    "-rf",
    "=cmd|' /C calc'!A0",
    "\u{1b}[2J\u{1b}[31mred\u{7}",
    "\u{202e}drowssap\u{2066}",
];
/// Columns of numbers.
const COLUMNS: [&str; 6] = [
    "../../escaped",
    "=1+1",
    "</title><img src=x onerror=alert(2)>",
    "a\nb\rc",
    "]]>&amp;'\"--><!--",
    "\u{9b}31m%s{}\\",
];
/// Values of a column of categories.
const CATEGORIES: [&str; 3] = ["@SUM(A1)", "\t=2", "'; DROP TABLE trials; --"];
/// Texts.
const TITLES: [&str; 4] = [
    "<script>alert(3)</script> love",
    "line\nbreak love",
    "\u{1b}]0;owned\u{7} song",
    "+1 love song \0",
];

/// Characters that must not reach a terminal, nor a file that is shown as it is.
fn acts(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
}

fn cell(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn toml(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if acts(c) || c == '\n' || c == '\t' => {
                quoted.push_str(&format!("\\U{:08x}", u32::from(c)));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

fn test_dir() -> TestDir {
    let dir = TestDir::empty();
    fs::create_dir(dir.path("in")).unwrap();
    let mut rows: Vec<String> = vec![
        (COLUMNS.iter().copied())
            .chain(["<b>kind</b>", "title", "=class"])
            .map(cell)
            .collect::<Vec<_>>()
            .join(","),
    ];
    for row in 0..200 {
        let class = row % CLASSES.len();
        let mut cells: Vec<String> = (0..COLUMNS.len())
            .map(|column| ((row * (column + 3)) % 17 + 4 * class).to_string())
            .collect();
        cells.push(cell(CATEGORIES[row % CATEGORIES.len()]));
        cells.push(cell(TITLES[row % TITLES.len()]));
        cells.push(cell(CLASSES[class]));
        rows.push(cells.join(","));
    }
    fs::write(dir.path("in/songs.csv"), rows.join("\n") + "\n").unwrap();
    let numeric: Vec<String> = COLUMNS.iter().map(|name| toml(name)).collect();
    let experiment = format!(
        "[data]
path = \"songs.csv\"
target = \"=class\"
numeric = [{}]
categorical = [\"<b>kind</b>\"]
text = {{ columns = [\"title\"], encoder = \"tfidf\", dims = 2 }}

[model]
epochs = 3

[grid]
layers = [[8], [4]]

[[baseline]]
kind = \"random_forest\"
trees = 5
",
        numeric.join(", ")
    );
    fs::write(dir.path("in/hostile.toml"), experiment).unwrap();
    dir
}

/// What a command that must end with `code` wrote, none of which acts on a terminal.
fn said(dir: &TestDir, arguments: &[&str], code: i32) -> String {
    let output = dir
        .command(arguments)
        .current_dir(dir.path("in"))
        .output()
        .unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{said}");
    let found = said.chars().find(|c| acts(*c));
    assert_eq!(
        found,
        None,
        "{arguments:?} wrote it:\n{}",
        said.escape_debug()
    );
    said
}

fn json(dir: &TestDir, arguments: &[&str]) -> Json {
    let said = said(dir, &[arguments, &["--json"]].concat(), 0);
    let line = said
        .lines()
        .find(|line| line.starts_with(['{', '[']))
        .unwrap();
    serde_json::from_str(line).unwrap()
}

/// Every file below `folder`.
fn files(dir: &TestDir, folder: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![dir.path(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn ends_with(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|own| own == extension)
}

/// Every tag that `markup` holds, by name: what stands between `<` and the first character that cannot be
/// in a name.
fn tags(markup: &str) -> Vec<&str> {
    (markup.match_indices('<'))
        .map(|(at, _)| {
            let rest = &markup[at + 1..];
            let end = rest.find(|c: char| !c.is_alphanumeric() && !"/!?-".contains(c));
            &rest[..end.unwrap_or(rest.len())]
        })
        .collect()
}

/// That `markup` has no element that data brought with them.
fn is_only_ours(path: &Path, markup: &str) {
    let shown = path.display();
    for foreign in [
        "<script>alert",
        "<img src=x",
        "<b>kind",
        "onerror=alert(2)>",
        "<!--]",
        "--><!--",
    ] {
        assert!(!markup.contains(foreign), "{shown} holds {foreign}");
    }
    assert!(
        !markup.chars().any(acts),
        "{shown} holds a character that acts"
    );
    if ends_with(path, "svg") {
        let allowed = [
            "svg",
            "/svg",
            "rect",
            "/rect",
            "line",
            "/line",
            "polyline",
            "/polyline",
            "polygon",
            "/polygon",
            "circle",
            "/circle",
            "text",
            "/text",
            "path",
            "/path",
            "g",
            "/g",
            "image",
            "tspan",
            "/tspan",
            "title",
            "/title",
            "defs",
            "/defs",
            "clipPath",
            "/clipPath",
            "?xml",
            "style",
            "/style",
            "desc",
            "/desc",
        ];
        for tag in tags(markup) {
            assert!(allowed.contains(&tag), "{shown} has an element <{tag}>");
        }
        assert_eq!(markup.matches("<svg").count(), 1, "{shown}");
    }
}

/// That no cell of a CSV file begins a formula, and that numbers are numbers.
fn is_harmless_table(path: &Path, bytes: &[u8]) {
    let shown = path.display();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(bytes);
    let mut numbers = 0;
    for record in reader.records() {
        for cell in &record.unwrap() {
            let is_number = cell.parse::<f64>().is_ok();
            numbers += usize::from(is_number);
            let begins = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
            assert!(is_number || !begins, "{shown}: cell {cell:?} is a formula");
        }
    }
    assert!(numbers > 0, "{shown} has no numbers");
}

#[test]
#[expect(clippy::too_many_lines, reason = "one road through every command")]
fn hostile_names_and_texts_stay_where_they_belong() {
    let dir = test_dir();
    said(&dir, &["data", "check", "hostile.toml"], 0);
    said(&dir, &["plan", "hostile.toml"], 0);
    said(&dir, &["run", "hostile.toml", "--workers", "1"], 0);
    said(&dir, &["ls"], 0);
    said(&dir, &["show"], 0);
    let shown = json(&dir, &["show", "hostile"]);
    for record in shown["records"].as_array().unwrap() {
        let trial = record["trial"].as_str().unwrap();
        said(&dir, &["show", trial], 0);
        json(&dir, &["show", trial]);
    }
    json(&dir, &["ls"]);
    json(&dir, &["plan", "hostile.toml"]);
    said(&dir, &["report", "--test"], 0);
    let report = json(&dir, &["report"]);
    assert!(report[0]["test"].is_object());
    said(&dir, &["describe", "hostile.toml"], 0);
    said(&dir, &["describe", "songs.csv", "--target", "=class"], 0);
    let described = json(&dir, &["describe", "hostile.toml"]);
    let names: Vec<&str> = (described["columns"].as_array().unwrap().iter())
        .map(|column| column["name"].as_str().unwrap())
        .collect();
    for name in COLUMNS {
        assert!(
            names.contains(&name),
            "{name:?} reads back as it is: {names:?}"
        );
    }
    said(&dir, &["export", "best", "model"], 0);
    said(
        &dir,
        &["predict", "--model", "model", "songs.csv", "-o", "out.csv"],
        0,
    );
    said(
        &dir,
        &["predict", "best", "songs.csv", "-o", "again.csv"],
        0,
    );
    said(&dir, &["gc", "--dry-run"], 0);

    let (mut pages, mut drawings, mut tables, mut pictures) = (0, 0, 0, 0);
    for path in files(&dir, "in/reports") {
        let bytes = fs::read(&path).unwrap();
        if ends_with(&path, "csv") {
            tables += 1;
            is_harmless_table(&path, &bytes);
        } else if ends_with(&path, "png") {
            pictures += 1;
            assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.ends_with(b"IEND\xaeB`\x82"));
        } else if ends_with(&path, "json") {
            serde_json::from_slice::<Json>(&bytes).unwrap();
        } else {
            let text = String::from_utf8(bytes).unwrap();
            pages += usize::from(ends_with(&path, "html"));
            drawings += usize::from(ends_with(&path, "svg"));
            is_only_ours(&path, &text);
        }
    }
    assert!(
        pages >= 1 && drawings >= 5 && tables >= 8 && pictures >= 5,
        "{pages} {drawings}"
    );
    // Shown all the same.
    let page = fs::read_to_string(dir.path("in/reports/hostile/index.html")).unwrap();
    assert!(
        page.contains("lt;script") || page.contains("u003cscript"),
        "the class is not shown"
    );
    let top: Vec<String> = (fs::read_dir(dir.root()).unwrap())
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(top, ["in"], "nothing was written outside the folder");
    let names = files(&dir, "in")
        .into_iter()
        .map(|path| path.display().to_string());
    for name in names {
        assert!(
            !name.contains("escaped") && !name.contains("script"),
            "{name}"
        );
    }
}

#[test]
fn predictions_are_the_table_as_it_was_with_columns_added() {
    let dir = test_dir();
    said(&dir, &["run", "hostile.toml", "-q"], 0);
    said(&dir, &["predict", "best", "songs.csv", "-o", "out.csv"], 0);
    let read = |name: &str| -> Vec<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_path(dir.path(name))
            .unwrap();
        let record = |record: csv::StringRecord| record.iter().map(str::to_owned).collect();
        reader
            .records()
            .map(|found| record(found.unwrap()))
            .collect()
    };
    let (before, after) = (read("in/songs.csv"), read("in/out.csv"));
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before[..], after[..before.len()]);
    }
    let predicted = before[0].len();
    for row in &after[1..] {
        assert!(
            CLASSES.contains(&row[predicted].as_str()),
            "{:?}",
            row[predicted]
        );
        let sum: f64 = (row[predicted + 1..].iter())
            .map(|cell| cell.parse::<f64>().unwrap())
            .sum();
        assert!((sum - 1.0).abs() < 1e-4);
    }
}

#[test]
fn mistakes_are_told_without_letting_through_what_is_wrong() {
    let dir = test_dir();
    let sound = fs::read_to_string(dir.path("in/hostile.toml")).unwrap();
    let spoil = |text: String| {
        fs::write(dir.path("in/bad.toml"), text).unwrap();
        said(&dir, &["plan", "bad.toml"], 2);
        said(&dir, &["run", "bad.toml"], 2);
    };
    // Control characters as they are, in a comment, a key, a text and a name.
    spoil(format!("# \u{1b}[2J\n{sound}"));
    spoil(format!("{sound}\n\u{1b}]0;x\u{7} = 1\n"));
    spoil(sound.replace("songs.csv", "\u{1b}[31m\0"));
    spoil(format!("{sound}\n[\"\u{202e}x\u{200b}\"]\ny = 1\n"));
    spoil(format!("{sound}\n[\"\\u001b[2J\"]\n"));
    spoil(sound.replace("\"=class\"", "\"\\u001b[2Jclass\""));
    spoil(sound.replace("\"songs.csv\"", "\"\\u001b[2J.csv\""));
    spoil(sound.replace("\"songs.csv\"", "\"\\u0000.csv\""));
    spoil(sound.replace("\"songs.csv\"", "\"/dev/zero\""));
    spoil(format!("[experiment]\nname = \"../../x\"\n{sound}"));
    spoil(format!("[experiment]\nname = \"\\u202ex\"\n{sound}"));
    let flags = [
        "model.epochs=\u{1b}[2J",
        "\u{202e}=1",
        "data.path=\"/dev/\u{7}\"",
        "experiment.name=../x",
    ];
    for flag in flags {
        said(&dir, &["plan", "hostile.toml", "--set", flag], 2);
    }
    for name in ["\u{1b}[2J.toml", "/dev/zero", "..", "\u{202e}"] {
        said(&dir, &["run", name], 2);
    }
    said(&dir, &["run", "hostile.toml", "-q"], 0);
    for arguments in [
        ["show", "\u{1b}[2J"],
        ["show", "../../x"],
        ["report", "\u{9b}31m"],
        ["resume", "<script>\u{7}"],
        ["rm", "\u{202e}"],
        ["describe", "\u{1b}[2J.csv"],
    ] {
        let output = dir.run(&arguments);
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(
            matches!(output.status.code(), Some(1 | 2)),
            "{arguments:?}: {said}"
        );
        assert!(
            !said.chars().any(acts),
            "{arguments:?}: {}",
            said.escape_debug()
        );
    }
    assert!(!dir.path("x").exists());
}
