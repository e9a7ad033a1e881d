//! Groups that do not fit into memory.

use std::process::Command;

use super::*;
use crate::engine::{first_sentence, is_broken, is_out_of_memory};

/// Set for the process in which a test is run under a limit, to what it is to do there.
const ROLE: &str = "SWEEP_TEST_MEMORY";

/// Rows of a batch that take libtorch 20 MB for every list of values of one lane; it keeps several at once, and
/// the host next to nothing.
const ROWS: usize = 20_000;

/// Eight lanes that train on all rows at once.
fn wide() -> Vec<TrialSpec> {
    let lane = |place: u64| {
        let settings = "layers = [256]\nbatch_size = 'all'\nepochs = 2";
        let lr = format!("lr = {:?}", 1e-4 * (place + 1) as f64);
        trial(network(&format!("{settings}\n{lr}")), place)
    };
    (0..8).map(lane).collect()
}

/// Lets this process take `bytes` more of private memory than it has.
fn limit(bytes: u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmData:"));
    let kilobytes: u64 = line
        .and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .expect("Linux tells");
    let most = kilobytes * 1024 + bytes;
    let limit = libc::rlimit {
        rlim_cur: most,
        rlim_max: most,
    };
    // SAFETY: `limit` outlives the call that reads it.
    assert_eq!(
        unsafe { libc::setrlimit(libc::RLIMIT_DATA, &raw const limit) },
        0
    );
}

/// Runs the test called `name` in a process of its own, where [`ROLE`] is `role`; what it printed.
fn run_apart(name: &str, role: &str) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads", "1"])
        .env(ROLE, role)
        // To write one down takes memory.
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
    text
}

#[test]
#[cfg(target_os = "linux")]
fn a_group_that_runs_out_of_memory_is_halved_until_it_fits() {
    if on_gpu() {
        eprintln!("not on a GPU: the limit is on the memory of the host");
        return;
    }
    let (specs, large) = (wide(), data(ROWS, 20));
    match std::env::var(ROLE).as_deref() {
        Ok("few") => {
            let alone = told(&mut torch(), &specs[7], &large);
            limit(260 << 20);
            let together = told_together(&specs, &large);
            assert_told("the last lane", &together[7], &alone);
            assert!(together.iter().all(|told| told.epochs.len() == 2));
        }
        Ok("none") => {
            // The first that is trained has libraries loaded and threads started.
            told(&mut torch(), &specs[7], &data(48, 20));
            limit(30 << 20);
            let folder = tempfile::tempdir().unwrap();
            let (_, outcome) = run(&mut torch(), (&specs[0], &large), folder.path(), None, None);
            let why = outcome.unwrap_err().to_string();
            assert!(why.contains("too little memory for this network"), "{why}");
            assert!(why.ends_with("(Cannot allocate memory)"), "{why}");
        }
        _ => {
            let name = "tests::memory::a_group_that_runs_out_of_memory_is_halved_until_it_fits";
            let said = run_apart(name, "few");
            assert!(
                said.contains("8 networks together do not fit into memory"),
                "{said}"
            );
            run_apart(name, "none");
        }
    }
}

#[test]
fn of_libtorchs_messages_the_first_line_is_told() {
    let text = r#"called `Result::unwrap()` on an `Err` value: Torch("CUDA out of memory. Tried to \
                  allocate 2 GiB.\nException raised from malloc at x.cpp:1 (most recent call first):")"#;
    let told = first_sentence(text);
    assert!(told.starts_with("CUDA out of memory") && told.ends_with("GiB."));
    assert!(is_out_of_memory(told));
    assert_eq!(first_sentence("index out of range"), "index out of range");
    assert_eq!(first_sentence("x: Torch(\"no more\")"), "no more");
}

#[test]
fn a_gpu_that_has_failed_is_told_from_one_that_is_full() {
    for full in [
        "CUDA out of memory. Tried to allocate 2.00 GiB.",
        "CUDA error: out of memory",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: 9 bytes",
    ] {
        assert!(is_out_of_memory(full) && !is_broken(full), "{full}");
    }
    for failed in [
        "CUDA error: an illegal memory access was encountered",
        "CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm`",
    ] {
        assert!(is_broken(failed) && !is_out_of_memory(failed), "{failed}");
    }
    let other = "The size of tensor a (3) must match the size of tensor b (4)";
    assert!(!is_broken(other) && !is_out_of_memory(other));
}
