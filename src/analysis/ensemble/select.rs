//! Greedy forward selection with replacement, and what keeps it from fitting the rows that it is made on.
//!
//! Whichever candidate lowers the loss of the mean most is added, again and again, candidates that are in it already
//! included; the best of the ensembles on the way is taken. It begins with the best few together (sorted
//! initialisation), and is repeated in bags of half of the candidates each, whose ensembles are averaged: what looks good by
//! chance is missing in half of them.
//!
//! Invariant: the loss is never above that of the best candidate. That one is in every bag, so no bag does
//! worse, and a convex loss of the mean over bags is at most the mean of their losses; what is not convex is checked.

use super::library::Library;
use sweep_core::random::{Purpose, Stream};

/// How an ensemble is selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method {
    /// Additions in each bag, after the initial ones.
    pub rounds: usize,
    /// Bags of half of the candidates; 1 is one bag of all.
    pub bags: usize,
    /// Key of the bags.
    pub seed: u64,
}

/// The weights of the candidates of `library` [candidates], which add up to 1. Of equal candidates the one whose name comes
/// first is taken.
///
/// # Panics
/// When there is no candidate, no row or no bag.
pub fn select(library: &Library, method: Method) -> Vec<f64> {
    assert!(!library.values.is_empty() && !library.parts.is_empty() && method.bags > 0);
    let own = |values: &Vec<f32>| library.mean_loss(|row| f64::from(values[row]));
    let losses: Vec<f64> = library.values.iter().map(own).collect();
    let mut order: Vec<usize> = (0..library.values.len()).collect();
    order.sort_by(|one, other| {
        let by_loss = losses[*one].total_cmp(&losses[*other]);
        by_loss.then_with(|| library.names[*one].cmp(&library.names[*other]))
    });
    let mut weights = vec![0.0; order.len()];
    for bag in 0..method.bags {
        let members = members(&order, method, bag as u32);
        let counts = greedy(library, &members, method.rounds);
        let all: u32 = counts.iter().sum();
        for (member, count) in members.iter().zip(counts) {
            weights[*member] += f64::from(count) / f64::from(all);
        }
    }
    // Their sum, so that rounding is no matter.
    let sum: f64 = order.iter().map(|member| weights[*member]).sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    let best = order[0];
    if library.loss(&weights) > losses[best] {
        weights.fill(0.0);
        weights[best] = 1.0;
    }
    weights
}

/// The candidates in a bag, the best first: the best of all, and half of the others.
fn members(order: &[usize], method: Method, bag: u32) -> Vec<usize> {
    if method.bags == 1 {
        return order.to_vec();
    }
    let mut places: Vec<usize> = (1..order.len()).collect();
    Stream::new(method.seed, Purpose::Ensemble, bag, 0).shuffle(&mut places);
    places.truncate(places.len().div_ceil(2));
    places.push(0);
    places.sort_unstable();
    places.into_iter().map(|place| order[place]).collect()
}

/// How often each of `members`, the best first, is in the ensemble [members].
fn greedy(library: &Library, members: &[usize], rounds: usize) -> Vec<u32> {
    let rows = library.values[members[0]].len();
    let (mut sums, mut counts) = (vec![0.0f64; rows], vec![0u32; members.len()]);
    let (first, mut lowest) = sorted(library, members);
    for member in &members[..first] {
        add(&mut sums, &library.values[*member]);
    }
    counts[..first].fill(1);
    let mut best = counts.clone();
    for round in 0..rounds {
        let share = 1.0 / (first + round + 1) as f64;
        let with = |member: &usize| {
            let values = &library.values[*member];
            library.mean_loss(|row| (sums[row] + f64::from(values[row])) * share)
        };
        let losses: Vec<f64> = members.iter().map(with).collect();
        // Of equal ones the first, which is the best by itself.
        let by_loss = |one: &usize, other: &usize| losses[*one].total_cmp(&losses[*other]);
        let next = (0..members.len()).min_by(by_loss).expect("a bag has one");
        add(&mut sums, &library.values[members[next]]);
        counts[next] += 1;
        if losses[next] < lowest {
            lowest = losses[next];
            best.clone_from(&counts);
        }
    }
    best
}

/// How many of `members`, the best first, are best together, and their loss.
fn sorted(library: &Library, members: &[usize]) -> (usize, f64) {
    let mut sums = vec![0.0; library.values[members[0]].len()];
    let mut best = (1, f64::INFINITY);
    for (place, member) in members.iter().enumerate() {
        add(&mut sums, &library.values[*member]);
        let share = 1.0 / (place + 1) as f64;
        let loss = library.mean_loss(|row| sums[row] * share);
        if loss < best.1 {
            best = (place + 1, loss);
        }
    }
    best
}

fn add(sums: &mut [f64], values: &[f32]) {
    (sums.iter_mut().zip(values)).for_each(|(sum, value)| *sum += f64::from(*value));
}
