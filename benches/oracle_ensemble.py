"""The selection of an ensemble once more in numpy, from the predictions that trials left behind.

    pip install numpy safetensors zstandard
    python3 benches/oracle_ensemble.py runs/sweep.sqlite NAME

Greedy forward selection with replacement by log loss, begun with the best few together, in bags of half of the candidates
(Caruana and others 2004). Candidates, settings and weights are those that `sweep ensemble NAME` recorded; the
script finds the weights again and compares them. For classes, also with cross-validation.
"""

import pathlib
import sqlite3
import sys

import numpy
import safetensors.numpy
import zstandard

EPSILON = numpy.finfo(float).eps
ENSEMBLE = 50  # `Purpose::Ensemble`


def threefry(rounds, key, counter):
    """Threefry-2x32 (Salmon and others 2011)."""
    mask = 0xFFFFFFFF
    keys = [key[0], key[1], key[0] ^ key[1] ^ 0x1BD11BDA]
    x, y = (counter[0] + keys[0]) & mask, (counter[1] + keys[1]) & mask
    for turn in range(rounds):
        by = [13, 15, 26, 6, 17, 29, 16, 24][turn % 8]
        x = (x + y) & mask
        y = ((y << by | y >> (32 - by)) & mask) ^ x
        if turn % 4 == 3:
            part = turn // 4 + 1
            x = (x + keys[part % 3]) & mask
            y = (y + keys[(part + 1) % 3] + part) & mask
    return x, y


def shuffled(items, seed, epoch, step):
    root = threefry(20, (seed & 0xFFFFFFFF, seed >> 32), (ENSEMBLE, 0))
    key = threefry(20, root, (epoch, step))
    items = list(items)
    for last in range(len(items) - 1, 0, -1):
        low, high = threefry(13, key, (last, 0))
        other = ((high << 32 | low) * (last + 1)) >> 64
        items[last], items[other] = items[other], items[last]
    return items


def kept_losses(runs, trial):
    packed = (runs / "trials" / trial / "predictions.safetensors.zst").read_bytes()
    tensors = safetensors.numpy.load(zstandard.ZstdDecompressor().decompress(packed))
    return tensors["loss"].astype(numpy.float32)


def loss(probabilities, folds):
    """The mean over folds of the mean log loss."""
    losses = -numpy.log(numpy.clip(probabilities, EPSILON, 1 - EPSILON))
    return numpy.mean([losses[fold].mean() for fold in folds])


def greedy(values, bag, folds, rounds):
    means = numpy.cumsum(values[bag], axis=0) / numpy.arange(1, len(bag) + 1)[:, None]
    losses = [loss(mean, folds) for mean in means]
    first = int(numpy.argmin(losses)) + 1
    counts = numpy.zeros(len(bag), int)
    counts[:first] = 1
    best, lowest = counts.copy(), losses[first - 1]
    for _ in range(rounds):
        total = counts @ values[bag]
        losses = [loss((total + values[one]) / (counts.sum() + 1), folds) for one in bag]
        counts[int(numpy.argmin(losses))] += 1
        if min(losses) < lowest:
            best, lowest = counts.copy(), min(losses)
    return best


def select(values, names, folds, rounds, bags, seed):
    alone = [loss(own, folds) for own in values]
    order = sorted(range(len(names)), key=lambda one: (alone[one], names[one]))
    weights = numpy.zeros(len(names))
    for bag in range(bags):
        others = order[1:]
        if bags > 1:
            places = shuffled(range(1, len(order)), seed, bag, 0)[: len(order) // 2]
            others = [order[place] for place in sorted(places)]
        members = [order[0], *others]
        counts = greedy(values, members, folds, rounds)
        weights[members] += counts / counts.sum()
    weights /= weights.sum()
    if loss(weights @ values, folds) > alone[order[0]]:
        weights = numpy.eye(len(names))[order[0]]
    return weights


def main():
    database, name = pathlib.Path(sys.argv[1]), sys.argv[2]
    store = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    found = store.execute(
        "SELECT s.id, s.rounds, s.bags, s.seed, s.loss FROM ensembles s"
        " JOIN experiments e ON e.id = s.experiment WHERE e.name = ? ORDER BY s.id DESC LIMIT 1",
        [name],
    ).fetchone()
    ensemble, rounds, bags, seed, what = found
    assert what == "log loss", what
    candidates = {}
    rows = store.execute(
        "SELECT t.config, t.seed, t.name, m.weight FROM ensemble_trials m JOIN trials t ON t.id = m.trial"
        " WHERE m.ensemble = ? ORDER BY t.fold",
        [ensemble],
    )
    for config, own_seed, trial, weight in rows:
        candidates.setdefault((config, own_seed), []).append((trial, weight))
    parts = [[kept_losses(database.parent, trial) for trial, _ in own] for own in candidates.values()]
    ends = numpy.cumsum([len(part) for part in parts[0]])
    folds = [slice(end - len(part), end) for end, part in zip(ends, parts[0])]
    values = numpy.exp(-numpy.array([numpy.concatenate(own) for own in parts])).astype(float)
    names = [own[0][0] for own in candidates.values()]
    expected = numpy.array([own[0][1] for own in candidates.values()])
    weights = select(values, names, folds, rounds, bags, seed)
    members = int((expected > 0).sum())
    difference = numpy.abs(weights - expected).max()
    print(f"{name}: {len(names)} candidates, {members} members, largest difference of a weight {difference:.1e}")
    print(f"log loss of the mixture {loss(expected @ values, folds):.6f}")
    assert ((weights > 0) == (expected > 0)).all() and difference < 1e-9


main()
