//! Settings that vary among the networks, and what each of their values did.

use std::collections::HashMap;

use super::configuration::Configuration;
use super::summary_stats::SummaryStats;
use sweep_core::named;
use sweep_core::trial::{Params, Value};
use sweep_store::TrialRecord;

/// A setting that takes more than one value.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    pub name: String,
    /// Numbers ascending, other values as they come.
    pub effects: Vec<Effect>,
}

/// What the objective was with one value of an axis, over everything else.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    pub value: Value,
    /// Mean objective of each configuration with this value, in ranking order.
    pub means: Vec<f64>,
    /// Of `means`; `None` when no such configuration has finished.
    pub stats: Option<SummaryStats>,
}

/// Keys that take more than one value, in the order of the keys.
pub(super) fn varying_keys<'a>(params: impl Iterator<Item = &'a Params>) -> Vec<String> {
    let mut keys: Vec<(&str, &Value, bool)> = Vec::new();
    for (key, value) in params.flatten() {
        match keys.iter_mut().find(|(name, _, _)| name == key) {
            Some((_, first, varies)) => *varies |= *first != value,
            None => keys.push((key, value, false)),
        }
    }
    keys.into_iter()
        .filter(|(_, _, varies)| *varies)
        .map(|(key, _, _)| key.to_owned())
        .collect()
}

/// Every setting that varies among the planned networks, with what each value did.
pub(super) fn axes(planned: &[&TrialRecord], ranking: &[Configuration]) -> Vec<Axis> {
    let networks = || planned.iter().filter(|trial| !trial.kind.is_baseline());
    let ranked = || ranking.iter().filter(|config| !config.kind.is_baseline());
    varying_keys(networks().map(|trial| &trial.params))
        .into_iter()
        .map(|name| {
            let value_of =
                |params: &'_ Params| -> Option<Value> { named::value_of(params, &name).cloned() };
            // Sought by what tells it apart: there may be as many values as configurations.
            let key = |value: &Value| format!("{} {value}", value.type_name());
            let mut places: HashMap<String, usize> = HashMap::new();
            let mut effects: Vec<Effect> = Vec::new();
            for value in networks().filter_map(|trial| value_of(&trial.params)) {
                places.entry(key(&value)).or_insert_with(|| {
                    effects.push(Effect {
                        value,
                        means: Vec::new(),
                        stats: None,
                    });
                    effects.len() - 1
                });
            }
            for config in ranked() {
                let place = value_of(&config.params).and_then(|value| places.get(&key(&value)));
                if let Some(place) = place {
                    effects[*place].means.push(config.stats.mean);
                }
            }
            for effect in &mut effects {
                effect.stats = SummaryStats::of(&effect.means);
            }
            if effects.iter().all(|effect| effect.value.as_f64().is_some()) {
                let number = |effect: &Effect| effect.value.as_f64().unwrap_or(f64::NAN);
                effects.sort_by(|a, b| number(a).total_cmp(&number(b)));
            }
            Axis { effects, name }
        })
        .collect()
}
