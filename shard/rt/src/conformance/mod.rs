//! What every backend must do: one list of cases, run on each.
//!
//! A case is a task of a shard. It fails by a panic.

mod disk;
mod net;
mod sync;
mod task;

use std::path::PathBuf;

use crate::machine::LocalBoxFuture;

/// What a case is given.
#[derive(Clone, Debug)]
pub struct Env {
    /// An empty directory on the backend's disk, of this case alone.
    pub dir: PathBuf,
}

/// One promise of the seam.
pub struct Case {
    /// The promise.
    pub name: &'static str,
    /// Checks it, as a task of a shard.
    pub run: fn(Env) -> LocalBoxFuture<'static, ()>,
}

macro_rules! cases {
    ($($module:ident: $($name:ident),+;)+) => {
        /// All promises.
        pub fn cases() -> Vec<Case> {
            vec![$($(Case {
                name: concat!(stringify!($module), "::", stringify!($name)),
                run: |env| Box::pin($module::$name(env)),
            },)+)+]
        }
    };
}

cases! {
    task: a_spawned_task_is_not_polled_inline, a_handle_gives_the_result, a_dropped_handle_lets_the_task_go_on,
        an_aborted_task_is_dropped_and_says_so, abort_on_drop_ends_the_task, yielding_lets_others_run,
        a_borrow_held_over_spawn_is_safe, sleeps_end_in_order_and_not_early, a_dropped_sleep_wakes_nobody,
        a_timeout_ends_a_future_that_does_not, time_and_names_are_those_of_the_shard,
        many_tasks_run_to_their_end;
    sync: a_oneshot_carries_one_value, a_bounded_queue_holds_back_its_senders, a_weak_sender_keeps_nothing_open,
        a_watch_shows_the_newest_value, a_notify_is_kept_once, a_mutex_is_held_across_an_await,
        a_dropped_waiter_passes_its_wake_on, a_mailbox_is_bounded_and_closes;
    disk: what_was_written_is_read, a_new_file_must_be_new, a_read_ends_at_the_end_of_the_file,
        a_durable_batch_is_written_and_its_buffers_come_back, lengths_change_as_told,
        names_are_made_renamed_and_removed, a_removed_file_lives_on_in_its_handle, a_directory_has_one_lock,
        a_file_opened_for_reading_refuses_writes, writes_of_all_sizes_at_once, heap_buffers_are_taken_too;
    net: bytes_come_back_in_order, a_finished_direction_ends_and_the_other_goes_on,
        a_dial_to_nobody_is_refused, a_slow_reader_holds_its_writer_back, one_task_reads_while_another_writes,
        a_dropped_connection_ends_for_the_peer, a_listener_takes_many;
}
