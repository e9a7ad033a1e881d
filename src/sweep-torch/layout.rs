//! How the parameters of a lane lie in a group.
//!
//! A group in which some lanes normalise batches has space for the parameters of normalisations in every lane, after
//! all others. Invariant: in lanes that do not normalise these stay 0, and nothing of theirs depends on them.

use sweep_engine::models::mlp::trial_state::{Named, TrialState};
use tch::Tensor;

/// The P columns of a group.
pub struct Layout {
    /// The parameter tensors in the order in which a lane has them.
    pieces: Vec<Piece>,
    /// Places of pieces in the order in which they lie in a group.
    order: Vec<usize>,
    /// Columns that every lane has, where others come after them.
    shared: Option<i64>,
}

struct Piece {
    numbers: usize,
    /// Whether it is a normalisation's, and so not every lane's.
    normalises: bool,
}

impl Layout {
    /// That of a group which `trial_state` is in, a lane that normalises if any of them does.
    pub fn of(trial_state: &TrialState<'_>) -> Layout {
        // Lanes of a transfer are alike, and trained by parameter groups in their own order.
        let is_mixed = trial_state.job().spec.transfer.is_none();
        Layout::new(&trial_state.tensors(), is_mixed)
    }

    /// That of a network of `tensors`; `is_mixed` says that lanes without normalisations may be beside others.
    pub fn new(tensors: &[Named], is_mixed: bool) -> Layout {
        let parameters = tensors.iter().filter(|tensor| !tensor.running);
        let pieces: Vec<Piece> = parameters
            .map(|tensor| Piece {
                numbers: tensor.shape.iter().product(),
                normalises: tensor.name.contains(".norm."),
            })
            .collect();
        let mut order: Vec<usize> = (0..pieces.len()).collect();
        if is_mixed {
            order.sort_by_key(|place| pieces[*place].normalises);
        }
        let of_all = pieces.iter().filter(|piece| !piece.normalises);
        let shared = of_all.map(|piece| piece.numbers as i64).sum();
        let is_apart = is_mixed && pieces.iter().any(|piece| piece.normalises);
        Layout {
            pieces,
            order,
            shared: is_apart.then_some(shared),
        }
    }

    /// Numbers of each tensor in the order of the group: the cuts of P.
    pub fn sizes(&self) -> Vec<i64> {
        let sizes = self.order.iter();
        sizes
            .map(|place| self.pieces[*place].numbers as i64)
            .collect()
    }

    /// Where the tensor at `place` of a lane is in the order of the group.
    pub fn place_of(&self, place: usize) -> usize {
        let found = self.order.iter().position(|other| *other == place);
        found.expect("an order holds every place")
    }

    /// P numbers out of a lane's `own`; none out of none.
    pub fn gather(&self, own: &[f32], normalises: bool) -> Vec<f32> {
        if own.is_empty() {
            return Vec::new();
        }
        let starts = self.starts(normalises);
        let mut all = Vec::with_capacity(own.len());
        for place in &self.order {
            let numbers = self.pieces[*place].numbers;
            match starts[*place] {
                Some(start) => all.extend_from_slice(&own[start..][..numbers]),
                None => all.resize(all.len() + numbers, 0.0),
            }
        }
        all
    }

    /// A lane's own numbers out of `all` its P.
    pub fn scatter(&self, all: &[f32], normalises: bool) -> Vec<f32> {
        let starts = self.starts(normalises);
        let mut own = vec![0.0; all.len()];
        let (mut rest, mut count) = (all, 0);
        for place in &self.order {
            let numbers = self.pieces[*place].numbers;
            let (piece, others) = rest.split_at(numbers);
            if let Some(start) = starts[*place] {
                own[start..][..numbers].copy_from_slice(piece);
                count += numbers;
            }
            rest = others;
        }
        own.truncate(count);
        own
    }

    /// Where each piece begins among the numbers of a lane, if it has that piece.
    fn starts(&self, normalises: bool) -> Vec<Option<usize>> {
        let mut next = 0;
        let starts = self.pieces.iter().map(|piece| {
            let has = normalises || !piece.normalises;
            let start = next;
            next += if has { piece.numbers } else { 0 };
            has.then_some(start)
        });
        starts.collect()
    }

    /// The norm of each lane's `gradient`, [K, P] to [K]. Parameters of normalisations are summed by themselves, so
    /// that their zeros do not move others about in a sum.
    pub fn norms(&self, gradient: &Tensor) -> Tensor {
        let norm = |part: &Tensor| part.norm_scalaropt_dim(2, [1i64].as_slice(), false);
        match self.shared {
            None => norm(gradient),
            Some(shared) => {
                let others = gradient.size()[1] - shared;
                let parts = gradient.split_with_sizes([shared, others], 1);
                norm(&parts[0]).hypot(&norm(&parts[1]))
            }
        }
    }
}
