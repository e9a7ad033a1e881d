//! Programs as trials: their settings have any names, and any values.

use super::kind::{KindDef, Mark, Steps};

pub(super) static DEF: KindDef = KindDef {
    name: "program",
    label: "program",
    is_baseline: false,
    mark: Mark::Disc,
    color: (94, 60, 153),
    dark_color: (178, 158, 230),
    params: &[],
    is_open: true,
    steps: Steps {
        // An experiment file says which setting it is, if any.
        param: "",
        name: "step",
        has_curve: true,
    },
    of_no_model: &[],
    deterministic_if: None,
    library: None,
    is_batched: false,
};
