//! Values for a time.

use std::collections::BTreeMap;

use cep_types::{Epoch, StampNs};
use serde::{Deserialize, Serialize};

use super::scope::Scope;
use super::setting::Setting;
use crate::codec::list::Keyed;
use crate::codec::written;
use crate::id::OverrideId;

/// Values that hold in `[from, until)` and cover those of the config for the same scope. Of two overrides
/// of one key and scope the younger holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// Its number.
    pub id: OverrideId,
    /// Where.
    pub scope: Scope,
    /// The values.
    pub settings: BTreeMap<String, Setting>,
    /// The first stamp at which they hold.
    #[serde(with = "written")]
    pub from: StampNs,
    /// The first stamp at which they hold no more.
    #[serde(with = "written")]
    pub until: StampNs,
    /// Whether they hold now.
    pub on: bool,
    /// Who.
    pub actor: String,
    /// Why.
    pub why: String,
    /// When it was set.
    #[serde(with = "written")]
    pub epoch: Epoch,
}

impl Keyed for Override {
    type Key = OverrideId;
    fn key(&self) -> OverrideId {
        self.id
    }
}

/// An override whose time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Due {
    /// When it was due.
    pub(crate) instant: StampNs,
    /// Which.
    pub(crate) id: OverrideId,
}

impl Override {
    /// When something happens to it next.
    pub(crate) fn due(&self) -> Due {
        Due { instant: if self.on { self.until } else { self.from }, id: self.id }
    }
}
