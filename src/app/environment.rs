//! Facts about this machine and its libraries, recorded with every session.
//!
//! Invariant: nothing here fails or waits; what cannot be determined is left out.

use std::ffi::CStr;
use std::num::NonZero;

use sweep_core::format::format_bytes;
use sweep_core::trial::Kind;

/// Names and values, such as `("cores", "8")`; versions of libraries only for the `kinds` to train, because that loads them.
pub fn environment(kinds: &[Kind]) -> Vec<(String, String)> {
    let known = [
        ("sweep", Some(env!("CARGO_PKG_VERSION").to_owned())),
        ("cpu", cpu_model()),
        ("cores", cores()),
        ("memory", memory()),
        ("system", system()),
        ("architecture", Some(std::env::consts::ARCH.to_owned())),
        ("vectors", Some(vectors())),
    ];
    let libraries = kinds.iter().map(|kind| (kind.name(), library(*kind)));
    known
        .into_iter()
        .chain(libraries)
        .filter_map(|(name, text)| Some((name.to_owned(), text?)))
        .collect()
}

/// Vector extensions that the native engine dispatches on, by name.
pub fn vector_extensions() -> Vec<&'static str> {
    #[cfg(target_arch = "x86_64")]
    {
        let all = [
            ("AVX-512F", std::arch::is_x86_feature_detected!("avx512f")),
            ("AVX2", std::arch::is_x86_feature_detected!("avx2")),
            ("FMA", std::arch::is_x86_feature_detected!("fma")),
        ];
        let has = all.iter().filter(|(_, has)| *has);
        has.map(|(name, _)| *name).collect()
    }
    #[cfg(not(target_arch = "x86_64"))]
    Vec::new()
}

fn vectors() -> String {
    match vector_extensions() {
        none if none.is_empty() => "none".to_owned(),
        some => some.join(", "),
    }
}

/// Cores that this process may use.
fn cores() -> Option<String> {
    let cores = std::thread::available_parallelism().ok()?;
    Some(NonZero::get(cores).to_string())
}

/// Linux only: other systems have no file for it.
fn cpu_model() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Total memory.
fn memory() -> Option<String> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(format_bytes(kibibytes << 10))
}

/// Distribution, and name and release of the kernel.
fn system() -> Option<String> {
    // SAFETY: an all-zero utsname is a valid value of that plain C struct.
    let mut names: libc::utsname = unsafe { std::mem::zeroed() };
    // SAFETY: `names` is writable.
    if unsafe { libc::uname(&raw mut names) } != 0 {
        return None;
    }
    let text = |field: &[libc::c_char]| {
        // SAFETY: uname ends each field with a zero within its array.
        let field = unsafe { CStr::from_ptr(field.as_ptr()) };
        field.to_string_lossy().into_owned()
    };
    let kernel = format!("{} {}", text(&names.sysname), text(&names.release));
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let pretty = release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="));
    Some(match pretty {
        Some(name) => format!("{}, {kernel}", name.trim_matches('"')),
        None => kernel,
    })
}

/// The version of the library that models of `kind` are trained with, if one is found.
fn library(kind: Kind) -> Option<String> {
    sweep_engine::models::library(kind)?.ok()?.version_text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_session_keeps_at_least_version_cores_and_system() {
        let known = environment(&[]);
        let get = |name: &str| {
            known
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, text)| text)
        };
        assert_eq!(get("sweep").unwrap(), env!("CARGO_PKG_VERSION"));
        assert!(get("cores").unwrap().parse::<usize>().unwrap() > 0);
        assert!(
            get("system").unwrap().contains(std::env::consts::OS)
                || get("system").unwrap().contains("Linux")
        );
        assert!(
            known
                .iter()
                .all(|(_, text)| !text.is_empty() && !text.contains('\n'))
        );
    }
}
