//! Speed of the CPU engine, in CPU-seconds of one core, so that a busy machine disturbs little.
//!
//!     cargo bench --bench native                       peak, both shapes, the grid, categories
//!     cargo bench --bench native -- peak|shapes|grid|categories   one of them
//!     PYTHON=python3 cargo bench --bench native -- eager   beside eager PyTorch, interleaved
//!
//! What the numbers mean stands in docs/PERFORMANCE.md.

use std::process::Command;

use gemm_common::Parallelism;
use sweep_core::random::{Purpose, Stream};
use sweep_core::trial::models::{BatchSize, CategoryEmbedding, MlpSpec, Optimizer};
use sweep_core::trial::{ModelSpec, Objective, TrialSpec};
use sweep_data::{Dataset, FittedField};
use sweep_engine::models::mlp;
use sweep_engine::{Callback, Control, Epoch, Job};

const FEATURES: usize = 14;
const CLASSES: usize = 5;
const TRAIN_ROWS: usize = 16_074;
const VALID_ROWS: usize = 5_358;
const GRID_EPOCHS: u32 = 20;
const ROUNDS: usize = 3;

fn main() {
    // `cargo bench` adds `--bench`.
    let asked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    let wants = |name: &str| asked.is_empty() && name != "eager" || asked.iter().any(|a| a == name);
    if wants("peak") {
        peak();
    }
    if wants("shapes") {
        shapes();
    }
    if wants("grid") {
        grid();
    }
    if wants("categories") {
        categories();
    }
    if wants("eager") {
        eager();
    }
}

/// CPU-seconds used by this thread.
fn clock() -> f64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid place for the answer.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// CPU-seconds of each epoch.
struct Epochs {
    last: f64,
    seconds: Vec<f64>,
}

impl Callback for Epochs {
    fn epoch(&mut self, _: &Epoch, _: &mut dyn FnMut() -> Vec<u8>) -> Control {
        let now = clock();
        self.seconds.push(now - self.last);
        self.last = now;
        Control::Continue
    }
}

fn rows(rows: usize, features: usize, classes: usize) -> (Vec<f32>, Vec<u32>) {
    let stream = Stream::new(1, Purpose::Synthetic, 0, 0);
    let x = (0..rows * features)
        .map(|i| stream.normal(i as u32) as f32)
        .collect();
    let y = (0..rows)
        .map(|i| stream.below(i as u32, classes) as u32)
        .collect();
    (x, y)
}

/// CPU-seconds of each epoch of training `model`.
fn epochs(model: &MlpSpec, data: &Dataset) -> Vec<f64> {
    let spec = TrialSpec::new(ModelSpec::from(model.clone()), 1, Objective::default());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let job = Job::new(&spec, data, folder.path());
    let mut callback = Epochs {
        last: clock(),
        seconds: Vec::new(),
    };
    mlp::train(job, model, None, &mut callback).expect("the bench's trials can be trained");
    callback.seconds
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn network(layers: &[usize], batch: usize) -> MlpSpec {
    MlpSpec {
        layers: layers.to_vec(),
        batch_norm: true,
        dropout: 0.3,
        batch_size: BatchSize::Rows(batch),
        clip_norm: 1.5,
        weight_decay: 1e-4,
        epochs: 10,
        ..MlpSpec::default()
    }
}

/// Floating-point operations of one sample, forward and backward: two a multiply-add, three products
/// a layer, less the gradient of the inputs.
fn operations(layers: &[usize], features: usize, classes: usize) -> f64 {
    let widths: Vec<usize> = [&[features], layers, &[classes]].concat();
    let weights: usize = widths.windows(2).map(|pair| pair[0] * pair[1]).sum();
    (6 * weights - 2 * widths[0] * widths[1]) as f64
}

/// The best that the `gemm` crate does on one core, in operations a second.
fn gemm_peak() -> f64 {
    const SIZE: usize = 1024;
    let (a, b) = (vec![0.5f32; SIZE * SIZE], vec![0.25f32; SIZE * SIZE]);
    let mut c = vec![0.0f32; SIZE * SIZE];
    let step = SIZE as isize;
    let times: Vec<f64> = (0..8)
        .map(|_| {
            let start = clock();
            // SAFETY: the three matrices are SIZE by SIZE, row-major.
            unsafe {
                gemm_f32::gemm::f32::get_gemm_fn()(
                    SIZE,
                    SIZE,
                    SIZE,
                    c.as_mut_ptr(),
                    step,
                    1,
                    false,
                    b.as_ptr(),
                    step,
                    1,
                    a.as_ptr(),
                    step,
                    1,
                    0.0,
                    1.0,
                    false,
                    false,
                    false,
                    Parallelism::None,
                );
            }
            clock() - start
        })
        .collect();
    2.0 * (SIZE as f64).powi(3) / least(&times)
}

fn peak() {
    let layers = [128, 128];
    let count = 25_600;
    let data = Dataset::in_memory(12, 6, rows(count, 12, 6), rows(1, 12, 6));
    let model = network(&layers, 256);
    for _ in 0..ROUNDS {
        let peak = gemm_peak();
        let seconds = least(&epochs(&model, &data));
        let rate = count as f64 / seconds * operations(&layers, 12, 6);
        println!(
            "12-128-128-6 batch 256: {:.0} k samples/s, {:.1} GFLOP/s, {:.0}% of gemm's {:.1}",
            count as f64 / seconds / 1e3,
            rate / 1e9,
            100.0 * rate / peak,
            peak / 1e9
        );
    }
}

/// (samples, microseconds a step) of 64-32.
fn samples_a_second(layers: &[usize], batch: usize, data: &Dataset) -> f64 {
    TRAIN_ROWS as f64 / median(epochs(&network(layers, batch), data))
}

/// The training rows of the grid and one row of validation.
fn train_only() -> Dataset {
    Dataset::in_memory(
        FEATURES,
        CLASSES,
        rows(TRAIN_ROWS, FEATURES, CLASSES),
        rows(1, FEATURES, CLASSES),
    )
}

fn shapes() {
    let data = train_only();
    for layers in [&[64, 32][..], &[16, 16, 16], &[128, 16]] {
        for batch in [16, 32, 256] {
            let rate = samples_a_second(layers, batch, &data);
            println!(
                "{layers:?} batch {batch}: {:.0} k samples/s, {:.1} us a step, {:.1} GFLOP/s",
                rate / 1e3,
                batch as f64 / rate * 1e6,
                rate * operations(layers, FEATURES, CLASSES) / 1e9
            );
        }
    }
}

fn grid() {
    let data = Dataset::in_memory(
        FEATURES,
        CLASSES,
        rows(TRAIN_ROWS, FEATURES, CLASSES),
        rows(VALID_ROWS, FEATURES, CLASSES),
    );
    let (mut seconds, mut trials) = (0.0, 0);
    for layers in [&[64, 32][..], &[16, 16, 16], &[128, 16]] {
        for batch in [16, 32] {
            let mut of_shape = 0.0;
            for batch_norm in [true, false] {
                for optimizer in [Optimizer::ADAM, Optimizer::SGD] {
                    let model = MlpSpec {
                        batch_norm,
                        optimizer,
                        epochs: 3,
                        ..network(layers, batch)
                    };
                    // Learning rate, dropout and clipping do not change the work: 2 x 2 x 2 of each.
                    of_shape += 8.0 * f64::from(GRID_EPOCHS) * median(epochs(&model, &data));
                    trials += 8;
                }
            }
            println!("grid, {layers:?} batch {batch}: {of_shape:.1} core-seconds");
            seconds += of_shape;
        }
    }
    println!("grid, {trials} trials of {GRID_EPOCHS} epochs: {seconds:.1} core-seconds");
}

/// Ten numbers and one column of `levels` categories, each as likely.
fn with_categories(levels: usize) -> Dataset {
    let numbers = 10;
    let stream = Stream::new(2, Purpose::Synthetic, 0, 0);
    let side = |count: usize| {
        let (x, y) = rows(count, numbers, CLASSES);
        let one_hot = |row: u32| {
            let own = stream.below(row, levels);
            (0..levels).map(move |level| f32::from(u8::from(level == own)))
        };
        let all = x.chunks(numbers).zip(0..);
        let x = all.flat_map(|(numbers, row)| numbers.iter().copied().chain(one_hot(row)));
        (x.collect(), y)
    };
    let data = Dataset::in_memory(
        numbers,
        CLASSES,
        rows(1, numbers, CLASSES),
        rows(1, numbers, CLASSES),
    );
    let mut preprocessor = data.meta().preprocessor.clone();
    preprocessor.fields.push(FittedField::Category {
        column: "category".to_owned(),
        categories: (0..levels).map(|level| level.to_string()).collect(),
        imputed: None,
        base: None,
        rare: Vec::new(),
        missing: false,
        known_only: false,
    });
    Dataset::in_memory(
        numbers + levels,
        CLASSES,
        side(TRAIN_ROWS),
        side(VALID_ROWS),
    )
    .made_by(preprocessor, None)
}

/// Epochs with the 0/1 features of a column against those with vectors, interleaved.
fn categories() {
    for levels in [100, 1000] {
        let data = with_categories(levels);
        for batch in [32, 256] {
            let widths = [0, 8, 32].map(|width| match width {
                0 => CategoryEmbedding::Off,
                width => CategoryEmbedding::Width(width),
            });
            let mut milliseconds = widths.map(|_| Vec::new());
            for _ in 0..ROUNDS {
                for (width, found) in widths.iter().zip(&mut milliseconds) {
                    let model = MlpSpec {
                        category_embedding: *width,
                        ..network(&[64, 32], batch)
                    };
                    found.push(1e3 * median(epochs(&model, &data)));
                }
            }
            let [one_hot, narrow, wide] = milliseconds.map(median);
            println!(
                "{levels} categories, 64-32, batch {batch}: an epoch is {one_hot:.1} ms with 0/1 features, \
                 {narrow:.1} with vectors of 8, {wide:.1} of 32"
            );
        }
    }
}

fn eager() {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let data = train_only();
    for (layers, batch) in [(&[64, 32][..], 32), (&[64, 32], 16), (&[128, 128], 256)] {
        let ratios: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                let ours = samples_a_second(layers, batch, &data);
                let theirs = eager_samples_a_second(&python, layers, batch);
                println!(
                    "{layers:?} batch {batch}: {:.0} k samples/s, eager PyTorch {:.1} k",
                    ours / 1e3,
                    theirs / 1e3
                );
                ours / theirs
            })
            .collect();
        println!(
            "{layers:?} batch {batch}: {:.1} times eager PyTorch",
            median(ratios)
        );
    }
}

fn eager_samples_a_second(python: &str, layers: &[usize], batch: usize) -> f64 {
    let widths = layers
        .iter()
        .map(usize::to_string)
        .collect::<Vec<_>>()
        .join(",");
    let output = Command::new(python)
        .arg("benches/eager_torch.py")
        .args([
            widths,
            batch.to_string(),
            FEATURES.to_string(),
            CLASSES.to_string(),
        ])
        .output()
        .unwrap_or_else(|e| panic!("cannot start {python}: {e}; set PYTHON to one with torch"));
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .expect("one number")
}
