//! How numbers enter a network: as they are, or each spread over several inputs.

use serde::{Deserialize, Serialize};

use super::Value;
use super::settings::{Key, Rejected};
use super::tables::{Entries, Kinds};

/// Most bins of a feature.
const MAX_BINS: u32 = 1024;
const DEFAULT_BINS: u32 = 32;

/// Frequencies come in eights, so that a feature's cosines and sines fill whole vector registers.
const EIGHT: u32 = 8;
/// Most frequencies of a feature.
const MAX_FREQUENCIES: u32 = 256;
const DEFAULT_FREQUENCIES: u32 = 16;
const DEFAULT_SIGMA: f64 = 0.3;

/// Inputs a feature may become: these fill vector registers, or are shared out evenly over one.
const WIDTHS: [u32; 7] = [2, 4, 8, 16, 32, 48, 64];
const DEFAULT_WIDTH: u32 = 8;

/// What the key `embedding` may be set to.
pub(super) const ALLOWED: &str = "\"none\", \"ple\" or \"periodic\", or a table such as \
    { kind = \"ple\", bins = 32 } with 1 to 1024 bins, or \
    { kind = \"periodic\", frequencies = 16, sigma = 0.3, width = 8 } with 8, 16, 24, ... or 256 \
    frequencies, a sigma above 0 and a width of 2, 4, 8, 16, 32, 48 or 64";

/// Entries of the table that `embedding` may be.
const EMBEDDING_KEYS: &[Key] = &[
    Key::new(
        "kind",
        "\"none\", \"ple\" or \"periodic\"",
        "how a feature is spread",
    ),
    Key::new("bins", "an integer from 1 to 1024", "inputs at most"),
    Key::new(
        "frequencies",
        "a multiple of 8, from 8 to 256",
        "learned frequencies of a feature",
    ),
    Key::new(
        "sigma",
        "a number above 0",
        "deviation of the frequencies at the start",
    ),
    Key::new(
        "width",
        "2, 4, 8, 16, 32, 48 or 64",
        "inputs a feature becomes",
    ),
];

/// What an embedding of each kind may have.
const KINDS: Kinds = &[
    ("none", &["kind"]),
    ("ple", &["kind", "bins"]),
    ("periodic", &["kind", "frequencies", "sigma", "width"]),
];

/// Embeddings of Gorishniy, Rubachev and Babenko, "On Embeddings for Numerical Features in Tabular
/// Deep Learning" (2022).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Embedding {
    /// Each feature is one input.
    #[default]
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
        /// Standard deviation of the frequencies at the start, in turns a unit of the feature.
        sigma: f64,
        /// Inputs a feature becomes.
        width: u32,
    },
}

impl Embedding {
    /// Most inputs that one feature becomes.
    pub fn inputs_a_feature(self) -> usize {
        match self {
            Embedding::None => 1,
            Embedding::Ple { bins } => bins as usize,
            Embedding::Periodic { width, .. } => width as usize,
        }
    }

    /// Reads the value of `key`, or says what would be allowed.
    pub(super) fn read(key: &Key, value: &Value) -> Result<Embedding, Rejected> {
        let (kind, entries) = Entries::of_kind(key, value, EMBEDDING_KEYS, KINDS)?;
        let embedding = match kind {
            "ple" => Embedding::Ple {
                bins: entries.integer("bins", Some(DEFAULT_BINS), (1, MAX_BINS)),
            },
            "periodic" => Embedding::periodic(&entries),
            _ => Embedding::None,
        };
        entries.finish(embedding)
    }

    fn periodic(entries: &Entries<'_>) -> Embedding {
        let frequencies = entries.integer_that("frequencies", DEFAULT_FREQUENCIES, |count| {
            (EIGHT..=MAX_FREQUENCIES).contains(&count) && count.is_multiple_of(EIGHT)
        });
        let width = entries.integer_that("width", DEFAULT_WIDTH, |width| WIDTHS.contains(&width));
        Embedding::Periodic {
            frequencies,
            sigma: entries.number("sigma", DEFAULT_SIGMA, |sigma| sigma > 0.0),
            width,
        }
    }

    /// With every default written out, but for `none`.
    pub(super) fn to_value(self) -> Value {
        let table = |kind: &str, entries: &[(&str, Value)]| {
            let kind = ("kind".to_owned(), Value::Text(kind.to_owned()));
            let entries = entries
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()));
            Value::Table(std::iter::once(kind).chain(entries).collect())
        };
        match self {
            Embedding::None => Value::Text("none".to_owned()),
            Embedding::Ple { bins } => table("ple", &[("bins", Value::Int(bins.into()))]),
            Embedding::Periodic {
                frequencies,
                sigma,
                width,
            } => table(
                "periodic",
                &[
                    ("frequencies", Value::Int(frequencies.into())),
                    ("sigma", Value::Float(sigma)),
                    ("width", Value::Int(width.into())),
                ],
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::MlpSpec;
    use crate::trial::tables::table;

    #[test]
    fn embeddings_read_back_what_they_show() {
        let text = |kind: &str| Value::Text(kind.to_owned());
        let mut spec = MlpSpec::default();
        for (given, wanted) in [
            (text("none"), Embedding::None),
            (text("ple"), Embedding::Ple { bins: 32 }),
            (
                table(&[
                    ("kind", text("periodic")),
                    ("frequencies", Value::Int(24)),
                    ("sigma", Value::Float(0.5)),
                ]),
                Embedding::Periodic {
                    frequencies: 24,
                    sigma: 0.5,
                    width: 8,
                },
            ),
        ] {
            spec.set("embedding", &given).unwrap();
            assert_eq!(spec.embedding, wanted);
            spec.set("embedding", &wanted.to_value()).unwrap();
            assert_eq!(spec.embedding, wanted);
        }
    }

    #[test]
    fn impossible_embeddings_are_refused() {
        let kind = |kind: &str| ("kind", Value::Text(kind.to_owned()));
        let mut spec = MlpSpec::default();
        for entries in [
            vec![kind("pls")],
            vec![("bins", Value::Int(8))],
            vec![kind("ple"), ("bins", Value::Int(0))],
            vec![kind("ple"), ("bins", Value::Int(2000))],
            vec![kind("ple"), ("sigma", Value::Float(0.3))],
            vec![kind("none"), ("bins", Value::Int(8))],
            vec![kind("periodic"), ("frequencies", Value::Int(12))],
            vec![kind("periodic"), ("width", Value::Int(6))],
            vec![kind("periodic"), ("sigma", Value::Int(0))],
        ] {
            let refused = spec.set("embedding", &table(&entries));
            assert!(
                matches!(refused, Err(Rejected::Entry { .. })),
                "{entries:?}"
            );
        }
        assert_eq!(spec, MlpSpec::default());
    }
}
