//! `sweep report --test`: the look at the sealed test rows, which is recorded before it is shown.

use super::context::store_failure;
use super::model;
use super::{Context, Failure, terminal};
use crate::data::SealedTest;
use crate::evaluate::{self, Candidate, CandidateRun};
use crate::report::{Configuration, Summary};
use crate::shown::count;
use crate::store::{EvaluationRecord, ExperimentRecord};
use crate::trial::{Kind, Status};

/// Evaluates, for each kind of model, the configuration of `record` with the best validation
/// objective on the test rows, every finished seed of it.
pub fn look(context: &Context, record: &ExperimentRecord) -> Result<EvaluationRecord, Failure> {
    let test = open(context, record)?;
    let summary = Summary::of(record);
    let kinds = [Kind::Mlp, Kind::Boost, Kind::Forest];
    let chosen: Vec<&Configuration> = kinds
        .into_iter()
        .filter_map(|kind| summary.best_of(kind))
        .collect();
    if chosen.is_empty() {
        let message = format!(
            "no trial of sweep {} has finished: there is nothing to test",
            record.name
        );
        let help = format!("`sweep resume {}` goes on", record.name);
        return Err(Failure::input(message, &help));
    }
    let left = record.trials.iter().filter(|trial| trial.in_plan);
    let left = left.filter(|trial| !trial.status.is_final() && trial.status != Status::Failed);
    let left = left.count();
    if left > 0 {
        terminal::note(&format!(
            "note: {left} trials of sweep {} have not been trained; what is chosen after this look \
             scores too well",
            record.name
        ));
    }
    let candidates = chosen
        .into_iter()
        .map(|config| candidate(context, record, config, &test))
        .collect::<Result<Vec<_>, _>>()?;
    let evaluation =
        evaluate::evaluate(&test, candidates).map_err(|error| Failure::environment(error, ""))?;
    context
        .write()?
        .record_evaluation(&record.name, env!("CARGO_PKG_VERSION"), &evaluation)
        .map_err(store_failure)
}

/// The test rows that belong to `record`.
fn open(context: &Context, record: &ExperimentRecord) -> Result<SealedTest, Failure> {
    let digest = &record.dataset.digest;
    if record.dataset.test_rows == 0 {
        let message = format!("the data of sweep {} have no test rows", record.name);
        let help = "give `split.test` a share, or name a file in `test_path`, under [data]";
        return Err(Failure::input(message, help));
    }
    let path = context
        .runs()
        .join("data")
        .join(format!("{digest}.test.safetensors"));
    let test = SealedTest::open(&path).map_err(|error| model::unprepared(record, &error))?;
    if test.meta().digest != *digest {
        let message = format!("{} holds the rows of another data set", path.display());
        return Err(Failure::environment(
            message,
            "delete it, and prepare the data again",
        ));
    }
    Ok(test)
}

fn candidate(
    context: &Context,
    record: &ExperimentRecord,
    config: &Configuration,
    test: &SealedTest,
) -> Result<Candidate, Failure> {
    let names = (&test.meta().features[..], &test.meta().classes[..]);
    let mut runs = Vec::with_capacity(config.runs.len());
    for run in &config.runs {
        let trial = record.trials.iter().find(|trial| trial.id == run.trial);
        let Some(trial) = trial else {
            continue;
        };
        runs.push(CandidateRun {
            trial: run.trial.clone(),
            seed: run.seed,
            model: model::load(context, trial, names)?,
        });
    }
    terminal::note(&format!(
        "testing {} {}, {}",
        config.kind.name(),
        config.id.short(),
        count(runs.len(), "seed")
    ));
    Ok(Candidate {
        kind: config.kind,
        config: config.id.clone(),
        runs,
    })
}
