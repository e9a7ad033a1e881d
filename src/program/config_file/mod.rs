//! Files of settings, written anew with the values of a trial: TOML, YAML, JSON.
//!
//! Invariant: only the values at the given keys change. All other bytes stay: comments, order, blanks. A key that is
//! not in the file is an error unless it is meant to be added.

mod error;
mod json;
mod key;
mod place;
mod toml;
mod tree;
mod yaml;
mod yaml_tree;

pub use error::ConfigError;

use sweep_core::program::{ConfigFile, ConfigFormat};
use sweep_core::trial::{Params, Value};

use key::Key;

/// The text of the file of `config` with the settings of a trial written into it.
///
/// # Errors
/// When a setting has no place there.
pub fn with_settings(
    text: &str,
    config: &ConfigFile,
    settings: &Params,
) -> Result<String, ConfigError> {
    let written: Vec<(&str, &Value)> = (settings.iter())
        .map(|(name, value)| {
            let key = config.keys.get(name).unwrap_or(name);
            (key.as_str(), value)
        })
        .collect();
    write(text, config.format, &written)
}

/// The text of a file with `settings` written into it, in their order.
///
/// Keys are dotted: `train.lr`, `optimizer.params[0].lr`, `"a.b".c`. The last part of a key that begins with `+` may be
/// missing in the file and is added then. Floats arrive to the bit; in JSON, what is not finite is written as Python
/// writes it (`NaN`). A YAML value with an anchor keeps it, so that the aliases of it change too.
pub fn write(
    text: &str,
    format: ConfigFormat,
    settings: &[(&str, &Value)],
) -> Result<String, ConfigError> {
    let keys = settings
        .iter()
        .map(|(key, value)| Ok((Key::parse(key)?, *value)));
    let keys = keys.collect::<Result<Vec<(Key, &Value)>, ConfigError>>()?;
    match format {
        ConfigFormat::Toml => toml::write(text, &keys),
        ConfigFormat::Yaml => each(text, &keys, yaml::set),
        ConfigFormat::Json => each(text, &keys, json::set),
    }
}

/// The text after one key after the other was set.
fn each(
    text: &str,
    keys: &[(Key, &Value)],
    set: fn(&str, &Key, &Value) -> Result<String, ConfigError>,
) -> Result<String, ConfigError> {
    let start = text.to_owned();
    keys.iter()
        .try_fold(start, |text, (key, value)| set(&text, key, value))
}

#[cfg(test)]
mod tests;
