"""Sweeps on a real Slurm, each compared to the bit with the same sweep on this machine alone.

    python3 tests/cluster/check.py [--slow] [--list] [WORD ...]

runs all scenarios, or those in whose names one of the words stands. SWEEP names the program.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import time
import traceback

import slurm as processes
from slurm import Slurm, install
from sweeps import NETWORKS, PROGRAM, SEARCH, Bench, check_program

# Epochs: trials of a tenth of a second, and of some tenths, on one core.
SHORT, LONG = 150, 300


class Skipped(Exception):
    """Why a scenario cannot be played on this machine."""


def three_nodes_give_the_same_bits_as_one_machine(bench):
    sweep = bench.make(NETWORKS, SHORT)
    said = sweep.sweep("run", "x.toml", "--on", "slurm", "--agents", "6")
    assert "24 of 24 trials done" in said, said
    sweep.check()
    hosts = sweep.value("select count(distinct g.host) from attempts a join agents g on g.number = a.agent")
    assert hosts == 3, f"trials were trained on {hosts} nodes"
    assert not os.path.exists(sweep.pool()), "a pool that is done with was not removed"


def a_detached_sweep_needs_nobody_and_report_ends_its_session(bench):
    sweep = bench.make(NETWORKS, SHORT)
    assert "24 trials left to its agents" in sweep.detach()
    sweep.wait_for(24)
    assert sweep.last_outcome() == "running", "nobody has collected yet"
    sweep.sweep("report", sweep.name)
    sweep.check()


def a_report_half_way_leaves_the_session_open(bench):
    sweep = bench.make(NETWORKS, LONG)
    sweep.detach()
    sweep.wait_for(3)
    sweep.sweep("report", sweep.name)
    assert sweep.value("select count(*) from trials where status = 'finished'") >= 3
    assert sweep.last_outcome() == "running"
    sweep.sweep("watch", sweep.name)
    sweep.check()


def ctrl_c_detaches_and_watch_finishes(bench):
    sweep = bench.make(NETWORKS, LONG)
    run = sweep.start("run", "x.toml", "--on", "slurm")
    sweep.wait_for(3)
    assert sweep.interrupt(run) == 0
    assert sweep.agents(), "agents go on"
    assert "24 of 24 trials done" in sweep.sweep("watch", sweep.name)
    sweep.check()


def a_stopped_sweep_resumes_and_repeats_no_step(bench):
    sweep = bench.make(NETWORKS, LONG)
    sweep.detach()
    sweep.wait_for(3)
    assert "has stopped" in sweep.sweep("stop", sweep.name)
    assert sweep.last_outcome() == "interrupted"
    reached = {event["trial"]: event["step"] for event in sweep.entries() if event["type"] == "trial_interrupted"}
    assert reached and all(reached.values()), f"no trial was interrupted: {reached}"
    sweep.sweep("resume", sweep.name, "--on", "slurm")
    resumed = dict(sweep.rows("""select t.name, a.resumed_from from attempts a join trials t on t.id = a.trial
        where a.session = 2 and a.resumed_from is not null"""))
    assert resumed == reached, f"resumed from {resumed}, stopped at {reached}"
    sweep.check()


def a_cancelled_job_leaves_its_trials_to_others(bench):
    sweep = bench.make(NETWORKS, LONG)
    sweep.detach()
    sweep.wait_for(3)
    sweep.slurm.run("scancel", sweep.slurm.jobs("R")[0])
    sweep.sweep("watch", sweep.name)
    checkpoints(sweep)
    sweep.check()


def all_jobs_cancelled_leave_a_sweep_that_resumes(bench):
    sweep = bench.make(NETWORKS, LONG)
    sweep.detach()
    sweep.wait_for(3)
    sweep.slurm.run("scancel", f"--name=sweep-{sweep.name}")
    sweep.slurm.wait(lambda: not sweep.slurm.jobs(), "jobs are left")
    said = sweep.sweep("watch", sweep.name, code=None)
    assert "no agent is left" in said and f"sweep resume {sweep.name} --on slurm" in said, said
    assert sweep.last_outcome() == "failed"
    sweep.sweep("resume", sweep.name, "--on", "slurm")
    sweep.check()


def six_preempted_agents_come_back(bench):
    sweep = bench.make(NETWORKS, LONG)
    sweep.detach("--agents", "6")
    sweep.slurm.wait(lambda: len(sweep.agents()) == 6, "six agents have not begun")
    sweep.wait_for(2)
    sweep.slurm.submit("-p", "high", "-N3", "--exclusive", "--wrap", "sleep 1")
    sweep.sweep("watch", sweep.name)
    checkpoints(sweep)
    # JOB_TASK.RESTARTS.NODE.PROCESS.TIME
    restarted = {name.split(".")[0] for (name,) in sweep.rows("select name from agents") if name.split(".")[1] == "1"}
    assert len(restarted) == 6, f"of six agents, {sorted(restarted)} came back"
    sweep.check()


def checkpoints(sweep):
    """That every attempt that was interrupted wrote a checkpoint, from which another one went on."""
    stopped = sweep.rows("select t.name, a.message from attempts a join trials t on t.id = a.trial where a.outcome = 'interrupted'")
    resumed = sweep.rows("""select t.name, a.resumed_from from attempts a join trials t on t.id = a.trial
        where a.resumed_from is not null""")
    assert stopped, "no trial was interrupted"
    steps = [(name, int(step)) for name, message in stopped for step in re.findall(r"step (\d+)", message or "")]
    assert sorted(steps) == sorted(resumed), f"stopped at {sorted(stopped)}, resumed from {sorted(resumed)}"


def a_lost_node_costs_a_lease(bench):
    sweep = bench.make(NETWORKS, LONG)
    sweep.detach("--agents", "6")
    sweep.slurm.wait(lambda: len(sweep.agents()) == 6, "six agents have not begun")
    sweep.wait_for(3)
    sweep.slurm.end_node(3)
    assert sweep.ended() < 24, "the sweep was over before the node was lost"
    sweep.sweep("watch", sweep.name)
    # What Slurm finds by itself when the node has not answered for long enough.
    sweep.slurm.run("scontrol", "update", "nodename=n3", "state=down", "reason=lost")
    lost = sweep.value("select count(*) from agents where host = 'n3' and ended is null")
    assert lost == 2, f"{lost} agents were lost"
    sweep.check()


def a_killed_agent_costs_a_lease(bench):
    sweep = bench.make(NETWORKS, LONG)
    sweep.detach()
    sweep.wait_for(3)
    sweep.end_agent(next(iter(sweep.agents())))
    sweep.sweep("watch", sweep.name)
    sweep.check()


def an_agent_that_was_taken_for_dead_changes_nothing(bench):
    sweep = bench.make(NETWORKS, LONG, lease="200,1500")
    sweep.detach()
    sweep.wait_for(2)
    agent = next(iter(sweep.agents()))
    stopped = [agent, *(worker for worker in sweep.workers() if processes.parent(worker) == agent)]
    for pid in stopped:
        processes.kill(pid, signal.SIGSTOP)
    # Others finish all that is left, and what this one holds.
    sweep.wait_for(24)
    for pid in stopped:
        processes.kill(pid, signal.SIGCONT)
    sweep.sweep("watch", sweep.name)
    sweep.check(once=False)


def a_controller_that_is_killed_and_comes_back_changes_nothing(bench):
    sweep = bench.make(PROGRAM, 25)
    sweep.detach()
    sweep.slurm.wait(lambda: len(sweep.agents()) == 3, "three agents have not begun")
    # One that does not remember its jobs would end them, and give their numbers away again.
    sweep.slurm.wait_until_saved()
    sweep.slurm.kill_controller()
    assert sweep.ended() < 12, "the sweep was over before the controller was killed"
    watch = sweep.start("watch", sweep.name)
    time.sleep(2)
    assert watch.poll() is None, "a controller that does not answer says nothing about agents"
    sweep.slurm.start_controller()
    assert watch.wait(120) == 0
    sweep.check()


def a_collector_that_is_killed_again_and_again_loses_nothing(bench):
    sweep = bench.make(NETWORKS, LONG)
    kills, run = 0, sweep.start("run", "x.toml", "--on", "slurm")
    sweep.wait_for(2)
    while sweep.ended() < 20:
        run.kill()
        run.wait()
        kills += 1
        run = sweep.start("watch", sweep.name)
        time.sleep(0.3 + 0.1 * (kills % 5))
    run.kill()
    run.wait()
    assert kills >= 3, f"{kills} kills"
    # All may be over, and collected, by now.
    sweep.sweep("watch", sweep.name, code=None)
    sweep.check()


def of_two_resumes_at_once_one_is_refused(bench):
    sweep = bench.make(NETWORKS, LONG)
    sweep.detach()
    sweep.wait_for(3)
    sweep.sweep("stop", sweep.name)
    both = [sweep.start("resume", sweep.name, "--on", "slurm", out=subprocess.PIPE) for _ in range(2)]
    said = [one.communicate(timeout=120)[0] for one in both]
    codes = [one.returncode for one in both]
    assert codes.count(0) == 1, f"ended with {codes}:\n{said[0]}\n{said[1]}"
    refused = said[1 - codes.index(0)]
    assert sweep.name in refused and re.search("already|is running|is being|agents? train", refused), refused
    assert sweep.value("select count(*) from sessions") == 2
    sweep.check()


def a_second_session_is_refused_while_agents_live(bench):
    sweep = bench.make(NETWORKS, LONG)
    sweep.detach()
    sweep.wait_for(1)
    for command in (["resume", sweep.name, "--on", "slurm"], ["run", "x.toml"], ["rm", sweep.name, "--yes"]):
        said = sweep.sweep(*command, code=None)
        assert re.search("agents? train", said) and "sweep watch" in said, said
    sweep.sweep("watch", sweep.name)
    sweep.check()


def nodes_with_stale_caches_train_each_trial_once(bench):
    why_not = bench.slurm.why_no_stale_nodes()
    if why_not:
        raise Skipped(why_not)
    # A lease is to be longer than what a node may take for true.
    sweep = bench.make(NETWORKS, SHORT, lease="1000,45000")
    os.mkdir(sweep.runs)
    for node in sweep.slurm.nodes:
        sweep.slurm.stop_node(node)
        sweep.slurm.start_node(node, stale=sweep.path)
    try:
        sweep.slurm.make_ready()
        for node in sweep.slurm.nodes:
            assert f"{sweep.path} fuse" in sweep.slurm.mounts_of_node(node), "the node has no mount of its own"
        sweep.detach("--agents", "6")
        sweep.wait_for(24)
        sweep.sweep("watch", sweep.name)
        sweep.check()
    finally:
        sweep.slurm.end_stale_nodes()


def a_full_folder_delays_a_sweep_and_loses_nothing(bench):
    sweep = bench.make(NETWORKS, LONG)
    os.mkdir(sweep.runs)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "sweep", sweep.runs], capture_output=True, text=True)
    if mounted.returncode:
        raise Skipped(f"no small file system can be mounted here: {mounted.stderr.strip().splitlines()[0]}")
    sweep.detach()
    sweep.wait_for(2)
    filler = os.path.join(sweep.runs, "filler")
    fill(filler)
    time.sleep(1.5)
    before = sweep.ended()
    time.sleep(1)
    fill(filler)
    assert sweep.ended() == before < 24, "trials ended although nothing could be written"
    os.remove(filler)
    sweep.sweep("watch", sweep.name)
    sweep.check()
    subprocess.run(["umount", "-l", sweep.runs], check=True)


def fill(path):
    """Writes to `path` until its file system is full."""
    with open(path, "ab", buffering=0) as file:
        for size in (1 << 16, 1 << 10, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue


def programs_are_trials_on_a_cluster(bench):
    sweep = bench.make(PROGRAM, 3)
    sweep.sweep("run", "x.toml", "--on", "slurm")
    assert sweep.value("select count(*) from trials where status = 'finished'") == 12
    sweep.check()


def a_search_decides_on_a_cluster_as_on_one_machine(bench):
    sweep = bench.make(SEARCH, 27)
    sweep.sweep("run", "x.toml", "--on", "slurm")
    sweep.check()


def a_search_whose_deciding_agent_is_lost_decides_the_same(bench):
    sweep = bench.make(SEARCH, 27)
    sweep.detach()
    sweep.wait_for(20)
    with open(os.path.join(sweep.pool(), "claims/ask.0")) as claim:
        pid = int(claim.read().split(".")[3])
    sweep.end_agent(pid)
    sweep.sweep("watch", sweep.name)
    sweep.check()


def a_node_is_probed(bench):
    sweep = bench.make(NETWORKS, SHORT)
    said = sweep.sweep("doctor", "--on", "slurm", "x.toml")
    assert re.search(r"node n\d", said) and "clock" in said and "2 cores" in said, said


def wrong_options_are_refused_with_what_slurm_says(bench):
    sweep = bench.make(NETWORKS.replace('time = "10m"', 'options = ["--partition=nowhere"]'), SHORT)
    said = sweep.sweep("run", "x.toml", "--on", "slurm", code=None)
    assert "sbatch failed" in said and "partition" in said, said
    assert sweep.last_outcome() == "failed"
    sweep.sweep("run", "x.toml", "-q")
    sweep.check()


def a_job_at_its_time_limit_is_queued_again(bench):
    """Limits of Slurm are whole minutes."""
    sweep = bench.make(NETWORKS.replace('time = "10m"', 'time = "1m"'), 6 * LONG)
    sweep.detach("--agents", "1")
    sweep.sweep("watch", sweep.name, seconds=900)
    restarted = sweep.value("select count(*) from agents where name like '%.1.n%'")
    assert restarted, "the agent was not queued again"
    checkpoints(sweep)
    sweep.check()


SCENARIOS = [
    three_nodes_give_the_same_bits_as_one_machine,
    a_detached_sweep_needs_nobody_and_report_ends_its_session,
    a_report_half_way_leaves_the_session_open,
    ctrl_c_detaches_and_watch_finishes,
    a_stopped_sweep_resumes_and_repeats_no_step,
    a_cancelled_job_leaves_its_trials_to_others,
    all_jobs_cancelled_leave_a_sweep_that_resumes,
    six_preempted_agents_come_back,
    a_lost_node_costs_a_lease,
    a_killed_agent_costs_a_lease,
    an_agent_that_was_taken_for_dead_changes_nothing,
    a_controller_that_is_killed_and_comes_back_changes_nothing,
    a_collector_that_is_killed_again_and_again_loses_nothing,
    of_two_resumes_at_once_one_is_refused,
    a_second_session_is_refused_while_agents_live,
    nodes_with_stale_caches_train_each_trial_once,
    a_full_folder_delays_a_sweep_and_loses_nothing,
    programs_are_trials_on_a_cluster,
    a_search_decides_on_a_cluster_as_on_one_machine,
    a_search_whose_deciding_agent_is_lost_decides_the_same,
    a_node_is_probed,
    wrong_options_are_refused_with_what_slurm_says,
]
# Only with --slow: they take minutes.
SLOW = [a_job_at_its_time_limit_is_queued_again]


def play(scenario, bench):
    """Plays a scenario; whether it passed, failed or was skipped, and what to say of it."""
    try:
        scenario(bench)
        return "passed", ""
    except Skipped as why:
        return "skipped", f": {why}"
    except AssertionError as error:
        line = traceback.extract_tb(error.__traceback__)[1].lineno
        return "failed", f", line {line}:\n{error}"
    except Exception:
        return "failed", f":\n{traceback.format_exc()}"


def clear(slurm):
    """Leaves a cluster for the next scenario that is as good as new."""
    for pid, _ in slurm.programs():
        processes.kill(pid)
    slurm.cancel_all()
    slurm.make_ready()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", metavar="WORD", help="play scenarios in whose names one of these stands")
    parser.add_argument("--slow", action="store_true", help="also those that take minutes")
    parser.add_argument("--list", action="store_true", help="print the names of scenarios, and end")
    arguments = parser.parse_args()
    named = {one.__name__.replace("_", " "): one for one in SCENARIOS + (SLOW if arguments.slow else [])}
    words = [word.replace("_", " ") for word in arguments.words]
    chosen = {name: one for name, one in named.items() if not words or any(word in name for word in words)}
    if arguments.list:
        return print("\n".join(chosen))
    if not chosen:
        sys.exit("no scenario is called so; --list prints their names")
    check_program()
    install()
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    with Slurm(3) as slurm:
        bench = Bench(slurm)
        for name, scenario in chosen.items():
            began = time.monotonic()
            result, said = play(scenario, bench)
            counts[result] += 1
            print(f"{result:7} {time.monotonic() - began:5.1f} s  {name}{said}", flush=True)
            clear(slurm)
    print(", ".join(f"{count} {result}" for result, count in counts.items()))
    sys.exit(1 if counts["failed"] else 0)


if __name__ == "__main__":
    main()
