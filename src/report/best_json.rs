//! `best_params.json` and `best_metrics.json`: of each kind of model the best configuration, in full,
//! and what each of its seeds scored. Small files for scripts and for people.

use serde_json::{Map, Value as Json, json};
use sweep_analysis::{
    Input,
    json::{object, params, stats},
};

use sweep_analysis::{Configuration, Run, Summary};
use sweep_core::trial::Kind;

/// Every file that [`all`] may give.
pub const NAMES: [&str; 2] = ["best_params.json", "best_metrics.json"];

/// Both files; none while no trial has finished.
pub fn all(input: &Input, summary: &Summary) -> Vec<(String, Vec<u8>)> {
    let best: Vec<&Configuration> = Kind::all()
        .filter_map(|kind| summary.ranking.iter().find(|config| config.kind == kind))
        .collect();
    if best.is_empty() {
        return Vec::new();
    }
    let settings = |config: &Configuration| {
        let tied = summary.tied_with(config);
        let tied = tied.filter(|other| other.kind == config.kind);
        json!({
            "config": config.id,
            "tied_with": tied.count(),
            "params": params(&config.params),
        })
    };
    let contents = [
        by_kind(input, &best, settings),
        by_kind(input, &best, |config| scores(input, config)),
    ];
    NAMES
        .into_iter()
        .zip(contents)
        .map(|(name, json)| (name.to_owned(), format!("{json:#}\n").into_bytes()))
        .collect()
}

/// `{experiment, data, objective: {metric, goal}, models: {kind: of}}`.
fn by_kind(input: &Input, best: &[&Configuration], of: impl Fn(&Configuration) -> Json) -> Json {
    let models: Map<String, Json> = best
        .iter()
        .map(|config| (config.kind.name().to_owned(), of(config)))
        .collect();
    json!({
        "experiment": input.experiment.name,
        "data": input.experiment.dataset.digest,
        "objective": input.experiment.objective,
        "models": models,
    })
}

/// The objective over seeds, and every metric of every seed at its best step.
fn scores(input: &Input, config: &Configuration) -> Json {
    let seed = |run: &Run| {
        let trials = &input.experiment.trials;
        let metrics = trials.iter().find(|trial| trial.id == run.trial);
        let metrics = metrics.map_or(&[][..], |trial| &trial.metrics);
        json!({
            "trial": run.trial,
            "seed": run.seed,
            "fold": run.fold,
            "step": run.step,
            "metrics": object(metrics.iter().map(|(name, value)| (name, json!(value)))),
        })
    };
    json!({
        "config": config.id,
        "objective": stats(config.stats),
        "seconds": config.seconds,
        "parameters": config.parameters,
        "trials": config.runs.iter().map(seed).collect::<Json>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_analysis::fixtures as samples;

    #[test]
    fn the_best_of_each_kind_stands_in_two_small_files() {
        let input = samples::genres();
        let files = all(&input, &Summary::of(&input.experiment));
        let text = |place: usize| String::from_utf8(files[place].1.clone()).unwrap();
        assert_eq!(files.len(), 2);
        insta::assert_snapshot!("best_params", text(0));
        insta::assert_snapshot!("best_metrics", text(1));
    }

    #[test]
    fn a_sweep_without_results_has_no_best() {
        let mut input = samples::genres();
        input.experiment.trials.clear();
        assert_eq!(all(&input, &Summary::of(&input.experiment)), []);
    }
}
