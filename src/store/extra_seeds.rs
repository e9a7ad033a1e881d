//! Extra replicate seeds of configurations, beyond those of the experiment's file.
//!
//! They are part of the experiment, not of a session: every later plan of it has them.

use std::collections::BTreeMap;

use rusqlite::params;

use super::cells::is_hex;
use super::{Store, StoreError};
use sweep_core::trial::ConfigId;

const ACTION: &str = "recording extra seeds";

impl Store {
    /// Extra seeds of the experiment called `name`, each configuration once, in the order of their names; none for an
    /// experiment that the database does not know.
    pub fn extra_seeds(&self, name: &str) -> Result<Vec<(ConfigId, Vec<u64>)>, StoreError> {
        let snapshot = self.database.snapshot()?;
        let allowed = "a JSON object of lists of seeds by the names of configurations";
        let found = self.rows(
            &snapshot,
            "SELECT name, extra_seeds FROM experiments WHERE name = ?1",
            [name],
            ("experiments", "name"),
            |cells| {
                let text = cells.text("extra_seeds")?;
                let seeds: BTreeMap<String, Vec<u64>> = serde_json::from_str(&text)
                    .map_err(|_| cells.refuse("extra_seeds", allowed))?;
                if !seeds
                    .keys()
                    .all(|config| config.len() == 32 && is_hex(config))
                {
                    return Err(cells.refuse("extra_seeds", allowed));
                }
                let named = seeds.into_iter();
                let named = named.map(|(config, seeds)| (ConfigId::from_hex(config), seeds));
                Ok(named.collect())
            },
        )?;
        Ok(found.into_iter().next().unwrap_or_default())
    }

    /// Puts `seeds` in place of the extra seeds of the experiment called `name`, which must be known.
    pub fn set_extra_seeds(
        &mut self,
        name: &str,
        seeds: &[(ConfigId, Vec<u64>)],
    ) -> Result<(), StoreError> {
        let fail = self.database.fail(ACTION);
        let seeds: BTreeMap<&str, &[u64]> = (seeds.iter())
            .map(|(config, seeds)| (config.as_str(), &seeds[..]))
            .collect();
        let text = serde_json::to_string(&seeds).expect("seeds are plain data");
        let transaction = self.database.begin(ACTION)?;
        let changed = transaction
            .execute(
                "UPDATE experiments SET extra_seeds = ?2 WHERE name = ?1",
                params![name, text],
            )
            .map_err(&fail)?;
        if changed == 0 {
            let what = format!("experiment {name}");
            return Err(StoreError::UnknownReference { what });
        }
        transaction.commit().map_err(&fail)
    }
}
