"""What defaults reach: networks of `sweep`, means over their seeds and wider ones beside TabM, RealMLP and trees, on the same rows.

    OMP_WAIT_POLICY=passive python benches/defaults.py SWEEP FOLDER [TABLE ...]

SWEEP is the program; each TABLE of FOLDER (without `.csv`; by default phoneme, spambase, digits and diamonds) has the class in
its last column. Needs numpy, pandas and scikit-learn; peers that are not installed are named and left out: xgboost, lightgbm,
pytabkit (RealMLP with its tuned defaults), tabm with rtdl_num_embeddings (TabM of 32 members with piecewise-linear embeddings,
trained as its authors' example does). Each table gets a column that names the split of its rows: 60, 20 and 20%, seed 42,
stratified.

Printed are accuracy and log loss on the test rows, log loss with a temperature that is fitted on the validation rows by the
same function for all, and the CPU seconds of training with everything that belongs to it. Seeds are 1 to 3 unless
SWEEP_BENCH_SEEDS says how many; networks of `sweep` have 16, since means of 4, 8 and 16 are among what is compared. All run
on one thread.
"""

import csv
import importlib.util
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
import pandas as pd
from sklearn import ensemble, model_selection, preprocessing

# What `make libraries` fetches, unless the caller names others.
FETCHED = Path(__file__).resolve().parent.parent / ".deps"
os.environ.setdefault("SWEEP_XGBOOST", str(FETCHED / "xgboost/lib/libxgboost.so"))
os.environ.setdefault("SWEEP_LIGHTGBM", str(FETCHED / "lightgbm/lib/lib_lightgbm.so"))
warnings.filterwarnings("ignore", message="X does not have valid feature names")

SEEDS = range(1, 1 + int(os.environ.get("SWEEP_BENCH_SEEDS", "3")))
MEMBERS = 16
ROUNDS, PATIENCE = 1000, 30
TABLES = ["phoneme", "spambase", "digits", "diamonds"]


class Table:
    """A table of a class and other columns, split."""

    def __init__(self, path):
        self.frame = pd.read_csv(path)
        self.target = self.frame.columns[-1]
        classes, self.y = np.unique(self.frame[self.target].astype(str), return_inverse=True)
        self.classes = list(classes)
        self.part = np.full(len(self.y), "train", dtype=object)
        rest, test = model_selection.train_test_split(
            np.arange(len(self.y)), test_size=0.2, random_state=42, stratify=self.y
        )
        _, valid = model_selection.train_test_split(rest, test_size=0.25, random_state=42, stratify=self.y[rest])
        self.part[valid], self.part[test] = "valid", "test"
        features = self.frame.drop(columns=self.target)
        self.texts = [name for name in features if not pd.api.types.is_numeric_dtype(features[name])]
        self.numbers = features.drop(columns=self.texts).to_numpy(np.float32)
        self.one_hot = pd.get_dummies(features[self.texts]).to_numpy(np.float32) if self.texts else self.numbers[:, :0]
        self.features = features.astype({name: "category" for name in self.texts})
        self.x = np.concatenate([self.numbers, self.one_hot], axis=1)

    def rows(self, name):
        return self.part == name


def log_loss(probabilities, y):
    return float(-np.log(np.maximum(probabilities[np.arange(len(y)), y], 1e-12)).mean())


def tempered(probabilities, power):
    logits = np.log(np.maximum(probabilities, 1e-12)) * power
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def scores(table, valid, test):
    """Accuracy, log loss and log loss with the temperature that suits the validation rows, of the test rows."""
    y_valid, y_test = table.y[table.rows("valid")], table.y[table.rows("test")]
    powers = np.exp(np.linspace(np.log(0.2), np.log(5), 200))
    best = min(powers, key=lambda power: log_loss(tempered(valid, power), y_valid))
    return (
        float((test.argmax(axis=1) == y_test).mean()),
        log_loss(test, y_test),
        log_loss(tempered(test, best), y_test),
    )


def show(table_name, what, results, seconds):
    """One row: means over the runs, and the standard deviation of the accuracy."""
    columns = np.array(results)
    sd = f" ± {columns[:, 0].std(ddof=1):.4f}" if len(columns) > 1 else ""
    accuracy, loss, calibrated = columns.mean(axis=0)
    cells = [table_name, what, len(columns), f"{accuracy:.4f}{sd}", f"{loss:.4f}", f"{calibrated:.4f}"]
    cells.append("" if seconds is None else f"{seconds:.1f}")
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


class Sweep:
    """A folder with the table, its split as a column, and the database of `sweep`."""

    def __init__(self, program, table, folder):
        self.program, self.table, self.folder = program, table, Path(folder)
        frame = table.frame.assign(part=table.part)
        frame.to_csv(self.folder / "table.csv", index=False)
        for side in ("valid", "test"):
            frame[table.rows(side)].to_csv(self.folder / f"{side}.csv", index=False)

    def command(self, *arguments):
        """What it writes, and its CPU seconds."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([self.program, *arguments], cwd=self.folder, capture_output=True, text=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            raise SystemExit(f"sweep {' '.join(arguments)}: {done.stderr}")
        return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def train(self, name, seeds, model):
        (self.folder / f"{name}.toml").write_text(
            f'[experiment]\nname = "{name}"\nseeds = {list(seeds)}\n\n[data]\npath = "table.csv"\n'
            f'target = "{self.table.target}"\nsplit = {{ column = "part" }}\n\n{model}'
        )
        return self.command("run", f"{name}.toml", "-q", "--slots", "cpu:1")[1]

    def probabilities(self, model, side, *options):
        self.command("predict", model, f"{side}.csv", "-o", "predicted.csv", "--force", *options)
        predicted = pd.read_csv(self.folder / "predicted.csv")
        return predicted[[f"sweep.probability.{name}" for name in self.table.classes]].to_numpy(float)

    def trials(self, name):
        """Kind, seed and trial of all that is trained."""
        self.command("report", name)
        with open(self.folder / f"reports/{name}/trials.csv", encoding="utf-8") as file:
            return [(row["kind"], int(row["seed"]), row["trial"]) for row in csv.DictReader(file)]

    def predicted(self, name):
        """By kind, the probabilities of validation and test rows of each trial, in the order of seeds."""
        found = {}
        for kind, _, trial in sorted(self.trials(name)):
            sides = [self.probabilities(trial, side, "--experiment", name) for side in ("valid", "test")]
            found.setdefault(kind, []).append(sides)
        return found


def ours(program, name, table):
    with tempfile.TemporaryDirectory() as folder:
        sweep = Sweep(program, table, folder)
        seconds = sweep.train("everything", SEEDS, "")
        predicted = sweep.predicted("everything")
        for kind in {"xgboost", "lightgbm"} - set(predicted):
            print(f"LEFT OUT: `{kind}` of `sweep`, whose library is missing (make libraries)", file=sys.stderr, flush=True)
        for kind, sides in predicted.items():
            runs = [scores(table, *both) for both in sides]
            show(name, f"`sweep`, file with `[data]` alone: `{kind}`", runs, None)
        seconds += sweep.command("ensemble", "everything")[1]
        sides = [sweep.probabilities("ensemble", side, "--experiment", "everything") for side in ("valid", "test")]
        show(name, "`sweep`, all of that file and its `sweep ensemble`", [scores(table, *sides)], seconds)
        for what, model, seeds in (
            ("network", "[model]\n", MEMBERS),
            ("network of width 384", "[model]\nlayers = [384, 384]\n", MEMBERS // 2),
        ):
            label = what.replace(" ", "_")
            each = sweep.train(label, range(1, seeds + 1), model) / seeds
            sides = sweep.predicted(label)["mlp"]
            show(name, f"`sweep`, {what}", [scores(table, *both) for both in sides], each)
            for k in (2, 4, 8, 16):
                if k > seeds:
                    break
                groups = [sides[first : first + k] for first in range(0, seeds, k)]
                means = [[np.mean(side, axis=0) for side in zip(*group)] for group in groups]
                show(name, f"`sweep`, mean of {k}, {what}", [scores(table, *both) for both in means], each * k)


def timed(table, name, what, seeds, train):
    """Trains with each seed; `train` gives a function from a part to its probabilities."""
    runs, seconds = [], 0.0
    for seed in seeds:
        began = time.process_time()
        predict = train(seed)
        seconds += time.process_time() - began
        runs.append(scores(table, predict("valid"), predict("test")))
    show(name, what, runs, seconds / len(runs))


def trees(name, table):
    x, y = table.x, table.y
    train, valid = table.rows("train"), table.rows("valid")

    def forest(seed):
        model = ensemble.RandomForestClassifier(n_estimators=300, random_state=seed, n_jobs=1).fit(x[train], y[train])
        return lambda side: model.predict_proba(x[table.rows(side)])

    timed(table, name, "scikit-learn, forest of 300", SEEDS, forest)
    shared = dict(n_estimators=ROUNDS, learning_rate=0.1, subsample=0.8, colsample_bytree=0.8)
    if installed("xgboost"):
        import xgboost

        def boosted(seed):
            model = xgboost.XGBClassifier(
                **shared, early_stopping_rounds=PATIENCE, random_state=seed, tree_method="hist", n_jobs=1,
                eval_metric="logloss" if len(table.classes) == 2 else "mlogloss",
            ).fit(x[train], y[train], eval_set=[(x[valid], y[valid])], verbose=False)
            return lambda side: model.predict_proba(x[table.rows(side)])

        timed(table, name, "XGBoost in Python, settings of `sweep`", SEEDS, boosted)
    if installed("lightgbm"):
        import lightgbm

        def leafwise(seed):
            model = lightgbm.LGBMClassifier(**shared, subsample_freq=1, random_state=seed, n_jobs=1, verbosity=-1)
            stop = lightgbm.early_stopping(PATIENCE, verbose=False)
            model.fit(x[train], y[train], eval_set=[(x[valid], y[valid])], callbacks=[stop])
            return lambda side: model.predict_proba(x[table.rows(side)])

        timed(table, name, "LightGBM in Python, settings of `sweep`", SEEDS, leafwise)


def real_mlp(name, table):
    if not installed("pytabkit"):
        return
    import torch
    from pytabkit import RealMLP_TD_Classifier

    torch.set_num_threads(1)
    x, y, train, valid = table.features, table.y, table.rows("train"), table.rows("valid")

    def train_one(seed):
        model = RealMLP_TD_Classifier(device="cpu", random_state=seed, n_threads=1, n_cv=1, n_refit=0)
        model.fit(x[train], y[train], x[valid], y[valid], cat_col_names=table.texts)
        return lambda side: model.predict_proba(x[table.rows(side)])

    timed(table, name, "RealMLP-TD (pytabkit)", SEEDS, train_one)


def tab_m(name, table):
    if not (installed("tabm") and installed("rtdl_num_embeddings")):
        return
    import torch

    torch.set_num_threads(1)
    timed(table, name, "TabM, 32 members, piecewise-linear embeddings", SEEDS, lambda seed: train_tab_m(table, seed, torch))


def train_tab_m(table, seed, torch):
    """As in the example of its package: quantiles with a little noise, AdamW, patience of 16 epochs on the validation rows."""
    import rtdl_num_embeddings
    import tabm

    torch.manual_seed(seed)
    rows = table.rows("train")
    noise = np.random.default_rng(seed).normal(0, 1e-5, table.numbers[rows].shape).astype(np.float32)
    scaler = preprocessing.QuantileTransformer(
        n_quantiles=max(min(rows.sum() // 30, 1000), 10), output_distribution="normal", subsample=10**9
    ).fit(table.numbers[rows] + noise)
    numbers = torch.tensor(np.nan_to_num(scaler.transform(table.numbers).astype(np.float32)))
    codes = [table.features[text].cat.codes.to_numpy(np.int64) for text in table.texts]
    codes = torch.tensor(np.stack(codes, axis=1)) if codes else None
    y = torch.tensor(table.y)
    # A column with one value in the training rows has no bins.
    numbers = numbers[:, [len(torch.unique(column)) > 1 for column in numbers[rows].T]]
    model = tabm.TabM.make(
        n_num_features=numbers.shape[1],
        cat_cardinalities=[len(table.features[text].cat.categories) for text in table.texts],
        d_out=len(table.classes),
        num_embeddings=rtdl_num_embeddings.PiecewiseLinearEmbeddings(
            rtdl_num_embeddings.compute_bins(numbers[rows], n_bins=48), d_embedding=16, activation=False, version="B"
        ),
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=3e-4)

    def outputs(chosen):
        return model(numbers[chosen], None if codes is None else codes[chosen])

    def predict(side):
        model.eval()
        with torch.inference_mode():
            parts = torch.tensor(np.flatnonzero(table.rows(side))).split(2048)
            return torch.cat([outputs(part).softmax(-1).mean(1) for part in parts]).double().numpy()

    chosen, y_valid = torch.tensor(np.flatnonzero(rows)), table.y[table.rows("valid")]
    best, kept, waited = float("inf"), None, 0
    while waited <= 16:
        model.train()
        for batch in chosen[torch.randperm(len(chosen))].split(256):
            optimizer.zero_grad()
            output = outputs(batch)
            loss = torch.nn.functional.cross_entropy(output.flatten(0, 1), y[batch].repeat_interleave(output.shape[1]))
            loss.backward()
            optimizer.step()
        # By log loss: the example takes accuracy, whose ties are many on small tables.
        loss = log_loss(predict("valid"), y_valid)
        waited += 1
        if loss < best:
            best, kept, waited = loss, {key: value.clone() for key, value in model.state_dict().items()}, 0
    model.load_state_dict(kept)
    return predict


MISSING = set()


def installed(package):
    if importlib.util.find_spec(package):
        return True
    if package not in MISSING:
        MISSING.add(package)
        print(f"LEFT OUT: {package} is not installed (pip install {package})", file=sys.stderr, flush=True)
    return False


def main():
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    program, folder, *names = sys.argv[1:]
    program = str(Path(program).resolve())
    print("| table | model | runs | accuracy | log loss | calibrated | CPU s each |")
    print("|---|---|---|---|---|---|---|")
    for name in names or TABLES:
        table = Table(Path(folder) / f"{name}.csv")
        ours(program, name, table)
        trees(name, table)
        real_mlp(name, table)
        tab_m(name, table)


if __name__ == "__main__":
    main()
