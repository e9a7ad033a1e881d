//! Checkpoints of other versions of the program.

use super::*;
use crate::Job;
use crate::fixtures::{Remember, fixture};
use crate::models::mlp::train;
use sweep_core::trial::models::MlpSpec;
use sweep_core::trial::{ModelSpec, Objective, TrialSpec};

/// `bytes` with `from` in place of `to` in the header, and a digest that fits.
fn rewritten(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).unwrap();
    let entry = &metadata.metadata().as_ref().unwrap()[ENTRY];
    let checked: CheckedHeader = serde_json::from_str(entry).unwrap();
    assert!(checked.header.contains(from), "{}", checked.header);
    let header = checked.header.replacen(from, to, 1);
    let file = SafeTensors::deserialize(bytes).unwrap();
    let mut tensors: Vec<(&str, TensorView<'_>)> = file.iter().collect();
    tensors.sort_by_key(|(name, _)| *name);
    let data = tensors.iter().map(|(name, view)| (*name, view.data()));
    let checked = CheckedHeader {
        sha256: digest(&header, data),
        header,
    };
    let entry = (ENTRY.to_owned(), serde_json::to_string(&checked).unwrap());
    safetensors::serialize(tensors, Some(HashMap::from([entry]))).unwrap()
}

#[test]
fn a_checkpoint_of_another_version_is_refused_with_both_versions() {
    let data = fixture(3);
    let folder = tempfile::tempdir().unwrap();
    let model = MlpSpec {
        layers: vec![4],
        epochs: 3,
        ..MlpSpec::default()
    };
    let spec = TrialSpec::new(ModelSpec::from(model.clone()), 1, Objective::default());
    let job = Job::new(&spec, &data, folder.path());
    let mut callback = Remember {
        stop_at: Some(1),
        ..Remember::default()
    };
    train(job, &model, None, &mut callback).unwrap();
    let bytes = callback.checkpoint.unwrap();
    let said = |bytes: &[u8]| {
        let outcome = train(job, &model, Some(bytes), &mut Remember::default());
        outcome.err().map(|error| error.to_string())
    };
    let program = format!("\"program\":\"{}\"", version::PROGRAM);
    assert_eq!(said(&rewritten(&bytes, &program, &program)), None);
    let older = said(&rewritten(&bytes, &program, "\"program\":\"0.0.1\"")).unwrap();
    let expected = format!("in format {FORMAT}, and this is sweep {}", version::PROGRAM);
    assert!(older.contains("sweep 0.0.1"), "{older}");
    assert!(older.contains(&expected), "{older}");
    let first = rewritten(
        &bytes,
        &format!("\"format\":{FORMAT},{program}"),
        "\"format\":1",
    );
    let first = said(&first).unwrap();
    assert!(
        first.contains("another version of sweep in format 1"),
        "{first}"
    );
}
