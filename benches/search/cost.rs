//! What a suggestion costs once so many results are known, on a space with continuous dimensions.

use sweep_search::{
    Budget, Coord, Decision, Dim, DimKind, Method, Next, Outcome, Point, Problem, Search, Space,
    Values,
};

use crate::{RUNGS, cpu_seconds, plan};

/// Suggestions that are timed, after the first, which fits the model.
const SUGGESTIONS: usize = 20;

/// A smooth function over a space of ten dimensions, continuous ones and categories among them.
struct Synthetic(Space);

impl Problem for Synthetic {
    fn space(&self) -> &Space {
        &self.0
    }

    fn is_admissible(&self, _: &Point) -> bool {
        true
    }

    fn key(&self, point: &Point) -> String {
        format!("{point:?}")
    }

    fn cost(&self, _: &Point, from: u32, to: u32) -> f64 {
        f64::from(to - from) / 27.0
    }
}

/// Prints the mean CPU time of a suggestion once 100, 1,000 and 10,000 results are known.
pub fn suggestion_cost(method: Method) {
    let problem = problem();
    let rungs = if method.pauses() {
        &RUNGS[..]
    } else {
        &RUNGS[3..]
    };
    for results in [100, 1000, 10_000] {
        let plan = plan(method, 1, 8, Budget::Unlimited, rungs);
        let mut search = Search::new(plan, &problem).expect("a plan");
        for mut decision in random_history(&problem, results) {
            if !method.pauses() {
                (decision.job.from, decision.job.to) = (0, 27);
            }
            search.replay(&decision);
            search.tell(decision.job.number, outcome(&decision));
        }
        let first = timed_suggestion(&mut search);
        let rest: f64 = (0..SUGGESTIONS)
            .map(|_| timed_suggestion(&mut search))
            .sum();
        println!(
            "{:8} {results:6} results: {:.1} CPU ms a suggestion, the first {:.1} ms",
            method.name(),
            1000.0 * rest / SUGGESTIONS as f64,
            1000.0 * first
        );
    }
}

fn timed_suggestion(search: &mut Search<&Synthetic>) -> f64 {
    let clock = cpu_seconds();
    let decision = next(search);
    let seconds = cpu_seconds() - clock;
    search.tell(decision.job.number, outcome(&decision));
    seconds
}

/// The decisions of a search at random with pauses.
fn random_history(problem: &Synthetic, results: usize) -> Vec<Decision> {
    let plan = plan(Method::Asha, 1, 8, Budget::Unlimited, &RUNGS);
    let mut search = Search::new(plan, problem).expect("a plan");
    (0..results)
        .map(|_| {
            let decision = next(&mut search);
            search.tell(decision.job.number, outcome(&decision));
            decision
        })
        .collect()
}

fn next(search: &mut Search<&Synthetic>) -> Decision {
    match search.next() {
        Next::Job(decision) => decision,
        _ => unreachable!("it has no end, and every outcome is told at once"),
    }
}

fn problem() -> Synthetic {
    let dim = |kind| Dim {
        name: String::new(),
        kind,
        when: None,
    };
    let width = DimKind::Integer {
        low: 16,
        high: 512,
        log: true,
    };
    let mut dims = vec![dim(DimKind::Real); 5];
    dims.extend(vec![dim(DimKind::Categories { levels: 4 }); 3]);
    dims.extend(vec![dim(width); 2]);
    Synthetic(Space { dims })
}

fn outcome(decision: &Decision) -> Outcome {
    let Point(coords) = &decision.point;
    let of = |(index, coord): (usize, &Coord)| match coord {
        Coord::Unit(unit) => -(unit - 0.1 * index as f64).powi(2),
        Coord::Level(level) => -0.1 * f64::from(*level),
        Coord::Int(int) => -0.01 * (*int as f64).ln(),
        Coord::Inactive => 0.0,
    };
    let sum: f64 = coords.iter().enumerate().map(of).sum();
    Outcome::Finished(Values::single(sum - 1.0 / f64::from(decision.job.to)))
}
