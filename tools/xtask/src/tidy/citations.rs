//! Rule: every cited rule id (`R-` + area + number) is one of `docs/rules.txt`.

use std::collections::BTreeSet;

use super::Finding;
use crate::tree::Tree;

/// The list of ids, one a line.
const LIST: &str = "docs/rules.txt";

/// Cited ids that do not exist.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(list) = tree.file(LIST) else {
        return vec![Finding::of_file(LIST, "is missing")];
    };
    let known: BTreeSet<&str> = list.text.lines().collect();
    let mut findings = Vec::new();
    for file in &tree.files {
        for (index, line) in file.text.lines().enumerate() {
            for id in ids(line).into_iter().filter(|id| !known.contains(id)) {
                let message = format!("cites {id}, which {LIST} does not have");
                findings.push(Finding::at(&file.path, index + 1, message));
            }
        }
    }
    findings
}

/// The rule ids in one line: `R-`, capitals, `-`, digits, and at most one small letter.
fn ids(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (at, _) in line.match_indices("R-") {
        let before = line[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '-' || c == '_') {
            continue;
        }
        let rest = &line.as_bytes()[at + 2..];
        let area = rest.iter().take_while(|b| b.is_ascii_uppercase()).count();
        if area == 0 || rest.get(area) != Some(&b'-') {
            continue;
        }
        let number = rest[area + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
        if number == 0 {
            continue;
        }
        let mut end = area + 1 + number;
        let letter = rest.get(end).is_some_and(u8::is_ascii_lowercase);
        if letter && !rest.get(end + 1).is_some_and(u8::is_ascii_alphanumeric) {
            end += 1;
        }
        found.push(&line[at..at + 2 + end]);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::testing::on_tree;
    use super::*;

    #[test]
    fn ids_are_cut_out_of_prose() {
        let line = "(R-DET-1), R-SQL-3a; FOR-DET-9 R-det-1 R-DET R-PART-1's R-DUR-2..";
        assert_eq!(ids(line), ["R-DET-1", "R-SQL-3a", "R-PART-1", "R-DUR-2"]);
    }

    #[test]
    fn an_unknown_id_is_found_and_a_known_one_passes() {
        let unknown = concat!("R-", "NONE-7");
        let text = format!("// R-DET-1\n// {unknown}\n");
        let found = on_tree(check, &[(LIST, "R-DET-1\nR-DET-2\n"), ("x.rs", &text)]);
        assert_eq!(found, [format!("x.rs: cites {unknown}, which {LIST} does not have")]);
    }

    #[test]
    fn a_missing_list_is_found() {
        assert_eq!(on_tree(check, &[("x.rs", "")]), [format!("{LIST}: is missing")]);
    }
}
