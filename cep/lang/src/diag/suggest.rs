//! "Did you mean": the candidate that a misspelt name most likely stands for.

/// The candidate closest to `name`: Damerau–Levenshtein distance without regard to case, at most a
/// third of the longer length (at least 1); of equally close ones the first. `None` when none is
/// close, or when `name` is a candidate already.
pub fn suggest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let wanted = name.to_lowercase();
    let wanted_len = wanted.chars().count();
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let folded = candidate.to_lowercase();
        let candidate_len = folded.chars().count();
        let limit = (wanted_len.max(candidate_len) / 3).max(1);
        // A distance is at least the difference in length.
        if wanted_len.abs_diff(candidate_len) > limit {
            continue;
        }
        let distance = strsim::damerau_levenshtein(&wanted, &folded);
        // One or two letters that are all different stand for nothing.
        let shares_something = distance < wanted_len.max(candidate_len);
        if distance <= limit
            && shares_something
            && best.is_none_or(|(least, _closest)| distance < least)
        {
            best = Some((distance, candidate));
        }
    }
    best.filter(|(distance, closest)| *distance > 0 || *closest != name)
        .map(|(_distance, closest)| closest.to_owned())
}

#[cfg(test)]
mod tests {
    use super::suggest;

    const COLUMNS: &[&str] = &["symbol", "price", "volume", "ts", "Price2"];

    fn check(name: &str, expected: Option<&str>) {
        assert_eq!(
            suggest(name, COLUMNS.iter().copied()).as_deref(),
            expected,
            "{name}"
        );
    }

    #[test]
    fn typos_find_what_was_meant_in_any_case() {
        check("prize", Some("price"));
        check("PRCIE", Some("price"));
        check("symbl", Some("symbol"));
        check("sybmol", Some("symbol"));
        check("PRICE2", Some("Price2"));
    }

    #[test]
    fn names_that_resemble_nothing_get_no_suggestion() {
        check("quantity", None);
        check("x", None);
        check("ab", None);
        check("", None);
    }

    #[test]
    fn a_known_name_is_no_typo() {
        check("price", None);
    }
}
