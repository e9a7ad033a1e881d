//! One event of TensorBoard: its step and its scalars.
//!
//! Messages: `tensorboard/compat/proto/{event,summary,tensor,tensor_shape}.proto`.

use super::protobuf::{Field, Malformed, fields};
use super::report::MAX_VALUES;

/// `DT_FLOAT` and `DT_DOUBLE` of `tensorboard/compat/proto/types.proto`.
const FLOAT: u64 = 1;
const DOUBLE: u64 = 2;

/// A message `Event`.
#[derive(Debug, Default, PartialEq)]
pub struct Event<'a> {
    pub wall_time: f64,
    pub step: i64,
    /// Tags and values.
    pub scalars: Vec<(&'a str, f64)>,
}

/// An event with more than [`MAX_VALUES`] scalars counts as malformed.
pub fn event(message: &[u8]) -> Result<Event<'_>, Malformed> {
    let mut event = Event::default();
    for field in fields(message) {
        match field? {
            (1, Field::Fixed64(bytes)) => event.wall_time = f64::from_le_bytes(bytes),
            (2, Field::Varint(step)) => event.step = step as i64,
            (5, Field::Bytes(summary)) => {
                for field in fields(summary) {
                    if let (1, Field::Bytes(value)) = field? {
                        event.scalars.extend(scalar(value)?);
                        if event.scalars.len() > MAX_VALUES {
                            return Err(Malformed);
                        }
                    }
                }
            }
            _ => {}
        }
    }
    Ok(event)
}

/// Tag and value of a `Summary.Value`, if it is a scalar.
fn scalar(message: &[u8]) -> Result<Option<(&str, f64)>, Malformed> {
    let mut tag = "";
    let mut value = None;
    for field in fields(message) {
        match field? {
            (1, Field::Bytes(text)) => tag = std::str::from_utf8(text).map_err(|_| Malformed)?,
            (2, Field::Fixed32(bytes)) => value = Some(float(bytes)),
            (8, Field::Bytes(message)) => value = tensor(message)?,
            _ => {}
        }
    }
    Ok(value.filter(|_| !tag.is_empty()).map(|value| (tag, value)))
}

/// The number in a `TensorProto` that holds one float.
fn tensor(message: &[u8]) -> Result<Option<f64>, Malformed> {
    let mut kind = 0;
    let mut has_one = true;
    let mut content: &[u8] = &[];
    let mut numbers = 0;
    let mut last = 0.0;
    let mut found = |value: f64| {
        numbers += 1;
        last = value;
    };
    for field in fields(message) {
        match field? {
            (1, Field::Varint(number)) => kind = number,
            (2, Field::Bytes(shape)) => has_one = has_one_element(shape)?,
            (4, Field::Bytes(bytes)) => content = bytes,
            // Repeated numbers are packed or, in the old syntax, fields of their own.
            (5, Field::Bytes(packed)) => packed
                .as_chunks()
                .0
                .iter()
                .copied()
                .map(float)
                .for_each(&mut found),
            (5, Field::Fixed32(bytes)) => found(float(bytes)),
            (6, Field::Bytes(packed)) => {
                packed
                    .as_chunks()
                    .0
                    .iter()
                    .copied()
                    .map(f64::from_le_bytes)
                    .for_each(&mut found);
            }
            (6, Field::Fixed64(bytes)) => found(f64::from_le_bytes(bytes)),
            _ => {}
        }
    }
    let value = match (kind, content.len()) {
        (FLOAT | DOUBLE, 0) if numbers == 1 => Some(last),
        (FLOAT, 4) => content.first_chunk().copied().map(float),
        (DOUBLE, 8) => content.first_chunk().copied().map(f64::from_le_bytes),
        _ => None,
    };
    Ok(value.filter(|_| has_one))
}

fn float(bytes: [u8; 4]) -> f64 {
    f64::from(f32::from_le_bytes(bytes))
}

/// Whether all dimensions of a `TensorShapeProto` are 1; a scalar has none.
fn has_one_element(message: &[u8]) -> Result<bool, Malformed> {
    for field in fields(message) {
        if let (2, Field::Bytes(dimension)) = field? {
            let mut size = 0;
            for field in fields(dimension) {
                if let (1, Field::Varint(number)) = field? {
                    size = number;
                }
            }
            if size != 1 {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
