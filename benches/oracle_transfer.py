"""Writes tests/fixtures/native_transfer.json: fine-tuning by PyTorch for the engine to repeat.

Run beside oracle_torch.py, from whose documentation-made draws, data and networks it starts:

    python benches/oracle_transfer.py

The first layers are copied from made-up weights. Frozen ones have `requires_grad = False`, stand out
of the optimiser, and their batch normalisation is in `eval()` mode; the other copied ones are a
parameter group with a learning rate of their own. Clipping is over what is trained.
"""

import json
import math

import numpy as np
import torch

from oracle_torch import (
    BASE, BATCH, CLASSES, EPOCHS, ROWS, SYNTHETIC, VALID, Net, Stream, data_of, embedding_of,
    factor_of, order_of,
)


def made_up(layer, number, shape, low, high):
    """Tensor `number` of `layer` of the source."""
    u = Stream(5, SYNTHETIC, 100 + layer, number).uniform(np.arange(math.prod(shape)))
    u = (low + (high - low) * u).astype(np.float32).astype(np.float64)
    return torch.tensor(u).reshape(shape)


def copy_into(net, layers):
    for layer in range(layers):
        linear = net.linears[layer]
        linear.weight.data = made_up(layer, 0, linear.weight.shape, -0.5, 0.5)
        linear.bias.data = made_up(layer, 1, linear.bias.shape, -0.5, 0.5)
        if net.config["batch_norm"]:
            norm = net.norms[layer]
            norm.weight.data = made_up(layer, 2, norm.weight.shape, 0.5, 1.5)
            norm.bias.data = made_up(layer, 3, norm.bias.shape, -0.5, 0.5)
            norm.running_mean.data = made_up(layer, 4, norm.running_mean.shape, -0.5, 0.5)
            norm.running_var.data = made_up(layer, 5, norm.running_var.shape, 0.5, 1.5)


def modules(net, first, last):
    own = list(net.linears[first:last])
    return own + list(net.norms[first:last]) if net.config["batch_norm"] else own


def train(config, transfer, seed):
    (x, y), (valid_x, valid_y) = data_of(1, ROWS), data_of(2, VALID)
    net = Net(config, seed, embedding_of(config, seed, x))
    copy_into(net, transfer["layers"])
    frozen = modules(net, 0, transfer["freeze"])
    for module in frozen:
        module.requires_grad_(False)
    copied = modules(net, transfer["freeze"], transfer["layers"])
    new = modules(net, transfer["layers"], len(net.linears))
    rates = [transfer["lr"], config["lr"]]
    groups = [
        {"params": [p for module in part for p in module.parameters()], "lr": rate}
        for part, rate in zip([copied, new], rates)
    ]
    decay = config["weight_decay"]
    if config["optimizer"] == "sgd":
        optimizer = torch.optim.SGD(
            groups, momentum=config["momentum"], nesterov=config["nesterov"], weight_decay=decay
        )
    else:
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[config["optimizer"]]
        optimizer = kind(
            groups, betas=tuple(config["betas"]), eps=config["eps"], weight_decay=decay
        )
    trained = [p for p in net.parameters() if p.requires_grad]
    loss_of = torch.nn.functional.cross_entropy
    steps = -(-ROWS // BATCH)
    total, history = 0, []
    for epoch in range(1, EPOCHS + 1):
        net.train()
        for module in frozen:
            module.eval()
        order, losses, norms = order_of(seed, epoch), [], []
        for step in range(steps):
            rows = order[step * BATCH : (step + 1) * BATCH]
            loss = loss_of(net(x[rows], (seed, epoch, step)), y[rows])
            optimizer.zero_grad()
            loss.backward()
            limit = config["clip_norm"] or math.inf
            norms.append(torch.nn.utils.clip_grad_norm_(trained, limit).item())
            factor = factor_of(config["lr_schedule"], total, steps)
            for group, rate in zip(optimizer.param_groups, rates):
                group["lr"] = rate * factor
            optimizer.step()
            losses.append(loss.item() * len(rows))
            total += 1
        net.eval()
        with torch.no_grad():
            scores = net(valid_x)
        history.append({
            "train/loss": sum(losses) / ROWS,
            "valid/loss": loss_of(scores, valid_y).item(),
            "valid/accuracy": (scores.argmax(1) == valid_y).double().mean().item(),
            "lr": rates[1] * factor,
            "grad_norm": sum(norms) / steps,
        })
    return history


CASES = {
    "nothing frozen, own rate, adam with L2": (
        {"batch_norm": True, "weight_decay": 0.01},
        {"layers": 2, "freeze": 0, "lr": 0.0005},
    ),
    "one of two frozen, clipping, dropout": (
        {"batch_norm": True, "dropout": 0.3, "clip_norm": 0.5, "weight_decay": 0.0001},
        {"layers": 2, "freeze": 1, "lr": 0.001},
    ),
    "all hidden layers frozen, adamw": (
        {"batch_norm": True, "optimizer": "adamw", "weight_decay": 0.1, "clip_norm": 0.2},
        {"layers": 2, "freeze": 2, "lr": 0.001},
    ),
    "two of three copied, one frozen, sgd with momentum, no norm": (
        {"layers": [17, 33, 5], "optimizer": "sgd", "momentum": 0.9, "nesterov": True, "lr": 0.05,
         "weight_decay": 0.01, "activation": "tanh", "dropout": 0.2,
         "lr_schedule": {"kind": "cosine", "floor": 0.1, "warmup": 2}},
        {"layers": 2, "freeze": 1, "lr": 0.01},
    ),
}

if __name__ == "__main__":
    assert CLASSES == 5
    cases = []
    for number, (name, (changes, transfer)) in enumerate(CASES.items()):
        config = {**BASE, **changes}
        seed = 2**34 + number
        history = train(config, transfer, seed)
        cases.append({
            "name": name, "seed": seed, "config": config, "transfer": transfer, "history": history,
        })
        print(name, history[-1])
    with open("tests/fixtures/native_transfer.json", "w") as file:
        json.dump({"torch": torch.__version__, "cases": cases}, file, indent=1)
        file.write("\n")
