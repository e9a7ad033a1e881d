//! Checks that need the prepared data. Each problem names the key that causes it, so that the
//! command line can point into the file.

use std::collections::BTreeMap;

use super::Plan;
use super::check_target::Target;
use super::problem::{Problem, Severity};
use sweep_core::trial::models::{BatchSize, CategoryEmbedding, DatasetSize, Loss, MlpSpec};
use sweep_core::trial::{Kind, MetricDef, Task, Value};

impl Plan {
    /// Problems of the plan on the data set `data` with this `target`, errors first: batches larger than the training
    /// set, batch normalisation over a single row, settings that have no effect in any configuration, or are of
    /// another task.
    pub fn check(&self, data: DatasetSize, target: Target<'_>) -> Vec<Problem> {
        let train_rows = data.rows;
        let mut problems = self.check_target(target);
        problems.extend(self.batch_sizes(train_rows));
        problems.extend(self.single_rows(train_rows));
        let is_told = |key: &str| problems.iter().any(|told: &Problem| told.key == key);
        let inactive = self.inactive(target).into_iter();
        let inactive: Vec<Problem> = inactive.filter(|problem| !is_told(&problem.key)).collect();
        problems.extend(inactive);
        problems.extend(self.quantile_by_another_metric());
        problems.extend(self.losses_that_differ(target.task));
        problems.extend(self.no_category_columns(data));
        problems.extend(self.patience_too_long());
        problems.extend(self.warmup_too_long());
        problems
    }

    /// Each network with the number of its training rows, rounded: whole groups may make it a few
    /// more or fewer.
    fn networks(&self, train_rows: usize) -> impl Iterator<Item = (MlpSpec, usize)> {
        self.trials.iter().filter_map(move |trial| {
            let spec = MlpSpec::of(&trial.spec.model)?;
            let rows = (train_rows as f64 * trial.spec.train_fraction).round();
            Some((spec, (rows as usize).max(1)))
        })
    }

    fn batch_sizes(&self, train_rows: usize) -> Vec<Problem> {
        let mut too_large: BTreeMap<usize, usize> = BTreeMap::new();
        for (spec, there) in self.networks(train_rows) {
            if let BatchSize::Rows(rows) = spec.batch_size
                && rows > there
                // Which is cut to what is there.
                && rows != MlpSpec::usual_batch_rows(train_rows)
            {
                let least = too_large.entry(rows).or_insert(there);
                *least = there.min(*least);
            }
        }
        let problem = |(rows, there): (usize, usize)| Problem {
            severity: Severity::Error,
            key: self.path_of_value(Kind::MLP, "batch_size", &Value::Int(rows as i64)),
            message: match there == train_rows {
                true => {
                    format!(
                        "a batch of {rows} rows is larger than the training set of {there} rows"
                    )
                }
                false => format!(
                    "a batch of {rows} rows is larger than the smallest training set of the \
                     learning curve, {there} rows"
                ),
            },
            help: format!(
                "set `batch_size` to at most {there}, or to \"all\" for one batch per epoch"
            ),
        };
        too_large.into_iter().map(problem).collect()
    }

    fn single_rows(&self, train_rows: usize) -> Option<Problem> {
        let (spec, _) = self
            .networks(train_rows)
            .find(|(spec, rows)| spec.batch_norm && spec.batch_rows(*rows) == 1)?;
        let size = match spec.batch_size {
            BatchSize::Rows(rows) => Value::Int(rows as i64),
            BatchSize::All => Value::Text("all".to_owned()),
        };
        Some(Problem {
            severity: Severity::Error,
            key: self.path_of_value(Kind::MLP, "batch_size", &size),
            message: "batch normalisation needs batches of at least 2 rows".to_owned(),
            help: "set `batch_size` to at least 2, or `batch_norm` to false".to_owned(),
        })
    }

    /// Settings of the file that have no effect in any configuration.
    fn inactive(&self, target: Target<'_>) -> Vec<Problem> {
        let context = target.context(&self.objective);
        let is_moot =
            |kind: Kind, key: &str| kind.param(key).is_some_and(|param| param.is_moot(&context));
        let axes = self
            .axes
            .iter()
            .map(|axis| (axis.path.clone(), axis.kind, axis.name.clone()));
        self.fixed
            .iter()
            .cloned()
            .chain(axes)
            .filter(|(_, kind, key)| {
                let mut of_kind = self
                    .trials
                    .iter()
                    .map(|trial| &trial.spec.model)
                    .filter(|model| model.kind() == *kind)
                    .peekable();
                of_kind.peek().is_some()
                    && (is_moot(*kind, key) || of_kind.all(|model| model.is_inactive(key)))
            })
            .map(|(path, kind, key)| Problem {
                severity: Severity::Warning,
                message: format!("`{key}` has no effect in any configuration"),
                help: match kind.param(&key) {
                    Some(param) => format!("`{key}`: {}", param.about),
                    None => String::new(),
                },
                key: path,
            })
            .collect()
    }

    /// A quantile that is predicted, and an objective that prefers other predictions.
    fn quantile_by_another_metric(&self) -> Option<Problem> {
        let metric = &self.objective.metric;
        let (def, _) = MetricDef::of(metric)?;
        if matches!(def.name, "loss" | "pinball") {
            return None;
        }
        let is_quantile = |value: &Value| *value == Value::Text("quantile".to_owned());
        let (kind, quantile) = self.trials.iter().find_map(|trial| {
            let model = &trial.spec.model;
            model.get("loss").filter(|loss| is_quantile(loss))?;
            let quantile = model.get("quantile")?.as_f64()?;
            (quantile != 0.5).then_some((model.kind(), quantile))
        })?;
        Some(Problem {
            severity: Severity::Warning,
            key: self.path_of(kind, "loss"),
            message: format!(
                "`loss = \"quantile\"` predicts the quantile {quantile}, and `{metric}`, which picks the \
                 best configuration, does not measure quantiles"
            ),
            help: format!("set `objective = \"valid/pinball@{quantile}\"` in [experiment]"),
        })
    }

    /// Configurations that are ranked by losses of which each has its own.
    fn losses_that_differ(&self, task: Task) -> Option<Problem> {
        let metric = &self.objective.metric;
        let (def, _) = MetricDef::of(metric)?;
        if task != Task::Regression || def.name != "loss" {
            return None;
        }
        let mut found: Vec<Loss> = Vec::new();
        for trial in &self.trials {
            // Of errors in standard deviations of the target, which is the same for all.
            let loss = trial.spec.model.trained_loss(1.0);
            if !found.contains(&loss) {
                found.push(loss);
            }
        }
        let names: Vec<String> = found.iter().map(|loss| loss.describe()).collect();
        (found.len() > 1).then(|| Problem {
            severity: Severity::Warning,
            key: "experiment.objective".to_owned(),
            message: format!(
                "`{metric}` is the loss that each configuration is trained with ({}), so it does not tell \
                 which of them is better",
                names.join(", ")
            ),
            help: "set `objective` to a metric that is the same for all, such as \"valid/rmse\" or \
                   \"valid/mae\""
                .to_owned(),
        })
    }

    /// Vectors for the categories of columns, where there are no such columns.
    fn no_category_columns(&self, data: DatasetSize) -> Option<Problem> {
        if data.category_columns > 0 {
            return None;
        }
        let is_on = |spec: &MlpSpec| spec.category_embedding != CategoryEmbedding::Off;
        self.networks(1).find(|(spec, _)| is_on(spec))?;
        let least = CategoryEmbedding::MIN_FEATURES;
        Some(Problem {
            severity: Severity::Warning,
            key: self.path_of(Kind::MLP, "category_embedding"),
            message: format!(
                "`category_embedding` has no effect in any configuration: no column of categories has \
                 {least} features or more"
            ),
            help:
                "categories are embedded where they have 0/1 features: `categories = { encoding = \
                   \"one_hot\" }` in [data] gives each level one, also beyond 50 levels"
                    .to_owned(),
        })
    }

    /// Early stopping that can never stop a trial: even if the first epoch is the best, the last one
    /// comes before patience runs out.
    fn patience_too_long(&self) -> Option<Problem> {
        let stopping = |spec: &MlpSpec| Some((spec.early_stopping?.patience, spec.epochs));
        let stopping: Vec<(u32, u32)> = self
            .networks(1)
            .filter_map(|(spec, _)| stopping(&spec))
            .collect();
        let (patience, epochs) = *stopping.first()?;
        let never_stops = |(patience, epochs): &(u32, u32)| patience.saturating_add(1) >= *epochs;
        stopping.iter().all(never_stops).then(|| Problem {
            severity: Severity::Warning,
            key: self.path_of(Kind::MLP, "early_stopping"),
            message: format!(
                "`early_stopping` has no effect in any configuration: a patience of {patience} cannot \
                 run out within {epochs} epochs"
            ),
            help: format!(
                "set `patience` below {}, or increase `epochs`",
                epochs.saturating_sub(1).max(1)
            ),
        })
    }

    /// A warm-up that does not end before the training does.
    fn warmup_too_long(&self) -> Option<Problem> {
        let is_endless = |spec: &MlpSpec| spec.lr_schedule.warmup >= f64::from(spec.epochs);
        let networks = self.networks(1).map(|(spec, _)| spec);
        let spec = networks
            .filter(|spec| spec.lr_schedule.warmup > 0.0)
            .find(is_endless)?;
        let (warmup, epochs) = (spec.lr_schedule.warmup, spec.epochs);
        Some(Problem {
            severity: Severity::Warning,
            key: self.path_of(Kind::MLP, "lr_schedule"),
            message: format!(
                "with a warm-up of {warmup} epochs and {epochs} epochs in total, the learning rate \
                 never reaches `lr`"
            ),
            help: "reduce `warmup` in `lr_schedule`, or increase `epochs`".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::expand;
    use crate::plan::tests::{classes, digest, experiment, numbers};

    fn problems(text: &str, rows: usize) -> Vec<(Severity, String, String)> {
        let data = DatasetSize {
            rows,
            category_columns: 1,
            ..DatasetSize::default()
        };
        problems_on(text, data)
    }

    fn problems_on(text: &str, data: DatasetSize) -> Vec<(Severity, String, String)> {
        let plan = expand(&experiment(text), &[digest()], classes(&[]));
        let found = plan.check(data, classes(&[])).into_iter();
        found
            .map(|problem| (problem.severity, problem.key, problem.message))
            .collect()
    }

    #[test]
    fn a_batch_larger_than_the_training_set_is_an_error_at_its_value() {
        let text = "grid.batch_size = [100, 101, \"all\"]";
        assert_eq!(problems(text, 101), []);
        let [(severity, key, message)] = &problems(text, 100)[..] else {
            panic!("one problem");
        };
        assert_eq!(
            (*severity, key.as_str()),
            (Severity::Error, "grid.batch_size[1]")
        );
        assert_eq!(
            message,
            "a batch of 101 rows is larger than the training set of 100 rows"
        );
        let fixed = problems("model.batch_size = 64", 10);
        assert_eq!(fixed[0].1, "model.batch_size");
        // What is left to the number of rows is cut to them.
        assert_eq!(problems("model.epochs = 1", 10), []);
    }

    #[test]
    fn a_batch_larger_than_the_smallest_fraction_is_an_error() {
        let text = "experiment.learning_curve = [0.5, 0.1]\nmodel.batch_size = 20";
        assert_eq!(problems(text, 200), []);
        assert_eq!(
            problems(text, 100)[0].2,
            "a batch of 20 rows is larger than the smallest training set of the learning curve, 10 rows"
        );
    }

    #[test]
    fn batch_normalisation_over_one_row_is_an_error() {
        let text = "model.batch_norm = true\ngrid.batch_size = [2, 1]";
        assert_eq!(problems(text, 10)[0].1, "grid.batch_size[1]");
        assert_eq!(
            problems("model.batch_size = 1\nmodel.batch_norm = false", 10),
            []
        );
    }

    #[test]
    fn patience_or_warmup_longer_than_training_is_warned_about() {
        let keys = |text: &str| -> Vec<String> {
            let found = problems(text, 100).into_iter();
            found
                .map(|(severity, key, _)| {
                    assert_eq!(severity, Severity::Warning);
                    key
                })
                .collect()
        };
        let stopping = "model.early_stopping = { patience = 50 }\n";
        let warm = "model.lr_schedule = { kind = \"cosine\", warmup = 10 }\n";
        let short = "model.epochs = 3\n";
        assert_eq!(
            keys(&format!("{short}{stopping}")),
            ["model.early_stopping"]
        );
        assert_eq!(keys(&format!("{short}{warm}")), ["model.lr_schedule"]);
        let axis = "grid.epochs = [3, 100]\n";
        assert!(keys(&format!("{axis}{stopping}")).is_empty());
        assert_eq!(keys(&format!("{axis}{warm}")), ["model.lr_schedule"]);
        assert!(keys(&format!("model.epochs = 100\n{stopping}{warm}")).is_empty());
    }

    #[test]
    fn settings_without_effect_are_warned_about() {
        let text = "model.momentum = 0.9\ngrid.optimizer = [\"adam\", \"adamw\"]";
        let found = problems(text, 100);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, Severity::Warning);
        assert_eq!(found[0].1, "model.momentum");
        let useful = "model.momentum = 0.9\ngrid.optimizer = [\"adam\", \"sgd\"]";
        assert_eq!(problems(useful, 100), []);
        let axis = "grid.nesterov = [true, false]";
        assert_eq!(problems(axis, 100)[0].1, "grid.nesterov");
    }

    #[test]
    fn settings_of_another_task_are_told_once() {
        let text = "model.quantile = 0.9";
        let [(severity, key, message)] = &problems(text, 100)[..] else {
            panic!("one problem");
        };
        assert_eq!(
            (*severity, key.as_str()),
            (Severity::Error, "model.quantile")
        );
        assert!(message.contains("is for regression"), "{message}");
    }

    #[test]
    fn a_quantile_is_to_be_measured_as_one() {
        let found = |objective: &str, model: &str| -> Vec<(String, String)> {
            let text = format!("experiment.objective = \"{objective}\"\n{model}");
            let plan = expand(&experiment(&text), &[digest()], numbers());
            let data = DatasetSize {
                rows: 100,
                ..DatasetSize::default()
            };
            let found = plan.check(data, numbers()).into_iter();
            found.map(|problem| (problem.key, problem.help)).collect()
        };
        let model = "model.quantile = 0.9\ngrid.loss = [\"squared\", \"quantile\"]";
        let help = "set `objective = \"valid/pinball@0.9\"` in [experiment]";
        let expected = ("grid.loss".to_owned(), help.to_owned());
        assert_eq!(found("valid/rmse", model), [expected]);
        assert_eq!(found("valid/pinball@0.9", model), []);
        let alone = "model.quantile = 0.9\nmodel.loss = \"quantile\"";
        assert_eq!(found("valid/loss", alone), []);
        assert_eq!(found("valid/mae", "model.loss = \"quantile\""), []);
    }

    #[test]
    fn losses_that_differ_rank_nothing() {
        let found = |objective: &str, model: &str, target: Target<'_>| {
            let text = format!("experiment.objective = \"{objective}\"\n{model}");
            let plan = expand(&experiment(&text), &[digest()], target);
            let data = DatasetSize {
                rows: 100,
                ..DatasetSize::default()
            };
            let found = plan.check(data, target).into_iter();
            found
                .map(|problem| (problem.severity, problem.key, problem.message))
                .collect::<Vec<(Severity, String, String)>>()
        };
        let number = |objective: &str, model: &str| found(objective, model, numbers());
        let forest = "[model]\nloss = \"absolute\"\n[[baseline]]\nkind = \"random_forest\"\n";
        let boosted =
            "[[baseline]]\nkind = \"xgboost\"\nloss = \"huber\"\n[model]\nloss = \"huber\"\n";
        for model in [
            "grid.loss = [\"squared\", \"absolute\"]",
            "model.loss = \"huber\"\ngrid.huber_delta = [1, 2]",
            "model.loss = \"quantile\"\ngrid.quantile = [0.5, 0.9]",
            forest,
            // XGBoost's form of Huber's loss is another one.
            boosted,
        ] {
            let told = number("valid/loss", model);
            assert_eq!(told.len(), 1, "{model}: {told:?}");
            assert_eq!(told[0].0, Severity::Warning);
            assert_eq!(told[0].1, "experiment.objective");
        }
        let told = &number("valid/loss", forest)[0].2;
        assert!(told.contains("(squared error, absolute error)"), "{told}");
        assert_eq!(number("valid/loss", "grid.huber_delta = [1, 2]").len(), 1);
        assert_eq!(number("valid/mae", forest), []);
        let squared = "model.lr = 0.1\n[[baseline]]\nkind = \"random_forest\"\n";
        assert_eq!(number("valid/loss", squared), []);
        assert_eq!(found("valid/loss", squared, classes(&[])), []);
    }

    #[test]
    fn a_weight_of_the_second_class_goes_with_two_classes() {
        let text = "[[baseline]]\nkind = \"xgboost\"\ngrid.scale_pos_weight = [1, 4]";
        let plan = expand(&experiment(text), &[digest()], classes(&[]));
        let check = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            plan.check(DatasetSize::default(), classes(&names))
        };
        assert_eq!(check(&["no", "yes"]), []);
        let problem = &check(&["a", "b", "c"])[0];
        assert_eq!(problem.key, "baseline[0].grid.scale_pos_weight");
        assert!(problem.message.ends_with("there are 3 classes"));
    }

    #[test]
    fn vectors_for_categories_are_warned_about_where_no_column_has_any() {
        let axis = "grid.category_embedding = [0, 8]";
        assert_eq!(problems(axis, 100), []);
        let without = DatasetSize {
            rows: 100,
            ..DatasetSize::default()
        };
        let (severity, key, message) = &problems_on(axis, without)[0];
        assert_eq!(
            (*severity, &**key),
            (Severity::Warning, "grid.category_embedding")
        );
        assert!(message.contains("no column"), "{message}");
        assert_eq!(problems_on("model.category_embedding = 0", without), []);
    }
}
