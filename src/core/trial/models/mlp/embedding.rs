//! How numbers enter a network: as they are, or each spread over several inputs.

use super::super::super::value::Value;
use super::super::context::Context;
use super::super::param::{
    FloatRange, Form, IntRange, Literal, ParamDef, ParamType, TableDef, Variant,
};
use super::super::view::{ParamValue, entry, kind, later_entry, table, word};
use super::by_rows::AUTO;

/// Frequencies come in eights, so that a feature's cosines and sines fill whole vector registers.
const FREQUENCIES: IntRange = IntRange {
    min: 8,
    max: 256,
    multiple_of: 8,
};

/// Inputs a feature may become: these fill vector registers, or are shared out evenly over one.
const WIDTHS: &[u32] = &[2, 4, 8, 16, 32, 48, 64];

/// Bins that `"auto"` gives a feature: of few features, and at least; with more features than leave as many, it gives none.
const USUAL_BINS: usize = 32;
const LEAST_BINS: usize = 4;
/// Most inputs that it makes of all features.
const INPUTS: usize = 2_048;

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
            params: &[
                ParamDef::new(
                    "bins",
                    ParamType::Int(IntRange::new(1, 1024)),
                    Literal::Int(32),
                    "inputs at most",
                ),
                ParamDef::new(
                    "text",
                    ParamType::Bool,
                    Literal::Bool(true),
                    "whether features from text are spread too; if not, each is one input, scaled to 0..1",
                )
                .later(),
            ],
        },
        Variant {
            kind: AUTO,
            params: &[],
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
    allowed: "\"none\", \"auto\", \"ple\" or \"periodic\", or a table such as { kind = \"ple\", bins = 32, \
              text = true } with 1 to 1024 bins, or { kind = \"periodic\", frequencies = 16, sigma = 0.3, \
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
        /// Whether features from text are spread too.
        text: bool,
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

/// What `"auto"` comes to: piecewise-linear encoding of all but text, of fewer bins where there are many features.
pub(super) fn resolve(value: &Value, context: &Context<'_>) -> Option<Value> {
    let data = context.data;
    let numbers = (data.features).saturating_sub(data.category_features + data.text_features);
    (kind(value) == AUTO).then(|| match numbers {
        0 => word("none"),
        _ if numbers * LEAST_BINS > INPUTS => word("none"),
        _ => {
            let bins = (INPUTS / numbers).min(USUAL_BINS);
            ple(bins as u32, data.text_features == 0)
        }
    })
}

fn ple(bins: u32, text: bool) -> Value {
    table([
        ("kind", word("ple")),
        ("bins", Value::Int(bins.into())),
        ("text", Value::Bool(text)),
    ])
}

impl Embedding {
    /// Most inputs that one feature becomes.
    pub fn inputs_per_feature(self) -> usize {
        match self {
            Embedding::None => 1,
            Embedding::Ple { bins, .. } => bins as usize,
            Embedding::Periodic { width, .. } => width as usize,
        }
    }
}

impl ParamValue for Embedding {
    fn from_value(value: &Value) -> Embedding {
        match kind(value) {
            "ple" => Embedding::Ple {
                bins: entry(value, "bins"),
                text: later_entry(value, "text", true),
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
            Embedding::Ple { bins, text } => ple(bins, text),
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
