//! `sweep resume`: run again what the record says was run, less what it has finished.

use super::{Context, Exit, Failure, prepare, run, terminal};
use crate::spec::Source;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The sweep to go on with; the last one if left out
    name: Option<String>,

    #[command(flatten)]
    how: run::How,
}

/// `sweep resume [NAME]`.
pub fn resume(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let record = context.experiment(arguments.name.as_deref())?;
    let on_disk = std::fs::read_to_string(&record.file_path);
    if on_disk.is_ok_and(|text| text != record.file_text) {
        let path = record.file_path.display();
        terminal::note(&format!(
            "{path} was edited since; going on as recorded (`sweep run {path}` takes the new one)"
        ));
    }
    let source = Source {
        path: record.file_path,
        text: record.file_text,
    };
    let checked = prepare::check(source, &record.flags)?;
    let ready = prepare::prepare(context, checked)?;
    let digest = &ready.data.meta.digest;
    if *digest != record.dataset.digest {
        return Err(Failure::input(
            format!(
                "{} has changed since {} began: prepared, it was {} and is now {}",
                record.dataset.source.display(),
                record.name,
                &record.dataset.digest.short(),
                digest.short(),
            ),
            "bring the old file back, or train everything on the new one with `sweep run`",
        ));
    }
    run::go(context, &ready, &arguments.how)
}
