//! What there is to say of models that are ranked by losses of different kinds.

use sweep_analysis::Summary;

/// That the models of `summary` cannot be compared by what they are ranked by, and what to do; `None` where they can.
pub fn warning(summary: &Summary) -> Option<String> {
    let why = summary.incomparable()?;
    Some(format!(
        "configurations cannot be compared by {}, the loss that each is trained with: {why}. Set `objective` in \
         [experiment] to `valid/rmse`, `valid/mae` or another metric that is the same for all",
        summary.objective.metric
    ))
}
