//! What a suggestion costs once so many results are known, on a space with continuous dimensions.

use sweep_search::{
    Budget, Dim, DimKind, Method, Next, Outcome, Point, Problem, Search, Space, Values,
};

use crate::{RUNGS, cpu_seconds, plan};

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

/// Prints the mean CPU time of twenty suggestions once so many results are known.
#[expect(
    clippy::too_many_lines,
    reason = "a problem without a table, and what is measured on it"
)]
pub fn suggestion_cost(method: Method) {
    let dim = |kind| Dim {
        name: String::new(),
        kind,
        when: None,
    };
    let mut dims = vec![dim(DimKind::Real); 5];
    dims.extend(vec![dim(DimKind::Categories { levels: 4 }); 3]);
    dims.extend(vec![
        dim(DimKind::Integer {
            low: 16,
            high: 512,
            log: true
        });
        2
    ]);
    let problem = Synthetic(Space { dims });
    let value = |point: &Point, step: u32| {
        let sum: f64 = point
            .0
            .iter()
            .enumerate()
            .map(|(index, coord)| match coord {
                sweep_search::Coord::Unit(unit) => -(unit - 0.1 * index as f64).powi(2),
                sweep_search::Coord::Level(level) => -0.1 * f64::from(*level),
                sweep_search::Coord::Int(int) => -0.01 * (*int as f64).ln(),
                sweep_search::Coord::Inactive => 0.0,
            })
            .sum();
        sum - 1.0 / f64::from(step)
    };
    for results in [100u32, 1000, 10_000] {
        // The results of a random search, told as known, then suggestions.
        let random = plan(Method::Asha, 1, 8, Budget::Unlimited, &RUNGS);
        let mut search = Search::new(random, &problem).expect("a plan");
        let mut decisions = Vec::new();
        while decisions.len() < results as usize {
            let Next::Job(decision) = search.next() else {
                unreachable!("it has no end")
            };
            let outcome =
                Outcome::Finished(Values::single(value(&decision.point, decision.job.to)));
            search.tell(decision.job.number, outcome);
            decisions.push(decision);
        }
        let plan = plan(
            method,
            1,
            8,
            Budget::Unlimited,
            if method.pauses() { &RUNGS } else { &RUNGS[3..] },
        );
        let mut search = Search::new(plan, &problem).expect("a plan");
        for mut decision in decisions {
            if !method.pauses() {
                (decision.job.from, decision.job.to) = (0, 27);
            }
            search.replay(&decision);
            let outcome =
                Outcome::Finished(Values::single(value(&decision.point, decision.job.to)));
            search.tell(decision.job.number, outcome);
        }
        // The first suggestion fits the model.
        let (mut first, mut rest) = (0.0, 0.0);
        for suggestion in 0..=20 {
            let clock = cpu_seconds();
            let Next::Job(decision) = search.next() else {
                unreachable!("it has no end")
            };
            let seconds = cpu_seconds() - clock;
            if suggestion == 0 {
                first = seconds
            } else {
                rest += seconds
            }
            let outcome =
                Outcome::Finished(Values::single(value(&decision.point, decision.job.to)));
            search.tell(decision.job.number, outcome);
        }
        println!(
            "{:8} {results:6} results: {:.1} CPU ms a suggestion, the first {:.1} ms",
            method.name(),
            50.0 * rest,
            1000.0 * first
        );
    }
}
