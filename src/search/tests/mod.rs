//! The search as a whole, on a problem of a few lines: any number of real workers, any order of outcomes, resuming
//! anywhere.

mod methods;

use std::collections::BTreeSet;

use crate::random::{Random, Use};
use crate::space::{Coord, Dim, DimKind, Point, Space, When};
use crate::{Budget, Decision, End, Finish, Method, Next, Outcome, Plan, Problem, Search, Values};

/// Three discrete dimensions, one of them conditional, and optionally a continuous one.
struct Toy {
    space: Space,
    excluded: u32,
}

fn toy(with_real: bool) -> Toy {
    let dim = |name: &str, kind, when| Dim {
        name: name.into(),
        kind,
        when,
    };
    let positions = vec![0.0, 0.25, 0.5, 0.75, 1.0];
    let mut dims = vec![
        dim("optimizer", DimKind::Categories { levels: 3 }, None),
        dim("rate", DimKind::Ordered { positions }, None),
        dim(
            "units",
            DimKind::Integer {
                low: 1,
                high: 6,
                log: false,
            },
            None,
        ),
        dim(
            "momentum",
            DimKind::Categories { levels: 4 },
            Some(When {
                dim: 0,
                levels: vec![1],
            }),
        ),
    ];
    if with_real {
        dims.push(dim("decay", DimKind::Real, None));
    }
    Toy {
        space: Space { dims },
        excluded: 4,
    }
}

impl Problem for Toy {
    fn space(&self) -> &Space {
        &self.space
    }

    fn is_admissible(&self, point: &Point) -> bool {
        // As a known number of parameters would exclude it.
        point.0[1] != Coord::Level(self.excluded)
    }

    fn key(&self, point: &Point) -> String {
        format!("{point:?}")
    }

    fn cost(&self, point: &Point, from: u32, to: u32) -> f64 {
        let Coord::Int(units) = point.0[2] else {
            unreachable!()
        };
        f64::from(to - from) / 9.0 * (0.5 + units as f64 / 6.0)
    }
}

fn value(point: &Point, seed: u32, step: u32) -> f64 {
    let sum: f64 = point
        .0
        .iter()
        .map(|coord| match coord {
            Coord::Level(level) => -0.3 * (f64::from(*level) - 1.0).abs(),
            Coord::Unit(unit) => -(unit - 0.3).powi(2),
            Coord::Int(value) => -0.1 * (*value as f64 - 4.0).abs(),
            Coord::Inactive => -0.2,
        })
        .sum();
    sum - 1.0 / f64::from(step) + 0.01 * f64::from(seed % 3)
}

fn outcome(decision: &Decision) -> Outcome {
    let job = decision.job;
    if job.config % 13 == 5 {
        return Outcome::Failed;
    }
    Outcome::Finished(Values::single(value(&decision.point, job.seed, job.to)))
}

fn plan(method: Method, budget: f64) -> Plan {
    Plan {
        method,
        seed: 7,
        width: 4,
        rungs: vec![1, 3, 9],
        eta: 3,
        budget: Budget::Trainings(budget),
        finish: Some(Finish {
            top: 4,
            trainings: 12,
        }),
        objectives: 1,
        constraints: 0,
        enqueue: Vec::new(),
        known: Vec::new(),
    }
}

/// Runs to the end with so many real workers, whose jobs take random times; returns the decisions.
fn run(search: &mut Search<&Toy>, workers: usize, luck: u32) -> (Vec<Decision>, End) {
    run_with(search, workers, luck, &outcome)
}

fn run_with(
    search: &mut Search<&Toy>,
    workers: usize,
    luck: u32,
    outcome: &dyn Fn(&Decision) -> Outcome,
) -> (Vec<Decision>, End) {
    let random = Random::new(99, Use::Points, luck);
    let mut running: Vec<(f64, Decision)> = Vec::new();
    let mut now = 0.0;
    loop {
        let mut next = Next::Wait;
        while running.len() < workers {
            next = search.next();
            let Next::Job(decision) = &next else { break };
            let end = now + 0.1 + random.uniform(decision.job.number);
            running.push((end, decision.clone()));
        }
        if let (Next::End(end), true) = (&next, running.is_empty()) {
            let decisions = search
                .records()
                .iter()
                .map(|record| record.decision.clone());
            return (decisions.collect(), *end);
        }
        let first = (0..running.len()).min_by(|&a, &b| running[a].0.total_cmp(&running[b].0));
        let (end, decision) = running.swap_remove(first.expect("it waits for a job under way"));
        now = end;
        search.tell(decision.job.number, outcome(&decision));
    }
}

fn bytes(decisions: &[Decision]) -> String {
    serde_json::to_string(decisions).expect("decisions are plain values")
}

#[test]
fn any_number_of_workers_and_any_order_of_outcomes_give_the_same_jobs() {
    for with_real in [false, true] {
        let toy = toy(with_real);
        for method in Method::ALL {
            let lists: BTreeSet<String> = [(1, 0), (2, 1), (4, 2), (8, 3), (8, 4)]
                .map(|(workers, luck)| {
                    let mut search = Search::new(plan(method, 14.0), &toy).unwrap();
                    bytes(&run(&mut search, workers, luck).0)
                })
                .into();
            assert_eq!(lists.len(), 1, "{}", method.name());
        }
    }
}

#[test]
fn a_search_that_resumes_anywhere_decides_the_same() {
    for with_real in [false, true] {
        let toy = toy(with_real);
        for method in Method::ALL {
            let mut whole = Search::new(plan(method, 14.0), &toy).unwrap();
            let (decisions, end) = run(&mut whole, 2, 0);
            for stop in (0..decisions.len()).step_by(7) {
                // Read back from a store, as text; what was under way is trained again, or was told late.
                let stored: Vec<Decision> =
                    serde_json::from_str(&bytes(&decisions[..stop])).unwrap();
                let mut resumed = Search::new(plan(method, 14.0), &toy).unwrap();
                stored.iter().for_each(|decision| resumed.replay(decision));
                let late = stored.len().saturating_sub(3);
                stored[..late]
                    .iter()
                    .rev()
                    .for_each(|decision| resumed.tell(decision.job.number, outcome(decision)));
                stored[late..]
                    .iter()
                    .for_each(|decision| resumed.tell(decision.job.number, outcome(decision)));
                let (again, end_again) = run(&mut resumed, 3, 5);
                assert_eq!(
                    bytes(&again),
                    bytes(&decisions),
                    "{} at {stop}",
                    method.name()
                );
                assert_eq!(end_again, end);
            }
        }
    }
}

/// The decisions of the search seed that start a configuration.
fn starts(decisions: &[Decision]) -> Vec<&Decision> {
    decisions
        .iter()
        .filter(|decision| decision.job.seed == 0 && decision.job.from == 0)
        .collect()
}

#[test]
fn nothing_is_proposed_twice_nothing_inadmissible_and_a_small_space_ends() {
    let toy = toy(false);
    // 3 optimizers, one with 4 momenta; 4 of 5 rates; 6 widths.
    assert_eq!(toy.space.cardinality(), Some((2 + 4) * 5 * 6));
    for method in Method::ALL {
        let mut search = Search::new(plan(method, 1e6), &toy).unwrap();
        let (decisions, end) = run(&mut search, 4, 0);
        let started = starts(&decisions);
        let points: BTreeSet<&Point> = started.iter().map(|decision| &decision.point).collect();
        assert_eq!(points.len(), started.len(), "{}", method.name());
        assert_eq!(points.len(), (2 + 4) * 4 * 6, "{}", method.name());
        assert!(
            points
                .iter()
                .all(|point| toy.space.contains(point) && toy.is_admissible(point))
        );
        assert_eq!(end, End::Exhausted);
        // What did not fail was trained in full in the end.
        let full: BTreeSet<u32> = decisions
            .iter()
            .filter(|d| d.job.to == 9)
            .map(|d| d.job.config)
            .collect();
        assert!((0..144).all(|config| config % 13 == 5 || full.contains(&config)));
    }
}

#[test]
fn a_paused_training_goes_on_where_it_stopped_and_only_once_seen() {
    for method in [Method::Auto, Method::Asha] {
        let toy = toy(false);
        let mut search = Search::new(plan(method, 14.0), &toy).unwrap();
        let (decisions, _) = run(&mut search, 4, 0);
        let mut at = std::collections::BTreeMap::new();
        let mut ends: Vec<f64> = Vec::new();
        for decision in decisions.iter().filter(|decision| decision.job.seed == 0) {
            let before: Option<(u32, usize)> = at.get(&decision.job.config).copied();
            assert_eq!(decision.job.from, before.map_or(0, |before| before.0));
            assert!(before.is_none_or(|(_, job)| ends[job] <= decision.at));
            at.insert(decision.job.config, (decision.job.to, ends.len()));
            ends.push(decision.at + decision.cost);
        }
        assert!(at.values().any(|at| at.0 == 9) && at.values().any(|at| at.0 == 1));
    }
}

#[test]
fn survivors_of_the_finish_have_the_same_seeds_and_the_best_is_among_them() {
    let toy = toy(false);
    let mut search = Search::new(plan(Method::Auto, 14.0), &toy).unwrap();
    let (decisions, _) = run(&mut search, 4, 0);
    let seeds = |config: u32| -> Vec<u32> {
        let finish = decisions
            .iter()
            .filter(|d| d.job.config == config && d.job.seed > 0);
        finish.map(|decision| decision.job.seed).collect()
    };
    let order = search.standings();
    assert_eq!(order.len(), 4);
    assert_eq!(seeds(order[0] as u32), seeds(order[1] as u32));
    assert_eq!(seeds(order[2] as u32), seeds(order[3] as u32));
    assert!(seeds(order[0] as u32).len() > seeds(order[2] as u32).len());
    let total = decisions
        .iter()
        .filter(|decision| decision.job.seed > 0)
        .count();
    assert_eq!(total, 12);
    let best = search.best().unwrap();
    assert_eq!(
        (best.config, best.seeds),
        (order[0], seeds(order[0] as u32).len() as u32)
    );
}

#[test]
fn failures_and_numbers_that_are_not_finite_stay_out_of_the_model() {
    let toy = toy(false);
    for method in Method::ALL {
        let bad = |decision: &Decision| match decision.job.config % 3 {
            0 => Outcome::Finished(Values::single(f64::NAN)),
            1 => Outcome::Failed,
            _ => Outcome::Finished(Values::single(value(&decision.point, 0, decision.job.to))),
        };
        let mut search = Search::new(plan(method, 14.0), &toy).unwrap();
        let (decisions, _) = run_with(&mut search, 3, 0, &bad);
        assert!(
            decisions
                .iter()
                .all(|decision| decision.job.config % 3 == 2 || decision.job.from == 0)
        );
        assert_eq!(search.best().map(|best| best.config % 3), Some(2));
        // And if nothing ever works, the budget still ends it.
        let mut search = Search::new(plan(method, 14.0), &toy).unwrap();
        let (_, end) = run_with(&mut search, 3, 0, &|_| Outcome::Failed);
        assert_eq!(end, End::Budget, "{}", method.name());
        assert_eq!(search.best(), None);
    }
}
