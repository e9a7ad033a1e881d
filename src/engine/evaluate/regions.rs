//! Sets or intervals of test rows, counted: how many hold their truth, and how large they are.

use sweep_core::conformal::Conformal;
use sweep_data::{DatasetMeta, Targets};

/// Of each test row, whether its set or interval holds the truth, and its size.
pub(super) struct Regions(Vec<(bool, f64)>);

impl Regions {
    /// By the limit `found`, of `outputs` (probabilities [rows, classes], or numbers [rows]) for rows with these `targets`.
    pub fn of(
        found: &Conformal,
        outputs: &[f64],
        meta: &DatasetMeta,
        targets: Targets<'_>,
    ) -> Regions {
        Regions(match targets {
            Targets::Classes(labels) => {
                let rows = outputs.chunks_exact(meta.classes.len()).zip(labels);
                let of_row = |(row, label): (&[f64], &u32)| {
                    let set = found.set(row);
                    (set.contains(&(*label as usize)), set.len() as f64)
                };
                rows.map(of_row).collect()
            }
            Targets::Numbers(numbers) => {
                let rows = outputs.iter().zip(numbers);
                let of_row = |(predicted, actual): (&f64, &f32)| {
                    let (low, high) = found.interval(*predicted);
                    ((low..=high).contains(&f64::from(*actual)), high - low)
                };
                rows.map(of_row).collect()
            }
        })
    }

    /// The share of rows that are held, where they count so often as `times` says; `None` without rows.
    pub fn held(&self, times: Option<&[u32]>) -> Option<f64> {
        self.mean(times, |(holds, _)| f64::from(holds))
    }

    /// Classes in a set, or the width of an interval, on average.
    pub fn size(&self, times: Option<&[u32]>) -> Option<f64> {
        self.mean(times, |(_, size)| size)
    }

    fn mean(&self, times: Option<&[u32]>, value: impl Fn((bool, f64)) -> f64) -> Option<f64> {
        let often = |row: usize| times.map_or(1.0, |times| f64::from(times[row]));
        let rows = self.0.iter().enumerate();
        let (sum, all) = rows.fold((0.0, 0.0), |(sum, all), (row, one)| {
            (sum + often(row) * value(*one), all + often(row))
        });
        (all > 0.0).then_some(sum / all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_core::data_config::TargetTransform;
    use sweep_data::Dataset;

    #[test]
    fn rows_count_as_often_as_they_are_drawn() {
        let own = [0.9, 0.8, 0.7, 0.6].repeat(5);
        let found = Conformal::of_classes(0.5, own.into_iter()).unwrap();
        let side = || (vec![0.0; 3], vec![0u32, 1, 2]);
        let data = Dataset::in_memory(1, 3, side(), side());
        // Limit 0.7: the first has its class alone, the second another alone, the third two of three.
        assert_eq!(found.limit(), 0.7);
        let outputs = [0.8, 0.1, 0.1, 0.9, 0.05, 0.05, 0.75, 0.0, 0.72];
        let of = Regions::of(&found, &outputs, data.meta(), data.valid().y);
        assert_eq!(
            (of.held(None), of.size(None)),
            (Some(2.0 / 3.0), Some(4.0 / 3.0))
        );
        let times = Some(&[0, 3, 1][..]);
        assert_eq!((of.held(times), of.size(times)), (Some(0.25), Some(1.25)));
        assert_eq!(of.held(Some(&[0, 0, 0])), None);
    }

    #[test]
    fn intervals_are_in_units_of_the_target() {
        let transform = TargetTransform::Log;
        let rows = (0..20).map(|_| (1.0, 2.0));
        let found = Conformal::of_numbers(0.5, transform, rows).unwrap();
        let side = || (vec![0.0; 2], vec![5.0f32, 1.0]);
        let data = Dataset::in_memory_numbers(1, transform, side(), side());
        // From half to twice the prediction.
        let of = Regions::of(&found, &[4.0, 4.0], data.meta(), data.valid().y);
        assert_eq!(of.held(None), Some(0.5));
        assert!((of.size(None).unwrap() - 6.0).abs() < 1e-12);
    }
}
