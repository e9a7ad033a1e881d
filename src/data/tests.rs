//! The whole way from a file to rows, on small made-up files.

use std::fs;
use std::path::{Path, PathBuf};

use super::{DataError, Dataset, FittedField, Level, Prepared, SealedTest, prepare, synth};
use crate::recipe::{DataSpec, MissingPolicy, MissingRules, Scale, SplitSpec};

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn spec(path: &Path) -> DataSpec {
    DataSpec {
        path: path.to_owned(),
        target: "class".to_owned(),
        group: None,
        exclude: [].into(),
        numeric: None,
        year: Vec::new(),
        categorical: Vec::new(),
        missing: MissingRules {
            default: MissingPolicy::Error,
            columns: [].into(),
        },
        scale: Scale::Standard,
        split: SplitSpec {
            valid: 0.2,
            test: 0.2,
            test_path: None,
            stratify: true,
            seed: 42,
        },
    }
}

/// A folder with one file, and the experiment that reads it.
struct Case {
    folder: tempfile::TempDir,
    spec: DataSpec,
}

impl Case {
    fn new(text: impl AsRef<[u8]>) -> Case {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("in.csv");
        fs::write(&path, text).unwrap();
        Case {
            spec: spec(&path),
            folder,
        }
    }

    fn with(mut self, change: impl FnOnce(&mut DataSpec)) -> Case {
        change(&mut self.spec);
        self
    }

    fn test_file(mut self, text: &str) -> Case {
        let path = self.folder.path().join("test.csv");
        fs::write(&path, text).unwrap();
        self.spec.split.test_path = Some(path);
        self.spec.split.test = 0.0;
        self
    }

    fn prepare(&self) -> Result<Prepared, Vec<DataError>> {
        prepare(&self.spec, &self.folder.path().join("store"))
    }

    fn prepared(&self) -> Prepared {
        self.prepare()
            .unwrap_or_else(|errors| panic!("{}", shown(&errors)))
    }

    fn errors(&self) -> Vec<DataError> {
        self.prepare().expect_err("this must be refused")
    }
}

/// Errors as text, files without their folders.
fn shown(errors: &[DataError]) -> String {
    let mut text = String::new();
    for error in errors {
        let mut error = error.clone();
        error.file = PathBuf::from(error.file.file_name().unwrap_or_default());
        let key = error.key.clone().unwrap_or_else(|| "-".to_owned());
        text.push_str(&format!(
            "{error}\n    help: {}\n    key: {key}\n",
            error.help
        ));
    }
    text
}

/// Rows of `a,b,kind,date,class`: a is the row's number, b cycles, classes alternate.
fn table(rows: usize) -> String {
    let mut text = "a,b,kind,date,class\n".to_owned();
    for row in 0..rows {
        let (kind, class) = (["x", "y", "z"][row % 3], ["no", "yes"][row * 7 / 3 % 2]);
        let (b, year) = ((row * 37 % 11) as f64 / 2.0, 1990 + row % 30);
        text.push_str(&format!(
            "{}.5,{b},{kind},{year}-02-03,{class}\n",
            row * row % 101
        ));
    }
    text
}

fn full(text: impl AsRef<[u8]>) -> Case {
    Case::new(text).with(|spec| {
        spec.numeric = Some(names(&["a", "b"]));
        spec.year = names(&["date"]);
        spec.categorical = names(&["kind"]);
    })
}

#[test]
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
            full("").with(|spec| spec.path = "absent.csv".into()),
        ),
        (
            "a folder",
            full("").with(|spec| spec.path = std::env::temp_dir()),
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
            full(&good).with(|spec| spec.categorical = names(&["class"])),
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
        ("too many classes", full(many_classes())),
        ("rare class", full(with_row("1,1,x,2001,maybe"))),
        (
            "rare class in groups",
            full(with_row(&"1,1,rare,2001,maybe\n".repeat(30))).with(|spec| {
                spec.categorical.clear();
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
                spec.categorical.clear();
                spec.group = Some("class".to_owned());
                spec.split.stratify = false;
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
            Case::new(many_categories()).with(|spec| spec.categorical = names(&["kind"])),
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
    for (name, case) in &cases {
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
    let test = SealedTest::open(&prepared.test_path).unwrap();
    assert_eq!(data.meta(), meta);
    assert_eq!(test.meta(), meta);
    let sides = [
        (data.train(), data.train_source()),
        (data.valid(), data.valid_source()),
        (test.rows(), test.source()),
    ];
    let mut seen: Vec<u32> = sides
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
    for (rows, source) in sides {
        for (place, row) in source.iter().enumerate() {
            let features = &rows.x[6 * place..6 * place + 6];
            let cells = &lines[*row as usize];
            assert_eq!(features[0], ((a(*row) - mean) / sd) as f32);
            let kind = ["x", "y", "z"].map(|kind| f32::from(u8::from(cells[2] == kind)));
            assert_eq!(features[3..], kind);
            assert_eq!(meta.classes[rows.y[place] as usize], cells[4]);
        }
    }
}

#[test]
fn byte_order_mark_line_ends_tabs_and_blank_lines_change_nothing() {
    let plain = full(table(60)).prepared();
    let dressed = format!("\u{feff}{}", table(60).replace('\n', "\r\n\r\n"));
    assert_eq!(full(dressed).prepared().meta, plain.meta);
    let tabs = full(table(60).replace(',', "\t")).with(|spec| {
        let path = spec.path.with_extension("tsv");
        fs::rename(&spec.path, &path).unwrap();
        spec.path = path;
    });
    assert_eq!(tabs.prepared().meta, plain.meta);
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
fn missing_cells_are_dropped_or_filled_from_training_rows_and_counted() {
    let text = format!(
        "{}NA,1,x,2001,no\n,1,x,2001,yes\n3,1,,2001,yes\n",
        table(60)
    );
    let dropping = full(&text)
        .with(|spec| spec.missing.default = MissingPolicy::Drop)
        .prepared();
    let rows: usize = dropping.summary.sides.iter().map(|side| side.rows).sum();
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
    let FittedField::Number { scaling, .. } = &filled.meta.preparation.fields[0] else {
        panic!("a is a number");
    };
    assert_eq!(scaling.imputed, Some(median));
}

#[test]
fn numeric_columns_are_found_and_doubtful_ones_are_mentioned() {
    let mut text = ",n,number,almost,word,empty,id,class\n".to_owned();
    for row in 0..50 {
        let almost = if row == 30 { "1,5" } else { "2" };
        let number = row * row % 17;
        text.push_str(&format!(
            "{row},{row},{number},\"{almost}\",w,,i{row},{}\n",
            row / 2 % 2
        ));
    }
    let prepared = Case::new(text).prepared();
    assert_eq!(prepared.meta.features, ["n", "number"]);
    let notes: Vec<&str> = prepared
        .summary
        .notes
        .iter()
        .map(|note| note.text.as_str())
        .collect();
    assert!(
        notes[0].starts_with("column number 1 has no name"),
        "{notes:#?}"
    );
    assert!(
        notes[1].starts_with("column `n` only counts the rows"),
        "{notes:#?}"
    );
    assert!(
        notes[2].contains("`almost` is nearly numeric, but line 32 reads `1,5`"),
        "{notes:#?}"
    );
    assert_eq!(notes.len(), 3, "{notes:#?}");
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
fn a_constant_column_becomes_zero_and_is_mentioned() {
    let text = table(60)
        .replace(",x,", ",5,")
        .replace(",y,", ",5,")
        .replace(",z,", ",5,");
    let case = Case::new(text).with(|spec| spec.numeric = Some(names(&["kind", "a"])));
    let prepared = case.prepared();
    let data = Dataset::open(&prepared.path).unwrap();
    assert!(
        data.train()
            .x
            .chunks(2)
            .chain(data.valid().x.chunks(2))
            .all(|row| row[0] == 0.0)
    );
    let note = &prepared.summary.notes[0];
    assert_eq!(note.level, Level::Warning);
    assert!(
        note.text.contains("`kind` is 5 in every training row"),
        "{note}"
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
    assert_eq!(after.meta.preparation, before.meta.preparation);
    assert_ne!(after.meta.digest, before.meta.digest);
    let changed = full(lines.join("\n"));
    let other = Dataset::open(&changed.prepared().path).unwrap();
    assert_eq!(data.train().x, other.train().x);
    assert_ne!(data.valid().x, other.valid().x);
}

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
    assert!(SealedTest::open(&first.test_path).is_ok());
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
    let changes: [Change; 5] = [
        |spec| spec.split.seed = 43,
        |spec| spec.split.valid = 0.3,
        |spec| spec.scale = Scale::None,
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
    let label = data.train().y.as_ptr() as usize - data.train().x.as_ptr() as usize;
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
    let sealed = SealedTest::open(&prepared.test_path).unwrap();
    assert_eq!(sealed.source(), [1, 2, 3]);
    assert_eq!(sealed.rows().y, [1, 0, 0]);
    assert_eq!(sealed.groups(), [0, 1, 2]);
    assert_eq!(sealed.rows().x[3..6], [1.0, 0.0, 0.0]);
    assert_eq!(sealed.rows().x[9..12], [0.0; 3]);
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
fn test_rows_and_groups_that_stand_in_the_training_file_are_warned_about() {
    let training = table(60);
    let training: String = training
        .lines()
        .enumerate()
        .map(|(row, line)| {
            if row == 0 {
                format!("{line},g\n")
            } else {
                format!("{line},g{row}\n")
            }
        })
        .collect();
    let test: String = training
        .lines()
        .take(21)
        .map(|line| format!("{line}\n"))
        .collect();
    let case = full(training)
        .test_file(&test)
        .with(|spec| spec.group = Some("g".to_owned()));
    let notes: Vec<String> = case
        .prepared()
        .summary
        .notes
        .iter()
        .map(ToString::to_string)
        .collect();
    let has = |part: &str| {
        notes
            .iter()
            .any(|note| note.starts_with("warning") && note.contains(part))
    };
    assert!(
        has("of the test file: every feature equals that of a training row"),
        "{notes:#?}"
    );
    assert!(
        has("20 rows of the test file belong to a group"),
        "{notes:#?}"
    );
}

fn songs(change: impl FnOnce(&mut DataSpec)) -> (Case, Prepared) {
    let case = Case::new("").with(|spec| {
        synth::write(&spec.path, 6000, 3).unwrap();
        spec.target = "playlist_genre".to_owned();
        spec.group = Some("track_id".to_owned());
        spec.year = names(&["track_album_release_date"]);
        change(spec);
    });
    let prepared = case.prepared();
    (case, prepared)
}

fn warnings(prepared: &Prepared) -> Vec<String> {
    let notes = prepared
        .summary
        .notes
        .iter()
        .filter(|note| note.level == Level::Warning);
    notes.map(|note| note.text.clone()).collect()
}

#[test]
fn columns_that_give_the_target_away_are_found_from_the_data() {
    let (_case, honest) = songs(|_| {});
    assert_eq!(warnings(&honest), Vec::<String>::new());
    assert_eq!(honest.meta.features.len(), 14);

    let (_case, cheating) = songs(|spec| {
        spec.categorical = names(&["playlist_subgenre", "playlist_name", "playlist_id", "key"]);
    });
    let found = warnings(&cheating);
    assert_eq!(found.len(), 3, "{found:#?}");
    for (text, name) in found
        .iter()
        .zip(["playlist_subgenre", "playlist_name", "playlist_id"])
    {
        assert!(
            text.starts_with(&format!("column `{name}` gives the target")),
            "{text}"
        );
    }
}

#[test]
fn a_number_that_gives_the_target_away_is_found_too() {
    let mut text = "a,code,class\n".to_owned();
    for row in 0..2000u32 {
        let class = row * 7 % 5;
        let code = f64::from(class) + f64::from(row * 31 % 997) / 1100.0;
        text.push_str(&format!("{},{code},c{class}\n", row * 13 % 101));
    }
    let found = warnings(&Case::new(text).prepared());
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].starts_with("column `code` gives the target `class` away"),
        "{found:#?}"
    );
}

#[test]
fn songs_on_both_sides_are_noticed_and_the_group_is_named() {
    let (_case, loose) = songs(|spec| spec.group = None);
    let found = warnings(&loose);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].contains("`group = \"track_id\"` keeps them on one side"),
        "{found:#?}"
    );

    let (_case, grouped) = songs(|_| {});
    let notes: Vec<&str> = grouped
        .summary
        .notes
        .iter()
        .map(|note| note.text.as_str())
        .collect();
    assert!(
        notes
            .iter()
            .any(|note| note.contains("hold rows of several classes")),
        "{notes:#?}"
    );
    let sealed = SealedTest::open(&grouped.test_path).unwrap();
    let groups = sealed.groups().iter().max().unwrap() + 1;
    assert!(
        (groups as usize) < sealed.groups().len(),
        "some songs of the test side come twice"
    );
}

#[test]
fn an_exclusion_leaves_rows_out_and_one_without_effect_is_mentioned() {
    let (_case, prepared) = songs(|spec| {
        spec.exclude = [("playlist_genre".to_owned(), names(&["edm", "emd"]))].into();
    });
    assert_eq!(
        prepared.meta.classes,
        ["latin", "pop", "r&b", "rap", "rock"]
    );
    assert_eq!(prepared.summary.excluded, 1110);
    let found = warnings(&prepared);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].contains("has `emd` in column `playlist_genre`"),
        "{found:#?}"
    );
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
