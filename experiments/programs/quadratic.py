"""Gradient descent with momentum down a noisy quadratic: no packages, and no word of `sweep`."""

import argparse
import random

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--momentum", type=float, default=0.0)
parser.add_argument("--steps", type=int, default=100)
parser.add_argument("--seed", type=int, default=0)
options = parser.parse_args()

# Narrow in one direction and wide in the other, which is what momentum is good for.
CURVATURE = (1.0, 0.03)
rng = random.Random(options.seed)
position = [rng.uniform(1, 2), rng.uniform(1, 2)]
velocity = [0.0, 0.0]

for step in range(1, options.steps + 1):
    for i, curvature in enumerate(CURVATURE):
        grad = curvature * position[i] + rng.gauss(0, 0.01)
        velocity[i] = options.momentum * velocity[i] - options.lr * grad
        position[i] += velocity[i]
    loss = sum(c * x * x for c, x in zip(CURVATURE, position)) / 2
    print(f"step={step} loss={loss:.6g}")
