//! The schema as the tests read it: enums, structs and tables with their comments. The numbers in
//! code are those of the schema.

use net_wire::{AuthMethod, Changelog, Kind, Reason, Role, Status};

const SOURCE: &str = include_str!("../../schema/wire.fbs");

/// An enum, struct or table.
pub struct Item {
    /// `enum`, `struct` or `table`.
    pub keyword: &'static str,
    pub name: &'static str,
    /// The comment above it.
    pub comment: String,
    pub fields: Vec<Field>,
}

/// A field, or a number of an enum.
pub struct Field {
    pub name: &'static str,
    /// The type of a field; empty in an enum.
    pub kind: &'static str,
    /// The default of a field, the number in an enum; empty when it is not said.
    pub value: &'static str,
    /// The comment above it.
    pub comment: String,
}

/// Everything in the schema, in its order.
pub fn items() -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut comment: Vec<&str> = Vec::new();
    let mut is_open = false;
    for line in SOURCE.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("//") {
            comment.push(text.trim());
            continue;
        }
        let said = std::mem::take(&mut comment).join(" ");
        let words: Vec<&'static str> = line.split([' ', ':']).filter(|word| !word.is_empty()).collect();
        match words[..] {
            [keyword @ ("enum" | "struct" | "table"), name, ..] => {
                items.push(Item { keyword, name, comment: said, fields: Vec::new() });
                is_open = true;
            }
            ["}"] => is_open = false,
            [_, ..] if is_open => items.last_mut().unwrap().fields.push(field(line, said)),
            _ => {}
        }
    }
    items
}

fn field(line: &'static str, comment: String) -> Field {
    let line = line.trim_end_matches([',', ';']);
    let (declared, value) = line.split_once(" = ").unwrap_or((line, ""));
    let (name, kind) = declared.split_once(": ").unwrap_or((declared, ""));
    Field { name, kind, value, comment }
}

/// The item of that name.
pub fn item(name: &str) -> Item {
    items().into_iter().find(|item| item.name == name).unwrap_or_else(|| panic!("no {name} in the schema"))
}

#[track_caller]
fn agree(name: &str, in_code: Vec<(String, u64)>) {
    let numbers = item(name).fields;
    let in_schema: Vec<(String, u64)> =
        numbers.iter().map(|number| (number.name.to_owned(), number.value.parse().unwrap())).collect();
    assert_eq!(in_code, in_schema, "{name}");
}

#[test]
fn numbers_in_code_are_those_of_the_schema() {
    let none = |list: Vec<(String, u64)>| [vec![("None".to_owned(), 0)], list].concat();
    macro_rules! named {
        ($type:ty) => {
            <$type>::NAMED.iter().map(|one| (format!("{one:?}"), u64::from(one.code()))).collect()
        };
    }
    agree("Kind", none(named!(Kind)));
    agree("Status", named!(Status));
    agree("Reason", none(named!(Reason)));
    agree("Role", named!(Role));
    agree("AuthMethod", named!(AuthMethod));
    let changelogs = Changelog::ALL.iter().map(|one| (format!("{one:?}"), u64::from(one.code())));
    agree("Changelog", changelogs.collect());
}

#[test]
fn everything_in_the_schema_is_explained() {
    for item in items() {
        assert!(!item.comment.is_empty(), "{} has no comment", item.name);
        for field in &item.fields {
            assert!(!field.comment.is_empty(), "{}.{} has no comment", item.name, field.name);
        }
    }
}

#[test]
fn every_kind_has_a_table_of_its_name() {
    for kind in Kind::NAMED {
        assert_eq!(item_of(*kind).keyword, "table");
    }
}

fn item_of(kind: Kind) -> Item {
    let name = format!("{kind:?}");
    items().into_iter().find(|item| item.name == name && item.keyword == "table").unwrap()
}
