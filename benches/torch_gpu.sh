#!/usr/bin/env bash
# Everything about GPUs that can be checked, in one command, on a machine that has one:
#
#     benches/torch_gpu.sh                     # builds what it needs, or takes what was built
#     benches/torch_gpu.sh build               # builds into target/gpu/, to be carried to a machine without a compiler
#     EPOCHS=5 OUT=results benches/torch_gpu.sh    # a quarter of the time; what was measured stays in results/
#     DEVICE=cpu benches/torch_gpu.sh          # the same on CPUs: a rehearsal
#
# Wants a python3 with PyTorch 2.11.0 for CUDA 13 there, whose libraries are used. In turn: the tests of the engine; the
# benchmark, 192 networks one at a time and in groups; the same as sweeps, with several numbers of workers that share the GPU, and
# with NVIDIA's multi-process service where that is. The last lines say how many times as long as each one at a time takes.
set -euo pipefail
cd "$(dirname "$0")/.."
kit=$PWD/target/gpu
device=${DEVICE:-cuda}
epochs=${EPOCHS:-20}
revision() { git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown; }

if [ "${1:-}" = build ] || [ ! -x "$kit/tests" ]; then
  LIBTORCH=$(src/sweep-torch/libtorch.sh)
  export LIBTORCH
  # The program that cargo has just built, by what cargo says of it.
  built() { cargo "$@" --locked -p sweep-torch --message-format json | python3 -c '
import json, sys
print([m["executable"] for m in map(json.loads, sys.stdin) if m.get("executable")][-1])'; }
  mkdir -p "$kit"
  cp "$(built test --release --no-run --lib)" "$kit/tests"
  cp "$(built bench --no-run --bench torch)" "$kit/bench"
  cp "$(built build --release --bin sweep-torch)" "$kit/sweep-torch"
  cp "$(built build --release --bin sweep)" "$kit/sweep"
  strip --strip-debug "$kit/tests" "$kit/bench" "$kit/sweep-torch" "$kit/sweep"
  revision > "$kit/revision"
  [ "${1:-}" != build ] || exit 0
fi
echo "built from $(cat "$kit/revision"), here is $(revision)"

libraries=$(python3 -c 'import importlib.util, os
print(os.path.join(os.path.dirname(importlib.util.find_spec("torch").origin), "lib"))')
export LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
if [ -n "${OUT:-}" ]; then
  mkdir -p "$OUT"
  work=$(cd "$OUT" && pwd)
else
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi

nproc
[ "$device" = cpu ] || nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
"$kit/sweep-torch" devices

echo "== tests"
# What fails is told at the end; measurements may say why.
failed=0
SWEEP_TEST_DEVICE=$device timeout 120 "$kit/tests" --test-threads 1 || failed=$?

echo "== the grid, group after group"
"$kit/bench" "$device" grid "epochs=$([ "$device" = cpu ] && echo 1 || echo "$epochs")" | tee "$work/grid"

echo "== the grid as a sweep"
experiment=$PWD/experiments/genres_grid.toml
cd "$work"
"$kit/sweep" doctor
# As many rows as the real file has.
"$kit/sweep" data synth demo.csv --rows 32833 --force > /dev/null
: > sweeps

# NAME FLAGS...: the grid in a record of its own, timed.
grid_as_sweep() {
  local name=$1 begin
  shift
  begin=$(date +%s%N)
  rm -rf "runs_$name"
  timeout 600 "$kit/sweep" run "$experiment" --set data.path=demo.csv --set experiment.name="$name" --set "model.epochs=$epochs" \
    --store "runs_$name/sweep.sqlite" --engine torch "$@" --quiet || { echo "$name: exit $?"; return 0; }
  echo "$name $((($(date +%s%N) - begin) / 1000000))" >> sweeps
  "$kit/sweep" --store "runs_$name/sweep.sqlite" ls "$name" --json | python3 -c '
import collections, json, sys
print(dict(collections.Counter(trial["status"] for trial in json.load(sys.stdin))))'
}

if [ "$device" = cpu ]; then
  for count in 1 2; do grid_as_sweep "workers_$count" --slots "cpu:$count"; done
else
  for count in 4 1 2 8; do grid_as_sweep "workers_$count" --slots cuda --gpu-shares "$count"; done
  if command -v nvidia-cuda-mps-control > /dev/null; then
    export CUDA_MPS_PIPE_DIRECTORY=$work/mps CUDA_MPS_LOG_DIRECTORY=$work/mps
    mkdir -p "$work/mps"
    if nvidia-cuda-mps-control -d; then
      grid_as_sweep workers_4_mps --slots cuda --gpu-shares 4
      echo quit | nvidia-cuda-mps-control
    fi
  fi
fi

echo "== in short"
python3 - "$work" "$epochs" <<'PYTHON'
import re, sys
work, epochs = sys.argv[1], int(sys.argv[2])
grid = open(f"{work}/grid").read()
networks = int(re.search(r"(\d+) networks", grid).group(1))
alone = float(re.search(r"one at a time .*?: (\d+) s", grid).group(1)) * epochs / 20
print(f"{networks} networks, {epochs} epochs, one at a time: {alone:.0f} s")
for line in open(f"{work}/sweeps"):
    name, seconds = line.split()[0], float(line.split()[1]) / 1000
    print(f"{name}: {seconds:.1f} s; one at a time takes {alone / seconds:.1f} times as long")
PYTHON
[ "$failed" = 0 ] || { echo "some tests failed; see above"; exit "$failed"; }
