//! How often a lead on validation rows that was called significant is none on held-out rows with other seeds, for models of a real
//! table.

use std::fs;
use std::path::Path;
use sweep_analysis::evidence::{Design, Entry, Evidence, Units};
use sweep_analysis::inference::{Inference, Sample};
use sweep_core::trial::Goal;

/// Leads that were called significant, and what the held-out rows say of them.
#[derive(Default)]
struct Count {
    winners: usize,
    /// Winners that were declared, of which another configuration is better on the held-out rows.
    wrong_winners: usize,
    significant: usize,
    /// Significant leads that are none on the held-out rows.
    reversed: usize,
    best_lost: usize,
    may_be_best: usize,
    /// The first as picked.
    optimism: f64,
}

/// One split of the table: what was right on its validation rows, and the truth on its held-out ones.
struct Split {
    seeds: usize,
    rows: usize,
    /// [configurations, seeds, rows]: scores of validation rows.
    scores: Vec<u8>,
    /// [configurations, seeds]: their means over rows.
    means: Vec<f64>,
    /// Configurations, the best on validation rows first.
    order: Vec<usize>,
    /// Scores on the held-out rows, in that order.
    truth: Vec<f64>,
}

pub fn report(folder: &Path) {
    let shape = fs::read_to_string(folder.join("shape.txt")).unwrap();
    let shape: Vec<usize> = shape
        .split_whitespace()
        .map(|number| number.parse().unwrap())
        .collect();
    let [configurations, seeds, rows] = shape[..] else {
        panic!("shape.txt has three numbers");
    };
    let (mut by_both, mut by_seeds) = (Count::default(), Count::default());
    let (mut splits, mut true_optimism) = (0, 0.0);
    while let Some(split) = Split::read(folder, splits, [configurations, seeds, rows]) {
        true_optimism += split.mean(split.order[0]) - split.truth[0];
        split.judge_by_both(&mut by_both);
        split.judge_by_seeds(&mut by_seeds);
        splits += 1;
    }
    println!(
        "{splits} splits, {configurations} configurations, {seeds} seeds, {rows} validation rows; optimism {:.4}\n",
        true_optimism / splits as f64
    );
    println!(
        "| by | winners | of these wrong | significant leads | of these reversed | best lost | may be best | optimism |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (name, count) in [("rows and seeds", by_both), ("seeds alone", by_seeds)] {
        println!(
            "| {name} | {} | {} | {} | {} | {} | {:.1} | {:.4} |",
            count.winners,
            count.wrong_winners,
            count.significant,
            count.reversed,
            count.best_lost,
            count.may_be_best as f64 / splits as f64,
            count.optimism / splits as f64
        );
    }
}

impl Split {
    /// The split called `number` in `folder`, if there is one.
    fn read(
        folder: &Path,
        number: usize,
        [configurations, seeds, rows]: [usize; 3],
    ) -> Option<Split> {
        let scores = fs::read(folder.join(format!("{number}.valid"))).ok()?;
        let truth = fs::read(folder.join(format!("{number}.held_out"))).ok()?;
        let truth: Vec<f64> = truth
            .chunks_exact(8)
            .map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap()))
            .collect();
        let means = scores
            .chunks(rows)
            .map(|own| own.iter().map(|score| f64::from(*score)).sum::<f64>() / rows as f64)
            .collect();
        let mut split = Split {
            seeds,
            rows,
            scores,
            means,
            order: (0..configurations).collect(),
            truth: Vec::new(),
        };
        let mut order = split.order.clone();
        order.sort_by(|a, b| split.mean(*b).total_cmp(&split.mean(*a)));
        split.truth = order.iter().map(|place| truth[*place]).collect();
        split.order = order;
        Some(split)
    }

    /// The mean of a configuration over its seeds.
    fn mean(&self, configuration: usize) -> f64 {
        let own = &self.means[configuration * self.seeds..][..self.seeds];
        own.iter().sum::<f64>() / self.seeds as f64
    }

    fn judge_by_both(&self, count: &mut Count) {
        let units = Units::rows(self.rows);
        let entry = |_: &usize| Entry {
            kind: 0,
            seeds: (0..self.seeds as u64).collect(),
            is_deterministic: false,
        };
        let entries: Vec<Entry> = self.order.iter().map(entry).collect();
        let design = Design {
            entries: &entries,
            units: &units,
            folds: None,
            goal: Goal::Max,
        };
        let evidence = Evidence::of(
            &design,
            &|configuration: usize, trial: usize, out: &mut [f32]| {
                let from = (self.order[configuration] * self.seeds + trial) * self.rows;
                out.iter_mut()
                    .zip(&self.scores[from..])
                    .for_each(|(out, score)| *out = f32::from(*score));
            },
        );
        let significant = evidence
            .comparisons
            .iter()
            .filter(|one| one.test.is_some_and(|test| test.is_significant));
        count.add(
            significant.map(|one| one.over).collect(),
            &evidence.may_be_best,
            &self.truth,
            evidence.optimism.unwrap().by,
        );
    }

    fn judge_by_seeds(&self, count: &mut Count) {
        let sample = |place: &usize| Sample {
            group: 0,
            is_deterministic: false,
            values: (0..self.seeds)
                .map(|seed| (seed as u64, self.means[place * self.seeds + seed]))
                .collect(),
        };
        let samples: Vec<Sample> = self.order.iter().map(sample).collect();
        let inference = Inference::of_samples(&samples, Goal::Max);
        let significant = inference
            .comparisons
            .iter()
            .filter(|one| one.is_significant);
        count.add(
            significant.map(|one| one.over).collect(),
            &inference.candidates,
            &self.truth,
            inference.optimism.unwrap().by,
        );
    }
}

impl Count {
    /// `significant` are places behind the winner, `truth` is by place.
    fn add(
        &mut self,
        significant: Vec<usize>,
        may_be_best: &[usize],
        truth: &[f64],
        optimism: f64,
    ) {
        let best = (1..truth.len()).fold(0, |best, place| {
            if truth[place] > truth[best] {
                place
            } else {
                best
            }
        });
        let is_winner = may_be_best == [0];
        self.winners += usize::from(is_winner);
        self.wrong_winners += usize::from(is_winner && best != 0);
        self.significant += significant.len();
        self.reversed += significant
            .iter()
            .filter(|place| truth[**place] >= truth[0])
            .count();
        self.best_lost += usize::from(!may_be_best.contains(&best));
        self.may_be_best += may_be_best.len();
        self.optimism += optimism;
    }
}
