//! What is noticed and said, but not refused.

use super::{Case, full, names, table};
use crate::data::{Dataset, Level, Prepared, SealedTest, synth};
use crate::recipe::DataSpec;

#[test]
fn numeric_columns_are_found_and_doubtful_ones_are_mentioned() {
    let mut text = ",n,number,almost,word,empty,id,class\n".to_owned();
    for row in 0..50 {
        let almost = if row == 30 { "1,5" } else { "2" };
        let number = row * row % 17;
        text.push_str(&format!(
            "{row},{row},{number},\"{almost}\",w,,i{row},{}\n",
            row / 2 % 2
        ));
    }
    let prepared = Case::new(text).prepared();
    assert_eq!(prepared.meta.features, ["n", "number"]);
    let notes: Vec<&str> = prepared
        .summary
        .notes
        .iter()
        .map(|note| note.text.as_str())
        .collect();
    assert!(
        notes[0].starts_with("column number 1 has no name"),
        "{notes:#?}"
    );
    assert!(
        notes[1].starts_with("column `n` only counts the rows"),
        "{notes:#?}"
    );
    assert!(
        notes[2].contains("`almost` is nearly numeric, but line 32 reads `1,5`"),
        "{notes:#?}"
    );
    assert_eq!(notes.len(), 3, "{notes:#?}");
}

#[test]
fn a_constant_column_becomes_zero_and_is_mentioned() {
    let text = table(60)
        .replace(",x,", ",5,")
        .replace(",y,", ",5,")
        .replace(",z,", ",5,");
    let case = Case::new(text).with(|spec| spec.numeric = Some(names(&["kind", "a"])));
    let prepared = case.prepared();
    let data = Dataset::open(&prepared.path).unwrap();
    assert!(
        data.train()
            .x
            .chunks(2)
            .chain(data.valid().x.chunks(2))
            .all(|row| row[0] == 0.0)
    );
    let note = &prepared.summary.notes[0];
    assert_eq!(note.level, Level::Warning);
    assert!(
        note.text.contains("`kind` is 5 in every training row"),
        "{note}"
    );
}

#[test]
fn test_rows_and_groups_that_stand_in_the_training_file_are_warned_about() {
    let training = table(60);
    let training: String = training
        .lines()
        .enumerate()
        .map(|(row, line)| {
            if row == 0 {
                format!("{line},g\n")
            } else {
                format!("{line},g{row}\n")
            }
        })
        .collect();
    let test: String = training
        .lines()
        .take(21)
        .map(|line| format!("{line}\n"))
        .collect();
    let case = full(training)
        .test_file(&test)
        .with(|spec| spec.group = Some("g".to_owned()));
    let notes: Vec<String> = case
        .prepared()
        .summary
        .notes
        .iter()
        .map(ToString::to_string)
        .collect();
    let has = |part: &str| {
        notes
            .iter()
            .any(|note| note.starts_with("warning") && note.contains(part))
    };
    assert!(
        has("of the test file: every feature equals that of a training row"),
        "{notes:#?}"
    );
    assert!(
        has("20 rows of the test file belong to a group"),
        "{notes:#?}"
    );
}

fn songs(change: impl FnOnce(&mut DataSpec)) -> (Case, Prepared) {
    let case = Case::new("").with(|spec| {
        synth::write(&spec.path, 6000, 3).unwrap();
        spec.target = "playlist_genre".to_owned();
        spec.group = Some("track_id".to_owned());
        spec.year = names(&["track_album_release_date"]);
        change(spec);
    });
    let prepared = case.prepared();
    (case, prepared)
}

fn warnings(prepared: &Prepared) -> Vec<String> {
    let notes = prepared
        .summary
        .notes
        .iter()
        .filter(|note| note.level == Level::Warning);
    notes.map(|note| note.text.clone()).collect()
}

#[test]
fn columns_that_give_the_target_away_are_found_from_the_data() {
    let (_case, honest) = songs(|_| {});
    assert_eq!(warnings(&honest), Vec::<String>::new());
    assert_eq!(honest.meta.features.len(), 14);

    let (_case, cheating) = songs(|spec| {
        spec.categorical = names(&["playlist_subgenre", "playlist_name", "playlist_id", "key"]);
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
fn a_number_that_gives_the_target_away_is_found_too() {
    let mut text = "a,code,class\n".to_owned();
    for row in 0..2000u32 {
        let class = row * 7 % 5;
        let code = f64::from(class) + f64::from(row * 31 % 997) / 1100.0;
        text.push_str(&format!("{},{code},c{class}\n", row * 13 % 101));
    }
    let found = warnings(&Case::new(text).prepared());
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].starts_with("column `code` gives the target `class` away"),
        "{found:#?}"
    );
}

#[test]
fn songs_on_both_sides_are_noticed_and_the_group_is_named() {
    let (_case, loose) = songs(|spec| spec.group = None);
    let found = warnings(&loose);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].contains("`group = \"track_id\"` keeps them on one side"),
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
            .any(|note| note.contains("hold rows of several classes")),
        "{notes:#?}"
    );
    let sealed = SealedTest::open(&grouped.test_path).unwrap();
    let groups = sealed.groups().iter().max().unwrap() + 1;
    assert!(
        (groups as usize) < sealed.groups().len(),
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
