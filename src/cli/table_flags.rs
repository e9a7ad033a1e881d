//! Flags that say how the cells of a table are read, where there is no experiment file to say it.

use sweep_core::data_config::{Decimal, Delimiter, TableFormat, TextEncoding};

/// How the cells of a table are read; what is left out is found from the file.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct TableFlags {
    /// What separates cells: one character, `tab` or `blanks`
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    delimiter: Option<Delimiter>,

    /// What separates decimals: `.` or `,`
    #[arg(long, value_name = "CHARACTER", value_parser = decimal)]
    decimal: Option<Decimal>,

    /// The encoding: utf-8, utf-16, latin-1 or windows-1252
    #[arg(long, value_parser = encoding)]
    encoding: Option<TextEncoding>,

    /// Whether the first row names the columns
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
    header: Option<bool>,

    /// A cell that stands for a missing value, besides the usual ones; may be repeated
    #[arg(long = "missing-value", value_name = "TEXT")]
    missing_values: Vec<String>,
}

impl TableFlags {
    /// What the flags say.
    pub fn format(&self) -> TableFormat {
        TableFormat {
            delimiter: self.delimiter,
            decimal: self.decimal,
            encoding: self.encoding,
            header: self.header,
            missing_values: self.missing_values.clone(),
            ..TableFormat::default()
        }
    }
}

fn delimiter(text: &str) -> Result<Delimiter, String> {
    let allowed = "one ASCII character, `tab` or `blanks`";
    Delimiter::named(text).ok_or_else(|| allowed.to_owned())
}

fn decimal(text: &str) -> Result<Decimal, String> {
    Decimal::named(text).ok_or_else(|| "`.` or `,`".to_owned())
}

fn encoding(text: &str) -> Result<TextEncoding, String> {
    let allowed = "utf-8, utf-16, latin-1 or windows-1252";
    TextEncoding::named(text).ok_or_else(|| allowed.to_owned())
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" | "true" => Ok(true),
        "no" | "false" => Ok(false),
        _ => Err("`yes` or `no`".to_owned()),
    }
}
