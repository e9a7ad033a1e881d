//! The `[data]` table of an experiment: which file, columns, rows and split.
//! `sweep-experiment` parses it and `sweep-data` prepares data accordingly. No I/O.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::split_spec::SplitSpec;
use crate::trial::Task;

/// The `[data]` table of an experiment, checked as far as is possible without the data file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DataSpec {
    /// The files of the table, or patterns for their names (`data/part-*.csv`), at least one;
    /// relative to the working directory.
    pub paths: Vec<PathBuf>,
    /// How cells are read.
    pub format: TableFormat,
    /// The column to predict: its values are classes or numbers.
    pub target: String,
    /// What the target is; `None` is found from its values.
    pub task: Option<Task>,
    /// What numbers of the target are learned as.
    pub target_transform: TargetTransform,
    /// The column with the weights of the training rows.
    pub weight: Option<String>,
    /// Rows with the same value here always go to the same split.
    pub group: Option<String>,
    /// Excluded rows: column -> values.
    pub exclude: BTreeMap<String, Vec<String>>,
    /// Columns that are not used.
    pub drop: Vec<String>,
    /// Numeric features; `None` is every numeric column without another role.
    pub numeric: Option<Vec<String>>,
    /// Date columns whose year becomes a feature.
    pub year: Vec<String>,
    /// Date columns; `None` is every column of dates without another role.
    pub dates: Option<Vec<DateSpec>>,
    /// Categorical columns; `None` is every column of few distinct texts without another role.
    pub categorical: Option<Vec<String>>,
    /// How categories become features.
    pub categories: CategorySpec,
    /// Text columns that become features; a column may be encoded in several ways.
    pub text: Vec<TextSpec>,
    pub missing: MissingRules,
    pub scale: Scale,
    pub split: SplitSpec,
}

impl DataSpec {
    /// What stands for the data of programs, which read their own.
    pub fn without_table(edition: Edition) -> DataSpec {
        DataSpec {
            format: TableFormat {
                edition,
                ..TableFormat::default()
            },
            ..DataSpec::default()
        }
    }

    /// The first file, or pattern, for messages.
    pub fn path(&self) -> &Path {
        self.paths.first().map_or(Path::new(""), PathBuf::as_path)
    }
}

/// What numbers of the target are learned as. Predictions and metrics are in units of the target all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetTransform {
    #[default]
    None,
    /// The natural logarithm; for targets above 0.
    Log,
    /// That of 1 more; for targets above -1.
    Log1p,
}

impl TargetTransform {
    pub const ALL: [TargetTransform; 3] = [
        TargetTransform::None,
        TargetTransform::Log,
        TargetTransform::Log1p,
    ];

    /// As experiment files spell it.
    pub fn name(self) -> &'static str {
        match self {
            TargetTransform::None => "none",
            TargetTransform::Log => "log",
            TargetTransform::Log1p => "log1p",
        }
    }

    /// What `number` of the target is learned as; not finite where that is not defined.
    pub fn apply(self, number: f64) -> f64 {
        match self {
            TargetTransform::None => number,
            TargetTransform::Log => number.ln(),
            TargetTransform::Log1p => number.ln_1p(),
        }
    }

    /// The number of the target that `learned` stands for.
    pub fn invert(self, learned: f64) -> f64 {
        match self {
            TargetTransform::None => learned,
            TargetTransform::Log => learned.exp(),
            TargetTransform::Log1p => learned.exp_m1(),
        }
    }
}

/// Which defaults hold in an experiment file. A sweep keeps those with which it began, so that it resumes
/// with the same trials on the same prepared data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Edition {
    /// Commas (tabs in `.tsv`), UTF-8, a header row; only empty cells and `NA` are missing; every
    /// numeric column is a feature, and columns of text are features only where they are named.
    First,
    /// What is not given is found from the file; columns of few texts are categories, dates are
    /// dates, and identifiers are left out.
    Second,
    /// Tables are read as in the second; settings of models have later defaults
    /// ([`crate::trial::models::ParamDef::default_in`]).
    Third,
    /// Networks have the defaults of `docs/EXPERIMENT.md`, which suit most tables as they are, and a file without a model
    /// trains one such network and every kind of baseline.
    #[default]
    Fourth,
}

impl Edition {
    /// The edition with this number, from 1; `None` for one that is unknown.
    pub fn from_number(number: i64) -> Option<Edition> {
        match number {
            1 => Some(Edition::First),
            2 => Some(Edition::Second),
            3 => Some(Edition::Third),
            4 => Some(Edition::Fourth),
            _ => None,
        }
    }

    pub fn number(self) -> i64 {
        match self {
            Edition::First => 1,
            Edition::Second => 2,
            Edition::Third => 3,
            Edition::Fourth => 4,
        }
    }

    /// The first edition that reads tables as this one does.
    pub fn of_data(self) -> Edition {
        self.min(Edition::Second)
    }
}

/// How the cells of a table are read; `None` is found from the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TableFormat {
    pub edition: Edition,
    pub delimiter: Option<Delimiter>,
    /// What separates the decimals of a number.
    pub decimal: Option<Decimal>,
    pub encoding: Option<TextEncoding>,
    /// Whether the first row names the columns.
    pub header: Option<bool>,
    /// Names of the columns, in order, in place of those of the file.
    pub columns: Option<Vec<String>>,
    /// Cells that stand for a missing value, besides the usual ones.
    pub missing_values: Vec<String>,
    /// Whether blanks around a cell are removed; `None` is where every cell of the first rows has
    /// one behind the delimiter.
    pub trim: Option<bool>,
}

/// What separates the cells of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delimiter {
    /// One ASCII character.
    Byte(u8),
    /// One or more blanks or tabs.
    Blanks,
}

impl Delimiter {
    /// The delimiter with this name: `tab`, `blanks`, or one ASCII character that neither quotes
    /// cells nor ends lines.
    pub fn named(name: &str) -> Option<Delimiter> {
        match (name, name.as_bytes()) {
            ("tab", _) => Some(Delimiter::Byte(b'\t')),
            ("blanks" | " ", _) => Some(Delimiter::Blanks),
            (_, [b'"' | b'\n' | b'\r']) => None,
            (_, [byte]) if byte.is_ascii() => Some(Delimiter::Byte(*byte)),
            _ => None,
        }
    }
}

impl Decimal {
    /// `.` or `,`.
    pub fn named(name: &str) -> Option<Decimal> {
        match name {
            "." => Some(Decimal::Point),
            "," => Some(Decimal::Comma),
            _ => None,
        }
    }
}

impl TextEncoding {
    /// The encoding with this name, in the spellings that Python knows.
    pub fn named(name: &str) -> Option<TextEncoding> {
        match name.to_lowercase().as_str() {
            "utf-8" | "utf8" => Some(TextEncoding::Utf8),
            "utf-16" | "utf16" => Some(TextEncoding::Utf16),
            "latin-1" | "latin1" | "iso-8859-1" => Some(TextEncoding::Latin1),
            "windows-1252" | "cp1252" => Some(TextEncoding::Windows1252),
            _ => None,
        }
    }
}

/// What separates the decimals of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decimal {
    Point,
    Comma,
}

/// The encoding of a file of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextEncoding {
    Utf8,
    /// In the byte order of its mark, or little-endian without one.
    Utf16,
    Utf16Le,
    Utf16Be,
    Latin1,
    Windows1252,
}

/// A column of dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateSpec {
    pub column: String,
    /// As for `strptime`, such as `%d/%m/%Y`; `None` is found from the cells.
    pub format: Option<String>,
    /// What becomes features; empty is the default for the column.
    pub parts: Vec<DatePart>,
    /// Whether parts that recur (month, weekday, hour) are points on a circle: two features each.
    pub cyclic: bool,
}

/// A part of a date that becomes a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DatePart {
    Year,
    /// 1 to 12.
    Month,
    /// Day of the month, from 1.
    Day,
    /// 0 is Monday, 6 is Sunday.
    Weekday,
    /// 0 to 23.
    Hour,
    /// Days since 1970-01-01, time of day as a fraction.
    Days,
}

impl DatePart {
    pub const ALL: [DatePart; 6] = [
        DatePart::Year,
        DatePart::Month,
        DatePart::Day,
        DatePart::Weekday,
        DatePart::Hour,
        DatePart::Days,
    ];

    /// Its name in experiment files and feature names.
    pub fn name(self) -> &'static str {
        match self {
            DatePart::Year => "year",
            DatePart::Month => "month",
            DatePart::Day => "day",
            DatePart::Weekday => "weekday",
            DatePart::Hour => "hour",
            DatePart::Days => "days",
        }
    }

    /// The first value of a part that recurs, and after how many it does.
    pub fn period(self) -> Option<(f64, f64)> {
        match self {
            DatePart::Month => Some((1.0, 12.0)),
            DatePart::Day => Some((1.0, 31.0)),
            DatePart::Weekday => Some((0.0, 7.0)),
            DatePart::Hour => Some((0.0, 24.0)),
            DatePart::Year | DatePart::Days => None,
        }
    }
}

/// How categories become features.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CategorySpec {
    pub encoding: CategoryEncoding,
    /// Levels that get a feature of their own with one-hot encoding; the most frequent ones. The
    /// others share one.
    pub max_levels: Option<usize>,
    /// Training rows that a level needs for a feature of its own.
    pub min_rows: usize,
    pub unknown: UnknownLevels,
}

impl Default for CategorySpec {
    fn default() -> CategorySpec {
        CategorySpec {
            encoding: CategoryEncoding::Auto,
            max_levels: None,
            min_rows: 1,
            unknown: UnknownLevels::Zero,
        }
    }
}

/// How the levels of a categorical column become numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CategoryEncoding {
    /// One-hot; besides, target statistics for a column of many levels that no one named.
    Auto,
    /// One 0/1 feature for each level.
    OneHot,
    /// One feature for each class but the first: the smoothed share of the class among the
    /// training rows of the level, for a training row estimated without its fold.
    Target,
}

/// What happens to a level that no training row has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownLevels {
    /// It counts as none of the levels, and is counted; as a rare level where those share a feature.
    Zero,
    /// It is refused.
    Error,
}

/// Text columns that are encoded separately with the same encoder.
#[derive(Debug, Clone, PartialEq)]
pub struct TextSpec {
    pub columns: Vec<String>,
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

/// What to do with missing cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissingPolicy {
    /// Reject the file, naming row and column.
    #[default]
    Error,
    /// Drop the row, and count it.
    Drop,
    /// The median of the training rows; numbers only.
    Median,
    /// The most frequent value of the training rows.
    Mode,
    /// The median for numbers, the most frequent value for categories.
    Impute,
    /// Missing is a level of its own; categories only.
    Category,
    /// Left missing for models that take missing values; the median for the others. Numbers only.
    Keep,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MissingRules {
    pub default: MissingPolicy,
    pub columns: BTreeMap<String, MissingPolicy>,
    /// Whether a column with missing cells gets one more feature: 1 where a cell is missing.
    pub indicator: bool,
}

impl MissingPolicy {
    /// Whether it puts something in the place of a missing cell.
    pub fn fills(self) -> bool {
        !matches!(self, MissingPolicy::Error | MissingPolicy::Drop)
    }
}

impl MissingRules {
    /// The policy for `column`.
    pub fn of(&self, column: &str) -> MissingPolicy {
        self.columns.get(column).copied().unwrap_or(self.default)
    }
}

/// How features are scaled; fitted on the training rows only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    /// Mean 0 and standard deviation 1.
    #[default]
    Standard,
    /// Quantile transform to a normal distribution.
    Quantile,
    None,
}
