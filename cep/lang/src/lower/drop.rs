//! DROP: only what nobody uses.

use crate::ast::{DropKind, Name};
use crate::diag::{Diagnostic, Result, codes};
use crate::plan::Target;

use super::catalog::{Object, folded};
use super::result::StatementResult;
use super::session::Session;

/// Drops an object.
///
/// # Errors
/// It does not exist, is of another kind, or is used.
pub(crate) fn drop_object(
    session: &mut Session,
    kind: DropKind,
    if_exists: bool,
    name: &Name,
) -> Result<StatementResult> {
    if kind == DropKind::Function {
        return match (session.catalog.remove_function(&name.text), if_exists) {
            (true, _) => Ok(StatementResult::Dropped(name.text.clone())),
            (false, true) => Ok(StatementResult::Nothing),
            (false, false) => {
                let message = format!("there is no function `{}` of yours", name.text);
                let help = "SHOW FUNCTIONS lists them";
                Err(Box::new(Diagnostic::at(codes::UNKNOWN_FUNCTION, name.span, message).help(help)))
            }
        };
    }
    let object = match session.catalog.find(&name.text) {
        Some(object) => object,
        None if if_exists => return Ok(StatementResult::Nothing),
        None => return Err(session.catalog.unknown(name)),
    };
    let is_trigger =
        matches!(object, Object::Stream(at) if session.is_trigger(session.catalog.streams[at].stream.id));
    let is_kind = matches!(
        (kind, object),
        (DropKind::Stream | DropKind::Trigger, Object::Stream(_))
            | (DropKind::View, Object::View(_))
            | (DropKind::Aggregation, Object::Aggregation(_))
            | (DropKind::Table, Object::Table(_))
    );
    let is_kind = is_kind && (kind == DropKind::Trigger) == is_trigger;
    if !is_kind {
        let word = match object {
            Object::Stream(_) if is_trigger => "TRIGGER",
            Object::Stream(_) => "STREAM",
            Object::View(_) => "VIEW",
            Object::Aggregation(_) => "AGGREGATION",
            Object::Table(_) => "TABLE",
        };
        let what = if is_trigger { "a trigger" } else { object.kind() };
        let message = format!("`{}` is {what}", name.text);
        let help = format!("write DROP {word} {}", name.text);
        return Err(Box::new(Diagnostic::at(codes::WRONG_KIND, name.span, message).help(help)));
    }
    if let Some(user) = user_of(session, object) {
        let message = format!("`{}` is used by {user}", session.catalog.name(object));
        let help = "nothing that is used can be dropped; views can be dropped first, queries run until the program ends";
        return Err(Box::new(Diagnostic::at(codes::STILL_USED, name.span, message).help(help)));
    }
    if let Object::Table(at) = object
        && let Some(seed) = session.catalog.tables[at].table.seed
    {
        session.catalog.streams[seed.index()].is_dropped = true;
    }
    let dropped = session.catalog.name(object).to_owned();
    session.catalog.remove(object);
    Ok(StatementResult::Dropped(dropped))
}

/// Who reads or writes the object.
fn user_of(session: &Session, object: Object) -> Option<String> {
    let catalog = &session.catalog;
    let name = folded(catalog.name(object));
    for entry in &session.queries {
        if entry.uses.contains(&name) {
            return Some(format!("the query `{}`", entry.query.name));
        }
        if let (Object::Stream(at), Target::Stream(target)) = (object, entry.query.target)
            && catalog.streams[at].stream.id == target
        {
            return Some(format!("the query `{}`, which writes it", entry.query.name));
        }
        if let (Object::Table(at), Target::Table(target)) = (object, entry.query.target)
            && catalog.tables[at].table.id == target
        {
            return Some(format!("the query `{}`, which writes it", entry.query.name));
        }
    }
    for entry in &session.reads {
        if entry.uses.contains(&name) {
            return Some(format!("the query `{}`", entry.read.name));
        }
    }
    catalog.objects().find_map(|user| match user {
        Object::View(at) => {
            catalog.views[at].uses.contains(&name).then(|| format!("the view `{}`", catalog.views[at].name))
        }
        Object::Aggregation(at) => {
            let entry = &catalog.aggregations[at];
            entry.uses.contains(&name).then(|| format!("the aggregation `{}`", entry.aggregation.name))
        }
        Object::Table(_) => None,
        Object::Stream(at) => {
            let (own, other) = (&catalog.streams[at], object);
            let Object::Stream(dropped) = other else {
                return None;
            };
            let dropped = catalog.streams[dropped].stream.id;
            let named = own.stream.time.late_stream == Some(dropped)
                || catalog.stream(dropped).made_for == Some(own.stream.id);
            named.then(|| format!("the stream `{}`, which names it in its options", own.stream.name))
        }
    })
}
