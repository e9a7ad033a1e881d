//! Trials that are stopped and resumed, on the same engine and on the other one.

use super::*;

const SETTINGS: [&str; 4] = [
    "layers = [12, 5]\ndropout = 0.3\nbatch_norm = true\nclip_norm = 0.5\nbatch_size = 16\nepochs = 9",
    "layers = [10]\noptimizer = 'sgd'\nlr = 0.05\nmomentum = 0.9\nema = 0.8\nbatch_size = 16\nepochs = 9",
    "layers = [7]\nembedding = { kind = 'periodic', frequencies = 8 }\nbatch_size = 16\nepochs = 9\n\
     lr_schedule = 'cosine'\nearly_stopping = { patience = 3 }",
    "layers = [7]\ncategory_embedding = 5\nbatch_size = 16\nepochs = 9",
];

/// Trains to epoch 4 with `first`, then to the end with `second`.
fn relay(
    first: &mut dyn Backend,
    second: &mut dyn Backend,
    spec: &TrialSpec,
    data: &Dataset,
) -> Told {
    let folder = tempfile::tempdir().unwrap();
    let (mut begun, outcome) = run(first, (spec, data), folder.path(), None, Some(4));
    assert_eq!(outcome.unwrap(), Outcome::Stopped { step: 4 });
    let checkpoint = begun.checkpoint.take().unwrap();
    let (rest, outcome) = run(second, (spec, data), folder.path(), Some(&checkpoint), None);
    begun.epochs.extend(rest.epochs);
    begun.told(outcome.unwrap(), folder.path())
}

#[test]
fn a_trial_that_was_stopped_ends_with_the_same_bits() {
    let data = categorical(70, 31);
    for settings in SETTINGS {
        let spec = trial(network(settings), 3);
        let stopped = relay(&mut torch(), &mut torch(), &spec, &data);
        assert_told(settings, &stopped, &told(&mut torch(), &spec, &data));
    }
}

#[test]
fn a_trial_begun_on_one_engine_goes_on_with_the_other() {
    let data = categorical(70, 31);
    for settings in SETTINGS {
        let spec = trial(network(settings), 3);
        let whole = told(&mut Native, &spec, &data);
        for relayed in [
            relay(&mut torch(), &mut Native, &spec, &data),
            relay(&mut Native, &mut torch(), &spec, &data),
        ] {
            for name in ["train/loss", "valid/loss"] {
                let (ours, theirs) = (values(&relayed.epochs, name), values(&whole.epochs, name));
                assert_close(&format!("{settings}: {name}"), &ours, &theirs, 1e-4);
            }
            assert_eq!(
                relayed.result.best_step, whole.result.best_step,
                "{settings}"
            );
        }
    }
}

#[test]
fn a_checkpoint_is_the_same_file_whichever_engine_reads_it() {
    let data = data(70, 31);
    let folder = tempfile::tempdir().unwrap();
    for settings in SETTINGS {
        let spec = trial(network(settings), 3);
        let native = run(&mut Native, (&spec, &data), folder.path(), None, Some(1));
        let bytes = native.0.checkpoint.unwrap();
        // Read back, and written again after no further step, it is what it was.
        let job = Job::new(&spec, &data, folder.path());
        let model = MlpSpec::of(&spec.model).expect("a network");
        let mut trial_state = sweep_engine::models::mlp::trial_state::TrialState::begin(
            job,
            model.clone(),
            Some(&bytes),
        )
        .unwrap();
        let copy = sweep_engine::models::mlp::trial_state::TrialState::begin(
            job,
            model.clone(),
            Some(&bytes),
        )
        .unwrap();
        assert_eq!(
            trial_state.checkpoint(&mut |list| copy.numbers(list)),
            bytes
        );
    }
}
