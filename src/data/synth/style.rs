//! What the made-up songs of each style sound like: round numbers, chosen so that styles overlap.
//!
//! Invariant: four styles a genre, in the order of the genres.

/// Genres in file order, with their share of the rows in percent.
pub(super) const GENRES: [(&str, f64); 6] = [
    ("pop", 17.0),
    ("rap", 17.5),
    ("rock", 15.0),
    ("latin", 15.5),
    ("r&b", 16.5),
    ("edm", 18.5),
];

/// Styles a genre.
pub(super) const PER_GENRE: usize = 4;

/// What the songs of one style have in common.
#[derive(Debug)]
pub(super) struct Style {
    pub name: &'static str,
    /// Means of 0..1 features.
    pub dance: f64,
    pub energy: f64,
    pub valence: f64,
    /// Decibels above what the energy would give.
    pub loud: f64,
    /// Median of the share of speech.
    pub speech: f64,
    /// Median of the acoustic share.
    pub acoustic: f64,
    /// Share of songs with not a moment without voice, and share of songs without voice.
    pub vocal: f64,
    pub instrumental: f64,
    /// Beats a minute: mean, spread, and share of songs at the club's 126 to 128.
    pub tempo: (f64, f64, f64),
    /// Median length in seconds.
    pub seconds: f64,
    /// Typical age in years.
    pub age: f64,
    pub popularity: f64,
    /// Share of songs in a major key.
    pub major: f64,
}

macro_rules! styles {
    ($($name:literal: $dance:literal $energy:literal $valence:literal,
       $loud:literal $speech:literal $acoustic:literal, $vocal:literal $instrumental:literal,
       $tempo:tt, $seconds:literal $age:literal $popularity:literal $major:literal;)*) => {
        [$(Style {
            name: $name, dance: $dance, energy: $energy, valence: $valence, loud: $loud,
            speech: $speech, acoustic: $acoustic, vocal: $vocal, instrumental: $instrumental,
            tempo: $tempo, seconds: $seconds, age: $age, popularity: $popularity, major: $major,
        }),*]
    };
}

pub(super) const STYLES: [Style; GENRES.len() * PER_GENRE] = styles! {
    // name: dance energy valence,
    //     loud speech acoustic, vocal instrumental, tempo, seconds age popularity major
    "radio pop": 0.66 0.74 0.51,
        0.6 0.055 0.07, 0.45 0.03, (120.0, 25.0, 0.06), 205.0 3.0 54.0 0.57;
    "teen pop": 0.64 0.72 0.56,
        0.8 0.048 0.08, 0.55 0.00, (123.0, 27.0, 0.04), 207.0 6.0 57.0 0.60;
    "bedroom pop": 0.62 0.62 0.46,
        -0.4 0.046 0.14, 0.25 0.06, (117.0, 26.0, 0.03), 212.0 3.0 44.0 0.63;
    "synth pop": 0.64 0.72 0.52,
        -0.3 0.047 0.06, 0.20 0.11, (121.0, 24.0, 0.08), 230.0 8.0 43.0 0.56;

    "boom bap": 0.73 0.60 0.52,
        -1.0 0.210 0.20, 0.45 0.17, (110.0, 29.0, 0.00), 182.0 2.0 52.0 0.50;
    "southern rap": 0.71 0.67 0.55,
        -0.5 0.170 0.06, 0.65 0.01, (120.0, 32.0, 0.00), 245.0 12.0 36.0 0.57;
    "street rap": 0.72 0.69 0.50,
        0.0 0.220 0.08, 0.60 0.01, (116.0, 30.0, 0.00), 220.0 9.0 35.0 0.51;
    "hard trap": 0.73 0.66 0.40,
        0.3 0.150 0.12, 0.60 0.06, (135.0, 29.0, 0.00), 195.0 1.0 50.0 0.48;

    "vinyl rock": 0.52 0.66 0.52,
        -1.8 0.040 0.09, 0.15 0.04, (122.0, 28.0, 0.00), 250.0 29.0 38.0 0.71;
    "highway rock": 0.55 0.70 0.61,
        -1.4 0.040 0.09, 0.18 0.02, (124.0, 28.0, 0.00), 245.0 28.0 42.0 0.75;
    "alternative waves": 0.53 0.72 0.54,
        -0.8 0.041 0.04, 0.18 0.05, (125.0, 27.0, 0.01), 238.0 20.0 53.0 0.71;
    "loud rock": 0.48 0.84 0.47,
        0.3 0.060 0.002, 0.20 0.03, (128.0, 28.0, 0.00), 232.0 14.0 37.0 0.62;

    "tropical beats": 0.69 0.68 0.53,
        -0.6 0.060 0.16, 0.25 0.08, (114.0, 20.0, 0.04), 202.0 2.0 45.0 0.57;
    "latin ballads": 0.69 0.69 0.66,
        0.4 0.055 0.17, 0.50 0.01, (119.0, 30.0, 0.03), 214.0 5.0 51.0 0.65;
    "perreo": 0.785 0.75 0.70,
        1.1 0.085 0.15, 0.60 0.00, (116.0, 34.0, 0.00), 215.0 4.0 53.0 0.50;
    "barrio rap": 0.75 0.74 0.67,
        0.3 0.088 0.09, 0.50 0.03, (116.0, 30.0, 0.02), 222.0 7.0 43.0 0.52;

    "soft hip pop": 0.68 0.62 0.51,
        -0.3 0.075 0.16, 0.50 0.02, (115.0, 28.0, 0.01), 208.0 3.0 53.0 0.58;
    "new soul": 0.64 0.50 0.50,
        -1.1 0.080 0.24, 0.30 0.03, (108.0, 29.0, 0.00), 235.0 8.0 33.0 0.45;
    "swing beat": 0.73 0.64 0.68,
        -2.2 0.060 0.08, 0.35 0.01, (108.0, 22.0, 0.00), 275.0 22.0 28.0 0.52;
    "city nights": 0.64 0.54 0.47,
        -0.7 0.080 0.22, 0.55 0.01, (116.0, 31.0, 0.00), 222.0 6.0 50.0 0.53;

    "main stage": 0.61 0.86 0.32,
        0.9 0.070 0.010, 0.14 0.14, (127.0, 20.0, 0.36), 195.0 2.0 32.0 0.49;
    "basement house": 0.71 0.80 0.43,
        -0.1 0.065 0.020, 0.12 0.24, (122.0, 17.0, 0.26), 205.0 2.0 35.0 0.54;
    "vocal dance": 0.65 0.75 0.46,
        0.6 0.060 0.050, 0.40 0.04, (120.0, 24.0, 0.14), 202.0 2.0 46.0 0.54;
    "long journeys": 0.65 0.82 0.37,
        0.4 0.058 0.010, 0.12 0.18, (125.0, 18.0, 0.30), 240.0 4.0 27.0 0.50;
};

/// Words for titles, albums, artists and playlists.
pub(super) const FIRST: [&str; 24] = [
    "Amber", "Broken", "Cobalt", "Distant", "Electric", "Faded", "Golden", "Hollow", "Iron",
    "Jade", "Kinder", "Lucid", "Midnight", "Northern", "Open", "Paper", "Quiet", "Restless",
    "Silver", "Tender", "Upper", "Velvet", "Wild", "Yellow",
];
pub(super) const SECOND: [&str; 24] = [
    "Anchor", "Bridges", "Canyon", "Doors", "Echo", "Fountain", "Garden", "Harbor", "Island",
    "Juniper", "Kites", "Lanterns", "Mirror", "Nectar", "Orchard", "Parade", "Quarry", "River",
    "Shadows", "Tides", "Umbrella", "Valley", "Windows", "Zephyr",
];

/// Words a genre.
pub(super) const PER_THEME: usize = 12;
/// Third words of titles, by genre.
pub(super) const THEMES: [[&str; PER_THEME]; GENRES.len()] = [
    [
        "Heart", "Crush", "Summer", "Forever", "Kiss", "Baby", "Stars", "Dream", "Heaven", "Again",
        "Tonight", "Girl",
    ],
    [
        "Hustle", "Cypher", "Block", "Crown", "Paid", "Street", "Boss", "Flow", "Gold", "Loyal",
        "Trap", "Verse",
    ],
    [
        "Thunder", "Highway", "Stone", "Rebel", "Fire", "Machine", "Riot", "Ghost", "Road",
        "Blood", "Wheels", "Steel",
    ],
    [
        "Fuego", "Corazon", "Noche", "Playa", "Luna", "Sol", "Bailando", "Amor", "Calle", "Fiesta",
        "Ritmo", "Mar",
    ],
    [
        "Slow",
        "Honey",
        "Touch",
        "Soul",
        "Grace",
        "Lover",
        "Silk",
        "Candle",
        "Deep",
        "Yours",
        "Patience",
        "Moonlight",
    ],
    [
        "Drop", "Bass", "Rave", "Pulse", "Laser", "Rise", "Festival", "Remix", "Signal", "Voltage",
        "Horizon", "Hands",
    ],
];
