//! Grows one tree on binned features (Breiman 2001; CART).
//!
//! A tree is a function of (bins, target, rules, seed, its number): every draw is keyed by tree and node, and no float
//! sum depends on an order that threads could change.

use super::bins::Bins;
use super::criterion::{Criterion, Split};
use super::gini::Gini;
use super::model::{LEAF, Tree};
use super::sums::Sums;
use sweep_core::random::{Purpose, Stream};

/// What every tree of a forest has in common.
pub(super) struct Rules<'a> {
    pub bins: &'a Bins,
    pub response: Response<'a>,
    /// Numbers of a leaf: one a class, or one.
    pub outputs: usize,
    pub seed: u64,
    pub bootstrap: bool,
    /// Sums of the weights up to each row, by which rows are drawn; `None` where all are alike.
    pub cumulative: Option<Vec<f64>>,
    /// Deepest level, the root being level 0.
    pub max_depth: u32,
    /// Fewest different rows of a leaf.
    pub min_leaf: usize,
    /// Features tried at a node, at least 1.
    pub features: usize,
}

/// What trees learn of each training row.
pub(super) enum Response<'a> {
    /// Classes, all rows alike.
    Classes(&'a [u32]),
    /// Classes, and the weights of rows.
    Weighted(&'a [u32], &'a [f32]),
    /// Numbers less their `mean`, so that sums lose little, and the weights of rows.
    Numbers {
        values: Vec<f32>,
        mean: f64,
        weights: Option<&'a [f32]>,
    },
}

/// A tree with its share in the importance of each feature: weighted decrease in impurity, adding
/// up to 1, or all 0 for a tree without a split.
pub(super) struct Grown {
    pub tree: Tree,
    pub importance: Vec<f64>,
}

/// A node whose rows are `samples[from..to]`.
struct Open {
    node: u32,
    from: usize,
    to: usize,
    depth: u32,
}

/// How often each training row is drawn for tree `number`, by its weight if rows have any; all once without bootstrap.
pub(super) fn bag(rules: &Rules<'_>, number: u32) -> Vec<u16> {
    let rows = rules.bins.rows();
    if !rules.bootstrap {
        return vec![1; rows];
    }
    let stream = Stream::new(rules.seed, Purpose::Bootstrap, 0, number);
    let mut times = vec![0u16; rows];
    for draw in 0..rows as u32 {
        let row = match &rules.cumulative {
            None => stream.below(draw, rows),
            Some(cumulative) => {
                let place = stream.uniform(draw) * cumulative[rows - 1];
                let row = cumulative.partition_point(|sum| *sum <= place);
                row.min(rows - 1)
            }
        };
        times[row] += 1;
    }
    times
}

/// Grows tree `number`.
pub(super) fn grow(rules: &Rules<'_>, number: u32) -> Grown {
    match &rules.response {
        Response::Classes(labels) => grow_by(Gini::new(labels, rules.outputs), rules, number),
        Response::Weighted(labels, weights) => grow_by(
            Sums::of_classes(labels, weights, rules.outputs),
            rules,
            number,
        ),
        Response::Numbers {
            values,
            mean,
            weights,
        } => grow_by(Sums::of_numbers(values, *mean, *weights), rules, number),
    }
}

/// Depth first.
fn grow_by<C: Criterion>(criterion: C, rules: &Rules<'_>, number: u32) -> Grown {
    let mut samples: Vec<C::Sample> = bag(rules, number)
        .into_iter()
        .enumerate()
        .filter(|(_, drawn)| *drawn > 0)
        .filter_map(|(row, drawn)| criterion.sample(row as u32, drawn))
        .collect();
    let mut spare = vec![C::Sample::default(); samples.len()];
    let mut search = Search {
        criterion,
        rules,
        number,
        order: (0..rules.bins.features() as u32).collect(),
    };
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
        let impure = search.criterion.start(rows);
        let may_split = impure && depth < rules.max_depth && rows.len() >= 2 * rules.min_leaf;
        let Some(split) = may_split.then(|| search.best(rows, node)).flatten() else {
            tree.close(node, search.criterion.leaf());
            continue;
        };
        importance[split.feature] += split.purity - search.criterion.purity();
        let column = rules.bins.column(split.feature);
        let middle = from + partition::<C>(rows, &mut spare, column, split.bin);
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
fn partition<C: Criterion>(
    rows: &mut [C::Sample],
    spare: &mut [C::Sample],
    column: &[u8],
    bin: u8,
) -> usize {
    let (mut left, mut right) = (0, 0);
    for place in 0..rows.len() {
        let sample = rows[place];
        // Both writes and no branch: which way a row goes cannot be predicted.
        rows[left] = sample;
        spare[right] = sample;
        let goes_left = usize::from(column[C::row(&sample) as usize] <= bin);
        left += goes_left;
        right += 1 - goes_left;
    }
    rows[left..].copy_from_slice(&spare[..right]);
    left
}

/// The search for the best split of a node.
struct Search<'a, C> {
    criterion: C,
    rules: &'a Rules<'a>,
    number: u32,
    /// Features in index order between nodes.
    order: Vec<u32>,
}

impl<C: Criterion> Search<'_, C> {
    /// The best split among a fresh draw of features. As in scikit-learn, drawing goes on past
    /// `rules.features` until one of them is not constant in this node.
    fn best(&mut self, rows: &[C::Sample], node: u32) -> Option<Split> {
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
            self.criterion.fill(rows, self.rules.bins.column(feature));
            let (all, min_leaf) = (rows.len(), self.rules.min_leaf);
            varies |= self.criterion.scan((all, min_leaf), feature, &mut best);
        }
        // Back to index order, so that no node's draw depends on another's.
        for place in (0..swapped).rev() {
            let other = place + stream.below(place as u32, features - place);
            self.order.swap(place, other);
        }
        best
    }
}
