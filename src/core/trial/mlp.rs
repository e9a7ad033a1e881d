//! A multi-layer perceptron and its training: [Linear, BatchNorm?, activation, Dropout] x n, Linear,
//! cross-entropy.

use serde::{Deserialize, Serialize};

use super::embedding::{self, Embedding};
use super::model_def::{Mark, ModelDef};
use super::settings::{Key, Rejected, find};
use super::tables::{early_stopping, lr_schedule};
use super::{Params, Value};

/// Most hidden layers a network may have. Dropout streams are numbered with 64 layers a step.
const MAX_LAYERS: usize = 64;
/// Widest hidden layer.
const MAX_WIDTH: i64 = 65_536;
/// Most epochs a trial may train.
pub(super) const MAX_EPOCHS: u32 = 1_000_000;

pub(super) static DEF: ModelDef = ModelDef {
    name: "mlp",
    label: "network",
    is_baseline: false,
    mark: Mark::Disc,
    color: (0, 114, 178),
    keys: MlpSpec::KEYS,
};

/// Every setting of a network and of its training. Defaults are those of PyTorch where it has one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MlpSpec {
    /// Widths of the hidden layers; none is a linear classifier.
    pub layers: Vec<usize>,
    pub activation: Activation,
    pub batch_norm: bool,
    /// Probability that a hidden unit is set to zero while training.
    pub dropout: f64,
    pub epochs: u32,
    pub batch_size: BatchSize,
    pub optimizer: Optimizer,
    pub lr: f64,
    pub lr_schedule: LrSchedule,
    /// L2 added to the gradient for `adam` and `sgd`; decoupled for `adamw`.
    pub weight_decay: f64,
    /// Largest global L2 norm of the gradient; 0 is off.
    pub clip_norm: f64,
    /// `sgd` only.
    pub momentum: f64,
    /// `sgd` only.
    pub nesterov: bool,
    /// `adam` and `adamw` only: decay of the first and second moment.
    pub betas: (f64, f64),
    /// `adam` and `adamw` only.
    pub eps: f64,
    pub early_stopping: Option<EarlyStopping>,
    /// How features enter the first layer.
    #[serde(default)]
    pub embedding: Embedding,
    /// Share of the target that is spread evenly over all classes while training.
    #[serde(default)]
    pub label_smoothing: f64,
    /// Decay of the moving average of the weights that is measured and saved in their place; 0 is off.
    #[serde(default)]
    pub ema: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    Relu,
    Gelu,
    Silu,
    Tanh,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimizer {
    Adam,
    Adamw,
    Sgd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BatchSize {
    Rows(usize),
    /// All training rows in one batch.
    All,
}

/// How the learning rate moves over a trial. Every schedule is a function of the optimiser step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LrSchedule {
    /// Epochs over which the rate rises linearly from 0 to `lr`, before `decay` starts; may be 0.
    pub warmup: f64,
    pub decay: Decay,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decay {
    Constant,
    /// Half a cosine from `lr` down to `floor` * `lr` at the last step (Loshchilov and Hutter 2017).
    Cosine {
        floor: f64,
    },
    /// Times `gamma` after every `every` epochs.
    Step {
        every: u32,
        gamma: f64,
    },
}

/// Stop when the objective has not improved by more than `min_delta` for `patience` epochs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EarlyStopping {
    pub patience: u32,
    pub min_delta: f64,
}

const ACTIVATIONS: [(&str, Activation); 4] = [
    ("relu", Activation::Relu),
    ("gelu", Activation::Gelu),
    ("silu", Activation::Silu),
    ("tanh", Activation::Tanh),
];

const OPTIMIZERS: [(&str, Optimizer); 3] = [
    ("adam", Optimizer::Adam),
    ("adamw", Optimizer::Adamw),
    ("sgd", Optimizer::Sgd),
];

impl Default for MlpSpec {
    fn default() -> MlpSpec {
        MlpSpec {
            layers: vec![64, 32],
            activation: Activation::Relu,
            batch_norm: false,
            dropout: 0.0,
            epochs: 20,
            batch_size: BatchSize::Rows(32),
            optimizer: Optimizer::Adam,
            lr: 1e-3,
            lr_schedule: LrSchedule {
                warmup: 0.0,
                decay: Decay::Constant,
            },
            weight_decay: 0.0,
            clip_norm: 0.0,
            momentum: 0.0,
            nesterov: false,
            betas: (0.9, 0.999),
            eps: 1e-8,
            early_stopping: None,
            embedding: Embedding::None,
            label_smoothing: 0.0,
            ema: 0.0,
        }
    }
}

impl MlpSpec {
    pub const KEYS: &'static [Key] = &[
        Key::new(
            "layers",
            "a list of at most 64 integers from 1 to 65536, such as [64, 32]; [] is a linear model",
            "widths of the hidden layers",
        ),
        Key::new(
            "activation",
            "\"relu\", \"gelu\", \"silu\" or \"tanh\"",
            "after each hidden layer",
        ),
        Key::new(
            "batch_norm",
            "true or false",
            "batch normalisation before the activation",
        ),
        Key::new(
            "dropout",
            "a number in [0, 1)",
            "probability of dropping a hidden unit",
        ),
        Key::new(
            "epochs",
            "an integer from 1 to 1000000",
            "passes over the training rows",
        ),
        Key::new(
            "batch_size",
            "an integer from 1, or \"all\"",
            "rows an optimiser step",
        ),
        Key::new(
            "optimizer",
            "\"adam\", \"adamw\" or \"sgd\"",
            "the update rule",
        ),
        Key::new("lr", "a number above 0", "learning rate"),
        Key::new(
            "lr_schedule",
            "\"constant\", \"cosine\", or a table such as { kind = \"cosine\", floor = 0.0, \
             warmup = 2 } or { kind = \"step\", every = 10, gamma = 0.5, warmup = 0 }",
            "how the learning rate moves",
        ),
        Key::new(
            "weight_decay",
            "a number from 0",
            "L2 for adam and sgd, decoupled for adamw",
        ),
        Key::new(
            "clip_norm",
            "a number from 0 (0 = off)",
            "largest global norm of the gradient",
        ),
        Key::new("momentum", "a number in [0, 1)", "sgd only"),
        Key::new(
            "nesterov",
            "true or false",
            "sgd only; wants momentum above 0",
        ),
        Key::new(
            "betas",
            "two numbers in [0, 1), such as [0.9, 0.999]",
            "adam and adamw only",
        ),
        Key::new("eps", "a number above 0", "adam and adamw only"),
        Key::new(
            "early_stopping",
            "false, or a table such as { patience = 5, min_delta = 0.0 }",
            "end when the objective no longer improves",
        ),
        Key::new(
            "embedding",
            embedding::ALLOWED,
            "how each feature is spread over several inputs",
        ),
        Key::new(
            "label_smoothing",
            "a number in [0, 1)",
            "share of the target spread evenly over all classes while training",
        ),
        Key::new(
            "ema",
            "a number in [0, 1), such as 0.995 (0 = off)",
            "measure and save a moving average of the weights, with this decay a step",
        ),
    ];

    /// Sets `key` to `value`, or says what would be allowed.
    pub fn set(&mut self, name: &str, value: &Value) -> Result<(), Rejected> {
        let key = find(MlpSpec::KEYS, name)?;
        match name {
            "layers" => self.layers = layers(key, value)?,
            "activation" => self.activation = key.choice(value, &ACTIVATIONS)?,
            "batch_norm" => self.batch_norm = key.bool(value)?,
            "dropout" => self.dropout = key.number(value, |p| (0.0..1.0).contains(&p))?,
            "epochs" => self.epochs = key.integer(value, 1, MAX_EPOCHS)?,
            "batch_size" => {
                self.batch_size = match value {
                    Value::Text(text) if text == "all" => BatchSize::All,
                    _ => BatchSize::Rows(key.integer(value, 1, u32::MAX)? as usize),
                }
            }
            "optimizer" => self.optimizer = key.choice(value, &OPTIMIZERS)?,
            "lr" => self.lr = key.number(value, |lr| lr > 0.0)?,
            "lr_schedule" => self.lr_schedule = lr_schedule(key, value)?,
            "weight_decay" => self.weight_decay = key.number(value, |decay| decay >= 0.0)?,
            "clip_norm" => self.clip_norm = key.number(value, |norm| norm >= 0.0)?,
            "momentum" => self.momentum = key.number(value, |m| (0.0..1.0).contains(&m))?,
            "nesterov" => self.nesterov = key.bool(value)?,
            "betas" => self.betas = betas(key, value)?,
            "eps" => self.eps = key.number(value, |eps| eps > 0.0)?,
            "early_stopping" => self.early_stopping = early_stopping(key, value)?,
            "embedding" => self.embedding = Embedding::read(key, value)?,
            "label_smoothing" => {
                self.label_smoothing = key.number(value, |share| (0.0..1.0).contains(&share))?;
            }
            "ema" => self.ema = key.number(value, |decay| (0.0..1.0).contains(&decay))?,
            _ => unreachable!("every name in KEYS has an arm, which a test walks"),
        }
        Ok(())
    }

    /// Every key with its value, in the order of [`MlpSpec::KEYS`].
    pub fn params(&self) -> Params {
        let name_of = |key: &'static Key| {
            let value = match key.name {
                "layers" => Value::List(
                    self.layers
                        .iter()
                        .map(|width| Value::Int(*width as i64))
                        .collect(),
                ),
                "activation" => Value::Text(spelled(&ACTIVATIONS, self.activation)),
                "batch_norm" => Value::Bool(self.batch_norm),
                "dropout" => Value::Float(self.dropout),
                "epochs" => Value::Int(self.epochs.into()),
                "batch_size" => match self.batch_size {
                    BatchSize::Rows(rows) => Value::Int(rows as i64),
                    BatchSize::All => Value::Text("all".to_owned()),
                },
                "optimizer" => Value::Text(spelled(&OPTIMIZERS, self.optimizer)),
                "lr" => Value::Float(self.lr),
                "lr_schedule" => self.lr_schedule.to_value(),
                "weight_decay" => Value::Float(self.weight_decay),
                "clip_norm" => Value::Float(self.clip_norm),
                "momentum" => Value::Float(self.momentum),
                "nesterov" => Value::Bool(self.nesterov),
                "betas" => {
                    Value::List(vec![Value::Float(self.betas.0), Value::Float(self.betas.1)])
                }
                "eps" => Value::Float(self.eps),
                "early_stopping" => match &self.early_stopping {
                    None => Value::Bool(false),
                    Some(stopping) => table([
                        ("patience", Value::Int(stopping.patience.into())),
                        ("min_delta", Value::Float(stopping.min_delta)),
                    ]),
                },
                "embedding" => self.embedding.to_value(),
                "label_smoothing" => Value::Float(self.label_smoothing),
                "ema" => Value::Float(self.ema),
                name => unreachable!("{name} is in KEYS"),
            };
            (key.name.to_owned(), value)
        };
        MlpSpec::KEYS.iter().map(name_of).collect()
    }

    /// Whether `key` has no effect beside the other settings, so that it names no other trial.
    pub fn is_inactive(&self, key: &str) -> bool {
        match key {
            "momentum" => self.optimizer != Optimizer::Sgd,
            "nesterov" => self.optimizer != Optimizer::Sgd || self.momentum == 0.0,
            "betas" | "eps" => self.optimizer == Optimizer::Sgd,
            "dropout" | "activation" | "batch_norm" => self.layers.is_empty(),
            _ => false,
        }
    }

    /// Whether `key` is at a default that stands for how networks were trained before there was such
    /// a key. It is left out of names, so that names made then still hold.
    pub fn is_legacy_default(&self, key: &str) -> bool {
        match key {
            "embedding" => self.embedding == Embedding::None,
            "label_smoothing" => self.label_smoothing == 0.0,
            "ema" => self.ema == 0.0,
            _ => false,
        }
    }

    /// Rows of one batch when there are `rows` training rows.
    pub fn batch_rows(&self, rows: usize) -> usize {
        match self.batch_size {
            BatchSize::Rows(size) => size.min(rows),
            BatchSize::All => rows,
        }
    }
}

impl LrSchedule {
    /// The learning rate, as a multiple of `lr`, at optimiser step `step` (from 0) of
    /// `steps_per_epoch` * `epochs`.
    pub fn factor(&self, step: u64, steps_per_epoch: u64, epochs: u32) -> f64 {
        let warmup = self.warmup * steps_per_epoch as f64;
        let step = step as f64;
        if step < warmup {
            return (step + 1.0) / (warmup + 1.0);
        }
        match self.decay {
            Decay::Constant => 1.0,
            Decay::Cosine { floor } => {
                let length = (steps_per_epoch as f64 * f64::from(epochs) - warmup).max(1.0);
                let done = ((step - warmup) / length).min(1.0);
                floor + (1.0 - floor) * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
            }
            Decay::Step { every, gamma } => {
                let epoch = (step - warmup) / steps_per_epoch as f64;
                gamma.powf((epoch / f64::from(every)).floor())
            }
        }
    }

    fn to_value(self) -> Value {
        let text = |kind: &str| ("kind", Value::Text(kind.to_owned()));
        let warmup = ("warmup", Value::Float(self.warmup));
        match self.decay {
            Decay::Constant if self.warmup == 0.0 => Value::Text("constant".to_owned()),
            Decay::Constant => table([text("constant"), warmup]),
            Decay::Cosine { floor: 0.0 } if self.warmup == 0.0 => Value::Text("cosine".to_owned()),
            Decay::Cosine { floor } => {
                table([text("cosine"), ("floor", Value::Float(floor)), warmup])
            }
            Decay::Step { every, gamma } => table([
                text("step"),
                ("every", Value::Int(every.into())),
                ("gamma", Value::Float(gamma)),
                warmup,
            ]),
        }
    }
}

fn table<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Table(
        entries
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    )
}

fn spelled<T: PartialEq>(choices: &[(&str, T)], choice: T) -> String {
    choices
        .iter()
        .find(|(_, other)| *other == choice)
        .map(|(name, _)| (*name).to_owned())
        .expect("every choice has a name")
}

fn layers(key: &Key, value: &Value) -> Result<Vec<usize>, Rejected> {
    let Value::List(widths) = value else {
        return Err(key.reject());
    };
    if widths.len() > MAX_LAYERS {
        return Err(key.reject());
    }
    let mut read = Vec::with_capacity(widths.len());
    let mut faults = Vec::new();
    for (at, value) in widths.iter().enumerate() {
        match value {
            Value::Int(width) if (1..=MAX_WIDTH).contains(width) => read.push(*width as usize),
            _ => faults.push(key.reject_item(at)),
        }
    }
    Rejected::all(faults).map(|()| read)
}

fn betas(key: &Key, value: &Value) -> Result<(f64, f64), Rejected> {
    let Value::List(values) = value else {
        return Err(key.reject());
    };
    let [first, second] = values.as_slice() else {
        return Err(key.reject());
    };
    let beta = |value| key.number(value, |beta| (0.0..1.0).contains(&beta));
    match (beta(first), beta(second)) {
        (Ok(first), Ok(second)) => Ok((first, second)),
        (Ok(_), Err(_)) => Err(key.reject_item(1)),
        (Err(_), Ok(_)) => Err(key.reject_item(0)),
        (Err(_), Err(_)) => Err(Rejected::Several(
            (0..2).map(|at| key.reject_item(at)).collect(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_reads_back_what_it_shows() {
        let spec = MlpSpec {
            lr_schedule: LrSchedule {
                warmup: 1.5,
                decay: Decay::Step {
                    every: 3,
                    gamma: 0.5,
                },
            },
            early_stopping: Some(EarlyStopping {
                patience: 4,
                min_delta: 0.01,
            }),
            betas: (0.8, 0.9),
            embedding: Embedding::Ple { bins: 7 },
            label_smoothing: 0.1,
            ema: 0.99,
            ..MlpSpec::default()
        };
        let mut copy = MlpSpec::default();
        for (key, value) in spec.params() {
            copy.set(&key, &value)
                .unwrap_or_else(|_| panic!("{key} = {value}"));
        }
        assert_eq!(copy, spec);
        assert_eq!(spec.params().len(), MlpSpec::KEYS.len());
    }

    #[test]
    fn impossible_values_are_refused() {
        let mut spec = MlpSpec::default();
        for (key, value) in [
            ("dropout", Value::Float(1.0)),
            ("dropout", Value::Float(f64::NAN)),
            ("lr", Value::Float(0.0)),
            ("epochs", Value::Int(0)),
            ("epochs", Value::Float(3.0)),
            ("optimizer", Value::Text("adagrad".to_owned())),
            ("batch_size", Value::Int(0)),
            ("batch_norm", Value::Int(1)),
            ("label_smoothing", Value::Int(1)),
            ("ema", Value::Float(-0.5)),
        ] {
            assert!(
                matches!(spec.set(key, &value), Err(Rejected::Value { .. })),
                "{key} = {value}"
            );
        }
        assert_eq!(
            spec.set("droput", &Value::Float(0.1)),
            Err(Rejected::UnknownKey)
        );
        assert_eq!(spec, MlpSpec::default());
    }

    #[test]
    fn learning_rates_follow_their_schedules() {
        let cosine = LrSchedule {
            warmup: 0.0,
            decay: Decay::Cosine { floor: 0.1 },
        };
        assert_eq!(cosine.factor(0, 10, 2), 1.0);
        assert!((cosine.factor(10, 10, 2) - 0.55).abs() < 1e-12);
        let step = LrSchedule {
            warmup: 0.0,
            decay: Decay::Step {
                every: 2,
                gamma: 0.5,
            },
        };
        assert_eq!((step.factor(19, 10, 6), step.factor(20, 10, 6)), (1.0, 0.5));
        let warm = LrSchedule {
            warmup: 1.0,
            decay: Decay::Constant,
        };
        assert_eq!(warm.factor(10, 10, 2), 1.0);
        assert!(warm.factor(0, 10, 2) > 0.0 && warm.factor(9, 10, 2) < 1.0);
    }
}
