//! Which slots there are: `cpu:0`, `cpu:1`, ...

use std::num::NonZero;
use std::thread::available_parallelism;

use crate::event::Slot;

/// Most slots one coordinator serves.
pub const MAX_SLOTS: usize = 1024;

/// A list of slots that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SlotError {
    #[error("`{0}` is no slot; write a list such as cpu:2 (two CPU slots), or auto")]
    Unknown(String),
    #[error("{0} slots are too few or too many; from 1 to {MAX_SLOTS} are possible")]
    Count(usize),
}

/// `count` CPU slots, or as many as there are cores.
pub fn cpu_slots(count: Option<usize>) -> Result<Vec<Slot>, SlotError> {
    let count = count.unwrap_or_else(|| available_parallelism().map_or(1, NonZero::get));
    match count {
        1..=MAX_SLOTS => Ok((0..count)
            .map(|number| Slot(format!("cpu:{number}")))
            .collect()),
        _ => Err(SlotError::Count(count)),
    }
}

/// Reads `auto`, `cpu` or `cpu:N` (N slots) from the command line.
pub fn parse_slots(text: &str) -> Result<Vec<Slot>, SlotError> {
    match text {
        "auto" | "cpu" => cpu_slots(None),
        _ => match text
            .strip_prefix("cpu:")
            .and_then(|count| count.parse().ok())
        {
            Some(count) => cpu_slots(Some(count)),
            None => Err(SlotError::Unknown(text.to_owned())),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_numbered_from_zero() {
        let names: Vec<String> = parse_slots("cpu:3")
            .unwrap()
            .into_iter()
            .map(|slot| slot.0)
            .collect();
        assert_eq!(names, ["cpu:0", "cpu:1", "cpu:2"]);
        assert!(!parse_slots("auto").unwrap().is_empty());
    }

    #[test]
    fn what_is_no_slot_is_refused() {
        assert_eq!(parse_slots("cpu:0"), Err(SlotError::Count(0)));
        assert_eq!(
            parse_slots("tpu:1"),
            Err(SlotError::Unknown("tpu:1".to_owned()))
        );
        assert_eq!(parse_slots("cpu:1000000"), Err(SlotError::Count(1_000_000)));
    }
}
