//! Writing protocol buffers: the few kinds of field that TensorBoard's messages are made of.
//!
//! Encoding: <https://protobuf.dev/programming-guides/encoding/>.

/// A message being written.
#[derive(Debug, Default)]
pub struct Message {
    bytes: Vec<u8>,
}

impl Message {
    /// Field `number` as `int32`, `int64`, `bool` or an enumeration.
    pub fn int(mut self, number: u32, value: i64) -> Message {
        self.key(number, 0);
        // Negative numbers take ten bytes: their two's complement.
        self.varint(value as u64);
        self
    }

    /// Field `number` as `double`.
    pub fn double(mut self, number: u32, value: f64) -> Message {
        self.key(number, 1);
        self.bytes.extend(value.to_le_bytes());
        self
    }

    /// Field `number` as `float`.
    pub fn float(mut self, number: u32, value: f32) -> Message {
        self.key(number, 5);
        self.bytes.extend(value.to_le_bytes());
        self
    }

    /// Field `number` as `string` or `bytes`.
    pub fn bytes(mut self, number: u32, value: &[u8]) -> Message {
        self.key(number, 2);
        self.varint(value.len() as u64);
        self.bytes.extend(value);
        self
    }

    /// Field `number` as a message.
    pub fn message(self, number: u32, value: Message) -> Message {
        self.bytes(number, &value.bytes)
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn key(&mut self, number: u32, wire_type: u64) {
        self.varint(u64::from(number) << 3 | wire_type);
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_encoded_as_the_guide_shows() {
        // The examples of the encoding guide: `150` as field 1, `"testing"` as field 2, a message in field 3.
        assert_eq!(
            Message::default().int(1, 150).into_bytes(),
            [0x08, 0x96, 0x01]
        );
        let text = Message::default().bytes(2, b"testing").into_bytes();
        assert_eq!(text, *b"\x12\x07testing");
        let inner = Message::default().int(1, 150);
        let outer = Message::default().message(3, inner).into_bytes();
        assert_eq!(outer, [0x1a, 0x03, 0x08, 0x96, 0x01]);
        let minus_two = Message::default().int(1, -2).into_bytes();
        assert_eq!(
            minus_two,
            [8, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]
        );
    }
}
