//! The keys of each table of an experiment file: the source of messages and of the reference.

/// A key that a table of the file may have: the source of messages and of the reference.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub name: &'static str,
    /// What may be given, as a sentence fragment: `an integer from 1`.
    pub allowed: &'static str,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "tests hold the reference to it")
    )]
    pub about: &'static str,
}

/// What [`is_name`] allows.
pub const NAME_ALLOWED: &str =
    "at most 100 letters, digits, `.`, `_` or `-`, not starting with `.` or `-`";

/// What `memory_limit` may be.
pub(super) const MEMORY: &str =
    "false, or a size of at least \"64MB\", such as \"512MB\" or \"2GB\"";

/// The keys of a `[grid]` that are not axes.
pub(super) const GRID: [&str; 2] = ["zip", "exclude"];
/// The keys of a `[[baseline]]` that are not settings.
pub(super) const BASELINE: [&str; 3] = ["kind", "grid", "search"];

/// The keys of `[experiment]`.
pub(crate) const EXPERIMENT: &[Key] = &[
    Key {
        name: "name",
        allowed: NAME_ALLOWED,
        about: "name of the sweep",
    },
    Key {
        name: "seeds",
        allowed: "a list of distinct integers from 0, such as [1, 2, 3]",
        about: "replicate seeds: every configuration is trained once with each",
    },
    Key {
        name: "objective",
        allowed: "a metric of the validation rows, such as \"valid/accuracy\" or \"valid/rmse\", or a table such as \
                  { metric = \"valid/loss\", goal = \"min\" }",
        about: "the validation metric that ranks trials and picks their best epoch",
    },
    Key {
        name: "learning_curve",
        allowed: "a list of distinct fractions in (0, 1], such as [0.1, 0.25, 0.5, 1.0]",
        about: "fractions of the training rows on which every configuration is trained as well",
    },
    Key {
        name: "refit",
        allowed: "true or false",
        about: "whether `predict best` and `export best` train the chosen configuration once more, on training and validation \
                rows",
    },
];

/// The keys of `split` of `[data]`.
pub(crate) const SPLIT: &[Key] = &[
    Key {
        name: "valid",
        allowed: "a number in (0, 1)",
        about: "fraction of validation rows, on which trials are ranked",
    },
    Key {
        name: "test",
        allowed: "a number in [0, 1)",
        about: "fraction of held-out test rows",
    },
    Key {
        name: "stratify",
        allowed: "true or false",
        about: "keep the class proportions, or the distribution of a number, in every split",
    },
    Key {
        name: "seed",
        allowed: "an integer from 0",
        about: "seed of the split",
    },
    Key {
        name: "time",
        allowed: "the name of a column of dates or numbers",
        about: "split in the order of this column: the latest rows are test rows, those before them \
                validation rows",
    },
    Key {
        name: "time_format",
        allowed: "\"iso\", or a format as for strptime, such as \"%d/%m/%Y\"",
        about: "how the dates of `time` are written",
    },
    Key {
        name: "column",
        allowed: "the name of a column",
        about: "a column that names the split of each row: \"train\", \"valid\" or \"test\"",
    },
    Key {
        name: "folds",
        allowed: "an integer from 2, or \"leave-one-group-out\"",
        about: "cross-validation: every configuration is trained once for each fold, which holds the validation rows in \
                turn; with `time`, on the rows before it",
    },
    Key {
        name: "repeats",
        allowed: "an integer from 1",
        about: "how often the folds are drawn, each time anew",
    },
    Key {
        name: "fold_column",
        allowed: "the name of a column",
        about: "a column that names the fold of each row, or \"test\"",
    },
    Key {
        name: "gap",
        allowed: "an integer from 1",
        about: "with `time`: how many different times before the first validation row are not trained on",
    },
];

/// The keys of `[data]`.
pub(crate) const DATA: &[Key] = &[
    Key {
        name: "path",
        allowed: "the path of a table, such as \"data/songs.csv\", or a list of paths or patterns, such as [\"data/part-*.csv\"]",
        about: "the table, relative to the working directory: CSV and its relatives, JSON lines, Parquet or Arrow, \
                also compressed; several files are one table",
    },
    Key {
        name: "target",
        allowed: "the name of a column",
        about: "the column to predict: its values are classes or numbers",
    },
    Key {
        name: "task",
        allowed: "\"auto\", \"classification\" or \"regression\"",
        about: "whether the target is a class or a number; \"auto\" is decided from its values, and told",
    },
    Key {
        name: "target_transform",
        allowed: "\"none\", \"log\" or \"log1p\"",
        about: "regression: what numbers are learned as; predictions and metrics stay in units of the target",
    },
    Key {
        name: "weight",
        allowed: "the name of a column",
        about: "weights of the training rows: numbers from 0; metrics count every row once",
    },
    Key {
        name: "group",
        allowed: "the name of a column",
        about: "rows with the same value here always go to the same split",
    },
    Key {
        name: "exclude",
        allowed: "a table from columns to lists of values, such as { kind = [\"a\", \"b\"] }",
        about: "excluded rows",
    },
    Key {
        name: "drop",
        allowed: "a list of column names",
        about: "columns that are not used",
    },
    Key {
        name: "numeric",
        allowed: "a list of column names",
        about: "numeric features; by default every numeric column without another role, except identifiers",
    },
    Key {
        name: "year",
        allowed: "a list of column names",
        about: "date columns (YYYY, YYYY-MM or YYYY-MM-DD) whose year becomes a feature",
    },
    Key {
        name: "date",
        allowed: "\"auto\", or a list of column names or of tables such as { column = \"sold\", format = \"%d/%m/%Y\", \
                  parts = [\"month\", \"weekday\"] }",
        about: "columns of dates whose parts become features; \"auto\" is every column of dates without another role",
    },
    Key {
        name: "categorical",
        allowed: "\"auto\", or a list of column names",
        about: "columns of categories; \"auto\" is every column of few distinct texts without another role",
    },
    Key {
        name: "categories",
        allowed: "a table such as { encoding = \"one_hot\", max_levels = 50 }",
        about: "how categories become features",
    },
    Key {
        name: "text",
        allowed: "a table such as { columns = [\"title\"], encoder = \"tfidf\", dims = 100 }, or a list of such tables",
        about: "text columns that become features",
    },
    Key {
        name: "missing",
        allowed: "\"error\", \"drop\", \"impute\", \"median\", \"mode\", \"category\" or \"keep\", or a table from \
                  columns to these, such as { default = \"error\", tempo = \"median\" }",
        about: "what to do with missing cells",
    },
    Key {
        name: "missing_values",
        allowed: "a list of strings, such as [\"unknown\", \"-999\"]",
        about: "cells that stand for a missing value, besides empty ones, `NA`, `NaN`, `null`, `?` and the like",
    },
    Key {
        name: "missing_indicator",
        allowed: "true or false",
        about: "one more feature for each column with missing cells that are imputed: 1 where a cell is missing",
    },
    Key {
        name: "scale",
        allowed: "\"standard\", \"quantile\" or \"none\"",
        about: "scale features to mean 0 and standard deviation 1, or to a normal distribution, fitted on \
                training rows only",
    },
    Key {
        name: "split",
        allowed: "a table such as { valid = 0.2, test = 0.2, stratify = true, seed = 42 }",
        about: "how rows are split into training, validation and test rows",
    },
    Key {
        name: "test_path",
        allowed: "the path of a table, such as \"data/test.csv\"",
        about: "a separate file with the test rows; `split.test` is then 0",
    },
    Key {
        name: "delimiter",
        allowed: "\"auto\", \"tab\", \"blanks\", or one ASCII character such as \";\"",
        about: "what separates the cells of a row",
    },
    Key {
        name: "decimal",
        allowed: "\"auto\", \".\" or \",\"",
        about: "what separates the decimals of a number",
    },
    Key {
        name: "encoding",
        allowed: "\"auto\", \"utf-8\", \"utf-16\", \"latin-1\" or \"windows-1252\"",
        about: "the encoding of the file",
    },
    Key {
        name: "header",
        allowed: "\"auto\", true or false",
        about: "whether the first row names the columns",
    },
    Key {
        name: "columns",
        allowed: "a list of distinct names, one for each column",
        about: "names of the columns, in place of those of the file",
    },
    Key {
        name: "trim",
        allowed: "\"auto\", true or false",
        about: "remove blanks around cells; \"auto\" is where a blank follows every delimiter",
    },
];

/// The keys of an entry of `date` of `[data]`.
pub(crate) const DATE: &[Key] = &[
    Key {
        name: "column",
        allowed: "the name of a column",
        about: "the column of dates",
    },
    Key {
        name: "format",
        allowed: "\"iso\", or a format as for strptime, such as \"%d/%m/%Y\"",
        about: "how the dates are written",
    },
    Key {
        name: "parts",
        allowed: "a list of \"year\", \"month\", \"day\", \"weekday\", \"hour\" and \"days\"",
        about: "what becomes features; \"days\" counts from 1970",
    },
    Key {
        name: "cyclic",
        allowed: "true or false",
        about: "parts that recur are points on a circle, two features each",
    },
];

/// The keys of `categories` of `[data]`.
pub(crate) const CATEGORIES: &[Key] = &[
    Key {
        name: "encoding",
        allowed: "\"auto\", \"one_hot\" or \"target\"",
        about: "a 0/1 feature for each level, or how frequent each class is at the level; \"auto\" is \"one_hot\" up to 50 levels and \"target\" beyond",
    },
    Key {
        name: "max_levels",
        allowed: "an integer from 1 to 1000",
        about: "one_hot: levels with a feature of their own, the most frequent ones; the others share one",
    },
    Key {
        name: "min_rows",
        allowed: "an integer from 1",
        about: "one_hot: training rows that a level needs for a feature of its own",
    },
    Key {
        name: "unknown",
        allowed: "\"zero\" or \"error\"",
        about: "what to do with levels that no training row has: count them as none, or refuse the row",
    },
];

/// The keys of `text` of `[data]`.
pub(crate) const TEXT: &[Key] = &[
    Key {
        name: "columns",
        allowed: "a list of column names",
        about: "text columns; each is encoded separately",
    },
    Key {
        name: "encoder",
        allowed: "\"tfidf\", \"hashing\" or \"sentence\"",
        about: "how texts are turned into features",
    },
    Key {
        name: "dims",
        allowed: "an integer from 1 to 4096",
        about: "features per column; the sentence encoder's model determines it",
    },
    Key {
        name: "analyzer",
        allowed: "\"word\" or \"char\"",
        about: "what terms are made of: words, or characters within a word",
    },
    Key {
        name: "ngrams",
        allowed: "two integers from 1 to 10 in ascending order, such as [1, 2]",
        about: "minimum and maximum number of words, or characters, in a term",
    },
    Key {
        name: "lowercase",
        allowed: "true or false",
        about: "convert texts to lower case first",
    },
    Key {
        name: "sublinear",
        allowed: "true or false",
        about: "tfidf only: a term that occurs n times in a text counts 1 + ln n",
    },
    Key {
        name: "min_count",
        allowed: "an integer from 1",
        about: "tfidf only: minimum number of training rows in which a term occurs",
    },
    Key {
        name: "max_terms",
        allowed: "an integer from 1 to 1000000",
        about: "tfidf only: maximum number of terms; the most frequent ones are kept",
    },
    Key {
        name: "model",
        allowed: "the path of a folder, such as \".deps/text-model\"",
        about: "sentence only: the folder of a sentence encoder's weights",
    },
];

/// The keys of `[schedule]`.
pub(crate) const SCHEDULE: &[Key] = &[
    Key {
        name: "slots",
        allowed: "\"auto\", or a table such as { cpu = 2 } with 1 to 1024 CPU slots, { cpu = 2, cuda = [0, 1] } or { cuda = \"all\" }, or a list of such tables, of which those with `via` are about other hosts",
        about: "worker processes; \"auto\" is one per CPU core, some of which serve GPUs if there are any",
    },
    Key {
        name: "trial_timeout",
        allowed: "false, or a duration above 0, such as \"500ms\", \"90s\", \"30m\" or \"1h30m\"",
        about: "time limit of one attempt at a trial",
    },
    Key {
        name: "stall_timeout",
        allowed: "false, or a duration above 0, such as \"500ms\", \"90s\", \"30m\" or \"1h30m\"",
        about: "time without progress, such as an epoch or a round, after which a worker counts as hung",
    },
    Key {
        name: "retries",
        allowed: "an integer from 0 to 10",
        about: "how often a trial is retried after its worker died",
    },
    Key {
        name: "memory_limit",
        allowed: MEMORY,
        about: "limit on the private memory of a worker on a CPU slot; prepared data, which workers share, do not count",
    },
    Key {
        name: "checkpoint",
        allowed: "a table such as { every = \"5s\", cost = 0.02 }",
        about: "when a trial writes checkpoints",
    },
    Key {
        name: "engine",
        allowed: "\"auto\", \"native\" or \"torch\"",
        about: "engine that trains networks; \"auto\" is \"native\" on CPU slots and \"torch\" on GPUs",
    },
    Key {
        name: "gpu_shares",
        allowed: "\"auto\", or an integer from 1 to 16",
        about: "workers that share each GPU; \"auto\" is at most 4, with a core and 2 GB of free memory for each",
    },
    Key {
        name: "keep_predictions",
        allowed: "an integer from 0 to 1000000",
        about: "of how many of the best trials of each kind of model the probabilities of all classes for the validation rows are kept; of the others the class and the loss",
    },
    Key {
        name: "tf32",
        allowed: "true or false",
        about: "whether GPUs may round the factors of matrix products to 10 bits (TF32), which is faster and less exact",
    },
    Key {
        name: "slurm",
        allowed: "tables [[schedule.slurm]] with the keys agents, time, options, before and local_data",
        about: "jobs that train the trials on a Slurm cluster (`sweep run --on slurm`); several tables for several partitions",
    },
];

/// The keys of `[[schedule.slurm]]`.
pub(crate) const SLURM: &[Key] = &[
    Key {
        name: "agents",
        allowed: "an integer from 1 to 10000",
        about: "jobs at a time, each of which trains many trials",
    },
    Key {
        name: "time",
        allowed: "a duration above 0, such as \"30m\" or \"4h\"",
        about: "time limit of a job; a job that reaches it is queued again and continues",
    },
    Key {
        name: "options",
        allowed: "a list of options of sbatch, such as [\"--partition=gpu\", \"--gres=gpu:1\", \"--cpus-per-task=8\"]",
        about: "options of sbatch, passed as they are",
    },
    Key {
        name: "before",
        allowed: "a list of lines of a shell script, such as [\"module load cuda\"]",
        about: "what a job runs before the agent",
    },
    Key {
        name: "local_data",
        allowed: "true or false",
        about: "whether each agent copies the data set to the temporary folder of its node ($TMPDIR)",
    },
];

/// A duration that is no way to switch something off.
pub(super) const DURATION: &str = "a duration above 0, such as \"500ms\", \"90s\" or \"30m\"";

/// The keys of `checkpoint` of `[schedule]`.
pub(crate) const CHECKPOINT: &[Key] = &[
    Key {
        name: "every",
        allowed: DURATION,
        about: "minimum training time between two checkpoints",
    },
    Key {
        name: "cost",
        allowed: "a number in (0, 1]",
        about: "fraction of training time that writing them may take",
    },
];

/// The keys of `[transfer]`.
pub(crate) const TRANSFER: &[Key] = &[
    Key {
        name: "from",
        allowed: "a finished network: \"SWEEP:best\", \"SWEEP:TRIAL\" or \"TRIAL\", where TRIAL is \
                  a prefix of its identifier",
        about: "the trained network whose layers are copied",
    },
    Key {
        name: "layers",
        allowed: "\"all but last\", or an integer from 1 to 64",
        about: "how many layers are copied, starting at the input",
    },
    Key {
        name: "freeze",
        allowed: "an integer from 0 to 64, or a list of distinct ones such as [0, 1, 2]",
        about: "how many of the copied layers are frozen; a list is an axis",
    },
    Key {
        name: "lr",
        allowed: "a number above 0, or a list of distinct ones such as [1e-3, 1e-4]",
        about: "learning rate of the copied layers that are not frozen; a list is an axis",
    },
    Key {
        name: "lr_scale",
        allowed: "a number above 0, or a list of distinct ones such as [1.0, 0.1]",
        about: "the same, as a multiple of the network's own `lr`",
    },
];
