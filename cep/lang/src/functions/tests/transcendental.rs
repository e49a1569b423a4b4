//! Bits of transcendental functions: whose they are, and which.

use crate::functions::definition::OwnScalar;
use crate::functions::tests::catalog::Catalog;
use crate::functions::tests::evaluate;
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use datafusion_common::Result;

/// Every scalar function whose result is not one exact IEEE 754 operation or an integer algorithm.
const TRANSCENDENTAL: &[&str] = &[
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "cos",
    "cosh",
    "cot",
    "erf",
    "exp",
    "exp2",
    "expm1",
    "gamma",
    "geo_distance",
    "hypot",
    "lgamma",
    "ln",
    "log",
    "log10",
    "log1p",
    "log2",
    "pow",
    "power",
    "sin",
    "sinh",
    "tan",
    "tanh",
];

/// Names of such functions elsewhere: when one appears in the library it must be in the list above.
const WATCHED: &[&str] = &[
    "acosd",
    "acosdegrees",
    "asind",
    "atand",
    "atan2d",
    "cosd",
    "cotd",
    "csc",
    "sec",
    "sech",
    "csch",
    "coth",
    "sind",
    "tand",
    "dexp",
    "dlog1",
    "dpow",
    "exp10",
    "logb",
    "sigmoid",
    "softmax",
    "erfc",
    "beta",
    "st_distance",
    "log_2",
    "log_10",
    "lognormal",
    "zeta",
    "nthroot",
    "root",
];

#[test]
fn every_transcendental_function_is_ours() {
    let catalog = Catalog::new();
    for name in TRANSCENDENTAL {
        let function = catalog.registry.scalar(name).unwrap_or_else(|| panic!("{name} is missing"));
        assert!(function.inner().downcast_ref::<OwnScalar>().is_some(), "{name} would reach the host's libm");
    }
    for name in WATCHED {
        assert!(
            catalog.registry.scalar(name).is_none(),
            "{name} is not in the list of transcendental functions"
        );
    }
}

#[test]
fn no_function_of_datafusion_is_one_that_reaches_libm() {
    // DataFusion's own list of floating-point functions, as of the pinned version.
    let catalog = Catalog::new();
    let exact =
        ["abs", "ceil", "floor", "degrees", "radians", "signum", "sqrt", "pi", "nanvl", "isnan", "iszero"];
    let integers = ["factorial", "gcd", "lcm"];
    for function in datafusion_functions::math::functions() {
        let name = function.name();
        if exact.contains(&name) || integers.contains(&name) || catalog.registry.refused(name).is_some() {
            continue;
        }
        let ours = catalog.registry.scalar(name).unwrap_or_else(|| panic!("{name} is missing"));
        assert_ne!(ours, function, "{name} is neither known to be exact nor ours");
    }
}

fn bits(catalog: &Catalog, sql: &str) -> Result<u64> {
    Ok(evaluate(catalog, sql)?.as_primitive::<Float64Type>().value(0).to_bits())
}

#[test]
fn bits_of_known_arguments_never_change() {
    let catalog = Catalog::new();
    let calls = [
        "sin(0.7)",
        "cos(0.7)",
        "tan(0.7)",
        "asin(0.7)",
        "acos(0.7)",
        "atan(0.7)",
        "atan2(0.7, -0.3)",
        "sinh(0.7)",
        "cosh(0.7)",
        "tanh(0.7)",
        "asinh(0.7)",
        "acosh(1.7)",
        "atanh(0.7)",
        "exp(0.7)",
        "exp2(0.7)",
        "expm1(0.7)",
        "ln(0.7)",
        "log(0.7)",
        "log(3, 0.7)",
        "log10(1000)",
        "log2(8)",
        "log1p(0.7)",
        "cbrt(0.7)",
        "power(0.7, 1.3)",
        "hypot(0.7, 1.3)",
        "cot(0.7)",
        "erf(0.7)",
        "gamma(0.7)",
        "lgamma(0.7)",
        "sin(1e22)",
        "power(2, 0.5)",
        "ln(-1)",
        "ln(0)",
        "power(-8, 0.3333)",
        "round(2.675, 2)",
        "round(1234.567, -2)",
        "trunc(-2.675, 2)",
        "geo_distance(48.2082, 16.3738, 48.8566, 2.3522)",
        "sqrt(2)",
        "radians(33)",
        "degrees(0.7)",
    ];
    let golden: String = calls
        .iter()
        .map(|call| {
            format!("{call} {:016x}\n", bits(&catalog, call).unwrap_or_else(|e| panic!("{call}: {e}")))
        })
        .collect();
    expect_test::expect_file!["transcendental.golden"].assert_eq(&golden);
}

#[test]
fn results_agree_with_the_standard_library_to_a_few_units_in_the_last_place() {
    let catalog = Catalog::new();
    type Function = fn(f64) -> f64;
    let functions: [(&str, Function); 14] = [
        ("sin", f64::sin),
        ("cos", f64::cos),
        ("tan", f64::tan),
        ("atan", f64::atan),
        ("sinh", f64::sinh),
        ("cosh", f64::cosh),
        ("tanh", f64::tanh),
        ("asinh", f64::asinh),
        ("exp", f64::exp),
        ("ln", f64::ln),
        ("log2", f64::log2),
        ("log10", f64::log10),
        ("cbrt", f64::cbrt),
        ("log1p", f64::ln_1p),
    ];
    for (name, reference) in functions {
        for x in [1e-9, 0.1, 0.5, 1.0, 2.5, 7.0, 30.0, 123.456] {
            let ours = f64::from_bits(bits(&catalog, &format!("{name}({x:e})")).unwrap());
            let theirs = reference(x);
            let error = if theirs == 0.0 { ours.abs() } else { ((ours - theirs) / theirs).abs() };
            assert!(error < 1e-14, "{name}({x}): {ours} against {theirs}");
        }
    }
}
