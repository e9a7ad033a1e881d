"""Rare classes: what weights of classes and thresholds do, on tables with 2% of the rows in one class.

    python benches/rare.py SWEEP TABLE TARGET POSITIVE

SWEEP is the program. For each of five splits, the rows of POSITIVE are drawn down to 2% of all, the same ones every time, and
every kind of model is trained with `class_weight` "none" and "balanced" by `sweep run`. Test rows are predicted by
`sweep predict`. Printed are, over splits, the average precision, and the cost of a row where a positive that is missed costs
20 and a false alarm 1: by naming the likelier class, with the threshold 1/21 that these costs have if probabilities are right,
and with the one that cost least on the validation rows.
"""

import csv
import pathlib
import statistics
import subprocess
import sys
import tempfile

import numpy
import pandas
from sklearn.metrics import average_precision_score, log_loss

SHARE, MISS, SPLITS = 0.02, 20.0, range(1, 6)

program, table, target, positive = sys.argv[1:]
rows = pandas.read_csv(table, dtype=str, keep_default_na=False)
is_positive = (rows[target] == positive).to_numpy()
negatives = numpy.flatnonzero(~is_positive)
wanted = round(SHARE / (1 - SHARE) * len(negatives))
drawn = numpy.random.RandomState(0).choice(numpy.flatnonzero(is_positive), wanted, replace=False)
rows = rows.iloc[numpy.sort(numpy.concatenate([negatives, drawn]))].drop(columns=[target])
rows["rare"] = numpy.where(numpy.isin(rows.index, drawn), "yes", "no")
print(f"{len(rows)} rows, {wanted} positives")

EXPERIMENT = """[experiment]
name = "rare"
objective = "valid/loss"
[data]
path = "rows.csv"
target = "rare"
split = { column = "part" }
[model]
layers = [64, 32]
epochs = 60
lr = 1e-3
optimizer = "adamw"
early_stopping = { patience = 8 }
class_weight = "WEIGHT"
[[baseline]]
kind = "xgboost"
eta = 0.1
early_stopping_rounds = 20
class_weight = "WEIGHT"
[[baseline]]
kind = "lightgbm"
early_stopping_rounds = 20
class_weight = "WEIGHT"
[[baseline]]
kind = "random_forest"
trees = 300
min_leaf = 3
class_weight = "WEIGHT"
"""
KINDS = ["mlp", "xgboost", "lightgbm", "random_forest"]


def sweep(folder, *words):
    subprocess.run([program, *words], cwd=folder, check=True, capture_output=True)


def probabilities(folder, kind, side):
    sweep(folder, "predict", "best", f"{side}.csv", "--experiment", "rare", "--kind", kind, "-o", "out.csv", "--force")
    with open(folder / "out.csv") as file:
        found = list(csv.DictReader(file))
    name = next(name for name in found[0] if name.endswith("yes"))
    return numpy.array([float(row[name]) for row in found])


def cost(y, p, threshold):
    return float(numpy.mean(numpy.where(y, MISS * (p < threshold), p >= threshold)))


scores = {}
for split in SPLITS:
    rng = numpy.random.RandomState(split)
    part = numpy.empty(len(rows), dtype=object)
    for value in ("yes", "no"):
        places = rng.permutation(numpy.flatnonzero(rows["rare"] == value))
        first, second = round(0.6 * len(places)), round(0.8 * len(places))
        part[places[:first]], part[places[first:second]], part[places[second:]] = "train", "valid", "test"
    for weight in ("none", "balanced"):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            whole = rows.assign(part=part)
            whole.to_csv(folder / "rows.csv", index=False)
            sides = {side: whole[whole["part"] == side] for side in ("valid", "test")}
            for side, own in sides.items():
                own.to_csv(folder / f"{side}.csv", index=False)
            (folder / "rare.toml").write_text(EXPERIMENT.replace("WEIGHT", weight))
            sweep(folder, "run", "rare.toml", "-q")
            for kind in KINDS:
                p = {side: probabilities(folder, kind, side) for side in sides}
                y = {side: (own["rare"] == "yes").to_numpy() for side, own in sides.items()}
                tried = numpy.unique(numpy.concatenate([p["valid"], [1 / (1 + MISS), 0.5, 1.1]]))
                best = min(tried, key=lambda threshold: cost(y["valid"], p["valid"], threshold))
                found = (
                    average_precision_score(y["test"], p["test"]),
                    log_loss(y["test"], p["test"]),
                    cost(y["test"], p["test"], 0.5),
                    cost(y["test"], p["test"], 1 / (1 + MISS)),
                    cost(y["test"], p["test"], best),
                )
                scores.setdefault((kind, weight), []).append(found)
print(f"cost of naming none: {SHARE * MISS:.3f}")
print("| kind | class_weight | average precision | log loss | cost at 1/2 | at 1/21 | at the best of validation |")
print("|---|---|---|---|---|---|---|")
for (kind, weight), own in sorted(scores.items(), key=lambda item: KINDS.index(item[0][0])):
    cells = [f"{statistics.mean(column):.3f} ({statistics.stdev(column):.3f})" for column in zip(*own)]
    print(f"| {kind} | {weight} |", " | ".join(cells), "|")
