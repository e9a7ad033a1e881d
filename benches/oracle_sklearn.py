"""Numbers that the tests of the tree baselines hold, from scikit-learn and Python's xgboost.

    python benches/oracle_sklearn.py

The data set is made by integer arithmetic that the tests repeat (`engine::made_up`), so no file is shared.
Written with scikit-learn 1.9.1 and numpy 2, and with xgboost 3.2.0 and again 3.4.1, whose trees differ a little.
"""

import numpy
import xgboost
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import log_loss

FEATURES, CLASSES, TRAIN, VALID = 6, 3, 2000, 1000


def made_up(bits):
    """A linear congruential generator's top bits as numbers in [0, 1); three classes with noise."""
    state, x, y = 1, [], []
    for _ in range(TRAIN + VALID):
        row = []
        for _ in range(FEATURES + 1):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            row.append((state >> (64 - bits)) / 2**bits)
        noise = row.pop()
        score = row[0] + row[1] * row[2] + (0.5 if row[3] > 0.5 else 0.0) + 0.5 * noise
        x.append(row)
        y.append(min(int(1.5 * score), CLASSES - 1))
    return numpy.array(x, dtype=numpy.float32), numpy.array(y)


def split(bits):
    x, y = made_up(bits)
    return x[:TRAIN], x[TRAIN:], y[:TRAIN], y[TRAIN:]


# Of 7 bits a feature, 256 bins lose nothing, so everything can be compared; of 24 bits they do.
for bits, rules in (
    (7, {}),
    (7, {"max_depth": 5}),
    (7, {"min_samples_leaf": 10}),
    (7, {"bootstrap": False, "max_features": 0.5}),
    (24, {}),
):
    train_x, valid_x, train_y, valid_y = split(bits)
    runs = []
    for seed in range(10):
        forest = RandomForestClassifier(
            200, random_state=seed, n_jobs=2, oob_score=rules.get("bootstrap", True), **rules
        )
        forest.fit(train_x, train_y)
        leaves = sum(tree.get_n_leaves() for tree in forest.estimators_)
        runs.append(
            [
                forest.score(valid_x, valid_y),
                log_loss(valid_y, forest.predict_proba(valid_x)),
                getattr(forest, "oob_score_", numpy.nan),
                leaves / 200,
                *forest.feature_importances_,
            ]
        )
    runs = numpy.array(runs)
    print(bits, "bits", rules, "accuracy, loss, oob, leaves a tree, importance")
    print("  mean", numpy.round(runs.mean(0), 4).tolist())
    print("  sd  ", numpy.round(runs.std(0), 4).tolist())

train_x, valid_x, train_y, valid_y = split(24)
train = xgboost.DMatrix(train_x, train_y)
valid = xgboost.DMatrix(valid_x, valid_y)
history = {}
booster = xgboost.train(
    {
        "objective": "multi:softprob",
        "num_class": CLASSES,
        "tree_method": "hist",
        "eval_metric": ["merror", "mlogloss"],
        "max_depth": 4,
        "eta": 0.3,
        "gamma": 0.5,
        "nthread": 1,
    },
    train,
    10,
    evals=[(train, "train"), (valid, "valid")],
    evals_result=history,
    verbose_eval=False,
)
print("xgboost train/loss", history["train"]["mlogloss"])
print("xgboost valid/loss", history["valid"]["mlogloss"])
print("xgboost valid error", history["valid"]["merror"])
gain = booster.get_score(importance_type="total_gain")
total = sum(gain.values())
print("xgboost gain", [gain.get(f"f{i}", 0) / total for i in range(FEATURES)])
print("xgboost leaves", int((booster.trees_to_dataframe()["Feature"] == "Leaf").sum()))

# The same rows with categories and missing cells: the first feature as seven categories and an unknown one, the second
# as four and a fifth, and every fourth bin of 64 of the first lacks the third feature.
def with_categories(x):
    x = x.copy()
    place = numpy.floor(x[:, 0] * 64)
    first = numpy.floor(x[:, 0] * 8) * 5 % 8
    x[:, 2][place % 4 == 0] = numpy.nan
    x[:, 1] = numpy.floor(x[:, 1] * 5) * 2 % 5
    x[:, 0] = numpy.where(first == 7, numpy.nan, first)
    return x


types = ["c", "c", "q", "q", "q", "q"]
train = xgboost.DMatrix(with_categories(train_x), train_y, feature_types=types, enable_categorical=True)
valid = xgboost.DMatrix(with_categories(valid_x), valid_y, feature_types=types, enable_categorical=True)
history = {}
booster = xgboost.train(
    {
        "objective": "multi:softprob",
        "num_class": CLASSES,
        "tree_method": "hist",
        "eval_metric": "mlogloss",
        "max_depth": 4,
        "eta": 0.3,
        "gamma": 0.5,
        "nthread": 1,
    },
    train,
    10,
    evals=[(train, "train"), (valid, "valid")],
    evals_result=history,
    verbose_eval=False,
)
print("categories train/loss", history["train"]["mlogloss"])
print("categories valid/loss", history["valid"]["mlogloss"])
gain = booster.get_score(importance_type="total_gain")
total = sum(gain.values())
print("categories gain", [gain.get(f"f{i}", 0) / total for i in range(FEATURES)])
print("categories leaves", sum(tree.count("leaf=") for tree in booster.get_dump()))

# Two classes, the first one of the three against the others; the second of them weighs 3, by the setting for that and by
# weights of rows, which count in the training loss and in the score that boosting begins with too.
second = numpy.minimum(train_y, 1)
valid = xgboost.DMatrix(valid_x, numpy.minimum(valid_y, 1))
for name, weight, scale in (("setting", None, 3), ("rows", numpy.where(second == 1, 3, 1), 1)):
    train = xgboost.DMatrix(train_x, second, weight=weight)
    history = {}
    booster = xgboost.train(
        {
            "objective": "binary:logistic",
            "tree_method": "hist",
            "eval_metric": "logloss",
            "max_depth": 4,
            "eta": 0.3,
            "gamma": 0.5,
            "scale_pos_weight": scale,
            "nthread": 1,
        },
        train,
        10,
        evals=[(train, "train"), (valid, "valid")],
        evals_result=history,
        verbose_eval=False,
    )
    print("two classes by", name, "train/loss", history["train"]["logloss"][-1])
    print("two classes by", name, "valid/loss", history["valid"]["logloss"][-1])
    print("two classes by", name, "predicted", booster.predict(valid)[:3].tolist())
    gain = booster.get_score(importance_type="total_gain")
    print("two classes by", name, "first gain", gain["f0"] / sum(gain.values()))
    print("two classes by", name, "leaves", sum(tree.count("leaf=") for tree in booster.get_dump()))
