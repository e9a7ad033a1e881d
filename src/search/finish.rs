//! Halving on seeds among the best: sequential halving (Karnin, Koren, Somekh 2013) in which all survivors of a round
//! have been trained with the same seeds, so that what a seed does to all of them cancels. The seed of the search does
//! not count: finalists were chosen by it.

use std::collections::BTreeMap;

use crate::plan::Finish;

/// What a finish does next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Step {
    Train {
        config: usize,
        seed: u32,
        round: u32,
    },
    Wait,
    Over,
}

/// What is known of a job with a further seed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Trained {
    /// Under way on the virtual machine.
    Pending,
    Failed,
    Done(Vec<f64>),
}

/// Jobs with further seeds, by configuration and seed.
pub(crate) type SeedResults = BTreeMap<(usize, u32), Trained>;

/// One round: how many are left, and the seeds that they have been trained with at its end.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Round {
    candidates: usize,
    seeds: u32,
}

/// The rounds for so many finalists: half of them stay after each, and each has an equal share of the trainings.
fn rounds(finalists: usize, trainings: u32, halve: bool) -> Vec<Round> {
    let mut rounds = Vec::new();
    if finalists == 0 || trainings == 0 {
        return rounds;
    }
    if !halve {
        let candidates = finalists.min(trainings as usize);
        let seeds = trainings / candidates as u32;
        return vec![Round { candidates, seeds }];
    }
    let mut candidates = finalists.min(trainings as usize);
    let mut count = candidates.next_power_of_two().trailing_zeros().max(1);
    let (mut left, mut seeds) = (trainings, 0);
    while count > 0 && left >= candidates as u32 {
        let further = (left / count / candidates as u32).max(1);
        seeds += further;
        left -= further * candidates as u32;
        rounds.push(Round { candidates, seeds });
        candidates = (candidates / 2).max(1);
        count -= 1;
        if candidates == 1 {
            break;
        }
    }
    rounds
}

/// The next step: `finalists` in order of their rank, each with `objectives` values.
///
/// With one objective, halves; with several, trains each finalist equally often, since none of a front replaces
/// another.
pub(crate) fn step(
    finish: Finish,
    finalists: &[usize],
    objectives: usize,
    results: &SeedResults,
) -> Step {
    let mut left: Vec<usize> = finalists.iter().copied().take(finish.top).collect();
    for (number, round) in rounds(left.len(), finish.trainings, objectives == 1)
        .iter()
        .enumerate()
    {
        left.truncate(round.candidates);
        let mut is_pending = false;
        for seed in 1..=round.seeds {
            for &config in left.iter().filter(|&&config| !has_failed(config, results)) {
                match results.get(&(config, seed)) {
                    Some(known) => is_pending |= *known == Trained::Pending,
                    None => {
                        let round = number as u32;
                        return Step::Train {
                            config,
                            seed,
                            round,
                        };
                    }
                }
            }
        }
        if is_pending {
            return Step::Wait;
        }
        sort_by_mean(&mut left, round.seeds, results);
    }
    Step::Over
}

/// Finalists in the order in which the rounds so far leave them, with the seeds that each was trained with.
pub(crate) fn standings(
    finish: Finish,
    finalists: &[usize],
    objectives: usize,
    results: &SeedResults,
) -> Vec<usize> {
    let mut left: Vec<usize> = finalists.iter().copied().take(finish.top).collect();
    let mut out = Vec::new();
    for round in rounds(left.len(), finish.trainings, objectives == 1) {
        let is_done = |config: &usize| {
            has_failed(*config, results)
                || matches!(results.get(&(*config, round.seeds)), Some(Trained::Done(_)))
        };
        let dropped = left.split_off(round.candidates.min(left.len()));
        out.splice(0..0, dropped);
        if !left.iter().all(is_done) {
            break;
        }
        if objectives == 1 {
            sort_by_mean(&mut left, round.seeds, results);
        }
    }
    left.extend(out);
    left
}

fn has_failed(config: usize, results: &SeedResults) -> bool {
    results
        .range((config, 0)..=(config, u32::MAX))
        .any(|(_, known)| *known == Trained::Failed)
}

/// Best mean over the seeds first; equal ones stay in the order of their rank, failures come last.
fn sort_by_mean(configs: &mut [usize], seeds: u32, results: &SeedResults) {
    let mean = |config: usize| {
        if has_failed(config, results) {
            return f64::NEG_INFINITY;
        }
        let sum: f64 = (1..=seeds)
            .filter_map(|seed| match results.get(&(config, seed)) {
                Some(Trained::Done(values)) => Some(values[0]),
                _ => None,
            })
            .sum();
        sum / f64::from(seeds)
    };
    configs.sort_by(|&a, &b| mean(b).total_cmp(&mean(a)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_two_finalists_and_160_trainings_make_five_rounds_of_32() {
        let seeds: Vec<(usize, u32)> = rounds(32, 160, true)
            .iter()
            .map(|round| (round.candidates, round.seeds))
            .collect();
        assert_eq!(seeds, [(32, 1), (16, 3), (8, 7), (4, 15), (2, 31)]);
    }

    #[test]
    fn rounds_never_spend_more_than_they_may() {
        for finalists in 1..40 {
            for trainings in 1..200 {
                let mut spent = 0;
                let mut before = 0;
                for round in rounds(finalists, trainings, true) {
                    spent += round.candidates as u32 * (round.seeds - before);
                    before = round.seeds;
                }
                assert!(
                    spent <= trainings && spent > 0,
                    "{finalists} {trainings} {spent}"
                );
            }
        }
    }

    /// Plays the finish to its end; returns the jobs and the standings.
    fn play(
        top: usize,
        trainings: u32,
        value: impl Fn(usize, u32) -> Trained,
    ) -> (SeedResults, Vec<usize>) {
        let finish = Finish { top, trainings };
        let finalists: Vec<usize> = (0..50).collect();
        let mut results = SeedResults::new();
        loop {
            match step(finish, &finalists, 1, &results) {
                Step::Train { config, seed, .. } => {
                    assert!(
                        results
                            .insert((config, seed), value(config, seed))
                            .is_none()
                    );
                }
                Step::Wait => unreachable!("nothing is pending"),
                Step::Over => break,
            }
        }
        let order = standings(finish, &finalists, 1, &results);
        (results, order)
    }

    #[test]
    fn survivors_have_equal_seeds_and_the_best_mean_wins() {
        // The true value is best for 17; a seed moves all alike and none of them by more than the differences.
        let value = |config: usize, seed: u32| {
            Trained::Done(vec![f64::from(seed % 5) - (config as f64 - 17.0).abs()])
        };
        let (results, order) = play(32, 160, value);
        assert_eq!(order[0], 17);
        assert_eq!(results.len(), 160);
        let seeds = |config: usize| results.keys().filter(|key| key.0 == config).count();
        assert_eq!(seeds(17), 31);
        assert_eq!(seeds(order[1]), 31);
        assert_eq!(seeds(0), 1);
        assert_eq!(seeds(40), 0);
    }

    #[test]
    fn a_finalist_that_fails_is_dropped_and_trained_no_further() {
        let value = |config: usize, seed: u32| {
            if config == 3 && seed == 2 {
                Trained::Failed
            } else {
                Trained::Done(vec![-(config as f64 - 3.0).abs()])
            }
        };
        let (results, order) = play(8, 40, value);
        assert_ne!(order[0], 3);
        assert!(!results.contains_key(&(3, 3)));
    }

    #[test]
    fn several_objectives_give_every_finalist_the_same_seeds() {
        let finish = Finish {
            top: 4,
            trainings: 11,
        };
        let mut results = SeedResults::new();
        while let Step::Train { config, seed, .. } = step(finish, &[5, 2, 9, 7, 1], 2, &results) {
            results.insert((config, seed), Trained::Done(vec![0.0, 1.0]));
        }
        let expected: Vec<(usize, u32)> = [2, 5, 7, 9]
            .iter()
            .flat_map(|&config| [(config, 1), (config, 2)])
            .collect();
        assert_eq!(results.keys().copied().collect::<Vec<_>>(), expected);
    }
}
