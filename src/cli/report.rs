//! `sweep report`: rank the runs, write CSV, plots and a page, and say where they are.

use std::collections::HashMap;
use std::path::PathBuf;

use serde_json::Value as Json;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::filter::Filter;
use crate::listing;
use crate::terminal;
use sweep_analysis::{Anova, Inference, Input, merged};
use sweep_app::calibration;
use sweep_app::test_evaluations;
use sweep_core::data_config::DataSpec;
use sweep_core::sanitize::sanitize;
use sweep_report::{
    comparisons, hyperparameters, narrative, plan_status, table, test, transfer_text,
};
use sweep_store::{EvaluationRecord, ExperimentRecord, Store};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The sweeps to report on; the last one if left out
    names: Vec<String>,

    /// The folder to write to; each sweep gets a folder of its own in it
    #[arg(long, default_value = "reports", value_name = "FOLDER")]
    out: PathBuf,

    #[command(flatten)]
    filter: Filter,

    /// Score the best configuration of each kind on the held-out test set. Every evaluation is
    /// recorded and counted; do it once, at the end
    #[arg(long)]
    test: bool,
}

/// `sweep report [NAME ...]`.
pub fn report(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    refuse_twice(&arguments.names)?;
    let store = context.app.read()?;
    let records: Vec<ExperimentRecord> = match arguments.names.as_slice() {
        [] => vec![context.app.experiment(None)?],
        names => names
            .iter()
            .map(|name| context.app.experiment(Some(name)))
            .collect::<Result<_, _>>()?,
    };
    let mut written = Vec::new();
    for record in &records {
        let mut record = record.clone();
        let narrowed = arguments.filter.apply(&mut record)?;
        let test = match arguments.test {
            true => Some(test_evaluations::evaluate(&context.app, context, &record)?),
            false => store.last_evaluation(&record.name)?,
        };
        let input = load(context, arguments, &store, record, test, narrowed)?;
        if records.len() > 1 {
            heading(context, &input);
        }
        written.push(show(context, arguments, &input)?);
    }
    if records.len() > 1 {
        written.extend(together(context, arguments, &store, &records)?);
    }
    if context.json {
        terminal::print_json(&serde_json::Value::Array(written));
    }
    Ok(Exit::Success)
}

/// A sweep beside itself would be compared with itself.
fn refuse_twice(names: &[String]) -> Result<(), Failure> {
    let twice = (1..names.len()).find(|place| names[..*place].contains(&names[*place]));
    match twice {
        None => Ok(()),
        Some(place) => Err(Failure::input(
            format!("sweep `{}` is named twice", sanitize(&names[place])),
            "name each sweep once",
        )),
    }
}

/// One more report, on all sweeps as one, if they were scored on the same rows.
fn together(
    context: &Context,
    arguments: &Arguments,
    store: &Store,
    records: &[ExperimentRecord],
) -> Result<Option<Json>, Failure> {
    let why = match merged::join(records) {
        Ok(mut record) => match different_rows(records)? {
            None => {
                let narrowed = arguments.filter.apply(&mut record)?;
                let mut input = load(context, arguments, store, record, None, narrowed)?;
                input.parts = records.iter().map(merged::Part::of).collect();
                input.running = running(context, records);
                for record in records {
                    let name = &record.name;
                    input.attempts.extend(context.app.attempts_in(store, name)?);
                    input.slot_events.extend(store.slot_events(name)?);
                }
                heading(context, &input);
                return show(context, arguments, &input).map(Some);
            }
            Some(why) => why,
        },
        Err(error) => error.to_string(),
    };
    terminal::note(&format!("no report on all of them together: {why}"));
    Ok(None)
}

/// Why the sweeps were not trained and validated on the same rows, as their files tell, if they were not.
fn different_rows(records: &[ExperimentRecord]) -> Result<Option<String>, Failure> {
    let mut first: Option<(String, DataSpec)> = None;
    for record in records {
        let data = test_evaluations::data_of(&record.file_path, &record.file_text, &record.flags)?;
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
    }
    Ok(None)
}

/// The names of `records` that a process is at.
fn running(context: &Context, records: &[ExperimentRecord]) -> Vec<String> {
    let names = records.iter().map(|record| record.name.clone());
    names.filter(|name| context.app.is_running(name)).collect()
}

/// Says which of several sweeps what follows is about.
fn heading(context: &Context, input: &Input) {
    if !context.json {
        terminal::print(&format!("\n{}", sanitize(&input.experiment.name)));
    }
}

/// Writes the report of `input`, says what is in it and gives it as JSON.
fn show(context: &Context, arguments: &Arguments, input: &Input) -> Result<Json, Failure> {
    let folder = arguments.out.join(&input.experiment.name);
    let report = sweep_report::write(&folder, input)
        .map_err(|error| Failure::environment(error, "the record itself is unharmed"))?;
    let summary = input.summary();
    let (inference, anova) = (Inference::of(&summary), Anova::of(&summary));
    if !context.json {
        if let Some(query) = &summary.query {
            let only = format!(
                "Only the trials that meet `{}`; the report takes the place of one on all.",
                sanitize(query)
            );
            terminal::print(&only);
        }
        (plan_status::unfinished(&summary).iter()).for_each(|sentence| terminal::print(sentence));
        (plan_status::troubles(&summary).iter()).for_each(|sentence| terminal::print(sentence));
        terminal::print_table(&table::leaderboard(
            &summary,
            listing::SHOWN,
            terminal::look(),
        ));
        for sentence in narrative::sentences(&inference, &summary) {
            terminal::print(&sentence);
        }
        if let Ok(anova) = &anova {
            terminal::print(&hyperparameters::line(anova));
        }
        for sentence in transfer_text::sentences(&input.experiment, &summary) {
            terminal::print(&format!("transfer: {sentence}"));
        }
        if let Some(test) = &input.test {
            let columns = test::COLUMNS.map(str::to_owned);
            terminal::print(&format!("\n{}", test::about(test)));
            terminal::print_table(&listing::plain(&columns, &test::table(test)));
            terminal::print(&format!("{}\n", test::looks(test)));
        }
        (report.left_out.iter()).for_each(|line| terminal::note(&format!("note: {line}")));
        terminal::print(&format!("report: {}", report.page.display()));
    }
    let mut value = listing::sweep_json(&input.experiment);
    value["inference"] = comparisons::json(&inference, &summary);
    value["hyperparameters"] = match anova {
        Ok(anova) => hyperparameters::json(&anova),
        Err(reason) => serde_json::json!({ "none": reason }),
    };
    value["test_looks"] = input.looks.into();
    value["test"] = input.test.as_ref().map(test::json).into();
    value["report"] = report.page.display().to_string().into();
    Ok(value)
}

/// Everything that the report of `experiment` is made from.
fn load(
    context: &Context,
    arguments: &Arguments,
    store: &Store,
    experiment: ExperimentRecord,
    test: Option<EvaluationRecord>,
    narrowed: Option<String>,
) -> Result<Input, Failure> {
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
    let looks = test_evaluations::looks(store, &experiment)?;
    let test = test.map(|test| EvaluationRecord { looks, ..test });
    let (calibration, mut lacking) = calibration::calibrations(&context.app, &experiment);
    lacking.extend(narrowed);
    let name = &experiment.name;
    Ok(Input {
        calibration,
        lacking,
        attempts: context.app.attempts_in(store, name)?,
        slot_events: store.slot_events(name)?,
        looks,
        parts: Vec::new(),
        running: running(context, std::slice::from_ref(&experiment)),
        query: arguments.filter.query().map(str::to_owned),
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
        let names = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        assert!(refuse_twice(&names(&["a", "b"])).is_ok() && refuse_twice(&[]).is_ok());
        let refused = refuse_twice(&names(&["a", "b", "a"])).err().unwrap();
        assert!(refused.to_string().contains("sweep `a` is named twice"));
    }
}
