//! Extra seeds of an experiment: kept by name, through sessions, and refused where the database is spoilt.

use rusqlite::Connection;

use super::{TestStore, plan};
use crate::StoreError;
use sweep_core::trial::ConfigId;

#[test]
fn extra_seeds_are_kept_through_later_sessions_of_the_experiment() {
    let mut lab = TestStore::new();
    let plan = plan(&[0.1, 0.2]);
    lab.begin("songs", &plan);
    lab.begin("others", &plan);
    assert_eq!(lab.store.extra_seeds("songs").unwrap(), []);
    let mut seeds = vec![
        (plan[0].1.clone(), vec![3, 4]),
        (plan[2].1.clone(), vec![3]),
    ];
    lab.store.set_extra_seeds("songs", &seeds).unwrap();
    lab.begin("songs", &plan[..2]);
    seeds.sort();
    assert_eq!(lab.store.extra_seeds("songs").unwrap(), seeds);
    assert_eq!(lab.store.extra_seeds("others").unwrap(), []);
    assert_eq!(lab.store.extra_seeds("unheard of").unwrap(), []);
    let unknown = lab.store.set_extra_seeds("unheard of", &seeds);
    assert!(matches!(unknown, Err(StoreError::UnknownReference { .. })));
}

#[test]
fn extra_seeds_that_cannot_be_read_name_their_place() {
    let mut lab = TestStore::new();
    lab.begin("songs", &plan(&[0.1]));
    let config = ConfigId::from_hex("ab".repeat(16));
    for spoilt in [
        "",
        "[1, 2]",
        r#"{"x": [1]}"#,
        &format!(r#"{{"{config}": [-1]}}"#),
    ] {
        let connection = Connection::open(lab.path()).unwrap();
        let update = "UPDATE experiments SET extra_seeds = ?1";
        connection.execute(update, [spoilt]).unwrap();
        let error = lab.store.extra_seeds("songs").unwrap_err().to_string();
        assert!(
            error.contains("experiments") && error.contains("extra_seeds"),
            "{error}"
        );
    }
}
