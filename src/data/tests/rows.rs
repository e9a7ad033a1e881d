//! The rows that arrive.

use std::fs;

use super::{Case, as_text, full, table};
use crate::{Dataset, FittedField, HeldOutTest, SavedPreprocessor};
use sweep_core::data_config::MissingPolicy;

#[test]
fn rows_arrive_scaled_encoded_and_numbered() {
    let case = full(table(60)).with(|spec| spec.split.seed = 7);
    let prepared = case.prepared();
    let meta = &prepared.meta;
    assert_eq!(
        meta.features,
        ["a", "b", "date.year", "kind=x", "kind=y", "kind=z"]
    );
    assert_eq!(meta.classes, ["no", "yes"]);
    assert_eq!(
        (meta.train_rows, meta.valid_rows, meta.test_rows),
        (36, 12, 12)
    );

    let data = Dataset::open(&prepared.path).unwrap();
    let test = HeldOutTest::open(&prepared.test_path).unwrap();
    assert_eq!(data.meta(), meta);
    assert_eq!(test.meta(), meta);
    let splits = [
        (data.train(), data.train_source()),
        (data.valid(), data.valid_source()),
        (test.rows(), test.source()),
    ];
    let mut seen: Vec<u32> = splits
        .iter()
        .flat_map(|(_, source)| source.to_vec())
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, (1..=60).collect::<Vec<u32>>());

    let text = table(60);
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    let a = |row: u32| lines[row as usize][0].parse::<f64>().unwrap();
    let of_train = data.train_source();
    let mean = of_train.iter().map(|row| a(*row)).sum::<f64>() / 36.0;
    let sd = (of_train
        .iter()
        .map(|row| (a(*row) - mean).powi(2))
        .sum::<f64>()
        / 36.0)
        .sqrt();
    for (rows, source) in splits {
        for (place, row) in source.iter().enumerate() {
            let features = &rows.x[6 * place..6 * place + 6];
            let cells = &lines[*row as usize];
            assert_eq!(features[0], ((a(*row) - mean) / sd) as f32);
            let kind = ["x", "y", "z"].map(|kind| f32::from(u8::from(cells[2] == kind)));
            assert_eq!(features[3..], kind);
            assert_eq!(
                meta.classes[rows.y.classes().unwrap()[place] as usize],
                cells[4]
            );
        }
    }
}

#[test]
fn byte_order_mark_line_ends_tabs_and_blank_lines_change_nothing() {
    let plain = full(table(60)).prepared();
    let dressed = format!("\u{feff}{}", table(60).replace('\n', "\r\n\r\n"));
    assert_eq!(full(dressed).prepared().meta, plain.meta);
    let tabs = full(table(60).replace(',', "\t")).with(|spec| {
        let path = spec.path().with_extension("tsv");
        fs::rename(spec.path(), &path).unwrap();
        spec.paths = vec![path];
    });
    assert_eq!(tabs.prepared().meta, plain.meta);
}

#[test]
fn missing_cells_are_dropped_or_filled_from_training_rows_and_counted() {
    let text = format!(
        "{}NA,1,x,2001,no\n,1,x,2001,yes\n3,1,,2001,yes\n",
        table(60)
    );
    let dropping = full(&text)
        .with(|spec| spec.missing.default = MissingPolicy::Drop)
        .prepared();
    let rows: usize = dropping.summary.splits.iter().map(|side| side.rows).sum();
    assert_eq!((rows, dropping.summary.dropped), (60, 3));
    assert_eq!(
        dropping.summary.dropped_by,
        [("a".to_owned(), 2), ("kind".to_owned(), 1)]
    );

    let filling = full(&text).with(|spec| {
        spec.missing.default = MissingPolicy::Mode;
        spec.missing
            .columns
            .insert("a".to_owned(), MissingPolicy::Median);
    });
    let filled = filling.prepared();
    assert_eq!(
        filled.summary.imputed,
        [("a".to_owned(), 2), ("kind".to_owned(), 1)]
    );
    let data = Dataset::open(&filled.path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let known = |row: &u32| {
        lines[*row as usize]
            .split(',')
            .next()
            .unwrap()
            .parse::<f64>()
            .ok()
    };
    let mut values: Vec<f64> = data.train_source().iter().filter_map(known).collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let median = match values.len() % 2 {
        1 => values[middle],
        _ => (values[middle - 1] + values[middle]) / 2.0,
    };
    let FittedField::Number { scaling, .. } = &filled.meta.preprocessor.fields[0] else {
        panic!("a is a number");
    };
    assert_eq!(scaling.imputed, Some(median));
}

#[test]
fn ten_thousand_columns_work() {
    let header: Vec<String> = (0..10_000).map(|column| format!("c{column}")).collect();
    let mut text = format!("class,{}\n", header.join(","));
    for row in 0..40u64 {
        text.push_str(["no", "yes"][row as usize % 2]);
        for column in 0..10_000u64 {
            text.push_str(&format!(",{}", (row * 7919 + column * 104_729) % 1009));
        }
        text.push('\n');
    }
    let case = Case::new(text);
    let prepared = case.prepared();
    assert_eq!(prepared.meta.features.len(), 10_000);
    assert_eq!(
        Dataset::open(&prepared.path).unwrap().train().x.len(),
        24 * 10_000
    );
}

#[test]
fn scaling_does_not_see_the_rows_held_out() {
    let case = full(table(60));
    let before = case.prepared();
    let data = Dataset::open(&before.path).unwrap();
    let held_out = data.valid_source()[0] as usize;
    let mut lines: Vec<String> = table(60).lines().map(str::to_owned).collect();
    lines[held_out] = format!("999{}", lines[held_out]);
    let after = full(lines.join("\n")).prepared();
    assert_eq!(after.meta.preprocessor, before.meta.preprocessor);
    assert_ne!(after.meta.digest, before.meta.digest);
    let changed = full(lines.join("\n"));
    let other = Dataset::open(&changed.prepared().path).unwrap();
    assert_eq!(data.train().x, other.train().x);
    assert_ne!(data.valid().x, other.valid().x);
}

#[test]
fn a_test_file_of_its_own_gives_the_test_rows() {
    let test =
        "kind,class,extra,a,b,date\nx,yes,?,1,1,2001\nq,no,?,3,2,2001\nz,no,?,4.5,1,1992-02-03\n";
    let case = full(table(60)).test_file(test);
    let prepared = case.prepared();
    let meta = &prepared.meta;
    assert_eq!(
        (meta.train_rows, meta.valid_rows, meta.test_rows),
        (48, 12, 3)
    );
    let held_out = HeldOutTest::open(&prepared.test_path).unwrap();
    assert_eq!(held_out.source(), [1, 2, 3]);
    assert_eq!(held_out.rows().y.classes().unwrap(), [1, 0, 0]);
    assert_eq!(held_out.groups(), [0, 1, 2]);
    assert_eq!(held_out.rows().x[3..6], [1.0, 0.0, 0.0]);
    assert_eq!(held_out.rows().x[9..12], [0.0; 3]);
    let notes: Vec<String> = prepared
        .summary
        .notes
        .iter()
        .map(ToString::to_string)
        .collect();
    let unseen = "note: 1 cell of `kind` outside the training rows: a category";
    assert!(
        notes.iter().any(|note| note.starts_with(unseen)),
        "{notes:#?}"
    );
}

#[test]
fn the_saved_preparation_gives_rows_the_features_that_they_were_prepared_with() {
    let text = format!("{}NA,1,x,2001,no\n5,,,2001,yes\n", table(60));
    let case = full(&text).with(|spec| {
        spec.missing.columns = [("a", MissingPolicy::Median), ("b", MissingPolicy::Drop)]
            .map(|(name, policy)| (name.to_owned(), policy))
            .into();
        spec.missing.default = MissingPolicy::Mode;
    });
    let prepared = case.prepared();
    let saved = SavedPreprocessor::read(&prepared.preprocessor_path).unwrap();
    assert_eq!(
        saved,
        SavedPreprocessor::of(&prepared.meta, Vec::new(), "class", &case.spec.format)
    );

    // The same file, columns turned round and the target gone.
    let turned: String = text
        .lines()
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            format!("{},{},{},{}\n", cells[3], cells[2], cells[1], cells[0])
        })
        .collect();
    let path = case.folder.path().join("new.csv");
    fs::write(&path, turned).unwrap();
    let new = as_text(&path);
    let features = saved.on(&new).unwrap().encode(0..62).unwrap();
    let refused: Vec<u64> = features.refused.iter().map(|row| row.line).collect();
    assert_eq!(refused, [63], "the row that was dropped");
    let width = saved.features.len();
    let data = Dataset::open(&prepared.path).unwrap();
    let test = HeldOutTest::open(&prepared.test_path).unwrap();
    for (rows, source) in [
        (data.train(), data.train_source()),
        (data.valid(), data.valid_source()),
        (test.rows(), test.source()),
    ] {
        for (x, row) in rows.x.chunks_exact(width).zip(source) {
            let place = features.rows.binary_search(&(row - 1)).unwrap();
            assert_eq!(&features.x[place * width..][..width], x, "row {row}");
        }
    }
}
