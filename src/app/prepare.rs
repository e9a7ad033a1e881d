//! From a loaded experiment to a plan on prepared data, shared by `run`, `resume`, `plan` and `data`. Every
//! problem is reported at once, before anything is written to the database.

use std::collections::HashSet;
use std::path::Path;

use sweep_core::data_config::{DataSpec, TargetTransform};
use sweep_core::trial::models::{CategoryEmbedding, DatasetSize};
use sweep_core::trial::{DataDigest, TrialId};
use sweep_data::{DatasetMeta, Preprocessor};
use sweep_experiment::plan::{self, Plan, PlannedTrial, Severity};
use sweep_store::lock::DataLock;

use crate::app::App;
use crate::error::Error;
use crate::loaded::LoadedExperiment;
use crate::observer::{Notice, Observer};
use crate::pretrained::PretrainedModel;
use crate::program::{self, PreparedProgram};
use crate::search::{self, PreparedSearch};

/// An experiment with its prepared data and its trials.
pub struct PreparedSweep {
    pub loaded: LoadedExperiment,
    /// One data set, or one for each fold of a cross-validation; without rows where trials are programs.
    pub folds: Vec<sweep_data::Prepared>,
    /// What trials run, where they are programs.
    pub program: Option<PreparedProgram>,
    pub plan: Plan,
    /// In the order of the experiment.
    pub searches: Vec<PreparedSearch>,
    /// The network that transferred ones start from.
    pub source: Option<PretrainedModel>,
    /// Keeps `sweep gc` from removing the data before the database refers to them.
    pub hold: DataLock,
}

impl PreparedSweep {
    /// The data set, or that of the first fold, which speaks for all where they do not differ.
    pub fn data(&self) -> &sweep_data::Prepared {
        &self.folds[0]
    }

    /// The trials of the plan, then those that searches have decided on or were told of.
    pub fn trials(&self) -> Vec<PlannedTrial> {
        let searched = self.searches.iter().flat_map(PreparedSearch::trials);
        self.plan.trials.iter().cloned().chain(searched).collect()
    }

    /// Gives notice of what was noticed as the data were prepared.
    pub fn notice_data(&self, observer: &dyn Observer) {
        for note in &self.data().summary.notes {
            observer.notice(&Notice::Data(note.to_string()));
        }
    }
}

/// What decides how much memory training on a data set takes.
pub fn dataset_size(meta: &DatasetMeta) -> DatasetSize {
    size_of(&meta.preprocessor, meta.train_rows, meta.outputs())
}

/// The same of `rows` training rows that `preprocessor` makes features of.
pub fn size_of(preprocessor: &Preprocessor, rows: usize, outputs: usize) -> DatasetSize {
    let blocks = preprocessor.category_blocks(CategoryEmbedding::MIN_FEATURES);
    DatasetSize {
        rows,
        features: preprocessor.width(),
        classes: outputs,
        category_columns: blocks.len(),
        category_features: blocks.iter().map(|block| block.features).sum(),
        text_features: preprocessor
            .text_features()
            .iter()
            .map(ExactSizeIterator::len)
            .sum(),
    }
}

/// The names of data sets, in order.
pub fn digests(folds: &[sweep_data::Prepared]) -> Vec<DataDigest> {
    folds.iter().map(|fold| fold.meta.digest.clone()).collect()
}

/// The target of the data of `meta`, which were prepared as `spec` says.
pub fn target<'a>(meta: &'a DatasetMeta, spec: &DataSpec) -> plan::Target<'a> {
    plan::Target {
        task: meta.task(),
        classes: &meta.classes,
        data: dataset_size(meta),
        is_transformed: spec.target_transform != TargetTransform::None,
    }
}

/// Of the fold with the fewest training rows.
fn smallest(folds: &[sweep_data::Prepared]) -> DatasetSize {
    let sizes = folds.iter().map(|fold| dataset_size(&fold.meta));
    let least = sizes.min_by_key(|size| size.rows);
    least.expect("there is a data set")
}

/// Of a file that names no model, leaves out the baselines whose library is missing.
fn leave_out_baselines(observer: &dyn Observer, loaded: &mut LoadedExperiment) {
    let experiment = &mut loaded.experiment;
    if !experiment.names_no_model {
        return;
    }
    experiment.baselines.retain(|space| {
        let kind = space.base.kind();
        let missing = sweep_engine::models::library(kind).and_then(Result::err);
        if let Some(why) = &missing {
            let why = why.to_string();
            observer.notice(&Notice::BaselineLeftOut { kind, why });
        }
        missing.is_none()
    });
}

/// Prepares the data of `loaded` under the runs folder, and expands its plan.
pub fn prepare(
    app: &App,
    observer: &dyn Observer,
    loaded: LoadedExperiment,
) -> Result<PreparedSweep, Error> {
    prepare_from(app, observer, loaded, None)
}

/// The same, with the trial `pinned` as the source of a transfer, whatever the file names.
pub fn prepare_from(
    app: &App,
    observer: &dyn Observer,
    loaded: LoadedExperiment,
    pinned: Option<&TrialId>,
) -> Result<PreparedSweep, Error> {
    prepare_or_in(app, observer, loaded, pinned, None)
}

/// The same; data that are not prepared yet go to `scratch`, if given, instead of the run directory.
pub fn prepare_or_in(
    app: &App,
    observer: &dyn Observer,
    mut loaded: LoadedExperiment,
    pinned: Option<&TrialId>,
    scratch: Option<&Path>,
) -> Result<PreparedSweep, Error> {
    let hold = DataLock::shared(scratch.unwrap_or(app.runs()));
    let source = PretrainedModel::find(app, &loaded, pinned)?;
    if let Some(source) = &source {
        if let Some(tie) = &source.tie {
            observer.notice(&Notice::TrialChosen(tie.clone()));
        }
        let adopted =
            loaded
                .experiment
                .adopt(&source.trial, &source.network, &source.weights_sha256);
        adopted.map_err(|problems| loaded.rejected(problems))?;
    }
    let program = PreparedProgram::prepare(&mut loaded)?;
    let run_dir = app.run_dir();
    let known = source.as_ref().map(|source| source.data(&run_dir));
    let spec = &loaded.experiment.data;
    let folds = match (&program, scratch) {
        (Some(program), _) => Ok(vec![program.data()]),
        (None, Some(scratch)) => sweep_data::prepare_read_only(spec, app.runs(), scratch, known),
        (None, None) => sweep_data::prepare_folds(spec, app.runs(), known),
    };
    let folds = folds.map_err(|errors| loaded.diagnose(&errors))?;
    leave_out_baselines(observer, &mut loaded);
    let digests = digests(&folds);
    let spec = &loaded.experiment.data;
    let meta = &folds[0].meta;
    let target = target(meta, spec);
    let mut plan = plan::expand(&loaded.experiment, &digests, target);
    let store = app.read_if_any()?;
    let first = plan.trials.first();
    program::check_config(&loaded, first)?;
    let searches = search::prepare(
        &loaded,
        (&meta.digest, &folds[0].path),
        target,
        store.as_ref(),
    )?;
    if let Some(store) = store {
        let further = store.extra_seeds(&loaded.experiment.name)?;
        plan.add_seeds(&further, &digests);
    }
    let representative = searches.first().and_then(|search| {
        let trials = search.problem.representatives();
        trials.into_iter().next()
    });
    program::check_config(&loaded, representative.as_ref())?;
    let mut errors = Vec::new();
    let checked = search::checked_plan(&plan, &searches);
    let mut problems = checked.check(smallest(&folds), target);
    // Several values of a range may be wrong alike.
    let mut told = HashSet::new();
    problems.retain(|problem| told.insert((problem.key.clone(), problem.help.clone())));
    for problem in problems {
        let diagnostic = loaded
            .experiment
            .diagnose(&problem.key, problem.message)
            .help(problem.help);
        match problem.severity {
            Severity::Error => errors.push(diagnostic),
            Severity::Warning => {
                observer.notice(&Notice::Warning {
                    file: loaded.source.clone(),
                    flags: loaded.flags.clone(),
                    problem: Box::new(diagnostic),
                });
            }
        }
    }
    match errors.is_empty() {
        true => Ok(PreparedSweep {
            loaded,
            folds,
            program,
            plan,
            searches,
            source,
            hold,
        }),
        false => Err(loaded.rejected(errors)),
    }
}
