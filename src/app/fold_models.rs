//! Models that predict together, by the folds that they were trained on: those of a fold share their preprocessing.

use sweep_data::{Dataset, SavedPreprocessor};
use sweep_engine::predict::Weighted;
use sweep_store::TrialRecord;

use crate::app::App;
use crate::error::Error;
use crate::model;
use crate::valid_predictions::OutOfFold;

/// The models of a fold, or of all rows, with what they share.
pub struct FoldModels {
    /// `None` without cross-validation.
    pub fold: Option<u32>,
    pub models: Weighted,
    pub preprocessor: SavedPreprocessor,
}

/// The models of `trials`, each with its weight, by fold; `preprocessor` is how the features of a trial are computed.
pub fn load<'a>(
    app: &App,
    trials: impl Iterator<Item = (&'a TrialRecord, f64)>,
    preprocessor: impl Fn(&TrialRecord) -> Result<SavedPreprocessor, Error>,
) -> Result<Vec<FoldModels>, Error> {
    let mut folds: Vec<FoldModels> = Vec::new();
    for (trial, weight) in trials {
        let place = match folds.iter().position(|known| known.fold == trial.fold) {
            Some(place) => place,
            None => {
                folds.push(FoldModels {
                    fold: trial.fold,
                    models: Weighted::default(),
                    preprocessor: preprocessor(trial)?,
                });
                folds.len() - 1
            }
        };
        let FoldModels {
            models,
            preprocessor,
            ..
        } = &mut folds[place];
        let preprocessor = &*preprocessor;
        let own = model::load(app, trial, &preprocessor.features, preprocessor.into())?;
        models.push(own, weight);
    }
    Ok(folds)
}

/// What `folds`, at least one, of the sweep called `sweep` say of the validation rows.
///
/// With cross-validation, each row is predicted by the models of the fold that did not train on it; of folds that are
/// repeated, in the first repeat.
///
/// # Errors
/// When the prepared data are gone or a model cannot be asked.
pub fn out_of_fold(app: &App, folds: &mut [FoldModels], sweep: &str) -> Result<OutOfFold, Error> {
    let mut rows: Option<OutOfFold> = None;
    for fold in folds {
        let digest = &fold.preprocessor.digest;
        let data = Dataset::open(&app.run_dir().dataset(digest)).map_err(|error| {
            let help = format!(
                "the prepared validation rows are needed; `sweep resume {sweep}` prepares them again"
            );
            Error::environment(error, &help)
        })?;
        let rows = rows.get_or_insert_with(|| OutOfFold::of(data.meta()));
        let is_new = rows.add(&mut fold.models, &data);
        if !is_new.map_err(|error| Error::environment(error, ""))? {
            break;
        }
    }
    Ok(rows.expect("there is a model"))
}
