//! `sweep doctor`: what this machine has, or nodes of a cluster have, and what is missing for what.

use std::path::PathBuf;

use serde_json::{Map, Value as Json, json};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::flags::On;
use crate::terminal;
use sweep_app::doctor::{Finding, findings};
use sweep_app::loaded;
use sweep_app::pool::{self, Probe};
use sweep_experiment::SlurmJobs;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// With --on slurm: the experiment file whose tables [[schedule.slurm]] are tried
    file: Option<PathBuf>,

    /// What is checked: this machine, or a node of a Slurm cluster, by a short job
    #[arg(long, value_enum, value_name = "WHERE", default_value = "local")]
    on: On,

    /// Write what is found to this file (what a probe runs)
    #[arg(long, value_name = "FILE", hide = true)]
    to: Option<PathBuf>,
}

/// `sweep doctor`.
pub fn doctor(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    match arguments.on {
        On::Slurm => return on_slurm(context, arguments),
        On::Pool => {
            return Err(Failure::input(
                "a pool has no machine to check",
                "run `sweep doctor` on the machines of its agents",
            ));
        }
        On::Local => {}
    }
    if let Some(file) = &arguments.file {
        return Err(Failure::input(
            format!("{} has no effect without --on slurm", file.display()),
            "leave the file out, or add `--on slurm`",
        ));
    }
    let findings = findings(&context.app);
    if let Some(path) = &arguments.to {
        pool::answer(path, as_json(&findings))?;
        return Ok(Exit::Success);
    }
    if context.json {
        terminal::print_json(&as_json(&findings));
        return Ok(Exit::Success);
    }
    for finding in &findings {
        print_finding(finding.name, finding.is_ok, &finding.text);
    }
    Ok(Exit::Success)
}

fn on_slurm(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let tables = match &arguments.file {
        Some(file) => loaded::read(file, &[])?.experiment.schedule.slurm,
        None => Vec::new(),
    };
    let tables = match tables.is_empty() {
        true => vec![SlurmJobs::default()],
        false => tables,
    };
    let probes = pool::probe(&context.app, context, &tables)?;
    if context.json {
        let probes: Vec<Json> = probes.iter().map(probe_json).collect();
        terminal::print_json(&Json::Array(probes));
        return Ok(Exit::Success);
    }
    for probe in &probes {
        let options = match probe.options.is_empty() {
            true => String::new(),
            false => format!(" ({})", probe.options.join(" ")),
        };
        terminal::print(&format!(
            "table {}{options}: node {}",
            probe.table, probe.host
        ));
        for (name, is_ok, text) in &probe.findings {
            print_finding(name, *is_ok, text);
        }
    }
    Ok(Exit::Success)
}

fn print_finding(name: &str, is_ok: bool, text: &str) {
    let mark = if is_ok { "ok" } else { "--" };
    terminal::print(&format!("{mark}  {name:<10} {text}"));
}

fn as_json(findings: &[Finding]) -> Json {
    let entry = |finding: &Finding| {
        let value = json!({ "ok": finding.is_ok, "found": finding.text });
        (finding.name.to_owned(), value)
    };
    let object: Map<String, Json> = findings.iter().map(entry).collect();
    Json::Object(object)
}

fn probe_json(probe: &Probe) -> Json {
    let entry = |(name, is_ok, text): &(String, bool, String)| {
        (name.clone(), json!({ "ok": is_ok, "found": text }))
    };
    let found: Map<String, Json> = probe.findings.iter().map(entry).collect();
    json!({ "table": probe.table, "options": probe.options, "host": probe.host, "findings": found })
}
