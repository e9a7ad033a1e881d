#!/usr/bin/env python3
"""What it costs to run a program that does next to nothing as a trial, beside a shell loop and GNU parallel.

    cargo build --release
    benches/programs.py [--trials 1000] [--rounds 5] [--sweep target/release/sweep]

Every round runs each of them once, in turn, so that a machine that slows down slows all of them down. One program runs at a
time (`--workers 1`, `-j 1`), and with two at a time where it says so. The program is `/bin/echo x=1`: it reports an objective,
which `true` cannot. A shell loop is the floor: fork, exec, wait, and the output thrown away.
"""

import argparse
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import tempfile
import time

FILE = """\
[program]
command = ["/bin/echo", "x={{i}}"]
inputs = []
objective = {{ metric = "x", goal = "min" }}

[grid]
i = {axis}
"""


def timed(command, folder):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, after.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sweep", default="target/release/sweep")
    arguments = parser.parse_args()
    sweep = os.path.abspath(arguments.sweep)
    trials = arguments.trials
    with tempfile.TemporaryDirectory(dir=".") as scratch:
        folder = pathlib.Path(scratch)
        (folder / "many.toml").write_text(FILE.format(axis=f"{{ from = 1, to = {trials}, step = 1 }}"))
        (folder / "one.toml").write_text(FILE.format(axis="[1]"))
        loop = f"for i in $(seq {trials}); do /bin/echo x=$i; done"
        candidates = {"shell loop": ["sh", "-c", loop]}
        if shutil.which("parallel"):
            for jobs in (1, 2):
                command = f"seq {trials} | parallel --will-cite -j {jobs} /bin/echo x={{}}"
                candidates[f"GNU parallel -j {jobs}"] = ["sh", "-c", command]
        for workers in (1, 2):
            candidates[f"sweep --workers {workers}"] = [sweep, "run", "many.toml", "--workers", str(workers)]
        candidates["sweep, one trial"] = [sweep, "run", "one.toml", "--workers", "1"]
        seen = {name: [] for name in candidates}
        for number in range(arguments.rounds):
            for place, (name, command) in enumerate(candidates.items()):
                # A folder of its own: where files were removed a moment ago, ext4 takes long to make others.
                store = folder / f"{number}-{place}" / "sweep.sqlite"
                own = [*command, "--store", str(store.relative_to(folder))] if command[0] == sweep else command
                seen[name].append(timed(own, folder))
        print(f"{trials} programs, median of {arguments.rounds} rounds")
        floor = statistics.median(wall for wall, _, _ in seen["shell loop"])
        start = statistics.median(wall for wall, _, _ in seen["sweep, one trial"])
        for name, rounds in seen.items():
            wall = statistics.median(wall for wall, _, _ in rounds)
            cpu = statistics.median(cpu for _, cpu, _ in rounds)
            each = 1000 * wall / trials
            beyond = 1000 * (wall - floor - (start if name.startswith("sweep -") else 0)) / trials
            print(f"{name:22} {wall:7.3f} s, CPU {cpu:7.3f} s, {each:7.3f} ms each, {beyond:+7.3f} ms beyond the loop")


if __name__ == "__main__":
    main()
