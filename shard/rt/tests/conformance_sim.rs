//! The suite of the seam on the simulator, every case under several seeds.

use std::path::PathBuf;

use shard_rt::conformance::{Env, cases};
use shard_rt::sim::Sim;
use shard_rt::{ShardId, disk};

#[test]
fn the_simulator_keeps_the_promises() {
    for case in cases() {
        let seeds =
            if case.name.contains("many_tasks") || case.name.contains("slow_reader") { 2 } else { 20 };
        for seed in 0..seeds {
            if !std::env::var("CASE").is_ok_and(|part| !case.name.contains(&part)) {
                println!("{} seed {seed}", case.name)
            } else {
                continue;
            };
            let sim = Sim::with_seed(seed);
            let node = sim.add_node(1);
            let env = Env { dir: PathBuf::from("/case") };
            let run = case.run;
            sim.block_on(node, ShardId(0), async move {
                disk().create_dir(&env.dir).await.expect("an empty disk");
                run(env).await;
            });
        }
    }
}
