//! The files that a program left in the folder of its trial.

use std::path::Path;

use sweep_core::format::{format_bytes, pluralize};
use sweep_core::trial::Artifact;

/// What artifacts of programs are called in the database.
const KIND: &str = "artifact";

/// The files below `folder` that `patterns` name, in the order of their paths, and sentences on what was left out: once they
/// hold more than `limit` bytes in all, further ones are not recorded.
pub fn collect(folder: &Path, patterns: &[String], limit: u64) -> (Vec<Artifact>, Vec<String>) {
    let (mut found, mut warnings) = (Vec::new(), Vec::new());
    for pattern in patterns {
        let base = glob::Pattern::escape(&folder.to_string_lossy());
        let full = format!("{base}/{pattern}");
        match glob::glob(&full) {
            Ok(paths) => found.extend(paths.flatten()),
            Err(error) => warnings.push(format!("the pattern {pattern:?} cannot be used: {error}")),
        }
    }
    found.sort();
    found.dedup();
    let (mut artifacts, mut total, mut left_out) = (Vec::new(), 0u64, 0usize);
    for path in found {
        // A link may lead anywhere.
        let is_file = path.symlink_metadata().is_ok_and(|meta| meta.is_file());
        let Ok(relative) = path.strip_prefix(folder) else {
            continue;
        };
        if !is_file || relative.to_str().is_none() {
            continue;
        }
        let bytes = path.metadata().map_or(0, |meta| meta.len());
        if total.saturating_add(bytes) > limit {
            left_out += 1;
            continue;
        }
        total += bytes;
        artifacts.push(Artifact {
            kind: KIND.to_owned(),
            path: relative.to_owned(),
            bytes,
        });
    }
    if left_out > 0 {
        warnings.push(format!(
            "its artifacts hold more than the {} of `artifact_limit`: {} not recorded, and left in {}",
            format_bytes(limit),
            pluralize(left_out as u64, "file"),
            folder.display()
        ));
    }
    (artifacts, warnings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_match_are_artifacts_up_to_the_limit_and_links_are_none() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("plots")).unwrap();
        for (name, bytes) in [("a.pt", 10), ("b.pt", 20), ("plots/x.png", 5), ("c.txt", 1)] {
            std::fs::write(at(name), vec![0; bytes]).unwrap();
        }
        std::os::unix::fs::symlink("/etc/passwd", at("z.pt")).unwrap();
        let patterns = ["*.pt".to_owned(), "**/*.png".to_owned()];
        let names = |artifacts: &[Artifact]| -> Vec<String> {
            let paths = artifacts
                .iter()
                .map(|artifact| artifact.path.display().to_string());
            paths.collect()
        };
        let (all, warnings) = collect(folder.path(), &patterns, 1000);
        assert_eq!(
            (names(&all), warnings.len()),
            (vec!["a.pt".into(), "b.pt".into(), "plots/x.png".into()], 0)
        );
        let (some, warnings) = collect(folder.path(), &patterns, 20);
        assert_eq!(names(&some), ["a.pt", "plots/x.png"]);
        assert!(warnings[0].contains("1 file not recorded"), "{warnings:?}");
        assert!(at("b.pt").exists());
        let (none, warnings) = collect(folder.path(), &["[".to_owned()], 20);
        assert_eq!((none.len(), warnings.len()), (0, 1));
    }
}
