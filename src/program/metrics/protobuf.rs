//! Reading protocol buffers: the fields of a message, one after the other.
//!
//! Encoding: <https://protobuf.dev/programming-guides/encoding/>.

/// The value of a field, as far as the encoding tells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Field<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Fixed32([u8; 4]),
    /// A text, bytes, a message, or packed numbers.
    Bytes(&'a [u8]),
}

/// The bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// The fields of `message` with their numbers. Nothing comes after an error.
pub fn fields(message: &[u8]) -> impl Iterator<Item = Result<(u64, Field<'_>), Malformed>> {
    let mut rest = message;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let field = field(&mut rest);
        if field.is_none() {
            rest = &[];
        }
        Some(field.ok_or(Malformed))
    })
}

fn field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Field<'a>)> {
    let key = varint(rest)?;
    let field = match key & 7 {
        0 => Field::Varint(varint(rest)?),
        1 => Field::Fixed64(*fixed(rest)?),
        2 => {
            let length = usize::try_from(varint(rest)?).ok()?;
            let (bytes, after) = rest.split_at_checked(length)?;
            *rest = after;
            Field::Bytes(bytes)
        }
        5 => Field::Fixed32(*fixed(rest)?),
        // Groups are out of use since 2008.
        _ => return None,
    };
    Some((key >> 3, field))
}

fn fixed<'a, const LENGTH: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; LENGTH]> {
    let (bytes, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(bytes)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..70).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        // The tenth byte has one bit that fits; what does not fit is cut off, as other readers do.
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(message: &[u8]) -> Vec<Result<(u64, Field<'_>), Malformed>> {
        fields(message).collect()
    }

    #[test]
    fn fields_are_read_as_the_guide_shows() {
        assert_eq!(read(&[0x08, 0x96, 0x01]), [Ok((1, Field::Varint(150)))]);
        assert_eq!(
            read(b"\x12\x07testing"),
            [Ok((2, Field::Bytes(b"testing")))]
        );
        let minus_two = [8, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(read(&minus_two), [Ok((1, Field::Varint(-2_i64 as u64)))]);
        let numbers = [0x0d, 0, 0, 0x80, 0x3f, 0x09, 1, 2, 3, 4, 5, 6, 7, 8];
        let expected = [
            Ok((1, Field::Fixed32([0, 0, 0x80, 0x3f]))),
            Ok((1, Field::Fixed64([1, 2, 3, 4, 5, 6, 7, 8]))),
        ];
        assert_eq!(read(&numbers), expected);
        assert_eq!(read(&[]), []);
    }

    #[test]
    fn what_is_cut_off_or_unknown_is_malformed() {
        for message in [
            &[0x08][..],
            &[0x12, 7, b't'],
            &[0x0d, 0, 0],
            &[0x0b],
            &[0xff; 12],
            &[
                0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1,
            ],
        ] {
            assert_eq!(read(message), [Err(Malformed)], "{message:?}");
        }
    }
}
