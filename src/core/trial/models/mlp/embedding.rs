//! How numbers enter a network: as they are, or each spread over several inputs.

use super::super::super::value::Value;
use super::super::param::{
    FloatRange, Form, IntRange, Literal, ParamDef, ParamType, TableDef, Variant,
};
use super::super::view::{ParamValue, entry, kind, table, word};

/// Frequencies come in eights, so that a feature's cosines and sines fill whole vector registers.
const FREQUENCIES: IntRange = IntRange {
    min: 8,
    max: 256,
    multiple_of: 8,
};

/// Inputs a feature may become: these fill vector registers, or are shared out evenly over one.
const WIDTHS: &[u32] = &[2, 4, 8, 16, 32, 48, 64];

pub(super) static TABLE: TableDef = TableDef {
    form: Form::Tagged {
        about: "how a feature is spread",
        is_shortened: false,
    },
    variants: &[
        Variant {
            kind: "none",
            params: &[],
        },
        Variant {
            kind: "ple",
            params: &[ParamDef::new(
                "bins",
                ParamType::Int(IntRange::new(1, 1024)),
                Literal::Int(32),
                "inputs at most",
            )],
        },
        Variant {
            kind: "periodic",
            params: &[
                ParamDef::new(
                    "frequencies",
                    ParamType::Int(FREQUENCIES),
                    Literal::Int(16),
                    "learned frequencies of a feature",
                ),
                ParamDef::new(
                    "sigma",
                    ParamType::Float(FloatRange::ABOVE_0),
                    Literal::Float(0.3),
                    "standard deviation of the frequencies at the start",
                ),
                ParamDef::new(
                    "width",
                    ParamType::OneOf(WIDTHS),
                    Literal::Int(8),
                    "inputs a feature becomes",
                ),
            ],
        },
    ],
    allowed: "\"none\", \"ple\" or \"periodic\", or a table such as { kind = \"ple\", bins = 32 } \
              with 1 to 1024 bins, or { kind = \"periodic\", frequencies = 16, sigma = 0.3, \
              width = 8 } with 8, 16, 24, ... or 256 frequencies, a sigma above 0 and a width of \
              2, 4, 8, 16, 32, 48 or 64",
};

/// Embeddings of Gorishniy, Rubachev and Babenko, "On Embeddings for Numerical Features in Tabular
/// Deep Learning" (2022).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Embedding {
    /// Each feature is one input.
    None,
    /// Piecewise-linear encoding: between its quantiles on the training rows, a feature fills one
    /// input after the other from 0 to 1.
    Ple {
        /// Most inputs a feature becomes; equal quantiles leave fewer.
        bins: u32,
    },
    /// Cosines and sines of learned frequencies, then a linear layer of each feature's own and ReLU:
    /// the "PLR" of the paper.
    Periodic {
        /// Frequencies of a feature.
        frequencies: u32,
        /// Standard deviation of the frequencies at the start, in turns per unit of the feature.
        sigma: f64,
        /// Inputs a feature becomes.
        width: u32,
    },
}

impl Embedding {
    /// Most inputs that one feature becomes.
    pub fn inputs_per_feature(self) -> usize {
        match self {
            Embedding::None => 1,
            Embedding::Ple { bins } => bins as usize,
            Embedding::Periodic { width, .. } => width as usize,
        }
    }
}

impl ParamValue for Embedding {
    fn from_value(value: &Value) -> Embedding {
        match kind(value) {
            "ple" => Embedding::Ple {
                bins: entry(value, "bins"),
            },
            "periodic" => Embedding::Periodic {
                frequencies: entry(value, "frequencies"),
                sigma: entry(value, "sigma"),
                width: entry(value, "width"),
            },
            _ => Embedding::None,
        }
    }

    fn to_value(&self) -> Value {
        match *self {
            Embedding::None => word("none"),
            Embedding::Ple { bins } => {
                table([("kind", word("ple")), ("bins", Value::Int(bins.into()))])
            }
            Embedding::Periodic {
                frequencies,
                sigma,
                width,
            } => table([
                ("kind", word("periodic")),
                ("frequencies", Value::Int(frequencies.into())),
                ("sigma", Value::Float(sigma)),
                ("width", Value::Int(width.into())),
            ]),
        }
    }
}
