"""Writes tests/fixtures/native_categories.json: vectors of categories by PyTorch for the engine to repeat.

Run beside oracle_torch.py, from whose documentation-made draws, networks and training it starts:

    python benches/oracle_categories.py

Two columns of 5 and 3 categories are torch's own `Embedding`, whose last row, for rows without a
category, is a `padding_idx`: zeros that are not trained. A column of two features and two numbers are
the other inputs, which stand before the vectors.
"""

import math

import numpy as np
import torch

from oracle_torch import (
    CLASSES, ROWS, SYNTHETIC, VALID, WEIGHTS, Stream, embedding_of, float32, train, write,
)

FEATURES = 12
BLOCKS = [(1, 5), (7, 2), (9, 3)]
EMBEDDED = [(1, 5), (9, 3)]
OTHERS = [0, 6, 7, 8]


def data_of(epoch, rows):
    labels = (Stream(0, SYNTHETIC, epoch, 0).uniform(np.arange(rows)) * CLASSES).astype(int)
    x = 2.0 * Stream(0, SYNTHETIC, epoch, 1).uniform(np.arange(rows * FEATURES)) - 1.0
    x = x.reshape(rows, FEATURES)
    x[np.arange(rows), labels] += 1.0
    for row in range(rows):
        for first, features in BLOCKS:
            number = row // 3 % (features + 1) if row % 3 == 0 else labels[row]
            x[row, first : first + features] = np.arange(features) == number
    return float32(x), torch.tensor(labels)


class Categories(torch.nn.Module):
    def __init__(self, config, seed, train):
        super().__init__()
        self.spread = embedding_of(config, seed, train[:, OTHERS])
        width = config["category_embedding"]
        self.tables = torch.nn.ModuleList()
        for place, (_, features) in enumerate(EMBEDDED):
            table = torch.nn.Embedding(features + 1, width, padding_idx=features)
            u = Stream(seed, WEIGHTS, 0, 512 + place).uniform(np.arange(features * width))
            u = (2.0 * u - 1.0) / math.sqrt(width)
            table.weight.data[:features] = float32(u).reshape(features, width)
            self.tables.append(table)
        self.inputs = self.spread.inputs + width * len(EMBEDDED)

    def forward(self, x):
        parts = [self.spread(x[:, OTHERS])]
        for (first, features), table in zip(EMBEDDED, self.tables):
            own = x[:, first : first + features]
            parts.append(table(torch.where(own.any(1), own.argmax(1), features)))
        return torch.cat(parts, 1)


CONFIGS = {
    "adam, batch norm, dropout, clipping": {
        "category_embedding": 6, "batch_norm": True, "dropout": 0.3, "clip_norm": 0.5,
        "weight_decay": 0.001,
    },
    "adamw, moving average, more than a panel": {
        "category_embedding": 17, "optimizer": "adamw", "weight_decay": 0.1, "ema": 0.9,
        "activation": "gelu",
    },
    "linear, sgd with momentum": {
        "category_embedding": 2, "optimizer": "sgd", "lr": 0.05, "momentum": 0.9, "layers": [],
        "weight_decay": 0.01,
    },
    "piecewise-linear encoding of the numbers": {
        "category_embedding": 3, "embedding": {"kind": "ple", "bins": 6}, "activation": "silu",
    },
    "periodic embedding of the numbers": {
        "category_embedding": 5, "optimizer": "sgd", "lr": 0.05, "clip_norm": 1.0,
        "embedding": {"kind": "periodic", "frequencies": 8, "sigma": 0.3, "width": 4},
    },
}

if __name__ == "__main__":
    sides = data_of(1, ROWS), data_of(2, VALID)
    fixture = "tests/fixtures/native_categories.json"
    write(fixture, CONFIGS, lambda *given: train(*given, sides, Categories))
