//! What an experiment asks of its data: which file, which columns, which rows, which split.
//! Ground vocabulary between `spec`, which writes it, and `data`, which carries it out. No I/O.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The `[data]` table of an experiment, checked for all that can be checked without the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataSpec {
    /// CSV, or TSV when the name ends in `.tsv` or `.tab`; relative to the working directory.
    pub path: PathBuf,
    /// The column to predict; its values are the classes.
    pub target: String,
    /// Rows with the same value here never stand on two sides of a split.
    pub group: Option<String>,
    /// Rows left out: column -> values.
    pub exclude: BTreeMap<String, Vec<String>>,
    /// Columns taken as numbers; `None` is every numeric column but target and group.
    pub numeric: Option<Vec<String>>,
    /// Date columns of which the year is taken.
    pub year: Vec<String>,
    /// Columns of which each value becomes a 0/1 feature.
    pub categorical: Vec<String>,
    /// Columns of text that become features; a column may stand in several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub text: Vec<TextSpec>,
    pub missing: MissingRules,
    pub scale: Scale,
    pub split: SplitSpec,
}

/// Columns of text, each encoded by itself and in the same way.
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
    /// Terms weighted by how rare they are, brought to `dims` dimensions by a truncated SVD.
    Tfidf(Tfidf),
    /// Terms hashed into `dims` buckets, with signs; nothing is fitted.
    Hashing(Hashing),
    /// Read by a network that was trained on other texts; nothing is fitted.
    Sentence(Sentence),
}

/// Term frequency times inverse document frequency, as scikit-learn defines it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tfidf {
    #[serde(flatten)]
    pub terms: Terms,
    /// A term that occurs n times counts 1 + ln n instead of n.
    pub sublinear: bool,
    /// Training rows in which a term must stand to be known, at least 1.
    pub min_count: usize,
    /// Most terms that are known: the most frequent ones.
    pub max_terms: usize,
    /// Features, at least 1.
    pub dims: usize,
}

/// The hashing trick (Weinberger et al. 2009), as scikit-learn's `HashingVectorizer`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hashing {
    #[serde(flatten)]
    pub terms: Terms,
    /// Features, at least 1.
    pub dims: usize,
}

/// A sentence encoder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sentence {
    /// The folder of its weights, relative to the working directory.
    pub model: PathBuf,
}

/// What the terms of a text are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    pub analyzer: Analyzer,
    /// Smallest and largest number of words, or characters, in a term.
    pub ngrams: [usize; 2],
    /// Upper and lower case are one.
    pub lowercase: bool,
}

/// What terms are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Analyzer {
    /// Words that follow each other.
    Word,
    /// Characters within a word, its edges marked by blanks (scikit-learn's `char_wb`).
    Char,
}

impl TextEncoder {
    /// Features it makes of a column, as far as the experiment says.
    pub fn dims(&self) -> Option<usize> {
        match self {
            TextEncoder::Tfidf(tfidf) => Some(tfidf.dims),
            TextEncoder::Hashing(hashing) => Some(hashing.dims),
            TextEncoder::Sentence(_) => None,
        }
    }
}

impl Analyzer {
    /// The word for it in experiments and names of features.
    pub fn name(self) -> &'static str {
        match self {
            Analyzer::Word => "word",
            Analyzer::Char => "char",
        }
    }
}

/// What to do with an empty cell or one that reads `NA`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MissingPolicy {
    /// Refuse the file, naming row and column.
    Error,
    /// Leave the row out, and count it.
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

/// How features are brought to one scale; fitted on the training rows alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Mean 0 and standard deviation 1.
    Standard,
    /// The point of the normal distribution below which as large a share of the training rows lies.
    Quantile,
    None,
}

/// How rows are told into training, validation and test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SplitSpec {
    /// Share of validation rows, in (0, 1).
    pub valid: f64,
    /// Share of test rows, in [0, 1); 0 with `test_path`.
    pub test: f64,
    /// A file of its own with the test rows.
    pub test_path: Option<PathBuf>,
    /// Keep the share of each class on every side.
    pub stratify: bool,
    pub seed: u64,
}
