//! `--query`: the trials that a command is about; shared by `ls`, `report` and `export`.

/// The flag.
#[derive(Debug, clap::Args)]
pub struct Filter {
    /// Only trials that match a query such as `lr<0.01 dropout=0.3`, `kind=mlp|xgboost` or `not status=finished`
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
}
