//! What the kernel says of a process, and of the machine.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::error::{E2eError, Result};

/// Clock ticks a second in /proc/PID/stat; the kernel's ABI on all machines that CEPtra runs on.
const TICKS_PER_SECOND: f64 = 100.0;

fn read(path: &str) -> Result<String> {
    std::fs::read_to_string(path).map_err(E2eError::io(path))
}

/// CPU time of all threads of a process, user and system together, since its start.
///
/// # Errors
/// When there is no such process.
pub fn cpu_time(pid: u32) -> Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let text = read(&path)?;
    // The name of the program stands in parentheses and may have spaces.
    let fields = text.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    let ticks: Vec<f64> = fields.skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    match ticks[..] {
        [user, system] => Ok(Duration::from_secs_f64((user + system) / TICKS_PER_SECOND)),
        _ => Err(E2eError::Wrong(format!("{path} has no times"))),
    }
}

/// A line `key: number` of a file in /proc.
fn number(path: &str, key: &str) -> Result<u64> {
    let text = read(path)?;
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    let value = line.and_then(|rest| rest.trim_start_matches(':').split_whitespace().next());
    let value = value.and_then(|value| value.parse().ok());
    value.ok_or_else(|| E2eError::Wrong(format!("{path} has no {key}")))
}

/// Resident memory now, bytes.
///
/// # Errors
/// When there is no such process.
pub fn resident_bytes(pid: u32) -> Result<u64> {
    Ok(number(&format!("/proc/{pid}/status"), "VmRSS")? * 1024)
}

/// The most it ever was, bytes.
///
/// # Errors
/// When there is no such process.
pub fn resident_bytes_max(pid: u32) -> Result<u64> {
    Ok(number(&format!("/proc/{pid}/status"), "VmHWM")? * 1024)
}

/// Bytes that the process made the disk write.
///
/// # Errors
/// When there is no such process, or the kernel does not count.
pub fn written_bytes(pid: u32) -> Result<u64> {
    number(&format!("/proc/{pid}/io"), "write_bytes")
}

/// Bytes of all files in a folder and below.
///
/// # Errors
/// When it cannot be read.
pub fn folder_bytes(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).map_err(E2eError::io("read a folder"))? {
        let entry = entry.map_err(E2eError::io("read a folder"))?;
        let about = entry.metadata().map_err(E2eError::io("look at a file"))?;
        bytes += if about.is_dir() { folder_bytes(&entry.path())? } else { about.len() };
    }
    Ok(bytes)
}

/// How much of all CPUs was in use over a time, waiting for disks and theft by other guests included, in percent.
///
/// # Errors
/// When the kernel does not tell.
pub fn busy_percent(length: Duration) -> Result<f64> {
    let idle_of_all = || -> Result<(f64, f64)> {
        let text = read("/proc/stat")?;
        let first = text.lines().next().unwrap_or_default().split_whitespace().skip(1);
        let times: Vec<f64> = first.filter_map(|field| field.parse().ok()).collect();
        // user, nice, system, idle, iowait, irq, softirq, steal; what follows is part of user.
        let idle = times.get(3).ok_or_else(|| E2eError::Wrong("/proc/stat has no idle time".into()))?;
        Ok((*idle, times.iter().take(8).sum()))
    };
    let (idle_before, all_before) = idle_of_all()?;
    std::thread::sleep(length);
    let (idle, all) = idle_of_all()?;
    Ok(100.0 * (1.0 - (idle - idle_before) / (all - all_before).max(1.0)))
}

/// The machine and the disk below a folder; what cannot be found is null.
pub fn conditions(folder: &Path) -> Value {
    let file = |path: &str| std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    let cpu = file("/proc/cpuinfo").and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    let load = file("/proc/loadavg").and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
    let commit = std::process::Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output();
    let commit = commit.ok().filter(|run| run.status.success());
    json!({
        "commit": commit.map(|run| String::from_utf8_lossy(&run.stdout).trim().to_owned()),
        "cpu": cpu,
        "cores": std::thread::available_parallelism().map(usize::from).ok(),
        "kernel": file("/proc/sys/kernel/osrelease"),
        "load_before": load,
        "disk": disk(folder),
        "harness_build": if cfg!(debug_assertions) { "dev" } else { "release" },
    })
}

/// The file system of a folder: type and block device.
fn disk(folder: &Path) -> Value {
    let Some(folder) = folder.canonicalize().ok() else { return Value::Null };
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mounts = mounts.lines().filter_map(|line| {
        let (left, right) = line.split_once(" - ")?;
        let mut left = left.split(' ');
        let (device, at) = (left.nth(2)?, left.nth(1)?);
        let mut right = right.split(' ');
        Some((at, device, right.next()?, right.next()?))
    });
    let found = mounts.filter(|(at, ..)| folder.starts_with(at)).max_by_key(|(at, ..)| at.len());
    let Some((_, number, file_system, device)) = found else { return Value::Null };
    let queue = |name: &str| {
        let text = std::fs::read_to_string(format!("/sys/dev/block/{number}/queue/{name}")).ok()?;
        Some(text.trim().to_owned())
    };
    json!({
        "file_system": file_system,
        "device": device,
        "scheduler": queue("scheduler"),
        "write_cache": queue("write_cache"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_can_be_looked_at() {
        let own = std::process::id();
        let resident = resident_bytes(own).unwrap();
        assert!(resident > 1 << 20 && resident <= resident_bytes_max(own).unwrap());
        let before = cpu_time(own).unwrap();
        let begun = std::time::Instant::now();
        let mut x = 1u64;
        while begun.elapsed() < Duration::from_millis(200) {
            x = std::hint::black_box(x.wrapping_mul(3));
        }
        let used = cpu_time(own).unwrap() - before;
        assert!(used >= Duration::from_millis(20) && used <= Duration::from_secs(60), "{used:?}");
    }

    #[test]
    fn work_shows_as_busy() {
        let begun = std::time::Instant::now();
        let worker = std::thread::Builder::new().spawn(move || {
            let mut x = 1u64;
            while begun.elapsed() < Duration::from_millis(900) {
                x = std::hint::black_box(x.wrapping_mul(3));
            }
        });
        let busy = busy_percent(Duration::from_millis(500)).unwrap();
        worker.unwrap().join().unwrap();
        assert!(busy > 0.0 && busy <= 100.0, "{busy}");
    }

    #[test]
    fn the_disk_of_a_folder_is_found() {
        assert!(disk(Path::new("/")).is_object());
    }
}
