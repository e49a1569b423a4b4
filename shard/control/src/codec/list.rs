//! Maps whose values carry their key are written as lists of values: `#[serde(with = "list")]`.

use std::collections::BTreeMap;

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value that carries its key.
pub(crate) trait Keyed {
    /// The key.
    type Key: Ord;
    /// Its key.
    fn key(&self) -> Self::Key;
}

pub(crate) fn serialize<V: Keyed + Serialize, S: Serializer>(
    map: &BTreeMap<V::Key, V>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(map.values())
}

pub(crate) fn deserialize<'de, V: Keyed + DeserializeOwned, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<V::Key, V>, D::Error> {
    let values = Vec::<V>::deserialize(deserializer)?;
    if values.windows(2).any(|pair| pair[0].key() >= pair[1].key()) {
        return Err(D::Error::custom("a list is not in ascending order of its keys"));
    }
    Ok(values.into_iter().map(|value| (value.key(), value)).collect())
}
