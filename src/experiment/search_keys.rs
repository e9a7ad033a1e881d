//! The keys of `[search]`: the source of messages and of the reference.

use super::keys::Key;

/// The keys of `[search]`.
pub(crate) const SEARCH: &[Key] = &[
    Key {
        name: "method",
        allowed: "\"auto\", \"gp\", \"tpe\", \"random\", \"sobol\" or \"asha\"",
        about: "what proposes trials",
    },
    Key {
        name: "space",
        allowed: "a table of the settings that are searched, such as { lr = { log = [1e-4, 1e-1] } }",
        about: "the settings that are searched, each with its values",
    },
    Key {
        name: "seed",
        allowed: "an integer from 0",
        about: "seed of the search; the trials have those of [experiment]",
    },
    Key {
        name: "width",
        allowed: "an integer from 1 to 1024",
        about: "virtual workers: how many jobs are decided on before the first of them has a result",
    },
    Key {
        name: "budget",
        allowed: "a table with one of the keys `trainings`, `epochs`, `trials` and `time`, such as { trainings = 50 }",
        about: "what ends the search",
    },
    Key {
        name: "rungs",
        allowed: "false, a table such as { first = 1, eta = 3 }, or a list of steps in ascending order, such as [1, 3, 9]",
        about: "steps at which trials pause until it is known whether they are worth more",
    },
    Key {
        name: "finish",
        allowed: "a table such as { top = 32, trainings = 160 }",
        about: "further trainings of the best trials with other seeds, of fewer and fewer of them",
    },
    Key {
        name: "objectives",
        allowed: "a list of one to three objectives, such as [\"valid/accuracy\", { metric = \"parameters\", goal = \"min\" }]",
        about: "several objectives, that of [experiment] first",
    },
    Key {
        name: "constraints",
        allowed: "a list of conditions, such as [\"parameters <= 100000\", \"valid/loss <= 0.5\"]",
        about: "what a trial must fulfil",
    },
    Key {
        name: "enqueue",
        allowed: "a list of tables of settings, such as [{ lr = 1e-3 }]",
        about: "points that come first",
    },
];
