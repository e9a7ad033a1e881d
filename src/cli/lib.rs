//! The command line: one file per subcommand, which parses arguments, calls `sweep_app` and prints what it returns.

mod agent;
mod annotations;
mod colour;
mod completions;
mod confirm;
mod console;
mod context;
mod data;
mod describe;
mod diff;
mod doctor;
mod ensemble;
mod exit;
mod export;
mod failure;
mod filter;
mod flags;
mod gc;
mod hint;
mod init;
mod limits;
mod listing;
mod logs;
mod ls;
mod model_flags;
mod mv;
mod plan;
mod predict;
mod report;
mod resume;
mod rm;
mod run;
mod show;
mod signals;
mod stop;
mod table_flags;
mod terminal;
mod watch;
mod worker;

use std::io::Write as _;
use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand};

use context::Context;
pub use exit::Exit;
use failure::Failure;

/// Turns one TOML experiment file into trained, tracked and compared models.
#[derive(Debug, Parser)]
#[command(name = "sweep", version, max_term_width = 100)]
struct Arguments {
    /// The database file
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = hint::VARIABLE,
        default_value = hint::DEFAULT
    )]
    store: PathBuf,

    /// Print JSON for scripts instead of tables
    #[arg(long, global = true)]
    json: bool,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write an experiment file for a table of your own
    Init(init::Arguments),
    /// Train the trials of an experiment file that the database does not have yet
    Run(run::Arguments),
    /// Continue a sweep where it stopped
    Resume(resume::Arguments),
    /// Follow a sweep that agents on a cluster train
    Watch(watch::Arguments),
    /// Ask a running sweep to stop cleanly, and wait until it has
    Stop(stop::Arguments),
    /// Print what the program of a trial wrote
    Logs(logs::Arguments),
    /// Show what `run` would train, without training
    Plan(plan::Arguments),
    /// Rank the runs of one or more sweeps; write CSV, plots and a page
    Report(report::Arguments),
    /// Select an ensemble from the finished trials of a sweep, of all kinds of models
    Ensemble(ensemble::Arguments),
    /// Predict new rows with a trained model
    Predict(predict::Arguments),
    /// Write a trained model, or the results of a sweep, to a folder in open formats
    Export(export::Arguments),
    /// List all sweeps, or the trials of one
    Ls(ls::Arguments),
    /// Show everything recorded about a sweep, a configuration or a trial
    Show(show::Arguments),
    /// Compare two trials: settings, metrics, environment, data
    Diff(diff::Arguments),
    /// Add tags to a trial, or remove them
    Tag(annotations::TagArguments),
    /// Add a note to a trial
    Note(annotations::NoteArguments),
    /// Rename a sweep
    Mv(mv::MvArguments),
    /// Copy a sweep under another name: the same plan and the same trials, nothing is trained again
    Cp(mv::CpArguments),
    /// Remove a sweep, or one trial of it, from the database, with its files
    Rm(rm::Arguments),
    /// Remove unused files: old checkpoints, unfinished writes, unused data sets
    Gc(gc::Arguments),
    /// Describe a table: columns, classes, correlations, duplicates; write CSV and plots
    Describe(describe::Arguments),
    /// Prepare the data of an experiment, or write demonstration data
    #[command(subcommand)]
    Data(data::Command),
    /// Check this machine: cores, libraries, database, disk
    Doctor(doctor::Arguments),
    /// Train trials of a pool: what a job on a cluster runs
    Agent(agent::Arguments),
    /// Print a completion script for a shell
    Completions(completions::Arguments),
    /// Train trials on behalf of a coordinator (started by `run`)
    #[command(hide = true)]
    Worker(worker::Arguments),
}

/// Runs the program.
pub fn main() -> Exit {
    let arguments = Arguments::try_parse().unwrap_or_else(|unusable| refuse(&unusable));
    hint::learn_store(&arguments.store);
    let context = Context::new(
        &arguments.store,
        arguments.json,
        arguments.command.is_quiet(),
    );
    // Workers leave signals to their coordinator.
    let listens = match arguments.command {
        Command::Worker(_) => Ok(()),
        _ => signals::listen(),
    };
    let outcome = listens.and_then(|()| carry_out(&context, arguments.command));
    outcome.unwrap_or_else(|failure| {
        terminal::note_drawn(&failure.to_string());
        failure.exit
    })
}

/// Says what is wrong with the arguments, or what was asked for with `--help` or `--version`, and ends this process.
fn refuse(unusable: &clap::Error) -> ! {
    let written = unusable.print().and_then(|()| std::io::stdout().flush());
    match written {
        Err(error) if !unusable.use_stderr() => terminal::end_unwritten(&error),
        // Nothing can be done about messages that cannot be written.
        _ => std::process::exit(unusable.exit_code()),
    }
}

fn carry_out(context: &Context, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Init(arguments) => init::init(context, &arguments),
        Command::Run(arguments) => run::run(context, &arguments),
        Command::Resume(arguments) => resume::resume(context, &arguments),
        Command::Watch(arguments) => watch::watch(context, &arguments),
        Command::Agent(arguments) => agent::agent(context, &arguments),
        Command::Stop(arguments) => stop::stop(context, &arguments),
        Command::Logs(arguments) => logs::logs(context, &arguments),
        Command::Plan(arguments) => plan::plan(context, &arguments),
        Command::Report(arguments) => report::report(context, &arguments),
        Command::Ensemble(arguments) => ensemble::ensemble(context, &arguments),
        Command::Predict(arguments) => predict::predict(context, &arguments),
        Command::Export(arguments) => export::export(context, &arguments),
        Command::Ls(arguments) => ls::ls(context, &arguments),
        Command::Show(arguments) => show::show(context, &arguments),
        Command::Diff(arguments) => diff::diff(context, &arguments),
        Command::Tag(arguments) => annotations::tag(context, &arguments),
        Command::Note(arguments) => annotations::note(context, &arguments),
        Command::Mv(arguments) => mv::mv(context, &arguments),
        Command::Cp(arguments) => mv::cp(context, &arguments),
        Command::Rm(arguments) => rm::rm(context, &arguments),
        Command::Gc(arguments) => gc::gc(context, &arguments),
        Command::Describe(arguments) => describe::describe(context, &arguments),
        Command::Data(command) => data::data(context, &command),
        Command::Doctor(arguments) => doctor::doctor(context, &arguments),
        Command::Completions(arguments) => {
            completions::completions(&mut <Arguments as CommandFactory>::command(), &arguments)
        }
        Command::Worker(arguments) => worker::worker(&arguments),
    }
}

impl Command {
    /// Whether only errors and the last line are printed.
    fn is_quiet(&self) -> bool {
        match self {
            Command::Run(arguments) => arguments.flags.quiet,
            Command::Resume(arguments) => arguments.flags.quiet,
            _ => false,
        }
    }
}
