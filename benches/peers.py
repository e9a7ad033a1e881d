"""Networks, boosted trees and forests of `sweep` against those of XGBoost and scikit-learn, on the same rows.

    python benches/peers.py target/release/sweep [FOLDER WITH diamonds.csv]

Needs numpy, pandas, scikit-learn and xgboost. Each table gets a column that names the split of its rows, which both sides
follow; columns that are not numbers are 0/1 features for both. Trees have the same settings on both sides, forests are
those of the defaults of scikit-learn with 200 trees; the networks are a small grid, chosen by validation rows. Three seeds.
Printed are scores on the test rows, mean and standard deviation over seeds, and what a difference is worth by chance: the
standard deviation of the score over bootstrap samples of the test rows.
"""

import csv
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import xgboost
from sklearn import datasets, ensemble, metrics, model_selection

SEEDS = [1, 2, 3]
ROUNDS, DEPTH, ETA, PATIENCE = 300, 4, 0.1, 30


def tables(folder):
    """Name, data frame with `label`, task, order in time or None."""
    diabetes = datasets.load_diabetes(as_frame=True)
    yield "diabetes", diabetes.frame.rename(columns={"target": "label"}), "regression", None
    cancer = datasets.load_breast_cancer(as_frame=True)
    frame = cancer.frame.rename(columns={"target": "label"})
    frame["label"] = np.where(frame["label"] == 1, "benign", "malignant")
    yield "breast cancer", frame, "classification", None
    x, y = datasets.make_friedman1(n_samples=8000, noise=1.0, random_state=3)
    frame = pd.DataFrame(x, columns=[f"x{i}" for i in range(x.shape[1])])
    frame["label"] = y
    yield "Friedman 1, 8,000 rows", frame, "regression", None
    x, y = datasets.make_classification(
        n_samples=12000, n_features=16, n_informative=8, weights=[0.98], class_sep=0.9, flip_y=0.002, random_state=5
    )
    frame = pd.DataFrame(x, columns=[f"x{i}" for i in range(16)])
    frame["label"] = np.where(y == 1, "yes", "no")
    yield "2% positives", frame, "rare", None
    random = np.random.default_rng(7)
    day = np.arange(4000)
    season, weekday = np.sin(2 * np.pi * day / 365), day % 7
    price = random.normal(size=4000)
    lag = np.concatenate([[0.0], price[:-1]])
    frame = pd.DataFrame({"season": season, "weekday": weekday, "price": price, "lag": lag})
    frame["label"] = 20 + 6 * season + 3 * (weekday >= 5) - 2 * price + lag * season + 0.001 * day + random.normal(size=4000)
    yield "by time", frame, "regression", day
    if folder and (Path(folder) / "diamonds.csv").exists():
        frame = pd.read_csv(Path(folder) / "diamonds.csv")
        if "price" in frame:
            yield "diamonds, price", frame.rename(columns={"price": "label"}), "regression", None


def parts(frame, task, order):
    """`train`, `valid` or `test` of each row."""
    rows = len(frame)
    part = np.full(rows, "train", dtype=object)
    if order is not None:
        part[int(rows * 0.6) :], part[int(rows * 0.8) :] = "valid", "test"
        return part
    strata = None if task == "regression" else frame["label"]
    rest, test = model_selection.train_test_split(np.arange(rows), test_size=0.2, random_state=42, stratify=strata)
    strata = None if strata is None else strata.iloc[rest]
    _, valid = model_selection.train_test_split(rest, test_size=0.25, random_state=42, stratify=strata)
    part[valid], part[test] = "valid", "test"
    return part


def score(task, y, predicted):
    """RMSE, average precision of the positive class, or log loss."""
    if task == "regression":
        return float(np.sqrt(np.mean((y - predicted) ** 2)))
    if task == "rare":
        return float(metrics.average_precision_score(y == 1, predicted[:, 1]))
    return float(metrics.log_loss(y, predicted, labels=np.arange(predicted.shape[1])))


METRIC = {"regression": "rmse", "rare": "average_precision", "classification": "loss"}


def experiment(task, embedding):
    objective = METRIC[task] if task != "rare" else "average_precision"
    return f"""[experiment]
name = "peers"
seeds = {SEEDS}
objective = "valid/{objective}"

[data]
path = "table.csv"
target = "label"
split = {{ column = "part" }}

[model]
epochs = 60
batch_size = 64
optimizer = "adamw"
lr_schedule = "cosine"
weight_decay = 0.01
clip_norm = 1
early_stopping = {{ patience = 15 }}
{'embedding = { kind = "ple", bins = 16 }' if embedding else ''}

[grid]
layers = [[64, 64], [256, 256]]
lr = [0.001, 0.003]
dropout = [0.0, 0.2]

[[baseline]]
kind = "xgboost"
rounds = {ROUNDS}
max_depth = {DEPTH}
eta = {ETA}
early_stopping_rounds = {PATIENCE}

[[baseline]]
kind = "random_forest"
trees = 200
max_depth = 32
"""


def ours(sweep, frame, part, task, embedding):
    """Mean and sd of the test score, by kind of model."""
    with tempfile.TemporaryDirectory() as folder:
        frame.assign(part=part).to_csv(Path(folder) / "table.csv", index=False)
        (Path(folder) / "peers.toml").write_text(experiment(task, embedding))
        for arguments in (["run", "peers.toml", "-q"], ["report", "peers", "--test"]):
            done = subprocess.run([sweep, *arguments], cwd=folder, capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(done.stderr)
        found = {}
        with open(Path(folder) / "reports/peers/test.csv", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row["metric"] == f"test/{METRIC[task]}":
                    found[row["kind"]] = (float(row["mean"]), float(row["sd"] or 0))
        return found


def theirs(frame, part, task):
    """Likewise of the peers, and the standard deviation over bootstrap samples of the test rows."""
    x = pd.get_dummies(frame.drop(columns="label")).to_numpy(dtype=np.float32)
    names = None
    y = frame["label"].to_numpy()
    if task != "regression":
        names, y = np.unique(y, return_inverse=True)
    train, valid, test = (part == name for name in ("train", "valid", "test"))
    boosted, forests, last = [], [], None
    for seed in SEEDS:
        kind = {} if task == "regression" else {"eval_metric": "logloss"}
        model = (xgboost.XGBRegressor if task == "regression" else xgboost.XGBClassifier)(
            n_estimators=ROUNDS, max_depth=DEPTH, learning_rate=ETA, early_stopping_rounds=PATIENCE, random_state=seed,
            tree_method="hist", nthread=1, **kind,
        )
        model.fit(x[train], y[train], eval_set=[(x[valid], y[valid])], verbose=False)
        last = model.predict(x[test]) if task == "regression" else model.predict_proba(x[test])
        boosted.append(score(task, y[test], last))
        forest = (ensemble.RandomForestRegressor if task == "regression" else ensemble.RandomForestClassifier)(
            n_estimators=200, random_state=seed, n_jobs=1
        ).fit(x[train], y[train])
        predicted = forest.predict(x[test]) if task == "regression" else forest.predict_proba(x[test])
        forests.append(score(task, y[test], predicted))
    random = np.random.default_rng(1)
    rows = test.sum()
    draws = []
    for _ in range(200):
        chosen = random.integers(0, rows, rows)
        draws.append(score(task, y[test][chosen], last[chosen]))
    return boosted, forests, float(np.std(draws))


def shown(values):
    mean, sd = values if isinstance(values, tuple) else (np.mean(values), np.std(values, ddof=1))
    return f"{mean:.4f} ± {sd:.4f}"


def main():
    sweep = str(Path(sys.argv[1]).resolve())
    folder = sys.argv[2] if len(sys.argv) > 2 else None
    print("| table, metric | network | XGBoost | Python's | forest | scikit-learn's | chance |")
    print("|---|---|---|---|---|---|---|")
    for name, frame, task, order in tables(folder):
        part = parts(frame, task, order)
        found = ours(sweep, frame, part, task, embedding=name.startswith(("Friedman", "diamonds")))
        boosted, forests, chance = theirs(frame, part, task)
        cells = [
            shown(found["mlp"]), shown(found["xgboost"]), shown(boosted),
            shown(found["random_forest"]), shown(forests), f"{chance:.4f}",
        ]
        print(f"| {name}, {METRIC[task]} | {' | '.join(cells)} |", flush=True)


main()
