//! Calls of user functions: each is replaced by the function's expression with the arguments in it.

use std::ops::ControlFlow;

use datafusion_sql::sqlparser::ast::{self as sql, Expr, Spanned, VisitMut, VisitorMut};
use datafusion_sql::sqlparser::tokenizer::Span;

use crate::ast::Parameter;
use crate::diag::codes;

use super::{Checked, Refusal, function_clauses, refuse};

/// How the places of arguments in a body are called; no user can write it.
const PLACE: char = '\u{2}';

/// A function that expands to an expression.
#[derive(Debug, Clone)]
pub(crate) struct UserFunction {
    /// Its name, declared case.
    pub name: String,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
    /// The type that its value is cast to.
    pub returns: Option<sql::DataType>,
    /// Its expression without calls of user functions, with places instead of parameters.
    body: Expr,
}

impl UserFunction {
    /// A function of `body`, in which other user functions are spelled out.
    pub(crate) fn new(
        name: &str,
        parameters: Vec<Parameter>,
        returns: Option<sql::DataType>,
        mut body: Expr,
    ) -> Self {
        struct Names<'a>(&'a [Parameter]);
        impl VisitorMut for Names<'_> {
            type Break = ();
            fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
                if let Expr::Identifier(name) = expr
                    && let Some(at) = self.0.iter().position(|parameter| parameter.name.matches(&name.value))
                {
                    name.value = format!("{PLACE}{at}");
                }
                ControlFlow::Continue(())
            }
        }
        let _always = VisitMut::visit(&mut body, &mut Names(&parameters));
        UserFunction { name: name.to_owned(), parameters, returns, body }
    }

    /// How it is called.
    pub(crate) fn usage(&self) -> String {
        let parameter = |p: &Parameter| match &p.default {
            Some(default) => format!("{} {} DEFAULT {default}", p.name.text, p.data_type),
            None => format!("{} {}", p.name.text, p.data_type),
        };
        let parameters: Vec<String> = self.parameters.iter().map(parameter).collect();
        format!("{}({})", self.name, parameters.join(", "))
    }

    /// The expression for a call with `args`, written at `span`.
    fn expanded(&self, mut args: Vec<Expr>, span: Span) -> Result<Expr, Box<Refusal>> {
        let least = self.parameters.iter().filter(|p| p.default.is_none()).count();
        if !(least..=self.parameters.len()).contains(&args.len()) {
            let message = format!(
                "`{}` takes {}, and gets {}",
                self.name,
                counts(least, self.parameters.len()),
                args.len()
            );
            return Err(refuse(codes::ARGUMENTS, span, message, format!("it is called {}", self.usage())));
        }
        let defaults = self.parameters[args.len()..].iter().filter_map(|p| p.default.clone());
        args.extend(defaults.collect::<Vec<_>>());
        let arg = |(parameter, arg): (&Parameter, Expr)| {
            let named = format!("{}: `{}`", self.name, parameter.name.text);
            checked(arg, &parameter.data_type, &named)
        };
        let args = self.parameters.iter().zip(args).map(arg).collect();
        let mut body = self.body.clone();
        let _always = VisitMut::visit(&mut body, &mut Fills { args, span });
        Ok(Expr::Nested(Box::new(match &self.returns {
            Some(data_type) => cast(body, data_type),
            None => body,
        })))
    }
}

fn counts(least: usize, most: usize) -> String {
    let arguments = if most == 1 { "argument" } else { "arguments" };
    if least == most { format!("{most} {arguments}") } else { format!("{least} to {most} arguments") }
}

fn cast(expr: Expr, data_type: &sql::DataType) -> Expr {
    let (kind, data_type) = (sql::CastKind::Cast, data_type.clone());
    Expr::Cast { kind, expr: Box::new(Expr::Nested(Box::new(expr))), data_type, array: false, format: None }
}

/// `arg` as `data_type`; the name around it tells the planner to check that nothing is lost. Literals may
/// be narrowed.
fn checked(arg: Expr, data_type: &sql::DataType, name: &str) -> Expr {
    let is_literal = matches!(&arg, Expr::Value(_));
    let span = arg.span();
    let cast = cast(arg, data_type);
    if is_literal {
        return cast;
    }
    Expr::Named {
        expr: Box::new(cast),
        name: sql::Ident { value: name.to_owned(), quote_style: Some('"'), span },
    }
}

/// The value, its type and the name of a checked argument.
pub(crate) fn checked_argument(expr: &Expr) -> Option<(&Expr, &sql::DataType, &str)> {
    let Expr::Named { expr, name } = expr else { return None };
    let Expr::Cast { kind: _, expr, data_type, array: _, format: _ } = expr.as_ref() else { return None };
    Some((expr, data_type, &name.value))
}

/// Puts arguments in their places, and everything else at the place of the call.
struct Fills {
    args: Vec<Expr>,
    span: Span,
}

impl VisitorMut for Fills {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Identifier(name) = expr {
            name.span = self.span;
            let at = name.value.strip_prefix(PLACE).and_then(|at| at.parse::<usize>().ok());
            if let Some(arg) = at.and_then(|at| self.args.get(at)) {
                *expr = Expr::Nested(Box::new(arg.clone()));
            }
        } else if let Expr::Value(value) = expr {
            value.span = self.span;
        } else if let Expr::Function(function) = expr {
            for part in &mut function.name.0 {
                if let sql::ObjectNamePart::Identifier(ident) = part {
                    ident.span = self.span;
                }
            }
        }
        ControlFlow::Continue(())
    }
}

/// Replaces the calls of user functions in `expr`.
///
/// # Errors
/// Another number of arguments, clauses that a function of one row does not take.
pub(crate) fn expand_calls<'a>(
    expr: &mut Expr,
    find: &'a dyn Fn(&str) -> Option<&'a UserFunction>,
) -> Checked {
    struct Calls<'a> {
        find: &'a dyn Fn(&str) -> Option<&'a UserFunction>,
    }
    impl VisitorMut for Calls<'_> {
        type Break = Box<Refusal>;
        fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Box<Refusal>> {
            let Expr::Function(function) = &*expr else { return ControlFlow::Continue(()) };
            let [sql::ObjectNamePart::Identifier(name)] = function.name.0.as_slice() else {
                return ControlFlow::Continue(());
            };
            let Some(found) = (self.find)(&name.value) else { return ControlFlow::Continue(()) };
            match call(found, function, expr.span()) {
                Ok(body) => {
                    *expr = body;
                    ControlFlow::Continue(())
                }
                Err(refusal) => ControlFlow::Break(refusal),
            }
        }
    }
    match VisitMut::visit(expr, &mut Calls { find }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(refusal) => Err(refusal),
    }
}

fn call(found: &UserFunction, function: &sql::Function, span: Span) -> Result<Expr, Box<Refusal>> {
    if let Some(clause) = function_clauses(function).first() {
        let message = format!("`{}` is computed from one row and takes no {}", found.name, clause.name());
        return Err(refuse(codes::CALL_CLAUSE, span, message, "leave the clause out"));
    }
    let args = match &function.args {
        sql::FunctionArguments::None => &[][..],
        sql::FunctionArguments::List(list) => &list.args,
        sql::FunctionArguments::Subquery(_) => {
            return Err(refuse(codes::SUBQUERY, span, "a query is no argument", "compute it before"));
        }
    };
    let args = args.iter().map(|arg| {
        if let sql::FunctionArg::Unnamed(sql::FunctionArgExpr::Expr(expr)) = arg {
            return Ok(expr.clone());
        }
        Err(refuse(
            codes::ARGUMENTS,
            span,
            format!("the arguments of `{}` stand in their order, without names", found.name),
            format!("it is called {}", found.usage()),
        ))
    });
    found.expanded(args.collect::<Result<Vec<_>, _>>()?, span)
}

/// Whether `name` is called in `expr`.
pub(crate) fn calls(expr: &Expr, name: &str) -> bool {
    let mut copy = expr.clone();
    struct Finds<'a>(&'a str);
    impl VisitorMut for Finds<'_> {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
            if let Expr::Function(function) = expr
                && function.name.to_string().eq_ignore_ascii_case(self.0)
            {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        }
    }
    VisitMut::visit(&mut copy, &mut Finds(name)).is_break()
}

/// Lets `check` look at the checked arguments in `expr`, the inner ones first, and leaves their casts.
///
/// # Errors
/// What `check` says.
pub(crate) fn check_arguments<E>(
    expr: &mut Expr,
    check: &mut dyn FnMut(&Expr, &sql::DataType, &str) -> Result<(), E>,
) -> Result<(), E> {
    struct Checks<'a, E> {
        check: &'a mut dyn FnMut(&Expr, &sql::DataType, &str) -> Result<(), E>,
    }
    impl<E> VisitorMut for Checks<'_, E> {
        type Break = E;
        fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<E> {
            let Some((value, data_type, name)) = checked_argument(expr) else {
                return ControlFlow::Continue(());
            };
            if let Err(error) = (self.check)(value, data_type, name) {
                return ControlFlow::Break(error);
            }
            if let Expr::Named { expr: inner, name: _ } = &*expr {
                *expr = inner.as_ref().clone();
            }
            ControlFlow::Continue(())
        }
    }
    match VisitMut::visit(expr, &mut Checks { check }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}
