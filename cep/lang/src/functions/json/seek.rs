//! Finding one place of a document without building the document.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::path::Step;

/// The text of the value at `path`, verbatim; `None` when the document is not well-formed or has no
/// such place.
pub(super) fn seek<'de>(document: &'de str, path: &[Step]) -> Option<&'de str> {
    let mut deserializer = serde_json::Deserializer::from_str(document);
    let found = Seek { path }.deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    found.map(RawValue::get)
}

/// True when `document` is well-formed JSON (RFC 8259), nesting at most 128 levels.
pub(super) fn is_valid(document: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(document).is_ok()
}

struct Seek<'p> {
    path: &'p [Step],
}

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        match self.path.split_first() {
            None => serde::Deserialize::deserialize(deserializer).map(Some),
            Some((step, rest)) => deserializer.deserialize_any(Level { step, rest }),
        }
    }
}

/// One level of a document, entered by one step.
struct Level<'p> {
    step: &'p Step,
    rest: &'p [Step],
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(MemberName(name)) = map.next_key()? {
            match self.step {
                Step::Key(wanted) if *wanted == name => {
                    found = map.next_value_seed(Seek { path: self.rest })?;
                }
                Step::Key(_) | Step::Index(_) => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        match self.step {
            Step::Index(index) if *index >= 0 => {
                let mut found = None;
                let mut position = 0;
                loop {
                    if position == *index {
                        match seq.next_element_seed(Seek { path: self.rest })? {
                            Some(value) => found = value,
                            None => return Ok(found),
                        }
                    } else if seq.next_element::<IgnoredAny>()?.is_none() {
                        return Ok(found);
                    }
                    position += 1;
                }
            }
            Step::Index(index) => {
                let mut elements = Vec::new();
                while let Some(element) = seq.next_element::<&'de RawValue>()? {
                    elements.push(element);
                }
                let from_end = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
                let Some(position) = elements.len().checked_sub(from_end) else {
                    return Ok(None);
                };
                // Already seen to be well-formed, so an error cannot occur below.
                Ok(seek_inside(elements[position], self.rest))
            }
            Step::Key(_) => {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(None)
            }
        }
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

fn seek_inside<'de>(value: &'de RawValue, path: &[Step]) -> Option<&'de RawValue> {
    let mut deserializer = serde_json::Deserializer::from_str(value.get());
    Seek { path }.deserialize(&mut deserializer).ok().flatten()
}

/// A member's name, borrowed when it has no escapes.
struct MemberName<'de>(Cow<'de, str>);

impl<'de> serde::Deserialize<'de> for MemberName<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl<'de> Visitor<'de> for Name {
            type Value = MemberName<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(MemberName(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(MemberName(Cow::Owned(name.to_string())))
            }
        }
        deserializer.deserialize_str(Name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::path;
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    /// Slow and obvious: build the document and walk it.
    fn reference<'v>(value: &'v Value, path: &[Step]) -> Option<&'v Value> {
        path.iter().try_fold(value, |value, step| match step {
            Step::Key(key) => value.as_object()?.get(key),
            Step::Index(index) => {
                let elements = value.as_array()?;
                let index = if *index < 0 {
                    elements.len().checked_sub(index.unsigned_abs() as usize)?
                } else {
                    *index as usize
                };
                elements.get(index)
            }
        })
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a\"\\\\ü]{0,3}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[ab\"ü]{1,2}", inner, 0..4).prop_map(|members| json!(members)),
            ]
        })
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof!["[ab\"ü]{1,2}".prop_map(Step::Key), (-3_i64..4).prop_map(Step::Index)]
    }

    proptest! {
        #[test]
        fn seeking_agrees_with_walking_the_built_document(
            value in value(),
            path in prop::collection::vec(step(), 0..4),
        ) {
            let document = serde_json::to_string_pretty(&value).unwrap();
            let found: Option<Value> =
                seek(&document, &path).map(|text| serde_json::from_str(text).unwrap());
            prop_assert_eq!(found.as_ref(), reference(&value, &path));
        }

        #[test]
        fn a_damaged_document_has_no_places(value in value(), cut in 0_usize..40) {
            let document = json!({"a": value, "b": [1, 2]}).to_string();
            let cut = cut.min(document.len() - 1);
            if let Some(head) = document.get(..cut) {
                prop_assert_eq!(seek(head, &[Step::Key("a".into())]), None);
                prop_assert!(!is_valid(head));
            }
            let too_long = format!("{document}]");
            prop_assert_eq!(seek(&too_long, &[Step::Key("a".into())]), None);
        }
    }

    #[test]
    fn the_value_is_verbatim_and_the_last_of_equal_keys_counts() {
        let path = path::parse("$.a").unwrap();
        assert_eq!(seek(r#"{"a": 1.10}"#, &path), Some("1.10"));
        assert_eq!(seek(r#"{"a": {"b":  [1 ,2]} }"#, &path), Some(r#"{"b":  [1 ,2]}"#));
        assert_eq!(seek(r#"{"a": 1, "a": 2}"#, &path), Some("2"));
        assert_eq!(seek(r#"{"\u0061": 3}"#, &path), Some("3"));
        assert_eq!(seek(r#"{"a": 1e999}"#, &path), Some("1e999"));
        assert_eq!(seek("[1]", &path), None);
        assert_eq!(seek("", &path), None);
        assert_eq!(seek(&"[".repeat(100_000), &path), None);
    }
}
