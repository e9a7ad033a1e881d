//! The `[transfer]` table: which trained network the networks begin with, and what is copied of it.
//!
//! The source is known to the record alone. Before [`super::Experiment::adopt`] is told of it, no network
//! is transferred.

use super::diagnostic::{Diagnostic, Problems};
use super::keys;
use super::node::{Content, Node};
use super::table::{Table, number, text};
use sweep_core::trial::models::MlpSpec;
use sweep_core::trial::{Transfer, TrialId, Value};

const MOST_LAYERS: usize = 64;

/// What `[transfer]` says.
#[derive(Debug, Clone, PartialEq)]
pub struct TransferSpec {
    /// As written: a sweep and a trial of it, or a trial.
    pub from: String,
    layers: Copied,
    /// In file order, at least one, each once; likewise the rates.
    pub(super) freeze: Vec<usize>,
    rates: Vec<Rate>,
    /// Where the rates stand: `lr` or `lr_scale`.
    rate_key: &'static str,
    pub(super) source: Option<Source>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Copied {
    /// All hidden layers.
    AllButLast,
    First(usize),
}

/// The learning rate of copied layers.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Rate {
    Absolute(f64),
    /// A multiple of the network's own.
    Scale(f64),
}

/// The source, once it is known.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Source {
    pub trial: TrialId,
    /// SHA-256 of its weights file.
    pub weights: String,
    /// Its hidden layers.
    pub hidden: usize,
}

/// Reads `[transfer]`, if it is there.
pub(super) fn read(
    root: &Node,
    has_networks: bool,
    problems: &mut Problems,
) -> Option<TransferSpec> {
    let node = &root.entry("transfer")?.value;
    let table = Table::open(node, "transfer", keys::TRANSFER, problems)?;
    if !has_networks {
        problems.add(
            Diagnostic::new(table.place(), "there are no networks to copy layers into")
                .help("add a table [model] or [grid]; an empty [model] is enough"),
        );
    }
    let test_path = root
        .entry("data")
        .and_then(|data| data.value.entry("test_path"));
    if let Some(test_path) = test_path {
        problems.add(
            Diagnostic::new(
                &test_path.key_place,
                "`data.test_path` cannot be combined with [transfer]",
            )
            .label("a file of its own")
            .help(
                "rows that the source was trained on could stand in it: put all rows into one file \
                 and use `split.test`",
            ),
        );
    }
    let from = match table.get("from") {
        Some(_) => table.read("from", problems, text),
        None => {
            problems.add(
                Diagnostic::new(table.place(), "`transfer` has no `from`")
                    .help(format!("it is {}", keys::TRANSFER[0].allowed)),
            );
            None
        }
    };
    let layers = table.read("layers", problems, copied);
    let freeze = table.get("freeze").map(|node| {
        several(table, "freeze", node, problems, |node| match node.content {
            Content::Int(count @ 0..=64) => Ok(count as usize),
            _ => Err(node),
        })
    });
    if let (Some(_), Some(scale)) = (table.get("lr"), table.get("lr_scale")) {
        problems.add(
            Diagnostic::new(
                &scale.place,
                "`lr` and `lr_scale` of [transfer] both set the learning rate",
            )
            .help("keep one of the two"),
        );
    }
    let (rate_key, as_rate): (_, fn(f64) -> Rate) = match table.get("lr") {
        Some(_) => ("lr", Rate::Absolute),
        None => ("lr_scale", Rate::Scale),
    };
    let rates = table.get(rate_key).map(|node| {
        several(table, rate_key, node, problems, |node| match number(node) {
            Ok(rate) if rate > 0.0 => Ok(as_rate(rate)),
            _ => Err(node),
        })
    });
    Some(TransferSpec {
        from: from?,
        layers: layers.unwrap_or(Copied::AllButLast),
        freeze: freeze.unwrap_or_else(|| vec![0]),
        rates: rates.unwrap_or_else(|| vec![Rate::Scale(1.0)]),
        rate_key,
        source: None,
    })
}

impl TransferSpec {
    /// The number of ways in which a network is transferred.
    pub(super) fn ways(&self) -> usize {
        self.freeze.len() * self.rates.len()
    }

    /// Every way in which `model` is transferred; none before the source is known.
    pub fn transfers(&self, model: &MlpSpec) -> Vec<Transfer> {
        let Some(source) = &self.source else {
            return Vec::new();
        };
        let transfer = |freeze: usize, rate: Rate| Transfer {
            source: source.trial.clone(),
            weights: source.weights.clone(),
            layers: self.copied_of(source),
            freeze,
            lr: match rate {
                Rate::Absolute(lr) => lr,
                Rate::Scale(1.0) => model.lr,
                Rate::Scale(scale) => rounded(model.lr * scale),
            },
        };
        let ways = self.freeze.iter();
        ways.flat_map(|freeze| self.rates.iter().map(|rate| transfer(*freeze, *rate)))
            .collect()
    }

    /// The axes there are: dotted path, the hyper-parameter, and its values in file order.
    pub fn axes(&self) -> Vec<(String, &'static str, Vec<Value>)> {
        let mut axes = Vec::new();
        if self.freeze.len() > 1 {
            let values = self.freeze.iter().map(|count| Value::Int(*count as i64));
            axes.push(("transfer.freeze".to_owned(), "freeze", values.collect()));
        }
        if self.rates.len() > 1 {
            let values = self.rates.iter().map(|rate| match rate {
                Rate::Absolute(rate) | Rate::Scale(rate) => Value::Float(*rate),
            });
            let path = format!("transfer.{}", self.rate_key);
            axes.push((path, "transfer_lr", values.collect()));
        }
        axes
    }

    /// Layers that are copied of `source`.
    pub(super) fn copied_of(&self, source: &Source) -> usize {
        match self.layers {
            Copied::AllButLast => source.hidden,
            Copied::First(count) => count,
        }
    }
}

fn copied(node: &Node) -> Result<Copied, &Node> {
    match &node.content {
        Content::Text(text) if text == "all but last" => Ok(Copied::AllButLast),
        Content::Int(count) if (1..=MOST_LAYERS as i64).contains(count) => {
            Ok(Copied::First(*count as usize))
        }
        _ => Err(node),
    }
}

/// One value, or a list of at least one, each once.
fn several<'a, T: PartialEq>(
    table: Table<'a>,
    key: &str,
    node: &'a Node,
    problems: &mut Problems,
    convert: impl Fn(&'a Node) -> Result<T, &'a Node>,
) -> Vec<T> {
    let items = match node.items() {
        None => std::slice::from_ref(node),
        Some([]) => {
            table.refuse(key, node, problems);
            return Vec::new();
        }
        Some(items) => items,
    };
    let mut values = Vec::with_capacity(items.len());
    for item in items {
        match convert(item) {
            Ok(value) if values.contains(&value) => problems.add(
                Diagnostic::new(
                    &item.place,
                    format!("{} occurs twice in `transfer.{key}`", item.found()),
                )
                .label("again here")
                .help("remove one of the two"),
            ),
            Ok(value) => values.push(value),
            Err(at) => table.refuse(key, at, problems),
        }
    }
    values
}

/// To 12 digits, as the values of a range: a tenth of 0.001 is 0.0001.
fn rounded(rate: f64) -> f64 {
    format!("{rate:.11e}").parse().unwrap_or(rate)
}

/// Reports what a file at `root` asks for beside [transfer] that does not go with it.
pub(super) fn check(root: &Node, has_folds: bool, has_refit: bool, problems: &mut Problems) {
    if let (true, Some(at)) = (has_folds, root.entry("transfer")) {
        problems.add(
            Diagnostic::new(&at.key_place, "a transfer cannot be cross-validated")
                .label("rows that the source knows keep the side that they have there")
                .help("remove `folds` from `split`, or remove [transfer]"),
        );
    }
    if let (true, Some(at)) = (has_refit, root.entry("transfer")) {
        problems.add(
            Diagnostic::new(&at.key_place, "a transfer has no refit")
                .label("rows that the source knows keep the side that they have there")
                .help("remove `refit` from [experiment], or remove [transfer]"),
        );
    }
}
