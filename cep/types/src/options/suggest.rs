//! "Did you mean …": the nearest known name.

/// The candidate nearest to `name`, ignoring case, when it is near enough to be a typing error:
/// Damerau–Levenshtein distance of at most a third of the longer name (at least 1).
/// Ties go to the earliest candidate.
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let mut best: Option<(usize, &'a str)> = None;
    for candidate in candidates {
        let known = candidate.to_lowercase();
        let distance = strsim::damerau_levenshtein(&wanted, &known);
        let longer = wanted.chars().count().max(known.chars().count());
        let near = distance <= (longer / 3).max(1) && distance < longer;
        if near && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn a_typing_error_finds_its_word_and_a_stranger_finds_nothing() {
        let known = ["csv.delimiter", "csv.quote", "format"];
        assert_eq!(closest("csv.delimeter", known), Some("csv.delimiter"));
        assert_eq!(closest("FORMAT", known), Some("format"));
        assert_eq!(closest("foramt", known), Some("format"));
        assert_eq!(closest("watermark", known), None);
        assert_eq!(closest("x", ["y"]), None);
    }
}
