//! What the made-up file looks like, and what preparation finds in it.

use std::collections::HashMap;
use std::path::Path;

use super::{HEADER, write, write_rows};
use crate::tests::warnings::warnings;
use crate::tests::{Case, names};
use crate::{HeldOutTest, Prepared};
use sweep_core::data_config::DataSpec;

fn made(rows: usize, seed: u64) -> Vec<Vec<String>> {
    let mut bytes: Vec<u8> = Vec::new();
    write_rows(&mut bytes, rows, seed).unwrap();
    let mut reader = csv::Reader::from_reader(&bytes[..]);
    assert_eq!(reader.headers().unwrap(), &HEADER[..]);
    let cells = |record: csv::StringRecord| record.iter().map(str::to_owned).collect();
    reader
        .records()
        .map(|record| cells(record.unwrap()))
        .collect()
}

#[test]
fn the_file_has_the_shape_of_the_real_one() {
    let rows = made(10_000, 1);
    let column = |name: &str| HEADER.iter().position(|own| *own == name).unwrap();
    let number = |row: &[String], name: &str| row[column(name)].parse::<f64>().unwrap();
    let nameless = rows
        .iter()
        .filter(|row| row[column("track_name")] == "NA")
        .count();
    assert_eq!((rows.len(), nameless), (10_000, 5));

    let mut songs = HashMap::new();
    let mut again = 0;
    for row in rows.iter().filter(|row| row[column("track_name")] != "NA") {
        let song: Vec<&String> = row[..7].iter().chain(&row[11..]).collect();
        let known = songs.entry(row[0].clone()).or_insert_with(|| song.clone());
        again += usize::from(*known == song);
        assert_eq!(*known, song);
    }
    assert_eq!(again, 9_995);
    let repeated = 1.0 - songs.len() as f64 / 9_995.0;
    assert!((0.12..0.15).contains(&repeated), "{repeated}");

    for (name, least, most) in [
        ("track_popularity", 0.0, 100.0),
        ("danceability", 0.0, 1.0),
        ("key", 0.0, 11.0),
        ("loudness", -47.0, 1.3),
        ("mode", 0.0, 1.0),
        ("instrumentalness", 0.0, 1.0),
        ("tempo", 0.0, 240.0),
        ("duration_ms", 4000.0, 518_000.0),
    ] {
        let within = |row: &Vec<String>| (least..=most).contains(&number(row, name));
        assert!(rows.iter().all(within), "{name}");
    }
    for length in [4, 7, 10] {
        let released = column("track_album_release_date");
        assert!(
            rows.iter().any(|row| row[released].len() == length),
            "{length}"
        );
    }
    let mut genre_of = HashMap::new();
    for row in &rows {
        for name in ["playlist_name", "playlist_id", "playlist_subgenre"] {
            let genre = &row[column("playlist_genre")];
            assert_eq!(
                *genre_of.entry(row[column(name)].clone()).or_insert(genre),
                genre
            );
        }
    }
}

#[test]
fn rows_and_seed_decide_every_byte() {
    assert_eq!(made(300, 5), made(300, 5));
    assert_ne!(made(300, 5), made(300, 6));
    for rows in 1..60 {
        assert_eq!(made(rows, 1).len(), rows);
    }
}

#[test]
fn an_impossible_number_of_rows_is_refused() {
    let error = write(Path::new("never-written.csv"), 0, 1).unwrap_err();
    assert!(error.message.contains("cannot make 0 rows"), "{error}");
    assert!(!Path::new("never-written.csv").exists());
}

fn songs(change: impl FnOnce(&mut DataSpec)) -> (Case, Prepared) {
    let case = Case::new("").with(|spec| {
        write(spec.path(), 6000, 3).unwrap();
        spec.target = "playlist_genre".to_owned();
        spec.group = Some("track_id".to_owned());
        spec.year = names(&["track_album_release_date"]);
        change(spec);
    });
    let prepared = case.prepared();
    (case, prepared)
}

#[test]
fn columns_that_give_the_target_away_are_found_from_the_data() {
    let (_case, honest) = songs(|_| {});
    assert_eq!(warnings(&honest), Vec::<String>::new());
    assert_eq!(honest.meta.features.len(), 14);

    let (_case, cheating) = songs(|spec| {
        spec.categorical = Some(names(&[
            "playlist_subgenre",
            "playlist_name",
            "playlist_id",
            "key",
        ]));
    });
    let found = warnings(&cheating);
    assert_eq!(found.len(), 3, "{found:#?}");
    for (text, name) in found
        .iter()
        .zip(["playlist_subgenre", "playlist_name", "playlist_id"])
    {
        assert!(
            text.starts_with(&format!("column `{name}` gives the target")),
            "{text}"
        );
    }
}

#[test]
fn songs_in_two_splits_give_a_warning_that_names_the_group() {
    let (_case, loose) = songs(|spec| spec.group = None);
    let found = warnings(&loose);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].contains("`group = \"track_id\"` keeps such rows in one split"),
        "{found:#?}"
    );

    let (_case, grouped) = songs(|_| {});
    let notes: Vec<&str> = grouped
        .summary
        .notes
        .iter()
        .map(|note| note.text.as_str())
        .collect();
    assert!(
        notes
            .iter()
            .any(|note| note.contains("contain rows of several classes")),
        "{notes:#?}"
    );
    let held_out = HeldOutTest::open(&grouped.test_path).unwrap();
    let groups = held_out.groups().iter().max().unwrap() + 1;
    assert!(
        (groups as usize) < held_out.groups().len(),
        "some songs of the test side come twice"
    );
}

#[test]
fn an_exclusion_leaves_rows_out_and_one_without_effect_is_mentioned() {
    let (_case, prepared) = songs(|spec| {
        spec.exclude = [("playlist_genre".to_owned(), names(&["edm", "emd"]))].into();
    });
    assert_eq!(
        prepared.meta.classes,
        ["latin", "pop", "r&b", "rap", "rock"]
    );
    assert_eq!(prepared.summary.excluded, 1110);
    let found = warnings(&prepared);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].contains("has `emd` in column `playlist_genre`"),
        "{found:#?}"
    );
}
