//! Synthetic data to try things on.

use std::path::Path;

use sweep_data::synth;

use crate::error::Error;
use crate::output;

/// Writes `rows` rows to the CSV file at `path`; the same seed gives the same file. An existing file is replaced only
/// with `force`.
pub fn write(path: &Path, rows: usize, seed: u64, force: bool) -> Result<(), Error> {
    let file = output::file(path, force, "name the CSV file to write")?;
    synth::write(&file, rows, seed).map_err(|error| match error.is_of_machine {
        true => Error::environment(&error, &error.help),
        false => Error::input(&error, &error.help),
    })
}
