"""What preparing a table costs beside reading it with polars: CPU seconds and peak memory, interleaved.

    pip install polars numpy
    python benches/tables.py SWEEP [ROWS ...] [--rounds N] [--folder FOLDER]

Writes tables of 28 numbers and a class (240 MB for a million rows) to FOLDER, and runs `SWEEP data check` on
each in a new store, in turn with `polars.read_csv`, each in a process of its own. Peak memory is that of the
process (maximum resident set). The last line of a table gives the ratio of medians.
"""

import argparse
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys

EXPERIMENT = """[data]
path = "{path}"
target = "y"
[model]
epochs = 1
[grid]
lr = [0.01]
"""
POLARS = "import polars, sys; polars.read_csv(sys.argv[1])"


def table(path, rows):
    """Writes `rows` rows, as the HIGGS data have them: seven significant digits, some columns of few values."""
    import numpy

    if path.exists():
        return
    random = numpy.random.default_rng(7)
    with open(path, "w") as file:
        file.write(",".join(["y"] + [f"x{i}" for i in range(28)]) + "\n")
        for start in range(0, rows, 50_000):
            size = min(50_000, rows - start)
            x = random.standard_normal((size, 28))
            x[:, ::7] = numpy.round(x[:, ::7] * 3)
            y = (x[:, 1] + x[:, 2] * x[:, 3] + random.standard_normal(size) > 0).astype(int)
            for label, row in zip(y, x):
                file.write(f"{label}," + ",".join("%.6g" % value for value in row) + "\n")


def run(command):
    """CPU seconds and peak memory in MB of a command."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit(f"{command} failed")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sweep")
    parser.add_argument("rows", nargs="*", type=int, default=[100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("/tmp/sweep-tables"))
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for rows in arguments.rows:
        path = arguments.folder / f"{rows}.csv"
        table(path, rows)
        experiment = arguments.folder / f"{rows}.toml"
        experiment.write_text(EXPERIMENT.format(path=path))
        store = arguments.folder / "runs"
        ours, theirs = [], []
        for _ in range(arguments.rounds):
            shutil.rmtree(store, ignore_errors=True)
            check = [arguments.sweep, "--store", str(store / "s.sqlite"), "data", "check", str(experiment)]
            ours.append(run(check))
            theirs.append(run([sys.executable, "-c", POLARS, str(path)]))
        prepared = sum(file.stat().st_size for file in (store / "data").iterdir()) / 1e6
        shutil.rmtree(store, ignore_errors=True)
        print(f"{rows} rows, {path.stat().st_size / 1e6:.0f} MB, prepared {prepared:.0f} MB")
        for name, found in [("sweep", ours), ("polars", theirs)]:
            cpu = " ".join(f"{seconds:.2f}" for seconds, _ in found)
            print(f"  {name:6}  CPU seconds {cpu}   peak memory {max(peak for _, peak in found):.0f} MB")
        ratio = statistics.median(s for s, _ in ours) / statistics.median(s for s, _ in theirs)
        print(f"  ratio of CPU seconds {ratio:.2f}")


if __name__ == "__main__":
    main()
