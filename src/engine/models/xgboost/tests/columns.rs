//! Categories and missing cells, against Python's xgboost, and where nothing else tells the class.

use super::*;
use crate::fixtures::with_categories;
use sweep_data::{FittedField, Inputs, Preprocessor, Scaling};

const COLUMNS: usize = 6;

/// What Python's xgboost of one version gives for these data: `benches/oracle_sklearn.py`.
struct CategoryOracle {
    version: (i32, i32),
    train_loss: [f64; 10],
    valid_loss: [f64; 10],
    gains: [f64; COLUMNS],
    leaves: u64,
}

const ORACLES: [CategoryOracle; 2] = [
    CategoryOracle {
        version: (3, 2),
        train_loss: [
            0.7639742069,
            0.6634958836,
            0.5948091372,
            0.5440690845,
            0.5032216212,
            0.4742183420,
            0.4498188954,
            0.4288176018,
            0.4108849318,
            0.3972297139,
        ],
        valid_loss: [
            0.7765990387,
            0.6847230941,
            0.6238944210,
            0.5801634597,
            0.5455696270,
            0.5231011686,
            0.5032950117,
            0.4864812222,
            0.4735039539,
            0.4638466034,
        ],
        gains: [
            0.37815575, 0.14405422, 0.12378578, 0.34063590, 0.00828894, 0.00507941,
        ],
        leaves: 396,
    },
    CategoryOracle {
        version: (3, 4),
        train_loss: [
            0.7637147138,
            0.6632337851,
            0.5944102070,
            0.5436656848,
            0.5027370467,
            0.4732847751,
            0.4491119341,
            0.4278145690,
            0.4103686802,
            0.3932203885,
        ],
        valid_loss: [
            0.7780167112,
            0.6860767933,
            0.6251672442,
            0.5819182065,
            0.5463836930,
            0.5224505594,
            0.5048277637,
            0.4874040393,
            0.4759277511,
            0.4633749597,
        ],
        gains: [
            0.38191162, 0.13974810, 0.12544069, 0.33998353, 0.00706641, 0.00584965,
        ],
        leaves: 403,
    },
];

#[test]
fn categories_and_missing_cells_are_split_as_by_python() {
    if !available() {
        return;
    }
    let (major, minor, _) = locate().unwrap().version.unwrap();
    let oracle = ORACLES
        .iter()
        .find(|oracle| oracle.version == (major, minor));
    let Some(oracle) = oracle else {
        say_skipped(&format!("no numbers are stored for {major}.{minor}"));
        return;
    };
    let (data, folder) = (with_categories(), tempfile::tempdir().unwrap());
    let boost = XgboostSpec {
        enable_categorical: true,
        ..oracle_settings()
    };
    let spec = spec(boost, "valid/loss", Goal::Min);
    let mut callback = Remember::default();
    let result = done(run(&data, &spec, folder.path(), None, &mut callback));
    for (name, expected) in [
        ("train/loss", oracle.train_loss),
        ("valid/loss", oracle.valid_loss),
    ] {
        for (value, expected) in callback.column(name).iter().zip(expected) {
            let gap = (value - expected).abs();
            assert!(gap < 1e-6, "{name} {value} against {expected}");
        }
    }
    assert_eq!((result.best_step, result.parameters), (10, oracle.leaves));
    let names: Vec<&str> = result.importance.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["a", "b", "x0", "x1", "x2", "x3"]);
    for ((name, share), expected) in result.importance.iter().zip(oracle.gains) {
        let gap = (share - expected).abs();
        assert!(gap < 1e-6, "{name} {share} against {expected}");
    }
}

#[test]
fn a_saved_model_of_categories_takes_features_and_scores_what_was_recorded() {
    if !available() {
        return;
    }
    let (data, folder) = (with_categories(), tempfile::tempdir().unwrap());
    let boost = XgboostSpec {
        enable_categorical: true,
        ..oracle_settings()
    };
    let spec = spec(boost, "valid/loss", Goal::Min);
    let result = done(run(
        &data,
        &spec,
        folder.path(),
        None,
        &mut Remember::default(),
    ));
    let mut loaded = load(folder.path()).unwrap();
    assert_eq!(loaded.features(), data.meta().features.len());
    let predicted = loaded.predict(data.valid().inputs()).unwrap();
    let measured = baseline::measure(
        Job::new(&spec, &data, folder.path()),
        &predicted,
        Loss::Squared,
    );
    assert_eq!(measured.confusion.rows(), result.confusion);
    assert!((measured.values[0].1 - result.best.unwrap()).abs() < 1e-6);
    let complete = Inputs::complete(data.valid().x);
    assert_ne!(loaded.predict(complete).unwrap(), predicted);
    let json = fs::read_to_string(folder.path().join(MODEL)).unwrap();
    let types = r#""feature_types":["c","c","float","float","float","float"]"#;
    assert!(json.contains(types), "{json}");
}

#[test]
fn categories_resume_from_a_checkpoint_with_the_same_bits() {
    if !available() {
        return;
    }
    let data = with_categories();
    let boost = XgboostSpec {
        enable_categorical: true,
        subsample: 0.7,
        ..oracle_settings()
    };
    let spec = spec(boost, "valid/loss", Goal::Min);
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let whole = done(run(
        &data,
        &spec,
        folders[0].path(),
        None,
        &mut Remember::default(),
    ));
    let mut first = Remember {
        stop_at: Some(4),
        ..Remember::default()
    };
    run(&data, &spec, folders[1].path(), None, &mut first);
    let checkpoint = first.checkpoint.unwrap();
    let rest = run(
        &data,
        &spec,
        folders[1].path(),
        Some(&checkpoint),
        &mut Remember::default(),
    );
    assert_eq!(done(rest), whole);
    let files = folders
        .each_ref()
        .map(|folder| fs::read(folder.path().join(MODEL)).unwrap());
    assert!(files[0] == files[1]);
}

#[test]
fn a_class_that_missing_cells_alone_tell_is_learned_where_they_are_kept() {
    if !available() {
        return;
    }
    // Every second cell is missing, and 2 is imputed, which two fifths of the others have too.
    let side = |rows: u32| {
        let (mut x, mut y, mut missing) = (Vec::new(), Vec::new(), Vec::new());
        for row in 0..rows {
            let is_missing = row % 2 == 0;
            x.push(if is_missing {
                2.0
            } else {
                [1.0, 2.0, 2.0, 3.0, 3.0][row as usize % 5]
            });
            y.push(u32::from(is_missing));
            missing.push(u8::from(is_missing));
        }
        ((x, y), missing)
    };
    let ((train, train_missing), (valid, valid_missing)) = (side(400), side(200));
    let field = FittedField::Number {
        column: "n".to_owned(),
        scaling: Scaling {
            mean: 0.0,
            sd: 1.0,
            imputed: Some(2.0),
            quantiles: None,
        },
        style: Default::default(),
        indicator: false,
        keep: true,
    };
    let preprocessor = Preprocessor {
        fields: vec![field],
    };
    let boost = XgboostSpec {
        rounds: 5,
        ..XgboostSpec::default()
    };
    let spec = spec(boost, "valid/accuracy", Goal::Max);
    let best = |marks| {
        let data = Dataset::in_memory(1, 2, train.clone(), valid.clone());
        let data = data.made_by(preprocessor.clone(), marks);
        let folder = tempfile::tempdir().unwrap();
        done(run(
            &data,
            &spec,
            folder.path(),
            None,
            &mut Remember::default(),
        ))
        .best
    };
    assert_eq!(best(Some([train_missing, valid_missing])), Some(1.0));
    assert_eq!(best(None), Some(0.8));
}
