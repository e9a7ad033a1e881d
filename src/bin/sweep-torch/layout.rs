//! Which numbers of a group are a lane's own.
//!
//! A group in which some lanes normalise batches has room for the parameters of normalisations in every lane.
//! Invariant: in lanes that do not normalise these stay 0, and nothing of theirs depends on them.

use sweep::engine::native::mirror::Named;
use tch::{Device, Kind, Tensor};

/// The parameter tensors of a group, in order, as they lie in each lane's P.
pub struct Layout {
    pieces: Vec<Piece>,
    /// Columns of P that every lane has, and those of normalisations; none where all are of one kind.
    columns: Option<[Tensor; 2]>,
}

#[derive(Clone, Copy)]
struct Piece {
    numbers: usize,
    /// Whether it is a normalisation's, and so not every lane's.
    normalises: bool,
}

impl Layout {
    /// That of a network of `tensors`.
    pub fn of(tensors: &[Named], device: Device) -> Layout {
        let parameters = tensors.iter().filter(|tensor| !tensor.running);
        let pieces = parameters.map(|tensor| Piece {
            numbers: tensor.shape.iter().product(),
            normalises: tensor.name.contains(".norm."),
        });
        let pieces: Vec<Piece> = pieces.collect();
        let mut columns = [Vec::new(), Vec::new()];
        let mut start = 0;
        for piece in &pieces {
            let end = start + piece.numbers as i64;
            columns[usize::from(piece.normalises)].extend(start..end);
            start = end;
        }
        let columns = (!columns[1].is_empty())
            .then(|| columns.map(|columns| Tensor::from_slice(&columns).to_device(device)));
        Layout { pieces, columns }
    }

    /// P numbers out of the `own` ones of a lane that does not normalise; none out of none.
    pub fn widen(&self, own: &[f32]) -> Vec<f32> {
        if own.is_empty() {
            return Vec::new();
        }
        let mut rest = own;
        let mut all = Vec::new();
        for piece in &self.pieces {
            if piece.normalises {
                all.resize(all.len() + piece.numbers, 0.0);
            } else {
                let (piece, others) = rest.split_at(piece.numbers);
                all.extend_from_slice(piece);
                rest = others;
            }
        }
        all
    }

    /// Out of the P numbers of a lane that does not normalise, its own.
    pub fn narrow(&self, all: &[f32]) -> Vec<f32> {
        let mut rest = all;
        let mut own = Vec::with_capacity(all.len());
        for piece in &self.pieces {
            let (numbers, others) = rest.split_at(piece.numbers);
            if !piece.normalises {
                own.extend_from_slice(numbers);
            }
            rest = others;
        }
        own
    }

    /// The norm of each lane's `gradient`, [K, P] to [K]. Parameters of normalisations are summed by themselves, so
    /// that their zeros do not move the others about in a sum.
    pub fn norms(&self, gradient: &Tensor) -> Tensor {
        let squares = gradient * gradient;
        let sum = |squares: &Tensor| squares.sum_dim_intlist(1, false, Kind::Float);
        let sums = match &self.columns {
            None => sum(&squares),
            Some(columns) => {
                let [every, norms] = columns
                    .each_ref()
                    .map(|columns| sum(&squares.index_select(1, columns)));
                every + norms
            }
        };
        sums.sqrt()
    }
}
