//! What a search says of its method and its costs: `method`, `budget`, `rungs` and `finish`.

use std::time::Duration;

use super::super::diagnostic::{Diagnostic, Problems};
use super::super::node::{Content, Node};
use super::super::table::{Table, must_be, number, unknown_key};
use super::super::units::duration;

/// Most trials, trainings or jobs that a search may have.
const MAX_TRAININGS: f64 = 100_000.0;
/// Fraction by which halving reduces the number of trials when the file says nothing.
const DEFAULT_ETA: u32 = 3;
/// Rungs when the file says nothing, that of the last step among them, and most of them.
const DEFAULT_RUNGS: usize = 4;
const MAX_RUNGS: usize = 32;
/// Most steps of a training that a rung can name.
pub(super) const MAX_STEPS: i64 = 1_000_000;

/// What proposes trials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Auto,
    Gp,
    Tpe,
    Random,
    Sobol,
    Asha,
}

/// What ends a search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Budget {
    /// Full trainings: as much training as so many trials take that are trained to their last step.
    Trainings(f64),
    /// Epochs, rounds or trees.
    Epochs(u64),
    /// Different trials, whatever they cost.
    Trials(u64),
    /// Time of a session. It decides nothing: another session continues.
    Time(Duration),
}

/// The steps at which trials pause until it is known whether they are worth more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rungs {
    /// What is usual for the method.
    Default,
    /// Trials do not pause.
    Off,
    /// From `first` (`None` is what is usual) by a factor of about `eta` to the last step.
    Ladder { first: Option<u32>, eta: u32 },
    /// These steps, ascending; the last step of a trial comes after them.
    Steps(Vec<u32>),
}

/// Further trainings of the best trials with other seeds, fewer and fewer of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finish {
    /// How many trials take part at first.
    pub top: u32,
    /// How many trainings there are in all.
    pub trainings: u32,
}

impl Method {
    pub const ALL: [Method; 6] = [
        Method::Auto,
        Method::Gp,
        Method::Tpe,
        Method::Random,
        Method::Sobol,
        Method::Asha,
    ];

    /// Its name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Method::Auto => "auto",
            Method::Gp => "gp",
            Method::Tpe => "tpe",
            Method::Random => "random",
            Method::Sobol => "sobol",
            Method::Asha => "asha",
        }
    }

    /// Whether its trials pause unless the file says otherwise.
    pub fn pauses(self) -> bool {
        matches!(self, Method::Auto | Method::Asha)
    }
}

impl Rungs {
    /// The steps of a trial of `last` steps at which it pauses, and `last` itself.
    pub fn steps(&self, method: Method, last: u32) -> Vec<u32> {
        let (first, eta) = match self {
            Rungs::Off => return vec![last],
            Rungs::Default if !method.pauses() => return vec![last],
            Rungs::Default => (None, DEFAULT_ETA),
            Rungs::Ladder { first, eta } => (*first, *eta),
            Rungs::Steps(steps) => {
                let below = steps.iter().copied().filter(|step| *step < last);
                return below.chain([last]).collect();
            }
        };
        // A rung is the last step divided by a power of `eta`, so that the last one promotes like the others.
        let most = first.map_or(DEFAULT_RUNGS, |_| MAX_RUNGS);
        let mut steps = vec![last];
        let mut divisor = f64::from(eta);
        while steps.len() < most {
            let step = (f64::from(last) / divisor).round() as u32;
            if step < first.unwrap_or(1) {
                break;
            }
            if Some(&step) != steps.last() {
                steps.push(step);
            }
            divisor *= f64::from(eta);
        }
        steps.reverse();
        steps
    }

    /// The factor by which the number of trials falls from rung to rung.
    pub fn eta(&self) -> u32 {
        match self {
            Rungs::Ladder { eta, .. } => *eta,
            Rungs::Default | Rungs::Off | Rungs::Steps(_) => DEFAULT_ETA,
        }
    }
}

pub(super) fn whole(node: &Node, least: i64, most: i64) -> Result<i64, &Node> {
    match node.content {
        Content::Int(int) if (least..=most).contains(&int) => Ok(int),
        _ => Err(node),
    }
}

/// The single entry of a table, or its several ones in the order of `names`; reports what else is there.
fn entries<'a>(
    node: &'a Node,
    path: &str,
    names: &'static [&'static str],
    allowed: &str,
    problems: &mut Problems,
) -> Option<Vec<Option<&'a Node>>> {
    let Some(entries) = node.entries().filter(|entries| !entries.is_empty()) else {
        must_be(path, allowed, node, problems);
        return None;
    };
    for entry in entries {
        if !names.contains(&entry.key.as_str()) {
            unknown_key(entry, path, names.iter().copied(), problems);
            return None;
        }
    }
    let values = names
        .iter()
        .map(|name| node.entry(name).map(|entry| &entry.value));
    Some(values.collect())
}

pub(super) fn budget(node: &Node, path: &str, problems: &mut Problems) -> Option<Budget> {
    const ALLOWED: &str = "a table with one of the keys `trainings`, `epochs`, `trials` and `time`, such as \
                           { trainings = 50 }";
    const NAMES: [&str; 4] = ["trainings", "epochs", "trials", "time"];
    let path = format!("{path}.budget");
    let given = entries(node, &path, &NAMES, ALLOWED, problems)?;
    if given.iter().flatten().count() > 1 {
        must_be(&path, ALLOWED, node, problems);
        return None;
    }
    let at = given.iter().position(Option::is_some)?;
    let value = given[at]?;
    let number = number(value).ok();
    let whole = number.filter(|number| number.fract() == 0.0 && *number >= 1.0);
    let (budget, allowed) = match NAMES[at] {
        "trainings" => (
            number
                .filter(|number| (1.0..=MAX_TRAININGS).contains(number))
                .map(Budget::Trainings),
            "a number from 1 to 100000",
        ),
        "epochs" => (
            whole.map(|number| Budget::Epochs(number as u64)),
            "an integer from 1: epochs of networks, rounds or trees of other models",
        ),
        "trials" => (
            whole
                .filter(|number| *number <= MAX_TRAININGS)
                .map(|number| Budget::Trials(number as u64)),
            "an integer from 1 to 100000",
        ),
        _ => (
            value.text().and_then(duration).map(Budget::Time),
            "a duration above 0, such as \"30m\" or \"2h\"",
        ),
    };
    if budget.is_none() {
        must_be(&format!("{path}.{}", NAMES[at]), allowed, value, problems);
    }
    budget
}

pub(super) fn rungs(node: &Node, table: &Table<'_>, problems: &mut Problems) -> Option<Rungs> {
    const NAMES: [&str; 2] = ["first", "eta"];
    let refuse = |at: &Node, problems: &mut Problems| table.refuse("rungs", at, problems);
    match &node.content {
        Content::Bool(false) => Some(Rungs::Off),
        Content::List(items) => {
            let steps: Result<Vec<i64>, &Node> =
                items.iter().map(|item| whole(item, 1, MAX_STEPS)).collect();
            match steps {
                Ok(steps) if !steps.is_empty() && steps.windows(2).all(|two| two[0] < two[1]) => {
                    Some(Rungs::Steps(
                        steps.iter().map(|step| *step as u32).collect(),
                    ))
                }
                Ok(_) => {
                    refuse(node, problems);
                    None
                }
                Err(at) => {
                    refuse(at, problems);
                    None
                }
            }
        }
        Content::Table(_) => {
            let path = format!("{}.rungs", table.path);
            let given = entries(
                node,
                &path,
                &NAMES,
                "a table such as { first = 1, eta = 3 }",
                problems,
            )?;
            let mut read = |at: usize, least: i64, most: i64, allowed: &str| {
                let value = given[at]?;
                let number = whole(value, least, most).ok();
                if number.is_none() {
                    must_be(&format!("{path}.{}", NAMES[at]), allowed, value, problems);
                }
                number.map(|number| number as u32)
            };
            let first = read(
                0,
                1,
                MAX_STEPS,
                "an integer from 1: the first step at which trials pause",
            );
            let eta = read(1, 2, 16, "an integer from 2 to 16");
            Some(Rungs::Ladder {
                first,
                eta: eta.unwrap_or(DEFAULT_ETA),
            })
        }
        _ => {
            refuse(node, problems);
            None
        }
    }
}

pub(super) fn finish(node: &Node, path: &str, problems: &mut Problems) -> Option<Finish> {
    const NAMES: [&str; 2] = ["top", "trainings"];
    const ALLOWED: &str = "a table such as { top = 32, trainings = 160 }";
    let path = format!("{path}.finish");
    let given = entries(node, &path, &NAMES, ALLOWED, problems)?;
    let mut read = |at: usize, least: i64| {
        let Some(value) = given[at] else {
            problems.add(
                Diagnostic::new(&node.place, format!("`{path}` has no `{}`", NAMES[at]))
                    .help(format!("it must be {ALLOWED}")),
            );
            return None;
        };
        let number = whole(value, least, MAX_TRAININGS as i64).ok();
        if number.is_none() {
            let allowed = format!("an integer from {least} to 100000");
            must_be(&format!("{path}.{}", NAMES[at]), &allowed, value, problems);
        }
        number.map(|number| number as u32)
    };
    let (top, trainings) = (read(0, 2), read(1, 1));
    Some(Finish {
        top: top?,
        trainings: trainings?,
    })
}
