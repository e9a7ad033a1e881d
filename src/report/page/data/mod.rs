//! What the page's script draws from: the sweep as columns of numbers, small even for 10,000 trials.
//!
//! Configurations are in ranking order, their runs next to each other in the same order. A setting is a
//! list of its values and, for each configuration, an index into it (-1 if it has none). Results keep six
//! significant digits; what is not finite is `null`.

mod columns;
mod figures;
mod numbers;
mod timeline;

use std::collections::HashMap;
use sweep_analysis::{Input, text};

use serde_json::{Value as Json, json};

use numbers::{maybe, number, short};
use sweep_analysis::anova::Anova;
use sweep_analysis::inference::Inference;
use sweep_analysis::{Run, Summary};
use sweep_core::trial::{Kind, TrialId};
use sweep_store::TrialRecord;

/// All of it.
pub fn of(input: &Input, summary: &Summary, inference: &Inference, anova: Option<&Anova>) -> Json {
    let runs: Vec<(usize, &Run)> = (summary.ranking.iter().enumerate())
        .flat_map(|(place, config)| config.runs.iter().map(move |run| (place, run)))
        .collect();
    let experiment = &input.experiment;
    let trials: HashMap<&TrialId, &TrialRecord> = (experiment.trials.iter())
        .map(|trial| (&trial.id, trial))
        .collect();
    let of_runs: Vec<&TrialRecord> = runs.iter().map(|(_, run)| trials[&run.trial]).collect();
    json!({
        "name": text::sanitize(&experiment.name),
        "objective": {
            "name": summary.objective.metric,
            "label": summary.objective_label(),
            "loss": summary.losses.about(),
            "max": summary.objective.goal.is_better(1.0, 0.0),
        },
        "ensemble": summary.ensemble.as_ref().and_then(figures::ensemble),
        "zero": summary.zero_line.as_ref().map(figures::zero_line),
        "kinds": Kind::all()
            .map(|kind| [kind.name(), kind.label(), kind.def().mark.name(), kind.def().steps.name])
            .collect::<Vec<_>>(),
        "configs": columns::configs(summary, inference),
        "params": columns::params(summary),
        "runs": {
            "config": runs.iter().map(|(place, _)| *place).collect::<Vec<_>>(),
            "trial": of_runs.iter().map(|trial| short(&trial.id)).collect::<Vec<_>>(),
            "seed": runs.iter().map(|(_, run)| run.seed).collect::<Vec<_>>(),
            "fold": runs.iter().map(|(_, run)| run.fold).collect::<Vec<_>>(),
            "value": runs.iter().map(|(_, run)| number(run.value)).collect::<Vec<_>>(),
            "step": runs.iter().map(|(_, run)| run.step).collect::<Vec<_>>(),
            "steps": of_runs.iter().map(|trial| trial.steps).collect::<Vec<_>>(),
            "last": of_runs.iter().map(|trial| maybe(trial.last)).collect::<Vec<_>>(),
            "seconds": of_runs.iter().map(|trial| maybe(trial.seconds)).collect::<Vec<_>>(),
        },
        "metrics": columns::metrics(&of_runs),
        "tags": columns::tags(&summary.ranking, &trials),
        "details": columns::details(&summary.ranking, &experiment.trials),
        "curves": figures::curves(input, &runs),
        "classes": experiment.dataset.classes.iter().map(|name| text::sanitize(name)).collect::<Vec<_>>(),
        "confusion": figures::confusion(input, &summary.ranking),
        "calibration": figures::calibration(input, &summary.ranking),
        "features": figures::features(input, summary),
        "learning_curve": figures::learning_curve(input, summary),
        "anova": anova.map(figures::variance),
        "timeline": timeline::timeline(input),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_analysis::{Summary, fixtures as samples};

    fn page_data() -> Json {
        let input = samples::genres();
        let summary = Summary::of(&input.experiment);
        let anova = Anova::of(&summary);
        of(
            &input,
            &summary,
            &Inference::of(&summary),
            anova.as_ref().ok(),
        )
    }

    #[test]
    fn columns_are_as_long_as_what_they_describe() {
        let data = page_data();
        let length = |json: &Json| json.as_array().unwrap().len();
        let configs = length(&data["configs"]["id"]);
        for (name, column) in data["configs"].as_object().unwrap() {
            let is_column = name != "candidates";
            assert!(!is_column || length(column) == configs, "{name}");
        }
        for param in data["params"].as_array().unwrap() {
            assert_eq!(length(&param["at"]), configs);
            assert_eq!(length(&param["values"]), length(&param["shown"]));
        }
        let runs = length(&data["runs"]["config"]);
        for column in ["trial", "seed", "value", "step", "seconds"] {
            assert_eq!(length(&data["runs"][column]), runs, "{column}");
        }
        for column in data["metrics"].as_object().unwrap().values() {
            assert_eq!(length(column), runs);
        }
        assert_eq!(data["calibration"].as_array().unwrap().len(), 3);
        assert_eq!(length(&data["timeline"]["attempts"]), 45);
        assert_eq!(length(&data["timeline"]["events"]), 1);
    }

    #[test]
    fn settings_name_the_kinds_among_which_they_vary() {
        let data = page_data();
        let params = data["params"].as_array().unwrap();
        let varies = |key: &str| {
            let found = params.iter().find(|param| param["key"] == key);
            found.unwrap()["varies"].clone()
        };
        assert_eq!(varies("lr"), json!([0]));
        // Trees of both kinds have it; among forests there is one value alone.
        assert_eq!(varies("max_depth"), json!([1]));
        assert_eq!(varies("epochs"), json!([]));
    }

    #[test]
    fn numbers_are_short_and_what_is_none_is_null() {
        let text = |value: f64| number(value).to_string();
        assert_eq!(text(0.123_456_78), "0.123457");
        assert_eq!(text(1.0), "1");
        assert_eq!(text(f64::NAN), "null");
        assert_eq!(text(1e30), "1e+30");
        assert_eq!(text(-0.5), "-0.5");
    }
}
