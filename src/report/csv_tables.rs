//! The CSV files: UTF-8, comma, one header line, numbers as programs read them (`NaN`, `inf` and
//! `1e-5` included).
//!
//! A cell that holds text from the data, or a message, never begins a formula in a spreadsheet.

use std::collections::HashMap;

use super::{
    Anova, BEST, Inference, Input, comparisons, growth, hyperparameters, test, text, transfer,
};
use sweep_analysis::Summary;
use sweep_core::trial::{Params, TRAIN_SHARE, TrialId};
use sweep_store::TrialRecord;

/// Every file that [`all`] may give.
pub const NAMES: [&str; 12] = [
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
];

/// All CSV files that `input` has rows for, by name; trials and best always.
pub fn all(input: &Input, summary: &Summary) -> Vec<(String, Vec<u8>)> {
    let anova = Anova::of(summary).ok();
    let of_anova = |sheet: fn(&Anova) -> CsvTable| {
        let made = anova.as_ref().map(sheet);
        made.unwrap_or_else(|| CsvTable::new(&["setting"]))
    };
    let sheets = [
        trials(input),
        best(summary),
        comparisons::sheet(&Inference::of(summary), summary),
        growth(input, summary),
        pairs(input, summary),
        curves(input),
        axes(summary),
        of_anova(hyperparameters::shares_sheet),
        of_anova(hyperparameters::levels_sheet),
        confusion(input),
        importance(input),
        test::sheet(input.test.as_ref()),
    ];
    NAMES
        .into_iter()
        .zip(sheets)
        .filter(|(name, sheet)| sheet.rows > 0 || matches!(*name, "trials.csv" | "best.csv"))
        .map(|(name, sheet)| (name.to_owned(), sheet.into_bytes()))
        .collect()
}

/// One row a trial, in plan order; settings that a kind does not have are empty.
fn trials(input: &Input) -> CsvTable {
    let trials = &input.experiment.trials;
    let settings = keys(trials.iter().map(|trial| &trial.params));
    let metrics = keys(trials.iter().map(|trial| &trial.metrics));
    let mut header: Vec<&str> = vec!["trial", "config", "kind", "seed", "status", "in_plan"];
    header.extend(&settings);
    header.extend([
        "best",
        "best_step",
        "last",
        "steps",
        "seconds",
        "parameters",
    ]);
    header.extend(&metrics);
    header.push("message");
    let mut sheet = CsvTable::new(&header);
    for trial in trials {
        let mut row = vec![
            trial.id.to_string(),
            trial.config.to_string(),
            trial.kind.name().to_owned(),
            trial.seed.to_string(),
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
        row.extend(metrics.iter().map(|name| {
            let found = trial.metrics.iter().find(|(other, _)| other == name);
            number(found.map(|(_, value)| *value))
        }));
        row.push(trial.message.clone().unwrap_or_default());
        sheet.push(&row);
    }
    sheet
}

/// The best configurations and the best of each baseline, by rank.
fn best(summary: &Summary) -> CsvTable {
    let configs = summary.best(BEST);
    let settings = keys(configs.iter().map(|config| &config.params));
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
    ]);
    header.extend(&settings);
    let mut sheet = CsvTable::new(&header);
    for config in configs {
        let mut row = vec![
            summary.rank(config).to_string(),
            config.id.to_string(),
            config.kind.name().to_owned(),
            config.spread.n.to_string(),
            config.planned.to_string(),
            text::exact(config.spread.mean),
            number(config.spread.sd),
            text::exact(config.spread.min),
            text::exact(config.spread.max),
            config.diverged.to_string(),
            config.failed.to_string(),
            number(config.seconds),
            whole(config.parameters),
        ];
        row.extend(setting_cells(&config.params, &settings));
        sheet.push(&row);
    }
    sheet
}

/// One row a configuration and share of the training rows, by rank on all of them.
fn growth(input: &Input, summary: &Summary) -> CsvTable {
    let growths = growth::all(&input.experiment, summary);
    let settings = keys(growths.iter().map(|growth| &growth.config.params));
    let settings: Vec<&str> = settings
        .into_iter()
        .filter(|key| *key != TRAIN_SHARE)
        .collect();
    let mut header = vec![
        "rank",
        "config",
        "kind",
        TRAIN_SHARE,
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
    header.extend(&settings);
    let mut sheet = CsvTable::new(&header);
    for growth in &growths {
        for point in &growth.points {
            let mut row = vec![
                summary.rank(growth.config).to_string(),
                growth.config.id.to_string(),
                growth.config.kind.name().to_owned(),
                text::exact(point.share),
                text::exact(point.rows),
                number(point.new_rows),
                point.spread.n.to_string(),
                point.planned.to_string(),
                text::exact(point.spread.mean),
                number(point.spread.sd),
                text::exact(point.spread.min),
                text::exact(point.spread.max),
            ];
            row.extend(setting_cells(&growth.config.params, &settings));
            sheet.push(&row);
        }
    }
    sheet
}

/// One row a way of transferring and share of the training rows, by rank on all of them.
fn pairs(input: &Input, summary: &Summary) -> CsvTable {
    let pairings = transfer::all(&input.experiment, summary);
    let settings = keys(pairings.iter().map(|pairing| &pairing.transferred.params));
    let settings: Vec<&str> = settings
        .into_iter()
        .filter(|key| *key != TRAIN_SHARE)
        .collect();
    let mut header = vec![
        "config",
        "config_scratch",
        TRAIN_SHARE,
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
    header.extend(&settings);
    let mut sheet = CsvTable::new(&header);
    for pairing in &pairings {
        for point in &pairing.points {
            let mut row = vec![
                pairing.transferred.id.to_string(),
                pairing.scratch.id.to_string(),
                text::exact(point.share),
                text::exact(point.rows),
                number(point.new_rows),
                point.gain.n.to_string(),
                text::exact(point.scratch.spread.mean),
                text::exact(point.transferred.spread.mean),
                text::exact(point.gain.mean),
                number(point.gain.sd),
                number(point.interval.map(|(low, _)| low)),
                number(point.interval.map(|(_, high)| high)),
            ];
            row.extend(setting_cells(&pairing.transferred.params, &settings));
            sheet.push(&row);
        }
    }
    sheet
}

/// Long form: one row a value.
fn curves(input: &Input) -> CsvTable {
    let mut sheet = CsvTable::new(&["trial", "metric", "step", "value"]);
    for (trial, curves) in in_order(input, &input.curves) {
        for curve in curves {
            for (step, value) in &curve.points {
                sheet.push(&[
                    trial.id.to_string(),
                    curve.metric.clone(),
                    step.to_string(),
                    text::exact(*value),
                ]);
            }
        }
    }
    sheet
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
    let mut sheet = CsvTable::new(&header);
    for axis in &summary.axes {
        for effect in &axis.effects {
            let spread = effect.spread;
            sheet.push(&[
                axis.name.clone(),
                effect.value.to_string(),
                effect.means.len().to_string(),
                number(spread.map(|spread| spread.mean)),
                number(spread.and_then(|spread| spread.sd)),
                number(spread.map(|spread| spread.min)),
                number(spread.map(|spread| spread.max)),
            ]);
        }
    }
    sheet
}

/// Validation rows of each trial by actual and predicted class.
fn confusion(input: &Input) -> CsvTable {
    let classes = &input.experiment.dataset.classes;
    let name = |class: usize| match classes.get(class) {
        Some(name) => name.clone(),
        None => class.to_string(),
    };
    let mut sheet = CsvTable::new(&["trial", "actual", "predicted", "rows"]);
    for (trial, counts) in in_order(input, &input.confusion) {
        for (actual, row) in counts.iter().enumerate() {
            for (predicted, rows) in row.iter().enumerate() {
                let cells = [name(actual), name(predicted), rows.to_string()];
                sheet.push(
                    [&[trial.id.to_string()], cells.as_slice()]
                        .concat()
                        .as_slice(),
                );
            }
        }
    }
    sheet
}

fn importance(input: &Input) -> CsvTable {
    let mut sheet = CsvTable::new(&["trial", "kind", "feature", "share"]);
    for (trial, shares) in in_order(input, &input.importance) {
        for (feature, share) in shares {
            sheet.push(&[
                trial.id.to_string(),
                trial.kind.name().to_owned(),
                feature.clone(),
                text::exact(*share),
            ]);
        }
    }
    sheet
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

/// Names of all entries, in the order in which they first come.
fn keys<'a, T: 'a>(rows: impl Iterator<Item = &'a Vec<(String, T)>>) -> Vec<&'a str> {
    let mut keys: Vec<&str> = Vec::new();
    for (key, _) in rows.flatten() {
        if !keys.contains(&key.as_str()) {
            keys.push(key);
        }
    }
    keys
}

fn setting_cells(params: &Params, keys: &[&str]) -> Vec<String> {
    keys.iter()
        .map(|key| {
            let found = params.iter().find(|(other, _)| other == key);
            found.map_or(String::new(), |(_, value)| value.to_string())
        })
        .collect()
}

pub(super) fn number(value: Option<f64>) -> String {
    value.map_or(String::new(), text::exact)
}

pub(super) fn whole<T: std::fmt::Display>(value: Option<T>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}

/// A CSV file in the making. No cell of it begins a formula.
pub(super) struct CsvTable {
    writer: csv::Writer<Vec<u8>>,
    rows: usize,
}

impl CsvTable {
    pub(super) fn new(header: &[&str]) -> CsvTable {
        let mut writer = csv::Writer::from_writer(Vec::new());
        write(&mut writer, header.iter().copied());
        CsvTable { writer, rows: 0 }
    }

    pub(super) fn push(&mut self, row: &[String]) {
        write(&mut self.writer, row.iter().map(String::as_str));
        self.rows += 1;
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.writer.into_inner().expect(IN_MEMORY)
    }
}

fn write<'a>(writer: &mut csv::Writer<Vec<u8>>, cells: impl Iterator<Item = &'a str>) {
    let cells = cells.map(text::guarded);
    writer
        .write_record(cells.map(|cell| cell.into_owned()))
        .expect(IN_MEMORY);
}

const IN_MEMORY: &str = "rows are as long as the header and memory takes them";
