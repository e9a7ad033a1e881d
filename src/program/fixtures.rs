//! Values of settings for tests: awkward ones by hand, then as many random ones as wanted.

use std::collections::BTreeMap;

use sweep_core::random::{Purpose, Stream};
use sweep_core::trial::Value;

/// Texts that quoting, formats and shells trip over.
pub const TEXTS: &[&str] = &[
    "",
    " ",
    "a b",
    "  two  blanks  ",
    "line\nbreak\n",
    "\r\n",
    "\ttab",
    ";$(x)",
    "`x`",
    "$HOME ${HOME} $1",
    "it's",
    "'",
    "''",
    "\"",
    "\\",
    "\\n",
    "a\\",
    "*",
    "~",
    "# no comment",
    "a: b",
    "- a",
    "{lr}",
    "{{",
    "%s %d",
    "!x",
    "&a *a",
    "-n",
    "--",
    "true",
    "null",
    "1e-5",
    "1_000",
    "010",
    "2026-11-29",
    "naïve ☃ 日本語 🦀",
    "\u{1}\u{7f}\u{85}\u{2028}\u{202e}\u{feff}\u{fffe}",
    "'; rm -rf \"$HOME\" #",
];

const FLOATS: &[f64] = &[
    0.0,
    -0.0,
    1.0,
    0.1,
    1e-4,
    1e-5,
    1e16,
    1e22,
    1e300,
    -2.5e-300,
    5e-324,
    f64::MIN_POSITIVE,
    f64::MAX,
    f64::MIN,
    f64::EPSILON,
    0.1 + 0.2,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
];

/// All of the above and `random` more; lists and tables hold finite floats alone.
pub fn values(random: u32) -> Vec<Value> {
    let mut values: Vec<Value> = TEXTS
        .iter()
        .map(|text| Value::Text((*text).to_owned()))
        .collect();
    values.extend(FLOATS.iter().map(|float| Value::Float(*float)));
    values.extend([0, 1, -1, i64::MAX, i64::MIN].map(Value::Int));
    values.extend([true, false].map(Value::Bool));
    values.push(Value::List(Vec::new()));
    values.push(Value::Table(BTreeMap::new()));
    values.extend((0..random).map(|number| any(number, 2)));
    values
}

/// Equal to the bit; any two that are not numbers are equal.
pub fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Float(left), Value::Float(right)) => {
            left.to_bits() == right.to_bits() || left.is_nan() && right.is_nan()
        }
        (Value::List(left), Value::List(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(a, b)| same(a, b))
        }
        (Value::Table(left), Value::Table(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|((a, left), (b, right))| a == b && same(left, right))
        }
        (left, right) => left == right,
    }
}

/// Value `number`, with at most `depth` levels of lists and tables.
fn any(number: u32, depth: u32) -> Value {
    let stream = Stream::new(9, Purpose::Synthetic, depth, number);
    let inner = |place: u32| any(number.wrapping_mul(7).wrapping_add(place), depth - 1);
    match stream.below(0, if depth == 0 { 4 } else { 6 }) {
        0 => Value::Int(stream.bits(1) as i64),
        1 => match f64::from_bits(stream.bits(1)) {
            float if float.is_finite() => Value::Float(float),
            _ => Value::Float(stream.normal(1)),
        },
        2 => Value::Bool(stream.below(1, 2) == 1),
        3 => Value::Text(text(stream)),
        4 => Value::List((0..stream.below(1, 4) as u32).map(inner).collect()),
        _ => {
            let entry = |place| {
                (
                    text(Stream::new(10, Purpose::Synthetic, number, place)),
                    inner(place),
                )
            };
            Value::Table((0..stream.below(1, 4) as u32).map(entry).collect())
        }
    }
}

/// Up to twelve characters, half of them such as have a meaning somewhere.
fn text(stream: Stream) -> String {
    const MEANING: &[u8] = b" \n\t'\"\\$`;|&<>(){}[]*?~#!%=:,-.@^";
    let letter = |place: u32| match stream.below(2 * place, 2) {
        0 => char::from(MEANING[stream.below(2 * place + 1, MEANING.len())]),
        // No NUL: no argument can hold one.
        _ => char::from_u32(1 + stream.below(2 * place + 1, 0x1_f000) as u32).unwrap_or('é'),
    };
    (100..100 + stream.below(99, 13) as u32)
        .map(letter)
        .collect()
}
