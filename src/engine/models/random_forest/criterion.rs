//! What makes one split better than another.

/// Bins that a feature may have.
pub(super) const BINS: usize = 256;

/// A split of a node.
pub(super) struct Split {
    pub feature: usize,
    /// Rows up to this bin go left.
    pub bin: u8,
    /// Of both sides together; larger is purer.
    pub purity: f64,
}

/// Chooses among the splits of a node, with its scratch memory.
pub(super) trait Criterion {
    /// A training row in the bag of a tree.
    type Sample: Copy + Default;

    /// The row `row`, drawn so many times; `None` if it has no weight.
    fn sample(&self, row: u32, drawn: u16) -> Option<Self::Sample>;

    fn row(sample: &Self::Sample) -> u32;

    /// Makes the node of `rows` the current one; says whether there is something left to separate.
    fn start(&mut self, rows: &[Self::Sample]) -> bool;

    /// Counts the rows by the bin that `column` has for each.
    fn fill(&mut self, rows: &[Self::Sample], column: &[u8]);

    /// Tries every cut between two neighbouring bins that have rows, emptying the counts on the way; says whether there was
    /// more than one such bin. `sizes` are the number of the node's rows, and the fewest on either side.
    fn scan(&mut self, sizes: (usize, usize), feature: usize, best: &mut Option<Split>) -> bool;

    /// What a leaf at the current node predicts.
    fn leaf(&self) -> impl Iterator<Item = f32> + '_;

    /// Of the current node.
    fn purity(&self) -> f64;
}

/// The bin to cut at between two that have rows: bins between them have none, and the middle one leaves new rows as much
/// room on either side.
pub(super) fn between(below: usize, above: usize) -> u8 {
    ((below + above - 1) / 2) as u8
}
