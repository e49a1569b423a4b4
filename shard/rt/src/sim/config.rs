//! Settings of a simulation.

use super::disk::DiskConfig;

/// Settings of a simulation. Equal settings and an equal program give an equal run.
#[derive(Clone, Debug)]
pub struct SimConfig {
    /// The seed of everything random.
    pub seed: u64,
    /// The wall clock at the start, in nanoseconds since 1970.
    pub wall_start_ns: u64,
    /// Resolution of the shards' timers, in nanoseconds.
    pub timer_resolution_ns: u64,
    /// A poll takes a random time up to this many nanoseconds.
    pub poll_cost_ns_max: u64,
    /// Polls without the end of what is run until [`super::Sim::block_on`] calls it a livelock.
    pub polls_max: u64,
    /// Settings of the nodes' disks.
    pub disk: DiskConfig,
    /// Settings of the network.
    pub net: NetConfig,
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            // 2026-01-01.
            wall_start_ns: 1_767_225_600_000_000_000,
            timer_resolution_ns: 1_000_000,
            poll_cost_ns_max: 2_000,
            polls_max: 50_000_000,
            disk: DiskConfig::default(),
            net: NetConfig::default(),
        }
    }
}

/// Settings of the network.
#[derive(Clone, Debug)]
pub struct NetConfig {
    /// One-way delay between nodes, in nanoseconds, from and to.
    pub delay_ns: (u64, u64),
    /// A segment takes a hundred times as long with this probability.
    pub slow_probability: f64,
    /// A connection is reset at a segment with this probability.
    pub reset_probability: f64,
    /// A dial fails with this probability.
    pub dial_failure_probability: f64,
    /// Bytes under way in one direction before a writer waits.
    pub window_bytes: usize,
    /// How long a silent peer is waited for before the connection is reset, in nanoseconds.
    pub silence_ns_max: u64,
}

impl Default for NetConfig {
    fn default() -> Self {
        Self {
            delay_ns: (20_000, 200_000),
            slow_probability: 0.001,
            reset_probability: 0.0,
            dial_failure_probability: 0.0,
            window_bytes: 256 * 1024,
            silence_ns_max: 10_000_000_000,
        }
    }
}
