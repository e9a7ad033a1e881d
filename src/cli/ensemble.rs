//! `sweep ensemble`: selects an ensemble from the finished trials of a sweep.

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal;
use sweep_analysis::json;
use sweep_app::ensemble;
use sweep_core::trial::EnsembleMethod;
use sweep_report::ensemble_text;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The sweep; the last one if left out
    name: Option<String>,

    /// The most candidates of each kind of model, the best by the objective: a candidate is a seed of a configuration
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..))]
    top: u32,

    /// Additions in each bag, candidates that are in it already included; the best ensemble on the way is taken
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    rounds: u32,

    /// Bags of half of the candidates, whose ensembles are averaged; 1 is one bag of all
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    bags: u32,

    /// Key of the bags and of the halves of the validation rows that scores are cross-fitted on
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u32,
}

/// `sweep ensemble [NAME]`.
pub fn ensemble(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let method = EnsembleMethod {
        top: arguments.top,
        rounds: arguments.rounds,
        bags: arguments.bags,
        seed: arguments.seed,
    };
    let made = ensemble::create(&context.app, context, arguments.name.as_deref(), method)?;
    let (sweep, shown) = (&made.experiment.name, made.summary());
    if context.json {
        let mut value = json::ensemble(&shown);
        value["name"] = sweep.as_str().into();
        terminal::print_json(&value);
        return Ok(Exit::Success);
    }
    terminal::print(&format!("{sweep}: {}\n", ensemble_text::about(&shown)));
    terminal::print_table(&ensemble_text::tables(&shown, terminal::table_style()));
    terminal::note(&format!(
        "use it with `sweep predict ensemble DATA --experiment {sweep}`; `sweep report {sweep}` shows it beside the trials"
    ));
    Ok(Exit::Success)
}
