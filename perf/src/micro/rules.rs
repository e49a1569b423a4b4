//! `rule_3_bindings`: one rule over three values, as metrics bind them. `rules_10000`: 10,000 rules of the form
//! `site == "x" && value > n`, of which an event of a hundred meets five, beside a hand-written look-up.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use cep_lang::bundle;
use cep_lang::lower::CompileOptions;
use cep_lang::plan::{Node, Program, SlotSource};
use serde_json::Value;

use super::input::{SYMBOLS, Trades};
use super::{Floor, MicroArgs, compare_program};

/// Rules of a symbol.
const LIMITS: u64 = 10;

const SOURCE: &str = "bundle: {name: perf, def_version: 1}
workflow:
  phases:
    - name: trades
      type: source.stream
      options:
        event.time: ts
        columns: {ts: TIMESTAMP, symbol: STRING, price: DOUBLE, volume: BIGINT}
";

/// The rule reads three columns as it reads values of bindings; it comes to its last part and does not hold.
pub fn three_bindings(args: &MicroArgs, trades: &Trades) -> Value {
    let text = format!(
        "{SOURCE}    - name: values
      type: aggregate.sql
      options: {{query: 'SELECT ts, price AS a, price + 1.0 AS b, price * 2.0 AS c FROM trades'}}
    - name: judge
      type: classify.cel
      options:
        from: values
        rules:
          - name: one
            when: payload.a >= 0.0 && payload.b < payload.c + 200.0 && payload.c > 1000.0
            emit: {{channel: 'stream://out', payload: {{a: payload.a}}}}
"
    );
    let mut program = compiled(&text);
    for query in &mut program.queries {
        bind(&mut query.plan);
    }
    compare_program("rule_3_bindings", &Arc::new(program), args, trades, &mut OneRule)
}

/// Makes columns of DOUBLE that rules read values of bindings.
fn bind(node: &mut Node) {
    if let Node::Rules(rules) = node {
        for slot in &mut rules.slots {
            if let (SlotSource::Column(at), cep_lang::cel::Type::Double) = (&slot.source, &slot.ty) {
                slot.source = SlotSource::Value(*at);
            }
        }
    }
    node.inputs_mut().into_iter().for_each(bind);
}

/// Each symbol has ten limits, 99 to 99.9.
pub fn ten_thousand(args: &MicroArgs, trades: &Trades) -> Value {
    let mut text =
        format!("{SOURCE}    - name: judge\n      type: classify.cel\n      options: {{rules: [\n");
    for nth in 0..SYMBOLS * LIMITS {
        let (symbol, limit) = (nth / LIMITS, nth % LIMITS);
        let when = format!("payload.symbol == \"SYM{symbol:04}\" && payload.price > 99.{limit}");
        let emit = "{channel: 'stream://o', payload: {p: '1'}}";
        writeln!(text, "        {{name: r{nth}, when: '{when}', emit: {emit}}},").expect("texts take all");
    }
    text.push_str("      ]}\n");
    compare_program("rules_10000", &Arc::new(compiled(&text)), args, trades, &mut Limits::default())
}

fn compiled(text: &str) -> Program {
    match bundle::compile(text, &CompileOptions::default()) {
        Ok(compiled) => compiled.program,
        Err(errors) => panic!("the benchmark's own bundle: {errors:?}"),
    }
}

/// The three comparisons.
struct OneRule;

impl Floor for OneRule {
    fn pass(&mut self, trades: &Trades) -> f64 {
        let mut check = 0.0;
        for batch in &trades.batches {
            for &price in batch.column(2).as_primitive::<Float64Type>().values() {
                let (a, b, c) = (price, black_box(price + 1.0), black_box(price * 2.0));
                if a >= 0.0 && b < c + 200.0 && c > 1000.0 {
                    check += a;
                }
            }
        }
        check
    }
}

/// Limits by symbol, ascending.
struct Limits(BTreeMap<String, Vec<f64>>);

impl Default for Limits {
    fn default() -> Self {
        let limits: Vec<f64> = (0..LIMITS).map(|nth| 99.0 + nth as f64 / 10.0).collect();
        Limits((0..SYMBOLS).map(|symbol| (format!("SYM{symbol:04}"), limits.clone())).collect())
    }
}

impl Floor for Limits {
    fn pass(&mut self, trades: &Trades) -> f64 {
        let mut check = 0.0;
        for batch in &trades.batches {
            let (symbols, prices) =
                (batch.column(1).as_string::<i32>(), batch.column(2).as_primitive::<Float64Type>());
            for row in 0..symbols.len() {
                let price = prices.value(row);
                let limits = self.0.get(symbols.value(row)).map_or(&[][..], Vec::as_slice);
                check += limits[..limits.partition_point(|&limit| limit < price)].len() as f64 * price;
            }
        }
        check
    }
}
