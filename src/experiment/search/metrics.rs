//! What a search can ask of a trial: metrics that are measured at each step, and the number of parameters.

use super::super::diagnostic::{Diagnostic, Problems};
use super::super::node::Node;
use sweep_core::trial::{METRICS, MetricDef, Objective};

/// The number of parameters of a model, known before it is trained.
pub const PARAMETERS: &str = "parameters";

/// Reports a metric at `node` that is measured at the best step of a finished trial alone: a search compares trials that
/// have paused.
pub(super) fn measured_at_each_step(
    metric: &str,
    own: Option<&Objective>,
    node: &Node,
    problems: &mut Problems,
) {
    let is_cheap = MetricDef::of(metric).is_none_or(|(def, _)| def.is_cheap);
    if is_cheap || own.is_some_and(|own| own.metric == metric) {
        return;
    }
    let cheap = METRICS
        .iter()
        .filter(|def| def.is_cheap)
        .map(MetricDef::pattern);
    let cheap: Vec<String> = cheap.collect();
    problems.add(
        Diagnostic::new(
            &node.place,
            format!("`{metric}` is not measured at each step, as a search needs it"),
        )
        .help(format!(
            "measured at each step are {}, and the objective of [experiment]",
            cheap.join(", ")
        )),
    );
}
