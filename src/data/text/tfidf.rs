//! Terms weighted by how rare they are, in the few dimensions that keep most of what tells texts
//! apart (latent semantic analysis).
//!
//! Invariant: weights are those of scikit-learn's `TfidfVectorizer` with smooth idf and rows of
//! length 1; terms are sorted by their bytes.

use std::collections::HashMap;

use rayon::prelude::{IntoParallelRefIterator, ParallelIterator};

use sweep_core::data_config::Tfidf;

use super::sparse::Sparse;
use super::svd::truncated;
use super::terms::for_each_term;

/// What was learned from the training texts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fitted {
    /// Sorted by their bytes, all different.
    pub vocabulary: Vec<String>,
    /// Of each term: `ln((1 + texts) / (1 + texts with the term)) + 1`.
    pub idf: Vec<f64>,
    /// [terms, dims]: right singular vectors, those of a term side by side.
    pub components: Vec<f32>,
    places: HashMap<String, u32>,
}

impl Fitted {
    /// Learns from `texts`.
    ///
    /// # Errors
    /// What is wrong and what to do, when the texts do not have `dims` dimensions.
    pub fn fit(options: &Tfidf, texts: &[&str]) -> Result<Fitted, (String, String)> {
        let (vocabulary, idf) = learn_terms(options, texts);
        let limit = vocabulary.len().min(texts.len());
        let mut fitted = Fitted::new(vocabulary, idf, Vec::new());
        let found = match limit >= options.dims {
            true => {
                let weigh = |text: &&str| fitted.weights(options, text);
                let rows: Vec<_> = texts.par_iter().map(weigh).collect();
                let svd = truncated(
                    &Sparse::from_rows(rows, fitted.vocabulary.len()),
                    options.dims,
                );
                let numbers = svd.vectors.as_slice().iter();
                fitted.components = numbers.map(|x| *x as f32).collect();
                svd.singular.len()
            }
            false => limit,
        };
        if found == options.dims {
            return Ok(fitted);
        }
        let at_least = match options.min_count {
            1 => String::new(),
            rows => format!(" that stand in {rows} of them or more"),
        };
        let message = format!(
            "{} dimensions are asked for, and the {} training texts have {found}: {} different \
             terms{at_least}",
            options.dims,
            texts.len(),
            fitted.vocabulary.len(),
        );
        let help = match found {
            0 => "lower `min_count`, or leave the column out".to_owned(),
            _ => format!("set `dims` to {found} or less, or lower `min_count`"),
        };
        Err((message, help))
    }

    /// What was learned, from its parts.
    pub fn new(vocabulary: Vec<String>, idf: Vec<f64>, components: Vec<f32>) -> Fitted {
        let places = vocabulary.iter().cloned().zip(0..).collect();
        Fitted {
            vocabulary,
            idf,
            components,
            places,
        }
    }

    /// Sets `row` [dims] to the place of `text` among the dimensions; zeros if it has no known
    /// term.
    pub fn encode(&self, options: &Tfidf, text: &str, row: &mut [f64]) {
        row.fill(0.0);
        for (term, weight) in self.weights(options, text) {
            let from = term as usize * row.len();
            let component = &self.components[from..from + row.len()];
            for (sum, x) in row.iter_mut().zip(component) {
                *sum += weight * f64::from(*x);
            }
        }
    }

    /// Known terms of `text`, ascending, with their weights: a vector of length 1.
    pub fn weights(&self, options: &Tfidf, text: &str) -> Vec<(u32, f64)> {
        let mut found = Vec::new();
        for_each_term(&options.terms, text, |term| {
            found.extend(self.places.get(term).copied())
        });
        found.sort_unstable();
        let mut weights: Vec<(u32, f64)> = found
            .chunk_by(|a, b| a == b)
            .map(|same| {
                let times = same.len() as f64;
                let frequency = match options.sublinear {
                    true => 1.0 + times.ln(),
                    false => times,
                };
                (same[0], frequency * self.idf[same[0] as usize])
            })
            .collect();
        let squares = weights.iter().map(|(_, weight)| weight * weight);
        let length = squares.sum::<f64>().sqrt();
        weights.iter_mut().for_each(|(_, weight)| *weight /= length);
        weights
    }
}

/// How often a term occurs.
#[derive(Default)]
struct Count {
    total: usize,
    texts: usize,
    /// The last text it was met in, from 1.
    last: usize,
}

/// The terms to know, sorted, and their idf.
fn learn_terms(options: &Tfidf, texts: &[&str]) -> (Vec<String>, Vec<f64>) {
    let mut counts: HashMap<String, Count> = HashMap::new();
    for (place, text) in texts.iter().enumerate() {
        for_each_term(&options.terms, text, |term| {
            let count = match counts.get_mut(term) {
                Some(count) => count,
                None => counts.entry(term.to_owned()).or_default(),
            };
            count.total += 1;
            count.texts += usize::from(count.last != place + 1);
            count.last = place + 1;
        });
    }
    let mut terms: Vec<(String, Count)> = counts
        .into_iter()
        .filter(|(_, count)| count.texts >= options.min_count)
        .collect();
    // The most frequent first; of those equally frequent, the first by letter.
    terms.sort_unstable_by(|(a, x), (b, y)| y.total.cmp(&x.total).then_with(|| a.cmp(b)));
    terms.truncate(options.max_terms);
    terms.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    let number = texts.len() as f64;
    terms
        .into_iter()
        .map(|(term, count)| {
            let idf = ((1.0 + number) / (1.0 + count.texts as f64)).ln() + 1.0;
            (term, idf)
        })
        .unzip()
}
