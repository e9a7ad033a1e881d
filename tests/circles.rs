//! Files of a crate import each other in one direction: what imports what, and whether a road leads back.
//!
//! The compiler holds this between crates, but not within one. An import is a `use`, or a path in the code, that
//! leads to another file. Names that a file only passes on (`pub use`) lead to the file that defines them. Tests
//! may import what they like.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::tidy::{code_lines, rust_files};

/// The place of a module in its crate: `["plot", "frame"]`, empty for `lib.rs`.
type Module = Vec<String>;

/// The files of one crate.
struct Crate {
    /// The code of each module, without comments and tests.
    code: BTreeMap<Module, String>,
}

#[test]
fn files_of_a_crate_do_not_import_each_other_in_circles() {
    let mut circles = Vec::new();
    for entry in fs::read_dir("src").unwrap() {
        let folder = entry.unwrap().path();
        if folder.join("Cargo.toml").exists() {
            let found = Crate::read(&folder).circles();
            circles.extend(
                found
                    .iter()
                    .map(|circle| format!("{}: {circle}", folder.display())),
            );
        }
    }
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn a_circle_is_found_however_it_is_imported() {
    let circles = |files: &[(&str, &str)]| {
        let code = files.iter().map(|(name, code)| {
            let module = name.split('/').filter(|part| !part.is_empty());
            (module.map(str::to_owned).collect(), (*code).to_owned())
        });
        let code = code.collect();
        Crate { code }.circles()
    };
    // A name that the parent passes on is that of the file which defines it.
    let root = ("", "mod a;\nmod b;\npub use a::{One, Two};\n");
    let a = ("a", "pub struct One;\npub struct Two;\n");
    assert!(circles(&[root, a, ("b", "use super::One;\n")]).is_empty());
    let a = (
        "a",
        "use super::b::call;\npub struct One;\npub struct Two;\n",
    );
    for import in [
        "use super::One;",
        "use super::{Two as Other};",
        "use crate::a::{self, One};",
        "fn call() { super::a::run() }",
        "fn call(_: &crate::One) {}",
    ] {
        assert_eq!(
            circles(&[root, a, ("b", import)]),
            ["a -> b -> a"],
            "{import}"
        );
    }
    // A name that the parent defines is the parent's.
    let root = ("", "mod c;\nstruct Shared;\nfn call() { c::call() }\n");
    let child = ("c", "use super::Shared;\n");
    assert_eq!(circles(&[root, child]), ["lib -> c -> lib"]);
}

impl Crate {
    fn read(folder: &Path) -> Crate {
        let mut code = BTreeMap::new();
        for file in rust_files(folder) {
            let lines = code_lines(&file);
            let below = file.strip_prefix(folder).unwrap().with_extension("");
            let mut module: Module = (below.iter())
                .map(|part| part.to_str().unwrap().to_owned())
                .collect();
            module.pop_if(|last| matches!(last.as_str(), "mod" | "lib" | "main"));
            // Tests have no code here.
            if !lines.is_empty() {
                let lines: Vec<String> = lines.into_iter().map(|(_, line)| line).collect();
                code.insert(module, lines.join("\n"));
            }
        }
        Crate { code }
    }

    /// One circle for every file that lies on one and on none of those given before, as `a -> b -> a`.
    fn circles(&self) -> Vec<String> {
        let imports: BTreeMap<&Module, BTreeSet<Module>> = (self.code.keys())
            .map(|module| (module, self.imports(module)))
            .collect();
        let mut seen: BTreeSet<Module> = BTreeSet::new();
        let mut circles = Vec::new();
        for module in self.code.keys() {
            let Some(circle) = road_back(module, &imports).filter(|_| !seen.contains(module))
            else {
                continue;
            };
            let names = circle.iter().map(|module| match module.is_empty() {
                true => "lib".to_owned(),
                false => module.join("/"),
            });
            circles.push(names.collect::<Vec<_>>().join(" -> "));
            seen.extend(circle);
        }
        circles
    }

    /// The files that `module` imports from.
    fn imports(&self, module: &Module) -> BTreeSet<Module> {
        let (uses, rest) = uses(&self.code[module]);
        let imported = uses.iter().filter(|(is_passed_on, _)| !is_passed_on);
        let mut paths: Vec<_> = imported.flat_map(|(_, path)| expand(path)).collect();
        paths.extend(paths_in(&rest));
        let targets = paths.iter().filter_map(|path| self.target(module, path));
        targets.filter(|target| target != module).collect()
    }

    /// The file that `path`, written in `module`, leads to; `None` if that is none of this crate.
    fn target(&self, module: &Module, path: &[String]) -> Option<Module> {
        let mut from = module.clone();
        let mut rest = path;
        let is_child = |from: &Module, name: &String| {
            let child: Module = from.iter().chain([name]).cloned().collect();
            self.code.contains_key(&child).then_some(child)
        };
        let first = rest.first()?;
        if !["crate", "super", "self"].contains(&first.as_str()) && is_child(&from, first).is_none()
        {
            return None;
        }
        while let Some(name) = rest.first() {
            match name.as_str() {
                "crate" => from.clear(),
                "super" => drop(from.pop()),
                "self" => {}
                _ => break,
            }
            rest = &rest[1..];
        }
        while let Some(child) = rest.first().and_then(|name| is_child(&from, name)) {
            from = child;
            rest = &rest[1..];
        }
        let passed_on = rest.first().and_then(|name| {
            let (uses, _) = uses(&self.code[&from]);
            let passed_on = uses.into_iter().filter(|(is_passed_on, _)| *is_passed_on);
            let mut paths = passed_on.flat_map(|(_, path)| expand(&path));
            paths.find(|path| path.last() == Some(name))
        });
        match passed_on {
            Some(path) => self.target(&from, &path).or(Some(from)),
            None => Some(from),
        }
    }
}

/// The shortest road along `imports` from `module` back to it.
fn road_back(
    module: &Module,
    imports: &BTreeMap<&Module, BTreeSet<Module>>,
) -> Option<Vec<Module>> {
    let mut roads = vec![vec![module.clone()]];
    let mut seen = BTreeSet::new();
    let mut next = 0;
    while let Some(road) = roads.get(next).cloned() {
        next += 1;
        for target in imports.get(road.last()?).into_iter().flatten() {
            let longer: Vec<Module> = road.iter().chain([target]).cloned().collect();
            if target == module {
                return Some(longer);
            }
            if seen.insert(target.clone()) {
                roads.push(longer);
            }
        }
    }
    None
}

/// Every `use` of `code` as written, and whether it passes names on; and the lines that are none.
fn uses(code: &str) -> (Vec<(bool, String)>, Vec<&str>) {
    let (mut found, mut rest) = (Vec::new(), Vec::new());
    let mut statement: Option<(bool, String)> = None;
    for line in code.lines() {
        let trimmed = line.trim();
        if let Some((_, text)) = &mut statement {
            text.push_str(trimmed);
        } else {
            let (before, path) = trimmed.split_once("use ").unwrap_or(("?", ""));
            let is_use = before.is_empty() || before.starts_with("pub") && !before.contains("fn");
            statement = is_use.then(|| (before.starts_with("pub"), path.to_owned()));
            if !is_use {
                rest.push(line);
            }
        }
        if statement
            .as_ref()
            .is_some_and(|(_, text)| text.ends_with(';'))
        {
            found.extend(statement.take());
        }
    }
    (found, rest)
}

/// Paths of a `use`: `a::{b, c::d}` is `a::b` and `a::c::d`. Of one that is renamed, the name it has here.
fn expand(path: &str) -> Vec<Vec<String>> {
    let path = path.trim().trim_end_matches(';');
    let names = |path: &str| -> Vec<String> {
        let names = path
            .split("::")
            .map(str::trim)
            .filter(|name| !name.is_empty());
        names
            .map(|name| name.split(" as ").next().unwrap_or(name).to_owned())
            .collect()
    };
    let Some((before, inside)) = path.split_once('{') else {
        return vec![names(path)];
    };
    let before = names(before);
    let inside = &inside[..inside.rfind('}').unwrap_or(inside.len())];
    let (mut depth, mut item, mut items) = (0_usize, String::new(), Vec::new());
    for letter in inside.chars() {
        match letter {
            ',' if depth == 0 => items.push(std::mem::take(&mut item)),
            _ => item.push(letter),
        }
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    items.push(item);
    (items.iter().filter(|item| !item.trim().is_empty()))
        .flat_map(|item| expand(item))
        .map(|rest| {
            before
                .iter()
                .cloned()
                .chain(rest.into_iter().filter(|name| name != "self"))
                .collect()
        })
        .collect()
}

/// Paths of two names and more in `lines` of code.
fn paths_in(lines: &[&str]) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    for line in lines {
        let mut rest = *line;
        while let Some(at) = rest.find(is_of_name) {
            let begins = !rest[..at].ends_with("::");
            rest = &rest[at..];
            let end = rest
                .find(|letter| !is_of_name(letter) && letter != ':')
                .unwrap_or(rest.len());
            let path: Vec<String> = rest[..end]
                .split("::")
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect();
            if begins && path.len() > 1 {
                paths.push(path);
            }
            rest = &rest[end..];
        }
    }
    paths
}
