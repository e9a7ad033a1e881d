//! Values as small numbers: equal values of a column have the same code.

/// Marks a row without a value in a list of codes.
pub(super) const NONE: u32 = u32::MAX;

/// The class of each row.
pub(super) struct Labels {
    pub(super) codes: Vec<u32>,
    pub(super) classes: usize,
}

/// For each number its place among the distinct ones, in the order in which they first come, or
/// [`NONE`]; and how many there are.
pub(super) fn codes(values: Vec<Option<u32>>) -> (Vec<u32>, usize) {
    let most = values
        .iter()
        .flatten()
        .max()
        .map_or(0, |most| *most as usize + 1);
    let mut known: Vec<Option<u32>> = vec![None; most];
    let mut next = 0;
    let mut code = |value: Option<u32>| match value {
        None => NONE,
        Some(value) => *known[value as usize].get_or_insert_with(|| {
            next += 1;
            next - 1
        }),
    };
    let codes: Vec<u32> = values.into_iter().map(&mut code).collect();
    (codes, next as usize)
}
