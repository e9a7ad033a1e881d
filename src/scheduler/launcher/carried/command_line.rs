//! The command line of a worker behind a carrier: the words of the carrier, then `env NAME=VALUE ... PROGRAM worker`.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::launcher::worker_command::WorkerCommand;
use sweep_experiment::Carrier;

/// The command that starts `worker` through `carrier`. The worker ends without pings for so long, and when it does not see
/// `token`.
///
/// # Errors
/// When the path of the program cannot be told from a variable.
pub(super) fn command(
    carrier: &Carrier,
    worker: &WorkerCommand,
    token: &Path,
) -> io::Result<Command> {
    let words = worker_words(worker, carrier.ping_timeout, token)?;
    let (program, rest) = carrier
        .via
        .split_first()
        .ok_or_else(|| io::Error::other("the carrier is empty"))?;
    let mut command = Command::new(program);
    command.args(rest);
    command.args(words.iter().map(|word| match carrier.shell {
        true => quoted(word),
        false => word.clone(),
    }));
    Ok(command)
}

fn worker_words(
    worker: &WorkerCommand,
    ping_timeout: Duration,
    token: &Path,
) -> io::Result<Vec<OsString>> {
    let program = worker.program.as_os_str();
    if program.as_bytes().contains(&b'=') {
        return Err(io::Error::other(format!(
            "the path of the worker's program, {}, holds `=`, and `env` would take it for a variable",
            worker.program.display()
        )));
    }
    let mut words = vec![OsString::from("env")];
    for (name, value) in &worker.variables {
        let mut word = OsString::from(name);
        word.push("=");
        word.push(value);
        words.push(word);
    }
    words.push(program.to_owned());
    words.extend(worker.arguments.iter().map(OsString::from));
    // A fraction of a second more does no harm.
    let seconds = ping_timeout.as_secs() + u64::from(ping_timeout.subsec_nanos() > 0);
    words.push("--expect-pings".into());
    words.push(seconds.to_string().into());
    words.push("--expect-file".into());
    words.push(token.as_os_str().to_owned());
    Ok(words)
}

/// `word` as a POSIX shell reads it back. Words of harmless characters stay as they are.
fn quoted(word: &OsStr) -> OsString {
    let bytes = word.as_bytes();
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./:=,@%+".contains(byte);
    if !bytes.is_empty() && bytes.iter().all(is_plain) {
        return word.to_owned();
    }
    let mut text = vec![b'\''];
    for byte in bytes {
        match byte {
            // Closes the quotes, adds one, and opens them again.
            b'\'' => text.extend(b"'\\''"),
            byte => text.push(*byte),
        }
    }
    text.push(b'\'');
    OsString::from_vec(text)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn carrier(via: &[&str], shell: bool) -> Carrier {
        Carrier {
            name: "gpu1".to_owned(),
            via: via.iter().map(|word| (*word).to_owned()).collect(),
            program: None,
            shell,
            start_timeout: None,
            ending: Duration::from_secs(30),
            ping_timeout: Duration::from_millis(1500),
        }
    }

    fn worker(program: &str) -> WorkerCommand {
        WorkerCommand {
            program: PathBuf::from(program),
            arguments: vec!["worker", "cuda"],
            variables: vec![("CUDA_VISIBLE_DEVICES", OsString::from("0"))],
        }
    }

    fn words(carrier: &Carrier, program: &str, token: &str) -> Vec<String> {
        let command = command(carrier, &worker(program), Path::new(token)).unwrap();
        let all = std::iter::once(command.get_program()).chain(command.get_args());
        all.map(|word| word.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn words_are_handed_on_as_they_are_unless_a_shell_reads_them() {
        let expected = [
            "srun",
            "-n1",
            "env",
            "CUDA_VISIBLE_DEVICES=0",
            "/my tools/sweep",
            "worker",
            "cuda",
            "--expect-pings",
            "2",
            "--expect-file",
            "/it's/t",
        ];
        let plain = words(
            &carrier(&["srun", "-n1"], false),
            "/my tools/sweep",
            "/it's/t",
        );
        assert_eq!(plain, expected);
        let quoted = words(
            &carrier(&["ssh", "a b"], true),
            "/my tools/sweep",
            "/it's/t",
        );
        assert_eq!(quoted[1], "a b", "the carrier's own words are its own");
        assert_eq!(quoted[4], "'/my tools/sweep'");
        assert_eq!(quoted[10], r"'/it'\''s/t'");
    }

    #[test]
    fn a_shell_reads_quoted_words_back() {
        for word in [
            "",
            "plain",
            "two words",
            "it's",
            "$HOME `ls` \"x\" \\ ; & | > * ? ! # ~",
            "new\nline",
        ] {
            let mut shell = Command::new("sh");
            let mut script = OsString::from("printf %s ");
            script.push(quoted(OsStr::new(word)));
            let output = shell.arg("-c").arg(script).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), word);
        }
    }

    #[test]
    fn a_program_that_env_would_take_for_a_variable_is_refused() {
        let refused = command(
            &carrier(&["env"], false),
            &worker("/a=b/sweep"),
            Path::new("/t"),
        );
        assert!(refused.unwrap_err().to_string().contains("/a=b/sweep"));
    }
}
