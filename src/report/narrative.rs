//! The results of inference as sentences for the terminal and the page.

use super::losses_text;
use super::markup::capital;
use super::plan_status::{resume, retry};
use super::ties;
use super::transfer_text::{amount, signed};
use sweep_analysis::inference::{Comparison, Coverage, Inference, MOST_SEEDS, Verdict};
use sweep_analysis::{Configuration, Summary, text};

/// Most further seeds that a reader is told how to ask for.
const AFFORDABLE: usize = 100;

/// One sentence each: the winner, or those that tie, its lead, whether that is significant, the selection bias, and the seeds that a
/// test with enough power needs.
pub fn sentences(inference: &Inference, summary: &Summary) -> Vec<String> {
    if summary.ranking.is_empty() {
        return Vec::new();
    }
    let mut sentences = vec![lead(inference, summary), verdict(inference, summary)];
    for place in &inference.rivals {
        let comparison = &inference.comparisons[place - 1];
        let is_fixed = [0, *place].map(|place| inference.estimates[place].is_deterministic);
        let other = &summary.ranking[*place];
        let is_fixed = is_fixed == [true; 2];
        let line = margin(comparison, inference.coverage, summary, is_fixed);
        let is_runner_up = *place == inference.tied;
        sentences.push(format!("{} {line}", whom(inference, other, is_runner_up)));
    }
    sentences.extend(deterministic(inference, summary));
    sentences.extend(more_seeds(inference, summary));
    if matches!(inference.coverage, Coverage::Rows { .. }) {
        sentences.extend(enough_seeds(inference, summary));
    }
    sentences.extend(optimism(inference, summary));
    sentences
}

/// What intervals and tests allow for, and what they do not.
pub fn coverage(inference: &Inference, summary: &Summary) -> String {
    let of = |rows: usize, units: usize| {
        let rows_said = text::pluralize(rows as u64, "row");
        match rows == units {
            true => rows_said,
            false => format!("{rows_said} in {}", text::pluralize(units as u64, "group")),
        }
    };
    let has_folds = summary.ranking.first().is_some_and(|first| first.folds > 0);
    let training = match has_folds {
        // Nadeau and Bengio's correction is an approximation.
        true => {
            "and, approximately, on other training rows: each row was predicted by models that did not train on it"
        }
        false => "on the same training rows",
    };
    match inference.coverage {
        Coverage::Seeds if summary.ranking.iter().any(|config| config.kind.is_open()) => {
            "Intervals and tests cover running the same programs with other seeds.".to_owned()
        }
        Coverage::Seeds => "Intervals and tests cover retraining with other seeds on the same rows; they do not cover \
             other rows."
            .to_owned(),
        Coverage::RowsAndSeeds { rows, units } => format!(
            "Intervals and tests cover other validation rows of the same kind ({} here) and retraining with other \
             seeds, {training}.",
            of(rows, units)
        ),
        Coverage::Rows { rows, units } => format!(
            "Intervals and tests cover other validation rows of the same kind ({} here), but not retraining with \
             other seeds, of which single seeds say nothing.",
            of(rows, units)
        ),
    }
}

fn lead(inference: &Inference, summary: &Summary) -> String {
    let winner = &summary.ranking[0];
    if inference.verdict == Verdict::Incomparable {
        let mean = text::score(winner.stats.mean);
        return format!("{} has the lowest value, {mean}.", winner.title());
    }
    let estimate = inference.estimates[0];
    let interval = estimate.interval.map_or(String::new(), |(low, high)| {
        format!(", 95% CI {} to {}", text::score(low), text::score(high))
    });
    let mean = text::score(estimate.mean);
    let over = match estimate.is_deterministic {
        true => text::deterministic(estimate.seeds),
        false => format!("over {}", winner.seeds()),
    };
    if inference.verdict == Verdict::Tied {
        let names = ties::leaders(inference, summary);
        return format!("No configuration leads: {mean}, {over}, is the mean of each of {names}.");
    }
    let title = winner.title();
    match estimate.is_deterministic {
        true => format!("{title} leads: {mean}, {over}{interval}."),
        false => format!("{title} leads: {mean} {over}{interval}."),
    }
}

fn verdict(inference: &Inference, summary: &Summary) -> String {
    let untested = inference.untested();
    let compared = inference.comparisons.len() - untested;
    let others = text::pluralize(compared as u64, "other configuration");
    let aside = match untested {
        0 => String::new(),
        some => format!(
            "; {some} more cannot be compared ({})",
            why_untested(inference)
        ),
    };
    match inference.verdict {
        Verdict::Nothing => "No configuration has finished.".to_owned(),
        Verdict::Alone => match summary.without_result() {
            0 => "There is no other configuration to compare it with.".to_owned(),
            1 => "No comparison is possible: the other configuration has no finished trial."
                .to_owned(),
            some => format!(
                "No comparison is possible: the {some} other configurations have no finished trial."
            ),
        },
        Verdict::Incomparable => {
            let why = losses_text::warning(summary).unwrap_or_default();
            format!("{}.", capital(&why))
        }
        Verdict::Tied => {
            let (with, why) = (with_a_result(summary), why_untested(inference));
            ties::behind(inference, summary, &with, why)
        }
        Verdict::TooFewSeeds => format!(
            "Its lead over the other configurations cannot be tested: {}.",
            why_untested(inference)
        ),
        Verdict::Certain => format!(
            "It is better than the {others}{} for every seed{aside}.",
            with_a_result(summary)
        ),
        Verdict::Winner { p } => {
            let with = with_a_result(summary);
            let p = p_value(p, "adjusted p");
            match inference.coverage {
                Coverage::Rows { .. } => format!(
                    "Among these trained models it is significantly better than the {others}{with}: {p}{aside}. \
                     Another seed may change that: single seeds say nothing of others."
                ),
                _ => format!("It is significantly better than the {others}{with}: {p}{aside}."),
            }
        }
        Verdict::NotSignificant { .. } => {
            let number = inference.candidates.len();
            let baselines = inference.candidates.iter();
            let baselines = baselines.filter(|place| summary.ranking[**place].kind.is_baseline());
            let is_open =
                |place: &&usize| **place > 0 && inference.comparisons[**place - 1].p.is_some();
            let open = inference.candidates.iter().filter(is_open).count();
            let whom = match open == compared {
                true if open == 1 => "the other configuration".to_owned(),
                true => format!("any of the {others}"),
                false => format!("{open} of the {others}"),
            };
            let of_them = match baselines.count() {
                0 => "",
                1 => ", including a baseline",
                _ => ", including baselines",
            };
            format!(
                "Its lead is not significant against {whom}{}{aside}: the best configuration is one \
                 of these {number}{of_them} (95% confidence).",
                with_a_result(summary)
            )
        }
    }
}

/// Mentions configurations of the plan that are in no comparison.
fn with_a_result(summary: &Summary) -> String {
    match summary.without_result() {
        0 => String::new(),
        1 => " with results (1 more has none)".to_owned(),
        some => format!(" with results ({some} more have none)"),
    }
}

/// Why some configurations could not be compared with the winner.
fn why_untested(inference: &Inference) -> &'static str {
    if inference.coverage != Coverage::Seeds {
        return "no seed in common";
    }
    let untested = inference.comparisons.iter().filter(|one| one.is_untested());
    let is_fixed = |place: usize| inference.estimates[place].is_deterministic;
    let fixed = untested.filter(|one| is_fixed(0) && is_fixed(one.over));
    match fixed.count() {
        0 => "fewer than two seeds in common",
        all if all == inference.untested() => "both configurations are deterministic",
        _ => "fewer than two seeds in common, or both are deterministic",
    }
}

/// Which configurations are deterministic.
fn deterministic(inference: &Inference, summary: &Summary) -> Option<String> {
    let deterministic = inference.estimates.iter().zip(&summary.ranking);
    let deterministic: Vec<&Configuration> = deterministic
        .filter(|(estimate, _)| estimate.is_deterministic)
        .map(|(_, config)| config)
        .collect();
    match deterministic[..] {
        [] => None,
        [one] => Some(format!(
            "{} is deterministic: its runs have the same result for every seed and count as one.",
            one.title()
        )),
        _ if inference.coverage != Coverage::Seeds => Some(format!(
            "{} configurations, such as {}, are deterministic: their runs have the same result for every seed and \
             count as one.",
            deterministic.len(),
            deterministic[0].title()
        )),
        _ => Some(format!(
            "{} configurations, such as {}, are deterministic: their runs have the same result for every seed and count \
             as one. Only the best of these can be the best of all.",
            deterministic.len(),
            deterministic[0].title()
        )),
    }
}

/// `Lead over the runner-up (network lr=0.01):`
fn whom(inference: &Inference, other: &Configuration, is_runner_up: bool) -> String {
    let whom = match (is_runner_up, other.label.as_str()) {
        (true, _) => format!("the runner-up ({})", other.title()),
        (false, "") => format!("the best {}", other.kind.label()),
        (false, label) => format!("the best {} ({label})", other.kind.label()),
    };
    match inference.verdict {
        Verdict::Tied => format!("Lead of the first of them over {whom}:"),
        _ => format!("Lead over {whom}:"),
    }
}

/// `+0.8 points [-1.1, +2.7] on 3 seeds, better on 2; p = 0.31, adjusted p = 1.0:
/// not significant.`
///
/// `is_fixed`: whether both are deterministic.
fn margin(
    comparison: &Comparison,
    coverage: Coverage,
    summary: &Summary,
    is_fixed: bool,
) -> String {
    let objective = &summary.objective;
    let Some(by) = comparison.by else {
        return "no seed in common.".to_owned();
    };
    let pairs = text::pluralize(comparison.pairs as u64, "seed");
    let is_of_seeds = coverage == Coverage::Seeds;
    let mut line = amount(objective, by);
    if let Some((low, high)) = comparison.interval {
        let (low, high) = (signed(objective, low), signed(objective, high));
        line.push_str(&format!(" [{low}, {high}]"));
    }
    if !is_fixed {
        line.push_str(&format!(" on {pairs}, better on {}", comparison.won));
    }
    match (comparison.p, comparison.p_corrected) {
        (Some(p), Some(corrected)) => {
            let said = match comparison.is_significant {
                true => "significant",
                false => "not significant",
            };
            let corrected = p_value(corrected, "adjusted p");
            line.push_str(&format!("; {}, {corrected}: {said}.", p_value(p, "p")));
        }
        _ if is_fixed && is_of_seeds => {
            line.push_str("; both are deterministic, so this holds for every seed.")
        }
        _ => line.push_str("; too few seeds for a test."),
    }
    line
}

fn more_seeds(inference: &Inference, summary: &Summary) -> Option<String> {
    let is_untested = inference.comparisons.iter().all(|one| one.p.is_none());
    if inference.verdict == Verdict::TooFewSeeds
        || inference.verdict == Verdict::Tied && is_untested
    {
        return enough_seeds(inference, summary);
    }
    let Verdict::NotSignificant { seeds } = inference.verdict else {
        return None;
    };
    let runner_up = inference.comparisons.first()?;
    let is_open = runner_up.p.is_some() && !runner_up.is_significant;
    if !is_open || runner_up.by.is_none_or(|by| by <= 0.0) {
        return None;
    }
    let rows = runner_up.rows_needed.map(|rows| {
        format!(
            "about {} validation rows in all",
            text::with_thousands(rounded(rows as u64))
        )
    });
    let Some(seeds) = seeds else {
        return Some(match (rows, inference.coverage) {
            (Some(rows), _) => format!(
                "If the observed difference between winner and runner-up is the true one, {rows} would make it \
                 significant with 80% power after correction; more seeds alone would not."
            ),
            (None, Coverage::Seeds) => format!(
                "Winner and runner-up are so close that even {MOST_SEEDS} seeds each would not make the difference \
                 significant."
            ),
            (None, _) => "Winner and runner-up are so close that neither more seeds nor a thousand times as many \
                 validation rows would make the difference significant."
                .to_owned(),
        });
    };
    let mut sentence = format!(
        "If the observed difference between winner and runner-up is the true one, {seeds} seeds each would make it \
         significant with 80% power after correction"
    );
    let more = seeds.saturating_sub(runner_up.pairs);
    // Extra seeds are for sweeps without remaining trials.
    if (1..=AFFORDABLE).contains(&more) && summary.unfinished.is_empty() && summary.query.is_none()
    {
        sentence.push_str(&format!(
            " (train them with `sweep run FILE --more-seeds {more} --top 2`)"
        ));
    }
    if let Some(rows) = rows {
        sentence.push_str(&format!("; so would {rows} with the same seeds"));
    }
    Some(sentence + ".")
}

/// How to get two seeds of every configuration, the least that a comparison needs.
fn enough_seeds(inference: &Inference, summary: &Summary) -> Option<String> {
    if let Some(resume) = resume(summary) {
        return Some(format!("{resume} trains the remaining trials."));
    }
    if !summary.unfinished.is_empty() {
        return Some("The remaining trials are running.".to_owned());
    }
    if let Some(query) = &summary.query {
        // What the sweep has besides is not known here.
        return Some(format!(
            "These are only the trials that match `{}`; without the query there may be more seeds.",
            text::sanitize(query)
        ));
    }
    if inference.estimates.iter().all(|one| one.is_deterministic) {
        return None;
    }
    let planned = summary.ranking.iter().map(|config| config.planned);
    if planned.max().unwrap_or(0) < 2 {
        return Some(
            "`sweep run FILE --seeds 1..3` trains the same configurations with three seeds."
                .to_owned(),
        );
    }
    Some(match retry(summary) {
        None => "A comparison needs at least two seeds in common.".to_owned(),
        Some(retry) => format!("{retry} retries the failed trials."),
    })
}

fn optimism(inference: &Inference, summary: &Summary) -> Option<String> {
    let optimism = inference.optimism?;
    let objective = &summary.objective;
    if inference.verdict == Verdict::Tied {
        // Where every choice is the same, none flatters.
        return (optimism.by > 0.0).then(|| format!(
            "They were selected by these same scores, which biases their mean by about {}; the bias-corrected estimate is \
             {}.",
            amount(objective, optimism.by).trim_start_matches('+'),
            text::score(optimism.bias_corrected),
        ));
    }
    let mut sentence = format!(
        "The winner was selected by these same scores, which biases its mean by about {}; the bias-corrected \
         estimate is {}.",
        amount(objective, optimism.by).trim_start_matches('+'),
        text::score(optimism.bias_corrected),
    );
    if optimism.folds > 0 {
        sentence.push_str(&format!(
            " With one of the {} seeds left out, the same configuration is selected {} of {} times.",
            optimism.folds, optimism.same_choice, optimism.folds
        ));
    }
    Some(sentence)
}

/// To two digits, upwards: more would claim to be known.
fn rounded(count: u64) -> u64 {
    let unit = 10u64.pow(count.max(1).ilog10().saturating_sub(1));
    count.div_ceil(unit) * unit
}

/// `p = 0.012`, `adjusted p < 0.001`.
fn p_value(p: f64, name: &str) -> String {
    match p {
        _ if p < 0.001 => format!("{name} < 0.001"),
        _ if p < 0.1 => format!("{name} = {p:.3}"),
        _ => format!("{name} = {p:.2}"),
    }
}
