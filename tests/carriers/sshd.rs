//! A real `sshd` on loopback, with keys and configuration of its own.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{assert_all_on, test_dir, wait_at_most, wait_for};
use crate::common::{TestDir, results};

const SSHD: &str = "/usr/sbin/sshd";
/// Where sshd keeps an empty folder for itself when it is started by root.
const PRIVILEGE_SEPARATION: &str = "/run/sshd";

/// Ends with the test.
struct Server {
    process: Child,
    /// The folder of sshd that was made for it.
    made: bool,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if self.made {
            let _ = fs::remove_dir(PRIVILEGE_SEPARATION);
        }
    }
}

fn key(path: &Path) -> bool {
    let mut command = Command::new("ssh-keygen");
    command
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(path);
    command.status().is_ok_and(|status| status.success())
}

/// Starts a server and writes `ssh.conf` with the host `node`; otherwise why there is none.
fn serve(dir: &TestDir) -> Result<Server, String> {
    if !Path::new(SSHD).exists() {
        return Err(format!("{SSHD} is not installed"));
    }
    let path = |name: &str| dir.path(name).display().to_string();
    if !key(&dir.path("host")) || !key(&dir.path("user")) {
        return Err("ssh-keygen does not work".to_owned());
    }
    // SAFETY: takes nothing and gives a plain number.
    let is_root = unsafe { libc::getuid() } == 0;
    let made = is_root && fs::create_dir(PRIVILEGE_SEPARATION).is_ok();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let server = format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\n\
         StrictModes no\nPasswordAuthentication no\nPermitRootLogin yes\n",
        path("host"),
        path("user.pub")
    );
    dir.write("sshd.conf", server);
    let client = format!(
        "Host node\n HostName 127.0.0.1\n Port {port}\n IdentityFile {}\n IdentitiesOnly yes\n BatchMode yes\n \
         StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n LogLevel ERROR\n",
        path("user")
    );
    dir.write("ssh.conf", client);
    let log = File::create(dir.path("sshd.log")).unwrap();
    let process = Command::new(SSHD)
        .args(["-D", "-e", "-f", &path("sshd.conf")])
        .stdin(Stdio::null())
        .stderr(log)
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut server = Server { process, made };
    let mut ended = false;
    wait_for("the server answers", || {
        ended = server.process.try_wait().unwrap().is_some();
        ended || TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
    let mut login = Command::new("ssh");
    login.args(["-F", &path("ssh.conf"), "node", "true"]);
    match !ended && login.status().is_ok_and(|status| status.success()) {
        true => Ok(server),
        false => Err(fs::read_to_string(dir.path("sshd.log")).unwrap_or_default()),
    }
}

#[test]
fn workers_over_ssh_train_what_workers_of_this_machine_train() {
    let networks = "[grid]\nepochs = [4]\nlr = [0.01, 0.02]\n";
    let dir = test_dir(networks);
    let _server = match serve(&dir) {
        Ok(server) => server,
        Err(why) => {
            eprintln!("SKIPPED: no sshd: {why}; workers over ssh are not checked");
            return;
        }
    };
    let slots = |host: &str| {
        let conf = dir.path("ssh.conf");
        format!("schedule.slots=[{{ via = ['ssh', '-F', {conf:?}, '{host}'], cpu = 2 }}]")
    };
    // A shell on the other side reads the path of this folder.
    let database = "it's a $HOME/sweep.sqlite";
    let run = [
        "run",
        "small.toml",
        "--set",
        &slots("node"),
        "--store",
        database,
    ];
    dir.succeed(&run);
    fs::rename(dir.path("it's a $HOME"), dir.path("runs")).unwrap();
    let local = test_dir(networks);
    local.succeed(&["run", "small.toml", "--workers", "2"]);
    assert_eq!(results(&dir), results(&local));
    assert_all_on(&dir, "node/cpu:");

    let unknown = test_dir(networks);
    let told = unknown.fail(&["run", "small.toml", "--set", &slots("nosuch.invalid")], 3);
    assert!(
        told.contains("exited with code 255") && told.contains("resolve hostname"),
        "{told}"
    );

    let endless = test_dir(super::ENDLESS);
    let run = ["run", "small.toml", "--set", &slots("node")];
    let session = endless.command(&run).stderr(Stdio::null()).spawn().unwrap();
    let mut session = super::Session(session);
    wait_for("a step", || {
        endless.count("SELECT count(*) FROM metrics") > 0
    });
    assert!(!super::workers(&endless).is_empty());
    session.kill();
    wait_at_most(Duration::from_secs(20), "the workers there end", || {
        super::workers(&endless).is_empty()
    });
}
