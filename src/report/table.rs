//! Tables for the terminal: experiments, leaderboard, the story of one trial.
//!
//! One row is one line, numbers stand under each other, and colour is only there when asked for.
//! Strings from the record cannot move the cursor.

use std::collections::BTreeSet;

use anstyle::{AnsiColor, Style};

pub use super::grid::{Grid, Look};
pub(super) use super::grid::{Side, color};

use super::grid::painted;
use super::sheets::rank;
use super::summary::{Configuration, Summary};
use super::{story, text};
use sweep_core::trial::{Objective, Status};
use sweep_store::{ArtifactRecord, AttemptRecord, Curve, ExperimentSummary, TrialRecord};

/// Steps of a curve that a trial's story shows.
const STEPS: usize = 12;

/// What `sweep ls` prints: one experiment a line.
pub fn experiments(experiments: &[ExperimentSummary], look: impl Into<Look>) -> String {
    if experiments.is_empty() {
        return "No experiments recorded yet. Begin with: sweep run FILE\n".to_owned();
    }
    let mut grid = Grid::new(&[
        ("Experiment", Side::Left),
        ("Done", Side::Right),
        ("Failed", Side::Right),
        ("Left", Side::Right),
        ("Objective", Side::Left),
        ("Best", Side::Right),
        ("Trial", Side::Left),
        ("Last active (UTC)", Side::Left),
    ])
    .dispensing(&["Last active (UTC)"]);
    for experiment in experiments {
        let sum = |wanted: &dyn Fn(Status) -> bool| -> u64 {
            let counts = experiment
                .counts
                .iter()
                .filter(|(status, _)| wanted(*status));
            counts.map(|(_, number)| number).sum()
        };
        let failed = sum(&|status| status == Status::Failed);
        let left = sum(&|status| !status.is_final() && status != Status::Failed);
        let fallen = match experiment.out_of_plan {
            0 => String::new(),
            number => format!(" (+{number} out of plan)"),
        };
        let style = if failed > 0 {
            color(AnsiColor::Red)
        } else {
            Style::new()
        };
        grid.push(
            style,
            vec![
                text::cut(&experiment.name, 40),
                format!("{}/{}{fallen}", sum(&Status::is_final), sum(&|_| true)),
                failed.to_string(),
                left.to_string(),
                experiment.objective.metric.clone(),
                shown(experiment.best),
                experiment
                    .best_trial
                    .as_ref()
                    .map_or("–".to_owned(), |id| id.short().to_owned()),
                text::utc(experiment.touched_ms),
            ],
        );
    }
    grid.render(look)
}

/// The `most` best configurations and the best of each baseline.
pub fn leaderboard(summary: &Summary, most: usize, look: impl Into<Look>) -> String {
    if summary.ranking.is_empty() {
        return "No trial of the plan has finished yet.\n".to_owned();
    }
    let mut grid = Grid::new(&[
        ("#", Side::Right),
        ("Kind", Side::Left),
        ("Mean", Side::Right),
        ("sd", Side::Right),
        ("Seeds", Side::Right),
        ("Time", Side::Right),
        ("Config", Side::Left),
        ("Settings that vary", Side::Left),
    ])
    .dispensing(&["Time", "sd"]);
    for config in summary.best(most) {
        let style = match rank(summary, config) {
            1 => color(AnsiColor::Green),
            _ if !config.is_complete() => color(AnsiColor::Yellow),
            _ => Style::new(),
        };
        grid.push(style, leaderboard_row(summary, config));
    }
    let metric = text::metric(&summary.objective.metric);
    let mut lines = grid.render(look);
    lines.push_str(&format!(
        "{metric}, {}; mean over seeds\n",
        match summary.objective.goal.is_better(1.0, 0.0) {
            true => "higher is better",
            false => "lower is better",
        }
    ));
    let seeds = |config: &Configuration| {
        let seeds = config.runs.iter().map(|run| run.seed);
        seeds.collect::<Vec<u64>>()
    };
    let mut all = summary.ranking.iter().map(seeds);
    let first = all.next();
    if all.any(|other| first.as_ref() != Some(&other)) {
        lines.push_str(
            "two configurations are compared on the seeds that both have finished; means are over all of each\n",
        );
    }
    lines
}

fn leaderboard_row(summary: &Summary, config: &Configuration) -> Vec<String> {
    vec![
        rank(summary, config).to_string(),
        text::kind(config.kind).to_owned(),
        text::score(config.spread.mean),
        match config.spread.sd {
            // Equal results of a seed that changes nothing are no scatter of 0.
            Some(_) if config.is_repeat => "same".to_owned(),
            Some(sd) => text::difference(sd, config.spread.mean),
            None => "–".to_owned(),
        },
        format!("{}/{}", config.spread.n, config.planned),
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
    look: impl Into<Look>,
) -> String {
    let look = look.into();
    let mut parts = vec![outline(objective, trial, look.is_colored)];
    let mut settings = Grid::new(&[("Setting", Side::Left), ("Value", Side::Left)]);
    for (key, value) in &trial.params {
        settings.push(Style::new(), vec![key.clone(), value.to_string()]);
    }
    parts.push(settings.render(look));
    if !trial.metrics.is_empty() {
        let mut metrics = Grid::new(&[("Metric at the best step", Side::Left), ("", Side::Right)]);
        for (name, value) in &trial.metrics {
            metrics.push(Style::new(), vec![name.clone(), text::score(*value)]);
        }
        parts.push(metrics.render(look));
    }
    parts.extend(curve_table(curves, look));
    if !attempts.is_empty() {
        parts.push(story::attempts(attempts, look));
    }
    if !artifacts.is_empty() {
        let columns = [
            ("File", Side::Left),
            ("Bytes", Side::Right),
            ("Path", Side::Left),
        ];
        let mut files = Grid::new(&columns);
        for artifact in artifacts {
            let path = artifact.path.display().to_string();
            let cells = vec![
                artifact.kind.clone(),
                text::with_thousands(artifact.bytes),
                path,
            ];
            files.push(Style::new(), cells);
        }
        parts.push(files.render(look));
    }
    parts.join("\n")
}

/// What `sweep show` prints of a configuration: its settings, and its trials, at least one.
pub fn configuration_trials(
    objective: &Objective,
    trials: &[TrialRecord],
    look: impl Into<Look>,
) -> String {
    let Some(first) = trials.first() else {
        return String::new();
    };
    let look = look.into();
    let mut settings = Grid::new(&[("Setting", Side::Left), ("Value", Side::Left)]);
    for (key, value) in &first.params {
        settings.push(Style::new(), vec![key.clone(), value.to_string()]);
    }
    let mut grid = Grid::new(&[
        ("Trial", Side::Left),
        ("Seed", Side::Right),
        ("Status", Side::Left),
        (&objective.metric, Side::Right),
        ("Step", Side::Right),
        ("Time", Side::Right),
        ("Tags", Side::Left),
    ])
    .dispensing(&["Time"]);
    for trial in trials {
        let cells = vec![
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
        grid.push(Style::new(), cells);
    }
    format!(
        "Config  {}\nKind    {}\n\n{}\n{}",
        text::sanitize(first.config.as_str()),
        text::kind(first.kind),
        settings.render(look),
        grid.render(look)
    )
}

/// Name, fate and outcome of a trial, a line each.
fn outline(objective: &Objective, trial: &TrialRecord, is_colored: bool) -> String {
    let style = match trial.status {
        Status::Finished => color(AnsiColor::Green),
        Status::Failed | Status::Diverged => color(AnsiColor::Red),
        _ => color(AnsiColor::Yellow),
    };
    let mut lines = vec![
        format!("Trial   {}", text::sanitize(trial.id.as_str())),
        format!("Config  {}", text::sanitize(trial.config.as_str())),
        format!("Kind    {}, seed {}", text::kind(trial.kind), trial.seed),
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
    if let Some(parameters) = trial.parameters {
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
        lines.push("The experiment's file no longer asks for this trial.".to_owned());
    }
    lines.join("\n") + "\n"
}

/// Curves at evenly spread steps, the first and the last always.
fn curve_table(curves: &[Curve], look: Look) -> Option<String> {
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
    let mut grid = Grid::new(&columns);
    for step in chosen {
        let mut cells = vec![step.to_string()];
        cells.extend(curves.iter().map(|curve| {
            let found = curve.points.iter().find(|(other, _)| *other == step);
            shown(found.map(|(_, value)| *value))
        }));
        grid.push(Style::new(), cells);
    }
    Some(grid.render(look))
}

fn shown(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), text::score)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::samples;
    use super::*;
    use sweep_core::trial::{DataDigest, TrialId};
    use sweep_store::NoteRecord;

    fn listed(name: &str) -> ExperimentSummary {
        ExperimentSummary {
            name: name.to_owned(),
            objective: Objective::default(),
            data: DataDigest::from_hex("ab"),
            created_ms: 0,
            touched_ms: 1_772_326_800_000,
            counts: vec![
                (Status::Finished, 41),
                (Status::Failed, 1),
                (Status::Pending, 1_000),
            ],
            out_of_plan: 0,
            best: Some(0.61234),
            best_trial: Some(TrialId::from_hex("0123456789abcdef")),
        }
    }

    #[test]
    fn experiments_stand_one_a_line() {
        let mut new = listed("日本語\n\x1b[31m");
        new.counts = vec![(Status::Pending, 3)];
        (new.best, new.best_trial) = (None, None);
        insta::assert_snapshot!(experiments(&[listed("genres"), new], false));
        assert!(experiments(&[], true).contains("sweep run"));
    }

    #[test]
    fn the_leaderboard_ends_with_the_best_of_each_baseline() {
        let summary = Summary::of(&samples::genres().experiment);
        insta::assert_snapshot!(leaderboard(&summary, 2, false));
    }

    #[test]
    fn colour_changes_no_letter() {
        let summary = Summary::of(&samples::genres().experiment);
        let plain = leaderboard(&summary, 10, false);
        let colored = leaderboard(&summary, 10, true);
        assert!(!plain.contains('\x1b') && colored.contains('\x1b'));
        assert_eq!(anstream::adapter::strip_str(&colored).to_string(), plain);
    }

    #[test]
    fn a_trial_tells_its_story() {
        let mut input = samples::genres();
        input.experiment.trials[0].notes = vec![NoteRecord {
            written_ms: 1_772_323_200_000,
            text: "odd at\nfirst".to_owned(),
        }];
        let record = &input.experiment.trials[0];
        let attempt = AttemptRecord {
            session: 1,
            number: 1,
            slot: "cpu:0".to_owned(),
            engine: "native".to_owned(),
            pid: 4_711,
            started_ms: 1_772_323_200_000,
            ended_ms: Some(1_772_323_204_250),
            outcome: "crashed".to_owned(),
            exit_code: None,
            signal: Some(9),
            message: Some("worker killed by signal 9".to_owned()),
            log_tail: Some("first line\n\x1b[2Jlast line\n".to_owned()),
            resumed_from: None,
            notes: Vec::new(),
        };
        let second = AttemptRecord {
            number: 2,
            outcome: "finished".to_owned(),
            signal: None,
            message: None,
            log_tail: None,
            resumed_from: Some(7),
            ended_ms: None,
            ..attempt.clone()
        };
        let artifact = ArtifactRecord {
            kind: "weights".to_owned(),
            path: PathBuf::from("model.safetensors"),
            bytes: 13_080,
        };
        let objective = &input.experiment.objective;
        let curves = &input.curves[&record.id];
        let attempts = [attempt, second];
        insta::assert_snapshot!(trial(
            objective,
            record,
            &attempts,
            curves,
            &[artifact],
            false
        ));
        let failed = &input.experiment.trials[4];
        insta::assert_snapshot!(outline(objective, failed, false));
    }
}
