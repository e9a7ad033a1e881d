//! `date`, `categorical` and `categories` of `[data]`: columns that become several features.

use super::diagnostic::{Diagnostic, Problems};
use super::format::AUTO;
use super::keys;
use super::node::{Content, Node};
use super::table::{Table, boolean, text, texts};
use sweep_core::data_config::{
    CategoryEncoding, CategorySpec, DatePart, DateSpec, Edition, UnknownLevels,
};

/// Most levels with a feature of their own.
const MAX_LEVELS: i64 = 1000;

/// Reads `categorical`: columns, or `None` to find them.
pub(super) fn categorical(
    table: Table<'_>,
    edition: Edition,
    problems: &mut Problems,
) -> Option<Vec<String>> {
    let convert = |node| match is_auto(node) {
        true => Ok(None),
        false => texts(node).map(Some),
    };
    match table.read("categorical", problems, convert) {
        Some(given) => given,
        None => (!is_open(table, edition)).then(Vec::new),
    }
}

/// Whether categories and dates are found where nothing is said of them: not where the numeric columns
/// are listed, since a list of features is meant to be one.
fn is_open(table: Table<'_>, edition: Edition) -> bool {
    edition > Edition::First && table.get("numeric").is_none()
}

/// Reads `date`: columns, or `None` to find them.
pub(super) fn dates(
    table: Table<'_>,
    edition: Edition,
    problems: &mut Problems,
) -> Option<Vec<DateSpec>> {
    let Some(node) = table.get("date") else {
        return (!is_open(table, edition)).then(Vec::new);
    };
    if is_auto(node) {
        return None;
    }
    let Some(items) = node.items() else {
        table.refuse("date", node, problems);
        return Some(Vec::new());
    };
    let mut dates: Vec<DateSpec> = Vec::with_capacity(items.len());
    for (place, item) in items.iter().enumerate() {
        let Some(date) = date(table, item, place, problems) else {
            continue;
        };
        dates.push(date);
    }
    Some(dates)
}

fn date(data: Table<'_>, node: &Node, place: usize, problems: &mut Problems) -> Option<DateSpec> {
    let plain = |column: String| DateSpec {
        column,
        format: None,
        parts: Vec::new(),
        cyclic: false,
    };
    if let Ok(column) = text(node) {
        return Some(plain(column));
    }
    if node.entries().is_none() {
        data.refuse("date", node, problems);
        return None;
    }
    let path = format!("data.date[{place}]");
    let table = Table::open(node, &path, keys::DATE, problems)?;
    let Some(column) = table.read("column", problems, text) else {
        if table.get("column").is_none() {
            problems.add(
                Diagnostic::new(table.place(), format!("`{path}.column` is missing"))
                    .help("add `column = ...`: the name of a column"),
            );
        }
        return None;
    };
    let parts = table.read("parts", problems, parts).unwrap_or_default();
    let cyclic = table.read("cyclic", problems, boolean).unwrap_or(false);
    if cyclic && !parts.is_empty() && parts.iter().all(|part| part.period().is_none()) {
        problems.add(
            Diagnostic::new(&table.get("cyclic")?.place, "none of these parts recurs").help(
                "\"month\", \"day\", \"weekday\" and \"hour\" do; remove `cyclic`, or add one",
            ),
        );
    }
    Some(DateSpec {
        format: table.read("format", problems, text),
        parts,
        cyclic,
        ..plain(column)
    })
}

fn parts(node: &Node) -> Result<Vec<DatePart>, &Node> {
    let items = node.items().filter(|items| !items.is_empty()).ok_or(node)?;
    let mut parts: Vec<DatePart> = Vec::with_capacity(items.len());
    for item in items {
        let known = DatePart::ALL.into_iter();
        let part = known
            .into_iter()
            .find(|part| item.text() == Some(part.name()))
            .ok_or(item)?;
        if parts.contains(&part) {
            return Err(item);
        }
        parts.push(part);
    }
    Ok(parts)
}

/// Reads `categories`.
pub(super) fn categories(data: Table<'_>, problems: &mut Problems) -> CategorySpec {
    let mut spec = CategorySpec::default();
    let node = data.get("categories");
    let table =
        node.and_then(|node| Table::open(node, "data.categories", keys::CATEGORIES, problems));
    let Some(table) = table else {
        return spec;
    };
    if let Some(encoding) = table.read("encoding", problems, encoding) {
        spec.encoding = encoding;
    }
    let levels = |node: &'_ Node| whole(node, MAX_LEVELS);
    spec.max_levels = match table.get("max_levels") {
        Some(node) => match levels(node) {
            Some(levels) => Some(levels),
            None => {
                table.refuse("max_levels", node, problems);
                None
            }
        },
        None => None,
    };
    if let Some(node) = table.get("min_rows") {
        match whole(node, i64::MAX) {
            Some(rows) => spec.min_rows = rows,
            None => table.refuse("min_rows", node, problems),
        }
    }
    if let Some(unknown) = table.read("unknown", problems, unknown) {
        spec.unknown = unknown;
    }
    if spec.encoding == CategoryEncoding::Target {
        for key in ["max_levels", "min_rows"] {
            if let Some(entry) = table.entry(key) {
                problems.add(
                    Diagnostic::new(&entry.key_place, format!("`{key}` has no effect here"))
                        .label("it is for `encoding = \"one_hot\"`")
                        .help("remove it, or choose that encoding"),
                );
            }
        }
    }
    spec
}

fn encoding(node: &Node) -> Result<CategoryEncoding, &Node> {
    match node.text() {
        Some(AUTO) => Ok(CategoryEncoding::Auto),
        Some("one_hot") => Ok(CategoryEncoding::OneHot),
        Some("target") => Ok(CategoryEncoding::Target),
        _ => Err(node),
    }
}

fn unknown(node: &Node) -> Result<UnknownLevels, &Node> {
    match node.text() {
        Some("zero") => Ok(UnknownLevels::Zero),
        Some("error") => Ok(UnknownLevels::Error),
        _ => Err(node),
    }
}

fn whole(node: &Node, most: i64) -> Option<usize> {
    match node.content {
        Content::Int(int) if (1..=most).contains(&int) => usize::try_from(int).ok(),
        _ => None,
    }
}

fn is_auto(node: &Node) -> bool {
    node.text() == Some(AUTO)
}
