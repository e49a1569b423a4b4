//! The fixed header.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 4 | magic `CEPF` |
//! | 4 | 2 | version |
//! | 6 | 2 | flags, all reserved: 0 |
//! | 8 | 8 | length of the whole frame |
//! | 16 | 4 | length of the metadata |
//! | 20 | 4 | crc32c of the frame without this field |
//! | 24 | 8 | reserved: 0 |

use crate::frame::{ALIGNMENT, FRAME_BYTES_MAX, FrameError, VERSION, aligned};

/// Length of the fixed header.
pub const HEADER_BYTES: usize = 32;
const MAGIC: [u8; 4] = *b"CEPF";
const CHECKSUM_AT: usize = 20;

/// What the fixed header says, besides constants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Length of the metadata.
    pub(super) meta_bytes: usize,
    /// Length of the whole frame.
    pub(super) total_bytes: usize,
}

impl Header {
    /// Where the column bytes begin.
    pub(super) fn body_start(self) -> usize {
        aligned(HEADER_BYTES + self.meta_bytes)
    }

    /// Writes header and checksum into `frame`, whose other bytes are complete.
    pub(super) fn seal(self, frame: &mut [u8]) {
        frame[..4].copy_from_slice(&MAGIC);
        frame[4..6].copy_from_slice(&VERSION.to_le_bytes());
        frame[6..8].fill(0);
        frame[8..16].copy_from_slice(&(self.total_bytes as u64).to_le_bytes());
        let meta_bytes = u32::try_from(self.meta_bytes).expect("frames are below 4 GiB");
        frame[16..20].copy_from_slice(&meta_bytes.to_le_bytes());
        frame[24..HEADER_BYTES].fill(0);
        let sum = checksum(frame);
        frame[CHECKSUM_AT..CHECKSUM_AT + 4].copy_from_slice(&sum.to_le_bytes());
    }

    /// Reads and checks the header of `frame`, which must be one whole frame, and its checksum.
    pub(super) fn check(frame: &[u8]) -> Result<Self, FrameError> {
        let total_bytes = frame_bytes(frame)?
            .filter(|_| frame.len() >= HEADER_BYTES)
            .ok_or(FrameError::Truncated { need: HEADER_BYTES, have: frame.len() })?;
        if frame.len() < total_bytes {
            return Err(FrameError::Truncated { need: total_bytes, have: frame.len() });
        }
        if frame.len() > total_bytes {
            return Err(FrameError::Trailing { extra: frame.len() - total_bytes });
        }
        let (wanted, found) = (u32_at(frame, CHECKSUM_AT), checksum(frame));
        if wanted != found {
            return Err(FrameError::Checksum { wanted, found });
        }
        if frame[6..8] != [0; 2] {
            return Err(FrameError::Reserved { what: "flags" });
        }
        if frame[24..HEADER_BYTES] != [0; 8] {
            return Err(FrameError::Reserved { what: "reserved header bytes" });
        }
        let header = Header { meta_bytes: u32_at(frame, 16) as usize, total_bytes };
        if header.meta_bytes > total_bytes || header.body_start() > total_bytes {
            return Err(FrameError::malformed("metadata longer than the frame"));
        }
        Ok(header)
    }
}

/// Length of the frame that begins with `prefix`, or `None` when fewer than 16 bytes are there:
/// what a reader of a byte stream needs to cut frames apart.
///
/// # Errors
/// When this is not the beginning of a frame, or of one that this build can read.
pub fn frame_bytes(prefix: &[u8]) -> Result<Option<usize>, FrameError> {
    let Some(start) = prefix.first_chunk::<16>() else {
        let same = prefix.iter().zip(MAGIC).all(|(found, wanted)| *found == wanted);
        return if same { Ok(None) } else { Err(FrameError::NotAFrame { found: first_four(prefix) }) };
    };
    if start[..4] != MAGIC {
        return Err(FrameError::NotAFrame { found: first_four(prefix) });
    }
    let version = u16::from_le_bytes([start[4], start[5]]);
    if version != VERSION {
        return Err(FrameError::Version { found: version });
    }
    let [.., a, b, c, d, e, f, g, h] = *start;
    let total = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
    match usize::try_from(total) {
        Ok(total) if total <= FRAME_BYTES_MAX => {
            if total < aligned(HEADER_BYTES) || !total.is_multiple_of(ALIGNMENT) {
                return Err(FrameError::malformed(format!("a frame cannot have {total} bytes")));
            }
            Ok(Some(total))
        }
        _ => Err(FrameError::TooLarge { what: format!("{total} bytes") }),
    }
}

fn first_four(prefix: &[u8]) -> [u8; 4] {
    let mut found = [0; 4];
    for (to, from) in found.iter_mut().zip(prefix) {
        *to = *from;
    }
    found
}

fn u32_at(frame: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([frame[at], frame[at + 1], frame[at + 2], frame[at + 3]])
}

/// crc32c (Castagnoli, RFC 3720 appendix B.4) of all bytes but the checksum's own four.
pub(super) fn checksum(frame: &[u8]) -> u32 {
    let before = crc32c::crc32c(&frame[..CHECKSUM_AT]);
    crc32c::crc32c_append(before, &frame[CHECKSUM_AT + 4..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed() -> Vec<u8> {
        let mut frame = vec![7; 128];
        Header { meta_bytes: 20, total_bytes: 128 }.seal(&mut frame);
        frame
    }

    #[test]
    fn a_sealed_header_is_read_back() {
        let header = Header::check(&sealed()).unwrap();
        assert_eq!(header, Header { meta_bytes: 20, total_bytes: 128 });
        assert_eq!(header.body_start(), 64);
        assert_eq!(frame_bytes(&sealed()[..16]), Ok(Some(128)));
        assert_eq!(frame_bytes(&sealed()[..15]), Ok(None));
    }

    #[test]
    fn each_fault_of_a_header_has_its_own_error() {
        let refused = |change: fn(&mut Vec<u8>)| {
            let mut frame = sealed();
            change(&mut frame);
            Header::check(&frame).unwrap_err()
        };
        let resealed = |frame: &mut Vec<u8>| {
            let sum = checksum(frame);
            frame[CHECKSUM_AT..CHECKSUM_AT + 4].copy_from_slice(&sum.to_le_bytes());
        };
        assert_eq!(refused(|f| f.truncate(100)), FrameError::Truncated { need: 128, have: 100 });
        assert_eq!(refused(|f| f.truncate(0)), FrameError::Truncated { need: 32, have: 0 });
        assert_eq!(refused(|f| f.push(0)), FrameError::Trailing { extra: 1 });
        assert_eq!(refused(|f| f[0] = b'X'), FrameError::NotAFrame { found: *b"XEPF" });
        assert_eq!(refused(|f| f[4] = 2), FrameError::Version { found: 2 });
        assert!(matches!(refused(|f| f[100] ^= 1), FrameError::Checksum { .. }));
        assert!(matches!(refused(|f| f[15] = 1), FrameError::TooLarge { .. }));
        assert!(matches!(refused(|f| f[8] = 1), FrameError::Malformed { .. }));
        for (at, what) in [(6, "flags"), (31, "reserved header bytes")] {
            let mut frame = sealed();
            frame[at] = 1;
            resealed(&mut frame);
            assert_eq!(Header::check(&frame), Err(FrameError::Reserved { what }));
        }
        let mut frame = sealed();
        frame[17] = 1;
        resealed(&mut frame);
        assert!(matches!(Header::check(&frame), Err(FrameError::Malformed { .. })));
    }

    #[test]
    fn the_checksum_is_crc32c() {
        // RFC 3720 appendix B.4: 32 bytes of zeros.
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
        let skipped = [&[0; 20][..], &[9; 4], &[0; 12]].concat();
        assert_eq!(checksum(&skipped), 0x8a91_36aa);
    }
}
