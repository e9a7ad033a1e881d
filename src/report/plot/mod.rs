//! Every plot of a report. A plot without data is left out, and the report states why.

mod bars;
pub(super) mod canvas;
mod confusion;
mod curves;
mod effects;
pub(super) mod frame;
mod learning_curve;
pub(super) mod legend;
pub(super) mod lettering;
pub(super) mod picture;
mod predicted;
mod ranking;
mod search;
pub(super) mod style;
mod transfer;

pub use canvas::Picture;

use super::ReportError;
use picture::{
    BOOSTING, CONFUSION, CURVES, EFFECTS, IMPORTANCE, LEARNING_CURVE, Missing, PREDICTED, RANKING,
    SEARCH, TRANSFER,
};
use sweep_analysis::Input;
use sweep_analysis::Summary;

/// Files that [`all`] may give.
pub fn names() -> impl Iterator<Item = String> {
    [
        CURVES,
        LEARNING_CURVE,
        TRANSFER,
        RANKING,
        SEARCH,
        EFFECTS,
        CONFUSION,
        PREDICTED,
        BOOSTING,
        IMPORTANCE,
    ]
    .into_iter()
    .flat_map(|name| [format!("{name}.png"), format!("{name}.svg")])
}

/// Draws all that `input` has data for; adds a sentence to `left_out` for everything else.
pub fn all(
    input: &Input,
    summary: &Summary,
    left_out: &mut Vec<String>,
) -> Result<Vec<Picture>, ReportError> {
    if summary.ranking.is_empty() {
        left_out.push("All plots: no trial of the plan has finished yet.".to_owned());
        return Ok(Vec::new());
    }
    let drawn = [
        ranking::picture(summary),
        search::picture(input, summary),
        transfer::picture(input, summary),
        learning_curve::picture(input, summary),
        curves::networks(input, summary),
        effects::picture(summary),
        confusion::picture(input, summary),
        predicted::picture(input, summary),
        curves::boosting(input, summary),
        bars::picture(input, summary),
    ];
    let mut pictures = Vec::new();
    for picture in drawn {
        match picture {
            Ok(picture) => pictures.push(picture),
            Err(Missing::Data(reason)) => left_out.push(reason),
            Err(Missing::NotAsked) => {}
            Err(Missing::Failed(error)) => return Err(error),
        }
    }
    Ok(pictures)
}
