//! Gaussian processes over settings and rungs.

pub(crate) mod fit;
pub(crate) mod kernel;
pub(crate) mod lbfgs;
pub(crate) mod linalg;
pub(crate) mod normal;
pub(crate) mod parzen;
pub(crate) mod posterior;
pub(crate) mod squash;
