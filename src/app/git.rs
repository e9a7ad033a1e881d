//! The Git repository of the working directory: the commit that is checked out, and how the files differ from it.
//!
//! Invariant: nothing here changes the repository, or fails; what cannot be determined is left out.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest as _, Sha256};
use sweep_core::format::hex;
use sweep_store::{Patch, WorkingTree};

/// Longest patch that is stored, in bytes.
const MAX_PATCH: usize = 1 << 20;
/// Untracked files that are stored by name.
const MAX_UNTRACKED: usize = 1_000;
/// Bytes of a longer patch that are hashed at a time.
const CHUNK: usize = 1 << 16;

/// The commit checked out in the folder `at`, and the state of the working tree, of which untracked files below the
/// folder `runs` are no part.
pub fn state(at: &Path, runs: &Path) -> Option<(String, Option<WorkingTree>)> {
    let commit = line(at, &["rev-parse", "HEAD"])?;
    Some((commit, working_tree(at, runs)))
}

fn working_tree(at: &Path, runs: &Path) -> Option<WorkingTree> {
    let top = PathBuf::from(line(at, &["rev-parse", "--show-toplevel"])?);
    let (untracked, untracked_count) = untracked(at, &top, runs)?;
    Some(WorkingTree {
        patch: patch(&top)?,
        untracked,
        untracked_count,
    })
}

/// Changes to tracked files, staged or not, in a form that `git apply` takes.
fn patch(top: &Path) -> Option<Patch> {
    let arguments = [
        "diff",
        "--binary",
        "--no-color",
        "--no-ext-diff",
        "--no-textconv",
        "HEAD",
    ];
    read(top, &arguments, |output| {
        let mut patch = Vec::new();
        let limit = MAX_PATCH as u64 + 1;
        Read::take(&mut *output, limit).read_to_end(&mut patch)?;
        if patch.is_empty() {
            return Ok(Patch::Empty);
        }
        if patch.len() <= MAX_PATCH {
            return Ok(Patch::Kept(patch));
        }
        let mut bytes = patch.len() as u64;
        let mut hash = Sha256::new_with_prefix(&patch);
        let mut chunk = vec![0; CHUNK];
        loop {
            match output.read(&mut chunk)? {
                0 => break,
                read => {
                    hash.update(&chunk[..read]);
                    bytes += read as u64;
                }
            }
        }
        let sha256 = hex(&hash.finalize());
        Ok(Patch::TooLong { bytes, sha256 })
    })
}

/// Untracked files and folders that are not ignored, the first of them by name, and their number.
fn untracked(at: &Path, top: &Path, runs: &Path) -> Option<(Vec<String>, u64)> {
    let arguments = [
        "ls-files",
        "--others",
        "--exclude-standard",
        "--directory",
        "--no-empty-directory",
        "--full-name",
        "-z",
        "--",
        ":/",
    ];
    let text = read(at, &arguments, |output| {
        let mut bytes = Vec::new();
        output.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    })?;
    let runs = std::fs::canonicalize(runs).unwrap_or_else(|_| runs.to_owned());
    let is_own = |name: &str| top.join(name).starts_with(&runs);
    let names = text
        .split('\0')
        .filter(|name| !name.is_empty() && !is_own(name));
    let count = names.clone().count() as u64;
    Some((
        names.take(MAX_UNTRACKED).map(str::to_owned).collect(),
        count,
    ))
}

/// The first line that `git` prints, if it succeeds.
fn line(at: &Path, arguments: &[&str]) -> Option<String> {
    let text = read(at, arguments, |output| {
        let mut text = String::new();
        output.read_to_string(&mut text)?;
        Ok(text)
    })?;
    let line = text.lines().next()?;
    (!line.is_empty()).then(|| line.to_owned())
}

/// What `take` makes of the output of `git`, if that succeeds.
fn read<T>(
    at: &Path,
    arguments: &[&str],
    take: impl FnOnce(&mut dyn Read) -> std::io::Result<T>,
) -> Option<T> {
    let mut git = Command::new("git")
        .args(arguments)
        .current_dir(at)
        // Otherwise `git diff` may write the index.
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut output = git.stdout.take()?;
    let taken = take(&mut output);
    drop(output);
    let status = git.wait().ok()?;
    status.success().then_some(taken.ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn git(at: &Path, arguments: &[&str]) {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        let done = Command::new("git")
            .args(identity)
            .args(arguments)
            .current_dir(at)
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
    }

    #[test]
    fn a_working_tree_is_described_by_a_patch_that_applies_and_by_untracked_names() {
        let folder = tempfile::tempdir().unwrap();
        let (top, below) = (folder.path().join("top"), folder.path().join("top/below"));
        fs::create_dir_all(&below).unwrap();
        let runs = top.join("runs");
        assert_eq!(state(&top, &runs), None);
        git(&top, &["init", "-q"]);
        fs::write(top.join("a.txt"), "one\n").unwrap();
        fs::write(top.join("b.bin"), [0, 159, 146, 150]).unwrap();
        git(&top, &["add", "."]);
        git(&top, &["commit", "-q", "-m", "first"]);
        fs::create_dir(&runs).unwrap();
        fs::write(runs.join("sweep.sqlite"), "").unwrap();
        let (commit, clean) = state(&below, &runs).unwrap();
        assert_eq!(commit.len(), 40);
        let clean = clean.unwrap();
        assert_eq!((&clean.patch, clean.untracked_count), (&Patch::Empty, 0));

        fs::write(top.join("a.txt"), "two\n").unwrap();
        fs::write(top.join("b.bin"), [0, 1]).unwrap();
        fs::write(below.join("new.txt"), "new\n").unwrap();
        let changed = state(&below, &runs).unwrap().1.unwrap();
        assert_eq!(changed.untracked, ["below/"]);
        let Patch::Kept(patch) = &changed.patch else {
            panic!("{changed:?}");
        };
        let copy = folder.path().join("copy");
        git(folder.path(), &["clone", "-q", "top", "copy"]);
        fs::write(folder.path().join("x.patch"), patch).unwrap();
        git(&copy, &["apply", "../x.patch"]);
        for file in ["a.txt", "b.bin"] {
            assert_eq!(
                fs::read(copy.join(file)).unwrap(),
                fs::read(top.join(file)).unwrap()
            );
        }

        fs::write(top.join("a.txt"), "a long line\n".repeat(MAX_PATCH / 10)).unwrap();
        let long = state(&top, &runs).unwrap().1.unwrap();
        let Patch::TooLong { bytes, sha256 } = &long.patch else {
            panic!("the patch is kept");
        };
        let all = Command::new("git")
            .args(["diff", "--binary", "HEAD"])
            .current_dir(&top)
            .output()
            .unwrap()
            .stdout;
        assert_eq!(
            (*bytes, sha256),
            (all.len() as u64, &hex(&Sha256::digest(&all)))
        );
    }
}
