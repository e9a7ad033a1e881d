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

    /// Train the configuration once more, on training and validation rows, and use that model
    #[arg(long, conflicts_with = "no_refit")]
    refit: bool,

    /// Use the model that was trained, whatever `refit` of the experiment file says
    #[arg(long)]
    no_refit: bool,
}

fn kind_help() -> String {
    let allowed = Kind::allowed();
    format!("With `best`: the best configuration of this kind ({allowed})")
}

impl ModelFlags {
    /// Whether a refit is asked for; `None` is as the experiment file says.
    pub fn refit(&self) -> Option<bool> {
        match (self.refit, self.no_refit) {
            (false, false) => None,
            (refit, _) => Some(refit),
        }
    }

    pub fn options(&self) -> ModelOptions {
        ModelOptions {
            experiment: self.experiment.clone(),
            kind: self.kind,
            refit: self.refit(),
        }
    }
}
