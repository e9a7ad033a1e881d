//! Libraries that are loaded at run time: where one is looked for, and why each place would not do.
//!
//! Python is never run: its packages are looked for where environments keep them. The first library that
//! loads and is young enough wins, in the order of [`places`].

use std::env;
use std::ffi::CString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::EngineError;

/// The environment variables that name a library by path, before every other place.
pub const XGBOOST: &str = "SWEEP_XGBOOST";
pub const LIGHTGBM: &str = "SWEEP_LIGHTGBM";

/// A library that a kind of model is trained with.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// As prose calls it: `XGBoost`.
    pub label: &'static str,
    /// Its file, less what systems put before and after.
    pub file: &'static str,
    /// The environment variable that names it by path, before every other place.
    pub variable: &'static str,
    /// What fetches it: `make xgboost`.
    pub command: &'static str,
    /// The folder of `.deps/` that this puts it in, and the one among installed packages of Python.
    pub folder: &'static str,
    /// What brings that folder: `xgboost-cpu`.
    pub package: &'static str,
}

/// The library that baselines are trained with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// A bare file name when the system's loader found it.
    pub path: PathBuf,
    /// Major, minor, patch; `None` where it is not told.
    pub version: Option<(i32, i32, i32)>,
    /// What led there: `SWEEP_XGBOOST`, `beside the program`, ...
    pub by: &'static str,
}

impl Located {
    /// Its version as text; `None` where it is not told.
    pub fn version_text(&self) -> Option<String> {
        let text = |(major, minor, patch)| format!("{major}.{minor}.{patch}");
        self.version.map(text)
    }
}

/// No library would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFound {
    wanted: &'static Wanted,
    /// Every place with what was wrong there, in order.
    pub tried: Vec<(PathBuf, String)>,
}

/// One sentence that says what to do; [`NotFound::tried`] has the details.
impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Wanted {
            file,
            variable,
            command,
            package,
            ..
        } = self.wanted;
        // A file that is there and will not load is what the user wants to hear of.
        let broken = self.tried.iter().find(|(_, why)| why != ABSENT);
        match broken {
            Some((path, why)) => {
                write!(f, "{} cannot be used: {why}", path.display())?;
                if let Some(help) = missing_openmp(why) {
                    return write!(f, "; {help}");
                }
            }
            None => match self.tried.as_slice() {
                [(path, why)] => write!(f, "{}: {why}", path.display())?,
                places => write!(
                    f,
                    "lib{file} was not found (looked in {} places; `sweep doctor` lists them)",
                    places.len()
                )?,
            },
        }
        write!(
            f,
            "; run `{command}`, or `pip install {package}`, or set {variable} to the path of a lib{file}"
        )
    }
}

/// What to do where the loader misses GCC's OpenMP, which not every package brings.
fn missing_openmp(why: &str) -> Option<&'static str> {
    why.contains("libgomp.so.1: cannot open").then_some(
        "install GCC's OpenMP runtime (Debian, Ubuntu: `apt install libgomp1`; Fedora: `dnf install libgomp`)",
    )
}

const ABSENT: &str = "no such file";

/// What the search depends on.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    pub explicit: Option<PathBuf>,
    pub executable: Option<PathBuf>,
    pub working: Option<PathBuf>,
    /// Roots of Python environments, the active ones first.
    pub pythons: Vec<PathBuf>,
}

/// One place to look.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    path: PathBuf,
    by: &'static str,
}

impl Surroundings {
    /// Those of this process, for `wanted`.
    pub fn here(wanted: &Wanted) -> Surroundings {
        let variable = |name| {
            env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let mut pythons: Vec<PathBuf> = ["VIRTUAL_ENV", "CONDA_PREFIX"]
            .into_iter()
            .filter_map(variable)
            .collect();
        let commands = env::var_os("PATH").unwrap_or_default();
        for command in env::split_paths(&commands).map(|folder| folder.join("python3")) {
            // An environment's own `python3` is a link into the one that it was made from.
            let real = fs::canonicalize(&command);
            for python in [Ok(command), real]
                .into_iter()
                .flatten()
                .filter(|path| path.exists())
            {
                pythons.extend(python.ancestors().nth(2).map(Path::to_owned));
            }
        }
        pythons.extend(variable("HOME").map(|home| home.join(".local")));
        pythons.extend([PathBuf::from("/usr/local"), PathBuf::from("/usr")]);
        Surroundings {
            explicit: variable(wanted.variable),
            executable: env::current_exe().ok(),
            working: env::current_dir().ok(),
            pythons,
        }
    }
}

/// What `open` makes of the first library that it can use, or what it said of each place. It is given a path, and what led
/// there.
pub(super) fn find<T>(
    wanted: &'static Wanted,
    around: &Surroundings,
    open: impl Fn(&Path, &'static str) -> Result<T, String>,
) -> Result<T, NotFound> {
    let mut tried = Vec::new();
    for place in places(wanted, around) {
        // A bare name is for the system's loader to look up.
        let by_loader = place.path.parent() == Some(Path::new(""));
        let opened = match by_loader || place.path.is_file() {
            true => open(&place.path, place.by),
            false => Err(ABSENT.to_owned()),
        };
        match opened {
            Ok(library) => return Ok(library),
            Err(_) if by_loader => tried.push((place.path, ABSENT.to_owned())),
            Err(why) => tried.push((place.path, why)),
        }
    }
    Err(NotFound { wanted, tried })
}

/// Where to look, in order, each place once:
///
/// 1. the library's variable, such as `SWEEP_XGBOOST`; when it is set, nowhere else;
/// 2. `lib/` beside the program, and `../lib/`;
/// 3. `.deps/FOLDER/lib/`, where `make` puts it, in the working directory and in every directory
///    above the program;
/// 4. the system, by the rules of its loader;
/// 5. the package with that folder of the active virtual or conda environment, of the `python3`s on the search path, of
///    the user and of the system.
fn places(wanted: &Wanted, around: &Surroundings) -> Vec<Place> {
    if let Some(path) = &around.explicit {
        return vec![Place {
            path: path.clone(),
            by: wanted.variable,
        }];
    }
    let file = libloading::library_filename(wanted.file);
    let within = Path::new(wanted.folder).join("lib").join(&file);
    let mut places: Vec<Place> = Vec::new();
    let mut add = |path: PathBuf, by| {
        if !places.iter().any(|place| place.path == path) {
            places.push(Place { path, by });
        }
    };
    let above = |path: &Option<PathBuf>| -> Vec<PathBuf> {
        let folders = path.iter().flat_map(|path| path.ancestors().skip(1));
        folders.map(Path::to_owned).collect()
    };
    let program = above(&around.executable);
    for folder in program.iter().take(2) {
        add(folder.join("lib").join(&file), "beside the program");
    }
    for folder in around.working.iter().chain(&program) {
        add(folder.join(".deps").join(&within), wanted.command);
    }
    add(PathBuf::from(&file), "the system");
    for packages in around.pythons.iter().flat_map(|root| package_folders(root)) {
        add(packages.join(&within), "a Python package");
    }
    places
}

/// Folders of installed packages under the root of a Python environment.
fn package_folders(root: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(root.join("lib"))
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("python3"))
        .flat_map(|entry| ["site-packages", "dist-packages"].map(|name| entry.path().join(name)))
        .filter(|folder| folder.is_dir())
        .collect();
    folders.sort();
    folders
}

impl Wanted {
    /// A failure of the library, in its own words or about it.
    pub fn failure(&self, message: impl Into<String>) -> EngineError {
        EngineError::Library {
            name: self.label,
            message: message.into(),
        }
    }

    /// `text` as the library takes it.
    pub fn text(&self, text: &str) -> Result<CString, EngineError> {
        CString::new(text).map_err(|_| self.failure(format!("{text:?} holds a null character")))
    }
}

/// Declares the functions taken from a library, and how to find them in it.
macro_rules! functions {
    ($($field:ident = $symbol:literal: fn($($argument:ty),*) -> $result:ty;)*) => {
        struct Functions {
            $($field: unsafe extern "C" fn($($argument),*) -> $result,)*
        }

        impl Functions {
            /// # Safety
            /// `library` must be the one meant: its symbols have the types declared here.
            unsafe fn load(library: &libloading::Library) -> Result<Functions, libloading::Error> {
                Ok(Functions {
                    // SAFETY: the caller vouches for the types.
                    $($field: unsafe { *library.get($symbol)? },)*
                })
            }
        }
    };
}
pub(super) use functions;

#[cfg(test)]
mod tests {
    use super::*;

    static WANTED: Wanted = Wanted {
        label: "XGBoost",
        file: "xgboost",
        variable: "SWEEP_XGBOOST",
        command: "make xgboost",
        folder: "xgboost",
        package: "xgboost-cpu",
    };

    #[test]
    fn the_variable_is_the_only_place_when_set() {
        let around = Surroundings {
            explicit: Some(PathBuf::from("/a/libxgboost.so")),
            working: Some(PathBuf::from("/work")),
            ..Surroundings::default()
        };
        let found = places(&WANTED, &around);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, Path::new("/a/libxgboost.so"));
        assert_eq!(found[0].by, WANTED.variable);
    }

    #[test]
    fn places_come_in_the_documented_order_and_once() {
        let root = tempfile::tempdir().unwrap();
        let packages = root.path().join("lib/python3.13/site-packages");
        fs::create_dir_all(&packages).unwrap();
        let around = Surroundings {
            explicit: None,
            executable: Some(PathBuf::from("/home/target/debug/sweep")),
            working: Some(PathBuf::from("/home")),
            pythons: vec![root.path().to_owned(), PathBuf::from("/nowhere")],
        };
        let file = libloading::library_filename("xgboost");
        let expected = [
            PathBuf::from("/home/target/debug/lib").join(&file),
            PathBuf::from("/home/target/lib").join(&file),
            PathBuf::from("/home/.deps/xgboost/lib").join(&file),
            PathBuf::from("/home/target/debug/.deps/xgboost/lib").join(&file),
            PathBuf::from("/home/target/.deps/xgboost/lib").join(&file),
            PathBuf::from("/.deps/xgboost/lib").join(&file),
            PathBuf::from(&file),
            packages.join("xgboost/lib").join(&file),
        ];
        let found: Vec<PathBuf> = places(&WANTED, &around)
            .into_iter()
            .map(|place| place.path)
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_message_says_what_to_do_and_names_a_broken_library() {
        let of = |tried| NotFound {
            wanted: &WANTED,
            tried,
        };
        let absent = (PathBuf::from("/a"), ABSENT.to_owned());
        let broken = (PathBuf::from("/b"), "invalid ELF header".to_owned());
        assert_eq!(
            of(vec![absent.clone(), absent.clone()]).to_string(),
            "libxgboost was not found (looked in 2 places; `sweep doctor` lists them); run `make xgboost`, or `pip install xgboost-cpu`, \
             or set SWEEP_XGBOOST to the path of a libxgboost"
        );
        let text = of(vec![absent.clone()]).to_string();
        assert!(text.starts_with("/a: no such file; run"));
        let text = of(vec![absent, broken]).to_string();
        assert!(text.starts_with("/b cannot be used: invalid ELF header; run"));
    }

    #[test]
    fn what_a_library_itself_needs_is_named_with_the_package_that_has_it() {
        let why = "libgomp.so.1: cannot open shared object file: No such file or directory";
        let text = NotFound {
            wanted: &WANTED,
            tried: vec![(PathBuf::from("/b"), why.to_owned())],
        };
        assert_eq!(
            text.to_string(),
            format!(
                "/b cannot be used: {why}; install GCC's OpenMP runtime (Debian, Ubuntu: `apt install libgomp1`; \
                 Fedora: `dnf install libgomp`)"
            )
        );
    }
}
