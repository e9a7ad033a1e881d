//! Checks of objective and settings against what the target turned out to be.

use sweep_core::format::{one_of, pluralize_irregular};
use sweep_core::trial::models::{ClassWeight, Context, DatasetSize, ParamValue as _};
use sweep_core::trial::{Argument, Kind, MetricDef, Objective, Task, Value, metrics_of};

use super::Plan;
use super::problem::{Problem, Severity};

/// The target of the prepared data.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    pub task: Task,
    /// Names of the classes; none of a number.
    pub classes: &'a [String],
    /// The data set, with folds that of the first one.
    pub data: DatasetSize,
    /// Whether the file transforms it.
    pub is_transformed: bool,
}

impl<'a> Target<'a> {
    /// What settings of models that are ranked by `objective` are resolved by.
    pub fn context(&self, objective: &'a Objective) -> Context<'a> {
        Context {
            task: self.task,
            classes: self.classes.len(),
            objective,
            data: self.data,
        }
    }
}

/// Classes that a message lists.
const LISTED: usize = 10;

impl Plan {
    /// What does not go with `target`; each is an error.
    pub(super) fn check_target(&self, target: Target<'_>) -> Vec<Problem> {
        let mut problems: Vec<Problem> = self.objective_of(target).into_iter().collect();
        problems.extend(self.settings_of_other_tasks(target.task));
        problems.extend(self.class_weights(target));
        problems.extend(self.scale_pos_weight(target));
        if target.is_transformed && target.task == Task::Classification {
            problems.push(error(
                "data.target_transform",
                "classes cannot be transformed".to_owned(),
                "remove `target_transform`, or set `task = \"regression\"`".to_owned(),
            ));
        }
        problems
    }

    fn objective_of(&self, target: Target<'_>) -> Option<Problem> {
        let refuse =
            |message: String, help: String| Some(error("experiment.objective", message, help));
        let metric = &self.objective.metric;
        let (known, argument) = MetricDef::of(metric)?;
        if !known.is_of(target.task) {
            let patterns: Vec<String> = metrics_of(target.task).map(MetricDef::pattern).collect();
            return refuse(
                format!("`{metric}` is no metric for {}", target.task.name()),
                format!("choose one of {}", patterns.join(", ")),
            );
        }
        match known.argument {
            Argument::Class => {
                let class = argument.unwrap_or_default();
                let is_known = target.classes.iter().any(|known| known == class);
                (!is_known).then(|| {
                    let message =
                        format!("the target has no class {class:?}, which `{metric}` names");
                    error("experiment.objective", message, listed(target.classes))
                })
            }
            Argument::Count => {
                let count: usize = argument.unwrap_or_default().parse().unwrap_or(usize::MAX);
                let classes = target.classes.len();
                (count >= classes).then(|| {
                    let message =
                        format!("`{metric}` is 1 for every model: there are {classes} classes");
                    let help = format!("choose a number below {classes}");
                    error("experiment.objective", message, help)
                })
            }
            Argument::None | Argument::Quantile => None,
        }
    }

    /// Settings that are for another task.
    fn settings_of_other_tasks(&self, task: Task) -> Vec<Problem> {
        let mut found: Vec<(Kind, &'static str)> = Vec::new();
        for trial in &self.trials {
            let model = &trial.spec.model;
            for param in model.of_other_tasks(task) {
                if !found.contains(&(model.kind(), param.name)) {
                    found.push((model.kind(), param.name));
                }
            }
        }
        let problem = |(kind, name): (Kind, &'static str)| {
            let own = kind.param(name).and_then(|param| param.task);
            error(
                &self.path_of(kind, name),
                format!(
                    "`{name}` is for {}, and the task is {}",
                    own.map_or("another task", Task::name),
                    task.name()
                ),
                format!("remove `{name}`, or check `target` and `task`"),
            )
        };
        found.into_iter().map(problem).collect()
    }

    /// Weights of classes that there are not.
    fn class_weights(&self, target: Target<'_>) -> Option<Problem> {
        if target.task != Task::Classification {
            return None;
        }
        let given = self.trials.iter().find_map(|trial| {
            let value = trial.spec.model.get("class_weight")?;
            let ClassWeight::Given(weights) = ClassWeight::from_value(value) else {
                return None;
            };
            let unknown = weights
                .keys()
                .find(|class| !target.classes.contains(class))?;
            Some((trial.spec.model.kind(), unknown.clone()))
        });
        let (kind, class) = given?;
        Some(error(
            &self.path_of(kind, "class_weight"),
            format!("`class_weight` names {class:?}, and the target has no such class"),
            listed(target.classes),
        ))
    }

    fn scale_pos_weight(&self, target: Target<'_>) -> Option<Problem> {
        const NAME: &str = "scale_pos_weight";
        let is_set = |value: &Value| value.as_f64().is_some_and(|weight| weight != 1.0);
        let has_two = target.task == Task::Regression || target.classes.len() == 2;
        let mut models = self.trials.iter().map(|trial| &trial.spec.model);
        let found = models.find(|model| model.get(NAME).is_some_and(is_set))?;
        (!has_two).then(|| {
            error(
                &self.path_of(found.kind(), NAME),
                format!(
                    "`{NAME}` weighs the second of two classes, and there are {}",
                    pluralize_irregular(target.classes.len(), "class", "classes")
                ),
                "set `class_weight`, which goes with any number of classes".to_owned(),
            )
        })
    }
}

fn error(key: &str, message: String, help: String) -> Problem {
    Problem {
        severity: Severity::Error,
        key: key.to_owned(),
        message,
        help,
    }
}

fn listed(classes: &[String]) -> String {
    let mut names: Vec<String> = classes
        .iter()
        .take(LISTED)
        .map(|class| format!("{class:?}"))
        .collect();
    if classes.len() > LISTED {
        names.push(format!("one of {} more", classes.len() - LISTED));
    }
    format!("the classes are {}", one_of(names).replace(" or ", " and "))
}
