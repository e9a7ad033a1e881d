//! Which search spaces an experiment has, and that all together stay within bounds.

use super::diagnostic::{Diagnostic, Place, Problems, listed, nearest};
use super::draft::{self, Draft};
use super::keys;
use super::node::Node;
use super::space::MAX_TRIALS;
use super::table::must_be;
use sweep_core::data_config::Edition;
use sweep_core::trial::Kind;

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

/// The spaces of networks and baselines by [model], [grid] and [[baseline]], in this order.
pub(super) fn read<'a>(
    given: [Option<&'a Node>; 3],
    start: &Place,
    edition: Edition,
    problems: &mut Problems,
) -> (Option<Draft<'a>>, Vec<Draft<'a>>) {
    if edition >= Edition::Fourth && given.iter().all(Option::is_none) {
        return of_no_model(edition, problems);
    }
    let [model, grid, baseline] = given;
    let networks = networks(model, grid, edition, problems);
    let baselines = baselines(baseline, edition, problems);
    if networks.is_none() && baselines.is_empty() && problems.is_empty() {
        problems.add(
            Diagnostic::new(start, "there is nothing to train")
                .help("add a table [model] or [grid], or a [[baseline]]"),
        );
    }
    (networks, baselines)
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
    edition: Edition,
    problems: &mut Problems,
) -> Vec<Draft<'a>> {
    let Some(node) = node else {
        return Vec::new();
    };
    let Some(items) = node.items() else {
        problems.add(
            Diagnostic::new(&node.place, "`baseline` must be a list of tables")
                .help("write the heading with two brackets: [[baseline]]"),
        );
        return Vec::new();
    };
    let drafts = items.iter().enumerate();
    drafts
        .filter_map(|(index, item)| baseline((index, item), edition, problems))
        .collect()
}

fn baseline<'a>(
    (index, node): (usize, &'a Node),
    edition: Edition,
    problems: &mut Problems,
) -> Option<Draft<'a>> {
    let path = format!("baseline[{index}]");
    let kinds = Kind::baselines().map(Kind::name);
    if node.entries().is_none() {
        must_be(&path, "a table", node, problems);
        return None;
    }
    let Some(entry) = node.entry(keys::BASELINE[0]) else {
        problems.add(
            Diagnostic::new(&node.place, format!("`{path}` has no `kind`"))
                .help(format!("it is one of {}", listed(kinds.clone()))),
        );
        return None;
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
        return None;
    };
    let grid = node.entry(keys::BASELINE[1]).map(|entry| &entry.value);
    let grid_path = format!("{path}.grid");
    Some(draft::read(
        (kind, edition),
        (&path, Some(node)),
        (&grid_path, grid),
        problems,
    ))
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
