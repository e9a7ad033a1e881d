//! What a choice is worth on rows that it was not made on: weights are chosen on one half of the rows, and predict the
//! other.

use super::library::Library;
use super::select::{Method, select};
use crate::evidence::Units;
use sweep_core::random::{Purpose, Stream};

/// Rows in two halves, and the weights that each half chooses.
#[derive(Debug, Clone)]
pub struct Halves {
    /// Whether each row is in the first half [rows].
    pub is_first: Vec<bool>,
    /// The weights that the first half chose, and the second one [candidates].
    pub weights: [Vec<f64>; 2],
}

impl Halves {
    /// The weights for `row`, which it has not chosen.
    pub fn of_row(&self, row: usize) -> &[f64] {
        &self.weights[usize::from(self.is_first[row])]
    }
}

/// Chooses among the candidates of `library` on halves of the `units` of its rows, whose `places` say which rows are one;
/// `repeat` is the key of the halves. `None` with less than two units.
pub fn halves(
    library: &Library,
    method: Method,
    (units, places): (&Units, &[u32]),
    repeat: u32,
) -> Option<Halves> {
    let mut order: Vec<usize> = (0..units.count()).collect();
    Stream::new(method.seed, Purpose::Ensemble, repeat, 1).shuffle(&mut order);
    let mut is_first_unit = vec![false; order.len()];
    for unit in &order[..order.len() / 2] {
        is_first_unit[*unit] = true;
    }
    let is_first: Vec<bool> = (places.iter())
        .map(|place| is_first_unit[units.of_row(*place as usize)])
        .collect();
    let is_second: Vec<bool> = is_first.iter().map(|is_first| !is_first).collect();
    let sides = [library.on(&is_first), library.on(&is_second)];
    if sides.iter().any(|side| side.parts.is_empty()) {
        return None;
    }
    Some(Halves {
        weights: sides.map(|side| select(&side, method)),
        is_first,
    })
}
