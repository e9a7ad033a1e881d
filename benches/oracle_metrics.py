"""The metrics of scikit-learn on small made-up predictions, for the tests of `src/engine/score`.

    python3 benches/oracle_metrics.py

prints each expected value as the tests have it. Needs numpy and scikit-learn (1.7 or newer).
"""

import numpy as np
from sklearn import metrics
from sklearn.dummy import DummyRegressor

Y3 = np.array([0, 2, 1, 1, 0, 2, 2, 1, 0, 1, 2, 2])
P3 = np.array([
    [0.7, 0.2, 0.1], [0.2, 0.2, 0.6], [0.3, 0.4, 0.3], [0.5, 0.25, 0.25],
    [0.6, 0.3, 0.1], [0.1, 0.1, 0.8], [0.4, 0.5, 0.1], [0.1, 0.8, 0.1],
    [0.3, 0.3, 0.4], [0.2, 0.6, 0.2], [0.25, 0.25, 0.5], [0.6, 0.1, 0.3],
])
Y2 = np.array([0, 1, 0, 1, 0, 0, 1, 0, 1, 0])
P2 = np.array([0.1, 0.9, 0.4, 0.4, 0.35, 0.8, 0.6, 0.2, 0.7, 0.4])
A = np.array([3.0, -0.5, 2.0, 7.0, 4.25, 1.0])
P = np.array([2.5, 0.25, 2.0, 8.0, 3.5, 1.5])


def ece(y, p, bins=15):
    """Guo et al. 2017: bins hold their upper end."""
    predicted, confidence = p.argmax(1), p.max(1)
    place = np.clip(np.ceil(confidence * bins).astype(int), 1, bins)
    total = 0.0
    for one in np.unique(place):
        rows = place == one
        total += abs(confidence[rows].sum() - (predicted[rows] == y[rows]).sum())
    return total / len(y)


def of_classes(name, y, p):
    hat = p.argmax(1)
    binary = p.shape[1] == 2
    print(f"// {name}")
    print("accuracy", repr(metrics.accuracy_score(y, hat)))
    print("loss", repr(metrics.log_loss(y, p)))
    print("macro_f1", repr(metrics.f1_score(y, hat, average="macro", zero_division=0)))
    print("weighted_f1", repr(metrics.f1_score(y, hat, average="weighted", zero_division=0)))
    print("f1@c1", repr(metrics.f1_score(y, hat, labels=[1], average=None)[0]))
    print("balanced_accuracy", repr(metrics.balanced_accuracy_score(y, hat)))
    print("mcc", repr(metrics.matthews_corrcoef(y, hat)))
    score = p[:, 1] if binary else p
    print("roc_auc", repr(metrics.roc_auc_score(y, score, multi_class="ovr")))
    one_hot = np.eye(p.shape[1])[y]
    ap = metrics.average_precision_score(y, score) if binary else metrics.average_precision_score(one_hot, p)
    print("average_precision", repr(ap))
    print("brier", repr(metrics.brier_score_loss(y, score)))
    print("ece", repr(ece(y, p)))
    if not binary:
        # Of equal probabilities the first class counts as more probable here, as in the predicted class; there the last.
        first = p - 1e-9 * np.arange(p.shape[1])
        print("top_k@2", repr(metrics.top_k_accuracy_score(y, first, k=2)))


def of_numbers(a, p):
    print("// numbers")
    print("rmse", repr(metrics.root_mean_squared_error(a, p)))
    print("mae", repr(metrics.mean_absolute_error(a, p)))
    print("r2", repr(metrics.r2_score(a, p)))
    print("mape", repr(metrics.mean_absolute_percentage_error(a, p)))
    print("median_ae", repr(metrics.median_absolute_error(a, p)))
    print("pinball@0.9", repr(metrics.mean_pinball_loss(a, p, alpha=0.9)))


def dummies():
    """DummyRegressor fitted on some numbers and scored on others."""
    train, valid = np.array([1.0, 2.0, 4.0, 9.0]), np.array([1.0, 3.0, 8.0])
    x = np.zeros((len(train), 1))
    guess = lambda **how: DummyRegressor(**how).fit(x, train).predict(np.zeros((len(valid), 1)))
    mean, median = guess(strategy="mean"), guess(strategy="median")
    high = guess(strategy="quantile", quantile=0.9)
    print("// zero line of numbers")
    print("rmse", repr(metrics.root_mean_squared_error(valid, mean)))
    print("mae", repr(metrics.mean_absolute_error(valid, median)))
    print("r2", repr(metrics.r2_score(valid, mean)))
    print("mape", repr(metrics.mean_absolute_percentage_error(valid, median)))
    print("median_ae", repr(metrics.median_absolute_error(valid, median)))
    print("pinball@0.9", repr(metrics.mean_pinball_loss(valid, high, alpha=0.9)))


of_classes("three classes", Y3, P3)
of_classes("two classes", Y2, np.stack([1 - P2, P2], 1))
of_numbers(A, P)
dummies()
