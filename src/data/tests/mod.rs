//! The whole way from a file to rows, on small made-up files.

mod files;
mod folds;
mod found;
mod missing;
mod numbers;
mod refit;
mod refused;
mod rows;
#[cfg(feature = "sentence")]
mod sentence;
mod split_keys;
mod text;
mod transfer;
pub(super) mod warnings;

use std::fs;
use std::path::{Path, PathBuf};

use super::{DataError, Prepared, Storage, Table, prepare};
use sweep_core::data_config::{
    CategorySpec, DataSpec, MissingPolicy, MissingRules, Scale, TableFormat,
};
use sweep_core::split_spec::{SplitBy, SplitSpec};

pub(super) fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn spec(path: &Path) -> DataSpec {
    DataSpec {
        task: None,
        target_transform: Default::default(),
        weight: None,
        paths: vec![path.to_owned()],
        format: TableFormat::default(),
        target: "class".to_owned(),
        group: None,
        exclude: [].into(),
        drop: Vec::new(),
        numeric: None,
        year: Vec::new(),
        dates: Some(Vec::new()),
        categorical: Some(Vec::new()),
        categories: CategorySpec::default(),
        text: Vec::new(),
        missing: MissingRules {
            default: MissingPolicy::Error,
            columns: [].into(),
            indicator: false,
        },
        scale: Scale::Standard,
        split: SplitSpec {
            valid: 0.2,
            test: 0.2,
            test_path: None,
            stratify: true,
            seed: 42,
            by: SplitBy::Chance,
            folds: None,
        },
    }
}

/// The table at `path`, every cell as text.
pub(super) fn as_text(path: &Path) -> Table {
    let storage = Storage {
        all_text: true,
        ..Storage::default()
    };
    Table::read(&[path.to_owned()], &TableFormat::default(), &storage, "").unwrap()
}

/// A folder with one file, and the experiment that reads it.
pub(super) struct Case {
    folder: tempfile::TempDir,
    spec: DataSpec,
}

impl Case {
    pub fn new(text: impl AsRef<[u8]>) -> Case {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("in.csv");
        fs::write(&path, text).unwrap();
        Case {
            spec: spec(&path),
            folder,
        }
    }

    pub fn with(mut self, change: impl FnOnce(&mut DataSpec)) -> Case {
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

    pub fn prepared(&self) -> Prepared {
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
        let key = error.key.as_deref().unwrap_or("-").to_owned();
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
        spec.categorical = Some(names(&["kind"]));
    })
}
