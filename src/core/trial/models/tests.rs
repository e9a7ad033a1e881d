//! Settings are read, refused and named as their definitions say.

use super::super::value::Value;
use super::view::{table, word};
use super::*;

fn model(settings: &[(&str, Value)]) -> ModelSpec {
    let mut model = ModelSpec::new(Kind::MLP);
    for (name, value) in settings {
        if let Err(problem) = model.set(name, value) {
            panic!("{name} = {value}: {problem:?}");
        }
    }
    model
}

fn refused(name: &str, value: &Value) -> InvalidParam {
    let mut model = ModelSpec::new(Kind::MLP);
    let problem = model.set(name, value).expect_err(name);
    assert_eq!(model, ModelSpec::new(Kind::MLP), "{name} is left as it was");
    problem
}

#[test]
fn every_kind_has_names_of_its_own_and_sound_definitions() {
    for kind in Kind::all() {
        assert_eq!(Kind::parse(kind.name()), Some(kind));
        // Makes every default, and panics at one that is not allowed.
        let model = ModelSpec::new(kind);
        assert!(model.steps() > 0, "{kind:?}");
        for param in kind.params() {
            let twins = kind
                .params()
                .iter()
                .filter(|other| other.name == param.name);
            assert_eq!(twins.count(), 1, "{}", param.name);
            let other = param.unless.map(|(name, _)| kind.param(name).is_some());
            assert_ne!(other, Some(false), "{}", param.name);
            if let ParamType::Choice(choices) = param.ty {
                let uses = choices.iter().flat_map(|choice| choice.uses);
                for name in uses {
                    assert!(kind.param(name).is_some(), "{name}");
                }
            }
        }
    }
}

#[test]
fn structs_and_settings_say_the_same() {
    let spec = MlpSpec {
        lr_schedule: LrSchedule {
            warmup: 1.5,
            decay: Decay::Step {
                every: 3,
                gamma: 0.5,
            },
        },
        early_stopping: Some(EarlyStopping {
            patience: 4,
            min_delta: 0.01,
        }),
        betas: (0.8, 0.9),
        embedding: Embedding::Ple {
            bins: 7,
            text: true,
        },
        label_smoothing: 0.1,
        ema: 0.99,
        category_embedding: CategoryEmbedding::Width(7),
        ..MlpSpec::default()
    };
    let model = ModelSpec::from(spec.clone());
    assert_eq!(MlpSpec::of(&model), Some(spec.clone()));
    for category_embedding in [CategoryEmbedding::Auto, CategoryEmbedding::Off] {
        let spec = MlpSpec {
            category_embedding,
            ..spec.clone()
        };
        assert_eq!(MlpSpec::of(&ModelSpec::from(spec.clone())), Some(spec));
    }
    let json = serde_json::to_string(&model).unwrap();
    assert_eq!(serde_json::from_str::<ModelSpec>(&json).unwrap(), model);
    for kind in Kind::all() {
        let model = ModelSpec::new(kind);
        let mut copy = ModelSpec::new(kind);
        for (name, value) in model.params() {
            copy.set(&name, &value).unwrap();
        }
        assert_eq!(copy, model);
    }
    let boost = ModelSpec::from(XgboostSpec::default());
    assert_eq!(boost, ModelSpec::new(Kind::XGBOOST));
    assert_eq!(MlpSpec::of(&boost), None);
    let forest = ModelSpec::from(RandomForestSpec::default());
    assert_eq!(forest, ModelSpec::new(Kind::RANDOM_FOREST));
}

#[test]
fn one_value_is_kept_in_one_way() {
    for (name, given, kept) in [
        ("lr", Value::Int(1), Value::Float(1.0)),
        ("dropout", Value::Float(-0.0), Value::Float(0.0)),
        (
            "lr_schedule",
            table([("kind", word("cosine"))]),
            word("cosine"),
        ),
        (
            "lr_schedule",
            table([("kind", word("cosine")), ("warmup", Value::Int(1))]),
            table([
                ("kind", word("cosine")),
                ("floor", Value::Float(0.0)),
                ("warmup", Value::Float(1.0)),
            ]),
        ),
        (
            "early_stopping",
            table([("patience", Value::Int(3))]),
            table([
                ("patience", Value::Int(3)),
                ("min_delta", Value::Float(0.0)),
            ]),
        ),
        ("embedding", table([("kind", word("none"))]), word("none")),
        (
            "embedding",
            word("ple"),
            table([("kind", word("ple")), ("bins", Value::Int(32))]),
        ),
        (
            "embedding",
            table([
                ("kind", word("periodic")),
                ("frequencies", Value::Int(24)),
                ("sigma", Value::Float(0.5)),
            ]),
            table([
                ("kind", word("periodic")),
                ("frequencies", Value::Int(24)),
                ("sigma", Value::Float(0.5)),
                ("width", Value::Int(8)),
            ]),
        ),
    ] {
        let found = model(&[(name, given)]).get(name).cloned();
        assert_eq!(found, Some(kept), "{name}");
    }
}

#[test]
fn impossible_values_are_refused() {
    for (name, value) in [
        ("dropout", Value::Float(1.0)),
        ("dropout", Value::Float(f64::NAN)),
        ("lr", Value::Float(0.0)),
        ("lr", Value::Float(f64::INFINITY)),
        ("epochs", Value::Int(0)),
        ("epochs", Value::Float(3.0)),
        ("epochs", Value::Int(1 << 40)),
        ("optimizer", word("adagrad")),
        ("batch_size", Value::Int(0)),
        ("batch_size", word("some")),
        ("batch_norm", Value::Int(1)),
        ("label_smoothing", Value::Int(1)),
        ("ema", Value::Float(-0.5)),
        ("category_embedding", Value::Int(-1)),
        ("category_embedding", Value::Int(1025)),
        ("category_embedding", word("wide")),
        ("betas", Value::List(vec![Value::Float(0.9)])),
        ("lr_schedule", word("linear")),
        ("early_stopping", Value::Bool(true)),
    ] {
        let problem = refused(name, &value);
        let allowed = Kind::MLP.param(name).unwrap().allowed();
        assert_eq!(problem, InvalidParam::Value { allowed }, "{name} = {value}");
    }
    assert_eq!(refused("droput", &Value::Float(0.1)), InvalidParam::Unknown);
}

#[test]
fn impossible_embeddings_are_refused() {
    let kind = |kind: &str| ("kind", word(kind));
    for value in [
        table([kind("pls")]),
        table([("bins", Value::Int(8))]),
        table([kind("ple"), ("bins", Value::Int(0))]),
        table([kind("ple"), ("bins", Value::Int(2000))]),
        table([kind("ple"), ("sigma", Value::Float(0.3))]),
        table([kind("none"), ("bins", Value::Int(8))]),
        table([kind("periodic"), ("frequencies", Value::Int(12))]),
        table([kind("periodic"), ("width", Value::Int(6))]),
        table([kind("periodic"), ("sigma", Value::Int(0))]),
    ] {
        let problem = refused("embedding", &value);
        assert!(matches!(problem, InvalidParam::Entry { .. }), "{value}");
    }
}

#[test]
fn the_entry_at_fault_is_named() {
    let kind = |kind: &str| ("kind", word(kind));
    let one = || Value::Int(1);
    for (name, value, at, says) in [
        (
            "lr_schedule",
            table([kind("cosine"), ("floor", Value::Int(2))]),
            "floor",
            "[0, 1]",
        ),
        (
            "lr_schedule",
            table([kind("cosine"), ("flor", one())]),
            "flor",
            "floor",
        ),
        (
            "lr_schedule",
            table([kind("step"), ("every", one()), ("floor", one())]),
            "floor",
            "gamma",
        ),
        ("lr_schedule", table([kind("step")]), "every", "1000000"),
        ("lr_schedule", table([("warmup", one())]), "kind", "cosine"),
        ("lr_schedule", table([kind("linear")]), "kind", "cosine"),
        (
            "early_stopping",
            table([("patience", Value::Int(0))]),
            "patience",
            "from 1",
        ),
        (
            "early_stopping",
            table([("patience", one()), ("delta", one())]),
            "delta",
            "min_delta",
        ),
        (
            "early_stopping",
            table([("min_delta", one())]),
            "patience",
            "from 1",
        ),
    ] {
        let InvalidParam::Entry {
            name: found,
            problem,
        } = refused(name, &value)
        else {
            panic!("{name} = {value}");
        };
        let said = match problem {
            InvalidEntry::Unknown { allowed, .. } => allowed.join(" "),
            InvalidEntry::Missing { allowed } | InvalidEntry::Value { allowed } => allowed,
        };
        assert_eq!(found, at, "{value}");
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn every_item_and_entry_at_fault_is_named() {
    let zero = || Value::Int(0);
    let schedule = table([
        ("kind", word("step")),
        ("every", zero()),
        ("gamma", zero()),
        ("floor", zero()),
    ]);
    let InvalidParam::Several(problems) = refused("lr_schedule", &schedule) else {
        panic!("several problems");
    };
    let named = |problem: &InvalidParam| match problem {
        InvalidParam::Entry { name, problem } => {
            if let InvalidEntry::Unknown { kinds, .. } = problem {
                assert_eq!(kinds, &["cosine"]);
            }
            name.clone()
        }
        other => panic!("{other:?}"),
    };
    let names: Vec<String> = problems.iter().map(named).collect();
    assert_eq!(names, ["floor", "every", "gamma"]);
    for (name, value) in [
        ("layers", Value::List(vec![zero(), Value::Int(8), zero()])),
        ("betas", Value::List(vec![Value::Int(1), Value::Int(2)])),
        (
            "early_stopping",
            table([("patience", zero()), ("min_delta", Value::Int(-1))]),
        ),
        (
            "embedding",
            table([
                ("kind", word("periodic")),
                ("width", zero()),
                ("sigma", zero()),
            ]),
        ),
    ] {
        let InvalidParam::Several(problems) = refused(name, &value) else {
            panic!("{name}");
        };
        assert_eq!(problems.len(), 2, "{name}");
    }
    let layers = Value::List(vec![Value::Int(64), zero()]);
    let problem = refused("layers", &layers);
    assert!(
        matches!(problem, InvalidParam::Item { index: 1, .. }),
        "{problem:?}"
    );
}

#[test]
fn settings_without_effect_are_known() {
    let sgd = ("optimizer", word("sgd"));
    let linear = ("layers", Value::List(vec![]));
    for (settings, inactive) in [
        (
            vec![],
            vec!["momentum", "nesterov", "huber_delta", "quantile"],
        ),
        (
            vec![("optimizer", word("adamw")), ("loss", word("huber"))],
            vec!["momentum", "nesterov", "quantile"],
        ),
        (
            vec![sgd.clone(), ("loss", word("quantile"))],
            vec!["nesterov", "betas", "eps", "huber_delta"],
        ),
        (
            vec![sgd, ("momentum", Value::Float(0.9))],
            vec!["betas", "eps", "huber_delta", "quantile"],
        ),
        (
            vec![linear],
            vec![
                "activation",
                "batch_norm",
                "dropout",
                "momentum",
                "nesterov",
                "huber_delta",
                "quantile",
            ],
        ),
    ] {
        let model = model(&settings);
        let found: Vec<&str> = (model.iter())
            .map(|(param, _)| param.name)
            .filter(|name| model.is_inactive(name))
            .collect();
        assert_eq!(found, inactive, "{settings:?}");
    }
}
