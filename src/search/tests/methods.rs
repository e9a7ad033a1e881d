//! Points that are given, budgets of trials, several objectives, constraints, and what the model says.

use std::collections::BTreeSet;

use super::{plan, run, run_with, starts, toy, value};
use crate::space::{Coord, Point};
use crate::{Budget, Decision, End, Known, Method, Outcome, Search, Values};

#[test]
fn enqueued_points_come_first_and_known_results_are_not_trained_again() {
    let toy = toy(false);
    let point = |level: u32, units: i64| {
        Point(vec![
            Coord::Level(0),
            Coord::Level(level),
            Coord::Int(units),
            Coord::Inactive,
        ])
    };
    for method in Method::ALL {
        let mut plan = plan(method, 14.0);
        plan.enqueue = vec![point(3, 6), point(0, 1)];
        plan.known = (1..=6)
            .map(|units| Known {
                point: point(1, units),
                step: 9,
                outcome: Outcome::Finished(Values::single(value(&point(1, units), 0, 9))),
            })
            .collect();
        let mut search = Search::new(plan.clone(), &toy).unwrap();
        let (decisions, _) = run(&mut search, 2, 0);
        assert_eq!(decisions[0].point, point(3, 6));
        assert_eq!(decisions[1].point, point(0, 1));
        for known in &plan.known {
            assert!(
                starts(&decisions)
                    .iter()
                    .all(|decision| decision.point != known.point)
            );
        }
    }
}

#[test]
fn the_trials_of_a_budget_are_counted_and_paused_ones_go_on() {
    let toy = toy(false);
    for method in Method::ALL {
        let mut plan = plan(method, 0.0);
        plan.budget = Budget::Trials(30);
        plan.finish = None;
        let mut search = Search::new(plan, &toy).unwrap();
        let (decisions, end) = run(&mut search, 4, 0);
        assert_eq!(
            (starts(&decisions).len(), end),
            (30, End::Budget),
            "{}",
            method.name()
        );
        assert!(decisions.iter().any(|decision| decision.job.to == 9));
    }
}

/// Two objectives that pull apart, and a constraint that only training shows: units times rate at most 8.
fn measured(decision: &Decision) -> Outcome {
    let (Coord::Level(rate), Coord::Int(units)) = (decision.point.0[1], decision.point.0[2]) else {
        unreachable!()
    };
    let product = f64::from(rate + 1) * units as f64;
    Outcome::Finished(Values {
        objectives: vec![value(&decision.point, 0, decision.job.to), -(units as f64)],
        violations: vec![product - 8.0],
        ended: false,
    })
}

#[test]
fn several_objectives_find_a_front_that_holds_measured_constraints() {
    let toy = toy(false);
    for method in Method::ALL {
        let mut plan = plan(method, 60.0);
        (plan.objectives, plan.constraints, plan.finish) = (2, 1, None);
        let mut search = Search::new(plan, &toy).unwrap();
        let (decisions, _) = run_with(&mut search, 4, 0, &measured);
        let front = search.front();
        assert!(front.len() >= 2, "{}: {front:?}", method.name());
        for &config in &front {
            let last = decisions
                .iter()
                .rfind(|decision| decision.job.config as usize == config);
            let Outcome::Finished(values) = measured(last.unwrap()) else {
                unreachable!()
            };
            assert!(values.is_feasible());
        }
        assert!(search.hypervolume(&[-5.0, -7.0]) > 0.0);
    }
}

#[test]
fn models_of_constraints_keep_proposals_where_they_hold() {
    let toy = toy(false);
    let share = |method: Method| {
        let mut plan = plan(method, 40.0);
        (plan.objectives, plan.constraints, plan.finish) = (2, 1, None);
        let mut search = Search::new(plan, &toy).unwrap();
        let (decisions, _) = run_with(&mut search, 4, 0, &measured);
        let started = starts(&decisions);
        let violates = |decision: &&&Decision| match measured(decision) {
            Outcome::Finished(values) => !values.is_feasible(),
            Outcome::Failed => true,
        };
        started.iter().filter(violates).count() as f64 / started.len() as f64
    };
    assert!(share(Method::Gp) < 0.6 * share(Method::Random));
}

#[test]
fn nth_goes_through_each_point_once_and_the_last_dimension_moves_fastest() {
    let toy = toy(false);
    let size = toy.space.cardinality().unwrap();
    let points: Vec<Point> = (0..size).map(|index| toy.space.nth(index)).collect();
    assert!(points.iter().all(|point| toy.space.contains(point)));
    assert_eq!(points.iter().collect::<BTreeSet<_>>().len(), points.len());
    assert_eq!(points[1].0[2], Coord::Int(2));
    for point in &points {
        for next in toy.space.neighbours(point) {
            assert!(toy.space.contains(&next) && next != *point);
        }
    }
}

#[test]
fn insight_names_the_setting_that_matters_and_guesses_the_best_point() {
    for with_real in [false, true] {
        let toy = toy(with_real);
        let mut search = Search::new(plan(Method::Auto, 14.0), &toy).unwrap();
        assert_eq!(search.insight(), None);
        // Widths decide nearly all of it.
        let told = |decision: &Decision| {
            let Coord::Int(units) = decision.point.0[2] else {
                unreachable!()
            };
            let value = value(&decision.point, 0, decision.job.to);
            Outcome::Finished(Values::single(value - (units as f64 - 5.0).powi(2)))
        };
        run_with(&mut search, 3, 0, &told);
        let insight = search.insight().unwrap();
        let others = [0, 1, 3].map(|dim| insight.importance[dim]);
        let most = others.into_iter().fold(0.0, f64::max);
        assert!(
            insight.importance[2] > 2.0 * most,
            "{:?}",
            insight.importance
        );
        assert!(
            insight
                .importance
                .iter()
                .all(|share| (0.0..=1.0 + 1e-9).contains(share))
        );
        assert_eq!(insight.guess.point.0[2], Coord::Int(5));
        assert!(
            insight.guess.low < insight.guess.value && insight.guess.value < insight.guess.high
        );
    }
}
