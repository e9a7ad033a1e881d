//! The search space of one kind of model: fixed settings, axes, and points left out.
//!
//! Every value in a [`Space`] has passed [`ModelSpec::set`] and reads as the model shows it, so
//! that `1` and `1.0` are one value; expanding a space cannot fail.

use super::axis::{self, Axis};
use super::diagnostic::{Diagnostic, Origin, Place, Problems, listed, nearest};
use super::exclude::{self, Exclusion};
use super::node::{Entry, Node};
use super::table::{found_or_meant, must_be, unknown_key};
use sweep_core::trial::models::{InvalidEntry, InvalidParam};
use sweep_core::trial::{Kind, ModelSpec, Value};

/// Most trials an experiment may ask for, replicate seeds included. A planned trial takes about
/// half a kilobyte, so that a plan stays below a gigabyte.
pub const MAX_TRIALS: u64 = 1_000_000;

/// Most values that a message lists.
const MAX_LISTED: usize = 12;

/// The keys of a `[grid]` that are not axes.
pub(super) const GRID_KEYS: [&str; 2] = ["zip", "exclude"];
/// The keys of a `[[baseline]]` that are not settings.
pub(super) const BASELINE_KEYS: [&str; 2] = ["kind", "grid"];

/// Every combination of the groups' rows on top of the fixed settings, less the exclusions.
#[derive(Debug, Clone, PartialEq)]
pub struct Space {
    /// The fixed settings, everything else at its default.
    pub base: ModelSpec,
    /// The keys that the file fixes, in file order.
    pub fixed: Vec<String>,
    /// The axes in file order; the last moves fastest.
    pub groups: Vec<Group>,
    pub exclusions: Vec<Exclusion>,
    /// Dotted path of the table with the fixed settings: `model`, `baseline[0]`.
    pub path: String,
    /// Dotted path of the table with the axes: `grid`, `baseline[0].grid`.
    pub grid_path: String,
}

/// An axis, or several that move together.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The keys set by this group; more than one when zipped.
    pub keys: Vec<String>,
    /// Values [row][key]; no row occurs twice.
    pub rows: Vec<Vec<Value>>,
}

impl Space {
    /// The number of combinations, before points are left out.
    pub fn combinations(&self) -> u64 {
        let lengths = self.groups.iter().map(|group| group.rows.len() as u64);
        lengths.fold(1, u64::saturating_mul)
    }

    /// Whether the combination of these rows, one for each group, is left out.
    pub fn is_excluded(&self, rows: &[usize]) -> bool {
        self.exclusions
            .iter()
            .any(|exclusion| exclusion.matches(rows))
    }

    /// The model of the combination of these rows, one for each group.
    pub fn model(&self, rows: &[usize]) -> ModelSpec {
        let mut model = self.base.clone();
        for (group, row) in self.groups.iter().zip(rows) {
            for (key, value) in group.keys.iter().zip(&group.rows[*row]) {
                let set = model.set(key, value);
                debug_assert_eq!(set, Ok(()), "{key} = {value} was accepted before");
            }
        }
        model
    }

    /// The rows of combination `index` of [`Space::combinations`]; the last group moves fastest.
    pub fn rows(&self, mut index: u64) -> Vec<usize> {
        let mut rows = vec![0; self.groups.len()];
        for (row, group) in rows.iter_mut().zip(&self.groups).rev() {
            let length = group.rows.len() as u64;
            *row = (index % length) as usize;
            index /= length;
        }
        rows
    }
}

/// A space as read, with the axes not yet written out.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub kind: Kind,
    pub base: ModelSpec,
    fixed: Vec<String>,
    path: String,
    grid_path: String,
    grid: Option<&'a Node>,
    /// Axes by group, in file order.
    pub groups: Vec<Vec<Axis<'a>>>,
    /// Where to point when the space as a whole is at fault.
    pub place: Place,
}

/// Reads fixed settings (`model`, a table) and axes (`grid`) of a `kind`.
pub(super) fn read<'a>(
    kind: Kind,
    (path, model): (&str, Option<&'a Node>),
    (grid_path, grid): (&str, Option<&'a Node>),
    problems: &mut Problems,
) -> Draft<'a> {
    let mut draft = Draft {
        kind,
        base: ModelSpec::new(kind),
        fixed: Vec::new(),
        path: path.to_owned(),
        grid_path: grid_path.to_owned(),
        grid,
        groups: Vec::new(),
        place: grid.or(model).map_or(
            Place {
                origin: Origin::File,
                span: 0..0,
            },
            |node| node.place.clone(),
        ),
    };
    let reserved: &[&str] = match kind.is_baseline() {
        false => &[],
        true => &BASELINE_KEYS,
    };
    let fixed = table_entries(model, path, problems);
    for entry in fixed
        .iter()
        .filter(|entry| !reserved.contains(&entry.key.as_str()))
    {
        if fix(&mut draft.base, entry, path, reserved, problems) {
            draft.fixed.push(entry.key.clone());
        }
    }
    draft.groups = axis::read(kind, grid, grid_path, problems);
    for axis in draft.groups.iter().flatten() {
        if let Some(entry) = fixed.iter().find(|entry| entry.key == axis.key) {
            problems.add(
                Diagnostic::new(
                    axis.key_place,
                    format!("`{}` is both fixed and an axis", axis.key),
                )
                .label(format!("fixed in `{path}` as {}", entry.value.found()))
                .help(format!("remove it from `{path}`, or from `{grid_path}`")),
            );
        }
    }
    draft
}

impl Draft<'_> {
    /// The number of combinations; no axis is written out for it.
    pub(super) fn combinations(&self) -> u128 {
        let lengths = self.groups.iter().map(|group| u128::from(group[0].len()));
        lengths.fold(1, u128::saturating_mul)
    }

    /// `3 (layers) x 5 (lr)`
    pub(super) fn product(&self) -> String {
        let factor = |group: &Vec<Axis<'_>>| {
            let keys: Vec<&str> = group.iter().map(|axis| axis.key).collect();
            format!("{} ({})", group[0].len(), keys.join(" with "))
        };
        let factors: Vec<String> = self.groups.iter().map(factor).collect();
        match factors.is_empty() {
            true => "1".to_owned(),
            false => factors.join(" x "),
        }
    }

    /// Writes the axes out and applies `exclude`. Call only for a number of combinations within
    /// [`MAX_TRIALS`].
    pub(super) fn finish(self, problems: &mut Problems) -> Space {
        let groups = self
            .groups
            .iter()
            .map(|group| axis::write_out(self.kind, group, &self.grid_path, problems))
            .collect();
        let mut space = Space {
            base: self.base,
            fixed: self.fixed,
            groups,
            exclusions: Vec::new(),
            path: self.path,
            grid_path: self.grid_path,
        };
        if let Some(entry) = self.grid.and_then(|grid| grid.entry("exclude")) {
            exclude::read(&mut space, &entry.value, problems);
        }
        space
    }
}

/// The entries of `node`, when it is there and a table.
fn table_entries<'a>(node: Option<&'a Node>, path: &str, problems: &mut Problems) -> &'a [Entry] {
    let Some(node) = node else {
        return &[];
    };
    node.entries().unwrap_or_else(|| {
        must_be(path, "a table of settings", node, problems);
        &[]
    })
}

/// Sets one fixed key; reports what is refused.
fn fix(
    base: &mut ModelSpec,
    entry: &Entry,
    path: &str,
    reserved: &'static [&'static str],
    problems: &mut Problems,
) -> bool {
    let kind = base.kind();
    match setting(kind, &entry.key, &entry.value) {
        Ok(value) => base.set(&entry.key, &value).is_ok(),
        Err(InvalidParam::Unknown) => {
            let names = kind.params().iter().map(|param| param.name);
            unknown_key(entry, path, names.chain(reserved.iter().copied()), problems);
            false
        }
        Err(
            rejected @ (InvalidParam::Item { .. }
            | InvalidParam::Entry { .. }
            | InvalidParam::Several(_)),
        ) => {
            let full = format!("{path}.{}", entry.key);
            refuse(&full, &entry.value, rejected, problems);
            false
        }
        Err(InvalidParam::Value { allowed }) => {
            let place = &entry.value.place;
            let full = format!("{path}.{}", entry.key);
            let message = format!("`{full}` must be {allowed}");
            let label = found_or_meant(&allowed, &entry.value);
            let diagnostic = Diagnostic::new(place, message).label(label);
            // Where the setting itself is a list, a list is no attempt at several.
            let is_list = matches!(shown(base, &entry.key), Value::List(_));
            let could_be_axis = (entry.value.items().is_some() && !is_list)
                || entry.value.entry("log").is_some()
                || entry.value.entry("lin").is_some();
            problems.add(match could_be_axis {
                true => diagnostic.help(match kind.is_baseline() {
                    false => "to try several values, move the key to [grid]".to_owned(),
                    true => format!("to try several values, move the key to `{path}.grid`"),
                }),
                false => diagnostic,
            });
            false
        }
    }
}

/// Reports that `node`, at `path`, was `rejected`: at the item or entry that is at fault, if it is one.
pub(super) fn refuse(path: &str, node: &Node, rejected: InvalidParam, problems: &mut Problems) {
    match rejected {
        // The key is known, or there were no value to refuse.
        InvalidParam::Unknown => {}
        InvalidParam::Value { allowed } => must_be(path, &allowed, node, problems),
        InvalidParam::Item { index, allowed } => {
            let item = node.items().and_then(|items| items.get(index));
            must_be(path, &allowed, item.unwrap_or(node), problems);
        }
        InvalidParam::Several(several) => {
            for problem in several {
                refuse(path, node, problem, problems);
            }
        }
        InvalidParam::Entry { name, problem } => {
            let full = format!("{path}.{name}");
            match (problem, node.entry(&name)) {
                (InvalidEntry::Value { allowed }, Some(entry)) => {
                    must_be(&full, &allowed, &entry.value, problems);
                }
                (InvalidEntry::Unknown { allowed, kinds }, Some(entry)) => {
                    unknown_entry(entry, path, &allowed, &kinds, problems);
                }
                (InvalidEntry::Missing { allowed } | InvalidEntry::Value { allowed }, _) => {
                    problems.add(
                        Diagnostic::new(&node.place, format!("`{path}` has no `{name}`"))
                            .label(format!("this is {}", node.found()))
                            .help(format!("`{name}` must be {allowed}")),
                    )
                }
                (InvalidEntry::Unknown { .. }, None) => {
                    must_be(path, "a known table", node, problems)
                }
            }
        }
    }
}

/// Reports an entry that the table at `path` does not have as it stands, but may if it is of one of `kinds`.
fn unknown_entry(
    entry: &Entry,
    path: &str,
    allowed: &[&str],
    kinds: &[&str],
    problems: &mut Problems,
) {
    let message = format!("unknown key `{}` in `{path}`", entry.key);
    let diagnostic = Diagnostic::new(&entry.key_place, message);
    let allowed_here = format!("allowed here: {}", listed(allowed.iter().copied()));
    let kinds: Vec<String> = kinds
        .iter()
        .map(|kind| format!("kind = \"{kind}\""))
        .collect();
    let meant = nearest(&entry.key, allowed.iter().copied());
    problems.add(match (kinds.is_empty(), meant) {
        (false, _) => diagnostic.label("of another kind").help(format!(
            "`{}` goes with {}; {allowed_here}",
            entry.key,
            kinds.join(" or ")
        )),
        (true, Some(meant)) => diagnostic
            .label(format!("did you mean `{meant}`?"))
            .help(allowed_here),
        (true, None) => diagnostic.label("not known").help(allowed_here),
    });
}

/// The value of `node` for `key` as a model of `kind` shows it.
pub(super) fn setting(kind: Kind, key: &str, node: &Node) -> Result<Value, InvalidParam> {
    match node.value() {
        Ok(value) => canonical(kind, key, &value),
        Err(_) => match kind.param(key) {
            Some(param) => Err(InvalidParam::Value {
                allowed: param.allowed(),
            }),
            None => Err(InvalidParam::Unknown),
        },
    }
}

/// `value` as a model of `kind` shows it once `key` is set to it.
pub(super) fn canonical(kind: Kind, key: &str, value: &Value) -> Result<Value, InvalidParam> {
    let mut model = ModelSpec::new(kind);
    model.set(key, value)?;
    Ok(shown(&model, key))
}

/// The value of `key` in `model`, which has it.
pub(super) fn shown(model: &ModelSpec, key: &str) -> Value {
    model.get(key).cloned().unwrap_or(Value::Bool(false))
}

/// The first of `values`, for a message.
pub(super) fn some_of<'a>(values: impl ExactSizeIterator<Item = &'a Value>) -> String {
    let more = values.len().saturating_sub(MAX_LISTED);
    let shown: Vec<String> = values
        .take(MAX_LISTED)
        .map(|value| format!("`{value}`"))
        .collect();
    match more {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The keys of a grid for a model of `kind`.
pub(super) fn grid_names(kind: Kind) -> impl Iterator<Item = &'static str> + Clone {
    let settings = kind.params().iter().map(|param| param.name);
    settings.chain(GRID_KEYS)
}

/// `allowed here: ...`
pub(super) fn axes_listed(groups: &[Vec<Axis<'_>>]) -> String {
    let keys = groups.iter().flatten().map(|axis| axis.key);
    format!("the axes are {}", listed(keys))
}
