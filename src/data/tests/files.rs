//! The files written: their names, their content, and what happens when they are damaged.

use std::fs;
use std::path::Path;

use super::{full, names, table};
use crate::{Dataset, HeldOutTest, prepare_read_only};
use sweep_core::data_config::{DataSpec, Scale};

#[test]
fn the_same_content_is_written_once_and_mended_when_damaged() {
    let case = full(table(60));
    let first = case.prepared();
    assert!(!first.summary.reused);
    assert!(case.prepared().summary.reused);
    let whole = fs::read(&first.path).unwrap();
    fs::write(&first.path, &whole[..whole.len() / 2]).unwrap();
    assert!(Dataset::open(&first.path).is_err());
    assert!(!case.prepared().summary.reused);
    assert_eq!(fs::read(&first.path).unwrap(), whole);
    fs::remove_file(&first.test_path).unwrap();
    assert!(!case.prepared().summary.reused);
    assert!(HeldOutTest::open(&first.test_path).is_ok());
}

#[test]
fn who_only_looks_uses_what_stands_there() {
    let case = full(table(60));
    let first = case.prepared();
    let runs = first.path.ancestors().nth(2).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let look = |folder: &Path| {
        prepare_read_only(&case.spec, folder, scratch.path(), None)
            .unwrap()
            .remove(0)
    };
    let found = look(runs);
    assert!(found.summary.reused);
    assert_eq!(found.path, first.path);
    assert!(!scratch.path().join("data").exists());
    // Below a file, nothing can be written.
    let made = look(&first.path);
    assert!(made.path.starts_with(scratch.path()));
    assert!(Dataset::open(&made.path).is_ok());
}

#[test]
fn the_digest_follows_the_content_and_not_the_path() {
    let base = full(table(60)).prepared().meta.digest;
    assert_eq!(full(table(60)).prepared().meta.digest, base);
    let unused = table(60).replacen("class\n", "class,more\n", 1);
    let unused: String = unused
        .lines()
        .enumerate()
        .map(|(row, line)| {
            if row == 0 {
                format!("{line}\n")
            } else {
                format!("{line},t\n")
            }
        })
        .collect();
    assert_eq!(full(unused).prepared().meta.digest, base);
    type Change = fn(&mut DataSpec);
    let changes: [Change; 6] = [
        |spec| spec.split.seed = 43,
        |spec| spec.split.valid = 0.3,
        |spec| spec.scale = Scale::None,
        |spec| spec.scale = Scale::Quantile,
        |spec| spec.year.clear(),
        |spec| spec.numeric = Some(names(&["b", "a"])),
    ];
    let mut digests: Vec<_> = changes
        .iter()
        .map(|change| full(table(60)).with(change).prepared().meta.digest)
        .collect();
    digests.push(base);
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), changes.len() + 1);
}

#[test]
fn the_file_that_trials_read_holds_no_test_row() {
    let case = full(table(60));
    let prepared = case.prepared();
    let bytes = fs::read(&prepared.path).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut names = tensors.names();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "row_train",
            "row_valid",
            "x_train",
            "x_valid",
            "y_train",
            "y_valid"
        ]
    );
    assert!(Dataset::open(&prepared.test_path).is_err());
}

#[test]
fn a_share_of_training_rows_keeps_groups_whole_and_leaves_the_rest_alone() {
    // As group and as feature, so that the first feature of a row tells its group.
    let case = full(table(300)).with(|spec| spec.group = Some("a".to_owned()));
    let all = Dataset::open(&case.prepared().path).unwrap();
    let half = all.with_share(1, 0.5);
    let width = all.meta().features.len();
    let by_group = |data: &Dataset| {
        let mut rows: std::collections::HashMap<u32, usize> = Default::default();
        for row in data.train().x.chunks(width) {
            *rows.entry(row[0].to_bits()).or_default() += 1;
        }
        rows
    };
    let (whole, taken) = (by_group(&all), by_group(&half));
    assert!(whole.values().any(|rows| *rows > 2));
    assert!(taken.iter().all(|(group, rows)| whole[group] == *rows));
    let rows = half.train().y.len();
    assert!(rows.abs_diff(all.train().y.len() / 2) < 15, "{rows}");
    assert_eq!(half.meta().train_rows, rows);
    assert_eq!(half.meta().digest, all.meta().digest);
    assert_eq!(half.valid().x, all.valid().x);
    assert_eq!(all.new_train_rows(), None);
}

#[test]
fn no_damage_to_a_prepared_file_gets_past_opening() {
    let case = full(table(60));
    let prepared = case.prepared();
    let whole = fs::read(&prepared.path).unwrap();
    let path = case.folder.path().join("damaged.safetensors");
    let open = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        Dataset::open(&path)
    };
    for length in (0..whole.len()).step_by(97) {
        assert!(open(&whole[..length]).is_err(), "{length} bytes");
    }
    let header = u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize + 8;
    // Whatever is flipped in the header: refused, or every row can still be reached.
    for place in (0..header).step_by(5) {
        let mut bytes = whole.clone();
        bytes[place] ^= 1 << (place % 8);
        if let Ok(data) = open(&bytes) {
            let (meta, train, valid) = (data.meta(), data.train(), data.valid());
            assert_eq!(train.x.len(), train.y.len() * meta.features.len());
            assert_eq!(valid.x.len(), valid.y.len() * meta.features.len());
        }
    }
    let text = String::from_utf8_lossy(&whole[8..header]).into_owned();
    let changed = |from: &str, to: &str| {
        assert!(text.contains(from) && from.len() == to.len());
        let mut bytes = whole.clone();
        bytes[8..header].copy_from_slice(text.replacen(from, to, 1).as_bytes());
        open(&bytes).unwrap_err().to_string()
    };
    let newer = changed("\\\"format\\\":1", "\\\"format\\\":9");
    assert!(
        newer.contains("it has format 9, this program reads format 1"),
        "{newer}"
    );
    assert!(changed("\"U32\"", "\"F32\"").contains("is described"));

    let data = Dataset::open(&prepared.path).unwrap();
    let label =
        data.train().y.classes().unwrap().as_ptr() as usize - data.train().x.as_ptr() as usize;
    let x = {
        let tensors = safetensors::SafeTensors::deserialize(&whole).unwrap();
        tensors.tensor("x_train").unwrap().data().as_ptr() as usize - whole.as_ptr() as usize
    };
    let mut bytes = whole.clone();
    bytes[x.wrapping_add(label)] = 9;
    let error = open(&bytes).unwrap_err().to_string();
    assert!(
        error.contains("y_train has label 9 of 2 classes"),
        "{error}"
    );
    assert!(error.contains("delete it and prepare it again"), "{error}");
}

#[test]
fn a_misaligned_file_is_refused() {
    let case = full(table(60));
    let prepared = case.prepared();
    let whole = fs::read(&prepared.path).unwrap();
    let header = u64::from_le_bytes(whole[..8].try_into().unwrap());
    let mut bytes = (header + 1).to_le_bytes().to_vec();
    bytes.extend(&whole[8..8 + header as usize]);
    bytes.push(b' ');
    bytes.extend(&whole[8 + header as usize..]);
    let path = case.folder.path().join("misaligned.safetensors");
    fs::write(&path, bytes).unwrap();
    let error = Dataset::open(&path).unwrap_err().to_string();
    assert!(error.contains("is not aligned to 4 bytes"), "{error}");
}

#[test]
fn the_digest_is_that_of_format_1() {
    // A change here makes every recorded trial a stranger: raise DATA_FORMAT with it.
    let digest = full(table(60)).prepared().meta.digest;
    insta::assert_snapshot!(digest);
}

#[test]
fn quantiles_are_kept_with_the_rows_they_were_taken_from() {
    let prepared = full(table(60)).with(|spec| spec.scale = Scale::Quantile);
    let prepared = prepared.prepared();
    let data = Dataset::open(&prepared.path).unwrap();
    assert_eq!(*data.meta(), prepared.meta);
    let train = data.train();
    let features = data.meta().features.len();
    // The smallest and largest training values of each number stand at the ends of the map.
    for feature in 0..3 {
        let column = || train.x.iter().skip(feature).step_by(features).copied();
        let ends = (
            column().fold(f32::MAX, f32::min),
            column().fold(f32::MIN, f32::max),
        );
        assert!((ends.0 + 5.199_337_6).abs() < 1e-5 && (ends.1 - 5.199_337_6).abs() < 1e-5);
        let middle = column().filter(|x| x.abs() < 1.0).count();
        assert!(middle > train.y.len() / 3, "{middle} rows within 1 of 0");
    }
}
