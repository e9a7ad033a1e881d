//! Every kind of bad experiment file, each with the diagnostics that it gives.

use super::{DATA, drawn, source};
use crate::{Source, parse};

/// What is wrong with `text` under `flags`, drawn.
fn refused(text: &str, flags: &[&str]) -> String {
    let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
    match parse(&source(text), &flags) {
        Ok(experiment) => panic!("this was accepted:\n{text}\n{experiment:#?}"),
        Err(diagnostics) => drawn(text, &flags, &diagnostics),
    }
}

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
    shares_that_cannot_be_are_refused: "[experiment]\nlearning_curve = [0.1, 0, 1.5, \"all\", 0.1]\n[model]\n";
    a_learning_curve_without_shares_is_refused: "[experiment]\nlearning_curve = []\n[model]\n";
    a_transfer_without_source_and_networks_is_refused: "[[baseline]]\nkind = \"xgboost\"\n[transfer]\n";
    bad_settings_of_a_transfer_are_refused: "[model]\n[transfer]\nfrom = \"\"\nlayers = \"all\"\nfreeze = [0, -1, 0]\nlr = 0\nlr_scale = [1.0]\nlerning_rate = 3\n";
    a_test_file_beside_a_transfer_is_refused: "test_path = \"test.csv\"\n[model]\n[transfer]\nfrom = \"a:best\"\n";
    a_grid_too_large_with_its_shares_and_transfers_is_refused: "[experiment]\nlearning_curve = [0.1, 0.5]\n[grid]\nlr = { lin = [0.1, 0.2], steps = 100000 }\n[transfer]\nfrom = \"a:best\"\nfreeze = [0, 1, 2]\n";
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
    parts_of_schedules_at_fault_are_pointed_at: "[model]\nlr_schedule = { kind = \"cosine\", floor = 2 }\nearly_stopping = { patience = 0 }\nlayers = [64, 0]\nembedding = { kind = \"ple\", bin = 3 }\n";
    entries_of_another_kind_are_told_of_which: "[model]\nlr_schedule = { kind = \"cosine\", every = 3 }\nembedding = { kind = \"none\", bins = 3, frequencies = 8 }\nbetas = [0.9]\n";
    every_part_at_fault_is_told: "[model]\nlr_schedule = { kind = \"step\", every = 0, gamma = 0 }\nlayers = [0, 8, -1]\nbetas = [1, 2]\nearly_stopping = { patience = 0, min_delta = -1 }\n";
    misspelt_parts_of_schedules_are_refused_with_the_nearest: "[model]\nlr_schedule = { kind = \"cosine\", flor = 0.1 }\nactivation = \"RELU\"\n[schedule]\nstall_timeout = \"0s\"\n";
    parts_on_an_axis_are_pointed_at: "[grid]\nlr_schedule = [\"cosine\", { kind = \"step\" }, { kind = \"step\", every = 3, gamma = 0 }]\nearly_stopping = [false, { patience = 3, min_delta = -1 }]\n";
    a_name_that_begins_like_a_flag_is_refused: "[experiment]\nname = \"-dash\"\n[model]\n";
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
    text_of_the_wrong_shape_is_refused: "text = [\"title\"]\n[model]\n";
    a_text_without_what_it_needs_is_refused: "text = [{ columns = [] }, { column = [\"title\"], encoder = \"tfidff\", dims = 0 }]\n[model]\n";
    options_of_text_out_of_range_are_refused: "[[data.text]]\ncolumns = [\"title\"]\nencoder = \"tfidf\"\ndims = 5000\nanalyzer = \"chars\"\nngrams = [2, 1]\nlowercase = 1\nmin_count = 0\nmax_terms = 1000001\n[[data.text]]\ncolumns = [\"title\"]\nencoder = \"tfidf\"\ndims = 50\nmax_terms = 20\nngrams = [1, 11]\n[model]\n";
    options_that_an_encoder_does_not_have_are_refused: "text = { columns = [\"title\"], encoder = \"hashing\", dims = 64, sublinear = true, min_count = 1 }\n[model]\n";
    a_sentence_encoder_has_a_model_and_no_terms: "[[data.text]]\ncolumns = [\"title\"]\nencoder = \"sentence\"\ndims = 5\nngrams = [1, 2]\n[[data.text]]\ncolumns = [\"title\"]\nencoder = \"tfidf\"\ndims = 5\nmodel = \"folder\"\n[model]\n";
    columns_of_text_with_another_part_are_refused: "group = \"track\"\ncategorical = [\"key\"]\ntext = [{ columns = [\"title\", \"key\", \"title\"], encoder = \"tfidf\", dims = 9 }, { columns = [\"title\", \"genre\", \"track\"], encoder = \"tfidf\", dims = 9 }]\nmissing = { title = \"median\" }\n[model]\n";
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
    slots_that_cannot_be_are_refused: "[model]\n[schedule]\nslots = { cpu = 0, cuda = [0, 0], tpu = 1 }\nengine = \"jax\"\n";
    gpus_beside_the_native_engine_are_refused: "[model]\n[schedule]\nslots = { cpu = 1, cuda = \"all\" }\nengine = \"native\"\n";
    what_is_said_of_gpus_where_there_are_none_is_refused: "[model]\n[schedule]\nslots = { cpu = 1 }\nengine = \"native\"\ngpu_shares = 17\ntf32 = true\n";
    bad_limits_of_the_schedule_are_refused: "[model]\n[schedule]\nslots = 2\ntrial_timeout = 30\nstall_timeout = \"0s\"\nretries = 11\nengine = \"jax\"\n";
    a_memory_limit_and_checkpoints_that_cannot_be_are_refused: "[model]\nevery = 3\n[schedule]\nmemory_limit = \"2 gigs\"\ncheckpoint = { every = 5, cost = 0, evry = 1 }\n";
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
