//! `[search]`: what is searched, how, and how long. What it lets through is valid by construction.

mod constraint;
mod metrics;
mod points;
mod read_space;
mod settings;
mod space;

pub use constraint::{Constraint, Measured};
pub use metrics::PARAMETERS;
pub use settings::{Budget, Finish, Method, Rungs};
pub use space::{Activity, Coordinate, Domain, RangeAxis, SearchSpace};

use metrics::measured_at_each_step;
use settings::{MAX_STEPS, budget, finish, rungs, whole};

use super::diagnostic::{Diagnostic, Place, Problems};
use super::head;
use super::node::Node;
use super::program;
use super::search_keys;
use super::table::{Table, seed};
use sweep_core::data_config::Edition;
use sweep_core::trial::{Goal, Kind, Objective};

/// Most virtual workers.
const MAX_WIDTH: i64 = 1024;
/// Virtual workers when the file says nothing.
const DEFAULT_WIDTH: usize = 8;
/// Full trainings when the file says nothing.
const DEFAULT_TRAININGS: f64 = 50.0;
/// Most objectives: the volume below a front of more is not computed.
const MAX_OBJECTIVES: usize = 3;

/// A search over the settings of one kind of model.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchSpec {
    pub method: Method,
    pub seed: u64,
    /// Virtual workers: how many jobs are decided on before the first of them has a result.
    pub width: usize,
    pub budget: Budget,
    pub rungs: Rungs,
    pub finish: Option<Finish>,
    /// Empty for that of the experiment alone; otherwise that one comes first.
    pub objectives: Vec<Objective>,
    pub constraints: Vec<Constraint>,
    pub space: SearchSpace,
    /// Points that come first, in file order.
    pub enqueue: Vec<Vec<Coordinate>>,
    /// Dotted path of its table: `search`, `baseline[0].search`.
    pub path: String,
    place: Place,
}

/// Reads the search of models of a `kind` whose fixed settings are `model`; `None` if it was refused.
pub(super) fn read(
    (kind, edition): (Kind, Edition),
    (model_path, model): (&str, Option<&Node>),
    (path, node): (&str, &Node),
    objective: Option<&Objective>,
    problems: &mut Problems,
) -> Option<SearchSpec> {
    let table = Table::open(node, path, search_keys::SEARCH, problems)?;
    let space = match table.get("space") {
        Some(at) => read_space::read(
            (kind, edition),
            (model_path, model),
            (&format!("{path}.space"), at),
            problems,
        ),
        None => {
            problems.add(
                Diagnostic::new(table.place(), format!("`{path}` has no `space`"))
                    .help("add a table of what is searched, such as space = { lr = { log = [1e-4, 1e-1] } }"),
            );
            None
        }
    };
    let method = table.read("method", problems, |node| {
        let text = node.text().ok_or(node)?;
        let mut all = Method::ALL.into_iter();
        all.find(|method| method.name() == text).ok_or(node)
    });
    let search_seed = table.read("seed", problems, seed);
    let width = table.read("width", problems, |node| whole(node, 1, MAX_WIDTH));
    let budget = table
        .get("budget")
        .and_then(|at| budget(at, path, problems));
    let rungs = table
        .get("rungs")
        .and_then(|at| rungs(at, &table, problems));
    let finish = table
        .get("finish")
        .and_then(|at| finish(at, path, problems));
    let objectives = objectives(&table, kind, objective, problems);
    let space = space?;
    let constraints = constraint::read(&table, &space, objective, problems);
    let enqueue = match table.get("enqueue") {
        Some(at) => points::read(&space, at, &format!("{path}.enqueue"), problems),
        None => Vec::new(),
    };
    Some(SearchSpec {
        method: method.unwrap_or(Method::Auto),
        seed: search_seed.unwrap_or(1),
        width: width.map_or(DEFAULT_WIDTH, |width| width as usize),
        budget: budget.unwrap_or(Budget::Trainings(DEFAULT_TRAININGS)),
        rungs: rungs.unwrap_or(Rungs::Default),
        finish,
        objectives,
        constraints,
        space,
        enqueue,
        path: path.to_owned(),
        place: table.place().clone(),
    })
}

impl SearchSpec {
    /// Has trials run to their end, since it is not known at which steps they could pause; reports what asks for steps.
    pub(super) fn run_whole_trials(&mut self, problems: &mut Problems) {
        const HELP: &str = "name the setting that is the number of steps in [program], such as `steps = \"epochs\"`";
        let asks = match (&self.rungs, self.budget) {
            (Rungs::Ladder { .. } | Rungs::Steps(_), _) => Some("rungs"),
            (_, Budget::Epochs(_)) => Some("budget = { epochs }"),
            _ => None,
        };
        if let Some(key) = asks {
            problems.add(
                Diagnostic::new(
                    &self.place,
                    format!(
                        "`{key}` of `{}` counts steps of the program, of which nothing is known",
                        self.path
                    ),
                )
                .help(HELP),
            );
        }
        self.rungs = Rungs::Off;
    }
}

/// Checks what searches and other parts of a file at `root` ask of each other.
pub(super) fn check(
    root: &Node,
    searches: &[SearchSpec],
    has_learning_curve: bool,
    has_folds: bool,
    problems: &mut Problems,
) {
    let Some(search) = searches.first() else {
        return;
    };
    let at = |table: &str| root.entry(table).map(|entry| &entry.key_place);
    let own = search.path.split(['.', '[']).next().unwrap_or_default();
    let Some(place) = at(own) else {
        return;
    };
    if has_folds {
        problems.add(
            Diagnostic::new(place, "a search cannot be cross-validated")
                .help("remove `folds` from `split`, and run the best configurations with folds in a grid afterwards"),
        );
    }
    if has_learning_curve {
        problems.add(
            Diagnostic::new(place, "a search has no learning curve")
                .help("remove `learning_curve`, and run it on the best configuration afterwards"),
        );
    }
    if let Some(transfer) = at("transfer") {
        problems.add(
            Diagnostic::new(transfer, "transfers are not searched")
                .help("remove [transfer], or write the space as a [grid]"),
        );
    }
    for search in searches {
        let Some(steps) = search.space.grid.base.steps_param() else {
            continue;
        };
        let keys = (0..search.space.dimensions()).flat_map(|at| search.space.keys(at));
        let is_searched = keys.into_iter().any(|key| key == steps);
        if is_searched && search.rungs.steps(search.method, MAX_STEPS as u32).len() > 1 {
            let path = search.path.split(['.', '[']).next().unwrap_or_default();
            let place = at(path).unwrap_or(place);
            problems.add(
                Diagnostic::new(
                    place,
                    format!("`{steps}` is searched, so that trials cannot pause at the same steps"),
                )
                .help(format!(
                    "fix `{steps}`, or set `rungs = false` in `{}`",
                    search.path
                )),
            );
        }
    }
}

/// The objectives of a search that has several, that of the experiment first.
fn objectives(
    table: &Table<'_>,
    kind: Kind,
    own: Option<&Objective>,
    problems: &mut Problems,
) -> Vec<Objective> {
    let Some(node) = table.get("objectives") else {
        return Vec::new();
    };
    let Some(items) = node
        .items()
        .filter(|items| (1..=MAX_OBJECTIVES).contains(&items.len()))
    else {
        table.refuse("objectives", node, problems);
        return Vec::new();
    };
    let mut found: Vec<Objective> = Vec::new();
    let parameters = Objective {
        metric: PARAMETERS.to_owned(),
        goal: Goal::Min,
    };
    let path = format!("{}.objectives", table.path);
    for item in items {
        let others = std::slice::from_ref(&parameters);
        let read = match kind.is_open() {
            false => head::objective_at(item, &path, others, problems),
            true if own.is_some_and(|own| item.text() == Some(&own.metric)) => own.cloned(),
            // Any metric that the program reports.
            true => program::objective(item, &path, problems).map(|(objective, _)| objective),
        };
        let Some(objective) = read else {
            continue;
        };
        if found.iter().any(|other| other.metric == objective.metric) {
            let message = format!("`{}` occurs twice in `{path}`", objective.metric);
            problems.add(Diagnostic::new(&item.place, message).label("again here"));
            continue;
        }
        found.push(objective);
    }
    for (at, item) in items.iter().enumerate().skip(1) {
        if let Some(further) = found.get(at).filter(|_| !kind.is_open()) {
            measured_at_each_step(&further.metric, own, item, problems);
        }
    }
    if let (Some(first), Some(own), Some(at)) = (found.first(), own, items.first())
        && first != own
    {
        problems.add(
            Diagnostic::new(
                &at.place,
                format!(
                    "the first objective of a search is that of the experiment, `{}`",
                    own.metric
                ),
            )
            .help("put it first, or change `objective` of [experiment]"),
        );
    }
    found
}

#[cfg(test)]
mod tests;
