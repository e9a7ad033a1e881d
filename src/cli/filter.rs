//! `--query`: the trials that a command is about; shared by `ls`, `report` and `export`.

use crate::failure::Failure;
use sweep_store::ExperimentRecord;

/// The flag.
#[derive(Debug, clap::Args)]
pub struct Filter {
    /// Only trials that meet a query, as in `lr<0.01 dropout=0.3`, `kind=mlp|xgboost` or `not status=finished`
    #[arg(long, short, value_name = "QUERY")]
    query: Option<String>,
}

impl Filter {
    pub fn is_given(&self) -> bool {
        self.query.is_some()
    }

    /// The query, if there is one.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Keeps of `record` the trials that are meant, and says how many those are if there is a query.
    ///
    /// # Errors
    /// When the query cannot be understood, or nothing meets it.
    pub fn apply(&self, record: &mut ExperimentRecord) -> Result<Option<String>, Failure> {
        Ok(sweep_app::filter::apply(record, self.query())?)
    }
}
