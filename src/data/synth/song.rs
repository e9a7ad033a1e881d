//! One made-up song: a pure function of the seed and its number.
//!
//! Invariant: a song that comes again, in another playlist, is the same to the last digit.

use sweep_core::random::{Purpose, Stream};

use super::style::{FIRST, PER_GENRE, PER_THEME, SECOND, STYLES, Style, THEMES};

/// Letters of identifiers.
const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Artists of a style.
const ARTISTS: usize = 450;
/// Tenths of the titles with a word of the own genre, and of those with a word of any.
const OWN_THEME: usize = 2;
const ANY_THEME: usize = 4;
/// Different numbers of a title.
const PHRASES: usize = FIRST.len() * SECOND.len() * PER_THEME * 10;
/// Age in years from which a style is one of the past.
const OLD_STYLE: f64 = 10.0;
/// Keys from C up; E flat is rare.
const KEY_WEIGHTS: [f64; 12] = [
    11.0, 12.0, 9.0, 3.0, 7.0, 8.0, 8.0, 10.0, 7.0, 9.5, 7.0, 8.5,
];

/// What a row says of a song.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Song {
    pub id: String,
    pub name: String,
    pub artist: String,
    pub popularity: u32,
    pub album_id: String,
    pub album: String,
    pub released: String,
    /// From danceability to duration, in file order.
    pub audio: [String; 12],
}

impl Song {
    /// Song `number`, of the style with index `style`.
    pub fn new(seed: u64, number: u32, style: usize) -> Song {
        let mut draw = Draw {
            stream: Stream::new(seed, Purpose::Synthetic, 1, number),
            next: 0,
        };
        let is = &STYLES[style];
        let artist = style * ARTISTS + draw.below(ARTISTS);
        let genre = style / PER_GENRE;
        let title = phrase(draw.below(PHRASES), genre);
        let name = match draw.below(20) {
            0 => format!(
                "{title} (feat. {})",
                artist_name(draw.below(ARTISTS * STYLES.len()))
            ),
            1 => format!("{title}, Part {}", 1 + draw.below(3)),
            2 => format!("\"{title}\" - Live"),
            _ => title,
        };
        Song {
            id: draw.identifier(),
            album_id: draw.identifier(),
            album: phrase(draw.below(PHRASES), genre),
            artist: artist_name(artist),
            popularity: draw.popularity(is),
            released: draw.released(is),
            audio: draw.audio(is),
            name,
        }
    }
}

/// An identifier of 22 letters and digits, for `purpose` number `step`.
pub(super) fn identifier(seed: u64, purpose: u32, step: u32) -> String {
    let stream = Stream::new(seed, Purpose::Synthetic, purpose, step);
    Draw { stream, next: 0 }.identifier()
}

/// Two words for a number below the product of the lists' lengths.
pub(super) fn words(number: usize) -> String {
    format!(
        "{} {}",
        FIRST[number % FIRST.len()],
        SECOND[number / FIRST.len() % SECOND.len()]
    )
}

/// A title for a number below [`PHRASES`]: two words, and in more than half of them a third, of `genre`
/// or of any.
fn phrase(number: usize, genre: usize) -> String {
    let title = words(number);
    let number = number / (FIRST.len() * SECOND.len());
    let (word, tenth) = (number % PER_THEME, number / PER_THEME);
    match tenth {
        _ if tenth < OWN_THEME => format!("{title} {}", THEMES[genre][word]),
        _ if tenth < OWN_THEME + ANY_THEME => {
            format!("{title} {}", THEMES[(word + tenth) % THEMES.len()][word])
        }
        _ => title,
    }
}

fn artist_name(artist: usize) -> String {
    let name = SECOND[artist % SECOND.len()];
    match artist / SECOND.len() % 3 {
        0 => format!("DJ {name} {}", artist / SECOND.len()),
        1 => format!(
            "The {} {name}",
            FIRST[artist / (3 * SECOND.len()) % FIRST.len()]
        ),
        _ => format!(
            "{} & the {name}",
            FIRST[artist / (3 * SECOND.len()) % FIRST.len()]
        ),
    }
}

/// Draws one after the other from one stream.
struct Draw {
    stream: Stream,
    next: u32,
}

impl Draw {
    fn step(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    fn below(&mut self, bound: usize) -> usize {
        let step = self.step();
        self.stream.below(step, bound)
    }

    fn uniform(&mut self) -> f64 {
        let step = self.step();
        self.stream.uniform(step)
    }

    fn normal(&mut self) -> f64 {
        let step = self.step();
        self.stream.normal(step)
    }

    fn identifier(&mut self) -> String {
        (0..22)
            .map(|_| char::from(LETTERS[self.below(LETTERS.len())]))
            .collect()
    }

    fn popularity(&mut self, style: &Style) -> u32 {
        let forgotten = self.uniform() < 0.085;
        let liked = style.popularity + 4.0 + 22.0 * self.normal();
        if forgotten {
            0
        } else {
            liked.clamp(1.0, 100.0) as u32
        }
    }

    /// `YYYY-MM-DD`; at times only the year, rarely year and month.
    fn released(&mut self, style: &Style) -> String {
        // Young styles are played as they come out (Weibull, shape 1.2, mean 0.94 of the scale);
        // old styles had their time.
        let (young, old) = (
            (-(1.0 - self.uniform()).ln()).powf(1.0 / 1.2) / 0.94,
            self.normal(),
        );
        let age = style.age
            * if style.age < OLD_STYLE {
                young
            } else {
                (0.4 * old).exp()
            };
        let year = 2020 - 1 - (age as u32).min(62);
        let (month, day) = (1 + self.below(12), 1 + self.below(28));
        // Old records are the ones whose day nobody noted.
        let vague = self.uniform() * if age > 15.0 { 0.35 } else { 1.0 };
        match vague {
            vague if vague < 0.001 => format!("{year}-{month:02}"),
            vague if vague < 0.042 => format!("{year}"),
            _ => format!("{year}-{month:02}-{day:02}"),
        }
    }

    fn audio(&mut self, style: &Style) -> [String; 12] {
        let (drive, mood) = (self.normal(), self.normal());
        let dance = style.dance + 0.125 * (0.30 * mood - 0.15 * drive + 0.94 * self.normal());
        let energy = style.energy + 0.165 * drive - 0.02 * (drive * drive - 1.0);
        let loud = -6.9 + style.loud + 1.75 * drive + 6.0 * (style.energy - 0.7);
        let loudness = loud + 1.7 * self.normal() - 0.9 * (-self.uniform().max(1e-9).ln() - 1.0);
        let speechiness = style.speech * (0.55 * self.normal()).exp();
        let acoustic = logit(style.acoustic) - 0.85 * drive + 1.5 * self.normal();
        let valence = style.valence + 0.225 * (0.95 * mood + 0.3 * self.normal());
        let liveness = 0.135 * (0.62 * self.normal() + 0.10 * drive).exp();
        let key = self.key();
        let major = self.uniform() < style.major;
        let values = [
            unit(dance.clamp(0.08, 0.98)),
            unit(energy.clamp(0.02, 1.0)),
            key.to_string(),
            format!("{:.3}", loudness.clamp(-46.0, 1.2)),
            u32::from(major).to_string(),
            unit(speechiness.clamp(0.0225, 0.918)),
            significant(sigmoid(acoustic).clamp(1e-6, 0.994)),
            self.instrumentalness(style),
            unit(liveness.clamp(0.01, 0.99)),
            unit(valence.clamp(0.03, 0.98)),
        ];
        let [a, b, c, d, e, f, g, h, i, j] = values;
        [
            a,
            b,
            c,
            d,
            e,
            f,
            g,
            h,
            i,
            j,
            self.tempo(style),
            self.duration(style),
        ]
    }

    fn key(&mut self) -> usize {
        let mut left = self.uniform() * KEY_WEIGHTS.iter().sum::<f64>();
        for (key, weight) in KEY_WEIGHTS.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return key;
            }
        }
        KEY_WEIGHTS.len() - 1
    }

    fn instrumentalness(&mut self, style: &Style) -> String {
        let kind = self.uniform();
        let (a, b) = (self.uniform(), self.normal());
        if kind < style.vocal {
            "0".to_owned()
        } else if kind > 1.0 - style.instrumental {
            significant((0.98 - 0.5 * a * a).clamp(0.0, 0.994))
        } else {
            significant((2e-4 * (2.6 * b).exp()).clamp(1e-6, 0.9))
        }
    }

    fn tempo(&mut self, style: &Style) -> String {
        let (mean, spread, club) = style.tempo;
        let at_club = self.uniform() < club;
        let (which, off) = (self.below(3), self.normal());
        let tempo = match at_club {
            true => 126.0 + which as f64 + 0.04 * off,
            false => {
                mean + spread * off
                    + if off > 1.0 {
                        0.6 * spread
                    } else {
                        -0.1 * spread
                    }
            }
        };
        format!("{:.3}", tempo.clamp(48.0, 220.0))
    }

    fn duration(&mut self, style: &Style) -> String {
        let milliseconds = 1000.0 * style.seconds * (0.22 * self.normal()).exp();
        format!("{:.0}", milliseconds.clamp(4000.0, 517_000.0))
    }
}

/// Three decimals, as short as can be.
fn unit(value: f64) -> String {
    ((value * 1000.0).round() / 1000.0).to_string()
}

/// Three significant digits, as short as can be.
fn significant(value: f64) -> String {
    let digits = 2 - value.log10().floor() as i32;
    let scale = 10f64.powi(digits);
    ((value * scale).round() / scale).to_string()
}

fn logit(share: f64) -> f64 {
    (share / (1.0 - share)).ln()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
