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
    while let (Ok(scores), Ok(truth)) = (
        fs::read(folder.join(format!("{splits}.valid"))),
        fs::read(folder.join(format!("{splits}.held_out"))),
    ) {
        let truth: Vec<f64> = truth
            .chunks_exact(8)
            .map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap()))
            .collect();
        let means: Vec<f64> = scores
            .chunks(rows)
            .map(|own| own.iter().map(|score| f64::from(*score)).sum::<f64>() / rows as f64)
            .collect();
        let mean = |place: usize| {
            means[place * seeds..(place + 1) * seeds]
                .iter()
                .sum::<f64>()
                / seeds as f64
        };
        let mut order: Vec<usize> = (0..configurations).collect();
        order.sort_by(|a, b| mean(*b).total_cmp(&mean(*a)));
        let truth: Vec<f64> = order.iter().map(|place| truth[*place]).collect();
        true_optimism += mean(order[0]) - truth[0];
        let units = Units::rows(rows);
        let entry = |_: &usize| Entry {
            kind: 0,
            seeds: (0..seeds as u64).collect(),
            is_deterministic: false,
        };
        let entries: Vec<Entry> = order.iter().map(entry).collect();
        let design = Design {
            entries: &entries,
            units: &units,
            folds: None,
            goal: Goal::Max,
        };
        let evidence = Evidence::of(
            &design,
            &|configuration: usize, trial: usize, out: &mut [f32]| {
                let from = (order[configuration] * seeds + trial) * rows;
                out.iter_mut()
                    .zip(&scores[from..])
                    .for_each(|(out, score)| *out = f32::from(*score));
            },
        );
        let significant = evidence
            .comparisons
            .iter()
            .filter(|one| one.test.is_some_and(|test| test.is_significant));
        by_both.add(
            significant.map(|one| one.over).collect(),
            &evidence.may_be_best,
            &truth,
            evidence.optimism.unwrap().by,
        );
        let samples: Vec<Sample> = order
            .iter()
            .map(|place| Sample {
                group: 0,
                is_deterministic: false,
                values: (0..seeds)
                    .map(|seed| (seed as u64, means[place * seeds + seed]))
                    .collect(),
            })
            .collect();
        let inference = Inference::of_samples(&samples, Goal::Max);
        let significant = inference
            .comparisons
            .iter()
            .filter(|one| one.is_significant);
        by_seeds.add(
            significant.map(|one| one.over).collect(),
            &inference.candidates,
            &truth,
            inference.optimism.unwrap().by,
        );
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
