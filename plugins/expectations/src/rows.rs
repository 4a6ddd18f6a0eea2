//! Which rows of a batch are meant.

use wasmill_plugin_sdk::bitmap::Bitmap;

/// Some rows of a batch.
#[derive(Debug, Clone)]
pub enum RowSet {
    All(usize),
    Some(Bitmap),
}

impl RowSet {
    /// How many rows they are.
    pub fn count(&self) -> usize {
        match self {
            Self::All(rows) => *rows,
            Self::Some(bitmap) => bitmap.count_ones(),
        }
    }

    pub fn contains(&self, row: usize) -> bool {
        match self {
            Self::All(_) => true,
            Self::Some(bitmap) => bitmap.get(row),
        }
    }

    /// Those rows of the set at which `valid`, where there is one, is set too.
    pub fn and(&self, valid: Option<&Bitmap>) -> Self {
        match (self, valid) {
            (set, None) => set.clone(),
            (Self::All(_), Some(valid)) => Self::Some(valid.clone()),
            (Self::Some(set), Some(valid)) => {
                Self::Some(Bitmap::from_fn(set.len(), |row| set.get(row) && valid.get(row)))
            }
        }
    }

    /// Calls `f` with each value whose row is in the set.
    pub fn for_each<V: Copy>(&self, values: &[V], mut f: impl FnMut(V)) {
        match self {
            Self::All(_) => values.iter().for_each(|&value| f(value)),
            Self::Some(bitmap) => {
                for (row, &value) in values.iter().enumerate() {
                    if bitmap.get(row) {
                        f(value);
                    }
                }
            }
        }
    }
}
