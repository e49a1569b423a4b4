//! Which fields of a name an expression reads, before anything is known of them.

use cel::common::ast::{EntryExpr, Expr, IdedExpr};

use super::check::parser;

/// The fields that `text` reads of the variable `name`, in the order of the text, each once. None of an expression
/// that cannot be read.
pub fn fields_read(text: &str, name: &str) -> Vec<String> {
    let mut out = Vec::new();
    if let Ok(expr) = parser().parse(text) {
        walk(&expr, name, &mut out);
    }
    out
}

fn walk(expr: &IdedExpr, name: &str, out: &mut Vec<String>) {
    match &expr.expr {
        Expr::Select(select) => {
            if matches!(&select.operand.expr, Expr::Ident(ident) if ident == name)
                && !out.contains(&select.field)
            {
                out.push(select.field.clone());
            }
            walk(&select.operand, name, out);
        }
        Expr::Call(call) => {
            if let ("_?._", [operand, field]) = (call.func_name.as_str(), call.args.as_slice())
                && matches!(&operand.expr, Expr::Ident(ident) if ident == name)
                && let Expr::Literal(cel::common::ast::LiteralValue::String(field)) = &field.expr
                && !out.iter().any(|known| known == field.inner())
            {
                out.push(field.inner().to_owned());
            }
            call.target.iter().for_each(|target| walk(target, name, out));
            call.args.iter().for_each(|arg| walk(arg, name, out));
        }
        Expr::List(list) => list.elements.iter().for_each(|element| walk(element, name, out)),
        Expr::Map(map) => {
            for entry in &map.entries {
                if let EntryExpr::MapEntry(entry) = &entry.expr {
                    walk(&entry.key, name, out);
                    walk(&entry.value, name, out);
                }
            }
        }
        Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) | Expr::Comprehension(_) | Expr::Unspecified => {}
    }
}

#[cfg(test)]
mod tests {
    use super::fields_read;

    #[test]
    fn fields_are_found_wherever_they_stand() {
        let text = "payload.a > 1 && has(payload.b) && [payload.c].exists(x, x == payload.?d.orValue('')) && other.e";
        assert_eq!(fields_read(text, "payload"), ["a", "b", "c", "d"]);
        assert!(fields_read("payload.(", "payload").is_empty());
    }
}
