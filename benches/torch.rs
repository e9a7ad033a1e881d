//! Speed of the torch engine beside the native one, one trial at a time and in groups, interleaved.
//!
//!     LIBTORCH=$(src/sweep-torch/libtorch.sh) cargo bench -p sweep-torch --bench torch
//!     ... -- [cpu|cuda] [shapes] [grid]     the device, and one of the two parts
//!     ... -- cuda grid epochs=5             groups of the grid are trained for so many epochs, not 20
//!     PYTHON=python3 ... -- shapes          beside eager PyTorch as well
//!
//! On a CPU times are CPU-seconds of one core, on a GPU they are seconds. What the numbers mean stands in
//! docs/PERFORMANCE.md.

use std::process::Command;
use std::time::Instant;

use sweep_core::random::{Purpose, Stream};
use sweep_core::trial::models::{BatchSize, MlpSpec, Optimizer};
use sweep_core::trial::{ModelSpec, Objective, TrialSpec, Value};
use sweep_data::Dataset;
use sweep_engine::models::mlp::Native;
use sweep_engine::{Backend, BatchedTrial, Callback, Control, Epoch, Job};
use sweep_scheduler::can_batch;
use sweep_torch::{Torch, device};
use tch::Device;

const FEATURES: usize = 14;
const CLASSES: usize = 5;
/// Rows of the grid; the shapes are measured on fewer, with hardly any to validate on.
const GRID_ROWS: [usize; 2] = [16_074, 5_358];
const SHAPE_ROWS: [usize; 2] = [4096, 64];
/// Of shapes that are measured on a share of these rows, and that share.
const WIDE: (usize, usize) = (256, 8);
const GRID_EPOCHS: u32 = 20;
const ROUNDS: usize = 3;
const GROUPS: [usize; 4] = [1, 4, 16, 64];

fn main() {
    let asked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let says = |word: &str| asked.iter().any(|argument| argument == word);
    let device = match says("cuda") {
        true => device::first_gpu().unwrap_or_else(|why| panic!("{why}")),
        false => Device::Cpu,
    };
    println!("libtorch on {device:?}: {}", device::describe());
    let both = !says("shapes") && !says("grid");
    if both || says("shapes") {
        shapes(device);
    }
    if both || says("grid") {
        let epochs = asked.iter().find_map(|word| word.strip_prefix("epochs="));
        let epochs = epochs.map(|epochs| epochs.parse().expect("epochs=N, a number"));
        let usual = if device.is_cuda() { GRID_EPOCHS } else { 1 };
        grid(device, epochs.unwrap_or(usual));
    }
}

/// Samples a second for several widths and batches: native, torch alone and in groups, eager PyTorch.
fn shapes(device: Device) {
    println!("samples a second, median of {ROUNDS} interleaved rounds");
    println!(
        "{:<12} {:>5} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}",
        "layers", "batch", "native", "torch", "4", "16", "64", "eager"
    );
    for layers in [
        vec![64, 32],
        vec![16, 16, 16],
        vec![128, 128],
        vec![512, 512],
    ] {
        let share = if layers[0] < WIDE.0 { 1 } else { WIDE.1 };
        let data = made_up([SHAPE_ROWS[0] / share, SHAPE_ROWS[1]]);
        for batch in [16, 32, 256] {
            let spec = MlpSpec {
                layers: layers.clone(),
                batch_size: BatchSize::Rows(batch),
                batch_norm: true,
                dropout: 0.3,
                weight_decay: 1e-4,
                clip_norm: 1.5,
                epochs: 3,
                ..MlpSpec::default()
            };
            let mut found: Vec<Vec<f64>> = vec![Vec::new(); 2 + GROUPS.len()];
            for _ in 0..ROUNDS {
                found[0].push(speed(&mut Native, &alike(&spec, 1), &data, false));
                for (place, lanes) in GROUPS.into_iter().enumerate() {
                    let mut torch = Torch::new(device);
                    let specs = alike(&spec, lanes);
                    found[1 + place].push(speed(&mut torch, &specs, &data, device.is_cuda()));
                }
                found[1 + GROUPS.len()].extend(eager(&layers, batch, device));
            }
            let shown: Vec<String> = found
                .into_iter()
                .map(|mut numbers| match numbers.is_empty() {
                    true => format!("{:>10}", "-"),
                    false => format!("{:>9.1}k", median(&mut numbers) / 1e3),
                })
                .collect();
            println!(
                "{:<12} {batch:>5} {}",
                format!("{layers:?}"),
                shown.join(" ")
            );
        }
    }
}

/// The grid of 192 networks of `experiments/genres_grid.toml` on as many rows: groups from `epochs` epochs of each, one at
/// a time and native from an epoch of every shape.
fn grid(device: Device, epochs: u32) {
    let data = made_up(GRID_ROWS);
    let groups = grid_groups();
    let trials: usize = groups.iter().map(Vec::len).sum();
    let mut torch = Torch::new(device);
    let (mut fused, mut alone, mut native) = (0.0, 0.0, 0.0);
    for group in &groups {
        let of = |epochs: u32| -> Vec<TrialSpec> {
            let mut group = group.clone();
            for trial in &mut group {
                let epochs = Value::Int(epochs.into());
                trial
                    .model
                    .set("epochs", &epochs)
                    .expect("epochs are an integer");
            }
            group
        };
        let scale = f64::from(GRID_EPOCHS);
        fused +=
            seconds(&mut torch, &of(epochs), &data, device.is_cuda()) * scale / f64::from(epochs);
        // One that normalises and one that does not: the first and the last.
        let ends = of(1);
        let ends = [&ends[..1], &ends[ends.len() - 1..]];
        let scale = scale * group.len() as f64 / ends.len() as f64;
        for one in ends {
            alone += seconds(&mut torch, one, &data, device.is_cuda()) * scale;
            native += seconds(&mut Native, one, &data, false) * scale;
        }
    }
    println!(
        "{trials} backend, {GRID_EPOCHS} epochs of {} rows, {} groups",
        GRID_ROWS[0],
        groups.len()
    );
    println!("  torch, groups (epochs trained of each: {epochs}): {fused:.0} s");
    println!(
        "  torch, one at a time (from an epoch of each shape, with and without normalisation): {alone:.0} s, \
         {:.1} times as long",
        alone / fused
    );
    println!("  native, one core (from the same): {native:.0} s");
}

/// The networks of the grid, in groups of those that can be trained together.
fn grid_groups() -> Vec<Vec<TrialSpec>> {
    let mut groups: Vec<Vec<TrialSpec>> = Vec::new();
    for trial in grid_trials() {
        match groups.iter_mut().find(|group| can_batch(&group[0], &trial)) {
            Some(group) => group.push(trial),
            None => groups.push(vec![trial]),
        }
    }
    groups
}

fn grid_trials() -> Vec<TrialSpec> {
    let mut trials = Vec::new();
    for layers in [vec![64, 32], vec![16, 16, 16], vec![128, 16]] {
        for batch_norm in [true, false] {
            for batch in [16, 32] {
                for optimizer in [Optimizer::ADAM, Optimizer::SGD] {
                    for dropout in [0.3, 0.7] {
                        for lr in [1e-3, 1e-4] {
                            for clip_norm in [0.5, 1.5] {
                                trials.push(trial(MlpSpec {
                                    layers: layers.clone(),
                                    batch_norm,
                                    batch_size: BatchSize::Rows(batch),
                                    optimizer,
                                    dropout,
                                    lr,
                                    clip_norm,
                                    weight_decay: 1e-4,
                                    ..MlpSpec::default()
                                }));
                            }
                        }
                    }
                }
            }
        }
    }
    trials
}

fn trial(model: MlpSpec) -> TrialSpec {
    TrialSpec::new(ModelSpec::from(model), 1, Objective::default())
}

/// `lanes` trials of `spec` that differ in learning rate.
fn alike(spec: &MlpSpec, lanes: usize) -> Vec<TrialSpec> {
    (0..lanes)
        .map(|lane| {
            trial(MlpSpec {
                lr: 1e-4 * (1 + lane) as f64,
                ..spec.clone()
            })
        })
        .collect()
}

/// Samples a second over all epochs but the first.
fn speed(engine: &mut dyn Backend, specs: &[TrialSpec], data: &Dataset, by_wall: bool) -> f64 {
    let times = train(engine, specs, data, by_wall);
    let epochs = (times.len() - 1) as f64;
    let samples = (data.train().y.len() * specs.len()) as f64 * epochs;
    samples / (times[times.len() - 1] - times[0])
}

/// Seconds of training `specs` together, from beginning to end.
fn seconds(engine: &mut dyn Backend, specs: &[TrialSpec], data: &Dataset, by_wall: bool) -> f64 {
    *train(engine, specs, data, by_wall)
        .last()
        .expect("there are epochs")
}

/// Trains `specs` together; the times since the beginning at which the first one's epochs ended.
fn train(engine: &mut dyn Backend, specs: &[TrialSpec], data: &Dataset, by_wall: bool) -> Vec<f64> {
    let folder = std::env::temp_dir().join(format!("sweep-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the temporary folder can be written");
    let start = now(by_wall);
    let mut watches: Vec<Times> = specs
        .iter()
        .map(|_| Times {
            by_wall,
            start,
            ends: Vec::new(),
        })
        .collect();
    let lanes = specs
        .iter()
        .zip(&mut watches)
        .map(|(spec, callback)| BatchedTrial {
            job: Job::new(spec, data, &folder),
            checkpoint: None,
            callback,
        })
        .collect();
    engine.train(lanes, &mut |_, outcome| {
        outcome.unwrap_or_else(|error| panic!("{error}"));
    });
    std::fs::remove_dir_all(&folder).expect("the temporary folder can be removed");
    watches.swap_remove(0).ends
}

/// When epochs end.
struct Times {
    by_wall: bool,
    start: f64,
    ends: Vec<f64>,
}

impl Callback for Times {
    fn epoch(&mut self, _: &Epoch, _: &mut dyn FnMut() -> Vec<u8>) -> Control {
        self.ends.push(now(self.by_wall) - self.start);
        Control::Continue
    }
}

/// Seconds on the wall, or CPU-seconds of this thread.
fn now(by_wall: bool) -> f64 {
    if by_wall {
        static BEGAN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        return BEGAN.get_or_init(Instant::now).elapsed().as_secs_f64();
    }
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid place for the answer.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Samples a second of eager PyTorch, where PYTHON names a Python that has it.
fn eager(layers: &[usize], batch: usize, device: Device) -> Option<f64> {
    let python = std::env::var_os("PYTHON")?;
    let widths: Vec<String> = layers.iter().map(ToString::to_string).collect();
    let output = Command::new(python)
        .arg("benches/eager_torch.py")
        .args([
            widths.join(","),
            batch.to_string(),
            FEATURES.to_string(),
            CLASSES.to_string(),
            "2".to_owned(),
            if device.is_cuda() { "cuda" } else { "cpu" }.to_owned(),
        ])
        .output()
        .expect("PYTHON can be started");
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}

fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// Normal features, and classes that depend on them.
fn made_up([train, valid]: [usize; 2]) -> Dataset {
    let side = |rows: usize, step: u32| {
        let numbers = Stream::new(1, Purpose::Synthetic, 9, step);
        let x: Vec<f32> = (0..rows * FEATURES)
            .map(|place| numbers.normal(place as u32) as f32)
            .collect();
        let y = x.chunks(FEATURES).map(|row| {
            let score = row[0] + row[1] * row[2];
            ((score + 2.0).max(0.0) as u32).min(CLASSES as u32 - 1)
        });
        let y = y.collect();
        (x, y)
    };
    Dataset::in_memory(FEATURES, CLASSES, side(train, 0), side(valid, 1))
}
