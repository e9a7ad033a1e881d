//! What an epoch left: losses and norms of training, and what validation found.

use sweep_engine::models::mlp::Evaluation;
use sweep_engine::models::mlp::trial_state::Divergence;

/// What an epoch of training left on the host.
pub struct Trained {
    /// Of each row in the order of each lane, [K][rows].
    pub losses: Vec<f32>,
    /// Of each step of each lane, [steps][K].
    pub norms: Vec<f32>,
}

impl Trained {
    /// What lane `lane` left, in `steps` steps of `batch` rows.
    pub fn lane(&self, lane: usize, (steps, batch): (usize, usize)) -> TrainedLane<'_> {
        let lanes = self.norms.len() / steps;
        let rows = self.losses.len() / lanes;
        let norms = self.norms.iter().skip(lane).step_by(lanes);
        TrainedLane {
            losses: &self.losses[lane * rows..][..rows],
            norms: norms.copied().collect(),
            steps,
            batch,
        }
    }
}

/// What an epoch of training left of one lane.
pub struct TrainedLane<'a> {
    /// Of each row, in the order of training.
    pub losses: &'a [f32],
    pub norms: Vec<f32>,
    pub steps: usize,
    pub batch: usize,
}

impl TrainedLane<'_> {
    /// The first step whose loss was not finite, if there was one.
    pub fn divergence(&self) -> Option<Divergence> {
        let batches = self.losses.chunks(self.batch).zip(1u64..);
        let means = batches.map(|(losses, step)| {
            let sum: f64 = losses.iter().copied().map(f64::from).sum();
            (sum / losses.len() as f64, step)
        });
        means
            .into_iter()
            .find(|(loss, _)| !loss.is_finite())
            .map(|(loss, step)| Divergence::Training {
                loss,
                step,
                steps: self.steps as u64,
            })
    }
}

/// What validation found of one lane.
pub struct Validated {
    pub loss: f64,
    pub evaluation: Evaluation,
}
