//! Grows one classification tree on binned features (Breiman 2001; CART with Gini impurity).
//!
//! A tree is a function of (bins, labels, rules, seed, its number): all counting is in integers, every draw
//! is keyed by tree and node, and no float sum depends on an order that threads could change.

use super::bins::Bins;
use super::model::{LEAF, Tree};
use sweep_core::random::{Purpose, Stream};

const BINS: usize = 256;

/// What every tree of a forest has in common.
pub(super) struct Rules<'a> {
    pub bins: &'a Bins,
    /// Class of each training row.
    pub labels: &'a [u32],
    pub classes: usize,
    pub seed: u64,
    pub bootstrap: bool,
    /// Deepest level, the root being level 0.
    pub max_depth: u32,
    /// Fewest different rows of a leaf.
    pub min_leaf: usize,
    /// Features tried at a node, at least 1.
    pub features: usize,
}

/// A tree with its share in the importance of each feature: weighted decrease in impurity, adding
/// up to 1, or all 0 for a tree without a split.
pub(super) struct Grown {
    pub tree: Tree,
    pub importance: Vec<f64>,
}

/// A training row in the bag of a tree.
#[derive(Clone, Copy, Default)]
struct Sample {
    row: u32,
    class: u16,
    /// How often it was drawn.
    weight: u16,
}

/// A node whose rows are `samples[from..to]`.
struct Open {
    node: u32,
    from: usize,
    to: usize,
    depth: u32,
}

struct Split {
    feature: usize,
    bin: u8,
    /// Sum over the sides of (sum over classes of count squared) / count; larger is purer.
    purity: f64,
}

/// How often each training row is drawn for tree `number`; all once without bootstrap.
pub(super) fn bag(rules: &Rules<'_>, number: u32) -> Vec<u16> {
    let rows = rules.bins.rows();
    if !rules.bootstrap {
        return vec![1; rows];
    }
    let stream = Stream::new(rules.seed, Purpose::Bootstrap, 0, number);
    let mut weights = vec![0u16; rows];
    for draw in 0..rows {
        weights[stream.below(draw as u32, rows)] += 1;
    }
    weights
}

/// Grows tree `number`, depth first.
pub(super) fn grow(rules: &Rules<'_>, number: u32) -> Grown {
    let mut samples: Vec<Sample> = bag(rules, number)
        .into_iter()
        .zip(rules.labels)
        .enumerate()
        .filter(|(_, (weight, _))| *weight > 0)
        .map(|(row, (weight, &label))| Sample {
            row: row as u32,
            class: label as u16,
            weight,
        })
        .collect();
    let mut spare = vec![Sample::default(); samples.len()];
    let mut search = Search::new(rules, number);
    let mut tree = Tree::default();
    let mut importance = vec![0.0; rules.bins.features()];
    let mut open = vec![Open {
        node: tree.add_node(),
        from: 0,
        to: samples.len(),
        depth: 0,
    }];
    while let Some(Open {
        node,
        from,
        to,
        depth,
    }) = open.pop()
    {
        let rows = &mut samples[from..to];
        let impure = search.count(rows);
        let may_split = impure && depth < rules.max_depth && rows.len() >= 2 * rules.min_leaf;
        let Some(split) = may_split.then(|| search.best(rows, node)).flatten() else {
            tree.close(node, search.probabilities());
            continue;
        };
        importance[split.feature] += split.purity - search.purity();
        let column = rules.bins.column(split.feature);
        let middle = from + partition(rows, &mut spare, column, split.bin);
        let threshold = rules.bins.threshold(split.feature, split.bin);
        let (left, right) = tree.split(node, split.feature as i32, threshold);
        let below = |node, from, to| Open {
            node,
            from,
            to,
            depth: depth + 1,
        };
        open.push(below(right, middle, to));
        open.push(below(left, from, middle));
    }
    // Rounding can leave a split that gains nothing a hair below zero.
    importance
        .iter_mut()
        .for_each(|amount| *amount = amount.max(0.0));
    let total: f64 = importance.iter().sum();
    if total > 0.0 {
        importance.iter_mut().for_each(|amount| *amount /= total);
    }
    debug_assert!(tree.feature.iter().all(|feature| *feature >= LEAF));
    Grown { tree, importance }
}

/// Moves the rows whose code is at most `bin` to the front, both sides keeping their order; gives their number.
fn partition(rows: &mut [Sample], spare: &mut [Sample], column: &[u8], bin: u8) -> usize {
    let (mut left, mut right) = (0, 0);
    for place in 0..rows.len() {
        let sample = rows[place];
        // Both writes and no branch: which way a row goes cannot be predicted.
        rows[left] = sample;
        spare[right] = sample;
        let goes_left = usize::from(column[sample.row as usize] <= bin);
        left += goes_left;
        right += 1 - goes_left;
    }
    rows[left..].copy_from_slice(&spare[..right]);
    left
}

/// The search for the best split of a node, with its scratch memory.
struct Search<'a> {
    rules: &'a Rules<'a>,
    number: u32,
    /// Features in index order between nodes.
    order: Vec<u32>,
    /// Weight of the node's rows by class, and in all.
    counts: Vec<u64>,
    total: u64,
    /// Sum of squares of `counts`.
    squares: u64,
    /// Weight by [bin, class] with the number of rows last; all 0 between features.
    histogram: Vec<u32>,
    /// Bit b is set when bin b has a row; all 0 between features.
    occupied: [u64; BINS / 64],
    left: Vec<u64>,
}

impl<'a> Search<'a> {
    fn new(rules: &'a Rules<'a>, number: u32) -> Search<'a> {
        Search {
            rules,
            number,
            order: (0..rules.bins.features() as u32).collect(),
            counts: vec![0; rules.classes],
            total: 0,
            squares: 0,
            histogram: vec![0; BINS * (rules.classes + 1)],
            occupied: [0; BINS / 64],
            left: vec![0; rules.classes],
        }
    }

    /// Makes the node of `rows` the current one; says whether it holds more than one class.
    fn count(&mut self, rows: &[Sample]) -> bool {
        self.counts.fill(0);
        for sample in rows {
            self.counts[usize::from(sample.class)] += u64::from(sample.weight);
        }
        self.total = self.counts.iter().sum();
        self.squares = self.counts.iter().map(|count| count * count).sum();
        !self.counts.contains(&self.total)
    }

    fn probabilities(&self) -> impl Iterator<Item = f32> + '_ {
        let total = self.total as f64;
        self.counts
            .iter()
            .map(move |count| (*count as f64 / total) as f32)
    }

    fn purity(&self) -> f64 {
        self.squares as f64 / self.total as f64
    }

    /// The best split among a fresh draw of features. As in scikit-learn, drawing goes on past
    /// `rules.features` until one of them is not constant in this node.
    fn best(&mut self, rows: &[Sample], node: u32) -> Option<Split> {
        let stream = Stream::new(self.rules.seed, Purpose::Features, self.number, node);
        let features = self.order.len();
        let mut best: Option<Split> = None;
        let mut varies = false;
        let mut swapped = 0;
        while swapped < features && (swapped < self.rules.features || !varies) {
            self.order.swap(
                swapped,
                swapped + stream.below(swapped as u32, features - swapped),
            );
            let feature = self.order[swapped] as usize;
            swapped += 1;
            self.fill(rows, self.rules.bins.column(feature));
            varies |= self.scan(rows.len(), feature, &mut best);
        }
        // Back to index order, so that no node's draw depends on another's.
        for place in (0..swapped).rev() {
            let other = place + stream.below(place as u32, features - place);
            self.order.swap(place, other);
        }
        best
    }

    fn fill(&mut self, rows: &[Sample], column: &[u8]) {
        let stride = self.rules.classes + 1;
        for sample in rows {
            let bin = usize::from(column[sample.row as usize]);
            let entry = &mut self.histogram[bin * stride..][..stride];
            entry[usize::from(sample.class)] += u32::from(sample.weight);
            entry[stride - 1] += 1;
            self.occupied[bin / 64] |= 1 << (bin % 64);
        }
    }

    /// Tries every cut between two neighbouring bins that have rows, emptying the histogram on the
    /// way; says whether there was more than one such bin.
    fn scan(&mut self, rows: usize, feature: usize, best: &mut Option<Split>) -> bool {
        let stride = self.rules.classes + 1;
        let mut seen = 0;
        let (mut left_total, mut left_squares, mut right_squares) = (0u64, 0u64, self.squares);
        let mut previous: Option<usize> = None;
        let mut varies = false;
        self.left.fill(0);
        for (word, bits) in self.occupied.iter_mut().enumerate() {
            while *bits != 0 {
                let bin = word * 64 + bits.trailing_zeros() as usize;
                *bits &= *bits - 1;
                if let Some(previous) = previous {
                    varies = true;
                    let purity = left_squares as f64 / left_total as f64
                        + right_squares as f64 / (self.total - left_total) as f64;
                    if best.as_ref().is_none_or(|best| purity > best.purity)
                        && seen >= self.rules.min_leaf
                        && rows - seen >= self.rules.min_leaf
                    {
                        // Bins between the two have no row here: the middle one leaves new rows
                        // as much room on either side.
                        let bin = ((previous + bin - 1) / 2) as u8;
                        *best = Some(Split {
                            feature,
                            bin,
                            purity,
                        });
                    }
                }
                previous = Some(bin);
                let entry = &mut self.histogram[bin * stride..][..stride];
                for (class, left) in self.left.iter_mut().enumerate() {
                    let weight = u64::from(entry[class]);
                    let right = self.counts[class] - *left;
                    left_squares += weight * (2 * *left + weight);
                    right_squares -= weight * (2 * right - weight);
                    *left += weight;
                    left_total += weight;
                }
                seen += entry[stride - 1] as usize;
                entry.fill(0);
            }
        }
        varies
    }
}
