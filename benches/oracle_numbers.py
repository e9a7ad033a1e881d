"""Numbers that the tests of regression and of weights hold, from scikit-learn and Python's xgboost.

    python3 benches/oracle_numbers.py

The data set is that of `oracle_sklearn.py`, with the score itself as the target. Written with scikit-learn 1.9.1 and
xgboost 3.2.0.
"""

import numpy
import xgboost
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.metrics import log_loss, root_mean_squared_error

FEATURES, CLASSES, TRAIN, VALID = 6, 3, 2000, 1000


def made_up(bits):
    """Features, the score of each row with noise, and its class."""
    state, x, scores = 1, [], []
    for _ in range(TRAIN + VALID):
        row = []
        for _ in range(FEATURES + 1):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            row.append((state >> (64 - bits)) / 2**bits)
        noise = row.pop()
        scores.append(row[0] + row[1] * row[2] + (0.5 if row[3] > 0.5 else 0.0) + 0.5 * noise)
        x.append(row)
    scores = numpy.array(scores)
    classes = numpy.minimum((1.5 * scores).astype(int), CLASSES - 1)
    return numpy.array(x, dtype=numpy.float32), (100 * scores).astype(numpy.float32), classes


x, y, classes = made_up(24)
train_x, valid_x, train_y, valid_y = x[:TRAIN], x[TRAIN:], y[:TRAIN], y[TRAIN:]
sd = train_y.astype(float).std()
print("sd of the training rows", repr(sd))
usual = {"tree_method": "hist", "max_depth": 4, "eta": 0.3, "nthread": 1}
for name, settings in (
    ("squared", {"objective": "reg:squarederror"}),
    ("absolute", {"objective": "reg:absoluteerror"}),
    ("huber", {"objective": "reg:pseudohubererror", "huber_slope": sd}),
    ("quantile", {"objective": "reg:quantileerror", "quantile_alpha": 0.9}),
):
    train, valid = xgboost.DMatrix(train_x, train_y), xgboost.DMatrix(valid_x, valid_y)
    history = {}
    booster = xgboost.train(
        {**usual, **settings}, train, 20, evals=[(train, "train"), (valid, "valid")], evals_result=history,
        verbose_eval=False,
    )
    metric = next(iter(history["train"]))
    rmse = root_mean_squared_error(valid_y.astype(float), booster.predict(valid).astype(float))
    print(name, metric, repr(history["train"][metric][-1]), repr(history["valid"][metric][-1]), "rmse", repr(rmse))

# Huber's loss on scaled labels, as it is trained here: on plain ones boosting diverges.
mean = train_y.astype(float).mean()
train = xgboost.DMatrix(train_x, ((train_y - mean) / sd).astype(numpy.float32))
for delta in (1.0, 0.3):
    booster = xgboost.train({**usual, "objective": "reg:pseudohubererror", "huber_slope": delta}, train, 20)
    predicted = booster.predict(xgboost.DMatrix(valid_x)).astype(float) * sd + mean
    error, slope = predicted - valid_y, delta * sd
    loss = numpy.mean(slope**2 * (numpy.sqrt(1 + (error / slope) ** 2) - 1))
    print("huber", delta, "scaled rmse", repr(root_mean_squared_error(valid_y.astype(float), predicted)), repr(loss))

# Weights of rows: those of class 2 count five times.
weights = numpy.where(classes[:TRAIN] == 2, 5.0, 1.0)
train, valid = xgboost.DMatrix(train_x, classes[:TRAIN], weight=weights), xgboost.DMatrix(valid_x, classes[TRAIN:])
history = {}
xgboost.train(
    {**usual, "objective": "multi:softprob", "num_class": CLASSES}, train, 10, evals=[(train, "t"), (valid, "v")],
    evals_result=history, verbose_eval=False,
)
print("weighted", repr(history["t"]["mlogloss"][-1]), repr(history["v"]["mlogloss"][-1]))

# Of 7 bits a feature, 256 bins lose nothing.
x, y, classes = made_up(7)
train_x, valid_x, train_y, valid_y = x[:TRAIN], x[TRAIN:], y[:TRAIN], y[TRAIN:]
for rules in ({"max_features": 1.0}, {"max_features": "sqrt"}, {"max_features": 1.0, "max_depth": 5}):
    runs = []
    for seed in range(10):
        forest = RandomForestRegressor(200, random_state=seed, n_jobs=2, oob_score=True, **rules)
        forest.fit(train_x, train_y)
        predicted = forest.predict(valid_x)
        oob = root_mean_squared_error(train_y, forest.oob_prediction_)
        runs.append([root_mean_squared_error(valid_y, predicted), oob, *forest.feature_importances_])
    runs = numpy.array(runs)
    print("forest", rules, "rmse, oob rmse, importance")
    print("  mean", numpy.round(runs.mean(0), 4).tolist())
    print("  sd  ", numpy.round(runs.std(0), 4).tolist())
runs = []
for seed in range(10):
    forest = RandomForestClassifier(200, random_state=seed, n_jobs=2, class_weight={0: 1, 1: 1, 2: 5})
    forest.fit(train_x, classes[:TRAIN])
    p = forest.predict_proba(valid_x)
    runs.append([log_loss(classes[TRAIN:], p), p[:, 2].mean()])
runs = numpy.array(runs)
print("weighted forest: loss, mean probability of class 2", runs.mean(0).round(4).tolist(), runs.std(0).round(4).tolist())
