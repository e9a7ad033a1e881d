//! `--seeds` and `--more-seeds`: with which replicate seeds configurations are trained, beyond what the file says.

use std::collections::HashSet;

use super::context::store_failure;
use super::prepare::Ready;
use super::{Context, Failure, run};
use sweep_analysis::{Configuration, Summary};
use sweep_core::format::pluralize;
use sweep_core::trial::{ConfigId, DataDigest};
use sweep_experiment::plan::{self, Plan};

/// Most seeds that `--seeds` and `--more-seeds` take.
pub const MOST: u64 = 1000;

/// `--seeds 1..10` or `1,2,5` as a key set on top of the file.
pub fn setting(text: &str) -> Result<String, Failure> {
    let refuse = |why: String| {
        let help = "give a range with both ends in it, as in 1..10, or a list, as in 1,2,5";
        Failure::input(format!("--seeds {text}: {why}"), help)
    };
    let whole = |part: &str| {
        // Experiment files hold integers of 64 bits with a sign.
        let number = part.trim().parse::<u64>().ok();
        let number = number.filter(|number| i64::try_from(*number).is_ok());
        let why = || {
            format!(
                "`{}` is no whole number from 0 to {}",
                part.trim(),
                i64::MAX
            )
        };
        number.ok_or_else(|| refuse(why()))
    };
    let seeds: Vec<u64> = match text.split_once("..") {
        Some((first, last)) => {
            let (first, last) = (whole(first)?, whole(last)?);
            if last < first || last - first >= MOST {
                return Err(refuse(format!("it holds no seed, or more than {MOST}")));
            }
            (first..=last).collect()
        }
        None => text.split(',').map(whole).collect::<Result<_, _>>()?,
    };
    let mut seen = HashSet::new();
    if let Some(twice) = seeds.iter().find(|seed| !seen.insert(**seed)) {
        return Err(refuse(format!("seed {twice} stands twice")));
    }
    let seeds: Vec<String> = seeds.iter().map(ToString::to_string).collect();
    Ok(format!("experiment.seeds=[{}]", seeds.join(", ")))
}

/// Adds to `plan` the further seeds that the record has for the experiment called `name`.
pub fn add_recorded(
    context: &Context,
    name: &str,
    plan: &mut Plan,
    data: &DataDigest,
) -> Result<(), Failure> {
    if let Some(store) = context.read_if_any()? {
        let further = store.extra_seeds(name).map_err(store_failure)?;
        plan.add_seeds(&further, data);
    }
    Ok(())
}

/// Gives the `top` best configurations of the record, and the best of each baseline, `number` further seeds: in the
/// record, and in the plan of `ready`.
pub fn spend(
    context: &Context,
    ready: &mut Ready,
    number: usize,
    top: usize,
) -> Result<(), Failure> {
    let name = ready.checked.experiment.name.clone();
    let file = ready.checked.source.path.display().to_string();
    let left = match context.read_if_any()? {
        Some(store) => {
            let statuses = run::statuses(&store, &ready.plan)?;
            plan::remaining(&ready.plan, |id| statuses.get(id).copied(), |_| false).len()
        }
        None => ready.plan.trials.len(),
    };
    if left > 0 {
        let message = format!(
            "{} of sweep {name} have no result yet: which configurations are the best is not known",
            pluralize(left, "trial")
        );
        let help = format!("train them with `sweep run {file}`, then spend more seeds");
        return Err(Failure::input(message, &help));
    }
    let _lock = run::lock(context, &name)?;
    let mut store = context.write()?;
    let record = store.experiment(&name).map_err(store_failure)?;
    let chosen = match &record {
        Some(record) => choose(&Summary::of(record), &ready.plan, top),
        None => Vec::new(),
    };
    if chosen.is_empty() {
        let message =
            format!("no configuration of sweep {name} has finished: there is no best one");
        let help = format!("`sweep show {name}` says why trials failed");
        return Err(Failure::input(message, &help));
    }
    let spent = plan::extra_seeds(&ready.plan, &chosen, number);
    let mut further = store.extra_seeds(&name).map_err(store_failure)?;
    for (config, seeds) in &spent {
        match further.iter_mut().find(|(other, _)| other == config) {
            Some((_, known)) => known.extend(seeds),
            None => further.push((config.clone(), seeds.clone())),
        }
    }
    store
        .set_extra_seeds(&name, &further)
        .map_err(store_failure)?;
    let added = ready.plan.add_seeds(&spent, &ready.data.meta.digest);
    let most = spent
        .iter()
        .map(|(_, seeds)| seeds)
        .max_by_key(|seeds| seeds.len());
    let seeds: Vec<String> = most
        .into_iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    context.note(&format!(
        "further seeds {} for {}: {}",
        seeds.join(", "),
        pluralize(chosen.len(), "configuration"),
        pluralize(added, "trial"),
    ));
    Ok(())
}

/// The `top` best configurations that `plan` still asks for, and the best of each baseline.
fn choose(summary: &Summary, plan: &Plan, top: usize) -> Vec<ConfigId> {
    let planned: HashSet<&ConfigId> = plan.trials.iter().map(|trial| &trial.config).collect();
    let is_planned = |config: &&Configuration| planned.contains(&config.id);
    let best = summary.best(top).into_iter().filter(is_planned);
    best.map(|config| config.id.clone()).collect()
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
            let message = setting(wrong).err().unwrap().to_string();
            assert!(message.contains(&format!("--seeds {wrong}:")), "{message}");
            assert!(message.contains("1..10"), "{message}");
        }
    }
}
