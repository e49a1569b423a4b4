//! The variables of a pattern and what their names mean.

use std::collections::BTreeSet;

use arrow_schema::SchemaRef;

use crate::diag::{codes, suggest};
use crate::plan::ElementId;

use super::super::error::Failure;

/// A variable or element.
#[derive(Debug, Clone)]
pub(crate) struct Element {
    /// Its name, made up where there is none.
    pub name: String,
    /// The name it was given; of MATCH_RECOGNIZE always.
    pub alias: Option<String>,
    /// The stream it is of, in PATTERN and SEQUENCE.
    pub stream: Option<String>,
    /// The columns of its rows.
    pub schema: SchemaRef,
    /// Where each of them is in the pattern's input.
    pub columns: Vec<usize>,
    /// The stream's number in the input.
    pub tag: Option<i32>,
    /// Behind NOT: it has no rows.
    pub is_absent: bool,
}

/// All variables of a pattern.
#[derive(Debug, Clone, Default)]
pub(crate) struct Elements {
    /// By id.
    pub list: Vec<Element>,
    /// SUBSET: a name for several.
    pub subsets: Vec<(String, Vec<ElementId>)>,
}

impl Elements {
    /// The element `id`.
    pub(crate) fn get(&self, id: ElementId) -> &Element {
        &self.list[id.0]
    }

    /// The variable or alias called `name`.
    pub(crate) fn by_alias(&self, name: &str) -> Option<ElementId> {
        let is = |element: &Element| element.alias.as_ref().is_some_and(|a| a.eq_ignore_ascii_case(name));
        self.list.iter().position(is).map(ElementId)
    }

    /// Whether a variable, a subset or a stream without an alias is called `name`.
    pub(crate) fn is_name(&self, name: &str, own: Option<ElementId>) -> bool {
        self.by_alias(name).is_some()
            || self.subsets.iter().any(|(subset, _members)| subset.eq_ignore_ascii_case(name))
            || !self.of_stream(name).is_empty()
            || own.is_some_and(|own| self.is_stream_of(own, name))
    }

    /// Elements without an alias of the stream `name`, those with rows.
    fn of_stream(&self, name: &str) -> Vec<ElementId> {
        let fits = |element: &Element| {
            element.alias.is_none()
                && !element.is_absent
                && element.stream.as_ref().is_some_and(|s| s.eq_ignore_ascii_case(name))
        };
        (0..self.list.len()).map(ElementId).filter(|id| fits(self.get(*id))).collect()
    }

    fn is_stream_of(&self, id: ElementId, name: &str) -> bool {
        self.get(id).stream.as_ref().is_some_and(|s| s.eq_ignore_ascii_case(name))
    }

    /// The elements that `name` means in the condition of `own`, or in a measure.
    ///
    /// # Errors
    /// Several meanings, none, elements behind NOT.
    pub(crate) fn named(&self, name: &str, own: Option<ElementId>) -> Result<Vec<ElementId>, Failure> {
        if let Some(id) = self.by_alias(name) {
            return Ok(vec![id]);
        }
        if let Some((_subset, members)) =
            self.subsets.iter().find(|(subset, _members)| subset.eq_ignore_ascii_case(name))
        {
            return Ok(members.clone());
        }
        let mut meant: BTreeSet<ElementId> = self.of_stream(name).into_iter().collect();
        if let Some(own) = own
            && self.is_stream_of(own, name)
        {
            meant.insert(own);
        }
        match meant.into_iter().collect::<Vec<_>>().as_slice() {
            [one] => Ok(vec![*one]),
            [] => Err(self.unknown(name)),
            _several => Err(Failure::new(
                codes::AMBIGUOUS_COLUMN,
                format!("several elements are of the stream `{name}`"),
                format!("give them names: e1 = {name}"),
            )),
        }
    }

    /// The error for a name that stands for nothing.
    pub(crate) fn unknown(&self, name: &str) -> Failure {
        let names = self.names();
        let help = match suggest(name, names.iter().map(String::as_str)) {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!("there are {}", names.join(", ")),
        };
        Failure::new(codes::PATTERN_NAME, format!("`{name}` is no variable of the pattern"), help)
    }

    /// Names of the variables and subsets that have rows.
    pub(crate) fn names(&self) -> Vec<String> {
        let elements = self.list.iter().filter(|e| !e.is_absent).map(|e| e.name.clone());
        elements.chain(self.subsets.iter().map(|(name, _members)| name.clone())).collect()
    }

    /// Elements with rows that have a column `name`.
    pub(crate) fn with_column(&self, name: &str) -> Vec<ElementId> {
        let has = |element: &Element| {
            !element.is_absent && element.schema.fields().iter().any(|f| f.name().eq_ignore_ascii_case(name))
        };
        (0..self.list.len()).map(ElementId).filter(|id| has(self.get(*id))).collect()
    }
}
