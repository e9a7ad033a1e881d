"""Tests of what `sweep.py` promises of threads, processes, signals and the reader of its pipe."""

import fcntl
import os
import sys
import tempfile
import termios
import unittest

from test_sweep import Trial


class ProcessTest(unittest.TestCase):
    def test_threads_lose_no_line_and_keep_their_order(self):
        trial = Trial(
            "import os, sweep, threading\n"
            "write, pieces = os.write, []\n"
            "os.write = lambda fd, data: pieces.append(len(data)) or write(fd, data)\n"
            "def work(name):\n"
            "    for step in range(5000): sweep.log({name: 0.5}, step=step)\n"
            "threads = [threading.Thread(target=work, args=(f't{i}',)) for i in range(8)]\n"
            "for thread in threads: thread.start()\n"
            "for thread in threads: thread.join()\n"
            "sweep._pipe.flush()\n"
            "print(max(pieces))\n"
        ).finish()
        self.assertLessEqual(int(trial.out), 4096)
        self.assertEqual((trial.process.returncode, trial.err), (0, ""))
        steps = {f"t{i}": [] for i in range(8)}
        for line in trial.lines():
            step = line.pop("step")
            steps[next(iter(line))].append(step)
        self.assertEqual(steps, {f"t{i}": list(range(5000)) for i in range(8)})

    def test_lines_of_several_processes_are_not_mixed(self):
        trial = Trial(
            "import os, sweep\n"
            "for child in range(4):\n"
            "    if os.fork() == 0:\n"
            "        for step in range(5000): sweep.log({f'c{child}': 0.123456789}, step=step)\n"
            "        raise SystemExit\n"
            "for child in range(4): os.wait()\n"
        ).finish()
        self.assertEqual((trial.process.returncode, trial.err), (0, ""))
        steps = {f"c{i}": [] for i in range(4)}
        for line in trial.lines():
            step = line.pop("step")
            steps[next(iter(line))].append(step)
        self.assertEqual(steps, {f"c{i}": list(range(5000)) for i in range(4)})

    def test_a_fork_repeats_no_line_and_both_sides_log_on(self):
        trial = Trial(
            "import os, sweep, threading, warnings\n"
            "warnings.simplefilter('ignore')\n"
            "running = True\n"
            "def other():\n"
            "    while running: sweep.log(other=1)\n"
            "thread = threading.Thread(target=other)\n"
            "thread.start()\n"
            "for step in range(20):\n"
            "    sweep.log(step=step, parent=1)\n"
            "    sweep.log(step=step, second=1)\n"
            "    child = os.fork()\n"
            "    if not child:\n"
            "        sweep.log(step=step, child=1)\n"
            "        sweep.log(step=step, last=1)\n"
            "        sweep._pipe.close()\n"
            "        os._exit(0)\n"
            "    assert os.waitpid(child, 0)[1] == 0\n"
            "running = False\n"
            "thread.join()\n"
        ).finish()
        self.assertEqual((trial.process.returncode, trial.err), (0, ""))
        lines = [line for line in trial.lines() if "other" not in line]
        for name in ("parent", "second", "child", "last"):
            steps = [line["step"] for line in lines if name in line]
            self.assertEqual(steps, list(range(20)), name)

    def test_a_fork_finds_no_thread(self):
        trial = Trial(
            "import os, sweep, threading\n"
            "for step in (0, 1): sweep.log(step=step, loss=0.5)\n"
            "print(threading.active_count())\n"
            "if os.fork() == 0: os._exit(0)\n"
            "os.wait()\n"
            "print(threading.active_count())\n"
        ).finish()
        self.assertEqual((trial.err, trial.out), ("", "2\n1\n"))

    def test_workers_of_every_kind_lose_nothing_when_they_end(self):
        for kind in ("fork", "spawn", "forkserver"):
            with self.subTest(kind):
                trial = Trial(
                    "import multiprocessing, sweep\n"
                    "def work(name):\n"
                    "    for step in range(3): sweep.log({name: 0.5}, step=step)\n"
                    "if __name__ == '__main__':\n"
                    f"    context = multiprocessing.get_context({kind!r})\n"
                    "    sweep.log(step=0, parent=1)\n"
                    "    for name in 'ab':\n"
                    "        worker = context.Process(target=work, args=(name,))\n"
                    "        worker.start()\n"
                    "        worker.join()\n"
                    "        assert worker.exitcode == 0\n"
                ).finish()
                self.assertEqual((trial.process.returncode, trial.err), (0, ""))
                expected = [{"step": 0, "parent": 1}]
                expected += [{"step": step, name: 0.5} for name in "ab" for step in range(3)]
                self.assertEqual(trial.lines(), expected)

    def test_a_signal_handler_may_log(self):
        trial = Trial(
            "import signal, sweep, time\n"
            "count = 0\n"
            "def handler(number, frame):\n"
            "    global count\n"
            "    count += 1\n"
            "    sweep.log(handler=count)\n"
            "signal.signal(signal.SIGALRM, handler)\n"
            "signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)\n"
            "for step in range(20000): sweep.log(step=step, loss=0.5)\n"
            "signal.setitimer(signal.ITIMER_REAL, 0)\n"
            "print(count)\n"
        ).finish()
        self.assertEqual((trial.process.returncode, trial.err), (0, ""))
        lines = trial.lines()
        self.assertEqual(sum("loss" in line for line in lines), 20000)
        self.assertEqual(sum("handler" in line for line in lines), int(trial.out))
        self.assertGreater(int(trial.out), 0)


class ReaderTest(unittest.TestCase):
    WARNING = r"\Asweep: metrics are not recorded from here on: [^\n]*\n\Z"

    def test_a_reader_that_vanishes_costs_one_warning(self):
        for setup in ("", "signal.signal(signal.SIGPIPE, signal.SIG_DFL)"):
            with self.subTest(setup):
                trial = Trial(
                    f"import signal, sweep\n{setup}\n"
                    "sweep.log(step=0, loss=0.5)\n"
                    "input()\n"
                    "for step in range(1000): sweep.log(step=step, loss=0.5)\n"
                    "print('finished')\n"
                )
                trial.wait_for(lambda: trial.data)
                trial.stop_reading()
                trial.finish("\n")
                self.assertEqual((trial.process.returncode, trial.out), (0, "finished\n"))
                self.assertRegex(trial.err, self.WARNING)

    def test_a_pipe_that_is_gone_or_has_no_reader_costs_one_warning(self):
        with tempfile.TemporaryDirectory() as folder:
            alone = os.path.join(folder, "alone")
            os.mkfifo(alone)
            for path in (alone, os.path.join(folder, "missing")):
                with self.subTest(path):
                    trial = Trial(
                        "import sweep\n"
                        "for step in range(1000): sweep.log(step=step, loss=0.5)\n"
                        "print('finished')\n",
                        SWEEP_METRICS=path,
                    ).finish()
                    self.assertEqual((trial.process.returncode, trial.out), (0, "finished\n"))
                    self.assertRegex(trial.err, self.WARNING)

    def test_a_reader_that_is_behind_delays_the_program_and_loses_nothing(self):
        trial = Trial(
            "import sweep\nfor step in range(20000): sweep.log(step=step, loss=0.5)\n",
            reads=False,
        )
        # Full but for less than one piece.
        capacity = fcntl.fcntl(trial.fd, 1032)
        size = bytearray(4)

        def is_full():
            fcntl.ioctl(trial.fd, termios.FIONREAD, size)
            return int.from_bytes(size, sys.byteorder) > capacity - 2 * 4096

        trial.wait_for(is_full)
        self.assertIsNone(trial.process.poll())
        trial.thread.start()
        trial.finish()
        self.assertEqual((trial.process.returncode, trial.err), (0, ""))
        self.assertEqual([line["step"] for line in trial.lines()], list(range(20000)))


if __name__ == "__main__":
    unittest.main()
