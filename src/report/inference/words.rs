//! What the numbers say, in sentences for terminal and page.

use super::super::summary::{Configuration, Summary};
use super::super::text;
use super::super::transfer::{amount, signed};
use super::{Comparison, Inference, MOST_SEEDS, Verdict};

/// Most further seeds that a reader is told how to ask for.
const AFFORDABLE: usize = 100;

/// See [`Inference::sentences`].
pub(super) fn sentences(inference: &Inference, summary: &Summary) -> Vec<String> {
    let Some(winner) = summary.ranking.first() else {
        return Vec::new();
    };
    let mut sentences = vec![lead(inference, winner), verdict(inference, summary)];
    for place in &inference.rivals {
        let comparison = &inference.comparisons[place - 1];
        sentences.push(margin(comparison, &summary.ranking[*place], summary));
    }
    sentences.extend(more_seeds(inference));
    sentences.extend(optimism(inference, summary));
    sentences
}

fn lead(inference: &Inference, winner: &Configuration) -> String {
    let estimate = inference.estimates[0];
    let interval = estimate.interval.map_or(String::new(), |(low, high)| {
        format!(
            ", 95% interval {} to {}",
            text::score(low),
            text::score(high)
        )
    });
    let seeds = text::plural(estimate.seeds as u64, "seed");
    let mean = text::score(estimate.mean);
    format!("{} leads: {mean} over {seeds}{interval}.", winner.title())
}

fn verdict(inference: &Inference, summary: &Summary) -> String {
    let others = inference.comparisons.len() as u64;
    let others = text::plural(others, "other configuration");
    match inference.verdict {
        Verdict::Nothing => "No configuration has finished.".to_owned(),
        Verdict::Alone => "There is no other configuration to compare it with.".to_owned(),
        Verdict::TooFewSeeds => format!(
            "Whether that is more than chance cannot be said: it shares fewer than two seeds with the \
             {others}."
        ),
        Verdict::Winner { p } => {
            format!(
                "It is better than the {others}: {}.",
                p_value(p, "corrected")
            )
        }
        Verdict::NotToldApart { .. } => {
            let number = inference.candidates.len();
            let baselines = inference.candidates.iter();
            let baselines = baselines.filter(|place| summary.ranking[**place].kind.is_baseline());
            let of_them = match baselines.count() {
                0 => "",
                1 => ", a baseline among them",
                _ => ", baselines among them",
            };
            format!(
                "It cannot be told apart from {} of the {others}{of_them}: the best is one of these \
                 {number} (95% confidence).",
                number - 1
            )
        }
    }
}

/// `Over the runner-up (network lr=0.01): +0.8 points [-1.1, +2.7] over 3 seeds, ahead in 2; p = 0.31, corrected 1: not
/// told apart.`
fn margin(comparison: &Comparison, other: &Configuration, summary: &Summary) -> String {
    let objective = &summary.objective;
    let whom = match (comparison.over, other.label.as_str()) {
        (1, _) => format!("the runner-up ({})", other.title()),
        (_, "") => format!("the best {}", text::kind(other.kind)),
        (_, label) => format!("the best {} ({label})", text::kind(other.kind)),
    };
    let Some(by) = comparison.by else {
        return format!("Over {whom}: no seed in common.");
    };
    let pairs = text::plural(comparison.pairs as u64, "seed");
    let mut line = format!("Over {whom}: {}", amount(objective, by));
    if let Some((low, high)) = comparison.interval {
        let (low, high) = (signed(objective, low), signed(objective, high));
        line.push_str(&format!(" [{low}, {high}]"));
    }
    line.push_str(&format!(" on {pairs}, ahead on {}", comparison.won));
    match (comparison.p, comparison.p_corrected) {
        (Some(p), Some(corrected)) => {
            let said = match comparison.is_told_apart {
                true => "told apart",
                false => "not told apart",
            };
            let corrected = p_value(corrected, "corrected");
            line.push_str(&format!("; {}, {corrected}: {said}.", p_value(p, "alone")));
        }
        _ => line.push_str(": too few seeds to say more."),
    }
    line
}

fn more_seeds(inference: &Inference) -> Option<String> {
    if inference.verdict == Verdict::TooFewSeeds {
        return Some("`sweep run FILE --seeds 1..3` trains the same with three seeds.".to_owned());
    }
    let Verdict::NotToldApart { seeds } = inference.verdict else {
        return None;
    };
    let runner_up = inference.comparisons.first()?;
    if runner_up.is_told_apart || runner_up.by.is_none_or(|by| by <= 0.0) {
        return None;
    }
    let Some(seeds) = seeds else {
        return Some(format!(
            "Winner and runner-up look so much alike that {MOST_SEEDS} seeds each would not tell them \
             apart."
        ));
    };
    let mut sentence = format!(
        "If winner and runner-up are as far apart as they look, {seeds} seeds each would show it four \
         times in five"
    );
    let more = seeds.saturating_sub(runner_up.pairs);
    if (1..=AFFORDABLE).contains(&more) {
        sentence.push_str(&format!(
            " (`sweep run FILE --more-seeds {more} --top 2` trains them)"
        ));
    }
    Some(sentence + ".")
}

fn optimism(inference: &Inference, summary: &Summary) -> Option<String> {
    let optimism = inference.optimism?;
    let objective = &summary.objective;
    Some(format!(
        "The winner was picked by these very scores, which flatters it by about {}: {} is the fairer \
         guess. Without one of the {} seeds the same configuration would have been picked {} of {} times.",
        amount(objective, optimism.by).trim_start_matches('+'),
        text::score(optimism.honest),
        optimism.folds,
        optimism.same_choice,
        optimism.folds,
    ))
}

/// `p = 0.012 alone`, `p < 0.001 corrected`.
fn p_value(p: f64, how: &str) -> String {
    match p {
        _ if p < 0.001 => format!("p < 0.001 {how}"),
        _ if p < 0.1 => format!("p = {p:.3} {how}"),
        _ => format!("p = {p:.2} {how}"),
    }
}
