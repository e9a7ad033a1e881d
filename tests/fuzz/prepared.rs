//! Prepared data sets and preparations, spoiled.

use std::fs;

use sweep_data::{Dataset, HeldOutTest, SavedPreprocessor};

use super::bound::cases;
use super::database::finished_sweep;
use super::mangle::{self, Rng};

#[test]
fn spoiled_data_sets_are_opened_soundly_or_refused() {
    let swept = finished_sweep();
    let entries = fs::read_dir(swept.path("runs/data")).unwrap();
    let files: Vec<(String, Vec<u8>)> = entries
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name[64..].to_owned(), fs::read(entry.path()).unwrap())
        })
        .collect();
    assert_eq!(files.len(), 4, "data, test rows, preparation and texts");
    let folder = tempfile::tempdir().unwrap();
    let (run, taken) = cases("prepared data", 400, |seed| {
        let mut rng = Rng(seed);
        let spoiled = rng.below(files.len());
        for (place, (name, bytes)) in files.iter().enumerate() {
            let bytes = match place == spoiled && seed % 50 != 0 {
                true => mangle::file(name, bytes, &mut rng),
                false => bytes.clone(),
            };
            fs::write(folder.path().join(format!("x{name}")), bytes).unwrap();
        }
        let data = Dataset::open(&folder.path().join("x.safetensors"));
        let test = HeldOutTest::open(&folder.path().join("x.test.safetensors"));
        let preprocessor = SavedPreprocessor::read(&folder.path().join("x.preparation.json"));
        for rows in [
            data.as_ref().map(|data| data.train()).ok(),
            data.as_ref().map(|data| data.valid()).ok(),
            test.as_ref().map(|test| test.rows()).ok(),
        ] {
            let classes = data.as_ref().map(|data| data.meta().classes.len()).ok();
            let classes = classes.or(test.as_ref().map(|test| test.meta().classes.len()).ok());
            if let (Some(rows), true) = (rows, data.is_ok() == test.is_ok()) {
                let labels = rows.y.classes().unwrap_or_default();
                let most = labels.iter().max().copied().unwrap_or(0);
                assert!((most as usize) < classes.unwrap() || data.is_ok());
            }
        }
        data.is_ok() && test.is_ok() && preprocessor.is_ok()
    });
    assert!(taken > 0 && taken < run, "{taken} of {run} were taken");
}
