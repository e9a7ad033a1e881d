"""Sweeps on a real Slurm, each compared to the bit with the same sweep on this machine alone.

    tests/cluster/check.py [--slow] [--blows N --seed S] [NAME ...]

runs all scenarios, or those whose names contain one of the words. SWEEP names the program.
"""

import argparse
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback

from slurm import Slurm, install

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
SWEEP = os.path.abspath(os.environ.get("SWEEP", os.path.join(TARGET, "release/sweep")))

# Short enough that an agent that was killed is replaced within seconds.
LEASE = "300,4000"

NETWORKS = """
[experiment]
name = "NAME"
seeds = [1, 2]
[data]
path = "table.csv"
target = "playlist_genre"
numeric = ["danceability", "energy", "loudness", "tempo", "valence", "speechiness"]
[model]
epochs = EPOCHS
batch_size = 16
[grid]
lr = [0.001, 0.003, 0.01, 0.03]
layers = [[16], [32, 16], [64, 32]]
[schedule]
checkpoint = { every = "200ms", cost = 0.5 }
[[schedule.slurm]]
agents = 3
time = "10m"
"""

SEARCH = """
[experiment]
name = "NAME"
[data]
path = "table.csv"
target = "playlist_genre"
numeric = ["danceability", "energy", "loudness", "tempo", "valence", "speechiness"]
[model]
epochs = 27
[search]
budget = { trainings = 10 }
seed = 7
[search.space]
lr = { log = [0.0005, 0.05] }
dropout = { lin = [0.0, 0.5] }
layers = [[16], [32, 16], [64]]
[schedule]
slots = { cpu = 1 }
[[schedule.slurm]]
agents = 3
"""

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
agents = 2
"""

SCRIPT = """
for step in 1 2 3; do echo "step=$step score=$(( $1 * $2 + step ))"; sleep 0.1; done
"""

TRIALS = """select t.name, t.status, t.best, t.best_step, t.last, t.steps, t.parameters, t.message from trials t
    join experiment_trials x on x.trial = t.id where x.in_plan = 1"""
METRICS = """select t.name, m.step, n.name, m.value from metrics m join trials t on t.id = m.trial
    join metric_names n on n.id = m.metric
    where n.name not like '%time%' and n.name not like '%second%' and n.name not like '%memory%'"""
CONFUSION = "select t.name, c.actual, c.predicted, c.rows from confusion c join trials t on t.id = c.trial"
JOBS = "select number, trial, from_step, to_step, reason, decision, outcome, result from search_jobs"


LOCAL_RUNS = {}


def rows(path, query):
    with sqlite3.connect(path) as database:
        return {repr(row) for row in database.execute(query)}


class Folder:
    """A folder with an experiment, its local run, and its runs on the cluster."""

    def __init__(self, slurm, base, name, text, epochs=300):
        self.slurm, self.name = slurm, name
        self.path = os.path.join(base, name)
        os.mkdir(self.path)
        shutil.copy(os.path.join(base, "table.csv"), self.path)
        with open(os.path.join(self.path, "x.toml"), "w") as file:
            file.write(text.replace("NAME", name).replace("EPOCHS", str(epochs)))
        with open(os.path.join(self.path, "train.sh"), "w") as file:
            file.write(SCRIPT)
        self.env = {**slurm.env, "SWEEP_POOL_LEASE": LEASE}
        self.database = os.path.join(self.path, "runs/sweep.sqlite")
        # Names of sweeps are no part of names of trials: one local run serves all that ask for the same.
        self.local = LOCAL_RUNS.setdefault((text, epochs), os.path.join(self.path, "local/sweep.sqlite"))

    def sweep(self, *arguments, code=0, seconds=180):
        done = subprocess.run([SWEEP, *arguments], cwd=self.path, env=self.env, capture_output=True, text=True,
                              timeout=seconds)
        said = done.stdout + done.stderr
        assert code is None or done.returncode == code, f"sweep {' '.join(arguments)}: {done.returncode}\n{said}"
        return said

    def start(self, *arguments):
        return subprocess.Popen([SWEEP, *arguments], cwd=self.path, env=self.env, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)

    def detach(self, *more):
        return self.sweep("run", "x.toml", "--on", "slurm", "--detach", *more)

    def value(self, query):
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10) as database:
            return database.execute(query).fetchone()[0]

    def pool(self, session=1):
        return os.path.join(self.path, f"runs/pool/{self.name}/{session}")

    def ended(self, session=1):
        """Pieces of work that are done, by their marks."""
        try:
            return sum(name.endswith(".done") for name in os.listdir(os.path.join(self.pool(session), "claims")))
        except FileNotFoundError:
            return 0

    def wait_for(self, count, session=1):
        self.slurm.wait(lambda: self.ended(session) >= count, f"{self.ended(session)} of {count} trials have ended")

    def agents(self, session=1):
        """Names and processes of agents that have a journal."""
        names = os.listdir(os.path.join(self.pool(session), "journal"))
        names = [name.removesuffix(".jsonl") for name in names if not name.startswith("decide.")]
        return {name: int(name.split(".")[3]) for name in names}

    def kill_agent(self, session=1):
        """Kills an agent with all its processes, as the loss of a node does."""
        alive = [pid for pid in self.agents(session).values() if os.path.exists(f"/proc/{pid}")]
        pid = random.choice(alive)
        for child in subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split():
            os.kill(int(child), signal.SIGKILL)
        os.kill(pid, signal.SIGKILL)

    def same(self, outcome="finished"):
        """That the sweep has ended as it does on this machine, with nothing left behind."""
        if not os.path.exists(self.local):
            self.sweep("--store", self.local, "run", "x.toml", "-q")
        for what, query in (("trials", TRIALS), ("metrics", METRICS), ("confusion", CONFUSION), ("jobs", JOBS)):
            here, there = rows(self.local, query), rows(self.database, query)
            assert here == there, f"{what} differ: {sorted(here ^ there)[:4]} ({len(here)}, {len(there)})"
        assert self.value("pragma integrity_check") == "ok"
        assert self.value("select outcome from sessions order by id desc limit 1") == outcome
        assert self.value("select count(*) from trials where status in ('running', 'pending', 'interrupted')") == 0
        self.slurm.wait(lambda: not self.slurm.jobs(), f"jobs are left: {self.slurm.jobs()}")
        self.slurm.wait(lambda: not self.slurm.processes(), f"processes are left: {self.slurm.processes()}")


def three_nodes_give_the_bits_of_one_machine(make):
    folder = make(NETWORKS)
    said = folder.sweep("run", "x.toml", "--on", "slurm")
    assert "agents submitted" in said and "24 of 24 trials done" in said, said
    folder.same()
    assert folder.value("select count(distinct agent) from attempts") == 3
    assert not os.path.exists(folder.pool()), "a pool that is done with is removed"


def a_detached_sweep_needs_nobody_and_is_reported_afterwards(make):
    folder = make(NETWORKS)
    assert "24 trials left to its agents" in folder.detach()
    folder.wait_for(24)
    folder.sweep("report", folder.name)
    folder.same()


def ctrl_c_detaches_and_watch_follows_to_the_end(make):
    folder = make(NETWORKS)
    run = folder.start("run", "x.toml", "--on", "slurm")
    folder.wait_for(5)
    run.send_signal(signal.SIGINT)
    assert run.wait(30) == 0
    assert folder.slurm.jobs(), "agents go on"
    assert "24 of 24 trials done" in folder.sweep("watch", folder.name)
    folder.same()


def a_stopped_sweep_resumes_from_its_checkpoints(make):
    folder = make(NETWORKS, epochs=700)
    folder.detach()
    folder.wait_for(4)
    assert "has stopped" in folder.sweep("stop", folder.name)
    folder.slurm.wait(lambda: not folder.slurm.jobs(), "jobs are left")
    assert folder.value("select outcome from sessions") == "interrupted"
    interrupted = folder.value("select count(*) from attempts where outcome = 'interrupted'")
    folder.sweep("resume", folder.name, "--on", "slurm")
    assert folder.value("select count(*) from attempts where resumed_from > 0") == interrupted > 0
    folder.same()


def a_cancelled_job_leaves_its_trials_to_others(make):
    folder = make(NETWORKS, epochs=700)
    folder.detach()
    folder.wait_for(3)
    job = folder.slurm.jobs()[0].split()[0]
    folder.slurm.run("scancel", job)
    folder.sweep("watch", folder.name)
    folder.same()


def preempted_agents_come_back(make):
    folder = make(NETWORKS, epochs=700)
    folder.detach("--agents", "6")
    folder.wait_for(2)
    for _ in range(3):
        folder.slurm.run("sbatch", "-p", "high", "-N1", "-c2", "-o", "/dev/null", "--wrap", "sleep 2")
    folder.sweep("watch", folder.name)
    restarted = folder.value("select count(*) from agents where name like '%\\_%.1.%' escape '\\'")
    assert restarted > 0, "no agent was queued again"
    repeated = folder.value("select count(*) from attempts a where outcome = 'interrupted' and message is null")
    assert repeated == 0, f"{repeated} trials were stopped without a checkpoint"
    folder.same()


def a_lost_node_costs_a_lease(make):
    folder = make(NETWORKS, epochs=700)
    folder.detach()
    folder.wait_for(3)
    folder.kill_agent()
    folder.sweep("watch", folder.name)
    folder.same()


def a_restarted_controller_changes_nothing(make):
    folder = make(NETWORKS)
    folder.detach()
    folder.wait_for(3)
    folder.slurm.restart_controller()
    folder.sweep("watch", folder.name)
    folder.same()


def a_killed_collector_is_replaced_and_nothing_is_recorded_twice(make):
    folder = make(NETWORKS)
    folder.detach()
    for _ in range(6):
        watch = folder.start("watch", folder.name)
        time.sleep(0.4)
        watch.kill()
        watch.wait()
    folder.sweep("watch", folder.name, code=None)
    folder.sweep("ls", folder.name)
    folder.same()


def a_second_session_is_refused_while_agents_live(make):
    folder = make(NETWORKS, epochs=700)
    folder.detach()
    folder.wait_for(1)
    said = folder.sweep("resume", folder.name, "--on", "slurm", code=None)
    assert "agents train" in said and "sweep watch" in said, said
    said = folder.sweep("rm", folder.name, "--yes", code=None)
    assert "agents train" in said, said
    folder.sweep("watch", folder.name)
    folder.same()


def a_full_folder_delays_a_sweep_and_loses_nothing(make):
    folder = make(NETWORKS)
    runs = os.path.join(folder.path, "runs")
    os.mkdir(runs)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", runs], check=True)
    try:
        folder.detach()
        folder.wait_for(2)
        filler = os.path.join(runs, "filler")
        with open(filler, "wb") as file:
            try:
                while True:
                    file.write(b"x" * 65536)
                    file.flush()
            except OSError:
                pass
        time.sleep(3)
        os.remove(filler)
        folder.sweep("watch", folder.name)
        folder.same()
    finally:
        subprocess.run(["umount", "-l", runs], check=True)


def a_search_decides_on_a_cluster_as_on_one_machine(make):
    folder = make(SEARCH)
    folder.sweep("run", "x.toml", "--on", "slurm")
    folder.same()


def a_search_whose_deciding_agent_is_lost_decides_the_same(make):
    folder = make(SEARCH)
    folder.detach()
    folder.wait_for(20)
    with open(os.path.join(folder.pool(), "claims/ask.0")) as claim:
        decider = claim.read()
    os.kill(folder.agents()[decider], signal.SIGKILL)
    folder.sweep("watch", folder.name)
    folder.same()


def programs_are_trials_on_a_cluster(make):
    folder = make(PROGRAM)
    folder.sweep("run", "x.toml", "--on", "slurm")
    assert folder.value("select count(*) from trials where status = 'finished'") == 12
    folder.same()


def a_node_is_probed(make):
    folder = make(NETWORKS)
    said = folder.sweep("doctor", "--on", "slurm", "x.toml")
    assert re.search(r"node n\d", said) and "clock" in said and "2 cores" in said, said


def wrong_options_are_refused_with_what_slurm_says(make):
    folder = make(NETWORKS.replace('time = "10m"', 'options = ["--partition=nowhere"]'))
    said = folder.sweep("run", "x.toml", "--on", "slurm", code=None)
    assert "sbatch failed" in said and "partition" in said, said
    assert folder.value("select outcome from sessions") == "failed"
    folder.sweep("run", "x.toml", "-q")
    folder.same()


def a_job_at_its_time_limit_is_queued_again(make):
    folder = make(NETWORKS.replace('time = "10m"', 'time = "1m"'), epochs=3000)
    folder.detach("--agents", "1")
    folder.sweep("watch", folder.name, seconds=900)
    assert folder.value("select count(*) from agents") > 1
    folder.same()


SLOW = [a_job_at_its_time_limit_is_queued_again]
SCENARIOS = [
    three_nodes_give_the_bits_of_one_machine,
    a_detached_sweep_needs_nobody_and_is_reported_afterwards,
    ctrl_c_detaches_and_watch_follows_to_the_end,
    a_stopped_sweep_resumes_from_its_checkpoints,
    a_cancelled_job_leaves_its_trials_to_others,
    preempted_agents_come_back,
    a_lost_node_costs_a_lease,
    a_restarted_controller_changes_nothing,
    a_killed_collector_is_replaced_and_nothing_is_recorded_twice,
    a_second_session_is_refused_while_agents_live,
    a_full_folder_delays_a_sweep_and_loses_nothing,
    a_search_decides_on_a_cluster_as_on_one_machine,
    a_search_whose_deciding_agent_is_lost_decides_the_same,
    programs_are_trials_on_a_cluster,
    a_node_is_probed,
    wrong_options_are_refused_with_what_slurm_says,
]


def blows(make, count, rng):
    """Kills agents, their workers and collectors at random, `count` times in all, over as many sweeps as that takes."""
    done, sweeps = {"agent": 0, "worker": 0, "collector": 0, "cancel": 0, "controller": 0}, 0
    while sum(done.values()) < count:
        sweeps += 1
        folder = make(rng.choice([NETWORKS, SEARCH]), epochs=600)
        folder.detach("--agents", "6")
        watch = None
        while folder.value("select outcome from sessions order by id desc limit 1") == "running":
            time.sleep(rng.uniform(0.05, 0.8))
            if watch is None or watch.poll() is not None:
                watch = folder.start("watch", folder.name)
            if sum(done.values()) >= count:
                watch.wait(300)
                continue
            session = folder.value("select max(id) from sessions")
            kind = rng.choices(list(done), [4, 8, 8, 2, 1])[0]
            try:
                if kind == "agent":
                    folder.kill_agent(session)
                elif kind == "worker":
                    found = subprocess.run(["pgrep", "-f", f"{SWEEP} worker"], capture_output=True, text=True).stdout
                    os.kill(int(rng.choice(found.split())), signal.SIGKILL)
                elif kind == "collector":
                    watch.kill()
                    watch.wait()
                elif kind == "cancel":
                    jobs = folder.slurm.jobs()
                    folder.slurm.run("scancel", rng.choice(jobs).split()[0])
                else:
                    folder.slurm.restart_controller()
            except (IndexError, ProcessLookupError, FileNotFoundError, subprocess.CalledProcessError):
                continue
            done[kind] += 1
            if not folder.slurm.jobs():
                # Too many were lost: somebody looks after it.
                watch.kill()
                watch.wait()
                folder.sweep("resume", folder.name, "--on", "slurm", "--agents", "6", "--detach", code=None)
        watch.wait(60)
        # Workers that were killed count against their trials.
        while folder.value("select count(*) from trials where status in ('failed', 'interrupted', 'pending')"):
            folder.sweep("resume", folder.name, "--on", "slurm", "--retry-failed", code=None)
        folder.same()
        print(f"{sweeps} sweeps, {sum(done.values())} blows: {done}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--slow", action="store_true", help="also what takes minutes")
    parser.add_argument("--blows", type=int, help="no scenarios, but so many kills at random")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    install()
    if not os.path.exists(SWEEP):
        sys.exit(f"{SWEEP} does not exist: `make build`, or set SWEEP")
    base = tempfile.mkdtemp(prefix="sweep-cluster-")
    passed = failed = 0
    try:
        table = os.path.join(base, "table.csv")
        subprocess.run([SWEEP, "data", "synth", table], check=True, capture_output=True)
        with open(table) as file:
            lines = file.readlines()
        with open(table, "w") as file:
            file.writelines([lines[0], *lines[10::10]])
        with Slurm(3) as slurm:
            count = 0

            def make(text, epochs=300):
                nonlocal count
                count += 1
                return Folder(slurm, base, f"sweep{count}", text, epochs)

            if arguments.blows:
                random.seed(arguments.seed)
                blows(make, arguments.blows, random.Random(arguments.seed))
                return
            chosen = SCENARIOS + (SLOW if arguments.slow else [])
            names = arguments.names
            for scenario in chosen:
                name = scenario.__name__.replace("_", " ")
                if names and not any(word.replace("_", " ") in name for word in names):
                    continue
                began = time.monotonic()
                try:
                    scenario(make)
                    passed += 1
                    print(f"ok   {name} ({time.monotonic() - began:.1f} s)", flush=True)
                except Exception:
                    failed += 1
                    print(f"FAIL {name}\n{traceback.format_exc()}", flush=True)
                    slurm.out("scancel", "-f", "-u", "root")
                    slurm.wait(lambda: not slurm.jobs(), "jobs cannot be cancelled")
    finally:
        shutil.rmtree(base, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
