//! What tells trials of one kind apart, in a few words.

use std::collections::HashMap;

use super::axes::varying_keys;
use super::text;
use sweep_core::trial::{Kind, Params, TrialId};

/// The settings in which each trial differs from others of its kind, by trial.
pub fn labels<'a>(
    trials: impl Iterator<Item = (&'a TrialId, Kind, &'a Params)> + Clone,
) -> HashMap<TrialId, String> {
    let mut varying = HashMap::new();
    for kind in Kind::all() {
        let of_kind = trials.clone().filter(|(_, other, _)| *other == kind);
        varying.insert(kind, varying_keys(of_kind.map(|(_, _, params)| params)));
    }
    trials
        .map(|(id, kind, params)| (id.clone(), text::settings(params, &varying[&kind])))
        .collect()
}
