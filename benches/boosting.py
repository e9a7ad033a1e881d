"""CPU time of 300 rounds of XGBoost or LightGBM on a table: `sweep`'s and Python's, in turn, one thread, the same rows.

    OMP_WAIT_POLICY=passive SWEEP_XGBOOST=LIBXGBOOST python benches/boosting.py TABLE TARGET BENCH
    OMP_WAIT_POLICY=passive SWEEP_LIGHTGBM=LIB_LIGHTGBM python benches/boosting.py TABLE TARGET BENCH lightgbm

BENCH is the program that `cargo bench --bench boosting --no-run` names; the library is best that of Python's package. Texts
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

ROUNDS, TURNS = 300, 9

table, target, bench, *kind = sys.argv[1:]
is_lightgbm = kind == ["lightgbm"]
if is_lightgbm:
    import lightgbm as library
else:
    import xgboost as library
rows = pandas.read_csv(table)
y = rows.pop(target).astype("category").cat.codes.to_numpy("<u4")
x = pandas.get_dummies(rows).to_numpy("<f4")
part = numpy.random.RandomState(0).permutation(len(y))
train_rows, valid_rows = numpy.split(part, [len(y) * 6 // 10, len(y) * 8 // 10])[:2]
classes = int(y.max()) + 1
if is_lightgbm:
    metric = "binary_logloss" if classes == 2 else "multi_logloss"
    settings = {
        "objective": "binary" if classes == 2 else "multiclass",
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
else:
    metric = "logloss" if classes == 2 else "mlogloss"
    settings = {
        "objective": "binary:logistic" if classes == 2 else "multi:softprob",
        "eval_metric": metric,
        "tree_method": "hist",
        "nthread": 1,
        "eta": 0.1,
    }
if classes > 2:
    settings["num_class"] = classes


def train():
    """Measures of each round, of training rows too, as `sweep` has them."""
    history = {}
    if is_lightgbm:
        rows = library.Dataset(x[train_rows], y[train_rows], params=settings)
        other = library.Dataset(x[valid_rows], y[valid_rows], reference=rows, params=settings)
        library.train(
            {**settings, "metric": metric},
            rows,
            ROUNDS,
            valid_sets=[rows, other],
            valid_names=["train", "valid"],
            callbacks=[library.record_evaluation(history)],
        )
    else:
        rows, other = [library.DMatrix(x[side], y[side], nthread=1) for side in (train_rows, valid_rows)]
        library.train(
            settings,
            rows,
            ROUNDS,
            evals=[(rows, "train"), (other, "valid")],
            evals_result=history,
            verbose_eval=False,
        )
    return history["valid"][metric]


def of_python():
    began = time.process_time()
    losses = train()
    return time.process_time() - began, min(losses)


with tempfile.TemporaryDirectory() as folder:
    for name, side in (("train", train_rows), ("valid", valid_rows)):
        x[side].tofile(pathlib.Path(folder) / f"{name}.x")
        y[side].tofile(pathlib.Path(folder) / f"{name}.y")

    own = {"SWEEP_BENCH_LIGHTGBM": "1"} if is_lightgbm else {}

    def of_sweep():
        run = subprocess.run([bench], env={**os.environ, **own, "SWEEP_BENCH_DATA": folder}, check=True, capture_output=True)
        seconds, loss = run.stdout.split()
        return float(seconds), float(loss)

    times = {of_sweep: [], of_python: []}
    for _ in range(TURNS):
        for turn, measured in times.items():
            seconds, loss = turn()
            measured.append((seconds, loss))
print(f"{len(train_rows)} training rows, {x.shape[1]} features, {classes} classes, {library.__name__} {library.__version__}")
for turn, own in times.items():
    seconds = sorted(seconds for seconds, _ in own)
    middle = statistics.median(seconds)
    print(f"{turn.__name__}: {middle:.3f} CPU-s ({seconds[0]:.3f} to {seconds[-1]:.3f}), lowest valid loss {own[0][1]:.7f}")
ratios = sorted(a / b for (a, _), (b, _) in zip(*times.values()))
print(f"sweep / Python: {statistics.median(ratios):.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f})")
