//! Settings arrive at the program unchanged, to the byte and the bit, by every way that there is.

use serde_json::{Value as Json, json};

use super::{file, python, shell, text, trial, trials};
use crate::common::TestDir;

/// Writes down what it was given.
const ECHO: &str = r#"
import os, sys
folder = os.environ["SWEEP_TRIAL_DIR"]
def keep(name, data):
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)
keep("argv", b"".join(os.fsencode(word) + b"\0" for word in sys.argv[1:]))
keep("environ", b"".join(name + b"=" + value + b"\0" for name, value in os.environb.items()))
with open(os.environ["SWEEP_PARAMS"], "rb") as file:
    keep("settings.json", file.read())
print("loss=1")
"#;

/// A setting: its name, its value in TOML, the text of it that a program receives, and its value in JSON.
type Setting = (&'static str, &'static str, &'static str, Json);

fn settings() -> Vec<Setting> {
    let texts = [
        ("empty", "''", ""),
        ("blank", "'  a  b '", "  a  b "),
        (
            "lines",
            r#""one\ntwo\r\n\tthree\n""#,
            "one\ntwo\r\n\tthree\n",
        ),
        ("quotes", r#""it's \"so\" \\ \\n""#, "it's \"so\" \\ \\n"),
        (
            "shell",
            "';$(touch HACKED)`touch HACKED`&|<>(*?[~$HOME'",
            ";$(touch HACKED)`touch HACKED`&|<>(*?[~$HOME",
        ),
        ("exotic", "'größe ☃ 𝔘 עב'", "größe ☃ 𝔘 עב"),
        ("dash", "'--seed'", "--seed"),
        ("braces", "'{lines} {{x}} %s'", "{lines} {{x}} %s"),
        ("number", "'1.0'", "1.0"),
        ("truth", "'true'", "true"),
        (
            "control",
            r#""\u0001\u001B[31m\u007F""#,
            "\u{1}\u{1b}[31m\u{7f}",
        ),
    ];
    let mut all: Vec<Setting> = texts
        .into_iter()
        .map(|(name, toml, text)| (name, toml, text, json!(text)))
        .collect();
    all.extend([
        ("yes", "true", "true", json!(true)),
        ("no", "false", "false", json!(false)),
        ("one", "1", "1", json!(1)),
        ("one_float", "1.0", "1.0", json!(1.0)),
        ("negative_zero", "-0.0", "-0.0", json!(-0.0)),
        ("tiny", "1e-300", "1e-300", json!(1e-300)),
        ("smallest", "5e-324", "5e-324", json!(5e-324)),
        (
            "largest",
            "1.7976931348623157e308",
            "1.7976931348623157e308",
            json!(f64::MAX),
        ),
        (
            "sum",
            "0.30000000000000004",
            "0.30000000000000004",
            json!(0.1 + 0.2),
        ),
        (
            "most",
            "9223372036854775807",
            "9223372036854775807",
            json!(i64::MAX),
        ),
        (
            "least",
            "-9223372036854775808",
            "-9223372036854775808",
            json!(i64::MIN),
        ),
        ("nothing", "[]", "[]", json!([])),
        (
            "list",
            r#"[1, 1.0, "a b\n'\"", [true, []]]"#,
            r#"[1,1.0,"a b\n'\"",[true,[]]]"#,
            json!([1, 1.0, "a b\n'\"", [true, []]]),
        ),
        (
            "table",
            r#"{ a = { "b c" = [1e-300] }, "é" = "ü;" }"#,
            r#"{"a":{"b c":[1e-300]},"é":"ü;"}"#,
            json!({"a": {"b c": [1e-300]}, "é": "ü;"}),
        ),
    ]);
    all
}

/// `settings = { ... }` for `[program]`.
fn in_toml(settings: &[Setting]) -> String {
    let pairs = settings
        .iter()
        .map(|(name, toml, ..)| format!("{name} = {toml}"));
    format!("settings = {{ {} }}", pairs.collect::<Vec<_>>().join(", "))
}

fn words(bytes: &[u8]) -> Vec<String> {
    let words = String::from_utf8(bytes.to_vec()).unwrap();
    words.split_terminator('\0').map(str::to_owned).collect()
}

/// Runs the experiment with `command` in the place of that of [`python`].
fn run_with(dir: &TestDir, command: &str) -> Json {
    let text = std::fs::read_to_string(dir.path("p.toml")).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines[1] = command;
    dir.write("p.toml", lines.join("\n"));
    dir.succeed(&["run", "p.toml", "-q"]);
    assert!(!dir.path("HACKED").exists());
    trial(dir)
}

#[test]
fn settings_of_every_type_arrive_unchanged_as_arguments_variables_and_json() {
    let settings = settings();
    let program = format!(
        "{}\nargs = [\"--{{name}}\", \"{{value}}\", \"{{name}}={{value}}\"]",
        in_toml(&settings)
    );
    let dir = python(ECHO, &program, "");
    let placeholders = settings
        .iter()
        .map(|(name, ..)| format!("\"{{{name}}}\", \"a{{{name}}}b\""));
    let placeholders: Vec<String> = placeholders.collect();
    let trial = run_with(
        &dir,
        &format!(
            "command = [\"python3\", \"train.py\", {}, \"{{{{}}}}\"]",
            placeholders.join(", ")
        ),
    );
    let mut expected: Vec<String> = Vec::new();
    for (_, _, text, _) in &settings {
        expected.extend([(*text).to_owned(), format!("a{text}b")]);
    }
    expected.push("{}".to_owned());
    let mut sorted = settings.clone();
    sorted.sort_by_key(|(name, ..)| *name);
    for (name, _, text, _) in &sorted {
        expected.extend([
            format!("--{name}"),
            (*text).to_owned(),
            format!("{name}={text}"),
        ]);
    }
    assert_eq!(words(&file(&dir, &trial, "argv")), expected);

    let environment = words(&file(&dir, &trial, "environ"));
    for (name, _, text, _) in &settings {
        let variable = format!("SWEEP_PARAM_{}={text}", name.to_uppercase());
        assert!(
            environment.contains(&variable),
            "{variable:?}\n{environment:#?}"
        );
    }
    let written: Json = serde_json::from_slice(&file(&dir, &trial, "settings.json")).unwrap();
    let all: Json = settings
        .iter()
        .map(|(name, _, _, json)| ((*name).to_owned(), json.clone()))
        .collect();
    assert_eq!(written, all);
    let sign = written["negative_zero"].as_f64().unwrap();
    assert!(sign.is_sign_negative());
    // What the database has is what was asked for.
    assert_eq!(trial["params"], all);
}

#[test]
fn an_axis_keeps_integers_and_floats_apart_and_lists_whole() {
    let dir = python(
        ECHO,
        "args = \"{value}\"",
        "[grid]\nx = [1, 0.5, 2.0, \"one\", true]\nlayers = [[64, 32], []]\n",
    );
    dir.succeed(&["run", "p.toml", "-q"]);
    let mut found: Vec<Vec<String>> = trials(&dir)
        .iter()
        .map(|trial| words(&file(&dir, trial, "argv")))
        .collect();
    found.sort();
    let mut expected = Vec::new();
    for layers in ["[64,32]", "[]"] {
        for x in ["1", "0.5", "2.0", "one", "true"] {
            expected.push(vec![layers.to_owned(), x.to_owned()]);
        }
    }
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn a_list_becomes_as_many_arguments_as_it_has_items() {
    let program = "settings = { layers = [64, 0.5, \"a b\", \"\"], none = [] }";
    let dir = python(ECHO, program, "");
    let trial = run_with(
        &dir,
        "command = [\"python3\", \"train.py\", \"{none...}\", \"--layers\", \"{layers...}\", \"--end\"]",
    );
    assert_eq!(
        words(&file(&dir, &trial, "argv")),
        ["--layers", "64", "0.5", "a b", "", "--end"]
    );
}

#[test]
fn a_shell_reads_no_letter_of_a_value() {
    let settings = settings();
    let dir = python(ECHO, &format!("shell = true\n{}", in_toml(&settings)), "");
    let words_of = |around: (&str, &str)| -> String {
        let (open, close) = around;
        let all = settings
            .iter()
            .map(|(name, ..)| format!("{open}{{{name}}}{close}"));
        all.collect::<Vec<_>>().join(" ")
    };
    let script = format!(
        "command = '''\nset -e\nx=in-{{shell}}\npython3 train.py {} {} {} \"$x\" {{list...}} | cat\n'''",
        words_of(("", "")),
        words_of(("\"a ", " b\"")),
        words_of(("pre", "post")),
    );
    let trial = run_with(&dir, &script);
    let mut expected: Vec<String> = Vec::new();
    for (open, close) in [("", ""), ("a ", " b"), ("pre", "post")] {
        let all = settings
            .iter()
            .map(|(_, _, text, _)| format!("{open}{text}{close}"));
        expected.extend(all);
    }
    let shell = settings.iter().find(|(name, ..)| *name == "shell").unwrap();
    expected.push(format!("in-{}", shell.2));
    expected.extend(["1", "1.0", "a b\n'\"", "[true,[]]"].map(str::to_owned));
    assert_eq!(words(&file(&dir, &trial, "argv")), expected);
}

#[test]
fn variables_of_the_file_are_set_and_those_of_the_caller_are_kept() {
    let program = "env = { DATA = \"data/{x}.csv\", EMPTY = \"\", OWN = \"{trial_dir}\" }\nsettings = { x = \"a b;\" }";
    let dir = python(ECHO, program, "");
    let mut command = dir.command(&["run", "p.toml", "-q"]);
    let output = command
        .env("OF_CALLER", "kept\n")
        .env("EMPTY", "full")
        .output()
        .unwrap();
    assert!(output.status.success());
    let trial = trial(&dir);
    let environment = words(&file(&dir, &trial, "environ"));
    let folder = dir.path(text(&trial, "folder")).canonicalize().unwrap();
    for expected in [
        "DATA=data/a b;.csv".to_owned(),
        "EMPTY=".to_owned(),
        "OF_CALLER=kept\n".to_owned(),
        "SWEEP_SEED=1".to_owned(),
        "OMP_NUM_THREADS=1".to_owned(),
        format!("SWEEP_TRIAL={}", text(&trial, "trial")),
        format!("OWN={}", folder.display()),
        format!("SWEEP_TRIAL_DIR={}", folder.display()),
        format!(
            "SWEEP_CHECKPOINT_DIR={}",
            folder.join("checkpoints").display()
        ),
    ] {
        assert!(
            environment.contains(&expected),
            "{expected:?}\n{environment:#?}"
        );
    }
}

/// Copies the file that it is given to its own folder.
const COPY: &str = "cat \"$1\" > \"$SWEEP_TRIAL_DIR/given\"; echo loss=1\n";

const CONFIG_KEYS: &str = r#"{ lr = "train.lr", name = "train.name", list = "train.list", one = "+train.one", table = "+train.table" }"#;
const CONFIG_SETTINGS: &str = r#"settings = { lr = 1e-300, name = "a: b\n\"'#;$(x) é", list = [1, 1.0, "x, y"], one = 1.0, table = { "c d" = [true] } }"#;

#[test]
fn settings_are_written_into_copies_of_configuration_files_and_all_else_is_kept() {
    let cases = [
        (
            "c.yaml",
            "# rates\ntrain:\n  lr: 0.5   # first\n  name: \"old\"\n  list: [1, 2]\nother: &x kept\n",
            "# rates
train:
  table: {\"c d\": [true]}
  one: 1.0
  lr: 1.0e-300   # first
  name: \"a: b\\u000A\\\"'#;$(x) é\"
  list: [1, 1.0, \"x, y\"]
other: &x kept
",
        ),
        (
            "c.toml",
            "# rates\nother = 'kept'   # too\n[train]\nlr = 0.5 # first\nname = \"old\"\nlist = [1, 2]\n",
            "# rates
other = 'kept'   # too
[train]
lr = 1e-300 # first
name = \"a: b\\u000A\\\"'#;$(x) é\"
list = [1, 1.0, \"x, y\"]
one = 1.0
table = {\"c d\" = [true]}
",
        ),
        (
            "c.json",
            "{\"train\": {\"lr\": 0.5, \"name\": \"old\",   \"list\": [1, 2]}, \"other\": \"kept\"}\n",
            "{\"train\": {\"lr\": 1e-300, \"name\": \"a: b\\n\\\"'#;$(x) é\",   \"list\": [1,1.0,\"x, y\"], \
             \"one\": 1.0, \"table\": {\"c d\":[true]}}, \"other\": \"kept\"}\n",
        ),
    ];
    for (name, before, after) in cases {
        let program = format!(
            "{CONFIG_SETTINGS}\nconfig = {{ file = \"conf/{name}\", keys = {CONFIG_KEYS} }}"
        );
        let dir = shell(COPY, &program, "");
        dir.write(&format!("conf/{name}"), before);
        let trial = run_with(&dir, "command = [\"sh\", \"train.sh\", \"{config}\"]");
        let given = String::from_utf8(file(&dir, &trial, "given")).unwrap();
        assert_eq!(given, after, "{name}");
        assert_eq!(
            std::fs::read_to_string(dir.path(&format!("conf/{name}"))).unwrap(),
            before
        );
    }
}

/// What Python reads from copies of JSON and TOML files is what was asked for.
#[test]
fn python_reads_back_what_was_written_into_a_json_file() {
    let script = "
import json, os, sys
settings = json.load(open(sys.argv[1], encoding='utf-8'))
json.dump(settings, open(os.environ['SWEEP_TRIAL_DIR'] + '/read', 'w'))
print('loss=1')
";
    let settings = settings();
    let keys = settings
        .iter()
        .map(|(name, ..)| format!("{name} = \"+{name}\""));
    let keys: Vec<String> = keys.collect();
    let program = format!(
        "{}\nconfig = {{ file = \"c.json\", keys = {{ {} }} }}",
        in_toml(&settings),
        keys.join(", ")
    );
    let dir = python(script, &program, "");
    dir.write("c.json", "{\"first\": 0}");
    let trial = run_with(&dir, "command = [\"python3\", \"train.py\", \"{config}\"]");
    let read: Json = serde_json::from_slice(&file(&dir, &trial, "read")).unwrap();
    for (name, _, _, json) in &settings {
        assert_eq!(&read[*name], json, "{name}");
    }
    assert_eq!(read["first"], 0);
}
