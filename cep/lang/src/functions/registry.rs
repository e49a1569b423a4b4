//! Names to functions.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion_expr::planner::ExprPlanner;
use datafusion_expr::{AggregateUDF, HigherOrderUDF, ScalarUDF, WindowUDF};
use datafusion_functions_nested::{all_default_higher_order_functions, all_default_nested_functions};

use super::adapted::adapted;
use super::definition::Definition;
use super::refusal::{self, Refusal};
use super::{aggregates, log_time, planners, windows};

/// Every function a definition may call. Names match in any case.
///
/// Cheap to clone parts from (`Arc`s); build one per process or per catalog.
#[derive(Debug)]
pub struct FunctionRegistry {
    scalars: BTreeMap<String, Arc<ScalarUDF>>,
    aggregates: BTreeMap<String, Arc<AggregateUDF>>,
    windows: BTreeMap<String, Arc<WindowUDF>>,
    higher_order: BTreeMap<String, Arc<HigherOrderUDF>>,
    planners: Vec<Arc<dyn ExprPlanner>>,
}

/// DataFusion functions under further familiar names: (alias, canonical name).
const SCALAR_ALIASES: &[(&str, &str)] = &[
    ("array_size", "array_length"),
    ("base64_decode", "from_base64"),
    ("base64_encode", "to_base64"),
    ("ceiling", "ceil"),
    ("char", "chr"),
    ("date_bucket", "date_bin"),
    ("date_parse", "to_timestamp"),
    ("editdistance", "levenshtein"),
    ("endswith", "ends_with"),
    ("greater", "greatest"),
    ("is_nan", "isnan"),
    ("lcase", "lower"),
    ("len", "character_length"),
    ("lesser", "least"),
    ("list_size", "array_length"),
    ("list_value", "make_array"),
    ("maximum", "greatest"),
    ("minimum", "least"),
    ("regexp", "regexp_like"),
    ("regexp_matches", "regexp_like"),
    ("rlike", "regexp_like"),
    ("sign", "signum"),
    ("split", "string_to_array"),
    ("startswith", "starts_with"),
    ("str_split", "string_to_array"),
    ("strftime", "to_char"),
    ("string_split", "string_to_array"),
    ("strlen", "character_length"),
    ("strptime", "to_timestamp"),
    ("struct_extract", "get_field"),
    ("struct_pack", "named_struct"),
    ("time_bucket", "date_bin"),
    ("truncate", "trunc"),
    ("ucase", "upper"),
    ("unix_timestamp", "to_unixtime"),
];

impl FunctionRegistry {
    /// The whole library.
    pub fn new() -> Self {
        let mut scalars = BTreeMap::new();
        for function in datafusion_scalars() {
            insert(&mut scalars, function.name(), function.aliases(), &function);
        }
        for function in own_scalars() {
            insert(&mut scalars, function.name(), function.aliases(), &function);
        }
        for (alias, canonical) in SCALAR_ALIASES {
            if let Some(function) = scalars.get(*canonical).cloned() {
                scalars.entry((*alias).to_string()).or_insert(function);
            }
        }
        scalars.retain(|name, function| {
            refusal::find(name).is_none() && refusal::find(function.name()).is_none()
        });

        let mut aggregates = BTreeMap::new();
        for (doc, function) in aggregates::functions() {
            insert(&mut aggregates, doc.name, function.aliases(), &function);
            for alias in doc.aliases {
                aggregates.insert((*alias).to_string(), Arc::clone(&function));
            }
        }

        let mut windows = BTreeMap::new();
        for function in windows::functions() {
            insert(&mut windows, function.name(), function.aliases(), &function);
        }
        for (alias, canonical) in windows::ALIASES {
            if let Some(function) = windows.get(*canonical).cloned() {
                windows.insert((*alias).to_string(), function);
            }
        }

        let mut higher_order = BTreeMap::new();
        for function in all_default_higher_order_functions() {
            insert(&mut higher_order, function.name(), function.aliases(), &function);
        }

        let planners = planners::expr_planners(|name| {
            Arc::clone(scalars.get(name).expect("the forms' functions are part of the library"))
        });
        Self { scalars, aggregates, windows, higher_order, planners }
    }

    /// The scalar function called `name`.
    pub fn scalar(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.scalars.get(&name.to_lowercase()).cloned()
    }

    /// The aggregate function called `name`, as a declaration (see the module's invariants).
    pub fn aggregate(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.aggregates.get(&name.to_lowercase()).cloned()
    }

    /// The window function called `name`, as a declaration.
    pub fn window(&self, name: &str) -> Option<Arc<WindowUDF>> {
        self.windows.get(&name.to_lowercase()).cloned()
    }

    /// The function with lambda arguments called `name`, such as `array_transform(a, x -> x + 1)`.
    pub fn higher_order(&self, name: &str) -> Option<Arc<HigherOrderUDF>> {
        self.higher_order.get(&name.to_lowercase()).cloned()
    }

    /// Why `name` is refused, when it is a known function that cannot be deterministic here.
    pub fn refused(&self, name: &str) -> Option<Refusal> {
        refusal::find(name).copied()
    }

    /// Every name and alias of a scalar function, lower case, sorted.
    pub fn scalar_names(&self) -> Vec<String> {
        self.scalars.keys().cloned().collect()
    }

    /// Every name and alias of an aggregate function, lower case, sorted.
    pub fn aggregate_names(&self) -> Vec<String> {
        self.aggregates.keys().cloned().collect()
    }

    /// Every name and alias of a window function, lower case, sorted.
    pub fn window_names(&self) -> Vec<String> {
        self.windows.keys().cloned().collect()
    }

    /// Every name and alias of a function with lambda arguments, lower case, sorted.
    pub fn higher_order_names(&self) -> Vec<String> {
        self.higher_order.keys().cloned().collect()
    }

    /// The planner extensions that `count(*)`, `EXTRACT`, `SUBSTRING … FROM`, array and map
    /// literals, `x['key']`, `->` and `->>` need. Hand them to the `ContextProvider` in this order.
    pub fn expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        &self.planners
    }

    pub(super) fn scalars(&self) -> &BTreeMap<String, Arc<ScalarUDF>> {
        &self.scalars
    }

    pub(super) fn windows(&self) -> &BTreeMap<String, Arc<WindowUDF>> {
        &self.windows
    }

    pub(super) fn higher_orders(&self) -> &BTreeMap<String, Arc<HigherOrderUDF>> {
        &self.higher_order
    }
}

impl Default for FunctionRegistry {
    fn default() -> Self {
        Self::new()
    }
}

fn insert<F>(map: &mut BTreeMap<String, Arc<F>>, name: &str, aliases: &[String], function: &Arc<F>) {
    map.insert(name.to_lowercase(), Arc::clone(function));
    for alias in aliases {
        map.insert(alias.to_lowercase(), Arc::clone(function));
    }
}

/// DataFusion's scalar functions, with result types of ours.
fn datafusion_scalars() -> impl Iterator<Item = Arc<ScalarUDF>> {
    datafusion_functions::all_default_functions()
        .into_iter()
        .chain(all_default_nested_functions())
        .map(adapted)
}

/// Our scalar functions; they take the place of DataFusion's of the same name.
fn own_scalars() -> impl Iterator<Item = Arc<ScalarUDF>> {
    definitions()
        .into_iter()
        .map(Definition::into_udf)
        .chain(super::math::wrapped())
        .chain(log_time::functions())
}

/// Every function written as a [`Definition`].
pub(super) fn definitions() -> Vec<Definition> {
    let mut definitions = Vec::new();
    definitions.extend(super::bits::functions());
    definitions.extend(super::conditional::functions());
    definitions.extend(super::datetime::functions());
    definitions.extend(super::geo::functions());
    definitions.extend(super::hash::functions());
    definitions.extend(super::json::functions());
    definitions.extend(super::math::functions());
    definitions.extend(super::network::functions());
    definitions.extend(super::strings::functions());
    definitions.extend(super::typing::functions());
    definitions
}
