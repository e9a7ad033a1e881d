//! Sentences read by an encoder, from the file to rows and to new rows.

use std::fs;
use std::path::PathBuf;

use super::as_text;
use super::text::{case, saved, text, titled};
use crate::{HeldOutTest, SavedPreprocessor};
use sweep_core::data_config::{Sentence, TextEncoder};

#[path = "../../sentence/tests/tiny.rs"]
mod tiny;

#[test]
fn sentences_are_read_once_for_all_and_the_same_for_new_rows() {
    let make = |model: PathBuf| {
        let encoder = TextEncoder::Sentence(Sentence { model });
        let case = case(titled(60), vec![text(&["title"], encoder)]);
        let prepared = case.prepared();
        (case, prepared)
    };
    let folder = tempfile::tempdir().unwrap();
    tiny::write(folder.path());
    let (case, prepared) = make(folder.path().to_owned());
    let width = prepared.meta.features.len() - 1;
    assert_eq!(prepared.meta.features[1], "title:sentence.0");
    let remembered = prepared.path.parent().unwrap().with_file_name("cache");
    assert_eq!(fs::read_dir(remembered).unwrap().count(), 1);

    let test = HeldOutTest::open(&prepared.test_path).unwrap();
    let path = case.folder.path().join("new.csv");
    fs::write(&path, titled(60)).unwrap();
    let table = as_text(&path);
    let saved = saved(&prepared);
    let new = saved.on(&table).unwrap().encode(0..60).unwrap();
    for (row, features) in test
        .source()
        .iter()
        .zip(test.rows().x.chunks_exact(1 + width))
    {
        assert_eq!(
            new.x[(*row as usize - 1) * (1 + width)..][..1 + width],
            *features
        );
    }

    // The same weights elsewhere are the same data; others are refused for what was made with these.
    let elsewhere = tempfile::tempdir().unwrap();
    tiny::write(elsewhere.path());
    assert_eq!(
        make(elsewhere.path().to_owned()).1.meta.digest,
        prepared.meta.digest
    );
    let config = folder.path().join(tiny::FILES[3]);
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{text}\n")).unwrap();
    let error = SavedPreprocessor::read(&prepared.preprocessor_path)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("another encoder") && !error.contains("damaged"),
        "{error}"
    );
    fs::remove_file(config).unwrap();
    let error = SavedPreprocessor::read(&prepared.preprocessor_path)
        .unwrap_err()
        .to_string();
    assert!(error.contains("sentence_bert_config.json"), "{error}");
}
