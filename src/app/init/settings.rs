//! The models that suit a table of some size: settings of networks, a first grid, baselines.
//!
//! Invariant: a few minutes are enough for most tables, and every line is one that its owner may want
//! to change.

use std::fmt::Write as _;

use sweep_core::trial::Kind;

use super::layout::aligned;
use super::survey::Survey;

/// Share of rows that train, by the split that is written.
const TRAINING_SHARE: f64 = 0.6;
/// Share of one class from which accuracy says little.
const IMBALANCED: f64 = 0.8;
/// Rows from which the grid is halved.
const MANY_ROWS: usize = 20_000;

/// The `objective`, and why.
pub(super) fn objective(survey: &Survey) -> (&'static str, String) {
    if survey.number.is_some() {
        let others = "ranks models; also \"valid/mae\" and \"valid/r2\"";
        return ("valid/rmse", others.to_owned());
    }
    let majority = survey.majority();
    match majority > IMBALANCED {
        true => (
            "valid/macro_f1",
            format!(
                "{:.0}% of the rows are of one class: always naming it would be as accurate, while \
                 this counts every class alike (\"valid/loss\" judges probabilities)",
                (100.0 * majority).floor()
            ),
        ),
        false => (
            "valid/accuracy",
            "ranks models; also \"valid/macro_f1\" and \"valid/loss\"".to_owned(),
        ),
    }
}

/// From `[model]` to the end of the file.
pub(super) fn models(survey: &Survey, missing: &[Kind]) -> String {
    let training = (TRAINING_SHARE * survey.rows as f64) as usize;
    let (epochs, patience) = match survey.rows {
        0..2_000 => (100, 20),
        2_000..MANY_ROWS => (40, 10),
        _ => (25, 6),
    };
    let batch = match training {
        0..16 => "\"all\"",
        16..64 => "8",
        64..2_000 => "32",
        2_000..20_000 => "64",
        _ => "256",
    };
    let mut text = String::new();
    let mut line = |line: &str, comment: &str| text.push_str(&aligned(line, comment));
    line("[model]", "settings that all networks share");
    line(&format!("epochs = {epochs}"), "");
    line(&format!("batch_size = {batch}"), "");
    line("optimizer = \"adamw\"", "");
    line("lr_schedule = { kind = \"cosine\", warmup = 1 }", "");
    line("weight_decay = 1e-2", "");
    line("clip_norm = 1.0", "");
    line("batch_norm = true", "");
    line(
        &format!("early_stopping = {{ patience = {patience} }}"),
        "epochs without improvement before a trial ends",
    );
    if survey.rows >= MANY_ROWS {
        line("layers = [256, 128]", "");
    }
    line("", "");
    let axes = axes(survey);
    let counts: Vec<String> = axes.iter().map(|_| "2".to_owned()).collect();
    line(
        "[grid]",
        &format!(
            "every combination: {} = {} networks",
            counts.join(" x "),
            1 << axes.len()
        ),
    );
    for (axis, about) in axes {
        line(axis, about);
    }
    text.push('\n');
    text.push_str(&baselines(missing));
    text
}

fn axes(survey: &Survey) -> Vec<(&'static str, &'static str)> {
    let mut axes = Vec::new();
    if survey.rows < MANY_ROWS {
        axes.push((
            "layers = [[64, 32], [256, 128]]",
            "widths of the hidden layers",
        ));
    }
    if survey.numbers > 0 {
        axes.push((
            "embedding = [\"none\", \"ple\"]",
            "numbers as they are, or cut at their quantiles",
        ));
    }
    axes.push(("lr = [1e-3, 3e-3]", "learning rate"));
    axes.push((
        "dropout = [0.1, 0.4]",
        "share of units that are dropped while training",
    ));
    axes
}

/// The kinds whose libraries are `missing` are commented out.
fn baselines(missing: &[Kind]) -> String {
    let mut text = String::new();
    let mut comment = "trees, to compare with";
    for (kind, settings) in [
        (
            Kind::XGBOOST,
            "rounds = 300\nearly_stopping_rounds = 20\neta = 0.1\nsubsample = 0.9\n\
             grid = { max_depth = [3, 6] }\n",
        ),
        (Kind::LIGHTGBM, "rounds = 300\nearly_stopping_rounds = 20\n"),
        (Kind::RANDOM_FOREST, "trees = 300\n"),
    ] {
        let mut block = aligned("[[baseline]]", comment);
        let _ = write!(block, "kind = \"{}\"\n{settings}\n", kind.name());
        if missing.contains(&kind) {
            let lines = block.trim_end().lines();
            let commented: String = lines.map(|line| format!("# {line}\n")).collect();
            block = format!(
                "# Its library was not found here (`sweep doctor` says where it is looked for):\n{commented}\n"
            );
        }
        text.push_str(&block);
        comment = "";
    }
    format!("{}\n", text.trim_end())
}
