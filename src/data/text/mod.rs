//! Columns of text as numbers.

pub mod sentence;
