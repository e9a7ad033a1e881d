//! Which trials can be trained together as one, and how many of them at once. Pure.
//!
//! Invariant: trials of a group have the same tensors, but for those of batch normalisation, and take the same
//! course through them; what they may differ in is each one's own. The definitions of settings say which those are.

use sweep_core::trial::TrialSpec;
use sweep_core::trial::models::{DatasetSize, MlpSpec};

/// Most trials of a group.
const MAX_BATCH: usize = 128;

/// Whether both can be lanes of one group.
pub fn can_batch(one: &TrialSpec, other: &TrialSpec) -> bool {
    // The first layers of a source are as many, and its bins are the same, if it is the same.
    let source = |spec: &TrialSpec| {
        let transfer = spec.transfer.as_ref();
        transfer.map(|transfer| (transfer.source.clone(), transfer.layers, transfer.freeze))
    };
    let normalizes = |spec: &TrialSpec| spec.model.get("batch_norm").cloned();
    one.train_fraction == 1.0
        && other.train_fraction == 1.0
        && source(one) == source(other)
        // Copied layers have batch normalisation in all lanes or in none.
        && (source(one).is_none() || normalizes(one) == normalizes(other))
        && one.model.can_batch(&other.model)
}

/// How many trials like `spec` to train at once where lanes may take `capacity` numbers between them, so that
/// the `waiting` trials of all kinds, itself included, keep all of `slots` busy. At least 1.
pub fn size(
    spec: &TrialSpec,
    data: DatasetSize,
    capacity: u64,
    waiting: usize,
    slots: usize,
) -> usize {
    let Some(model) = MlpSpec::of(&spec.model) else {
        return 1;
    };
    let fits = usize::try_from(capacity / model.numbers(data)).unwrap_or(MAX_BATCH);
    fits.min(MAX_BATCH)
        .min(waiting.div_ceil(slots.max(1)))
        .max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_core::trial::{Kind, ModelSpec, Objective, Value};

    const SIZE: DatasetSize = DatasetSize {
        rows: 1000,
        features: 10,
        classes: 5,
        category_columns: 0,
        category_features: 0,
        text_features: 0,
    };

    fn trial(settings: &[(&str, Value)]) -> TrialSpec {
        let mut model = ModelSpec::new(Kind::MLP);
        for (key, value) in settings {
            model.set(key, value).unwrap();
        }
        TrialSpec::new(model, 1, Objective::default())
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn trials_that_differ_in_numbers_alone_are_alike() {
        let plain = trial(&[]);
        for (key, value) in [
            ("lr", Value::Float(0.5)),
            ("dropout", Value::Float(0.5)),
            ("weight_decay", Value::Float(0.5)),
            ("clip_norm", Value::Float(0.5)),
            ("batch_norm", Value::Bool(true)),
            ("eps", Value::Float(0.5)),
            ("epochs", Value::Int(3)),
            ("optimizer", text("adamw")),
            ("lr_schedule", text("cosine")),
        ] {
            assert!(can_batch(&plain, &trial(&[(key, value)])), "{key}");
        }
        let other_seed = TrialSpec {
            seed: 7,
            ..plain.clone()
        };
        assert!(can_batch(&plain, &other_seed));
    }

    #[test]
    fn trials_of_other_tensors_or_another_course_are_not_alike() {
        let plain = trial(&[]);
        for (key, value) in [
            ("layers", Value::List(vec![Value::Int(8)])),
            ("activation", text("gelu")),
            ("batch_size", Value::Int(64)),
            ("optimizer", text("sgd")),
            ("embedding", text("ple")),
            ("category_embedding", Value::Int(4)),
            ("label_smoothing", Value::Float(0.1)),
            ("ema", Value::Float(0.9)),
        ] {
            let other = trial(&[(key, value)]);
            assert!(
                !can_batch(&plain, &other) && !can_batch(&other, &plain),
                "{key}"
            );
            assert!(can_batch(&other, &other), "{key}");
        }
        let on_half = TrialSpec {
            train_fraction: 0.5,
            ..plain.clone()
        };
        assert!(
            !can_batch(&on_half, &on_half),
            "fractions have rows of their own"
        );
        let sgd = [("optimizer", text("sgd"))];
        let momentum = [("optimizer", text("sgd")), ("momentum", Value::Float(0.9))];
        assert!(!can_batch(&trial(&sgd), &trial(&momentum)));
    }

    #[test]
    fn groups_fill_the_capacity_and_leave_work_for_every_slot() {
        // 32 rows of 10 + 64 + 32 + 5 values, and 10 * 64 + 64 * 32 + 32 * 5 parameters.
        let lane = 32 * 111 + 2848;
        let spec = trial(&[]);
        let sized = |capacity: u64, waiting: usize, slots: usize| {
            size(&spec, SIZE, capacity, waiting, slots)
        };
        assert_eq!(sized(0, 100, 1), 1);
        assert_eq!(sized(lane * 5 + 1, 100, 1), 5);
        assert_eq!(sized(lane * 5 - 1, 100, 1), 4);
        assert_eq!(sized(lane * 50, 10, 4), 3);
        assert_eq!(sized(u64::MAX, 10_000, 2), MAX_BATCH);
        let all = trial(&[("batch_size", text("all"))]);
        assert_eq!(size(&all, SIZE, 1000 * 111 + 2848, 9, 1), 1);
        // Seven of the ten features are two columns, which become twice two inputs.
        let columns = DatasetSize {
            category_columns: 2,
            category_features: 7,
            ..SIZE
        };
        let embedded = trial(&[("category_embedding", Value::Int(2))]);
        let lane = 32 * 108 + 2848 - 3 * 64 + 7 * 2;
        assert_eq!(size(&embedded, columns, 5 * lane, 100, 1), 5);
        assert_eq!(size(&embedded, columns, 5 * lane - 1, 100, 1), 4);
        assert_eq!(size(&embedded, SIZE, 5 * (32 * 111 + 2848), 100, 1), 5);
    }
}
