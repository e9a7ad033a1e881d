"""Support vector machines on scikit-learn's handwritten digits: accuracy over five folds."""

import argparse

try:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC
except ImportError as error:
    raise SystemExit(f"digits.py needs scikit-learn (pip install scikit-learn): {error}")

parser = argparse.ArgumentParser()
parser.add_argument("--C", type=float, default=1.0)
parser.add_argument("--gamma", type=float, default=0.01)
parser.add_argument("--kernel", choices=["linear", "rbf"], default="rbf")
parser.add_argument("--seed", type=int, default=0)
options = parser.parse_args()

x, y = load_digits(return_X_y=True)
model = make_pipeline(
    StandardScaler(), SVC(C=options.C, gamma=options.gamma, kernel=options.kernel)
)
folds = StratifiedKFold(5, shuffle=True, random_state=options.seed)
scores = cross_val_score(model, x, y, cv=folds)
print(f"accuracy: {scores.mean():.6f}  worst_fold: {scores.min():.6f}")
