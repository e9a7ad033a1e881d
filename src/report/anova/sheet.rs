//! `hyperparameters.csv`, `levels.csv`, the same as JSON, and lines for the terminal.

use serde_json::{Value as Json, json};

use super::super::sheets::{Sheet, number};
use super::super::text;
use super::{Anova, Level, Method, Share};

/// Shares that the terminal shows.
const SHOWN: usize = 5;

impl Anova {
    /// One row a setting or pair of settings, the largest share first.
    pub(in super::super) fn shares_sheet(&self) -> Sheet {
        let header = ["setting", "with", "share", "share_by_chance", "p", "method"];
        let mut sheet = Sheet::new(&header);
        for share in &self.shares {
            let with = share.second.map(|second| self.factors[second].name.clone());
            sheet.push(&[
                self.factors[share.first].name.clone(),
                with.unwrap_or_default(),
                text::exact(share.share),
                number(share.chance),
                number(share.p),
                self.method.name().to_owned(),
            ]);
        }
        sheet
    }

    /// One row a value of a setting: its marginal mean.
    pub(in super::super) fn levels_sheet(&self) -> Sheet {
        let header = [
            "setting",
            "value",
            "configurations",
            "mean",
            "mean_low_95",
            "mean_high_95",
        ];
        let mut sheet = Sheet::new(&header);
        for factor in &self.factors {
            for level in &factor.levels {
                sheet.push(&[
                    factor.name.clone(),
                    level.label.clone(),
                    level.configurations.to_string(),
                    text::exact(level.mean),
                    number(level.interval.map(|(low, _)| low)),
                    number(level.interval.map(|(_, high)| high)),
                ]);
            }
        }
        sheet
    }

    /// `{method, configurations, seeds, mean, sd, shares: [{setting, with, share, share_by_chance, p}], rest, settings: [{name,
    /// levels: [{value, configurations, mean, low, high}]}]}`.
    pub fn json(&self) -> Json {
        let share = |share: &Share| {
            json!({
                "setting": self.factors[share.first].name,
                "with": share.second.map(|second| &self.factors[second].name),
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
        let setting = |factor: &super::Factor| {
            let levels: Json = factor.levels.iter().map(level).collect();
            json!({ "name": factor.name, "levels": levels })
        };
        json!({
            "method": self.method.name(),
            "configurations": self.configurations,
            "seeds": self.seeds,
            "mean": self.mean,
            "sd": self.sd,
            "shares": self.shares.iter().map(share).collect::<Json>(),
            "rest": self.rest,
            "settings": self.factors.iter().map(setting).collect::<Json>(),
        })
    }

    /// `layers 61%, lr 20%, layers x lr 9%`, a line for the terminal.
    pub fn line(&self) -> String {
        let shares = self
            .shares
            .iter()
            .take(SHOWN)
            .filter(|share| share.share >= 0.005);
        let shares: Vec<String> = shares
            .map(|share| format!("{} {:.0}%", self.title(share), 100.0 * share.share))
            .collect();
        format!(
            "of the variance among {}: {}",
            text::pluralize(self.configurations as u64, "network"),
            shares.join(", ")
        )
    }
}

impl Method {
    /// `grid` or `forest`, as files have it.
    pub fn name(self) -> &'static str {
        match self {
            Method::Grid => "grid",
            Method::Forest { .. } => "forest",
        }
    }
}
