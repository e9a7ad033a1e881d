//! `--seeds` and `--more-seeds`: seeds instead of, and beyond, those of the experiment file.

use std::collections::{HashMap, HashSet};

use sweep_analysis::{Configuration, Summary};
use sweep_core::format::pluralize;
use sweep_core::trial::{ConfigId, Kind};
use sweep_experiment::plan::{self, Plan};

use crate::app::App;
use crate::error::Error;
use crate::observer::{Notice, Observer};
use crate::prepare::{self, PreparedSweep};
use crate::run::{new_session, prior_progress};

/// Most seeds that `--seeds` and `--more-seeds` accept.
pub const MAX: u64 = 1000;

/// `--seeds 1..10` or `1,2,5` as a key set on top of the file.
pub fn setting(text: &str) -> Result<String, Error> {
    let refuse = |why: String| {
        let help = "give a range that includes both ends, as in 1..10, or a list, as in 1,2,5";
        Error::input(format!("--seeds {text}: {why}"), help)
    };
    let whole = |part: &str| {
        // Integers of experiment files are 64-bit signed.
        let number = part.trim().parse::<u64>().ok();
        let number = number.filter(|number| i64::try_from(*number).is_ok());
        let why = || {
            format!(
                "`{}` is not a whole number from 0 to {}",
                part.trim(),
                i64::MAX
            )
        };
        number.ok_or_else(|| refuse(why()))
    };
    let seeds: Vec<u64> = match text.split_once("..") {
        Some((first, last)) => {
            let (first, last) = (whole(first)?, whole(last)?);
            if last < first || last - first >= MAX {
                return Err(refuse(format!(
                    "the range is empty, or has more than {MAX} seeds"
                )));
            }
            (first..=last).collect()
        }
        None => text.split(',').map(whole).collect::<Result<_, _>>()?,
    };
    let mut seen = HashSet::new();
    if let Some(twice) = seeds.iter().find(|seed| !seen.insert(**seed)) {
        return Err(refuse(format!("seed {twice} is repeated")));
    }
    let seeds: Vec<String> = seeds.iter().map(ToString::to_string).collect();
    Ok(format!("experiment.seeds=[{}]", seeds.join(", ")))
}

/// Adds `number` seeds to the `top` best configurations, and to the best of each baseline: in the database, and in the
/// plan of `prepared`.
pub fn add(
    app: &App,
    observer: &dyn Observer,
    prepared: &mut PreparedSweep,
    number: usize,
    top: usize,
) -> Result<(), Error> {
    let name = prepared.loaded.experiment.name.clone();
    if prepared.plan.trials.is_empty() && !prepared.searches.is_empty() {
        let message =
            format!("the trials of sweep {name} are those of a search, which has seeds of its own");
        let help = "set `finish` in its table: { top = 8, trainings = 24 } trains the best with other seeds";
        return Err(Error::input(message, help));
    }
    let file = prepared.loaded.source.path.display().to_string();
    let left = match app.read_if_any()? {
        Some(store) => {
            let statuses = prior_progress::statuses(&store, &prepared.plan)?;
            plan::remaining(&prepared.plan, |id| statuses.get(id).copied(), |_| false).len()
        }
        None => prepared.plan.trials.len(),
    };
    if left > 0 {
        let message = format!(
            "{} of sweep {name} have no result yet, so the best configurations are not known",
            pluralize(left, "trial")
        );
        let help = format!("train them with `sweep run {file}` first");
        return Err(Error::input(message, &help));
    }
    let _lock = new_session::lock(app, &name)?;
    let mut store = app.write(observer)?;
    let record = store.experiment(&name)?;
    let chosen = match &record {
        Some(record) => choose(&Summary::of(record), &prepared.plan, top),
        None => Vec::new(),
    };
    if chosen.is_empty() {
        let message =
            format!("no configuration of sweep {name} has finished, so there is no best one");
        let help = format!("`sweep show {name}` shows why trials failed");
        return Err(Error::input(message, &help));
    }
    let added_seeds = plan::extra_seeds(&prepared.plan, &chosen, number);
    if added_seeds.is_empty() {
        let message = format!(
            "the best configurations of sweep {name} are deterministic: other seeds have the same result"
        );
        let help = "choose more configurations with `--top`";
        return Err(Error::input(message, help));
    }
    let mut extra = store.extra_seeds(&name)?;
    for (config, seeds) in &added_seeds {
        match extra.iter_mut().find(|(other, _)| other == config) {
            Some((_, known)) => known.extend(seeds),
            None => extra.push((config.clone(), seeds.clone())),
        }
    }
    store.set_extra_seeds(&name, &extra)?;
    let digests = prepare::digests(&prepared.folds);
    let added = prepared.plan.add_seeds(&added_seeds, &digests);
    let most = added_seeds
        .iter()
        .map(|(_, seeds)| seeds)
        .max_by_key(|seeds| seeds.len());
    observer.notice(&Notice::SeedsAdded {
        seeds: most.into_iter().flatten().copied().collect(),
        configurations: added_seeds.len(),
        trials: added,
    });
    Ok(())
}

/// The `top` best configurations of each kind of model that are still in `plan`, the best first: when trees lead, the
/// best networks get their seeds, too.
fn choose(summary: &Summary, plan: &Plan, top: usize) -> Vec<ConfigId> {
    let planned: HashSet<&ConfigId> = plan.trials.iter().map(|trial| &trial.config).collect();
    let mut taken: HashMap<Kind, usize> = HashMap::new();
    let mut is_chosen = |config: &&Configuration| {
        let of_kind = taken.entry(config.kind).or_default();
        let is_chosen = planned.contains(&config.id) && *of_kind < top;
        *of_kind += usize::from(is_chosen);
        is_chosen
    };
    let chosen = summary.ranking.iter().filter(|config| is_chosen(config));
    chosen.map(|config| config.id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_a_range_with_both_ends_or_a_list() {
        let set = |text| setting(text).unwrap();
        assert_eq!(set("1..4"), "experiment.seeds=[1, 2, 3, 4]");
        assert_eq!(set("7..7"), "experiment.seeds=[7]");
        assert_eq!(set("3, 1,20"), "experiment.seeds=[3, 1, 20]");
        for wrong in [
            "",
            "1..",
            "4..1",
            "0..1000",
            "a",
            "1,,2",
            "-1",
            "1..=3",
            "1.5",
            "1,1",
            "9223372036854775808",
        ] {
            let error = setting(wrong).err().unwrap();
            let message = error.to_string();
            assert!(message.contains(&format!("--seeds {wrong}:")), "{message}");
            assert!(error.help().contains("1..10"), "{message}");
        }
    }
}
