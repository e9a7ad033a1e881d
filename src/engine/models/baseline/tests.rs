//! Checkpoints and the measures of tree models.

use std::path::Path;

use super::*;
use sweep_core::trial::{Kind, ModelSpec, TrialSpec};
use sweep_data::Dataset;

fn spec(seed: u64) -> TrialSpec {
    TrialSpec::new(
        ModelSpec::new(Kind::RANDOM_FOREST),
        seed,
        Objective::default(),
    )
}

fn data() -> Dataset {
    Dataset::in_memory(1, 2, (vec![0.0, 1.0], vec![0, 1]), (vec![0.5], vec![1]))
}

fn progress() -> Progress {
    Progress {
        step: 7,
        seconds: 0.1 + 0.2,
        last: Some(f64::NAN),
        best: Some(Best {
            step: 5,
            objective: 1.0 / 3.0,
            values: vec![("valid/accuracy".to_owned(), 1.0 / 3.0)],
            confusion: vec![vec![1, 2], vec![3, 4]],
        }),
        improved: 4,
    }
}

#[test]
fn a_checkpoint_decodes_to_what_was_encoded_bit_for_bit() {
    let (spec, data) = (spec(1), data());
    let job = Job::new(&spec, &data, Path::new("."));
    let encoded = encode(job, &progress(), b"model");
    let (decoded, body) = decode(job, &encoded).unwrap();
    assert_eq!(body, b"model");
    assert_eq!(decoded.last.unwrap().to_bits(), f64::NAN.to_bits());
    assert_eq!(decoded.best, progress().best);
    assert_eq!(decoded.improved, 4);
    assert_eq!((decoded.step, decoded.seconds), (7, 0.1 + 0.2));
}

#[test]
fn a_damaged_or_foreign_checkpoint_is_refused() {
    let (mine, other, data) = (spec(1), spec(2), data());
    let job = |spec| Job::new(spec, &data, Path::new("."));
    let encoded = encode(job(&mine), &progress(), b"model");
    for place in 0..encoded.len() {
        let mut damaged = encoded.clone();
        damaged[place] ^= 1;
        assert!(decode(job(&mine), &damaged).is_err(), "byte {place}");
    }
    for length in 0..encoded.len() {
        assert!(decode(job(&mine), &encoded[..length]).is_err());
    }
    let error = decode(job(&other), &encoded).unwrap_err().to_string();
    assert!(error.contains("written by trial"), "{error}");
}

#[test]
fn a_checkpoint_of_another_version_is_refused_with_both_versions() {
    let (spec, data) = (spec(1), data());
    let job = Job::new(&spec, &data, Path::new("."));
    let encoded = encode(job, &progress(), b"model");
    let digest = |mut bytes: Vec<u8>| {
        let sum = Sha256::digest(&bytes[44..]);
        bytes[12..44].copy_from_slice(&sum);
        bytes
    };
    let said = |bytes: Vec<u8>| decode(job, &digest(bytes)).unwrap_err().to_string();
    let text = format!("\"program\":\"{}\"", version::PROGRAM);
    let place = encoded
        .windows(text.len())
        .position(|window| window == text.as_bytes())
        .unwrap();
    let mut other = encoded.clone();
    let end = place + text.len() - 1;
    other[end - 1] = b'x';
    let message = said(other);
    let this = version::PROGRAM;
    let written = format!("{}x", &this[..this.len() - 1]);
    assert!(
        message.contains(&format!("written by sweep {written} ")),
        "{message}"
    );
    assert!(
        message.contains(&format!("this is sweep {this},")),
        "{message}"
    );
    let mut newer = encoded;
    newer[8] = CHECKPOINT_FORMAT as u8 + 1;
    let message = said(newer);
    let expected = format!("in format {}", CHECKPOINT_FORMAT + 1);
    assert!(message.contains(&expected), "{message}");
}

#[test]
fn measures_are_those_worked_out_by_hand() {
    let probabilities = [0.5, 0.5, 0.25, 0.75, 1.0, 0.0];
    let rows = (vec![0.0; 3], vec![0, 1, 1]);
    let data = Dataset::in_memory(1, 2, rows.clone(), rows);
    let spec = spec(1);
    let job = Job::new(&spec, &data, Path::new(""));
    let measured = measure(job, &probabilities, Loss::Squared);
    let loss = -(0.5f64.ln() + 0.75f64.ln() + f64::EPSILON.ln()) / 3.0;
    assert!((measured.values[0].1 - loss).abs() < 1e-12);
    assert!((measured.values[1].1 - 2.0 / 3.0).abs() < 1e-12);
    assert!((measured.values[2].1 - 2.0 / 3.0).abs() < 1e-12);
    let broken = measure(job, &[f32::NAN; 6], Loss::Squared);
    assert!(broken.values[0].1.is_nan());
}

#[test]
fn the_first_of_steps_that_are_equal_in_everything_is_kept_unless_the_latest_is() {
    let objective = Objective::default();
    for (kept, expected) in [(Kept::ByObjective, 2), (Kept::Latest, 4)] {
        let mut progress = Progress::default();
        for (step, score) in [(1, 0.1), (2, 0.3), (3, 0.3), (4, 0.2)] {
            let measured = Measured {
                values: vec![("valid/accuracy".to_owned(), score)],
                confusion: Confusion::new(2),
            };
            progress
                .record(step, 0.5, &measured, &objective, kept)
                .unwrap();
        }
        assert_eq!(progress.best.as_ref().unwrap().step, expected);
        assert_eq!((progress.last, progress.seconds), (Some(0.2), 2.0));
    }
}

#[test]
fn of_equal_steps_that_with_the_lowest_loss_is_kept_and_is_no_improvement() {
    let objective = Objective::default();
    let mut progress = Progress::default();
    let steps = [
        (1, 0.1, 1.3),
        (2, 0.3, 1.2),
        (3, 0.3, 1.0),
        (4, 0.2, 0.5),
        (5, 0.3, 1.0),
        (6, 0.3, 1.1),
    ];
    let mut kept = Vec::new();
    for (step, accuracy, loss) in steps {
        let measured = Measured {
            values: vec![
                ("valid/loss".to_owned(), loss),
                ("valid/accuracy".to_owned(), accuracy),
            ],
            confusion: Confusion::new(2),
        };
        progress
            .record(step, 0.5, &measured, &objective, Kept::ByObjective)
            .unwrap();
        kept.push((progress.best.as_ref().unwrap().step, progress.improved));
    }
    assert_eq!(kept, [(1, 1), (2, 2), (3, 2), (3, 2), (3, 2), (3, 2)]);
}

#[test]
fn by_loss_the_step_with_the_lowest_is_kept_whatever_the_objective_and_only_a_lower_loss_improves()
{
    let objective = Objective::default();
    let mut progress = Progress::default();
    let mut kept = Vec::new();
    for (step, accuracy, loss) in [
        (1, 0.1, 1.3),
        (2, 0.9, 1.4),
        (3, 0.3, f64::NAN),
        (4, 0.2, 0.5),
        (5, 0.3, 0.5),
    ] {
        let measured = Measured {
            values: vec![
                ("valid/accuracy".to_owned(), accuracy),
                ("valid/loss".to_owned(), loss),
            ],
            confusion: Confusion::new(2),
        };
        progress
            .record(step, 0.5, &measured, &objective, Kept::ByLoss)
            .unwrap();
        let best = progress.best.as_ref().unwrap();
        kept.push((best.step, progress.improved, best.objective));
    }
    assert_eq!(
        kept,
        [
            (1, 1, 0.1),
            (1, 1, 0.1),
            (1, 1, 0.1),
            (4, 4, 0.2),
            (4, 4, 0.2)
        ]
    );
}

#[test]
fn in_a_checkpoint_without_the_last_improvement_it_is_the_step_that_was_kept() {
    let (spec, data) = (spec(1), data());
    let job = Job::new(&spec, &data, Path::new("."));
    let encoded = encode(job, &progress(), b"model");
    let length = u64::from_le_bytes(encoded[44..52].try_into().unwrap()) as usize;
    let header = std::str::from_utf8(&encoded[PREFIX_BYTES..PREFIX_BYTES + length]).unwrap();
    let older = header.replace(",\"improved\":4", "");
    assert_ne!(header, older);
    let mut bytes = encoded[..44].to_vec();
    bytes.extend((older.len() as u64).to_le_bytes());
    bytes.extend(older.as_bytes());
    bytes.extend(b"model");
    let sum = Sha256::digest(&bytes[44..]);
    bytes[12..44].copy_from_slice(&sum);
    let (decoded, body) = decode(job, &bytes).unwrap();
    assert_eq!((decoded.best, decoded.improved), (progress().best, 5));
    assert_eq!(body, b"model");
}

#[test]
fn values_that_are_not_finite_are_refused_with_their_place() {
    let spec = spec(1);
    let x = vec![0.0, 1.0, 2.0, f32::INFINITY];
    let data = Dataset::in_memory(2, 2, (x, vec![0, 1]), (vec![0.0, 0.0], vec![1]));
    let error = check(Job::new(&spec, &data, Path::new(".")))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("training row 2, column x1: inf"),
        "{error}"
    );
}
