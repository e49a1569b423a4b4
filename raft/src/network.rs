//! How a group reaches its peers.

use std::future::Future;

use openraft::errors::{RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::RPCOption;
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, VoteRequest, VoteResponse,
};
use openraft::{AnyError, EmptyNode, RaftNetworkFactory, RaftNetworkV2};

use crate::apply::Snap;
use crate::snapshot::Image;
use crate::types::{Types, Vote};

/// The network of a group of one voter: it reaches nobody, and says so.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPeers;

/// A peer that cannot be reached.
pub(crate) struct Nobody(u64);

impl Nobody {
    fn unreachable(&self) -> Unreachable<Types> {
        let text = format!("peer {}: this group was started without a network to its peers", self.0);
        Unreachable::new(&AnyError::error(text))
    }

    fn refuse<T>(&self) -> Result<T, RPCError<Types>> {
        Err(RPCError::Unreachable(self.unreachable()))
    }
}

impl RaftNetworkFactory<Types> for NoPeers {
    type Network = Nobody;

    async fn new_client(&mut self, target: u64, _: &EmptyNode) -> Nobody {
        Nobody(target)
    }
}

impl RaftNetworkV2<Types> for Nobody {
    type SnapshotData = Image;

    async fn append_entries(
        &mut self,
        _: AppendEntriesRequest<Types>,
        _: RPCOption,
    ) -> Result<AppendEntriesResponse<Types>, RPCError<Types>> {
        self.refuse()
    }

    async fn vote(
        &mut self,
        _: VoteRequest<Types>,
        _: RPCOption,
    ) -> Result<VoteResponse<Types>, RPCError<Types>> {
        self.refuse()
    }

    // openraft's default grants.
    async fn pre_vote(
        &mut self,
        _: VoteRequest<Types>,
        _: RPCOption,
    ) -> Result<VoteResponse<Types>, RPCError<Types>> {
        self.refuse()
    }

    async fn full_snapshot(
        &mut self,
        _: Vote,
        _: Snap,
        _: impl Future<Output = ReplicationClosed> + 'static,
        _: RPCOption,
    ) -> Result<SnapshotResponse<Types>, StreamingError<Types>> {
        Err(StreamingError::Unreachable(self.unreachable()))
    }
}
