//! The cluster itself and its nodes.

use cep_types::Epoch;
use serde::{Deserialize, Serialize};

use crate::codec::list::Keyed;
use crate::codec::written;
use crate::id::{ClusterId, EngineLevel, NodeId};
use crate::limits::{ADDRESS_BYTES_MAX, SHARDS_MAX};
use crate::name::check_name;
use crate::outcome::{Reason, Refusal};

/// What makes a cluster this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// Random.
    pub id: ClusterId,
    /// For people.
    pub name: String,
    /// The level that definitions are compiled for (R-DET-4); never lowered.
    pub engine_level: EngineLevel,
    /// When it was changed last.
    #[serde(with = "written")]
    pub epoch: Epoch,
}

/// Where a node listens, each as `host:port`. Whether an address may be used is the node's own decision
/// (R-SEC-2): the group only passes it on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeAddresses {
    /// Clients, the port of shard 0; shard n is at that port + n.
    pub client: String,
    /// Peers, likewise.
    pub peer: String,
    /// Admin HTTP.
    pub admin: String,
}

/// What a node says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSpec {
    /// Its name.
    pub name: String,
    /// Where it listens.
    pub addresses: NodeAddresses,
    /// How many shards it has.
    pub shards: u32,
    /// The oldest engine level that its binary runs.
    pub engine_level_min: EngineLevel,
    /// The newest.
    pub engine_level_max: EngineLevel,
}

impl NodeSpec {
    /// Whether its binary runs definitions of `level`.
    pub fn supports(&self, level: EngineLevel) -> bool {
        (self.engine_level_min..=self.engine_level_max).contains(&level)
    }

    /// What is wrong in itself.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        let object = format!("node/{}", self.name);
        check_name(&object, &self.name)?;
        let addresses = [&self.addresses.client, &self.addresses.peer, &self.addresses.admin];
        if let Some(bad) = addresses.into_iter().find(|address| !is_address(address)) {
            let text = format!("'{}' is not an address; write host:port", bad.escape_debug());
            return Err(Refusal::new(Reason::Invalid, object, text));
        }
        if !(1..=SHARDS_MAX).contains(&self.shards) {
            let text = format!("{} shards; a node has 1 to {SHARDS_MAX}", self.shards);
            return Err(Refusal::new(Reason::Invalid, object, text));
        }
        if self.engine_level_min > self.engine_level_max {
            let text = "its oldest engine level is above its newest; exchange them";
            return Err(Refusal::new(Reason::Invalid, object, text));
        }
        Ok(())
    }
}

/// host:port without spaces or control characters; an IPv6 host is in brackets.
fn is_address(address: &str) -> bool {
    let Some((host, port)) = address.rsplit_once(':') else {
        return false;
    };
    let bracketed = host.starts_with('[') && host.ends_with(']');
    let plain = !host.is_empty() && (bracketed || !host.contains([':', '[', ']']));
    let printable = address.len() <= ADDRESS_BYTES_MAX && address.bytes().all(|byte| byte.is_ascii_graphic());
    plain && printable && port.parse::<u16>().is_ok_and(|number| number > 0 && number.to_string() == port)
}

/// A node of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Its number.
    pub id: NodeId,
    /// What it says about itself.
    pub spec: NodeSpec,
    /// When it joined.
    #[serde(with = "written")]
    pub joined: Epoch,
    /// When it was changed last.
    #[serde(with = "written")]
    pub epoch: Epoch,
}

impl Keyed for Node {
    type Key = NodeId;
    fn key(&self) -> NodeId {
        self.id
    }
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn addresses_are_host_and_port() {
        for good in ["127.0.0.1:26020", "[::1]:1", "node-1.example:65535"] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["", "host", ":1", "host:", "host:0", "host:65536", "host:01", "::1:5", "a b:1", "a:+1"] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
