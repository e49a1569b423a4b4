//! The disk.

use futures_util::future::join_all;

use super::Env;
use crate::{AlignedBuf, BLOCK, BlockAddr, BlockWrite, File, OpenMode, RtError, buffer, disk};

fn filled(blocks: usize, byte: u8) -> AlignedBuf {
    let mut buf = buffer(blocks);
    buf.fill(byte);
    buf
}

async fn create(env: &Env, name: &str) -> File {
    disk().open(env.dir.join(name), OpenMode::CreateNew).await.expect("a new file")
}

async fn read(file: &File, block: u64, blocks: usize) -> Vec<u8> {
    let (count, buf) = file.read_at(BlockAddr::block(block), buffer(blocks)).await;
    buf[..count.expect("a read")].to_vec()
}

async fn write(file: &File, block: u64, buf: AlignedBuf) {
    let (result, _) = file.write_at(BlockAddr::block(block), buf).await;
    result.expect("a write");
}

pub(super) async fn what_was_written_is_read(env: Env) {
    let file = create(&env, "a").await;
    write(&file, 2, filled(3, 7)).await;
    assert_eq!(file.sync().await, Ok(()));
    write(&file, 3, filled(1, 9)).await;
    let bytes = read(&file, 0, 8).await;
    let expected = [vec![0; 2 * BLOCK], vec![7; BLOCK], vec![9; BLOCK], vec![7; BLOCK]].concat();
    assert!(bytes == expected);
    let again = disk().open(env.dir.join("a"), OpenMode::ReadOnly).await.expect("an existing file");
    assert!(read(&again, 0, 8).await == expected);
}

pub(super) async fn a_new_file_must_be_new(env: Env) {
    let path = env.dir.join("a");
    let missing = disk().open(&path, OpenMode::Existing).await;
    assert!(matches!(missing, Err(RtError::NotFound { .. })), "{missing:?}");
    create(&env, "a").await;
    let second = disk().open(&path, OpenMode::CreateNew).await;
    assert!(matches!(second, Err(RtError::AlreadyExists { .. })), "{second:?}");
    let nowhere = disk().open(env.dir.join("no").join("a"), OpenMode::CreateNew).await;
    assert!(matches!(nowhere, Err(RtError::NotFound { .. })), "{nowhere:?}");
}

pub(super) async fn a_read_ends_at_the_end_of_the_file(env: Env) {
    let file = create(&env, "a").await;
    write(&file, 0, filled(2, 1)).await;
    assert_eq!(read(&file, 1, 4).await.len(), BLOCK);
    assert_eq!(read(&file, 2, 1).await.len(), 0);
    assert_eq!(read(&file, 9, 1).await.len(), 0);
}

pub(super) async fn a_durable_batch_is_written_and_its_buffers_come_back(env: Env) {
    let file = create(&env, "a").await;
    assert_eq!(file.pre_allocate(64).await, Ok(()));
    for sizes in [vec![1], vec![1, 1, 1], vec![16, 2], vec![40]] {
        let mut at = 0;
        let mut batch = Vec::new();
        for (index, blocks) in sizes.iter().enumerate() {
            batch.push(BlockWrite { at: BlockAddr::block(at), buf: filled(*blocks, index as u8 + 1) });
            at += *blocks as u64;
        }
        let (result, buffers) = file.write_durable(batch).await;
        assert_eq!(result, Ok(()));
        assert_eq!(buffers.iter().map(AlignedBuf::blocks).collect::<Vec<_>>(), sizes);
        let expected: Vec<u8> = sizes
            .iter()
            .enumerate()
            .flat_map(|(index, blocks)| vec![index as u8 + 1; blocks * BLOCK])
            .collect();
        assert!(buffers.iter().flat_map(|buf| buf.iter()).eq(&expected), "content kept");
        assert!(read(&file, 0, at as usize).await == expected);
    }
    let (nothing, _) = file.write_durable(Vec::new()).await;
    assert_eq!(nothing, Ok(()));
}

pub(super) async fn lengths_change_as_told(env: Env) {
    let file = create(&env, "a").await;
    assert_eq!(file.len().await, Ok(0));
    assert_eq!(file.pre_allocate(4).await, Ok(()));
    assert_eq!(file.len().await, Ok(4 * BLOCK as u64));
    assert!(read(&file, 0, 4).await == vec![0; 4 * BLOCK]);
    write(&file, 1, filled(3, 5)).await;
    assert_eq!(file.pre_allocate(2).await, Ok(()));
    assert_eq!(file.len().await, Ok(4 * BLOCK as u64), "it never gets shorter");
    assert_eq!(file.truncate(2).await, Ok(()));
    assert_eq!(file.truncate(3).await, Ok(()));
    let expected = [vec![0; BLOCK], vec![5; BLOCK], vec![0; BLOCK]].concat();
    assert!(read(&file, 0, 8).await == expected, "what was cut off is zeros");
}

pub(super) async fn names_are_made_renamed_and_removed(env: Env) {
    let deep = env.dir.join("x").join("y");
    assert_eq!(disk().create_dir(&deep).await, Ok(()));
    assert_eq!(disk().create_dir(&deep).await, Ok(()), "one that exists is fine");
    let file = create(&env, "b").await;
    write(&file, 0, filled(1, 3)).await;
    create(&env, "a").await;
    assert_eq!(disk().rename(env.dir.join("b"), env.dir.join("a")).await, Ok(()));
    assert_eq!(disk().sync_dir(&env.dir).await, Ok(()));
    let entries = disk().list(&env.dir).await.expect("a list");
    let names: Vec<_> = entries.iter().map(|entry| (entry.name.as_str(), entry.is_dir, entry.len)).collect();
    assert_eq!(names, [("a", false, BLOCK as u64), ("x", true, 0)]);
    assert_eq!(disk().remove(env.dir.join("a")).await, Ok(()));
    let gone = disk().remove(env.dir.join("a")).await;
    assert!(matches!(gone, Err(RtError::NotFound { .. })), "{gone:?}");
    let missing = disk().rename(env.dir.join("b"), env.dir.join("c")).await;
    assert!(matches!(missing, Err(RtError::NotFound { .. })), "{missing:?}");
    assert!(matches!(disk().list(env.dir.join("no")).await, Err(RtError::NotFound { .. })));
    assert!(matches!(disk().sync_dir(env.dir.join("no")).await, Err(RtError::NotFound { .. })));
}

pub(super) async fn a_removed_file_lives_on_in_its_handle(env: Env) {
    let file = create(&env, "a").await;
    write(&file, 0, filled(1, 3)).await;
    assert_eq!(disk().remove(env.dir.join("a")).await, Ok(()));
    assert!(read(&file, 0, 1).await == vec![3; BLOCK]);
    create(&env, "a").await;
    assert!(read(&file, 0, 1).await == vec![3; BLOCK]);
}

pub(super) async fn a_directory_has_one_lock(env: Env) {
    let lock = disk().lock_dir(&env.dir).await.expect("a free directory");
    let second = disk().lock_dir(&env.dir).await.map(|_| ());
    assert!(matches!(second, Err(RtError::Locked { .. })), "{second:?}");
    drop(lock);
    assert!(disk().lock_dir(&env.dir).await.is_ok());
    let missing = disk().lock_dir(env.dir.join("no")).await.map(|_| ());
    assert!(matches!(missing, Err(RtError::NotFound { .. })), "{missing:?}");
}

pub(super) async fn a_file_opened_for_reading_refuses_writes(env: Env) {
    write(&create(&env, "a").await, 0, filled(1, 3)).await;
    let file = disk().open(env.dir.join("a"), OpenMode::ReadOnly).await.expect("an existing file");
    let (result, buf) = file.write_at(BlockAddr::ZERO, filled(1, 4)).await;
    assert!(matches!(result, Err(RtError::Misuse { .. })) && buf[0] == 4);
    assert!(matches!(file.truncate(0).await, Err(RtError::Misuse { .. })));
    assert!(read(&file, 0, 1).await == vec![3; BLOCK]);
}

pub(super) async fn writes_of_all_sizes_at_once(env: Env) {
    let file = create(&env, "a").await;
    let sizes = [1usize, 2, 3, 5, 8, 16, 33, 64];
    let mut at = 0;
    let writes: Vec<_> = sizes
        .iter()
        .map(|blocks| {
            let here = at;
            at += *blocks as u64;
            let (file, byte) = (file.clone(), *blocks as u8);
            async move { write(&file, here, filled(usize::from(byte), byte)).await }
        })
        .collect();
    join_all(writes).await;
    assert_eq!(file.sync().await, Ok(()));
    let expected: Vec<u8> = sizes.iter().flat_map(|blocks| vec![*blocks as u8; blocks * BLOCK]).collect();
    assert!(read(&file, 0, at as usize + 1).await == expected);
}

pub(super) async fn heap_buffers_are_taken_too(env: Env) {
    let file = create(&env, "a").await;
    let mut buf = AlignedBuf::heap(3);
    buf.fill(8);
    let (result, back) = file.write_at(BlockAddr::ZERO, buf).await;
    assert_eq!(result, Ok(()));
    let (count, back) = file.read_at(BlockAddr::block(1), back).await;
    assert_eq!(count, Ok(2 * BLOCK));
    assert!(back.iter().all(|byte| *byte == 8));
    assert_eq!(back.blocks(), 3);
}
