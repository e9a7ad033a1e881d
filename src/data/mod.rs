//! Reading tables: CSV in, a prepared data set out.

mod dataset;

pub use dataset::{Dataset, DatasetMeta, Rows};
