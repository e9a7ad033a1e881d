//! One sweep from the fixtures in every format.

use std::collections::HashMap;
use std::path::Path;

use super::{ExportError, Exporter, FORMATS, Sweep, format, write};
use sweep_analysis::fixtures;
use sweep_core::trial::Status;
use sweep_store::AttemptRecord;

/// The sweep of the report tests, with an attempt for every trial that was begun.
fn sweep() -> Sweep {
    let input = fixtures::genres();
    let mut attempts = HashMap::new();
    for (place, trial) in input.experiment.trials.iter().enumerate() {
        if trial.status == Status::Pending {
            continue;
        }
        let started_ms = 1_772_323_200_000 + 1_000 * place as i64;
        let attempt = AttemptRecord {
            session: 1,
            number: place as u64 + 1,
            slot: "cpu:0".to_owned(),
            engine: "native".to_owned(),
            pid: 4_712,
            started_ms,
            ended_ms: Some(started_ms + 900),
            outcome: trial.status.name().to_owned(),
            exit_code: None,
            signal: None,
            message: trial.message.clone(),
            log_tail: None,
            resumed_from: None,
            warnings: Vec::new(),
        };
        attempts.insert(trial.id.clone(), vec![attempt]);
    }
    Sweep {
        experiment: input.experiment,
        attempts,
        curves: input.curves,
    }
}

fn named(name: &str) -> &'static dyn Exporter {
    format(name).unwrap()
}

fn text(files: &[(std::path::PathBuf, Vec<u8>)], name: &str) -> String {
    let found = files.iter().find(|(path, _)| path == Path::new(name));
    let (_, bytes) = found.unwrap_or_else(|| panic!("no file {name}"));
    String::from_utf8(bytes.clone()).unwrap()
}

#[test]
fn each_format_has_a_name_and_a_help_of_its_own() {
    let unique = |of: fn(&dyn Exporter) -> &'static str| {
        let all: std::collections::HashSet<&str> = FORMATS.into_iter().map(of).collect();
        all.len()
    };
    assert_eq!(unique(|format| format.name()), FORMATS.len());
    assert_eq!(unique(|format| format.help()), FORMATS.len());
    assert!(format("excel").is_none());
}

#[test]
fn csv_has_a_row_a_trial_a_value_and_an_attempt() {
    let sweep = sweep();
    let files = named("csv").files(&sweep, Path::new("/out")).unwrap();
    let rows = |name: &str| {
        let text = text(&files, name);
        csv::Reader::from_reader(text.as_bytes())
            .into_records()
            .map(|row| row.unwrap().len())
            .collect::<Vec<_>>()
    };
    assert_eq!(rows("trials.csv").len(), sweep.experiment.trials.len());
    assert_eq!(rows("attempts.csv").len(), sweep.attempts.len());
    let values = sweep
        .curves
        .values()
        .flatten()
        .map(|curve| curve.points.len());
    assert_eq!(rows("metrics.csv").len(), values.sum::<usize>());
    let header = text(&files, "trials.csv")
        .lines()
        .next()
        .unwrap()
        .to_owned();
    assert!(
        header.contains(",params.lr,") && header.contains(",metrics.valid/loss"),
        "{header}"
    );
}

#[test]
fn parquet_reads_back_as_the_same_tables() {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::record::Field;
    let sweep = sweep();
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().join("out");
    assert_eq!(write(&folder, named("parquet"), &sweep).unwrap(), 3);
    let file = std::fs::File::open(folder.join("trials.parquet")).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let mut seen = 0;
    for (row, trial) in reader
        .get_row_iter(None)
        .unwrap()
        .zip(&sweep.experiment.trials)
    {
        let row: HashMap<String, Field> = row.unwrap().into_columns().into_iter().collect();
        assert_eq!(row["trial"], Field::Str(trial.id.to_string()));
        assert_eq!(row["best"], trial.best.map_or(Field::Null, Field::Double));
        assert_eq!(row["seed"], Field::Long(trial.seed as i64));
        seen += 1;
    }
    assert_eq!(seen, sweep.experiment.trials.len());
}

#[test]
fn a_folder_that_holds_something_is_left_as_it_is() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().join("out");
    std::fs::create_dir(&folder).unwrap();
    write(&folder, named("json"), &sweep()).unwrap();
    let error = write(&folder, named("csv"), &sweep()).unwrap_err();
    assert!(matches!(error, ExportError::Taken { .. }), "{error}");
    let names: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["sweep.json"]);
}

#[test]
fn json_holds_every_trial_under_the_keys_of_show() {
    let sweep = sweep();
    let files = named("json").files(&sweep, Path::new("/out")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text(&files, "sweep.json")).unwrap();
    let trials = json["trials"].as_array().unwrap();
    assert_eq!(trials.len(), sweep.experiment.trials.len());
    assert_eq!(trials[0]["trial"], sweep.experiment.trials[0].id.as_str());
    assert!(trials[0]["curves"]["valid/accuracy"][0][1].is_f64());
    assert_eq!(
        json["data"]["digest"],
        sweep.experiment.dataset.digest.as_str()
    );
}

/// Each check loads an export with the Python package that it is for; one that is not installed is said so.
#[test]
fn python_packages_open_what_is_exported_for_them() {
    let sweep = sweep();
    let scratch = tempfile::tempdir().unwrap();
    for (format, package) in [
        (named("parquet"), "pyarrow"),
        (named("tensorboard"), "tensorboard"),
        (named("mlflow"), "mlflow"),
    ] {
        let python = std::env::var("SWEEP_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let has = std::process::Command::new(&python)
            .args(["-c", &format!("import {package}")])
            .output();
        if !has.is_ok_and(|output| output.status.success()) {
            eprintln!(
                "SKIPPED: {python} has no package {package}; {} is not checked with it",
                format.name()
            );
            continue;
        }
        let folder = scratch.path().join(format.name());
        write(&folder, format, &sweep).unwrap();
        let expected = scratch.path().join("expected.json");
        let json = named("json").files(&sweep, &folder).unwrap();
        std::fs::write(&expected, &json[0].1).unwrap();
        let script =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/read_export.py");
        let output = std::process::Command::new(&python)
            .arg(script)
            .args([Path::new(format.name()), &folder, &expected])
            .output()
            .unwrap();
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(
            output.status.success() && out.contains("agrees"),
            "{out}{err}"
        );
    }
}
