//! The cache: what it gives back, and what it survives.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::{WORDS, bits, open, tiny};

/// The one file of the folder.
fn only_file(folder: &Path) -> PathBuf {
    let mut files = fs::read_dir(folder).unwrap();
    let file = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none());
    file
}

const HEADER: u64 = 64;
const RECORD: u64 = 32 + 24 * 4 + 8;

#[test]
fn what_was_computed_is_read_and_not_computed_again() {
    let folder = tempfile::tempdir().unwrap();
    tiny::write(folder.path());
    let encoder = open(folder.path());
    let cache = folder.path().join("deep/cache");
    let fresh = encoder.encode(&WORDS, Some(&cache)).unwrap();
    assert_eq!(bits(&fresh), bits(&encoder.encode(&WORDS, None).unwrap()));
    let file = only_file(&cache);
    let length = fs::metadata(&file).unwrap().len();
    assert_eq!(length, HEADER + 9 * RECORD);
    // The file is what answers: a vector planted under a text's name comes back.
    let planted: Vec<f32> = (0..24).map(|i| i as f32).collect();
    fs::remove_file(&file).unwrap();
    let mut store = crate::Cache::open(&cache, &encoder.digest, &encoder.hex, 24).unwrap();
    let key = crate::cache::key(&encoder.digest, "cab");
    store.add([(key, planted.as_slice())].into_iter()).unwrap();
    let mixed = encoder.encode(&["a", "cab"], Some(&cache)).unwrap();
    assert_eq!(mixed[24..], planted);
    assert_eq!(bits(&mixed[..24]), bits(&fresh[24..48]));
    assert_eq!(fs::metadata(&file).unwrap().len(), HEADER + 2 * RECORD);
}

#[test]
fn a_file_cut_anywhere_loses_only_what_was_cut() {
    let folder = tempfile::tempdir().unwrap();
    tiny::write(folder.path());
    let encoder = open(folder.path());
    let cache = folder.path().join("cache");
    let fresh = bits(&encoder.encode(&WORDS, Some(&cache)).unwrap());
    let file = only_file(&cache);
    let whole = fs::read(&file).unwrap();
    for cut in (0..whole.len()).step_by(37) {
        fs::write(&file, &whole[..cut]).unwrap();
        assert_eq!(
            fresh,
            bits(&encoder.encode(&WORDS, Some(&cache)).unwrap()),
            "{cut}"
        );
        let length = fs::metadata(&file).unwrap().len();
        assert_eq!(
            length,
            whole.len() as u64,
            "what was cut is added again: {cut}"
        );
    }
}

#[test]
fn damaged_records_and_foreign_headers_are_never_believed() {
    let folder = tempfile::tempdir().unwrap();
    tiny::write(folder.path());
    let encoder = open(folder.path());
    let cache = folder.path().join("cache");
    let fresh = bits(&encoder.encode(&WORDS, Some(&cache)).unwrap());
    let file = only_file(&cache);
    let whole = fs::read(&file).unwrap();
    for place in (0..whole.len()).step_by(29) {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x40;
        fs::write(&file, &damaged).unwrap();
        assert_eq!(
            fresh,
            bits(&encoder.encode(&WORDS, Some(&cache)).unwrap()),
            "{place}"
        );
    }
    let mut longer = OpenOptions::new().append(true).open(&file).unwrap();
    longer.write_all(&[7; 1000]).unwrap();
    assert_eq!(fresh, bits(&encoder.encode(&WORDS, Some(&cache)).unwrap()));
}

#[test]
fn two_writers_at_once_leave_every_record_whole() {
    let folder = tempfile::tempdir().unwrap();
    tiny::write(folder.path());
    let encoder = open(folder.path());
    let cache = folder.path().join("cache");
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let (encoder, cache) = (&encoder, &cache);
            scope.spawn(move || {
                // Each opens the file anew, so that locks are between different handles.
                for i in 0..20 {
                    let text = format!("a {writer} {i}");
                    encoder.encode(&[&text], Some(cache)).unwrap();
                }
            });
        }
    });
    let length = fs::metadata(only_file(&cache)).unwrap().len();
    assert_eq!(length, HEADER + 80 * RECORD);
    let texts: Vec<String> = (0..80)
        .map(|i| format!("a {} {}", i / 20, i % 20))
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let read = encoder.encode(&texts, Some(&cache)).unwrap();
    assert_eq!(bits(&read), bits(&encoder.encode(&texts, None).unwrap()));
    let after = fs::metadata(only_file(&cache)).unwrap().len();
    assert_eq!(after, length, "all were found");
}

#[test]
fn a_cache_that_cannot_be_made_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    tiny::write(folder.path());
    let blocker = folder.path().join("config.json/cache");
    let error = open(folder.path())
        .encode(&["a"], Some(&blocker))
        .unwrap_err();
    assert_eq!(error.file, blocker);
    assert!(error.message.contains("cannot be made"), "{error}");
}
