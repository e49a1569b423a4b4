//! Which cell of a CSV record feeds which column.

use cep_types::options::{CsvField, CsvOptions, closest};

use crate::ConnectError;
use crate::source::Rows;

/// A cell and the builder it feeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    pub(super) cell: usize,
    pub(super) builder: usize,
}

/// Cells and columns of a file.
#[derive(Debug, Default)]
pub(super) struct CellMap {
    /// By cell; a cell may feed several columns.
    pub(super) targets: Vec<Target>,
    /// Cells of a record.
    pub(super) cells: usize,
    /// Records may have more cells.
    pub(super) at_least: bool,
}

impl CellMap {
    /// Without a header: by position, unless mapped by index.
    pub(super) fn by_position(options: &CsvOptions, rows: &Rows) -> CellMap {
        let columns = rows.schema().fields().len();
        let mapped = |column: usize| {
            let given = options.mapping.iter().find(|(index, _)| *index == column);
            match given {
                Some((_, CsvField::Index(cell))) => *cell,
                _ => column,
            }
        };
        let cells = (0..columns).map(|column| mapped(column) + 1).max();
        CellMap::new(rows, mapped, cells.unwrap_or(0), !options.mapping.is_empty())
    }

    /// With a header: by name, ignoring case, unless mapped.
    pub(super) fn by_header(
        options: &CsvOptions,
        header: &[String],
        rows: &Rows,
        name: &str,
    ) -> Result<CellMap, ConnectError> {
        let error = |reason: String, suggestion: Option<String>| ConnectError::Header {
            name: name.to_owned(),
            reason,
            suggestion,
        };
        let mut cells = Vec::new();
        for (column, field) in rows.schema().fields().iter().enumerate() {
            let given = options.mapping.iter().find(|(index, _)| *index == column);
            let wanted = match given {
                Some((_, CsvField::Index(cell))) if *cell < header.len() => {
                    cells.push(*cell);
                    continue;
                }
                Some((_, CsvField::Index(cell))) => {
                    let reason = format!(
                        "column '{}' is mapped to cell {cell}, but the header has {} cells",
                        field.name(),
                        header.len()
                    );
                    return Err(error(reason, Some("cells count from 0".to_owned())));
                }
                Some((_, CsvField::Name(wanted))) => wanted,
                None => field.name(),
            };
            match find(header, wanted) {
                Found::One(cell) => cells.push(cell),
                Found::Several => {
                    let reason = format!("the header has several cells named '{wanted}'");
                    let hint = format!("add 'csv.mapping.{}' = the cell's position", field.name());
                    return Err(error(reason, Some(hint)));
                }
                Found::None => {
                    let reason = format!(
                        "the header has no cell '{wanted}' for column '{}'; it has {}",
                        field.name(),
                        header.join(", ")
                    );
                    let near = closest(wanted, header.iter().map(String::as_str));
                    let hint = near.map(|near| format!("add 'csv.mapping.{}' = '{near}'", field.name()));
                    return Err(error(reason, hint));
                }
            }
        }
        Ok(CellMap::new(rows, |column| cells[column], header.len(), false))
    }

    fn new(rows: &Rows, cell_of: impl Fn(usize) -> usize, cells: usize, at_least: bool) -> CellMap {
        let mut targets: Vec<Target> = rows
            .stream_index
            .iter()
            .enumerate()
            .map(|(builder, &column)| Target { cell: cell_of(column), builder })
            .collect();
        targets.sort_unstable();
        CellMap { targets, cells, at_least }
    }
}

enum Found {
    None,
    One(usize),
    Several,
}

/// The cell of a name: the one that is spelled the same, else the one that differs in case only.
fn find(header: &[String], wanted: &str) -> Found {
    let exact = |name: &String| name == wanted;
    let folded = |name: &String| name.to_lowercase() == wanted.to_lowercase();
    let search = |same: &dyn Fn(&String) -> bool| {
        let mut found = header.iter().enumerate().filter(|(_, name)| same(name));
        match (found.next(), found.next()) {
            (None, _) => Found::None,
            (Some((cell, _)), None) => Found::One(cell),
            _ => Found::Several,
        }
    };
    match search(&exact) {
        Found::None => search(&folded),
        found => found,
    }
}
