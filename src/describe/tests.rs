//! Descriptions of whole tables, against what pandas, SciPy and scikit-learn say of them.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::{Association, Description, NumberSummary, WithMissing, describe};
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

#[track_caller]
fn assert_with_missing(found: &WithMissing, wanted: &Json, name: &str) {
    assert_eq!(found.count, wanted["count"], "{name}");
    for (key, value) in [
        ("mutual_information", found.mutual_information),
        ("chance", found.chance),
        ("uncertainty_coefficient", found.uncertainty_coefficient),
        (
            "adjusted_mutual_information",
            found.adjusted_mutual_information,
        ),
    ] {
        assert_near(value, &wanted[key], &format!("{name}, {key}"));
    }
}

/// As a table without an experiment is described.
fn opened(path: PathBuf, target: &str) -> Description {
    describe(&View::open(&[path], &TableFormat::default(), Some(target), None).unwrap())
}

fn written(text: &str, target: &str) -> Description {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    std::fs::write(&path, text).unwrap();
    opened(path, target)
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
        assert_with_missing(&column.with_missing, &wanted["with_missing"], name);
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

#[test]
fn nearly_empty_and_nearly_distinct_columns_do_not_come_first() {
    let (found, wanted) = (opened(fixture("hard.csv"), "y"), &expected()["hard"]);
    let of = |name: &str| {
        let mut columns = found.association.iter();
        columns.find(|column| column.column == name).unwrap()
    };
    for name in ["weak", "seldom", "crowd"] {
        assert_with_missing(&of(name).with_missing, &wanted[name], name);
    }
    let first = |measure: fn(&Association) -> f64| {
        let columns = found.association.iter();
        columns
            .max_by(|a, b| measure(a).total_cmp(&measure(b)))
            .unwrap()
    };
    // Over the rows that have a value, three rows settle everything.
    assert_eq!(first(|column| column.explained).column, "seldom");
    assert!(of("crowd").explained > of("weak").explained);
    let by_all_rows = first(|column| column.with_missing.uncertainty_coefficient);
    assert_eq!(by_all_rows.column, "weak");
}

#[test]
fn a_target_of_many_numbers_is_described_as_a_number() {
    let (found, wanted) = (opened(fixture("homes.csv"), "price"), &expected()["homes"]);
    let target = found.target.unwrap();
    assert!(target.classes.is_empty() && found.by_class.is_empty());
    assert_summary(&target.numbers.unwrap(), &wanted["price"], "price");
    assert_eq!(found.association.len(), 2);
    for column in &found.association {
        let (name, wanted) = (&column.column, &wanted["association"][&column.column]);
        assert_with_missing(&column.with_missing, wanted, name);
        assert_eq!(
            (column.eta_squared, column.cramers_v),
            (None, None),
            "{name}"
        );
        for (key, value) in [("pearson", column.pearson), ("spearman", column.spearman)] {
            match wanted.get(key) {
                Some(wanted) => assert_near(value.unwrap(), wanted, key),
                None => assert_eq!(value, None, "{name}, {key}"),
            }
        }
    }
    assert_eq!(found.columns[2].kind, "number");
    assert!(found.shapes.iter().any(|shape| shape.column == "price"));
    let note = found.notes.join(" ");
    assert!(
        note.contains("is a number (300 distinct ones in 300 rows), so the task is regression"),
        "{note}"
    );
}

#[test]
fn frequent_whole_numbers_are_classes_with_a_warning() {
    let rows = (0..400).map(|row| format!("{row}.5,{}\n", row % 40));
    let found = written(&format!("x,months\n{}", rows.collect::<String>()), "months");
    let target = found.target.unwrap();
    assert_eq!((target.classes.len(), target.numbers), (40, None));
    let warning = "warning: the target `months` looks like a number: its 40 distinct numbers";
    assert!(
        found.notes.iter().any(|note| note.starts_with(warning)),
        "{:?}",
        found.notes
    );
}

#[test]
fn columns_say_what_they_would_be_used_as_and_identifiers_are_marked() {
    let rows = (0..60).map(|row| format!("{row},u{row}x,{},{}\n", row % 3, row % 2));
    let text = format!(",name,a,y\n{}", rows.collect::<String>());
    let found = written(&text, "y");
    let uses: Vec<(&str, bool)> = (found.columns.iter())
        .map(|column| (column.used_as, column.identifier))
        .collect();
    let (no, yes) = (false, true);
    assert_eq!(
        uses,
        [
            ("not used", yes),
            ("not used", yes),
            ("number", no),
            ("target", no)
        ]
    );
    let name = &found.columns[1];
    assert!(
        name.detail.contains("60 distinct values in 60 rows"),
        "{}",
        name.detail
    );
    assert_eq!(name.line.as_deref(), Some("categorical = [\"name\"]"));
    // Rows are equal in the one feature, whatever the index and the names say.
    let alike = found.alike.unwrap();
    assert_eq!((alike.columns, alike.sets), (vec!["a".to_owned()], 3));
    let identifiers: Vec<bool> = found.association.iter().map(|one| one.identifier).collect();
    assert_eq!(identifiers, [true, true, false]);
}

#[test]
fn whole_numbers_beyond_two_to_the_53_are_not_rounded() {
    let found = written(
        "id,y\n1234567890123456788,a\n1234567890123456789,b\n1234567890123456789,a\n",
        "y",
    );
    let id = &found.columns[0];
    assert_eq!(id.distinct, 2);
    let most = id.most_frequent.as_ref().unwrap();
    assert_eq!(
        (most.value.as_str(), most.count),
        ("1234567890123456789", 2)
    );
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
