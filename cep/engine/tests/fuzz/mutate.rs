//! Scripts made wrong, word by word.

use crate::corpus::CORPUS;
use crate::harness::Random;
use crate::words::{DICTIONARY, FUNCTIONS, Kind, NUMBERS, ODD, TEXTS, cut, kind};

/// Brackets to nest in.
const NESTS: &[(&str, &str)] = &[
    ("(", ")"),
    ("[", "]"),
    ("{'a': ", "}"),
    ("abs(", ")"),
    ("CAST(", " AS DOUBLE)"),
    ("CASE WHEN TRUE THEN ", " END"),
    ("NOT ", ""),
    ("- ", ""),
    ("", "::STRING"),
    ("", " IS NULL"),
    ("", " + 1"),
    ("coalesce(", ", 1)"),
    ("(SELECT ", ")"),
    ("ARRAY<", ">"),
    ("", "[1]"),
];

/// Words of a text after some mutations of any kind.
pub fn wild(text: &str, random: &mut Random) -> String {
    let mut words = cut(text);
    for _ in 0..1 + random.below(4) {
        if words.is_empty() {
            break;
        }
        let at = random.below(words.len());
        let to = (at + 1 + random.below(8)).min(words.len());
        match random.below(12) {
            0 => drop(words.drain(at..to)),
            1 => drop(words.splice(at..at, words[at..to].to_vec())),
            2 => {
                let other = random.below(words.len());
                words.swap(at, other);
            }
            3 => words[at] = random.pick(&DICTIONARY).clone(),
            4 => words.insert(at, format!(" {} ", random.pick(&DICTIONARY))),
            5 => words = spliced(&words[..at], random),
            6 => words.insert(at, random.pick(&["(", ")", "[", "]", "{", "}", "<", ">", ","]).to_string()),
            7 => words[at] = (*random.pick(NUMBERS)).to_owned(),
            8 => words.insert(at, (*random.pick(ODD)).to_owned()),
            9 => nested(&mut words[at], random),
            10 => words.truncate(at),
            _ => like(&mut words, at, random),
        }
    }
    words.concat()
}

/// Words of a text of which some are replaced by others of their kind: much of it still lowers.
pub fn mild(text: &str, random: &mut Random) -> String {
    let mut words = cut(text);
    for _ in 0..random.below(4) {
        let at = random.below(words.len().max(1));
        if at < words.len() {
            like(&mut words, at, random);
        }
    }
    words.concat()
}

/// The words so far, and the end of some other statement.
fn spliced(words: &[String], random: &mut Random) -> Vec<String> {
    let other = cut(CORPUS.statement(random));
    let from = random.below(other.len().max(1));
    [words, &other[from.min(other.len())..]].concat()
}

fn nested(word: &mut String, random: &mut Random) {
    let (before, after) = random.pick(NESTS);
    let levels = *random.pick(&[1, 2, 5, 20, 60, 120, 300, 3_000]);
    *word = format!("{}{word}{}", before.repeat(levels), after.repeat(levels));
}

/// Replaces a word by one of its kind.
fn like(words: &mut [String], at: usize, random: &mut Random) {
    match kind(&words[at]) {
        Kind::Number => words[at] = (*random.pick(NUMBERS)).to_owned(),
        Kind::Text => words[at] = (*random.pick(TEXTS)).to_owned(),
        Kind::Symbol => words[at] = other(words, at, Kind::Symbol, random),
        Kind::Name if words.get(at + 1).is_some_and(|next| next == "(") => {
            words[at] = random.pick(&FUNCTIONS).clone();
        }
        Kind::Name => words[at] = other(words, at, Kind::Name, random),
        Kind::Blank => {}
    }
}

/// Another word of the kind from the same text.
fn other(words: &[String], at: usize, wanted: Kind, random: &mut Random) -> String {
    let found: Vec<&String> = words.iter().filter(|word| kind(word) == wanted).collect();
    if found.is_empty() { words[at].clone() } else { (*random.pick(&found)).clone() }
}
