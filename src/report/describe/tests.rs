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

/// Every file of `description`, kept for people and browsers to look at where that is asked for.
fn made(name: &str, description: &Description) -> Made {
    let made = make(description, "table.csv").unwrap();
    if let Some(folder) = std::env::var_os("SWEEP_REPORT_SAMPLES") {
        let folder = std::path::PathBuf::from(folder).join(name);
        fs::create_dir_all(&folder).unwrap();
        for (file, bytes) in &made.0 {
            fs::write(folder.join(file), bytes).unwrap();
        }
    }
    check_page(file(&made.0, "index.html"));
    made
}

/// The page has no script, loads nothing, and every element that opens closes.
fn check_page(page: &str) {
    assert!(!page.contains("<script") && !page.contains("url(") && !page.contains("@import"));
    assert!(!page.contains("=\"http") && !page.contains('\x1b'));
    for (place, _) in page.match_indices(" src=\"") {
        assert!(page[place..].starts_with(" src=\"data:image/svg+xml,"));
    }
    for element in [
        "section", "table", "tr", "td", "p", "div", "figure", "ul", "li", "dl",
    ] {
        let opened = page.matches(&format!("<{element}>")).count()
            + page.matches(&format!("<{element} ")).count();
        assert_eq!(
            opened,
            page.matches(&format!("</{element}>")).count(),
            "{element}"
        );
    }
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
    let (files, left_out) = made("description", &description);
    assert_eq!(left_out, Vec::<String>::new());
    let found: BTreeSet<String> = files.iter().map(|(name, _)| name.clone()).collect();
    // Further pages, and what a target has that is a number, are not among them.
    let first = |name: &String| !name.contains('-') && !name.starts_with("target");
    assert_eq!(found, names().filter(first).collect());
    assert!(make(&description, "table.csv").unwrap().0 == files);
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
    let written = write(&folder, &fixture(), "table.csv").unwrap();
    assert!(written.files.iter().all(|path| path.is_file()));
    fs::write(folder.join("notes.txt"), "mine").unwrap();
    let text = include_str!("../../../tests/fixtures/describe/table.csv");
    let written = write(&folder, &of_text(text, None, None), "table.csv").unwrap();
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
    let (files, _) = made("hostile-table", &description);
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
    let (files, left_out) = made("description-wide", &wide(50, 45));
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

#[test]
fn many_constant_columns_share_a_line() {
    let names: Vec<String> = (0..12).map(|column| format!("c{column}")).collect();
    let mut text = format!("x,{},empty,y\n", names.join(","));
    for row in 0..40 {
        text.push_str(&format!(
            "{},{},,{}\n",
            row % 7,
            ["1"; 12].join(","),
            row % 2
        ));
    }
    let description = of_text(&text, Some("y"), None);
    let shown = tables(&description, "t.csv", Path::new("reports"), false);
    let columns = "12 columns are constant: c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11\n\
                   1 column is empty: empty\n";
    assert!(shown.contains(columns), "{shown}");
    assert!(!shown.contains("\nc11 "), "it has no row: {shown}");
    let (files, left_out) = made("constant", &description);
    assert_eq!(left_out, Vec::<String>::new());
    assert!(!file(&files, "distributions.svg").contains(">c11<"));
    assert!(!file(&files, "association.svg").contains(">c11<"));
    assert!(
        file(&files, "columns.csv").contains("\nc11,"),
        "files have them all"
    );
    assert!(file(&files, "index.html").contains("12 columns are constant"));
}

#[test]
fn a_target_that_is_a_number_has_quartiles_and_a_histogram_and_no_classes() {
    let text = include_str!("../../../tests/fixtures/describe/homes.csv");
    let description = of_text(text, Some("price"), None);
    let shown = tables(&description, "homes.csv", Path::new("reports"), false);
    insta::assert_snapshot!(shown);
    let (files, _) = made("description-number", &description);
    let has = |name: &str| files.iter().any(|(other, _)| other == name);
    assert!(has("target.png") && has("association.svg"));
    assert!(!has("classes.csv") && !has("classes.png") && !has("by_class.csv"));
    assert!(
        !file(&files, "distributions.svg").contains(">price<"),
        "it has its own"
    );
    insta::assert_snapshot!("association_number.csv", file(&files, "association.csv"));
}

#[test]
fn identifiers_are_marked_and_have_no_place_in_the_ranking() {
    let row = |row: usize| {
        format!(
            "{row},k{}x,{}.5,{},{}\n",
            row * 7,
            row % 9,
            row % 4,
            row % 2
        )
    };
    let description = of_text(
        &format!("row,key,x,z,y\n{}", (0..80).map(row).collect::<String>()),
        Some("y"),
        None,
    );
    let shown = tables(&description, "t.csv", Path::new("reports"), false);
    assert!(
        shown.contains("not ranked: row (identifier), key (identifier)"),
        "{shown}"
    );
    assert!(shown.contains("80 distinct values in 80 rows"), "{shown}");
    assert!(shown.contains("categorical = [\"key\"]"), "{shown}");
    let (files, _) = made("identifiers", &description);
    assert!(!file(&files, "association.svg").contains(">key<"));
    assert!(!file(&files, "correlation.svg").contains(">row<"));
    assert!(file(&files, "index.html").contains("<code>categorical = [&quot;key&quot;]</code>"));
}
