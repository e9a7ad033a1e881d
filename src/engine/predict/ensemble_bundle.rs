//! An ensemble as a folder of its own: `ensemble.json`, which names members and weights, the folder of each member as a single
//! model is exported, and what they predict together for their validation rows. `docs/MODELS.md` describes it.
//!
//! Invariant: what is read is what was written: `ensemble.json` holds the checksums of the cards of the members, and these
//! those of every other file.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::bundle::{
    Bundle, BundleError, CARD, Card, Content, Listed, contents, header, read_card, read_file,
    refuse_occupied, write_folder,
};
use super::predictor::{Predicted, Weighted};
use super::validation::{VALIDATION, Validation};
use sweep_core::trial::{DataDigest, EnsembleScore, Objective, TrialId};
use sweep_data::SavedPreprocessor;

/// The name of its card.
pub const ENSEMBLE_CARD: &str = "ensemble.json";
/// The folder of the folders of members.
const MEMBERS: &str = "members";

/// What `ensemble.json` says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EnsembleCard {
    pub experiment: String,
    pub objective: Objective,
    /// What the selection made small.
    pub loss: String,
    /// Milliseconds since 1970, UTC.
    pub selected_ms: i64,
    /// Candidates of the selection.
    pub candidates: u64,
    pub members: Vec<MemberCard>,
    /// Metrics of the validation rows.
    pub scores: Vec<EnsembleScore>,
    /// Names of the outputs, in order; none of an ensemble that predicts a number.
    pub classes: Vec<String>,
    /// Version of the program that exported it.
    pub version: String,
}

/// A model of an ensemble.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberCard {
    /// Its folder within that of the ensemble.
    pub folder: PathBuf,
    pub trial: TrialId,
    /// From 1; `None` without cross-validation.
    pub fold: Option<u32>,
    /// Those of one fold add up to 1.
    pub weight: f64,
    /// Digest of the prepared data that it was trained on.
    pub data: DataDigest,
}

/// A model to be exported as a member.
pub struct MemberFiles {
    pub card: Card,
    pub fold: Option<u32>,
    pub weight: f64,
    pub preprocessor: SavedPreprocessor,
    /// The folder of the model, and its files.
    pub from: PathBuf,
    pub files: Vec<PathBuf>,
}

/// Writes the ensemble `card` with `members`, whose cards it gets, to the folder `to`.
///
/// # Errors
/// As of [`super::export`].
pub fn export_ensemble(
    to: &Path,
    mut card: EnsembleCard,
    members: &[MemberFiles],
    validation: Option<&Validation>,
) -> Result<EnsembleCard, BundleError> {
    refuse_occupied(to)?;
    let mut all: Vec<Content> = Vec::new();
    let mut listed = Vec::new();
    for (number, member) in (1..).zip(members) {
        let folder = Path::new(MEMBERS).join(format!("{number:03}"));
        let from = (member.from.as_path(), member.files.as_slice());
        for (path, bytes) in contents(&member.card, &member.preprocessor, from, None)? {
            let is_card = path == Path::new(CARD);
            let content = (folder.join(path), bytes);
            listed.extend(is_card.then(|| Listed::of(&content)));
            all.push(content);
        }
        card.members.push(MemberCard {
            folder,
            trial: member.card.trial.clone(),
            fold: member.fold,
            weight: member.weight,
            data: member.card.data.clone(),
        });
    }
    if let Some(known) = validation {
        let content = (PathBuf::from(VALIDATION), known.to_bytes());
        listed.push(Listed::of(&content));
        all.push(content);
    }
    all.push((PathBuf::from(ENSEMBLE_CARD), header(&card, listed)));
    write_folder(to, &all)?;
    Ok(card)
}

/// An ensemble read from a folder.
pub struct EnsembleBundle {
    pub card: EnsembleCard,
    /// The models of each fold, or of all rows, with what they share; at least one.
    pub folds: Vec<(Option<u32>, Weighted, SavedPreprocessor)>,
    /// `None` where the prepared data were gone when it was exported.
    pub validation: Option<Validation>,
}

impl EnsembleBundle {
    /// Whether `folder` holds an ensemble.
    pub fn is_in(folder: &Path) -> bool {
        folder.join(ENSEMBLE_CARD).is_file()
    }

    /// Reads the ensemble in `folder`.
    ///
    /// # Errors
    /// As of [`Bundle::read`], and when there is no member or a weight is not above 0.
    pub fn read(folder: &Path) -> Result<EnsembleBundle, BundleError> {
        let (card, files): (EnsembleCard, Vec<Listed>) = read_card(folder, ENSEMBLE_CARD)?;
        let foreign = |why: String| BundleError::Card {
            path: folder.join(ENSEMBLE_CARD),
            why,
        };
        let mut folds: Vec<(Option<u32>, Weighted, SavedPreprocessor)> = Vec::new();
        for member in &card.members {
            let is_listed = |file: &Listed| file.path == member.folder.join(CARD);
            if !files.iter().any(is_listed) {
                let folder = member.folder.display();
                return Err(foreign(format!("it does not list the card of {folder}")));
            }
            if !(member.weight > 0.0 && member.weight <= 1.0) {
                return Err(foreign(format!("a weight is {}", member.weight)));
            }
            let Bundle {
                model,
                preprocessor,
                ..
            } = Bundle::read(&folder.join(&member.folder))?;
            if preprocessor.classes != card.classes {
                return Err(foreign("a member has other classes".to_owned()));
            }
            match folds.iter_mut().find(|(fold, ..)| *fold == member.fold) {
                Some((_, models, _)) => models.push(model, member.weight),
                None => {
                    let mut models = Weighted::default();
                    models.push(model, member.weight);
                    folds.push((member.fold, models, preprocessor));
                }
            }
        }
        let Some((_, _, first)) = folds.first() else {
            return Err(foreign("it has no member".to_owned()));
        };
        let path = folder.join(VALIDATION);
        let is_listed = files.iter().any(|file| file.path == Path::new(VALIDATION));
        let validation = is_listed
            .then(|| {
                Validation::from_bytes(&read_file(&path)?, Predicted::from(first))
                    .map_err(|why| BundleError::Damaged { path, why })
            })
            .transpose()?;
        Ok(EnsembleBundle {
            card,
            folds,
            validation,
        })
    }
}
