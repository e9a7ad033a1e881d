//! Standard output that cannot be written: told by every command, unless it is a pipe that its reader has closed.

use std::fs::File;
use std::process::Stdio;

use crate::common::{TestDir, ended};

const FILE: &str = "
[experiment]
name = \"few\"
seeds = [1, 2]

[data]
path = \"demo.csv\"
target = \"playlist_genre\"
group = \"track_id\"
numeric = [\"danceability\", \"energy\"]

[model]
epochs = 1
";

/// A sweep that has been run, and the beginnings of the names of two of its trials.
fn test_dir() -> (TestDir, String, String) {
    let dir = TestDir::with_data(300);
    dir.write("few.toml", FILE);
    dir.succeed(&["run", "few.toml"]);
    let name = |end: &str| {
        dir.text(&format!(
            "SELECT substr(name, 1, 12) FROM trials ORDER BY id {end} LIMIT 1"
        ))
    };
    let (one, other) = (name("ASC"), name("DESC"));
    (dir, one, other)
}

/// Commands that print, at least one of each subcommand; none changes what another prints.
fn commands(one: &str, other: &str) -> Vec<Vec<String>> {
    let lines = [
        "--help",
        "--version",
        "run few.toml",
        "run few.toml --json",
        "run --help",
        "resume few",
        "stop few",
        "stop few --json",
        "plan few.toml",
        "plan few.toml --json",
        "report few",
        "report few --json",
        "predict best demo.csv",
        "predict best demo.csv -o out.csv --force --json",
        "export best out",
        "export best out --json",
        "export few out --format csv",
        "export few out --format csv --json",
        "ls",
        "ls --json",
        "ls few",
        "logs ONE --json",
        "logs --help",
        "show",
        "show few",
        "show ONE",
        "show ONE --json",
        "diff ONE OTHER",
        "diff ONE OTHER --json",
        "tag ONE",
        "note ONE",
        "mv --help",
        "cp --help",
        "rm few --dry-run",
        "gc --dry-run",
        "gc --dry-run --json",
        "init demo.csv --target playlist_genre -o -",
        "init demo.csv --target playlist_genre -o made.toml --force --json",
        "describe demo.csv",
        "describe demo.csv --json",
        "data check few.toml",
        "data check few.toml --json",
        "doctor",
        "doctor --json",
        "completions bash",
        "completions zsh",
        "help",
        "ensemble few",
        "ensemble few --json",
    ];
    let words = |line: &str| line.replace("ONE", one).replace("OTHER", other);
    let split = |line: &&str| words(line).split(' ').map(str::to_owned).collect();
    lines.iter().map(split).collect()
}

/// Clears what the command before has written.
fn clear(dir: &TestDir) {
    let folder = dir.path("out");
    if folder.exists() {
        std::fs::remove_dir_all(folder).unwrap();
    }
}

fn borrowed(command: &[String]) -> Vec<&str> {
    command.iter().map(String::as_str).collect()
}

#[test]
fn an_output_that_cannot_be_written_is_told_by_every_command() {
    let (dir, one, other) = test_dir();
    for command in commands(&one, &other) {
        let command = borrowed(&command);
        clear(&dir);
        dir.succeed(&command);
        clear(&dir);
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = dir.command(&command).stdout(full).output().unwrap();
        let (_, said) = ended(output, &command, 1);
        let told = said.contains("standard output cannot be written: No space left on device");
        assert!(told, "{command:?}: {said}");
    }
}

#[test]
fn a_closed_pipe_is_no_failure_of_any_command() {
    let (dir, one, other) = test_dir();
    for command in commands(&one, &other) {
        let command = borrowed(&command);
        clear(&dir);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = dir
            .command(&command)
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let (_, said) = ended(output, &command, 0);
        assert!(!said.contains("standard output"), "{command:?}: {said}");
    }
}

#[test]
fn every_subcommand_is_among_those_whose_output_is_tried() {
    let dir = TestDir::empty();
    let help = dir.succeed(&["--help"]);
    let (_, list) = help.split_once("Commands:").unwrap();
    let (list, _) = list.split_once("Options:").unwrap();
    let names = list.lines().filter_map(|line| {
        let name = line.strip_prefix("  ")?.split(' ').next()?;
        (!name.is_empty()).then_some(name)
    });
    let tried = commands("a", "b");
    // Tried on a cluster (tests/cluster).
    let needs_cluster = ["watch", "agent"];
    let mut count = 0;
    for name in names.filter(|name| !needs_cluster.contains(name)) {
        assert!(tried.iter().any(|command| command[0] == name), "{name}");
        count += 1;
    }
    assert!(count > 15, "{help}");
}
