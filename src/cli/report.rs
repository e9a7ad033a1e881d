//! `sweep report`: rank the runs, write CSV, plots and a page, and print the most important of it.

use std::path::PathBuf;

use serde_json::{Value as Json, json};

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::filter::Filter;
use crate::listing;
use crate::terminal;
use sweep_analysis::{Anova, Inference, Input, Summary};
use sweep_app::pool;
use sweep_app::report::{self, Options};
use sweep_core::sanitize::sanitize;
use sweep_report::{
    Written, comparisons, dummy_text, hyperparameters, narrative, plan_status, regions, table,
    test, transfer_text,
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The sweeps to report on; the last one if left out
    names: Vec<String>,

    /// The folder to write to: each sweep gets a subfolder
    #[arg(long, default_value = "reports", value_name = "FOLDER")]
    out: PathBuf,

    /// Replace a report that was made from another database
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    filter: Filter,

    /// Evaluate the best configuration of each kind on the held-out test set. Every evaluation is recorded and counted:
    /// do this once, at the end
    #[arg(long)]
    test: bool,
}

/// `sweep report [NAME ...]`.
pub fn report(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let options = Options {
        query: arguments.filter.query().map(str::to_owned),
        test: arguments.test,
    };
    pool::collect_now(&context.app, context, &arguments.names)?;
    let sweeps = report::sweeps(&context.app, &arguments.names)?;
    let mut reports = Vec::new();
    for record in &sweeps {
        let input = report::load(&context.app, context, record.clone(), &options)?;
        if sweeps.len() > 1 {
            print_heading(context, &input);
        }
        reports.push(write(context, arguments, &input)?);
    }
    if sweeps.len() > 1 {
        match report::load_merged(&context.app, &sweeps, &options)? {
            Ok(input) => {
                print_heading(context, &input);
                reports.push(write(context, arguments, &input)?);
            }
            Err(why) => terminal::note(&format!("no report on all of them together: {why}")),
        }
    }
    if context.json {
        terminal::print_json(&Json::Array(reports));
    }
    Ok(Exit::Success)
}

/// Which of several sweeps the following is about.
fn print_heading(context: &Context, input: &Input) {
    if !context.json {
        terminal::print(&format!("\n{}", sanitize(&input.experiment.name)));
    }
}

/// Writes the report of `input`, prints it unless JSON is asked for, and gives it as JSON.
fn write(context: &Context, arguments: &Arguments, input: &Input) -> Result<Json, Failure> {
    let written = report::write(&context.app, &arguments.out, input, arguments.force)?;
    let summary = input.summary();
    let (inference, anova) = (Inference::of(&summary), Anova::of(&summary));
    if !context.json {
        print(input, &summary, &inference, anova.as_ref().ok(), &written);
    }
    let mut value = listing::sweep_json(&input.experiment, &summary);
    value["inference"] = comparisons::json(&inference, &summary);
    value["hyperparameters"] = match anova {
        Ok(anova) => hyperparameters::json(&anova),
        Err(reason) => json!({ "none": reason }),
    };
    value["test_evaluations"] = input.test_evaluations.into();
    value["conformal"] = regions::json(input);
    value["test"] = input.test.as_ref().map(test::json).into();
    value["report"] = written.page.display().to_string().into();
    Ok(value)
}

fn print(
    input: &Input,
    summary: &Summary,
    inference: &Inference,
    anova: Option<&Anova>,
    written: &Written,
) {
    if let Some(query) = &summary.query {
        terminal::print(&format!(
            "Only trials that match `{}`; this replaces an earlier report on all trials.",
            sanitize(query)
        ));
    }
    if let Some(sentence) = plan_status::unfinished(summary) {
        terminal::print(&sentence);
    }
    for sentence in plan_status::failures(summary) {
        terminal::print(&sentence);
    }
    let leaderboard = table::leaderboard(summary, listing::SHOWN, terminal::table_style());
    terminal::print_table(&leaderboard);
    if let Some(warning) = dummy_text::warning(summary) {
        terminal::print(&format!("warning: {warning}"));
    }
    let searches = listing::searches(&input.experiment).into_iter();
    for line in searches.chain(listing::ensemble(&input.experiment, summary)) {
        terminal::print(&line);
    }
    for sentence in narrative::sentences(inference, summary) {
        terminal::print(&sentence);
    }
    if inference.coverage.rows().is_some() {
        terminal::print(&narrative::coverage(inference, summary));
    }
    if let Some(sentence) = regions::sentence(input, summary) {
        terminal::print(&sentence);
    }
    if let Some(anova) = anova {
        terminal::print(&hyperparameters::line(anova));
    }
    for sentence in transfer_text::sentences(&input.experiment, summary) {
        terminal::print(&format!("transfer: {sentence}"));
    }
    if let Some(test) = &input.test {
        let columns = test::columns(test, &summary.losses);
        terminal::print(&format!("\n{}", test::about(test)));
        terminal::print_table(&listing::plain(&columns, &test::table(test)));
        terminal::print(&format!("{}\n", test::evaluation_count(test)));
    }
    for line in &written.left_out {
        terminal::note(&format!("note: {line}"));
    }
    terminal::print(&format!("report: {}", written.page.display()));
}
