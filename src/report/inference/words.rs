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
        let is_fixed = [0, *place].map(|place| inference.estimates[place].is_repeat);
        let other = &summary.ranking[*place];
        sentences.push(margin(comparison, other, summary, is_fixed == [true; 2]));
    }
    sentences.extend(repeats(inference, summary));
    sentences.extend(more_seeds(inference, summary));
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
    let mean = text::score(estimate.mean);
    let over = match estimate.is_repeat {
        true => format!("the same with each of {} seeds", estimate.seeds),
        false => format!("over {}", winner.seeds()),
    };
    let title = winner.title();
    match estimate.is_repeat {
        true => format!("{title} leads: {mean}, {over}."),
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
            "; {some} more cannot be compared: {}",
            why_untested(inference)
        ),
    };
    match inference.verdict {
        Verdict::Nothing => "No configuration has finished.".to_owned(),
        Verdict::Alone => match summary.without_result() {
            0 => "There is no other configuration to compare it with.".to_owned(),
            1 => "There is nothing to compare it with: the other configuration has no finished trial."
                .to_owned(),
            some => format!(
                "There is nothing to compare it with: the {some} other configurations have no finished trial."
            ),
        },
        Verdict::TooFewSeeds => format!(
            "Whether that is more than chance cannot be said of any other configuration: {}.",
            why_untested(inference)
        ),
        Verdict::Certain => format!(
            "It is better than the {others}{}, whatever the seed{aside}.",
            with_a_result(summary)
        ),
        Verdict::Winner { p } => {
            format!(
                "It is better than the {others}{}: {}{aside}.",
                with_a_result(summary),
                p_value(p, "corrected")
            )
        }
        Verdict::NotToldApart { .. } => {
            let number = inference.candidates.len();
            let baselines = inference.candidates.iter();
            let baselines = baselines.filter(|place| summary.ranking[**place].kind.is_baseline());
            let is_open = |place: &&usize| **place > 0 && inference.comparisons[**place - 1].p.is_some();
            let open = inference.candidates.iter().filter(is_open).count();
            let of_them = match baselines.count() {
                0 => "",
                1 => ", a baseline among them",
                _ => ", baselines among them",
            };
            format!(
                "It cannot be told apart from {} of the {others}{}{aside}: the best is one of these \
                 {number}{of_them} (95% confidence).",
                open,
                with_a_result(summary)
            )
        }
    }
}

/// Tells a reader that some configurations of the plan are in no comparison.
fn with_a_result(summary: &Summary) -> String {
    match summary.without_result() {
        0 => String::new(),
        1 => " with a result (1 more has none)".to_owned(),
        some => format!(" with a result ({some} more have none)"),
    }
}

/// Why some configurations could not be compared with the winner.
fn why_untested(inference: &Inference) -> &'static str {
    let untested = inference.comparisons.iter().filter(|one| one.is_untested());
    let is_fixed = |place: usize| inference.estimates[place].is_repeat;
    let fixed = untested.filter(|one| is_fixed(0) && is_fixed(one.over));
    match fixed.count() {
        0 => "fewer than two seeds in common with it",
        all if all == inference.untested() => "the seed changes nothing in either",
        _ => "fewer than two seeds in common with it, or the seed changes neither",
    }
}

/// Which configurations are the same with every seed.
fn repeats(inference: &Inference, summary: &Summary) -> Option<String> {
    let repeats = inference.estimates.iter().zip(&summary.ranking);
    let repeats: Vec<&Configuration> = repeats
        .filter(|(estimate, _)| estimate.is_repeat)
        .map(|(_, config)| config)
        .collect();
    match repeats[..] {
        [] => None,
        [one] => Some(format!(
            "With {} the seed changes nothing: every run has the same result to the last digit, and they count as one.",
            one.title()
        )),
        _ => Some(format!(
            "In {} configurations, such as {}, the seed changes nothing: every run of one has the same result to the \
             last digit, and they count as one. Only the best of these can be the best of all.",
            repeats.len(),
            repeats[0].title()
        )),
    }
}

/// `Over the runner-up (network lr=0.01): +0.8 points [-1.1, +2.7] over 3 seeds, ahead in 2; p = 0.31, corrected 1: not
/// told apart.`
///
/// `is_fixed`: whether the seed changes neither of the two.
fn margin(
    comparison: &Comparison,
    other: &Configuration,
    summary: &Summary,
    is_fixed: bool,
) -> String {
    let objective = &summary.objective;
    let whom = match (comparison.over, other.label.as_str()) {
        (1, _) => format!("the runner-up ({})", other.title()),
        (_, "") => format!("the best {}", text::kind(other.kind)),
        (_, label) => format!("the best {} ({label})", text::kind(other.kind)),
    };
    let Some(by) = comparison.by else {
        return format!("Over {whom}: no seed in common.");
    };
    let pairs = text::pluralize(comparison.pairs as u64, "seed");
    let mut line = format!("Over {whom}: {}", amount(objective, by));
    if let Some((low, high)) = comparison.interval {
        let (low, high) = (signed(objective, low), signed(objective, high));
        line.push_str(&format!(" [{low}, {high}]"));
    }
    if !is_fixed {
        line.push_str(&format!(" on {pairs}, ahead on {}", comparison.won));
    }
    match (comparison.p, comparison.p_corrected) {
        (Some(p), Some(corrected)) => {
            let said = match comparison.is_told_apart {
                true => "told apart",
                false => "not told apart",
            };
            let corrected = p_value(corrected, "corrected");
            line.push_str(&format!("; {}, {corrected}: {said}.", p_value(p, "alone")));
        }
        _ if is_fixed => line.push_str("; the seed changes neither: it is so with every seed."),
        _ => line.push_str(": too few seeds to say more."),
    }
    line
}

fn more_seeds(inference: &Inference, summary: &Summary) -> Option<String> {
    if inference.verdict == Verdict::TooFewSeeds {
        return enough_seeds(inference, summary);
    }
    let Verdict::NotToldApart { seeds } = inference.verdict else {
        return None;
    };
    let runner_up = inference.comparisons.first()?;
    let is_open = runner_up.p.is_some() && !runner_up.is_told_apart;
    if !is_open || runner_up.by.is_none_or(|by| by <= 0.0) {
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
         times in five, the other configurations allowed for"
    );
    let more = seeds.saturating_sub(runner_up.pairs);
    // Further seeds are for sweeps of which nothing is still to come.
    if (1..=AFFORDABLE).contains(&more) && summary.unfinished.is_empty() && summary.query.is_none()
    {
        sentence.push_str(&format!(
            " (`sweep run FILE --more-seeds {more} --top 2` trains them)"
        ));
    }
    Some(sentence + ".")
}

/// How to get two seeds of everything, which any comparison takes.
fn enough_seeds(inference: &Inference, summary: &Summary) -> Option<String> {
    if let Some(resume) = summary.resume() {
        return Some(format!("{resume} trains what is still to come."));
    }
    if !summary.unfinished.is_empty() {
        return Some("What is still to come is being trained.".to_owned());
    }
    if let Some(query) = &summary.query {
        // What the sweep has besides is not known here.
        return Some(format!(
            "These are only the trials that meet `{}`; without the query there may be more seeds.",
            text::sanitize(query)
        ));
    }
    let planned = summary.ranking.iter().map(|config| config.planned);
    if planned.max().unwrap_or(0) < 2 {
        return Some("`sweep run FILE --seeds 1..3` trains the same with three seeds.".to_owned());
    }
    if inference.estimates.iter().all(|one| one.is_repeat) {
        return None;
    }
    Some(match summary.retry() {
        None => {
            "Trained with the same seeds, at least two of them, they could be compared.".to_owned()
        }
        Some(retry) => format!("{retry} tries again those that failed."),
    })
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
