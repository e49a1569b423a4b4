//! CREATE FUNCTION: an expression with parameters, spelled out where it is called.

use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef};

use crate::ast::{CreateFunction, Parameter};
use crate::diag::{Diagnostic, Result, codes};

use super::columns::{Columns, schema_of};
use super::context::Context;
use super::sqlast::{Scope, SqlType, UserFunction, calls, column_type, expand_calls};
use super::types::{tag_json, type_name, widens};

/// Checks a function and makes it ready to be called.
///
/// # Errors
/// A name that is taken, a body that calls itself or does not compile, types that do not fit.
pub(crate) fn create(context: &Context<'_>, create: &CreateFunction) -> Result<UserFunction> {
    let CreateFunction { name, parameters, returns, body, body_span } = create;
    let refused = |span, code, message: String, help: &str| {
        Err(Box::new(Diagnostic::at(code, span, message).help(help)))
    };
    let registry = context.registry();
    let folded = name.text.to_ascii_lowercase();
    let is_built_in = registry.scalar(&folded).is_some()
        || registry.aggregate(&folded).is_some()
        || registry.window(&folded).is_some()
        || registry.refused(&folded).is_some();
    if is_built_in {
        let message = format!("there is a function `{}` already", name.text);
        return refused(name.span, codes::OBJECT_EXISTS, message, "choose another name");
    }
    if context.catalog.function(&name.text).is_some() {
        let message = format!("there is a function `{}` already", name.text);
        return refused(name.span, codes::OBJECT_EXISTS, message, "DROP FUNCTION removes it");
    }
    if calls(body, &name.text) {
        let message = format!("`{}` calls itself", name.text);
        return refused(
            *body_span,
            codes::RECURSION,
            message,
            "a function is spelled out where it is called; write it without recursion",
        );
    }
    let mut body = body.clone();
    let find = |called: &str| context.catalog.function(called);
    expand_calls(&mut body, &find).map_err(|refusal| context.places.refused(*refusal))?;
    let fields = parameters.iter().map(|p| field(p, context)).collect::<Result<Vec<_>>>()?;
    for (parameter, field) in parameters.iter().zip(&fields) {
        let Some(default) = &parameter.default else { continue };
        let value = context.constant(default)?;
        context.constant_as(&value, field.data_type(), default)?;
    }
    let schema = schema_of(fields);
    let scope = Scope::of(None, &schema, registry);
    let value = context.scalar(&body, &scope, &Columns::named(&schema)).map_err(|mut error| {
        error.span.get_or_insert(*body_span);
        error
    })?;
    if let Some(returns) = returns {
        let wanted = type_of(returns, context)?;
        if !widens(&value.data_type, &wanted) {
            let message = format!(
                "the expression of `{}` is {}, and it RETURNS {}",
                name.text,
                type_name(&value.data_type),
                type_name(&wanted)
            );
            return refused(
                *body_span,
                codes::TYPE_MISMATCH,
                message,
                "convert it with CAST, or return its type",
            );
        }
    }
    Ok(UserFunction::new(&name.text, parameters.clone(), returns.clone(), body))
}

fn field(parameter: &Parameter, context: &Context<'_>) -> Result<FieldRef> {
    let found = column_type(&parameter.data_type)
        .map_err(|refusal| at(context.places.refused(*refusal), parameter))?;
    let field = Field::new(&parameter.name.text, found.data_type, true);
    Ok(if found.json { tag_json(field).into() } else { Arc::new(field) })
}

fn at(mut error: Box<Diagnostic>, parameter: &Parameter) -> Box<Diagnostic> {
    error.span.get_or_insert(parameter.name.span);
    error
}

fn type_of(written: &SqlType, context: &Context<'_>) -> Result<DataType> {
    let found = column_type(written).map_err(|refusal| context.places.refused(*refusal))?;
    Ok(found.data_type)
}
