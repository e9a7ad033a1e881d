//! Every kind of bad experiment file, each with the diagnostics that it gives.

use super::{DATA, drawn, source};
use crate::{Source, parse};
use sweep_core::data_config::Edition;

/// What is wrong with `text` under `flags`, drawn.
fn refused(text: &str, flags: &[&str]) -> String {
    let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
    match parse(&source(text), &flags, Edition::default()) {
        Ok(experiment) => panic!("this was accepted:\n{text}\n{experiment:#?}"),
        Err(diagnostics) => drawn(text, &flags, &diagnostics),
    }
}

/// One test, and one snapshot, for each theme: the name of each bad file, what follows [`DATA`] in
/// it, and flags.
macro_rules! refused {
    ($($theme:ident { $($name:literal: $text:literal $(, $flag:literal)*;)* })*) => {$(
        #[test]
        fn $theme() {
            let cases: &[(&str, &str, &[&str])] = &[$(($name, $text, &[$($flag),*])),*];
            insta::assert_snapshot!(stringify!($theme), table(cases));
        }
    )*};
}

/// Each case under its name: what was added to [`DATA`], the flags, and the diagnostics.
fn table(cases: &[(&str, &str, &[&str])]) -> String {
    let mut out = String::new();
    for (name, text, flags) in cases {
        out += &format!("# {name}\n{text}");
        for flag in *flags {
            out += &format!("--set {flag}\n");
        }
        let drawn = refused(&format!("{DATA}{text}"), flags);
        out += &format!("---\n{drawn}\n");
    }
    out
}

refused! {
    bad_experiment_tables_are_explained {
        "fractions that cannot be": "[experiment]\nlearning_curve = [0.1, 0, 1.5, \"all\", 0.1]\n[model]\n";
        "a learning curve without fractions": "[experiment]\nlearning_curve = []\n[model]\n";
        "a name that begins like a flag": "[experiment]\nname = \"-dash\"\n[model]\n";
        "a name that cannot be a folder": "[experiment]\nname = \"../x\"\n[model]\n";
        "seeds that are not different integers": "[experiment]\nseeds = [1, 2, 1, -3, 0.5, \"x\"]\n[model]\n";
        "no seeds": "[experiment]\nseeds = []\n[model]\n";
        "an unknown objective": "[experiment]\nobjective = \"valid/acuracy\"\n[model]\n";
        "a goal the opposite direction": "[experiment]\nobjective = { metric = \"valid/loss\", goal = \"max\" }\n[model]\n";
        "an objective without metric": "[experiment]\nobjective = { gaol = \"max\" }\n[model]\n";
    }
    bad_transfers_are_explained {
        "a transfer without source and networks": "[[baseline]]\nkind = \"xgboost\"\n[transfer]\n";
        "bad settings of a transfer": "[model]\n[transfer]\nfrom = \"\"\nlayers = \"all\"\nfreeze = [0, -1, 0]\nlr = 0\nlr_scale = [1.0]\nlerning_rate = 3\n";
        "a test file beside a transfer": "test_path = \"test.csv\"\n[model]\n[transfer]\nfrom = \"a:best\"\n";
        "a grid too large with its fractions and transfers": "[experiment]\nlearning_curve = [0.1, 0.5]\n[grid]\nlr = { lin = [0.1, 0.2], steps = 100000 }\n[transfer]\nfrom = \"a:best\"\nfreeze = [0, 1, 2]\n";
    }
    bad_syntax_and_tables_are_explained {
        "a syntax error": "[model]\nepochs = = 3\nlr = 0.1\n[grid\n";
        "a string without an end": "[model]\noptimizer = \"adam\n";
        "a key that occurs twice": "[model]\nlr = 0.1\nlr = 0.2\n";
        "a table that occurs twice": "[model]\nlr = 0.1\n[model]\n";
        "an unknown table": "[modle]\n[search]\ntrials = 3\n[model]\n";
        "a date and a huge integer": "[model]\nlr = 2020-01-01\nepochs = 99999999999999999999\n";
    }
    bad_model_settings_are_explained {
        "a stray key": "[model]\nseeds = [1]\nmax_depth = 3\nfoo = 1\n";
        "a misspelt key is refused with the nearest": "[model]\ndroput = 0.3\n[grid]\nlayer = [[3]]\n";
        "a value out of range": "[model]\ndropout = 1.0\nlr = -1\nepochs = 0\n";
        "a value of the wrong type": "[model]\nepochs = \"ten\"\nbatch_norm = 1\noptimizer = \"adagrad\"\n";
        "a list in model is pointed to the grid": "[model]\nlr = [0.1, 0.2]\n[grid]\ndropout = 0.1\n";
        "early stopping of the wrong shape": "[model]\nearly_stopping = { patienc = 3 }\n";
        "parts of schedules at fault are pointed at": "[model]\nlr_schedule = { kind = \"cosine\", floor = 2 }\nearly_stopping = { patience = 0 }\nlayers = [64, 0]\nembedding = { kind = \"ple\", bin = 3 }\n";
        "entries of another kind are told of which": "[model]\nlr_schedule = { kind = \"cosine\", every = 3 }\nembedding = { kind = \"none\", bins = 3, frequencies = 8 }\nbetas = [0.9]\n";
        "every part at fault is told": "[model]\nlr_schedule = { kind = \"step\", every = 0, gamma = 0 }\nlayers = [0, 8, -1]\nbetas = [1, 2]\nearly_stopping = { patience = 0, min_delta = -1 }\n";
        "misspelt parts of schedules are refused with the nearest": "[model]\nlr_schedule = { kind = \"cosine\", flor = 0.1 }\nactivation = \"RELU\"\n[schedule]\nstall_timeout = \"0s\"\n";
        "weights of classes are pointed at one by one": "[model]\nclass_weight = { spam = 0, ham = 2, eggs = \"5\" }\n[[baseline]]\nkind = \"xgboost\"\nclass_weight = {}\n";
        "parts on an axis are pointed at": "[grid]\nlr_schedule = [\"cosine\", { kind = \"step\" }, { kind = \"step\", every = 3, gamma = 0 }]\nearly_stopping = [false, { patience = 3, min_delta = -1 }]\n";
    }
    bad_data_tables_are_explained {
        "a misspelt key of data": "groups = \"track\"\ntext = [\"name\"]\n[model]\n";
        "a column with two parts": "group = \"track\"\nnumeric = [\"tempo\", \"genre\", \"tempo\"]\ncategorical = [\"track\"]\n[model]\n";
        "wrong types in data": "numeric = [\"tempo\", 3]\nyear = \"released\"\ngroup = \"\"\nscale = \"minmax\"\n[model]\n";
        "exclusions of rows of the wrong shape": "exclude = { genre = \"edm\", mode = [0.5], key = [] }\n[model]\n";
        "policies that cannot be": "numeric = [\"tempo\"]\ncategorical = [\"key\"]\nmissing = { default = \"mean\", key = \"median\", genre = \"mode\", tepmo = \"drop\" }\n[model]\n";
        "how cells are read": "delimiter = \"\\n\"\ndecimal = \";\"\nencoding = \"ebcdic\"\nheader = \"yes\"\ncolumns = [\"a\", \"b\", \"a\"]\nmissing_values = \"?\"\ntrim = 1\n[model]\n";
        "dates of the wrong shape": "date = [\"a\", { column = \"a\" }, { format = \"%Y\" }, { column = \"b\", parts = [\"week\"] }, { column = \"c\", parts = [\"year\"], cyclic = true }, 3]\n[model]\n";
        "categories of the wrong shape": "categories = { encoding = \"target\", max_levels = 0, min_rows = 2, unknown = \"ignore\" }\n[model]\n";
        "policies that do not go with columns": "numeric = [\"tempo\"]\ncategorical = [\"key\"]\ndate = [\"day\"]\ndrop = [\"mode\"]\nmissing = { tempo = \"category\", key = \"keep\", mode = \"drop\" }\n[model]\n";
        "a split that leaves nothing": "split = { valid = 0.5, test = 0.5 }\n[model]\n";
        "a split out of range": "split = { valid = 0, test = 1, stratify = 1, seed = -1, shuffle = true }\n[model]\n";
        "keys without effect beside a column of times": "split = { time = \"t\", stratify = true, seed = 3 }\n[model]\n";
        "keys without effect beside a column of sides": "split = { column = \"t\", valid = 0.1, test = 0.1, time_format = \"iso\" }\n[model]\n";
        "two columns that decide on the split": "split = { time = \"t\", column = \"s\" }\n[model]\n";
        "a format of times without times": "split = { time_format = \"iso\" }\n[model]\n";
        "the words of other tools for a split by time": "split = { order = \"date\" }\n[model]\n";
        "a column of sides that is a feature": "numeric = [\"s\", \"t\"]\nsplit = { column = \"s\" }\n[model]\n";
        "a split by the target": "split = { time = \"genre\" }\n[model]\n";
        "test rows asked for twice": "test_path = \"test.csv\"\nsplit = { test = 0.1 }\n[model]\n";
    }
    bad_text_features_are_explained {
        "text of the wrong shape": "text = [\"title\"]\n[model]\n";
        "a text without what it needs": "text = [{ columns = [] }, { column = [\"title\"], encoder = \"tfidff\", dims = 0 }]\n[model]\n";
        "options of text out of range": "[[data.text]]\ncolumns = [\"title\"]\nencoder = \"tfidf\"\ndims = 5000\nanalyzer = \"chars\"\nngrams = [2, 1]\nlowercase = 1\nmin_count = 0\nmax_terms = 1000001\n[[data.text]]\ncolumns = [\"title\"]\nencoder = \"tfidf\"\ndims = 50\nmax_terms = 20\nngrams = [1, 11]\n[model]\n";
        "options that an encoder does not have": "text = { columns = [\"title\"], encoder = \"hashing\", dims = 64, sublinear = true, min_count = 1 }\n[model]\n";
        "a sentence encoder has a model and no terms": "[[data.text]]\ncolumns = [\"title\"]\nencoder = \"sentence\"\ndims = 5\nngrams = [1, 2]\n[[data.text]]\ncolumns = [\"title\"]\nencoder = \"tfidf\"\ndims = 5\nmodel = \"folder\"\n[model]\n";
        "columns of text with another part": "group = \"track\"\ncategorical = [\"key\"]\ntext = [{ columns = [\"title\", \"key\", \"title\"], encoder = \"tfidf\", dims = 9 }, { columns = [\"title\", \"genre\", \"track\"], encoder = \"tfidf\", dims = 9 }]\nmissing = { title = \"median\" }\n[model]\n";
    }
    bad_grids_are_explained {
        "an empty axis": "[grid]\nlr = []\n";
        "a value twice on an axis": "[grid]\nlr = [1, 0.1, 1.0]\n";
        "a refused value on an axis is shown in its place": "[grid]\nlr = [0.1, 0.0]\nlayers = [[64], [0]]\n";
        "a flat list of layers": "[grid]\nlayers = [64, 32]\nbetas = [0.9, 0.999]\n";
        "a key both fixed and an axis": "[model]\nlr = 0.1\n[grid]\nlr = [0.1, 0.2]\n";
        "a range without steps": "[grid]\nlr = { log = [1e-4, 1e-2] }\ndropout = { lin = [0, 1], stpes = 3 }\n";
        "impossible ranges": "[grid]\nlr = { log = [0, 1], steps = 1 }\ndropout = { from = 0.1, to = 0.5, step = -0.1 }\neps = { from = 1e-300, to = 1e300, step = 1 }\n";
        "a range beyond what its key takes": "[grid]\ndropout = { lin = [0, 1], steps = 3 }\n";
        "a range that rounds to the same integers": "[grid]\nbatch_size = { log = [1, 4], steps = 9 }\n";
        "zipped axes of different lengths": "[grid]\nlr = [0.1, 0.2]\nlayers = [[8], [4], [2]]\nzip = [[\"lr\", \"layers\"]]\n";
        "zips of the wrong shape": "[grid]\nlr = [0.1, 0.2]\ndropout = [0.1, 0.2]\nzip = [[\"lr\"], [\"lr\", \"epochs\"], [\"lr\", \"lr\"], 3]\n";
        "zipped rows that stand twice": "[grid]\nlr = [0.1, 0.1]\ndropout = [0.1, 0.1]\nzip = [[\"lr\", \"dropout\"]]\n";
        "exclusions that match nothing": "[model]\nepochs = 3\n[grid]\nlr = [0.1, 0.2]\nexclude = [{ lr = 0.3 }, { epochs = 4 }, { lrr = 1 }, { lr = \"x\" }, {}]\n";
        "exclusions of zipped values that never meet": "[grid]\nlr = [0.1, 0.2]\ndropout = [0.3, 0.4]\nzip = [[\"lr\", \"dropout\"]]\nexclude = [{ lr = 0.1, dropout = 0.4 }]\n";
        "exclusions that leave nothing": "[grid]\nlr = [0.1, 0.2]\nexclude = [{ lr = 0.1 }, { lr = 0.2 }]\n";
        "a grid too large is refused with its product": "[experiment]\nseeds = [1, 2]\n[grid]\nlr = { log = [1e-9, 1], steps = 1000000000 }\ndropout = { from = 0, to = 0.9, step = 1e-7 }\nlayers = [[8], [4]]\n";
    }
    bad_baselines_are_explained {
        "a baseline without a known kind": "[[baseline]]\nrounds = 3\n[[baseline]]\nkind = \"xgbost\"\n[[baseline]]\nkind = \"mlp\"\n[[baseline]]\nkind = 3\n";
        "a single baseline table": "[baseline]\nkind = \"xgboost\"\n";
        "bad settings of baselines": "[[baseline]]\nkind = \"xgboost\"\neta = 2\nlr = 0.1\nrounds = [1, 2]\nmax_depth = 3\ngrid = { max_depth = [5, 10], subsmple = [0.5], gamma = 1 }\n";
    }
    bad_schedules_are_explained {
        "slots that cannot be": "[model]\n[schedule]\nslots = { cpu = 0, cuda = [0, 0], tpu = 1 }\nengine = \"jax\"\n";
        "slots elsewhere that cannot be": "[model]\n[schedule]\nslots = [{ via = [] }, { via = [\"ssh\", 3], cpu = 0 }, { via = [\"ssh\", \"a\"] }, { via = [\"ssh\", \"a\"], cuda = \"all\" }, { via = [\"ssh\", \"a\"], cpu = 1, name = \"a b\", program = \"sweep\", shell = 1, start_timeout = 3, ending = \"0s\", ping_timeout = \"500ms\", vai = 1 }]\n";
        "slots that are told apart by nothing": "[model]\n[schedule]\nslots = [{ cpu = 1, ending = \"3s\" }, { cpu = 1 }, { cpu = 2 }, { via = [\"env\"], cpu = 1, name = \"a\" }, { via = [\"env\"], cpu = 1, name = \"a\" }]\n";
        "lists of slots that are none": "[model]\n[schedule]\nslots = [\"auto\"]\nvia = [\"ssh\"]\n";
        "too many slots in all": "[model]\n[schedule]\nslots = [{ cpu = 1000 }, { via = [\"env\"], cpu = 1000 }]\n";
        "a memory limit beside slots elsewhere": "[model]\n[schedule]\nslots = [{ cpu = 1 }, { via = [\"env\"], cpu = 1 }]\nmemory_limit = \"1GB\"\n";
        "gpus beside the native engine": "[model]\n[schedule]\nslots = { cpu = 1, cuda = \"all\" }\nengine = \"native\"\n";
        "what is said of gpus where there are none": "[model]\n[schedule]\nslots = { cpu = 1 }\nengine = \"native\"\ngpu_shares = 17\ntf32 = true\n";
        "bad limits of the schedule": "[model]\n[schedule]\nslots = 2\ntrial_timeout = 30\nstall_timeout = \"0s\"\nretries = 11\nengine = \"jax\"\n";
        "a memory limit and checkpoints that cannot be": "[model]\nevery = 3\n[schedule]\nmemory_limit = \"2 gigs\"\ncheckpoint = { every = 5, cost = 0, evry = 1 }\n";
    }
    bad_flags_are_explained {
        "a flag out of range names the flag": "[model]\nepochs = 3\n", "model.epochs=0", "model.droput=0.1", "grid.lr=[0.1, 0.1]";
        "a flag that is none": "[model]\n", "epochs", "model..lr=1", "model.lr=[0.1", "=3", "model.lr=";
        "a flag into a list that is not there": "[model]\n[[baseline]]\nkind = \"xgboost\"\n", "baseline.1.rounds=3", "baseline.xgboost.rounds=3";
    }
}

#[test]
fn missing_tables_and_keys_are_all_named() {
    let mut out = String::new();
    for text in [
        "[model]\n",
        "[data]\nscale = \"none\"\n[model]\n",
        "data = 3\nmodel = 4\ngrid = 5\nschedule = 6\nbaseline = [7]",
    ] {
        out += &format!("{text}\n---\n{}\n", refused(text, &[]));
    }
    insta::assert_snapshot!(out);
}

#[test]
fn a_file_whose_name_cannot_name_an_experiment_must_give_one() {
    let source = Source {
        path: "experiments/.hidden file.toml".into(),
        text: format!("{DATA}[model]\n"),
    };
    let problems = parse(&source, &[], Edition::default()).expect_err("no name");
    insta::assert_snapshot!(drawn(&source.text, &[], &problems));
}

#[test]
fn several_targets_are_refused_with_what_to_do() {
    let text = "[data]\npath = \"a.csv\"\ntarget = [\"x\", \"y\"]\n[model]\n";
    let problems = parse(&source(text), &[], Edition::default()).expect_err("two targets");
    assert_eq!(problems[0].message, "`data.target` names several columns");
    assert_eq!(
        problems[0].help.as_deref(),
        Some("write one experiment file for each target")
    );
}
