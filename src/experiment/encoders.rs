//! `text` of `[data]`: which columns of text become features, and how.
//!
//! Options that an encoder does not have are refused, so that none is without effect.

use std::path::PathBuf;

use super::diagnostic::{Diagnostic, Problems};
use super::keys;
use super::node::{Content, Node};
use super::table::{Table, boolean, texts};
use sweep_core::data_config::{Analyzer, Hashing, Sentence, Terms, TextEncoder, TextSpec, Tfidf};

/// Most features of a column: each is a number in every row.
const MAX_DIMS: i64 = 4096;
/// Longest term, in words or characters.
const MAX_NGRAM: i64 = 10;
/// Most terms an encoder may know, and how many it does when the file says nothing.
const MAX_TERMS: i64 = 1_000_000;
const DEFAULT_TERMS: usize = 50_000;
/// Training rows in which a term must stand when the file says nothing.
const DEFAULT_COUNT: usize = 2;

/// Options of `tfidf` that `hashing` does not have, and those of both that `sentence` does not have.
const TFIDF_ONLY: [&str; 3] = ["sublinear", "min_count", "max_terms"];
const OF_TERMS: [&str; 4] = ["dims", "analyzer", "ngrams", "lowercase"];

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Tfidf,
    Hashing,
    Sentence,
}

/// Reads `text` of `[data]`, one table or a list of them.
pub(super) fn read(data: Table<'_>, problems: &mut Problems) -> Vec<TextSpec> {
    let Some(node) = data.get("text") else {
        return Vec::new();
    };
    if node.entries().is_some() {
        return one(node, "data.text", problems).into_iter().collect();
    }
    let Some(items) = node.items().filter(|items| !items.is_empty()) else {
        data.refuse("text", node, problems);
        return Vec::new();
    };
    let mut specs = Vec::with_capacity(items.len());
    for (place, item) in items.iter().enumerate() {
        specs.extend(one(item, &format!("data.text[{place}]"), problems));
    }
    specs
}

fn one(node: &Node, path: &str, problems: &mut Problems) -> Option<TextSpec> {
    let table = Table::open(node, path, keys::TEXT, problems)?;
    let own = match table.get("encoder").and_then(Node::text) {
        Some("sentence") => "model",
        _ => "dims",
    };
    for key in ["columns", "encoder", own] {
        if table.get(key).is_none() {
            let known = keys::TEXT.iter().find(|known| known.name == key)?;
            problems.add(
                Diagnostic::new(table.place(), format!("`{path}.{key}` is missing"))
                    .help(format!("add `{key} = ...`: {}", known.allowed)),
            );
        }
    }
    let columns = table.read("columns", problems, |node| match texts(node)? {
        columns if columns.is_empty() => Err(node),
        columns => Ok(columns),
    });
    let kind = table.read("encoder", problems, |node| match node.text() {
        Some("tfidf") => Ok(Kind::Tfidf),
        Some("hashing") => Ok(Kind::Hashing),
        Some("sentence") => Ok(Kind::Sentence),
        _ => Err(node),
    });
    let dims = table.read("dims", problems, integer(MAX_DIMS));
    let terms = terms(table, problems);
    let sublinear = table.read("sublinear", problems, boolean).unwrap_or(false);
    let min_count = table
        .read("min_count", problems, integer(i64::MAX))
        .unwrap_or(DEFAULT_COUNT);
    let max_terms = table
        .read("max_terms", problems, integer(MAX_TERMS))
        .unwrap_or(DEFAULT_TERMS);
    let model = table.read("model", problems, |node| match node.text() {
        Some(path) if !path.is_empty() => Ok(PathBuf::from(path)),
        _ => Err(node),
    });
    let (columns, kind) = (columns?, kind?);
    match kind {
        Kind::Tfidf => refuse(table, &["model"], "sentence", problems),
        Kind::Hashing => {
            refuse(table, &TFIDF_ONLY, "tfidf", problems);
            refuse(table, &["model"], "sentence", problems);
        }
        Kind::Sentence => {
            refuse(table, &TFIDF_ONLY, "tfidf", problems);
            refuse(table, &OF_TERMS, "tfidf", problems);
        }
    }
    let encoder = match kind {
        Kind::Tfidf => TextEncoder::Tfidf(Tfidf {
            terms,
            sublinear,
            min_count,
            max_terms,
            dims: dims?,
        }),
        Kind::Hashing => TextEncoder::Hashing(Hashing { terms, dims: dims? }),
        Kind::Sentence => TextEncoder::Sentence(Sentence { model: model? }),
    };
    if let TextEncoder::Tfidf(Tfidf {
        max_terms, dims, ..
    }) = &encoder
        && max_terms < dims
        && let Some(node) = table.get("dims")
    {
        problems.add(
            Diagnostic::new(&node.place, "`dims` is larger than `max_terms`")
                .label(format!("`max_terms` is {max_terms}"))
                .help(format!(
                    "lower `dims` to {max_terms} or less, or raise `max_terms`"
                )),
        );
    }
    Some(TextSpec { columns, encoder })
}

fn terms(table: Table<'_>, problems: &mut Problems) -> Terms {
    let analyzer = table.read("analyzer", problems, |node| match node.text() {
        Some("word") => Ok(Analyzer::Word),
        Some("char") => Ok(Analyzer::Char),
        _ => Err(node),
    });
    let analyzer = analyzer.unwrap_or(Analyzer::Word);
    let ngrams = table.read("ngrams", problems, |node| {
        let [least, most] = node.items().ok_or(node)? else {
            return Err(node);
        };
        let within = integer(MAX_NGRAM);
        match [within(least)?, within(most)?] {
            [least, most] if least <= most => Ok([least, most]),
            _ => Err(node),
        }
    });
    Terms {
        analyzer,
        ngrams: ngrams.unwrap_or(match analyzer {
            Analyzer::Word => [1, 1],
            Analyzer::Char => [3, 5],
        }),
        lowercase: table.read("lowercase", problems, boolean).unwrap_or(true),
    }
}

/// Refuses those of `keys` that are there: they are options of `encoder`.
fn refuse(table: Table<'_>, keys: &[&str], encoder: &str, problems: &mut Problems) {
    for key in keys {
        if let Some(node) = table.get(key) {
            let what = format!("`{}.{key}` has no effect", table.path);
            problems.add(
                Diagnostic::new(&node.place, what)
                    .label(format!("\"{encoder}\" takes it, this encoder does not"))
                    .help(format!("remove `{key}`, or set encoder = \"{encoder}\"")),
            );
        }
    }
}

/// An integer from 1 to `most`.
fn integer(most: i64) -> impl Fn(&Node) -> Result<usize, &Node> {
    move |node| match node.content {
        Content::Int(int) if (1..=most).contains(&int) => usize::try_from(int).map_err(|_| node),
        _ => Err(node),
    }
}
