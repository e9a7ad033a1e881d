//! Descriptions of whole tables, against what pandas, SciPy and scikit-learn say of them.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::{Description, NumberSummary, describe};
use sweep_core::data_config::{Edition, TableFormat};
use sweep_data::View;

/// Largest difference, relative to the size of the number or to 1.
const TOLERANCE: f64 = 1e-10;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/describe")
        .join(name)
}

/// Made by `benches/oracle_describe.py` with NumPy, pandas, SciPy and scikit-learn; versions stand
/// under `made_with`. Pandas: moments, quantiles, correlations, counts. scikit-learn: mutual
/// information and its expectation. SciPy: Cramér's V.
fn expected() -> Json {
    serde_json::from_str(&std::fs::read_to_string(fixture("expected.json")).unwrap()).unwrap()
}

/// Features are the numeric columns, as the expected numbers have it.
fn first_edition() -> TableFormat {
    TableFormat {
        edition: Edition::First,
        ..TableFormat::default()
    }
}

fn described() -> Description {
    describe(
        &View::open(
            &[fixture("table.csv")],
            &first_edition(),
            Some("kind"),
            Some("id"),
        )
        .unwrap(),
    )
}

fn of_text(text: &str, target: Option<&str>, group: Option<&str>) -> Description {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    std::fs::write(&path, text).unwrap();
    describe(&View::open(std::slice::from_ref(&path), &first_edition(), target, group).unwrap())
}

#[track_caller]
fn assert_near(found: f64, wanted: &Json, what: &str) {
    match wanted.as_f64() {
        Some(wanted) => {
            let near = (found - wanted).abs() <= TOLERANCE * wanted.abs().max(1.0);
            assert!(near, "{what}: {found} is not {wanted}");
        }
        None => assert!(found.is_nan(), "{what}: {found} should be undefined"),
    }
}

#[track_caller]
fn assert_summary(found: &NumberSummary, wanted: &Json, what: &str) {
    for (key, value) in [
        ("mean", found.mean),
        ("sd", found.sd),
        ("min", found.min),
        ("q1", found.q1),
        ("median", found.median),
        ("q3", found.q3),
        ("max", found.max),
    ] {
        assert_near(value, &wanted[key], &format!("{what}, {key}"));
    }
}

#[test]
fn columns_and_classes_are_those_of_pandas() {
    let (found, wanted) = (described(), expected());
    assert_eq!(found.columns.len(), 8);
    for column in &found.columns {
        let wanted = &wanted["columns"][&column.name];
        assert_eq!(column.count, wanted["count"], "{}", column.name);
        assert_eq!(column.distinct, wanted["distinct"], "{}", column.name);
        assert_eq!(column.count + column.missing, found.source.rows);
        let most = column.most_frequent.as_ref().unwrap();
        assert_eq!(most.count, wanted["times"], "{}", column.name);
        match column.kind {
            "number" => {
                assert_summary(&column.numbers.unwrap(), wanted, &column.name);
                assert_near(most.value.parse().unwrap(), &wanted["most"], &column.name);
            }
            _ => assert_eq!(most.value, wanted["most"], "{}", column.name),
        }
    }
    let kinds: Vec<&str> = found.columns.iter().map(|column| column.kind).collect();
    let (n, t) = ("number", "text");
    assert_eq!(kinds, [t, n, n, n, n, t, "date", t]);
    let target = found.target.unwrap();
    assert_near(target.entropy, &wanted["entropy"], "entropy");
    for class in &target.classes {
        assert_eq!(class.rows, wanted["classes"][&class.name]);
    }
    assert_eq!(found.by_class.len(), 5 * target.classes.len());
    for part in &found.by_class {
        let name = format!("{}/{}", part.column, target.classes[part.class].name);
        let wanted = &wanted["by_class"][&name];
        assert_eq!(part.count, wanted["count"], "{name}");
        assert_eq!(part.missing, wanted["missing"], "{name}");
        assert_summary(&part.numbers.unwrap(), wanted, &name);
    }
}

#[test]
fn correlations_are_those_of_pandas_pair_by_pair() {
    let (found, wanted) = (described().correlation.unwrap(), expected());
    assert_eq!(
        found.columns,
        ["x", "ties", "skewed", "flat", "released.year"]
    );
    for (key, matrix) in [("pearson", &found.pearson), ("spearman", &found.spearman)] {
        for (a, row) in matrix.iter().enumerate() {
            for (b, value) in row.iter().enumerate() {
                assert_near(*value, &wanted[key][a][b], &format!("{key} {a} {b}"));
            }
        }
    }
}

#[test]
fn association_is_that_of_scikit_learn_and_scipy() {
    let (found, wanted) = (described(), expected());
    assert_eq!(found.association.len(), 7);
    for column in &found.association {
        let name = &column.column;
        let wanted = &wanted["association"][name];
        assert_eq!(column.count, wanted["count"], "{name}");
        assert_near(
            column.mutual_information,
            &wanted["mutual_information"],
            name,
        );
        assert_near(column.chance, &wanted["chance"], name);
        assert_near(column.explained, &wanted["explained"], name);
        for (key, value) in [
            ("eta_squared", column.eta_squared),
            ("cramers_v", column.cramers_v),
            ("cramers_v_corrected", column.cramers_v_corrected),
        ] {
            match wanted.get(key) {
                Some(wanted) => assert_near(value.unwrap(), wanted, &format!("{name}, {key}")),
                None => assert_eq!(value, None, "{name}, {key}"),
            }
        }
    }
}

#[test]
fn repeats_and_what_they_allow_are_those_of_pandas() {
    let (found, wanted) = (described(), expected());
    assert_eq!(found.duplicates.repeated, wanted["repeated"]);
    assert_eq!(found.duplicates.sets, wanted["repeated_sets"]);
    let groups = found.groups.unwrap();
    let alike = found.alike.unwrap();
    assert_eq!(groups.sets, wanted["groups"]["sets"]);
    assert_eq!(groups.rows, wanted["groups"]["rows"]);
    assert_eq!(groups.largest, wanted["groups"]["largest"]);
    assert_eq!(groups.repeated_sets, wanted["groups"]["repeated_sets"]);
    assert_eq!(alike.columns, ["x", "ties", "skewed", "flat"]);
    for (conflicts, key) in [(&groups, "groups"), (&alike, "alike")] {
        let wanted = &wanted[key];
        assert_near(conflicts.bound.unwrap(), &wanted["bound"], key);
        let sets = wanted["by_labels"].as_object().unwrap();
        assert_eq!(conflicts.by_labels.len(), sets.len());
        assert!(conflicts.torn().0 > 0, "{key}");
        for with in &conflicts.by_labels {
            let wanted = &sets[&with.labels.to_string()];
            assert_eq!((with.sets, with.rows), (u(&wanted[0]), u(&wanted[1])));
        }
    }
}

fn u(number: &Json) -> usize {
    number.as_u64().unwrap() as usize
}

#[test]
fn without_a_target_there_are_columns_correlations_and_duplicates() {
    let found = of_text("a,b\n1,2\n2,1\n1,2\n", None, Some("a"));
    assert_eq!(found.target, None);
    assert_eq!(found.alike, None);
    assert!(found.by_class.is_empty() && found.association.is_empty());
    let groups = found.groups.unwrap();
    assert_eq!(
        (groups.sets, groups.repeated_sets, groups.bound),
        (2, 1, None)
    );
    assert_eq!(found.correlation, None, "a group is no number");
    assert_eq!(found.duplicates.repeated, 1);
}

#[test]
fn a_single_row_an_empty_column_and_a_constant_are_no_trouble() {
    let found = of_text("a,b,c,\n1,,2019-02,x\n", None, None);
    let kinds: Vec<(&str, &str)> = (found.columns.iter())
        .map(|column| (column.name.as_str(), column.kind))
        .collect();
    assert_eq!(
        kinds,
        [
            ("a", "number"),
            ("b", "text"),
            ("c", "date"),
            ("column 4", "text")
        ]
    );
    assert!(found.columns[0].numbers.unwrap().sd.is_nan());
    assert_eq!(found.columns[1].most_frequent, None);
    assert_eq!((found.columns[1].count, found.columns[1].missing), (0, 1));
    let text = serde_json::to_string(&found).unwrap();
    assert!(text.contains("\"sd\":null"), "{text}");
}

#[test]
fn rows_without_a_class_count_for_columns_and_not_for_classes() {
    let found = of_text("x,y\n1,a\n2,b\n3,\n3,NA\n5,a\n", Some("y"), None);
    let target = found.target.unwrap();
    assert_eq!(target.missing, 2);
    assert_eq!(found.columns[0].count, 5);
    assert_eq!(found.association[0].count, 3);
    let counted: usize = found.by_class.iter().map(|part| part.count).sum();
    assert_eq!(counted, 3);
    assert_eq!(found.alike.unwrap().bound, Some(1.0));
}

#[test]
fn a_column_that_is_nearly_numeric_is_text_and_is_mentioned() {
    let mut text = "x\n".to_owned();
    (0..30).for_each(|x| text.push_str(&format!("{x}\n")));
    let found = of_text(&(text + "n/a\u{1b}[2J\n"), None, None);
    assert_eq!(found.columns[0].kind, "text");
    assert_eq!(found.notes.len(), 1);
    assert!(found.notes[0].contains("line 32"), "{:?}", found.notes);
    assert!(!found.notes[0].contains('\u{1b}'));
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let three = rayon::ThreadPoolBuilder::new().num_threads(3).build();
    let text =
        |pool: rayon::ThreadPool| pool.install(|| serde_json::to_string(&described()).unwrap());
    assert_eq!(text(one.unwrap()), text(three.unwrap()));
}
