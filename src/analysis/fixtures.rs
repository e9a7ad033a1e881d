//! Made-up records for tests; every number is a function of its place, none of a clock or a random generator.

mod samples;

pub use samples::prices;

use std::collections::HashMap;
use std::path::PathBuf;

use super::calibration::Calibration;
use super::dummy::{ClassCounts, Dummy};
use super::{Input, Summary};
use sweep_core::trial::{
    ConfigId, DataDigest, Goal, Kind, ModelSpec, Objective, Params, Status, Transfer, TrialId,
    TrialSpec, Value, complete,
};
use sweep_store::{
    AttemptRecord, Curve, DatasetRecord, ExperimentRecord, SessionRecord, SlotEventRecord,
    TrialRecord,
};

pub const GENRES: [&str; 6] = ["edm", "latin", "pop", "r&b", "rap", "rock"];

/// An experiment with no trials yet.
pub fn empty(classes: &[&str]) -> Input {
    Input {
        experiment: ExperimentRecord {
            searches: Vec::new(),
            name: "genres".to_owned(),
            file_path: PathBuf::from("experiments/genres.toml"),
            file_text: "[experiment]\nname = \"genres\"\n".to_owned(),
            flags: Vec::new(),
            edition: sweep_core::data_config::Edition::default(),
            objective: Objective::default(),
            dataset: DatasetRecord {
                digest: digest(),
                source: PathBuf::from("data/songs.csv"),
                source_sha256: "ab".repeat(32),
                features: vec!["energy".to_owned(), "tempo".to_owned()],
                classes: classes.iter().map(|name| (*name).to_owned()).collect(),
                train_rows: 19_700,
                valid_rows: 6_566,
                test_rows: 6_567,
                notes: vec!["5 rows without track_name were left out".to_owned()],
            },
            folds: Vec::new(),
            sessions: vec![SessionRecord {
                id: 1,
                started_ms: 1_772_323_200_000,
                ended_ms: Some(1_772_326_800_000),
                outcome: "finished".to_owned(),
                command: "sweep run experiments/genres.toml".to_owned(),
                host: "mill".to_owned(),
                pid: 4_711,
                version: "0.1.0".to_owned(),
                git_commit: None,
                working_tree: None,
                file: None,
                environment: Vec::new(),
            }],
            trials: Vec::new(),
        },
        curves: HashMap::new(),
        confusion: HashMap::new(),
        importance: HashMap::new(),
        test: None,
        calibration: Vec::new(),
        regions: Vec::new(),
        learned: None,
        dummy: None,
        ensemble: None,
        searches: Vec::new(),
        row_losses: HashMap::new(),
        row_numbers: HashMap::new(),
        evidence: None,
        attempts: Vec::new(),
        slot_events: Vec::new(),
        test_evaluations: 0,
        parts: Vec::new(),
        running: Vec::new(),
        query: None,
        lacking: Vec::new(),
    }
}

/// Networks over layers, lr and dropout, both baselines, three seeds; one diverged, one failed, one
/// pending, one fallen out of the plan.
pub fn genres() -> Input {
    let mut input = empty(&GENRES);
    for (l, layers) in [vec![64, 32], vec![128, 16]].into_iter().enumerate() {
        for (r, lr) in [1e-4, 1e-3, 1e-2].into_iter().enumerate() {
            for (d, dropout) in [0.3, 0.7].into_iter().enumerate() {
                let score = 0.52 + 0.01 * l as f64 + 0.03 * r as f64 - 0.02 * d as f64;
                let widths = layers.iter().map(|width| Value::Int(*width)).collect();
                let settings = [
                    ("layers", Value::List(widths)),
                    ("lr", Value::Float(lr)),
                    ("dropout", Value::Float(dropout)),
                ];
                for seed in 1..=3 {
                    add(&mut input, Kind::MLP, &settings, seed, score, 20);
                }
            }
        }
    }
    for (place, depth) in [5, 10].into_iter().enumerate() {
        for seed in 1..=3 {
            let score = 0.565 + 0.008 * place as f64;
            let settings = [("max_depth", Value::Int(depth))];
            add(&mut input, Kind::XGBOOST, &settings, seed, score, 120);
        }
    }
    for seed in 1..=3 {
        add(&mut input, Kind::RANDOM_FOREST, &[], seed, 0.548, 0);
    }
    let trials = &mut input.experiment.trials;
    stop(
        &mut trials[35],
        Status::Diverged,
        "loss was not finite at epoch 3",
    );
    stop(
        &mut trials[4],
        Status::Failed,
        "=cmd|' /C calc'!A0: worker killed by signal 9",
    );
    stop(&mut trials[8], Status::Pending, "");
    trials[11].in_plan = false;
    trials[4].cause = Some("crashed".to_owned());
    trials[0].tags = vec!["to_keep".to_owned()];
    worked(&mut input);
    believed(&mut input);
    samples::undecided(&mut input);
    input
}

/// Two sessions on two slots with an attempt at every trial, the second of them cut off; one slot given
/// up.
fn worked(input: &mut Input) {
    let mut second = input.experiment.sessions[0].clone();
    let begun = second.started_ms;
    second.id = 2;
    second.started_ms += 86_400_000;
    second.ended_ms = None;
    second.outcome = "running".to_owned();
    second.environment = vec![("cpu".to_owned(), "a mill".to_owned())];
    input.experiment.sessions.push(second);
    for (place, trial) in input.experiment.trials.iter().enumerate() {
        let session = 1 + i64::from(place >= 30);
        let lane = place as i64 / 2 * 110_000;
        let started_ms = begun + (session - 1) * 86_400_000 + lane - (session - 1) * 15 * 110_000;
        let (outcome, message) = match trial.status {
            Status::Finished => ("finished", None),
            Status::Diverged => ("diverged", trial.message.clone()),
            Status::Failed => ("crashed", trial.message.clone()),
            Status::Pending | Status::Running | Status::Interrupted | Status::Pruned => {
                ("interrupted", None)
            }
        };
        input.attempts.push((
            trial.id.clone(),
            AttemptRecord {
                session,
                number: place as u64 + 1,
                slot: format!("cpu:{}", place % 2),
                engine: "native".to_owned(),
                pid: 4_712,
                started_ms,
                ended_ms: (place != 40).then_some(started_ms + 100_000),
                outcome: outcome.to_owned(),
                exit_code: None,
                signal: None,
                message,
                log_tail: None,
                resumed_from: None,
                warnings: Vec::new(),
            },
        ));
    }
    for (what, at_ms, message) in [
        ("worker_started", begun, None),
        (
            "retired",
            begun + 1_500_000,
            Some("three attempts in a row failed"),
        ),
    ] {
        input.slot_events.push(SlotEventRecord {
            session: 1,
            slot: "cpu:1".to_owned(),
            at_ms,
            event: what.to_owned(),
            engine: None,
            pid: None,
            message: message.map(str::to_owned),
        });
    }
}

/// The calibration of the best of each kind: networks claim too much, trees too little.
fn believed(input: &mut Input) {
    let summary = Summary::of(&input.experiment);
    for (kind, excess) in [
        (Kind::MLP, 0.08),
        (Kind::XGBOOST, -0.05),
        (Kind::RANDOM_FOREST, -0.1),
    ] {
        let Some(best) = summary.best_of(kind) else {
            continue;
        };
        let claims = (0..1_000).map(|row| {
            let claim = 0.3 + 0.6 * f64::from(row % 100) / 100.0;
            (claim, f64::from(row / 100) < 10.0 * (claim - excess))
        });
        let claims: Vec<(f64, bool)> = claims.collect();
        let models = [claims.clone(), claims];
        input
            .calibration
            .extend(Calibration::of(best.id.clone(), &models));
    }
}

/// Trees of two kinds, two seeds each, on 40 validation rows of which 34 are of one class: the best gets one row more right
/// than naming that class does, and a network fewer.
pub fn imbalanced() -> Input {
    let mut input = empty(&["0", "1"]);
    (input.experiment.name, input.experiment.dataset.valid_rows) = ("imbalanced".to_owned(), 40);
    input.experiment.dataset.train_rows = 100;
    let counts = ClassCounts {
        train: vec![85, 15],
        valid: vec![34, 6],
    };
    input.dummy = Dummy::of_classes(&input.experiment.dataset.classes, &counts);
    for (kind, right) in [
        (Kind::MLP, [33, 0]),
        (Kind::XGBOOST, [34, 1]),
        (Kind::RANDOM_FOREST, [34, 0]),
    ] {
        for seed in 1..=2 {
            add(&mut input, kind, &[], seed, 0.0, 20);
            let trial = (input.experiment.trials.last_mut()).expect("a trial was added");
            let value = (right[0] + right[1]) as f64 / 40.0;
            (trial.best, trial.last) = (Some(value), Some(value));
            let loss = 0.6 - 0.2 * value + 0.001 * seed as f64;
            trial.metrics = vec![
                ("valid/accuracy".to_owned(), value),
                ("valid/loss".to_owned(), loss),
            ];
            let matrix = vec![vec![right[0], 34 - right[0]], vec![6 - right[1], right[1]]];
            input.confusion.insert(trial.id.clone(), matrix);
        }
    }
    input
}

/// `number` networks over five settings, one seed each, with curves of five metrics over 20 epochs.
pub fn crowd(number: usize) -> Input {
    let mut input = empty(&GENRES);
    for place in 0..number {
        let spread = |factor: usize| (place * factor % number) as f64 / number as f64;
        let params = vec![
            (
                "layers".to_owned(),
                Value::List(vec![Value::Int(16 << (place % 5)), Value::Int(32)]),
            ),
            (
                "lr".to_owned(),
                Value::Float(10f64.powf(-4.0 + 2.0 * spread(7))),
            ),
            (
                "dropout".to_owned(),
                Value::Float((place / 5 % 8) as f64 / 10.0),
            ),
            ("batch_norm".to_owned(), Value::Bool(place % 3 == 0)),
            (
                "optimizer".to_owned(),
                Value::Text(["adam", "sgd"][place / 40 % 2].to_owned()),
            ),
            ("epochs".to_owned(), Value::Int(20)),
        ];
        let best = 0.3 + 0.25 * (3.0 * spread(7)).sin() + 0.05 * spread(31);
        let mut trial = by_hand(place, params, best);
        trial.seconds = Some(0.5 + 4.0 * spread(13));
        trial.metrics = vec![
            ("valid/accuracy".to_owned(), best),
            ("valid/loss".to_owned(), 2.0 - best),
        ];
        let mut all = curves(best, 20);
        let more = ["valid/macro_f1", "train/accuracy"].map(|metric| Curve {
            metric: metric.to_owned(),
            points: all[2].points.clone(),
        });
        all.extend(more);
        input.curves.insert(trial.id.clone(), all);
        input.experiment.trials.push(trial);
    }
    worked(&mut input);
    input
}

/// Adds a finished trial of `kind` with `settings` that scores about `score` after `steps` epochs or
/// rounds, and all that it leaves behind.
pub fn add(
    input: &mut Input,
    kind: Kind,
    settings: &[(&str, Value)],
    seed: u64,
    score: f64,
    steps: u32,
) {
    let mut model = ModelSpec::new(kind);
    for (key, value) in settings {
        model
            .set(key, value)
            .unwrap_or_else(|_| panic!("{key} = {value}"));
    }
    let spec = TrialSpec::new(model, seed, input.experiment.objective.clone());
    add_spec(input, &spec, score, steps);
}

/// Adds a finished trial of `spec`, likewise.
fn add_spec(input: &mut Input, spec: &TrialSpec, score: f64, steps: u32) {
    let (kind, seed) = (spec.model.kind(), spec.seed);
    let id = spec.id(&digest());
    let wobble = 0.004 * ((seed * 5 + input.experiment.trials.len() as u64 * 3) % 7) as f64;
    let best = score + wobble;
    let classes = input.experiment.dataset.classes.len();
    input.experiment.trials.push(trial(spec, best, steps));
    if steps > 0 {
        input.curves.insert(id.clone(), curves(best, steps));
    }
    input.confusion.insert(id.clone(), confusion(classes, best));
    if kind.is_baseline() {
        let names = (0..24).map(|place| match place {
            0 => "track_album_release_date (year)".to_owned(),
            1 => "danceability".to_owned(),
            place => format!("feature_{place}"),
        });
        let shares = names
            .enumerate()
            .map(|(place, name)| (name, 0.75f64.powi(place as i32) / 4.0));
        input.importance.insert(id, shares.collect());
    }
}

/// A learning curve of two networks and a forest; one network also transferred, with three seeds.
pub fn transferred() -> Input {
    let mut input = empty(&GENRES);
    for fraction in [0.1, 0.5, 1.0] {
        for seed in 1..=3 {
            for (start, freeze) in [None, Some(0), Some(2)].into_iter().enumerate() {
                let head_start = 0.06 * start.min(1) as f64 * (1.0 - fraction);
                let score = 0.5 + 0.08 * fraction + head_start - 0.01 * freeze.unwrap_or(0) as f64;
                let model = ModelSpec::new(Kind::MLP);
                let mut spec = TrialSpec::new(model, seed, Objective::default());
                spec.train_fraction = fraction;
                spec.transfer = freeze.map(|freeze| Transfer {
                    source: TrialId::from_hex("ab".repeat(16)),
                    weights: "0".repeat(64),
                    layers: 2,
                    freeze,
                    lr: 1e-4,
                });
                add_spec(&mut input, &spec, score, 20);
            }
            let forest = ModelSpec::new(Kind::RANDOM_FOREST);
            let mut spec = TrialSpec::new(forest, seed, Objective::default());
            spec.train_fraction = fraction;
            add_spec(&mut input, &spec, 0.48 + 0.1 * fraction, 0);
        }
    }
    for trial in &mut input.experiment.trials {
        let fraction = trial.params.iter().find(|(key, _)| key == "train_fraction");
        let fraction = fraction
            .and_then(|(_, fraction)| fraction.as_f64())
            .unwrap_or(1.0);
        let rows = (19_700.0 * fraction).round();
        let new_rows = (3_600.0 * fraction).round();
        trial.metrics.push(("train/rows".to_owned(), rows));
        trial.metrics.push(("train/new_rows".to_owned(), new_rows));
    }
    let trials = &mut input.experiment.trials;
    complete(
        trials
            .iter_mut()
            .map(|trial| (trial.kind, &mut trial.params)),
    );
    input
}

/// Takes the result from `trial` and leaves it at `status`.
pub fn stop(trial: &mut TrialRecord, status: Status, message: &str) {
    trial.status = status;
    trial.best = None;
    trial.best_step = None;
    trial.last = None;
    trial.metrics = Vec::new();
    trial.message = (!message.is_empty()).then(|| message.to_owned());
}

pub fn minimise_loss(input: &mut Input) {
    input.experiment.objective = Objective {
        metric: "valid/loss".to_owned(),
        goal: Goal::Min,
    };
}

/// A trial by hand, where settings that no model takes are wanted.
pub fn by_hand(place: usize, params: Params, best: f64) -> TrialRecord {
    TrialRecord {
        id: TrialId::from_hex(format!("{:032x}", place + 1)),
        config: ConfigId::from_hex(format!("{:032x}", place + 1)),
        kind: Kind::MLP,
        seed: 1,
        fold: None,
        status: Status::Finished,
        in_plan: true,
        params,
        best: Some(best),
        best_step: Some(1),
        last: Some(best),
        steps: Some(1),
        parameters: Some(10),
        seconds: Some(1.0),
        metrics: Vec::new(),
        message: None,
        cause: None,
        tags: Vec::new(),
        notes: Vec::new(),
    }
}

fn trial(spec: &TrialSpec, best: f64, steps: u32) -> TrialRecord {
    TrialRecord {
        id: spec.id(&digest()),
        config: spec.config_id(&digest()),
        kind: spec.model.kind(),
        seed: spec.seed,
        fold: None,
        status: Status::Finished,
        in_plan: true,
        params: spec.params(),
        best: Some(best),
        best_step: Some((steps * 3 / 4).max(1)),
        last: Some(best - 0.01),
        steps: Some(steps.max(1)),
        parameters: Some(3_270),
        seconds: Some(4.25),
        metrics: vec![
            ("valid/accuracy".to_owned(), best),
            ("valid/loss".to_owned(), 2.0 - best),
        ],
        message: None,
        cause: None,
        tags: Vec::new(),
        notes: Vec::new(),
    }
}

/// Losses that fall and a validation loss that turns; an accuracy that rises to `best`.
fn curves(best: f64, steps: u32) -> Vec<Curve> {
    let curve = |metric: &str, value: &dyn Fn(f64) -> f64| Curve {
        metric: metric.to_owned(),
        points: (1..=steps)
            .map(|step| (step, value(f64::from(step) / f64::from(steps))))
            .collect(),
    };
    vec![
        curve("train/loss", &|t| {
            0.9 + 0.9 * (-3.0 * t).exp() - 0.2 * t - best / 10.0
        }),
        curve("valid/loss", &|t| {
            1.1 + 0.7 * (-4.0 * t).exp() + 0.1 * t * t - best / 10.0
        }),
        curve("valid/accuracy", &|t| best * (1.0 - 0.5 * (-5.0 * t).exp())),
    ]
}

fn confusion(classes: usize, best: f64) -> Vec<Vec<u64>> {
    let count = |actual: usize, predicted: usize| match actual == predicted {
        true => (1_000.0 * best.min(1.0)) as u64 + 20 * actual as u64,
        false => ((actual * 31 + predicted * 17) % 90) as u64,
    };
    (0..classes)
        .map(|actual| {
            (0..classes)
                .map(|predicted| count(actual, predicted))
                .collect()
        })
        .collect()
}

fn digest() -> DataDigest {
    DataDigest::from_hex("0123456789abcdef".repeat(4))
}
