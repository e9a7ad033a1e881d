//! What this machine has for training, and what is missing for what.
//!
//! Invariant: nothing here fails; what cannot be determined is a finding as well.

use std::num::NonZero;
use std::path::Path;

use sweep_core::atomic_fs;
use sweep_core::format::{format_bytes, pluralize};
use sweep_core::trial::Kind;
use sweep_engine::models::{Located, NotFound};
use sweep_store::Store;

use crate::app::App;
use crate::environment::vector_extensions;
use crate::gpus;
use crate::placement;

/// Free space below which a disk is reported, in bytes.
const LOW_SPACE: u64 = 1_000_000_000;

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub name: &'static str,
    /// Whether sweeps run without fixing it.
    pub is_ok: bool,
    pub text: String,
}

impl Finding {
    fn ok(name: &'static str, text: impl Into<String>) -> Finding {
        Finding {
            name,
            is_ok: true,
            text: text.into(),
        }
    }
}

/// Checks cores, libraries, the database of `app` and the disk.
pub fn findings(app: &App) -> Vec<Finding> {
    let mut findings = vec![cores(), vectors(), engines(), torch(), graphics()];
    findings.extend(Kind::all().filter_map(library));
    findings.extend([database(app), disk(app.runs())]);
    findings
}

fn cores() -> Finding {
    let text = match std::thread::available_parallelism().map(NonZero::get) {
        Ok(1) => "1 core: one trial at a time".to_owned(),
        Ok(cores) => format!("{cores} cores: {cores} trials at a time by default"),
        Err(error) => format!("unknown ({error}); one trial at a time by default"),
    };
    Finding::ok("cpu", text)
}

/// Vector extensions that the native engine dispatches on.
fn vectors() -> Finding {
    let text = match vector_extensions() {
        none if none.is_empty() && cfg!(target_arch = "x86_64") => {
            "none above SSE2: training will be slow".to_owned()
        }
        none if none.is_empty() => format!("those of every {} CPU", std::env::consts::ARCH),
        some => some.join(", "),
    };
    Finding::ok("vectors", text)
}

fn engines() -> Finding {
    let text = "native (networks, forests) is built in; torch (networks, on GPUs too) is below";
    Finding::ok("engines", text)
}

/// The worker that trains with libtorch, and its answer.
fn torch() -> Finding {
    let (is_ok, text) = match placement::torch_worker() {
        // It is optional.
        Err(missing) => (true, format!("{missing}; `make torch` builds it")),
        Ok(path) => match placement::ask_devices(&path) {
            Ok(devices) => (true, format!("{}: {devices}", path.display())),
            Err(why) => (false, format!("{}: {why}", path.display())),
        },
    };
    Finding {
        name: "torch",
        is_ok,
        text,
    }
}

/// GPUs with their memory, and whether a worker uses them.
fn graphics() -> Finding {
    let found = gpus::find();
    if found.is_empty() {
        return Finding::ok(
            "gpus",
            "none found (asked nvidia-smi and the driver in /proc)",
        );
    }
    let described = |(number, gpu): (usize, &gpus::Gpu)| match gpu.memory {
        Some((total, free)) => format!(
            "cuda:{number} {}, {} of {} free",
            gpu.name,
            format_bytes(free << 20),
            format_bytes(total << 20)
        ),
        None => format!("cuda:{number} {}", gpu.name),
    };
    let list: Vec<String> = found.iter().enumerate().map(described).collect();
    let numbers: Vec<u32> = (0..found.len() as u32).collect();
    let workers = placement::fitting_shares(sweep_scheduler::cores(), &found, &numbers);
    let used = match placement::torch_worker() {
        Ok(_) => format!(
            "sweep-torch uses them with {} per GPU, if it is ok above",
            pluralize(workers, "worker")
        ),
        Err(_) => "not used, since sweep-torch is missing".to_owned(),
    };
    Finding::ok("gpus", format!("{}; {used}", list.join("; ")))
}

/// The library that models of `kind` are trained with, if they need one.
fn library(kind: Kind) -> Option<Finding> {
    let found = sweep_engine::models::library(kind)?;
    let described = |located: Located| {
        let version = located.version_text();
        let version = version.as_deref().unwrap_or("of unknown version");
        format!("{version}: {} ({})", located.path.display(), located.by)
    };
    Some(Finding {
        name: kind.name(),
        is_ok: found.is_ok(),
        text: found.map_or_else(|missing: NotFound| missing.to_string(), described),
    })
}

fn database(app: &App) -> Finding {
    let (path, can_write) = (app.store.display(), atomic_fs::is_writable(&app.store));
    let (is_ok, text) = match app.store.exists() {
        false if can_write => (
            true,
            format!("{path}: does not exist yet; the first `sweep run` creates it"),
        ),
        false => (
            false,
            format!(
                "{path}: does not exist and cannot be created, since {} is not writable; name another \
                 place with --store",
                app.runs().display()
            ),
        ),
        true => match Store::open_existing(&app.store).and_then(|store| store.experiments()) {
            Err(error) => (false, error.to_string()),
            Ok(sweeps) => {
                let bytes = std::fs::metadata(&app.store).map_or(0, |file| file.len());
                let sweeps = pluralize(sweeps.len(), "sweep");
                let found = format!("{path}: {sweeps}, {}", format_bytes(bytes));
                match can_write && atomic_fs::is_writable(app.runs()) {
                    true => (true, found),
                    false => (
                        false,
                        format!("{found}; read-only: no sweep can be run here"),
                    ),
                }
            }
        },
    };
    Finding {
        name: "database",
        is_ok,
        text,
    }
}

/// Free space of the run directory, and whether it can be written.
fn disk(folder: &Path) -> Finding {
    let existing = folder
        .ancestors()
        .find(|folder| folder.exists() || folder.as_os_str().is_empty());
    let folder = match existing {
        Some(found) if !found.as_os_str().is_empty() => found,
        _ => Path::new("."),
    };
    let (has_space, text) = match free_bytes(folder) {
        Some(bytes) => (
            bytes >= LOW_SPACE,
            format!("{}: {} free", folder.display(), format_bytes(bytes)),
        ),
        None => (true, format!("{}: free space unknown", folder.display())),
    };
    let (is_ok, text) = match atomic_fs::is_writable(folder) {
        true => (has_space, text),
        false => (false, format!("{text}, not writable")),
    };
    Finding {
        name: "disk",
        is_ok,
        text,
    }
}

#[cfg(unix)]
fn free_bytes(folder: &Path) -> Option<u64> {
    use std::os::unix::ffi::OsStrExt as _;
    let path = std::ffi::CString::new(folder.as_os_str().as_bytes()).ok()?;
    // SAFETY: an all-zero statvfs is a valid value of that plain C struct.
    let mut stat: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: `path` is a C string that outlives the call; `stat` is writable.
    let code = unsafe { libc::statvfs(path.as_ptr(), &raw mut stat) };
    (code == 0).then(|| stat.f_bavail as u64 * stat.f_frsize as u64)
}

#[cfg(not(unix))]
fn free_bytes(_folder: &Path) -> Option<u64> {
    None
}
