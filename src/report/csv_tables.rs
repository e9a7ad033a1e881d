//! The CSV files of a report.

use std::collections::HashMap;
use sweep_analysis::lead::RowNumbers;
use sweep_analysis::search::SearchSummary;
use sweep_analysis::{Anova, BEST, Inference, Input, errors, learning_curve, text, transfer};

use super::csv_table::{CsvTable, number, whole};
use super::{comparisons, dummy_text, ensemble_text, hyperparameters, regions, search_text, test};
use sweep_analysis::Summary;
use sweep_core::named::{distinct_names, value_of};
use sweep_core::trial::{Params, TRAIN_FRACTION, TrialId};
use sweep_store::TrialRecord;

/// Every file that [`all`] may give.
pub const NAMES: [&str; 17] = [
    "trials.csv",
    "best.csv",
    "comparisons.csv",
    "learning_curve.csv",
    "transfer.csv",
    "curves.csv",
    "axes.csv",
    "hyperparameters.csv",
    "levels.csv",
    "confusion.csv",
    "importance.csv",
    "test.csv",
    "dummy.csv",
    "errors.csv",
    "conformal.csv",
    "ensemble.csv",
    "search.csv",
];

/// All CSV files that `input` has rows for, by name; trials and best always.
pub fn all(input: &Input, summary: &Summary) -> Vec<(String, Vec<u8>)> {
    let anova = Anova::of(summary).ok();
    let of_anova = |csv: fn(&Anova) -> CsvTable| {
        let made = anova.as_ref().map(csv);
        made.unwrap_or_else(|| CsvTable::new(&["setting"]))
    };
    let tables = [
        trials(input),
        best(summary),
        comparisons::csv_table(&Inference::of(summary), summary),
        learning_curve(input, summary),
        pairs(input, summary),
        curves(input),
        axes(summary),
        of_anova(hyperparameters::shares_csv),
        of_anova(hyperparameters::levels_csv),
        confusion(input),
        importance(input),
        test::csv_table(input.test.as_ref()),
        dummy_text::csv_table(input.dummy.as_ref(), summary),
        errors_by_size(input, summary),
        regions::csv_table(input),
        ensemble_text::csv_table(summary.ensemble.as_ref()),
        search_text::csv_table(&SearchSummary::all(&input.experiment)),
    ];
    NAMES
        .into_iter()
        .zip(tables)
        .filter(|(name, csv)| csv.rows > 0 || matches!(*name, "trials.csv" | "best.csv"))
        .map(|(name, csv)| (name.to_owned(), csv.into_bytes()))
        .collect()
}

/// One row a trial, in plan order; settings that a kind does not have are empty.
fn trials(input: &Input) -> CsvTable {
    let trials = &input.experiment.trials;
    let settings = distinct_names(trials.iter().map(|trial| &trial.params));
    let metrics = distinct_names(trials.iter().map(|trial| &trial.metrics));
    let (setting_names, metric_names) = (param_columns(&settings), metric_columns(&metrics));
    let mut header: Vec<&str> = vec![
        "trial", "config", "kind", "seed", "fold", "status", "in_plan",
    ];
    header.extend(setting_names.iter().map(String::as_str));
    header.extend([
        "best",
        "best_step",
        "last",
        "steps",
        "seconds",
        "parameters",
    ]);
    header.extend(metric_names.iter().map(String::as_str));
    header.push("message");
    let mut csv = CsvTable::new(&header);
    for trial in trials {
        let mut row = vec![
            trial.id.to_string(),
            trial.config.to_string(),
            trial.kind.name().to_owned(),
            trial.seed.to_string(),
            whole(trial.fold),
            trial.status.name().to_owned(),
            trial.in_plan.to_string(),
        ];
        row.extend(setting_cells(&trial.params, &settings));
        row.extend([
            number(trial.best),
            whole(trial.best_step),
            number(trial.last),
            whole(trial.steps),
            number(trial.seconds),
            whole(trial.parameters),
        ]);
        row.extend(
            metrics
                .iter()
                .map(|name| number(value_of(&trial.metrics, name).copied())),
        );
        row.push(trial.message.clone().unwrap_or_default());
        csv.push(&row);
    }
    csv
}

/// The best configurations and the best of each baseline, by rank.
fn best(summary: &Summary) -> CsvTable {
    let configs = summary.best(BEST);
    let settings = distinct_names(configs.iter().map(|config| &config.params));
    let mut header = vec!["rank", "config", "kind", "seeds_finished", "seeds_planned"];
    header.extend([
        "mean",
        "sd",
        "min",
        "max",
        "diverged",
        "failed",
        "seconds",
        "parameters",
        "loss",
        "calibrated_loss",
    ]);
    let setting_names = param_columns(&settings);
    header.extend(setting_names.iter().map(String::as_str));
    let mut csv = CsvTable::new(&header);
    for config in configs {
        let mut row = vec![
            summary.rank(config).to_string(),
            config.id.to_string(),
            config.kind.name().to_owned(),
            config.stats.n.to_string(),
            config.planned.to_string(),
            text::exact(config.stats.mean),
            number(config.stats.sd),
            text::exact(config.stats.min),
            text::exact(config.stats.max),
            config.diverged.to_string(),
            config.failed.to_string(),
            number(config.seconds),
            whole(config.parameters),
            number(config.mean_loss()),
            number(config.mean_calibrated_loss()),
        ];
        row.extend(setting_cells(&config.params, &settings));
        csv.push(&row);
    }
    csv
}

/// One row a configuration and fraction of the training rows, by rank on all of them.
fn learning_curve(input: &Input, summary: &Summary) -> CsvTable {
    let curves = learning_curve::all(&input.experiment, summary);
    let settings = distinct_names(curves.iter().map(|curve| &curve.config.params));
    let settings: Vec<&str> = settings
        .into_iter()
        .filter(|key| *key != TRAIN_FRACTION)
        .collect();
    let mut header = vec![
        "rank",
        "config",
        "kind",
        TRAIN_FRACTION,
        "train_rows",
        "new_rows",
    ];
    header.extend([
        "seeds_finished",
        "seeds_planned",
        "mean",
        "sd",
        "min",
        "max",
    ]);
    let setting_names = param_columns(&settings);
    header.extend(setting_names.iter().map(String::as_str));
    let mut csv = CsvTable::new(&header);
    for curve in &curves {
        for point in &curve.points {
            let mut row = vec![
                summary.rank(curve.config).to_string(),
                curve.config.id.to_string(),
                curve.config.kind.name().to_owned(),
                text::exact(point.fraction),
                text::exact(point.rows),
                number(point.new_rows),
                point.stats.n.to_string(),
                point.planned.to_string(),
                text::exact(point.stats.mean),
                number(point.stats.sd),
                text::exact(point.stats.min),
                text::exact(point.stats.max),
            ];
            row.extend(setting_cells(&curve.config.params, &settings));
            csv.push(&row);
        }
    }
    csv
}

/// One row a way of transferring and fraction of the training rows, by rank on all of them.
fn pairs(input: &Input, summary: &Summary) -> CsvTable {
    let pairings = transfer::all(&input.experiment, summary);
    let settings = distinct_names(pairings.iter().map(|pairing| &pairing.transferred.params));
    let settings: Vec<&str> = settings
        .into_iter()
        .filter(|key| *key != TRAIN_FRACTION)
        .collect();
    let mut header = vec![
        "config",
        "config_scratch",
        TRAIN_FRACTION,
        "train_rows",
        "new_rows",
    ];
    header.extend([
        "pairs",
        "mean_scratch",
        "mean_transferred",
        "gain",
        "gain_sd",
    ]);
    header.extend(["gain_low_95", "gain_high_95"]);
    let setting_names = param_columns(&settings);
    header.extend(setting_names.iter().map(String::as_str));
    let mut csv = CsvTable::new(&header);
    for pairing in &pairings {
        for point in &pairing.points {
            let mut row = vec![
                pairing.transferred.id.to_string(),
                pairing.scratch.id.to_string(),
                text::exact(point.fraction),
                text::exact(point.rows),
                number(point.new_rows),
                point.gain.n.to_string(),
                text::exact(point.scratch.stats.mean),
                text::exact(point.transferred.stats.mean),
                text::exact(point.gain.mean),
                number(point.gain.sd),
                number(point.interval.map(|(low, _)| low)),
                number(point.interval.map(|(_, high)| high)),
            ];
            row.extend(setting_cells(&pairing.transferred.params, &settings));
            csv.push(&row);
        }
    }
    csv
}

/// Long form: one row a value.
fn curves(input: &Input) -> CsvTable {
    let mut csv = CsvTable::new(&["trial", "metric", "step", "value"]);
    for (trial, curves) in in_order(input, &input.curves) {
        for curve in curves {
            for (step, value) in &curve.points {
                csv.push(&[
                    trial.id.to_string(),
                    curve.metric.clone(),
                    step.to_string(),
                    text::exact(*value),
                ]);
            }
        }
    }
    csv
}

/// One row a value of an axis: mean and width over configurations, each the mean of its seeds.
fn axes(summary: &Summary) -> CsvTable {
    let header = [
        "axis",
        "value",
        "configurations",
        "mean",
        "sd",
        "min",
        "max",
    ];
    let mut csv = CsvTable::new(&header);
    for axis in &summary.axes {
        for effect in &axis.effects {
            let stats = effect.stats;
            csv.push(&[
                axis.name.clone(),
                effect.value.to_string(),
                effect.means.len().to_string(),
                number(stats.map(|stats| stats.mean)),
                number(stats.and_then(|stats| stats.sd)),
                number(stats.map(|stats| stats.min)),
                number(stats.map(|stats| stats.max)),
            ]);
        }
    }
    csv
}

/// Validation rows of each trial by actual and predicted class.
fn confusion(input: &Input) -> CsvTable {
    let classes = &input.experiment.dataset.classes;
    let name = |class: usize| match classes.get(class) {
        Some(name) => name.clone(),
        None => class.to_string(),
    };
    let mut csv = CsvTable::new(&["trial", "actual", "predicted", "rows"]);
    for (trial, counts) in in_order(input, &input.confusion) {
        for (actual, row) in counts.iter().enumerate() {
            for (predicted, rows) in row.iter().enumerate() {
                let cells = [name(actual), name(predicted), rows.to_string()];
                csv.push(
                    [&[trial.id.to_string()], cells.as_slice()]
                        .concat()
                        .as_slice(),
                );
            }
        }
    }
    csv
}

/// Errors of the best configuration of each kind by tenths of the true numbers.
fn errors_by_size(input: &Input, summary: &Summary) -> CsvTable {
    let mut csv = CsvTable::new(&[
        "kind", "config", "models", "lowest", "highest", "rows", "bias", "mae", "rmse",
    ]);
    for config in &summary.ranking {
        let of_runs = config
            .runs
            .iter()
            .filter_map(|run| input.row_numbers.get(&run.trial));
        let models: Vec<&RowNumbers> = of_runs.collect();
        for slice in errors::slices(&models) {
            csv.push(&[
                config.kind.name().to_owned(),
                config.id.to_string(),
                models.len().to_string(),
                text::exact(slice.range.0),
                text::exact(slice.range.1),
                slice.rows.to_string(),
                text::exact(slice.bias),
                text::exact(slice.mae),
                text::exact(slice.rmse),
            ]);
        }
    }
    csv
}

fn importance(input: &Input) -> CsvTable {
    let mut csv = CsvTable::new(&["trial", "kind", "feature", "importance"]);
    for (trial, features) in in_order(input, &input.importance) {
        for (feature, importance) in features {
            csv.push(&[
                trial.id.to_string(),
                trial.kind.name().to_owned(),
                feature.clone(),
                text::exact(*importance),
            ]);
        }
    }
    csv
}

/// What `values` has of each trial, in plan order.
fn in_order<'a, T>(
    input: &'a Input,
    values: &'a HashMap<TrialId, T>,
) -> impl Iterator<Item = (&'a TrialRecord, &'a T)> {
    input
        .experiment
        .trials
        .iter()
        .filter_map(|trial| Some((trial, values.get(&trial.id)?)))
}

fn param_columns(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| text::param_column(name)).collect()
}

fn metric_columns(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| text::metric_column(name)).collect()
}

fn setting_cells(params: &Params, keys: &[&str]) -> Vec<String> {
    keys.iter()
        .map(|key| {
            let value = value_of(params, key);
            value.map_or(String::new(), ToString::to_string)
        })
        .collect()
}
