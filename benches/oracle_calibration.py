"""Calibrations by scipy and scikit-learn on small made-up predictions, for the tests of `src/engine/predict`.

    python3 benches/oracle_calibration.py

prints each expected value as the tests have it. Needs numpy, scipy and scikit-learn (1.8 or newer).
"""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.calibration import CalibratedClassifierCV
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression

BINARY = [(0.1, 0), (0.2, 0), (0.2, 1), (0.35, 0), (0.4, 1), (0.5, 0), (0.6, 1), (0.7, 1), (0.8, 0), (0.95, 1)]
P2 = np.array([[1 - p, p] for p, _ in BINARY])
Y2 = np.array([label for _, label in BINARY])
P3 = np.array([
    [0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.5, 0.3, 0.2], [0.2, 0.2, 0.6], [0.3, 0.4, 0.3], [0.1, 0.3, 0.6],
    [0.6, 0.2, 0.2], [0.25, 0.5, 0.25],
])
Y3 = np.array([0, 1, 1, 2, 1, 2, 0, 0])
EPSILON = np.finfo(float).eps


def loss(power, p, y, weights=None):
    log = log_softmax(power * np.log(np.maximum(p, EPSILON)), axis=1)
    return -np.average(log[np.arange(len(y)), y], weights=weights)


def temperature(p, y, weights=None):
    at = lambda log: loss(np.exp(log), p, y, weights)
    found = minimize_scalar(at, bounds=(-5, 5), method="bounded", options={"xatol": 1e-12})
    return np.exp(-found.x)


def all_right(p, y):
    """As if one row more were of every class alike: each row once of its class, and a share of a row of every class."""
    rows, classes = p.shape
    more = np.repeat(p, classes, axis=0)
    labels = np.tile(np.arange(classes), rows)
    weights = np.concatenate([np.ones(rows), np.full(rows * classes, 1 / (rows * classes))])
    return temperature(np.concatenate([p, more]), np.concatenate([y, labels]), weights)


class Said(ClassifierMixin, BaseEstimator):
    """A fitted model whose predictions are its inputs."""

    def fit(self, x, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, x):
        return x

    def predict(self, x):
        return self.classes_[x.argmax(axis=1)]


def isotonic(p, y, at):
    rows, classes = p.shape
    least = 1 / (rows + 2)
    curves = range(1, 2) if classes == 2 else range(classes)
    columns = []
    for one in curves:
        curve = IsotonicRegression(out_of_bounds="clip").fit(p[:, one], y == one)
        curve.y_thresholds_ = np.clip(curve.y_thresholds_, least, 1 - least)
        curve._build_f(curve.X_thresholds_, curve.y_thresholds_)
        columns.append(curve.predict(at[:, one]))
    columns = np.stack(columns, 1)
    return columns[:, 0] if classes == 2 else columns / columns.sum(1, keepdims=True)


print("// temperature, two classes and three")
print(float(temperature(P2, Y2)), float(temperature(P3, Y3)))
own = CalibratedClassifierCV(FrozenEstimator(Said().fit(P3, Y3)), method="temperature", cv=2).fit(P3, Y3)
print("// that of scikit-learn, three classes")
print(float(1 / own.calibrated_classifiers_[0].calibrators[0].beta_))
right = P3[[0, 1, 3, 5, 6]]
print("// every row right")
print(float(all_right(right, Y3[[0, 1, 3, 5, 6]])))
print("// isotonic, two classes, three classes")
new = np.array([0.05, 0.15, 0.3, 0.55, 0.9, 0.99])
print(np.round(isotonic(P2, Y2, np.stack([1 - new, new], 1)), 9).tolist())
print(np.round(isotonic(P3, Y3, np.array([[0.55, 0.25, 0.2], [0.15, 0.45, 0.4], [0.0, 0.0, 1.0]])), 9).tolist())
