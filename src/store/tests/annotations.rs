//! Tags and notes of trials.

use super::{finished_lab, query};
use crate::StoreError;
use sweep_core::trial::TrialId;

#[test]
fn tags_and_notes_stay_with_their_trial() {
    let (mut lab, trials) = finished_lab(&[0.5, 0.7]);
    let store = &mut lab.store;
    assert!(store.tag(&trials[0], "keep").unwrap());
    assert!(store.tag(&trials[0], "Äpfel-2.0").unwrap());
    assert!(!store.tag(&trials[0], "keep").unwrap(), "it was there");
    let note = store.note(&trials[0], "first\nline").unwrap();
    store.note(&trials[0], "second").unwrap();
    store.tag(&trials[1], "other").unwrap();

    let record = store.experiment("songs").unwrap().unwrap();
    assert_eq!(record.trials[0].tags, ["keep", "Äpfel-2.0"]);
    let texts: Vec<&str> = record.trials[0]
        .notes
        .iter()
        .map(|it| it.text.as_str())
        .collect();
    assert_eq!(texts, ["first\nline", "second"]);
    assert_eq!(record.trials[0].notes[0], note);
    assert_eq!(record.trials[1].tags, ["other"]);
    assert_eq!(
        store.find_trial(trials[0].as_str()).unwrap(),
        record.trials[0]
    );

    assert!(store.untag(&trials[0], "keep").unwrap());
    assert!(!store.untag(&trials[0], "keep").unwrap());
    assert_eq!(
        store.find_trial(trials[0].as_str()).unwrap().tags,
        ["Äpfel-2.0"]
    );
}

#[test]
fn tags_and_notes_that_would_not_do_are_refused() {
    let (mut lab, trials) = finished_lab(&[0.5]);
    for tag in ["", "two words", "a,b", "x\n", &"x".repeat(65)] {
        let error = lab.store.tag(&trials[0], tag).unwrap_err().to_string();
        assert!(error.contains("a tag cannot be recorded"), "{error}");
    }
    for text in ["", " \n", &"x".repeat(4_097)] {
        let error = lab.store.note(&trials[0], text).unwrap_err().to_string();
        assert!(error.contains("a note cannot be recorded"), "{error}");
    }
    let stranger = TrialId::from_hex("0".repeat(32));
    for error in [
        lab.store.tag(&stranger, "keep").unwrap_err(),
        lab.store.untag(&stranger, "keep").unwrap_err(),
        lab.store.note(&stranger, "text").unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::NoSuchTrial { .. }), "{error}");
    }
    let labels = "SELECT (SELECT count(*) FROM tags) + (SELECT count(*) FROM notes)";
    assert_eq!(query::<i64>(&lab.path(), labels), 0);
}
