//! The `[data]` table of an experiment: which file, columns, rows and split.
//! `sweep-experiment` parses it and `sweep-data` prepares data accordingly. No I/O.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The `[data]` table of an experiment, checked as far as is possible without the data file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataSpec {
    /// CSV, or TSV when the name ends in `.tsv` or `.tab`; relative to the working directory.
    pub path: PathBuf,
    /// The column to predict; its values are the classes.
    pub target: String,
    /// Rows with the same value here always go to the same split.
    pub group: Option<String>,
    /// Excluded rows: column -> values.
    pub exclude: BTreeMap<String, Vec<String>>,
    /// Numeric features; `None` is every numeric column except target and group.
    pub numeric: Option<Vec<String>>,
    /// Date columns whose year becomes a feature.
    pub year: Vec<String>,
    /// One-hot encoded columns.
    pub categorical: Vec<String>,
    /// Text columns that become features; a column may be encoded in several ways.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub text: Vec<TextSpec>,
    pub missing: MissingRules,
    pub scale: Scale,
    pub split: SplitSpec,
}

/// Text columns that are encoded separately with the same encoder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TextSpec {
    pub columns: Vec<String>,
    #[serde(flatten)]
    pub encoder: TextEncoder,
}

/// How the texts of a column become features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "encoder", rename_all = "snake_case")]
pub enum TextEncoder {
    /// Terms weighted by rarity, reduced to `dims` dimensions by a truncated SVD.
    Tfidf(Tfidf),
    /// Terms hashed into `dims` buckets, with signs; nothing is fitted.
    Hashing(Hashing),
    /// Encoded by a pretrained language model; nothing is fitted.
    Sentence(Sentence),
}

/// Term frequency times inverse document frequency, as scikit-learn defines it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tfidf {
    #[serde(flatten)]
    pub terms: Terms,
    /// A term that occurs n times counts 1 + ln n instead of n.
    pub sublinear: bool,
    /// Minimum number of training rows in which a term occurs, at least 1.
    pub min_count: usize,
    /// Maximum number of terms; the most frequent ones are kept.
    pub max_terms: usize,
    /// Number of features, at least 1.
    pub dims: usize,
}

/// The hashing trick (Weinberger et al. 2009), as scikit-learn's `HashingVectorizer`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hashing {
    #[serde(flatten)]
    pub terms: Terms,
    /// Number of features, at least 1.
    pub dims: usize,
}

/// A sentence encoder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sentence {
    /// The folder of its weights, relative to the working directory.
    pub model: PathBuf,
}

/// How a text is cut into terms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    pub analyzer: Analyzer,
    /// Minimum and maximum number of words, or characters, in a term.
    pub ngrams: [usize; 2],
    /// Whether texts are converted to lower case first.
    pub lowercase: bool,
}

/// What terms are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Analyzer {
    /// Consecutive words.
    Word,
    /// Consecutive characters within a word padded with blanks (scikit-learn's `char_wb`).
    Char,
}

impl TextEncoder {
    /// Features per column, if the experiment sets it.
    pub fn dims(&self) -> Option<usize> {
        match self {
            TextEncoder::Tfidf(tfidf) => Some(tfidf.dims),
            TextEncoder::Hashing(hashing) => Some(hashing.dims),
            TextEncoder::Sentence(_) => None,
        }
    }
}

impl Analyzer {
    /// Its name in experiment files and feature names.
    pub fn name(self) -> &'static str {
        match self {
            Analyzer::Word => "word",
            Analyzer::Char => "char",
        }
    }
}

/// What to do with cells that are empty or read `NA`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MissingPolicy {
    /// Reject the file, naming row and column.
    Error,
    /// Drop the row, and count it.
    Drop,
    /// The median of the training rows; numbers only.
    Median,
    /// The most frequent value of the training rows.
    Mode,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingRules {
    pub default: MissingPolicy,
    pub columns: BTreeMap<String, MissingPolicy>,
}

impl MissingRules {
    /// The policy for `column`.
    pub fn of(&self, column: &str) -> MissingPolicy {
        self.columns.get(column).copied().unwrap_or(self.default)
    }
}

/// How features are scaled; fitted on the training rows only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Mean 0 and standard deviation 1.
    Standard,
    /// Quantile transform to a normal distribution.
    Quantile,
    None,
}

/// How rows are split into training, validation and test rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitSpec {
    /// Fraction of validation rows, in (0, 1).
    pub valid: f64,
    /// Fraction of test rows, in [0, 1); 0 with `test_path`.
    pub test: f64,
    /// A separate file with the test rows.
    pub test_path: Option<PathBuf>,
    /// Whether every split keeps the class proportions.
    pub stratify: bool,
    pub seed: u64,
}
