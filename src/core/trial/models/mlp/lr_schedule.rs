//! How the learning rate moves over a trial. Every schedule is a function of the optimiser step.

use super::super::super::value::Value;
use super::super::param::{
    FloatRange, Form, IntRange, Literal, ParamDef, ParamType, TableDef, Variant,
};
use super::super::view::{ParamValue, entry, kind, table, word};
use super::limits::MAX_EPOCHS;

pub(super) static TABLE: TableDef = TableDef {
    form: Form::Tagged {
        about: "after the warm-up: keep `lr`; half a cosine down to `floor`; times `gamma` now and then",
        is_shortened: true,
    },
    variants: &[
        Variant {
            kind: "constant",
            params: &[WARMUP],
        },
        Variant {
            kind: "cosine",
            params: &[
                WARMUP,
                ParamDef::new(
                    "floor",
                    ParamType::Float(FloatRange::FROM_0_TO_1),
                    Literal::Float(0.0),
                    "with \"cosine\": the fraction of `lr` that is left at the last step",
                ),
            ],
        },
        Variant {
            kind: "step",
            params: &[
                WARMUP,
                ParamDef::required(
                    "every",
                    ParamType::Int(IntRange::new(1, MAX_EPOCHS)),
                    "with \"step\": epochs between two drops",
                ),
                ParamDef::new(
                    "gamma",
                    ParamType::Float(FloatRange::FRACTION),
                    Literal::Float(0.1),
                    "with \"step\": what the rate is multiplied by at each drop",
                ),
            ],
        },
    ],
    allowed: "\"constant\", \"cosine\", or a table such as { kind = \"cosine\", floor = 0.0, \
              warmup = 2 } or { kind = \"step\", every = 10, gamma = 0.5, warmup = 0 }",
};

const WARMUP: ParamDef = ParamDef::new(
    "warmup",
    ParamType::Float(FloatRange::FROM_0),
    Literal::Float(0.0),
    "epochs over which the rate first rises linearly, step by step, up to `lr`",
)
.note(", such as 2 or 0.5");

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LrSchedule {
    /// Epochs over which the rate rises linearly from 0 to `lr`, before `decay` starts; may be 0.
    pub warmup: f64,
    pub decay: Decay,
}

#[derive(Debug, Clone, Copy, PartialEq)]
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
}

impl ParamValue for LrSchedule {
    fn from_value(value: &Value) -> LrSchedule {
        // A name alone stands for the schedule with every entry at its default.
        let is_table = matches!(value, Value::Table(_));
        let number = |name| if is_table { entry(value, name) } else { 0.0 };
        LrSchedule {
            warmup: number("warmup"),
            decay: match kind(value) {
                "cosine" => Decay::Cosine {
                    floor: number("floor"),
                },
                "step" => Decay::Step {
                    every: entry(value, "every"),
                    gamma: entry(value, "gamma"),
                },
                _ => Decay::Constant,
            },
        }
    }

    fn to_value(&self) -> Value {
        let warmup = ("warmup", Value::Float(self.warmup));
        match self.decay {
            Decay::Constant => table([("kind", word("constant")), warmup]),
            Decay::Cosine { floor } => table([
                ("kind", word("cosine")),
                ("floor", Value::Float(floor)),
                warmup,
            ]),
            Decay::Step { every, gamma } => table([
                ("kind", word("step")),
                ("every", Value::Int(every.into())),
                ("gamma", Value::Float(gamma)),
                warmup,
            ]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
