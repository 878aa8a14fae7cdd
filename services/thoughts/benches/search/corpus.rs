//! Made-up thoughts by number: the same for the tests of query plans and for the benchmark.
//!
//! Half of them are Chinese. Words and tags stand in a known share of them.

/// The words that stand in one of so many thoughts. `ancient` is in the older half alone.
const SHARES: [(i64, &str); 4] = [
    (3, " common"),
    (10, " #daily"),
    (200, " halfpercent"),
    (1_000, " #thousandth"),
];

/// One of three authors: four fifths are the first one's, a thousandth the last one's.
pub(crate) fn author(n: i64) -> (u128, &'static str) {
    match n {
        _ if n % 1_000 == 3 => (3, "ada"),
        _ if n % 5 == 0 => (2, "stephen"),
        _ => (1, "bruce"),
    }
}

/// A tenth is private, all of it stephen's.
pub(crate) fn is_private(n: i64) -> bool {
    n % 10 == 0
}

/// What thought `n` of so many says.
pub(crate) fn text(n: i64, of: i64) -> String {
    let mut text = if n % 2 == 0 {
        format!("{} {} and {}", name(n), name(n / 7), name(n * 31))
    } else {
        (0..20).map(|k| han(n * 37 + k * k * 11)).collect()
    };
    for (each, word) in SHARES {
        if n % each == 1 {
            text.push_str(word);
        }
    }
    if n % (of / 2) == 1 {
        text.push_str(" platypus 餮 qx #rare");
    }
    if n % 3 == 2 && n < of / 2 {
        text.push_str(" ancient");
    }
    if n % 7 == 2 {
        text.push_str(&format!(" #topic{}", n * n % 5_003));
    }
    text
}

fn name(n: i64) -> String {
    let syllables = ["ba", "ke", "li", "mo", "nu", "ra", "se", "ti", "vo", "zu"];
    let digit = |place: i64| syllables[usize::try_from(n / place % 10).unwrap_or_default()];
    [1, 10, 100].map(digit).concat()
}

fn han(n: i64) -> char {
    let offset = u32::try_from(n * n % 3_001).unwrap_or_default();
    char::from_u32(0x4e00 + offset).unwrap_or('一')
}
