//! One sweep whose truth is known, and what is found of it.

use sweep_analysis::evidence::{Design, Entry, Evidence, Units};
use sweep_analysis::inference::{Inference, Sample, Verdict};
use sweep_core::random::{Purpose, Stream};
use sweep_core::trial::Goal;

/// How far above 0 latent scores are on average: 84% of rows are right where they have standard deviation 1.
const EASE: f64 = 1.0;

/// Standard deviations of what a latent score is the sum of: of the row (or group), the configuration with the row (or group),
/// the configuration with the seed, and the rest.
#[derive(Clone, Copy)]
pub struct World {
    pub name: &'static str,
    pub row: f64,
    pub config_row: f64,
    pub config_seed: f64,
    pub rest: f64,
    /// Rows of a group; all but the rest is the same in a group.
    pub group: u32,
    /// Whether scores are right or wrong, or the latent scores themselves.
    pub is_binary: bool,
    /// Every other configuration has this many times `config_row`.
    pub unequal: f64,
    /// Configurations that share most of `config_row`, as near duplicates do.
    pub family: u32,
}

pub const ALIKE: World = World {
    name: "accuracy",
    row: 1.0,
    config_row: 0.3,
    config_seed: 0.0,
    rest: 0.3,
    group: 1,
    is_binary: true,
    unequal: 1.0,
    family: 1,
};

pub fn worlds() -> [World; 9] {
    [
        ALIKE,
        World {
            name: "accuracy, more apart",
            config_row: 0.7,
            ..ALIKE
        },
        World {
            name: "accuracy, same function",
            config_row: 0.0,
            rest: 0.5,
            ..ALIKE
        },
        World {
            name: "accuracy, strong seeds",
            config_seed: 0.15,
            ..ALIKE
        },
        World {
            name: "accuracy, groups of 10",
            group: 10,
            ..ALIKE
        },
        World {
            name: "accuracy, families of 5",
            config_row: 0.5,
            rest: 0.1,
            family: 5,
            ..ALIKE
        },
        World {
            name: "error",
            is_binary: false,
            ..ALIKE
        },
        World {
            name: "error, strong seeds",
            is_binary: false,
            config_seed: 0.1,
            ..ALIKE
        },
        World {
            name: "error, half three times",
            is_binary: false,
            unequal: 3.0,
            ..ALIKE
        },
    ]
}

/// What came of the sweeps of one row, as shares of them.
#[derive(Clone, Copy, Default)]
pub struct Outcome {
    /// A winner was declared; by seeds alone.
    pub winner: f64,
    pub winner_by_seeds: f64,
    /// The first configuration was declared the winner; it was not among those that may be the best.
    pub first: f64,
    pub lost: f64,
    pub may_be_best: f64,
    /// The 95% interval of the first less the second, and that of the first, hold the truth.
    pub covered: f64,
    pub own_covered: f64,
    pub optimism: f64,
    pub true_optimism: f64,
}

/// Scores of all trials.
pub struct Sweep {
    pub configurations: usize,
    pub seeds: usize,
    pub rows: usize,
    pub group: usize,
    /// [configurations][seeds][rows]
    pub scores: Vec<f32>,
    /// Mean over all rows and seeds there could be [configurations].
    pub truth: Vec<f64>,
}

impl Sweep {
    pub fn new(
        world: World,
        configurations: u32,
        seeds: u32,
        rows: u32,
        sweep: u32,
        ahead: f64,
    ) -> Sweep {
        let stream = |what: u32| {
            Stream::new(
                u64::from(sweep),
                Purpose::Synthetic,
                configurations * 1000 + seeds,
                what,
            )
        };
        let (of_rows, of_config_rows, of_seeds, of_rest) =
            (stream(0), stream(1), stream(2), stream(3));
        let mut scores = Vec::with_capacity((configurations * seeds * rows) as usize);
        let mut truth = Vec::new();
        for config in 0..configurations {
            let wide = if config % 2 == 1 { world.unequal } else { 1.0 };
            let own = wide * world.config_row;
            let (shared, single) = match world.family {
                1 => (0.0, own),
                _ => (own * 0.95f64.sqrt(), own * 0.05f64.sqrt()),
            };
            let width = [world.row, own, world.config_seed, world.rest];
            let width = width.iter().map(|part| part * part).sum::<f64>().sqrt();
            let ahead = if config == 0 { ahead } else { 0.0 };
            let (ease, mean) = match world.is_binary {
                true => {
                    let share = normal_cdf(EASE) + ahead;
                    (width * normal_inverse(share), share)
                }
                false => (ahead, ahead),
            };
            truth.push(mean);
            for seed in 0..seeds {
                let of_seed = world.config_seed * of_seeds.normal(config * seeds + seed);
                for row in 0..rows {
                    let unit = row / world.group;
                    let family = 1_000_000_000 + config / world.family * rows + unit;
                    let score = ease
                        + world.row * of_rows.normal(unit)
                        + shared
                            * if shared > 0.0 {
                                of_config_rows.normal(family)
                            } else {
                                0.0
                            }
                        + single * of_config_rows.normal(config * rows + unit)
                        + of_seed
                        + world.rest * of_rest.normal((config * seeds + seed) * rows + row);
                    scores.push(match world.is_binary {
                        true => f32::from(u8::from(score > 0.0)),
                        false => score as f32,
                    });
                }
            }
        }
        Sweep {
            configurations: configurations as usize,
            seeds: seeds as usize,
            rows: rows as usize,
            group: world.group as usize,
            scores,
            truth,
        }
    }

    pub fn entries(&self, order: &[usize]) -> Vec<Entry> {
        let entry = |_: &usize| Entry {
            kind: 0,
            seeds: (0..self.seeds as u64).collect(),
            is_deterministic: false,
        };
        order.iter().map(entry).collect()
    }

    pub fn evidence(&self, order: &[usize]) -> Evidence {
        let groups: Vec<u64> = (0..self.rows)
            .map(|row| (row / self.group) as u64)
            .collect();
        let units = match self.group {
            1 => Units::rows(self.rows),
            _ => Units::groups(&groups),
        };
        let entries = self.entries(order);
        let design = Design {
            entries: &entries,
            units: &units,
            folds: None,
            goal: Goal::Max,
        };
        Evidence::of(&design, &|configuration: usize,
                                trial: usize,
                                out: &mut [f32]| {
            let from = (order[configuration] * self.seeds + trial) * self.rows;
            out.copy_from_slice(&self.scores[from..from + self.rows]);
        })
    }

    pub fn outcome(&self) -> Outcome {
        let trial_means: Vec<f64> = (self.scores.chunks(self.rows))
            .map(|scores| {
                scores.iter().map(|score| f64::from(*score)).sum::<f64>() / self.rows as f64
            })
            .collect();
        let means: Vec<f64> = (trial_means.chunks(self.seeds))
            .map(|means| means.iter().sum::<f64>() / self.seeds as f64)
            .collect();
        let mut order: Vec<usize> = (0..self.configurations).collect();
        order.sort_by(|a, b| means[*b].total_cmp(&means[*a]));
        let found = self.evidence(&order);
        let first = order.iter().position(|place| *place == 0).unwrap();
        let samples: Vec<Sample> = order
            .iter()
            .map(|place| Sample {
                group: 0,
                is_deterministic: false,
                values: (0..self.seeds)
                    .map(|seed| (seed as u64, trial_means[place * self.seeds + seed]))
                    .collect(),
            })
            .collect();
        let by_seeds = Inference::of_samples(&samples, Goal::Max).verdict;
        // In an order that does not depend on the scores.
        let fixed = self.evidence(&(0..self.configurations).collect::<Vec<_>>());
        let pair = fixed.comparisons[0];
        let half = pair.test.unwrap().spread.half_width(0.05);
        let error = pair.by.unwrap() - (self.truth[0] - self.truth[1]);
        let own = fixed.estimates[0].unwrap();
        let holds = |is_true: bool| f64::from(u8::from(is_true));
        Outcome {
            winner: holds(found.winner.is_some()),
            winner_by_seeds: holds(matches!(by_seeds, Verdict::Winner { .. })),
            first: holds(found.winner.is_some() && first == 0),
            lost: holds(!found.may_be_best.contains(&first)),
            may_be_best: found.may_be_best.len() as f64,
            covered: holds(error.abs() <= half),
            own_covered: holds(own.interval.0 <= self.truth[0] && self.truth[0] <= own.interval.1),
            optimism: found.optimism.unwrap().by,
            true_optimism: means[order[0]] - self.truth[order[0]],
        }
    }
}

/// By the series of the error function.
fn normal_cdf(z: f64) -> f64 {
    let (mut term, mut sum) = (z, z);
    for n in 1..200 {
        term *= z * z / f64::from(2 * n + 1);
        sum += term;
    }
    0.5 + sum * (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt()
}

fn normal_inverse(p: f64) -> f64 {
    let (mut low, mut high) = (-8.0f64, 8.0f64);
    for _ in 0..60 {
        let middle = low.midpoint(high);
        if normal_cdf(middle) < p {
            low = middle
        } else {
            high = middle
        }
    }
    low
}
