//! How a column of categories enters a network: by its 0/1 features, or as a learned vector.

use super::super::super::value::Value;
use super::super::param::{InBatch, IntRange, Literal, ParamDef, ParamType};
use super::super::view::{ParamValue, word};

/// The rule of fastai for the width of a column's vectors.
const AUTO: &str = "auto";

pub(super) const PARAM: ParamDef = ParamDef::new(
    "category_embedding",
    ParamType::IntOr(IntRange::new(0, 1024), &[AUTO]),
    Literal::Int(0),
    "width of a learned vector in place of the 0/1 features of each column with at least 3 of them",
)
.note(" (0 = off)")
.in_batch(InBatch::Same)
.later();

/// Embedding of categories (Guo and Berkhahn, "Entity Embeddings of Categorical Variables", 2016).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CategoryEmbedding {
    /// Each 0/1 feature is an input.
    Off,
    /// Vectors of this width, at least 1, for every column.
    Width(u32),
    /// A width for each column by the number of its categories.
    Auto,
}

impl CategoryEmbedding {
    /// Features of a column that become a vector: fewer would gain nothing by it.
    pub const MIN_FEATURES: usize = 3;

    /// Width of the vectors of a column with `features` 0/1 features; `None` if these stay.
    pub fn width(self, features: usize) -> Option<usize> {
        if features < CategoryEmbedding::MIN_FEATURES {
            return None;
        }
        match self {
            CategoryEmbedding::Off => None,
            CategoryEmbedding::Width(width) => Some(width as usize),
            // `emb_sz_rule` of fastai, with its bound.
            CategoryEmbedding::Auto => {
                Some((1.6 * (features as f64).powf(0.56)).round().min(600.0) as usize)
            }
        }
    }
}

impl ParamValue for CategoryEmbedding {
    fn from_value(value: &Value) -> CategoryEmbedding {
        match value {
            Value::Text(_) => CategoryEmbedding::Auto,
            width => match u32::from_value(width) {
                0 => CategoryEmbedding::Off,
                width => CategoryEmbedding::Width(width),
            },
        }
    }

    fn to_value(&self) -> Value {
        match *self {
            CategoryEmbedding::Off => Value::Int(0),
            CategoryEmbedding::Width(width) => Value::Int(width.into()),
            CategoryEmbedding::Auto => word(AUTO),
        }
    }
}
