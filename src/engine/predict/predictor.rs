//! Trained models of any kind, read back to predict with; several of them as one, by their mean.
//!
//! Invariant: a predictor has the inputs and outputs that its caller named, in that order, and the
//! class it names is the one it was scored by while it was trained.

use std::path::Path;

use crate::EngineError;
use crate::models;
use crate::models::model_kind::{LoadError, Names, Scores, TrainedModel};
use crate::score::{argmax, softmax};
use sweep_core::trial::Kind;
use sweep_data::{DatasetMeta, Inputs, NumberTarget, SavedPreprocessor};

/// A trained model.
pub struct Predictor {
    model: Box<dyn TrainedModel>,
    classes: usize,
    number: Option<NumberTarget>,
}

/// What a model predicts.
#[derive(Debug, Clone, Copy)]
pub struct Predicted<'a> {
    /// Names of the classes; none of a number.
    pub classes: &'a [String],
    pub number: Option<NumberTarget>,
}

impl<'a> From<&'a DatasetMeta> for Predicted<'a> {
    fn from(meta: &'a DatasetMeta) -> Predicted<'a> {
        Predicted {
            classes: &meta.classes,
            number: meta.number,
        }
    }
}

impl<'a> From<&'a SavedPreprocessor> for Predicted<'a> {
    fn from(saved: &'a SavedPreprocessor) -> Predicted<'a> {
        Predicted {
            classes: &saved.classes,
            number: saved.number,
        }
    }
}

/// What a model says of some rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Predictions {
    /// Classes [rows], the first of several that are equally probable; none where numbers are predicted.
    pub labels: Vec<u32>,
    /// Row-major [rows, classes]; likewise.
    pub probabilities: Vec<f64>,
    /// [rows], in units of the target; none where classes are predicted.
    pub numbers: Vec<f64>,
}

impl Predictions {
    /// Adds what is said of further rows.
    pub fn append(&mut self, more: Predictions) {
        self.labels.extend(more.labels);
        self.probabilities.extend(more.probabilities);
        self.numbers.extend(more.numbers);
    }

    /// Multiplies probabilities and numbers.
    pub(super) fn scale(&mut self, by: f64) {
        let all = self.probabilities.iter_mut().chain(&mut self.numbers);
        all.for_each(|value| *value *= by);
    }
}

/// Why a model cannot be read or asked.
#[derive(Debug, thiserror::Error)]
pub enum PredictError {
    #[error(transparent)]
    Load(LoadError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(
        "the model in {folder} was trained on other {what} than its data set has: {model} \
             against {data}"
    )]
    Foreign {
        folder: String,
        what: &'static str,
        model: String,
        data: String,
    },
}

impl From<LoadError> for PredictError {
    fn from(error: LoadError) -> PredictError {
        match error {
            LoadError::Engine(error) => PredictError::Engine(error),
            LoadError::Read { .. } | LoadError::Content { .. } => PredictError::Load(error),
        }
    }
}

impl Predictor {
    /// Reads the model of `kind` that training left in `folder`, which must take `features` and
    /// give what is `predicted`.
    ///
    /// # Errors
    /// When a file is missing, damaged, of another format or of other inputs; when the library for
    /// XGBoost's models is missing.
    pub fn load(
        folder: &Path,
        kind: Kind,
        features: &[String],
        predicted: Predicted<'_>,
    ) -> Result<Predictor, PredictError> {
        let check = |what, model: Names<'_>, data: &[String]| {
            let (same, model, data) = match model {
                Names::Known(names) => (names == data, names.join(", "), data.join(", ")),
                // XGBoost keeps names only when asked to, so the numbers have to do.
                Names::Counted(count) => (
                    count == data.len(),
                    count.to_string(),
                    data.len().to_string(),
                ),
            };
            match same {
                true => Ok(()),
                false => Err(PredictError::Foreign {
                    folder: folder.display().to_string(),
                    what,
                    model,
                    data,
                }),
            }
        };
        let of_program =
            || EngineError::Unsupported("a program leaves no model to predict with".to_owned());
        let model = models::of(kind).ok_or_else(of_program)?.load(folder)?;
        check("features", model.features(), features)?;
        check("classes", model.classes(), predicted.classes)?;
        Ok(Predictor {
            model,
            classes: predicted.classes.len(),
            number: predicted.number,
        })
    }

    /// What it says of rows. Models that take missing values get those that are marked as such; others
    /// what was imputed.
    ///
    /// # Errors
    /// When the library for XGBoost's models reports one.
    ///
    /// # Panics
    /// When there is not a whole number of rows.
    pub fn predict(&mut self, inputs: Inputs<'_>) -> Result<Predictions, PredictError> {
        if inputs.x.is_empty() {
            return Ok(Predictions::default());
        }
        let mut predictions = Predictions::default();
        let (scores, to_probabilities): (_, ToProbabilities) = match self.model.predict(inputs)? {
            Scores::Logits(scores) => (scores, |row| softmax(row).collect()),
            Scores::Probabilities(scores) => (scores, |row| {
                row.iter().map(|value| f64::from(*value)).collect()
            }),
            Scores::Numbers(learned) => {
                let transform = self
                    .number
                    .map(|number| number.transform)
                    .unwrap_or_default();
                let learned = learned.into_iter().map(f64::from);
                predictions.numbers = learned.map(|value| transform.invert(value)).collect();
                return Ok(predictions);
            }
        };
        for row in scores.chunks_exact(self.classes) {
            predictions.labels.push(argmax(row) as u32);
            predictions.probabilities.extend(to_probabilities(row));
        }
        Ok(predictions)
    }
}

/// Probabilities of the classes of one row, from what a model gives for it.
type ToProbabilities = fn(&[f32]) -> Vec<f64>;

/// Trained models, each with its weight: at least one, with weights that are not negative and not all 0.
#[derive(Default)]
pub struct Weighted {
    pub models: Vec<Predictor>,
    /// [models]; they need not add up to 1.
    pub weights: Vec<f64>,
}

impl From<Vec<Predictor>> for Weighted {
    /// All with the same weight.
    fn from(models: Vec<Predictor>) -> Weighted {
        Weighted {
            weights: vec![1.0; models.len()],
            models,
        }
    }
}

impl Weighted {
    pub fn push(&mut self, model: Predictor, weight: f64) {
        self.models.push(model);
        self.weights.push(weight);
    }

    /// The sum of the weights.
    pub fn total(&self) -> f64 {
        self.weights.iter().sum()
    }

    /// What the models say of rows together: the mean of their numbers, or of their probabilities, by their weights, and the
    /// class that is most probable by it (Lakshminarayanan, Pritzel, Blundell: "Simple and scalable predictive uncertainty
    /// estimation using deep ensembles", 2017). Of one model, what it says.
    ///
    /// # Errors
    /// As [`Predictor::predict`].
    ///
    /// # Panics
    /// When there is no model, or not a whole number of rows.
    pub fn predict(&mut self, inputs: Inputs<'_>) -> Result<Predictions, PredictError> {
        let total = self.total();
        let (first, others) = (self.models.split_first_mut()).expect("an ensemble has a model");
        let mut together = first.predict(inputs)?;
        if others.is_empty() {
            return Ok(together);
        }
        together.scale(self.weights[0]);
        for (model, weight) in others.iter_mut().zip(&self.weights[1..]) {
            let more = model.predict(inputs)?;
            for (sum, value) in together.probabilities.iter_mut().zip(more.probabilities) {
                *sum += weight * value;
            }
            for (sum, value) in together.numbers.iter_mut().zip(more.numbers) {
                *sum += weight * value;
            }
        }
        let sums = together
            .probabilities
            .iter_mut()
            .chain(&mut together.numbers);
        sums.for_each(|sum| *sum /= total);
        if together.probabilities.is_empty() {
            return Ok(together);
        }
        let rows = together.probabilities.chunks_exact(first.classes);
        together.labels = rows.map(|row| argmax(row) as u32).collect();
        Ok(together)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Remember, fixture};
    use crate::models::xgboost;
    use crate::score::Confusion;
    use crate::{Job, Outcome, train};
    use sweep_core::trial::{ModelSpec, Objective, TrialSpec, Value};

    /// Trains a small model of `kind`; its result and what it says of the validation rows.
    fn trained(kind: Kind, seed: u64, folder: &Path) -> sweep_core::trial::TrialResult {
        let data = fixture(8);
        let mut model = ModelSpec::new(kind);
        let settings = [
            ("epochs", Value::Int(3)),
            ("batch_norm", Value::Bool(true)),
            ("rounds", Value::Int(5)),
            ("trees", Value::Int(7)),
            ("max_depth", Value::Int(6)),
        ];
        for (name, value) in &settings {
            if kind.param(name).is_some() {
                model.set(name, value).unwrap();
            }
        }
        let objective = Objective::default();
        let spec = TrialSpec::new(model, seed, objective);
        let job = Job::new(&spec, &data, folder);
        match train(job, None, &mut Remember::default()).unwrap() {
            Outcome::Done(result) => *result,
            Outcome::Stopped { .. } => panic!("nothing asked it to stop"),
        }
    }

    #[test]
    fn what_is_read_back_scores_what_was_recorded_for_every_kind_of_model() {
        let data = fixture(8);
        let meta = data.meta();
        for kind in Kind::all().filter(|kind| !kind.is_open()) {
            if kind == Kind::XGBOOST && xgboost::locate().is_err() {
                let required = std::env::var_os("SWEEP_REQUIRE_XGBOOST").is_some();
                assert!(!required, "SWEEP_REQUIRE_XGBOOST is set");
                eprintln!("SKIPPED for xgboost: its library is not at hand");
                continue;
            }
            let folder = tempfile::tempdir().unwrap();
            let result = trained(kind, 1, folder.path());
            let mut model =
                Predictor::load(folder.path(), kind, &meta.features, meta.into()).unwrap();
            let rows = data.valid();
            let predictions = model.predict(rows.inputs()).unwrap();
            let mut confusion = Confusion::new(meta.classes.len());
            let mut loss = 0.0;
            let by_row = predictions.probabilities.chunks_exact(meta.classes.len());
            for ((label, predicted), row) in rows
                .y
                .classes()
                .unwrap()
                .iter()
                .zip(&predictions.labels)
                .zip(by_row)
            {
                confusion.add(*label as usize, *predicted as usize);
                loss -= row[*label as usize].ln() / rows.y.len() as f64;
            }
            assert_eq!(Some(confusion.accuracy()), result.best, "{kind:?}");
            assert_eq!(confusion.rows(), result.confusion, "{kind:?}");
            let recorded = result.metrics.iter().find(|(name, _)| name == "valid/loss");
            assert!((loss - recorded.unwrap().1).abs() < 1e-6, "{kind:?}");
            let sums = predictions.probabilities.chunks_exact(meta.classes.len());
            assert!(
                sums.into_iter()
                    .all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-6)
            );
        }
    }

    #[test]
    fn an_ensemble_is_the_mean_of_its_members() {
        let data = fixture(8);
        let meta = data.meta();
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let models: Vec<Predictor> = folders
            .iter()
            .zip([1, 2])
            .map(|(folder, seed)| {
                trained(Kind::MLP, seed, folder.path());
                Predictor::load(folder.path(), Kind::MLP, &meta.features, meta.into()).unwrap()
            })
            .collect();
        let rows = data.valid().inputs();
        let mut models = Weighted::from(models);
        let both = models.predict(rows).unwrap();
        let [a, b] = [0, 1].map(|place: usize| models.models[place].predict(rows).unwrap());
        assert_ne!(a, b);
        for (place, mean) in both.probabilities.iter().enumerate() {
            assert_eq!(
                *mean,
                (a.probabilities[place] + b.probabilities[place]) / 2.0
            );
        }
        models.weights = vec![0.75, 0.25];
        let unequal = models.predict(rows).unwrap();
        for (place, mean) in unequal.probabilities.iter().enumerate() {
            let expected = 0.75 * a.probabilities[place] + 0.25 * b.probabilities[place];
            assert_eq!(*mean, expected);
        }
        for (row, label) in unequal
            .probabilities
            .chunks_exact(meta.classes.len())
            .zip(&unequal.labels)
        {
            assert_eq!(*label as usize, argmax(row));
        }
        models.models.truncate(1);
        models.weights = vec![0.25];
        assert_eq!(models.predict(rows).unwrap(), a);
    }

    #[test]
    fn models_that_lack_are_damaged_or_foreign_are_refused_with_their_place() {
        let meta = fixture(8).meta().clone();
        let folder = tempfile::tempdir().unwrap();
        let load = |kind, classes: &[String]| {
            let predicted = Predicted {
                classes,
                number: None,
            };
            let loaded = Predictor::load(folder.path(), kind, &meta.features, predicted);
            loaded.err().expect("it must be refused").to_string()
        };
        for kind in [Kind::MLP, Kind::RANDOM_FOREST] {
            assert!(load(kind, &meta.classes).contains("model.json"), "{kind:?}");
            trained(kind, 1, folder.path());
            let other = [meta.classes.clone(), vec!["more".to_owned()]].concat();
            assert!(load(kind, &other).contains("other classes"), "{kind:?}");
            let path = folder.path().join("model.safetensors");
            let bytes = std::fs::read(&path).unwrap();
            std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
            assert!(
                load(kind, &meta.classes).contains("model.safetensors"),
                "{kind:?}"
            );
            std::fs::write(folder.path().join("model.json"), "{\"format\": 99").unwrap();
            assert!(load(kind, &meta.classes).contains("model.json"), "{kind:?}");
            std::fs::remove_file(folder.path().join("model.json")).unwrap();
        }
    }
}
