//! How the cells of a table are read: the keys of `[data]` that say what is otherwise found from the
//! file.

use super::diagnostic::{Diagnostic, Problems};
use super::node::{Content, Node};
use super::table::{Table, texts};
use sweep_core::data_config::{Decimal, Delimiter, Edition, TableFormat, TextEncoding};

/// What leaves a thing to be found.
pub(super) const AUTO: &str = "auto";

/// Reads the keys about cells.
pub(super) fn read(table: Table<'_>, edition: Edition, problems: &mut Problems) -> TableFormat {
    let columns = table.read("columns", problems, texts);
    if let (Some(names), Some(node)) = (&columns, table.get("columns")) {
        distinct(names, node, problems);
    }
    TableFormat {
        edition,
        delimiter: table.read("delimiter", problems, delimiter).flatten(),
        decimal: table.read("decimal", problems, decimal).flatten(),
        encoding: table.read("encoding", problems, encoding).flatten(),
        header: table.read("header", problems, flag).flatten(),
        columns,
        missing_values: table
            .read("missing_values", problems, cells)
            .unwrap_or_default(),
        trim: table.read("trim", problems, flag).flatten(),
    }
}

fn delimiter(node: &Node) -> Result<Option<Delimiter>, &Node> {
    named(node, Delimiter::named)
}

fn decimal(node: &Node) -> Result<Option<Decimal>, &Node> {
    named(node, Decimal::named)
}

fn encoding(node: &Node) -> Result<Option<TextEncoding>, &Node> {
    named(node, TextEncoding::named)
}

/// What the text at `node` names, or nothing if that is to be found.
fn named<T>(node: &Node, find: impl Fn(&str) -> Option<T>) -> Result<Option<T>, &Node> {
    match node.text() {
        Some(AUTO) => Ok(None),
        Some(text) => find(text).map(Some).ok_or(node),
        None => Err(node),
    }
}

/// A boolean, or what leaves it to be found.
fn flag(node: &Node) -> Result<Option<bool>, &Node> {
    match &node.content {
        Content::Bool(flag) => Ok(Some(*flag)),
        _ if node.text() == Some(AUTO) => Ok(None),
        _ => Err(node),
    }
}

/// A list of cells; an integer stands for its digits.
fn cells(node: &Node) -> Result<Vec<String>, &Node> {
    let cell = |item: &Node| match &item.content {
        Content::Text(text) => Some(text.clone()),
        Content::Int(int) => Some(int.to_string()),
        _ => None,
    };
    let items = node.items().ok_or(node)?;
    items.iter().map(cell).collect::<Option<_>>().ok_or(node)
}

fn distinct(names: &[String], node: &Node, problems: &mut Problems) {
    let items = node.items().unwrap_or_default();
    for (place, item) in items.iter().enumerate() {
        if names[..place].contains(&names[place]) {
            problems.add(
                Diagnostic::new(
                    &item.place,
                    format!("the column {:?} is named twice", names[place]),
                )
                .label("again here")
                .help("give every column a name of its own"),
            );
        }
    }
}
