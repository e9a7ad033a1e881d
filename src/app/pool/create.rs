//! A new pool, from a prepared sweep and the trials that are left to train.

use std::io;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use sweep_core::format::hex;
use sweep_core::protocol::PROTOCOL_VERSION;
use sweep_experiment::plan::PlannedTrial;
use sweep_pool::{ExperimentSource, FORMAT, Head, Lease, Plan, PoolData, PoolFolder, PoolTrial};
use sweep_store::{SessionId, Store};

use crate::app::App;
use crate::error::Error;
use crate::prepare::PreparedSweep;
use crate::run::{absolute, largest, owner, recorded, writable};

/// Sets the beat and the lease of new pools, in milliseconds: `250,3000`. For tests.
const LEASE: &str = "SWEEP_POOL_LEASE";

/// Makes the pool of `session`, for the trials `todo`.
pub fn create(
    app: &App,
    store: &Store,
    session: SessionId,
    prepared: &PreparedSweep,
    todo: &[&PlannedTrial],
) -> Result<PoolFolder, Error> {
    let experiment = &prepared.loaded.experiment;
    let folder = absolute(&app.run_dir().pool(&experiment.name, session.get()))?;
    let folder = PoolFolder::new(folder);
    let trials = absolute(&app.trials())?;
    writable(&trials)?;
    let unwritable = |error: io::Error| {
        Error::environment(
            format!("cannot write in {}: {error}", folder.path().display()),
            "make the folder writable, free some space, or choose another one with --store",
        )
    };
    folder.create().map_err(unwritable)?;
    let data = match &experiment.program {
        // Programs have none.
        Some(_) => Vec::new(),
        None => (prepared.folds.iter())
            .map(|fold| {
                let path = absolute(&fold.path)?;
                Ok(PoolData {
                    sha256: sha256(&path)?,
                    digest: fold.meta.digest.clone(),
                    path,
                })
            })
            .collect::<Result<_, Error>>()?,
    };
    let source = &prepared.loaded.source;
    let head = Head {
        pool: FORMAT,
        protocol: PROTOCOL_VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        experiment: experiment.name.clone(),
        session: session.get(),
        owner: owner(app, &experiment.name)?,
        source: ExperimentSource {
            path: source.path.clone(),
            text: source.text.clone(),
            flags: prepared.loaded.flags.clone(),
            edition: experiment.data.format.edition.number(),
        },
        data,
        dataset_size: largest(&prepared.folds),
        trials,
        directory: absolute(Path::new("."))?,
        lease: lease(),
        has_searches: !prepared.searches.is_empty(),
    };
    if head.has_searches {
        store.copy_to(&folder.snapshot())?;
    }
    let trials = todo.iter().map(|planned| PoolTrial {
        trial: planned.id.clone(),
        config: planned.config.clone(),
        spec: planned.spec.clone(),
        fold: planned.fold,
        recorded: (planned.spec.model.program())
            .and_then(|_| recorded(store, prepared, &planned.id)),
        job: None,
    });
    let plan = Plan {
        head,
        trials: trials.collect(),
    };
    plan.write(&folder).map_err(|error| {
        Error::environment(
            error,
            "free some space, or choose another folder with --store",
        )
    })?;
    Ok(folder)
}

fn lease() -> Lease {
    let text = std::env::var(LEASE).unwrap_or_default();
    let numbers = text.split_once(',').and_then(|(beat, lease)| {
        Some(Lease {
            beat_ms: beat.parse().ok()?,
            lease_ms: lease.parse().ok()?,
        })
    });
    numbers.unwrap_or_default()
}

/// SHA-256 of the file at `path`, in hexadecimal digits.
pub fn sha256(path: &Path) -> Result<String, Error> {
    let read = || {
        let mut hash = Sha256::new();
        io::copy(&mut std::fs::File::open(path)?, &mut HashWriter(&mut hash))?;
        Ok(hex(&hash.finalize()))
    };
    read().map_err(|error: io::Error| {
        Error::environment(format!("cannot read {}: {error}", path.display()), "")
    })
}

struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
