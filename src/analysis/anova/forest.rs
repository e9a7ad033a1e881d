//! The decomposition where the grid has holes: a forest of regression trees is fitted to the configurations, and the variance of
//! what it says over all combinations of levels is shared out, exactly for each tree.
//!
//! Each leaf of a tree holds, for every factor, a set of levels, so that its share of the search space is a product; marginal means
//! are sums over leaves (Hutter, Hoos and Leyton-Brown 2014, algorithm 2). Deterministic: tree t draws its
//! points from a stream of its own.

use super::result::{Part, Point};
use sweep_core::random::{Purpose, Stream};

pub(super) const TREES: usize = 64;
/// Points below which a node is not split.
const FEWEST: usize = 4;
/// A node is split only if it holds this part of all points, so that the work stays in bounds.
const FINEST: usize = 128;
/// Key of the draws; any number would do.
const SEED: u64 = 0;

/// A leaf: which levels of each factor it holds, and the mean of its points.
struct Leaf {
    levels: Vec<Vec<bool>>,
    value: f64,
}

/// Mean over trees of the share that every factor and every pair of them has in the variance of the tree.
pub(super) fn decompose(sizes: &[usize], points: &[Point], means: &[f64]) -> Vec<Part> {
    let pairs = (0..sizes.len())
        .flat_map(|first| (first + 1..sizes.len()).map(move |second| (first, Some(second))));
    let mut parts: Vec<Part> = (0..sizes.len())
        .map(|first| (first, None))
        .chain(pairs)
        .map(|(first, second)| Part {
            first,
            second,
            amount: 0.0,
        })
        .collect();
    let mut grown = 0usize;
    for tree in 0..TREES {
        let stream = Stream::new(SEED, Purpose::SettingImportance, tree as u32, 0);
        let drawn: Vec<usize> = (0..points.len())
            .map(|draw| stream.below(draw as u32, points.len()))
            .collect();
        let mut leaves = Vec::new();
        let whole: Vec<Vec<bool>> = sizes.iter().map(|size| vec![true; *size]).collect();
        grow(&drawn, whole, (points, means), &mut leaves);
        if let Some(shares) = shares(sizes, &leaves) {
            grown += 1;
            for (part, share) in parts.iter_mut().zip(shares) {
                part.amount += share;
            }
        }
    }
    for part in &mut parts {
        part.amount /= grown.max(1) as f64;
    }
    parts
}

/// Splits `drawn` where that lowers the squared error most, down to leaves.
fn grow(drawn: &[usize], levels: Vec<Vec<bool>>, data: (&[Point], &[f64]), leaves: &mut Vec<Leaf>) {
    let (points, means) = data;
    let fewest = FEWEST.max(points.len() / FINEST);
    match best_split(drawn, &levels, data).filter(|_| drawn.len() >= fewest) {
        Some((factor, low)) => {
            let (left, right): (Vec<usize>, Vec<usize>) = drawn
                .iter()
                .partition(|place| low[points[**place].levels[factor]]);
            let mut below = levels.clone();
            let mut above = levels;
            for (level, is_low) in low.iter().enumerate() {
                below[factor][level] &= is_low;
                above[factor][level] &= !is_low;
            }
            grow(&left, below, data, leaves);
            grow(&right, above, data, leaves);
        }
        None => leaves.push(Leaf {
            levels,
            value: drawn.iter().map(|place| means[*place]).sum::<f64>() / drawn.len() as f64,
        }),
    }
}

/// The factor, and the levels of it that go to one side. Levels in the order of their means are tried cut by cut, which
/// finds the best of all subsets (Breiman, Friedman, Olshen and Stone, "Classification and regression trees", 1984, section 4.5);
/// levels without a point stay with those above.
fn best_split(
    drawn: &[usize],
    levels: &[Vec<bool>],
    (points, means): (&[Point], &[f64]),
) -> Option<(usize, Vec<bool>)> {
    let total: f64 = drawn.iter().map(|place| means[*place]).sum();
    let count = drawn.len() as f64;
    let mut best: Option<(f64, usize, Vec<bool>)> = None;
    for factor in 0..levels.len() {
        let mut sums = vec![(0.0, 0.0); levels[factor].len()];
        for place in drawn {
            let cell = &mut sums[points[*place].levels[factor]];
            *cell = (cell.0 + means[*place], cell.1 + 1.0);
        }
        let mut order: Vec<usize> = (0..sums.len())
            .filter(|level| sums[*level].1 > 0.0)
            .collect();
        order.sort_by(|a, b| (sums[*a].0 / sums[*a].1).total_cmp(&(sums[*b].0 / sums[*b].1)));
        let (mut sum, mut number) = (0.0, 0.0);
        for cut in 1..order.len() {
            let cell = sums[order[cut - 1]];
            (sum, number) = (sum + cell.0, number + cell.1);
            let rest = total - sum;
            let gain = sum * sum / number + rest * rest / (count - number) - total * total / count;
            if gain
                > best
                    .as_ref()
                    .map_or(1e-12 * total * total / count, |best| best.0)
            {
                let mut low = vec![false; sums.len()];
                order[..cut].iter().for_each(|level| low[*level] = true);
                best = Some((gain, factor, low));
            }
        }
    }
    best.map(|(_, factor, low)| (factor, low))
}

/// Shares of one tree, singles before pairs; `None` for a tree that says the same everywhere.
fn shares(sizes: &[usize], leaves: &[Leaf]) -> Option<Vec<f64>> {
    let volumes = Volumes::new(sizes, leaves);
    let weighted = |part: &dyn Fn(&Leaf) -> f64| -> f64 {
        let each = leaves.iter().enumerate();
        each.map(|(place, leaf)| volumes.without(place, &[]) * part(leaf))
            .sum()
    };
    let mean = weighted(&|leaf| leaf.value);
    let variance = weighted(&|leaf| (leaf.value - mean).powi(2));
    if variance <= 0.0 {
        return None;
    }
    let single = |factor: usize| -> Vec<f64> {
        let mut effects = vec![0.0; sizes[factor]];
        for (place, leaf) in leaves.iter().enumerate() {
            let weight = volumes.without(place, &[factor]) * (leaf.value - mean);
            for (effect, is_held) in effects.iter_mut().zip(&leaf.levels[factor]) {
                *effect += if *is_held { weight } else { 0.0 };
            }
        }
        effects
    };
    let singles: Vec<Vec<f64>> = (0..sizes.len()).map(single).collect();
    let mut all: Vec<f64> = singles.iter().map(|effects| mean_square(effects)).collect();
    for first in 0..sizes.len() {
        for second in first + 1..sizes.len() {
            let width = sizes[second];
            let mut effects = vec![0.0; sizes[first] * width];
            for (place, leaf) in leaves.iter().enumerate() {
                let weight = volumes.without(place, &[first, second]) * (leaf.value - mean);
                for (cell, effect) in effects.iter_mut().enumerate() {
                    if leaf.levels[first][cell / width] && leaf.levels[second][cell % width] {
                        *effect += weight;
                    }
                }
            }
            for (cell, effect) in effects.iter_mut().enumerate() {
                *effect -= singles[first][cell / width] + singles[second][cell % width];
            }
            all.push(mean_square(&effects));
        }
    }
    Some(all.into_iter().map(|part| part / variance).collect())
}

/// The share of the levels of each factor that each leaf holds.
struct Volumes(Vec<Vec<f64>>);

impl Volumes {
    fn new(sizes: &[usize], leaves: &[Leaf]) -> Volumes {
        let share = |(levels, size): (&Vec<bool>, &usize)| {
            levels.iter().filter(|is_held| **is_held).count() as f64 / *size as f64
        };
        let shares = |leaf: &Leaf| leaf.levels.iter().zip(sizes).map(share).collect();
        Volumes(leaves.iter().map(shares).collect())
    }

    /// The part of the search space that the leaf at `place` holds, factors `without` left out.
    fn without(&self, place: usize, without: &[usize]) -> f64 {
        let shares = self.0[place].iter().enumerate();
        let kept = shares.filter(|(factor, _)| !without.contains(factor));
        kept.map(|(_, share)| share).product()
    }
}

fn mean_square(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum::<f64>() / values.len() as f64
}
