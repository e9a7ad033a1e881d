//! Against scikit-learn, whose numbers `benches/oracle_text.py` wrote to a fixture.

use std::path::Path;

use serde::Deserialize;

use sweep_core::data_config::{Analyzer, Hashing, Scale, Terms, TextEncoder, Tfidf};

use super::sparse::Sparse;
use super::svd::{EXTRA, truncated};
use super::{FittedText, tfidf};

#[derive(Deserialize)]
struct Oracle {
    train: Vec<String>,
    shown: Vec<String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    #[serde(flatten)]
    terms: Terms,
    sublinear: bool,
    min_count: usize,
    vocabulary: Vec<String>,
    idf: Vec<f64>,
    weights: Vec<Vec<(u32, f64)>>,
    dims: usize,
    singular: Vec<f64>,
    similarities: Vec<Vec<f64>>,
    buckets: usize,
    hashed: Vec<Vec<(u32, f64)>>,
}

impl Case {
    fn tfidf(&self) -> Tfidf {
        Tfidf {
            terms: self.terms.clone(),
            sublinear: self.sublinear,
            min_count: self.min_count,
            max_terms: 50_000,
            dims: self.dims,
        }
    }
}

fn oracle() -> Oracle {
    let text = include_str!("../../../tests/fixtures/text_sklearn.json");
    serde_json::from_str(text).unwrap()
}

fn texts(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

fn cells(texts: &[String]) -> Vec<Option<&str>> {
    texts.iter().map(|text| Some(text.as_str())).collect()
}

fn words(dims: usize) -> Tfidf {
    Tfidf {
        terms: Terms {
            analyzer: Analyzer::Word,
            ngrams: [1, 1],
            lowercase: true,
        },
        sublinear: false,
        min_count: 1,
        max_terms: 50_000,
        dims,
    }
}

fn fit(encoder: &TextEncoder, texts: &[Option<&str>], scale: Scale) -> FittedText {
    FittedText::fit("t".to_owned(), encoder, texts, false, scale, Path::new("")).unwrap()
}

#[test]
fn terms_and_weights_are_those_of_scikit_learn() {
    let oracle = oracle();
    for case in &oracle.cases {
        let options = case.tfidf();
        let fitted = tfidf::Fitted::fit(&options, &texts(&oracle.train)).unwrap();
        assert_eq!(fitted.vocabulary, case.vocabulary);
        for (ours, theirs) in fitted.idf.iter().zip(&case.idf) {
            assert!((ours - theirs).abs() < 1e-14);
        }
        for (text, expected) in oracle.shown.iter().zip(&case.weights) {
            let found = fitted.weights(&options, text);
            assert_eq!(found.len(), expected.len(), "{text}");
            for (ours, theirs) in found.iter().zip(expected) {
                assert_eq!(ours.0, theirs.0, "{text}");
                assert!((ours.1 - theirs.1).abs() < 1e-14, "{text}");
            }
        }
    }
}

#[test]
fn singular_values_and_similarities_are_those_of_scikit_learn() {
    // Theirs are of ARPACK, exact to rounding. Ours are exact where the directions probed are all
    // there are, as in the second case, and similarities are then those of 32 bits; elsewhere the
    // number of iterations is fixed, and these singular values fall off as slowly as they can.
    let oracle = oracle();
    for case in &oracle.cases {
        let options = case.tfidf();
        let fitted = tfidf::Fitted::fit(&options, &texts(&oracle.train)).unwrap();
        let rows = oracle.train.iter();
        let rows = rows.map(|text| fitted.weights(&options, text)).collect();
        let svd = truncated(&Sparse::from_rows(rows, case.vocabulary.len()), case.dims);
        let exact = case.vocabulary.len() <= case.dims + EXTRA;
        let (near, alike) = if exact { (1e-12, 1e-6) } else { (1e-4, 5e-3) };
        for (ours, theirs) in svd.singular.iter().zip(&case.singular) {
            assert!((ours - theirs).abs() < near * theirs, "{ours} {theirs}");
        }
        let encoder = TextEncoder::Tfidf(options);
        let found = fit(&encoder, &cells(&oracle.train), Scale::None)
            .encode(&cells(&oracle.shown))
            .unwrap();
        let rows: Vec<&[f32]> = found.chunks_exact(case.dims).collect();
        let mut worst: f64 = 0.0;
        for (a, expected) in rows.iter().zip(&case.similarities) {
            for (b, expected) in rows.iter().zip(expected) {
                let product: f32 = a.iter().zip(*b).map(|(a, b)| a * b).sum();
                worst = worst.max((f64::from(product) - expected).abs());
            }
        }
        assert!(worst < alike, "{worst}");
    }
}

#[test]
fn hashed_rows_are_those_of_scikit_learn() {
    let oracle = oracle();
    for case in &oracle.cases {
        let encoder = TextEncoder::Hashing(Hashing {
            terms: case.terms.clone(),
            dims: case.buckets,
        });
        let found = fit(&encoder, &[], Scale::None)
            .encode(&cells(&oracle.shown))
            .unwrap();
        for (found, expected) in found.chunks_exact(case.buckets).zip(&case.hashed) {
            let mut row = vec![0.0; case.buckets];
            for (bucket, value) in expected {
                row[*bucket as usize] = *value;
            }
            for (ours, theirs) in found.iter().zip(&row) {
                assert!((f64::from(*ours) - theirs).abs() < 1e-7);
            }
        }
    }
}

#[test]
fn components_are_orthonormal_and_their_largest_number_is_positive() {
    let oracle = oracle();
    let case = &oracle.cases[2];
    let fitted = tfidf::Fitted::fit(&case.tfidf(), &texts(&oracle.train)).unwrap();
    let dims = case.dims;
    let component = |which: usize| fitted.components.iter().skip(which).step_by(dims);
    for a in 0..dims {
        let largest = component(a)
            .copied()
            .reduce(|most, x| match x.abs() > most.abs() {
                true => x,
                false => most,
            });
        assert!(largest > Some(0.0));
        for b in 0..dims {
            let product: f32 = component(a).zip(component(b)).map(|(a, b)| a * b).sum();
            assert!(
                (product - f32::from(u8::from(a == b))).abs() < 1e-5,
                "{a} {b}"
            );
        }
    }
}

#[test]
fn nothing_depends_on_the_number_of_threads() {
    let oracle = oracle();
    let train: Vec<String> = (0..40).flat_map(|_| oracle.train.clone()).collect();
    let encoder = TextEncoder::Tfidf(oracle.cases[2].tfidf());
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| {
            let fitted = fit(&encoder, &cells(&train), Scale::Standard);
            let features = fitted.encode(&cells(&train)).unwrap();
            (fitted, features)
        })
    };
    let one = with(1);
    assert!(one.1.iter().any(|x| *x != 0.0));
    assert_eq!(one, with(3));
}

#[test]
fn the_standard_scale_brings_the_variances_to_a_sum_of_1_with_one_factor() {
    let oracle = oracle();
    let (train, dims) = (cells(&oracle.train), oracle.cases[0].dims);
    let encoder = TextEncoder::Tfidf(oracle.cases[0].tfidf());
    let plain = fit(&encoder, &train, Scale::None).encode(&train).unwrap();
    let fitted = fit(&encoder, &train, Scale::Standard);
    let scaled = fitted.encode(&train).unwrap();
    for (plain, scaled) in plain.iter().zip(&scaled) {
        assert!((f64::from(*plain) * fitted.field().factor - f64::from(*scaled)).abs() < 1e-6);
    }
    let variance = |which: usize| {
        let column: Vec<f64> = scaled
            .chunks_exact(dims)
            .map(|row| row[which].into())
            .collect();
        let mean = column.iter().sum::<f64>() / column.len() as f64;
        column.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / column.len() as f64
    };
    let total = (0..dims).map(variance).sum::<f64>();
    assert!((total - 1.0).abs() < 1e-5, "{total}");
}

#[test]
fn a_missing_text_an_empty_one_and_one_without_a_known_term_are_zeros() {
    let train = [
        Some("red green"),
        Some("green blue"),
        None,
        Some("red blue blue"),
    ];
    let hashing = TextEncoder::Hashing(Hashing {
        terms: words(1).terms,
        dims: 5,
    });
    for encoder in [TextEncoder::Tfidf(words(2)), hashing] {
        let fitted = fit(&encoder, &train, Scale::Standard);
        let dims = fitted.field().dims();
        let found = fitted
            .encode(&[None, Some(""), Some("! ?"), Some("red")])
            .unwrap();
        assert!(found[..3 * dims].iter().all(|x| x.to_bits() == 0));
        assert!(found[3 * dims..].iter().any(|x| *x != 0.0));
    }
    let tfidf = fit(&TextEncoder::Tfidf(words(2)), &train, Scale::Standard);
    assert_eq!(tfidf.encode(&[Some("yellow")]).unwrap(), [0.0, 0.0]);
}

#[test]
fn the_most_frequent_terms_are_kept_and_of_equals_the_first_by_letter() {
    let options = Tfidf {
        max_terms: 3,
        ..words(1)
    };
    let fitted = tfidf::Fitted::fit(&options, &["dd dd dd", "cc bb aa", "cc ee"]).unwrap();
    assert_eq!(fitted.vocabulary, ["aa", "cc", "dd"]);
}

#[test]
fn more_dimensions_than_the_texts_have_are_refused_with_what_they_have() {
    // Three terms, but "aa" and "bb" always stand together: two dimensions.
    let train = ["aa bb", "aa bb", "cc", "aa bb cc"];
    let (message, help) = tfidf::Fitted::fit(&words(3), &train).unwrap_err();
    assert_eq!(
        message,
        "3 dimensions are asked for, and the 4 training texts have 2: 3 different terms"
    );
    assert_eq!(help, "set `dims` to 2 or less, or lower `min_count`");
    assert!(tfidf::Fitted::fit(&words(2), &train).is_ok());
    let (message, help) = tfidf::Fitted::fit(&words(1), &["", "?"]).unwrap_err();
    assert!(message.contains("have 0: 0 different terms"), "{message}");
    assert_eq!(help, "lower `min_count`, or leave the column out");
}
