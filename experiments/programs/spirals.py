"""A network that tells two spirals apart: PyTorch, with checkpoints, and stopped when asked."""

import os

import torch

import sweep

settings = sweep.params(lr=0.01, width=32, dropout=0.0, epochs=40)
torch.manual_seed(sweep.seed())
torch.set_num_threads(1)


def spirals(rows, noise=0.15):
    label = torch.arange(rows) % 2
    angle = torch.rand(rows) ** 0.5 * 9
    turn = angle + label * torch.pi
    points = torch.stack([angle * turn.cos(), angle * turn.sin()], 1) / 9
    return points + noise / 9 * torch.randn(rows, 2), label.float()


x, y = spirals(2000)
x_valid, y_valid = spirals(1000)
width = settings["width"]
model = torch.nn.Sequential(
    torch.nn.Linear(2, width),
    torch.nn.ReLU(),
    torch.nn.Dropout(settings["dropout"]),
    torch.nn.Linear(width, width),
    torch.nn.ReLU(),
    torch.nn.Linear(width, 1),
    torch.nn.Flatten(0),
)
optimizer = torch.optim.Adam(model.parameters(), lr=settings["lr"])
loss_of = torch.nn.functional.binary_cross_entropy_with_logits

# The state of the random numbers is part of a checkpoint, so that a resumed training ends with the
# numbers of one that was never interrupted.
checkpoint = sweep.checkpoint_dir() / "last.pt"
epoch = 0
if sweep.is_trial() and checkpoint.exists():
    state = torch.load(checkpoint)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["random"])
    epoch = state["epoch"]
    print(f"resumed after epoch {epoch}; recorded until {sweep.resume_step()}")

while epoch < settings["epochs"] and not sweep.should_stop():
    epoch += 1
    model.train()
    for rows in torch.randperm(len(x)).split(50):
        optimizer.zero_grad()
        loss = loss_of(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()

    model.eval()
    with torch.no_grad():
        out = model(x_valid)
        accuracy = ((out > 0) == (y_valid > 0)).float().mean()
        sweep.log(step=epoch, loss=loss, val_loss=loss_of(out, y_valid), val_accuracy=accuracy)

    # Renamed when it is whole: a program may be ended at any moment.
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "random": torch.get_rng_state(),
        "epoch": epoch,
    }
    torch.save(state, f"{checkpoint}.new")
    os.replace(f"{checkpoint}.new", checkpoint)

torch.save(model.state_dict(), sweep.trial_dir() / "model.pt")
