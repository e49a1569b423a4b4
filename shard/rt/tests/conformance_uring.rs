//! The suite of the seam on io_uring through glommio.
#![cfg(feature = "glommio")]

use std::time::Duration;

use shard_rt::conformance::{Env, cases};
use shard_rt::uring::{ShardConfig, run};
use shard_rt::{NodeId, ShardId, timeout};

#[test]
fn glommio_keeps_the_promises() {
    for case in cases() {
        println!("{}", case.name);
        // Not below the system's /tmp: that may be memory without direct I/O.
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
        let config = ShardConfig { io_memory_bytes: 1 << 20, ..ShardConfig::new(NodeId(0), ShardId(0)) };
        let env = Env { dir: dir.path().to_owned() };
        let run_case = case.run;
        let ended = run(&config, || async move { timeout(Duration::from_secs(60), run_case(env)).await });
        assert!(ended.expect("io_uring is there").is_ok(), "{} hangs", case.name);
    }
}
