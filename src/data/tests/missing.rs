//! Missing cells that are kept for models that take them.

use super::*;
use crate::{Dataset, FittedField, HeldOutTest, Rows, SavedPreprocessor};

/// 40 rows of a number that is missing where `is_missing` says so and else counts to 4, and of a date.
fn text(is_missing: impl Fn(usize) -> bool, day: &str) -> String {
    let rows = (0..40).map(|row| {
        let cell = match is_missing(row) {
            true => String::new(),
            false => (1 + row % 5).to_string(),
        };
        format!(
            "{cell},{},{}\n",
            if row % 8 == 3 { "" } else { day },
            row % 2
        )
    });
    format!("n,d,class\n{}", rows.collect::<String>())
}

fn case(text: &str) -> Case {
    Case::new(text).with(|spec| {
        spec.missing.default = MissingPolicy::Keep;
        spec.missing.indicator = true;
        spec.numeric = Some(names(&["n"]));
        spec.year = names(&["d"]);
    })
}

#[test]
fn kept_cells_are_imputed_and_marked_in_every_split() {
    let text = text(|row| row % 3 == 0, "2001-05-06");
    let case = case(&text);
    let prepared = case.prepared();
    let meta = &prepared.meta;
    assert_eq!(meta.features, ["n", "n=(missing)", "d.year"]);
    let data = Dataset::open(&prepared.path).unwrap();
    let test = HeldOutTest::open(&prepared.test_path).unwrap();
    let check = |rows: Rows<'_>, source: &[u32]| {
        let marks = rows.missing.unwrap();
        assert_eq!(marks.len(), rows.x.len());
        assert!(rows.x.iter().all(|value| value.is_finite()));
        for ((marks, x), row) in marks.chunks(3).zip(rows.x.chunks(3)).zip(source) {
            let row = *row as usize - 1;
            let (n, d) = (u8::from(row.is_multiple_of(3)), u8::from(row % 8 == 3));
            assert_eq!(marks, [n, 0, d], "row {row}");
            assert_eq!(x[1], f32::from(n));
        }
    };
    check(data.train(), data.train_source());
    check(data.valid(), data.valid_source());
    check(test.rows(), test.source());

    // A share of the training rows takes its marks along; the indicator tells which they are.
    let share = data.with_share(1, 0.5);
    let rows = share.train();
    assert!(rows.y.len() < data.train().y.len());
    let indicators = rows.x.chunks(3).map(|x| x[1] as u8);
    let marks = rows.missing.unwrap().chunks(3).map(|marks| marks[0]);
    assert!(indicators.eq(marks));

    // New rows get the same features and the same marks.
    let saved = SavedPreprocessor::read(&prepared.preprocessor_path).unwrap();
    let table = as_text(&case.folder.path().join("in.csv"));
    let features = saved.on(&table).unwrap().encode(0..40).unwrap();
    let first = data.train_source()[0] as usize - 1;
    let inputs = features.inputs();
    assert_eq!(inputs.x[3 * first..][..3], data.train().x[..3]);
    let chunks: Vec<u8> = inputs
        .chunks(7, 3)
        .flat_map(|part| part.missing.unwrap().to_vec())
        .collect();
    assert_eq!(chunks, features.missing.clone().unwrap());
    assert_eq!(chunks[3 * first..][..3], data.train().missing.unwrap()[..3]);
}

#[test]
fn a_kept_cell_is_other_data_than_the_median_in_its_place() {
    // 3 is the median either way, so that features and preparation are the same.
    let kept = text(|row| row == 12, "2001-05-06");
    let filled = text(|_| false, "2001-05-06");
    let plain = |text: &str| {
        let case = case(text).with(|spec| spec.missing.indicator = false);
        let prepared = case.prepared();
        let data = Dataset::open(&prepared.path).unwrap();
        let x = [data.train().x, data.valid().x].concat();
        (x, prepared.meta.preprocessor.clone(), prepared.meta.digest)
    };
    let (kept, filled) = (plain(&kept), plain(&filled));
    assert_eq!((kept.0, kept.1), (filled.0, filled.1));
    assert_ne!(kept.2, filled.2);
}

#[test]
fn data_without_kept_cells_have_no_marks() {
    let text = text(|row| row % 3 == 0, "2001-05-06");
    let case = case(&text).with(|spec| spec.missing.default = MissingPolicy::Median);
    let prepared = case.prepared();
    let bytes = fs::read(&prepared.path).unwrap();
    let header = String::from_utf8_lossy(&bytes).into_owned();
    assert!(header.contains("x_train") && !header.contains("missing_train"));
    let data = Dataset::open(&prepared.path).unwrap();
    assert!(data.train().missing.is_none());
    let saved = SavedPreprocessor::read(&prepared.preprocessor_path).unwrap();
    let keeps = |field: &FittedField| matches!(field, FittedField::Number { keep: true, .. });
    assert!(!saved.preprocessor.fields.iter().any(keeps));
}

#[test]
fn dates_keep_their_missing_cells_in_every_part() {
    let rows: String = (0..40)
        .map(|row| match row % 4 {
            0 => format!(",{}\n", row / 4 % 2),
            _ => format!(
                "2001-{:02}-{:02},{}\n",
                1 + row % 12,
                1 + row % 28,
                row / 4 % 2
            ),
        })
        .collect();
    let case = Case::new(format!("d,class\n{rows}")).with(|spec| {
        spec.missing.default = MissingPolicy::Keep;
        spec.missing.indicator = true;
        spec.dates = None;
    });
    let prepared = case.prepared();
    let data = Dataset::open(&prepared.path).unwrap();
    let width = prepared.meta.features.len();
    assert!(width > 2, "{:?}", prepared.meta.features);
    let marks = data.train().missing.unwrap().chunks(width);
    for (marks, row) in marks.zip(data.train_source()) {
        let is_missing = u8::from((row - 1) % 4 == 0);
        let (indicator, parts) = marks.split_last().unwrap();
        assert_eq!(*indicator, 0);
        assert!(parts.iter().all(|mark| *mark == is_missing), "row {row}");
    }
}
