"""A search with Optuna (TPE and Hyperband) that drives PyTorch, on the rows of a prepared data set: accuracy by wall time.

    python benches/search_songs.py DATASET.safetensors [SECONDS] [SEED]

Needs optuna, torch and safetensors. The space is that of `experiments/genres_grid.toml`: 192 networks of 20 epochs. DATASET is
a file of `runs/data/`, which `sweep run experiments/genres_grid.toml` leaves; training and validation rows are its own. One
process trains one network after the other with one thread, as most scripts do; `sweep` has a worker for each core. Printed
is each improvement of the best validation accuracy, with the seconds since the start, imports not counted.
"""

import sys
import time

import optuna
import torch
from safetensors.torch import load_file

EPOCHS = 20
LAYERS = {"a": [64, 32], "b": [16, 16, 16], "c": [128, 16]}


def network(features, classes, layers, batch_norm, dropout):
    parts, before = [], features
    for width in layers:
        parts.append(torch.nn.Linear(before, width))
        if batch_norm:
            parts.append(torch.nn.BatchNorm1d(width))
        parts += [torch.nn.ReLU(), torch.nn.Dropout(dropout)]
        before = width
    return torch.nn.Sequential(*parts, torch.nn.Linear(before, classes))


def main():
    path = sys.argv[1]
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 120.0
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    data = load_file(path)
    x, y = data["x_train"].float(), data["y_train"].long()
    valid_x, valid_y = data["x_valid"].float(), data["y_valid"].long()
    classes = int(y.max()) + 1
    begin, best = time.perf_counter(), [0.0]

    def objective(trial):
        choose = trial.suggest_categorical
        torch.manual_seed(trial.number)
        model = network(
            x.shape[1], classes, LAYERS[choose("layers", list(LAYERS))], choose("batch_norm", [True, False]), choose("dropout", [0.3, 0.7])
        )
        lr, batch = choose("lr", [1e-3, 1e-4]), choose("batch_size", [16, 32])
        kind, clip = choose("optimizer", ["adam", "sgd"]), choose("clip_norm", [0.5, 1.5])
        make = torch.optim.Adam if kind == "adam" else torch.optim.SGD
        optimizer = make(model.parameters(), lr=lr, weight_decay=1e-4)
        top = 0.0
        for epoch in range(EPOCHS):
            model.train()
            for rows in torch.randperm(len(y)).split(batch):
                if len(rows) < 2:
                    continue
                loss = torch.nn.functional.cross_entropy(model(x[rows]), y[rows])
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
                optimizer.step()
            model.eval()
            with torch.no_grad():
                top = max(top, (model(valid_x).argmax(1) == valid_y).float().mean().item())
            if top > best[0]:
                best[0] = top
                print(f"{time.perf_counter() - begin:8.1f} s  {top:.4f}  trial {trial.number}, epoch {epoch + 1}", flush=True)
            trial.report(top, epoch + 1)
            if trial.should_prune():
                raise optuna.TrialPruned
        return top

    sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True)
    pruner = optuna.pruners.HyperbandPruner(min_resource=1, max_resource=EPOCHS, reduction_factor=3)
    study = optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner)
    study.optimize(objective, timeout=seconds)
    pairs = [tuple(sorted(trial.params.items())) for trial in study.trials]
    print(f"{time.perf_counter() - begin:8.1f} s  {len(pairs)} trials, {len(pairs) - len(set(pairs))} of them proposed before; best {best[0]:.4f}")


if __name__ == "__main__":
    main()
