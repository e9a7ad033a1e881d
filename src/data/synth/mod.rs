//! A made-up file of songs to try things on: the columns, types, ranges and troubles of the real
//! `spotify_songs.csv`, none of its rows.
//!
//! Invariant: the bytes are a function of `rows` and `seed` alone.

mod song;
mod style;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::path::Path;

use sweep_core::random::{Purpose, Stream};

use super::atomic;
use song::{Song, identifier, words};
use style::{FIRST, GENRES, PER_GENRE, SECOND, STYLES};
use sweep_table::DataError;

/// Rows of the real file, and so the default of the made-up one.
pub const ROWS: usize = 32_833;

/// Most rows that can be made: songs are numbered in 32 bits.
const MAX_ROWS: usize = u32::MAX as usize;
/// Rows of a playlist, about.
const PLAYLIST: usize = 70;
/// Share of rows for which an earlier song is looked for; with those that find none of the genre
/// wanted, about 13.7% of the rows repeat one, as in the real file.
const REPEATED: f64 = 0.15;
/// Share of those that come from the same genre on purpose.
const SAME_GENRE: f64 = 0.45;
/// Looks for a song of the genre wanted before any will do.
const TRIES: u32 = 12;
/// Rows without name, artist and album, as in the real file.
const NAMELESS: usize = 5;

const HEADER: [&str; 23] = [
    "track_id",
    "track_name",
    "track_artist",
    "track_popularity",
    "track_album_id",
    "track_album_name",
    "track_album_release_date",
    "playlist_name",
    "playlist_id",
    "playlist_genre",
    "playlist_subgenre",
    "danceability",
    "energy",
    "key",
    "loudness",
    "mode",
    "speechiness",
    "acousticness",
    "instrumentalness",
    "liveness",
    "valence",
    "tempo",
    "duration_ms",
];

/// Writes a made-up file of `rows` songs to `path`, replacing what stands there: whoever calls it asks first.
///
/// # Errors
/// When the file cannot be written, or `rows` is 0 or above 2^32 - 1.
pub fn write(path: &Path, rows: usize, seed: u64) -> Result<(), DataError> {
    if !(1..=MAX_ROWS).contains(&rows) {
        let help = format!("allowed are 1 to {MAX_ROWS}");
        return Err(DataError::new(
            path,
            format!("cannot make {rows} rows"),
            help,
        ));
    }
    atomic::write(path, |out| write_rows(out, rows, seed))
}

fn write_rows(out: &mut dyn Write, rows: usize, seed: u64) -> io::Result<()> {
    let mut out = csv::Writer::from_writer(out);
    out.write_record(HEADER)?;
    // The style of every song so far: all that is needed to make it again.
    let mut styles: Vec<u8> = Vec::new();
    let mut row = 0;
    for (style, last) in ends(rows).into_iter().enumerate() {
        let (start, length) = (row, last - row);
        let playlists = (length as f64 / PLAYLIST as f64).round().max(1.0) as usize;
        while row < last {
            let place = (row - start) * playlists / length;
            let playlist = Playlist::new(seed, style, place as u32);
            let song = song_for(seed, row as u32, style, &mut styles);
            write_song(&mut out, &song, &playlist, is_nameless(row, rows))?;
            row += 1;
        }
    }
    out.flush()
}

/// Where the rows of each style end.
fn ends(rows: usize) -> Vec<usize> {
    let total: f64 = GENRES.iter().map(|(_, share)| share).sum();
    let mut share = 0.0;
    let mut ends = Vec::with_capacity(STYLES.len());
    for style in 0..STYLES.len() {
        share += GENRES[style / PER_GENRE].1 / PER_GENRE as f64 / total;
        ends.push((share * rows as f64).round() as usize);
    }
    ends
}

/// A new song of `style`, or one that an earlier row has.
fn song_for(seed: u64, row: u32, style: usize, styles: &mut Vec<u8>) -> Song {
    let stream = Stream::new(seed, Purpose::Synthetic, 0, row);
    if stream.uniform(0) < REPEATED && !styles.is_empty() {
        let same_genre = stream.uniform(1) < SAME_GENRE;
        let fits = |number: usize| {
            !same_genre || usize::from(styles[number]) / PER_GENRE == style / PER_GENRE
        };
        let mut tries = (2..2 + TRIES).map(|place| stream.below(place, styles.len()));
        if let Some(number) = tries.find(|number| fits(*number)) {
            return Song::new(seed, number as u32, usize::from(styles[number]));
        }
    }
    styles.push(style as u8);
    Song::new(seed, styles.len() as u32 - 1, style)
}

struct Playlist {
    name: String,
    id: String,
    style: usize,
}

impl Playlist {
    /// Playlist `place` of `style`. No two styles share a name.
    fn new(seed: u64, style: usize, place: u32) -> Playlist {
        let step = style as u32 * (u32::MAX / STYLES.len() as u32) + place;
        let stream = Stream::new(seed, Purpose::Synthetic, 2, step);
        let title = words(stream.below(0, FIRST.len() * SECOND.len()));
        Playlist {
            name: format!("{title}: {} {}", STYLES[style].name, place + 1),
            id: identifier(seed, 3, step),
            style,
        }
    }
}

/// Whether the name of the song in `row` is missing: few rows, spread over the file.
fn is_nameless(row: usize, rows: usize) -> bool {
    let every = rows / NAMELESS;
    every > 1 && row % every == every / 2 && row / every < NAMELESS
}

fn write_song(
    out: &mut csv::Writer<&mut dyn Write>,
    song: &Song,
    playlist: &Playlist,
    nameless: bool,
) -> io::Result<()> {
    let name = |text| if nameless { "NA" } else { text };
    let popularity = song.popularity.to_string();
    let before = [
        song.id.as_str(),
        name(&song.name),
        name(&song.artist),
        &popularity,
        &song.album_id,
        name(&song.album),
        &song.released,
        &playlist.name,
        &playlist.id,
        GENRES[playlist.style / PER_GENRE].0,
        STYLES[playlist.style].name,
    ];
    Ok(out.write_record(
        before
            .into_iter()
            .chain(song.audio.iter().map(String::as_str)),
    )?)
}
