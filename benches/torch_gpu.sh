#!/usr/bin/env bash
# Everything about GPUs that can be checked, in one command, on a machine that has one:
#
#     benches/torch_gpu.sh                     # builds what it needs, or takes what was built
#     benches/torch_gpu.sh build               # builds into target/gpu/, to be carried to a machine without a compiler
#     DEVICE=cpu benches/torch_gpu.sh          # the same on CPUs: a rehearsal
#
# Wants a python3 with PyTorch 2.11.0 for CUDA 13 there, whose libraries are used. In turn: the tests of the engine; the
# benchmark, 192 networks one at a time and in groups; the same as sweeps, with several numbers of workers that share the GPU.
# The last lines say how many times as long as the quickest of them one at a time takes.
set -euo pipefail
cd "$(dirname "$0")/.."
kit=$PWD/target/gpu
device=${DEVICE:-cuda}

if [ "${1:-}" = build ] || [ ! -x "$kit/tests" ]; then
  LIBTORCH=$(src/bin/sweep-torch/libtorch.sh)
  export LIBTORCH
  # The program that cargo has just built, by what cargo says of it.
  built() { cargo "$@" --locked --features torch --message-format json | python3 -c '
import json, sys
print([m["executable"] for m in map(json.loads, sys.stdin) if m.get("executable")][-1])'; }
  mkdir -p "$kit"
  cp "$(built test --release --no-run --bin sweep-torch)" "$kit/tests"
  cp "$(built bench --no-run --bench torch)" "$kit/bench"
  cp "$(built build --release --bin sweep-torch)" "$kit/sweep-torch"
  cp "$(built build --release --bin sweep)" "$kit/sweep"
  strip --strip-debug "$kit"/*
  [ "${1:-}" != build ] || exit 0
fi

libraries=$(python3 -c 'import importlib.util, os
print(os.path.join(os.path.dirname(importlib.util.find_spec("torch").origin), "lib"))')
export LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

nproc
[ "$device" = cpu ] || nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
"$kit/sweep-torch" devices

echo "== tests"
# What fails is told at the end; measurements may say why.
failed=0
SWEEP_TEST_DEVICE=$device "$kit/tests" --test-threads 1 || failed=$?

echo "== the grid, group after group"
"$kit/bench" "$device" grid | tee "$work/grid"

echo "== the grid as a sweep"
experiment=$PWD/experiments/genres_grid.toml
cd "$work"
"$kit/sweep" doctor
# As many rows as the real file has.
"$kit/sweep" data synth demo.csv --rows 32833 >/dev/null
shares="1 2 4 8"
[ "$device" = cuda ] || shares="1 2"
for count in $shares; do
  case $device in
    cuda) slots="--slots cuda --gpu-shares $count" ;;
    *) slots="--slots cpu:$count" ;;
  esac
  begin=$(date +%s%N)
  # shellcheck disable=SC2086
  "$kit/sweep" run "$experiment" --set data.path=demo.csv --set experiment.name="shares_$count" --store "runs_$count/sweep.sqlite" \
    --engine torch $slots --quiet
  echo "$count $((($(date +%s%N) - begin) / 1000000))" >> "$work/sweeps"
  "$kit/sweep" --store "runs_$count/sweep.sqlite" ls "shares_$count" --json | python3 -c '
import collections, json, sys
print(dict(collections.Counter(trial["status"] for trial in json.load(sys.stdin))))'
done

echo "== in short"
python3 - "$work" <<'PYTHON'
import re, sys
work = sys.argv[1]
alone = float(re.search(r"one at a time .*?: (\d+) s", open(f"{work}/grid").read()).group(1))
for line in open(f"{work}/sweeps"):
    count, seconds = line.split()[0], float(line.split()[1]) / 1000
    print(f"{count} workers: {seconds:.1f} s; one at a time takes {alone / seconds:.1f} times as long")
PYTHON
[ "$failed" = 0 ] || { echo "some tests failed; see above"; exit "$failed"; }
