//! `comparisons.csv`, and the same as JSON.

use serde_json::{Value as Json, json};

use super::csv_table::{CsvTable, number, whole};
use super::narrative;
use sweep_analysis::inference::{Comparison, Coverage, Inference, Optimism, Verdict};
use sweep_analysis::{Summary, text};

/// One row a configuration, by rank; the last columns are of seeds alone, as are `sd` and `degrees`. What compares it with the winner is empty for the winner itself.
pub(crate) fn csv_table(inference: &Inference, summary: &Summary) -> CsvTable {
    let mut header = vec!["rank", "config", "kind", "varying", "seeds"];
    header.extend([
        "deterministic",
        "mean",
        "mean_low_95",
        "mean_high_95",
        "may_be_best",
    ]);
    header.extend(["pairs", "won", "lost", "winner_ahead_by", "low", "high"]);
    header.extend([
        "sd",
        "degrees",
        "p",
        "p_corrected",
        "significant",
        "seeds_needed",
        "rows_needed",
        "seeds_low",
        "seeds_high",
        "seeds_p",
        "seeds_p_corrected",
    ]);
    let mut csv = CsvTable::new(&header);
    for (place, (config, estimate)) in summary.ranking.iter().zip(&inference.estimates).enumerate()
    {
        let mut row = vec![
            summary.ranks[place].to_string(),
            config.id.to_string(),
            config.kind.name().to_owned(),
            config.label.clone(),
            estimate.seeds.to_string(),
            estimate.is_deterministic.to_string(),
            text::exact(estimate.mean),
            number(estimate.interval.map(|(low, _)| low)),
            number(estimate.interval.map(|(_, high)| high)),
            estimate.is_candidate.to_string(),
        ];
        match inference.over(place) {
            Some(comparison) => {
                row.extend(cells(comparison));
                row.extend(of_seeds(inference, place));
            }
            None => row.resize(header.len(), String::new()),
        }
        csv.push(&row);
    }
    csv
}

/// `{verdict, tied: [config], p, seeds_needed, not_compared, deterministic: [config], candidates: [config], comparisons: [{config, pairs, won, lost, by, low, high, sd,
/// degrees, p, p_corrected, significant, seeds_needed, rows_needed}], optimism: {by, bias_corrected, folds, same_choice}, coverage,
/// of_seeds_alone: {candidates, comparisons, optimism}, sentences}`;
/// `by` is positive where the winner is better.
pub fn json(inference: &Inference, summary: &Summary) -> Json {
    let (verdict, p, seeds) = match inference.verdict {
        Verdict::Nothing => ("nothing", None, None),
        Verdict::Alone => ("alone", None, None),
        Verdict::Incomparable => ("incomparable", None, None),
        Verdict::Tied => ("tied", None, None),
        Verdict::TooFewSeeds => ("too_few_seeds", None, None),
        Verdict::Certain => ("certain", None, None),
        Verdict::Winner { p } => ("winner", Some(p), None),
        Verdict::NotSignificant { seeds } => ("not_significant", None, seeds),
    };
    let config = |place: usize| json!(summary.ranking[place].id);
    let comparison = |one: &Comparison| {
        json!({
            "config": config(one.over),
            "pairs": one.pairs,
            "won": one.won,
            "lost": one.lost,
            "by": one.by,
            "low": one.interval.map(|(low, _)| low),
            "high": one.interval.map(|(_, high)| high),
            "sd": one.sd,
            "degrees": one.degrees,
            "p": one.p,
            "p_corrected": one.p_corrected,
            "significant": one.is_significant,
            "seeds_needed": one.seeds_needed,
            "rows_needed": one.rows_needed,
        })
    };
    let optimism = |one: Optimism| {
        json!({
            "by": one.by,
            "bias_corrected": one.bias_corrected,
            "folds": one.folds,
            "same_choice": one.same_choice,
        })
    };
    json!({
        "verdict": verdict,
        "tied": match inference.tied {
            0 | 1 => json!([]),
            tied => (0..tied).map(config).collect::<Json>(),
        },
        "p": p,
        "seeds_needed": seeds,
        "not_compared": inference.untested(),
        "deterministic": (inference.estimates.iter().enumerate())
            .filter(|(_, estimate)| estimate.is_deterministic)
            .map(|(place, _)| config(place))
            .collect::<Json>(),
        "candidates": inference.candidates.iter().map(|place| config(*place)).collect::<Json>(),
        "comparisons": inference.comparisons.iter().map(comparison).collect::<Json>(),
        "optimism": inference.optimism.map(optimism),
        "coverage": coverage(inference),
        "of_seeds_alone": inference.of_seeds.as_ref().map(|one| json!({
            "candidates": one.candidates.iter().map(|place| config(*place)).collect::<Json>(),
            "comparisons": one.comparisons.iter().map(comparison).collect::<Json>(),
            "optimism": one.optimism.map(optimism),
        })),
        "sentences": narrative::sentences(inference, summary),
    })
}

/// `{rows, units, seeds}`: how many validation rows, or groups of them, intervals and tests are over, null where they are not,
/// and whether they are over seeds.
fn coverage(inference: &Inference) -> Json {
    let (rows, units, seeds) = match inference.coverage {
        Coverage::Seeds => (None, None, true),
        Coverage::RowsAndSeeds { rows, units } => (Some(rows), Some(units), true),
        Coverage::Rows { rows, units } => (Some(rows), Some(units), false),
    };
    json!({ "rows": rows, "units": units, "seeds": seeds })
}

/// What seeds alone say of the winner against the configuration at `place`.
fn of_seeds(inference: &Inference, place: usize) -> Vec<String> {
    let own = inference.of_seeds.as_deref().unwrap_or(inference);
    let one = own.over(place);
    let interval = one.and_then(|one| one.interval);
    vec![
        number(interval.map(|(low, _)| low)),
        number(interval.map(|(_, high)| high)),
        number(one.and_then(|one| one.p)),
        number(one.and_then(|one| one.p_corrected)),
    ]
}

fn cells(one: &Comparison) -> Vec<String> {
    vec![
        one.pairs.to_string(),
        one.won.to_string(),
        one.lost.to_string(),
        number(one.by),
        number(one.interval.map(|(low, _)| low)),
        number(one.interval.map(|(_, high)| high)),
        number(one.sd),
        number(one.degrees),
        number(one.p),
        number(one.p_corrected),
        one.is_significant.to_string(),
        whole(one.seeds_needed),
        whole(one.rows_needed),
    ]
}
