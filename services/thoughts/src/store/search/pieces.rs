//! Pieces of texts, which both engines' indexes hold.

/// The longest piece of a text that an index holds, in characters.
pub(in crate::store) const PIECE: usize = 3;

/// The pieces of which a text that contains the words has every one, each once.
pub(in crate::store) fn required(words: &[String]) -> Vec<&str> {
    let mut pieces: Vec<&str> = words.iter().flat_map(|word| of_word(word)).collect();
    pieces.sort_unstable();
    pieces.dedup();
    pieces
}

/// The longest ones, or the word itself if it is shorter.
fn of_word(word: &str) -> Vec<&str> {
    match windows(word, PIECE) {
        pieces if pieces.is_empty() => vec![word],
        pieces => pieces,
    }
}

/// Every run of `length` characters.
pub(in crate::store) fn windows(text: &str, length: usize) -> Vec<&str> {
    let mut bounds: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    bounds.push(text.len());
    bounds
        .windows(length + 1)
        .map(|run| &text[run[0]..run[length]])
        .collect()
}
