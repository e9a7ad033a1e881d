"""Sweeps on a real Slurm under blows at random, each compared to the bit with the same sweep on this machine alone.

    python3 tests/cluster/torture.py [--blows N | --seconds S] [--seed N]

deals blows until there were so many, or for so long, over as many sweeps as that takes, and prints how many of each kind. The
seed decides on kinds and moments; what a blow meets differs from run to run. SWEEP names the program.
"""

import argparse
import collections
import random
import signal
import subprocess
import sys
import time

from slurm import Slurm, install, kill, parent
from sweeps import NETWORKS, SEARCH, Bench, check_program

AGENTS = "6"
# Epochs of networks: so many that a sweep takes a dozen blows.
EPOCHS = {NETWORKS: 400, SEARCH: 81}
# Longest pause between two blows, in seconds.
PAUSE = 1.0
# Longer than the lease of these pools.
STANDSTILL = 6
# How long a daemon stays away.
AWAY = 2
# Blows and their weights.
WEIGHTS = {
    "agent killed": 6,
    "worker killed": 8,
    "collector killed": 8,
    "job cancelled": 3,
    "job queued again": 2,
    "agent stopped for longer than its lease": 2,
    "slurmd killed and restarted": 2,
    "node lost": 1,
    "controller killed and restarted": 1,
    "node preempted": 1,
}


class Missed(Exception):
    """There was nothing to hit."""


class Torture:
    def __init__(self, bench, rng):
        self.bench, self.slurm, self.rng = bench, bench.slurm, rng
        self.counts = collections.Counter()
        self.sweeps = self.resumed = self.trained_twice = 0
        # What ends later: a time, and what to do.
        self.later = []

    def run(self, goes_on):
        """Hits sweeps, one after the other, while `goes_on` says so."""
        while goes_on():
            kind = self.rng.choice([NETWORKS, NETWORKS, SEARCH])
            sweep = self.bench.make(kind, EPOCHS[kind])
            sweep.detach("--agents", AGENTS)
            self.collector = sweep.start("watch", sweep.name)
            while goes_on() and self.is_running(sweep):
                time.sleep(self.rng.uniform(0, PAUSE))
                self.catch_up()
                try:
                    name = self.rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
                    self.hit(name, sweep)
                    self.counts[name] += 1
                except Missed:
                    pass
            self.end(sweep)
            print(f"{self.sweeps} sweeps, {sum(self.counts.values())} blows", flush=True)

    def is_running(self, sweep):
        """Whether the sweep goes on; looks after it as a user would."""
        if sweep.last_outcome() == "running":
            if self.collector.poll() is not None:
                self.collector = sweep.start("watch", sweep.name)
            return True
        if sweep.last_outcome() == "finished":
            return False
        # Its agents are gone, or workers of a trial were killed too often.
        self.collector.kill()
        self.collector.wait()
        said = sweep.sweep("resume", sweep.name, "--on", "slurm", "--agents", AGENTS, "--retry-failed", "--detach", code=None)
        # It is refused while agents live, such as one that is stopped.
        self.resumed += "submitted" in said
        return True

    def catch_up(self, all_of_it=False):
        """Does what is due by now."""
        due = [one for one in self.later if all_of_it or one[0] <= time.monotonic()]
        self.later = [one for one in self.later if one not in due]
        for _, action in due:
            action()

    def after(self, seconds, action):
        self.later.append((time.monotonic() + seconds, action))

    def one_of(self, found):
        if not found:
            raise Missed
        return self.rng.choice(sorted(found))

    def hit(self, name, sweep):
        slurm = self.slurm
        if name == "agent killed":
            sweep.end_agent(self.one_of(sweep.agents()))
        elif name == "worker killed":
            kill(self.one_of(sweep.workers()))
        elif name == "collector killed":
            self.collector.kill()
            self.collector.wait()
        elif name == "job cancelled":
            slurm.out("scancel", self.one_of(slurm.jobs("R")))
        elif name == "job queued again":
            slurm.out("scontrol", "requeue", self.one_of(slurm.jobs("R")))
        elif name == "agent stopped for longer than its lease":
            agent = self.one_of(sweep.agents())
            stopped = [agent, *(worker for worker in sweep.workers() if parent(worker) == agent)]
            for pid in stopped:
                kill(pid, signal.SIGSTOP)
            self.after(STANDSTILL, lambda: [kill(pid, signal.SIGCONT) for pid in stopped])
        elif name == "node preempted":
            slurm.submit("-p", "high", "-N1", "--exclusive", "--wrap", "sleep 1")
        elif self.later:
            # One at a time is away.
            raise Missed
        elif name == "slurmd killed and restarted":
            node = self.one_of(slurm.nodes)
            kill(slurm.pid(f"slurmd.n{node}.pid"))
            self.after(AWAY, lambda: slurm.start_node(node))
        elif name == "node lost":
            node = self.one_of(slurm.nodes)
            slurm.end_node(node)
            slurm.run("scontrol", "update", f"nodename=n{node}", "state=down", "reason=lost")
            self.after(AWAY, slurm.bring_back)
        elif name == "controller killed and restarted":
            slurm.kill_controller()
            time.sleep(AWAY)
            slurm.start_controller()
        else:
            raise AssertionError(f"nobody knows how: {name}")

    def end(self, sweep):
        """Lets a sweep end, and checks it."""
        self.catch_up(all_of_it=True)
        self.collector.kill()
        self.collector.wait()
        self.resumed += sweep.finish()
        self.trained_twice += sweep.value("""select count(*) from (select 1 from attempts
            where outcome in ('finished', 'diverged') group by trial having count(*) > 1)""")
        # A controller that was killed may have forgotten jobs, or their ends.
        self.slurm.cancel_all()
        sweep.check(once=False)
        self.slurm.make_ready()
        self.sweeps += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    until = parser.add_mutually_exclusive_group()
    until.add_argument("--blows", type=int, default=200, metavar="N", help="how many (200)")
    until.add_argument("--seconds", type=float, metavar="S", help="for how long instead")
    parser.add_argument("--seed", type=int, default=20, metavar="N")
    arguments = parser.parse_args()
    check_program()
    install()
    failure = None
    with Slurm(3) as slurm:
        torture = Torture(Bench(slurm), random.Random(arguments.seed))
        begin = time.monotonic()

        def goes_on():
            if arguments.seconds:
                return time.monotonic() - begin < arguments.seconds
            return sum(torture.counts.values()) < arguments.blows

        try:
            torture.run(goes_on)
        except (AssertionError, subprocess.SubprocessError) as error:
            failure = error
    for name, count in torture.counts.most_common():
        print(f"{count:5}  {name}")
    print(f"seed {arguments.seed}: {torture.sweeps} sweeps equal to their local runs after {sum(torture.counts.values())} blows in "
          f"{time.monotonic() - begin:.0f} s; resumed {torture.resumed} times, {torture.trained_twice} trials trained twice")
    sys.exit(f"then one failed:\n{failure}" if failure else 0)


if __name__ == "__main__":
    main()
