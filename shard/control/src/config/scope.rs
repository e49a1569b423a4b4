//! Where a value is set.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The kinds of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ScopeKind {
    Cluster,
    Node,
    Partition,
    Definition,
}

impl ScopeKind {
    /// The word for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            ScopeKind::Cluster => "cluster",
            ScopeKind::Node => "node",
            ScopeKind::Partition => "partition",
            ScopeKind::Definition => "definition",
        }
    }
}

/// Where a value is set. By names, as people write them; names of nodes, spaces and definitions never
/// change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Everywhere.
    Cluster,
    /// On one node.
    Node(String),
    /// In one partition of a space.
    Partition(String, u32),
    /// In one definition.
    Definition(String),
}

impl Scope {
    pub(crate) fn kind(&self) -> ScopeKind {
        match self {
            Scope::Cluster => ScopeKind::Cluster,
            Scope::Node(_) => ScopeKind::Node,
            Scope::Partition(..) => ScopeKind::Partition,
            Scope::Definition(_) => ScopeKind::Definition,
        }
    }

    /// The scope that `cluster`, `node/NAME`, `partition/SPACE/N` or `definition/NAME` names.
    pub fn parse(text: &str) -> Option<Scope> {
        let scope = match text.split_once('/') {
            None => Scope::Cluster,
            Some(("node", name)) => Scope::Node(name.to_owned()),
            Some(("definition", name)) => Scope::Definition(name.to_owned()),
            Some(("partition", rest)) => Scope::parse_partition(rest)?,
            Some(_) => return None,
        };
        (scope.to_string() == text).then_some(scope)
    }

    /// The scope of the partition that `SPACE/N` names.
    pub(crate) fn parse_partition(text: &str) -> Option<Scope> {
        let (space, number) = text.rsplit_once('/')?;
        let partition: u32 = number.parse().ok()?;
        (partition.to_string() == number).then(|| Scope::Partition(space.to_owned(), partition))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scope::Cluster => f.write_str("cluster"),
            Scope::Node(name) => write!(f, "node/{name}"),
            Scope::Partition(space, partition) => write!(f, "partition/{space}/{partition}"),
            Scope::Definition(name) => write!(f, "definition/{name}"),
        }
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Scope::parse(&text).ok_or_else(|| {
            D::Error::custom("not a scope: cluster, node/NAME, partition/SPACE/N or definition/NAME")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_written_one_way() {
        for text in ["cluster", "node/n1", "partition/main/7", "definition/app"] {
            assert_eq!(Scope::parse(text).map(|scope| scope.to_string()).as_deref(), Some(text));
        }
        for text in ["", "Cluster", "partition/main", "partition/main/07", "partition/main/-1", "x/y"] {
            assert_eq!(Scope::parse(text), None, "{text}");
        }
    }
}
