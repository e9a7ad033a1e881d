//! Groups of lanes give what their lanes give alone.

use super::*;

/// Lanes that differ in all that lanes of a group may differ in, batch normalisation where `common` leaves it open.
fn lanes(count: usize, common: &str) -> Vec<TrialSpec> {
    let lane = |place: usize| {
        let lr = 0.001 * (place + 1) as f64;
        let dropout = [0.0, 0.2, 0.5][place % 3];
        let clip = [0.0, 0.4][place % 2];
        let decay = [0.0, 0.02, 0.1][place / 2 % 3];
        let patience = [2, 40][place / 3 % 2];
        let norm = match common.contains("batch_norm") {
            true => "",
            // Neither first nor last, nor side by side.
            false => ["batch_norm = false", "batch_norm = true"][place % 4 % 3 % 2],
        };
        let own = format!(
            "{norm}\nlr = {lr}\ndropout = {dropout:?}\nclip_norm = {clip:?}\nweight_decay = {decay:?}\n\
             epochs = {}\nearly_stopping = {{ patience = {patience} }}",
            3 + place % 3
        );
        trial(network(&format!("{common}\n{own}")), 1 + (place / 2) as u64)
    };
    (0..count).map(lane).collect()
}

#[test]
fn every_lane_of_a_group_gives_what_it_gives_alone_to_the_bit() {
    // Nothing is a multiple of what vector instructions take at once; the last batch has one row.
    let data = categorical(71, 37);
    for common in [
        "layers = [13, 7]\nbatch_size = 10\nactivation = 'gelu'",
        "layers = [13, 7]\nbatch_size = 10\nbatch_norm = false",
        "layers = [19, 16]\nbatch_size = 14\nbatch_norm = true\noptimizer = 'adamw'",
        "layers = [33]\nbatch_size = 35\nactivation = 'tanh'\nlabel_smoothing = 0.1\nema = 0.9",
        "layers = [11]\nbatch_size = 9\noptimizer = 'sgd'\nmomentum = 0.9\nactivation = 'silu'",
        "layers = [9]\nbatch_size = 32\nembedding = { kind = 'periodic', frequencies = 8, width = 4 }",
        "layers = [64, 32]\nbatch_size = 32\nbatch_norm = true\nembedding = { kind = 'ple', bins = 7 }",
        "layers = [13, 7]\nbatch_size = 10\ncategory_embedding = 5",
    ] {
        let specs = lanes(16, common);
        let alone: Vec<Told> = specs
            .iter()
            .map(|spec| told(&mut torch(), spec, &data))
            .collect();
        assert!(alone.iter().all(|told| told.weights.is_some()));
        for count in 1..=16 {
            let together = told_together(&specs[..count], &data);
            for (place, told) in together.iter().enumerate() {
                let what = format!("{common}: lane {place} of {count}");
                assert_told(&what, told, &alone[place]);
            }
        }
    }
}

#[test]
fn a_lane_that_diverges_leaves_the_others_as_they_are() {
    let data = data(64, 31);
    let common = "layers = [12]\nbatch_size = 16\noptimizer = 'sgd'";
    let mut specs = lanes(5, common);
    let wild = &mut specs[2].model;
    wild.set("lr", &Value::Float(1e15)).unwrap();
    wild.set("clip_norm", &Value::Float(0.0)).unwrap();
    let together = told_together(&specs, &data);
    for (place, told_of) in together.iter().enumerate() {
        assert_eq!(told_of.result.diverged.is_some(), place == 2);
        let alone = told(&mut torch(), &specs[place], &data);
        assert_told(&format!("lane {place}"), told_of, &alone);
    }
}

#[test]
fn a_lane_that_cannot_begin_does_not_keep_the_others_from_it() {
    let data = data(64, 31);
    let specs = lanes(3, "layers = [12]");
    let folder = tempfile::tempdir().unwrap();
    let mut watches = [(); 3].map(|()| Remember::default());
    let mut outcomes = [None, None, None];
    let lanes = specs.iter().zip(&mut watches).enumerate();
    let lanes = lanes
        .map(|(place, (spec, callback))| BatchedTrial {
            job: Job::new(spec, &data, folder.path()),
            checkpoint: (place == 1).then_some(b"not a checkpoint".as_slice()),
            callback,
        })
        .collect();
    torch().train(lanes, &mut |place, outcome| outcomes[place] = Some(outcome));
    let [first, second, third] = outcomes.map(Option::unwrap);
    assert!(matches!(first, Ok(Outcome::Done(_))));
    assert!(matches!(second, Err(EngineError::Checkpoint(_))));
    assert!(matches!(third, Ok(Outcome::Done(_))));
}

#[test]
fn a_lane_that_stops_leaves_the_others_as_they_are() {
    let data = data(64, 31);
    let specs = lanes(3, "layers = [12]\nbatch_size = 16");
    let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let mut watches = [(); 3].map(|()| Remember::default());
    watches[1].stop_at = Some(2);
    let mut outcomes = [None, None, None];
    let lanes = specs.iter().zip(&mut watches).zip(&folders);
    let lanes = lanes
        .map(|((spec, callback), folder)| BatchedTrial {
            job: Job::new(spec, &data, folder.path()),
            checkpoint: None,
            callback,
        })
        .collect();
    let ended = &mut |place, outcome| outcomes[place] = Some(outcome);
    sweep_engine::train_together(&mut torch(), lanes, ended);
    for (place, outcome) in outcomes.into_iter().enumerate() {
        let outcome = outcome.unwrap().unwrap();
        if place == 1 {
            assert_eq!(outcome, Outcome::Stopped { step: 2 });
            assert!(watches[1].checkpoint.is_some());
            continue;
        }
        let together = watches[place].told(outcome, folders[place].path());
        let alone = told(&mut torch(), &specs[place], &data);
        assert_told(&format!("lane {place}"), &together, &alone);
    }
}
