//! Evidence from validation rows as well as seeds: would a lead hold on other rows, with models trained again?
//!
//! [`crate::inference`] speaks of seeds alone; what is here needs the score of every validation row by every trial
//! ([`RowScores`]). Rows (or groups of rows) and seeds count as drawn, each from all there could be; training rows
//! are as they are, except with cross-validation ([`Folds`]). Of a mean difference of two configurations, the variance over both
//! is in [`spread`], the corrections for many comparisons in [`multiple`], and what picking is worth in [`optimism`].
//!
//! Pure, and the same for the same scores: draws come from a fixed key. What is promised, and held by simulation
//! (`benches/evidence.rs`, figures in `docs/SIMULATIONS.md`): where all configurations are equally good, a
//! winner is declared in at most 5% of sweeps; the best one is in [`Evidence::may_be_best`] in at least 95%.

mod contrast;
mod covariance;
mod input;
mod multiple;
mod optimism;
mod power;
pub mod pseudo_values;
mod result;
mod seeds;
mod spread;
mod units;

pub use input::{Design, Entry, Folds, RowScores};
pub use result::{Comparison, Estimate, Evidence, Optimism, SeedCoverage, Test};
pub use spread::{LEAST_P, Part, Spread};
pub use units::Units;

use crate::distributions::ALPHA;
use contrast::{Contrast, Profile, Trial};
use covariance::{Covariance, Draws};
use multiple::Corrected;
use seeds::SeedVariances;

/// What was read of one configuration.
struct Summary {
    own: Contrast,
    /// (seed, mean)
    means: Vec<(u64, f64)>,
    /// The winner less this one.
    against: Option<Contrast>,
    /// What each unit adds to the mean over seeds [units].
    deviations: Vec<f32>,
}

impl Evidence {
    /// Of the ranking of `design`, with `scores` read once for each trial.
    pub fn of(design: &Design, scores: &impl RowScores) -> Evidence {
        let mut winner = None;
        let mut summaries = Vec::new();
        for place in 0..design.entries.len() {
            let profile = read(design, scores, place);
            summaries.push(summary(design, &profile, winner.as_ref()));
            winner.get_or_insert(profile);
        }
        let known = |place: &usize| summaries[*place].is_some();
        let places: Vec<usize> = (0..summaries.len()).filter(known).collect();
        let means = |one: &Option<Summary>| one.as_ref().map(|one| one.means.clone());
        let overlap = |one: &Option<Summary>| one.as_ref().map_or(0.0, |one| one.own.overlap);
        let seeds = SeedVariances::new(
            design.entries,
            summaries
                .iter()
                .map(|one| means(one).unwrap_or_default())
                .collect(),
            summaries.iter().map(overlap).collect(),
        );
        let estimates: Vec<Option<Estimate>> = (summaries.iter().enumerate())
            .map(|(place, one)| estimate(place, &one.as_ref()?.own, &seeds))
            .collect();
        let mut evidence = Evidence {
            rows: design.units.row_count(),
            units: design.units.count(),
            estimates,
            comparisons: Vec::new(),
            winner: None,
            may_be_best: (0..design.entries.len()).collect(),
            optimism: None,
        };
        if places.first() == Some(&0) && places.len() > 1 && design.units.count() > 1 {
            evidence.compare(design, summaries, &places, &seeds);
        }
        evidence
    }

    /// The winner with all others at `places`, which begin with it.
    fn compare(
        &mut self,
        design: &Design,
        mut summaries: Vec<Option<Summary>>,
        places: &[usize],
        seeds: &SeedVariances,
    ) {
        let sign = match design.goal.is_better(1.0, 0.0) {
            true => 1.0,
            false => -1.0,
        };
        let mut deviations = Vec::new();
        let mut beyond_rows = Vec::new();
        let mut means = Vec::new();
        for place in places {
            let one = summaries[*place]
                .as_mut()
                .expect("places are of those that are known");
            deviations.push(std::mem::take(&mut one.deviations));
            let of_seed = match design.entries[*place].is_deterministic {
                true => 0.0,
                false => seeds.beyond_rows(*place).map_or(0.0, |part| part.variance),
            };
            beyond_rows.push(of_seed / one.own.values.len() as f64);
            means.push(sign * one.own.mean);
        }
        let covariance = Covariance::new(deviations, &beyond_rows);
        let draws = covariance.draws();
        let against = |place: usize| summaries[place].as_ref()?.against.as_ref();
        self.comparisons = (1..summaries.len())
            .map(|over| comparison(over, sign, against(over), seeds))
            .collect();
        self.correct(places, &covariance, &draws);
        let by = optimism::of_picking(&means, &draws);
        self.optimism = Some(Optimism {
            by,
            bias_corrected: sign * (means[0] - by),
        });
    }

    fn correct(&mut self, places: &[usize], covariance: &Covariance, draws: &Draws) {
        let speaks_for_the_winner = |one: &Comparison| {
            let ahead = one.by.is_some_and(|by| by > 0.0);
            Some(if ahead {
                one.test?.p
            } else {
                one.test.map(|_| 1.0)?
            })
        };
        let p: Vec<Option<f64>> = (places.iter())
            .map(|place| speaks_for_the_winner(self.comparisons.get(place.checked_sub(1)?)?))
            .collect();
        let corrected = multiple::correct(&p, covariance, draws);
        for (place, corrected) in places.iter().zip(corrected) {
            let (Some(corrected), Some(before)) = (corrected, place.checked_sub(1)) else {
                continue;
            };
            decide(&mut self.comparisons[before], corrected, self.rows);
        }
        let tests = || self.comparisons.iter().filter_map(|one| one.test);
        let is_significant = |place: &usize| *place > 0 && is_better(&self.comparisons[*place - 1]);
        self.may_be_best.retain(|place| !is_significant(place));
        let largest = tests().map(|test| test.p_corrected).reduce(f64::max);
        self.winner = largest.filter(|_| tests().all(|test| test.is_significant));
    }
}

fn is_better(comparison: &Comparison) -> bool {
    comparison.test.is_some_and(|test| test.is_significant)
}

fn read(design: &Design, scores: &impl RowScores, place: usize) -> Profile {
    let entry = &design.entries[place];
    let mut row_scores = vec![0.0f32; design.units.row_count()];
    let trials = entry.seeds.iter().enumerate().filter_map(|(trial, seed)| {
        scores.read(place, trial, &mut row_scores);
        let (mean, deviations) = design.units.deviations(&row_scores)?;
        Some(Trial {
            seed: *seed,
            mean,
            deviations,
        })
    });
    let mut trials: Vec<Trial> = trials.collect();
    if entry.is_deterministic {
        trials.truncate(1);
    }
    Profile {
        is_deterministic: entry.is_deterministic,
        trials,
    }
}

/// `winner` is `None` for the winner itself.
fn summary(design: &Design, profile: &Profile, winner: Option<&Profile>) -> Option<Summary> {
    let own = profile.contrast(design.units, design.folds)?;
    let seeds = profile.trials.len() as f64;
    let sum_of = |unit: usize| -> f64 {
        let added = profile.trials.iter().map(|trial| trial.deviations[unit]);
        added.sum()
    };
    Some(Summary {
        own,
        means: (profile.trials.iter())
            .map(|trial| (trial.seed, trial.mean))
            .collect(),
        against: winner.and_then(|winner| winner.against(profile, design.units, design.folds)),
        deviations: (0..design.units.count())
            .map(|unit| (sum_of(unit) / seeds) as f32)
            .collect(),
    })
}

fn estimate(place: usize, own: &Contrast, seeds: &SeedVariances) -> Option<Estimate> {
    let (part, overlap, coverage) = seeds.of_one(place, own);
    let spread = Spread {
        rows: own.rows?,
        seeds: part,
        overlap,
        folds: own.folds,
    };
    let half = spread.half_width(ALPHA);
    Some(Estimate {
        seeds: own.values.len(),
        mean: own.mean,
        spread,
        coverage,
        interval: (own.mean - half, own.mean + half),
    })
}

/// The test of one difference, which is not corrected yet.
fn comparison(
    over: usize,
    sign: f64,
    contrast: Option<&Contrast>,
    seeds: &SeedVariances,
) -> Comparison {
    let by = contrast.map(|contrast| sign * contrast.mean);
    let test = contrast.and_then(|contrast| {
        let (part, overlap, coverage) = seeds.of_pair(over, contrast);
        let spread = Spread {
            rows: contrast.rows?,
            seeds: part,
            overlap,
            folds: contrast.folds,
        };
        let p = spread.p(contrast.mean);
        Some(Test {
            spread,
            coverage,
            p,
            p_corrected: 1.0,
            level: ALPHA,
            interval: (f64::NEG_INFINITY, f64::INFINITY),
            is_significant: false,
            seeds_needed: None,
            rows_needed: None,
        })
    });
    Comparison {
        over,
        seeds: contrast.map_or(0, |contrast| contrast.values.len()),
        by,
        test,
    }
}

fn decide(comparison: &mut Comparison, corrected: Corrected, rows: usize) {
    let (Some(by), Some(test)) = (comparison.by, comparison.test.as_mut()) else {
        return;
    };
    let half = test.spread.half_width(corrected.level);
    test.p_corrected = corrected.p;
    test.level = corrected.level;
    test.interval = (by - half, by + half);
    test.is_significant = corrected.p <= ALPHA;
    if test.is_significant || by <= 0.0 {
        return;
    }
    if matches!(
        test.coverage,
        SeedCoverage::Measured | SeedCoverage::Borrowed
    ) {
        let now = comparison.seeds;
        test.seeds_needed = power::seeds_needed(by, &test.spread, now, corrected.level);
    }
    test.rows_needed = power::rows_needed(by, &test.spread, rows, corrected.level);
}

#[cfg(test)]
mod tests;
