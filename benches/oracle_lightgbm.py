"""Numbers that the tests of LightGBM hold, from Python's lightgbm with the same settings on the same rows.

    python benches/oracle_lightgbm.py

The data set is that of `oracle_sklearn.py`, and of `oracle_numbers.py` where the target is a number. Written with lightgbm
4.6.0.
"""

import lightgbm
import numpy

FEATURES, CLASSES, TRAIN, VALID, BITS = 6, 3, 2000, 1000, 24


def made_up():
    """Features, the score of each row with noise, and its class."""
    state, x, scores = 1, [], []
    for _ in range(TRAIN + VALID):
        row = []
        for _ in range(FEATURES + 1):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            row.append((state >> (64 - BITS)) / 2**BITS)
        noise = row.pop()
        scores.append(row[0] + row[1] * row[2] + (0.5 if row[3] > 0.5 else 0.0) + 0.5 * noise)
        x.append(row)
    scores = numpy.array(scores)
    classes = numpy.minimum((1.5 * scores).astype(int), CLASSES - 1)
    return numpy.array(x, dtype=numpy.float32), (100 * scores).astype(numpy.float32), classes


def with_categories(x):
    """The first feature as seven categories and an unknown one, the second as five, the third with missing cells."""
    x = x.copy()
    place = numpy.floor(x[:, 0] * 64)
    first = numpy.floor(x[:, 0] * 8) * 5 % 8
    x[:, 2][place % 4 == 0] = numpy.nan
    x[:, 1] = numpy.floor(x[:, 1] * 5) * 2 % 5
    x[:, 0] = numpy.where(first == 7, numpy.nan, first)
    return x


def boosted(name, x, y, settings, rounds, weight=None, categories=(), callbacks=()):
    settings = {
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
        "num_leaves": 15,
        "learning_rate": 0.3,
        **settings,
    }
    usual = {"categorical_feature": list(categories), "params": settings}
    train = lightgbm.Dataset(x[:TRAIN], y[:TRAIN], weight=weight, **usual)
    valid = lightgbm.Dataset(x[TRAIN:], y[TRAIN:], reference=train, **usual)
    history = {}
    booster = lightgbm.train(
        settings,
        train,
        rounds,
        valid_sets=[train, valid],
        valid_names=["train", "valid"],
        callbacks=[lightgbm.record_evaluation(history), *callbacks],
    )
    losses = [history[side][settings["metric"]] for side in ("train", "valid")]
    best = int(numpy.argmin(losses[1])) + 1
    gains = booster.feature_importance("gain", iteration=best)
    leaves = sum(tree["num_leaves"] for tree in booster.dump_model(num_iteration=best)["tree_info"])
    print(f"{name}: {len(losses[1])} rounds, best {best}, {leaves} leaves")
    print("  loss", *(side[best - 1] for side in losses))
    print("  gains", *(gains / gains.sum()).round(8))
    print("  predictions", *booster.predict(x[TRAIN : TRAIN + 3], num_iteration=best).flatten())


x, numbers, classes = made_up()
second = numpy.minimum(classes, 1)
several = {"objective": "multiclass", "num_class": CLASSES, "metric": "multi_logloss"}
two = {"objective": "binary", "metric": "binary_logloss"}
boosted("classes", x, classes, several, 10)
boosted("categories", with_categories(x), classes, several, 10, categories=[0, 1])
boosted("two classes", x, second, two, 10)
boosted("weights", x, second, two, 10, weight=numpy.where(second[:TRAIN] == 1, 3.0, 1.0))
limits = {
    "max_depth": 3,
    "min_data_in_leaf": 50,
    "min_sum_hessian_in_leaf": 5.0,
    "lambda_l1": 0.5,
    "lambda_l2": 2.0,
    "min_gain_to_split": 0.1,
    "max_bin": 63,
}
boosted("limits", x, classes, {**several, **limits}, 10)
# Rows and features that are drawn by the seeds of each round, which a callback sets as `sweep` does for the seed 5.
FEATURE_SEEDS = [563676785, 575619180, 961407109, 1524203956, 939749057, 1676167978, 1408859799, 1129087638, 508540905, 593179108]
ROW_SEEDS = [1359549879, 1741296782, 666456713, 1067480706, 1692864887, 114085244, 2035408691, 561568488, 2059214911, 1982848992]
draws = lightgbm.reset_parameter(
    bagging_seed=ROW_SEEDS,
    feature_fraction_seed=FEATURE_SEEDS,
    bagging_fraction=[0.7 * (1 - 1e-9 * (1 + round % 2)) for round in range(10)],
)
sampled = {"bagging_fraction": 0.7, "bagging_freq": 1, "feature_fraction": 0.5, "bagging_seed": 0, "feature_fraction_seed": 0}
boosted("drawn", x, classes, {**several, **sampled}, 10, callbacks=[draws])
boosted("early stopping", x, classes, several, 500, callbacks=[lightgbm.early_stopping(4, verbose=False)])
sd = numbers[:TRAIN].astype(float).std()
for name, settings in (
    ("l2", {}),
    ("l1", {}),
    ("huber", {"alpha": sd}),
    ("huber", {"alpha": 0.3 * sd}),
    ("quantile", {"alpha": 0.9}),
):
    boosted(f"{name} {list(settings.values())}", x, numbers, {"objective": name, "metric": name, **settings}, 20)
