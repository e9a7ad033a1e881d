//! Ground vocabulary: what a trial is, what it is called, and what it gives. No I/O.
//!
//! A [`TrialSpec`] is valid by construction: it is only ever built by setting parameters one by one
//! through [`ModelSpec::set`], which refuses what cannot be trained.

mod ensemble;
mod evaluation;
mod id;
mod metric;
mod metrics;
pub mod models;
mod result;
mod spec;
mod task;
mod transfer;
mod value;

pub use ensemble::{Ensemble, EnsembleMethod, EnsembleScore, EnsembleTrial};
pub use evaluation::{
    Evaluated, EvaluatedEnsemble, EvaluatedRun, Evaluation, TEST, TEST_CALIBRATED_LOSS, TEST_HELD,
    TEST_SIZE, TestScore, test_metrics,
};
pub use id::{ConfigId, DataDigest, TrialId};
pub use metric::{Goal, Metric, Objective, Score, TIE_BREAKER, log_loss, metric_values};
pub use metrics::{Argument, METRICS, MetricDef, VALID, metrics_of};
pub use models::{Kind, ModelSpec};
pub use result::{Artifact, Status, TrialResult};
pub use spec::{TRAIN_FRACTION, TRIAL_FORMAT, TrialSpec, complete};
pub use task::Task;
pub use transfer::{FROM, INIT, Transfer, WEIGHTS};
pub use value::{Params, Value};
