//! The torch engine: networks of one shape, trained together by libtorch on one device.
//!
//! Invariant: every lane has exactly one outcome, whatever libtorch does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use sweep_core::trial::models::MlpSpec;
use sweep_engine::models::mlp::trial_state::TrialState;
use sweep_engine::{Backend, BatchedTrial, Ended, EngineError};
use tch::Device;

use crate::active_lane::{ActiveLane, Waiting};
use crate::device;
use crate::device_dataset::DeviceDataset;
use crate::group;
use crate::optimizer::has_optimizer_of;

/// Numbers of all lanes that a core's caches hold well: above, training together gains nothing on a CPU.
const CACHE: u64 = 256 << 10;
/// Bytes of a GPU's memory for each number of a lane: values, slopes and gradients of a step and the
/// copies that autograd keeps, moments, masks drawn ahead.
const BYTES_A_NUMBER: u64 = 128;

/// The engine on one device.
pub struct Torch {
    device: Device,
    /// The data set trained on last, kept on the device.
    resident: Option<DeviceDataset>,
}

impl Torch {
    pub fn new(device: Device) -> Torch {
        make_repeatable();
        // A slot is one core; a GPU is fed by one thread.
        tch::set_num_threads(1);
        Torch {
            device,
            resident: None,
        }
    }

    /// Trains `lanes`; a group that runs out of memory is trained as two halves, one after the other.
    fn train_within_memory(&mut self, lanes: &mut [Waiting<'_>], ended: Ended<'_>) {
        let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.begin_and_train(lanes, ended)))
        else {
            return;
        };
        let message = message_of(panic.as_ref());
        if self.device.is_cuda() && is_broken(&message) {
            // Nothing can be done on the device in this process any more; the next one begins afresh.
            eprintln!("the GPU has failed: {message}");
            std::process::abort();
        }
        let left: Vec<usize> = (0..lanes.len()).filter(|lane| !lanes[*lane].over).collect();
        if is_out_of_memory(&message) && left.len() > 1 {
            eprintln!(
                "{} networks together do not fit into memory and are trained as two halves: {message}",
                left.len()
            );
            // Whatever has ended stands in neither half's way.
            let (one, other) = lanes.split_at_mut(left[left.len() / 2]);
            self.train_within_memory(one, ended);
            self.train_within_memory(other, ended);
            return;
        }
        for lane in left {
            lanes[lane].over = true;
            let why = match is_out_of_memory(&message) {
                true => format!(
                    "the device, or this worker's share of it (`gpu_shares`), has too little memory for this network: \
                     {message}"
                ),
                false => format!("libtorch: {message}"),
            };
            ended(lanes[lane].place, Err(EngineError::Unsupported(why)));
        }
    }

    fn begin_and_train(&mut self, waiting: &mut [Waiting<'_>], ended: Ended<'_>) {
        let mut lanes = Vec::with_capacity(waiting.len());
        for waiting in waiting.iter_mut().filter(|waiting| !waiting.over) {
            let job = waiting.lane.job;
            let begun = match MlpSpec::of(&job.spec.model) {
                Some(spec) if !has_optimizer_of(&spec) => Err(EngineError::Unsupported(format!(
                    "the torch engine has no optimizer `{}`: use `engine = \"native\"`",
                    spec.optimizer.name()
                ))),
                Some(spec) => TrialState::begin(job, spec, waiting.lane.checkpoint),
                None => Err(EngineError::Unsupported(
                    "this engine trains networks alone".to_owned(),
                )),
            };
            match begun {
                Ok(trial_state) => {
                    if waiting.lane.checkpoint.is_some() {
                        waiting.lane.callback.resumed(trial_state.epoch());
                    }
                    lanes.push(ActiveLane {
                        waiting,
                        trial_state,
                    });
                }
                Err(error) => {
                    waiting.over = true;
                    ended(waiting.place, Err(error));
                }
            }
        }
        let Some(first) = lanes.first() else {
            return;
        };
        let data = first.trial_state.job().data;
        if !self
            .resident
            .as_ref()
            .is_some_and(|resident| resident.is_of(data))
        {
            self.resident = None;
            self.resident = Some(DeviceDataset::new(data, self.device));
        }
        let resident = self.resident.as_ref().expect("set above");
        group::train(lanes, resident, self.device, ended);
    }
}

impl Backend for Torch {
    fn name(&self) -> &'static str {
        match self.device.is_cuda() && device::rounds_factors() {
            true => "torch (TF32)",
            false => "torch",
        }
    }

    fn capacity(&self) -> u64 {
        match self.device {
            Device::Cpu => CACHE,
            _ => device::free_bytes().map_or(0, |bytes| bytes / BYTES_A_NUMBER),
        }
    }

    fn train(&mut self, lanes: Vec<BatchedTrial<'_>>, ended: Ended<'_>) {
        let mut lanes: Vec<Waiting<'_>> = lanes
            .into_iter()
            .enumerate()
            .map(|(place, lane)| Waiting {
                place,
                lane,
                over: false,
            })
            .collect();
        self.train_within_memory(&mut lanes, ended);
    }
}

/// Has Intel's MKL, which does libtorch's products on CPUs, give the same bits wherever in memory a matrix
/// lies, so that a lane's numbers do not depend on its place ("Conditional Numerical Reproducibility" in
/// the MKL developer guide). The library looks at its first product; what the user has set stands.
fn make_repeatable() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if std::env::var_os(REPRODUCIBILITY).is_none() {
            let branch = match has_avx2() {
                true => "AVX2",
                false => "COMPATIBLE",
            };
            // SAFETY: Rust's own readers of the environment are kept out by its lock; the only other one
            // is libtorch, which is first used after this.
            unsafe { std::env::set_var(REPRODUCIBILITY, branch) };
        }
    });
}

const REPRODUCIBILITY: &str = "MKL_CBWR";

fn has_avx2() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        std::arch::is_x86_feature_detected!("avx2")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}

/// What a panic said: `tch` panics with libtorch's message, in quotes, before where in C++ it arose.
fn message_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    first_sentence(text.unwrap_or("no message")).to_owned()
}

/// What libtorch says itself, out of a panic of `tch`.
pub fn first_sentence(text: &str) -> &str {
    let quoted = text.split_once("Torch(\"").map(|(_, quoted)| quoted);
    let Some(quoted) = quoted else {
        return text;
    };
    let end = quoted.find("\\n").unwrap_or(quoted.len());
    quoted[..end].trim_end_matches("\")")
}

/// What libtorch says when there is no memory left, on a CPU, on a GPU, and for cuBLAS, which takes some of its own.
pub fn is_out_of_memory(message: &str) -> bool {
    const WORDS: [&str; 4] = [
        "out of memory",
        "can't allocate memory",
        "cublas_status_alloc_failed",
        "cublascreate",
    ];
    let message = message.to_lowercase();
    WORDS.iter().any(|words| message.contains(words))
}

/// Whether `message` tells of a GPU on which every further operation of this process fails too, as after an access
/// out of bounds; see "Sticky errors" in the documentation of CUDA's runtime.
pub fn is_broken(message: &str) -> bool {
    let words = ["CUDA error", "CUBLAS_STATUS", "CUDA driver error"];
    !is_out_of_memory(message) && words.iter().any(|words| message.contains(words))
}
