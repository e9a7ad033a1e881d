//! Several sweeps as one, so that they can be ranked, tested and drawn together.
//!
//! Invariant: only sweeps that were scored alike, on the same validation rows, are joined; each trial is there once
//! and says which sweep asked for it. Whether rows are the same is the caller's to know, who can read the files.

use std::path::PathBuf;

use sweep_core::named::value_of;
use sweep_core::trial::Value;
use sweep_store::{DatasetRecord, ExperimentRecord, TrialRecord};

/// The setting that says which sweep asked for a trial.
const SWEEP: &str = "sweep";
/// Between the names of sweeps that were joined.
const AND: &str = "+";

/// One of the sweeps that were joined, trials aside.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    pub name: String,
    pub file_path: PathBuf,
    pub flags: Vec<String>,
    pub dataset: DatasetRecord,
}

impl Part {
    pub fn of(record: &ExperimentRecord) -> Part {
        Part {
            name: record.name.clone(),
            file_path: record.file_path.clone(),
            flags: record.flags.clone(),
            dataset: record.dataset.clone(),
        }
    }
}

/// The sweep that asked for `trial`, the first of several; `None` where none were joined.
pub(super) fn asked_by(trial: &TrialRecord) -> Option<&str> {
    match value_of(&trial.params, SWEEP)? {
        // No name of a sweep holds the sign between two.
        Value::Text(names) => names.split(AND).next(),
        _ => None,
    }
}

/// Why sweeps cannot be joined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    #[error("{left} is ranked by {left_metric}, {right} by {right_metric}")]
    Objective {
        left: String,
        left_metric: String,
        right: String,
        right_metric: String,
    },
    #[error("{left} and {right} were trained on different files, or on different contents of one")]
    Source { left: String, right: String },
    #[error("{left} and {right} tell different classes apart")]
    Classes { left: String, right: String },
    #[error(
        "{left} and {right} have different numbers of training or validation rows, so other rows were left out \
         or split off"
    )]
    Rows { left: String, right: String },
}

/// The name of the sweeps called `names`, joined.
pub fn name<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(AND)
}

/// All trials of `records`, of which there is at least one, as those of one sweep.
///
/// # Errors
/// When two of them were not scored alike on the same rows, as far as the database tells.
pub fn merge(records: &[ExperimentRecord]) -> Result<ExperimentRecord, MergeError> {
    let (first, others) = records.split_first().expect("at least one sweep");
    for other in others {
        check(first, other)?;
    }
    let mut merged = first.clone();
    merged.name = name(records.iter().map(|record| record.name.as_str()));
    merged.trials.clear();
    merged.sessions.clear();
    let differ = records
        .iter()
        .any(|record| record.dataset.digest != first.dataset.digest);
    if differ {
        merged.dataset.notes = vec![format!(
            "The sweeps have features of their own: {}. Rows and split are the same.",
            (records.iter())
                .map(|record| format!("{} has {}", record.name, record.dataset.features.len()))
                .collect::<Vec<_>>()
                .join(", ")
        )];
    }
    for (place, record) in records.iter().enumerate() {
        merged.sessions.extend(record.sessions.iter().cloned());
        if place > 0 {
            merged.file_text.push_str(&format!(
                "\n# {}\n\n{}",
                record.file_path.display(),
                record.file_text
            ));
        } else {
            merged.file_text = format!("# {}\n\n{}", record.file_path.display(), record.file_text);
        }
        if differ {
            let notes = record.dataset.notes.iter();
            merged
                .dataset
                .notes
                .extend(notes.map(|note| format!("{}: {note}", record.name)));
        }
        for trial in &record.trials {
            match merged.trials.iter_mut().find(|known| known.id == trial.id) {
                Some(known) => {
                    known.in_plan |= trial.in_plan;
                    let of = known.params.iter_mut().find(|(key, _)| key == SWEEP);
                    if let Some((_, Value::Text(names))) = of {
                        *names = format!("{names}{AND}{}", record.name);
                    }
                }
                None => {
                    let mut trial = trial.clone();
                    trial
                        .params
                        .insert(0, (SWEEP.to_owned(), Value::Text(record.name.clone())));
                    merged.trials.push(trial);
                }
            }
        }
    }
    merged.sessions.sort_by_key(|session| session.id);
    merged.sessions.dedup_by_key(|session| session.id);
    Ok(merged)
}

fn check(left: &ExperimentRecord, right: &ExperimentRecord) -> Result<(), MergeError> {
    let names = || (left.name.clone(), right.name.clone());
    let (one, other) = (&left.dataset, &right.dataset);
    let rows = |data: &DatasetRecord| (data.train_rows, data.valid_rows);
    if left.objective != right.objective {
        let (left_name, right_name) = names();
        return Err(MergeError::Objective {
            left: left_name,
            left_metric: left.objective.metric.clone(),
            right: right_name,
            right_metric: right.objective.metric.clone(),
        });
    }
    let (left, right) = names();
    if one.source_sha256 != other.source_sha256 {
        return Err(MergeError::Source { left, right });
    }
    if one.classes != other.classes {
        return Err(MergeError::Classes { left, right });
    }
    if rows(one) != rows(other) {
        return Err(MergeError::Rows { left, right });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixtures;
    use super::*;
    use sweep_core::trial::{Goal, Objective, TrialId};

    /// The made-up sweep under another name, with `shared` of its trials and one of its own.
    fn other(shared: usize) -> ExperimentRecord {
        let mut record = fixtures::genres().experiment;
        record.name = "more".to_owned();
        record.trials.truncate(shared + 1);
        record.trials[shared].id = TrialId::from_hex("ef".repeat(16));
        record
    }

    fn sweep(record: &ExperimentRecord, trial: &TrialId) -> String {
        let trial = record
            .trials
            .iter()
            .find(|known| known.id == *trial)
            .unwrap();
        let (_, value) = trial.params.iter().find(|(key, _)| key == SWEEP).unwrap();
        value.to_string()
    }

    #[test]
    fn each_trial_is_there_once_and_says_who_asked_for_it() {
        let records = [fixtures::genres().experiment, other(2)];
        let merged = merge(&records).unwrap();
        assert_eq!(merged.name, "genres+more");
        assert_eq!(merged.trials.len(), records[0].trials.len() + 1);
        assert_eq!(sweep(&merged, &records[0].trials[0].id), "genres+more");
        assert_eq!(sweep(&merged, &records[0].trials[3].id), "genres");
        assert_eq!(sweep(&merged, &records[1].trials[2].id), "more");
    }

    #[test]
    fn sweeps_that_were_not_scored_alike_are_not_joined() {
        let first = fixtures::genres().experiment;
        let changed = |change: &dyn Fn(&mut ExperimentRecord)| {
            let mut second = other(2);
            change(&mut second);
            merge(&[first.clone(), second]).unwrap_err()
        };
        assert!(matches!(
            changed(&|record| {
                record.objective = Objective {
                    metric: "valid/loss".to_owned(),
                    goal: Goal::Min,
                };
            }),
            MergeError::Objective { .. }
        ));
        assert!(matches!(
            changed(&|record| record.dataset.source_sha256 = "cd".repeat(32)),
            MergeError::Source { .. }
        ));
        assert!(matches!(
            changed(&|record| record.dataset.classes.truncate(2)),
            MergeError::Classes { .. }
        ));
        assert!(matches!(
            changed(&|record| record.dataset.valid_rows += 1),
            MergeError::Rows { .. }
        ));
    }
}
