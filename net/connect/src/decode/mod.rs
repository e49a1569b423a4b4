//! Bytes becoming rows.
//!
//! A decoder takes whole records from the front of a [`Window`] and never looks at how the bytes
//! came: what it decides about a record depends on the record and what follows it, not on where
//! a block ended.

mod csv;
mod csv_header;
mod csv_record;
mod json;
mod json_array;
mod json_path_tree;
mod lines;
mod regex_lines;

use crate::ConnectError;
use crate::source::Rows;
use crate::source::window::Window;

pub(crate) use csv::CsvDecoder;
pub(crate) use json::JsonDecoder;
pub(crate) use regex_lines::RegexDecoder;

/// Takes records from a window.
pub(crate) trait Decoder: Send {
    /// Takes records from the front of the window until the rows are full or the next record is
    /// not wholly there. At the end of the input every record is wholly there.
    ///
    /// # Errors
    /// What stops the source, such as a header without a needed column.
    fn decode(&mut self, window: &mut Window, rows: &mut Rows) -> Result<(), ConnectError>;
}
