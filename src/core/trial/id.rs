//! Names made from content: the same point of the same search on the same data is the same trial,
//! whatever the experiment is called and wherever it runs.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::format::hex;

macro_rules! hex_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes a name read back from the store or the command line.
            pub fn from_hex(text: impl Into<String>) -> $name {
                $name(text.into())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The first eight digits: what tables show.
            pub fn short(&self) -> &str {
                &self.0[..self.0.len().min(8)]
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

hex_name! {
    /// Name of a trial: 32 hexadecimal digits.
    TrialId
}
hex_name! {
    /// Name of a configuration, that is of a trial less its replicate seed: 32 hexadecimal digits.
    ConfigId
}
hex_name! {
    /// Digest of a prepared data set: 64 hexadecimal digits.
    DataDigest
}

impl DataDigest {
    /// The digest of bytes already hashed.
    pub fn of(hash: Sha256) -> DataDigest {
        DataDigest(hex(&hash.finalize()))
    }
}
