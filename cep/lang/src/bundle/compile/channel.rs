//! Channels: the streams that events go to.

use std::collections::BTreeSet;

use arrow_schema::DataType;

use crate::ast::{Name, Span};
use crate::bundle::model::{Phase, PhaseKind, RulesPhase};
use crate::bundle::rules::{Channel, Target, channel_of};
use crate::diag::{codes, suggest};
use crate::lower::Feed;
use crate::plan::{BinaryOp, Changelog, Expr, ExprKind, NamedExpr, Node, RULE_COLUMNS};

use super::Compiler;

impl Compiler<'_> {
    /// The channels of a phase, in the order of their first use; `None` if one is wrong.
    pub(super) fn channels(&mut self, rules: &RulesPhase) -> Option<Vec<Channel>> {
        let mut out: Vec<Channel> = Vec::new();
        let mut wrong = false;
        for rule in &rules.rules {
            if out.iter().any(|channel| channel.uri == rule.channel.text) {
                continue;
            }
            match channel_of(&rule.channel.text, rule.channel.span) {
                Ok(channel) => {
                    wrong |= self.loops(&channel, rule.channel.span);
                    out.push(channel);
                }
                Err(error) => {
                    self.errors.push(*error);
                    wrong = true;
                }
            }
        }
        for (uri, _) in &rules.channels {
            if !rules.rules.iter().any(|rule| rule.channel.text == uri.text) {
                let message = format!("no rule emits to `{}`", uri.text);
                let known = out.iter().map(|channel| channel.uri.as_str());
                let help = suggest(&uri.text, known).map_or_else(
                    || "write the URI as the rules do".to_owned(),
                    |close| format!("did you mean `{close}`?"),
                );
                self.error(codes::CHANNEL, uri.span, message, help);
                wrong = true;
            }
        }
        (!wrong).then_some(out)
    }

    /// Whether events of a channel would come back into the bundle.
    pub(super) fn loops(&mut self, channel: &Channel, span: Span) -> bool {
        let same_path = |a: &str, b: &str| a.trim_start_matches("./") == b.trim_start_matches("./");
        let into = self.bundle.phases.iter().find(|other| match (&other.kind, &channel.target) {
            (PhaseKind::Source(source), Target::File(path)) => source.options.iter().any(|o| {
                ["path", "file.path"].contains(&o.key.text.as_str()) && same_path(&o.value.text, path)
            }),
            (_, Target::Stream(name)) => other.name.text.eq_ignore_ascii_case(name),
            _ => false,
        });
        let Some(into) = into else { return false };
        let (message, help) = match &into.kind {
            PhaseKind::Source(_) => (
                format!("events would come back into source `{}`", into.name.text),
                "derived events do not re-enter their bundle; use another channel",
            ),
            _ => (
                format!("`{}` is a phase of this bundle", into.name.text),
                "its stream has that name; use another name for the channel",
            ),
        };
        self.error(codes::CHANNEL, span, message, help);
        true
    }

    /// The stream behind a channel, and the query that fills it with the events of a phase.
    pub(super) fn channel(
        &mut self,
        phase: &Phase,
        rules: &RulesPhase,
        channel: &Channel,
        payload: &BTreeSet<usize>,
    ) {
        let Some((rows, _, _)) = self.session.scan(&phase.name.text) else { return };
        let mut schema = rows.schema().clone();
        let at =
            rules.rules.iter().find(|rule| rule.channel.text == channel.uri).map(|rule| rule.channel.span);
        let span = at.unwrap_or(phase.span);
        let node = if rules.rules.iter().all(|rule| rule.channel.text == channel.uri) {
            rows
        } else {
            let column = RULE_COLUMNS.iter().position(|name| *name == "_channel").unwrap_or_default();
            let text = datafusion_common::ScalarValue::Utf8(Some(channel.uri.clone()));
            let literal = Expr {
                kind: ExprKind::Literal(text),
                data_type: DataType::Utf8,
                nullable: false,
                span: None,
            };
            let column = Expr::column(column, DataType::Utf8, false);
            let kind = ExprKind::Binary(BinaryOp::Eq, Box::new(column), Box::new(literal));
            let predicate = Expr { kind, data_type: DataType::Boolean, nullable: false, span: None };
            Node::Filter { input: Box::new(rows), predicate }
        };
        let own = |name: &str| name != "_channel";
        let kept: Vec<usize> = (0..schema.fields().len())
            .filter(|at| match RULE_COLUMNS.get(*at) {
                Some(name) => own(name),
                None => payload.contains(at),
            })
            .collect();
        let exprs = kept.iter().map(|at| {
            let field = schema.field(*at);
            NamedExpr {
                name: field.name().clone(),
                expr: Expr::column(*at, field.data_type().clone(), field.is_nullable()),
            }
        });
        let exprs = exprs.collect();
        let fields: Vec<_> = kept.iter().map(|at| std::sync::Arc::clone(&schema.fields()[*at])).collect();
        schema = std::sync::Arc::new(arrow_schema::Schema::new(fields));
        let node = Node::Project { input: Box::new(node), exprs, schema };
        let name = match &channel.target {
            Target::Stream(name) => name.clone(),
            Target::File(_) | Target::Log(_) => self.sink_name(phase, channel),
        };
        if let Some(known) = self.session.declared(&name)
            && known.schema != *node.schema()
        {
            let message = format!("`{}` has events of another shape already", channel.uri);
            return self.error(
                codes::CHANNEL,
                span,
                message,
                "emit the same columns, or use another channel",
            );
        }
        let written = rules
            .channels
            .iter()
            .find(|(uri, _)| uri.text == channel.uri)
            .map(|(_, options)| options.as_slice());
        let feed = Feed {
            name: Name { text: name, span },
            options: channel.options(span, written.unwrap_or_default()),
            node,
            times: Vec::new(),
            changelog: Changelog::Append,
            reads: vec![phase.name.text.clone()],
            span,
        };
        self.feed(feed);
    }

    /// The name of the stream behind a file or the log: of the first phase that writes there.
    pub(super) fn sink_name(&self, phase: &Phase, channel: &Channel) -> String {
        let mut count = 0;
        for other in &self.bundle.phases {
            let PhaseKind::Rules(rules) = &other.kind else { continue };
            if rules.rules.iter().any(|rule| rule.channel.text == channel.uri) {
                let mut seen: Vec<&str> = Vec::new();
                for rule in &rules.rules {
                    if !seen.contains(&rule.channel.text.as_str()) {
                        seen.push(&rule.channel.text);
                    }
                }
                count = seen.iter().position(|uri| *uri == channel.uri).unwrap_or_default() + 1;
                return format!("{}_channel_{count}", other.name.text);
            }
        }
        format!("{}_channel_{count}", phase.name.text)
    }
}
