//! The prepared data set, memory-mapped: training and validation rows, never the test rows.
//!
//! Invariant: once opened, every tensor lies inside the file, aligned and of the shape that the
//! description gives, and every label is below the number of classes, so that no user of the rows
//! can index out of bounds. The file is written under another name and renamed, and never changed
//! after.

use std::io;
use std::path::Path;
use std::sync::Arc;

use sweep_core::data_config::TargetTransform;
use sweep_core::trial::DataDigest;
use sweep_table::NumberStyle;

use super::layout::{Mapped, Place};
use super::meta::{DatasetMeta, NumberTarget, Rows, Targets};
use super::preprocessor::{FittedField, Preprocessor, Scaling};
use super::sample::sample;
use super::target_values::{STRATA, number_target, strata};

/// Training and validation rows of a prepared data set; never the test rows.
#[derive(Debug)]
pub struct Dataset {
    meta: DatasetMeta,
    storage: Arc<Storage>,
    /// The training rows, where they are a share of those in `storage`.
    share: Option<Share>,
}

/// Some of the training rows, copied together.
#[derive(Debug)]
struct Share {
    x: Vec<f32>,
    y: OwnTargets,
    weights: Option<Vec<f32>>,
    missing: Option<Vec<u8>>,
    /// Their places among all training rows, ascending.
    places: Vec<u32>,
}

#[derive(Debug)]
enum Storage {
    Memory {
        train: (Vec<f32>, OwnTargets),
        valid: (Vec<f32>, OwnTargets),
        /// Of training rows.
        weights: Option<Vec<f32>>,
        /// Which features of these are missing, if any.
        missing: Option<[Vec<u8>; 2]>,
    },
    File {
        file: Mapped,
        train: Side,
        valid: Side,
    },
}

/// As [`Targets`].
#[derive(Debug)]
enum OwnTargets {
    Classes(Vec<u32>),
    Numbers(Vec<f32>),
}

impl OwnTargets {
    fn all(&self) -> Targets<'_> {
        match self {
            OwnTargets::Classes(labels) => Targets::Classes(labels),
            OwnTargets::Numbers(numbers) => Targets::Numbers(numbers),
        }
    }
}

/// Where the tensors of one side lie.
#[derive(Debug)]
struct Side {
    x: Place,
    y: Place,
    /// Of training rows.
    weights: Option<Place>,
    /// Which features are of missing cells, if a field keeps those.
    missing: Option<Place>,
    source: Place,
    /// Rows of data with groups: equal for rows of one group. Files of earlier versions have none of validation rows.
    groups: Option<Place>,
    /// Training rows of data split after those of a source: 1 for rows that it was not trained on.
    is_new: Option<Place>,
}

impl Dataset {
    /// A data set in memory, for tests and benches. `train` and `valid` are (x, y).
    ///
    /// # Panics
    /// When lengths do not fit, or a label is not below `classes`.
    pub fn in_memory(
        features: usize,
        classes: usize,
        train: (Vec<f32>, Vec<u32>),
        valid: (Vec<f32>, Vec<u32>),
    ) -> Dataset {
        for (x, y) in [&train, &valid] {
            assert_eq!(x.len(), y.len() * features);
            assert!(y.iter().all(|label| (*label as usize) < classes));
        }
        let names = (0..classes).map(|i| format!("c{i}")).collect();
        let own = |(x, y)| (x, OwnTargets::Classes(y));
        Dataset::of(features, (names, None), own(train), own(valid))
    }

    /// Likewise, with numbers to predict, which are learned by `transform`.
    ///
    /// # Panics
    /// When lengths do not fit.
    pub fn in_memory_numbers(
        features: usize,
        transform: TargetTransform,
        train: (Vec<f32>, Vec<f32>),
        valid: (Vec<f32>, Vec<f32>),
    ) -> Dataset {
        for (x, y) in [&train, &valid] {
            assert_eq!(x.len(), y.len() * features);
        }
        let number = number_target(transform, train.1.iter().copied());
        let own = |(x, y)| (x, OwnTargets::Numbers(y));
        Dataset::of(features, (Vec::new(), Some(number)), own(train), own(valid))
    }

    /// This data set, in memory, with weights of the training rows.
    ///
    /// # Panics
    /// When there is not one a row, or the data set is not in memory.
    pub fn weighted(mut self, given: Vec<f32>) -> Dataset {
        assert_eq!(given.len(), self.meta.train_rows);
        let Some(Storage::Memory { weights, .. }) = Arc::get_mut(&mut self.storage) else {
            panic!("weighted is for data sets in memory");
        };
        *weights = Some(given);
        self
    }

    fn of(
        features: usize,
        (classes, number): (Vec<String>, Option<NumberTarget>),
        train: (Vec<f32>, OwnTargets),
        valid: (Vec<f32>, OwnTargets),
    ) -> Dataset {
        let names: Vec<String> = (0..features).map(|i| format!("x{i}")).collect();
        let scaling = Scaling {
            mean: 0.0,
            sd: 1.0,
            imputed: None,
            quantiles: None,
        };
        let field = |column: &String| FittedField::Number {
            column: column.clone(),
            scaling: scaling.clone(),
            style: NumberStyle::PLAIN,
            indicator: false,
            keep: false,
        };
        let meta = DatasetMeta {
            digest: DataDigest::from_hex("0".repeat(64)),
            preprocessor: Preprocessor {
                fields: names.iter().map(field).collect(),
            },
            features: names,
            classes,
            number,
            train_rows: train.1.all().len(),
            valid_rows: valid.1.all().len(),
            test_rows: 0,
        };
        Dataset {
            meta,
            storage: Arc::new(Storage::Memory {
                train,
                valid,
                weights: None,
                missing: None,
            }),
            share: None,
        }
    }

    /// A data set in memory whose features were made by `preprocessor`, and of which the features that
    /// `missing` marks in training and validation rows are missing.
    ///
    /// # Panics
    /// When lengths do not fit, or the data set is not in memory.
    pub fn made_by(mut self, preprocessor: Preprocessor, marks: Option<[Vec<u8>; 2]>) -> Dataset {
        assert_eq!(preprocessor.width(), self.meta.features.len());
        self.meta.features = preprocessor.features();
        self.meta.preprocessor = preprocessor;
        let Some(Storage::Memory {
            train,
            valid,
            missing,
            ..
        }) = Arc::get_mut(&mut self.storage)
        else {
            panic!("made_by is for data sets in memory");
        };
        if let Some(marks) = &marks {
            assert_eq!(
                marks.each_ref().map(Vec::len),
                [train.0.len(), valid.0.len()]
            );
        }
        *missing = marks;
        self
    }

    /// Opens the prepared data set at `path`.
    ///
    /// # Errors When the file cannot be read, or (`InvalidData`) is not a sound prepared data set
    /// of this format.
    pub fn open(path: &Path) -> io::Result<Dataset> {
        let file = Mapped::open(path)?;
        let meta = file.meta()?;
        let split = |name: &str, rows: usize| -> io::Result<Side> {
            let shape = [rows, meta.features.len()];
            let keeps = meta.preprocessor.keeps_missing();
            Ok(Side {
                x: file.floats(&format!("x_{name}"), &shape)?,
                missing: match keeps {
                    true => Some(file.bytes(&format!("missing_{name}"), &shape)?),
                    false => None,
                },
                y: file.targets(&format!("y_{name}"), rows, &meta)?,
                weights: file.floats_if_any(&format!("weight_{name}"), rows)?,
                source: file.words(&format!("row_{name}"), rows)?,
                groups: file.words_if_any(&format!("group_{name}"), rows)?,
                is_new: file.words_if_any(&format!("new_{name}"), rows)?,
            })
        };
        let train = split("train", meta.train_rows)?;
        let valid = split("valid", meta.valid_rows)?;
        Ok(Dataset {
            meta,
            storage: Arc::new(Storage::File { file, train, valid }),
            share: None,
        })
    }

    /// This data set with a `share` (in (0, 1]) of its training rows, which `seed` chooses: stratified
    /// by class, or by tenths of a number, groups whole where the prepared data have groups, the rows of a smaller share among
    /// those of a larger one. Validation rows stay, and so does the digest.
    pub fn with_share(&self, seed: u64, share: f64) -> Dataset {
        let all = self.all_train();
        let width = self.meta.features.len();
        let tenths = all.y.numbers().map(strata);
        let (labels, classes) = match (&tenths, all.y.classes()) {
            (Some(tenths), _) => (tenths.as_slice(), STRATA),
            (None, labels) => (labels.unwrap_or_default(), self.meta.classes.len()),
        };
        let places = sample(labels, classes, self.groups(), seed, share);
        fn pick<T: Copy>(of: &[T], places: &[u32], width: usize) -> Vec<T> {
            let row = |place: &u32| &of[*place as usize * width..][..width];
            places.iter().flat_map(row).copied().collect()
        }
        let share = Share {
            x: pick(all.x, &places, width),
            missing: all.missing.map(|mask| pick(mask, &places, width)),
            y: match all.y {
                Targets::Classes(labels) => OwnTargets::Classes(pick(labels, &places, 1)),
                Targets::Numbers(numbers) => OwnTargets::Numbers(pick(numbers, &places, 1)),
            },
            weights: all.weights.map(|weights| pick(weights, &places, 1)),
            places,
        };
        let mut meta = self.meta.clone();
        meta.train_rows = share.y.all().len();
        Dataset {
            meta,
            storage: Arc::clone(&self.storage),
            share: Some(share),
        }
    }

    /// How many of the training rows the source of a transfer was not trained on; `None` for data
    /// that were not split after those of a source.
    pub fn new_train_rows(&self) -> Option<usize> {
        let Storage::File { file, train, .. } = &*self.storage else {
            return None;
        };
        let is_new = file.word_slice(train.is_new.as_ref()?);
        Some(match &self.share {
            None => is_new.iter().filter(|is_new| **is_new == 1).count(),
            Some(share) => {
                let places = share.places.iter();
                places.filter(|place| is_new[**place as usize] == 1).count()
            }
        })
    }

    pub fn meta(&self) -> &DatasetMeta {
        &self.meta
    }

    pub fn train(&self) -> Rows<'_> {
        match &self.share {
            Some(Share {
                x,
                y,
                weights,
                missing,
                ..
            }) => Rows {
                x,
                y: y.all(),
                weights: weights.as_deref(),
                missing: missing.as_deref(),
            },
            None => self.all_train(),
        }
    }

    fn all_train(&self) -> Rows<'_> {
        match &*self.storage {
            Storage::Memory {
                train: (x, y),
                weights,
                missing,
                ..
            } => Rows {
                x,
                y: y.all(),
                weights: weights.as_deref(),
                missing: missing.as_ref().map(|[train, _]| train.as_slice()),
            },
            Storage::File { file, train, .. } => Rows {
                weights: train.weights.as_ref().map(|place| file.float_slice(place)),
                ..file.rows(&train.x, &train.y, train.missing.as_ref())
            },
        }
    }

    fn groups(&self) -> Option<&[u32]> {
        match &*self.storage {
            Storage::Memory { .. } => None,
            Storage::File { file, train, .. } => {
                train.groups.as_ref().map(|place| file.word_slice(place))
            }
        }
    }

    /// Numbers of the groups of the validation rows; `None` without groups, and where the file was prepared before these
    /// were kept.
    pub fn valid_groups(&self) -> Option<&[u32]> {
        match &*self.storage {
            Storage::Memory { .. } => None,
            Storage::File { file, valid, .. } => {
                valid.groups.as_ref().map(|place| file.word_slice(place))
            }
        }
    }

    /// Whether training rows were split by groups.
    pub fn has_groups(&self) -> bool {
        self.groups().is_some()
    }

    pub fn valid(&self) -> Rows<'_> {
        match &*self.storage {
            Storage::Memory {
                valid: (x, y),
                missing,
                ..
            } => Rows {
                x,
                y: y.all(),
                weights: None,
                missing: missing.as_ref().map(|[_, valid]| valid.as_slice()),
            },
            Storage::File { file, valid, .. } => {
                file.rows(&valid.x, &valid.y, valid.missing.as_ref())
            }
        }
    }

    /// Where all training rows stood in their source file, also those outside a share: 1 is the first
    /// row after the header. Empty for a data set in memory.
    pub fn train_source(&self) -> &[u32] {
        match &*self.storage {
            Storage::Memory { .. } => &[],
            Storage::File { file, train, .. } => file.word_slice(&train.source),
        }
    }

    /// Where the validation rows stood, likewise.
    pub fn valid_source(&self) -> &[u32] {
        match &*self.storage {
            Storage::Memory { .. } => &[],
            Storage::File { file, valid, .. } => file.word_slice(&valid.source),
        }
    }
}
