"""Speed of plain eager PyTorch on one thread, for benches/native.rs and benches/torch.rs to compare with.

    python benches/eager_torch.py LAYERS BATCH FEATURES CLASSES [SECONDS [DEVICE]]

such as `64,32 32 14 5`. Prints samples per CPU-second, or on DEVICE `cuda` per second, of training an MLP with batch norm, ReLU and
dropout by Adam, batches cut from a shuffled tensor in memory: what a careful user would write.
"""

import sys
import time

import torch

torch.set_num_threads(1)
torch.manual_seed(0)
layers = [int(width) for width in sys.argv[1].split(",")]
batch, features, classes = (int(word) for word in sys.argv[2:5])
seconds = float(sys.argv[5]) if len(sys.argv) > 5 else 3.0
device = sys.argv[6] if len(sys.argv) > 6 else "cpu"

rows = 16_384
x, y = torch.randn(rows, features, device=device), torch.randint(classes, (rows,), device=device)
modules, width = [], features
for outputs in layers:
    modules += [
        torch.nn.Linear(width, outputs),
        torch.nn.BatchNorm1d(outputs),
        torch.nn.ReLU(),
        torch.nn.Dropout(0.3),
    ]
    width = outputs
model = torch.nn.Sequential(*modules, torch.nn.Linear(width, classes)).to(device)
loss_of = torch.nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-4)


def now():
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def train(limit):
    """Samples trained and seconds used; ends with the epoch after `limit` seconds."""
    done, start = 0, now()
    while True:
        order = torch.randperm(rows, device=device)
        for at in range(0, rows, batch):
            take = order[at : at + batch]
            loss = loss_of(model(x[take]), y[take])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.5)
            optimizer.step()
            done += len(take)
        used = now() - start
        if used > limit:
            return done, used


train(0.5)
done, used = train(seconds)
print(done / used)
