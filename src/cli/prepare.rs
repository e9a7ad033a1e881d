//! The way from an experiment file to a plan on real data, shared by `run`, `resume`, `plan` and
//! `data`. Says all that is wrong at once, before anything is recorded.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::failure::draw_warning;
use super::source::SourceRun;
use super::{Context, Failure, more_seeds};
use sweep_core::trial::TrialId;
use sweep_data::DataError;
use sweep_experiment::plan::{self, Plan, Severity};
use sweep_experiment::{Diagnostic, Experiment, MAX_FILE_BYTES, Source};
use sweep_store::lock::DataLock;

/// A checked experiment, with the text it came from.
pub struct Checked {
    pub source: Source,
    pub flags: Vec<String>,
    pub experiment: Experiment,
}

/// An experiment with its prepared data and its trials.
pub struct Ready {
    pub checked: Checked,
    pub data: sweep_data::Prepared,
    pub plan: Plan,
    /// What transferred networks begin with.
    pub source: Option<SourceRun>,
    /// Until the record knows of the data, nobody may take them for leftovers.
    pub hold: DataLock,
}

/// Reads and checks the experiment file at `path`, with `flags` set on top of it.
pub fn read(path: &Path, flags: &[String]) -> Result<Checked, Failure> {
    if let Some((flag, later)) = sweep_experiment::overridden(flags) {
        return Err(Failure::input(
            format!("--set {flag} has no effect beside --set {later}"),
            "leave one of the two out",
        ));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| {
            let help = "give the path of an experiment file, such as experiments/quickstart.toml";
            Failure::input(format!("cannot read {}: {error}", path.display()), help)
        })?;
    let source = Source::from_bytes(path, bytes)
        .map_err(|problem| Failure::input(&problem, problem.help.as_deref().unwrap_or("")))?;
    check(source, flags)
}

/// Checks an experiment whose text is at hand.
pub fn check(source: Source, flags: &[String]) -> Result<Checked, Failure> {
    match sweep_experiment::parse(&source, flags) {
        Ok(experiment) => Ok(Checked {
            source,
            flags: flags.to_vec(),
            experiment,
        }),
        Err(problems) => Err(Failure::experiment(&source, flags, &problems)),
    }
}

/// Prepares the data of `checked` under the runs folder, and expands its plan.
pub fn prepare(context: &Context, checked: Checked) -> Result<Ready, Failure> {
    prepare_from(context, checked, None)
}

/// Likewise, with the trial `pinned` as the source of a transfer, whatever the file names.
pub fn prepare_from(
    context: &Context,
    checked: Checked,
    pinned: Option<&TrialId>,
) -> Result<Ready, Failure> {
    prepare_or_in(context, checked, pinned, None)
}

/// Likewise, with data that are not prepared yet below `scratch`, if that is given, instead of the runs folder.
pub fn prepare_or_in(
    context: &Context,
    mut checked: Checked,
    pinned: Option<&TrialId>,
    scratch: Option<&Path>,
) -> Result<Ready, Failure> {
    let hold = DataLock::shared(scratch.unwrap_or(context.runs()));
    let source = SourceRun::find(context, &checked, pinned)?;
    if let Some(source) = &source {
        let adopted =
            checked
                .experiment
                .adopt(&source.trial, &source.network, &source.weights_sha256);
        adopted
            .map_err(|problems| Failure::experiment(&checked.source, &checked.flags, &problems))?;
    }
    let run_dir = context.run_dir();
    let known = source.as_ref().map(|source| source.data(&run_dir));
    let spec = &checked.experiment.data;
    let data = match scratch {
        Some(scratch) => sweep_data::prepare_read_only(spec, context.runs(), scratch, known),
        None => sweep_data::prepare_for_transfer(spec, context.runs(), known),
    };
    let data = data.map_err(|errors| checked.blame(&errors))?;
    let meta = &data.meta;
    let mut plan = plan::expand(&checked.experiment, &meta.digest);
    more_seeds::add_recorded(context, &checked.experiment.name, &mut plan, &meta.digest)?;
    let mut errors = Vec::new();
    for problem in plan.check(meta.train_rows) {
        let diagnostic = checked
            .experiment
            .diagnose(&problem.key, problem.message)
            .help(problem.help);
        match problem.severity {
            Severity::Error => errors.push(diagnostic),
            Severity::Warning => {
                context.note(&draw_warning(&checked.source, &checked.flags, &diagnostic));
            }
        }
    }
    match errors.is_empty() {
        true => Ok(Ready {
            checked,
            data,
            plan,
            source,
            hold,
        }),
        false => Err(Failure::experiment(
            &checked.source,
            &checked.flags,
            &errors,
        )),
    }
}

impl Checked {
    /// Points at the keys of the experiment that are behind errors in the data.
    pub fn blame(&self, errors: &[DataError]) -> Failure {
        // No key is at fault for what the machine does not let us do.
        if let Some(error) = errors.iter().find(|error| error.is_of_machine) {
            return Failure::environment(error, &error.help);
        }
        let blamed = |error: &DataError| {
            let key = error.key.as_deref().unwrap_or("data.path");
            self.experiment
                .diagnose(key, error.to_string())
                .help(error.help.clone())
        };
        let problems: Vec<Diagnostic> = errors.iter().map(blamed).collect();
        Failure::experiment(&self.source, &self.flags, &problems)
    }
}
