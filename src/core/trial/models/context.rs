//! What a setting comes to once the target and the objective are known.
//!
//! Names of trials are made from settings that are resolved, so that what has no effect on these data, or only spells
//! out what is done anyway, names no other trial.

use super::super::metric::{Objective, TIE_BREAKER};
use super::super::task::Task;
use super::super::value::Value;
use super::dataset_size::DatasetSize;

/// What is known of a trial besides its settings, when they are resolved.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    pub task: Task,
    /// Number of classes; 0 where the target is a number.
    pub classes: usize,
    pub objective: &'a Objective,
    /// The data set, with folds that of the first one.
    pub data: DatasetSize,
}

/// What the given value stands for where [`Context`] makes it so; `None` where that stays.
pub type Resolve = fn(&Value, &Context<'_>) -> Option<Value>;

impl Context<'_> {
    /// Whether trials are ranked by their loss.
    pub(super) fn ranks_by_loss(&self) -> bool {
        self.objective.metric == TIE_BREAKER
    }
}
