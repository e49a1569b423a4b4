//! The conditions a figure was taken under: without them it cannot be compared.

use std::path::Path;

use serde_json::{Value, json};

use crate::process;

/// Commit, compiler, processor and core count, as one JSON object. What cannot be found is null.
pub(crate) fn conditions(root: &Path) -> Value {
    let commit = process::capture(root, "git", &["rev-parse", "--short=12", "HEAD"]).ok();
    let dirty = process::capture(root, "git", &["status", "--porcelain"]).ok();
    let rustc = process::capture(root, "rustc", &["--version"]).ok();
    let cpu = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| cpu_model(&text));
    json!({
        "name": "conditions",
        "commit": commit.map(|text| text.trim().to_owned()),
        "working_copy_changed": dirty.map(|text| !text.trim().is_empty()),
        "rustc": rustc.map(|text| text.trim().to_owned()),
        "cpu": cpu,
        "cores": std::thread::available_parallelism().map(usize::from).ok(),
    })
}

fn cpu_model(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_read_from_cpuinfo() {
        let text = "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nflags\t: a b\n";
        assert_eq!(cpu_model(text).as_deref(), Some("Some CPU @ 2 GHz"));
        assert_eq!(cpu_model("processor : 0\n"), None);
    }
}
