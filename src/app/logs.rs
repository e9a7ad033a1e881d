//! What the program of a trial wrote, or the workers that trained it.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::PathBuf;
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
        mut take: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), Error> {
        let cannot = |error: io::Error| Error::environment(error, "");
        let mut place = 0;
        for path in &self.files {
            let mut file = File::open(path).map_err(cannot)?;
            place = copy(&mut file, &mut take).map_err(cannot)?;
        }
        if self.files.last() != Some(&self.newest) {
            place = 0;
        }
        let mut checked = Instant::now();
        let mut is_running = follow && self.is_running(app)?;
        while is_running {
            std::thread::sleep(POLL_INTERVAL);
            if checked.elapsed() >= STATUS_INTERVAL {
                is_running = self.is_running(app)?;
                checked = Instant::now();
            }
            // Once more after its end: the last lines may have come since.
            let Ok(mut file) = File::open(&self.newest) else {
                continue;
            };
            let length = file.metadata().map_err(cannot)?.len();
            if length < place {
                // A new file was begun.
                place = 0;
            }
            file.seek(SeekFrom::Start(place)).map_err(cannot)?;
            place += copy(&mut file, &mut take).map_err(cannot)?;
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

fn copy(file: &mut File, take: &mut impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<u64> {
    let mut buffer = [0; 8192];
    let mut total = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(total),
            read => {
                take(&buffer[..read])?;
                total += read as u64;
            }
        }
    }
}
