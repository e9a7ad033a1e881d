//! The Git working tree in which a session began, and the file that it ran: stored among the facts of its environment,
//! read as values of their own.
//!
//! Invariant: what [`WorkingTree::facts`] gives, [`WorkingTree::take`] reads back; facts of other programs stay as they
//! are.

use std::path::{Path, PathBuf};

use super::cells::to_json;
use sweep_core::format::hex;
use sweep_core::named::value_of;

/// Facts that are stored for a working tree. A tree that is known has exactly one of the first three.
const PATCH: &str = "git_patch";
const PATCH_HEX: &str = "git_patch_hex";
const PATCH_SHA256: &str = "git_patch_sha256";
const PATCH_BYTES: &str = "git_patch_bytes";
const UNTRACKED: &str = "git_untracked";
const UNTRACKED_COUNT: &str = "git_untracked_count";
/// The experiment file, by its absolute path.
const FILE: &str = "experiment_file";

/// How a Git working tree differed from the commit that was checked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkingTree {
    pub patch: Patch,
    /// Untracked files and folders that are not ignored, from the top of the repository; the first of them.
    pub untracked: Vec<String>,
    /// How many there were in all.
    pub untracked_count: u64,
}

/// Changes to tracked files, as `git diff --binary HEAD` prints them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patch {
    /// There were none.
    Empty,
    Kept(Vec<u8>),
    /// Too long to be stored.
    TooLong {
        bytes: u64,
        /// SHA-256, hexadecimal.
        sha256: String,
    },
}

impl WorkingTree {
    /// Whether tracked files had changes.
    pub fn is_changed(&self) -> bool {
        self.patch != Patch::Empty
    }

    /// The facts to store in [`super::NewSession::environment`].
    pub fn facts(&self) -> Vec<(String, String)> {
        let mut facts = match &self.patch {
            Patch::Empty => vec![(PATCH, String::new())],
            Patch::Kept(patch) => match std::str::from_utf8(patch) {
                Ok(text) => vec![(PATCH, text.to_owned())],
                // Sources in another encoding than UTF-8, which a text cannot hold.
                Err(_) => vec![(PATCH_HEX, hex(patch))],
            },
            Patch::TooLong { bytes, sha256 } => vec![
                (PATCH_BYTES, bytes.to_string()),
                (PATCH_SHA256, sha256.clone()),
            ],
        };
        if self.untracked_count > 0 {
            facts.push((UNTRACKED, to_json(&self.untracked)));
            facts.push((UNTRACKED_COUNT, self.untracked_count.to_string()));
        }
        facts
            .into_iter()
            .map(|(name, text)| (name.to_owned(), text))
            .collect()
    }

    /// Takes the facts of a working tree out of `environment`; `None` if it has none that can be read.
    pub(super) fn take(environment: &mut Vec<(String, String)>) -> Option<WorkingTree> {
        let patch = Self::patch(environment)?;
        let untracked = fact(environment, UNTRACKED)
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        let count = fact(environment, UNTRACKED_COUNT).and_then(|text| text.parse().ok());
        let own = [
            PATCH,
            PATCH_HEX,
            PATCH_SHA256,
            PATCH_BYTES,
            UNTRACKED,
            UNTRACKED_COUNT,
        ];
        environment.retain(|(name, _)| !own.contains(&name.as_str()));
        Some(WorkingTree {
            patch,
            untracked,
            untracked_count: count.unwrap_or(0),
        })
    }

    fn patch(environment: &[(String, String)]) -> Option<Patch> {
        let kept = match (fact(environment, PATCH), fact(environment, PATCH_HEX)) {
            (Some(text), _) => Some(text.as_bytes().to_vec()),
            (None, Some(digits)) => Some(from_hex(digits)?),
            (None, None) => None,
        };
        match kept {
            Some(patch) if patch.is_empty() => Some(Patch::Empty),
            Some(patch) => Some(Patch::Kept(patch)),
            None => Some(Patch::TooLong {
                bytes: fact(environment, PATCH_BYTES)?.parse().ok()?,
                sha256: fact(environment, PATCH_SHA256)?.to_owned(),
            }),
        }
    }
}

/// The fact to store for the experiment file of a session, by its absolute path.
pub fn file_fact(path: &Path) -> Option<(String, String)> {
    Some((FILE.to_owned(), path.to_str()?.to_owned()))
}

/// Takes the path of the experiment file out of `environment`.
pub(super) fn take_file(environment: &mut Vec<(String, String)>) -> Option<PathBuf> {
    let place = environment.iter().position(|(name, _)| name == FILE)?;
    Some(PathBuf::from(environment.remove(place).1))
}

fn fact<'a>(environment: &'a [(String, String)], name: &str) -> Option<&'a str> {
    value_of(environment, name).map(String::as_str)
}

fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    pairs.map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_working_tree_is_read_back_from_among_other_facts() {
        let patches = [
            Patch::Empty,
            Patch::Kept(b"--- a/x\n+++ b/x\n".to_vec()),
            Patch::Kept(b"-caf\xe9\n".to_vec()),
            Patch::TooLong {
                bytes: 5 << 20,
                sha256: "ab".repeat(32),
            },
        ];
        let other = ("cpu".to_owned(), "fast".to_owned());
        for patch in patches {
            for untracked in [vec![], vec!["new.py".to_owned(), "a\nb".to_owned()]] {
                let tree = WorkingTree {
                    patch: patch.clone(),
                    untracked_count: 2 * untracked.len() as u64,
                    untracked,
                };
                let mut environment = vec![other.clone()];
                environment.extend(tree.facts());
                environment.extend(file_fact(Path::new("/a/b.toml")));
                assert_eq!(WorkingTree::take(&mut environment), Some(tree));
                let file = take_file(&mut environment);
                assert_eq!(file, Some(PathBuf::from("/a/b.toml")));
                assert_eq!(environment, std::slice::from_ref(&other));
            }
        }
        let mut environment = vec![other.clone(), (PATCH_HEX.to_owned(), "zz".to_owned())];
        assert_eq!(WorkingTree::take(&mut environment), None);
        assert_eq!(environment.len(), 2);
    }
}
