//! Merge of edges by position: UNION ALL, and streams that several queries write.

use crate::chunk::Chunk;

/// Merges chunks; has no state beyond scratch.
#[derive(Debug, Default)]
pub struct Merge {
    heads: Vec<usize>,
}

impl Merge {
    /// Appends the rows of `inputs` to `out` by position, ties by input order.
    pub fn process(&mut self, inputs: &[&Chunk], out: &mut Chunk) {
        let mut filled = inputs.iter().filter(|c| !c.is_empty());
        if let (Some(only), None) = (filled.next(), filled.next()) {
            out.append_range(only, 0, only.rows());
            return;
        }
        self.heads.clear();
        self.heads.resize(inputs.len(), 0);
        loop {
            let head = |i: usize, heads: &[usize]| inputs[i].pos.get(heads[i]).map(|&p| (p, i));
            let Some((_, next)) = (0..inputs.len()).filter_map(|i| head(i, &self.heads)).min() else {
                return;
            };
            let limit = (0..inputs.len()).filter(|&i| i != next).filter_map(|i| head(i, &self.heads)).min();
            let from = self.heads[next];
            let pos = &inputs[next].pos;
            let to = match limit {
                None => pos.len(),
                Some(limit) => from + pos[from..].partition_point(|&p| (p, next) < limit),
            };
            self.heads[next] = to;
            out.append_range(inputs[next], from, to);
        }
    }
}
