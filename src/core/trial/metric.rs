//! Names of metrics and the objective that ranks trials.

use serde::{Deserialize, Serialize};

use super::task::Task;

/// Name of a metric: `side/quantity` for what is measured on rows, a bare word otherwise.
pub type Metric = String;

/// The metric that decides between equal values of the objective: the lower the better.
pub const TIE_BREAKER: &str = "valid/loss";

/// Which direction of a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Goal {
    Min,
    Max,
}

/// Log loss of a row whose class has `probability`, in nats: clipped at the machine epsilon of `f64`, as
/// scikit-learn does; not a number where `probability` is none.
pub fn log_loss(probability: f64) -> f64 {
    // `clamp` keeps what is not a number, which `max` would turn into epsilon.
    -probability.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
}

impl Goal {
    pub fn name(self) -> &'static str {
        match self {
            Goal::Min => "min",
            Goal::Max => "max",
        }
    }

    /// Whether `new` is strictly better than `old`. A value that is not a number never is.
    pub fn is_better(self, new: f64, old: f64) -> bool {
        match self {
            Goal::Min => new < old || (old.is_nan() && !new.is_nan()),
            Goal::Max => new > old || (old.is_nan() && !new.is_nan()),
        }
    }

    /// Orders the better value first; what is not a number goes last.
    pub fn order(self, a: f64, b: f64) -> std::cmp::Ordering {
        match (a.is_nan(), b.is_nan()) {
            (true, true) => std::cmp::Ordering::Equal,
            (true, false) => std::cmp::Ordering::Greater,
            (false, true) => std::cmp::Ordering::Less,
            (false, false) => match self {
                Goal::Min => a.total_cmp(&b),
                Goal::Max => b.total_cmp(&a),
            },
        }
    }
}

/// The validation metric, and its direction, that ranks trials and picks the best epoch of each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objective {
    pub metric: Metric,
    pub goal: Goal,
}

/// What a step of a trial, or a trial, is chosen by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// Of the objective.
    pub value: f64,
    /// Of [`TIE_BREAKER`], if it was measured.
    pub loss: Option<f64>,
}

impl Score {
    /// The objective's `value` beside the loss among the `metrics` of the same step.
    pub fn new(value: f64, metrics: &[(Metric, f64)]) -> Score {
        let mut metrics = metrics.iter();
        let loss = metrics.find(|(name, _)| name == TIE_BREAKER);
        Score {
            value,
            loss: loss.map(|(_, loss)| *loss),
        }
    }
}

impl Objective {
    /// Orders the better score first: by the objective and, of equal ones, the lower validation loss, an unknown one last.
    pub fn order(&self, a: Score, b: Score) -> std::cmp::Ordering {
        let loss = |score: Score| score.loss.unwrap_or(f64::NAN);
        let by_loss = || Goal::Min.order(loss(a), loss(b));
        self.goal.order(a.value, b.value).then_with(by_loss)
    }

    /// Whether `new` is kept in the place of `old`: where both are equal, the old one stays.
    pub fn prefers(&self, new: Score, old: Score) -> bool {
        self.order(new, old).is_lt()
    }
}

impl Default for Objective {
    fn default() -> Objective {
        Objective::usual(Task::Classification)
    }
}

/// Metric values as JSON: numbers, or names such as `inf` where JSON has no number.
pub mod metric_values {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Metric;

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Number {
        Finite(f64),
        Named(String),
    }

    pub fn serialize<S: Serializer>(
        values: &[(Metric, f64)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let encode = |value: f64| match value.is_finite() {
            true => Number::Finite(value),
            false => Number::Named(value.to_string()),
        };
        serializer.collect_seq(values.iter().map(|(name, value)| (name, encode(*value))))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<(Metric, f64)>, D::Error> {
        let pairs: Vec<(Metric, Number)> = Vec::deserialize(deserializer)?;
        pairs
            .into_iter()
            .map(|(name, number)| match number {
                Number::Finite(value) => Ok((name, value)),
                Number::Named(text) => {
                    let value = text.parse().map_err(serde::de::Error::custom)?;
                    Ok((name, value))
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_objectives_the_lower_loss_is_preferred_and_the_old_one_stays_where_that_is_equal_too()
     {
        let score = |value: f64, loss: Option<f64>| Score { value, loss };
        let by_accuracy = Objective::default();
        for (new, old, is_preferred) in [
            (score(0.6, Some(2.0)), score(0.5, Some(1.0)), true),
            (score(0.5, Some(0.1)), score(0.6, Some(1.0)), false),
            (score(0.5, Some(0.9)), score(0.5, Some(1.0)), true),
            (score(0.5, Some(1.0)), score(0.5, Some(1.0)), false),
            (score(0.5, Some(1.1)), score(0.5, Some(1.0)), false),
            // An unknown loss loses against a known one, and changes nothing against another unknown one.
            (score(0.5, Some(9.0)), score(0.5, None), true),
            (score(0.5, None), score(0.5, Some(9.0)), false),
            (score(0.5, None), score(0.5, None), false),
            (score(0.5, Some(f64::NAN)), score(0.5, Some(9.0)), false),
        ] {
            assert_eq!(
                by_accuracy.prefers(new, old),
                is_preferred,
                "{new:?} {old:?}"
            );
        }
        let by_loss = Objective {
            metric: TIE_BREAKER.to_owned(),
            goal: Goal::Min,
        };
        assert!(by_loss.prefers(score(0.4, Some(0.4)), score(0.5, Some(0.5))));
        assert!(!by_loss.prefers(score(0.5, Some(0.5)), score(0.5, Some(0.5))));
    }
}
