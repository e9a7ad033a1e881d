"""A Slurm of several nodes on the loopback of this machine, for tests: brought up in about a second, and gone afterwards.

Its partition `main` holds every node; jobs of the partition `high` take nodes from those of `main`, which are queued again.
A process of its own, the keeper, takes everything down as soon as the process that began it is gone, however it ended: daemons,
jobs, whatever else was started with `Slurm.env`, mounts, and the folder.

    python3 tests/cluster/slurm.py [NODES]

brings one up for you to try, until you press Enter.
"""

import getpass
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PACKAGES = {"slurmctld": "slurmctld", "slurmd": "slurmd", "sbatch": "slurm-client", "munged": "munge", "bindfs": "bindfs"}
# Without it, one scenario is skipped.
OPTIONAL = {"bindfs"}
PATH = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"

CONF = """\
ClusterName=sweep
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={port}
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=cred_expire=5,socket={base}/munge/socket
CryptoType=crypto/munge
CredType=cred/munge
MpiDefault=none
SwitchType=switch/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmctldParameters=preempt_send_user_signal
JobRequeue=1
ReturnToService=2
SlurmctldTimeout=10
SlurmdTimeout=15
MessageTimeout=10
KillWait=3
MinJobAge=600
InactiveLimit=0
Waittime=0
MaxArraySize=1001
StateSaveLocation={base}/state
SlurmdSpoolDir={base}/spool.%n
SlurmctldPidFile={base}/slurmctld.pid
SlurmdPidFile={base}/slurmd.%n.pid
SlurmctldLogFile={base}/slurmctld.log
SlurmdLogFile={base}/slurmd.%n.log
{nodes}
PartitionName=main Nodes=n[1-{count}] Default=YES MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=REQUEUE GraceTime=10
PartitionName=high Nodes=n[1-{count}] Default=NO MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
"""

# What network file systems do at worst: for half a minute, a node sees what it saw before.
STALE = "attr_timeout=30,entry_timeout=30,negative_timeout=30,auto_cache,nonempty"


def missing():
    """Programs that are not on this machine."""
    return [name for name in PACKAGES if not shutil.which(name, path=PATH)]


def install():
    """Installs what is missing, or says what to do."""
    lacking = missing()
    if not lacking:
        return
    packages = [PACKAGES[name] for name in lacking]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"installing {', '.join(packages)}", flush=True)
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
            subprocess.run(["apt-get", *command], env=env, stdout=subprocess.DEVNULL)
    lacking = [name for name in missing() if name not in OPTIONAL]
    if lacking:
        packages = [PACKAGES[name] for name in lacking]
        sys.exit(f"tests on a cluster need {', '.join(lacking)}, not found here: install {' '.join(packages)} (Debian, Ubuntu: "
                 "`apt-get install --no-install-recommends`), or run this as root, which does it")


def free_ports(count):
    """The first of `count` ports in a row that nobody listens on."""
    for _ in range(200):
        # Below those that the system gives to connections.
        first = random.SystemRandom().randrange(12000, 32000 - count)
        sockets = []
        try:
            for port in range(first, first + count):
                sockets.append(socket.socket())
                sockets[-1].bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
        finally:
            for one in sockets:
                one.close()
    sys.exit("tests on a cluster need a few free ports between 12000 and 32000, and found none")


def environment(pid):
    """The environment of a process, as a set of NAME=VALUE; empty if there is none to be read."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return set(file.read().decode(errors="replace").split("\0"))
    except OSError:
        return set()


def processes_with(*settings):
    """Processes that were started with all of `settings` in their environment, but for this one."""
    wanted = set(settings)
    pids = (int(name) for name in os.listdir("/proc") if name.isdigit())
    return [pid for pid in pids if pid != os.getpid() and wanted <= environment(pid)]


def command_of(pid):
    """The command line of a process; empty if it has ended."""
    try:
        with open(f"/proc/{pid}/cmdline") as file:
            return file.read().replace("\0", " ").strip()
    except OSError:
        return ""


def kill(pid, number=signal.SIGKILL):
    """Whether there was such a process."""
    try:
        os.kill(pid, number)
        return True
    except ProcessLookupError:
        return False


def parent(pid):
    """The process that started `pid`; `None` if that has ended."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return int(file.read().rsplit(")", 1)[1].split()[1])
    except OSError:
        return None


class Slurm:
    """`with Slurm(3) as slurm:` has a cluster of three nodes; `slurm.env` is the environment of its commands."""

    def __init__(self, nodes=3):
        self.nodes = range(1, nodes + 1)
        self.base = tempfile.mkdtemp(prefix="sweep-slurm-")
        self.conf = f"{self.base}/slurm.conf"
        self.env = {**os.environ, "SLURM_CONF": self.conf, "PATH": PATH}
        self.keeper = None

    def __enter__(self):
        # Before anything that would have to be taken down. It sees that its input ends when this process does.
        self.keeper = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--keep", self.base],
                                       stdin=subprocess.PIPE, start_new_session=True)
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.keeper.stdin.close()
        self.keeper.wait(60)

    def start(self):
        os.chmod(self.base, 0o755)
        os.mkdir(f"{self.base}/state")
        self.start_munge()
        port = free_ports(len(self.nodes) + 1)
        nodes = [f"NodeName=n{n} NodeHostname=localhost NodeAddr=127.0.0.1 Port={port + n} CPUs=2 RealMemory=2000"
                 for n in self.nodes]
        with open(self.conf, "w") as file:
            file.write(CONF.format(base=self.base, port=port, user=getpass.getuser(), nodes="\n".join(nodes),
                                   count=len(nodes)))
        with open(f"{self.base}/cgroup.conf", "w") as file:
            # Unless it is named, slurmd looks for cgroups that containers do not have.
            file.write("CgroupPlugin=cgroup/v1\n")
        self.run("slurmctld", "-c", "-f", self.conf)
        for n in self.nodes:
            self.start_node(n)
        self.make_ready()

    def start_munge(self):
        munge = f"{self.base}/munge"
        os.mkdir(munge, 0o755)
        with open(f"{munge}/key", "wb") as file:
            file.write(os.urandom(128))
        os.chmod(f"{munge}/key", 0o400)
        command = ["munged", "--force", "--num-threads=2", f"--key-file={munge}/key", f"--socket={munge}/socket",
                   f"--pid-file={munge}/pid", f"--log-file={munge}/log", f"--seed-file={munge}/seed"]
        if os.geteuid() == 0:
            user = pwd.getpwnam("munge")
            for path in (munge, f"{munge}/key"):
                os.chown(path, user.pw_uid, user.pw_gid)
            command = ["runuser", "-u", "munge", "--", *command]
        self.run(*command)

    def start_node(self, n, stale=None):
        """Starts node `n`. If it is given, the folder `stale` is one of a file system with stale caches there."""
        os.makedirs(f"{self.base}/spool.n{n}", exist_ok=True)
        pid_file = f"slurmd.n{n}.pid"
        if self.pid(pid_file):
            os.remove(os.path.join(self.base, pid_file))
        command = ["slurmd", "-N", f"n{n}", "-c", "-f", self.conf]
        if stale:
            # In a namespace of its own, so that the folder has the same path everywhere.
            script = f'mount --make-rprivate / && bindfs -o {STALE} "$0" "$0" && exec "$@"'
            command = ["unshare", "--mount", "sh", "-ec", script, stale, *command]
        self.run(*command)
        # Otherwise, whoever looks for it might start another one.
        self.wait(lambda: self.pid(pid_file), f"slurmd of n{n} has not begun")

    def end_node(self, n):
        """Ends node `n` with all that runs on it, as the loss of its power does."""
        daemon = self.pid(f"slurmd.n{n}.pid")
        of_jobs = processes_with(f"SLURM_CONF={self.conf}", f"SLURMD_NODENAME=n{n}")
        # Slurm's own process of a job would tell the controller that the job has ended.
        steps = {above for above in map(parent, of_jobs) if above and "slurmstepd" in command_of(above)}
        for pid in [daemon, *steps, *of_jobs]:
            if pid:
                kill(pid)
        self.wait(lambda: not daemon or not command_of(daemon), f"slurmd of n{n} has not ended", 10)

    def mounts_of_node(self, n):
        with open(f"/proc/{self.pid(f'slurmd.n{n}.pid')}/mounts") as file:
            return file.read()

    def why_no_stale_nodes(self):
        """Why nodes cannot have stale caches here; `None` if they can."""
        if not shutil.which("bindfs", path=PATH):
            return "bindfs is not installed"
        probe = tempfile.mkdtemp(dir=self.base)
        script = f'mount --make-rprivate / && bindfs -f -o {STALE} "$0" "$0" & sleep 0.5; kill $!'
        done = subprocess.run(["unshare", "--mount", "sh", "-ec", script, probe], env=self.env, capture_output=True,
                              text=True)
        return f"mounts of a node's own do not work here: {done.stderr.strip()}" if done.returncode else None

    def stop_node(self, n):
        """Ends slurmd of node `n`, as a restart of it begins; jobs go on."""
        pid = self.pid(f"slurmd.n{n}.pid")
        if pid and kill(pid, signal.SIGTERM):
            self.wait(lambda: "slurmd" not in command_of(pid), f"slurmd of n{n} has not ended", 20)

    def end_stale_nodes(self):
        """Ends nodes that were started with stale caches; `make_ready` starts them as usual."""
        for n in self.nodes:
            self.stop_node(n)
        for pid in processes_with(f"SLURM_CONF={self.conf}"):
            if command_of(pid).startswith("bindfs"):
                kill(pid)

    def wait_until_saved(self):
        """Waits until the controller has saved what it knows of jobs; it does some seconds after a change."""
        began = time.time()
        for job in self.jobs():
            self.out("scontrol", "update", f"jobid={job}", "comment=saved")
        self.wait(lambda: os.path.getmtime(f"{self.base}/state/job_state") > began, "the controller saves nothing", 20)

    def kill_controller(self):
        kill(self.pid("slurmctld.pid"))

    def start_controller(self):
        self.run("slurmctld", "-f", self.conf)

    def bring_back(self):
        """Starts daemons that have ended, and has Slurm use nodes again that it has given up; gives the states of all nodes."""
        for n in self.nodes:
            pid = self.pid(f"slurmd.n{n}.pid")
            if not pid or "slurmd" not in command_of(pid):
                self.start_node(n)
        lines = self.out("sinfo", "-h", "-N", "-p", "main", "-o", "%N %t").split("\n")[:-1]
        states = dict(line.split() for line in lines)
        for node, state in states.items():
            if state.startswith(("drain", "drng", "down", "fail")):
                self.out("scontrol", "update", f"nodename={node}", "state=resume")
        return states

    def make_ready(self):
        """Waits until every node is idle."""
        self.wait(lambda: subprocess.run(["scontrol", "ping"], env=self.env, stdout=subprocess.DEVNULL).returncode == 0,
                  "the controller does not answer")
        self.wait(lambda: list(self.bring_back().values()) == ["idle"] * len(self.nodes),
                  lambda: f"nodes are not ready: {self.bring_back()}")

    def run(self, *command):
        """Runs what must succeed."""
        done = subprocess.run(command, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}"

    def out(self, *command):
        """What a command prints that may fail."""
        return subprocess.run(command, env=self.env, capture_output=True, text=True).stdout

    def submit(self, *options):
        """Submits a job, and gives its number."""
        return self.out("sbatch", "--parsable", "-o", "/dev/null", *options).strip()

    def jobs(self, *states):
        """Jobs that have not ended, or those in `states`."""
        options = ["-t", ",".join(states)] if states else []
        return self.out("squeue", "-h", "-r", "-o", "%i", *options).split()

    def cancel_all(self):
        self.out("scancel", "-f", "-u", getpass.getuser())

    def programs(self):
        """Processes that were started with `env`, but for those of Slurm itself: as (number, command line)."""
        found = [(pid, command_of(pid)) for pid in processes_with(f"SLURM_CONF={self.conf}")]
        own = ("slurm", "munged", "bindfs", "(", ":")
        return [(pid, command) for pid, command in found
                if command and not os.path.basename(command.split()[0]).startswith(own)]

    def pid(self, file):
        try:
            with open(os.path.join(self.base, file)) as file:
                return int(file.read())
        except (OSError, ValueError):
            return None

    @staticmethod
    def wait(condition, complaint, seconds=60):
        """Waits until `condition` holds; `complaint` is what is wrong otherwise, or a function that tells."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"{complaint() if callable(complaint) else complaint} (waited {seconds} s)")
            time.sleep(0.1)


def take_down(base):
    """Ends all that was started for the cluster in `base`, and removes the folder."""
    setting = f"SLURM_CONF={base}/slurm.conf"
    # Daemons that replace their environment are known by their files.
    for name in ["slurmctld.pid", "munge/pid", *(f for f in os.listdir(base) if f.startswith("slurmd."))]:
        try:
            with open(f"{base}/{name}") as file:
                pid = int(file.read())
        except (OSError, ValueError):
            continue
        if base in command_of(pid):
            kill(pid)
    end = time.monotonic() + 20
    while (left := processes_with(setting)) and time.monotonic() < end:
        for pid in left:
            kill(pid)
        time.sleep(0.05)
    with open("/proc/self/mounts") as file:
        mounts = [line.split()[1] for line in file]
    for mount in reversed(mounts):
        if mount.startswith(base + "/"):
            subprocess.run(["umount", "-l", mount])
    shutil.rmtree(base, ignore_errors=True)


def keep(base):
    """Waits for the end of the process that holds the other end of this one's input."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    take_down(base)


def main():
    if sys.argv[1:2] == ["--keep"]:
        return keep(sys.argv[2])
    install()
    with Slurm(int(sys.argv[1]) if sys.argv[1:] else 3) as slurm:
        input(f"export SLURM_CONF={slurm.conf}\nEnter takes it down ")


if __name__ == "__main__":
    main()
