//! Sentences on configurations that share the first rank.

use sweep_analysis::inference::Inference;
use sweep_analysis::{Configuration, Summary, text};

/// Most configurations of a tie that are named.
const NAMED: usize = 3;

/// The winner, or what ties with it: `3 configurations: network lr=0.1; network lr=0.01; xgboost`.
pub fn leaders(inference: &Inference, summary: &Summary) -> String {
    let first = &summary.ranking[..inference.tied];
    if let [winner] = first {
        return winner.title();
    }
    let mut names: Vec<String> = first.iter().take(NAMED).map(Configuration::title).collect();
    if first.len() > NAMED {
        names.push(format!("and {} more", first.len() - NAMED));
    }
    format!("{} configurations: {}", first.len(), names.join("; "))
}

/// Which of those that tie stands for them, and what is behind them: `with` mentions those without a result, and `why` says why
/// some cannot be tested.
pub fn behind(inference: &Inference, summary: &Summary, with: &str, why: &str) -> String {
    let winner = &summary.ranking[0];
    let tie = summary.tie(winner, None).unwrap_or_default();
    let mut said = format!(
        "Where a command needs one, `best` is {} ({}): {tie}.",
        winner.title(),
        winner.id.short()
    );
    let rest = &inference.comparisons[inference.tied - 1..];
    if rest.is_empty() {
        return said;
    }
    let others = text::pluralize(rest.len() as u64, "other configuration");
    let open = inference.candidates.len() - inference.tied.min(inference.candidates.len());
    let is_tested = rest.iter().any(|one| !one.is_untested());
    said.push_str(&match (is_tested, open) {
        (false, _) => format!(" The difference from the {others}{with} cannot be tested: {why}."),
        (true, 0) => format!(" The {others}{with} are significantly worse."),
        (true, open) if open == rest.len() => format!(
            " The difference from the {others}{with} is not significant."
        ),
        (true, open) => format!(
            " The difference is not significant against {open} of the {others}{with}: the best configuration is one of \
             these {} (95% confidence).",
            inference.candidates.len()
        ),
    });
    said
}
