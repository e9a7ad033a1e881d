//! The keys of a table of `slots` of `[schedule]`.

use super::keys::{DURATION, Key};

/// What `cuda` of `slots` may be.
pub(super) const GPUS: &str =
    "\"all\", or a list of distinct GPU numbers from 0 to 1023, such as [0, 1]";

/// All of them.
pub(crate) const SLOTS: &[Key] = &[
    Key {
        name: "cpu",
        allowed: "an integer from 1 to 1024",
        about: "number of CPU slots",
    },
    Key {
        name: "cuda",
        allowed: GPUS,
        about: "GPUs with a slot each; with `via`, a list of numbers",
    },
    Key {
        name: "via",
        allowed: "a list of words such as [\"ssh\", \"gpu1\"]",
        about: "the carrier: a command that starts a worker elsewhere and carries its standard streams",
    },
    Key {
        name: "name",
        allowed: "1 to 40 letters, digits, `.`, `_` and `-` that begin with a letter or digit",
        about: "what the slots are called by, as in `gpu1/cpu:0`",
    },
    Key {
        name: "program",
        allowed: "an absolute path without `=`",
        about: "the path of `sweep` there",
    },
    Key {
        name: "shell",
        allowed: "true or false",
        about: "whether the carrier hands its words to a shell, so that the worker's words are quoted",
    },
    Key {
        name: "start_timeout",
        allowed: DURATION,
        about: "how long a worker may take to be ready, with the time that the carrier waits in a queue",
    },
    Key {
        name: "ending",
        allowed: DURATION,
        about: "how long a worker may take to end after its input was closed; then its carrier is killed",
    },
    Key {
        name: "ping_timeout",
        allowed: "a duration of at least \"1s\"",
        about: "how long a worker waits for a sign of its coordinator before it ends itself",
    },
];
