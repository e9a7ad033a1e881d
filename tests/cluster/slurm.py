"""A Slurm of several nodes on the loopback of this machine, for tests: brought up in about a second, and gone afterwards.

It has a partition `main`, whose jobs are queued again when one of the partition `high` wants their nodes. Needs root, for
munge and slurmd, and Debian's packages, which are installed if apt-get is there.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PACKAGES = ["slurmctld", "slurmd", "slurm-client", "munge"]
PROGRAMS = ["slurmctld", "slurmd", "sbatch", "munged"]

CONF = """\
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={port}
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=cred_expire=5,socket={base}/munge/sock
CryptoType=crypto/munge
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/none
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
SwitchType=switch/none
{nodes}
PartitionName=main Nodes=n[1-{count}] Default=YES MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=REQUEUE GraceTime=10
PartitionName=high Nodes=n[1-{count}] Default=NO MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
"""


def missing():
    """Programs of Slurm that are not on this machine."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return [name for name in PROGRAMS if not shutil.which(name, path=path)]


def install():
    """Installs what is missing, or says what to do."""
    if not missing():
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(f"tests of clusters need {', '.join(PACKAGES)} and root: {', '.join(missing())} not found")
    quiet = dict(env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, stdout=subprocess.DEVNULL)
    subprocess.run(["apt-get", "update", "-qq"], check=True, **quiet)
    subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES], check=True, **quiet)


def free_ports(count):
    """`count` ports in a row that nobody listens on."""
    for first in range(21000, 30000, count):
        sockets = []
        try:
            for port in range(first, first + count):
                one = socket.socket()
                sockets.append(one)
                one.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
        finally:
            for one in sockets:
                one.close()
    sys.exit("no free ports")


class Slurm:
    """`with Slurm(3) as slurm:` has a cluster of three nodes; `slurm.env` is the environment of its commands."""

    def __init__(self, nodes):
        self.count = nodes
        self.base = tempfile.mkdtemp(prefix="sweep-slurm-")
        os.chmod(self.base, 0o755)
        self.conf = f"{self.base}/slurm.conf"
        self.env = {**os.environ, "SLURM_CONF": self.conf, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        munge = f"{self.base}/munge"
        os.mkdir(munge, 0o755)
        os.mkdir(f"{self.base}/state")
        with open(f"{munge}/key", "wb") as key:
            key.write(os.urandom(128))
        os.chmod(f"{munge}/key", 0o400)
        user = pwd.getpwnam("munge")
        for path in (munge, f"{munge}/key"):
            os.chown(path, user.pw_uid, user.pw_gid)
        files = {name: f"{munge}/{name}" for name in ("key", "sock", "pid", "log", "seed")}
        self.run("runuser", "-u", "munge", "--", "munged", "--force", "--num-threads=2", f"--key-file={files['key']}",
                 f"--socket={files['sock']}", f"--pid-file={files['pid']}", f"--log-file={files['log']}",
                 f"--seed-file={files['seed']}")
        port = free_ports(self.count + 1)
        nodes = [f"NodeName=n{n} NodeHostname=localhost NodeAddr=127.0.0.1 Port={port + n} CPUs=2 RealMemory=2000"
                 for n in range(1, self.count + 1)]
        with open(self.conf, "w") as conf:
            conf.write(CONF.format(base=self.base, port=port, nodes="\n".join(nodes), count=self.count))
        with open(f"{self.base}/cgroup.conf", "w") as conf:
            # Otherwise slurmd looks for cgroups that containers do not have.
            conf.write("CgroupPlugin=cgroup/v1\n")
        self.run("slurmctld", "-c", "-f", self.conf)
        for n in range(1, self.count + 1):
            self.start_node(n)
        self.wait(lambda: len(self.out("sinfo", "-h", "-N", "-p", "main", "-t", "idle", "-o", "%N").split()) == self.count,
                  "nodes are not ready")

    def start_node(self, n):
        os.makedirs(f"{self.base}/spool.n{n}", exist_ok=True)
        self.run("slurmd", "-N", f"n{n}", "-c", "-f", self.conf)

    def restart_controller(self):
        self.kill("slurmctld.pid", signal.SIGKILL)
        self.run("slurmctld", "-f", self.conf)

    def run(self, *command):
        subprocess.run(command, env=self.env, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def out(self, *command):
        done = subprocess.run(command, env=self.env, capture_output=True, text=True)
        return done.stdout

    def jobs(self):
        """Jobs that have not ended, as `squeue` lists them."""
        return self.out("squeue", "-h", "-r", "-o", "%i %T %N").split("\n")[:-1]

    def wait(self, condition, complaint, seconds=60):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"{complaint} after {seconds} s")
            time.sleep(0.1)

    def kill(self, pid_file, number):
        try:
            with open(f"{self.base}/{pid_file}") as file:
                os.kill(int(file.read()), number)
        except (OSError, ValueError):
            pass

    def processes(self):
        """Processes whose environment names this cluster, but for those of Slurm itself."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as environ:
                    names = environ.read().split(b"\0")
                with open(f"/proc/{pid}/comm") as comm:
                    name = comm.read().strip()
            except OSError:
                continue
            if f"SLURM_CONF={self.conf}".encode() in names and not name.startswith(("slurm", "munged")):
                found.append((int(pid), name))
        return [one for one in found if one[0] != os.getpid()]

    def __exit__(self, *_):
        subprocess.run(["scancel", "-f", "-u", "root"], env=self.env, stderr=subprocess.DEVNULL, timeout=60)
        time.sleep(0.5)
        pids = [f"slurmd.n{n}.pid" for n in range(1, self.count + 1)] + ["slurmctld.pid", "munge/pid"]
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in pids:
                self.kill(pid, number)
            time.sleep(0.5)
        for pid, _ in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        shutil.rmtree(self.base, ignore_errors=True)
