//! How much a score on test rows owes to which rows they happen to be.
//!
//! Invariant: the interval is a function of the rows and of nothing else: each replicate draws from
//! a stream of its own, so any number of threads gives the same bits.

use rayon::prelude::{IntoParallelIterator, ParallelIterator};

use sweep_core::random::{Purpose, Stream};
use sweep_core::trial::models::Loss;
use sweep_core::trial::{Metric, TEST_CALIBRATED_LOSS, TEST_HELD, TEST_SIZE};
use sweep_data::{DatasetMeta, Targets};

use super::regions::Regions;
use crate::score::{Measure, Outputs};

/// Share of the replicates below the interval, and above it.
const TAIL: f64 = 0.025;
/// Key of the draws; any number would do, and all evaluations share this one.
const SEED: u64 = 0;

/// What one model said of all rows.
pub(super) struct Asked {
    /// Probabilities of classes, row-major [rows, classes], or numbers [rows].
    pub outputs: Vec<f64>,
    /// Log losses with calibrated probabilities [rows], where the calibration is known.
    pub calibrated: Option<Vec<f64>>,
    /// Of numbers.
    pub loss: Loss,
    /// Its sets or intervals, where their limit is known.
    pub regions: Option<Regions>,
}

/// The rows of a test set, and what is measured on them.
#[derive(Clone, Copy)]
pub(super) struct Sample<'a> {
    pub meta: &'a DatasetMeta,
    pub targets: Targets<'a>,
    /// Numbers of the groups [rows].
    pub groups: &'a [u32],
    pub metrics: &'a [Metric],
}

impl Asked {
    /// The `metrics` of rows that count so often as `times` says; less those that these rows do not define.
    pub fn values(
        &self,
        meta: &DatasetMeta,
        targets: Targets<'_>,
        metrics: &[Metric],
        times: Option<&[u32]>,
    ) -> Vec<(Metric, f64)> {
        let outputs = match targets {
            Targets::Classes(_) => Outputs::Probabilities(&self.outputs),
            Targets::Numbers(_) => Outputs::Numbers(&self.outputs),
        };
        let measure = Measure::with_times(meta, outputs, targets, self.loss, times);
        let value = |metric: &Metric| match metric.as_str() {
            TEST_HELD => self.regions.as_ref()?.held(times),
            TEST_CALIBRATED_LOSS => Some(measure.mean_of(self.calibrated.as_ref()?)),
            TEST_SIZE => self.regions.as_ref()?.size(times),
            _ => measure.value(metric),
        };
        let values = metrics.iter().map(|metric| (metric, value(metric)));
        let defined = values.filter_map(|(metric, value)| Some((metric.clone(), value?)));
        defined.collect()
    }
}

/// Number of groups, which are numbered from 0 without a gap.
pub(super) fn number_of(groups: &[u32]) -> usize {
    groups.iter().max().map_or(0, |last| *last as usize + 1)
}

/// 95% intervals of each metric, the mean over `runs`, when as many groups as there are, with all their rows, are drawn
/// with replacement `replicates` times; `None` where no draw defines the metric.
pub(super) fn intervals(
    runs: &[Asked],
    sample: Sample<'_>,
    replicates: u32,
) -> Vec<Option<(f64, f64)>> {
    let number = number_of(sample.groups);
    let drawn: Vec<Vec<Option<f64>>> = (0..replicates)
        .into_par_iter()
        .map(|replicate| {
            let stream = Stream::new(SEED, Purpose::Resample, replicate, 0);
            let mut times = vec![0u32; number];
            (0..number).for_each(|draw| times[stream.below(draw as u32, number)] += 1);
            let rows: Vec<u32> = sample
                .groups
                .iter()
                .map(|group| times[*group as usize])
                .collect();
            let of_runs: Vec<Vec<(Metric, f64)>> = runs
                .iter()
                .map(|run| run.values(sample.meta, sample.targets, sample.metrics, Some(&rows)))
                .collect();
            let mean = |metric: &Metric| {
                let mut sum = 0.0;
                for values in &of_runs {
                    let (_, value) = values.iter().find(|(name, _)| name == metric)?;
                    sum += value / runs.len() as f64;
                }
                Some(sum)
            };
            sample.metrics.iter().map(mean).collect()
        })
        .collect();
    let interval = |place: usize| {
        let mut values: Vec<f64> = drawn.iter().filter_map(|scores| scores[place]).collect();
        values.sort_unstable_by(f64::total_cmp);
        let ends = || (quantile(&values, TAIL), quantile(&values, 1.0 - TAIL));
        (!values.is_empty()).then(ends)
    };
    (0..sample.metrics.len()).map(interval).collect()
}

/// The value below which `share` of the sorted `values` lie, between two of them by distance, as
/// `numpy.quantile` has it.
fn quantile(values: &[f64], share: f64) -> f64 {
    let place = share * (values.len() - 1) as f64;
    let (below, above) = (
        values[place.floor() as usize],
        values[place.ceil() as usize],
    );
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_data::Dataset;

    /// `groups` groups of `size` equal rows, three of four named right.
    fn rows(groups: usize, size: usize) -> (Asked, Vec<u32>, Vec<u32>) {
        let (mut outputs, mut y, mut of) = (Vec::new(), Vec::new(), Vec::new());
        for group in 0..groups {
            for _ in 0..size {
                let label = (group % 2) as u32;
                y.push(label);
                of.push(group as u32);
                let is_right = group % 4 != 3;
                let named = if is_right { label } else { 0 };
                let own = if is_right { 0.9 } else { 0.8 };
                outputs.extend([0, 1].map(|class| if class == named { own } else { 1.0 - own }));
            }
        }
        let loss = Loss::Squared;
        let asked = Asked {
            outputs,
            calibrated: None,
            loss,
            regions: None,
        };
        (asked, y, of)
    }

    fn meta() -> DatasetMeta {
        let side = || (vec![0.0, 1.0], vec![0, 1]);
        Dataset::in_memory(1, 2, side(), side()).meta().clone()
    }

    fn metrics() -> Vec<Metric> {
        ["accuracy", "macro_f1", "loss", "roc_auc"]
            .map(|name| format!("test/{name}"))
            .to_vec()
    }

    #[test]
    fn rows_that_count_twice_give_the_scores_themselves() {
        let (asked, y, _) = rows(40, 3);
        let (meta, metrics) = (meta(), metrics());
        let (once, twice) = (vec![1; y.len()], vec![2; y.len()]);
        let often =
            |times: Option<&[u32]>| asked.values(&meta, Targets::Classes(&y), &metrics, times);
        let plain = often(None);
        assert_eq!(plain, often(Some(&once)));
        for ((_, one), (_, other)) in plain.iter().zip(often(Some(&twice))) {
            assert!((one - other).abs() < 1e-12);
        }
    }

    #[test]
    fn the_interval_is_that_of_the_binomial_and_groups_count_as_one_draw() {
        // Accuracy 0.75 of 400 draws: 0.75 -+ 1.96 sqrt(0.75 * 0.25 / 400) = 0.7076, 0.7924.
        for size in [1, 5] {
            let (asked, y, groups) = rows(400, size);
            let (meta, metrics) = (meta(), metrics());
            let sample = Sample {
                meta: &meta,
                targets: Targets::Classes(&y),
                groups: &groups,
                metrics: &metrics,
            };
            let [accuracy, f1, loss, _] = intervals(&[asked], sample, 2000)[..] else {
                panic!("four metrics");
            };
            let accuracy = accuracy.unwrap();
            assert!((accuracy.0 - 0.7076).abs() < 0.006, "{size}: {accuracy:?}");
            assert!((accuracy.1 - 0.7924).abs() < 0.006, "{size}: {accuracy:?}");
            assert!(f1.is_some_and(|(low, high)| low < high));
            assert!(loss.is_some_and(|(low, high)| low < high));
        }
    }

    #[test]
    fn the_same_rows_give_the_same_bits_on_any_number_of_threads() {
        let (asked, y, groups) = rows(50, 2);
        let (meta, metrics) = (meta(), metrics());
        let sample = Sample {
            meta: &meta,
            targets: Targets::Classes(&y),
            groups: &groups,
            metrics: &metrics,
        };
        let runs = [asked];
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| intervals(&runs, sample, 200))
        };
        assert_eq!(on(1), on(3));
    }

    #[test]
    fn quantiles_are_those_of_numpy() {
        // numpy.quantile([1, 2, 4, 8], [0.025, 0.5, 0.975]) = [1.075, 3.0, 7.7]
        let values = [1.0, 2.0, 4.0, 8.0];
        for (share, expected) in [(0.025, 1.075), (0.5, 3.0), (0.975, 7.7)] {
            assert!((quantile(&values, share) - expected).abs() < 1e-12);
        }
    }
}
