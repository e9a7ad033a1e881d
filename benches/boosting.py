"""CPU time of 300 rounds of XGBoost on a table: `sweep`'s and Python's, in turn, one thread, the same rows.

    OMP_WAIT_POLICY=passive SWEEP_XGBOOST=LIBXGBOOST python benches/boosting.py TABLE TARGET BENCH

BENCH is the program that `cargo bench --bench boosting --no-run` names; LIBXGBOOST is best that of Python's package. Texts
become 0/1 features, and rows 60% training and 20% validation rows.
"""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy
import pandas
import xgboost

ROUNDS, TURNS = 300, 9

table, target, bench = sys.argv[1:]
rows = pandas.read_csv(table)
y = rows.pop(target).astype("category").cat.codes.to_numpy("<u4")
x = pandas.get_dummies(rows).to_numpy("<f4")
part = numpy.random.RandomState(0).permutation(len(y))
train, valid = numpy.split(part, [len(y) * 6 // 10, len(y) * 8 // 10])[:2]
classes = int(y.max()) + 1
settings = {
    "objective": "binary:logistic" if classes == 2 else "multi:softprob",
    "eval_metric": "logloss" if classes == 2 else "mlogloss",
    "tree_method": "hist",
    "nthread": 1,
    "eta": 0.1,
    **({} if classes == 2 else {"num_class": classes}),
}


def of_python():
    history = {}
    began = time.process_time()
    matrices = [xgboost.DMatrix(x[side], y[side], nthread=1) for side in (train, valid)]
    xgboost.train(
        settings,
        matrices[0],
        ROUNDS,
        evals=[(matrices[0], "train"), (matrices[1], "valid")],
        evals_result=history,
        verbose_eval=False,
    )
    return time.process_time() - began, min(history["valid"][settings["eval_metric"]])


with tempfile.TemporaryDirectory() as folder:
    for name, side in (("train", train), ("valid", valid)):
        x[side].tofile(pathlib.Path(folder) / f"{name}.x")
        y[side].tofile(pathlib.Path(folder) / f"{name}.y")

    def of_sweep():
        run = subprocess.run([bench], env={**os.environ, "SWEEP_BENCH_DATA": folder}, check=True, capture_output=True)
        seconds, loss = run.stdout.split()
        return float(seconds), float(loss)

    times = {of_sweep: [], of_python: []}
    for _ in range(TURNS):
        for turn, own in times.items():
            seconds, loss = turn()
            own.append((seconds, loss))
print(f"{len(train)} training rows, {x.shape[1]} features, {classes} classes, XGBoost {xgboost.__version__}")
for turn, own in times.items():
    seconds = sorted(seconds for seconds, _ in own)
    middle = statistics.median(seconds)
    print(f"{turn.__name__}: {middle:.3f} CPU-s ({seconds[0]:.3f} to {seconds[-1]:.3f}), lowest valid loss {own[0][1]:.7f}")
ratios = sorted(a / b for (a, _), (b, _) in zip(*times.values()))
print(f"sweep / Python: {statistics.median(ratios):.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f})")
