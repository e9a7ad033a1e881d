"""How the interval of a mean over rows and seeds was chosen: false positives at 5% of the candidates, by simulation.

    pip install numpy scipy
    python benches/evidence_choice.py

Of a difference of 0, the variance of the mean has three parts that add up to 1: of rows, of seeds, and of rows with seeds. First from
the three mean squares alone (normal scores, 1,000 rows), then the two-way bootstrap of the scores themselves (200 rows). Last,
cross-validation with real learners: how often 95% intervals hold the true difference of two.
"""

import numpy
from scipy import stats

rng = numpy.random.default_rng(1)
PARTS = [(1, 0, 0), (0.5, 0, 0.5), (0.25, 0.5, 0.25), (0.1, 0.9, 0), (0.05, 0.9, 0.05)]


def quantile(degrees):
    return stats.t.ppf(0.975, degrees)


def analytic(seeds, parts, draws=60_000, rows=1000):
    of_rows, of_seeds, of_both = parts
    difference = rng.normal(size=draws)
    freedom = rows - 1, seeds - 1, (rows - 1) * (seeds - 1)
    row, seed, overlap = (
        variance * rng.chisquare(degrees, draws) / degrees
        for variance, degrees in zip((of_rows + of_both, of_seeds + of_both, of_both), freedom)
    )
    beyond = numpy.maximum(seed - overlap, 0)
    sum_ = row + beyond
    spread = row**2 / freedom[0] + (beyond > 0) * (seed**2 / freedom[1] + overlap**2 / freedom[2])
    t_row, t_seed = quantile(freedom[0]), quantile(freedom[1])
    taken_off = t_row**2 * row + t_seed**2 * beyond
    kept = numpy.maximum(t_row**2 * numpy.maximum(row - overlap, 0) + t_seed**2 * seed, t_row**2 * row)
    halves = {
        "Satterthwaite": quantile(sum_**2 / spread) ** 2 * sum_,
        "Cochran": ((row * t_row + beyond * t_seed) / sum_) ** 2 * sum_,
        "Banerjee, nothing taken off": t_row**2 * row + t_seed**2 * seed,
        "Banerjee": taken_off,
        "as chosen": kept if seeds == 2 else taken_off,
    }
    return {name: numpy.mean(difference**2 > half) for name, half in halves.items()}


def bootstrap(seeds, parts, draws=800, rows=200, replicates=400):
    of_rows, of_seeds, of_both = parts
    outside = 0
    for _ in range(draws):
        scores = rng.normal(size=rows) * (of_rows * rows) ** 0.5
        scores = scores + rng.normal(size=(seeds, 1)) * (of_seeds * seeds) ** 0.5
        scores += rng.normal(size=(seeds, rows)) * (of_both * rows * seeds) ** 0.5
        row = rng.multinomial(rows, numpy.full(rows, 1 / rows), replicates) / rows
        seed = rng.multinomial(seeds, numpy.full(seeds, 1 / seeds), replicates) / seeds
        low, high = numpy.quantile((seed * (row @ scores.T)).sum(1), [0.025, 0.975])
        outside += not low <= 0 <= high
    return {"two-way bootstrap": outside / draws}


def table(rows, features):
    x = rng.normal(size=(rows, features))
    return x, x[:, 0] + 0.7 * x[:, 1] + 0.5 * x[:, 2] + 0.5 * x[:, 0] * x[:, 1] + rng.normal(size=rows) * 1.5


def ridge(strength):
    def predict(x, y, new):
        return new @ numpy.linalg.solve(x.T @ x + strength * numpy.eye(x.shape[1]), x.T @ y)

    return predict


def nearest(count):
    def predict(x, y, new):
        far = (x**2).sum(1) - 2 * new @ x.T
        return y[numpy.argpartition(far, count, axis=1)[:, :count]].mean(1)

    return predict


def folds(rows, features, count, one, other, draws=400):
    def difference(x, y, new, truth):
        return (truth - one(x, y, new)) ** 2 - (truth - other(x, y, new)) ** 2

    fresh = ((*table(rows * (count - 1) // count, features), *table(4000, features)) for _ in range(400))
    truth = numpy.mean([difference(*each).mean() for each in fresh])
    held = {}
    for _ in range(draws):
        x, y = table(rows, features)
        fold = rng.permutation(rows) % count
        scores = numpy.empty(rows)
        for own in range(count):
            test = fold == own
            scores[test] = difference(x[~test], y[~test], x[test], y[test])
        of_rows = scores.var(ddof=1) / rows
        of_folds = numpy.var([scores[fold == own].mean() for own in range(count)], ddof=1)
        factor = 1 / count + 1 / (count - 1)
        beyond = max(of_folds - count * of_rows, 0) * factor
        t_rows, t_folds = quantile(rows - 1), quantile(count - 1)
        halves = {
            "rows alone": t_rows * of_rows**0.5,
            "Nadeau and Bengio": t_folds * (of_folds * factor) ** 0.5,
            "as chosen": (t_rows**2 * of_rows * count * factor + t_folds**2 * beyond) ** 0.5,
        }
        for name, half in halves.items():
            inside, width = held.get(name, (0, 0))
            held[name] = inside + (abs(scores.mean() - truth) < half) / draws, width + half / draws
    return held


for seeds in (2, 3, 5, 10):
    for parts in PARTS:
        found = analytic(seeds, parts) | bootstrap(seeds, parts)
        print(seeds, "seeds", parts, {name: f"{share:.1%}" for name, share in found.items()}, flush=True)
for rows, features in ((60, 40), (100, 40), (100, 10), (300, 10)):
    for pair in ((ridge(0.1), ridge(30.0)), (ridge(1.0), nearest(7)), (nearest(3), nearest(9))):
        found = folds(rows, features, 5, *pair)
        print(rows, features, {name: f"{inside:.1%}, half {half:.3f}" for name, (inside, half) in found.items()}, flush=True)
