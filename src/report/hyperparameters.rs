//! `hyperparameters.csv`, `levels.csv`, the same as JSON, and lines for the terminal.

use serde_json::{Value as Json, json};

use super::csv_table::{CsvTable, number};
use sweep_analysis::anova::{Anova, Factor, Level, Method, Share};
use sweep_analysis::text;

/// Shares that the terminal shows.
const SHOWN: usize = 5;

/// One row a setting or pair of settings, the largest share first.
pub(crate) fn shares_csv(anova: &Anova) -> CsvTable {
    let header = ["setting", "with", "share", "share_by_chance", "p", "method"];
    let mut csv = CsvTable::new(&header);
    for share in &anova.shares {
        let with = share
            .second
            .map(|second| anova.factors[second].name.clone());
        csv.push(&[
            anova.factors[share.first].name.clone(),
            with.unwrap_or_default(),
            text::exact(share.share),
            number(share.chance),
            number(share.p),
            anova.method.name().to_owned(),
        ]);
    }
    csv
}

/// One row a value of a setting: its marginal mean.
pub(crate) fn levels_csv(anova: &Anova) -> CsvTable {
    let header = [
        "setting",
        "value",
        "configurations",
        "mean",
        "mean_low_95",
        "mean_high_95",
    ];
    let mut csv = CsvTable::new(&header);
    for factor in &anova.factors {
        for level in &factor.levels {
            csv.push(&[
                factor.name.clone(),
                level.label.clone(),
                level.configurations.to_string(),
                text::exact(level.mean),
                number(level.interval.map(|(low, _)| low)),
                number(level.interval.map(|(_, high)| high)),
            ]);
        }
    }
    csv
}

/// `{method, configurations, seeds, mean, sd, shares: [{setting, with, share, share_by_chance, p}], rest, settings: [{name,
/// levels: [{value, configurations, mean, low, high}]}]}`.
pub fn json(anova: &Anova) -> Json {
    let share = |share: &Share| {
        json!({
            "setting": anova.factors[share.first].name,
            "with": share.second.map(|second| &anova.factors[second].name),
            "share": share.share,
            "share_by_chance": share.chance,
            "p": share.p,
        })
    };
    let level = |level: &Level| {
        json!({
            "value": level.label,
            "configurations": level.configurations,
            "mean": level.mean,
            "low": level.interval.map(|(low, _)| low),
            "high": level.interval.map(|(_, high)| high),
        })
    };
    let setting = |factor: &Factor| {
        let levels: Json = factor.levels.iter().map(level).collect();
        json!({ "name": factor.name, "levels": levels })
    };
    json!({
        "method": anova.method.name(),
        "configurations": anova.configurations,
        "seeds": anova.seeds,
        "mean": anova.mean,
        "sd": anova.sd,
        "shares": anova.shares.iter().map(share).collect::<Json>(),
        "rest": anova.rest,
        "settings": anova.factors.iter().map(setting).collect::<Json>(),
    })
}

/// `layers 61%, lr 20%, layers x lr 9%`, a line for the terminal.
pub fn line(anova: &Anova) -> String {
    let shares = anova
        .shares
        .iter()
        .take(SHOWN)
        .filter(|share| share.share >= 0.005);
    let shares: Vec<String> = shares
        .map(|share| format!("{} {:.0}%", anova.title(share), 100.0 * share.share))
        .collect();
    format!(
        "share of the variance between {}: {}",
        text::pluralize(anova.configurations as u64, "configuration"),
        shares.join(", ")
    )
}

/// Where the shares come from, in a sentence.
pub fn about(anova: &Anova) -> String {
    let networks = anova.configurations;
    match anova.method {
        Method::Grid => format!(
            "Exact on the full grid of {networks} configurations; the rest of the variance is due to interactions of three or more settings."
        ),
        Method::Forest { trees } => format!(
            "The {networks} configurations are not a full grid of their settings. A forest of {trees} regression trees \
             predicts the missing points, so these shares are estimates."
        ),
    }
}
