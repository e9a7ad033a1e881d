//! The three formats, written and read again.

use sweep_core::program::ConfigFormat::{Json, Toml, Yaml};

use super::*;
use crate::fixtures::{same, values};

fn written(format: ConfigFormat, text: &str, key: &str, value: Value) -> String {
    write(text, format, &[(key, &value)]).unwrap()
}

fn problem(format: ConfigFormat, text: &str, key: &str) -> String {
    write(text, format, &[(key, &Value::Int(7))])
        .unwrap_err()
        .to_string()
}

/// Each key of the file set to 7, by what the file is then.
fn all(format: ConfigFormat, text: &str, expected: &[(&str, &str)]) {
    for (key, expected) in expected {
        assert_eq!(
            written(format, text, key, Value::Int(7)),
            *expected,
            "{key}"
        );
    }
}

#[test]
fn toml_keeps_comments_and_order() {
    let text = "# top\nb = 1 # one\n\n[train]\nlr = 0.1 # rate\nx = { y = 1, z = [1, 2] }\n\n[[data]]\nfile = 'a'\n";
    all(
        Toml,
        text,
        &[
            ("b", &text.replace("b = 1", "b = 7")),
            ("train.lr", &text.replace("0.1", "7")),
            ("train.x.y", &text.replace("y = 1", "y = 7")),
            ("train.x.z[1]", &text.replace("[1, 2]", "[1, 7]")),
            ("train.x", &text.replace("{ y = 1, z = [1, 2] }", "7")),
            ("data[0].file", &text.replace("'a'", "7")),
            ("data.0.file", &text.replace("'a'", "7")),
            ("+train.lr", &text.replace("0.1", "7")),
            ("+train.x.w", &text.replace("[1, 2] }", "[1, 2] , w = 7 }")),
            ("+data[0].n", &format!("{text}n = 7\n")),
            ("+\"a.b\"", &text.replace("one\n", "one\n\"a.b\" = 7\n")),
        ],
    );
    all(
        Toml,
        "a.b = 1\n",
        &[("a.b", "a.b = 7\n"), ("+a.c", "a.b = 1\na.c = 7\n")],
    );
    all(
        Toml,
        "[a.b]\nc = 1\n",
        &[
            ("+a.d", "[a]\nd = 7\n[a.b]\nc = 1\n"),
            ("a.b", "[a]\nb= 7\n"),
        ],
    );
    assert!(problem(Toml, text, "data[0]").contains("one of an array of tables"));
    assert!(problem(Toml, "a = ", "a").starts_with("the file is no valid TOML: "));
}

#[test]
fn json_keeps_order_and_blanks() {
    let text = r#"{
  "b": 1,
  "a": {"lr": 1e-400, "é\n": [1, {"x" : "}\""}]},
  "n": NaN, "e": {}
}
"#;
    all(
        Json,
        text,
        &[
            ("b", &text.replace("\"b\": 1", "\"b\": 7")),
            ("a.lr", &text.replace("1e-400", "7")),
            ("a.é\n[1].x", &text.replace("\"}\\\"\"", "7")),
            ("a.é\n[0]", &text.replace("[1,", "[7,")),
            ("n", &text.replace("NaN", "7")),
            ("+e.x", &text.replace("{}", "{\"x\": 7}")),
            ("+a.new", &text.replace("\"}]}", "\"}], \"new\": 7}")),
            ("+new", &text.replace("{}\n}", "{},\n  \"new\": 7\n}")),
        ],
    );
    assert_eq!(
        written(Json, "{\"a\": 1, \"a\": 2}", "a", Value::Int(7)),
        "{\"a\": 1, \"a\": 7}"
    );
    assert_eq!(
        problem(Json, "{\"a\": 1,\n \"b\" 2}", "a"),
        "the file is no valid JSON: `:` is missing at line 2, column 6"
    );
    for text in [
        "",
        "{",
        "{\"a\"",
        "{\"a\":1,}",
        "[1",
        "[1,]",
        "{a:1}",
        "{\"a\":01}",
        "\"\\",
        "\"\\é",
        "{} x",
        "nul",
    ] {
        assert!(
            problem(Json, text, "a").starts_with("the file is no valid JSON"),
            "{text}"
        );
    }
    assert!(problem(Json, &"[".repeat(100_000), "a").contains("too many lists"));
}

#[test]
fn yaml_keeps_everything_but_the_value() {
    let text = r#"# top
b: 1 # one
train:
  lr: 0.1   # rate
  on: yes
  text: 'it''s' # é
  more: |
    two
    lines
  list:
  - 1 # first
  - {a: 2, "b": [3, 4], }
  -   x: 1
      y: "a # b"   # c
empty:
last: 2026-11-29
"#;
    all(
        Yaml,
        text,
        &[
            ("b", &text.replace("b: 1", "b: 7")),
            ("train.lr", &text.replace("0.1", "7")),
            ("train.on", &text.replace("yes", "7")),
            ("train.text", &text.replace("'it''s'", "7")),
            ("train.more", &text.replace("|\n    two\n    lines", "7")),
            ("train.list[0]", &text.replace("- 1", "- 7")),
            ("train.list[1].a", &text.replace("{a: 2", "{a: 7")),
            ("train.list[1].b[1]", &text.replace("4]", "7]")),
            (
                "train.list[1]",
                &text.replace("{a: 2, \"b\": [3, 4], }", "7"),
            ),
            ("train.list[2].y", &text.replace("\"a # b\"", "7")),
            ("empty", &text.replace("empty:", "empty: 7")),
            ("last", &text.replace("2026-11-29", "7")),
            ("+train.new", &text.replace("  lr", "  new: 7\n  lr")),
            (
                "+train.list[1].new",
                &text.replace("4], }", "4], new: 7, }"),
            ),
            (
                "+train.list[2].new",
                &text.replace("-   x", "-   new: 7\n      x"),
            ),
            ("+new", &text.replace("b: 1", "new: 7\nb: 1")),
            ("+\"no\"", &text.replace("b: 1", "\"no\": 7\nb: 1")),
        ],
    );
    let start = text.find("list:\n").unwrap();
    let end = text.find("   # c").unwrap();
    let expected = [&text[..start], "list: 7", &text[end..]].concat();
    assert_eq!(written(Yaml, text, "train.list", Value::Int(7)), expected);
}

#[test]
fn yaml_of_other_shapes_is_written_too() {
    for (text, key, expected) in [
        ("", "+a", "a: 7\n"),
        ("# only\n", "+a", "# only\na: 7\n"),
        ("---\na: 1\n...\n", "a", "---\na: 7\n...\n"),
        (
            "\u{feff}a: 1\r\nb: 2\r\n",
            "+c",
            "\u{feff}c: 7\r\na: 1\r\nb: 2\r\n",
        ),
        ("{a: 1}", "a", "{a: 7}"),
        ("{}", "+a", "{a: 7}"),
        ("a: [ \"b\" ] # c\n", "a", "a: 7 # c\n"),
        ("a: !t { b: 1 }\n", "+a.c", "a: !t { b: 1, c: 7 }\n"),
        ("a: [ # c\n  1 ]\n", "a[0]", "a: [ # c\n  7 ]\n"),
        ("a: { }\n", "+a.b", "a: { b: 7}\n"),
        ("a: {}", "+a.b", "a: {b: 7}"),
        ("a: {b: }\n", "a.b", "a: {b: 7 }\n"),
        ("- 1\n- a: 2\n-\n", "[1].a", "- 1\n- a: 7\n-\n"),
        ("- 1\n-\n- 2\n", "[1]", "- 1\n- 7\n- 2\n"),
        ("a: !env LR # c\n", "a", "a: 7 # c\n"),
        ("a: !!float 3\n", "a", "a: 7\n"),
        ("a: &x 3\nb: *x\n", "a", "a: &x 7\nb: *x\n"),
        ("a: &x 3\nb: *x\n", "b", "a: &x 3\nb: 7\n"),
        ("a: one\n  two # c\nb: 1\n", "a", "a: 7 # c\nb: 1\n"),
        ("a:\n  b: 1\nc: 2\n", "c", "a:\n  b: 1\nc: 7\n"),
        ("\"a b\": 1\n", "a b", "\"a b\": 7\n"),
        ("1: 2\n", "1", "1: 7\n"),
        ("a:\n- - x\n- 2\nb: 1\n", "a", "a: 7\nb: 1\n"),
        ("a:\n  - -1\n  - 2\nb: 1\n", "a", "a: 7\nb: 1\n"),
        (
            "a: # c\n  # d\n\n  x: 1 # e\nb: 1\n",
            "a",
            "a: 7 # c\n  # d # e\nb: 1\n",
        ),
        ("- x: 1\n  y: 2\n- 3\n", "[0]", "- 7\n- 3\n"),
        ("a: &x\n- 1\nb: *x\n", "a", "a: &x 7\nb: *x\n"),
        ("a: &x >-2 # a|b\n\n  c\nb: *x\n", "a", "a: &x 7\nb: *x\n"),
        ("a: |\n\n  c\n\nb: 1\n", "a", "a: 7\n\nb: 1\n"),
        ("- |+ # a > b\n a\n- 1\n", "[0]", "- 7\n- 1\n"),
        ("a: [1, # one\n  2, # two\n]\n", "a", "a: 7\n"),
        (
            "base: &b {lr: 1}\nt:\n  <<: *b\n  x: 1\n",
            "t.lr",
            "base: &b {lr: 1}\nt:\n  lr: 7\n  <<: *b\n  x: 1\n",
        ),
    ] {
        assert_eq!(written(Yaml, text, key, Value::Int(7)), expected, "{text}");
    }
}

#[test]
fn yaml_that_cannot_be_written_is_an_error() {
    let alias = "b: &b {lr: 1}\nt: *b\n";
    assert_eq!(
        problem(Yaml, alias, "t.lr"),
        "`t.lr` cannot be set, because `t` is the alias `*b`; name the key where `&b` stands"
    );
    assert!(problem(Yaml, "a: 1\n---\na: 2\n", "a").contains("several documents"));
    assert!(problem(Yaml, "a: [1\n", "a").starts_with("the file is no valid YAML"));
    assert!(problem(Yaml, "a: 1\n\tb: 2\n", "a").starts_with("the file is no valid YAML"));
    // The anchor would be gone, and its alias with it.
    assert!(problem(Yaml, "a: {b: &x 1}\nc: *x\n", "a").contains("cannot be exchanged"));
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    assert!(problem(Yaml, &deep, "a").contains("too many lists"));
    assert!(problem(Yaml, &"[".repeat(10_000), "a").starts_with("the file is no valid YAML"));
}

#[test]
fn a_key_that_is_not_there_names_the_nearest_that_is() {
    let files = [
        (Toml, "[train]\nlr = 1\nmodel = { size = 2 }\nlist = [1]\n"),
        (Yaml, "train:\n  lr: 1\n  model: {size: 2}\n  list: [1]\n"),
        (
            Json,
            r#"{"train": {"lr": 1, "model": {"size": 2}, "list": [1]}}"#,
        ),
    ];
    for (format, text) in files {
        for (key, expected) in [
            (
                "train.model.sise",
                "the file has no `train.model.sise`: `train.model` has no `sise`; did you mean `size`? (write \
                 `+train.model.sise` to add it)",
            ),
            (
                "trian.lr",
                "the file has no `trian.lr`: the file has no `trian`; did you mean `train`?",
            ),
            (
                "+train.x.y",
                "the file has no `train.x.y`: `train` has no `x`",
            ),
            ("new", "the file has no `new` (write `+new` to add it)"),
            (
                "train.list[1]",
                "`train.list[1]` cannot be set, because `train.list` has 1 item; the first is `[0]`",
            ),
            (
                "+train.list.x",
                "`train.list.x` cannot be set, because `train.list` is a list",
            ),
            (
                "+train.lr.x",
                "`train.lr.x` cannot be set, because `train.lr` is a single value",
            ),
            (
                "train[0]",
                "`train[0]` cannot be set, because `train` is a table",
            ),
            ("[0]", "`[0]` cannot be set, because the file is a table"),
            (
                "train..lr",
                "`train..lr` is no key of a file of settings: a part is empty; a key is such as `train.lr` or \
                 `layers[0].size`",
            ),
        ] {
            assert_eq!(problem(format, text, key), expected, "{format:?}");
        }
    }
}

#[test]
fn several_keys_are_written_one_after_the_other() {
    let (lr, size) = (Value::Float(0.5), Value::List(vec![Value::Int(1)]));
    let settings = [("+a.lr", &lr), ("a.size", &size)];
    assert_eq!(
        write("[a]\nsize = 1\n", Toml, &settings).unwrap(),
        "[a]\nsize = [1]\nlr = 0.5\n"
    );
    assert_eq!(
        write("a:\n  size: 1\n", Yaml, &settings).unwrap(),
        "a:\n  lr: 0.5\n  size: [1]\n"
    );
    let json = write(r#"{"a": {"size": 1}}"#, Json, &settings).unwrap();
    assert_eq!(json, r#"{"a": {"size": [1], "lr": 0.5}}"#);
    assert_eq!(write("a: 1\n", Yaml, &[]).unwrap(), "a: 1\n");
}

#[test]
fn every_value_reads_back_unchanged() {
    for value in values(500) {
        let toml = written(Toml, "a = 1\n", "a", value.clone());
        assert!(same(&read_toml(&toml), &value), "{toml}");
        let json = written(Json, "{\"a\": 1}", "a", value.clone());
        if !matches!(value, Value::Float(float) if !float.is_finite()) {
            let read: std::collections::BTreeMap<String, Value> =
                serde_json::from_str(&json).unwrap();
            assert!(same(&read["a"], &value), "{json}");
        }
        // What YAML means is checked against the file that was written, as it is written.
        for text in ["a: 1\nb: 2\n", "x: {a: 1}\n", "- a: 1\n"] {
            let key = if text.starts_with('a') {
                "a"
            } else if text.starts_with('x') {
                "x.a"
            } else {
                "[0].a"
            };
            written(Yaml, text, key, value.clone());
        }
    }
}

fn read_toml(text: &str) -> Value {
    let document: toml_edit::DocumentMut = text.parse().unwrap();
    from_toml(document["a"].as_value().unwrap())
}

fn from_toml(value: &toml_edit::Value) -> Value {
    use toml_edit::Value as Read;
    match value {
        Read::Boolean(value) => Value::Bool(*value.value()),
        Read::Integer(value) => Value::Int(*value.value()),
        Read::Float(value) => Value::Float(*value.value()),
        Read::String(value) => Value::Text(value.value().clone()),
        Read::Array(items) => Value::List(items.iter().map(from_toml).collect()),
        Read::InlineTable(entries) => {
            let entry = |(key, value): (&str, &Read)| (key.to_owned(), from_toml(value));
            Value::Table(entries.iter().map(entry).collect())
        }
        Read::Datetime(_) => unreachable!("no value is a date"),
    }
}

#[test]
fn yaml_floats_are_floats_for_readers_of_yaml_1_1_too() {
    // PyYAML wants a point, and a sign in the exponent.
    for (float, expected) in [
        (1e-5, "1.0e-5"),
        (1.5e300, "1.5e+300"),
        (1e16, "1.0e+16"),
        (0.1, "0.1"),
        (-0.0, "-0.0"),
        (f64::NEG_INFINITY, "-.inf"),
        (f64::NAN, ".nan"),
    ] {
        let text = written(Yaml, "a: 1\n", "a", Value::Float(float));
        assert_eq!(text, format!("a: {expected}\n"));
    }
}
