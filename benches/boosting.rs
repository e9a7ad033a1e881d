//! Takes the CPU time of 300 rounds of XGBoost, or with `SWEEP_BENCH_LIGHTGBM` of LightGBM, on one thread, on the arrays in
//! the folder `SWEEP_BENCH_DATA`, which `benches/boosting.py` writes; that script runs this in turn with Python's package.
//! With `SWEEP_BENCH_SOFTPROB`, two classes take two trees a round of XGBoost. Prints what was measured; asserts nothing.

use std::path::Path;

use sweep_core::trial::models::{BinaryObjective, LightgbmSpec, StoppingMetric, XgboostSpec};
use sweep_core::trial::{ModelSpec, Objective, TrialSpec};
use sweep_data::Dataset;
use sweep_engine::{Callback, Control, Epoch, Job, Outcome};

struct Silent;

impl Callback for Silent {
    fn epoch(&mut self, _: &Epoch, _: &mut dyn FnMut() -> Vec<u8>) -> Control {
        Control::Continue
    }
}

fn main() {
    let Some(folder) = std::env::var_os("SWEEP_BENCH_DATA") else {
        println!("SWEEP_BENCH_DATA is not set: run benches/boosting.py");
        return;
    };
    let [train, valid] = ["train", "valid"].map(|name| read(Path::new(&folder), name));
    let classes = train.1.iter().max().map_or(0, |most| *most as usize + 1);
    let data = Dataset::in_memory(train.0.len() / train.1.len(), classes, train, valid);
    let model = match std::env::var_os("SWEEP_BENCH_LIGHTGBM") {
        None => xgboost(),
        Some(_) => ModelSpec::from(LightgbmSpec {
            rounds: 300,
            ..LightgbmSpec::default()
        }),
    };
    let spec = TrialSpec::new(model, 1, Objective::default());
    let to = tempfile::tempdir().expect("a temporary folder");
    let job = Job::new(&spec, &data, to.path());
    let began = cpu_seconds();
    match sweep_engine::train(job, None, &mut Silent) {
        Ok(Outcome::Done(result)) => {
            let loss = result.metrics.iter().find(|(name, _)| name == "valid/loss");
            let loss = loss.expect("the loss is measured").1;
            println!("{} {loss}", cpu_seconds() - began);
        }
        other => panic!("{other:?}"),
    }
}

fn xgboost() -> ModelSpec {
    ModelSpec::from(XgboostSpec {
        rounds: 300,
        eta: 0.1,
        early_stopping_metric: StoppingMetric::Loss,
        binary_objective: match std::env::var_os("SWEEP_BENCH_SOFTPROB") {
            None => BinaryObjective::Logistic,
            Some(_) => BinaryObjective::Softprob,
        },
        ..XgboostSpec::default()
    })
}

/// CPU time of all threads of this process.
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

fn read(folder: &Path, name: &str) -> (Vec<f32>, Vec<u32>) {
    let bytes = |kind: &str| -> Vec<[u8; 4]> {
        let path = folder.join(format!("{name}.{kind}"));
        let bytes =
            std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        bytes.as_chunks().0.to_vec()
    };
    let x = bytes("x").into_iter().map(f32::from_le_bytes).collect();
    (x, bytes("y").into_iter().map(u32::from_le_bytes).collect())
}
