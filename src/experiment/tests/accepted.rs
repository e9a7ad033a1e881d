//! What sound files and flags mean, and where their keys stand.

use std::time::Duration;

use super::{DATA, GOOD, good, source};
use crate::{Checkpoints, Cuda, Engine, Origin, Schedule, Slots, parse};
use sweep_core::data_config::Edition;
use sweep_core::data_config::{Analyzer, Hashing, MissingPolicy, Scale, Terms, TextEncoder, Tfidf};
use sweep_core::split_spec::{SplitBy, SplitSpec};
use sweep_core::trial::models::MlpSpec;
use sweep_core::trial::{Kind, Value};

#[test]
fn a_full_file_is_read() {
    let experiment = good(&[]);
    assert_eq!(experiment.name, "genres");
    assert_eq!(experiment.seeds, [1, 2]);
    assert_eq!(experiment.objective.as_ref().unwrap().metric, "valid/loss");
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
        slots: Slots::These {
            cpu: 2,
            cuda: Cuda::These(Vec::new()),
            carried: Vec::new(),
        },
        trial_timeout: Some(Duration::from_secs(1800)),
        stall_timeout: None,
        retries: 0,
        engine: Engine::Native,
        ..Schedule::default()
    };
    assert_eq!(experiment.schedule, expected);
}

#[test]
fn what_a_worker_may_cost_is_read() {
    let read = |text: &str| {
        let text = format!("{DATA}[model]\n[schedule]\n{text}\n");
        parse(&source(&text), &[], Edition::default())
            .expect("sound")
            .schedule
    };
    let schedule = read("memory_limit = \"2GiB\"\ncheckpoint = { every = \"1m30s\", cost = 1 }");
    assert_eq!(schedule.memory_limit, Some(2 << 30));
    let Checkpoints { every, cost } = schedule.checkpoint;
    assert_eq!((every, cost), (Duration::from_secs(90), 1.0));
    let schedule = read("memory_limit = false\ncheckpoint = { cost = 0.5 }");
    assert_eq!(schedule.memory_limit, None);
    let Checkpoints { every, cost } = schedule.checkpoint;
    assert_eq!((every, cost), (Duration::from_secs(5), 0.5));
}

#[test]
fn what_a_file_leaves_out_has_the_documented_default() {
    let text = format!("{DATA}test_path = \"test.csv\"\n[[baseline]]\nkind = \"xgboost\"\n");
    let experiment =
        parse(&source(&text), &[], Edition::default()).expect("a short file is enough");
    assert_eq!(
        (experiment.name.as_str(), &experiment.seeds[..]),
        ("bad", &[1][..])
    );
    assert_eq!(experiment.objective, None);
    assert_eq!(experiment.networks, None);
    assert_eq!(experiment.schedule, Schedule::default());
    let split = SplitSpec {
        valid: 0.2,
        test: 0.0,
        test_path: Some("test.csv".into()),
        stratify: true,
        seed: 42,
        by: SplitBy::Chance,
        folds: None,
    };
    assert_eq!(experiment.data.split, split);
    assert_eq!(experiment.data.missing.of("x"), MissingPolicy::Error);
    assert_eq!(experiment.data.numeric, None);
}

#[test]
fn a_file_without_a_model_stands_for_a_network_and_every_baseline() {
    let read = |edition| parse(&source(DATA), &[], edition);
    let experiment = read(Edition::default()).expect("[data] is enough");
    assert!(experiment.names_no_model);
    let bases: Vec<_> = experiment.spaces().map(|space| &space.base).collect();
    let kinds: Vec<Kind> = bases.iter().map(|base| base.kind()).collect();
    let trained = Kind::all().filter(|kind| !kind.is_open());
    assert_eq!(kinds, trained.collect::<Vec<_>>());
    for base in bases {
        for (name, value) in base.kind().def().of_no_model {
            assert_eq!(base.get(name), Some(&value.value()), "{name}");
        }
    }
    assert!(read(Edition::Third).is_err(), "as it was before");
    let text = format!("{DATA}[[baseline]]\nkind = \"random_forest\"\n");
    let named = parse(&source(&text), &[], Edition::default()).expect("sound");
    assert!(!named.names_no_model && named.networks.is_none());
}

#[test]
fn text_is_one_table_or_several_with_documented_defaults() {
    let read = |text: &str| {
        let text = format!("{DATA}group = \"track\"\n{text}\n[model]\n");
        parse(&source(&text), &[], Edition::default())
            .expect("this is sound")
            .data
            .text
    };
    let single = read("text = { columns = [\"a\", \"track\"], encoder = \"tfidf\", dims = 7 }");
    assert_eq!(single[0].columns, ["a", "track"]);
    let words = Terms {
        analyzer: Analyzer::Word,
        ngrams: [1, 1],
        lowercase: true,
    };
    let defaults = Tfidf {
        terms: words,
        sublinear: false,
        min_count: 2,
        max_terms: 50_000,
        dims: 7,
    };
    assert_eq!(single[0].encoder, TextEncoder::Tfidf(defaults));
    let several = read(
        "[[data.text]]\ncolumns = [\"a\"]\nencoder = \"tfidf\"\ndims = 20\nngrams = [1, 2]\n\
         sublinear = true\nmin_count = 1\nmax_terms = 20\nlowercase = false\n\
         [[data.text]]\ncolumns = [\"a\"]\nencoder = \"hashing\"\ndims = 9\nanalyzer = \"char\"\n",
    );
    let TextEncoder::Tfidf(tfidf) = &several[0].encoder else {
        panic!("{several:?}");
    };
    assert_eq!((tfidf.terms.ngrams, tfidf.terms.lowercase), ([1, 2], false));
    assert!(tfidf.sublinear && tfidf.min_count == 1 && tfidf.max_terms == 20);
    let characters = Terms {
        analyzer: Analyzer::Char,
        ngrams: [3, 5],
        lowercase: true,
    };
    let hashing = Hashing {
        terms: characters,
        dims: 9,
    };
    assert_eq!(several[1].encoder, TextEncoder::Hashing(hashing));
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
        "data.group=3fa9c1:best",
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
    assert_eq!(experiment.data.path().to_str(), Some("data/other.csv"));
    assert_eq!(experiment.seeds, [9]);
    assert_eq!(experiment.data.group.as_deref(), Some("3fa9c1:best"));
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
fn all_rows_lead_a_learning_curve_whether_named_or_not() {
    for (written, fractions) in [
        ("[0.1, 0.25, 1.0]", vec![1.0, 0.1, 0.25]),
        ("[0.5]", vec![1.0, 0.5]),
        ("[1]", vec![1.0]),
    ] {
        let experiment = good(&[&format!("experiment.learning_curve={written}")]);
        assert_eq!(experiment.train_fractions, fractions);
    }
    assert_eq!(good(&[]).train_fractions, [1.0]);
}

/// The experiment with `rest` after a sound `[data]` table.
fn read(rest: &str) -> crate::Experiment {
    match parse(&source(&format!("{DATA}{rest}")), &[], Edition::default()) {
        Ok(experiment) => experiment,
        Err(problems) => panic!("{problems:#?}"),
    }
}

fn network(layers: &[usize]) -> MlpSpec {
    MlpSpec {
        layers: layers.to_vec(),
        batch_norm: true,
        lr: 0.5,
        ..Default::default()
    }
}

#[test]
fn a_transfer_has_every_way_of_its_axes_once_its_source_is_known() {
    let text = "[model]\nlr = 0.001\n[transfer]\nfrom = \"a:best\"\nfreeze = [0, 2]\nlr_scale = [1, 0.1]\n";
    let mut experiment = read(text);
    let trial = sweep_core::trial::TrialId::from_hex("ab".repeat(16));
    let model = network(&[8, 4]);
    let ways = |experiment: &crate::Experiment| {
        let own = MlpSpec {
            lr: 0.001,
            ..network(&[8, 4])
        };
        experiment.transfer.as_ref().unwrap().transfers(&own)
    };
    assert!(ways(&experiment).is_empty());
    experiment.adopt(&trial, &model, &"0".repeat(64)).unwrap();
    let ways = ways(&experiment);
    let shown: Vec<(usize, usize, f64)> = ways
        .iter()
        .map(|way| (way.layers, way.freeze, way.lr))
        .collect();
    assert_eq!(
        shown,
        [(2, 0, 0.001), (2, 0, 0.0001), (2, 2, 0.001), (2, 2, 0.0001)]
    );
    // The architecture is that of the source, its learning rate is not.
    let base = &experiment.networks.as_ref().unwrap().base;
    let given = |name: &str| base.get(name).expect("a setting of networks").clone();
    let layers = Value::List(vec![Value::Int(8), Value::Int(4)]);
    assert_eq!(
        (given("layers"), given("batch_norm")),
        (layers, Value::Bool(true))
    );
    assert_eq!(given("lr"), Value::Float(0.001));
}

#[test]
fn what_contradicts_the_source_of_a_transfer_is_pointed_at() {
    let refused = |rest: &str, layers: &[usize]| -> String {
        let text = format!("{DATA}{rest}");
        let mut experiment = read(rest);
        let trial = sweep_core::trial::TrialId::from_hex("ab".repeat(16));
        let problems = experiment
            .adopt(&trial, &network(layers), &"0".repeat(64))
            .expect_err("this must be refused");
        super::drawn(&text, &[], &problems)
    };
    let transfer = "[transfer]\nfrom = \"a:best\"\n";
    let cases = [
        (
            "[model]\nlayers = [8]\n[grid]\nbatch_norm = [true, false]\n",
            "",
            &[8, 4][..],
        ),
        ("[model]\n", "layers = 3\n", &[8, 4]),
        ("[model]\n", "layers = 1\nfreeze = [1, 2]\n", &[8, 4]),
        ("[model]\n", "", &[]),
    ];
    let table = cases.map(|(before, after, layers)| {
        let rest = format!("{before}{transfer}{after}");
        format!(
            "{rest}# layers of the source: {layers:?}\n---\n{}",
            refused(&rest, layers)
        )
    });
    insta::assert_snapshot!(table.join("\n"));
    // What is equal is no contradiction.
    let mut same = read(&format!(
        "[model]\nlayers = [8, 4]\nbatch_norm = true\n{transfer}"
    ));
    let trial = sweep_core::trial::TrialId::from_hex("ab".repeat(16));
    assert!(
        same.adopt(&trial, &network(&[8, 4]), &"0".repeat(64))
            .is_ok()
    );
}

#[test]
fn slots_and_engines_are_read() {
    let slots = |schedule: &str| {
        let text = format!("{DATA}[model]\n[schedule]\n{schedule}\n");
        let experiment = parse(&source(&text), &[], Edition::default()).unwrap();
        (experiment.schedule.slots, experiment.schedule.engine)
    };
    let these = |cpu: usize, cuda: Cuda| Slots::These {
        cpu,
        cuda,
        carried: Vec::new(),
    };
    assert_eq!(
        slots("slots = { cpu = 2, cuda = [1, 0] }\nengine = \"torch\""),
        (these(2, Cuda::These(vec![1, 0])), Engine::Torch)
    );
    assert_eq!(
        slots("slots = { cuda = \"all\" }"),
        (these(0, Cuda::All), Engine::Auto)
    );
    assert_eq!(slots("engine = \"native\""), (Slots::Auto, Engine::Native));
}

#[test]
fn slots_elsewhere_are_read_with_what_suits_their_carriers() {
    let text = format!(
        "{DATA}[model]\n[schedule]\nslots = [
  {{ cpu = 2 }},
  {{ via = [\"/usr/bin/ssh\", \"gpu1\"], cpu = 8, cuda = [1, 0] }},
  {{ via = [\"srun\", \"-n1\"], cpu = 4 }},
  {{ via = [\"srun\", \"-n1\"], cpu = 4, start_timeout = \"2h\" }},
  {{ via = [\"box\"], cuda = [0], name = \"b\", program = \"/opt/sweep\", shell = true, ending = \"3s\", ping_timeout = \"5s\" }},
]\n"
    );
    let experiment = parse(&source(&text), &[], Edition::default()).unwrap();
    let Slots::These { cpu, cuda, carried } = experiment.schedule.slots else {
        panic!("slots were named")
    };
    assert_eq!((cpu, cuda), (2, Cuda::These(Vec::new())));
    let names: Vec<_> = carried.iter().map(|slots| &slots.carrier.name).collect();
    assert_eq!(names, ["gpu1", "srun", "srun-2", "b"]);
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let timeouts: Vec<_> = carried.iter().map(|it| it.carrier.start_timeout).collect();
    assert_eq!(timeouts, [None, seconds(3600), seconds(7200), None]);
    let shells: Vec<_> = carried.iter().map(|slots| slots.carrier.shell).collect();
    assert_eq!(shells, [true, false, false, true]);
    assert_eq!((carried[0].cpu, &carried[0].gpus), (8, &vec![1, 0]));
    assert_eq!((carried[3].cpu, &carried[3].gpus), (0, &vec![0]));
    let last = &carried[3].carrier;
    assert_eq!(last.program.as_deref(), Some("/opt/sweep".as_ref()));
    assert_eq!(
        (Some(last.ending), Some(last.ping_timeout)),
        (seconds(3), seconds(5))
    );
}

#[test]
fn what_is_said_of_gpus_is_read() {
    let read = |schedule: &str| {
        let text = format!("{DATA}[model]\n[schedule]\n{schedule}\n");
        let schedule = parse(&source(&text), &[], Edition::default())
            .unwrap()
            .schedule;
        (schedule.gpu_shares, schedule.tf32)
    };
    assert_eq!(read(""), (None, false));
    assert_eq!(read("gpu_shares = \"auto\"\ntf32 = true"), (None, true));
    assert_eq!(
        read("slots = { cuda = [0] }\ngpu_shares = 3"),
        (Some(3), false)
    );
    assert_eq!(read("slots = { cpu = 1 }\ntf32 = false"), (None, false));
}

#[test]
fn a_column_decides_on_the_split_and_one_of_times_may_be_a_feature() {
    let text = |data: &str| format!("[data]\npath = \"a.csv\"\ntarget = \"c\"\n{data}\n[model]\n");
    let by = |data: &str| {
        let parsed = parse(&source(&text(data)), &[], Edition::default());
        parsed.unwrap().data.split
    };
    let time = by("date = [\"t\"]\nsplit = { time = \"t\", test = 0.1, time_format = \"iso\" }");
    assert_eq!((time.valid, time.test, time.stratify), (0.2, 0.1, false));
    assert_eq!(
        time.by,
        SplitBy::Time {
            column: "t".to_owned(),
            format: Some("iso".to_owned()),
            gap: 0,
        }
    );
    let sides = by("split = { column = \"fold\" }");
    assert_eq!(sides.by, SplitBy::Column("fold".to_owned()));
}
