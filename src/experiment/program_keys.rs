//! The keys of `[program]`: the source of messages and of the reference.

use super::keys::{Key, MEMORY};

/// What a duration may be.
const DURATION: &str = "a duration above 0, such as \"90s\", \"30m\" or \"1h30m\"";

/// The keys of `[program]`.
pub(crate) const PROGRAM: &[Key] = &[
    Key {
        name: "command",
        allowed: "a list of strings, such as [\"python\", \"train.py\", \"--lr\", \"{lr}\"], or with `shell` a string",
        about: "the program and its arguments; `{lr}` stands for the setting `lr`, `{layers...}` for one argument per item of a list, `{{` and `}}` for braces",
    },
    Key {
        name: "shell",
        allowed: "true or false",
        about: "whether `command` is a script for `sh`; placeholders then become quoted words",
    },
    Key {
        name: "args",
        allowed: "a string, or a list of strings, with {name} and {value}, such as \"--{name}={value}\"",
        about: "appended to the command once for each setting; each word of one string is an argument",
    },
    Key {
        name: "settings",
        allowed: "a table of settings, such as { epochs = 10 }",
        about: "settings that are the same in every trial",
    },
    Key {
        name: "config",
        allowed: "a table such as { file = \"config.yaml\", keys = { lr = \"train.lr\" } }",
        about: "a TOML, YAML or JSON file that is copied for each trial with its settings written into it; `{config}` is the copy",
    },
    Key {
        name: "env",
        allowed: "a table of strings, such as { DATA = \"data/{fold}.csv\" }",
        about: "environment variables of the program",
    },
    Key {
        name: "depends_on_env",
        allowed: "a list of names of environment variables",
        about: "variables of the caller's environment whose values are part of the names of trials",
    },
    Key {
        name: "directory",
        allowed: "a path, such as \"train\" or \"{trial_dir}\"",
        about: "working directory of the program, relative to that of `sweep`",
    },
    Key {
        name: "inputs",
        allowed: "a list of paths or patterns, such as [\"train.py\", \"lib/**/*.py\"]",
        about: "files whose content is part of the names of trials: an edit makes new trials",
    },
    Key {
        name: "metrics",
        allowed: "\"lines\", or a table with one of the keys `regex`, `file`, `jsonl` and `tensorboard`",
        about: "where metrics are read, besides the pipe at `SWEEP_METRICS`",
    },
    Key {
        name: "objective",
        allowed: "a table such as { metric = \"val_loss\", goal = \"min\" }",
        about: "the metric that ranks trials",
    },
    Key {
        name: "steps",
        allowed: "the name of a setting",
        about: "the setting that is the largest number of steps, such as `epochs`; a search needs it to pause trials",
    },
    Key {
        name: "resources",
        allowed: "a table such as { cpus = 2, gpus = 1, memory = \"8GB\" }",
        about: "what a trial needs of the machine; as many run at a time as it has room for",
    },
    Key {
        name: "timeout",
        allowed: "false, or a duration above 0, such as \"90s\", \"30m\" or \"1h30m\"",
        about: "time limit of one attempt at a trial",
    },
    Key {
        name: "grace",
        allowed: DURATION,
        about: "time that a program has to end after it was asked to (SIGTERM), before it is killed",
    },
    Key {
        name: "exit_codes",
        allowed: "a table from exit codes to \"finished\", \"diverged\", \"failed\" or \"retry\", such as { \"3\" = \"retry\" }",
        about: "what exit codes mean; 0 is \"finished\", 75 \"retry\" and every other one \"failed\"",
    },
    Key {
        name: "artifacts",
        allowed: "a list of patterns of files, such as [\"*.pt\", \"plots/*.png\"]",
        about: "files in the trial's folder that are recorded as its artifacts",
    },
    Key {
        name: "artifact_limit",
        allowed: "a size, such as \"64MB\" or \"2GB\"",
        about: "most bytes of a trial's artifacts; those beyond it are not recorded, which is told",
    },
];

/// The keys of `objective` of `[program]`.
pub(crate) const OBJECTIVE: &[Key] = &[
    Key {
        name: "metric",
        allowed: "the name of a metric that the program reports",
        about: "the metric that ranks trials",
    },
    Key {
        name: "goal",
        allowed: "\"min\" or \"max\"",
        about: "which direction is better",
    },
    Key {
        name: "value",
        allowed: "\"last\" or \"best\"",
        about: "which of a trial's values counts: \"best\" suits programs that keep the model of their best step",
    },
];

/// The keys of `resources` of `[program]`.
pub(crate) const RESOURCES: &[Key] = &[
    Key {
        name: "cpus",
        allowed: "an integer from 1 to 1024",
        about: "cores of a trial; thread variables such as OMP_NUM_THREADS are set to it",
    },
    Key {
        name: "gpus",
        allowed: "an integer from 0 to 64, or a fraction such as 0.5",
        about: "GPUs of a trial, named in CUDA_VISIBLE_DEVICES; of 0.5, two trials share each",
    },
    Key {
        name: "memory",
        allowed: MEMORY,
        about: "memory of all processes of a trial together, which is enforced",
    },
];

/// The keys of `config` of `[program]`.
pub(crate) const CONFIG: &[Key] = &[
    Key {
        name: "file",
        allowed: "the path of a .toml, .yaml, .yml or .json file",
        about: "the file that is copied for each trial",
    },
    Key {
        name: "keys",
        allowed: "a table from settings to dotted keys, such as { lr = \"train.lr\" }",
        about: "where each setting is written; a setting that is not named keeps its own name as the key",
    },
];
