//! The files that a program is made of: found by patterns, and named by their content.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use sweep_core::format::hex;
use thiserror::Error;

/// Most files that patterns may name: a pattern that takes in a whole disk is a mistake.
const MAX_FILES: usize = 20_000;

/// A file and the digest of its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// As the pattern gave it.
    pub path: PathBuf,
    /// SHA-256, in hexadecimal digits.
    pub sha256: String,
}

/// What is wrong with the inputs of a program.
#[derive(Debug, Error)]
pub enum InputError {
    #[error("the pattern cannot be used: {0}")]
    Pattern(#[from] glob::PatternError),
    #[error("no file is called so")]
    Nothing,
    #[error("more than {MAX_FILES} files are called so")]
    TooMany,
    #[error("cannot read {path}: {source}")]
    Read { path: PathBuf, source: io::Error },
}

/// The files that `pattern` names, relative to the working directory, in the order of their paths. A folder stands for all
/// files below it.
///
/// # Errors
/// When it names none or too many, or one cannot be read.
pub fn find(pattern: &str) -> Result<Vec<Input>, InputError> {
    let pattern = match Path::new(pattern).is_dir() {
        true => format!(
            "{}/**/*",
            glob::Pattern::escape(pattern.trim_end_matches('/'))
        ),
        false => pattern.to_owned(),
    };
    let mut found = Vec::new();
    for path in glob::glob(&pattern)? {
        let path = path.map_err(|error| InputError::Read {
            path: error.path().to_owned(),
            source: error.into(),
        })?;
        if !path.is_file() {
            continue;
        }
        if found.len() >= MAX_FILES {
            return Err(InputError::TooMany);
        }
        let sha256 = digest_of(&path).map_err(|source| InputError::Read {
            path: path.clone(),
            source,
        })?;
        found.push(Input { path, sha256 });
    }
    match found.is_empty() {
        true => Err(InputError::Nothing),
        false => Ok(found),
    }
}

fn digest_of(path: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => hash.update(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(hex(&hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_in_order_and_named_by_content() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("lib/deep")).unwrap();
        for (name, text) in [("b.py", "1"), ("a.py", "2"), ("lib/deep/c.py", "1")] {
            std::fs::write(at(name), text).unwrap();
        }
        let find = |pattern: &str| find(at(pattern).to_str().unwrap());
        let names = |found: Vec<Input>| -> Vec<String> {
            let relative =
                |input: &Input| input.path.strip_prefix(folder.path()).unwrap().to_owned();
            found
                .iter()
                .map(|input| relative(input).display().to_string())
                .collect()
        };
        assert_eq!(names(find("*.py").unwrap()), ["a.py", "b.py"]);
        assert_eq!(
            names(find("**/*.py").unwrap()),
            ["a.py", "b.py", "lib/deep/c.py"]
        );
        assert_eq!(names(find("lib").unwrap()), ["lib/deep/c.py"]);
        let digest = |pattern: &str| find(pattern).unwrap()[0].sha256.clone();
        assert_eq!(digest("b.py"), digest("lib/deep/c.py"));
        assert_ne!(digest("b.py"), digest("a.py"));
        assert!(matches!(find("missing.py"), Err(InputError::Nothing)));
        assert!(matches!(find("a[.py"), Err(InputError::Pattern(_))));
    }
}
