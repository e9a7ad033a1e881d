//! Columns of categories as vectors: what they are, stopped and resumed, saved and read back, copied
//! and frozen, and against PyTorch's.

use super::super::category::Categories;
use super::super::network::Network;
use super::super::shape::Shape;
use super::super::{Model, WEIGHTS};
use super::{
    Record, assert_resumes_to, assert_runs_are_those_of_pytorch, assert_same_bits, data, mlp, rows,
    run, run_in, small, train_on, trial, value_of,
};
use crate::models::LoadError;
use crate::score::{Confusion, argmax};
use crate::{Job, Outcome};
use sweep_core::trial::models::{BatchSize, CategoryEmbedding, Embedding, MlpSpec};
use sweep_core::trial::{Transfer, TrialId, TrialSpec};
use sweep_data::{Dataset, FittedField, Preprocessor, Rows, Targets};

/// Made of features 1 to 5, 7 and 8, and 9 to 11 with a base; features 0 and 6 are numbers.
const FEATURES: usize = 12;
const CLASSES: usize = 5;
const PERIODIC: Embedding = Embedding::Periodic {
    frequencies: 8,
    sigma: 0.4,
    width: 8,
};
const SOURCE: &str = "feedfacefeedfacefeedfacefeedface";

fn preprocessor() -> Preprocessor {
    let number = data(2, 1).meta().preprocessor.fields[0].clone();
    let category = |column: &str, levels: usize, base: Option<&str>| FittedField::Category {
        column: column.to_owned(),
        categories: (0..levels)
            .map(|level| format!("{column}{level}"))
            .collect(),
        imputed: None,
        base: base.map(str::to_owned),
        rare: Vec::new(),
        missing: false,
        known_only: false,
    };
    Preprocessor {
        fields: vec![
            number.clone(),
            category("a", 5, None),
            number,
            category("b", 2, None),
            category("c", 3, Some("base")),
        ],
    }
}

/// Rows whose class moves the categories: some have none.
fn categorical(epoch: u32, count: usize) -> (Vec<f32>, Vec<u32>) {
    let (mut x, y) = rows(epoch, count, FEATURES, CLASSES);
    for (row, (x, label)) in x.chunks_mut(FEATURES).zip(&y).enumerate() {
        for (first, features) in [(1, 5), (7, 2), (9, 3)] {
            let own = &mut x[first..][..features];
            own.fill(0.0);
            let number = match row % 3 {
                0 => row / 3 % (features + 1),
                _ => *label as usize,
            };
            own.iter_mut().skip(number).take(1).for_each(|x| *x = 1.0);
        }
    }
    (x, y)
}

fn categories() -> Dataset {
    Dataset::in_memory(FEATURES, CLASSES, categorical(1, 70), categorical(2, 40))
        .made_by(preprocessor(), None)
}

fn with(embedding: Embedding) -> MlpSpec {
    MlpSpec {
        embedding,
        category_embedding: CategoryEmbedding::Width(6),
        ema: 0.9,
        ..small()
    }
}

fn outcome_in(
    folder: &std::path::Path,
    spec: &TrialSpec,
    data: &Dataset,
) -> sweep_core::trial::TrialResult {
    match run_in(folder, spec, data, None, &mut Record::default()).unwrap() {
        Outcome::Done(result) => *result,
        Outcome::Stopped { .. } => panic!("no callback asked to stop"),
    }
}

#[test]
fn columns_of_three_features_or_more_become_numbers_and_the_others_stay() {
    let two = Categories::of(CategoryEmbedding::Width(4), &preprocessor());
    assert_eq!(two.others(), [0, 6, 7, 8]);
    let columns: Vec<(&str, usize)> = two
        .columns()
        .iter()
        .map(|column| (&*column.block.column, column.width))
        .collect();
    assert_eq!(columns, [("a", 4), ("c", 4)]);
    let x = [
        0.5, 0.0, 0.0, 1.0, 0.0, 0.0, 0.25, 1.0, 0.0, 1.0, 0.0, 0.0, //
        1.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.75, 0.0, 0.0, 0.0, 0.0, 0.0,
    ];
    let entries = [0.5, 0.25, 1.0, 0.0, 2.0, 0.0, 1.5, 0.75, 0.0, 0.0, 5.0, 3.0];
    assert_eq!(*two.entries_of(&x), entries);
    assert!(Categories::of(CategoryEmbedding::Off, &preprocessor()).is_empty());
    // The rule of fastai: min(600, round(1.6 n^0.56)).
    for (levels, width) in [(3, 3), (5, 4), (50, 14), (100, 21), (1000, 77)] {
        assert_eq!(
            CategoryEmbedding::Auto.width(levels),
            Some(width),
            "{levels}"
        );
    }
    assert_eq!(CategoryEmbedding::Auto.width(2), None);
}

#[test]
fn a_lookup_is_the_product_of_the_features_with_the_table() {
    // Scores of the network are those of one without vectors whose first layer is the product of
    // tables and first layer.
    let data = categories();
    let embedded = MlpSpec {
        batch_norm: false,
        ..with(Embedding::None)
    };
    let plain = MlpSpec {
        category_embedding: CategoryEmbedding::Off,
        ..embedded.clone()
    };
    let network = |spec: &MlpSpec| {
        let categories = Categories::of(spec.category_embedding, &preprocessor());
        let shape = Shape::new(spec, None, categories, CLASSES);
        Network::new(super::Isa::detect(), spec, shape, 1, 3)
    };
    let (mut embedded, mut plain) = (network(&embedded), network(&plain));
    let read = |name: &str| {
        let tensors = embedded.shape.tensors();
        let tensor = tensors.iter().find(|tensor| tensor.name == name).unwrap();
        (tensor.read(&embedded.parameters), tensor.shape[1])
    };
    let (layer, inputs) = read("layers.0.linear.weight");
    let tables = [
        (1, 4, read("category.0.weight").0),
        (9, 10, read("category.1.weight").0),
    ];
    let others = [0, 6, 7, 8];
    let mut whole = vec![0.0; 20 * FEATURES];
    for output in 0..20 {
        let layer = &layer[output * inputs..][..inputs];
        let whole = &mut whole[output * FEATURES..][..FEATURES];
        for (input, place) in others.iter().enumerate() {
            whole[*place] = layer[input];
        }
        for (first, input, table) in &tables {
            for (level, vector) in table.chunks(6).enumerate() {
                let products = vector.iter().zip(&layer[*input..]).map(|(a, b)| a * b);
                whole[first + level] = products.sum();
            }
        }
    }
    for tensor in plain.shape.tensors() {
        let numbers = match tensor.name.as_str() {
            "layers.0.linear.weight" => whole.clone(),
            name => {
                let tensors = embedded.shape.tensors();
                let same = tensors.iter().find(|tensor| tensor.name == name).unwrap();
                same.read(&embedded.parameters)
            }
        };
        tensor.write(&mut plain.parameters, numbers.into_iter());
    }
    let mut scores = [&mut embedded, &mut plain].map(|network| {
        let mut scores: Vec<f32> = Vec::new();
        network.scores(data.valid().x, |row| scores.extend_from_slice(row));
        scores
    });
    let [ours, theirs] = &mut scores;
    assert_eq!(ours.len(), 40 * CLASSES);
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert!((ours - *theirs).abs() < 1e-4, "{ours} for {theirs}");
    }
}

#[test]
fn whole_runs_with_categories_are_those_of_pytorch() {
    let text = include_str!("../../../../../tests/fixtures/native_categories.json");
    assert_runs_are_those_of_pytorch(text, &categories());
}

#[test]
fn categories_train_and_go_on_to_the_same_bits_on_every_instruction_set() {
    let data = categories();
    for embedding in [
        Embedding::None,
        Embedding::Ple {
            bins: 8,
            text: true,
        },
        PERIODIC,
    ] {
        let spec = trial(with(embedding), 9);
        let whole = run(&spec, &data);
        assert_same_bits(&whole, &run(&spec, &data));
        let loss = |epoch: usize| value_of(&whole.0[epoch], "train/loss");
        assert!(loss(5) < loss(0));
        assert_resumes_to(&whole, &spec, &data);
        for isa in super::Isa::all() {
            let folder = tempfile::tempdir().unwrap();
            let job = Job::new(&spec, &data, folder.path());
            let mut record = Record::default();
            train_on(isa, job, &mlp(&spec), None, &mut record).unwrap();
            let last = |epochs: &[crate::Epoch]| value_of(&epochs[5], "valid/loss");
            let apart = (last(&record.epochs) - last(&whole.0)).abs();
            assert!(apart < 1e-3, "{isa:?}: {apart}");
        }
    }
}

#[test]
fn a_table_without_such_columns_trains_as_without_the_setting() {
    let data = data(9, 5);
    let off = MlpSpec {
        category_embedding: CategoryEmbedding::Off,
        ..with(Embedding::None)
    };
    let (on, off) = (
        run(&trial(with(Embedding::None), 4), &data),
        run(&trial(off, 4), &data),
    );
    assert_same_bits(&on, &off);
}

#[test]
fn what_was_saved_with_categories_predicts_as_it_was_measured() {
    let data = categories();
    for embedding in [
        Embedding::None,
        Embedding::Ple {
            bins: 8,
            text: true,
        },
        PERIODIC,
    ] {
        let folder = tempfile::tempdir().unwrap();
        let result = outcome_in(folder.path(), &trial(with(embedding), 2), &data);
        let mut model = Model::load(folder.path()).unwrap();
        let valid = data.valid();
        let mut confusion = Confusion::new(CLASSES);
        for (scores, label) in model
            .scores(valid.x)
            .chunks(CLASSES)
            .zip(valid.y.classes().unwrap())
        {
            confusion.add(*label as usize, argmax(scores));
        }
        assert_eq!(confusion.rows(), result.confusion, "{embedding:?}");
        let bytes = std::fs::read(folder.path().join(WEIGHTS)).unwrap();
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(file.tensor("category.0.weight").unwrap().shape(), [5, 6]);
        assert_eq!(file.tensor("category.1.weight").unwrap().shape(), [3, 6]);
        let numbers: usize = file
            .iter()
            .map(|(_, view)| view.shape().iter().product::<usize>())
            .sum();
        // Running means and variances are not trained.
        assert_eq!(result.parameters as usize, numbers - 2 * (20 + 12));
    }
}

#[test]
fn what_is_kept_of_categories_is_checked_when_it_is_read() {
    let data = categories();
    let folder = tempfile::tempdir().unwrap();
    outcome_in(
        folder.path(),
        &trial(
            with(Embedding::Ple {
                bins: 4,
                text: true,
            }),
            2,
        ),
        &data,
    );
    let path = folder.path().join("model.json");
    let whole: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(
        whole["categories"][1],
        serde_json::json!({ "column": "c", "first": 9, "features": 3, "base": true, "width": 6 })
    );
    type Damage = fn(&mut serde_json::Value);
    let damages: [Damage; 8] = [
        |model| model["categories"] = serde_json::json!([]),
        |model| model["categories"][0]["width"] = 0.into(),
        |model| model["categories"][0]["width"] = 7.into(),
        |model| model["categories"][0]["width"] = u64::MAX.into(),
        |model| model["categories"][0]["features"] = 2.into(),
        |model| model["categories"][0]["features"] = 9.into(),
        |model| model["categories"][1]["first"] = 10.into(),
        |model| model["categories"][1]["features"] = u64::MAX.into(),
    ];
    for (place, damage) in damages.into_iter().enumerate() {
        let mut model = whole.clone();
        damage(&mut model);
        std::fs::write(&path, model.to_string()).unwrap();
        let loaded = Model::load(folder.path());
        assert!(matches!(loaded, Err(LoadError::Content { .. })), "{place}");
    }
    std::fs::write(&path, whole.to_string()).unwrap();
    assert!(Model::load(folder.path()).is_ok());
}

#[test]
fn tables_come_with_the_first_layer_and_are_frozen_with_it() {
    let data = categories();
    for embedding in [
        Embedding::None,
        Embedding::Ple {
            bins: 6,
            text: true,
        },
        PERIODIC,
    ] {
        let model = with(embedding);
        let trials = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let folder = trials.path().join(name);
            std::fs::create_dir_all(&folder).unwrap();
            folder
        };
        let source = folder(SOURCE);
        outcome_in(&source, &trial(model.clone(), 1), &data);
        let bytes = std::fs::read(source.join(WEIGHTS)).unwrap();
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let transferred = |model: MlpSpec, freeze| {
            use sha2::Digest;
            let mut spec = trial(model, 2);
            spec.transfer = Some(Transfer {
                source: TrialId::from_hex(SOURCE),
                weights: sweep_core::format::hex(&sha2::Sha256::digest(&bytes)),
                layers: 1,
                freeze,
                lr: 1e-3,
            });
            spec
        };
        for freeze in [0, 1] {
            let own = folder("own");
            outcome_in(&own, &transferred(model.clone(), freeze), &data);
            let bytes = std::fs::read(own.join(WEIGHTS)).unwrap();
            for (name, given) in safetensors::SafeTensors::deserialize(&bytes)
                .unwrap()
                .iter()
            {
                let belongs = ["category.", "embedding.", "layers.0."]
                    .iter()
                    .any(|first| name.starts_with(first));
                let is_same = file
                    .tensor(name)
                    .is_ok_and(|view| view.data() == given.data());
                assert_eq!(is_same, belongs && freeze == 1, "{name}, {freeze} frozen");
            }
        }
        let wider = MlpSpec {
            category_embedding: CategoryEmbedding::Width(7),
            ..model
        };
        let spec = transferred(wider, 0);
        let refused = run_in(&folder("own"), &spec, &data, None, &mut Record::default());
        let why = refused.unwrap_err().to_string();
        assert!(
            why.contains("category.0.weight") && why.contains("[5, 7]"),
            "{why}"
        );
    }
}

#[test]
fn a_category_that_no_row_of_a_batch_has_gets_no_gradient() {
    let spec = MlpSpec {
        batch_size: BatchSize::Rows(4),
        ..with(Embedding::None)
    };
    let categories = Categories::of(spec.category_embedding, &preprocessor());
    let shape = Shape::new(&spec, None, categories, CLASSES);
    let mut network = Network::new(super::Isa::detect(), &spec, shape, 4, 3);
    let (x, y) = categorical(1, 70);
    let entries = network.shape.categories.entries_of(&x).into_owned();
    let data = Rows {
        x: &entries,
        y: Targets::Classes(&y),
        weights: None,
        missing: None,
    };
    let draw = super::super::network::Draw {
        seed: 3,
        epoch: 1,
        step: 0,
    };
    // A step over other rows first, whose gradients must not stay.
    network.step(data, &[9, 10, 11, 12], draw);
    network.step(data, &[0, 1, 2, 3], draw);
    let table = network
        .shape
        .tensors()
        .into_iter()
        .find(|tensor| tensor.name == "category.0.weight");
    let gradient = table.unwrap().read(&network.gradients);
    let there: Vec<usize> = (0..4).map(|row| entries[row * 6 + 4] as usize).collect();
    for (level, gradient) in gradient.chunks(6).enumerate() {
        let is_zero = gradient.iter().all(|value| *value == 0.0);
        assert_eq!(
            is_zero,
            !there.contains(&level),
            "level {level} of {there:?}"
        );
    }
}
