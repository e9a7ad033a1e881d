//! `--seeds` and `--more-seeds`: with which replicate seeds configurations are trained, beyond what the file says.

use std::collections::HashSet;

use sweep_analysis::{Configuration, Summary};
use sweep_core::format::pluralize;
use sweep_core::trial::ConfigId;
use sweep_experiment::plan::{self, Plan};

use crate::app::App;
use crate::error::Error;
use crate::observer::{Notice, Observer};
use crate::prepare::PreparedSweep;
use crate::run::record;

/// Most seeds that `--seeds` and `--more-seeds` take.
pub const MOST: u64 = 1000;

/// `--seeds 1..10` or `1,2,5` as a key set on top of the file.
pub fn setting(text: &str) -> Result<String, Error> {
    let refuse = |why: String| {
        let help = "give a range with both ends in it, as in 1..10, or a list, as in 1,2,5";
        Error::input(format!("--seeds {text}: {why}"), help)
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

/// Gives the `top` best configurations of the record, and the best of each baseline, `number` further seeds: in the
/// record, and in the plan of `prepared`.
pub fn add(
    app: &App,
    observer: &dyn Observer,
    prepared: &mut PreparedSweep,
    number: usize,
    top: usize,
) -> Result<(), Error> {
    let name = prepared.loaded.experiment.name.clone();
    let file = prepared.loaded.source.path.display().to_string();
    let left = match app.read_if_any()? {
        Some(store) => {
            let statuses = record::statuses(&store, &prepared.plan)?;
            plan::remaining(&prepared.plan, |id| statuses.get(id).copied(), |_| false).len()
        }
        None => prepared.plan.trials.len(),
    };
    if left > 0 {
        let message = format!(
            "{} of sweep {name} have no result yet: which configurations are the best is not known",
            pluralize(left, "trial")
        );
        let help = format!("train them with `sweep run {file}`, then spend more seeds");
        return Err(Error::input(message, &help));
    }
    let _lock = record::lock(app, &name)?;
    let mut store = app.write(observer)?;
    let record = store.experiment(&name)?;
    let chosen = match &record {
        Some(record) => choose(&Summary::of(record), &prepared.plan, top),
        None => Vec::new(),
    };
    if chosen.is_empty() {
        let message =
            format!("no configuration of sweep {name} has finished: there is no best one");
        let help = format!("`sweep show {name}` says why trials failed");
        return Err(Error::input(message, &help));
    }
    let spent = plan::extra_seeds(&prepared.plan, &chosen, number);
    let mut further = store.extra_seeds(&name)?;
    for (config, seeds) in &spent {
        match further.iter_mut().find(|(other, _)| other == config) {
            Some((_, known)) => known.extend(seeds),
            None => further.push((config.clone(), seeds.clone())),
        }
    }
    store.set_extra_seeds(&name, &further)?;
    let added = prepared.plan.add_seeds(&spent, &prepared.data.meta.digest);
    let most = spent
        .iter()
        .map(|(_, seeds)| seeds)
        .max_by_key(|seeds| seeds.len());
    observer.notice(&Notice::SeedsAdded {
        seeds: most.into_iter().flatten().copied().collect(),
        configurations: chosen.len(),
        trials: added,
    });
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
            let error = setting(wrong).err().unwrap();
            let message = error.to_string();
            assert!(message.contains(&format!("--seeds {wrong}:")), "{message}");
            assert!(error.help().contains("1..10"), "{message}");
        }
    }
}
