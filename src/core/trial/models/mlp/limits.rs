//! How large networks may be, and how long they may train.

/// Most hidden layers a network may have. Dropout streams are numbered with 64 layers per step.
pub(super) const MAX_LAYERS: usize = 64;
/// Widest hidden layer.
pub(super) const MAX_WIDTH: u32 = 65_536;
/// Most epochs a trial may train.
pub(super) const MAX_EPOCHS: u32 = 1_000_000;
