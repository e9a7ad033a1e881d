//! In which order configurations are ranked when some were trained with more seeds than others.
//!
//! Invariant: two configurations are compared on seeds that both have. Further seeds go to the best, whose means then fall
//! back towards the truth, while the mean of one that was left with few seeds keeps its luck; comparing those would favour
//! whoever had fewer. So all are ordered by the seeds that all share; then those with further seeds are ordered
//! among themselves, in the places that they hold, by the seeds that these share; and so on.

use std::cmp::Ordering;

/// Places of `values`, the best first: each holds (seed, value), by seed, larger being better. Ties stay in their order;
/// those without a value come last.
pub fn best_first(values: &[Vec<(u64, f64)>]) -> Vec<usize> {
    let (known, unknown): (Vec<usize>, Vec<usize>) =
        (0..values.len()).partition(|place| !values[*place].is_empty());
    let mut order = ordered(values, known);
    order.extend(unknown);
    order
}

fn ordered(values: &[Vec<(u64, f64)>], members: Vec<usize>) -> Vec<usize> {
    let shared = shared(values, &members);
    let means: Vec<f64> = (members.iter())
        .map(|place| match shared.is_empty() {
            true => mean(values[*place].iter()),
            false => mean(
                values[*place]
                    .iter()
                    .filter(|(seed, _)| shared.contains(seed)),
            ),
        })
        .collect();
    let mut places: Vec<usize> = (0..members.len()).collect();
    places.sort_by(|a, b| means[*b].partial_cmp(&means[*a]).unwrap_or(Ordering::Equal));
    let mut order: Vec<usize> = places.into_iter().map(|place| members[place]).collect();
    let has_more = |place: &usize| values[*place].len() > shared.len();
    let more: Vec<usize> = order
        .iter()
        .filter(|place| has_more(place))
        .copied()
        .collect();
    if shared.is_empty() || more.is_empty() || more.len() == order.len() {
        return order;
    }
    let held: Vec<usize> = (0..order.len())
        .filter(|at| has_more(&order[*at]))
        .collect();
    for (at, place) in held.into_iter().zip(ordered(values, more)) {
        order[at] = place;
    }
    order
}

/// Seeds that all of `members` have, ascending.
fn shared(values: &[Vec<(u64, f64)>], members: &[usize]) -> Vec<u64> {
    let Some((first, rest)) = members.split_first() else {
        return Vec::new();
    };
    let seeds = values[*first].iter().map(|(seed, _)| *seed);
    seeds
        .filter(|seed| {
            let has = |place: &usize| values[*place].iter().any(|(other, _)| other == seed);
            rest.iter().all(has)
        })
        .collect()
}

fn mean<'a>(values: impl Iterator<Item = &'a (u64, f64)>) -> f64 {
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
    fn who_was_given_further_seeds_is_not_overtaken_by_who_kept_the_luck_of_few() {
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
    fn further_seeds_of_further_seeds_decide_among_their_own() {
        let values = [
            from(1..=4, &[0.7, 0.7, 0.7, 0.9]),
            from(1..=3, &[0.9, 0.9, 0.2]),
            from(1..=4, &[0.8, 0.8, 0.7, 0.6]),
            from(1..=1, &[0.1]),
        ];
        // By seed 1: 1, 2, 0, 3. By seeds 1 to 3 among the first three: 2, 0, 1. By all four: 0 before 2.
        assert_eq!(best_first(&values), [0, 2, 1, 3]);
    }

    #[test]
    fn without_a_common_seed_means_decide() {
        let values = [from(1..=1, &[0.5]), from(2..=2, &[0.6])];
        assert_eq!(best_first(&values), [1, 0]);
    }
}
