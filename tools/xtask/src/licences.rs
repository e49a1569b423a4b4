//! Licences of the dependency tree against `deny.toml`, for hosts without `cargo deny`.

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use crate::process;
    use crate::tree::workspace_root;

    /// Whether an SPDX expression can be satisfied from `allowed`. `AND` binds tighter than `OR`;
    /// the old form `A/B` means `A OR B`; `A WITH B` is one licence of that name.
    fn satisfied(expression: &str, allowed: &BTreeSet<String>) -> bool {
        let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
        let words: Vec<&str> = spaced.split_whitespace().collect();
        let mut at = 0;
        let value = either(&words, &mut at, allowed);
        assert_eq!(at, words.len(), "licence expression {expression:?} does not parse");
        value
    }

    fn either(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
        let mut value = both(words, at, allowed);
        while words.get(*at) == Some(&"OR") {
            *at += 1;
            value |= both(words, at, allowed);
        }
        value
    }

    fn both(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
        let mut value = one(words, at, allowed);
        while words.get(*at) == Some(&"AND") {
            *at += 1;
            value &= one(words, at, allowed);
        }
        value
    }

    fn one(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
        if words[*at] == "(" {
            *at += 1;
            let value = either(words, at, allowed);
            assert_eq!(words[*at], ")");
            *at += 1;
            return value;
        }
        let mut name = words[*at].to_owned();
        *at += 1;
        if words.get(*at) == Some(&"WITH") {
            name = format!("{name} WITH {}", words[*at + 1]);
            *at += 2;
        }
        // "or later" is satisfied by the version itself.
        allowed.contains(name.trim_end_matches('+'))
    }

    /// What `exceptions` of deny.toml allows to single crates.
    fn exceptions(deny: &toml::Table) -> BTreeMap<String, BTreeSet<String>> {
        let list = deny["licenses"].get("exceptions").and_then(toml::Value::as_array).cloned();
        let read = |entry: &toml::Value| {
            let names = entry["allow"].as_array().unwrap().iter();
            let names = names.map(|name| name.as_str().unwrap().to_owned()).collect();
            (entry["crate"].as_str().unwrap().to_owned(), names)
        };
        list.unwrap_or_default().iter().map(read).collect()
    }

    #[test]
    fn licence_expressions_are_evaluated() {
        let allowed: BTreeSet<String> =
            ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned).into();
        for (expression, expected) in [
            ("MIT", true),
            ("GPL-3.0", false),
            ("MIT/GPL-3.0", true),
            ("GPL-3.0 OR MIT AND Apache-2.0", true),
            ("(GPL-3.0 OR MIT) AND BSL-1.0", false),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("MIT WITH Other-exception", false),
            ("Apache-2.0+", true),
        ] {
            assert_eq!(satisfied(expression, &allowed), expected, "{expression}");
        }
    }

    #[test]
    fn every_dependency_has_an_allowed_licence_and_every_allowed_licence_is_used() {
        let root = workspace_root();
        let deny: toml::Table = std::fs::read_to_string(root.join("deny.toml")).unwrap().parse().unwrap();
        let allowed: BTreeSet<String> = deny["licenses"]["allow"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap().to_owned())
            .collect();
        let host = process::capture(&root, "rustc", &["-vV"]).unwrap();
        let host = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
        let args = ["metadata", "--format-version", "1", "--locked", "--filter-platform", host];
        let metadata: serde_json::Value =
            serde_json::from_str(&process::capture(&root, "cargo", &args).unwrap()).unwrap();
        let mut exceptions = exceptions(&deny);
        let mut refused = BTreeMap::new();
        let mut texts = String::new();
        for package in metadata["packages"].as_array().unwrap() {
            let name = format!("{} {}", package["name"], package["version"]);
            let licence = package["license"].as_str().unwrap_or("none declared");
            texts.push_str(licence);
            let excepted = exceptions.remove(package["name"].as_str().unwrap());
            let allowed = excepted.map_or_else(|| allowed.clone(), |more| &allowed | &more);
            if licence == "none declared" || !satisfied(licence, &allowed) {
                refused.insert(name, licence.to_owned());
            }
        }
        assert_eq!(refused, BTreeMap::new());
        assert_eq!(exceptions, BTreeMap::new(), "excepted in deny.toml but not in the tree");
        let unused: Vec<_> = allowed.iter().filter(|name| !texts.contains(*name)).collect();
        assert!(unused.is_empty(), "allowed in deny.toml but not in the tree: {unused:?}");
    }
}
