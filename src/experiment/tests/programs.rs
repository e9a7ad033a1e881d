//! Files with `[program]`: what they come to, and what is refused.

use super::{drawn, source};
use crate::plan::{Target, expand};
use crate::{Experiment, parse};
use sweep_core::data_config::Edition;
use sweep_core::program::{ExitMeaning, MetricSource, Selection};
use sweep_core::trial::models::{DatasetSize, UNKNOWN_STEPS};
use sweep_core::trial::{DataDigest, Kind, Task, Value};

const PROGRAM: &str = "[program]\ncommand = [\"train\", \"{lr}\"]\nobjective = { metric = \"loss\", goal = \"min\" }\n";

fn read(text: &str) -> Experiment {
    match parse(&source(text), &[], Edition::default()) {
        Ok(experiment) => experiment,
        Err(diagnostics) => panic!("{}", drawn(text, &[], &diagnostics)),
    }
}

fn refused(text: &str) -> String {
    match parse(&source(text), &[], Edition::default()) {
        Ok(experiment) => panic!("this was accepted:\n{text}\n{experiment:#?}"),
        Err(diagnostics) => drawn(text, &[], &diagnostics),
    }
}

/// The settings of the trials that `text` asks for, by trial.
fn settings(text: &str) -> Vec<Vec<(String, Value)>> {
    let mut experiment = read(text);
    experiment.set_program("0123");
    let target = Target {
        task: Task::Regression,
        classes: &[],
        data: DatasetSize::default(),
        is_transformed: false,
    };
    let plan = expand(&experiment, &[DataDigest::from_hex("0".repeat(64))], target);
    let trials = plan.trials.iter();
    trials.map(|trial| trial.spec.model.params()).collect()
}

#[test]
fn a_full_table_is_read() {
    let experiment = read(
        "[experiment]\nname = \"p\"\nseeds = [1, 2]\n[program]\n\
         command = [\"python\", \"train.py\", \"--lr={lr}\", \"{layers...}\", \"{seed}\", \"{config}\"]\n\
         args = \"--{name} {value}\"\nconfig = { file = \"a.yaml\", keys = { lr = \"train.lr\" } }\n\
         env = { A = \"{trial_dir}/x\" }\ndepends_on_env = [\"B\"]\ndirectory = \"src\"\n\
         inputs = [\"*.py\"]\nmetrics = { jsonl = \"{trial_dir}/m.jsonl\" }\n\
         objective = { metric = \"val/acc\", goal = \"max\", value = \"best\" }\nsteps = \"epochs\"\n\
         resources = { cpus = 2, gpus = 0.5, memory = \"8GB\" }\ntimeout = \"2h\"\ngrace = \"30s\"\n\
         exit_codes = { \"3\" = \"retry\", \"75\" = \"failed\" }\nartifacts = [\"*.pt\"]\nartifact_limit = \"1GB\"\n\
         settings = { epochs = 7 }\n[grid]\nlr = [0.1, 0.01]\nlayers = [[64, 32], [128]]\n",
    );
    let program = experiment.program.as_ref().unwrap();
    let spec = &program.spec;
    assert_eq!(spec.args, ["--{name}", "{value}"]);
    assert_eq!(
        spec.metrics,
        MetricSource::Jsonl("{trial_dir}/m.jsonl".to_owned())
    );
    assert_eq!(spec.selection, Selection::Best);
    assert_eq!((spec.resources.cpus, spec.resources.gpus), (2, 0.5));
    assert_eq!((spec.timeout_ms, spec.grace_ms), (Some(7_200_000), 30_000));
    assert_eq!(spec.exit_codes[&3], ExitMeaning::Retry);
    assert_eq!(program.inputs.as_deref().unwrap(), ["*.py"]);
    assert_eq!(experiment.objective.as_ref().unwrap().metric, "val/acc");
    let networks = experiment.networks.as_ref().unwrap();
    assert_eq!(
        (networks.base.kind(), networks.base.steps()),
        (Kind::PROGRAM, 7)
    );
    assert!(experiment.data.paths.is_empty());
    assert_eq!(experiment.schedule.stall_timeout, None);
}

#[test]
fn settings_of_any_name_and_type_keep_their_values() {
    let text = format!(
        "{PROGRAM}settings = {{ \"model.name\" = \"a b\", deep = {{ x = [1, \"y\"] }}, flag = true }}\n\
         [grid]\nlr = [1, 1.0]\n"
    );
    let trials = settings(&text);
    assert_eq!(trials.len(), 2, "1 and 1.0 are different arguments");
    let names: Vec<&str> = trials[0].iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["deep", "flag", "lr", "model.name"]);
    assert_eq!(trials[0][2].1, Value::Int(1));
    assert_eq!(trials[1][2].1, Value::Float(1.0));
}

#[test]
fn names_of_trials_come_from_settings_and_program_whatever_their_order() {
    let ids = |text: &str, digest: &str| -> Vec<String> {
        let mut experiment = read(text);
        experiment.set_program(digest);
        let target = Target {
            task: Task::Regression,
            classes: &[],
            data: DatasetSize::default(),
            is_transformed: false,
        };
        let plan = expand(&experiment, &[DataDigest::from_hex("0".repeat(64))], target);
        plan.trials
            .iter()
            .map(|trial| trial.id.as_str().to_owned())
            .collect()
    };
    let one = format!("{PROGRAM}[grid]\nlr = [0.1]\nb = [\"x\"]\n");
    let other = format!("{PROGRAM}[grid]\nb = [\"x\"]\nlr = [0.1]\n");
    assert_eq!(ids(&one, "a"), ids(&other, "a"));
    assert_ne!(ids(&one, "a"), ids(&one, "b"));
    // A text that looks like another setting, and one that looks like a number, are neither.
    let sly = format!("{PROGRAM}[grid]\nlr = [\"0.1\", \"0.1\\nb = 1\"]\n");
    let plain = format!("{PROGRAM}[grid]\nlr = [0.1]\n");
    let (sly, plain) = (ids(&sly, "a"), ids(&plain, "a"));
    assert!(sly.iter().all(|id| !plain.contains(id)) && sly[0] != sly[1]);
}

#[test]
fn a_search_of_a_program_without_steps_runs_trials_whole() {
    let search = "[search]\nspace = { lr = { log = [1e-4, 1.0] } }\n";
    let whole = read(&format!("{PROGRAM}{search}"));
    let spec = &whole.searches[0];
    assert_eq!(spec.space.grid.base.steps(), UNKNOWN_STEPS);
    assert_eq!(
        spec.rungs.steps(spec.method, UNKNOWN_STEPS),
        [UNKNOWN_STEPS]
    );
    let stepped = read(&format!(
        "{PROGRAM}settings = {{ n = 27 }}\nsteps = \"n\"\n{search}constraints = [\"mem / 2 <= 100\", \"lr >= 0.01\"]\n\
         objectives = [\"loss\", {{ metric = \"mem\", goal = \"min\" }}]\n"
    ));
    let spec = &stepped.searches[0];
    assert_eq!(
        spec.rungs.steps(spec.method, spec.space.grid.base.steps()),
        [1, 3, 9, 27]
    );
    let known: Vec<bool> = spec
        .constraints
        .iter()
        .map(|one| one.is_known_before())
        .collect();
    assert_eq!(known, [false, true]);
    assert_eq!(spec.objectives[1].metric, "mem");
}

#[test]
fn what_cannot_be_is_explained() {
    let program = |rest: &str| format!("{PROGRAM}{rest}\n[grid]\nlr = [0.1]\n");
    let cases = [
        ("nothing to run", "[program]\n[grid]\nlr = [0.1]\n".to_owned()),
        ("an unknown key and one of another table", program("comand = 1\nseeds = [1]")),
        ("a command that is one string", "[program]\ncommand = \"train {lr}\"\nobjective = { metric = \"a\", goal = \"min\" }\n[grid]\nlr = [1]\n".to_owned()),
        ("an unknown placeholder", program("env = { A = \"{rl}\", B = \"{config}\" }")),
        ("a brace that is not closed", program("env = { A = \"{lr\" }")),
        ("variables that are set by sweep", program("env = { SWEEP_SEED = \"1\", \"a=b\" = \"x\" }")),
        ("a goal that is none", "[program]\ncommand = [\"a\"]\nobjective = { metric = \"a\", goal = \"up\", value = \"first\" }\n".to_owned()),
        ("metrics in one place for all trials", program("metrics = { jsonl = \"metrics.jsonl\" }")),
        ("a pattern without names", program("metrics = { regex = 'loss (.*)' }")),
        ("metrics from nowhere", program("metrics = { csv = \"a\" }")),
        ("resources that cannot be", program("resources = { cpus = 0, gpus = 1.5, memory = \"8\" }")),
        ("times that cannot be", program("timeout = 30\ngrace = \"0s\"")),
        ("exit codes that cannot be", program("exit_codes = { \"300\" = \"retry\", \"3\" = \"ok\" }")),
        ("settings that cannot be called so", format!("{PROGRAM}[grid]\nlr = [0.1]\nseed = [1]\n\"a b\" = [1]\n")),
        ("values that cannot be kept", format!("{PROGRAM}[grid]\nlr = [0.1, nan, 2020-01-01]\n")),
        ("a setting that is fixed and an axis", program("settings = { lr = 1 }")),
        ("steps that are no setting", program("steps = \"epochs\"\nconfig = { file = \"a.ini\" }")),
        ("keys of a config that are no settings", program("config = { file = \"a.toml\", keys = { rl = \"x\" } }")),
        ("args without a value", program("args = \"--{name}\"")),
        ("tables about training", program("[data]\npath = \"a.csv\"\ntarget = \"y\"\n[model]\n[experiment]\nobjective = \"valid/loss\"\n[schedule]\nengine = \"torch\"\ntrial_timeout = \"1m\"")),
        ("rungs without steps", format!("{PROGRAM}[search]\nspace = {{ lr = {{ log = [1e-4, 1.0] }} }}\nrungs = [1, 3]\n")),
    ];
    let mut out = String::new();
    for (name, text) in cases {
        out += &format!("# {name}\n{text}---\n{}\n", refused(&text));
    }
    insta::assert_snapshot!("what_cannot_be_is_explained", out);
}
