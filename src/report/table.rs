//! Tables for the terminal: experiments, leaderboard, details of a trial.
//!
//! One row is one line, numbers are right-aligned, and colour is used only if requested.
//! Strings from the database cannot move the cursor.

use std::collections::BTreeSet;
use sweep_analysis::text;

use anstyle::{AnsiColor, Style};

pub(super) use super::text_table::{Side, color};
pub use super::text_table::{TableStyle, TextTable};

use super::text_table::painted;
use super::{details, dummy_text, ensemble_text, plan_status};
use sweep_analysis::{Configuration, Run, RunKey, Summary, ZeroLine};
use sweep_core::trial::{Objective, Status};
use sweep_store::{ArtifactRecord, AttemptRecord, Curve, ExperimentSummary, TrialRecord};

/// Where the leaderboard has the validation losses.
const LOSSES: usize = 4;
/// Steps of a curve in the details of a trial.
const STEPS: usize = 12;

/// What `sweep ls` prints: one experiment a line.
pub fn experiments(
    experiments: &[ExperimentSummary],
    table_style: impl Into<TableStyle>,
) -> String {
    if experiments.is_empty() {
        return "No experiments recorded yet. Start with: sweep run FILE\n".to_owned();
    }
    let mut table = TextTable::new(&[
        ("Experiment", Side::Left),
        ("Done", Side::Right),
        ("Failed", Side::Right),
        ("Remaining", Side::Right),
        ("Objective", Side::Left),
        ("Best", Side::Right),
        ("Trial", Side::Left),
        ("Last active (UTC)", Side::Left),
    ])
    .with_optional(&["Last active (UTC)"]);
    for experiment in experiments {
        let sum = |wanted: &dyn Fn(Status) -> bool| -> u64 {
            let counts = experiment
                .counts
                .iter()
                .filter(|(status, _)| wanted(*status));
            counts.map(|(_, number)| number).sum()
        };
        let failed = sum(&|status| status == Status::Failed);
        let pruned = sum(&|status| status == Status::Pruned);
        let left = sum(&|status| !status.is_final() && status != Status::Failed) - pruned;
        let fallen = match experiment.out_of_plan {
            0 => String::new(),
            number => format!(" (+{number} out of plan)"),
        };
        let pruned = match pruned {
            0 => String::new(),
            number => format!(" (+{number} pruned)"),
        };
        let style = if failed > 0 {
            color(AnsiColor::Red)
        } else {
            Style::new()
        };
        table.push(
            style,
            vec![
                text::cut(&experiment.name, 40),
                format!(
                    "{}/{}{pruned}{fallen}",
                    sum(&Status::is_final),
                    sum(&|status| status != Status::Pruned)
                ),
                failed.to_string(),
                left.to_string(),
                experiment.objective.metric.clone(),
                shown(experiment.best),
                experiment
                    .best_trial
                    .as_ref()
                    .map_or("–".to_owned(), |id| id.short().to_owned()),
                text::utc(experiment.updated_ms),
            ],
        );
    }
    table.render(table_style)
}

/// The column of losses with calibrated probabilities.
const CALIBRATED: &str = "Calibrated";
/// What the columns of losses are.
const ABOUT_CALIBRATED: &str = "Loss: validation log loss as trained; Calibrated: once a calibration that is fitted on other validation rows \
     is applied (`sweep predict --calibrate auto`)\n";

/// The `most` best configurations and the best of each baseline.
pub fn leaderboard(summary: &Summary, most: usize, table_style: impl Into<TableStyle>) -> String {
    if summary.ranking.is_empty() {
        return format!("{}\n", plan_status::no_result(summary));
    }
    let best = summary.best(most);
    let table = leaderboard_table(summary, &best);
    let metric = summary.objective_label();
    let mut lines = table.render(table_style);
    lines.push_str(&format!(
        "{metric}, {}; mean over {}\n",
        match summary.objective.goal.is_better(1.0, 0.0) {
            true => "higher is better",
            false => "lower is better",
        },
        text::run_names(best.iter().any(|config| config.folds > 0)).1
    ));
    // Where there is no room for it, the column is left out.
    if lines.contains(CALIBRATED) {
        lines.push_str(ABOUT_CALIBRATED);
    }
    if summary.ranks.windows(2).any(|pair| pair[0] == pair[1]) {
        let order = match summary.ranking.iter().any(|config| config.kind.is_open()) {
            true => "in the order of the plan",
            false => "ordered by validation loss",
        };
        lines.push_str(&format!("=: the same mean on the same seeds; {order}\n"));
    }
    let seeds = |config: &Configuration| {
        let seeds = config.runs.iter().map(Run::key);
        seeds.collect::<Vec<RunKey>>()
    };
    // One result of a deterministic configuration stands for every seed.
    let drawn = (summary.ranking.iter()).filter(|config| !config.is_deterministic);
    let mut all = drawn.map(seeds);
    let first = all.next();
    if all.any(|other| first.as_ref() != Some(&other)) {
        lines.push_str(
            "configurations are compared on the seeds that both finished; each mean covers all finished seeds\n",
        );
    }
    lines
}

/// One row a configuration, one of the ensemble, and one of a model that ignores its input.
fn leaderboard_table(summary: &Summary, best: &[&Configuration]) -> TextTable {
    let has_losses = (best.iter()).any(|config| config.mean_calibrated_loss().is_some());
    let losses = [("Loss", Side::Right), (CALIBRATED, Side::Right)];
    let mut columns = vec![
        ("#", Side::Right),
        ("Kind", Side::Left),
        ("Mean", Side::Right),
        ("sd", Side::Right),
        ("Seeds", Side::Right),
        ("Time", Side::Right),
        ("Config", Side::Left),
        ("Settings that vary", Side::Left),
    ];
    if has_losses {
        columns.splice(LOSSES..LOSSES, losses);
    }
    let mut table = TextTable::new(&columns).with_optional(&["Loss", CALIBRATED, "Time", "sd"]);
    let with_losses = |mut cells: Vec<String>, of: [Option<f64>; 2]| {
        if has_losses {
            cells.splice(LOSSES..LOSSES, of.map(shown));
        }
        cells
    };
    let ensemble = summary.ensemble.as_ref().map(|ensemble| {
        let place = ensemble_text::place(summary, ensemble, best);
        (place, Style::new(), ensemble_text::row(ensemble))
    });
    let zero = summary.zero_line.as_ref().map(|zero| {
        let place = dummy_text::place(summary, zero, best);
        (place, Style::new().dimmed(), zero_row(zero))
    });
    let others = [ensemble, zero];
    for above in 0..=best.len() {
        for (_, style, cells) in others
            .iter()
            .flatten()
            .filter(|(place, ..)| *place == above)
        {
            table.push(*style, with_losses(cells.clone(), [None; 2]));
        }
        let Some(config) = best.get(above) else {
            break;
        };
        let style = match summary.rank(config) {
            1 => color(AnsiColor::Green),
            _ if !config.is_complete() => color(AnsiColor::Yellow),
            _ => Style::new(),
        };
        let losses = [config.mean_loss(), config.mean_calibrated_loss()];
        table.push(style, with_losses(leaderboard_row(summary, config), losses));
    }
    table
}

/// What a model scores that ignores its input.
fn zero_row(zero: &ZeroLine) -> Vec<String> {
    let score = &zero.score;
    let none = || "–".to_owned();
    let mut cells = vec![none(), dummy_text::name(&score.strategy).to_owned()];
    cells.push(text::score(score.value));
    cells.extend([none(), none(), none(), none()]);
    cells.push(dummy_text::about(&score.strategy));
    cells
}

fn leaderboard_row(summary: &Summary, config: &Configuration) -> Vec<String> {
    vec![
        summary.rank_label(config),
        config.kind.label().to_owned(),
        text::score(config.stats.mean),
        match config.stats.sd {
            // Identical results of a deterministic configuration are not a scatter of 0, and one is as good as several.
            _ if config.is_deterministic => "deterministic".to_owned(),
            Some(sd) => text::difference(sd, config.stats.mean),
            None => "–".to_owned(),
        },
        format!("{}/{}", config.stats.n, config.planned),
        config.seconds.map_or("–".to_owned(), text::format_seconds),
        config.id.short().to_owned(),
        config.label.clone(),
    ]
}

/// What `sweep show` prints of one trial: settings, scores, attempts, curves and files.
pub fn trial(
    objective: &Objective,
    trial: &TrialRecord,
    attempts: &[AttemptRecord],
    curves: &[Curve],
    artifacts: &[ArtifactRecord],
    table_style: impl Into<TableStyle>,
) -> String {
    let table_style = table_style.into();
    let mut parts = vec![outline(objective, trial, table_style.is_colored)];
    let mut settings = TextTable::new(&[("Setting", Side::Left), ("Value", Side::Left)]);
    for (key, value) in &trial.params {
        settings.push(Style::new(), vec![key.clone(), value.to_string()]);
    }
    parts.push(settings.render(table_style));
    if !trial.metrics.is_empty() {
        let mut metrics = TextTable::new(&[("Metric at best step", Side::Left), ("", Side::Right)]);
        for (name, value) in &trial.metrics {
            metrics.push(Style::new(), vec![name.clone(), text::score(*value)]);
        }
        parts.push(metrics.render(table_style));
    }
    parts.extend(curve_table(curves, table_style));
    if !attempts.is_empty() {
        parts.push(details::attempts(attempts, table_style));
    }
    if !artifacts.is_empty() {
        let columns = [
            ("File", Side::Left),
            ("Bytes", Side::Right),
            ("Path", Side::Left),
        ];
        let mut files = TextTable::new(&columns);
        for artifact in artifacts {
            let path = artifact.path.display().to_string();
            let cells = vec![
                artifact.kind.clone(),
                text::with_thousands(artifact.bytes),
                path,
            ];
            files.push(Style::new(), cells);
        }
        parts.push(files.render(table_style));
    }
    parts.join("\n")
}

/// What `sweep show` prints of a configuration: its settings, and its trials, at least one.
pub fn configuration_trials(
    objective: &Objective,
    trials: &[TrialRecord],
    table_style: impl Into<TableStyle>,
) -> String {
    let Some(first) = trials.first() else {
        return String::new();
    };
    let table_style = table_style.into();
    let mut settings = TextTable::new(&[("Setting", Side::Left), ("Value", Side::Left)]);
    for (key, value) in &first.params {
        settings.push(Style::new(), vec![key.clone(), value.to_string()]);
    }
    let mut columns = vec![
        ("Trial", Side::Left),
        ("Seed", Side::Right),
        ("Status", Side::Left),
        (objective.metric.as_str(), Side::Right),
        ("Step", Side::Right),
        ("Time", Side::Right),
        ("Tags", Side::Left),
    ];
    if first.fold.is_some() {
        columns.insert(2, ("Fold", Side::Right));
    }
    let mut table = TextTable::new(&columns).with_optional(&["Time"]);
    for trial in trials {
        let mut cells = vec![
            trial.id.short().to_owned(),
            trial.seed.to_string(),
            trial.status.name().to_owned(),
            shown(trial.best),
            trial
                .best_step
                .map_or("–".to_owned(), |step| step.to_string()),
            trial.seconds.map_or("–".to_owned(), text::format_seconds),
            trial.tags.join(" "),
        ];
        if let Some(fold) = trial.fold {
            cells.insert(2, fold.to_string());
        }
        table.push(Style::new(), cells);
    }
    format!(
        "Config  {}\nKind    {}\n\n{}\n{}",
        text::sanitize(first.config.as_str()),
        first.kind.label(),
        settings.render(table_style),
        table.render(table_style)
    )
}

/// Identifier, status and outcome of a trial, one line each.
fn outline(objective: &Objective, trial: &TrialRecord, is_colored: bool) -> String {
    let style = match trial.status {
        Status::Finished => color(AnsiColor::Green),
        Status::Failed | Status::Diverged => color(AnsiColor::Red),
        _ => color(AnsiColor::Yellow),
    };
    let mut lines = vec![
        format!("Trial   {}", text::sanitize(trial.id.as_str())),
        format!("Config  {}", text::sanitize(trial.config.as_str())),
        format!(
            "Kind    {}, seed {}{}",
            trial.kind.label(),
            trial.seed,
            trial
                .fold
                .map_or(String::new(), |fold| format!(", fold {fold}"))
        ),
        format!(
            "Status  {}",
            painted(trial.status.name(), style, is_colored)
        ),
    ];
    if let Some(best) = trial.best {
        let step = trial
            .best_step
            .map_or(String::new(), |step| format!(" at step {step}"));
        let steps = trial
            .steps
            .map_or(String::new(), |steps| format!(" of {steps}"));
        lines.push(format!(
            "Best    {} {}{step}{steps}",
            objective.metric,
            text::score(best)
        ));
    }
    if let Some(seconds) = trial.seconds {
        lines.push(format!("Time    {}", text::format_seconds(seconds)));
    }
    if let Some(parameters) = trial
        .parameters
        .filter(|count| *count > 0 || !trial.kind.is_open())
    {
        lines.push(format!(
            "Size    {}",
            text::pluralize(parameters, "parameter")
        ));
    }
    if let Some(message) = &trial.message {
        let word = trial
            .cause
            .as_deref()
            .map(|cause| text::sanitize(cause) + ": ");
        let word = word.unwrap_or_default();
        lines.push(format!("Cause   {word}{}", text::sanitize(message)));
    }
    if !trial.tags.is_empty() {
        lines.push(format!("Tags    {}", text::sanitize(&trial.tags.join(" "))));
    }
    for note in &trial.notes {
        let when = text::utc(note.written_ms);
        lines.push(format!("Note    {when}  {}", text::sanitize(&note.text)));
    }
    if !trial.in_plan {
        lines.push("This trial is no longer in the plan of the experiment.".to_owned());
    }
    lines.join("\n") + "\n"
}

/// Curves at evenly spread steps, the first and the last always.
fn curve_table(curves: &[Curve], table_style: TableStyle) -> Option<String> {
    let steps: BTreeSet<u32> = curves
        .iter()
        .flat_map(|curve| curve.points.iter().map(|(step, _)| *step))
        .collect();
    let steps: Vec<u32> = steps.into_iter().collect();
    let last = steps.len().checked_sub(1)?;
    let chosen: BTreeSet<u32> = (0..STEPS)
        .map(|place| steps[(place * last) / (STEPS - 1)])
        .collect();
    let mut columns = vec![("Step", Side::Right)];
    columns.extend(
        curves
            .iter()
            .map(|curve| (curve.metric.as_str(), Side::Right)),
    );
    let mut table = TextTable::new(&columns);
    for step in chosen {
        let mut cells = vec![step.to_string()];
        cells.extend(curves.iter().map(|curve| {
            let found = curve.points.iter().find(|(other, _)| *other == step);
            shown(found.map(|(_, value)| *value))
        }));
        table.push(Style::new(), cells);
    }
    Some(table.render(table_style))
}

fn shown(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), text::score)
}

#[cfg(test)]
mod tests;
