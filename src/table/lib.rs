//! Tables as people have them: files of several formats, encodings and habits to typed columns in
//! memory.
//!
//! [`Table::read`] finds what it is not told (how cells are separated, the encoding, whether there is
//! a header, how numbers are written) and notes what it found.

mod blanks;
mod builder;
mod columnar;
pub mod date;
mod delimited;
mod dialect;
pub mod error;
mod json_lines;
mod lines;
mod missing;
mod number;
mod opened;
mod read;
mod record;
mod source;
mod table;
#[cfg(test)]
mod tests;
mod texts;

pub use builder::Column;
pub use error::DataError;
pub use missing::MissingMarkers;
pub use number::{NumberStyle, Parsed};
pub use read::Storage;
pub use table::Table;
pub use texts::{Levels, Texts};
