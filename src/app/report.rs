//! Reports on one sweep, or on several as one: everything they are made from, and the folder they are written to.

use std::collections::HashMap;
use std::path::Path;

use sweep_analysis::{Input, merged};
use sweep_core::data_config::DataSpec;
use sweep_core::sanitize::sanitize;
use sweep_report::{Origin, Written};
use sweep_store::{EvaluationRecord, ExperimentRecord, Store};

use crate::app::App;
use crate::error::Error;
use crate::observer::Observer;
use crate::{calibration, dummy, ensemble, evidence, filter, search, test_evaluations};

/// What a report is on.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Only trials that match this query.
    pub query: Option<String>,
    /// Evaluate the best configuration of each kind on the held-out test set, which is recorded and counted.
    pub test: bool,
}

/// The sweeps called `names`, in that order; the last one if there are none.
///
/// # Errors
/// When one does not exist, or is named twice: a sweep beside itself would be compared with itself.
pub fn sweeps(app: &App, names: &[String]) -> Result<Vec<ExperimentRecord>, Error> {
    refuse_duplicate(names)?;
    if names.is_empty() {
        return Ok(vec![app.experiment(None)?]);
    }
    let sweeps = names.iter().map(|name| app.experiment(Some(name)));
    sweeps.collect()
}

/// Everything that a report on `record` is made from.
pub fn load(
    app: &App,
    observer: &dyn Observer,
    mut record: ExperimentRecord,
    options: &Options,
) -> Result<Input, Error> {
    let store = app.read()?;
    // With a query it might have trials that are not here.
    let ensemble = match options.query {
        Some(_) => None,
        None => ensemble::find(&store, &record)?,
    };
    let filtered = filter::apply(&mut record, options.query.as_deref())?;
    let test = match options.test {
        true => {
            let ensemble = ensemble.as_ref();
            Some(test_evaluations::evaluate(
                app, observer, &record, ensemble,
            )?)
        }
        false => store.last_evaluation(&record.name)?,
    };
    let mut input = input(app, &store, record, test, filtered, options)?;
    input.ensemble = ensemble.map(|found| found.summary());
    input.searches = search::insights(app, &store, &input.experiment);
    Ok(input)
}

/// Everything that a report on all of `records` as one is made from, or why there is none.
///
/// # Errors
/// When the query of `options` is invalid or nothing matches it, or the database cannot be read.
pub fn load_merged(
    app: &App,
    records: &[ExperimentRecord],
    options: &Options,
) -> Result<Result<Input, String>, Error> {
    let mut record = match merged::merge(records) {
        Ok(record) => record,
        Err(error) => return Ok(Err(error.to_string())),
    };
    if let Some(why) = different_rows(records)? {
        return Ok(Err(why));
    }
    let filtered = filter::apply(&mut record, options.query.as_deref())?;
    let store = app.read()?;
    let mut input = input(app, &store, record, None, filtered, options)?;
    input.parts = records.iter().map(merged::Part::of).collect();
    input.learned = records.iter().find_map(dummy::learned);
    // Their rows are the same, so the data of any one do.
    input.dummy = records.iter().find_map(|record| dummy::dummy(app, record));
    input.running = running(app, records);
    for record in records {
        let name = &record.name;
        input.attempts.extend(app.attempts_in(&store, name)?);
        input.slot_events.extend(store.slot_events(name)?);
    }
    Ok(Ok(input))
}

/// Writes the report of `input` to the folder `out`, in a folder with the name of the sweep. The report of another
/// database is replaced only with `force`.
pub fn write(app: &App, out: &Path, input: &Input, force: bool) -> Result<Written, Error> {
    let folder = out.join(&input.experiment.name);
    let database = std::fs::canonicalize(&app.store);
    let origin = Origin {
        database: database.map_err(|error| Error::environment(error, ""))?,
        experiment: input.experiment.name.clone(),
    };
    if !force && let Some(other) = origin.of_other(&folder) {
        return Err(Error::input(
            format!(
                "{} is the report of another database: {}, not {}",
                folder.display(),
                other.database.display(),
                origin.database.display()
            ),
            "write to another folder with --out, or replace that report with --force",
        ));
    }
    sweep_report::write(&folder, input, &origin)
        .map_err(|error| Error::environment(error, "the database is unchanged"))
}

fn refuse_duplicate(names: &[String]) -> Result<(), Error> {
    let duplicate = (1..names.len()).find(|place| names[..*place].contains(&names[*place]));
    match duplicate {
        None => Ok(()),
        Some(place) => Err(Error::input(
            format!("sweep `{}` is named twice", sanitize(&names[place])),
            "name each sweep once",
        )),
    }
}

/// Why the sweeps were not trained and validated on the same rows, or are not scored in the same units, if their files differ
/// in that.
fn different_rows(records: &[ExperimentRecord]) -> Result<Option<String>, Error> {
    let mut first: Option<(String, DataSpec)> = None;
    for record in records {
        let data = test_evaluations::data_of(
            &record.file_path,
            &record.file_text,
            &record.flags,
            record.edition,
        )?;
        let Some((name, other)) = &first else {
            first = Some((record.name.clone(), data));
            continue;
        };
        if !test_evaluations::have_same_rows(&data, other) {
            let (one, two) = (name, &record.name);
            return Ok(Some(format!(
                "{one} and {two} split their rows differently"
            )));
        }
        let is_loss = record.objective.def().is_some_and(|def| def.name == "loss");
        if is_loss && data.target_transform != other.target_transform {
            let (one, two) = (name, &record.name);
            return Ok(Some(format!(
                "{one} and {two} are ranked by the loss of their target, and learn it with different \
                 `target_transform`; rank both by `valid/rmse` or another metric in its units"
            )));
        }
    }
    Ok(None)
}

/// The names of `records` that a process runs.
fn running(app: &App, records: &[ExperimentRecord]) -> Vec<String> {
    let names = records.iter().map(|record| record.name.clone());
    names.filter(|name| app.is_running(name)).collect()
}

fn input(
    app: &App,
    store: &Store,
    experiment: ExperimentRecord,
    test: Option<EvaluationRecord>,
    filtered: Option<String>,
    options: &Options,
) -> Result<Input, Error> {
    let mut curves = HashMap::new();
    for trial in &experiment.trials {
        curves.insert(trial.id.clone(), store.curves(&trial.id)?);
    }
    let mut confusion = HashMap::new();
    let mut importance = HashMap::new();
    for id in sweep_analysis::wanted(&experiment) {
        confusion.insert(id.clone(), store.confusion(&id)?);
        importance.insert(id.clone(), store.importance(&id)?);
    }
    let test_evaluations = test_evaluations::count(store, &experiment)?;
    let test = test.map(|test| EvaluationRecord {
        test_evaluations,
        ..test
    });
    let predicted = calibration::predicted(app, &experiment);
    let mut lacking = predicted.missing;
    lacking.extend(filtered);
    let evidence = evidence::evidence(app, &experiment).unwrap_or_else(|why| {
        lacking.push(format!("Intervals and tests are of seeds alone: {why}."));
        None
    });
    let name = &experiment.name;
    Ok(Input {
        calibration: predicted.calibrations,
        regions: predicted.regions,
        row_losses: predicted.losses,
        row_numbers: predicted.numbers,
        evidence,
        learned: dummy::learned(&experiment),
        dummy: dummy::dummy(app, &experiment),
        ensemble: None,
        searches: Vec::new(),
        lacking,
        attempts: app.attempts_in(store, name)?,
        slot_events: store.slot_events(name)?,
        test_evaluations,
        parts: Vec::new(),
        running: running(app, std::slice::from_ref(&experiment)),
        query: options.query.clone(),
        experiment,
        curves,
        confusion,
        importance,
        test,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_beside_itself_is_refused() {
        let names = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| (*name).to_owned()).collect()
        };
        assert!(refuse_duplicate(&names(&["a", "b"])).is_ok() && refuse_duplicate(&[]).is_ok());
        let error = refuse_duplicate(&names(&["a", "b", "a"])).unwrap_err();
        assert!(error.to_string().contains("sweep `a` is named twice"));
    }
}
