"""Metrics, settings and checkpoints of a script that `sweep` runs as a trial.

    import sweep

    params = sweep.params(lr=0.1, epochs=10)        # the trial's settings over these defaults
    for epoch in range(1, params["epochs"] + 1):
        ...
        sweep.log(step=epoch, val_loss=loss)
        if sweep.should_stop():                     # save a checkpoint and end
            break

The same script runs by itself: settings are the defaults, metrics are printed, nothing asks it to
stop. The file needs Python 3.8 or later and no packages, so it can be copied beside a script.
"""

import atexit
import collections
import json
import operator
import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from time import monotonic, sleep

__version__ = "0.1.0"
__all__ = [
    "checkpoint_dir",
    "is_trial",
    "keras_callback",
    "lightgbm_callback",
    "lightning_callback",
    "log",
    "param",
    "params",
    "resume_step",
    "seed",
    "should_stop",
    "transformers_callback",
    "trial_dir",
    "xgboost_callback",
]


# Metrics


def log(values=None, /, *, step=None, **metrics):
    """Record metrics: `log(step=3, val_loss=0.2)`, or `log({"val/loss": 0.2}, step=3)`.

    A value is a number: of Python, or a scalar of NumPy, PyTorch, JAX or TensorFlow; anything else
    is a TypeError that names the metric. Steps count from 1. Without one, an `epoch` among the
    metrics is the step. Values that come faster than 20 times a second are written together, at
    most 50 ms late.
    """
    if values is not None:
        metrics = _merged(values, metrics)
        if step is None:
            step = metrics.pop("step", None)
    pipe = _pipe or _open_pipe()
    if not pipe:
        _print(step, metrics)
        return
    if not metrics:
        return
    # Most of what a value costs is this text, hence no function in the common case.
    if step is None:
        line, separator = "{", ""
    else:
        whole = step if type(step) is int and step >= 0 else _step(step)
        line, separator = f'{{"step": {whole}', ", "
    for name, value in metrics.items():
        if type(value) is float and value - value == 0:
            line += f"{separator}{_keys[name]}{value!r}"
        else:
            line += f"{separator}{_keys[name]}{json.dumps(_number(name, value))}"
        separator = ", "
    line += "}\n"
    if len(line) > _ATOMIC and len(metrics) > 1:
        _log_in_parts(step, metrics)
    else:
        pipe.send(line)


def _log_in_parts(step, metrics):
    """More than a line holds, as several lines of one step: see `_ATOMIC`."""
    if step is None and isinstance(metrics.get("epoch"), int):
        step = metrics["epoch"]
    names = list(metrics)
    middle = len(names) // 2
    for part in (names[:middle], names[middle:]):
        log({name: metrics[name] for name in part}, step=step)


def _print(step, metrics):
    shown = [] if step is None else [f"step={_step(step)}"]
    shown += [f"{name}={_number(name, value)}" for name, value in metrics.items()]
    print(*shown)


def _merged(values, metrics):
    if not isinstance(values, Mapping):
        kind = type(values).__name__
        raise TypeError(f"sweep.log takes metrics by name, as log(loss=0.2), not a {kind}")
    for name in values:
        if not isinstance(name, str):
            raise TypeError(f"the name of a metric must be a text, not {name!r}")
    return {**values, **metrics}


class _Keys(dict):
    """The names of metrics as keys of JSON."""

    def __missing__(self, name):
        if len(self) >= 10_000:
            self.clear()
        self[name] = key = json.dumps(name) + ": "
        return key


_keys = _Keys()


def _json_number(name, value):
    return json.dumps(_number(name, value))


def _number(name, value):
    """`value` as an int or a float of Python."""
    try:
        scalar = value.item() if hasattr(value, "item") else value
        if isinstance(scalar, int):
            # Larger integers are beyond what readers of JSON hold.
            return int(scalar) if -(2**63) <= scalar < 2**64 else float(scalar)
        if hasattr(scalar, "__float__"):
            return float(scalar)
    except Exception as error:
        kind = type(value).__name__
        raise TypeError(f"metric {name!r} must be one number, not this {kind}: {error}") from error
    raise TypeError(f"metric {name!r} must be a number, not {type(value).__name__}")


def _step(step):
    try:
        step = step.item() if hasattr(step, "item") else step
        if isinstance(step, float) and step.is_integer():
            step = int(step)
        whole = operator.index(step)
    except Exception:
        whole = -1
    if whole < 0:
        raise TypeError(f"step must be a whole number of at least 0, not {step!r}")
    return whole


# The pipe that metrics are written to

# As many bytes are written to a pipe in one piece (PIPE_BUF of Linux).
_ATOMIC = 4096
# Longest wait of a line, in seconds.
_PERIOD = 0.05

_pipe = None
_pipe_lock = threading.RLock()


class _Pipe:
    """Writes lines, whole, several at a time. `fd` is None once nobody reads them."""

    def __init__(self, path):
        self.fd = None
        self.closing = False
        self.forget()
        try:
            # Without O_NONBLOCK this would wait for a reader where there is none.
            flags = os.O_WRONLY | os.O_APPEND | getattr(os, "O_NONBLOCK", 0)
            self.fd = os.open(path, flags)
            os.set_blocking(self.fd, True)
        except OSError as error:
            self.lose(error)
        atexit.register(self.close)

    def forget(self):
        """The state of a process that has written nothing yet."""
        # Lines are added without the lock, which costs more than the rest of `send`.
        self.lines = collections.deque()
        # Of the lines; threads that add at the same time may get it wrong.
        self.size = 0
        # When the next line is written at once.
        self.due = 0.0
        # Held by who takes lines away; reentrant, because a signal handler may log.
        self.lock = threading.RLock()
        self.timer = None
        self.timer_ends = threading.Event()
        self.is_first = True

    def send(self, line):
        size = self.size + len(line)
        if size > _ATOMIC:
            self.flush()
            size = len(line)
        self.size = size
        self.lines.append(line)
        if monotonic() >= self.due:
            self.flush()
        elif self.timer is None:
            self.start_timer()

    def flush(self):
        with self.lock:
            self.due = 0.0 if self.closing else monotonic() + _PERIOD
            self.size = 0
            piece, size = [], 0
            while self.lines:
                line = self.lines.popleft()
                if size + len(line) > _ATOMIC:
                    self.write(piece)
                    piece, size = [], 0
                piece.append(line)
                size += len(line)
            self.write(piece)

    def write(self, lines):
        data = "".join(lines).encode("ascii")
        try:
            while data and self.fd is not None:
                data = data[_write(self.fd, data) :]
        except OSError as error:
            self.lose(error)
        if self.is_first:
            self.is_first = False
            # Workers of `multiprocessing` end without running what is registered with `atexit`.
            if "multiprocessing.util" in sys.modules:
                sys.modules["multiprocessing.util"].Finalize(None, self.flush, exitpriority=0)

    def close(self):
        """Nothing is buffered from here on: there may be no later call."""
        self.closing = True
        self.end_timer()
        self.flush()

    def lose(self, error):
        """Nobody reads the pipe any more; the program goes on."""
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None
        try:
            print(f"sweep: metrics are not recorded from here on: {error}", file=sys.stderr)
        except (OSError, ValueError, AttributeError):
            pass

    def start_timer(self):
        """What no later call of `send` writes is written when it is due."""
        with self.lock:
            if self.timer is None:
                self.timer = threading.Thread(target=self.keep_time, name="sweep", daemon=True)
                try:
                    self.timer.start()
                except RuntimeError:
                    # No thread starts while the interpreter shuts down, or beyond a limit.
                    self.timer = None
                    self.flush()

    def keep_time(self):
        while (wait := self.due - monotonic()) > 0 and not self.timer_ends.wait(wait):
            pass
        # In this order: a line that comes too late for this flush starts the next timer.
        self.timer = None
        self.flush()

    def end_timer(self):
        """Python warns of a fork while a thread runs."""
        with self.lock:
            timer = self.timer
        if timer:
            self.timer_ends.set()
            # A signal handler may have interrupted what the timer waits for.
            timer.join(1)
            self.timer_ends.clear()


def _write(fd, data):
    """write(2) that raises BrokenPipeError also in a program that lets SIGPIPE end it."""
    sigpipe = getattr(signal, "SIGPIPE", None)
    if sigpipe is None or signal.getsignal(sigpipe) is not signal.SIG_DFL:
        return os.write(fd, data)
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {sigpipe})
    try:
        return os.write(fd, data)
    except BrokenPipeError:
        signal.sigtimedwait({sigpipe}, 0)
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _open_pipe():
    global _pipe
    path = os.environ.get("SWEEP_METRICS")
    if not path:
        return None
    with _pipe_lock:
        if _pipe is None:
            _pipe = _Pipe(path)
    return _pipe


def _before_fork():
    # A child must not inherit a lock that is held.
    _pipe_lock.acquire()
    if _pipe:
        _pipe.end_timer()
        _pipe.lock.acquire()


def _after_fork_in_parent():
    if _pipe:
        _pipe.lock.release()
    _pipe_lock.release()


def _after_fork_in_child():
    global _pipe_lock
    _pipe_lock = threading.RLock()
    if _pipe:
        # What is buffered is the parent's to write.
        _pipe.forget()
    _uninstall_stop()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )


# The trial


def is_trial():
    """Whether `sweep` runs this process as a trial."""
    return "SWEEP_TRIAL" in os.environ


def params(defaults=None, /, **more):
    """The settings of the trial, over `defaults`; the defaults alone without `sweep`."""
    settings = {**(defaults or {}), **more}
    path = os.environ.get("SWEEP_PARAMS")
    if path:
        with open(path, encoding="utf-8") as file:
            settings.update(json.load(file))
    return settings


def param(name, default=None):
    """One setting of the trial."""
    return params().get(name, default)


def seed(default=0):
    """The seed of the trial."""
    return int(os.environ.get("SWEEP_SEED") or default)


def trial_dir(default="."):
    """The folder of the trial, made where it is missing. Artifacts are collected from it."""
    return _folder("SWEEP_TRIAL_DIR", default)


def checkpoint_dir(default="checkpoints"):
    """A folder that every attempt of the trial finds as the one before left it."""
    return _folder("SWEEP_CHECKPOINT_DIR", default)


def _folder(variable, default):
    path = Path(os.environ.get(variable) or default)
    path.mkdir(parents=True, exist_ok=True)
    return path


def resume_step(default=None):
    """The last step that an earlier attempt of the trial recorded, if it left checkpoints.

    A checkpoint may be older than that: resume from the step that is written in it.
    """
    step = os.environ.get("SWEEP_RESUME_STEP")
    return int(step) if step else default


# The request to stop

_stop_requested = False
_stop_installed = False
_handler_before = None


def should_stop():
    """Whether `sweep` asks the trial to stop: save a checkpoint and end.

    From the first call on, the request (SIGTERM) no longer ends the program by itself, so make that
    call in the main thread, and others often enough. Without `sweep` it returns False and changes
    nothing.
    """
    if not _stop_installed and is_trial():
        _install_stop()
    return _stop_requested


def _install_stop():
    global _stop_installed, _handler_before
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError(
            "sweep.should_stop() was first called in another thread, and only the main thread can "
            "handle signals: call it there once, before the thread is started"
        )
    _handler_before = signal.signal(signal.SIGTERM, _on_sigterm)
    _stop_installed = True


def _on_sigterm(number, frame):
    global _stop_requested
    _stop_requested = True
    if callable(_handler_before):
        _handler_before(number, frame)


def _uninstall_stop():
    """Workers of a pool are ended by SIGTERM: only the process that asks takes it as a request."""
    global _stop_installed
    if _stop_installed and signal.getsignal(signal.SIGTERM) is _on_sigterm:
        signal.signal(signal.SIGTERM, _handler_before or signal.SIG_DFL)
    _stop_installed = False


# Callbacks


def keras_callback():
    """A callback for Keras 3: logs every metric after each epoch; stops after an epoch."""
    import keras

    class SweepCallback(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            log(_numbers(logs or {}), step=epoch + 1)
            if should_stop():
                self.model.stop_training = True

    should_stop()
    return SweepCallback()


def lightning_callback():
    """A callback for PyTorch Lightning: logs all metrics after each epoch; stops after an epoch."""
    # The two packages have classes of their own, and a program uses one of them.
    if "pytorch_lightning" in sys.modules and "lightning.pytorch" not in sys.modules:
        from pytorch_lightning import Callback
    else:
        from lightning.pytorch import Callback

    class SweepCallback(Callback):
        def __init__(self):
            self.epoch = 0
            self.before_validation = set()
            # Names of metrics that are not of each epoch's training: a validation may be left out,
            # and the module's `on_train_epoch_end` runs after that of callbacks.
            self.of_validation = set()
            self.of_epoch_end = set()
            self.validated = False
            self.recorded = set()

        def on_train_start(self, trainer, module):
            # Lightning's own handler, in place by now, ends the program in the middle of an epoch.
            if _stop_installed and threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, _on_sigterm)

        def on_validation_start(self, trainer, module):
            self.before_validation = set(trainer.callback_metrics)

        def on_validation_end(self, trainer, module):
            self.of_validation |= set(trainer.callback_metrics) - self.before_validation
            self.validated = True

        def on_train_epoch_start(self, trainer, module):
            self.record_epoch_end(trainer)
            self.validated = False

        def on_train_epoch_end(self, trainer, module):
            self.epoch = trainer.current_epoch + 1
            old = self.of_epoch_end | (set() if self.validated else self.of_validation)
            self.recorded = set(trainer.callback_metrics) - old
            self.record(trainer, self.recorded)
            # All processes of a distributed training stop after the same epoch.
            if trainer.strategy.reduce_boolean_decision(should_stop(), all=False):
                trainer.should_stop = True

        def on_train_end(self, trainer, module):
            self.record_epoch_end(trainer)
            self.epoch = 0

        def record_epoch_end(self, trainer):
            if self.epoch:
                known = self.recorded | self.of_validation
                self.of_epoch_end |= set(trainer.callback_metrics) - known
                self.record(trainer, self.of_epoch_end)

        def record(self, trainer, names):
            if trainer.is_global_zero:
                metrics = trainer.callback_metrics
                log(_numbers({name: metrics[name] for name in sorted(names)}), step=self.epoch)

    should_stop()
    return SweepCallback()


def transformers_callback():
    """A callback for Hugging Face's Trainer: logs what it logs; saves and stops after a step."""
    from transformers import TrainerCallback

    class SweepCallback(TrainerCallback):
        def on_log(self, args, state, control, logs=None, **_):
            if state.is_world_process_zero:
                log(_numbers(logs or {}), step=state.global_step)

        def on_step_end(self, args, state, control, **_):
            if should_stop():
                control.should_training_stop = True
                control.should_save = args.save_strategy != "no"
            return control

    should_stop()
    return SweepCallback()


def xgboost_callback():
    """A callback for XGBoost: logs `DATA/METRIC` after each round; stops after a round."""
    from xgboost.callback import TrainingCallback

    class SweepCallback(TrainingCallback):
        def after_iteration(self, model, epoch, evals_log):
            metrics = {}
            for data, of_data in evals_log.items():
                for metric, values in of_data.items():
                    # `xgboost.cv` gives the mean and the standard deviation over folds.
                    if isinstance(values[-1], tuple):
                        metrics[f"{data}/{metric}"], metrics[f"{data}/{metric}_std"] = values[-1]
                    else:
                        metrics[f"{data}/{metric}"] = values[-1]
            log(metrics, step=epoch + 1)
            return should_stop()

    should_stop()
    return SweepCallback()


def lightgbm_callback():
    """A callback for LightGBM: logs `DATA/METRIC` after each round; stops after a round."""
    from lightgbm.callback import EarlyStopException

    def callback(env):
        metrics = {}
        for data, metric, value, _, *deviation in env.evaluation_result_list or []:
            metrics[f"{data}/{metric}"] = value
            if deviation:
                metrics[f"{data}/{metric}_std"] = deviation[0]
        log(metrics, step=env.iteration + 1)
        if should_stop():
            raise EarlyStopException(env.iteration, env.evaluation_result_list or [])

    # After the evaluations, and before early stopping (30), which ends a round.
    callback.order = 25
    should_stop()
    return callback


def _numbers(metrics):
    """Those of a library's metrics that are numbers."""
    numbers = {}
    for name, value in metrics.items():
        try:
            numbers[name] = _number(name, value)
        except TypeError:
            pass
    return numbers
