//! Several objectives, all of them better when higher: dominance, the Pareto front, its hypervolume, and the augmented
//! Chebyshev scalarisation that a searcher of one objective works with (Knowles 2006, ParEGO).

/// Share of the sum in the augmented Chebyshev scalarisation.
const AUGMENTATION: f64 = 0.05;

/// Whether `a` is at least as good as `b` everywhere and better somewhere.
pub(crate) fn dominates(a: &[f64], b: &[f64]) -> bool {
    let mut pairs = a.iter().zip(b);
    pairs.all(|(a, b)| a >= b) && a.iter().zip(b).any(|(a, b)| a > b)
}

/// The indices of the values that none dominates, in order; of equal ones the first.
pub fn front(values: &[Vec<f64>]) -> Vec<usize> {
    (0..values.len())
        .filter(|&index| {
            !values.iter().enumerate().any(|(other, value)| {
                dominates(value, &values[index]) || (other < index && *value == values[index])
            })
        })
        .collect()
}

/// Indices by non-dominated rank (Goldberg 1989): the front, the front of the rest, and so on.
pub(crate) fn by_rank(values: &[Vec<f64>]) -> Vec<usize> {
    let mut rest: Vec<usize> = (0..values.len()).collect();
    let mut order = Vec::new();
    while !rest.is_empty() {
        let left: Vec<Vec<f64>> = rest.iter().map(|&index| values[index].clone()).collect();
        let best = front(&left);
        order.extend(best.iter().map(|&place| rest[place]));
        let mut place = 0;
        rest.retain(|_| {
            place += 1;
            !best.contains(&(place - 1))
        });
    }
    order
}

/// The volume that is dominated by the values and dominates the reference point; exact, by slices along the last
/// objective (While, Hingston, Barone, Huband 2006).
pub fn hypervolume(values: &[Vec<f64>], reference: &[f64]) -> f64 {
    let inside: Vec<&[f64]> = values
        .iter()
        .map(Vec::as_slice)
        .filter(|value| {
            value
                .iter()
                .zip(reference)
                .all(|(value, reference)| value > reference)
        })
        .collect();
    slices(inside, reference)
}

fn slices(mut values: Vec<&[f64]>, reference: &[f64]) -> f64 {
    let Some((&floor, rest)) = reference.split_last() else {
        return 0.0;
    };
    let last = rest.len();
    if last == 0 {
        let best = values.iter().map(|value| value[0]).fold(floor, f64::max);
        return best - floor;
    }
    values.sort_by(|a, b| b[last].total_cmp(&a[last]));
    let mut volume = 0.0;
    for count in 1..=values.len() {
        let below = values.get(count).map_or(floor, |value| value[last]);
        let depth = values[count - 1][last] - below;
        if depth > 0.0 {
            volume += depth * slices(values[..count].to_vec(), rest);
        }
    }
    volume
}

/// Weights of a scalarisation, uniform over the simplex, from one uniform number for each objective.
pub(crate) fn weights(uniforms: &[f64]) -> Vec<f64> {
    let parts: Vec<f64> = uniforms
        .iter()
        .map(|uniform| -(1.0 - uniform).ln() + 1e-12)
        .collect();
    let sum: f64 = parts.iter().sum();
    parts.iter().map(|part| part / sum).collect()
}

/// Minus the augmented weighted Chebyshev distance to the best value of each objective; higher is better.
pub(crate) fn chebyshev(value: &[f64], weights: &[f64], low: &[f64], high: &[f64]) -> f64 {
    let (mut worst, mut sum) = (0.0f64, 0.0);
    for (index, weight) in weights.iter().enumerate() {
        let range = (high[index] - low[index]).max(1e-12);
        let distance = weight * (high[index] - value[index]) / range;
        worst = worst.max(distance);
        sum += distance;
    }
    -(worst + AUGMENTATION * sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Random, Use};

    fn values(count: usize, dims: usize, levels: usize) -> Vec<Vec<f64>> {
        let random = Random::new(5, Use::Points, (count * dims) as u32);
        let at = |index: usize| 1.0 + random.below(index as u32, levels) as f64;
        (0..count)
            .map(|row| (0..dims).map(|dim| at(row * dims + dim)).collect())
            .collect()
    }

    #[test]
    fn hypervolume_is_the_number_of_dominated_cells_of_a_grid() {
        for dims in 1..=3 {
            for count in [1, 2, 5, 12] {
                let points = values(count, dims, 7);
                let cells = 7usize.pow(dims as u32);
                let dominated = (0..cells)
                    .filter(|cell| {
                        let corner: Vec<f64> = (0..dims)
                            .map(|dim| (cell / 7usize.pow(dim as u32) % 7) as f64 + 1.0)
                            .collect();
                        points
                            .iter()
                            .any(|point| point.iter().zip(&corner).all(|(a, b)| a >= b))
                    })
                    .count();
                assert_eq!(hypervolume(&points, &vec![0.0; dims]), dominated as f64);
            }
        }
    }

    #[test]
    fn what_does_not_dominate_the_reference_adds_nothing() {
        let points = vec![vec![2.0, 2.0], vec![5.0, -1.0]];
        assert_eq!(hypervolume(&points, &[0.0, 0.0]), 4.0);
        assert_eq!(hypervolume(&[], &[0.0, 0.0]), 0.0);
    }

    #[test]
    fn the_front_holds_what_none_dominates_and_equal_values_once() {
        let points = vec![
            vec![1.0, 3.0],
            vec![2.0, 2.0],
            vec![1.0, 2.0],
            vec![2.0, 2.0],
        ];
        assert_eq!(front(&points), [0, 1]);
        assert_eq!(by_rank(&points), [0, 1, 3, 2]);
    }

    #[test]
    fn every_point_of_a_concave_front_is_best_for_some_weights() {
        // A weighted sum would only find the two ends.
        let points = [vec![0.0, 1.0], vec![0.4, 0.4], vec![1.0, 0.0]];
        let best: std::collections::BTreeSet<usize> = (0..200u32)
            .map(|number| {
                let random = Random::new(1, Use::Weights, number);
                let weights = weights(&[random.uniform(0), random.uniform(1)]);
                let score =
                    |index: &usize| chebyshev(&points[*index], &weights, &[0.0; 2], &[1.0; 2]);
                (0..3).max_by(|a, b| score(a).total_cmp(&score(b))).unwrap()
            })
            .collect();
        assert_eq!(best.len(), 3);
    }
}
