//! AND, OR and XOR of integers.

use super::{AggError, Cell, Reader, RowsFor, StateSpec};
use crate::agg::codec::{put_u32, put_u64};
use crate::column::Values;

/// How many values have each bit set, as counters of 64 bits in planes, and the number of values.
///
/// The counts make all three removable; XOR is the parity of each.
#[derive(Debug, Clone, Default)]
pub(crate) struct BitsCell {
    n: u64,
    /// `planes[k]` holds bit k of all 64 counters; no zero plane at the end.
    planes: Vec<u64>,
}

impl BitsCell {
    /// Adds one to the counters of the set bits of `value`: a ripple over the planes.
    fn plus(&mut self, value: u64, from_plane: usize) {
        let mut carry = value;
        let mut plane = from_plane;
        while carry != 0 {
            if self.planes.len() <= plane {
                self.planes.resize(plane + 1, 0);
            }
            let sum = self.planes[plane] ^ carry;
            carry &= self.planes[plane];
            self.planes[plane] = sum;
            plane += 1;
        }
    }

    fn minus(&mut self, value: u64) {
        let mut borrow = value;
        for plane in &mut self.planes {
            if borrow == 0 {
                break;
            }
            let rest = *plane ^ borrow;
            borrow &= !*plane;
            *plane = rest;
        }
        while self.planes.last() == Some(&0) {
            self.planes.pop();
        }
    }

    fn each(rows: RowsFor, mut each: impl FnMut(usize, u64)) {
        match &rows.arg(0).values {
            Values::I64(v) => rows.each_valid::<1>(|group, row| each(group, v[row] as u64)),
            Values::I32(v) => rows.each_valid::<1>(|group, row| each(group, i64::from(v[row]) as u64)),
            other => panic!("bits of a {} column", other.kind_name()),
        }
    }

    /// Bits set in every value; NULL over nothing.
    pub fn and(&self) -> Option<i64> {
        let all = |k: usize| if self.n >> k & 1 == 1 { u64::MAX } else { 0 };
        let same =
            (0..64).fold(u64::MAX, |same, k| same & !(self.planes.get(k).copied().unwrap_or(0) ^ all(k)));
        (self.n != 0).then_some(same as i64)
    }

    /// Bits set in some value; NULL over nothing.
    pub fn or(&self) -> Option<i64> {
        (self.n != 0).then(|| self.planes.iter().fold(0, |a, b| a | b) as i64)
    }

    /// Bits set in an odd number of values; NULL over nothing.
    pub fn xor(&self) -> Option<i64> {
        (self.n != 0).then(|| self.planes.first().copied().unwrap_or(0) as i64)
    }
}

impl Cell for BitsCell {
    fn add(cells: &mut [Self], rows: RowsFor, heap: &mut isize) {
        Self::each(rows, |group, value| {
            let cell = &mut cells[group];
            *heap -= cell.heap_bytes() as isize;
            cell.n = cell.n.wrapping_add(1);
            cell.plus(value, 0);
            *heap += cell.heap_bytes() as isize;
        });
    }

    fn remove(cells: &mut [Self], rows: RowsFor, _: &mut isize) {
        Self::each(rows, |group, value| {
            cells[group].n = cells[group].n.wrapping_sub(1);
            cells[group].minus(value);
        });
    }

    fn merge(&mut self, other: &Self, _: &StateSpec) {
        self.n = self.n.wrapping_add(other.n);
        for (k, &plane) in other.planes.iter().enumerate() {
            self.plus(plane, k);
        }
    }

    fn clear(&mut self) {
        self.n = 0;
        self.planes.clear();
    }

    /// Count `u64`, number of planes `u32`, planes `u64`, lowest first.
    fn encode(&self, _: &StateSpec, out: &mut Vec<u8>) {
        put_u64(out, self.n);
        put_u32(out, self.planes.len() as u32);
        for &plane in &self.planes {
            put_u64(out, plane);
        }
    }

    fn decode(_: &StateSpec, input: &mut Reader) -> Result<Self, AggError> {
        let n = input.u64()?;
        let len = input.u32()? as usize;
        if len > 64 {
            return Err(AggError::Corrupt { what: "bit counters" });
        }
        let planes = (0..len).map(|_| input.u64()).collect::<Result<Vec<_>, _>>()?;
        if planes.last() == Some(&0) {
            return Err(AggError::Corrupt { what: "bit counters" });
        }
        Ok(BitsCell { n, planes })
    }

    fn heap_bytes(&self) -> usize {
        self.planes.capacity() * 8
    }
}
