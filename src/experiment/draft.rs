//! A search space as it is read: fixed settings and axes, before the axes are written out.

use super::axis::{self, Axis};
use super::diagnostic::{Diagnostic, Origin, Place, Problems};
use super::exclude;
use super::keys;
use super::node::{Entry, Node};
use super::setting::{is_known, refuse, setting, shown};
use super::space::Space;
use super::table::{found_or_meant, must_be};
use sweep_core::data_config::Edition;
use sweep_core::trial::models::InvalidParam;
use sweep_core::trial::{Kind, ModelSpec, Value};

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

/// Reads fixed settings (`model`, a table) and axes (`grid`) of a `kind`, with the defaults of `edition`.
pub(super) fn read<'a>(
    (kind, edition): (Kind, Edition),
    (path, model): (&str, Option<&'a Node>),
    (grid_path, grid): (&str, Option<&'a Node>),
    problems: &mut Problems,
) -> Draft<'a> {
    let mut draft = Draft {
        kind,
        base: ModelSpec::of_edition(kind, edition),
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
        true => &keys::BASELINE,
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
    if !is_known(kind, entry, path, reserved.iter().copied(), problems) {
        return false;
    }
    match setting(kind, &entry.key, &entry.value) {
        Ok(value) => base.set(&entry.key, &value).is_ok(),
        Err(InvalidParam::Unknown) => false,
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
