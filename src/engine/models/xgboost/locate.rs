//! Where libxgboost is looked for, and why each place would not do.
//!
//! Python is never run: its packages are looked for where environments keep them. The first library that
//! loads and is young enough wins, in the order of [`places`].

use std::env;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// Names the library by path, before every other place.
pub const VARIABLE: &str = "SWEEP_XGBOOST";

/// The library that baselines are trained with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// A bare file name when the system's loader found it.
    pub path: PathBuf,
    /// Major, minor, patch.
    pub version: (i32, i32, i32),
    /// What led there: `SWEEP_XGBOOST`, `beside the program`, ...
    pub by: &'static str,
}

/// No library would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFound {
    /// Every place with what was wrong there, in order.
    pub tried: Vec<(PathBuf, String)>,
}

/// One sentence that says what to do; [`NotFound::tried`] has the details.
impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A file that is there and will not load is what the user wants to hear of.
        let broken = self.tried.iter().find(|(_, why)| why != ABSENT);
        match broken {
            Some((path, why)) => write!(f, "{} cannot be used: {why}", path.display())?,
            None => match self.tried.as_slice() {
                [(path, why)] => write!(f, "{}: {why}", path.display())?,
                places => write!(
                    f,
                    "libxgboost was not found (looked in {} places; `sweep doctor` lists them)",
                    places.len()
                )?,
            },
        }
        write!(
            f,
            "; run `make xgboost`, or `pip install xgboost-cpu`, or set {VARIABLE} to the path of a libxgboost"
        )
    }
}

pub(super) const ABSENT: &str = "no such file";

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
pub(super) struct Place {
    pub path: PathBuf,
    pub by: &'static str,
}

impl Surroundings {
    /// Those of this process.
    pub fn here() -> Surroundings {
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
            explicit: variable(VARIABLE),
            executable: env::current_exe().ok(),
            working: env::current_dir().ok(),
            pythons,
        }
    }
}

/// Where to look, in order, each place once:
///
/// 1. `SWEEP_XGBOOST`; when it is set, nowhere else;
/// 2. `lib/` beside the program, and `../lib/`;
/// 3. `.deps/xgboost/lib/`, where `make xgboost` puts it, in the working directory and in every
///    directory above the program;
/// 4. the system, by the rules of its loader;
/// 5. the package `xgboost` of the active virtual or conda environment, of the `python3`s on the search path, of
///    the user and of the system.
pub(super) fn places(around: &Surroundings) -> Vec<Place> {
    if let Some(path) = &around.explicit {
        return vec![Place {
            path: path.clone(),
            by: VARIABLE,
        }];
    }
    let file = libloading::library_filename("xgboost");
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
        add(folder.join(".deps/xgboost/lib").join(&file), "make xgboost");
    }
    add(PathBuf::from(&file), "the system");
    for packages in around.pythons.iter().flat_map(|root| package_folders(root)) {
        add(packages.join("xgboost/lib").join(&file), "a Python package");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_is_the_only_place_when_set() {
        let around = Surroundings {
            explicit: Some(PathBuf::from("/a/libxgboost.so")),
            working: Some(PathBuf::from("/work")),
            ..Surroundings::default()
        };
        let found = places(&around);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, Path::new("/a/libxgboost.so"));
        assert_eq!(found[0].by, VARIABLE);
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
        let found: Vec<PathBuf> = places(&around)
            .into_iter()
            .map(|place| place.path)
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_message_says_what_to_do_and_names_a_broken_library() {
        let absent = (PathBuf::from("/a"), ABSENT.to_owned());
        let broken = (PathBuf::from("/b"), "invalid ELF header".to_owned());
        let text = NotFound {
            tried: vec![absent.clone(), absent.clone()],
        };
        assert_eq!(
            text.to_string(),
            "libxgboost was not found (looked in 2 places; `sweep doctor` lists them); run `make xgboost`, or `pip install xgboost-cpu`, \
             or set SWEEP_XGBOOST to the path of a libxgboost"
        );
        let text = NotFound {
            tried: vec![absent.clone()],
        };
        assert!(text.to_string().starts_with("/a: no such file; run"));
        let text = NotFound {
            tried: vec![absent, broken],
        };
        assert!(
            text.to_string()
                .starts_with("/b cannot be used: invalid ELF header; run")
        );
    }
}
