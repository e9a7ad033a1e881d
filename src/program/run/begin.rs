//! From an attempt to a running process.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Map;
use sweep_core::program::{MetricSource, ProgramSpec};
use sweep_core::protocol::ProgramFailure;
use sweep_core::run_dir::{CHECKPOINTS, spare_name};
use sweep_core::signals;

use super::environment::{Placeholders, Places, variables};
use super::follow::Followed;
use super::{Attempt, pipe};
use crate::metrics::{self, EventFiles, LineReader};
use crate::script::Script;
use crate::template::{Replacement, Template};
use crate::{config_file, values};

/// What attempts need while they run, made once for all that this process makes: their settings as JSON, the pipe of metrics,
/// and an empty folder that is lent to each. Files that are made and removed for each attempt cost more than a program that
/// does little: ext4 looks through what was removed lately whenever it makes one.
#[derive(Debug)]
pub struct Scratch {
    folder: PathBuf,
    pub metrics: File,
    /// An empty folder beside those of trials, when it is not lent.
    spare: Option<PathBuf>,
}

const PARAMS: &str = "params.json";
const METRICS: &str = "metrics";

impl Scratch {
    /// Makes a folder that other users cannot enter, with the pipe in it.
    ///
    /// # Errors
    /// When they cannot be made.
    pub fn new() -> io::Result<Scratch> {
        use std::os::unix::fs::DirBuilderExt as _;
        let parent = std::env::temp_dir();
        let named = |what: &str, path: &Path, error: io::Error| {
            io::Error::new(
                error.kind(),
                format!("cannot make {what} {}: {error}", path.display()),
            )
        };
        for number in 0u32.. {
            let folder = parent.join(format!("sweep-{}-{number}", std::process::id()));
            match std::fs::DirBuilder::new().mode(0o700).create(&folder) {
                Ok(()) => {
                    let path = folder.join(METRICS);
                    let made = pipe::make(&path);
                    return Ok(Scratch {
                        metrics: made.map_err(|error| named("the named pipe", &path, error))?,
                        folder,
                        spare: None,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(named("a folder in", &parent, error)),
            }
        }
        unreachable!("numbers do not end")
    }

    /// Makes the folder at `path`, out of the spare one if there is one.
    fn lend(&mut self, path: &Path) -> io::Result<()> {
        if path.is_dir() {
            return Ok(());
        }
        if let Some(spare) = self.spare.take()
            && std::fs::rename(&spare, path).is_ok()
        {
            return Ok(());
        }
        std::fs::create_dir_all(path)
    }

    /// Takes the folder at `path` back, if it is empty.
    pub fn take_back(&mut self, path: &Path) {
        let is_empty = std::fs::read_dir(path).is_ok_and(|mut all| all.next().is_none());
        if !is_empty {
            return;
        }
        let trials = path.parent().and_then(Path::parent);
        let spare = trials.map(|trials| trials.join(spare_name(std::process::id())));
        match spare.filter(|_| self.spare.is_none()) {
            Some(spare) if std::fs::rename(path, &spare).is_ok() => self.spare = Some(spare),
            _ => drop(std::fs::remove_dir(path)),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left in the folder for temporary files is the system's to remove.
        let _ = std::fs::remove_dir_all(&self.folder);
        if let Some(spare) = &self.spare {
            let _ = std::fs::remove_dir(spare);
        }
    }
}

/// A program that was started.
pub struct Begun {
    pub child: Child,
    /// What is read besides, from where it ended before the program was started.
    pub files: Option<MetricFiles>,
    /// Whether there is a checkpoint of an earlier attempt.
    pub is_resumed: bool,
}

/// Files in which a program leaves metrics.
pub enum MetricFiles {
    /// One of lines, and what reads them.
    Lines(Followed, Box<dyn LineReader>),
    Events(EventFiles),
}

/// Why a program could not be started.
fn invalid(message: String) -> ProgramFailure {
    ProgramFailure::Invalid { message }
}

/// Starts the program of `attempt`.
pub fn begin(attempt: &Attempt<'_>, scratch: &mut Scratch) -> Result<Begun, ProgramFailure> {
    let spec = attempt.spec;
    let checkpoints = attempt.folder.join(CHECKPOINTS);
    let cannot = |what: &str, path: &Path, error: &io::Error| {
        invalid(format!("cannot {what} {}: {error}", path.display()))
    };
    std::fs::create_dir_all(attempt.folder)
        .and_then(|()| scratch.lend(&checkpoints))
        .map_err(|error| cannot("make", &checkpoints, &error))?;
    let params = scratch.folder.join(PARAMS);
    let json: Map<String, serde_json::Value> = (attempt.settings.iter())
        .map(|(name, value)| (name.clone(), values::to_json(value)))
        .collect();
    let json = serde_json::to_vec(&json).expect("settings are plain data");
    std::fs::write(&params, json).map_err(|error| cannot("write", &params, &error))?;
    let metrics_path = scratch.folder.join(METRICS);
    let config = config(attempt)?;
    let places = Places {
        folder: attempt.folder,
        checkpoints: &checkpoints,
        params: &params,
        metrics: &metrics_path,
        config: config.as_deref(),
    };
    let values = Placeholders::new(attempt, places);
    let directory = PathBuf::from(expand(&spec.directory, &values)?);
    if !directory.is_dir() {
        // Its own folder is made; one of the user's that is missing is misspelt.
        if !directory.starts_with(attempt.folder) {
            let shown = directory.display();
            return Err(invalid(format!(
                "the working directory {shown} does not exist: make it, or correct `directory` of [program]"
            )));
        }
        std::fs::create_dir_all(&directory).map_err(|error| cannot("make", &directory, &error))?;
    }
    let directory = std::path::absolute(&directory).unwrap_or(directory);
    let has_checkpoint = std::fs::read_dir(&checkpoints).is_ok_and(|mut all| all.next().is_some());
    let resume_step = (attempt.recorded.filter(|_| has_checkpoint)).map(|recorded| recorded.step);
    let (set, removed) = variables(attempt, places, resume_step);
    let mut command = command(spec, attempt, &values)?;
    command
        .current_dir(&directory)
        .envs(set)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for name in removed {
        command.env_remove(name);
    }
    for (name, template) in &spec.env {
        command.env(name, expand(template, &values)?);
    }
    // What is there now is of an earlier attempt; what the program writes at once is not.
    let files = files(&spec.metrics, &directory, &values)?;
    let child = spawn(&mut command).map_err(|error| not_started(&command, &error))?;
    Ok(Begun {
        child,
        files,
        is_resumed: resume_step.is_some(),
    })
}

/// The files of metrics of a program that runs in `directory`.
fn files(
    source: &MetricSource,
    directory: &Path,
    values: &Placeholders,
) -> Result<Option<MetricFiles>, ProgramFailure> {
    let path = |template: &str| Ok(directory.join(expand(template, values)?));
    Ok(match source {
        MetricSource::Lines | MetricSource::Regex(_) => None,
        MetricSource::File(file) => Some(MetricFiles::Lines(
            Followed::new(path(file)?),
            Box::new(metrics::Lines),
        )),
        MetricSource::Jsonl(file) => Some(MetricFiles::Lines(
            Followed::new(path(file)?),
            Box::new(metrics::Json),
        )),
        MetricSource::Tensorboard(folder) => {
            Some(MetricFiles::Events(EventFiles::from_now(path(folder)?)))
        }
    })
}

/// The one text that a template becomes.
fn expand(template: &str, values: &Placeholders) -> Result<OsString, ProgramFailure> {
    let wrong = |error: &dyn Display| invalid(format!("{template:?}: {error}"));
    let parsed = Template::parse(template).map_err(|error| wrong(&error))?;
    let text = parsed.expand_text(|name| values.of(name));
    text.map_err(|error| wrong(&error))
}

/// The command line.
fn command(
    spec: &ProgramSpec,
    attempt: &Attempt<'_>,
    values: &Placeholders,
) -> Result<Command, ProgramFailure> {
    if spec.shell {
        let text = spec.command.first().map_or("", String::as_str);
        let script = Script::parse(text).map_err(|error| invalid(error.to_string()))?;
        let script = script.expand(|name| values.of(name));
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(script.map_err(|error| invalid(error.to_string()))?);
        return Ok(command);
    }
    let mut arguments: Vec<OsString> = Vec::new();
    for template in &spec.command {
        let wrong = |error: &dyn Display| invalid(format!("{template:?}: {error}"));
        let parsed = Template::parse(template).map_err(|error| wrong(&error))?;
        let expanded = parsed.expand(|name| values.of(name));
        arguments.extend(expanded.map_err(|error| wrong(&error))?);
    }
    for (name, value) in attempt.settings {
        let of = |key: &str| match key {
            "name" => Some(Replacement::Text(Cow::Borrowed(OsStr::new(name)))),
            "value" => Some(Replacement::Value(value)),
            _ => None,
        };
        for template in &spec.args {
            let wrong = |error: &dyn Display| invalid(format!("{template:?} with {name}: {error}"));
            let parsed = Template::parse(template).map_err(|error| wrong(&error))?;
            arguments.extend(parsed.expand(of).map_err(|error| wrong(&error))?);
        }
    }
    let mut arguments = arguments.into_iter();
    let program = arguments.next().unwrap_or_default();
    let mut command = Command::new(program);
    command.args(arguments);
    Ok(command)
}

/// The copy of the configuration file with the settings of the attempt.
fn config(attempt: &Attempt<'_>) -> Result<Option<PathBuf>, ProgramFailure> {
    let Some(config) = &attempt.spec.config else {
        return Ok(None);
    };
    let shown = config.file.display();
    let text = std::fs::read_to_string(&config.file)
        .map_err(|error| invalid(format!("cannot read {shown}: {error}")))?;
    let text = config_file::with_settings(&text, config, attempt.settings)
        .map_err(|error| invalid(format!("{shown}: {error}")))?;
    let name = config.file.file_name().unwrap_or_default();
    let path = attempt.folder.join(name);
    std::fs::write(&path, text)
        .map_err(|error| invalid(format!("cannot write {}: {error}", path.display())))?;
    Ok(Some(path))
}

/// Starts `command` so that it hears the signals that this process ignores, and is ended with it.
fn spawn(command: &mut Command) -> io::Result<Child> {
    #[cfg(target_os = "linux")]
    let parent = std::process::id();
    // SAFETY: between fork and exec only async-signal-safe calls are made: signal, pthread_sigmask, prctl and getppid. The
    // death signal follows the thread that forks, which is the worker's main thread and lives as long as it does.
    unsafe {
        command.pre_exec(move || {
            signals::heed();
            signals::unblock_stop()?;
            #[cfg(target_os = "linux")]
            {
                if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
                    return Err(io::Error::last_os_error());
                }
                if libc::getppid() as u32 != parent {
                    return Err(io::Error::from_raw_os_error(libc::ECHILD));
                }
            }
            Ok(())
        });
    }
    command.spawn()
}

/// What is wrong with a command that could not be started.
fn not_started(command: &Command, error: &io::Error) -> ProgramFailure {
    let program = command.get_program().to_string_lossy().into_owned();
    let why = match error.kind() {
        io::ErrorKind::NotFound if program.contains('/') => {
            format!(
                "there is no such file (relative paths are those of the working directory): {error}"
            )
        }
        io::ErrorKind::NotFound => {
            format!("no program of this name is on PATH: install it, or give its path: {error}")
        }
        io::ErrorKind::PermissionDenied => {
            format!("{error}: make it executable (chmod +x), or name its interpreter first")
        }
        io::ErrorKind::ArgumentListTooLong => {
            format!("{error}: pass long settings by the file at SWEEP_PARAMS")
        }
        _ => error.to_string(),
    };
    let message = format!("cannot start {program:?}: {why}");
    // Too many processes, or no memory for one more.
    let is_temporary = matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::ENOMEM));
    match is_temporary {
        true => ProgramFailure::Ended {
            exit_code: None,
            signal: None,
            message,
            is_temporary,
        },
        false => invalid(message),
    }
}
