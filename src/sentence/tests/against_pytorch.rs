//! Against `tests/fixtures/sentence.json`, which `sentence.py` beside it made with PyTorch and
//! transformers.

use std::path::Path;

use serde::Deserialize;

use super::{open, tiny};

#[derive(Deserialize)]
struct Oracle {
    tiny: Vec<Case>,
    real: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    text: String,
    tokens: Vec<u32>,
    /// The first values of the vector, or all.
    vector: Vec<f32>,
}

fn oracle() -> Oracle {
    let text = include_str!("../../../tests/fixtures/sentence.json");
    serde_json::from_str(text).unwrap()
}

fn compare(folder: &Path, cases: &[Case], at_least: usize) {
    assert!(cases.len() >= at_least);
    let encoder = open(folder);
    let texts: Vec<&str> = cases.iter().map(|case| case.text.as_str()).collect();
    let vectors = encoder.encode(&texts, None).unwrap();
    for (case, ours) in cases.iter().zip(vectors.chunks_exact(encoder.width())) {
        assert_eq!(
            encoder.tokenizer.tokens(&case.text),
            case.tokens,
            "{:?}",
            case.text
        );
        assert!(case.vector.len() >= 16);
        for (ours, theirs) in ours.iter().zip(&case.vector) {
            assert!(
                (ours - theirs).abs() < 1e-5,
                "{:?}: {ours} {theirs}",
                case.text
            );
        }
    }
}

#[test]
fn the_tiny_model_agrees_with_pytorch() {
    let folder = tempfile::tempdir().unwrap();
    tiny::write(folder.path());
    if let Some(keep) = std::env::var_os("SWEEP_KEEP_TINY") {
        tiny::write(Path::new(&keep));
    }
    compare(folder.path(), &oracle().tiny, 14);
}

#[test]
fn the_real_model_agrees_with_pytorch() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.deps/text-model");
    if !folder.is_dir() {
        eprintln!("SKIPPED: no .deps/text-model; `make text-model` fetches it");
        return;
    }
    compare(&folder, &oracle().real, 12);
}
