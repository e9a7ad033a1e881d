//! In which order configurations are ranked when some have finished with more seeds than others: those that were given
//! further seeds, and all of a sweep that is still running.
//!
//! Invariant: two configurations are compared on seeds (with cross-validation, seeds and folds) that both have finished. Further seeds go to the best, whose means then
//! fall back towards the truth, while the mean of one that was left with few seeds keeps its luck; comparing those would
//! favour whoever had fewer. So those with the most seeds are ordered first, among themselves. One with fewer then stands
//! behind as many of them as are ahead of it on the seeds that the two share; and so on, down to those with the fewest.

//!
//! Two that finished the same seeds and have the same mean over them are equal, whatever rounding makes of a sum: they
//! share a rank.

use std::cmp::Ordering;
use std::collections::BTreeMap;

/// The seed of a run, and its fold, from 1: 0 without cross-validation.
pub type RunKey = (u64, u32);

/// Places of `values`, the best first: each holds runs with their values, by seed and fold, larger being better. Ties stay in their order;
/// those without a value come last.
pub fn best_first<K: Ord + Copy>(values: &[Vec<(K, f64)>]) -> Vec<usize> {
    let (known, unknown): (Vec<usize>, Vec<usize>) =
        (0..values.len()).partition(|place| !values[*place].is_empty());
    let mut order = ordered(values, known);
    order.extend(unknown);
    order
}

/// Means that differ by no more than this share of their size are equal: sums of the same numbers in another order do.
const ROUNDING: f64 = 1e-12;

/// Ranks, from 1, of `values` in the order of their ranking: equal ones share the lowest of theirs (1, 1, 3).
pub fn ranks<K: Ord + Copy>(values: &[Vec<(K, f64)>]) -> Vec<usize> {
    let mut first = 0;
    (0..values.len())
        .map(|place| {
            if !are_equal(&values[first], &values[place]) {
                first = place;
            }
            first + 1
        })
        .collect()
}

/// Whether both have the same seeds and the same mean over them.
fn are_equal<K: Ord + Copy>(one: &[(K, f64)], other: &[(K, f64)]) -> bool {
    let seeds = |values: &[(K, f64)]| values.iter().map(|(seed, _)| *seed).collect::<Vec<K>>();
    let (a, b) = (mean(one.iter()), mean(other.iter()));
    seeds(one) == seeds(other) && (a - b).abs() <= ROUNDING * a.abs().max(b.abs())
}

fn ordered<K: Ord + Copy>(values: &[Vec<(K, f64)>], members: Vec<usize>) -> Vec<usize> {
    let fewest = members.iter().map(|place| values[*place].len()).min();
    let (few, more): (Vec<usize>, Vec<usize>) =
        (members.into_iter()).partition(|place| Some(values[*place].len()) == fewest);
    let few = by_mean(values, few);
    if more.is_empty() {
        return few;
    }
    let more = ordered(values, more);
    let behind = behind(values, &few, &more);
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); more.len() + 1];
    for place in few {
        after[behind[&place]].push(place);
    }
    let mut after = after.into_iter();
    let mut order = after.next().unwrap_or_default();
    for (place, next) in more.into_iter().zip(after) {
        order.push(place);
        order.extend(next);
    }
    order
}

/// `members`, each with as many seeds, by the mean over those that all share, the largest first; by all of their seeds where
/// they share none.
fn by_mean<K: Ord + Copy>(values: &[Vec<(K, f64)>], mut members: Vec<usize>) -> Vec<usize> {
    let sets = by_seeds(values, &members);
    let mut sets = sets.into_keys();
    let first = sets.next().unwrap_or_default();
    let shared = sets.fold(first, |shared, other| common(&shared, &other));
    let mean = |place: &usize| mean_over(&values[*place], &shared);
    members.sort_by(|a, b| mean(b).partial_cmp(&mean(a)).unwrap_or(Ordering::Equal));
    members
}

/// For each of `few`, how many of `more` are not worse on the seeds that the two share, or by all of their seeds where they
/// share none.
fn behind<K: Ord + Copy>(
    values: &[Vec<(K, f64)>],
    few: &[usize],
    more: &[usize],
) -> BTreeMap<usize, usize> {
    let mut behind: BTreeMap<usize, usize> = few.iter().map(|place| (*place, 0)).collect();
    let others = by_seeds(values, more);
    for (seeds, members) in by_seeds(values, few) {
        for (other_seeds, others) in &others {
            let shared = common(&seeds, other_seeds);
            let mean = |place: &usize| mean_over(&values[*place], &shared);
            let mut theirs: Vec<f64> = others.iter().map(mean).collect();
            theirs.sort_by(|a, b| b.total_cmp(a));
            for place in &members {
                let own = mean(place);
                let ahead = theirs.partition_point(|other| *other >= own);
                *behind.entry(*place).or_default() += ahead;
            }
        }
    }
    behind
}

/// `members` by the seeds that they have.
fn by_seeds<K: Ord + Copy>(
    values: &[Vec<(K, f64)>],
    members: &[usize],
) -> BTreeMap<Vec<K>, Vec<usize>> {
    let mut sets: BTreeMap<Vec<K>, Vec<usize>> = BTreeMap::new();
    for place in members {
        let seeds = values[*place].iter().map(|(seed, _)| *seed);
        sets.entry(seeds.collect()).or_default().push(*place);
    }
    sets
}

/// Seeds in both of two ascending lists.
fn common<K: Ord + Copy>(one: &[K], other: &[K]) -> Vec<K> {
    let is_in = |seed: &&K| other.binary_search(seed).is_ok();
    one.iter().filter(is_in).copied().collect()
}

/// The mean over those `seeds`, all of which are there; over all values where there are no `seeds`.
fn mean_over<K: Ord + Copy>(values: &[(K, f64)], seeds: &[K]) -> f64 {
    match seeds.is_empty() || seeds.len() == values.len() {
        true => mean(values.iter()),
        false => {
            let is_in = |seed: &K| seeds.binary_search(seed).is_ok();
            mean(values.iter().filter(|(seed, _)| is_in(seed)))
        }
    }
}

fn mean<'a, K: 'a>(values: impl Iterator<Item = &'a (K, f64)>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), (_, value)| {
        (sum + value, count + 1.0)
    });
    sum / count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(seeds: std::ops::RangeInclusive<u64>, values: &[f64]) -> Vec<(u64, f64)> {
        seeds.zip(values.iter().copied()).collect()
    }

    #[test]
    fn with_the_same_seeds_the_larger_mean_is_first() {
        let values = [
            from(1..=2, &[0.1, 0.2]),
            Vec::new(),
            from(1..=2, &[0.3, 0.4]),
            from(1..=2, &[0.1, 0.2]),
        ];
        assert_eq!(best_first(&values), [2, 0, 3, 1]);
    }

    #[test]
    fn who_was_given_extra_seeds_is_not_overtaken_by_who_kept_the_luck_of_few() {
        let values = [
            // Ahead with two seeds, fell back with further ones.
            from(1..=4, &[0.8, 0.8, 0.5, 0.5]),
            from(1..=4, &[0.79, 0.79, 0.6, 0.6]),
            // Its mean of 0.78 is above both means over four seeds.
            from(1..=2, &[0.78, 0.78]),
            // A baseline that was given further seeds stands where its first seeds put it.
            from(1..=4, &[0.6, 0.6, 0.6, 0.6]),
            from(1..=2, &[0.5, 0.5]),
        ];
        assert_eq!(best_first(&values), [1, 0, 2, 3, 4]);
    }

    #[test]
    fn extra_seeds_of_extra_seeds_decide_among_their_own() {
        let values = [
            from(1..=4, &[0.7, 0.7, 0.7, 0.9]),
            from(1..=3, &[0.9, 0.9, 0.2]),
            from(1..=4, &[0.8, 0.8, 0.7, 0.6]),
            from(1..=1, &[0.1]),
        ];
        // By all four seeds 0 before 2; on seeds 1 to 3 both are before 1; on seed 1 all are before 3.
        assert_eq!(best_first(&values), [0, 2, 1, 3]);
    }

    #[test]
    fn an_unfinished_sweep_is_ordered_by_what_has_finished_alike() {
        let values = [
            // Finished first, and poor.
            from(1..=3, &[0.3, 0.4, 0.5]),
            from(1..=2, &[0.6, 0.6]),
            // One easy seed of its own: on seed 3 it is no better than the first.
            from(3..=3, &[0.45]),
            Vec::new(),
            from(1..=2, &[0.5, 0.6]),
        ];
        assert_eq!(best_first(&values), [1, 4, 0, 2, 3]);
        // Better on that seed than the only one to share it; against the others its mean decides.
        let mut lucky = values.to_vec();
        lucky[2] = from(3..=3, &[0.58]);
        assert_eq!(best_first(&lucky), [1, 2, 4, 0, 3]);
    }

    #[test]
    fn what_some_lack_takes_no_seed_from_the_others() {
        let values = [
            from(1..=3, &[0.5, 0.6, 0.7]),
            from(1..=3, &[0.6, 0.5, 0.5]),
            from(1..=2, &[0.55, 0.65]),
            vec![(1, 0.3), (3, 0.3)],
        ];
        // All share seed 1 alone, and by that 1 would lead.
        assert_eq!(best_first(&values), [2, 0, 1, 3]);
    }

    /// Ranks by `min` of scipy's `rankdata` and of pandas' `rank`: 1 and the number of those that are better.
    #[test]
    fn equal_ones_share_the_rank_of_one_more_than_are_better() {
        let means = [0.9, 0.9, 0.7, 0.6, 0.6, 0.6, 0.1];
        let values = means.map(|mean| from(1..=2, &[mean - 0.05, mean + 0.05]));
        let better = |own: f64| means.iter().filter(|other| **other > own).count();
        assert_eq!(ranks(&values), means.map(|own| better(own) + 1));
        assert_eq!(ranks(&values), [1, 1, 3, 4, 4, 4, 7]);
        assert_eq!(ranks::<u64>(&[]), [] as [usize; 0]);
    }

    #[test]
    fn rounding_parts_no_equals_and_other_seeds_make_none() {
        let sum = |values: [f64; 3]| values.iter().sum::<f64>();
        assert_ne!(sum([0.1, 0.2, 0.3]), sum([0.3, 0.2, 0.1]));
        let values = [from(1..=3, &[0.1, 0.2, 0.3]), from(1..=3, &[0.3, 0.2, 0.1])];
        assert_eq!(ranks(&values), [1, 1]);
        // One row of a million makes a difference.
        let close = [from(1..=1, &[0.500_001]), from(1..=1, &[0.5])];
        assert_eq!(ranks(&close), [1, 2]);
        let others = [from(1..=2, &[0.5, 0.5]), from(2..=3, &[0.5, 0.5])];
        assert_eq!(ranks(&others), [1, 2]);
        let fewer = [from(1..=2, &[0.5, 0.5]), from(1..=1, &[0.5])];
        assert_eq!(ranks(&fewer), [1, 2]);
    }

    #[test]
    fn without_a_common_seed_means_decide() {
        let values = [from(1..=1, &[0.5]), from(2..=2, &[0.6])];
        assert_eq!(best_first(&values), [1, 0]);
    }
}
