//! What a search knows of a point without training it.

use crate::space::{Point, Space};

/// Implemented by whoever maps points to trials. Every method is a pure function: the same answer whenever it is
/// asked.
pub trait Problem {
    fn space(&self) -> &Space;

    /// Excluded combinations, and constraints that are known before training.
    fn is_admissible(&self, point: &Point) -> bool;

    /// Points that come out as the same trial have the same key; none is proposed twice.
    fn key(&self, point: &Point) -> String;

    /// The predicted cost of training from step `from` to step `to`, in units of one average full training. Arithmetic
    /// alone, never a measured time: the order of decisions depends on it.
    fn cost(&self, point: &Point, from: u32, to: u32) -> f64;
}

impl<P: Problem + ?Sized> Problem for &P {
    fn space(&self) -> &Space {
        (**self).space()
    }

    fn is_admissible(&self, point: &Point) -> bool {
        (**self).is_admissible(point)
    }

    fn key(&self, point: &Point) -> String {
        (**self).key(point)
    }

    fn cost(&self, point: &Point, from: u32, to: u32) -> f64 {
        (**self).cost(point, from, to)
    }
}
