//! `sweep resume`: train what the last session of a sweep has left.

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::flags::RunFlags;
use crate::run;
use sweep_app::resume::{self, Options};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The sweep; the last one if left out
    name: Option<String>,

    /// Accept a changed data file as a new version of the data set: every trial is trained on it, and results on the
    /// old version stay in the database, out of the plan
    #[arg(long)]
    accept_new_data: bool,

    #[command(flatten)]
    pub flags: RunFlags,
}

/// `sweep resume [NAME]`.
pub fn resume(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let options = Options {
        name: arguments.name.clone(),
        accept_new_data: arguments.accept_new_data,
    };
    let mut prepared = resume::prepare(&context.app, context, &options)?;
    run::execute(context, &mut prepared, &arguments.flags.options()?)
}
