//! The torch engine beside the native one, which is its oracle, and beside itself: alone and in groups,
//! stopped and not.

mod groups;
mod layout;
mod memory;
mod parity;
mod resume;

use std::path::Path;

use sweep_core::data_config::TargetTransform;
use sweep_core::random::{Purpose, Stream};
use sweep_core::trial::models::MlpSpec;
use sweep_core::trial::{Goal, Kind, ModelSpec, Objective, TrialId, TrialResult, TrialSpec, Value};
use sweep_data::{Dataset, FittedField, Preprocessor};
use sweep_engine::models::mlp::Native;
use sweep_engine::{
    Backend, BatchedTrial, Callback, Control, EngineError, Epoch, Job, Outcome, train_together,
    train_with,
};
use tch::Device;

use crate::engine::Torch;

const FEATURES: usize = 5;
const CLASSES: usize = 3;

/// `train` and `valid` rows of five features, the third of which is 0, 1 or 2, with labels that depend on them.
fn data(train: usize, valid: usize) -> Dataset {
    let stream = |step| Stream::new(11, Purpose::Synthetic, 7, step);
    let side = |rows: usize, step: u32| {
        let (numbers, noise) = (stream(step), stream(step + 1));
        let mut x = Vec::with_capacity(rows * FEATURES);
        let mut y = Vec::with_capacity(rows);
        for row in 0..rows {
            let mut of_row: [f32; FEATURES] =
                std::array::from_fn(|f| numbers.normal((row * FEATURES + f) as u32) as f32);
            of_row[2] = (row % 3) as f32;
            let score = of_row[0] + of_row[1] * of_row[2] + noise.normal(row as u32) as f32;
            y.push(if score < -0.5 {
                0
            } else if score < 0.7 {
                1
            } else {
                2
            });
            x.extend(of_row);
        }
        (x, y)
    };
    Dataset::in_memory(FEATURES, CLASSES, side(train, 0), side(valid, 2))
}

/// Likewise with numbers above 0 to predict, whose logarithms depend on the features.
fn of_numbers(train: usize, valid: usize, transform: TargetTransform) -> Dataset {
    let plain = data(train, valid);
    let noise = Stream::new(11, Purpose::Synthetic, 7, 4);
    let side = |rows: sweep_data::Rows<'_>| {
        let numbers = rows.x.chunks(FEATURES).enumerate().map(|(place, of_row)| {
            let score = of_row[0] + of_row[1] * of_row[2] + noise.normal(place as u32) as f32;
            20.0 * (0.4 * score).exp()
        });
        (rows.x.to_vec(), numbers.collect())
    };
    let (train, valid) = (side(plain.train()), side(plain.valid()));
    Dataset::in_memory_numbers(FEATURES, transform, train, valid)
}

/// The same classes with columns of 4 and 3 categories around three numbers; some rows have none.
fn categorical(train: usize, valid: usize) -> Dataset {
    let plain = data(train, valid);
    let side = |rows: sweep_data::Rows<'_>| {
        let mut x = Vec::new();
        let labels = rows.y.classes().unwrap();
        for (place, (numbers, label)) in rows.x.chunks(FEATURES).zip(labels).enumerate() {
            let number = match place % 3 {
                0 => place / 3 % 5,
                _ => *label as usize,
            };
            let one_hot =
                |count: usize| (0..count).map(move |at| f32::from(u8::from(at == number)));
            x.push(numbers[0]);
            x.extend(one_hot(4));
            x.extend(&numbers[1..3]);
            x.extend(one_hot(3));
        }
        (x, labels.to_vec())
    };
    let number = plain.meta().preprocessor.fields[0].clone();
    let category = |levels: usize| FittedField::Category {
        column: format!("of {levels}"),
        categories: (0..levels).map(|level| level.to_string()).collect(),
        imputed: None,
        base: None,
        rare: Vec::new(),
        missing: false,
        known_only: false,
    };
    let fields = vec![
        number.clone(),
        category(4),
        number.clone(),
        number,
        category(3),
    ];
    let (train, valid) = (side(plain.train()), side(plain.valid()));
    Dataset::in_memory(10, CLASSES, train, valid).made_by(Preprocessor { fields }, None)
}

/// A network with these settings, in the words of an experiment file.
fn network(settings: &str) -> MlpSpec {
    let table: toml::Table = settings.parse().unwrap();
    let mut model = ModelSpec::new(Kind::MLP);
    for (name, value) in table {
        let value: Value = value.try_into().unwrap();
        model.set(&name, &value).unwrap();
    }
    MlpSpec::of(&model).unwrap()
}

fn trial(spec: MlpSpec, seed: u64) -> TrialSpec {
    let objective = Objective {
        metric: "valid/loss".to_owned(),
        goal: Goal::Min,
    };
    TrialSpec::new(ModelSpec::from(spec), seed, objective)
}

/// Remembers every epoch; stops at the one asked for, keeping a checkpoint of it.
#[derive(Default)]
struct Remember {
    stop_at: Option<u32>,
    epochs: Vec<Epoch>,
    checkpoint: Option<Vec<u8>>,
}

impl Callback for Remember {
    fn epoch(&mut self, epoch: &Epoch, checkpoint: &mut dyn FnMut() -> Vec<u8>) -> Control {
        self.epochs.push(epoch.clone());
        if self.stop_at != Some(epoch.step) {
            return Control::Continue;
        }
        self.checkpoint = Some(checkpoint());
        Control::Stop
    }
}

/// What training told, without the times that no two runs share.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    epochs: Vec<Epoch>,
    result: TrialResult,
    weights: Option<Vec<u8>>,
}

impl Remember {
    fn timeless(&self) -> Vec<Epoch> {
        let mut epochs = self.epochs.clone();
        for epoch in &mut epochs {
            epoch.values.retain(|(name, _)| name != "seconds");
        }
        epochs
    }

    /// All that was told of a trial that came to its end with files in `folder`.
    fn told(&self, outcome: Outcome, folder: &Path) -> Told {
        let Outcome::Done(mut result) = outcome else {
            panic!("{outcome:?}");
        };
        result.seconds = 0.0;
        result.metrics.retain(|(name, _)| name != "seconds");
        Told {
            epochs: self.timeless(),
            result: *result,
            weights: std::fs::read(folder.join("model.safetensors")).ok(),
        }
    }
}

/// The engine on a CPU, or on the GPU that `SWEEP_TEST_DEVICE=cuda` asks for.
fn torch() -> Torch {
    Torch::new(match on_gpu() {
        true => crate::device::first_gpu().unwrap(),
        false => Device::Cpu,
    })
}

fn on_gpu() -> bool {
    std::env::var_os("SWEEP_TEST_DEVICE").is_some_and(|device| device == "cuda")
}

/// Asserts that two trials told the same: to the bit on a CPU, within rounding on a GPU.
fn assert_told(what: &str, ours: &Told, theirs: &Told) {
    if !on_gpu() {
        assert_eq!(ours, theirs, "{what}");
        return;
    }
    for name in ["train/loss", "valid/loss", "grad_norm"] {
        let values = [ours, theirs].map(|told| values(&told.epochs, name));
        assert_close(&format!("{what}: {name}"), &values[0], &values[1], 1e-4);
    }
}

/// Trains one trial with `engine` from `checkpoint` to `stop_at`.
fn run(
    engine: &mut dyn Backend,
    (spec, data): (&TrialSpec, &Dataset),
    folder: &Path,
    checkpoint: Option<&[u8]>,
    stop_at: Option<u32>,
) -> (Remember, Result<Outcome, EngineError>) {
    let mut callback = Remember {
        stop_at,
        ..Remember::default()
    };
    let job = Job::new(spec, data, folder);
    let outcome = train_with(engine, job, checkpoint, &mut callback);
    (callback, outcome)
}

/// Trains one trial to its end.
fn told(engine: &mut dyn Backend, spec: &TrialSpec, data: &Dataset) -> Told {
    let folder = tempfile::tempdir().unwrap();
    let (callback, outcome) = run(engine, (spec, data), folder.path(), None, None);
    callback.told(outcome.unwrap(), folder.path())
}

/// Trains `specs` as one group to their ends.
fn told_together(specs: &[TrialSpec], data: &Dataset) -> Vec<Told> {
    let folders: Vec<_> = specs.iter().map(|_| tempfile::tempdir().unwrap()).collect();
    let mut watches: Vec<Remember> = specs.iter().map(|_| Remember::default()).collect();
    let mut outcomes: Vec<Option<Outcome>> = specs.iter().map(|_| None).collect();
    let lanes = specs.iter().zip(&folders).zip(&mut watches);
    let lanes = lanes
        .map(|((spec, folder), callback)| BatchedTrial {
            job: Job::new(spec, data, folder.path()),
            checkpoint: None,
            callback,
        })
        .collect();
    train_together(&mut torch(), lanes, &mut |place, outcome| {
        assert!(outcomes[place].replace(outcome.unwrap()).is_none());
    });
    let all = outcomes.into_iter().zip(&watches).zip(&folders);
    all.map(|((outcome, callback), folder)| callback.told(outcome.unwrap(), folder.path()))
        .collect()
}

/// The values called `name` of every epoch.
fn values(epochs: &[Epoch], name: &str) -> Vec<f64> {
    let of = |epoch: &Epoch| {
        let found = epoch.values.iter().find(|(other, _)| other == name);
        found.unwrap().1
    };
    epochs.iter().map(of).collect()
}

/// Asserts that two lists of values differ by at most `tolerance`, or that share of their size.
fn assert_close(what: &str, ours: &[f64], theirs: &[f64], tolerance: f64) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (place, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        let apart = (ours - theirs).abs();
        assert!(
            apart <= tolerance * theirs.abs().max(1.0),
            "{what}, epoch {}: {ours} against {theirs}",
            place + 1
        );
    }
}
