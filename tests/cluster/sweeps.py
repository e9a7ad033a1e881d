"""A sweep in a folder of its own: run on a cluster, and compared with the same sweep on this machine alone."""

import contextlib
import glob
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys

import slurm as processes

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
SWEEP = os.path.realpath(os.environ.get("SWEEP", os.path.join(TARGET, "release/sweep")))

# Beat and lease in milliseconds: short enough that an agent that was killed is replaced within seconds.
LEASE = "300,4000"

DATA = """
[experiment]
name = "NAME"
SEEDS
[data]
path = "table.csv"
target = "playlist_genre"
numeric = ["danceability", "energy", "loudness", "tempo", "valence", "speechiness"]
[model]
epochs = EPOCHS
batch_size = 16
"""

JOBS = """
[schedule]
slots = { cpu = 1 }
checkpoint = { every = "200ms", cost = 0.5 }
[[schedule.slurm]]
agents = 3
time = "10m"
"""

# 24 trials.
NETWORKS = DATA.replace("SEEDS", "seeds = [1, 2]") + """
[grid]
lr = [0.001, 0.003, 0.01, 0.03]
layers = [[16], [32, 16], [64, 32]]
""" + JOBS

SEARCH = DATA.replace("SEEDS", "") + """
[search]
budget = { trainings = 10 }
seed = 7
[search.space]
lr = { log = [0.0005, 0.05] }
dropout = { lin = [0.0, 0.5] }
layers = [[16], [32, 16], [64]]
""" + JOBS

# 12 trials, of a tenth of a second for each of their steps.
PROGRAM = """
[experiment]
name = "NAME"
seeds = [1, 2]
[program]
command = ["sh", "train.sh", "{a}", "{b}"]
inputs = ["train.sh"]
objective = { metric = "score", goal = "max" }
[grid]
a = [1, 2, 3]
b = [4, 5]
[[schedule.slurm]]
agents = 3
"""

SCRIPT = """\
for step in $(seq EPOCHS); do echo "step=$step score=$(( $1 * $2 + step ))"; sleep 0.1; done
"""

# What must be the same: a name, the number of columns that name a row, and a query. What depends on the clock is left out.
COMPARED = [
    ("trials", 1, """select t.name, t.status, t.best, t.best_step, t.last, t.steps, t.parameters, t.message from trials t
        join experiment_trials x on x.trial = t.id where x.in_plan = 1"""),
    ("metrics", 3, """select t.name, m.step, n.name, m.value from metrics m join trials t on t.id = m.trial
        join metric_names n on n.id = m.metric
        where n.name not like '%time%' and n.name not like '%second%' and n.name not like '%memory%'"""),
    ("confusion", 3, "select t.name, c.actual, c.predicted, c.rows from confusion c join trials t on t.id = c.trial"),
    ("search_jobs", 1, "select number, trial, from_step, to_step, reason, decision, outcome, result from search_jobs"),
]
SHOWN = 3
FINAL = "('finished', 'diverged', 'pruned')"


def check_program():
    if not os.access(SWEEP, os.X_OK):
        sys.exit(f"{SWEEP} is not there: run `make build`, or set SWEEP")


def make_table(path):
    """A table of a few thousand rows."""
    subprocess.run([SWEEP, "data", "synth", path], check=True, capture_output=True)
    with open(path) as file:
        lines = file.readlines()
    with open(path, "w") as file:
        file.writelines([lines[0], *lines[1::10]])


class Bench:
    """Where sweeps are made: on a cluster, with one table, and the local runs that they are compared with."""

    def __init__(self, slurm):
        self.slurm = slurm
        # Gone with the cluster, however this ends.
        self.base = os.path.join(slurm.base, "sweeps")
        os.mkdir(self.base)
        make_table(os.path.join(self.base, "table.csv"))
        self.local_runs = {}
        self.count = 0

    def make(self, text, epochs, lease=LEASE):
        self.count += 1
        return Sweep(self, f"sweep{self.count}", text, epochs, lease)


class Sweep:
    def __init__(self, bench, name, text, epochs, lease):
        self.bench, self.slurm, self.name, self.kind = bench, bench.slurm, name, (text, epochs)
        self.path = os.path.join(bench.base, name)
        os.mkdir(self.path)
        shutil.copy(os.path.join(bench.base, "table.csv"), self.path)
        for file, content in (("x.toml", text), ("train.sh", SCRIPT)):
            with open(os.path.join(self.path, file), "w") as out:
                out.write(content.replace("NAME", name).replace("EPOCHS", str(epochs)))
        self.runs = os.path.join(self.path, "runs")
        self.env = {**self.slurm.env, "SWEEP_POOL_LEASE": lease}

    def start(self, *arguments, out=subprocess.DEVNULL):
        return subprocess.Popen([SWEEP, *arguments], cwd=self.path, env=self.env, stdin=subprocess.DEVNULL, stdout=out,
                                stderr=subprocess.STDOUT, text=True)

    def sweep(self, *arguments, code=0, seconds=180):
        """Runs a command, and gives what it prints. It must end with `code`, unless that is `None`."""
        command = self.start(*arguments, out=subprocess.PIPE)
        try:
            said = command.communicate(timeout=seconds)[0]
        except subprocess.TimeoutExpired:
            command.kill()
            raise AssertionError(f"sweep {' '.join(arguments)} did not end in {seconds} s:\n{command.communicate()[0]}")
        assert code in (None, command.returncode), f"sweep {' '.join(arguments)} ended with {command.returncode}:\n{said}"
        return said

    def detach(self, *more):
        return self.sweep("run", "x.toml", "--on", "slurm", "--detach", *more)

    def rows(self, query, path=None):
        database = path or os.path.join(self.runs, "sweep.sqlite")
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as connection:
            return connection.execute(query).fetchall()

    def value(self, query):
        return self.rows(query)[0][0]

    def last_outcome(self):
        return self.value("select outcome from sessions order by id desc limit 1")

    def pool(self, session=1):
        return os.path.join(self.runs, "pool", self.name, str(session))

    def ended(self, session=1):
        """Trials that agents have marked as done."""
        return len(glob.glob(os.path.join(self.pool(session), "claims", "*.done")))

    def wait_for(self, count, session=1):
        """Waits until `count` trials have ended."""
        self.slurm.wait(lambda: self.ended(session) >= count,
                        lambda: f"{self.ended(session)} trials have ended, not {count}; jobs: {self.slurm.jobs()}")

    def agents(self):
        """The agents that run: number of the process to its name of the job and its node."""
        found = {}
        for pid, command in self.slurm.programs():
            if command.startswith(f"{SWEEP} agent {self.path}"):
                node = [one for one in processes.environment(pid) if one.startswith("SLURMD_NODENAME=")]
                found[pid] = int(node[0].split("=n")[1])
        return found

    def workers(self):
        return [pid for pid, command in self.slurm.programs() if command.startswith(f"{SWEEP} worker")]

    def end_agent(self, pid):
        """Kills an agent and its workers at one time."""
        workers = [worker for worker in self.workers() if processes.parent(worker) == pid]
        for one in [pid, *workers]:
            processes.kill(one)

    def entries(self, session=1):
        """All events in the journals."""
        for path in glob.glob(os.path.join(self.pool(session), "journal", "*.jsonl")):
            with open(path) as file:
                for line in file:
                    entry = json.loads(line)
                    if entry["entry"] == "event":
                        yield entry["event"]

    def finish(self):
        """Follows the sweep to its end, and submits agents again while something is left; how often that was."""
        again = 0
        said = self.sweep("watch", self.name, code=None)
        # A search may have more to decide, although all its trials have ended.
        while self.last_outcome() != "finished":
            again += 1
            assert again <= 5, f"the session ends as {self.last_outcome()} for good:\n{said}"
            said = self.sweep("resume", self.name, "--on", "slurm", "--retry-failed", code=None)
        return again

    def unfinished(self):
        return self.value(f"select count(*) from trials where status not in {FINAL}")

    def check(self, outcome="finished", once=True):
        """That the sweep has ended as on this machine alone, with nothing left behind; `once`: no trial was trained twice."""
        problems = self.differences()
        found = self.value("pragma integrity_check")
        if found != "ok":
            problems.append(f"the database is damaged: {found}")
        if self.last_outcome() != outcome:
            problems.append(f"the session ended as {self.last_outcome()}, not as {outcome}")
        if self.unfinished():
            problems.append(f"{self.unfinished()} trials have not finished")
        twice = self.rows("""select t.name, count(*) from attempts a join trials t on t.id = a.trial
            where a.outcome in ('finished', 'diverged') group by 1 having count(*) > 1""")
        if once and twice:
            problems.append(f"trials were trained twice: {twice[:SHOWN]}")
        assert not problems, "\n".join(problems)
        self.slurm.wait(lambda: not self.slurm.jobs(), lambda: f"jobs are left: {self.slurm.out('squeue', '-r')}")
        self.slurm.wait(lambda: not self.slurm.programs(), lambda: f"processes are left: {self.slurm.programs()}")

    def differences(self):
        local = self.local_run()
        problems = []
        for what, keys, query in COMPARED:
            here, there = self.rows(query, local), self.rows(query)
            here, there = ({repr(row[:keys]): repr(row[keys:]) for row in rows} for rows in (here, there))
            differ = [key for key in sorted({*here, *there}) if here.get(key) != there.get(key)]
            if differ:
                problems.append(f"{what}: {len(differ)} of {len(here)} rows differ from the local run")
                problems += [f"    {key}: {here.get(key)} locally, {there.get(key)} on the cluster" for key in differ[:SHOWN]]
        return problems

    def local_run(self):
        """The database of the same sweep on this machine. Trials are named by their content: one serves all of a kind."""
        if self.kind not in self.bench.local_runs:
            database = os.path.join(self.bench.base, f"local{len(self.bench.local_runs)}", "sweep.sqlite")
            # Programs sleep most of the time.
            workers = "6" if self.kind[0] == PROGRAM else "2"
            self.sweep("--store", database, "run", "x.toml", "--workers", workers, "-q")
            # Not before it has succeeded.
            self.bench.local_runs[self.kind] = database
        return self.bench.local_runs[self.kind]

    def interrupt(self, command):
        command.send_signal(signal.SIGINT)
        return command.wait(30)
