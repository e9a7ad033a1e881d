"""Writes what models of a real table score on validation rows and on many held-out rows, for `cargo bench --bench evidence`.

    pip install numpy pandas scikit-learn plotnine
    python benches/evidence_real.py FOLDER [SPLITS]
    cargo bench --bench evidence -- FOLDER

The table is `diamonds` of ggplot2, which the package plotnine brings: 53,940 rows, the cut (five classes) from the other columns. Each
split draws 1,000 training rows, 1,000 validation rows and 10,000 held-out rows. Ten configurations are trained with three
seeds that are scored on the validation rows, and with three other seeds that are scored on the held-out rows. Writes for each split
SPLIT.valid (u8, [configurations][seeds][rows], whether right) and SPLIT.held_out (little-endian f64
[configurations], the mean accuracy), and `shape.txt`: configurations, seeds, rows.
"""

import importlib.util
import pathlib
import sys
import warnings

import numpy
import pandas
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.neural_network import MLPClassifier

TRAIN, VALID, HELD_OUT, SEEDS = 1000, 1000, 10000, 3
warnings.filterwarnings("ignore")


def models(seed):
    for leaf in (1, 3, 10):
        for features in (2, 4):
            yield RandomForestClassifier(20, min_samples_leaf=leaf, max_features=features, random_state=seed)
    yield ExtraTreesClassifier(20, min_samples_leaf=2, max_features=4, random_state=seed)
    for width, alpha in ((8, 1e-3), (32, 1e-3), (32, 1.0)):
        yield MLPClassifier(width, alpha=alpha, learning_rate_init=0.02, max_iter=30, random_state=seed)


folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
splits = int(sys.argv[2]) if len(sys.argv) > 2 else 200
# Found without importing the package, which needs much that the table does not.
package = pathlib.Path(importlib.util.find_spec("plotnine").origin).parent
table = pandas.read_csv(package / "data/diamonds.csv")
x = table[["carat", "depth", "table", "price", "x", "y", "z"]].to_numpy("float64")
x[:, 3] = numpy.log(x[:, 3])
y = table.cut.astype("category").cat.codes.to_numpy()
for split in range(splits):
    order = numpy.random.default_rng(split).permutation(len(y))
    train, valid, held_out = numpy.split(order[: TRAIN + VALID + HELD_OUT], [TRAIN, TRAIN + VALID])
    centre, width = x[train].mean(0), x[train].std(0)
    scaled = (x - centre) / width
    scores, truth = [], []
    for seed in range(2 * SEEDS):
        fitted = [model.fit(scaled[train], y[train]) for model in models(seed)]
        rows = valid if seed < SEEDS else held_out
        right = numpy.array([model.predict(scaled[rows]) == y[rows] for model in fitted])
        if seed < SEEDS:
            scores.append(right)
        else:
            truth.append(right.mean(1))
    numpy.array(scores).transpose(1, 0, 2).astype("u1").tofile(folder / f"{split}.valid")
    numpy.mean(truth, 0).astype("<f8").tofile(folder / f"{split}.held_out")
    (folder / "shape.txt").write_text(f"{len(truth[0])} {SEEDS} {VALID}\n")
