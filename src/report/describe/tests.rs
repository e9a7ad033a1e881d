//! What is written and printed of whole tables, ordinary and hostile.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::*;
use sweep_core::data_config::TableFormat;
use sweep_data::View;
use sweep_describe::describe;

fn of_text(text: &str, target: Option<&str>, group: Option<&str>) -> Description {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    fs::write(&path, text).unwrap();
    let mut description = describe(
        &View::open(
            std::slice::from_ref(&path),
            &TableFormat::default(),
            target,
            group,
        )
        .unwrap(),
    );
    // The folder has another name every time.
    description.source.path = "table.csv".to_owned();
    description
}

fn fixture() -> Description {
    let text = include_str!("../../../tests/fixtures/describe/table.csv");
    of_text(text, Some("kind"), Some("id"))
}

fn file<'a>(files: &'a [(String, Vec<u8>)], name: &str) -> &'a str {
    let found = files.iter().find(|(other, _)| other == name);
    std::str::from_utf8(&found.unwrap_or_else(|| panic!("no {name}")).1).unwrap()
}

/// `columns` numeric ones and a target of `classes`, by a small linear congruential generator.
fn wide(columns: usize, classes: usize) -> Description {
    let mut state = 1u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let names: Vec<String> = (0..columns).map(|column| format!("x{column}")).collect();
    let mut text = format!("{},class\n", names.join(","));
    for row in 0..3 * classes {
        let cells: Vec<String> = (0..columns).map(|_| (next() % 1_000).to_string()).collect();
        text.push_str(&format!("{},c{}\n", cells.join(","), row % classes));
    }
    of_text(&text, Some("class"), None)
}

#[test]
fn the_terminal_has_one_line_a_row_and_colour_changes_no_letter() {
    let description = fixture();
    let shown = |colored| {
        let folder = Path::new("reports/table-data");
        tables(&description, "table.csv", folder, colored)
    };
    let plain = shown(false);
    insta::assert_snapshot!(plain);
    assert!(!plain.contains('\x1b') && shown(true).contains('\x1b'));
    assert_eq!(
        anstream::adapter::strip_str(&shown(true)).to_string(),
        plain
    );
}

#[test]
fn an_ordinary_table_has_every_file_and_the_same_one_every_time() {
    let description = fixture();
    let (files, left_out) = make(&description).unwrap();
    assert_eq!(left_out, Vec::<String>::new());
    let found: BTreeSet<String> = files.iter().map(|(name, _)| name.clone()).collect();
    let pages = |name: &String| !name.contains('-');
    assert_eq!(found, names().filter(pages).collect());
    assert!(make(&description).unwrap().0 == files);
    insta::assert_snapshot!("columns.csv", file(&files, "columns.csv"));
    insta::assert_snapshot!("association.csv", file(&files, "association.csv"));
    insta::assert_snapshot!("repeats.csv", file(&files, "repeats.csv"));
    let json: serde_json::Value = serde_json::from_str(file(&files, "describe.json")).unwrap();
    assert_eq!(json["columns"][3]["name"], "skewed");
    assert_eq!(
        json["correlation"]["pearson"][3][0],
        serde_json::Value::Null
    );
}

#[test]
fn a_table_without_a_target_leaves_nothing_of_an_earlier_one_with_it() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().join("reports").join("table-data");
    let written = write(&folder, &fixture()).unwrap();
    assert!(written.files.iter().all(|path| path.is_file()));
    fs::write(folder.join("notes.txt"), "mine").unwrap();
    let text = include_str!("../../../tests/fixtures/describe/table.csv");
    let written = write(&folder, &of_text(text, None, None)).unwrap();
    assert_eq!(
        fs::read_dir(&folder).unwrap().count(),
        written.files.len() + 1
    );
    for name in [
        "classes.csv",
        "classes.png",
        "association.svg",
        "by_class.csv",
    ] {
        assert!(!folder.join(name).exists(), "{name}");
    }
    assert!(folder.join("distributions.png").is_file() && folder.join("notes.txt").is_file());
}

#[test]
fn text_from_the_data_never_leaves_its_place() {
    let hostile = "../../x,<script>alert(1)</script>,\"a\x1b[31m\nb\",=1+1\n\
                   1,2,<b>,@x\n2,3,\"\x1b]0;\u{202e}\n\",@x\n3,5,<b>,=2\n4,1,&amp;,@x\n";
    let description = of_text(hostile, Some("=1+1"), Some("a\x1b[31m\nb"));
    let (files, _) = make(&description).unwrap();
    let known: BTreeSet<String> = names().collect();
    for (name, bytes) in &files {
        assert!(known.contains(name), "{name}");
        if name.ends_with(".svg") {
            let svg = std::str::from_utf8(bytes).unwrap();
            assert!(!svg.contains("<script") && !svg.contains('\x1b'), "{name}");
        }
        if name.ends_with(".csv") {
            let mut reader = csv::Reader::from_reader(bytes.as_slice());
            for record in reader.records() {
                let record = record.unwrap();
                assert!(!record.iter().any(|cell| cell.starts_with(['=', '@'])));
            }
        }
    }
    assert!(file(&files, "distributions.svg").contains("&lt;script&gt;"));
    assert!(file(&files, "columns.csv").contains("'=1+1"));
    let shown = tables(&description, "t\x1b[2Jable", Path::new("a\nb"), false);
    assert!(!shown.contains(['\x1b', '\u{202e}']), "{shown}");
    assert!(shown.contains("a b"));
}

#[test]
fn what_pictures_leave_out_of_many_columns_and_classes_is_said() {
    let (files, left_out) = make(&wide(50, 45)).unwrap();
    let said = left_out.join("\n");
    for wanted in [
        "Class balance: the 40 largest of 45",
        "Distributions: the 6 largest of 45",
        "Box plots: the 20 largest of 45",
        "Correlations: the 45 of 50",
        "Association: the first 40 of 50",
    ] {
        assert!(said.contains(wanted), "{wanted} is missing in\n{said}");
    }
    // Fifteen panels a picture: fifty columns need four.
    assert!(files.iter().any(|(name, _)| name == "distributions-4.png"));
    assert!(!files.iter().any(|(name, _)| name == "distributions-5.png"));
}
