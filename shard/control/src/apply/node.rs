//! The cluster and its nodes.

use cep_types::Epoch;

use super::{Done, Pass, Verdict, fresh, take};
use crate::cluster::{Cluster, Node, NodeSpec};
use crate::config::Scope;
use crate::control::State;
use crate::id::{ClusterId, EngineLevel, NodeId};
use crate::limits::NODES_MAX;
use crate::name::check_name;
use crate::outcome::{Made, Reason, Refusal};

impl State {
    /// The engine level of a founded cluster.
    pub(super) fn engine_level(&self) -> EngineLevel {
        self.cluster.as_ref().map_or(EngineLevel(0), |cluster| cluster.engine_level)
    }

    pub(super) fn found(&mut self, id: ClusterId, name: &str, engine_level: EngineLevel) -> Verdict {
        check_name("cluster", name)?;
        let epoch = self.next_epoch();
        match &self.cluster {
            Some(cluster) if cluster.id == id && cluster.name == name => Ok(Done::Noted),
            Some(cluster) => {
                let text = format!("this is cluster '{}' already; use another data directory", cluster.name);
                Err(Refusal::new(Reason::Exists, "cluster", text))
            }
            None => {
                self.cluster = Some(Cluster { id, name: name.to_owned(), engine_level, epoch });
                Ok(Done::Changed(None))
            }
        }
    }

    pub(super) fn raise_engine_level(&mut self, level: EngineLevel, base: Option<Epoch>) -> Verdict {
        let epoch = self.next_epoch();
        let refuse = |reason, text: String| Err(Refusal::new(reason, "cluster", text));
        let Some(cluster) = &mut self.cluster else {
            return Ok(Done::Noted);
        };
        fresh(base, cluster.epoch, "cluster")?;
        if level == cluster.engine_level {
            return Ok(Done::Noted);
        }
        if level < cluster.engine_level {
            return refuse(
                Reason::Invalid,
                format!("the engine level is {} and never goes back", cluster.engine_level.0),
            );
        }
        if let Some(node) = self.nodes.values().find(|node| !node.spec.supports(level)) {
            let text = format!("node '{}' does not run level {}; upgrade it first", node.spec.name, level.0);
            return refuse(Reason::Unsupported, text);
        }
        let too_old =
            |compiled: &crate::definition::Compiled| compiled.engine_level.0.saturating_add(1) < level.0;
        let old = self.definitions.values().find(|definition| definition.live().is_some_and(too_old));
        if let Some(definition) = old {
            let text = format!(
                "definition '{}' is compiled for a level that is no longer run then; deploy it anew",
                definition.name
            );
            return refuse(Reason::InUse, text);
        }
        cluster.engine_level = level;
        cluster.epoch = epoch;
        Ok(Done::Changed(None))
    }

    pub(super) fn join_node(&mut self, spec: &NodeSpec) -> Verdict {
        spec.check()?;
        let object = format!("node/{}", spec.name);
        let epoch = self.next_epoch();
        if let Some(node) = self.nodes.values().find(|node| node.spec.name == spec.name) {
            if node.spec == *spec {
                return Ok(Done::Noted);
            }
            let text = format!("there is such a node, with number {}; update that one", node.id);
            return Err(Refusal::new(Reason::Exists, object, text));
        }
        self.supported(spec, &object)?;
        if self.nodes.len() >= NODES_MAX || self.next_node == u32::MAX {
            let text = format!("a cluster has at most {NODES_MAX} nodes; remove one first");
            return Err(Refusal::new(Reason::Limit, object, text));
        }
        // Number 0 is not used: it is what forgotten fields hold.
        self.next_node = self.next_node.max(1);
        let id = NodeId(take(&mut self.next_node));
        self.nodes.insert(id, Node { id, spec: spec.clone(), joined: epoch, epoch });
        Ok(Done::Rerouted(Some(Made::Node(id))))
    }

    pub(super) fn update_node(&mut self, id: NodeId, spec: &NodeSpec, base: Option<Epoch>) -> Verdict {
        spec.check()?;
        let object = format!("node/{id}");
        let epoch = self.next_epoch();
        self.supported(spec, &object)?;
        let node = self.nodes.get_mut(&id).ok_or_else(|| no_node(id))?;
        fresh(base, node.epoch, &object)?;
        if node.spec.name != spec.name {
            let text = format!("its name is '{}' and stays; remove it and join another", node.spec.name);
            return Err(Refusal::new(Reason::Invalid, object, text));
        }
        if node.spec == *spec {
            return Ok(Done::Noted);
        }
        node.spec = spec.clone();
        node.epoch = epoch;
        Ok(Done::Rerouted(None))
    }

    pub(super) fn remove_node(&mut self, id: NodeId, pass: &mut Pass<'_>) -> Verdict {
        let object = format!("node/{id}");
        let node = self.nodes.get(&id).ok_or_else(|| no_node(id))?;
        fresh(pass.command.base, node.epoch, &object)?;
        for space in self.spaces.values() {
            if let Some(placement) = space.placements.values().find(|placement| placement.involves(id)) {
                let text = format!(
                    "partition {} of space '{}' is there; move it first",
                    placement.partition.0, space.name
                );
                return Err(Refusal::new(Reason::InUse, object, text));
            }
        }
        let scope = Scope::Node(node.spec.name.clone());
        self.forget(&scope, pass);
        self.nodes.remove(&id);
        Ok(Done::Rerouted(None))
    }

    fn supported(&self, spec: &NodeSpec, object: &str) -> Result<(), Refusal> {
        let level = self.engine_level();
        if spec.supports(level) {
            return Ok(());
        }
        let text =
            format!("it does not run the cluster's engine level {}; install a release that does", level.0);
        Err(Refusal::new(Reason::Unsupported, object, text))
    }
}

/// There is no such node.
pub(super) fn no_node(id: NodeId) -> Refusal {
    Refusal::new(Reason::NotFound, format!("node/{id}"), "there is no node of that number; list the nodes")
}
