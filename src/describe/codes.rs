//! Values as small numbers: equal values of a column have the same code.

use std::collections::HashMap;

/// Marks a row without a value in a list of codes.
pub(super) const NONE: u32 = u32::MAX;

/// The class of each row.
pub(super) struct Labels {
    pub(super) codes: Vec<u32>,
    pub(super) classes: usize,
}

/// For each text its place among the distinct ones, in the order in which they first come, or
/// [`NONE`]; and their number.
pub(super) fn codes<'a>(texts: impl Iterator<Item = Option<&'a str>>) -> (Vec<u32>, usize) {
    let mut known: HashMap<&str, u32> = HashMap::new();
    let code = |text: Option<&'a str>| {
        let next = known.len() as u32;
        text.map_or(NONE, |text| *known.entry(text).or_insert(next))
    };
    let codes: Vec<u32> = texts.map(code).collect();
    (codes, known.len())
}
