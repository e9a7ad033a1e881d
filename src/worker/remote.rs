//! What a worker is told in its command line if it is started through a carrier, such as `ssh`.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a worker is told that may run on another host than its coordinator; nothing for one of the same host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemoteOptions {
    /// How long nothing may arrive from the coordinator, which sends pings more often than that.
    pub expect_pings: Option<Duration>,
    /// A file that the coordinator has made in the folder of the sweep, and that must be visible here.
    pub expect_file: Option<PathBuf>,
}

impl RemoteOptions {
    /// Reads `--expect-pings SECONDS` and `--expect-file PATH`.
    ///
    /// # Errors
    /// When `arguments` hold anything else.
    pub fn parse(arguments: &[&str]) -> Result<RemoteOptions, String> {
        let mut options = RemoteOptions::default();
        for pair in arguments.chunks(2) {
            match *pair {
                ["--expect-pings", seconds] => {
                    options.expect_pings = Some(parse_seconds(seconds)?);
                }
                ["--expect-file", path] => options.expect_file = Some(PathBuf::from(path)),
                [name, ..] => return Err(format!("unexpected argument `{name}`")),
                [] => {}
            }
        }
        Ok(options)
    }

    /// Whether this host sees the folder of the sweep; otherwise what it does not see.
    pub(super) fn check_visible(&self) -> Result<(), String> {
        let Some(file) = self.expect_file.as_deref().filter(|file| !file.exists()) else {
            return Ok(());
        };
        let host = host_name();
        let folder = file.parent().unwrap_or(file);
        Err(match first_missing(folder) {
            Some(missing) => format!(
                "the folder {} is not visible on {host}: workers on other hosts need the folder of the sweep at the \
                 same path",
                missing.display()
            ),
            None => format!(
                "the folder {} on {host} is not the one of the sweep: workers on other hosts need the folder of the \
                 sweep at the same path",
                folder.display()
            ),
        })
    }
}

/// Reads the value of `--expect-pings`.
///
/// # Errors
/// When `text` is no whole number of seconds above 0.
pub fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| *seconds > 0);
    let seconds = seconds.ok_or("must be a whole number of seconds above 0")?;
    Ok(Duration::from_secs(seconds))
}

/// The first folder on the way to `folder` that does not exist.
fn first_missing(folder: &Path) -> Option<&Path> {
    let mut missing = None;
    for above in folder.ancestors() {
        if above.exists() {
            break;
        }
        missing = Some(above);
    }
    missing
}

/// The name of this host.
fn host_name() -> String {
    let mut buffer = [0u8; 256];
    // SAFETY: the buffer outlives the call, which writes at most its length.
    let outcome = unsafe { libc::gethostname(buffer.as_mut_ptr().cast(), buffer.len() - 1) };
    let end = buffer.iter().position(|byte| *byte == 0).unwrap_or(0);
    match (outcome, end) {
        (0, 1..) => String::from_utf8_lossy(&buffer[..end]).into_owned(),
        _ => "the host of the worker".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_of_a_remote_worker_is_read() {
        let read = |arguments: &[&str]| RemoteOptions::parse(arguments);
        assert_eq!(read(&[]), Ok(RemoteOptions::default()));
        let both = RemoteOptions {
            expect_pings: Some(Duration::from_secs(60)),
            expect_file: Some(PathBuf::from("/x y/file")),
        };
        let words = ["--expect-pings", "60", "--expect-file", "/x y/file"];
        assert_eq!(read(&words), Ok(both));
        for bad in [
            &["--expect-pings", "0"][..],
            &["--expect-pings", "1.5"],
            &["--expect-pings"],
            &["cuda"],
        ] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_folder_that_is_not_visible_is_named_with_the_host() {
        let folder = tempfile::tempdir().unwrap();
        let seen = |file: PathBuf| {
            let expect_file = Some(file);
            let options = RemoteOptions {
                expect_file,
                ..RemoteOptions::default()
            };
            options.check_visible()
        };
        let file = folder.path().join("file");
        let other = seen(file.clone()).unwrap_err();
        assert!(other.contains("is not the one of the sweep"), "{other}");
        std::fs::write(&file, "").unwrap();
        assert_eq!(seen(file), Ok(()));
        let runs = folder.path().join("runs");
        let missing = seen(runs.join("logs/name/file")).unwrap_err();
        let expected = format!(
            "the folder {} is not visible on {}: ",
            runs.display(),
            host_name()
        );
        assert!(missing.starts_with(&expected), "{missing}");
    }
}
