//! `docs/protocol.md` cannot rot: its tables are made from the schema and its bytes from the golden
//! messages, between marks in the text. `UPDATE_EXPECT=1` writes them anew.

use std::fmt::Write;

use cep_types::hash::KeyForm;
use expect_test::expect_file;
use net_wire::{HEADER_BYTES, Kind, Message, Side};

use crate::fixed::{all, bytes};
use crate::hex::dump;
use crate::schema::{Field, item, items};

const PAGE: &str = include_str!("../../../../docs/protocol.md");
const OPEN: &str = "<!-- made: ";
const CLOSE: &str = "<!-- end -->";

/// The page with everything between marks made anew.
fn made() -> String {
    let mut page = String::new();
    let mut rest = PAGE;
    while let Some(at) = rest.find(OPEN) {
        let end_of_mark = at + rest[at..].find("-->\n").expect("a mark ends its line") + 4;
        let what = rest[at + OPEN.len()..end_of_mark - 4].trim();
        let end = end_of_mark + rest[end_of_mark..].find(CLOSE).expect("a mark is closed");
        page.push_str(&rest[..end_of_mark]);
        page.push_str(&block(what));
        rest = &rest[end..];
    }
    page + rest
}

fn block(what: &str) -> String {
    match what.split_once(' ') {
        Some(("kinds", "all")) => kinds(),
        Some(("fields", name)) => fields(name),
        Some(("numbers", name)) => numbers(name),
        Some(("bits", name)) => bits(name),
        Some(("bytes", name)) => annotated(name),
        Some(("key", text)) => key(text),
        _ => panic!("nobody makes `{what}`"),
    }
}

/// What is above a field, made fit for a cell of a table.
fn cell(comment: &str) -> String {
    comment.replace('|', "\\|")
}

fn kinds() -> String {
    let numbers = item("Kind").fields;
    let mut out = "| number | message | sent by | meaning |\n|---|---|---|---|\n".to_owned();
    for kind in Kind::NAMED {
        let name = format!("{kind:?}");
        let number = numbers.iter().find(|number| number.name == name).unwrap();
        let (_, meaning) = number.comment.split_once(": ").unwrap();
        let sender = match (kind.is_sent_by(Side::Client), kind.is_sent_by(Side::Server)) {
            (true, true) => "both",
            (true, false) => "client",
            _ => "server",
        };
        let anchor = name.to_lowercase();
        writeln!(out, "| {} | [{name}](#{anchor}) | {sender} | {} |", kind.code(), cell(meaning)).unwrap();
    }
    out
}

/// The default of a field that does not say one.
fn default(field: &Field) -> &str {
    match field.kind {
        _ if !field.value.is_empty() => field.value,
        "bool" => "false",
        "ubyte" | "ushort" | "uint" | "ulong" | "long" => "0",
        kind if item_keyword(kind) == "enum" => "0",
        _ => "absent",
    }
}

fn item_keyword(name: &str) -> &'static str {
    items().into_iter().find(|item| item.name == name).map_or("", |item| item.keyword)
}

fn fields(name: &str) -> String {
    let item = item(name);
    let mut out = format!("{}\n\n", item.comment);
    if item.fields.is_empty() {
        return out + "No fields.\n";
    }
    if item.keyword == "struct" {
        out += "| field | type | meaning |\n|---|---|---|\n";
    } else {
        out += "| no. | field | type | default | meaning |\n|---|---|---|---|---|\n";
    }
    for (slot, field) in item.fields.iter().enumerate() {
        let Field { name, kind, comment, .. } = field;
        let meaning = cell(comment);
        if item.keyword == "struct" {
            writeln!(out, "| `{name}` | {kind} | {meaning} |").unwrap();
        } else {
            writeln!(out, "| {slot} | `{name}` | {kind} | {} | {meaning} |", default(field)).unwrap();
        }
    }
    out
}

fn numbers(name: &str) -> String {
    let mut out = "| number | name | meaning |\n|---|---|---|\n".to_owned();
    for Field { name, value, comment, .. } in item(name).fields {
        writeln!(out, "| {value} | `{name}` | {} |", cell(&comment)).unwrap();
    }
    out
}

fn bits(name: &str) -> String {
    let mut out = "| bit | name | meaning |\n|---|---|---|\n".to_owned();
    for (bit, Field { name, comment, .. }) in item(name).fields.iter().enumerate() {
        writeln!(out, "| {bit} | `{name}` | {} |", cell(comment)).unwrap();
    }
    out
}

/// Where a key belongs, in the space of the golden routing table.
fn key(text: &str) -> String {
    let routing = all().into_iter().find_map(|(_, _, message)| match message {
        Message::Routing(routing) => Some(routing),
        _ => None,
    });
    let routing = routing.unwrap();
    let space = &routing.spaces[0];
    let mut form = KeyForm::default();
    form.push_text(text);
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    let partition = space.partition_of(&form);
    let sent = all().into_iter().find_map(|(_, _, message)| match message {
        Message::Append(append) => Some(append.partition),
        _ => None,
    });
    assert_eq!(sent, Some(partition), "the append of the example goes where its key belongs");
    format!(
        "```text\nseed            {}\nform of the key {}\nSipHash-2-4     {:#018x}\npartition       {} of {}\n```\n",
        hex(&space.seed.0.to_le_bytes()),
        hex(form.bytes()),
        space.seed.hash(form.bytes()),
        partition.0,
        space.leaders.len(),
    )
}

/// A golden message: its header field by field, then what follows.
fn annotated(name: &str) -> String {
    let message = bytes(name);
    let four = |at: usize| u32::from_le_bytes(message[at..at + 4].try_into().unwrap());
    let kind = Kind::from_code(u16::from_le_bytes(message[6..8].try_into().unwrap()));
    let request = u64::from_le_bytes(message[16..24].try_into().unwrap());
    let (total, meta) = (four(8), four(12));
    let mut out = "```text\n".to_owned();
    let mut line = |at: usize, end: usize, what: String| {
        let hex: Vec<String> = message[at..end].iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(out, "{at:04x}  {:<24}  {what}", hex.join(" ")).unwrap();
    };
    line(0, 4, "magic CEPW".to_owned());
    line(4, 5, "framing version 1".to_owned());
    line(5, 6, "no flags".to_owned());
    line(6, 8, format!("kind {}, {kind:?}", kind.code()));
    line(8, 12, format!("length {total}"));
    line(12, 16, format!("FlatBuffers part {meta}"));
    line(16, 24, format!("request {request}"));
    line(24, 28, "crc32c of the FlatBuffers part with its padding".to_owned());
    line(28, 32, "crc32c of bytes 0 to 27".to_owned());
    let meta_end = HEADER_BYTES + meta as usize;
    let bare = meta_end.next_multiple_of(8);
    let rows = if bare == message.len() { bare } else { meta_end.next_multiple_of(64) };
    writeln!(out, "FlatBuffers part with its padding, to {rows:#06x}").unwrap();
    out += &shifted(&message[HEADER_BYTES..rows], HEADER_BYTES);
    if rows < message.len() {
        writeln!(out, "event frame, {} bytes", message.len() - rows).unwrap();
        out += &shifted(&message[rows..], rows);
    }
    out + "```\n"
}

/// A dump whose offsets begin at `start`.
fn shifted(bytes: &[u8], start: usize) -> String {
    let lines = dump(bytes);
    let shift = |(at, line): (usize, &str)| format!("{:04x}{}\n", start + at * 16, &line[4..]);
    lines.lines().enumerate().map(shift).collect()
}

#[test]
fn the_page_says_what_schema_and_golden_messages_say() {
    expect_file!["../../../../docs/protocol.md"].assert_eq(&made());
}

#[test]
fn the_page_has_every_message_struct_and_enum() {
    for item in items() {
        let keyword = match item.keyword {
            "enum" if item.name == "Kind" => "kinds",
            "enum" if item.name == "Feature" => "bits",
            "enum" => "numbers",
            _ => "fields",
        };
        let name = if item.name == "Kind" { "all" } else { item.name };
        let mark = format!("{OPEN}{keyword} {name} -->");
        // Two numbers of one name may stand for an enum and a table: each is asked for by its own word.
        assert!(PAGE.contains(&mark), "{mark} is missing");
    }
    for kind in Kind::NAMED {
        assert!(PAGE.contains(&format!("\n#### {kind:?}\n")), "{kind:?} has no section");
    }
}
