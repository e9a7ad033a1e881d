//! Stands in for the sentence encoder in a build without the feature `sentence`: it cannot be opened.
//!
//! Invariant: no value of [`SentenceEncoder`] exists, and the error says how to get a build that has it.

use std::convert::Infallible;
use std::path::Path;

/// Why sentences cannot be encoded.
#[derive(Debug, thiserror::Error)]
#[error("{folder}: this build of sweep has no sentence encoder")]
pub(super) struct SentenceError {
    folder: String,
    /// What to do.
    pub help: String,
}

/// An encoder that this build does not have.
#[derive(Debug)]
pub(super) struct SentenceEncoder(Infallible);

impl SentenceEncoder {
    pub fn open(folder: &Path) -> Result<SentenceEncoder, SentenceError> {
        Err(SentenceError {
            folder: folder.display().to_string(),
            help: "run `make text-model`: it fetches the model and builds sweep with \
                   `--features sentence`"
                .to_owned(),
        })
    }

    pub fn digest(&self) -> &str {
        match self.0 {}
    }

    pub fn width(&self) -> usize {
        match self.0 {}
    }

    pub fn encode(&self, _: &[&str], _: Option<&Path>) -> Result<Vec<f32>, SentenceError> {
        match self.0 {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_without_the_encoder_says_how_to_get_it() {
        let error = SentenceEncoder::open(Path::new(".deps/text-model")).unwrap_err();
        assert_eq!(
            error.to_string(),
            ".deps/text-model: this build of sweep has no sentence encoder"
        );
        assert!(error.help.contains("make text-model"), "{}", error.help);
    }
}
