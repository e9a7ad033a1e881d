//! Flags that choose a trained model; shared by `predict` and `export`.

use sweep_app::model::{ModelOptions, kind};
use sweep_core::trial::Kind;

/// Flags that choose a trial.
#[derive(Debug, clap::Args)]
pub struct ModelFlags {
    /// The sweep that `best` is chosen from; the last one if left out
    #[arg(long, value_name = "NAME")]
    experiment: Option<String>,

    // Names are those of the registry.
    #[arg(long, value_name = "KIND", value_parser = kind, help = kind_help())]
    kind: Option<Kind>,
}

fn kind_help() -> String {
    let allowed = Kind::allowed();
    format!("With `best`: the best configuration of this kind ({allowed})")
}

impl ModelFlags {
    pub fn options(&self) -> ModelOptions {
        ModelOptions {
            experiment: self.experiment.clone(),
            kind: self.kind,
        }
    }
}
