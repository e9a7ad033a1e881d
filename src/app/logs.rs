//! What the program of a trial wrote, or the workers that trained it.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sweep_core::run_dir::OUTPUT;
use sweep_core::trial::{Status, TrialId};

use crate::app::App;
use crate::error::Error;
use crate::resolve;

/// How often a log that is followed is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// How often it is looked up whether the trial still runs.
const STATUS_INTERVAL: Duration = Duration::from_secs(1);

/// The output of a trial.
pub struct Output {
    pub trial: TrialId,
    /// Older parts first, those that there are.
    pub files: Vec<PathBuf>,
    /// Why there is none, if so.
    pub missing: Option<String>,
    newest: PathBuf,
}

/// What is given of the output of a trial, one after the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Piece<'a> {
    Bytes(&'a [u8]),
    /// Output may be missing here: more was written between two looks than is kept.
    Gap,
}

/// The output of the trial that `what` names by its first digits; that of the trial which ran last if it is left out.
///
/// # Errors
/// When there is no such trial.
pub fn output(app: &App, what: Option<&str>) -> Result<Output, Error> {
    let store = app.read()?;
    let trial = match what {
        Some(prefix) => resolve::single(&store, prefix)?.id,
        None => store.last_started()?.ok_or_else(|| {
            Error::input("no trial has run yet", "`sweep run FILE` begins a sweep")
        })?,
    };
    let newest = app.run_dir().trial(&trial).join(OUTPUT);
    let older = newest.with_added_extension("1");
    let files: Vec<PathBuf> = [older, newest.clone()]
        .into_iter()
        .filter(|path| path.is_file())
        .collect();
    let missing = files.is_empty().then(|| {
        let short = trial.short();
        match store.attempts(&trial)?.is_empty() {
            true => Ok(format!("trial {short} has not run yet")),
            false => Ok(format!(
                "trial {short} has no output of its own: it wrote nothing, or is a model that `sweep` trains itself; the logs \
                 of its workers are named by `sweep show {short}`"
            )),
        }
    });
    let missing = missing
        .transpose()
        .map_err(|error: sweep_store::StoreError| Error::from(error))?;
    Ok(Output {
        trial,
        files,
        missing,
        newest,
    })
}

impl Output {
    /// Gives the output to `take`, and with `follow` what is added to it until the trial has ended.
    ///
    /// # Errors
    /// When it cannot be read, or `take` fails.
    pub fn pass_on(
        &self,
        app: &App,
        follow: bool,
        mut take: impl FnMut(Piece<'_>) -> io::Result<()>,
    ) -> Result<(), Error> {
        let cannot = |error: io::Error| Error::environment(error, "");
        let mut log = FollowedLog {
            path: &self.newest,
            open: None,
        };
        log.look(&mut take).map_err(cannot)?;
        let mut checked = Instant::now();
        let mut is_running = follow && self.is_running(app)?;
        while is_running {
            std::thread::sleep(POLL_INTERVAL);
            if checked.elapsed() >= STATUS_INTERVAL {
                is_running = self.is_running(app)?;
                checked = Instant::now();
            }
            // Once more after its end: the last lines may have come since.
            log.look(&mut take).map_err(cannot)?;
        }
        Ok(())
    }

    /// Whether the trial runs, or waits for its turn in a sweep that does.
    fn is_running(&self, app: &App) -> Result<bool, Error> {
        let store = app.read()?;
        let status = store.statuses(std::slice::from_ref(&self.trial))?;
        let names = match status.first() {
            // It is about to begin, or will be tried again.
            Some(Some(Status::Pending)) => store.asking_for(&self.trial)?,
            _ => store.running_in(&self.trial)?,
        };
        Ok(names.iter().any(|name| app.is_running(name)))
    }
}

/// A log that becomes the older one, `NAME.1`, when it is full, and is replaced by a new one.
///
/// Invariant: the file that is read stays open until it has been read to its end, so that nothing of it is lost however
/// often it is replaced.
struct FollowedLog<'a> {
    path: &'a Path,
    open: Option<File>,
}

impl FollowedLog<'_> {
    /// Gives what has been added since the last look; at the first one all that there is, the older part first.
    fn look(&mut self, take: &mut impl FnMut(Piece<'_>) -> io::Result<()>) -> io::Result<()> {
        if let Some(open) = &mut self.open {
            copy(open, take)?;
            if is_at(self.path, open)? {
                return Ok(());
            }
        }
        let (newest, older) = files(self.path)?;
        if let Some(open) = &mut self.open {
            if newest.is_none() {
                return Ok(());
            }
            // Something may have been added before it was replaced; nothing is from now on.
            copy(open, take)?;
        }
        if let Some(mut older) = older {
            match &self.open {
                Some(open) if identity(open)? == identity(&older)? => {}
                open => {
                    if open.is_some() {
                        take(Piece::Gap)?;
                    }
                    copy(&mut older, take)?;
                }
            }
            self.open = Some(older);
        }
        if let Some(mut newest) = newest {
            copy(&mut newest, take)?;
            self.open = Some(newest);
        }
        Ok(())
    }
}

/// The log at `path` and the older one, as they were at one moment.
fn files(path: &Path) -> io::Result<(Option<File>, Option<File>)> {
    loop {
        let newest = open(path)?;
        let older = open(&path.with_added_extension("1"))?;
        let is_moment = match &newest {
            Some(newest) => is_at(path, newest)?,
            None => true,
        };
        if is_moment {
            return Ok((newest, older));
        }
    }
}

/// Whether `file` is at `path` still. The number of a file that is open is given to no other one.
fn is_at(path: &Path, file: &File) -> io::Result<bool> {
    let now = std::fs::metadata(path).ok();
    Ok(now.map(|now| (now.dev(), now.ino())) == Some(identity(file)?))
}

/// The file at `path`, if there is one.
fn open(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What tells a file from others, whatever its name.
fn identity(file: &File) -> io::Result<(u64, u64)> {
    let meta = file.metadata()?;
    Ok((meta.dev(), meta.ino()))
}

/// Gives the rest of `file`; one that was made shorter, from its beginning.
fn copy(file: &mut File, take: &mut impl FnMut(Piece<'_>) -> io::Result<()>) -> io::Result<()> {
    if file.metadata()?.len() < file.stream_position()? {
        file.rewind()?;
    }
    let mut buffer = [0; 8192];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(()),
            read => take(Piece::Bytes(&buffer[..read]))?,
        }
    }
}

#[cfg(test)]
mod tests {
    use sweep_core::bounded_log::{LOG_BYTES, Log};

    use super::*;

    /// A line of 64 bytes with the number `number`.
    fn line(number: u64) -> String {
        format!("{number:063}\n")
    }

    /// Writes lines of these numbers.
    fn write(log: &mut Log, numbers: std::ops::Range<u64>) {
        numbers.for_each(|number| log.add(line(number).as_bytes()));
    }

    /// What a look gives, in which `GAP` is what may be missing.
    fn look(followed: &mut FollowedLog<'_>) -> String {
        let mut text = String::new();
        let looked = followed.look(&mut |piece| {
            match piece {
                Piece::Bytes(bytes) => text.push_str(std::str::from_utf8(bytes).unwrap()),
                Piece::Gap => text.push_str("GAP\n"),
            }
            Ok(())
        });
        looked.unwrap();
        text
    }

    fn lines(numbers: std::ops::Range<u64>) -> String {
        numbers.map(line).collect()
    }

    /// Lines that fill a log.
    const FULL: u64 = LOG_BYTES / 64;

    #[test]
    fn a_log_that_is_replaced_once_between_looks_is_followed_without_a_gap() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("output.log");
        let mut followed = FollowedLog {
            path: &path,
            open: None,
        };
        assert_eq!(look(&mut followed), "");
        let mut log = Log::new(&path);
        let mut end = FULL + 10;
        write(&mut log, 0..end);
        assert!(look(&mut followed) == lines(0..end), "both files at first");
        // The new file is sometimes shorter than what was read of the one before, and sometimes longer.
        for more in [1, FULL - 20, FULL, 5, FULL / 2, FULL - 1] {
            write(&mut log, end..end + more);
            assert!(look(&mut followed) == lines(end..end + more), "{more}");
            end += more;
            assert_eq!(look(&mut followed), "");
        }
    }

    #[test]
    fn a_log_that_is_replaced_again_and_again_between_looks_has_a_gap_that_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("output.log");
        let mut log = Log::new(&path);
        let mut followed = FollowedLog {
            path: &path,
            open: None,
        };
        write(&mut log, 0..10);
        assert!(look(&mut followed) == lines(0..10));
        write(&mut log, 10..FULL * 3 + 7);
        // The file that was open is read to its end, then the two that are left.
        let expected = lines(10..FULL) + "GAP\n" + &lines(FULL * 2..FULL * 3 + 7);
        assert!(look(&mut followed) == expected);
        assert_eq!(look(&mut followed), "");
    }

    #[test]
    fn a_log_that_was_made_shorter_or_removed_is_read_from_its_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("output.log");
        let mut followed = FollowedLog {
            path: &path,
            open: None,
        };
        std::fs::write(&path, "first\n").unwrap();
        assert_eq!(look(&mut followed), "first\n");
        std::fs::write(&path, "2\n").unwrap();
        assert_eq!(look(&mut followed), "2\n");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(look(&mut followed), "");
        std::fs::write(&path, "third\n").unwrap();
        assert_eq!(look(&mut followed), "third\n");
    }
}
