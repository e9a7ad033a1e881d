//! What a search knows of its trials before they are trained: their space, their names, what they cost.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;

use sweep_core::trial::models::{Context, DatasetSize, MlpSpec};
use sweep_core::trial::{DataDigest, Kind, ModelSpec, Objective, Task, TrialSpec, Value};
use sweep_data::Dataset;
use sweep_experiment::SearchSpec;
use sweep_experiment::plan::{PlannedTrial, Target};
use sweep_experiment::search::{Coordinate, Domain, Measured};
use sweep_search::{Coord, Dim, DimKind, Point, Problem, Space, When};

/// Points whose mean cost is that of one average training.
const COST_SAMPLES: u64 = 256;
/// Levels of an axis whose largest value is at least so many times the smallest are ordered by their logarithms.
const LOG_RATIO: f64 = 10.0;

/// A space of trials on prepared data.
pub struct SearchProblem {
    spec: SearchSpec,
    space: Space,
    /// Of each dimension of `space`, that of the experiment's space: those that are always active come first.
    order: Vec<usize>,
    /// Of each group whose values have an order, its rows in this order.
    ranks: HashMap<usize, Vec<usize>>,
    task: Task,
    classes: usize,
    objective: Objective,
    size: DatasetSize,
    digest: DataDigest,
    seeds: Vec<u64>,
    /// Steps of a full training: the most of any point.
    full: u32,
    /// The cost of one average training.
    unit: f64,
    parameters: ParameterCounts,
}

/// Numbers of parameters of networks on a data set, counted once for each shape.
struct ParameterCounts {
    data: PathBuf,
    open: RefCell<Option<Dataset>>,
    known: RefCell<HashMap<String, Option<u64>>>,
}

impl SearchProblem {
    /// The space of `spec` on the data set `digest` at the path `data`, whose target is `target`.
    pub fn new(
        spec: &SearchSpec,
        (digest, data): (&DataDigest, PathBuf),
        target: Target<'_>,
        objective: &Objective,
        seeds: &[u64],
    ) -> SearchProblem {
        let dimensions = 0..spec.space.dimensions();
        let (always, sometimes): (Vec<usize>, Vec<usize>) =
            dimensions.partition(|at| spec.space.activity(*at).is_none());
        let order = [always, sometimes].concat();
        let mut problem = SearchProblem {
            space: Space { dims: Vec::new() },
            ranks: HashMap::new(),
            order,
            task: target.task,
            classes: target.classes.len(),
            objective: objective.clone(),
            size: target.data,
            digest: digest.clone(),
            seeds: seeds.to_vec(),
            full: 1,
            unit: 1.0,
            parameters: ParameterCounts {
                data,
                open: RefCell::new(None),
                known: RefCell::new(HashMap::new()),
            },
            spec: spec.clone(),
        };
        for at in problem.order.clone() {
            let dim = problem.dim(at);
            problem.space.dims.push(dim);
        }
        problem.measure();
        problem
    }

    pub fn spec(&self) -> &SearchSpec {
        &self.spec
    }

    /// What is searched over.
    pub fn kind(&self) -> Kind {
        self.spec.space.grid.base.kind()
    }

    pub fn objective(&self) -> &Objective {
        &self.objective
    }

    /// Steps of a full training.
    pub fn full(&self) -> u32 {
        self.full
    }

    /// The trial of `point` with the seed number `seed`: 0 is that of the search.
    pub fn trial(&self, point: &Point, seed: u32) -> PlannedTrial {
        let mut spec = TrialSpec::new(self.model(point), self.seeds[0], self.objective.clone());
        if seed > 0 && !spec.is_deterministic() {
            spec.seed = self.seed(seed as usize);
        }
        PlannedTrial {
            id: spec.id(&self.digest),
            config: spec.config_id(&self.digest),
            spec,
            fold: None,
        }
    }

    /// The settings that are searched, as text: `lr=0.01 layers=[64]`.
    pub fn settings(&self, point: &Point) -> String {
        let model = self.model(point);
        let space = &self.spec.space;
        let keys = (0..space.dimensions()).flat_map(|at| space.keys(at));
        let active = keys.filter(|key| !model.is_inactive(key));
        let shown = active.filter_map(|key| Some(format!("{key}={}", model.get(key)?)));
        shown.collect::<Vec<_>>().join(" ")
    }

    /// The resolved model of `point`.
    pub fn model(&self, point: &Point) -> ModelSpec {
        let model = self.spec.space.model(&self.coordinates(point));
        model.resolved(&self.context())
    }

    /// The number of parameters of the model, where it is known before it is trained.
    pub fn parameters(&self, model: &ModelSpec) -> Option<u64> {
        self.parameters.of(model)
    }

    /// The point whose trial has these settings, if they lie in the space.
    pub fn point_of(&self, model: &ModelSpec) -> Option<Point> {
        let space = &self.spec.space;
        let coordinate = |at: usize| {
            let values: Option<Vec<&Value>> = space
                .keys(at)
                .into_iter()
                .map(|key| model.get(key))
                .collect();
            let values = values?;
            match space.grid.groups.get(at) {
                Some(group) => {
                    let mut rows = group.rows.iter();
                    let is_row = |row: &Vec<Value>| row.iter().zip(&values).all(|(a, b)| a == *b);
                    rows.position(is_row).map(Coordinate::Row)
                }
                None => space.ranges[at - space.grid.groups.len()]
                    .domain
                    .coordinate(values[0]),
            }
        };
        let coordinates = (0..space.dimensions()).map(|at| {
            // What is not active may have any value.
            coordinate(at).or_else(|| space.activity(at).map(|_| Coordinate::Inactive))
        });
        let coordinates: Vec<Coordinate> = coordinates.collect::<Option<_>>()?;
        Some(self.point(&coordinates))
    }

    /// A point of the experiment's space.
    pub fn point(&self, coordinates: &[Coordinate]) -> Point {
        let coord = |at: &usize| match coordinates[*at] {
            Coordinate::Row(row) => Coord::Level(match self.ranks.get(at) {
                Some(ranks) => ranks.iter().position(|one| *one == row).unwrap_or(0) as u32,
                None => row as u32,
            }),
            Coordinate::Unit(unit) => Coord::Unit(unit),
            Coordinate::Integer(value) => Coord::Int(value),
            Coordinate::Inactive => Coord::Inactive,
        };
        self.space
            .canonical(Point(self.order.iter().map(coord).collect()))
    }

    fn coordinates(&self, point: &Point) -> Vec<Coordinate> {
        let mut coordinates = vec![Coordinate::Inactive; self.order.len()];
        for (at, coord) in self.order.iter().zip(&point.0) {
            coordinates[*at] = match *coord {
                Coord::Level(level) => Coordinate::Row(match self.ranks.get(at) {
                    Some(ranks) => ranks[level as usize],
                    None => level as usize,
                }),
                Coord::Unit(unit) => Coordinate::Unit(unit),
                Coord::Int(value) => Coordinate::Integer(value),
                Coord::Inactive => Coordinate::Inactive,
            };
        }
        coordinates
    }

    /// The dimension `at` of the experiment's space.
    fn dim(&mut self, at: usize) -> Dim {
        let space = &self.spec.space;
        let kind = match space.grid.groups.get(at) {
            Some(group) => match positions(&group.rows) {
                Some((ranks, positions)) => {
                    self.ranks.insert(at, ranks);
                    DimKind::Ordered { positions }
                }
                None => DimKind::Categories {
                    levels: group.rows.len() as u32,
                },
            },
            None => match space.ranges[at - space.grid.groups.len()].domain {
                Domain::Real { .. } => DimKind::Real,
                Domain::Integer { low, high, log } => DimKind::Integer { low, high, log },
            },
        };
        let when = space.activity(at).map(|activity| {
            let dim = self.order.iter().position(|other| *other == activity.group);
            let level = |row: &usize| match self.ranks.get(&activity.group) {
                Some(ranks) => ranks.iter().position(|one| one == row).unwrap_or(0) as u32,
                None => *row as u32,
            };
            let mut levels: Vec<u32> = activity.rows.iter().map(level).collect();
            levels.sort_unstable();
            When {
                dim: dim.expect("an axis that decides is always active"),
                levels,
            }
        });
        Dim {
            name: space.keys(at).join(" with "),
            kind,
            when,
        }
    }

    /// Finds out the steps and the mean cost of trainings from points that are spread over the space.
    fn measure(&mut self) {
        let samples: Vec<ModelSpec> = (0..COST_SAMPLES)
            .map(|index| self.model(&self.spread(index)))
            .collect();
        self.full = samples
            .iter()
            .map(ModelSpec::steps)
            .max()
            .unwrap_or(1)
            .max(1);
        let costs = samples
            .iter()
            .map(|model| self.step_cost(model) * f64::from(model.steps()));
        self.unit = (costs.sum::<f64>() / COST_SAMPLES as f64).max(f64::MIN_POSITIVE);
    }

    /// Trials that have every single value of every axis, and both ends of every range.
    pub fn representatives(&self) -> Vec<PlannedTrial> {
        let mut trials: Vec<PlannedTrial> = Vec::new();
        for (at, dim) in self.space.dims.iter().enumerate() {
            let coords: Vec<Coord> = match dim.kind {
                DimKind::Real => vec![Coord::Unit(0.0), Coord::Unit(1.0)],
                DimKind::Integer { low, high, .. } => vec![Coord::Int(low), Coord::Int(high)],
                DimKind::Categories { .. } | DimKind::Ordered { .. } => {
                    (0..dim.levels().unwrap_or(0) as u32)
                        .map(Coord::Level)
                        .collect()
                }
            };
            for (place, coord) in coords.into_iter().enumerate() {
                let mut point = self.spread(place as u64);
                point.0[at] = coord;
                // What the axis depends on has a value with which it is active.
                if let Some(when) = &dim.when {
                    point.0[when.dim] = Coord::Level(when.levels[0]);
                }
                let trial = self.trial(&self.space.canonical(point), 0);
                if trials.iter().all(|other| other.id != trial.id) {
                    trials.push(trial);
                }
            }
        }
        trials
    }

    /// The point numbered `index` of some that are spread over the space.
    pub fn spread(&self, index: u64) -> Point {
        let unit = |at: usize| ((index as f64 + 0.5) * irrational(at)).fract();
        let units: Vec<f64> = (0..self.space.dims.len()).map(unit).collect();
        self.space.at(&units)
    }

    /// What a step of training costs, in arbitrary units: arithmetic on settings alone.
    fn step_cost(&self, model: &ModelSpec) -> f64 {
        match MlpSpec::of(model) {
            Some(network) => network.step_cost(self.size),
            None => model.step_cost(),
        }
    }

    fn context(&self) -> Context<'_> {
        Context {
            task: self.task,
            classes: self.classes,
            objective: &self.objective,
            data: self.size,
        }
    }

    /// The seed of all trials of the search itself.
    pub fn first_seed(&self) -> u64 {
        self.seeds[0]
    }

    /// The name of the data set.
    pub fn digest(&self) -> &DataDigest {
        &self.digest
    }

    /// The seed number `index`: those of the experiment, then the smallest others.
    fn seed(&self, index: usize) -> u64 {
        match self.seeds.get(index) {
            Some(seed) => *seed,
            None => {
                let mut others = (1..).filter(|seed| !self.seeds.contains(seed));
                others
                    .nth(index - self.seeds.len())
                    .expect("there are enough numbers")
            }
        }
    }
}

impl Problem for SearchProblem {
    fn space(&self) -> &Space {
        &self.space
    }

    fn is_admissible(&self, point: &Point) -> bool {
        if self.spec.space.is_excluded(&self.coordinates(point)) {
            return false;
        }
        let mut known = self
            .spec
            .constraints
            .iter()
            .filter(|one| one.is_known_before())
            .peekable();
        if known.peek().is_none() {
            return true;
        }
        let model = self.model(point);
        let of = Measured {
            model: &model,
            parameters: self.parameters(&model).unwrap_or(0),
            metrics: &|_| None,
        };
        // What cannot be compared, such as a batch size that is not a number, does not fulfil a condition.
        known.all(|constraint| constraint.violation(&of) <= 0.0)
    }

    fn key(&self, point: &Point) -> String {
        self.trial(point, 0).config.as_str().to_owned()
    }

    fn cost(&self, point: &Point, from: u32, to: u32) -> f64 {
        let model = self.model(point);
        let steps = to.min(model.steps()).saturating_sub(from);
        self.step_cost(&model) * f64::from(steps) / self.unit
    }
}

impl ParameterCounts {
    fn of(&self, model: &ModelSpec) -> Option<u64> {
        let network = MlpSpec::of(model)?;
        let name = network.shape_name();
        if let Some(known) = self.known.borrow().get(&name) {
            return *known;
        }
        let mut open = self.open.borrow_mut();
        if open.is_none() {
            *open = Dataset::open(&self.data).ok();
        }
        let count = open
            .as_ref()
            .map(|data| sweep_engine::models::mlp::parameters(&network, data));
        self.known.borrow_mut().insert(name, count);
        count
    }
}

/// The rows of an axis of single numbers in ascending order, and where each stands in [0, 1]; `None` of other axes.
fn positions(rows: &[Vec<Value>]) -> Option<(Vec<usize>, Vec<f64>)> {
    let number = |row: &Vec<Value>| match &row[..] {
        [value @ (Value::Int(_) | Value::Float(_))] => value.as_f64(),
        _ => None,
    };
    let values: Vec<f64> = rows.iter().map(number).collect::<Option<_>>()?;
    let (least, most) = (
        values.iter().copied().fold(f64::INFINITY, f64::min),
        values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    );
    if least == most {
        return None;
    }
    let is_log = least > 0.0 && most / least >= LOG_RATIO;
    let scale = |value: f64| if is_log { value.ln() } else { value };
    let mut ranks: Vec<usize> = (0..rows.len()).collect();
    ranks.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let place = |row: &usize| (scale(values[*row]) - scale(least)) / (scale(most) - scale(least));
    let positions = ranks.iter().map(place).collect();
    Some((ranks, positions))
}

/// A number for the dimension `at` whose multiples are spread evenly over the unit interval, and no two alike.
fn irrational(at: usize) -> f64 {
    (at as f64 + 2.0).sqrt() + (at as f64 + 1.0).ln() * std::f64::consts::PI
}
