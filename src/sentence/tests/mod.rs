//! The encoder against PyTorch and transformers, and against itself.

mod against_pytorch;
mod cached;
mod refused;
pub(crate) mod tiny;

use std::path::Path;

use super::SentenceEncoder;

const WORDS: [&str; 9] = [
    "",
    "a",
    "cab",
    "Cab, a BAD ace!",
    "dead beef",
    "face a bad cab",
    "b\u{e4}d",
    "ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab",
    "\u{4f60}a\u{597d}",
];

fn open(folder: &Path) -> SentenceEncoder {
    SentenceEncoder::open(folder).unwrap()
}

fn bits(vectors: &[f32]) -> Vec<u32> {
    vectors.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn a_vector_depends_neither_on_the_texts_beside_it_nor_on_the_threads() {
    let folder = tempfile::tempdir().unwrap();
    tiny::write(folder.path());
    let encoder = open(folder.path());
    // Enough distinct texts for several packs, of all lengths and at all places in a pack.
    let many: Vec<String> = (0..400)
        .map(|i| {
            format!(
                "{} {}",
                WORDS[i % 9],
                "abc ".repeat(i % 23) + &"e".repeat(i / 23)
            )
        })
        .collect();
    let texts: Vec<&str> = many.iter().map(String::as_str).collect();
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build()
            .unwrap()
            .install(|| encoder.encode(&texts, None).unwrap())
    };
    let together = on(1);
    assert_eq!(bits(&together), bits(&on(3)));
    let width = encoder.width();
    for (at, text) in texts.iter().enumerate() {
        let alone = encoder.encode(&[text], None).unwrap();
        assert_eq!(
            bits(&alone),
            bits(&together[at * width..][..width]),
            "{text:?}"
        );
    }
    assert_ne!(bits(&together[..width]), bits(&together[width..][..width]));
}

#[test]
fn equal_texts_get_equal_vectors_in_the_order_of_the_texts() {
    let folder = tempfile::tempdir().unwrap();
    tiny::write(folder.path());
    let encoder = open(folder.path());
    let width = encoder.width();
    let once = encoder.encode(&["cab", "a"], None).unwrap();
    let twice = encoder.encode(&["a", "cab", "a"], None).unwrap();
    assert_eq!(twice[..width], once[width..]);
    assert_eq!(twice[width..2 * width], once[..width]);
    assert_eq!(twice[2 * width..], once[width..]);
    let length: f32 = once[..width].iter().map(|value| value * value).sum();
    assert!((length - 1.0).abs() < 1e-5);
    assert!(encoder.encode(&[], None).unwrap().is_empty());
}

#[test]
fn any_other_byte_of_the_model_is_another_digest() {
    let folder = tempfile::tempdir().unwrap();
    tiny::write(folder.path());
    let before = open(folder.path()).digest().to_owned();
    assert_eq!(before, open(folder.path()).digest());
    assert_eq!(before.len(), 64);
    for name in tiny::FILES {
        let path = folder.path().join(name);
        let mut bytes = std::fs::read(&path).unwrap();
        let whole = bytes.clone();
        match name {
            // The last value of the last tensor; a blank elsewhere.
            "model.safetensors" => *bytes.last_mut().unwrap() ^= 1,
            _ => bytes.push(b' '),
        }
        std::fs::write(&path, bytes).unwrap();
        assert_ne!(before, open(folder.path()).digest(), "{name}");
        std::fs::write(&path, whole).unwrap();
    }
}
