//! Settings as factors with levels, configurations as points among them.

use super::result::{Factor, Level, Point, Table};
use crate::axes::Axis;
use crate::configuration::Configuration;
use crate::distributions::{ALPHA, t_quantile};
use crate::text;
use sweep_core::named::value_of;
use sweep_core::trial::{Params, Value};

/// Means of points, and how much seeds move them.
pub(super) struct Data {
    /// Of each point.
    pub means: Vec<f64>,
    /// Seeds that every point has.
    pub seeds: usize,
    pub noise: Option<Noise>,
    levels: Vec<Vec<usize>>,
}

/// Variance of one value of one configuration, what a seed does to all of them taken out.
#[derive(Clone, Copy)]
pub(super) struct Noise {
    pub variance: f64,
    pub degrees: f64,
}

impl Data {
    pub(super) fn new(points: &[Point]) -> Data {
        let shared = shared(points);
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let rows: Vec<Vec<f64>> = (points.iter())
            .map(|point| {
                let is_shared = |seed: &u64| shared.is_empty() || shared.contains(seed);
                let values = point.values.iter().filter(|(seed, _)| is_shared(seed));
                values.map(|(_, value)| *value).collect()
            })
            .collect();
        let means: Vec<f64> = rows.iter().map(|row| mean(row)).collect();
        let seeds = shared.len();
        let noise = (seeds > 1 && points.len() > 1).then(|| {
            let all = mean(&means);
            let by_seed: Vec<f64> = (0..seeds)
                .map(|seed| rows.iter().map(|row| row[seed]).sum::<f64>() / rows.len() as f64)
                .collect();
            let squares = rows.iter().zip(&means).flat_map(|(row, own)| {
                let rest = row.iter().zip(&by_seed);
                rest.map(move |(value, seed)| (value - own - seed + all).powi(2))
            });
            let degrees = ((points.len() - 1) * (seeds - 1)) as f64;
            Noise {
                variance: squares.sum::<f64>() / degrees,
                degrees,
            }
        });
        Data {
            means,
            seeds,
            noise,
            levels: points.iter().map(|point| point.levels.clone()).collect(),
        }
    }

    /// Fills in what is known of each level.
    pub(super) fn describe(&self, factors: &mut [Factor]) {
        for (place, factor) in factors.iter_mut().enumerate() {
            for (at, level) in factor.levels.iter_mut().enumerate() {
                let own = self.levels.iter().zip(&self.means);
                let own = own.filter(|(levels, _)| levels[place] == at);
                let own: Vec<f64> = own.map(|(_, mean)| *mean).collect();
                level.configurations = own.len();
                level.mean = own.iter().sum::<f64>() / own.len() as f64;
                level.interval = self.noise.map(|noise| {
                    let quantile = t_quantile(1.0 - ALPHA / 2.0, noise.degrees);
                    let half = quantile * (noise.variance / (own.len() * self.seeds) as f64).sqrt();
                    (level.mean - half, level.mean + half)
                });
            }
        }
    }
}

/// A factor in the making.
struct Column {
    names: Vec<String>,
    /// Of each level, those of the settings that move together.
    labels: Vec<Vec<String>>,
    /// Level of every configuration.
    levels: Vec<usize>,
}

/// Factors from the axes that vary among `configs`, and the level of each in every one of them.
pub(super) fn collect(axes: &[Axis], configs: &[&Configuration]) -> (Vec<Factor>, Vec<Point>) {
    let mut columns: Vec<Column> = Vec::new();
    for axis in axes {
        let (labels, levels) = column(axis, configs);
        if labels.len() < 2 {
            continue;
        }
        let together = columns.iter_mut().find(|other| {
            move_together((other.labels.len(), &other.levels), (labels.len(), &levels))
        });
        match together {
            Some(other) => {
                other.names.push(axis.name.clone());
                for (at, own) in other.levels.iter().zip(&levels) {
                    if other.labels[*at].len() < other.names.len() {
                        other.labels[*at].push(labels[*own].clone());
                    }
                }
            }
            None => columns.push(Column {
                names: vec![axis.name.clone()],
                labels: labels.into_iter().map(|label| vec![label]).collect(),
                levels,
            }),
        }
    }
    let points = (configs.iter().enumerate())
        .map(|(place, config)| Point {
            levels: columns.iter().map(|column| column.levels[place]).collect(),
            values: config.by_seed(),
        })
        .collect();
    let level = |labels: Vec<String>| Level {
        label: labels.join(", "),
        configurations: 0,
        mean: 0.0,
        interval: None,
    };
    let factors = (columns.into_iter())
        .map(|column| Factor {
            name: column.names.join(", "),
            levels: column.labels.into_iter().map(level).collect(),
        })
        .collect();
    (factors, points)
}

/// Labels of the levels that occur, and the level of every configuration.
fn column(axis: &Axis, configs: &[&Configuration]) -> (Vec<String>, Vec<usize>) {
    let value = |params: &Params| -> Option<Value> { value_of(params, &axis.name).cloned() };
    let found: Vec<Option<Value>> = configs.iter().map(|config| value(&config.params)).collect();
    let known = axis.effects.iter().map(|effect| Some(effect.value.clone()));
    let all: Vec<Option<Value>> = std::iter::once(None).chain(known).collect();
    let used: Vec<Option<Value>> = all
        .into_iter()
        .filter(|value| found.contains(value))
        .collect();
    let label = |value: &Option<Value>| value.as_ref().map_or("–".to_owned(), text::setting);
    let place = |value: &Option<Value>| used.iter().position(|other| other == value);
    let levels = found
        .iter()
        .map(|value| place(value).unwrap_or(0))
        .collect();
    (used.iter().map(label).collect(), levels)
}

/// Whether each level of one goes with one level of the other, and the other way round.
fn move_together(one: (usize, &[usize]), other: (usize, &[usize])) -> bool {
    let mut partner: Vec<Option<usize>> = vec![None; one.0];
    one.0 == other.0
        && one
            .1
            .iter()
            .zip(other.1)
            .all(|(own, theirs)| *partner[*own].get_or_insert(*theirs) == *theirs)
        && {
            let mut taken: Vec<usize> = partner.into_iter().flatten().collect();
            taken.sort_unstable();
            taken.dedup();
            taken.len() == one.0
        }
}

/// Mean objective for every pair of factors.
pub(super) fn tables(sizes: &[usize], points: &[Point], means: &[f64]) -> Vec<Table> {
    let pairs = (0..sizes.len())
        .flat_map(|first| (first + 1..sizes.len()).map(move |second| (first, second)));
    pairs
        .map(|(first, second)| {
            let mut sums = vec![vec![(0.0, 0usize); sizes[second]]; sizes[first]];
            for (point, mean) in points.iter().zip(means) {
                let cell = &mut sums[point.levels[first]][point.levels[second]];
                *cell = (cell.0 + mean, cell.1 + 1);
            }
            let mean = |(sum, count): (f64, usize)| (count > 0).then(|| sum / count as f64);
            let means = sums
                .into_iter()
                .map(|row| row.into_iter().map(mean).collect());
            Table {
                first,
                second,
                means: means.collect(),
            }
        })
        .collect()
}

/// Seeds that every point has, ascending.
fn shared(points: &[Point]) -> Vec<u64> {
    let Some((first, rest)) = points.split_first() else {
        return Vec::new();
    };
    let seeds = first.values.iter().map(|(seed, _)| *seed);
    let has = |point: &Point, seed: u64| point.values.iter().any(|(other, _)| *other == seed);
    seeds
        .filter(|seed| rest.iter().all(|point| has(point, *seed)))
        .collect()
}
