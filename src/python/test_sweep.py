"""Tests of `sweep.py`, by scripts that import it and a reader in the place of `sweep`.

    python3 -m unittest discover -s src/python
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Nothing here takes long; a test that waits this long has failed.
LIMIT = 60


class Trial:
    """A script that runs as a trial, with the pipe that it writes metrics to."""

    def __init__(self, script, is_trial=True, reads=True, **environment):
        self.folder = tempfile.TemporaryDirectory()
        folder = Path(self.folder.name)
        self.path = folder / "metrics"
        os.mkfifo(self.path)
        self.fd = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)
        names = {name: text for name, text in os.environ.items() if not name.startswith("SWEEP_")}
        self.environment = {**names, "PYTHONPATH": str(HERE), **environment}
        if is_trial:
            ours = {"SWEEP_TRIAL": "3fa9c1", "SWEEP_METRICS": str(self.path)}
            self.environment = {**ours, **self.environment}
        # A file, because workers of the kind `spawn` read the script again.
        (folder / "script.py").write_text(script)
        self.process = subprocess.Popen(
            [sys.executable, "script.py"],
            cwd=folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.data = b""
        self.ended = False
        self.thread = threading.Thread(target=self._read, daemon=True)
        if reads:
            self.thread.start()

    def _read(self):
        while True:
            ended = self.ended
            try:
                self.data += os.read(self.fd, 65536)
            except BlockingIOError:
                if ended:
                    return
                time.sleep(0.002)

    def stop_reading(self):
        self.ended = True
        self.thread.join()
        os.close(self.fd)

    def lines(self):
        return [json.loads(line) for line in self.data.decode().splitlines()]

    def wait_for(self, condition):
        end = time.monotonic() + LIMIT
        while not condition():
            if time.monotonic() > end:
                self.process.kill()
                raise AssertionError(f"waited in vain; metrics: {self.data[-500:]}")
            time.sleep(0.005)

    def finish(self, text=None):
        try:
            self.out, self.err = self.process.communicate(text, timeout=LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise AssertionError("the script did not end") from None
        finally:
            if not self.ended:
                self.stop_reading()
            self.folder.cleanup()
        return self


class LogTest(unittest.TestCase):
    def run_trial(self, script, **more):
        trial = Trial(script, **more).finish()
        self.assertEqual((trial.process.returncode, trial.err), (0, ""))
        return trial

    def test_metrics_are_lines_of_json_with_the_step_first(self):
        trial = self.run_trial(
            "import sweep\n"
            "sweep.log(step=1, loss=0.1, correct=7, converged=True)\n"
            "sweep.log({'val/loss': 1e-05, 'größe': -0.0, 'step': 2}, accuracy=0.5)\n"
            "sweep.log(loss=5e-324)\n"
            "sweep.log(values=3, step=1.0)\n"
            "sweep.log({}, step=4)\n"
        )
        self.assertEqual(
            trial.data.decode(),
            '{"step": 1, "loss": 0.1, "correct": 7, "converged": 1}\n'
            '{"step": 2, "val/loss": 1e-05, "gr\\u00f6\\u00dfe": -0.0, "accuracy": 0.5}\n'
            '{"loss": 5e-324}\n'
            '{"step": 1, "values": 3}\n',
        )
        self.assertEqual(trial.out, "")

    def test_values_that_are_not_finite_are_written_as_python_does(self):
        trial = self.run_trial(
            "import sweep\nsweep.log(a=float('nan'), b=float('inf'), c=float('-inf'))\n"
        )
        self.assertEqual(trial.data, b'{"a": NaN, "b": Infinity, "c": -Infinity}\n')

    def test_scalars_of_libraries_are_numbers(self):
        trial = self.run_trial(
            "import decimal, fractions, sweep\n"
            "class Tensor:\n"
            "    def __init__(self, value): self.value = value\n"
            "    def item(self): return self.value\n"
            "class Scalar:\n"
            "    def __float__(self): return 0.25\n"
            "class Double(float):\n"
            "    def __repr__(self): return 'Double'\n"
            "sweep.log(step=Tensor(3), a=Tensor(0.5), b=Tensor(4), c=Tensor(False), d=Scalar(),\n"
            "    e=Double(0.75), f=decimal.Decimal('0.1'), g=fractions.Fraction(1, 8), h=10**30)\n"
        )
        expected = dict(step=3, a=0.5, b=4, c=0, d=0.25, e=0.75, f=0.1, g=0.125, h=1e30)
        self.assertEqual(trial.lines(), [expected])

    def test_what_is_no_number_is_an_error_that_names_the_metric_and_writes_nothing(self):
        trial = self.run_trial(
            "import sweep\n"
            "class Tensor:\n"
            "    def item(self): raise ValueError('2 elements')\n"
            "for value in (None, '0.5', b'1', [1], {'a': 1}, 1j, 10**400, Tensor()):\n"
            "    try: sweep.log(step=1, loss=0.5, val_loss=value)\n"
            "    except TypeError as error: print(error)\n"
            "for step in (-1, 1.5, '3', float('nan')):\n"
            "    try: sweep.log(loss=0.5, step=step)\n"
            "    except TypeError as error: print(error)\n"
            "for values in (0.5, [('a', 1)], {1: 2}):\n"
            "    try: sweep.log(values)\n"
            "    except TypeError as error: print(error)\n"
        )
        lines = trial.out.splitlines()
        self.assertEqual(len(lines), 15, trial.out)
        for line in lines[:8]:
            self.assertRegex(line, "^metric 'val_loss' must be")
        self.assertEqual(lines[0], "metric 'val_loss' must be a number, not NoneType")
        self.assertEqual(
            lines[7], "metric 'val_loss' must be one number, not this Tensor: 2 elements"
        )
        self.assertEqual(lines[8], "step must be a whole number of at least 0, not -1")
        self.assertEqual(trial.data, b"")

    def test_more_metrics_than_a_line_holds_are_several_lines_of_one_step(self):
        trial = self.run_trial(
            "import sweep\n"
            "metrics = {f'metric_{i}': i / 7 for i in range(1000)}\n"
            "sweep.log(metrics, step=3)\n"
            "sweep.log(metrics, epoch=4)\n"
            "sweep.log({'x' * 5000: 1})\n"
        )
        by_step = {3: {}, 4: {}}
        for text, line in zip(trial.data.splitlines(True)[:-1], trial.lines()):
            self.assertLessEqual(len(text), 4096)
            by_step[line.pop("step")].update(line)
        expected = {f"metric_{i}": i / 7 for i in range(1000)}
        self.assertEqual(by_step, {3: expected, 4: {**expected, "epoch": 4}})
        self.assertEqual(trial.lines()[-1], {"x" * 5000: 1})

    def test_without_sweep_metrics_are_printed(self):
        script = "import sweep\nsweep.log(step=3, val_loss=0.2)\nsweep.log({'a/b': float('nan')})\n"
        trial = self.run_trial(script, is_trial=False)
        self.assertEqual(trial.out, "step=3 val_loss=0.2\na/b=nan\n")
        self.assertEqual(trial.data, b"")

    def test_fast_values_are_written_many_at_a_time_and_slow_ones_at_once(self):
        trial = self.run_trial(
            "import os, sweep, time\n"
            "write, pieces = os.write, []\n"
            "def counted(fd, data):\n"
            "    pieces.append(len(data))\n"
            "    return write(fd, data)\n"
            "os.write = counted\n"
            "for step in range(3):\n"
            "    sweep.log(step=step, loss=0.5)\n"
            "    assert len(pieces) == step + 1, pieces\n"
            "    time.sleep(0.06)\n"
            "for step in range(3, 10_003):\n"
            "    sweep.log(step=step, loss=0.5)\n"
            "sweep._pipe.flush()\n"
            "print(len(pieces), max(pieces))\n"
        )
        self.assertEqual([line["step"] for line in trial.lines()], list(range(10_003)))
        pieces, longest = map(int, trial.out.split())
        self.assertLess(pieces, 1000)
        self.assertLessEqual(longest, 4096)

    def test_a_value_is_written_while_the_program_does_something_else(self):
        trial = Trial(
            "import sweep\n"
            "for turn in range(3):\n"
            "    for step in range(3): sweep.log(step=3 * turn + step, loss=0.5)\n"
            "    input()\n"
        )
        for turn in (1, 2, 3):
            trial.wait_for(lambda: trial.data.count(b"\n") >= 3 * turn)
            trial.process.stdin.write("\n")
            trial.process.stdin.flush()
        trial.finish()
        self.assertEqual([line["step"] for line in trial.lines()], list(range(9)))

    def test_values_logged_while_the_program_ends_are_written(self):
        trial = self.run_trial(
            "import atexit, sweep\n"
            "atexit.register(lambda: [sweep.log(step=step, loss=1) for step in (2, 3)])\n"
            "for step in (0, 1): sweep.log(step=step, loss=0.5)\n"
        )
        self.assertEqual([line["step"] for line in trial.lines()], [0, 1, 2, 3])


class TrialTest(unittest.TestCase):
    def output(self, script, **more):
        trial = Trial("import sweep\n" + script, **more).finish()
        self.assertEqual((trial.process.returncode, trial.err), (0, ""))
        return trial.out.splitlines()

    def test_settings_of_the_trial_go_over_the_defaults(self):
        script = (
            "print(sweep.params({'lr': 0.1, 'layers': [32]}, name='x'))\n"
            "print(sweep.param('lr', 0.1), sweep.param('missing', 7), sweep.seed(5))\n"
            "print(sweep.is_trial(), sweep.resume_step(), sweep.resume_step(0))\n"
        )
        self.assertEqual(
            self.output(script, is_trial=False),
            ["{'lr': 0.1, 'layers': [32], 'name': 'x'}", "0.1 7 5", "False None 0"],
        )
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "params.json")
            path.write_text('{"lr": 1e-05, "layers": [64, 32], "text": "ü;$(x)"}', "utf-8")
            trial = {"SWEEP_PARAMS": str(path), "SWEEP_SEED": "3", "SWEEP_RESUME_STEP": "12"}
            self.assertEqual(
                self.output(script, **trial),
                [
                    "{'lr': 1e-05, 'layers': [64, 32], 'name': 'x', 'text': 'ü;$(x)'}",
                    "1e-05 7 3",
                    "True 12 12",
                ],
            )

    def test_folders_exist(self):
        script = (
            "print(sweep.trial_dir(), sweep.checkpoint_dir())\n"
            "print(sweep.trial_dir().is_dir(), sweep.checkpoint_dir().is_dir())\n"
            "print(sweep.trial_dir('a/b').is_dir(), sweep.checkpoint_dir('c').is_dir())\n"
        )
        self.assertEqual(
            self.output(script, is_trial=False), [". checkpoints", "True True", "True True"]
        )
        with tempfile.TemporaryDirectory() as folder:
            trial, checkpoints = folder + "/trial", folder + "/trial/checkpoints"
            variables = {"SWEEP_TRIAL_DIR": trial, "SWEEP_CHECKPOINT_DIR": checkpoints}
            lines = self.output(script, **variables)
            self.assertEqual(lines, [f"{trial} {checkpoints}", "True True", "True True"])
            self.assertEqual(os.listdir(folder), ["trial"])


class StopTest(unittest.TestCase):
    UNTIL_STOPPED = (
        "step = 0\n"
        "while not sweep.should_stop():\n"
        "    step += 1\n"
        "    sweep.log(step=step, loss=0.5)\n"
        "    time.sleep(0.01)\n"
        "print('saved', sweep.should_stop())\n"
    )

    def stop(self, script, **more):
        trial = Trial(script, **more)
        trial.wait_for(lambda: trial.data.count(b"\n") >= 2)
        trial.process.send_signal(signal.SIGTERM)
        return trial.finish()

    def test_sigterm_is_a_request_once_the_program_asks_for_it(self):
        trial = self.stop("import sweep, time\n" + self.UNTIL_STOPPED)
        self.assertEqual((trial.process.returncode, trial.out), (0, "saved True\n"))

    def test_a_program_that_never_asks_is_ended_by_sigterm(self):
        trial = self.stop(
            "import sweep, time\n"
            "for step in (1, 2): sweep.log(step=step, loss=0.5)\n"
            "time.sleep(60)\n"
        )
        self.assertEqual(trial.process.returncode, -signal.SIGTERM)

    def test_a_handler_of_the_program_is_called_too(self):
        trial = self.stop(
            "import signal, sweep, time\n"
            "signal.signal(signal.SIGTERM, lambda number, frame: print('mine'))\n"
            + self.UNTIL_STOPPED
        )
        self.assertEqual((trial.process.returncode, trial.out), (0, "mine\nsaved True\n"))

    def test_without_sweep_nothing_is_changed(self):
        trial = Trial(
            "import signal, sweep\n"
            "print(sweep.should_stop(), signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)\n",
            is_trial=False,
        ).finish()
        self.assertEqual(trial.out, "False True\n")

    def test_only_the_first_call_must_be_in_the_main_thread(self):
        trial = Trial(
            "import sweep, threading\n"
            "def ask():\n"
            "    try: print(sweep.should_stop())\n"
            "    except RuntimeError as error: print(error)\n"
            "for turn in range(2):\n"
            "    thread = threading.Thread(target=ask)\n"
            "    thread.start()\n"
            "    thread.join()\n"
            "    sweep.should_stop()\n"
        ).finish()
        first, second = trial.out.splitlines()
        self.assertRegex(first, "only the main thread can handle signals")
        self.assertEqual(second, "False")

    def test_workers_of_a_pool_still_end_at_sigterm(self):
        trial = Trial(
            "import multiprocessing, sweep, time\n"
            "assert not sweep.should_stop()\n"
            "with multiprocessing.get_context('fork').Pool(2) as pool:\n"
            "    pool.apply_async(time.sleep, (60,))\n"
            "    time.sleep(0.2)\n"
            "print('ended', sweep.should_stop())\n"
        ).finish()
        self.assertEqual((trial.err, trial.out), ("", "ended False\n"))


if __name__ == "__main__":
    unittest.main()
