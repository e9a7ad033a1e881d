//! The zero line of a sweep: what models score that ignore their input, from the labels of the prepared data.
//!
//! Invariant: test rows are never read; where the prepared data are gone there is no zero line, and that is no error.

use std::collections::HashMap;

use sweep_analysis::dummy::{ClassCounts, Dummy};
use sweep_analysis::{Learned, Summary};
use sweep_data::{Dataset, Targets};
use sweep_store::{ExperimentRecord, Store};

use crate::app::App;
use crate::ensemble;
use crate::error::Error;
use crate::test_evaluations;
use crate::valid_rows::ValidRows;

/// Of the data sets of `record`; `None` if one has been removed or cannot be read.
pub fn dummy(app: &App, record: &ExperimentRecord) -> Option<Dummy> {
    let rows = ValidRows::open(app, record).ok()?;
    let folds = rows.folds.iter().map(|fold| of_data(&fold.data));
    let mut folds = folds.collect::<Option<Vec<Dummy>>>()?;
    match record.folds.is_empty() {
        true => folds.pop(),
        false => Dummy::of_folds(folds, rows.rows as u64),
    }
}

fn of_data(data: &Dataset) -> Option<Dummy> {
    let classes = &data.meta().classes;
    let (train, valid) = match (data.train().y, data.valid().y) {
        (Targets::Classes(train), Targets::Classes(valid)) => (train, valid),
        (Targets::Numbers(train), Targets::Numbers(valid)) => {
            return Dummy::of_numbers(train, valid);
        }
        _ => unreachable!("both sides have the same target"),
    };
    let rows_by_class = |labels: &[u32]| {
        let mut counts = vec![0; classes.len()];
        for label in labels {
            counts[*label as usize] += 1;
        }
        counts
    };
    let counts = ClassCounts {
        train: rows_by_class(train),
        valid: rows_by_class(valid),
    };
    Dummy::of_classes(classes, &counts)
}

/// How the target of `record` is learned, if it is a number; `None` where its file is of another version.
pub fn learned(record: &ExperimentRecord) -> Option<Learned> {
    let (path, text) = (&record.file_path, &record.file_text);
    let data = test_evaluations::data_of(path, text, &record.flags, record.edition).ok()?;
    Some(Learned {
        transform: data.target_transform,
        is_weighted: data.weight.is_some(),
    })
}

/// What there is to say of `record`, and how far its winner is above the zero line, from what the database knows: no model is
/// loaded, so that nothing is known of the losses of single rows.
pub fn summary(app: &App, store: &Store, record: &ExperimentRecord) -> Result<Summary, Error> {
    let ensemble = ensemble::find(store, record)?.map(|found| found.summary());
    let summary = Summary::of(record)
        .learned_as(learned(record))
        .with_ensemble(ensemble.as_ref());
    let mut confusion = HashMap::new();
    for run in summary.ranking.first().iter().flat_map(|first| &first.runs) {
        confusion.insert(run.trial.clone(), store.confusion(&run.trial)?);
    }
    Ok(summary.above(
        dummy(app, record).as_ref(),
        &confusion,
        &HashMap::new(),
        &HashMap::new(),
    ))
}
