//! Rule: crates depend one way. The table below is DESIGN's list of rooms and arrows; a crate that
//! is not in it, or an arrow it does not allow, is an error. All three kinds of dependencies count.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::{Finding, tokens};
use crate::tree::Tree;

/// What a room may depend on inside the workspace.
enum May {
    /// These rooms, and no other.
    Only(&'static [&'static str]),
    /// Any room: it wires or tests them all.
    Any,
}

/// Every room and its arrows.
const ROOMS: &[(&str, May)] = &[
    ("cep/types", May::Only(&[])),
    ("cep/lang", May::Only(&["cep/types"])),
    ("cep/engine", May::Only(&["cep/types", "cep/lang"])),
    ("wal", May::Only(&["shard/rt"])),
    ("raft", May::Only(&["shard/rt", "wal"])),
    ("net/wire", May::Only(&["cep/types"])),
    ("net/client", May::Only(&["net/wire", "cep/types"])),
    ("net/python", May::Only(&["net/wire", "net/client", "cep/types"])),
    ("net/connect", May::Only(&["cep/types"])),
    ("shard/rt", May::Only(&[])),
    ("shard/control", May::Only(&["cep/types"])),
    (
        "shard/node",
        May::Only(&[
            "cep/types",
            "cep/lang",
            "cep/engine",
            "net/wire",
            "raft",
            "shard/control",
            "shard/rt",
            "wal",
        ]),
    ),
    ("shard/server", May::Any),
    (
        "tools/ctl",
        May::Only(&["cep/types", "net/wire", "net/client", "net/connect", "raft", "wal", "shard/rt"]),
    ),
    ("tools/xtask", May::Only(&[])),
    ("perf", May::Any),
    ("tests", May::Any),
    ("tests/fuzz", May::Any),
];

/// Outside crates that only some rooms may name: (crate, rooms, the reason).
const OUTSIDE: &[(&str, &[&str], &str)] = &[
    ("openraft", &["raft"], "raft hides openraft"),
    ("glommio", &["shard/rt"], "shard/rt is the seam to the runtime"),
    ("io-uring", &["shard/rt"], "shard/rt is the seam to the runtime"),
    ("tokio", EDGE, "async I/O belongs to the edge"),
    ("hyper", EDGE, "network I/O belongs to the edge"),
    ("reqwest", EDGE, "network I/O belongs to the edge"),
    ("rustls", &["net/client", "shard/node", "shard/server"], "TLS is of doors and clients"),
    ("mio", EDGE, "network I/O belongs to the edge"),
    ("async-std", &[], "one async runtime is enough"),
    ("smol", &[], "one async runtime is enough"),
    ("rayon", EDGE, "threads belong to shard/rt and the edge"),
    ("rand", &["shard/rt", "perf", "tests", "tests/fuzz"], "randomness enters through shard/rt"),
    (
        "getrandom",
        &["net/client", "shard/rt", "shard/server"],
        "randomness enters through shard/rt, ids of clients and commands apart",
    ),
    ("ahash", &[], "its hashes differ between hosts: use cep_types::hash"),
    ("sqlparser", &[], "use the one DataFusion pins: datafusion_sql::sqlparser"),
    ("arrow", &[], "name the arrow-* crates you need: the whole is slow to build"),
    ("datafusion", &[], "only DataFusion's front half, by its own crates"),
];
/// Crates that a room lists only to pin their features, so that building one member of the workspace
/// does not rebuild DataFusion: (room, crate). They must not be named in the room's code.
const PINS: &[(&str, &str)] = &[("cep/lang", "getrandom")];
const EDGE: &[&str] = &["net/client", "net/connect", "shard/server", "tools/ctl", "perf", "tests"];

/// Arrows that the tables do not allow.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut manifests = Vec::new();
    for file in &tree.files {
        let Some(folder) = file.path.strip_suffix("Cargo.toml") else {
            continue;
        };
        match file.text.parse::<Table>() {
            Ok(table) => manifests.push((folder.trim_end_matches('/'), &file.path, table)),
            Err(error) => findings.push(Finding::of_file(&file.path, error.to_string())),
        }
    }
    let folders = folders_by_name(&manifests);
    for (folder, path, table) in manifests.iter().filter(|(folder, ..)| !folder.is_empty()) {
        let Some((_, may)) = ROOMS.iter().find(|(room, _)| room == folder) else {
            let message = "is not a room of the table in tools/xtask/src/tidy/arrows.rs";
            findings.push(Finding::of_file(path, message));
            continue;
        };
        for name in dependencies(table) {
            if let Some(target) = folders.get(name.as_str()) {
                // A crate names itself to switch a feature on for its own tests.
                let allowed = match may {
                    May::Any => true,
                    May::Only(rooms) => target == folder || rooms.contains(target),
                };
                if !allowed {
                    let message = format!("{folder} may not depend on {target}");
                    findings.push(Finding::of_file(path, message));
                }
            }
            for (_, rooms, why) in OUTSIDE.iter().filter(|(outside, ..)| *outside == name) {
                let pinned = PINS.contains(&(folder, name.as_str()));
                if !rooms.contains(folder) && !pinned {
                    let message = format!("{folder} may not depend on {name}: {why}");
                    findings.push(Finding::of_file(path, message));
                }
            }
        }
    }
    findings.extend(PINS.iter().flat_map(|(room, name)| uses_of_pin(tree, room, name)));
    findings
}

fn uses_of_pin(tree: &Tree, room: &str, name: &str) -> Vec<Finding> {
    let source = format!("{room}/");
    let message = format!("names {name}, which {room} may only pin");
    let files = tree.files.iter().filter(|file| file.path.starts_with(&source));
    files
        .flat_map(|file| {
            let lines = tokens::find(&tokens::flat(file), &[name]);
            lines.into_iter().map(|line| Finding::at(&file.path, line, message.clone()))
        })
        .collect()
}

/// Folder of each workspace crate, by package name.
fn folders_by_name<'a>(manifests: &[(&'a str, &String, Table)]) -> BTreeMap<String, &'a str> {
    manifests
        .iter()
        .filter_map(|(folder, _, table)| {
            let name = table.get("package")?.get("name")?.as_str()?;
            Some((name.to_owned(), *folder))
        })
        .collect()
}

/// Package names of all dependencies in a manifest: normal, dev and build, for every target.
fn dependencies(table: &Table) -> Vec<String> {
    const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
    let mut names = Vec::new();
    let mut collect = |table: &Table| {
        for kind in KINDS {
            let Some(list) = table.get(kind).and_then(Value::as_table) else {
                continue;
            };
            for (key, value) in list {
                let renamed = value.get("package").and_then(Value::as_str);
                names.push(renamed.unwrap_or(key).to_owned());
            }
        }
    };
    collect(table);
    if let Some(targets) = table.get("target").and_then(Value::as_table) {
        targets.values().filter_map(Value::as_table).for_each(&mut collect);
    }
    names
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::testing::on_tree;
    use super::*;

    const TYPES: (&str, &str) = ("cep/types/Cargo.toml", "[package]\nname = \"cep-types\"\n");

    fn engine(rest: &str) -> String {
        format!("[package]\nname = \"cep-engine\"\n{rest}")
    }

    #[test]
    fn forbidden_arrows_are_found_in_every_kind_of_dependency() {
        let text = engine(
            "[dependencies]\ncep-types.workspace = true\ntokio = \"1\"\n\
             [dev-dependencies]\nnet-connect.workspace = true\n\
             [target.'cfg(unix)'.build-dependencies]\nseam = { package = \"glommio\", version = \"1\" }\n",
        );
        let connect = ("net/connect/Cargo.toml", "[package]\nname = \"net-connect\"\n");
        let found = on_tree(check, &[TYPES, connect, ("cep/engine/Cargo.toml", &text)]);
        expect![[r#"
            [
                "cep/engine/Cargo.toml: cep/engine may not depend on tokio: async I/O belongs to the edge",
                "cep/engine/Cargo.toml: cep/engine may not depend on net/connect",
                "cep/engine/Cargo.toml: cep/engine may not depend on glommio: shard/rt is the seam to the runtime",
            ]
        "#]]
        .assert_debug_eq(&found);
    }

    #[test]
    fn allowed_arrows_pass() {
        let text = engine("[dependencies]\ncep-types.workspace = true\nregex = \"1\"\n");
        let root = ("Cargo.toml", "[workspace]\nmembers = []\n");
        let found = on_tree(check, &[root, TYPES, ("cep/engine/Cargo.toml", &text)]);
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn an_arrow_back_and_an_unknown_room_are_found() {
        let types = "[package]\nname = \"cep-types\"\n[dependencies]\ncep-engine = \"1\"\n";
        let found = on_tree(
            check,
            &[
                ("cep/types/Cargo.toml", types),
                ("cep/engine/Cargo.toml", &engine("")),
                ("cep/extra/Cargo.toml", "[package]\nname = \"extra\"\n"),
            ],
        );
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].ends_with("cep/types may not depend on cep/engine"));
        assert!(found[1].contains("is not a room"));
    }

    #[test]
    fn a_pinned_crate_may_be_listed_and_not_used() {
        let manifest =
            ("cep/lang/Cargo.toml", "[package]\nname = \"cep-lang\"\n[dependencies]\ngetrandom = \"1\"\n");
        assert_eq!(on_tree(check, &[manifest]), Vec::<String>::new());
        let code = ("cep/lang/src/x.rs", "fn f() { getrandom::fill(&mut []) }\n");
        let found = on_tree(check, &[manifest, code]);
        assert_eq!(found, ["cep/lang/src/x.rs: names getrandom, which cep/lang may only pin"]);
    }

    #[test]
    fn the_rooms_have_no_cycle() {
        fn reaches(from: &str, to: &str, depth: usize) -> bool {
            assert!(depth < ROOMS.len(), "cycle through {from}");
            let May::Only(next) = &ROOMS.iter().find(|(room, _)| *room == from).unwrap().1 else {
                return false;
            };
            next.iter().any(|room| *room == to || reaches(room, to, depth + 1))
        }
        for (room, may) in ROOMS {
            if let May::Only(_) = may {
                assert!(!reaches(room, room, 0), "{room}");
            }
        }
    }
}
