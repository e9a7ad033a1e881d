//! What is noticed and said, but not refused.

use super::{Case, full, names, table};
use crate::{Dataset, Level, Prepared};
use sweep_core::data_config::Edition;

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
    let case = Case::new(text).with(|spec| spec.format.edition = Edition::First);
    let prepared = case.prepared();
    assert_eq!(prepared.meta.features, ["n", "number"]);
    let notes: Vec<&str> = prepared
        .summary
        .notes
        .iter()
        .map(|note| note.text.as_str())
        .collect();
    assert!(
        notes[0].starts_with("column `n` only counts the rows"),
        "{notes:#?}"
    );
    assert!(
        notes[1].contains("`almost` is not used: it is nearly numeric, but line 32 reads `1,5`"),
        "{notes:#?}"
    );
    assert_eq!(notes.len(), 2, "{notes:#?}");
    let unnamed = &prepared.summary.columns[0];
    assert_eq!(
        (unnamed.role, unnamed.detail.as_str()),
        ("not used", "it has no name")
    );
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
    let notes = &prepared.summary.notes;
    let note = notes
        .iter()
        .find(|note| note.level == Level::Warning)
        .unwrap();
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

pub(crate) fn warnings(prepared: &Prepared) -> Vec<String> {
    let notes = prepared
        .summary
        .notes
        .iter()
        .filter(|note| note.level == Level::Warning);
    notes.map(|note| note.text.clone()).collect()
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
