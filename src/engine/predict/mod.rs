//! Trained models of any kind, read back to predict with: one or several, for rows, for tables and as files to take
//! elsewhere.

mod bundle;
mod calibrator;
mod conformal;
mod cross_fit;
mod decision;
mod ensemble_bundle;
mod members;
mod predictor;
mod scores;
mod table;
mod temperature;
mod validation;

pub use bundle::{Bundle, BundleError, Card, EXPORT_FORMAT, Refit, RefitRun, export};
pub use calibrator::{CalibrationMethod, Calibrator};
pub use conformal::conformal;
pub use cross_fit::{CalibrationRows, CrossFit, ISOTONIC_ROWS};
pub use decision::{
    Decision, DecisionError, FittedRows, Wanted, WantedCalibration, WantedThreshold,
};
pub use ensemble_bundle::{
    ENSEMBLE_CARD, EnsembleBundle, EnsembleCard, MemberCard, MemberFiles, export_ensemble,
};
pub use members::Member;
pub use predictor::{PredictError, Predicted, Predictions, Predictor, Weighted};
pub use scores::{Scores, TargetScores};
pub use table::{Layout, TableSummary, WriteError, columns, write};
pub use validation::{VALIDATION, Validation};
