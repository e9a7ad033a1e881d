//! The same numbers from both engines.

use super::*;
use crate::masks::{Masks, Source};
use sweep_core::trial::Transfer;
use sweep_engine::models::mlp::init_rng::Mask;
use sweep_engine::models::mlp::{Model, init_rng};

/// What networks can be asked for, each with something that the others do not have.
const SETTINGS: [&str; 16] = [
    "layers = [17, 9]",
    "layers = []\noptimizer = 'sgd'\nlr = 0.1",
    "layers = [16, 12]\nbatch_norm = true\nweight_decay = 0.01",
    "layers = [13]\ndropout = 0.4\nactivation = 'gelu'",
    "layers = [11, 7]\ndropout = 0.2\nbatch_norm = true\nactivation = 'silu'\noptimizer = 'adamw'\nweight_decay = 0.1",
    "layers = [9]\nactivation = 'tanh'\noptimizer = 'sgd'\nlr = 0.05\nmomentum = 0.9\nweight_decay = 0.01",
    "layers = [9]\noptimizer = 'sgd'\nlr = 0.05\nmomentum = 0.8\nnesterov = true\nclip_norm = 0.3",
    "layers = [12]\nclip_norm = 0.1\nbetas = [0.8, 0.95]\neps = 1e-6",
    "layers = [8]\nlr_schedule = { kind = 'cosine', floor = 0.1, warmup = 2.0 }\nlr = 0.01",
    "layers = [8]\nlr_schedule = { kind = 'step', every = 3, gamma = 0.5 }\nlabel_smoothing = 0.1",
    "layers = [10]\nema = 0.9\nbatch_norm = true",
    "layers = [10]\nembedding = { kind = 'ple', bins = 6 }",
    "layers = [10]\nembedding = { kind = 'periodic', frequencies = 8, sigma = 0.5, width = 4 }\nbatch_norm = true",
    "layers = [6]\nembedding = { kind = 'periodic', frequencies = 8, width = 16 }\ndropout = 0.3\nema = 0.5",
    "layers = [14, 6]\nclass_weight = 'balanced'",
    "layers = [10]\nclass_weight = { c0 = 4.0, c2 = 0.25 }\nlabel_smoothing = 0.1\nbatch_norm = true\nclip_norm = 0.5",
];

/// The losses of numbers, each with something that the others do not have.
const OF_NUMBERS: [&str; 7] = [
    "layers = [17, 9]\nloss = 'squared'",
    "layers = []\nloss = 'squared'\noptimizer = 'sgd'\nlr = 0.05",
    "layers = [12]\nloss = 'absolute'\nbatch_norm = true",
    "layers = [11, 7]\nloss = 'huber'\ndropout = 0.2\nactivation = 'gelu'",
    "layers = [11]\nloss = 'huber'\nhuber_delta = 0.3\nclip_norm = 0.2\nema = 0.9",
    "layers = [13]\nloss = 'quantile'\nquantile = 0.9\noptimizer = 'adamw'\nweight_decay = 0.1",
    "layers = [9]\nloss = 'quantile'\nquantile = 0.2\nembedding = { kind = 'ple', bins = 6 }",
];

/// Vectors of categories, alone and beside embeddings of the numbers.
const WITH_CATEGORIES: [&str; 5] = [
    "layers = [17, 9]\ncategory_embedding = 5",
    "layers = []\noptimizer = 'sgd'\nlr = 0.1\ncategory_embedding = 1",
    "layers = [13]\ndropout = 0.3\nbatch_norm = true\nema = 0.9\noptimizer = 'adamw'\nweight_decay = 0.1\ncategory_embedding = 17",
    "layers = [10]\nembedding = { kind = 'ple', bins = 6 }\ncategory_embedding = 'auto'",
    "layers = [6]\nembedding = { kind = 'periodic', frequencies = 8, width = 4 }\nclip_norm = 0.3\ncategory_embedding = 3",
];

fn assert_same(settings: &str, ours: &Told, theirs: &Told) {
    for name in ["train/loss", "valid/loss", "lr", "grad_norm"] {
        let what = format!("{settings}: {name}");
        let (ours, theirs) = (values(&ours.epochs, name), values(&theirs.epochs, name));
        assert_close(&what, &ours, &theirs, 1e-4);
    }
    assert_eq!(
        ours.result.parameters, theirs.result.parameters,
        "{settings}"
    );
}

#[test]
fn the_losses_of_fifty_steps_are_those_of_the_native_engine() {
    let data = data(48, 31);
    for settings in SETTINGS {
        let all = format!("epochs = 50\nbatch_size = 'all'\n{settings}");
        let spec = trial(network(&all), 5);
        assert_same(
            settings,
            &told(&mut torch(), &spec, &data),
            &told(&mut Native, &spec, &data),
        );
    }
}

#[test]
fn the_losses_of_batches_are_those_of_the_native_engine() {
    // The last batch of an epoch has one row.
    let data = data(71, 31);
    for settings in SETTINGS {
        let all = format!("epochs = 6\nbatch_size = 10\n{settings}");
        let spec = trial(network(&all), 6);
        assert_same(
            settings,
            &told(&mut torch(), &spec, &data),
            &told(&mut Native, &spec, &data),
        );
    }
}

#[test]
fn losses_of_numbers_are_those_of_the_native_engine() {
    let weights = (0..71).map(|row| (row % 4) as f32).collect();
    for (what, data) in [
        ("as they are", of_numbers(71, 31, TargetTransform::None)),
        ("logarithms", of_numbers(71, 31, TargetTransform::Log)),
        (
            "weighted",
            of_numbers(71, 31, TargetTransform::None).weighted(weights),
        ),
    ] {
        for settings in OF_NUMBERS {
            let all = format!("epochs = 6\nbatch_size = 10\n{settings}");
            let spec = trial(network(&all), 6);
            assert_same(
                &format!("{what}, {settings}"),
                &told(&mut torch(), &spec, &data),
                &told(&mut Native, &spec, &data),
            );
        }
    }
}

#[test]
fn vectors_of_categories_are_trained_as_by_the_native_engine() {
    let data = categorical(71, 31);
    for settings in WITH_CATEGORIES {
        let all = format!("epochs = 6\nbatch_size = 10\n{settings}");
        let spec = trial(network(&all), 6);
        let [ours, theirs] = [&mut torch() as &mut dyn Backend, &mut Native]
            .map(|engine| told(engine, &spec, &data));
        assert_same(settings, &ours, &theirs);
    }
    // Without any number among the features.
    let meta = data.meta();
    let width = meta.features.len();
    let side = |rows: sweep_data::Rows<'_>| {
        let x = rows.x.chunks(width).flat_map(|row| row[1..5].to_vec());
        (x.collect(), rows.y.classes().unwrap().to_vec())
    };
    let fields = vec![meta.preprocessor.fields[1].clone()];
    let data = Dataset::in_memory(4, CLASSES, side(data.train()), side(data.valid()))
        .made_by(Preprocessor { fields }, None);
    for settings in WITH_CATEGORIES {
        let all = format!("epochs = 3\nbatch_size = 10\n{settings}");
        let spec = trial(network(&all), 6);
        let [ours, theirs] = [&mut torch() as &mut dyn Backend, &mut Native]
            .map(|engine| told(engine, &spec, &data));
        assert_same(settings, &ours, &theirs);
    }
}

#[test]
fn both_engines_stop_early_at_the_same_epoch_and_keep_the_same_one() {
    let data = data(60, 40);
    let spec = trial(
        network("layers = [16]\nlr = 0.05\nepochs = 200\nearly_stopping = { patience = 5 }"),
        1,
    );
    let ours = told(&mut torch(), &spec, &data).result;
    let theirs = told(&mut Native, &spec, &data).result;
    assert!(theirs.steps < 200);
    assert_eq!(
        (ours.steps, ours.best_step, &ours.confusion),
        (theirs.steps, theirs.best_step, &theirs.confusion)
    );
}

#[test]
fn the_accuracy_at_the_end_is_that_of_the_native_engine_over_seeds() {
    let data = data(300, 400);
    let settings = "layers = [24, 12]\nbatch_norm = true\ndropout = 0.3\nlr = 0.01\nbatch_size = 20\nepochs = 25";
    let specs: Vec<TrialSpec> = (1..=8).map(|seed| trial(network(settings), seed)).collect();
    let accuracy = |told: &Told| {
        let result = &told.result.metrics;
        let found = result.iter().find(|(name, _)| name == "valid/accuracy");
        found.expect("networks are scored by it").1
    };
    let ours: Vec<f64> = told_together(&specs, &data).iter().map(accuracy).collect();
    let theirs: Vec<f64> = specs
        .iter()
        .map(|spec| accuracy(&told(&mut Native, spec, &data)))
        .collect();
    let count = specs.len() as f64;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / count;
    let square = |value: &f64| (value - mean(&theirs)).powi(2);
    let error = (theirs.iter().map(square).sum::<f64>() / (count - 1.0) / count).sqrt();
    assert!(
        error > 0.0 && mean(&theirs) > 0.5,
        "seeds differ, and something is learned: {theirs:?}"
    );
    // 375 steps on, rounding has parted them; what is left is less than seeds do.
    let apart = (mean(&ours) - mean(&theirs)).abs();
    let allowed = if on_gpu() { 2.0 * error } else { error };
    assert!(
        apart <= allowed,
        "{apart} where the error of a mean is {error}: {ours:?}, {theirs:?}"
    );
}

#[test]
fn both_engines_diverge_at_the_same_step() {
    let data = data(60, 40);
    let spec = trial(
        network("layers = [16]\noptimizer = 'sgd'\nlr = 1e12\nbatch_size = 10\nepochs = 5"),
        1,
    );
    let ours = told(&mut torch(), &spec, &data).result.diverged.unwrap();
    let theirs = told(&mut Native, &spec, &data).result.diverged.unwrap();
    let place = |reason: &str| reason.split_once(" in ").map(|(_, place)| place.to_owned());
    assert_eq!(place(&ours), place(&theirs));
}

#[test]
fn what_torch_has_trained_predicts_in_the_native_engine() {
    let data = data(60, 40);
    let spec = trial(
        network("layers = [12, 5]\nbatch_norm = true\nepochs = 3"),
        2,
    );
    let folder = tempfile::tempdir().unwrap();
    let (callback, outcome) = run(&mut torch(), (&spec, &data), folder.path(), None, None);
    let told = callback.told(outcome.unwrap(), folder.path());
    let mut model = Model::load(folder.path()).unwrap();
    let valid = data.valid();
    let scores = model.scores(valid.x);
    let loss = scores
        .chunks(CLASSES)
        .zip(valid.y.classes().unwrap())
        .map(|(scores, label)| {
            let highest = scores.iter().copied().fold(f32::MIN, f32::max);
            let sum: f64 = scores.iter().map(|s| f64::from(s - highest).exp()).sum();
            sum.ln() - f64::from(scores[*label as usize] - highest)
        });
    let loss = loss.sum::<f64>() / valid.y.len() as f64;
    assert_close("loss", &[loss], &[told.result.best.unwrap()], 1e-5);
}

#[test]
fn layers_are_taken_over_and_frozen_alike() {
    let data = categorical(64, 31);
    let parent = tempfile::tempdir().unwrap();
    for (settings, freeze) in [
        ("layers = [9, 8]\nbatch_norm = true\ndropout = 0.2", 1),
        ("layers = [9, 8]\nembedding = { kind = 'ple', bins = 5 }", 1),
        (
            "layers = [9, 8]\nembedding = { kind = 'periodic', frequencies = 8 }",
            2,
        ),
        (
            "layers = [9, 8]\nclip_norm = 0.2\noptimizer = 'adamw'\nweight_decay = 0.1",
            0,
        ),
        ("layers = [9, 8]\ncategory_embedding = 5", 0),
        ("layers = [9, 8]\ncategory_embedding = 5", 1),
    ] {
        let settings = format!("epochs = 4\nbatch_size = 16\n{settings}");
        let source = trial(network(&settings), 1);
        let id = source.id(&data.meta().digest);
        let folder = parent.path().join(id.as_str());
        std::fs::create_dir_all(&folder).unwrap();
        run(&mut torch(), (&source, &data), &folder, None, None)
            .1
            .unwrap();
        let mut spec = trial(network(&settings), 2);
        spec.transfer = Some(transfer(&folder, id, freeze));
        let [ours, theirs] = [&mut torch() as &mut dyn Backend, &mut Native].map(|engine| {
            let folder = parent.path().join("own");
            std::fs::create_dir_all(&folder).unwrap();
            let (callback, outcome) = run(engine, (&spec, &data), &folder, None, None);
            callback.told(outcome.unwrap(), &folder)
        });
        assert_same(&settings, &ours, &theirs);
    }
}

/// The first two layers of the trial in `folder`, trained on at a rate of their own.
fn transfer(folder: &Path, source: TrialId, freeze: usize) -> Transfer {
    use sha2::Digest as _;
    let bytes = std::fs::read(folder.join("model.safetensors")).unwrap();
    let digest = sha2::Sha256::digest(&bytes);
    Transfer {
        source,
        weights: sweep_core::format::hex(&digest),
        layers: 2,
        freeze,
        lr: 3e-4,
    }
}

#[test]
fn masks_made_with_tensor_operations_are_those_made_on_the_processor() {
    let sources = [(3, 0.3), (1 << 40, 0.0), (u64::MAX, 0.75)].map(|(seed, dropout)| Source {
        seed,
        epoch: 4,
        mask: Mask::of(dropout),
    });
    let widths = [7, 33];
    let (batch, steps) = (10, 9);
    // As every user of libtorch here does first.
    torch();
    let device = match on_gpu() {
        true => crate::device::first_gpu().unwrap(),
        false => Device::Cpu,
    };
    let mut by_device = Masks::new(&sources, &widths, (batch, steps), device);
    let mut by_processor = Masks::new(&sources, &widths, (batch, steps), Device::Cpu);
    for (step, rows) in [(0, 10), (1, 10), (7, 10), (8, 3)] {
        let ours = by_device.on_device(step, rows);
        let theirs = by_processor.at(step, rows).unwrap();
        assert_eq!(ours.len(), widths.len());
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours.size(), theirs.size());
            assert!(ours.to_device(Device::Cpu).equal(theirs), "step {step}");
        }
    }
    let stream = init_rng::dropout_stream(3, 4, 8, 1);
    let mut wanted = vec![0.0; 33 * 3];
    init_rng::factors(stream, Mask::of(0.3).unwrap(), 3, 33, &mut wanted);
    let ours = by_device.on_device(8, 3);
    let ours: Vec<f32> =
        Vec::try_from(ours[1].get(0).to_device(Device::Cpu).contiguous().view(-1)).unwrap();
    assert_eq!(ours, wanted);
}
