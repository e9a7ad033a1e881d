//! Which settings of networks matter: the variance of the objective over the search space, shared out among settings
//! and pairs of settings.
//!
//! Functional analysis of variance (Hutter, Hoos and Leyton-Brown, "An efficient approach for assessing hyperparameter
//! importance", ICML 2014). On a full grid the shares are exact and come with F-tests against what seeds alone
//! do (seeds as blocks; Fisher, "The design of experiments", 1935). Where points are missing, a forest of regression trees
//! fills them in, and the shares are those of the forest. Pure: the same ranking gives the same bits.

mod factors;
mod forest;
mod grid;
mod result;

pub use result::{Anova, Factor, Level, Method, Point, Share, Table};

use result::Part;

use crate::bounds::Bounds;
use crate::configuration::Configuration;
use crate::summary::Summary;

/// Configurations below which there is nothing to share out.
const FEWEST: usize = 4;
/// Values of one setting beyond which nothing is shared out: the work grows with their number times that of
/// the leaves of every tree.
const MOST_LEVELS: usize = 200;

impl Anova {
    /// Of the networks in the ranking of `summary`.
    ///
    /// # Errors
    /// A sentence that says why there is none.
    pub fn of(summary: &Summary) -> Result<Anova, String> {
        let networks: Vec<&Configuration> = (summary.ranking.iter())
            .filter(|config| !config.kind.is_baseline())
            .collect();
        let (factors, points) = factors::collect(&summary.axes, &networks);
        let mut anova = Anova::of_points(factors, &points)?;
        let bounds = Bounds::of(&summary.objective);
        for level in anova.factors.iter_mut().flat_map(|one| &mut one.levels) {
            level.interval = level.interval.map(|interval| bounds.cut(interval));
        }
        Ok(anova)
    }

    /// Of `points`, each with a level of every one of `factors`.
    ///
    /// # Errors
    /// A sentence that says why there is none.
    pub fn of_points(mut factors: Vec<Factor>, points: &[Point]) -> Result<Anova, String> {
        if points.len() < FEWEST {
            return Err(format!(
                "the importance of settings needs {FEWEST} configurations that have finished; there are {}",
                points.len()
            ));
        }
        if factors.is_empty() {
            return Err("no setting varies among the configurations that have finished".to_owned());
        }
        if let Some(factor) = factors.iter().find(|one| one.levels.len() > MOST_LEVELS) {
            return Err(format!(
                "the importance of settings takes at most {MOST_LEVELS} values of each; {} has {}",
                factor.name,
                factor.levels.len()
            ));
        }
        let data = factors::Data::new(points);
        let mean = data.means.iter().sum::<f64>() / points.len() as f64;
        let squares = data.means.iter().map(|value| (value - mean).powi(2));
        let variance = squares.sum::<f64>() / points.len() as f64;
        if variance.sqrt() <= 1e-12 * mean.abs() {
            return Err(
                "all configurations score the same: there is no variance to share out".to_owned(),
            );
        }
        data.describe(&mut factors);
        let sizes: Vec<usize> = factors.iter().map(|factor| factor.levels.len()).collect();
        let (parts, method) = match grid::is_full(&sizes, points) {
            true => (grid::decompose(&sizes, points, &data.means), Method::Grid),
            false => (
                forest::decompose(&sizes, points, &data.means),
                Method::Forest {
                    trees: forest::TREES,
                },
            ),
        };
        let mut shares: Vec<Share> = (parts.iter())
            .map(|part| part.share(&sizes, &data, variance, method))
            .collect();
        let explained: f64 = shares.iter().map(|share| share.share).sum();
        shares.sort_by(|a, b| b.share.total_cmp(&a.share));
        Ok(Anova {
            shares,
            rest: (1.0 - explained).max(0.0),
            method,
            configurations: points.len(),
            seeds: data.seeds,
            mean,
            sd: variance.sqrt(),
            tables: factors::tables(&sizes, points, &data.means),
            factors,
        })
    }
}

impl Part {
    fn share(&self, sizes: &[usize], data: &factors::Data, variance: f64, method: Method) -> Share {
        let (first, second) = (self.first, self.second);
        if let Method::Forest { .. } = method {
            let share = self.amount;
            return Share {
                first,
                second,
                share,
                chance: None,
                p: None,
            };
        }
        let second_degrees = second.map_or(1, |place| sizes[place] - 1);
        let degrees = ((sizes[first] - 1) * second_degrees) as f64;
        let (chance, p) = match data.noise {
            Some(noise) => {
                let by_chance = degrees * noise.variance / (data.seeds * data.means.len()) as f64;
                let f = match self.amount > 0.0 {
                    true => self.amount / by_chance,
                    false => 0.0,
                };
                let p = crate::distributions::f_upper(f, degrees, noise.degrees);
                (Some(by_chance / variance), Some(p))
            }
            None => (None, None),
        };
        Share {
            first,
            second,
            share: self.amount / variance,
            chance,
            p,
        }
    }
}

#[cfg(test)]
mod tests;
