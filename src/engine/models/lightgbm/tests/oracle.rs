//! What is trained, against Python's lightgbm with the same settings on the same rows (`benches/oracle_lightgbm.py`).

use super::*;

/// What Python gives.
struct Oracle {
    name: &'static str,
    rounds: (u32, u32),
    leaves: u64,
    /// Of the kept round: training, validation.
    loss: (f64, f64),
    gains: [f64; 6],
    /// For the first three validation rows: of each class, of the second of two, or numbers.
    predictions: &'static [f64],
}

/// The version whose numbers these are.
const VERSION: (i32, i32, i32) = (4, 6, 0);

fn assert_near(found: f64, expected: f64, what: &str) {
    let gap = (found - expected).abs() / expected.abs().max(1.0);
    assert!(gap < 1e-6, "{what}: {found} against {expected}");
}

fn check(data: &Dataset, boost: LightgbmSpec, oracle: &Oracle) {
    if !available() {
        return;
    }
    if locate().unwrap().version != Some(VERSION) {
        return say_skipped("no numbers are stored for this version");
    }
    let name = oracle.name;
    let folder = tempfile::tempdir().unwrap();
    let spec = spec(boost, "valid/loss", Aim::Min);
    let mut callback = Remember::default();
    let result = done(run(data, &spec, folder.path(), None, &mut callback));
    assert_eq!((result.steps, result.best_step), oracle.rounds, "{name}");
    assert_eq!(result.parameters, oracle.leaves, "{name}");
    let kept = result.best_step as usize - 1;
    let (train, valid) = oracle.loss;
    assert_near(callback.column("train/loss")[kept], train, name);
    assert_near(callback.column("valid/loss")[kept], valid, name);
    for ((_, share), gain) in result.importance.iter().zip(oracle.gains) {
        assert!(
            (share - gain).abs() < 1e-6,
            "{name}: {share} against {gain}"
        );
    }
    assert_eq!(result.importance.len(), oracle.gains.len());
    let predicted = load(folder.path()).unwrap();
    let predicted = { predicted }.predict(data.valid().inputs()).unwrap();
    let predicted: Vec<f32> = match data.meta().classes.len() {
        2 => predicted.iter().skip(1).step_by(2).copied().collect(),
        _ => predicted,
    };
    for (found, expected) in predicted.iter().zip(oracle.predictions) {
        assert_near(f64::from(*found), *expected, name);
    }
}

#[test]
fn classes_are_boosted_as_by_python() {
    let oracle = Oracle {
        name: "classes",
        rounds: (10, 10),
        leaves: 450,
        loss: (0.25848317162825135, 0.38952619345125566),
        gains: [
            0.3687629, 0.16146136, 0.15293758, 0.29988406, 0.00640571, 0.0105484,
        ],
        predictions: &[
            0.009200525885285936,
            0.6112419138307377,
            0.37955756028397647,
            0.015236513124296901,
            0.9416103078401138,
            0.04315317903558933,
            0.009734621407829535,
            0.6255260244527684,
            0.364739354139402,
        ],
    };
    check(&fixture(24), oracle_settings(), &oracle);
}

#[test]
fn categories_and_missing_cells_are_split_as_by_python() {
    let boost = LightgbmSpec {
        enable_categorical: true,
        ..oracle_settings()
    };
    let oracle = Oracle {
        name: "categories",
        rounds: (10, 10),
        leaves: 450,
        loss: (0.32340573254498534, 0.44915613762037543),
        gains: [
            0.3300781, 0.08755412, 0.18207256, 0.3452562, 0.03026128, 0.02477775,
        ],
        predictions: &[
            0.018818156073352917,
            0.655360286031439,
            0.3258215578952081,
            0.02427848423549783,
            0.8975125682387911,
            0.07820894752571111,
            0.009648550534655383,
            0.5309496993888442,
            0.45940175007650047,
        ],
    };
    check(&with_categories(), boost, &oracle);
}

#[test]
fn two_classes_are_boosted_as_by_python_with_and_without_weights() {
    let data = two_classes();
    let name = data.meta().classes[1].clone();
    let weighted = LightgbmSpec {
        class_weight: ClassWeight::Given([(name, 3.0)].into()),
        ..oracle_settings()
    };
    let oracle = Oracle {
        name: "two classes",
        rounds: (10, 10),
        leaves: 150,
        loss: (0.06005185513779565, 0.12181700646468975),
        gains: [
            0.36740268, 0.12523429, 0.13740487, 0.3391841, 0.01008634, 0.02068772,
        ],
        predictions: &[0.9840166902983418, 0.9943165586420835, 0.9933740831467648],
    };
    check(&data, oracle_settings(), &oracle);
    let oracle = Oracle {
        name: "weights",
        rounds: (10, 9),
        leaves: 135,
        loss: (0.03012415315752463, 0.15271038564489325),
        gains: [
            0.18786184, 0.19799262, 0.2485912, 0.33704972, 0.01547219, 0.01303242,
        ],
        predictions: &[0.9911103630560565, 0.9972841887173362, 0.996344737736376],
    };
    check(&data, weighted, &oracle);
}

#[test]
fn every_limit_means_what_it_means_to_python() {
    let boost = LightgbmSpec {
        max_depth: 3,
        min_child_samples: 50,
        min_child_weight: 5.0,
        reg_alpha: 0.5,
        reg_lambda: 2.0,
        min_split_gain: 0.1,
        max_bin: 63,
        ..oracle_settings()
    };
    let oracle = Oracle {
        name: "limits",
        rounds: (10, 10),
        leaves: 215,
        loss: (0.391776454691604, 0.44030316315038737),
        gains: [
            0.3924497, 0.12105044, 0.1338992, 0.35202979, 0.00036656, 0.0002043,
        ],
        predictions: &[
            0.02656473273553061,
            0.6487585761151892,
            0.3246766911492802,
            0.025118755834157378,
            0.9023143410693282,
            0.07256690309651444,
            0.01869076666544844,
            0.6534956799706655,
            0.3278135533638861,
        ],
    };
    check(&fixture(24), boost, &oracle);
}

#[test]
fn rows_and_features_are_drawn_by_the_seeds_of_each_round() {
    let boost = LightgbmSpec {
        subsample: 0.7,
        colsample_bytree: 0.5,
        ..oracle_settings()
    };
    let oracle = Oracle {
        name: "drawn",
        rounds: (10, 10),
        leaves: 450,
        loss: (0.4474953520777699, 0.5567144576640177),
        gains: [
            0.35184183, 0.13967158, 0.11997523, 0.26854341, 0.05228136, 0.06768659,
        ],
        predictions: &[
            0.0244561638389446,
            0.46905098180786803,
            0.5064928543531872,
            0.09809700826488263,
            0.6939606515608838,
            0.20794234017423355,
            0.027163468588685732,
            0.5167651481336322,
            0.45607138327768215,
        ],
    };
    check(&fixture(24), boost, &oracle);
}

#[test]
fn early_stopping_keeps_the_round_that_python_keeps() {
    let boost = LightgbmSpec {
        rounds: 500,
        early_stopping_rounds: 4,
        ..oracle_settings()
    };
    let oracle = Oracle {
        name: "early stopping",
        rounds: (19, 15),
        leaves: 675,
        loss: (0.20157855609632813, 0.37608458259148186),
        gains: [
            0.36216258, 0.16227854, 0.15570734, 0.28830612, 0.01180419, 0.01974122,
        ],
        predictions: &[
            0.004043153621010641,
            0.7115159854604575,
            0.2844408609185318,
            0.005324858409085086,
            0.9720763778564913,
            0.02259876373442374,
            0.007072554315045709,
            0.6281093388493963,
            0.3648181068355579,
        ],
    };
    check(&fixture(24), boost, &oracle);
}

#[test]
fn losses_of_numbers_are_those_of_python() {
    let data = fixture_numbers(24, TargetTransform::None);
    let of = |loss, huber_delta| LightgbmSpec {
        rounds: 20,
        loss,
        huber_delta,
        quantile: 0.9,
        ..oracle_settings()
    };
    for (boost, oracle) in [
        (
            of(LossName::Squared, 1.0),
            Oracle {
                name: "l2",
                rounds: (20, 16),
                leaves: 240,
                loss: (165.93111630879616, 244.88840596180628),
                gains: [
                    0.4252897, 0.12824856, 0.12646965, 0.31586904, 0.00169257, 0.00243049,
                ],
                predictions: &[122.07452103923613, 90.40192780512388, 128.7271217010699],
            },
        ),
        (
            of(LossName::Absolute, 1.0),
            Oracle {
                name: "l1",
                rounds: (20, 16),
                leaves: 240,
                loss: (10.967874901846761, 13.890478304527768),
                gains: [
                    0.36818489, 0.17338671, 0.19086399, 0.23935851, 0.01095471, 0.01725119,
                ],
                predictions: &[128.15870754425808, 92.34347883221125, 134.32149848624312],
            },
        ),
        (
            of(LossName::Huber, 1.0),
            Oracle {
                name: "huber",
                rounds: (20, 17),
                leaves: 255,
                loss: (82.39335569961179, 122.70554076055515),
                gains: [
                    0.41429641, 0.13875496, 0.13712311, 0.30515871, 0.00212929, 0.00253752,
                ],
                predictions: &[117.93906772004871, 91.39046765982687, 129.1540336303041],
            },
        ),
        (
            of(LossName::Huber, 0.3),
            Oracle {
                name: "huber",
                rounds: (20, 20),
                leaves: 300,
                loss: (99.91103123531487, 124.31930461092294),
                gains: [
                    0.40889532, 0.14268401, 0.14769118, 0.30021308, 0.00051641, 0.0,
                ],
                predictions: &[123.20024984076319, 88.8046037804737, 132.20941077576495],
            },
        ),
        (
            of(LossName::Quantile, 1.0),
            Oracle {
                name: "quantile",
                rounds: (20, 20),
                leaves: 300,
                loss: (2.2944022068290177, 3.2174136924778933),
                gains: [
                    0.27976153, 0.24413752, 0.23673674, 0.18882307, 0.02868829, 0.02185285,
                ],
                predictions: &[137.96205954320502, 111.37365604526077, 147.63076435539816],
            },
        ),
    ] {
        check(&data, boost, &oracle);
    }
}
