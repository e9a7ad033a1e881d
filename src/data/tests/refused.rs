//! What is refused, and in which words.

use std::fs;

use super::{Case, full, names, shown, table};
use sweep_core::data_config::{DataSpec, Edition, MissingPolicy, Scale};
use sweep_core::split_spec::SplitBy;
use sweep_core::trial::Task;

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn every_bad_file_is_explained() {
    let good = table(60);
    let with_row = |row: &str| format!("{good}{row}\n");
    let mut control = good.clone().into_bytes();
    control.extend(b"\x1b[31mred\x07,1,x,2001,no\n");
    let mut latin = good.clone().into_bytes();
    latin.extend(b"1,2,caf\xe9,2001,no\n");
    let long = with_row(&format!("{},1,x,2001,no", "9x".repeat(500)));
    let missing = |policy: MissingPolicy, column: &'static str| {
        move |spec: &mut DataSpec| {
            spec.missing.columns.insert(column.to_owned(), policy);
        }
    };
    let cases: Vec<(&str, Case)> = vec![
        (
            "no such file",
            full("").with(|spec| spec.paths = vec!["absent.csv".into()]),
        ),
        (
            "a folder",
            full("").with(|spec| spec.paths = vec![std::env::temp_dir()]),
        ),
        ("empty", full("")),
        ("header only", full("a,b,kind,date,class\n")),
        ("duplicate names", full("a,b,a,class,b\n1,2,3,4,5\n")),
        (
            "ragged rows",
            full(with_row("1,2,x\n1,2,x,2001,no,7\n\"1,2\n,x")),
        ),
        ("many ragged rows", full(with_row(&"1,2\n".repeat(40)))),
        ("quote never closed", full(with_row("1,2,x,2001,\"no"))),
        ("semicolons", full(good.replace(',', ";"))),
        ("not UTF-8", full(latin)),
        ("UTF-16", full(b"\xff\xfea\0,\0b\0\n\0")),
        ("compressed", full(b"\x1f\x8b\x08\0\0")),
        (
            "missing columns",
            full(good.replacen("a,b,kind", "aa,b,kinds", 1)),
        ),
        (
            "target absent",
            full(&good).with(|spec| spec.target = "clas".to_owned()),
        ),
        (
            "target among the features",
            full(&good).with(|spec| spec.categorical = Some(names(&["class"]))),
        ),
        (
            "named twice",
            full(&good).with(|spec| spec.numeric = Some(names(&["a", "b", "a"]))),
        ),
        (
            "text in a numeric column",
            full(with_row("tall,1,x,2001,no\nshort,1,x,2001,no")),
        ),
        ("decimal comma", full(with_row("\"1,5\",1,x,2001,no"))),
        ("infinite", full(with_row("1,inf,x,2001,no"))),
        (
            "another word for missing",
            full(with_row("n/a,1,x,2001,no")),
        ),
        ("control characters", full(control)),
        ("long cell", full(long)),
        ("no such day", full(with_row("1,1,x,2001-02-29,no"))),
        (
            "missing cells",
            full(with_row(",1,x,2001,no\nNA,NA,x,2001,no")),
        ),
        ("missing category", full(with_row("1,1,,2001,no"))),
        ("missing target", full(with_row("1,1,x,2001,"))),
        (
            "missing target cannot be filled in",
            full(with_row("1,1,x,2001,")).with(missing(MissingPolicy::Mode, "class")),
        ),
        (
            "median of categories",
            full(&good).with(missing(MissingPolicy::Median, "kind")),
        ),
        (
            "rule for an absent column",
            full(&good).with(missing(MissingPolicy::Drop, "knid")),
        ),
        (
            "rule for an unused column",
            full(&good).with(|spec| {
                spec.year.clear();
                spec.missing
                    .columns
                    .insert("date".to_owned(), MissingPolicy::Drop);
            }),
        ),
        (
            "one class",
            full(&good).with(|spec| {
                spec.exclude = [("class".to_owned(), names(&["no"]))].into();
            }),
        ),
        (
            "all excluded",
            full(&good).with(|spec| {
                spec.exclude = [("class".to_owned(), names(&["no", "yes"]))].into();
            }),
        ),
        (
            "too many classes",
            full(many_classes()).with(|spec| spec.task = Some(Task::Classification)),
        ),
        ("rare class", full(with_row("1,1,x,2001,maybe"))),
        (
            "rare class in groups",
            full(with_row(&"1,1,rare,2001,maybe\n".repeat(30))).with(|spec| {
                spec.categorical = Some(Vec::new());
                spec.group = Some("kind".to_owned());
            }),
        ),
        (
            "too few rows",
            full("a,b,kind,date,class\n1,2,x,2001,no\n1,2,x,2001,yes\n")
                .with(|spec| spec.split.stratify = false),
        ),
        (
            "too few groups",
            full(table(60)).with(|spec| {
                spec.categorical = Some(Vec::new());
                spec.group = Some("class".to_owned());
                spec.split.stratify = false;
            }),
        ),
        ("no such column of time", full(&good).with(by_time("dates"))),
        ("a time of text", full(&good).with(by_time("kind"))),
        (
            "too few times",
            full("a,b,kind,date,class\n1,2,x,2001,no\n1,2,x,2001,yes\n1,2,x,2002,yes\n")
                .with(by_time("date")),
        ),
        (
            "a class that comes late",
            full(with_row(&"1,2,x,2051-02-03,maybe\n".repeat(3))).with(by_time("date")),
        ),
        (
            "a column that names other sides",
            full(&good).with(|spec| by_column(spec, "class")),
        ),
        (
            "a group on two sides",
            full(
                "a,b,kind,date,class\n1,2,x,2001,train\n1,2,y,2001,valid\n1,3,x,2001,valid\n\
                 4,3,y,2001,train\n",
            )
            .with(|spec| {
                by_column(spec, "class");
                spec.target = "a".to_owned();
                spec.numeric = Some(names(&["b"]));
                spec.categorical = Some(Vec::new());
                spec.group = Some("kind".to_owned());
            }),
        ),
        (
            "test rows named and in a file",
            full("a,b,kind,date,class\n1,2,x,2001,train\n4,2,y,2001,valid\n1,3,x,2001,test\n")
                .test_file(&good)
                .with(|spec| {
                    by_column(spec, "class");
                    spec.target = "a".to_owned();
                    spec.numeric = Some(names(&["b"]));
                }),
        ),
        (
            "all dropped",
            full("a,b,kind,date,class\n,1,x,2001,no\n,1,x,2001,yes\n")
                .with(|spec| spec.missing.default = MissingPolicy::Drop),
        ),
        (
            "nothing to learn from",
            Case::new("kind,class\nx,no\ny,yes\n"),
        ),
        (
            "nothing to fill in from",
            full(empty_column()).with(|spec| spec.missing.default = MissingPolicy::Mode),
        ),
        (
            "too large to scale",
            full(with_row(&"1e200,1,x,2001,no\n".repeat(20))),
        ),
        (
            "too large for a feature",
            full(with_row("1e50,1,x,2001,no")).with(|spec| spec.scale = Scale::None),
        ),
        (
            "too many categories",
            Case::new(many_categories()).with(|spec| spec.categorical = Some(names(&["kind"]))),
        ),
        (
            "test file absent",
            full(&good).with(|spec| {
                spec.split.test_path = Some("absent-test.csv".into());
            }),
        ),
        (
            "test file lacks columns",
            full(&good).test_file("a,kind\n1,x\n"),
        ),
        (
            "test file has another class",
            full(&good).test_file("a,b,kind,date,class\n1,1,x,2001,no\n1,1,x,2001,yess\n"),
        ),
        ("several at once", full(with_row("tall,1,x,never,"))),
    ];
    let mut text = String::new();
    for (name, case) in cases {
        // What the first edition refuses and later ones read is refused as ever.
        let case = case.with(|spec| spec.format.edition = Edition::First);
        text.push_str(&format!("# {name}\n{}\n", shown(&case.errors())));
        assert!(
            !case.folder.path().join("store").exists(),
            "{name}: something was written"
        );
    }
    assert!(
        text.chars()
            .all(|letter| letter == '\n' || !letter.is_control())
    );
    insta::assert_snapshot!(text);
}

fn many_classes() -> String {
    let mut text = "a,b,kind,date,class\n".to_owned();
    (0..1200).for_each(|row| text.push_str(&format!("1,2,x,2001,{row}\n")));
    text
}

fn many_categories() -> String {
    let mut text = "a,kind,class\n".to_owned();
    (0..4000).for_each(|row| text.push_str(&format!("{},k{row},{}\n", row % 7, row % 2)));
    text
}

fn empty_column() -> String {
    table(60)
        .replace(",x,", ",,")
        .replace(",y,", ",,")
        .replace(",z,", ",NA,")
}

#[test]
fn lines_are_those_of_an_editor() {
    for (text, line) in [
        ("a,class\n1,x\nbad,y\n", 3),
        ("a,class\r\n1,x\r\nbad,y\r\n", 3),
        ("a,class\n\n\n1,x\n\nbad,y\n", 6),
        ("a,class\r\n\r\n1,x\r\n\r\nbad,y\r\n", 5),
        ("\u{feff}a,class\n1,\"x\n\nx\"\nbad,y", 5),
        ("a,class\r1,x\rbad,y\r", 3),
    ] {
        let case = Case::new(text).with(|spec| spec.numeric = Some(names(&["a"])));
        assert_eq!(case.errors()[0].line, Some(line), "{text:?}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let case = full(table(60));
    let blocker = case.folder.path().join("store");
    fs::write(&blocker, "").unwrap();
    let errors = case.errors();
    assert!(
        errors[0]
            .help
            .contains("a file stands where a folder is needed"),
        "{errors:?}"
    );
}

#[test]
fn numbers_that_are_to_be_classes_are_one_error_that_says_so() {
    let mut text = "a,class\n".to_owned();
    (0..300).for_each(|row| text.push_str(&format!("{row},{}.5\n", row % 285)));
    let numeric = |text: &str| {
        let case = Case::new(text).with(|spec| {
            spec.numeric = Some(names(&["a"]));
            spec.task = Some(Task::Classification);
        });
        case.errors()
    };
    let many: String = (0..3000).map(|row| format!("{row},{row}.5\n")).collect();
    for errors in [numeric(&text), numeric(&format!("a,class\n{many}"))] {
        let [error] = errors.as_slice() else {
            panic!("one error, not {}", errors.len());
        };
        assert!(error.to_string().contains("looks numeric"), "{error}");
        assert!(
            error.help.contains("task = \"regression\""),
            "{}",
            error.help
        );
        assert_eq!(error.key.as_deref(), Some("data.target"));
        assert_eq!(error.column.as_deref(), Some("class"));
    }
}

fn by_time(column: &str) -> impl FnOnce(&mut DataSpec) {
    let column = column.to_owned();
    move |spec| {
        spec.split.by = SplitBy::Time {
            column,
            format: None,
            gap: 0,
        };
        spec.split.stratify = false;
    }
}

fn by_column(spec: &mut DataSpec, column: &str) {
    spec.split.by = SplitBy::Column(column.to_owned());
    spec.split.stratify = false;
}

#[test]
fn many_rare_classes_are_one_error() {
    let mut text = "a,class\n".to_owned();
    (0..300).for_each(|row| text.push_str(&format!("{row},name{}\n", row % 285)));
    let case = Case::new(text).with(|spec| spec.numeric = Some(names(&["a"])));
    let [error] = &case.errors()[..] else {
        panic!("one error");
    };
    assert!(error.message.contains("of 285 classes"), "{error}");
    assert_eq!(error.key.as_deref(), Some("data.target"));
}

#[test]
fn an_unwritable_folder_is_the_machines_fault() {
    let case = full(table(60));
    fs::write(case.folder.path().join("store"), "").unwrap();
    assert!(case.errors().iter().all(|error| error.is_of_machine));
    let bad = full("a,b,kind,date,class\nx,1,x,2001,no\n");
    assert!(bad.errors().iter().all(|error| !error.is_of_machine));
}

#[test]
fn a_quote_left_open_in_the_last_row_is_what_is_told() {
    let errors = full(format!("{}1,2,x,\"2001,no\n", table(60))).errors();
    assert!(errors[0].help.contains("quote"), "{}", errors[0].help);
}
