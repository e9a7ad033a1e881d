//! Regret of searchers on a lookup table, and what a suggestion costs. docs/SEARCH.md says what came out.
//!
//!     cargo bench -p sweep-search --bench search -- TABLE [metric=acc] [seeds=50] [first=0] [budget=100]
//!         [widths=1,8] [methods=auto,gp,tpe,asha,random,sobol] [cost=no]
//!
//! A table is a `safetensors` file: `acc` and `loss` of shape [seeds, configurations, steps] on validation rows,
//! `shape` of the grid (the last axis moves fastest), and in its metadata `levels`, the values of each axis. Budgets
//! are full trainings; what counts is the best configuration so far: the best value at any step that was trained.

#[path = "search/cost.rs"]
mod cost;

use std::collections::BTreeSet;

use safetensors::SafeTensors;
use sweep_search::{
    Budget, Decision, Dim, DimKind, Method, Next, Outcome, Plan, Point, Problem, Search, Space,
    Values,
};

/// Budgets at which regret is taken, in full trainings.
const MARKS: [f64; 5] = [10.0, 25.0, 50.0, 100.0, 200.0];
const RUNGS: [u32; 4] = [1, 3, 9, 27];
const ETA: u32 = 3;

fn main() {
    let options = Options::from_args();
    let Some(path) = &options.path else {
        println!("search: no table given, nothing measured (see the head of benches/search.rs)");
        return;
    };
    let table = Table::read(path, &options.metric);
    println!(
        "{path}: {} configurations, {} steps, metric {}",
        table.space.cardinality().unwrap_or(0),
        table.steps,
        options.metric
    );
    for method in &options.methods {
        for &width in &options.widths {
            regret(&table, *method, width, &options);
        }
    }
    if options.cost {
        for method in &options.methods {
            cost::suggestion_cost(*method);
        }
    }
}

struct Options {
    path: Option<String>,
    metric: String,
    seeds: u64,
    first: u64,
    budget: f64,
    widths: Vec<usize>,
    methods: Vec<Method>,
    cost: bool,
}

impl Options {
    fn from_args() -> Options {
        let mut options = Options {
            path: None,
            metric: "acc".into(),
            seeds: 50,
            first: 0,
            budget: 100.0,
            widths: vec![1, 8],
            methods: Method::ALL.to_vec(),
            cost: false,
        };
        for argument in std::env::args()
            .skip(1)
            .filter(|argument| argument != "--bench")
        {
            let Some((key, value)) = argument.split_once('=') else {
                options.path = Some(argument);
                continue;
            };
            match key {
                "metric" => options.metric = value.into(),
                "seeds" => options.seeds = value.parse().expect("seeds"),
                "first" => options.first = value.parse().expect("first"),
                "budget" => options.budget = value.parse().expect("budget"),
                "widths" => {
                    options.widths = value
                        .split(',')
                        .map(|width| width.parse().expect("width"))
                        .collect();
                }
                "methods" => {
                    let method = |name| Method::from_name(name).expect("a method");
                    options.methods = value.split(',').map(method).collect();
                }
                "cost" => options.cost = value == "yes",
                _ => panic!("unknown option {key}"),
            }
        }
        options
    }
}

/// Values of every configuration at every step; higher is better.
struct Table {
    space: Space,
    steps: usize,
    values: Vec<f64>,
    /// The best up to a step.
    best: Vec<f64>,
    top: f64,
}

impl Table {
    fn read(path: &str, metric: &str) -> Table {
        let bytes = std::fs::read(path).expect("a table");
        let tensors = SafeTensors::deserialize(&bytes).expect("safetensors");
        let (_, head) = SafeTensors::read_metadata(&bytes).expect("a header");
        let tensor = tensors.tensor(metric).expect("the metric");
        let [configs, steps] = [tensor.shape()[1], tensor.shape()[2]];
        let sign = if metric == "loss" { -1.0 } else { 1.0 };
        let floor = if metric == "loss" { -10.0 } else { 0.0 };
        let mut values = floats(tensor.data());
        values.truncate(configs * steps);
        for value in &mut values {
            let signed = sign * *value;
            *value = if signed.is_nan() {
                floor
            } else {
                signed.max(floor)
            };
        }
        let mut best = values.clone();
        for row in best.chunks_mut(steps) {
            for step in 1..steps {
                row[step] = row[step].max(row[step - 1]);
            }
        }
        let finals = best.chunks(steps).map(|row| row[steps - 1]);
        let top = finals.fold(f64::NEG_INFINITY, f64::max);
        let levels = head
            .metadata()
            .as_ref()
            .and_then(|metadata| metadata.get("levels").cloned());
        let levels: Vec<String> = serde_json::from_str(&levels.expect("levels")).expect("levels");
        let dims = levels.iter().map(|levels| dim(levels)).collect();
        let space = Space { dims };
        assert_eq!(space.cardinality(), Some(configs as u64));
        Table {
            space,
            steps,
            values,
            best,
            top,
        }
    }

    fn index(&self, point: &Point) -> usize {
        let index = |index: u64| index as usize;
        let size = self.space.cardinality().map_or(0, index);
        let found = point
            .0
            .iter()
            .zip(&self.space.dims)
            .fold(0, |sum, (coord, dim)| {
                let levels = dim.levels().map_or(0, index);
                match coord {
                    sweep_search::Coord::Level(level) => sum * levels + *level as usize,
                    _ => unreachable!("a table has levels"),
                }
            });
        assert!(found < size);
        found
    }
}

/// Numbers have an order, other values have none.
fn dim(levels: &str) -> Dim {
    let levels: Vec<serde_json::Value> = serde_json::from_str(levels).expect("levels of an axis");
    let last = (levels.len() - 1).max(1) as f64;
    let kind = if levels.iter().all(serde_json::Value::is_number) {
        DimKind::Ordered {
            positions: (0..levels.len()).map(|place| place as f64 / last).collect(),
        }
    } else {
        DimKind::Categories {
            levels: levels.len() as u32,
        }
    };
    Dim {
        name: String::new(),
        kind,
        when: None,
    }
}

fn floats(bytes: &[u8]) -> Vec<f64> {
    bytes
        .chunks_exact(4)
        .map(|bytes| f64::from(f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])))
        .collect()
}

impl Problem for Table {
    fn space(&self) -> &Space {
        &self.space
    }

    fn is_admissible(&self, _: &Point) -> bool {
        true
    }

    fn key(&self, point: &Point) -> String {
        self.index(point).to_string()
    }

    fn cost(&self, _: &Point, from: u32, to: u32) -> f64 {
        f64::from(to - from) / self.steps as f64
    }
}

fn plan(method: Method, seed: u64, width: usize, budget: Budget, rungs: &[u32]) -> Plan {
    Plan {
        method,
        seed,
        width,
        rungs: rungs.to_vec(),
        eta: ETA,
        budget,
        finish: None,
        objectives: 1,
        constraints: 0,
        enqueue: Vec::new(),
        known: Vec::new(),
    }
}

/// What one search saw on its way.
#[derive(Default)]
struct Run {
    regret: Vec<f64>,
    starts: usize,
    repeats: usize,
    jobs: usize,
    seconds: f64,
}

fn run(table: &Table, method: Method, seed: u64, width: usize, budget: f64) -> Run {
    let plan = plan(method, seed, width, Budget::Trainings(budget), &RUNGS);
    let mut search = Search::new(plan, table).expect("a plan");
    let mut run = Run::default();
    let (mut spent, mut best) = (0usize, f64::NEG_INFINITY);
    let mut started = BTreeSet::new();
    loop {
        let clock = cpu_seconds();
        let next = search.next();
        run.seconds += cpu_seconds() - clock;
        let Next::Job(Decision { job, point, .. }) = next else {
            assert!(next != Next::Wait, "every outcome is told at once");
            break;
        };
        let row = table.index(&point) * table.steps;
        run.jobs += 1;
        if job.from == 0 {
            run.starts += 1;
            run.repeats += usize::from(!started.insert(row));
        }
        for step in job.from as usize..job.to as usize {
            spent += 1;
            best = best.max(table.values[row + step]);
            if run.regret.len() < MARKS.len()
                && spent as f64 >= MARKS[run.regret.len()] * table.steps as f64
            {
                run.regret.push(table.top - best);
            }
        }
        search.tell(
            job.number,
            Outcome::Finished(Values::single(table.best[row + job.to as usize - 1])),
        );
    }
    while run.regret.len() < MARKS.iter().filter(|mark| **mark <= budget).count() {
        run.regret.push(table.top - best);
    }
    run
}

/// Prints mean regrets and their standard errors, x 100.
fn regret(table: &Table, method: Method, width: usize, options: &Options) {
    let runs: Vec<Run> = (options.first..options.first + options.seeds)
        .map(|seed| run(table, method, seed, width, options.budget))
        .collect();
    let count = runs.len() as f64;
    let mut line = format!("{:8} width {width}:", method.name());
    for (index, mark) in MARKS
        .iter()
        .enumerate()
        .filter(|(_, mark)| **mark <= options.budget)
    {
        let values: Vec<f64> = runs.iter().map(|run| 100.0 * run.regret[index]).collect();
        let mean = values.iter().sum::<f64>() / count;
        let variance = values
            .iter()
            .map(|value| (value - mean).powi(2))
            .sum::<f64>()
            / (count - 1.0).max(1.0);
        line += &format!("  {mark}: {mean:.2}±{:.2}", (variance / count).sqrt());
    }
    let sum = |value: &dyn Fn(&Run) -> f64| runs.iter().map(value).sum::<f64>();
    let jobs = sum(&|run| run.jobs as f64);
    println!(
        "{line}  started {:.0}, repeats {}, {:.1} CPU ms a suggestion, {} seeds",
        sum(&|run| run.starts as f64) / count,
        sum(&|run| run.repeats as f64),
        1000.0 * sum(&|run| run.seconds) / jobs,
        runs.len()
    );
}

/// CPU time of this process: others share the machine.
fn cpu_seconds() -> f64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the clock exists on Linux, and the pointer is to a value of the type that it fills.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    assert_eq!(status, 0, "the clock of CPU time");
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}
