//! Where a part of an expression stands. The parser knows of `a.b`, `f(x)` and `a[b]` where their sign is; people
//! look for the word.

use crate::ast::Span;
use crate::bundle::yaml::Scalar;
use crate::cel::Place;

/// The place of a part of the expression `written`, in the bundle's `text`.
pub(super) fn place_of(written: &Scalar, place: Place, text: &str) -> Span {
    let whole = written.text.as_str();
    let (mut start, mut end) = (place.start.min(whole.len()), place.end.min(whole.len()));
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let word_behind = |at: usize| whole[at..].find(|c| !is_word(c)).map_or(whole.len(), |length| at + length);
    let word_before = |at: usize| {
        whole[..at]
            .rfind(|c| !is_word(c))
            .map_or(0, |last| last + whole[last..].chars().next().map_or(1, char::len_utf8))
    };
    match whole.get(start..end) {
        Some(".") => end = word_behind(end),
        Some("(") => start = word_before(start),
        Some("[") => {
            start = word_before(start);
            end = whole[end..].find(']').map_or(end, |length| end + length + 1);
        }
        _ => {}
    }
    written.place(text, start, end)
}
