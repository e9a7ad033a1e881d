//! Which search spaces an experiment has, and that all together stay within bounds.

use super::diagnostic::{Diagnostic, Place, Problems, listed, nearest};
use super::draft::{self, Draft};
use super::keys;
use super::node::Node;
use super::program::ProgramTable;
use super::search::{self, SearchSpec};
use super::space::MAX_TRIALS;
use super::table::must_be;
use sweep_core::data_config::Edition;
use sweep_core::trial::{Kind, Objective};

/// The space of the networks; none when the file has baselines and neither [model] nor [grid].
fn networks<'a>(
    model: Option<&'a Node>,
    grid: Option<&'a Node>,
    edition: Edition,
    problems: &mut Problems,
) -> Option<Draft<'a>> {
    if model.is_none() && grid.is_none() {
        return None;
    }
    Some(draft::read(
        (Kind::MLP, edition),
        ("model", model),
        ("grid", grid),
        problems,
    ))
}

/// The spaces of an experiment.
pub(super) struct Read<'a> {
    pub networks: Option<Draft<'a>>,
    pub baselines: Vec<Draft<'a>>,
    /// In place of the grids above: that of the networks first.
    pub searches: Vec<SearchSpec>,
}

/// The spaces of networks and baselines by [model], [grid], [search] and [[baseline]], in this order.
pub(super) fn read<'a>(
    given: [Option<&'a Node>; 4],
    start: &Place,
    (edition, objective): (Edition, Option<&Objective>),
    problems: &mut Problems,
) -> Read<'a> {
    if edition >= Edition::Fourth && given.iter().all(Option::is_none) {
        let (networks, baselines) = of_no_model(edition, problems);
        return Read {
            networks,
            baselines,
            searches: Vec::new(),
        };
    }
    let [model, grid, search, baseline] = given;
    let mut read = Read {
        networks: None,
        baselines: Vec::new(),
        searches: Vec::new(),
    };
    match (search, grid) {
        (Some(search), Some(_)) => problems.add(
            Diagnostic::new(&search.place, "networks have either a grid or a search")
                .help("move the axes of [grid] to [search.space]"),
        ),
        (Some(search), None) => read.searches.extend(search::read(
            (Kind::MLP, edition),
            ("model", model),
            ("search", search),
            objective,
            problems,
        )),
        (None, grid) => read.networks = networks(model, grid, edition, problems),
    }
    baselines(baseline, (edition, objective), &mut read, problems);
    let is_empty = read.networks.is_none() && read.baselines.is_empty() && read.searches.is_empty();
    if is_empty && problems.is_empty() {
        problems.add(
            Diagnostic::new(start, "there is nothing to train")
                .help("add a table [model], [grid] or [search], or a [[baseline]]"),
        );
    }
    read
}

/// The space of the settings of a program: `settings` of [program], and [grid] or [search].
pub(super) fn of_program<'a>(
    (node, program): (&'a Node, Option<&ProgramTable>),
    given: [Option<&'a Node>; 4],
    edition: Edition,
    problems: &mut Problems,
) -> Read<'a> {
    const SETTINGS: &str = "program.settings";
    let [_, grid, search, _] = given;
    let fixed = node.entry("settings").map(|entry| &entry.value);
    let mut read = Read {
        networks: None,
        baselines: Vec::new(),
        searches: Vec::new(),
    };
    let model = program.map(ProgramTable::model).unwrap_or_default();
    let objective = program.map(|program| &program.objective);
    match (search, grid) {
        (Some(search), Some(_)) => problems.add(
            Diagnostic::new(&search.place, "there is either a grid or a search")
                .help("move the axes of [grid] to [search.space]"),
        ),
        (Some(search), None) => {
            let found = search::read(
                (Kind::PROGRAM, edition),
                (SETTINGS, fixed),
                ("search", search),
                objective,
                problems,
            );
            read.searches.extend(found.map(|mut search| {
                if model.steps.is_none() {
                    search.run_whole_trials(problems);
                }
                search.space.grid.base.set_program(model);
                search
            }));
        }
        (None, grid) => {
            let mut draft = draft::read(
                (Kind::PROGRAM, edition),
                (SETTINGS, fixed),
                ("grid", grid),
                problems,
            );
            draft.base.set_program(model);
            read.networks = Some(draft);
        }
    }
    let mut names: Vec<&str> = fixed
        .and_then(Node::entries)
        .unwrap_or_default()
        .iter()
        .map(|entry| entry.key.as_str())
        .collect();
    if let Some(draft) = &read.networks {
        names.extend(draft.groups.iter().flatten().map(|axis| axis.key));
    }
    for search in &read.searches {
        let dimensions = 0..search.space.dimensions();
        names.extend(dimensions.flat_map(|at| search.space.keys(at)));
    }
    if let Some(program) = program {
        program.check(node, &names, problems);
    }
    read
}

/// What a file without a model trains: a network at the defaults, and a baseline of each kind.
fn of_no_model<'a>(
    edition: Edition,
    problems: &mut Problems,
) -> (Option<Draft<'a>>, Vec<Draft<'a>>) {
    let baseline = |kind: Kind, problems: &mut Problems| {
        let mut draft = draft::read(
            (kind, edition),
            ("baseline", None),
            ("grid", None),
            problems,
        );
        for (name, value) in kind.def().of_no_model {
            let is_set = draft.base.set(name, &value.value());
            is_set.expect("a test sets them for each kind");
        }
        draft
    };
    let network = draft::read(
        (Kind::MLP, edition),
        ("model", None),
        ("grid", None),
        problems,
    );
    let baselines = Kind::baselines().map(|kind| baseline(kind, problems));
    (Some(network), baselines.collect())
}

/// The spaces of the baselines, in file order.
fn baselines<'a>(
    node: Option<&'a Node>,
    (edition, objective): (Edition, Option<&Objective>),
    read: &mut Read<'a>,
    problems: &mut Problems,
) {
    let Some(node) = node else {
        return;
    };
    let Some(items) = node.items() else {
        problems.add(
            Diagnostic::new(&node.place, "`baseline` must be a list of tables")
                .help("write the heading with two brackets: [[baseline]]"),
        );
        return;
    };
    for (index, item) in items.iter().enumerate() {
        baseline((index, item), (edition, objective), read, problems);
    }
}

fn baseline<'a>(
    (index, node): (usize, &'a Node),
    (edition, objective): (Edition, Option<&Objective>),
    read: &mut Read<'a>,
    problems: &mut Problems,
) {
    let path = format!("baseline[{index}]");
    let kinds = Kind::baselines().map(Kind::name);
    if node.entries().is_none() {
        must_be(&path, "a table", node, problems);
        return;
    }
    let Some(entry) = node.entry(keys::BASELINE[0]) else {
        problems.add(
            Diagnostic::new(&node.place, format!("`{path}` has no `kind`"))
                .help(format!("it is one of {}", listed(kinds.clone()))),
        );
        return;
    };
    let text = entry.value.text().unwrap_or_default();
    let Some(kind) = Kind::parse(text).filter(|kind| kind.is_baseline()) else {
        let message = format!("`{path}.kind` must be one of {}", listed(kinds.clone()));
        let diagnostic = Diagnostic::new(&entry.value.place, message);
        problems.add(match nearest(text, kinds) {
            Some(near) => diagnostic.label(format!("did you mean {near:?}?")),
            None if text == Kind::MLP.name() => {
                diagnostic.label("networks are described by [model] and [grid]")
            }
            None => diagnostic.label(format!("this is {}", entry.value.found())),
        });
        return;
    };
    let at = |key: &str| node.entry(key).map(|entry| &entry.value);
    let (grid, search) = (at(keys::BASELINE[1]), at(keys::BASELINE[2]));
    match (search, grid) {
        (Some(search), Some(_)) => problems.add(
            Diagnostic::new(
                &search.place,
                format!("`{path}` has both a grid and a search"),
            )
            .help("move the axes of `grid` to `search.space`"),
        ),
        (Some(search), None) => read.searches.extend(search::read(
            (kind, edition),
            (&path, Some(node)),
            (&format!("{path}.search"), search),
            objective,
            problems,
        )),
        (None, grid) => read.baselines.push(draft::read(
            (kind, edition),
            (&path, Some(node)),
            (&format!("{path}.grid"), grid),
            problems,
        )),
    }
}

/// Whether all spaces together stay within [`MAX_TRIALS`], counted without writing any out.
pub(super) fn within_bound<'d, 'a: 'd>(
    drafts: impl Iterator<Item = &'d Draft<'a>>,
    (seeds, fractions, transfers): (usize, usize, usize),
    problems: &mut Problems,
) -> bool {
    let drafts: Vec<&Draft<'_>> = drafts.collect();
    let total = drafts.iter().fold(0u128, |sum, draft| {
        let ways = match draft.kind.is_baseline() {
            false => 1 + transfers,
            true => 1,
        };
        let times = (seeds.max(1) * fractions.max(1)) as u128 * ways as u128;
        sum.saturating_add(draft.combinations().saturating_mul(times))
    });
    if total <= u128::from(MAX_TRIALS) {
        return true;
    }
    if let Some(largest) = drafts.iter().max_by_key(|draft| draft.combinations()) {
        let product = largest.product();
        problems.add(
            Diagnostic::new(
                &largest.place,
                format!("{total} trials are requested; at most {MAX_TRIALS} are allowed"),
            )
            .label(format!(
                "{product} = {} configurations, times {} seeds{}",
                largest.combinations(),
                seeds.max(1),
                [
                    (fractions, "fractions of the training rows"),
                    (1 + transfers, "ways to initialise"),
                ]
                .iter()
                .filter(|(count, _)| *count > 1)
                .map(|(count, what)| format!(", times {count} {what}"))
                .collect::<String>()
            ))
            .help("shorten an axis, combine axes with `zip`, or use fewer seeds"),
        );
    }
    false
}
