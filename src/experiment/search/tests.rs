//! Searches of experiment files, sound ones and others.

use super::{Budget, Coordinate, Domain, Finish, Measured, Method, Rungs};
use crate::{Experiment, Source, parse};
use sweep_core::data_config::Edition;
use sweep_core::trial::Value;

const DATA: &str = "[data]\npath = \"x.csv\"\ntarget = \"y\"\n";

fn parsed(text: &str) -> Result<Experiment, Vec<String>> {
    let source = Source {
        path: "x.toml".into(),
        text: format!("{DATA}{text}"),
    };
    parse(&source, &[], Edition::default()).map_err(|problems| {
        problems
            .into_iter()
            .map(|problem| problem.message)
            .collect()
    })
}

#[test]
fn a_search_is_read_with_its_space() {
    let experiment = parsed(
        "[model]\nepochs = 27\n[search]\nmethod = \"asha\"\nseed = 3\nwidth = 4\nbudget = { epochs = 100 }
         rungs = [1, 9]\nfinish = { top = 4, trainings = 8 }\nobjectives = [\"valid/accuracy\", \"parameters\"]
         constraints = [\"parameters <= 1e5\", \"lr * batch_size >= 0.01\"]
         enqueue = [{ lr = 0.01, layers = [32], optimizer = \"adam\" }]
         [search.space]\nlr = { log = [1e-4, 1e-2] }\nlayers = [[32], [64, 64]]\noptimizer = [\"adam\", \"sgd\"]
         momentum = { lin = [0.0, 0.9], when = { optimizer = \"sgd\" } }\nbatch_size = { int = [16, 256], log = true }
         dropout = { lin = [0.0, 0.4], steps = 3 }",
    );
    let experiment = experiment.unwrap_err();
    // `batch_size` is "auto" by default, which an enqueued point has to settle.
    assert_eq!(
        experiment,
        ["`search.enqueue[0]` does not say what `batch_size` is"]
    );
}

fn sound() -> Experiment {
    parsed(
        "[model]\nepochs = 27\n[search]\nmethod = \"asha\"\nseed = 3\nwidth = 4\nbudget = { epochs = 100 }
         rungs = [1, 9]\nfinish = { top = 4, trainings = 8 }\nobjectives = [\"valid/accuracy\", \"parameters\"]
         constraints = [\"parameters <= 1e5\", \"lr * (batch_size + 0) >= 0.01\", \"valid/macro_f1 >= .5\"]
         enqueue = [{ lr = 0.01, layers = [32], optimizer = \"adam\", batch_size = 16, dropout = 0.2 }]
         [search.space]\nlr = { log = [1e-4, 1e-2] }\nlayers = [[32], [64, 64]]\noptimizer = [\"adam\", \"sgd\"]
         momentum = { lin = [0.0, 0.9], when = { optimizer = \"sgd\" } }\nbatch_size = { int = [16, 256], log = true }
         dropout = { lin = [0.0, 0.4], steps = 3 }",
    )
    .unwrap()
}

#[test]
fn everything_a_search_says_is_kept() {
    let experiment = sound();
    assert_eq!(experiment.networks, None);
    let search = &experiment.searches[0];
    assert_eq!(
        (search.method, search.seed, search.width),
        (Method::Asha, 3, 4)
    );
    assert_eq!(search.budget, Budget::Epochs(100));
    assert_eq!(search.rungs, Rungs::Steps(vec![1, 9]));
    assert_eq!(
        search.finish,
        Some(Finish {
            top: 4,
            trainings: 8
        })
    );
    assert_eq!(search.objectives[1].metric, "parameters");
    let space = &search.space;
    let keys: Vec<Vec<&str>> = (0..space.dimensions()).map(|at| space.keys(at)).collect();
    assert_eq!(
        keys.concat(),
        [
            "layers",
            "optimizer",
            "dropout",
            "lr",
            "momentum",
            "batch_size"
        ]
    );
    let log = Domain::Real {
        low: 1e-4,
        high: 1e-2,
        log: true,
    };
    assert_eq!(space.ranges[0].domain, log);
    let [point] = &search.enqueue[..] else {
        panic!("one point")
    };
    assert_eq!(point[..3], [0, 0, 1].map(Coordinate::Row));
    assert_eq!(point[4..], [Coordinate::Inactive, Coordinate::Integer(16)]);
    let model = space.model(point);
    assert_eq!(model.get("lr"), Some(&Value::Float(0.01)));
    assert_eq!(model.get("batch_size"), Some(&Value::Int(16)));
}

#[test]
fn points_in_between_make_models_with_short_values() {
    let experiment = sound();
    let space = &experiment.searches[0].space;
    let mut point = experiment.searches[0].enqueue[0].clone();
    point[1] = Coordinate::Row(1);
    point[3] = Coordinate::Unit(0.123456789);
    point[4] = Coordinate::Unit(0.5);
    let model = space.model(&point);
    assert_eq!(model.get("lr"), Some(&Value::Float(0.000176569)));
    assert_eq!(model.get("momentum"), Some(&Value::Float(0.45)));
    point[3] = Coordinate::Unit(1.0);
    assert_eq!(space.model(&point).get("lr"), Some(&Value::Float(0.01)));
}

#[test]
fn constraints_hold_or_are_missed_by_a_number() {
    let experiment = sound();
    let search = &experiment.searches[0];
    let model = search.space.model(&search.enqueue[0]);
    let metrics = |name: &str| (name == "valid/macro_f1").then_some(0.25);
    let of = Measured {
        model: &model,
        parameters: 150_000,
        metrics: &metrics,
    };
    let violations: Vec<f64> = search
        .constraints
        .iter()
        .map(|one| one.violation(&of))
        .collect();
    assert_eq!(violations[0], 50_000.0);
    assert!((violations[1] + 0.15).abs() < 1e-12, "{violations:?}");
    assert_eq!(violations[2], 0.25);
    let known: Vec<bool> = search
        .constraints
        .iter()
        .map(|one| one.is_known_before())
        .collect();
    assert_eq!(known, [true, true, false]);
}

#[test]
fn rungs_are_fractions_of_the_last_step() {
    let ladder = Rungs::Ladder {
        first: Some(1),
        eta: 3,
    };
    assert_eq!(ladder.steps(Method::Auto, 27), [1, 3, 9, 27]);
    assert_eq!(ladder.steps(Method::Auto, 40), [1, 4, 13, 40]);
    assert_eq!(Rungs::Default.steps(Method::Auto, 600), [22, 67, 200, 600]);
    assert_eq!(Rungs::Default.steps(Method::Auto, 1), [1]);
    assert_eq!(Rungs::Default.steps(Method::Gp, 27), [27]);
    assert_eq!(Rungs::Off.steps(Method::Auto, 27), [27]);
    assert_eq!(
        Rungs::Steps(vec![2, 5, 30]).steps(Method::Auto, 27),
        [2, 5, 27]
    );
    let halves = Rungs::Ladder {
        first: Some(4),
        eta: 2,
    };
    assert_eq!(halves.steps(Method::Auto, 10), [5, 10]);
}

#[test]
fn a_baseline_has_a_search_of_its_own() {
    let experiment = parsed(
        "[[baseline]]\nkind = \"xgboost\"\nrounds = 100\n
         search = { budget = { trials = 20 }, space = { max_depth = { int = [2, 12] }, eta = { log = [0.01, 0.3] } } }",
    )
    .unwrap();
    assert!(experiment.baselines.is_empty());
    assert_eq!(experiment.searches[0].path, "baseline[0].search");
    assert_eq!(experiment.searches[0].budget, Budget::Trials(20));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn what_is_wrong_is_said_once_and_where() {
    let cases = [
        ("[search]\nwidth = 2", "`search` has no `space`"),
        ("[search]\n[search.space]", "`search.space` is empty"),
        (
            "[search.space]\nlr = { log = [0, 1] }",
            "`search.space.lr.log` must be two numbers above 0, the lower one first, such as [1e-4, 1e-2]",
        ),
        (
            "[search.space]\nlr = { log = [1e-4, 1e-2], step = 3 }",
            "unknown key `step` in `search.space.lr`",
        ),
        (
            "[search.space]\ndropout = { lin = [0.0, 1.5] }",
            "every value of `search.space.dropout` must be a number in [0, 1)",
        ),
        (
            "[search.space]\nepochs = { lin = [1.0, 9.0] }",
            "every value of `search.space.epochs` must be an integer from 1 to 1000000, or \"auto\"",
        ),
        (
            "[search.space]\nlearning_rate = { lin = [0.0, 1.0] }",
            "unknown key `learning_rate` in `search.space`",
        ),
        (
            "[model]\nlr = 0.1\n[search.space]\nlr = { log = [1e-4, 1e-2] }",
            "`lr` is both fixed and searched",
        ),
        (
            "[search]\nbudget = { trainings = 0 }\n[search.space]\nlr = [0.1, 0.2]",
            "`search.budget.trainings` must be a number from 1 to 100000",
        ),
        (
            "[search]\nbudget = { hours = 2 }\n[search.space]\nlr = [0.1, 0.2]",
            "unknown key `hours` in `search.budget`",
        ),
        (
            "[search]\nconstraints = [\"parameters < 3\"]\n[search.space]\nlr = [0.1, 0.2]",
            "\"parameters < 3\" is not a condition: it has neither <= nor >=",
        ),
        (
            "[search]\nconstraints = [\"layer <= 3\"]\n[search.space]\nlr = [0.1, 0.2]",
            "there is no setting or metric `layer`",
        ),
        (
            "[search]\nrungs = [3, 3]\n[search.space]\nlr = [0.1, 0.2]",
            "`search.rungs` must be false, a table such as { first = 1, eta = 3 }, or a list of steps in ascending order, such as [1, 3, 9]",
        ),
        (
            "[search]\nmethod = \"bayes\"\n[search.space]\nlr = [0.1, 0.2]",
            "`search.method` must be \"auto\", \"gp\", \"tpe\", \"random\", \"sobol\" or \"asha\"",
        ),
        (
            "[search.space]\nlr = [0.1, 0.2]\nmomentum = { lin = [0.0, 0.9], when = { optimizer = \"sgd\" } }",
            "`optimizer` is not an axis with single values",
        ),
        (
            "[search.space]\noptimizer = [\"adam\", \"sgd\"]\nmomentum = { lin = [0.0, 0.9], when = { optimizer = \"adamw\" } }",
            "`optimizer` is never adamw",
        ),
        (
            "[grid]\nlr = [0.1, 0.2]\n[search.space]\nlr = [0.1, 0.2]",
            "networks have either a grid or a search",
        ),
        (
            "[search]\nenqueue = [{ lr = 0.3 }]\n[search.space]\nlr = [0.1, 0.2]",
            "this value of `lr` is not in the space",
        ),
        (
            "[data.split]\nfolds = 3\n[search.space]\nlr = [0.1, 0.2]",
            "a search cannot be cross-validated",
        ),
        (
            "[experiment]\nlearning_curve = [0.5]\n[search.space]\nlr = [0.1, 0.2]",
            "a search has no learning curve",
        ),
        (
            "[search]\nrungs = [1]\n[search.space]\nepochs = [3, 9]",
            "`epochs` is searched, so that trials cannot pause at the same steps",
        ),
    ];
    for (text, expected) in cases {
        let problems = parsed(text).expect_err(text);
        assert_eq!(problems, [expected], "{text}");
    }
}
