//! Paths of all columns merged into one tree, walked along with the parser.
//!
//! A record is parsed once, members nobody asked for are passed over, and nothing is built on the
//! way. Only where one value has several takers is its text kept and parsed again for each.

use std::fmt;

use arrow_schema::FieldRef;
use cep_types::options::{JsonPath, JsonStep};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::column::{Column, ColumnSeed, JsonFault};
use crate::source::reject::RejectReason;

/// The root is node 0.
#[derive(Debug)]
pub(super) struct PathTree {
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    /// Builders that take the value.
    builders: Vec<usize>,
    members: Vec<Member>,
    /// Array elements and their nodes.
    elements: Vec<(usize, usize)>,
}

#[derive(Debug)]
struct Member {
    key: Box<str>,
    /// A column's own name, which also matches in another case; an exact match wins.
    any_case: bool,
    node: usize,
    /// No key that is this one exactly could name another member too.
    alone: bool,
}

impl PathTree {
    /// The tree of these builders, with the paths that were given.
    pub(super) fn new<'a>(builders: impl Iterator<Item = (&'a FieldRef, Option<&'a JsonPath>)>) -> PathTree {
        let mut tree = PathTree { nodes: vec![Node::default()] };
        for (builder, (field, path)) in builders.enumerate() {
            let node = match path {
                Some(path) => path.steps.iter().fold(0, |node, step| tree.child(node, step)),
                None => tree.add_member(0, field.name(), true),
            };
            tree.nodes[node].builders.push(builder);
        }
        tree
    }

    /// Whether some path starts in a top-level array.
    pub(super) fn wants_array(&self) -> bool {
        !self.nodes[0].elements.is_empty() || !self.nodes[0].builders.is_empty()
    }

    fn child(&mut self, node: usize, step: &JsonStep) -> usize {
        match step {
            JsonStep::Key(key) => {
                let found = self.nodes[node]
                    .members
                    .iter()
                    .find(|member| !member.any_case && *member.key == **key)
                    .map(|member| member.node);
                found.unwrap_or_else(|| self.add_member(node, key, false))
            }
            JsonStep::Index(index) => {
                let found =
                    self.nodes[node].elements.iter().find(|(at, _)| at == index).map(|(_, child)| *child);
                found.unwrap_or_else(|| {
                    let child = self.add_node();
                    self.nodes[node].elements.push((*index, child));
                    child
                })
            }
        }
    }

    fn add_member(&mut self, node: usize, key: &str, any_case: bool) -> usize {
        let child = self.add_node();
        let members = &mut self.nodes[node].members;
        let mut alone = true;
        for other in members.iter_mut().filter(|m| m.key.eq_ignore_ascii_case(key)) {
            other.alone = false;
            alone = false;
        }
        members.push(Member { key: key.into(), any_case, node: child, alone });
        child
    }

    fn add_node(&mut self) -> usize {
        self.nodes.push(Node::default());
        self.nodes.len() - 1
    }
}

/// How a builder of the current row was filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FilledBy {
    Nothing,
    OtherCase,
    Exact,
}

/// State of the row being read; reused from row to row.
#[derive(Debug, Default)]
pub(super) struct RowState {
    filled: Vec<FilledBy>,
    fault: JsonFault,
    /// Builder the fault is about.
    fault_builder: Option<usize>,
}

impl RowState {
    /// Reads `text` as the next row of `columns`, which have `rows` rows. On an error the columns
    /// may hold half a row; the error names the builder at fault, if one is.
    pub(super) fn read(
        &mut self,
        text: &[u8],
        tree: &PathTree,
        columns: &mut [Column],
        rows: usize,
    ) -> Result<(), (Option<usize>, RejectReason)> {
        self.filled.clear();
        self.filled.resize(columns.len(), FilledBy::Nothing);
        self.fault_builder = None;
        let mut json = serde_json::Deserializer::from_slice(text);
        let walk = Walk { tree, node: 0, any_case: false, columns, state: self, rows };
        let result = walk.deserialize(&mut json).and_then(|()| json.end());
        if let Err(error) = result {
            return Err((self.fault_builder, self.fault.reason(&error)));
        }
        for (builder, column) in columns.iter_mut().enumerate() {
            if self.filled[builder] == FilledBy::Nothing {
                column.push_null().map_err(|reason| (Some(builder), reason))?;
            }
        }
        Ok(())
    }
}

/// A walk that has come to a node of the tree and the value there.
struct Walk<'a> {
    tree: &'a PathTree,
    node: usize,
    any_case: bool,
    columns: &'a mut [Column],
    state: &'a mut RowState,
    rows: usize,
}

impl Walk<'_> {
    fn to(&mut self, node: usize, any_case: bool) -> Walk<'_> {
        Walk { tree: self.tree, node, any_case, columns: self.columns, state: self.state, rows: self.rows }
    }

    /// Gives the value to one builder.
    fn fill<'de, D: Deserializer<'de>>(&mut self, builder: usize, json: D) -> Result<(), D::Error> {
        let filled = &mut self.state.filled[builder];
        if self.any_case && *filled == FilledBy::Exact {
            return IgnoredAny::deserialize_seed(json);
        }
        let again = *filled != FilledBy::Nothing;
        *filled = if self.any_case { FilledBy::OtherCase } else { FilledBy::Exact };
        let column = &mut self.columns[builder];
        if again {
            column.truncate(self.rows); // of equal keys the last one holds
        }
        let result = ColumnSeed::new(column, &mut self.state.fault).deserialize(json);
        if result.is_err() && self.state.fault.is_raised() {
            self.state.fault_builder.get_or_insert(builder);
        }
        result
    }

    /// Gives the value to every taker at this node.
    fn give_text<E: Error>(mut self, raw: &RawValue) -> Result<(), E> {
        let node = &self.tree.nodes[self.node];
        let mut result = Ok(());
        for &builder in &node.builders {
            let mut json = serde_json::Deserializer::from_str(raw.get());
            result = result.and_then(|()| self.fill(builder, &mut json));
        }
        if !(node.members.is_empty() && node.elements.is_empty()) {
            let mut json = serde_json::Deserializer::from_str(raw.get());
            result = result.and_then(|()| (&mut json).deserialize_any(self));
        }
        // A raised reason is kept in the state; anything else is said by the text.
        result.map_err(E::custom)
    }

    /// A value that has no members: nothing below it is there.
    fn leaf<E: Error>(self, what: &'static str) -> Result<(), E> {
        if self.node == 0 {
            return Err(self.state.fault.raise(RejectReason::NotAnObject(what)));
        }
        Ok(())
    }
}

/// Passing over a value.
trait PassOver {
    fn deserialize_seed<'de, D: Deserializer<'de>>(json: D) -> Result<(), D::Error>;
}

impl PassOver for IgnoredAny {
    fn deserialize_seed<'de, D: Deserializer<'de>>(json: D) -> Result<(), D::Error> {
        json.deserialize_ignored_any(IgnoredAny).map(|_| ())
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(mut self, json: D) -> Result<(), D::Error> {
        let node = &self.tree.nodes[self.node];
        let has_children = !(node.members.is_empty() && node.elements.is_empty());
        match (node.builders.as_slice(), has_children) {
            (&[builder], false) => self.fill(builder, json),
            ([], _) => json.deserialize_any(self),
            _ => {
                let raw = <&'de RawValue as serde::Deserialize>::deserialize(json)?;
                self.give_text(raw)
            }
        }
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.leaf("null")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.leaf("a boolean")
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.leaf("a number")
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.leaf("a number")
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.leaf("a number")
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        self.leaf("a string")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        let wanted = &self.tree.nodes[self.node].elements;
        if wanted.is_empty() && self.node == 0 {
            return self.leaf("an array");
        }
        for index in 0.. {
            let child = wanted.iter().find(|(at, _)| *at == index);
            let more = match child {
                Some(&(_, child)) => elements.next_element_seed(self.to(child, false))?.is_some(),
                None => elements.next_element::<IgnoredAny>()?.is_some(),
            };
            if !more {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        let node = &self.tree.nodes[self.node];
        let mut likely = 0;
        while let Some(found) = members.next_key_seed(Matching { node, likely })? {
            match found {
                Found::None => {
                    members.next_value::<IgnoredAny>()?;
                }
                Found::One(member) => {
                    likely = member + 1;
                    members.next_value_seed(self.to(node.members[member].node, false))?;
                }
                Found::Several(key) => {
                    let raw = members.next_value::<&'de RawValue>()?;
                    for member in &node.members {
                        let exact = *member.key == *key;
                        if !exact && !member.matches(&key) {
                            continue;
                        }
                        self.to(member.node, member.any_case && !exact).give_text(raw)?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl Member {
    fn matches(&self, key: &str) -> bool {
        *self.key == *key || (self.any_case && self.key.eq_ignore_ascii_case(key))
    }
}

/// Finds the members of a node that a key names. Writers keep the order of keys, so the member
/// behind the last one found is tried first.
struct Matching<'a> {
    node: &'a Node,
    likely: usize,
}

enum Found {
    None,
    /// One member, whose key is the same in case too.
    One(usize),
    /// Anything else: who takes the value depends on this key.
    Several(Box<str>),
}

impl<'de> DeserializeSeed<'de> for Matching<'_> {
    type Value = Found;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Found, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Matching<'_> {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Found, E> {
        let members = &self.node.members;
        if let Some(member) = members.get(self.likely)
            && member.alone
            && *member.key == *key
        {
            return Ok(Found::One(self.likely));
        }
        let mut matching = (0..members.len()).filter(|&at| members[at].matches(key));
        Ok(match (matching.next(), matching.next()) {
            (None, _) => Found::None,
            (Some(member), None) if *members[member].key == *key => Found::One(member),
            _ => Found::Several(key.into()),
        })
    }
}
