//! `ceptra schema`: JSON Schemas, for editors.

use cep_lang::bundle::json_schema;

use super::write::write_stdout;
use crate::args::{SchemaArgs, SchemaOf};
use crate::failure::Result;

/// Prints a JSON Schema.
///
/// # Errors
/// If it cannot be printed.
pub fn schema(args: &SchemaArgs) -> Result<u8> {
    match args.what {
        SchemaOf::Bundle => write_stdout(&json_schema())?,
    }
    Ok(0)
}
