"""Numbers that the tests of the tree baselines hold, from scikit-learn and Python's xgboost.

    python benches/oracle_sklearn.py

The data set is made by integer arithmetic that the tests repeat (`engine::made_up`), so no file is shared.
Written with scikit-learn 1.9.1, xgboost 3.2.0, numpy 2.
"""

import numpy
import xgboost
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import log_loss

FEATURES, CLASSES, TRAIN, VALID = 6, 3, 2000, 1000


def made_up():
    """A linear congruential generator's top 24 bits as numbers in [0, 1); three classes with noise."""
    state, x, y = 1, [], []
    for _ in range(TRAIN + VALID):
        row = []
        for _ in range(FEATURES + 1):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            row.append((state >> 40) / 2**24)
        noise = row.pop()
        score = row[0] + row[1] * row[2] + (0.5 if row[3] > 0.5 else 0.0) + 0.5 * noise
        x.append(row)
        y.append(min(int(1.5 * score), CLASSES - 1))
    return numpy.array(x, dtype=numpy.float32), numpy.array(y)


x, y = made_up()
train_x, valid_x, train_y, valid_y = x[:TRAIN], x[TRAIN:], y[:TRAIN], y[TRAIN:]
print("classes", numpy.bincount(train_y), numpy.bincount(valid_y))

for rules in ({}, {"max_depth": 5}, {"min_samples_leaf": 10}, {"bootstrap": False, "max_features": 0.5}):
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
    print(rules, "accuracy, loss, oob, leaves a tree, importance")
    print("  mean", numpy.round(runs.mean(0), 4).tolist())
    print("  sd  ", numpy.round(runs.std(0), 4).tolist())

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
    [(train, "train"), (valid, "valid")],
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
