//! Takes the CPU time of the tree baselines on one thread: on made-up rows, and on the arrays of `benches/real_data.py`
//! when `SWEEP_BENCH_DATA` names their folder. Prints what was measured; asserts nothing.

use std::path::Path;

use sweep_core::random::{Purpose, Stream};
use sweep_core::trial::models::{RandomForestSpec, XgboostSpec};
use sweep_core::trial::{ModelSpec, Objective, TrialResult, TrialSpec};
use sweep_data::{Dataset, Inputs};
use sweep_engine::models::{random_forest, xgboost};
use sweep_engine::{Callback, Control, Epoch, Job, Outcome};

struct Silent;

impl Callback for Silent {
    fn epoch(&mut self, _: &Epoch, _: &mut dyn FnMut() -> Vec<u8>) -> Control {
        Control::Continue
    }
}

type Side = (Vec<f32>, Vec<u32>);

fn main() {
    let real = std::env::var_os("SWEEP_BENCH_DATA");
    let (features, classes, train, valid, test) = match &real {
        Some(folder) => {
            let [train, valid, test] =
                ["train", "valid", "test"].map(|name| read(Path::new(folder), name));
            let classes = train.1.iter().max().map_or(0, |most| *most as usize + 1);
            (train.0.len() / train.1.len(), classes, train, valid, test)
        }
        None => (
            14,
            5,
            made_up(0, 16_000),
            made_up(1, 5_000),
            made_up(2, 5_000),
        ),
    };
    println!(
        "{} training rows, {features} features, {classes} classes",
        train.1.len()
    );
    let data = Dataset::in_memory(features, classes, train, valid);
    for seed in 1..=3 {
        let model = RandomForestSpec {
            trees: 300,
            max_depth: 20,
            ..RandomForestSpec::default()
        };
        let (result, folder) = time("forest", &data, ModelSpec::from(model), seed);
        let kept = random_forest::load(folder.path()).expect("a forest was saved");
        report(&result, accuracy(&kept.predict(&test.0), &test.1));
    }
    match xgboost::locate() {
        Err(missing) => println!("xgboost left out: {missing}"),
        Ok(located) => {
            println!("xgboost {:?} from {}", located.version, located.by);
            for (max_depth, seed) in [(5, 1), (5, 2), (5, 3), (10, 1), (10, 2), (10, 3)] {
                let model = XgboostSpec {
                    rounds: 300,
                    early_stopping_rounds: 20,
                    eta: 0.1,
                    subsample: 0.9,
                    max_depth,
                    ..XgboostSpec::default()
                };
                let name = format!("xgboost depth {max_depth}");
                let (result, folder) = time(&name, &data, ModelSpec::from(model), seed);
                let mut kept = xgboost::load(folder.path()).expect("a model was saved");
                let probabilities = kept
                    .predict(Inputs::complete(&test.0))
                    .expect("the test rows are whole");
                report(&result, accuracy(&probabilities, &test.1));
            }
        }
    }
}

fn time(
    name: &str,
    data: &Dataset,
    model: ModelSpec,
    seed: u64,
) -> (TrialResult, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let spec = TrialSpec::new(model, seed, Objective::default());
    let job = Job::new(&spec, data, folder.path());
    let began = cpu_seconds();
    match sweep_engine::train(job, None, &mut Silent) {
        Ok(Outcome::Done(result)) => {
            print!("{name}, seed {seed}: {:.2} CPU-s, ", cpu_seconds() - began);
            (*result, folder)
        }
        other => panic!("{other:?}"),
    }
}

/// CPU time of all threads of this process: other work on the machine touches it far less than the clock.
fn cpu_seconds() -> f64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: a place to write to.
    let code = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    assert_eq!(code, 0, "the CPU clock can be read");
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

fn report(result: &TrialResult, test: f64) {
    let steps = format!("step {} of {}", result.best_step, result.steps);
    let best = result.best.expect("an objective was measured");
    print!(
        "{steps}, valid {best:.4}, test {test:.4}, leaves {}",
        result.parameters
    );
    let loss = result.metrics.iter().find(|(name, _)| name == "valid/loss");
    println!(", valid loss {:.4}", loss.expect("the loss is measured").1);
}

fn accuracy(probabilities: &[f32], labels: &[u32]) -> f64 {
    let classes = probabilities.len() / labels.len();
    let right = probabilities
        .chunks(classes)
        .zip(labels)
        .filter(|(row, label)| sweep_engine::score::argmax(row) == **label as usize);
    right.count() as f64 / labels.len() as f64
}

fn read(folder: &Path, name: &str) -> Side {
    let bytes = |kind: &str| -> Vec<[u8; 4]> {
        let path = folder.join(format!("{name}.{kind}"));
        let bytes =
            std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        bytes.as_chunks().0.to_vec()
    };
    let x = bytes("x").into_iter().map(f32::from_le_bytes).collect();
    (x, bytes("y").into_iter().map(u32::from_le_bytes).collect())
}

/// Fourteen normal features; the class is one of five bands of a noisy sum of three of them.
fn made_up(side: u32, rows: usize) -> Side {
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for row in 0..rows {
        let stream = Stream::new(1, Purpose::Synthetic, side, row as u32);
        let values: Vec<f64> = (0..15).map(|index| stream.normal(index)).collect();
        let score = values[0] + values[1] * values[2] + values[3].abs() + values[14];
        x.extend(values[..14].iter().map(|value| *value as f32));
        y.push((score + 1.5).clamp(0.0, 4.0) as u32);
    }
    (x, y)
}
