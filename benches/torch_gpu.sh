#!/usr/bin/env bash
# Everything about GPUs that can be checked, in one command, on a machine that has one:
#
#     benches/torch_gpu.sh
#
# Wants `make torch` to have been run here, or the three programs below target/gpu/ (`benches/torch_gpu.sh build` puts them there,
# so that they can be carried to a machine without a compiler), and a python3 with PyTorch 2.11.0 for CUDA 13.
# 1. the tests of the engine, on the GPU; 2. the benchmark: 192 networks one at a time and in groups; 3. a sweep.
set -euo pipefail
cd "$(dirname "$0")/.."
kit=target/gpu

if [ "${1:-}" = build ] || [ ! -x "$kit/tests" ]; then
  LIBTORCH=$(src/bin/sweep-torch/libtorch.sh)
  export LIBTORCH
  # The program that cargo has just built, by what cargo says of it.
  built() { cargo "$@" --features torch --message-format json | python3 -c '
import json, sys
print([m["executable"] for m in map(json.loads, sys.stdin) if m.get("executable")][-1])'; }
  mkdir -p "$kit"
  cp "$(built test --release --no-run --bin sweep-torch)" "$kit/tests"
  cp "$(built bench --no-run --bench torch)" "$kit/bench"
  cp "$(built build --release --bin sweep-torch)" "$kit/sweep-torch"
  cp "$(built build --release --bin sweep)" "$kit/sweep"
  [ "${1:-}" = build ] && exit
fi

libraries=$(python3 -c 'import importlib.util, os
print(os.path.join(os.path.dirname(importlib.util.find_spec("torch").origin), "lib"))')
export LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
"$kit/sweep-torch" devices
SWEEP_TEST_DEVICE=cuda "$kit/tests" --test-threads 1
"$kit/bench" cuda
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
programs=$PWD/$kit
experiment=$PWD/experiments/genres_grid.toml
cd "$work"
"$programs/sweep" doctor
"$programs/sweep" data synth demo.csv
time "$programs/sweep" run "$experiment" --set data.path=demo.csv --engine torch --slots cuda
