//! What values a metric can take: an interval that reaches beyond is cut to what is possible.

use sweep_core::trial::Objective;

/// Least and largest value; infinite where there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    pub low: f64,
    pub high: f64,
}

impl Bounds {
    /// Of a quantity of which nothing is known.
    pub const NONE: Bounds = Bounds {
        low: f64::NEG_INFINITY,
        high: f64::INFINITY,
    };

    /// Of the metric of `objective`.
    pub fn of(objective: &Objective) -> Bounds {
        match objective.def() {
            Some(metric) => Bounds {
                low: metric.range.0,
                high: metric.range.1,
            },
            None => Bounds::NONE,
        }
    }

    /// An interval of values, cut.
    pub fn cut(self, (low, high): (f64, f64)) -> (f64, f64) {
        (low.max(self.low), high.min(self.high))
    }

    /// An interval of differences of two values, cut.
    pub fn cut_difference(self, (low, high): (f64, f64)) -> (f64, f64) {
        let width = self.high - self.low;
        (low.max(-width), high.min(width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_core::trial::Goal;

    #[test]
    fn intervals_stay_within_what_a_metric_can_be() {
        let of = |metric: &str| {
            Bounds::of(&Objective {
                metric: metric.to_owned(),
                goal: Goal::Max,
            })
        };
        let accuracy = of("valid/accuracy");
        assert_eq!(accuracy.cut((-0.66, 1.46)), (0.0, 1.0));
        assert_eq!(accuracy.cut_difference((-1.2, 0.7)), (-1.0, 0.7));
        let loss = of("valid/loss");
        assert_eq!(loss.cut((-0.2, 3.0)), (0.0, 3.0));
        assert_eq!(loss.cut_difference((-5.0, 5.0)), (-5.0, 5.0));
        assert_eq!(of("valid/other").cut((-2.0, 2.0)), (-2.0, 2.0));
    }
}
