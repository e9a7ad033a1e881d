//! `sweep ls`.

use super::context::store_failure;
use super::{Context, Exit, Failure, terminal};
use crate::report::{json, table};

pub fn ls(context: &Context) -> Result<Exit, Failure> {
    let experiments = context.read()?.experiments().map_err(store_failure)?;
    if context.json {
        terminal::print_json(&json::experiments(&experiments));
    } else if experiments.is_empty() {
        terminal::print("no sweeps yet; begin one with `sweep run FILE.toml`");
    } else {
        terminal::print(&table::experiments(
            &experiments,
            terminal::stdout_has_colour(),
        ));
    }
    Ok(Exit::Success)
}
