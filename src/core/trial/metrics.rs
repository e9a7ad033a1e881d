//! The registry of metrics: what each is called, which direction is better, and what it may be.
//!
//! A new metric is an entry of [`METRICS`] and an arm of the engine's `score` that measures it; names are
//! scikit-learn's where it has one.

use super::metric::{Goal, Objective};
use super::task::Task;

/// The rows on which trials are compared, as names of metrics begin.
pub const VALID: &str = "valid/";

/// What follows the `@` of a metric's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument {
    /// There is none.
    None,
    /// The name of a class: `f1@spam`.
    Class,
    /// An integer from 1: `top_k@3`.
    Count,
    /// A number in (0, 1): `pinball@0.9`.
    Quantile,
}

/// A metric of predictions on rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MetricDef {
    /// What stands behind `valid/` and `test/`.
    pub name: &'static str,
    /// As prose calls it.
    pub label: &'static str,
    /// `None` is for both.
    pub task: Option<Task>,
    pub goal: Goal,
    /// Its smallest and largest value.
    pub range: (f64, f64),
    pub argument: Argument,
    /// Whether it is measured at every step, and not only at the best one.
    pub is_cheap: bool,
    /// What other programs call it, for messages.
    pub spellings: &'static [&'static str],
    /// For the reference.
    pub about: &'static str,
}

const SHARE: (f64, f64) = (0.0, 1.0);
const FROM_0: (f64, f64) = (0.0, f64::INFINITY);

const fn metric(
    name: &'static str,
    label: &'static str,
    task: Task,
    goal: Goal,
    range: (f64, f64),
) -> MetricDef {
    MetricDef {
        name,
        label,
        task: Some(task),
        goal,
        range,
        argument: Argument::None,
        is_cheap: false,
        spellings: &[],
        about: "",
    }
}

impl MetricDef {
    const fn cheap(mut self) -> MetricDef {
        self.is_cheap = true;
        self
    }

    const fn with(mut self, argument: Argument) -> MetricDef {
        self.argument = argument;
        self
    }

    const fn also(mut self, spellings: &'static [&'static str]) -> MetricDef {
        self.spellings = spellings;
        self
    }

    const fn about(mut self, about: &'static str) -> MetricDef {
        self.about = about;
        self
    }
}

use Goal::{Max, Min};
use Task::{Classification, Regression};

/// Every metric, in the order in which they are listed; the first that is of a task alone is its usual objective.
pub static METRICS: &[MetricDef] = &[
    MetricDef {
        task: None,
        ..metric("loss", "loss", Classification, Min, FROM_0)
    }
    .cheap()
    .also(&["log_loss", "logloss", "cross_entropy", "mlogloss"])
    .about("mean log loss (natural logarithm); for regression the mean of the loss that is trained"),
    metric("accuracy", "accuracy", Classification, Max, SHARE)
        .cheap()
        .also(&["acc"])
        .about("fraction of rows predicted right"),
    metric("macro_f1", "macro F1", Classification, Max, SHARE)
        .cheap()
        .also(&["f1_macro", "f1"])
        .about("mean over classes of the F1 score"),
    metric("weighted_f1", "weighted F1", Classification, Max, SHARE)
        .also(&["f1_weighted"])
        .about("mean over classes of the F1 score, weighted by their rows"),
    metric("f1", "F1 of a class", Classification, Max, SHARE)
        .with(Argument::Class)
        .about("F1 score of one class, such as `valid/f1@spam`"),
    metric("balanced_accuracy", "balanced accuracy", Classification, Max, SHARE)
        .cheap()
        .also(&["bal_acc"])
        .about("mean over classes of the fraction of their rows predicted right"),
    metric("mcc", "Matthews correlation", Classification, Max, (-1.0, 1.0))
        .cheap()
        .also(&["matthews_corrcoef", "matthews"])
        .about("Matthews correlation coefficient"),
    metric("roc_auc", "ROC AUC", Classification, Max, SHARE)
        .also(&["auc", "auroc", "rocauc"])
        .about("area under the ROC curve; of several classes the mean of each against the rest"),
    metric("average_precision", "average precision", Classification, Max, SHARE)
        .also(&["ap", "auprc", "aucpr", "pr_auc"])
        .about("average precision of the second class; of several classes the mean of each against the rest"),
    metric("brier", "Brier score", Classification, Min, (0.0, 2.0))
        .also(&["brier_score", "brier_score_loss"])
        .about("mean squared error of the probabilities; half of it for two classes"),
    metric("top_k", "top-k accuracy", Classification, Max, SHARE)
        .with(Argument::Count)
        .also(&["top_k_accuracy", "top_k_accuracy_score"])
        .about("fraction of rows whose class is among the k most probable, such as `valid/top_k@3`"),
    metric("ece", "expected calibration error", Classification, Min, SHARE)
        .also(&["calibration_error", "expected_calibration_error"])
        .about("expected calibration error of the predicted class, 15 bins of equal width"),
    metric("calibrated_loss", "calibrated loss", Classification, Min, FROM_0)
        .also(&["calibrated_log_loss"])
        .about("mean log loss of calibrated probabilities, each row by a calibration fitted on others"),
    metric("rmse", "RMSE", Regression, Min, FROM_0)
        .cheap()
        .also(&["mse", "root_mean_squared_error", "mean_squared_error"])
        .about("root of the mean squared error, in units of the target"),
    metric("mae", "MAE", Regression, Min, FROM_0)
        .cheap()
        .also(&["mean_absolute_error", "l1"])
        .about("mean absolute error, in units of the target"),
    metric("r2", "R²", Regression, Max, (f64::NEG_INFINITY, 1.0))
        .cheap()
        .also(&["r2_score", "r_squared"])
        .about("coefficient of determination"),
    metric("mape", "MAPE", Regression, Min, FROM_0)
        .also(&["mean_absolute_percentage_error"])
        .about("mean absolute error as a fraction of the target; targets near 0 dominate it"),
    metric("median_ae", "median absolute error", Regression, Min, FROM_0)
        .also(&["medae", "median_absolute_error"])
        .about("median absolute error, in units of the target"),
    metric("pinball", "pinball loss", Regression, Min, FROM_0)
        .with(Argument::Quantile)
        .also(&["quantile_loss", "mean_pinball_loss"])
        .about("mean pinball loss of a quantile, such as `valid/pinball@0.9`"),
];

impl MetricDef {
    /// The metric that `name` (`accuracy`, `f1@spam`) means, and what stands behind its `@`.
    pub fn find(name: &str) -> Option<(&'static MetricDef, Option<&str>)> {
        let (stem, argument) = match name.split_once('@') {
            Some((stem, argument)) => (stem, Some(argument)),
            None => (name, None),
        };
        let known = METRICS.iter().filter(|known| known.name == stem);
        let fits = |known: &&MetricDef| match (known.argument, argument) {
            (Argument::None, None) => true,
            (Argument::Class, Some(class)) => !class.is_empty(),
            (Argument::Count, Some(count)) => count.parse::<u32>().is_ok_and(|count| count > 0),
            (Argument::Quantile, Some(quantile)) => {
                let quantile: Result<f64, _> = quantile.parse();
                quantile.is_ok_and(|quantile| quantile > 0.0 && quantile < 1.0)
            }
            _ => false,
        };
        known.clone().find(fits).map(|known| (known, argument))
    }

    /// The metric of a name with its side: `valid/accuracy`, `test/rmse`.
    pub fn of(metric: &str) -> Option<(&'static MetricDef, Option<&str>)> {
        let (_, name) = metric.split_once('/')?;
        MetricDef::find(name)
    }

    /// As messages spell it: `valid/accuracy`, `valid/f1@CLASS`.
    pub fn pattern(&self) -> String {
        let argument = match self.argument {
            Argument::None => "",
            Argument::Class => "@CLASS",
            Argument::Count => "@K",
            Argument::Quantile => "@QUANTILE",
        };
        format!("{VALID}{}{argument}", self.name)
    }

    /// Whether models of `task` are measured by it.
    pub fn is_of(&self, task: Task) -> bool {
        self.task.is_none_or(|own| own == task)
    }

    /// Whether a difference of two values is told in percentage points.
    pub fn is_fraction(&self) -> bool {
        self.task == Some(Classification) && self.goal == Max && self.range == SHARE
    }
}

/// Those of `task`.
pub fn metrics_of(task: Task) -> impl Iterator<Item = &'static MetricDef> {
    METRICS.iter().filter(move |metric| metric.is_of(task))
}

impl Objective {
    /// What trials of `task` are ranked by where a file says nothing.
    pub fn usual(task: Task) -> Objective {
        let first = metrics_of(task).find(|metric| metric.task == Some(task));
        let first = first.expect("each task has a metric");
        Objective {
            metric: format!("{VALID}{}", first.name),
            goal: first.goal,
        }
    }

    /// The objective of this name, if there is one: `valid/roc_auc`, `valid/f1@spam`.
    pub fn named(metric: &str) -> Option<Objective> {
        let (found, _) = MetricDef::find(metric.strip_prefix(VALID)?)?;
        Some(Objective {
            metric: metric.to_owned(),
            goal: found.goal,
        })
    }

    /// Its definition; `None` for a metric of another version.
    pub fn def(&self) -> Option<&'static MetricDef> {
        MetricDef::of(&self.metric).map(|(found, _)| found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_one_metric_and_its_argument_must_fit() {
        fn found(name: &str) -> Option<(&'static str, Option<&str>)> {
            let (metric, argument) = MetricDef::find(name)?;
            Some((metric.name, argument))
        }
        assert_eq!(found("accuracy"), Some(("accuracy", None)));
        assert_eq!(found("f1@hip hop"), Some(("f1", Some("hip hop"))));
        assert_eq!(found("top_k@3"), Some(("top_k", Some("3"))));
        for wrong in [
            "f1",
            "f1@",
            "top_k@0",
            "top_k",
            "pinball@1",
            "pinball@x",
            "accuracy@2",
            "auc",
            "",
        ] {
            assert_eq!(found(wrong), None, "{wrong}");
        }
        assert_eq!(
            Objective::named("valid/roc_auc").map(|found| found.goal),
            Some(Max)
        );
        assert_eq!(Objective::named("test/roc_auc"), None);
        assert_eq!(Objective::usual(Classification), Objective::default());
        assert_eq!(Objective::usual(Regression).metric, "valid/rmse");
    }

    #[test]
    fn names_and_spellings_are_distinct_so_that_a_message_names_one_metric() {
        let mut names: Vec<(&str, Argument)> = METRICS
            .iter()
            .map(|known| (known.name, known.argument))
            .collect();
        let all = names.len();
        names.sort_unstable_by_key(|(name, _)| *name);
        names.dedup();
        assert_eq!(names.len(), all);
        let mut spellings: Vec<&str> = METRICS
            .iter()
            .flat_map(|known| known.spellings)
            .copied()
            .collect();
        let all = spellings.len();
        spellings.sort_unstable();
        spellings.dedup();
        assert_eq!(spellings.len(), all);
    }
}
