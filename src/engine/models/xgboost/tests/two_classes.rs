//! Two classes by one tree a round, against Python's xgboost (`benches/oracle_sklearn.py`).

use super::*;
use crate::fixtures::two_classes;
use sweep_core::trial::models::{BinaryObjective, ClassWeight};

const COLUMNS: usize = 6;

fn logistic() -> XgboostSpec {
    XgboostSpec {
        binary_objective: BinaryObjective::Logistic,
        ..oracle_settings()
    }
}

/// Losses of the training and the validation rows after ten rounds, the probabilities of the second class of the first
/// three, the importance of the first feature, and leaves.
type Numbers = (f64, f64, [f64; 3], f64, u64);

/// By `scale_pos_weight`, and by the weight of the class.
fn oracle() -> Option<[Numbers; 2]> {
    let (major, minor, _) = locate().unwrap().version.unwrap();
    match (major, minor) {
        (3, 2) => Some([
            (
                0.10352279242500663,
                0.13672676992043853,
                [0.9893781542778015, 0.9926580786705017, 0.9922661185264587],
                0.28143863793341123,
                105,
            ),
            (
                0.04738769302550196,
                0.1346962427578401,
                [0.9946749210357666, 0.997616171836853, 0.9946080446243286],
                0.27951666136307074,
                109,
            ),
        ]),
        (3, 4) => Some([
            (
                0.1035319772681687,
                0.13794176711700856,
                [0.9902680516242981, 0.9926457405090332, 0.9922735095024109],
                0.28449581234965005,
                104,
            ),
            (
                0.04739182082121051,
                0.13476460832729936,
                [0.9946744441986084, 0.9976162910461426, 0.9946075677871704],
                0.27953062931346,
                109,
            ),
        ]),
        _ => None,
    }
}

#[test]
fn losses_and_models_of_two_classes_are_those_of_python_with_either_weight() {
    if !available() {
        return;
    }
    let Some(oracle) = oracle() else {
        say_skipped("no numbers are stored for this version");
        return;
    };
    let data = two_classes();
    let by_class = |weight| {
        let name = data.meta().classes[1].clone();
        ClassWeight::Given([(name, weight)].into())
    };
    let settings = [
        XgboostSpec {
            scale_pos_weight: 3.0,
            ..logistic()
        },
        XgboostSpec {
            class_weight: by_class(3.0),
            ..logistic()
        },
    ];
    for (boost, (train_loss, valid_loss, seconds, importance, leaves)) in
        settings.into_iter().zip(oracle)
    {
        let folder = tempfile::tempdir().unwrap();
        let spec = spec(boost, "valid/loss", Goal::Min);
        let mut callback = Remember::default();
        let result = done(run(&data, &spec, folder.path(), None, &mut callback));
        for (name, expected) in [("train/loss", train_loss), ("valid/loss", valid_loss)] {
            let found = *callback.column(name).last().unwrap();
            assert!((found - expected).abs() < 1e-6, "{name} {found} {expected}");
        }
        assert_eq!((result.best_step, result.parameters), (10, leaves));
        assert!((result.importance[0].1 - importance).abs() < 1e-6);
        let mut model = load(folder.path()).unwrap();
        assert_eq!((model.features(), model.classes()), (COLUMNS, 2));
        let predicted = model.predict(data.valid().inputs()).unwrap();
        for (row, second) in predicted.chunks_exact(2).zip(seconds) {
            assert!((f64::from(row[1]) - second).abs() < 1e-6);
            assert_eq!(row[0], 1.0 - row[1]);
        }
        assert_eq!(predicted.len(), 2 * data.valid().y.len());
    }
}

#[test]
fn of_two_classes_a_round_is_one_tree_and_going_on_from_a_checkpoint_gives_the_same_bits() {
    if !available() {
        return;
    }
    let data = two_classes();
    for (objective, trees) in [
        (BinaryObjective::Logistic, 1),
        (BinaryObjective::Softprob, 2),
    ] {
        let boost = XgboostSpec {
            binary_objective: objective,
            subsample: 0.7,
            ..oracle_settings()
        };
        let spec = spec(boost, "valid/loss", Goal::Min);
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let mut whole = Remember::default();
        let expected = done(run(&data, &spec, folders[0].path(), None, &mut whole));
        let mut first = Remember {
            stop_at: Some(4),
            ..Remember::default()
        };
        run(&data, &spec, folders[1].path(), None, &mut first);
        let checkpoint = first.checkpoint.as_deref();
        let mut rest = Remember::default();
        let again = done(run(&data, &spec, folders[1].path(), checkpoint, &mut rest));
        assert_eq!(again, expected);
        let bytes = fs::read(folders[0].path().join(MODEL)).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let grown = &json["learner"]["gradient_booster"]["model"]["trees"];
        let grown = grown.as_array().unwrap().len();
        assert_eq!(grown, trees * expected.best_step as usize);
    }
}
