//! Jobs of a Slurm cluster, by its own commands. Tried with Slurm 22.05.
//!
//! A controller that does not answer proves nothing, and neither does a job that it does not know: it may have been restarted
//! from an older state. Whether agents live is told by their beats alone.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long before a time limit or a preemption Slurm is to signal an agent, in seconds. Slurm sends it up to a minute late.
pub const WARNING: u64 = 60;
/// Longest that a command of Slurm may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(5);
/// The size of an array where the controller does not say which it allows; Slurm's default.
const DEFAULT_MAX_ARRAY: usize = 1000;
/// What Slurm says of a job that it does not know, or no longer.
const INVALID_JOB: &str = "Invalid job id";

/// Why Slurm did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum SlurmError {
    #[error("{command} is not on this machine: {source}")]
    Missing { command: String, source: io::Error },
    #[error("{command} did not answer within {} s", COMMAND_TIMEOUT.as_secs())]
    TimedOut { command: String },
    #[error("{command} failed: {message}")]
    Failed { command: String, message: String },
}

/// Agents to be submitted: an array of jobs that run one script.
#[derive(Debug, Clone)]
pub struct Submission<'a> {
    pub name: &'a str,
    pub script: &'a Path,
    /// The folder of the jobs' logs.
    pub logs: &'a Path,
    pub agents: usize,
    pub time: Option<Duration>,
    /// Options of the user, as they are.
    pub options: &'a [String],
}

/// The script of an agent's job. `agent` is the command line of the agent; it becomes the job's only process, so that
/// signals reach it.
pub fn script(before: &[String], agent: &[String]) -> String {
    let mut text =
        "#!/bin/bash\n# Written by sweep: an agent that trains trials of a pool.\n".to_owned();
    for line in before {
        text.push_str(line);
        text.push('\n');
    }
    let words: Vec<String> = agent.iter().map(|word| quoted(word)).collect();
    text.push_str(&format!("exec {}\n", words.join(" ")));
    text
}

/// `word` as a shell takes it for one word.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-=:,+@%".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// Submits agents, in as many arrays as the cluster's limit makes necessary; gives the numbers of the arrays.
///
/// # Errors
/// When Slurm refuses one; those before it stay.
pub fn submit(submission: &Submission<'_>) -> Result<Vec<String>, SlurmError> {
    let most = max_array_size().max(1);
    let mut jobs = Vec::new();
    let mut left = submission.agents;
    while left > 0 {
        let count = left.min(most);
        left -= count;
        let mut command = Command::new("sbatch");
        command
            .arg("--parsable")
            .arg(format!("--job-name={}", submission.name))
            .args(submission.options)
            .arg(format!("--array=0-{}", count - 1))
            .args(["--requeue", "--open-mode=append"])
            .arg(format!("--signal=B:TERM@{WARNING}"))
            .arg(format!(
                "--output={}",
                submission.logs.join("%A_%a.out").display()
            ));
        if let Some(time) = submission.time {
            command.arg(format!("--time={}", slurm_time(time)));
        }
        command.arg(submission.script);
        let out = run(command)?;
        // NUMBER, or NUMBER;CLUSTER.
        let number = out.trim().split(';').next().unwrap_or_default();
        jobs.push(number.to_owned());
    }
    Ok(jobs)
}

/// Largest size of an array.
fn max_array_size() -> usize {
    let mut command = Command::new("scontrol");
    command.args(["show", "config"]);
    let config = run(command).unwrap_or_default();
    let line = config.lines().find(|line| line.starts_with("MaxArraySize"));
    let value = line.and_then(|line| line.split('=').nth(1));
    let largest: Option<usize> = value.and_then(|value| value.trim().parse().ok());
    largest.map_or(DEFAULT_MAX_ARRAY, |above| above.saturating_sub(1))
}

/// Hours, minutes and seconds, rounded up to a second.
fn slurm_time(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    format!(
        "{}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// How many jobs of some arrays there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Jobs {
    pub pending: usize,
    pub running: usize,
}

/// How many of the jobs of `arrays` Slurm knows of that have not ended.
///
/// # Errors
/// When Slurm does not answer.
pub fn jobs(arrays: &[String]) -> Result<Jobs, SlurmError> {
    let mut found = Jobs::default();
    if arrays.is_empty() {
        return Ok(found);
    }
    let mut command = Command::new("squeue");
    command.args(["-h", "-r", "-o", "%T", "-j", &arrays.join(",")]);
    let states = match run(command) {
        // One that has been forgotten is no longer there.
        Err(SlurmError::Failed { message, .. }) if message.contains(INVALID_JOB) => {
            return Ok(found);
        }
        states => states?,
    };
    for state in states.lines() {
        match state.trim() {
            "PENDING" | "CONFIGURING" | "REQUEUED" | "REQUEUE_HOLD" | "SPECIAL_EXIT" => {
                found.pending += 1;
            }
            "RUNNING" | "COMPLETING" | "SUSPENDED" | "STOPPED" | "RESIZING" | "SIGNALING" => {
                found.running += 1;
            }
            _ => {}
        }
    }
    Ok(found)
}

/// Cancels the jobs of `arrays`: those that have not begun, or all of them.
///
/// # Errors
/// When Slurm refuses.
pub fn cancel(arrays: &[String], pending_only: bool) -> Result<(), SlurmError> {
    if arrays.is_empty() {
        return Ok(());
    }
    let mut command = Command::new("scancel");
    if pending_only {
        command.arg("--state=PENDING");
    }
    command.args(arrays);
    match run(command) {
        // They have ended, and Slurm has forgotten them.
        Err(SlurmError::Failed { message, .. }) if message.contains(INVALID_JOB) => Ok(()),
        outcome => outcome.map(drop),
    }
}

/// The job that this process runs in, if it runs in one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnJob {
    /// As Slurm's commands take it: `NUMBER`, or `ARRAY_TASK`.
    pub id: String,
    /// How often it was queued again.
    pub restarts: u32,
    pub node: Option<String>,
}

impl OwnJob {
    /// What the environment says.
    pub fn find() -> Option<OwnJob> {
        let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let job = variable("SLURM_JOB_ID")?;
        let array = variable("SLURM_ARRAY_JOB_ID").zip(variable("SLURM_ARRAY_TASK_ID"));
        Some(OwnJob {
            id: array.map_or(job, |(array, task)| format!("{array}_{task}")),
            restarts: variable("SLURM_RESTART_COUNT")
                .and_then(|count| count.parse().ok())
                .unwrap_or(0),
            node: variable("SLURMD_NODENAME"),
        })
    }

    /// Time until its limit; `None` if there is no limit, or Slurm does not answer.
    pub fn time_left(&self) -> Option<Duration> {
        let mut command = Command::new("squeue");
        command.args(["-h", "-o", "%L", "-j", &self.id]);
        parse_time(run(command).ok()?.trim())
    }

    /// Has it queued again. It is ended soon after.
    ///
    /// # Errors
    /// When Slurm refuses.
    pub fn requeue(&self) -> Result<(), SlurmError> {
        let mut command = Command::new("scontrol");
        command.args(["requeue", &self.id]);
        run(command).map(drop)
    }
}

/// A length of time as `squeue` writes it: `[DAYS-][[HOURS:]MINUTES:]SECONDS`.
fn parse_time(text: &str) -> Option<Duration> {
    let (days, rest) = match text.split_once('-') {
        Some((days, rest)) => (days.parse::<u64>().ok()?, rest),
        None => (0, text),
    };
    let mut seconds = 0;
    for part in rest.split(':') {
        seconds = seconds * 60 + part.parse::<u64>().ok()?;
    }
    Some(Duration::from_secs(days * 86_400 + seconds))
}

/// The output of a command of Slurm.
fn run(mut command: Command) -> Result<String, SlurmError> {
    let name = command.get_program().to_string_lossy().into_owned();
    let missing = |source| SlurmError::Missing {
        command: name.clone(),
        source,
    };
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(missing)?;
    // Read by a thread of its own each, so that neither pipe fills up.
    let out = reader(child.stdout.take());
    let errors = reader(child.stderr.take());
    let began = Instant::now();
    let status = loop {
        match child.try_wait().map_err(missing)? {
            Some(status) => break status,
            None if began.elapsed() > COMMAND_TIMEOUT => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(SlurmError::TimedOut { command: name });
            }
            None => std::thread::sleep(POLL_INTERVAL),
        }
    };
    let out = out.join().unwrap_or_default();
    match status.success() {
        true => Ok(out),
        false => Err(SlurmError::Failed {
            command: name,
            message: errors.join().unwrap_or_default().trim().to_owned(),
        }),
    }
}

fn reader(pipe: Option<impl io::Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Whether this machine has the commands of Slurm.
pub fn is_installed() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join("sbatch").is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_and_read_as_slurm_does() {
        assert_eq!(slurm_time(Duration::from_secs(4 * 3600)), "4:00:00");
        assert_eq!(slurm_time(Duration::from_millis(90_500)), "0:01:31");
        assert_eq!(slurm_time(Duration::from_secs(100 * 3600)), "100:00:00");
        let seconds = |text| parse_time(text).map(|time| time.as_secs());
        assert_eq!(seconds("59"), Some(59));
        assert_eq!(seconds("1:02"), Some(62));
        assert_eq!(seconds("2:00:01"), Some(7201));
        assert_eq!(seconds("1-00:00:05"), Some(86_405));
        assert_eq!(seconds("UNLIMITED"), None);
        assert_eq!(seconds("INVALID"), None);
    }

    #[test]
    fn the_agent_takes_the_place_of_the_script_with_its_words_unchanged() {
        let before = ["module load cuda".to_owned()];
        let agent = ["/bin/sweep", "agent", "/it's here/pool"].map(str::to_owned);
        let text = script(&before, &agent);
        let last: Vec<&str> = text.lines().rev().take(2).collect();
        assert_eq!(
            last,
            [
                r"exec /bin/sweep agent '/it'\''s here/pool'",
                "module load cuda"
            ]
        );
    }
}
