//! From a CSV file to a prepared data set: read, choose rows, split, fit, encode, write.
//!
//! Invariant: the outcome is a function of the files' bytes and the [`DataSpec`] alone; nothing is
//! written unless everything could be prepared.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use safetensors::tensor::SafeTensorError;

use sweep_core::data_config::DataSpec;
use sweep_core::run_dir::RunDir;
use sweep_core::trial::DataDigest;
use sweep_table::{DataError, Table};

use super::atomic;
use super::columns::storage;
use super::digest::{SplitRows, digest};
use super::fit::FittedAll;
use super::layout::{Content, Laid, Tensor};
use super::loaded_table::{LoadedTable, Taken, both};
use super::meta::DatasetMeta;
use super::preprocessor::Preprocessor;
use super::saved::SavedPreprocessor;
use super::source_rows::TEST_KEY;
use super::split::{Splits, TEST, TRAIN, VALID};
use super::summary::Summary;
use super::transfer_preprocessing::{SourceData, TransferSource};
use super::warnings::Note;

/// A prepared data set on disk.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// Training and validation rows, for [`super::Dataset::open`].
    pub path: PathBuf,
    /// The held-out test rows, for [`super::HeldOutTest::open`].
    pub test_path: PathBuf,
    /// What was fitted, for [`super::SavedPreprocessor::read`].
    pub preprocessor_path: PathBuf,
    pub meta: DatasetMeta,
    pub summary: Summary,
}

impl Prepared {
    /// What stands for the data of programs, which read their own: no rows and no files, under the name `digest`; `source`
    /// is told as the file that it comes from.
    pub fn without_table(digest: DataDigest, source: PathBuf) -> Prepared {
        Prepared {
            path: PathBuf::new(),
            test_path: PathBuf::new(),
            preprocessor_path: PathBuf::new(),
            meta: DatasetMeta {
                digest: digest.clone(),
                features: Vec::new(),
                classes: Vec::new(),
                number: None,
                train_rows: 0,
                valid_rows: 0,
                test_rows: 0,
                preprocessor: Preprocessor { fields: Vec::new() },
            },
            summary: Summary {
                reused: true,
                ..Summary::new(&source, digest.as_str())
            },
        }
    }
}

/// Prepares the data that `spec` asks for and writes it under `store_folder/data`, unless the same
/// content stands there already. With cross-validation, the first fold: [`prepare_folds`] has them all.
///
/// # Errors All that is wrong with the files, as far as one stage of preparation can tell: every
/// error has the file, most have an experiment key, and where a cell is at fault its line and
/// column.
pub fn prepare(spec: &DataSpec, store_folder: &Path) -> Result<Prepared, Vec<DataError>> {
    Ok(prepare_folds(spec, store_folder, None)?.swap_remove(0))
}

/// Likewise, one data set for each fold, in order; one where there are no folds. The notes of the first
/// are on all of them.
///
/// With a `source`, for networks that begin with layers of one that was trained on it: features are
/// prepared as they were there, rows that it knows and their groups keep their side of its split, and
/// only the others are split afresh.
///
/// # Errors
/// Also when the features are not those of the source, or it cannot be told which rows it knows.
pub fn prepare_folds(
    spec: &DataSpec,
    store_folder: &Path,
    source: Option<SourceData<'_>>,
) -> Result<Vec<Prepared>, Vec<DataError>> {
    prepare_below(spec, &[store_folder], source)
}

/// Likewise, for who may not write below `store_folder`: files that stand there are used, and otherwise written below
/// `scratch`.
pub fn prepare_read_only(
    spec: &DataSpec,
    store_folder: &Path,
    scratch: &Path,
    source: Option<SourceData<'_>>,
) -> Result<Vec<Prepared>, Vec<DataError>> {
    prepare_below(spec, &[store_folder, scratch], source)
}

/// Prepares below the first of `folders` where the files stand already or can be written; what is cached goes below the
/// last.
fn prepare_below(
    spec: &DataSpec,
    folders: &[&Path],
    source: Option<SourceData<'_>>,
) -> Result<Vec<Prepared>, Vec<DataError>> {
    let start = Instant::now();
    let cache = cache_below(folders.last().expect("there is a folder"));
    let (main, test) = read_tables(spec)?;
    let mut content = LoadedTable::read(spec, &main, test.as_ref())?;
    let mut all = Vec::new();
    match source {
        None => {
            for (splits, notes) in content.splits(spec)? {
                all.push(prepare_split(
                    spec,
                    (folders, &cache),
                    &content,
                    splits,
                    (notes, None),
                )?);
            }
        }
        Some(source) => {
            let inherited = TransferSource::open(source).map_err(|error| vec![error])?;
            let preprocessor = inherited.preprocessor(spec, &content)?;
            let (splits, trained, note) = inherited.splits(spec, &content)?;
            content.summary.notes.push(note);
            let (splits, notes) = content.checked(spec, splits)?;
            let inherited = Some((preprocessor, trained));
            all.push(prepare_split(
                spec,
                (folders, &cache),
                &content,
                splits,
                (notes, inherited),
            )?);
        }
    }
    let notes = fold_notes(&all);
    let reused = all.iter().all(|fold| fold.summary.reused);
    let first = &mut all[0].summary;
    first.notes = notes;
    first.reused = reused;
    first.seconds = start.elapsed().as_secs_f64();
    Ok(all)
}

/// The notes of the first of `folds`, and what others have to say that it has not; numbers aside.
fn fold_notes(folds: &[Prepared]) -> Vec<Note> {
    let gist = |note: &Note| -> String {
        let letters = note.text.chars().filter(|letter| !letter.is_ascii_digit());
        letters.collect()
    };
    let own = |fold: &Prepared| fold.summary.notes.clone();
    let first = folds.first().map(own).unwrap_or_default();
    let mut known: HashSet<String> = first.iter().map(gist).collect();
    let is_in_all = |note: &Note| {
        folds
            .iter()
            .all(|fold| fold.summary.notes.iter().any(|other| other == note))
    };
    let of_fold = |number: usize, mut note: Note| {
        if !is_in_all(&note) {
            note.text = format!("fold {number}: {}", note.text);
        }
        note
    };
    let mut notes: Vec<Note> = first.into_iter().map(|note| of_fold(1, note)).collect();
    for (place, fold) in folds.iter().enumerate().skip(1) {
        for note in own(fold) {
            if known.insert(gist(&note)) {
                notes.push(of_fold(place + 1, note));
            }
        }
    }
    notes
}

/// Where what takes long to compute is cached, below `folder`.
pub(super) fn cache_below(folder: &Path) -> PathBuf {
    RunDir::new(folder).cache()
}

/// Prepares one split of `content`, about which there are `notes`, below the first of `folders` that will do. What was
/// `inherited` of the source of a transfer: the preparation, and which places of the file it was trained on.
pub(super) fn prepare_split(
    spec: &DataSpec,
    (folders, cache): (&[&Path], &Path),
    content: &LoadedTable<'_>,
    splits: Splits,
    (notes, inherited): (Vec<Note>, Option<(Taken, Vec<bool>)>),
) -> Result<Prepared, Vec<DataError>> {
    let (last, others) = folders.split_last().expect("there is a folder");
    let (taken, trained) = inherited.unzip();
    let FittedAll {
        preprocessor,
        texts,
        notes: fit_notes,
        out_of_fold,
    } = content.fit(spec, &splits, taken, cache)?;
    let encoders = content.encoders(&preprocessor, &texts, &splits, &out_of_fold)?;
    let mut rows = content.split_rows(&preprocessor, &splits, encoders);
    let groups = content.test_groups(&splits);
    let extra = Extra {
        groups: content.train_groups(&splits),
        valid_groups: content.valid_groups(&splits),
        is_new: trained.map(|trained| {
            let places = splits[TRAIN].iter();
            places
                .map(|place| u32::from(!trained[*place as usize]))
                .collect()
        }),
    };
    let features = preprocessor.features();
    let classes = content.classes.clone();
    let number = content.number(spec, &rows[TRAIN]);
    let names = (features.as_slice(), classes.as_slice(), number.as_ref());
    let digest = digest(&preprocessor, names, &mut rows, &groups);
    let mut summary = content.summary.clone();
    summary.notes.extend(notes);
    summary.notes.extend(fit_notes);
    (summary.notes).extend(content.notes(spec, &splits, &preprocessor, &rows));
    summary.imputed = content.imputed(&rows);
    summary.splits = content.summaries(&rows);
    let meta = DatasetMeta {
        digest,
        features,
        classes,
        number,
        train_rows: rows[TRAIN].y.len(),
        valid_rows: rows[VALID].y.len(),
        test_rows: rows[TEST].y.len(),
        preprocessor: preprocessor.clone(),
    };
    let saved = SavedPreprocessor::of(&meta, texts, &spec.target, &spec.format);
    let put = |folder: &Path| {
        let paths = Paths::of(&RunDir::new(folder), &meta.digest);
        let reused = saved.write(&paths.preprocessor)?;
        let reused = write(&paths, &meta, &rows, (&extra, &groups))? && reused;
        Ok((paths, reused))
    };
    let before = others.iter().find_map(|folder| put(folder).ok());
    let (paths, reused) = match before {
        Some(found) => found,
        None => put(last).map_err(|error| vec![error])?,
    };
    drop(rows);
    summary.reused = reused;
    Ok(Prepared {
        path: paths.data,
        test_path: paths.test,
        preprocessor_path: paths.preprocessor,
        meta,
        summary,
    })
}

/// The table, and that of the test rows if it stands in a file of its own.
pub(super) fn read_tables(spec: &DataSpec) -> Result<(Table, Option<Table>), Vec<DataError>> {
    let storage = storage(spec);
    let main = Table::read(&spec.paths, &spec.format, &storage, "data.path");
    let test = spec.split.test_path.as_ref().map(|path| {
        let paths = std::slice::from_ref(path);
        Table::read(paths, &spec.format, &storage, TEST_KEY)
    });
    both(main, test.transpose())
}

/// The files of one prepared data set.
struct Paths {
    data: PathBuf,
    test: PathBuf,
    preprocessor: PathBuf,
}

impl Paths {
    fn of(run_dir: &RunDir, digest: &DataDigest) -> Paths {
        Paths {
            data: run_dir.dataset(digest),
            test: run_dir.held_out_test(digest),
            preprocessor: run_dir.preprocessor(digest),
        }
    }
}

/// What the prepared file tells of rows beyond what they hold. It stands outside the digest,
/// which was there before it: the split that it goes with is inside.
struct Extra {
    /// Numbers of the groups of the training rows, if there are any.
    groups: Option<Vec<u32>>,
    /// Likewise, of the validation rows.
    valid_groups: Option<Vec<u32>>,
    /// 1 for rows that the source of a transfer was not trained on.
    is_new: Option<Vec<u32>>,
}

/// Writes both files; true if both stood there already, byte for byte.
fn write(
    paths: &Paths,
    meta: &DatasetMeta,
    rows: &[SplitRows<'_>; 3],
    (extra, test_groups): (&Extra, &[u32]),
) -> Result<bool, DataError> {
    let features = |name, split: usize| Tensor {
        name,
        content: Content::Features(&rows[split].x),
    };
    fn words<'a>(name: &'static str, words: &'a [u32]) -> Tensor<'a> {
        Tensor {
            name,
            content: Content::Words(words),
        }
    }
    fn target<'a>(name: &'static str, rows: &'a SplitRows<'_>) -> Tensor<'a> {
        let content = match &rows.numbers {
            None => Content::Words(&rows.y),
            Some(numbers) => Content::Floats(numbers),
        };
        Tensor { name, content }
    }
    let [train, valid, test] = rows;
    let mut data = vec![
        features("x_train", TRAIN),
        target("y_train", train),
        words("row_train", &train.source),
        features("x_valid", VALID),
        target("y_valid", valid),
        words("row_valid", &valid.source),
    ];
    for (name, groups) in [
        ("group_train", &extra.groups),
        ("group_valid", &extra.valid_groups),
    ] {
        data.extend(groups.as_ref().map(|groups| words(name, groups)));
    }
    data.extend(train.weights.as_ref().map(|weights| Tensor {
        name: "weight_train",
        content: Content::Floats(weights),
    }));
    data.extend(
        extra
            .is_new
            .as_ref()
            .map(|is_new| words("new_train", is_new)),
    );
    let missing = |name, split: usize| {
        rows[split].missing.as_ref().map(|mask| Tensor {
            name,
            content: Content::Missing(mask),
        })
    };
    data.extend(missing("missing_train", TRAIN));
    data.extend(missing("missing_valid", VALID));
    let mut held_out = vec![
        features("x_test", TEST),
        target("y_test", test),
        words("row_test", &test.source),
        words("group_test", test_groups),
    ];
    held_out.extend(missing("missing_test", TEST));
    let mut reused = true;
    // The test rows first: where the others stand, these do too.
    for (path, tensors) in [(&paths.test, held_out), (&paths.data, data)] {
        let laid = Laid::new(tensors, meta).map_err(|error| too_large(path, &error))?;
        reused &= atomic::write_if_other(path, |out| laid.write(out))?;
    }
    Ok(reused)
}

fn too_large(path: &Path, source: &SafeTensorError) -> DataError {
    let help = "use fewer columns or categories";
    DataError::new(path, format!("cannot be laid out: {source}"), help)
}
