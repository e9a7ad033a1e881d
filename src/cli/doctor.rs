//! `sweep doctor`: what this machine has, and what is missing for what.

use std::num::NonZero;
use std::path::Path;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal;
use sweep_app::environment::vector_extensions;
use sweep_app::gpus;
use sweep_app::placement;
use sweep_core::atomic_fs;
use sweep_engine::models::xgboost;
use sweep_store::Store;

/// One thing looked at.
struct Finding {
    name: &'static str,
    /// Whether sweeps can do without mending it.
    well: bool,
    text: String,
}

pub fn doctor(context: &Context) -> Result<Exit, Failure> {
    let findings = [
        cores(),
        vectors(),
        engines(),
        torch(),
        graphics(),
        xgboost(),
        database(context),
        room(context.app.runs()),
    ];
    if context.json {
        let object: serde_json::Map<String, serde_json::Value> = findings
            .iter()
            .map(|finding| {
                let value = serde_json::json!({ "ok": finding.well, "found": finding.text });
                (finding.name.to_owned(), value)
            })
            .collect();
        terminal::print_json(&serde_json::Value::Object(object));
    } else {
        for finding in &findings {
            let mark = if finding.well { "ok" } else { "--" };
            terminal::print(&format!("{mark}  {:<10} {}", finding.name, finding.text));
        }
    }
    Ok(Exit::Success)
}

fn cores() -> Finding {
    let text = match std::thread::available_parallelism().map(NonZero::get) {
        Ok(1) => "1 core: one trial at a time".to_owned(),
        Ok(cores) => format!("{cores} cores: {cores} trials at a time by default"),
        Err(error) => format!("unknown ({error}); one trial at a time by default"),
    };
    Finding {
        name: "cpu",
        well: true,
        text,
    }
}

/// Vector extensions that the native engine dispatches on.
fn vectors() -> Finding {
    let found = match vector_extensions() {
        none if none.is_empty() && cfg!(target_arch = "x86_64") => {
            "none above SSE2: training will be slow".to_owned()
        }
        none if none.is_empty() => format!("those of every {} CPU", std::env::consts::ARCH),
        some => some.join(", "),
    };
    Finding {
        name: "vectors",
        well: true,
        text: found,
    }
}

fn engines() -> Finding {
    let text = "native (networks, forests) is built in; torch (networks, on GPUs too) is below";
    Finding {
        name: "engines",
        well: true,
        text: text.to_owned(),
    }
}

/// The worker that trains with libtorch, and what it says of itself.
fn torch() -> Finding {
    let (well, text) = match placement::torch_worker() {
        // Only those who ask for it need it.
        Err(missing) => (true, format!("{missing}; `make torch` builds it")),
        Ok(path) => match placement::ask_devices(&path) {
            Ok(devices) => (true, format!("{}: {devices}", path.display())),
            Err(why) => (false, format!("{}: {why}", path.display())),
        },
    };
    Finding {
        name: "torch",
        well,
        text,
    }
}

/// GPUs with their memory, and which worker would use them.
fn graphics() -> Finding {
    let found = gpus::find();
    let text = match (found.is_empty(), placement::torch_worker()) {
        (true, _) => "none found (nvidia-smi and the driver in /proc were asked)".to_owned(),
        (false, torch) => {
            let of = |(number, gpu): (usize, &gpus::Gpu)| match gpu.memory {
                Some((total, free)) => format!(
                    "cuda:{number} {}, {:.1} of {:.1} GB free",
                    gpu.name,
                    free as f64 / 1024.0,
                    total as f64 / 1024.0
                ),
                None => format!("cuda:{number} {}", gpu.name),
            };
            let list: Vec<String> = found.iter().enumerate().map(of).collect();
            let numbers: Vec<u32> = (0..found.len() as u32).collect();
            let shares = placement::fitting_shares(sweep_scheduler::cores(), &found, &numbers);
            let user = match torch {
                Ok(_) if shares == 1 => {
                    "sweep-torch would use them, if it says so above".to_owned()
                }
                Ok(_) => format!(
                    "sweep-torch would use them, if it says so above, with {shares} workers each"
                ),
                Err(_) => "not used: there is no sweep-torch".to_owned(),
            };
            format!("{}; {user}", list.join("; "))
        }
    };
    Finding {
        name: "gpus",
        well: true,
        text,
    }
}

fn xgboost() -> Finding {
    let (well, text) = match xgboost::locate() {
        Ok(located) => {
            let (major, minor, patch) = located.version;
            let path = located.path.display();
            (
                true,
                format!("{major}.{minor}.{patch}: {path} ({})", located.by),
            )
        }
        Err(missing) => (false, missing.to_string()),
    };
    Finding {
        name: "xgboost",
        well,
        text,
    }
}

fn database(context: &Context) -> Finding {
    let path = context.app.store.display();
    let (well, text) = if !context.app.store.exists() {
        match atomic_fs::is_writable(&context.app.store) {
            true => (
                true,
                format!("{path}: not there yet; the first `sweep run` makes it"),
            ),
            false => (
                false,
                format!(
                    "{path}: not there, and cannot be made: {} cannot be written; --store names \
                     another place",
                    context.app.runs().display()
                ),
            ),
        }
    } else {
        match Store::open_existing(&context.app.store).and_then(|store| store.experiments()) {
            Ok(experiments) => {
                let bytes = std::fs::metadata(&context.app.store).map_or(0, |file| file.len());
                let size = bytes as f64 / 1e6;
                let found = format!("{path}: {} sweeps, {size:.1} MB", experiments.len());
                match atomic_fs::is_writable(&context.app.store)
                    && atomic_fs::is_writable(context.app.runs())
                {
                    true => (true, found),
                    false => (
                        false,
                        format!("{found}; it can only be read: nothing can be trained into it"),
                    ),
                }
            }
            Err(error) => (false, error.to_string()),
        }
    };
    Finding {
        name: "database",
        well,
        text,
    }
}

/// Whether there is room where runs are kept, and whether it may be used.
fn room(folder: &Path) -> Finding {
    let exists = folder
        .ancestors()
        .find(|folder| folder.exists() || folder.as_os_str().is_empty());
    let folder = match exists {
        Some(found) if !found.as_os_str().is_empty() => found,
        _ => Path::new("."),
    };
    let (well, text) = match free_bytes(folder) {
        Some(bytes) => {
            let free = bytes as f64 / 1e9;
            (
                free >= 1.0,
                format!("{}: {free:.1} GB free", folder.display()),
            )
        }
        None => (true, format!("{}: free space unknown", folder.display())),
    };
    let (well, text) = match atomic_fs::is_writable(folder) {
        true => (well, text),
        false => (false, format!("{text}, and it cannot be written")),
    };
    Finding {
        name: "disk",
        well,
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
