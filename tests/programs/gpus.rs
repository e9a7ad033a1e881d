//! What programs use of GPUs, on machines whose `nvidia-smi` is a script.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;

use super::{last_attempt, python, trial};
use crate::common::TestDir;

/// Has one GPU, and the processes in the file `held`. Each time that it tells them, `asked` grows.
const NVIDIA_SMI: &str = "#!/bin/sh
cd \"$(dirname \"$0\")/..\"
case \"$1\" in
--query-gpu=*) echo '0, A GPU, 16000, 15000' ;;
--query-compute-apps=pid,used_memory) [ -e held ] && cat held && echo x >> asked ;;
*) exit 1 ;;
esac
";

/// Runs `p` with `script` as `nvidia-smi`.
fn run(dir: &TestDir, script: &str) -> Output {
    dir.write("bin/nvidia-smi", script);
    let tool = dir.path("bin/nvidia-smi");
    std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let mut command = dir.command(&["run", "p.toml", "-q"]);
    command
        .env("PATH", format!("{}:{path}", dir.path("bin").display()))
        .env_remove("CUDA_VISIBLE_DEVICES");
    command.output().unwrap()
}

const GPU: &str = "resources = { gpus = 1 }";
const METRIC: &str = "sweep/peak_gpu_memory_bytes";

#[test]
fn the_most_gpu_memory_of_all_processes_of_a_trial_is_recorded() {
    // It holds less at the end than before; process 1 is somebody else's.
    let script = "
import os, subprocess, time
def hold(*lines):
    open('new', 'w').write(''.join(f'{pid}, {held}\\n' for pid, held in lines))
    os.rename('new', 'held')
    before = asked()
    while asked() < before + 2:
        time.sleep(0.02)
def asked():
    return len(open('asked').readlines()) if os.path.exists('asked') else 0
child = subprocess.Popen(['sleep', '1000'])
mine = os.getpid()
hold((1, 9000), (mine, 100), (child.pid, 20), (mine, 3))
hold((1, 9000), (mine, 50))
child.kill()
child.wait()
print('loss=1')
";
    let dir = python(script, GPU, "");
    let output = run(&dir, NVIDIA_SMI);
    assert!(output.status.success(), "{output:?}");
    let trial = trial(&dir);
    assert_eq!(trial["metrics"][METRIC], f64::from(123 << 20));
    assert_eq!(last_attempt(&trial)["warnings"], serde_json::json!([]));
}

#[test]
fn a_program_without_gpus_and_one_whose_processes_are_not_listed_have_no_gpu_memory() {
    let script = "
import time
time.sleep(1.5)
print('loss=1')
";
    let fails = NVIDIA_SMI.replace("echo x >> asked", "echo x >> asked; exit 9");
    let never_ends = NVIDIA_SMI.replace("echo x >> asked", "echo x >> asked; exec sleep 1000");
    for (program, tool, is_asked) in [
        ("", NVIDIA_SMI, false),
        (GPU, NVIDIA_SMI, true),
        (GPU, &fails, true),
        (GPU, &never_ends, true),
    ] {
        let dir = python(script, program, "");
        dir.write("held", "1, 9000\n");
        let output = run(&dir, tool);
        assert!(output.status.success(), "{output:?}");
        let trial = trial(&dir);
        assert_eq!(trial["status"], "finished");
        assert!(trial["metrics"][METRIC].is_null(), "{trial:#}");
        assert_eq!(dir.path("asked").exists(), is_asked, "{tool}");
        // It is none of the processes that a program leaves behind.
        assert_eq!(last_attempt(&trial)["warnings"], serde_json::json!([]));
    }
}
