//! Rules on Markdown links: a link into the repository leads somewhere, and every page of `docs/`
//! is reached from the README. Anchors and other hosts are not followed.

use std::collections::BTreeSet;

use super::Finding;
use crate::tree::{SourceFile, Tree};

/// One link target with its 1-based line.
struct Link<'a> {
    line: usize,
    target: &'a str,
}

/// Inline links and images, `[text](target)`, and definitions, `[text]: target`, outside code.
fn links(file: &SourceFile) -> Vec<Link<'_>> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (index, line) in file.text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            let mut targets = Vec::new();
            inline(line, &mut targets);
            if let Some((label, target)) = line.split_once("]: ")
                && label.starts_with('[')
            {
                targets.push(target.trim());
            }
            found.extend(targets.into_iter().map(|target| Link { line: index + 1, target }));
        }
    }
    found
}

fn inline<'a>(line: &'a str, targets: &mut Vec<&'a str>) {
    for (at, _) in line.match_indices("](") {
        let in_code = line[..at].matches('`').count() % 2 == 1;
        let rest = &line[at + 2..];
        if let Some(end) = rest.find(')')
            && !in_code
        {
            // A title may follow the target after a space.
            targets.push(rest[..end].split(' ').next().unwrap_or_default());
        }
    }
}

/// The path inside the repository that `target`, written in the file at `from`, means; `None` for
/// other hosts and for anchors in the same file.
fn resolve(from: &str, target: &str) -> Option<String> {
    let path = target.split('#').next().unwrap_or_default();
    if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
        return None;
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// Links whose target is neither a file nor a folder of the repository.
pub(super) fn targets_exist(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.path.ends_with(".md")) {
        for link in links(file) {
            let Some(path) = resolve(&file.path, link.target) else {
                continue;
            };
            let folder = format!("{path}/");
            let exists = path.is_empty()
                || tree.paths.contains(&path)
                || tree.paths.range(folder.clone()..).next().is_some_and(|p| p.starts_with(&folder));
            if !exists {
                let message = format!("links to {}, which does not exist", link.target);
                findings.push(Finding::at(&file.path, link.line, message));
            }
        }
    }
    findings
}

/// Pages directly under `docs/` that the README does not link.
pub(super) fn pages_reachable(tree: &Tree) -> Vec<Finding> {
    let Some(readme) = tree.file("README.md") else {
        return Vec::new(); // nothing to be reached from yet
    };
    let linked: BTreeSet<String> =
        links(readme).iter().filter_map(|link| resolve("README.md", link.target)).collect();
    tree.paths
        .iter()
        .filter(|path| path.starts_with("docs/") && path.ends_with(".md"))
        .filter(|path| !linked.contains(*path))
        .map(|path| Finding::of_file(path, "is not linked from README.md"))
        .collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::testing::on_tree;
    use super::*;

    #[test]
    fn links_to_nowhere_are_found() {
        let text = "[a](sql.md) ![b](../pic.png \"title\")\n[c]: nowhere/\n[d](/x.md#y)\n";
        expect![[r#"
            [
                "docs/index.md: links to ../pic.png, which does not exist",
                "docs/index.md: links to nowhere/, which does not exist",
                "docs/index.md: links to /x.md#y, which does not exist",
            ]
        "#]]
        .assert_debug_eq(&on_tree(targets_exist, &[("docs/index.md", text), ("docs/sql.md", "")]));
    }

    #[test]
    fn links_to_files_folders_anchors_hosts_and_links_in_code_pass() {
        let text = "[a](docs/sql.md#top) [b](docs) [c](deploy/apps/) [d](#here)\n\
                    [e](https://example.com/x) `[f](nowhere)` [g](mailto:a@b.c)\n\
                    ```sql\nx[1](2)\n```\n";
        let files = [("README.md", text), ("docs/sql.md", ""), ("deploy/apps/a/app.sql", "")];
        assert_eq!(on_tree(targets_exist, &files), Vec::<String>::new());
    }

    #[test]
    fn a_page_that_the_readme_does_not_link_is_found() {
        let files = [("README.md", "[a](docs/a.md)\n"), ("docs/a.md", ""), ("docs/b.md", "")];
        let found = on_tree(pages_reachable, &files);
        assert_eq!(found, ["docs/b.md: is not linked from README.md"]);
        assert!(on_tree(pages_reachable, &files[1..]).is_empty());
    }
}
