//! How identifiers of other rooms and wide integers are written: `#[serde(with = "written")]`.

use std::collections::BTreeSet;

use cep_types::frame::{ColumnId, SchemaVersion};
use cep_types::hash::SpaceSeed;
use cep_types::{Epoch, LogIndex, PartitionId, SpaceId, StampNs, StreamId};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A type with a written form. One value, one form.
pub(crate) trait Written: Sized {
    /// The form.
    type Form: Serialize + DeserializeOwned;
    /// Writes it.
    fn form(&self) -> Self::Form;
    /// Reads it; `None` when it is not the form of any value.
    fn of_form(form: Self::Form) -> Option<Self>;
}

pub(crate) fn serialize<T: Written, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    value.form().serialize(serializer)
}

pub(crate) fn deserialize<'de, T: Written, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::of_form(T::Form::deserialize(deserializer)?)
        .ok_or_else(|| D::Error::custom("not the form of its value"))
}

/// Decimal digits, without leading zeros.
macro_rules! decimal {
    ($($wide:ty),*) => {$(
        impl Written for $wide {
            type Form = String;
            fn form(&self) -> String {
                self.to_string()
            }
            fn of_form(form: String) -> Option<Self> {
                form.parse().ok().filter(|value: &Self| value.to_string() == form)
            }
        }
    )*};
}
decimal!(u64, i64);

impl Written for u128 {
    type Form = String;
    fn form(&self) -> String {
        format!("{self:032x}")
    }
    fn of_form(form: String) -> Option<Self> {
        u128::from_str_radix(&form, 16).ok().filter(|value| value.form() == form)
    }
}

impl Written for u32 {
    type Form = u32;
    fn form(&self) -> u32 {
        *self
    }
    fn of_form(form: u32) -> Option<Self> {
        Some(form)
    }
}

/// As the number inside.
macro_rules! inner {
    ($($outer:ident($number:ty)),*) => {$(
        impl Written for $outer {
            type Form = <$number as Written>::Form;
            fn form(&self) -> Self::Form {
                self.0.form()
            }
            fn of_form(form: Self::Form) -> Option<Self> {
                <$number>::of_form(form).map($outer)
            }
        }
    )*};
}
inner!(Epoch(u64), LogIndex(u64), StampNs(i64), SpaceSeed(u128));
inner!(PartitionId(u32), SpaceId(u32), StreamId(u32), ColumnId(u32), SchemaVersion(u32));

impl<T: Written> Written for Option<T> {
    type Form = Option<T::Form>;
    fn form(&self) -> Self::Form {
        self.as_ref().map(T::form)
    }
    fn of_form(form: Self::Form) -> Option<Self> {
        form.map_or(Some(None), |inner| T::of_form(inner).map(Some))
    }
}

impl<T: Written> Written for Vec<T> {
    type Form = Vec<T::Form>;
    fn form(&self) -> Self::Form {
        self.iter().map(T::form).collect()
    }
    fn of_form(form: Self::Form) -> Option<Self> {
        form.into_iter().map(T::of_form).collect()
    }
}

/// In strictly ascending order.
impl<T: Written + Ord> Written for BTreeSet<T> {
    type Form = Vec<T::Form>;
    fn form(&self) -> Self::Form {
        self.iter().map(T::form).collect()
    }
    fn of_form(form: Self::Form) -> Option<Self> {
        let items = Vec::of_form(form)?;
        items.windows(2).all(|pair| pair[0] < pair[1]).then(|| items.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_one_form() {
        assert_eq!(u64::MAX.form(), "18446744073709551615");
        assert_eq!(u64::of_form("18446744073709551615".into()), Some(u64::MAX));
        assert_eq!(i64::of_form(i64::MIN.form()), Some(i64::MIN));
        assert_eq!(u128::of_form(7_u128.form()), Some(7));
        for wrong in ["", "01", "+1", "-0", "1 ", "18446744073709551616", "0x1"] {
            assert_eq!(u64::of_form(wrong.into()), None, "{wrong}");
        }
        for wrong in ["7", "0000000000000000000000000000000G", "+0000000000000000000000000000007"] {
            assert_eq!(u128::of_form(wrong.into()), None, "{wrong}");
        }
        assert_eq!(BTreeSet::<PartitionId>::of_form(vec![1, 1]), None);
        assert_eq!(BTreeSet::<PartitionId>::of_form(vec![2, 1]), None);
    }
}
