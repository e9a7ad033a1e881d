//! Folders of exported models, spoiled with and without their checksums set right again.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use sweep_data::Table;
use sweep_engine::predict::{Bundle, Decision, Layout, Member, write};

use super::bound::cases;
use super::database::finished_sweep;
use super::mangle::{self, Rng};

/// Files of an exported model by name.
type Files = Vec<(String, Vec<u8>)>;

fn exported(kind: &str) -> Files {
    let swept = finished_sweep();
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("model");
    let shown = to.to_str().unwrap();
    swept.succeed(&["export", "best", shown, "--kind", kind]);
    let entries = fs::read_dir(&to).unwrap().map(Result::unwrap);
    let mut files: Files = entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// Makes `trial.json` say what the files are now.
fn update_checksums(files: &mut Files) {
    let place = files
        .iter()
        .position(|(name, _)| name == "trial.json")
        .unwrap();
    let Ok(mut card) = serde_json::from_slice::<Json>(&files[place].1) else {
        return;
    };
    let Some(listed) = card.get_mut("files").and_then(Json::as_array_mut) else {
        return;
    };
    for entry in listed {
        let found = files
            .iter()
            .find(|(name, _)| entry["path"] == name.as_str());
        if let (Some((_, bytes)), true) = (found, entry.is_object()) {
            let digest = Sha256::digest(bytes);
            let hex: String = sweep_core::format::hex(&digest);
            entry["bytes"] = json!(bytes.len());
            entry["sha256"] = json!(hex);
        }
    }
    files[place].1 = card.to_string().into_bytes();
}

/// Reads the model in `folder` and asks it about `table`.
fn ask(folder: &Path, table: &Table) -> bool {
    let Ok(bundle) = Bundle::read(folder) else {
        return false;
    };
    let Ok(encoder) = bundle.preprocessor.on(table) else {
        return true;
    };
    let classes = bundle.preprocessor.classes.clone();
    let target = bundle.preprocessor.target_of(table);
    let target = target.as_ref();
    let mut models = vec![bundle.model].into();
    let layout = Layout {
        classes: &classes,
        delimiter: b',',
        decision: &Decision::default(),
    };
    // A model that cannot be asked says so.
    let mut members = [Member {
        encoder,
        models: &mut models,
    }];
    let _ = write(table, &mut members, target, layout, &mut Vec::new());
    true
}

fn spoiled_models_are_read_or_refused(kind: &'static str, files: &'static OnceLock<Files>) {
    let sound = files.get_or_init(|| exported(kind));
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("songs.csv");
    fs::write(&data, super::texts::csv()).unwrap();
    let table = {
        let storage = sweep_data::Storage {
            all_text: true,
            ..Default::default()
        };
        Table::read(&[data], &Default::default(), &storage, "").unwrap()
    };
    let (run, taken) = cases(kind, 150, |seed| {
        let mut rng = Rng(seed);
        let mut files = sound.clone();
        if seed % 50 != 0 {
            let at = rng.below(files.len());
            let (name, bytes) = &mut files[at];
            *bytes = mangle::file(name, bytes, &mut rng);
            if rng.below(5) > 0 {
                update_checksums(&mut files);
            }
        }
        let to = folder.path().join("model");
        fs::create_dir_all(&to).unwrap();
        for (name, bytes) in &files {
            fs::write(to.join(name), bytes).unwrap();
        }
        ask(&to, &table)
    });
    assert!(taken > 0 && taken < run, "{taken} of {run} were taken");
}

#[test]
fn spoiled_networks_are_read_or_refused() {
    static FILES: OnceLock<Files> = OnceLock::new();
    spoiled_models_are_read_or_refused("mlp", &FILES);
}

#[test]
fn spoiled_forests_are_read_or_refused() {
    static FILES: OnceLock<Files> = OnceLock::new();
    spoiled_models_are_read_or_refused("random_forest", &FILES);
}

#[test]
fn a_model_that_names_files_elsewhere_is_refused() {
    let mut files = exported("random_forest");
    let place = files
        .iter()
        .position(|(name, _)| name == "trial.json")
        .unwrap();
    let card: Json = serde_json::from_slice(&files[place].1).unwrap();
    for path in ["../secret", "/etc/hostname", "a/../../b"] {
        let mut card = card.clone();
        card["files"][0]["path"] = json!(path);
        files[place].1 = card.to_string().into_bytes();
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in &files {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        let error = Bundle::read(folder.path()).err().unwrap().to_string();
        assert!(error.contains("which is not in its folder"), "{error}");
    }
}
