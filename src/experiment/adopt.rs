//! Taking over the architecture of the source of a transfer, and checking what could not be checked
//! before it was known.

use super::Experiment;
use super::diagnostic::Diagnostic;
use super::setting::shown;
use super::space::Space;
use super::transfer::Source;
use sweep_core::trial::models::MlpSpec;
use sweep_core::trial::{ModelSpec, TrialId, Value};

/// What a network has to have in common with the one whose layers it takes over.
const ARCHITECTURE: [&str; 5] = [
    "layers",
    "activation",
    "batch_norm",
    "embedding",
    "category_embedding",
];

impl Experiment {
    /// Takes the architecture of the source of a transfer over, whose weights file has the SHA-256
    /// `weights`.
    ///
    /// # Errors
    /// Where the file asks for another architecture, or for more layers than the source has.
    pub fn adopt(
        &mut self,
        trial: &TrialId,
        network: &MlpSpec,
        weights: &str,
    ) -> Result<(), Vec<Diagnostic>> {
        let mut problems = Vec::new();
        let source = Source {
            trial: trial.clone(),
            weights: weights.to_owned(),
            hidden: network.layers.len(),
        };
        let model = ModelSpec::from(network.clone());
        for key in ARCHITECTURE {
            let value = shown(&model, key);
            let contradiction = match &self.networks {
                Some(space) => contradiction(space, key, &value),
                None => None,
            };
            if let Some((path, found)) = contradiction {
                let short = trial.short();
                problems.push(
                    self.diagnose(
                        &path,
                        format!("`{key}` is {found} here and {value} in the source {short}"),
                    )
                    .label("differs from the source")
                    .help(
                        "remove it: layers, activation, batch_norm, embedding and category_embedding \
                         are copied from the source",
                    ),
                );
            } else if let Some(space) = &mut self.networks {
                let set = space.base.set(key, &value);
                debug_assert_eq!(set, Ok(()), "{key} = {value} was accepted before");
            }
        }
        problems.extend(self.too_many_layers(&source));
        if let Some(transfer) = &mut self.transfer {
            transfer.source = Some(source);
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(problems),
        }
    }

    fn too_many_layers(&self, source: &Source) -> Vec<Diagnostic> {
        let Some(transfer) = &self.transfer else {
            return Vec::new();
        };
        let (hidden, short) = (source.hidden, source.trial.short());
        if hidden == 0 {
            let message = format!("the source {short} has no hidden layer to copy");
            return vec![self.diagnose("transfer.from", message)];
        }
        let copied = transfer.copied_of(source);
        if copied > hidden {
            let message =
                format!("{copied} layers should be copied, but the source {short} has {hidden}");
            let help = format!(
                "the output layer is never copied: at most {hidden}, or \"all but \
                 last\""
            );
            return vec![self.diagnose("transfer.layers", message).help(help)];
        }
        let many = transfer.freeze.iter().enumerate();
        many.filter(|(_, freeze)| **freeze > copied)
            .map(|(place, freeze)| {
                let key = match transfer.freeze.len() {
                    1 => "transfer.freeze".to_owned(),
                    _ => format!("transfer.freeze[{place}]"),
                };
                let message =
                    format!("{freeze} layers should be frozen, but only {copied} are copied");
                self.diagnose(&key, message)
                    .help(format!("freeze at most {copied}"))
            })
            .collect()
    }
}

/// Where the file sets `key` to something else than `value`, and what.
fn contradiction(space: &Space, key: &str, value: &Value) -> Option<(String, Value)> {
    if space.fixed.iter().any(|fixed| fixed == key) {
        let found = shown(&space.base, key);
        return (found != *value).then(|| (format!("{}.{key}", space.path), found));
    }
    let group = space
        .groups
        .iter()
        .find(|group| group.keys.iter().any(|other| other == key))?;
    let column = group.keys.iter().position(|other| other == key)?;
    let (row, found) = group
        .rows
        .iter()
        .map(|row| &row[column])
        .enumerate()
        .find(|(_, found)| *found != value)?;
    Some((format!("{}.{key}[{row}]", space.grid_path), found.clone()))
}
