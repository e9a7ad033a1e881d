//! One searcher a file behind one trait, and the registry of them.

pub(crate) mod acquisition;
mod asha;
mod auto;
mod drawn;
mod gp;
mod objective;
mod promotion;
pub(crate) mod score;
mod searcher;
pub(crate) mod surrogate;
mod tpe;

pub(crate) use searcher::{Choice, Searcher};

use crate::plan::Method;

/// The registry: a new method is one file and one line.
pub(crate) fn searcher(method: Method) -> Box<dyn Searcher> {
    match method {
        Method::Auto => Box::new(auto::Auto::default()),
        Method::Gp => Box::new(gp::Gp::default()),
        Method::Tpe => Box::new(tpe::Tpe::default()),
        Method::Random => Box::new(drawn::Random::default()),
        Method::Sobol => Box::new(drawn::Sobol::default()),
        Method::Asha => Box::new(asha::Asha::default()),
    }
}
