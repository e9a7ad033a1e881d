//! `sweep watch`: follow a sweep that agents train, from any machine that sees its folder.

use sweep_app::pool;
use sweep_app::resume::{self, Options};
use sweep_app::run::RunOutcome;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::run;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The sweep; the last one if left out
    name: Option<String>,
}

/// `sweep watch [NAME]`.
pub fn watch(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let options = Options {
        name: arguments.name.clone(),
        accept_new_data: false,
    };
    let prepared = resume::prepare(&context.app, context, &options)?;
    let followed = pool::watch(&context.app, context, &prepared)?;
    let store = context.app.read()?;
    let outcome = RunOutcome::of_pool(&context.app, &store, followed, 0)?;
    Ok(run::conclude(context, &outcome))
}
