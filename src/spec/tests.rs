//! Every kind of bad experiment file, each with the diagnostics that it gives.

use std::path::Path;
use std::time::Duration;

use super::{
    Diagnostic, Engine, Experiment, MAX_DIAGNOSTICS, MAX_FILE_BYTES, MAX_TRIALS, Origin, Schedule,
    Slots, Source, parse,
};
use crate::random::{Purpose, Stream};
use crate::recipe::{MissingPolicy, Scale, SplitSpec};
use crate::trial::{Objective, Value};

const GOOD: &str = r#"[experiment]
name = "genres"
seeds = [1, 2]
objective = { metric = "valid/loss", goal = "min" }

[data]
path = "data/songs.csv"
target = "genre"
group = "track"
exclude = { genre = ["edm"], mode = [1] }
numeric = ["energy", "tempo", "my.odd.column"]
year = ["released"]
categorical = ["key"]
missing = { default = "median", key = "mode" }
scale = "none"
split = { valid = 0.25, test = 0.1, stratify = false, seed = 7 }

[model]
epochs = 20
early_stopping = { patience = 5 }

[grid]
layers = [[64, 32], [16, 16]]
lr = { log = [1e-4, 1e-2], steps = 3 }
batch_size = [16, 32]
dropout = { from = 0.1, to = 0.3, step = 0.1 }
zip = [["layers", "batch_size"]]
exclude = [{ layers = [64, 32], lr = 0.01 }]

[[baseline]]
kind = "xgboost"
rounds = 300
grid = { max_depth = [5, 10] }

[[baseline]]
kind = "random_forest"

[schedule]
slots = { cpu = 2 }
trial_timeout = "30m"
retries = 0
engine = "native"
"#;

fn source(text: &str) -> Source {
    Source {
        path: "experiments/bad.toml".into(),
        text: text.to_owned(),
    }
}

/// Diagnostics as text: line and column, the line, carets under the span.
fn drawn(text: &str, flags: &[String], diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        let text = match diagnostic.origin {
            Origin::File => text,
            Origin::Flag(index) => &flags[index],
        };
        let span = diagnostic.span.clone();
        let before = &text[..span.start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = text[line_start..].lines().next().unwrap_or_default();
        let number = before.matches('\n').count() + 1;
        let column = text[line_start..span.start].chars().count();
        let inside = &text[span.start..span.end];
        let carets = inside.lines().next().unwrap_or_default().chars().count();
        let name = match diagnostic.origin {
            Origin::File => String::new(),
            Origin::Flag(_) => "--set ".to_owned(),
        };
        out += &format!("{name}{number}:{}: {}\n", column + 1, diagnostic.message);
        out += &format!(
            "  | {line}\n  | {}{} {}\n",
            " ".repeat(column),
            "^".repeat(carets.max(1)),
            diagnostic.label
        );
        if let Some(help) = &diagnostic.help {
            out += &format!("  help: {}\n", help.replace('\n', "\n        "));
        }
    }
    out
}

/// What is wrong with `text` under `flags`, drawn.
fn refused(text: &str, flags: &[&str]) -> String {
    let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
    match parse(&source(text), &flags) {
        Ok(experiment) => panic!("this was accepted:\n{text}\n{experiment:#?}"),
        Err(diagnostics) => drawn(text, &flags, &diagnostics),
    }
}

/// A sound `[data]` table, to which a test adds what is wrong.
const DATA: &str = "[data]\npath = \"songs.csv\"\ntarget = \"genre\"\n";

/// One test for each bad file: a name, what follows [`DATA`], and flags.
macro_rules! refused {
    ($($name:ident: $text:expr $(, $flag:literal)*;)*) => {$(
        #[test]
        fn $name() {
            let text = format!("{DATA}{}", $text);
            insta::assert_snapshot!(stringify!($name), refused(&text, &[$($flag),*]));
        }
    )*};
}

refused! {
    a_syntax_error_is_refused: "[model]\nepochs = = 3\nlr = 0.1\n[grid\n";
    a_string_without_an_end_is_refused: "[model]\noptimizer = \"adam\n";
    a_key_that_stands_twice_is_refused: "[model]\nlr = 0.1\nlr = 0.2\n";
    a_table_that_stands_twice_is_refused: "[model]\nlr = 0.1\n[model]\n";
    an_unknown_table_is_refused: "[modle]\n[search]\ntrials = 3\n[model]\n";
    a_stray_key_is_refused: "[model]\nseeds = [1]\nmax_depth = 3\nfoo = 1\n";
    a_misspelt_key_is_refused_with_the_nearest: "[model]\ndroput = 0.3\n[grid]\nlayer = [[3]]\n";
    a_misspelt_key_of_data_is_refused: "groups = \"track\"\ntext = [\"name\"]\n[model]\n";
    a_value_out_of_range_is_refused: "[model]\ndropout = 1.0\nlr = -1\nepochs = 0\n";
    a_value_of_the_wrong_type_is_refused: "[model]\nepochs = \"ten\"\nbatch_norm = 1\noptimizer = \"adagrad\"\n";
    a_list_in_model_is_pointed_to_the_grid: "[model]\nlr = [0.1, 0.2]\n[grid]\ndropout = 0.1\n";
    a_date_and_a_huge_integer_are_refused: "[model]\nlr = 2020-01-01\nepochs = 99999999999999999999\n";
    early_stopping_of_the_wrong_shape_is_refused: "[model]\nearly_stopping = { patienc = 3 }\n";
    a_name_that_cannot_be_a_folder_is_refused: "[experiment]\nname = \"../x\"\n[model]\n";
    seeds_that_are_not_different_integers_are_refused: "[experiment]\nseeds = [1, 2, 1, -3, 0.5, \"x\"]\n[model]\n";
    no_seeds_are_refused: "[experiment]\nseeds = []\n[model]\n";
    an_unknown_objective_is_refused: "[experiment]\nobjective = \"valid/acuracy\"\n[model]\n";
    a_goal_the_wrong_way_round_is_refused: "[experiment]\nobjective = { metric = \"valid/loss\", goal = \"max\" }\n[model]\n";
    an_objective_without_metric_is_refused: "[experiment]\nobjective = { gaol = \"max\" }\n[model]\n";
    a_column_with_two_parts_is_refused: "group = \"track\"\nnumeric = [\"tempo\", \"genre\", \"tempo\"]\ncategorical = [\"track\"]\n[model]\n";
    wrong_types_in_data_are_refused: "numeric = [\"tempo\", 3]\nyear = \"released\"\ngroup = \"\"\nscale = \"minmax\"\n[model]\n";
    exclusions_of_rows_of_the_wrong_shape_are_refused: "exclude = { genre = \"edm\", mode = [0.5], key = [] }\n[model]\n";
    policies_that_cannot_be_are_refused: "numeric = [\"tempo\"]\ncategorical = [\"key\"]\nmissing = { default = \"mean\", key = \"median\", genre = \"mode\", tepmo = \"drop\" }\n[model]\n";
    a_median_of_categories_by_default_is_refused: "categorical = [\"key\"]\nmissing = \"median\"\n[model]\n";
    a_split_that_leaves_nothing_is_refused: "split = { valid = 0.5, test = 0.5 }\n[model]\n";
    a_split_out_of_range_is_refused: "split = { valid = 0, test = 1, stratify = 1, seed = -1, shuffle = true }\n[model]\n";
    test_rows_asked_for_twice_are_refused: "test_path = \"test.csv\"\nsplit = { test = 0.1 }\n[model]\n";
    an_empty_axis_is_refused: "[grid]\nlr = []\n";
    a_value_twice_on_an_axis_is_refused: "[grid]\nlr = [1, 0.1, 1.0]\n";
    a_refused_value_on_an_axis_is_shown_in_its_place: "[grid]\nlr = [0.1, 0.0]\nlayers = [[64], [0]]\n";
    a_flat_list_of_layers_is_refused: "[grid]\nlayers = [64, 32]\nbetas = [0.9, 0.999]\n";
    a_key_both_fixed_and_an_axis_is_refused: "[model]\nlr = 0.1\n[grid]\nlr = [0.1, 0.2]\n";
    a_range_without_steps_is_refused: "[grid]\nlr = { log = [1e-4, 1e-2] }\ndropout = { lin = [0, 1], stpes = 3 }\n";
    impossible_ranges_are_refused: "[grid]\nlr = { log = [0, 1], steps = 1 }\ndropout = { from = 0.1, to = 0.5, step = -0.1 }\neps = { from = 1e-300, to = 1e300, step = 1 }\n";
    a_range_beyond_what_its_key_takes_is_refused: "[grid]\ndropout = { lin = [0, 1], steps = 3 }\n";
    a_range_that_rounds_to_the_same_integers_is_refused: "[grid]\nbatch_size = { log = [1, 4], steps = 9 }\n";
    zipped_axes_of_different_lengths_are_refused: "[grid]\nlr = [0.1, 0.2]\nlayers = [[8], [4], [2]]\nzip = [[\"lr\", \"layers\"]]\n";
    zips_of_the_wrong_shape_are_refused: "[grid]\nlr = [0.1, 0.2]\ndropout = [0.1, 0.2]\nzip = [[\"lr\"], [\"lr\", \"epochs\"], [\"lr\", \"lr\"], 3]\n";
    zipped_rows_that_stand_twice_are_refused: "[grid]\nlr = [0.1, 0.1]\ndropout = [0.1, 0.1]\nzip = [[\"lr\", \"dropout\"]]\n";
    exclusions_that_match_nothing_are_refused: "[model]\nepochs = 3\n[grid]\nlr = [0.1, 0.2]\nexclude = [{ lr = 0.3 }, { epochs = 4 }, { lrr = 1 }, { lr = \"x\" }, {}]\n";
    exclusions_of_zipped_values_that_never_meet_are_refused: "[grid]\nlr = [0.1, 0.2]\ndropout = [0.3, 0.4]\nzip = [[\"lr\", \"dropout\"]]\nexclude = [{ lr = 0.1, dropout = 0.4 }]\n";
    exclusions_that_leave_nothing_are_refused: "[grid]\nlr = [0.1, 0.2]\nexclude = [{ lr = 0.1 }, { lr = 0.2 }]\n";
    a_grid_too_large_is_refused_with_its_product: "[experiment]\nseeds = [1, 2]\n[grid]\nlr = { log = [1e-9, 1], steps = 1000000000 }\ndropout = { from = 0, to = 0.9, step = 1e-7 }\nlayers = [[8], [4]]\n";
    a_baseline_without_a_known_kind_is_refused: "[[baseline]]\nrounds = 3\n[[baseline]]\nkind = \"xgbost\"\n[[baseline]]\nkind = \"mlp\"\n[[baseline]]\nkind = 3\n";
    a_single_baseline_table_is_refused: "[baseline]\nkind = \"xgboost\"\n";
    bad_settings_of_baselines_are_refused: "[[baseline]]\nkind = \"xgboost\"\neta = 2\nlr = 0.1\nrounds = [1, 2]\nmax_depth = 3\ngrid = { max_depth = [5, 10], subsmple = [0.5], gamma = 1 }\n";
    slots_that_cannot_be_are_refused: "[model]\n[schedule]\nslots = { cpu = 0, cuda = [0], tpu = 1 }\nengine = \"torch\"\n";
    bad_limits_of_the_schedule_are_refused: "[model]\n[schedule]\nslots = 2\ntrial_timeout = 30\nretries = 11\nengine = \"jax\"\n";
    nothing_to_train_is_refused: "";
    a_flag_out_of_range_names_the_flag: "[model]\nepochs = 3\n", "model.epochs=0", "model.droput=0.1", "grid.lr=[0.1, 0.1]";
    a_flag_that_is_none_is_refused: "[model]\n", "epochs", "model..lr=1", "model.lr=[0.1", "=3", "model.lr=";
    a_flag_into_a_list_that_is_not_there_is_refused: "[model]\n[[baseline]]\nkind = \"xgboost\"\n", "baseline.1.rounds=3", "baseline.xgboost.rounds=3";
}

#[test]
fn missing_tables_and_keys_are_all_named() {
    insta::assert_snapshot!(refused("[model]\n", &[]));
    insta::assert_snapshot!(refused("[data]\nscale = \"none\"\n[model]\n", &[]));
    insta::assert_snapshot!(refused(
        "data = 3\nmodel = 4\ngrid = 5\nschedule = 6\nbaseline = [7]",
        &[]
    ));
}

#[test]
fn a_file_whose_name_cannot_name_an_experiment_must_give_one() {
    let source = Source {
        path: "experiments/.hidden file.toml".into(),
        text: format!("{DATA}[model]\n"),
    };
    let problems = parse(&source, &[]).expect_err("no name");
    insta::assert_snapshot!(drawn(&source.text, &[], &problems));
}

#[test]
fn a_full_file_is_read() {
    let experiment = good(&[]);
    assert_eq!(experiment.name, "genres");
    assert_eq!(experiment.seeds, [1, 2]);
    assert_eq!(experiment.objective.metric, "valid/loss");
    let data = &experiment.data;
    assert_eq!(data.exclude["mode"], ["1"]);
    assert_eq!(data.missing.of("tempo"), MissingPolicy::Median);
    assert_eq!(data.missing.of("key"), MissingPolicy::Mode);
    assert_eq!(data.scale, Scale::None);
    assert_eq!(
        (data.split.valid, data.split.test, data.split.seed),
        (0.25, 0.1, 7)
    );
    let networks = experiment.networks.as_ref().expect("networks");
    let keys: Vec<String> = networks
        .groups
        .iter()
        .map(|group| group.keys.join("+"))
        .collect();
    assert_eq!(keys, ["layers+batch_size", "lr", "dropout"]);
    assert_eq!(networks.combinations(), 18);
    assert_eq!(networks.groups[2].rows[2], [Value::Float(0.3)]);
    assert_eq!(networks.fixed, ["epochs", "early_stopping"]);
    assert_eq!(experiment.baselines[0].combinations(), 2);
    assert_eq!(experiment.baselines[1].combinations(), 1);
    let expected = Schedule {
        slots: Slots::Cpu(2),
        trial_timeout: Some(Duration::from_secs(1800)),
        retries: 0,
        engine: Engine::Native,
    };
    assert_eq!(experiment.schedule, expected);
}

#[test]
fn what_a_file_leaves_out_has_the_documented_default() {
    let text = format!("{DATA}test_path = \"test.csv\"\n[[baseline]]\nkind = \"xgboost\"\n");
    let experiment = parse(&source(&text), &[]).expect("a short file is enough");
    assert_eq!(
        (experiment.name.as_str(), &experiment.seeds[..]),
        ("bad", &[1][..])
    );
    assert_eq!(experiment.objective, Objective::default());
    assert_eq!(experiment.networks, None);
    assert_eq!(experiment.schedule, Schedule::default());
    let split = SplitSpec {
        valid: 0.2,
        test: 0.0,
        test_path: Some("test.csv".into()),
        stratify: true,
        seed: 42,
    };
    assert_eq!(experiment.data.split, split);
    assert_eq!(experiment.data.missing.of("x"), MissingPolicy::Error);
    assert_eq!(experiment.data.numeric, None);
}

#[test]
fn flags_replace_what_the_file_says() {
    let experiment = good(&[
        "model.epochs=5",
        "model.optimizer=sgd",
        "model.dropout=0.5",
        "grid.lr=[0.1]",
        "baseline.0.grid.rounds=[10, 20]",
        "data.split.seed=8",
        "schedule.slots=auto",
        "data.path=data/other.csv",
        "experiment.seeds=[9]",
        "grid.exclude=[]",
    ]);
    let networks = experiment.networks.as_ref().expect("networks");
    assert_eq!(networks.combinations(), 2);
    let params = networks.base.params();
    for expected in [
        ("epochs", Value::Int(5)),
        ("dropout", Value::Float(0.5)),
        ("optimizer", Value::Text("sgd".to_owned())),
    ] {
        let (key, value) = expected;
        assert!(params.contains(&(key.to_owned(), value)), "{key}");
    }
    assert_eq!(experiment.baselines[0].combinations(), 4);
    assert_eq!(
        (experiment.data.split.seed, experiment.data.split.valid),
        (8, 0.25)
    );
    assert_eq!(experiment.schedule.slots, Slots::Auto);
    assert_eq!(experiment.data.path.to_str(), Some("data/other.csv"));
    assert_eq!(experiment.seeds, [9]);
    // What a flag sets has no place in the file.
    assert_eq!(experiment.span_of("data.path"), None);
    assert_eq!(
        experiment.diagnose("data.path", "no such file").origin,
        Origin::Flag(7)
    );
}

#[test]
fn a_flag_can_make_an_axis_of_a_fixed_key() {
    let experiment = good(&["grid.epochs=[1, 2, 3]"]);
    assert_eq!(
        experiment.networks.map(|space| space.combinations()),
        Some(54)
    );
}

#[test]
fn spans_lead_to_the_key_or_to_what_is_around_it() {
    let experiment = good(&[]);
    let at = |key| experiment.span_of(key).map(|span| &GOOD[span]);
    assert_eq!(at("data.path"), Some("\"data/songs.csv\""));
    assert_eq!(at("data.numeric[1]"), Some("\"tempo\""));
    assert_eq!(at("data.numeric[2]"), Some("\"my.odd.column\""));
    assert_eq!(
        at("data.numeric[9]"),
        Some("[\"energy\", \"tempo\", \"my.odd.column\"]")
    );
    assert_eq!(at("data.missing.key"), Some("\"mode\""));
    assert_eq!(at("grid.layers[1][0]"), Some("16"));
    assert_eq!(at("grid.lr[2]"), Some("{ log = [1e-4, 1e-2], steps = 3 }"));
    assert_eq!(at("baseline[0].grid.max_depth[1]"), Some("10"));
    assert_eq!(at("model.batch_size"), Some("[model]"));
    assert_eq!(at("data.test_path"), Some("[data]"));
    assert_eq!(at("nowhere.at.all"), None);
}

#[test]
fn crlf_and_a_byte_order_mark_change_nothing() {
    let text = format!("\u{feff}{}", GOOD.replace('\n', "\r\n"));
    let experiment = parse(&source(&text), &[]).expect("the same file");
    let span = experiment.span_of("data.path").expect("a span");
    assert_eq!(&text[span], "\"data/songs.csv\"");
    assert_eq!(experiment.data, good(&[]).data);
}

#[test]
fn files_too_long_or_not_of_text_are_refused() {
    let path = Path::new("bad.toml");
    let long = Source::from_bytes(path, vec![b'\n'; MAX_FILE_BYTES + 1]);
    assert!(long.is_err_and(|problem| problem.message.contains("longer than")));
    assert!(Source::from_bytes(path, vec![b'\n'; MAX_FILE_BYTES]).is_ok());
    let binary = Source::from_bytes(path, b"a = 1\nb = \"\xff\"\n".to_vec());
    assert!(binary.is_err_and(|problem| problem.message.contains("line 2")));
    assert!(parse(&source(&"\n".repeat(MAX_FILE_BYTES + 1)), &[]).is_err());
}

#[test]
fn a_thousand_errors_are_cut_short() {
    let keys: String = (0..1000).map(|key| format!("k{key} = 1\n")).collect();
    let problems = parse(&source(&format!("{DATA}[model]\n{keys}")), &[]).expect_err("bad keys");
    assert_eq!(problems.len(), MAX_DIAGNOSTICS);
    let help = problems.last().and_then(|last| last.help.as_deref());
    assert!(help.is_some_and(|help| help.ends_with("900 more errors are not shown")));
}

#[test]
fn the_largest_grid_allowed_is_exactly_the_bound() {
    let grid = |steps: u64| {
        let axis = format!("[grid]\nlr = {{ lin = [1, 2], steps = {steps} }}\n");
        format!("{DATA}[experiment]\nseeds = [1, 2]\n{axis}")
    };
    assert!(parse(&source(&grid(MAX_TRIALS / 2 + 1)), &[]).is_err());
    let experiment = parse(&source(&grid(MAX_TRIALS / 2)), &[]).expect("just within the bound");
    let networks = experiment.networks.expect("networks");
    assert_eq!(networks.combinations() * 2, MAX_TRIALS);
}

#[test]
fn no_mangled_file_makes_the_reader_panic() {
    let stream = Stream::new(1, Purpose::Synthetic, 0, 0);
    let mut accepted = 0;
    for end in (0..GOOD.len()).filter(|end| GOOD.is_char_boundary(*end)) {
        accepted += usize::from(sound(&GOOD[..end]));
    }
    let pieces = [
        "=",
        "[",
        "]",
        "{",
        "}",
        "\"",
        "\n",
        "-",
        "0",
        "1e999",
        "nan",
        ",",
        ".",
        "é",
        "'",
        "[]",
        "{}",
        "true",
        "1970-01-01",
        "\u{0}",
        "9223372036854775807",
        "0x10",
    ];
    for round in 0..4000 {
        let mut text: Vec<char> = GOOD.chars().collect();
        for change in 0..=stream.below(round * 16, 3) as u32 {
            let at = stream.below(round * 16 + 4 * change + 1, text.len());
            let piece = pieces[stream.below(round * 16 + 4 * change + 2, pieces.len())];
            let cut = stream
                .below(round * 16 + 4 * change + 3, 12)
                .min(text.len() - at);
            text.splice(at..at + cut, piece.chars());
        }
        accepted += usize::from(sound(&text.into_iter().collect::<String>()));
    }
    assert!(
        accepted > 50,
        "{accepted} of the files should still be sound"
    );
}

/// Whether `text` is accepted; every diagnostic of one that is not must point into it.
fn sound(text: &str) -> bool {
    match parse(&source(text), &[]) {
        Ok(experiment) => {
            assert!(
                experiment
                    .spaces()
                    .all(|space| space.combinations() <= MAX_TRIALS)
            );
            true
        }
        Err(diagnostics) => {
            assert!(!diagnostics.is_empty());
            drawn(text, &[], &diagnostics);
            false
        }
    }
}

fn good(flags: &[&str]) -> Experiment {
    let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
    match parse(&source(GOOD), &flags) {
        Ok(experiment) => experiment,
        Err(diagnostics) => panic!("{}", drawn(GOOD, &flags, &diagnostics)),
    }
}
