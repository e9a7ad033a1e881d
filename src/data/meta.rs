//! What a prepared data set says of itself, and its rows.

use serde::{Deserialize, Serialize};

use super::preprocessor::Preprocessor;
use sweep_core::data_config::TargetTransform;
use sweep_core::trial::{DataDigest, Task};

/// Describes a prepared data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatasetMeta {
    pub digest: DataDigest,
    /// Names of the columns of `x`, in order.
    pub features: Vec<String>,
    /// Names of the classes; a label is an index into them. None of a target that is a number.
    pub classes: Vec<String>,
    /// What is learned of a target that is a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<NumberTarget>,
    pub train_rows: usize,
    pub valid_rows: usize,
    pub test_rows: usize,
    /// How the features were made.
    #[serde(rename = "preparation")]
    pub preprocessor: Preprocessor,
}

/// How numbers of the target are learned: transformed, and by networks also scaled to mean 0 and standard deviation 1
/// of the training rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct NumberTarget {
    pub transform: TargetTransform,
    /// Mean of the transformed numbers of the training rows.
    pub mean: f64,
    /// Their standard deviation (divisor n); 0 for a constant.
    pub sd: f64,
}

/// Rows of one side of the split.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// Row-major [rows, features].
    pub x: &'a [f32],
    /// [rows].
    pub y: Targets<'a>,
    /// Weights [rows], above 0, of training rows; `None` is all alike.
    pub weights: Option<&'a [f32]>,
    /// As of [`Inputs`].
    pub missing: Option<&'a [u8]>,
}

/// What is to be predicted of each row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Targets<'a> {
    /// Indices into the classes.
    Classes(&'a [u32]),
    /// In units of the target.
    Numbers(&'a [f32]),
}

impl DatasetMeta {
    pub fn task(&self) -> Task {
        match self.number {
            None => Task::Classification,
            Some(_) => Task::Regression,
        }
    }

    /// Numbers that a model gives for a row: one a class, or one.
    pub fn outputs(&self) -> usize {
        match self.number {
            None => self.classes.len(),
            Some(_) => 1,
        }
    }

    /// The standard deviation in which errors count, in units of the transformed target; 1 of classes.
    pub fn target_scale(&self) -> f64 {
        self.number.map_or(1.0, |number| number.scale())
    }
}

impl NumberTarget {
    /// The factor between what networks learn and the transformed target.
    pub fn scale(&self) -> f64 {
        if self.sd > 0.0 { self.sd } else { 1.0 }
    }

    /// What networks learn of `number`.
    pub fn learned(&self, number: f64) -> f64 {
        (self.transform.apply(number) - self.mean) / self.scale()
    }

    /// The number that a network means by `learned`.
    pub fn number(&self, learned: f64) -> f64 {
        self.transform.invert(learned * self.scale() + self.mean)
    }
}

impl<'a> Targets<'a> {
    /// Number of rows.
    pub fn len(self) -> usize {
        match self {
            Targets::Classes(labels) => labels.len(),
            Targets::Numbers(numbers) => numbers.len(),
        }
    }

    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Labels, if they are classes.
    pub fn classes(self) -> Option<&'a [u32]> {
        match self {
            Targets::Classes(labels) => Some(labels),
            Targets::Numbers(_) => None,
        }
    }

    /// The numbers, if they are such.
    pub fn numbers(self) -> Option<&'a [f32]> {
        match self {
            Targets::Classes(_) => None,
            Targets::Numbers(numbers) => Some(numbers),
        }
    }
}

/// What a model predicts from.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// Row-major [rows, features], every one finite.
    pub x: &'a [f32],
    /// Row-major [rows, features]: 0, or something else where the cell is missing and what `x` has was
    /// imputed. Models that take missing values read it.
    pub missing: Option<&'a [u8]>,
}

impl<'a> Rows<'a> {
    pub fn inputs(self) -> Inputs<'a> {
        Inputs {
            x: self.x,
            missing: self.missing,
        }
    }
}

impl<'a> Inputs<'a> {
    /// Features of which none is missing.
    pub fn complete(x: &'a [f32]) -> Inputs<'a> {
        Inputs { x, missing: None }
    }

    /// At most `rows` rows at a time, of `features` features each.
    ///
    /// # Panics
    /// When either is 0.
    pub fn chunks(self, rows: usize, features: usize) -> impl Iterator<Item = Inputs<'a>> {
        let size = rows * features;
        let each = self.x.chunks(size).enumerate();
        each.map(move |(place, x)| Inputs {
            x,
            missing: self.missing.map(|mask| &mask[place * size..][..x.len()]),
        })
    }
}
