//! Seeded ways to spoil bytes, JSON and safetensors files.

use serde_json::Value as Json;

/// Draws numbers from a seed (splitmix64: Steele, Lea and Flood, 2014).
pub struct Rng(pub u64);

impl Rng {
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.bits() % bound.max(1) as u64) as usize
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// Pieces that mean something to one reader or another.
const PIECES: &[&str] = &[
    "",
    "\0",
    "\n",
    "\r",
    "\t",
    "\"",
    "'",
    ",",
    ";",
    "=",
    "[",
    "]",
    "{",
    "}",
    "\\",
    "-",
    "#",
    "é",
    "\u{feff}",
    "\u{202e}",
    "\u{1b}[2J",
    "<script>",
    "../../x",
    "=cmd()",
    "1e999",
    "-1e999",
    "nan",
    "inf",
    "-0",
    "0x10",
    "9223372036854775808",
    "18446744073709551616",
    "null",
    "true",
    "NA",
    "\"\"\"",
    "'''",
    "[[",
    "1979-05-27",
    "[model]",
    "[grid]",
    "lr = [1, 2]",
    "0.1",
];

/// `bytes` with one to four spots spoiled.
pub fn bytes(bytes: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=rng.below(4) {
        let at = rng.below(bytes.len() + 1);
        let end = (at + 1 + rng.below(16)).min(bytes.len());
        match rng.below(8) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => bytes[at] = rng.bits() as u8,
            2 if at < bytes.len() => bytes[at] ^= 1 << rng.below(8),
            3 => drop(bytes.drain(at..end)),
            4 => {
                let again = bytes[at..end].repeat(1 + rng.below(50));
                bytes.splice(at..at, again);
            }
            5 => {
                let number = *rng.pick(&[0, 1, u64::MAX, 1 << 63, 1 << 40, 1 << 32, 100_000_001]);
                let end = (at + 8).min(bytes.len());
                bytes.splice(at..end, number.to_le_bytes());
            }
            _ => {
                let piece = rng.pick(PIECES).as_bytes().to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

/// `json` with one to three values, or names, replaced by others that a reader may not expect.
pub fn json(json: &mut Json, rng: &mut Rng) {
    for _ in 0..=rng.below(3) {
        // A walk from the root that stops at any depth.
        walk(json, rng);
    }
}

fn walk(node: &mut Json, rng: &mut Rng) {
    let deeper = rng.below(6) > 0;
    match node {
        Json::Array(items) if deeper && !items.is_empty() => {
            let at = rng.below(items.len());
            walk(&mut items[at], rng);
        }
        Json::Object(entries) if deeper && !entries.is_empty() => {
            let at = rng.below(entries.len());
            let value = entries.values_mut().nth(at);
            walk(value.expect("below their number"), rng);
        }
        _ => replace(node, rng),
    }
}

fn replace(node: &mut Json, rng: &mut Rng) {
    let other = match rng.below(16) {
        0 => Json::Null,
        1 => Json::from(u64::MAX),
        2 => Json::from(i64::MIN),
        3 => Json::from(0),
        4 => Json::from(-1),
        5 => Json::from(1e308),
        6 => Json::from(1_u64 << 40),
        7 => Json::from(3_000_000_000_u64),
        8 => Json::from("x".repeat(rng.below(100_000))),
        9 => Json::from(rng.pick(PIECES).to_string()),
        10 => Json::Array(Vec::new()),
        11 => {
            let mut deep = Json::Null;
            (0..100).for_each(|_| deep = Json::Array(vec![deep.take()]));
            deep
        }
        12 => {
            // Not so many that the spoiling itself takes the memory.
            let most = 100_000 / node.to_string().len().max(100);
            Json::Array(vec![node.clone(); 1 + rng.below(most)])
        }
        13 => Json::from(true),
        _ => match node {
            Json::Array(items) if !items.is_empty() => {
                let at = rng.below(items.len());
                match rng.below(2) {
                    0 => drop(items.remove(at)),
                    _ => items.push(items[at].clone()),
                }
                return;
            }
            Json::Object(entries) if !entries.is_empty() => {
                let at = rng.below(entries.len());
                let key = entries.keys().nth(at).expect("below their number").clone();
                let value = entries.remove(&key);
                if rng.below(2) == 0 {
                    entries.insert(rng.pick(PIECES).to_string(), value.unwrap_or_default());
                }
                return;
            }
            Json::Number(number) => Json::from(number.as_f64().unwrap_or(0.0) * 1e6 + 1.0),
            _ => Json::Object(serde_json::Map::new()),
        },
    };
    *node = other;
}

/// A JSON text spoiled in its structure or in its bytes.
pub fn json_text(text: &[u8], rng: &mut Rng) -> Vec<u8> {
    match serde_json::from_slice(text) {
        Ok(mut value) if rng.below(4) > 0 => {
            json(&mut value, rng);
            value.to_string().into_bytes()
        }
        _ => bytes(text, rng),
    }
}

/// A safetensors file spoiled in its header, in what the header holds as text, or in its bytes.
pub fn safetensors(file: &[u8], rng: &mut Rng) -> Vec<u8> {
    let length = u64::from_le_bytes(file[..8].try_into().expect("eight bytes")) as usize;
    let (header, rest) = file[8..].split_at(length);
    let mut header: Json = serde_json::from_slice(header).expect("a sound file is spoiled");
    match rng.below(4) {
        0 => return bytes(file, rng),
        1 => {
            // The header's length is a lie.
            let lie = *rng.pick(&[0, 1, 7, length as u64 + 1, 100_000_001, 1 << 40, u64::MAX]);
            return [&lie.to_le_bytes()[..], &file[8..]].concat();
        }
        2 => {
            let entries = header["__metadata__"].as_object_mut().into_iter();
            for text in entries.flat_map(|entries| entries.values_mut()) {
                let inner = text.as_str().unwrap_or_default().as_bytes().to_vec();
                let spoiled = json_text(&inner, rng);
                *text = Json::from(String::from_utf8_lossy(&spoiled).into_owned());
            }
        }
        _ => json(&mut header, rng),
    }
    let header = header.to_string();
    [
        &(header.len() as u64).to_le_bytes()[..],
        header.as_bytes(),
        rest,
    ]
    .concat()
}

/// A file of whatever layout, by its name.
pub fn file(name: &str, bytes_of_it: &[u8], rng: &mut Rng) -> Vec<u8> {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("json") => json_text(bytes_of_it, rng),
        Some("safetensors") => safetensors(bytes_of_it, rng),
        _ => bytes(bytes_of_it, rng),
    }
}
