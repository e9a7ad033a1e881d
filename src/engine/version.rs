//! Which version of the program wrote a checkpoint.
//!
//! Going on gives the bits of a run that never stopped only if both halves are trained by one version,
//! so a checkpoint is read by the version that wrote it and by no other.

use super::EngineError;

/// This version of the program.
pub(super) const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// Refuses a checkpoint unless it was written in this `format` by this version of the program.
///
/// `written` is the format that stands in it and the program that it names, if it names one.
pub(super) fn check(written: (u32, Option<&str>), format: u32) -> Result<(), EngineError> {
    if written == (format, Some(PROGRAM)) {
        return Ok(());
    }
    let program = written.1.map_or_else(
        || "another version of sweep".to_owned(),
        |program| format!("sweep {program}"),
    );
    Err(EngineError::Checkpoint(format!(
        "it was written by {program} in format {}, and this is sweep {PROGRAM}, which reads its own \
         in format {format}",
        written.0
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_version_that_wrote_a_checkpoint_reads_it() {
        assert!(check((3, Some(PROGRAM)), 3).is_ok());
        for (written, expected) in [
            ((2, Some(PROGRAM)), format!("sweep {PROGRAM} in format 2")),
            ((3, Some("0.0.9")), "sweep 0.0.9 in format 3".to_owned()),
            ((1, None), "another version of sweep in format 1".to_owned()),
        ] {
            let said = check(written, 3).unwrap_err().to_string();
            assert!(said.contains(&expected), "{said}");
            assert!(said.contains(&format!("this is sweep {PROGRAM}")), "{said}");
        }
    }
}
