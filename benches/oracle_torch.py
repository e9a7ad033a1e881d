"""Writes tests/fixtures/native_torch.json: whole training runs by PyTorch for the engine to repeat.

Run with Python 3, numpy and torch 2.11 from the root of the repository:

    python benches/oracle_torch.py

The networks, update rules, clipping and normalisation are torch's own, in float64, so that the
fixture carries no rounding of its own. Only what the engine draws is made here a second time, from
its documentation: Threefry-2x32, initial weights, batch order and dropout masks. The learning-rate
schedules are written out from their formulas.
"""

import json
import math

import numpy as np
import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

ROWS, VALID, FEATURES, CLASSES, BATCH, EPOCHS = 70, 40, 9, 5, 32, 17
WEIGHTS, ORDER, DROPOUT, SYNTHETIC = 1, 2, 3, 7

ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24]
WORD = np.uint32


def threefry(rounds, key, counter):
    """Threefry-2x32 of Salmon et al. 2011 on arrays of counters."""
    k0, k1 = WORD(key[0]), WORD(key[1])
    keys = [k0, k1, k0 ^ k1 ^ WORD(0x1BD11BDA)]
    x0 = np.atleast_1d(np.asarray(counter[0], WORD)) + keys[0]
    x1 = np.atleast_1d(np.asarray(counter[1], WORD)) + keys[1]
    for r in range(rounds):
        x0 = x0 + x1
        d = ROTATIONS[r % 8]
        x1 = ((x1 << WORD(d)) | (x1 >> WORD(32 - d))) ^ x0
        if (r + 1) % 4 == 0:
            i = (r + 1) // 4
            x0 = x0 + keys[i % 3]
            x1 = x1 + keys[(i + 1) % 3] + WORD(i)
    return x0, x1


class Stream:
    def __init__(self, seed, purpose, epoch, step):
        root = threefry(20, (seed & 0xFFFFFFFF, seed >> 32), (purpose, 0))
        key = threefry(20, (root[0][0], root[1][0]), (epoch, step))
        self.key = (key[0][0], key[1][0])

    def words(self, counters):
        counters = np.asarray(counters)
        return threefry(13, self.key, (counters, np.zeros_like(counters)))

    def bits(self, counters):
        low, high = self.words(counters)
        return high.astype(np.uint64) << np.uint64(32) | low.astype(np.uint64)

    def uniform(self, counters):
        return (self.bits(counters) >> np.uint64(11)).astype(np.float64) / 2.0**53

    def normal(self, counters):
        a, b = (words.astype(np.float64) for words in self.words(counters))
        return np.sqrt(-2 * np.log((a + 0.5) / 2**32)) * np.cos(2 * np.pi * b / 2**32)


def order_of(seed, epoch):
    bits = Stream(seed, ORDER, epoch, 0).bits(np.arange(ROWS))
    order = list(range(ROWS))
    for last in range(ROWS - 1, 0, -1):
        other = int(bits[last]) * (last + 1) >> 64
        order[last], order[other] = order[other], order[last]
    return order


def mask_of(seed, epoch, step, layer, rows, width, dropout):
    threshold = min(round(dropout * 65536), 65535)
    groups = -(-rows // 4)
    x0, x1 = Stream(seed, DROPOUT, epoch, step * 64 + layer).words(np.arange(groups * width))
    halves = np.stack([x0 & WORD(0xFFFF), x0 >> WORD(16), x1 & WORD(0xFFFF), x1 >> WORD(16)])
    halves = halves.reshape(4, groups, width).transpose(1, 0, 2).reshape(4 * groups, width)[:rows]
    return torch.tensor((halves >= threshold) * (65536.0 / (65536 - threshold)))


def data_of(epoch, rows):
    """Labels from one stream, features from another, moved by the label."""
    labels = (Stream(0, SYNTHETIC, epoch, 0).uniform(np.arange(rows)) * CLASSES).astype(int)
    x = 2.0 * Stream(0, SYNTHETIC, epoch, 1).uniform(np.arange(rows * FEATURES)) - 1.0
    x = x.reshape(rows, FEATURES)
    x[np.arange(rows), labels] += 1.0
    return torch.tensor(x.astype(np.float32).astype(np.float64)), torch.tensor(labels)


def float32(values):
    return torch.tensor(np.asarray(values).astype(np.float32).astype(np.float64))


class Plain(torch.nn.Module):
    def __init__(self, train):
        super().__init__()
        self.inputs = train.shape[1]

    def forward(self, x):
        return x


class Ple(torch.nn.Module):
    """Piecewise-linear encoding between the quantiles of the training rows, cut off at both ends."""

    def __init__(self, train, bins):
        super().__init__()
        levels = np.linspace(0, 1, bins + 1)
        self.edges = [float32(np.unique(np.quantile(column, levels))) for column in train.numpy().T]
        self.inputs = sum(len(edges) - 1 for edges in self.edges)

    def forward(self, x):
        parts = [
            ((column[:, None] - edges[:-1]) / (edges[1:] - edges[:-1])).clamp(0, 1)
            for column, edges in zip(x.T, self.edges)
        ]
        return torch.cat(parts, 1)


class Periodic(torch.nn.Module):
    """Cosines and sines of learned frequencies, a linear layer of each feature's own, ReLU."""

    def __init__(self, seed, features, frequencies, sigma, width):
        super().__init__()
        self.inputs = features * width
        waves = 2 * frequencies
        normal = Stream(seed, WEIGHTS, 0, 256).normal(np.arange(features * frequencies))
        parameter = lambda values, *shape: torch.nn.Parameter(float32(values).reshape(shape))
        uniform = lambda tensor, count: (
            2.0 * Stream(seed, WEIGHTS, 0, tensor).uniform(np.arange(count)) - 1.0
        ) / math.sqrt(waves)
        self.frequency = parameter(sigma * normal, features, frequencies)
        self.weight = parameter(uniform(257, features * waves * width), features, waves, width)
        self.bias = parameter(uniform(258, features * width), features, width)

    def forward(self, x):
        around = 2 * math.pi * self.frequency * x[..., None]
        waves = torch.cat([around.cos(), around.sin()], -1)
        return torch.relu(torch.einsum("bfw,fwd->bfd", waves, self.weight) + self.bias).flatten(1)


def embedding_of(config, seed, train):
    """How the columns of the training rows `train` become inputs."""
    if config["embedding"] == "none":
        return Plain(train)
    kind, *settings = config["embedding"].items()
    return {
        "ple": lambda **given: Ple(train, **given),
        "periodic": lambda **given: Periodic(seed, train.shape[1], **given),
    }[kind[1]](**dict(settings))


class Net(torch.nn.Module):
    def __init__(self, config, seed, embedding):
        super().__init__()
        self.config = config
        self.embedding = embedding
        widths = [self.embedding.inputs, *config["layers"], CLASSES]
        self.linears = torch.nn.ModuleList(
            torch.nn.Linear(i, o) for i, o in zip(widths, widths[1:])
        )
        self.norms = torch.nn.ModuleList(
            torch.nn.BatchNorm1d(w) for w in config["layers"] if config["batch_norm"]
        )
        for place, linear in enumerate(self.linears):
            bound = 1.0 / math.sqrt(linear.in_features)
            for tensor, values in enumerate([linear.weight, linear.bias]):
                u = Stream(seed, WEIGHTS, 0, 2 * place + tensor).uniform(np.arange(values.numel()))
                u = ((2.0 * u - 1.0) * bound).astype(np.float32).astype(np.float64)
                values.data = torch.tensor(u).reshape(values.shape)

    def forward(self, x, draw=None):
        config = self.config
        act = {
            "relu": torch.relu,
            "tanh": torch.tanh,
            "silu": torch.nn.functional.silu,
            "gelu": torch.nn.functional.gelu,
        }[config["activation"]]
        x = self.embedding(x)
        for layer, linear in enumerate(self.linears[:-1]):
            x = linear(x)
            if config["batch_norm"]:
                x = self.norms[layer](x)
            x = act(x)
            if draw and config["dropout"] > 0:
                x = x * mask_of(*draw, layer, *x.shape, config["dropout"])
        return self.linears[-1](x)


def factor_of(schedule, step, steps):
    """The multiple of the learning rate at a step from 0."""
    if schedule == "constant":
        return 1.0
    warmup = schedule.get("warmup", 0) * steps
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if schedule["kind"] == "cosine":
        done = min((step - warmup) / max(steps * EPOCHS - warmup, 1), 1.0)
        floor = schedule.get("floor", 0.0)
        return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done))
    return schedule["gamma"] ** ((step - warmup) / steps // schedule["every"])


def train(config, seed, sides, embedding_of=embedding_of):
    (x, y), (valid_x, valid_y) = sides
    net = Net(config, seed, embedding_of(config, seed, x))
    lr, decay = config["lr"], config["weight_decay"]
    if config["optimizer"] == "sgd":
        optimizer = torch.optim.SGD(
            net.parameters(), lr, momentum=config["momentum"],
            nesterov=config["nesterov"], weight_decay=decay,
        )
    else:
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[config["optimizer"]]
        optimizer = kind(
            net.parameters(), lr, betas=tuple(config["betas"]), eps=config["eps"],
            weight_decay=decay,
        )
    loss_of = torch.nn.functional.cross_entropy
    smoothing, average = config["label_smoothing"], None
    steps = -(-ROWS // BATCH)
    total, history = 0, []
    for epoch in range(1, EPOCHS + 1):
        net.train()
        order, losses, norms = order_of(seed, epoch), [], []
        for step in range(steps):
            rows = order[step * BATCH : (step + 1) * BATCH]
            scores = net(x[rows], (seed, epoch, step))
            loss = loss_of(scores, y[rows], label_smoothing=smoothing)
            optimizer.zero_grad()
            loss.backward()
            limit = config["clip_norm"] or math.inf
            norms.append(torch.nn.utils.clip_grad_norm_(net.parameters(), limit).item())
            rate = lr * factor_of(config["lr_schedule"], total, steps)
            optimizer.param_groups[0]["lr"] = rate
            optimizer.step()
            losses.append(loss.item() * len(rows))
            total += 1
            with torch.no_grad():
                decay = min(config["ema"], (total - 1) / (total + 9))
                now = [p.detach().clone() for p in net.parameters()]
                last = now if average is None else average
                average = [decay * a + (1 - decay) * p for a, p in zip(last, now)]
        net.eval()
        with torch.no_grad():
            for p, a in zip(net.parameters(), average if config["ema"] else now):
                p.copy_(a)
            scores = net(valid_x)
            for p, a in zip(net.parameters(), now):
                p.copy_(a)
        history.append({
            "train/loss": sum(losses) / ROWS,
            "valid/loss": loss_of(scores, valid_y).item(),
            "valid/accuracy": (scores.argmax(1) == valid_y).double().mean().item(),
            "lr": rate,
            "grad_norm": sum(norms) / steps,
        })
    return history


BASE = {
    "layers": [20, 12], "activation": "relu", "batch_norm": False, "dropout": 0.0,
    "epochs": EPOCHS, "batch_size": BATCH, "optimizer": "adam", "lr": 0.003,
    "lr_schedule": "constant", "weight_decay": 0.0, "clip_norm": 0, "momentum": 0.0,
    "nesterov": False, "betas": [0.9, 0.999], "eps": 1e-8,
    "embedding": "none", "label_smoothing": 0.0, "ema": 0.0,
}
CONFIGS = {
    "adam, batch norm, dropout, clipping": {
        "batch_norm": True, "dropout": 0.3, "clip_norm": 0.5, "weight_decay": 0.0001,
    },
    "adamw, cosine with warmup, gelu": {
        "optimizer": "adamw", "activation": "gelu", "weight_decay": 0.1, "dropout": 0.5,
        "lr_schedule": {"kind": "cosine", "floor": 0.1, "warmup": 2}, "betas": [0.8, 0.99],
    },
    "sgd, nesterov, weight decay, silu, steps": {
        "optimizer": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 0.01, "lr": 0.05,
        "activation": "silu", "lr_schedule": {"kind": "step", "every": 5, "gamma": 0.5},
    },
    "sgd, momentum, batch norm, tanh, three layers": {
        "optimizer": "sgd", "momentum": 0.8, "lr": 0.1, "activation": "tanh", "batch_norm": True,
        "layers": [17, 33, 5], "dropout": 0.2, "clip_norm": 1.5,
    },
    "plain sgd, linear": {"optimizer": "sgd", "lr": 0.5, "weight_decay": 0.001, "layers": []},
    "periodic embedding, moving average, batch norm": {
        "embedding": {"kind": "periodic", "frequencies": 8, "sigma": 0.3, "width": 4},
        "optimizer": "sgd", "lr": 0.05, "momentum": 0.8, "weight_decay": 0.01, "ema": 0.9,
        "batch_norm": True, "dropout": 0.2,
    },
    "piecewise-linear encoding, smoothed labels": {
        "embedding": {"kind": "ple", "bins": 6}, "label_smoothing": 0.15, "clip_norm": 0.5,
        "activation": "silu", "eps": 1e-4,
    },
    "wide periodic embedding of a linear model, sgd": {
        "embedding": {"kind": "periodic", "frequencies": 24, "sigma": 0.5, "width": 16},
        "optimizer": "sgd", "lr": 0.1, "layers": [], "label_smoothing": 0.05, "ema": 0.5,
    },
}


def write(path, configs, train):
    """Writes what `train` makes of each configuration."""
    cases = []
    for number, (name, changes) in enumerate(configs.items()):
        config = {**BASE, **changes}
        seed = 2**33 + number
        cases.append({"name": name, "seed": seed, "config": config, "history": train(config, seed)})
        print(name, cases[-1]["history"][-1])
    with open(path, "w") as file:
        json.dump({"torch": torch.__version__, "cases": cases}, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    sides = data_of(1, ROWS), data_of(2, VALID)
    write("tests/fixtures/native_torch.json", CONFIGS, lambda *given: train(*given, sides))
