//! Every plot of a report. A plot without data is left out, and the report states why.

mod bars;
pub(super) mod canvas;
mod confusion;
mod curves;
mod effects;
pub(super) mod frame;
mod growth;
pub(super) mod legend;
pub(super) mod lettering;
mod ranking;
pub(super) mod style;
mod transfer;

pub use canvas::Picture;

use plotters::backend::DrawingBackend;

use super::{Input, ReportError, text};
use canvas::{Canvas, Drawn};
use lettering::Type;
use style::{INK, MARGIN, TITLE};
use sweep_analysis::{Configuration, Summary};
use sweep_core::trial::Kind;

const CURVES: &str = "learning_curves";
const GROWTH: &str = "learning_curve";
const TRANSFER: &str = "transfer";
const RANKING: &str = "best_runs";
const EFFECTS: &str = "axes";
const CONFUSION: &str = "confusion";
const BOOSTING: &str = "xgboost_curve";
const IMPORTANCE: &str = "importance";

/// Room for the title above a plot.
pub(super) const HEAD: i32 = 100;

/// Files that [`all`] may give.
pub fn names() -> impl Iterator<Item = String> {
    [
        CURVES, GROWTH, TRANSFER, RANKING, EFFECTS, CONFUSION, BOOSTING, IMPORTANCE,
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
        transfer::picture(input, summary),
        growth::picture(input, summary),
        curves::networks(input, summary),
        effects::picture(summary),
        confusion::picture(input, summary),
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

/// Why there is no picture.
enum Missing {
    /// The record lacks something that the experiment should have given.
    Data(String),
    /// The experiment has nothing of the kind.
    NotAsked,
    Failed(ReportError),
}

impl From<ReportError> for Missing {
    fn from(error: ReportError) -> Missing {
        Missing::Failed(error)
    }
}

/// The title of a plot, at the top left.
pub(super) fn title<B: DrawingBackend>(
    canvas: &Canvas<'_, B>,
    title: &str,
    width: i32,
) -> Drawn<B> {
    let kind = Type::new(TITLE, INK).bold();
    let text = kind.fit(title, width - 2 * MARGIN);
    canvas.text(&text, (MARGIN, MARGIN + 22), kind)
}

/// Whether any trial of `kind` has finished.
fn has(summary: &Summary, kind: Kind) -> bool {
    summary.best_of(kind).is_some()
}

/// Kind and settings of a configuration with its place among all.
fn ranked_title(summary: &Summary, config: &Configuration) -> String {
    let place = summary.rank(config);
    text::sanitize(&format!("#{place} {}", config.title()))
}
