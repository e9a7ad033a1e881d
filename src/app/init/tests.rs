//! Tables written out here, and the experiments that are made of them.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use sweep_core::data_config::{Edition, MissingPolicy};
use sweep_core::event::Slot;
use sweep_data::View;
use sweep_experiment::{Experiment, Source};
use tempfile::TempDir;

use super::compose::{Findings, Frame, text};
use super::options::Options;
use super::survey::{Group, Survey};
use super::{name_of, target};
use crate::error::Error;
use crate::loaded;

struct Table {
    folder: TempDir,
    options: Options,
}

impl Table {
    fn new(content: &str, target: &str) -> Table {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("in.csv"), content).unwrap();
        let options = Options {
            // As it stands in the experiment.
            tables: vec![PathBuf::from("in.csv")],
            target: Some(target.to_owned()),
            ..Options::default()
        };
        Table { folder, options }
    }

    fn view(&self, target: Option<&str>) -> View {
        let path = self.folder.path().join("in.csv");
        let group = self.options.group.as_deref();
        View::open(&[path], &self.options.format, target, group).unwrap()
    }

    fn survey(&self) -> Result<Survey, Error> {
        let view = self.view(self.options.target.as_deref());
        Survey::of(&view, view.target.unwrap(), &self.options)
    }

    fn text(&self) -> String {
        text(&self.survey().unwrap(), &frame(), None)
    }
}

fn frame() -> Frame<'static> {
    Frame {
        name: "small",
        path: Path::new("small.toml"),
        missing: &[],
    }
}

fn parse(text: &str) -> Experiment {
    let source = Source::from_bytes(Path::new("small.toml"), text.as_bytes().to_vec()).unwrap();
    let checked = loaded::check(source, &[], Edition::default());
    match checked {
        Ok(loaded) => loaded.experiment,
        Err(error) => panic!("{error}\n{text}"),
    }
}

/// Forty rows with a column of every kind.
fn all_kinds() -> String {
    let mut table = String::from("id;height;island;sex;seen;note;flipper;kind\n");
    for row in 0..40 {
        let kind = ["adelie", "gentoo", "chinstrap"][row % 3];
        let height = if row == 7 {
            String::new()
        } else {
            format!("{}.5", 20 + row * 7 % 11)
        };
        writeln!(
            table,
            "{};{height};{};{};2024-0{}-1{};{} words of row {row};{};{kind}",
            format_args!("k{}", 9000 - row * 13),
            ["Dream", "Biscoe", "Torgersen"][row * 5 % 3],
            ["male", "female"][row / 2 % 2],
            1 + row % 9,
            row % 10,
            ["some", "more", "other"][row % 3],
            180 + row * 11 % 17,
        )
        .unwrap();
    }
    table
}

#[test]
fn an_experiment_says_what_each_column_is_taken_as() {
    let table = Table::new(&all_kinds(), "kind");
    let survey = table.survey().unwrap();
    let slots = [Slot("cpu:0".to_owned()), Slot("cpu:1".to_owned())];
    let findings = Findings {
        trials: 57,
        seconds: 754.0,
        slots: &slots,
        columns: &survey.columns,
        warnings: Vec::new(),
    };
    let written = text(&survey, &frame(), Some(&findings));
    let experiment = parse(&written);
    assert_eq!(experiment.seeds, [1, 2, 3]);
    assert_eq!(
        experiment.networks.as_ref().map(|space| space.groups.len()),
        Some(4)
    );
    assert!(
        written
            .lines()
            .all(|line| line.chars().count() <= 100 || line.contains(" = "))
    );
    insta::assert_snapshot!(written);
}

#[test]
fn what_is_proposed_is_valid_without_its_mark() {
    let table = Table::new(&all_kinds(), "kind");
    let proposed = [
        "numeric",
        "categorical",
        "date",
        "text",
        "group",
        "drop",
        "missing_values",
    ];
    let mut uncommented = Vec::new();
    let lines = table.text();
    let lines: Vec<&str> = lines
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest)
                if proposed
                    .iter()
                    .any(|key| rest.starts_with(&format!("{key} = "))) =>
            {
                uncommented.push(rest.split(' ').next().unwrap().to_owned());
                rest
            }
            _ => line,
        })
        .collect();
    assert_eq!(uncommented, ["text", "categorical"]);
    let experiment = parse(&lines.join("\n"));
    assert_eq!(experiment.data.text[0].columns, ["note"]);
    // What is used already stays so.
    assert_eq!(
        experiment.data.categorical.unwrap(),
        ["island", "sex", "id"]
    );
}

#[test]
fn rows_in_the_order_of_their_dates_are_split_by_them() {
    let mut lines: Vec<String> = (0..60)
        .map(|row| {
            let (year, month) = (2001 + row / 12, 1 + row % 12);
            format!(
                "{year}-{month:02}-01,{},{}",
                row * 7 % 13,
                ["up", "down"][row % 2]
            )
        })
        .collect();
    let text = |lines: &[String]| {
        Table::new(&format!("sold,x,class\n{}\n", lines.join("\n")), "class").text()
    };
    let written = text(&lines);
    let split = parse(&written).data.split;
    assert_eq!(split.by.column(), Some("sold"), "{written}");
    // The proposed line is valid, and gives the column a second use.
    let with_date = written.replace("# date = ", "date = ");
    assert_eq!(parse(&with_date).data.dates.unwrap()[0].column, "sold");

    // A class that comes only late could not be learned; nor does a shuffled table tell its order.
    let mut late = lines.clone();
    late[50..]
        .iter_mut()
        .for_each(|line| *line = line.replace("up", "late"));
    lines.swap(3, 30);
    for lines in [late, lines] {
        let written = text(&lines);
        assert_eq!(parse(&written).data.split.by.column(), None);
        assert!(written.contains("# split = { time = \"sold\""), "{written}");
    }
}

#[test]
fn names_stay_themselves_whatever_stands_in_them() {
    let target = "the \"class\".\n2";
    let odd = "c.d\t\\ é \u{202e}x";
    let mut content = format!("\"{}\",\"{odd}\",x\n", target.replace('"', "\"\""));
    for row in 0..30 {
        let class = ["a\"b", "c\nd", ""][if row == 9 { 2 } else { row % 2 }].replace('"', "\"\"");
        let cell = if row == 3 {
            "NA".to_owned()
        } else {
            format!("{}.25", row * 7 % 13)
        };
        writeln!(content, "\"{class}\",{cell},{}", row * 3 % 7).unwrap();
    }
    let table = Table::new(&content, target);
    let written = table.text();
    assert!(
        !written.contains('\u{202e}') && !written.contains('\t'),
        "{written}"
    );
    let experiment = parse(&written);
    assert_eq!(experiment.data.target, target);
    assert_eq!(experiment.data.missing.default, MissingPolicy::Impute);
    assert_eq!(experiment.data.missing.of(target), MissingPolicy::Drop);
    let mut grouped = table.options.clone();
    grouped.group = Some(odd.to_owned());
    let table = Table {
        options: grouped,
        ..table
    };
    assert_eq!(parse(&table.text()).data.group.as_deref(), Some(odd));
}

#[test]
fn classes_of_few_rows_are_left_out_and_few_rows_are_refused() {
    let rows = |counts: &[(&str, usize)]| {
        let mut content = String::from("x,y\n");
        for (class, count) in counts {
            (0..*count).for_each(|row| writeln!(content, "{}.5,{class}", row % 9).unwrap());
        }
        Table::new(&content, "y")
    };
    let experiment = parse(&rows(&[("a", 30), ("b", 12), ("rare", 2), ("d e", 1)]).text());
    assert_eq!(experiment.data.exclude["y"], ["d e", "rare"]);
    assert_eq!(
        experiment.objective.as_ref().unwrap().metric,
        "valid/accuracy"
    );
    let error = rows(&[("a", 30), ("b", 4)]).survey().unwrap_err();
    assert_eq!(
        error.to_string(),
        "in.csv: too few rows: at least two classes of `y` need 5 rows each, so that some are left to \
         validate and to test on; 1 do"
    );
    let imbalanced = parse(&rows(&[("a", 90), ("b", 12)]).text());
    assert_eq!(
        imbalanced.objective.as_ref().unwrap().metric,
        "valid/macro_f1"
    );
}

#[test]
fn rows_of_one_thing_stay_together() {
    let mut content = String::from("track,customer_id,a,b,c,list,y\n");
    for row in 0..200 {
        // Every fifth row repeats the thing before it, in another list.
        let thing = row - usize::from(row % 5 == 4);
        writeln!(
            content,
            "t{thing}x{},{},{},{},{},l{},{}",
            thing * 31 % 97,
            thing % 50,
            thing * 7 % 101,
            thing * 13 % 89,
            thing * 3 % 61,
            row % 4,
            ["u", "v"][row % 2]
        )
        .unwrap();
    }
    let table = Table::new(&content, "y");
    let found = Group::Found {
        name: "track".to_owned(),
        repeated: 40,
    };
    assert_eq!(table.survey().unwrap().group, found);
    assert_eq!(parse(&table.text()).data.group.as_deref(), Some("track"));

    let without: Vec<&str> = content
        .lines()
        .map(|line| line.split_once(',').unwrap().1)
        .collect();
    let table = Table::new(&without.join("\n"), "y");
    assert_eq!(
        table.survey().unwrap().group,
        Group::Perhaps("customer_id".to_owned())
    );
    assert!(table.text().contains("\n# group = \"customer_id\""));
}

#[test]
fn text_is_learned_from_where_there_is_nothing_else_and_identifiers_are_not() {
    let mut content = String::from("review,y\n");
    for row in 0..40 {
        let word = ["good", "bad"][row % 2];
        writeln!(content, "a {word} thing of {row} words,{word}").unwrap();
    }
    let experiment = parse(&Table::new(&content, "y").text());
    assert_eq!(experiment.data.text[0].columns, ["review"]);

    let mut content = String::from("id,y\n");
    (0..40).for_each(|row| writeln!(content, "k{},{}", row * 17, row % 2).unwrap());
    let error = Table::new(&content, "y").survey().unwrap_err();
    assert!(
        error.to_string().contains("no column can be learned from"),
        "{error}"
    );
    assert!(
        error.help().contains("`id`: it looks like an identifier"),
        "{}",
        error.help()
    );
}

#[test]
fn columns_that_could_be_the_target_are_listed() {
    let table = Table::new(&all_kinds(), "kind");
    let error = target::refusal(&table.view(None));
    assert!(
        error
            .to_string()
            .starts_with("`--target` is missing: which of the 8 columns of ")
    );
    insta::assert_snapshot!(error.help(), @r"
    name it; these could be classes:
      --target kind    3 classes: adelie, gentoo, chinstrap
      --target island  3 classes: Dream, Torgersen, Biscoe
      --target sex     2 classes: male, female
    other columns: id, height, seen, note, flipper
    ");
}

#[test]
fn quantities_are_predicted_as_numbers() {
    for (cell, is_class) in [
        (
            (|row| format!("{}", row % 41)) as fn(usize) -> String,
            false,
        ),
        (|row| format!("{}", row % 40), true),
        (|row| format!("{}", row % 12), true),
        (|row| format!("{}.5", row % 22), false),
        (|row| format!("{}.5", row % 3), true),
        (|row| format!("c{}", row % 40), true),
    ] {
        let mut content = String::from("x,y\n");
        (0..400).for_each(|row| writeln!(content, "{},{}", row % 7, cell(row)).unwrap());
        let view = Table::new(&content, "y").view(Some("y"));
        assert_eq!(!view.is_target_number, is_class, "{}", cell(1));
    }
}

#[test]
fn sweeps_are_named_after_their_tables() {
    for (file, name) in [
        ("songs.csv", "songs"),
        ("my songs (2).csv.gz", "my_songs_2"),
        ("part-*.csv", "part"),
        (".hidden.csv", "hidden"),
        ("été.csv", "t"),
        ("日本.csv", "experiment"),
        ("", "experiment"),
    ] {
        assert_eq!(name_of(file), name, "{file:?}");
    }
}
