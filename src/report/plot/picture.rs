//! What every plot has: a name, a title, and a reason where it is missing.

use plotters::backend::DrawingBackend;
use sweep_analysis::text;

use super::canvas::{Canvas, Drawn};
use super::lettering::Type;
use super::style::{INK, MARGIN, TITLE};
use crate::ReportError;
use sweep_analysis::{Configuration, Summary};

pub(super) const CURVES: &str = "learning_curves";
pub(super) const LEARNING_CURVE: &str = "learning_curve";
pub(super) const TRANSFER: &str = "transfer";
pub(super) const RANKING: &str = "best_trials";
pub(super) const EFFECTS: &str = "axes";
pub(super) const CONFUSION: &str = "confusion";
pub(super) const PREDICTED: &str = "predicted";
pub(super) const BOOSTING: &str = "xgboost_curve";
pub(super) const IMPORTANCE: &str = "importance";
pub(super) const SEARCH: &str = "search";

/// Space for the title above a plot.
pub(crate) const HEAD: i32 = 100;

/// Why there is no picture.
pub(super) enum Missing {
    /// The database lacks something that the experiment should have given.
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
pub(crate) fn title<B: DrawingBackend>(
    canvas: &Canvas<'_, B>,
    title: &str,
    width: i32,
) -> Drawn<B> {
    let kind = Type::new(TITLE, INK).bold();
    let text = kind.fit(title, width - 2 * MARGIN);
    canvas.text(&text, (MARGIN, MARGIN + 22), kind)
}

/// Whether any model of `[model]` has finished.
pub(super) fn has_networks(summary: &Summary) -> bool {
    let mut ranking = summary.ranking.iter();
    ranking.any(|config| !config.kind.is_baseline())
}

/// Kind and settings of a configuration with its place among all.
pub(super) fn ranked_title(summary: &Summary, config: &Configuration) -> String {
    let rank = summary.rank_label(config);
    text::sanitize(&format!("#{rank} {}", config.title()))
}
