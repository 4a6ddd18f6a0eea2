//! Reading columns: borrowed views over Arrow buffers.

use std::borrow::Cow;

use bytemuck::{Pod, pod_collect_to_vec, try_cast_slice};

use crate::bindings::types::Node;
use crate::bitmap::{Bitmap, bit};
use crate::builder::NewColumn;
use crate::types::{Native, Type};

/// A column of a batch.
pub struct Column<'a, T: Type + ?Sized> {
    len: usize,
    validity: &'a [u8],
    view: T::View<'a>,
}

/// The values of a column, whether or not they are null.
pub trait View<'a> {
    type Value: Copy;

    /// The value at `row`; arbitrary where the row is null.
    fn value(&self, row: usize) -> Self::Value;
}

impl<'a, T: Type + ?Sized> Column<'a, T> {
    pub(crate) fn new(node: &'a Node) -> Self {
        Self { len: node.length as usize, validity: &node.validity, view: T::view(node) }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the value at `row` is null.
    pub fn is_null(&self, row: usize) -> bool {
        !self.validity.is_empty() && !bit(self.validity, row)
    }

    /// Whether any value may be null. False costs nothing to find out, so loops can be chosen by it.
    pub fn has_nulls(&self) -> bool {
        !self.validity.is_empty()
    }

    /// The value at `row`; none where it is null.
    pub fn get(&self, row: usize) -> Option<T::Value<'a>> {
        (!self.is_null(row)).then(|| self.view.value(row))
    }

    /// The value at `row`, which is arbitrary where it is null.
    pub fn value(&self, row: usize) -> T::Value<'a> {
        self.view.value(row)
    }

    /// All values in order; none for nulls.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<T::Value<'a>>> {
        (0..self.len).map(|row| self.get(row))
    }

    /// The nulls: a bitmap that is 1 where a value is not null; none where there are no nulls.
    pub(crate) fn validity(&self) -> Option<Bitmap> {
        self.has_nulls().then(|| Bitmap::from_bytes(self.validity, self.len))
    }
}

impl<T: Native> Column<'_, T> {
    /// All values side by side; arbitrary where they are null.
    pub fn values(&self) -> &[T] {
        T::slice(&self.view)
    }

    /// A new column with `f` of each value, and the same nulls. The loop knows nothing of nulls, so it is as
    /// fast as the one over the values alone; `f` must not fail on arbitrary values.
    pub fn map<U: Native>(&self, f: impl Fn(T) -> U) -> NewColumn<U> {
        NewColumn::map(self.values(), f, self.validity())
    }

    /// A new column with `f` of each pair of values, null where either is. As fast as [`Column::map`], in the same way.
    ///
    /// # Panics
    ///
    /// When the columns are not of one batch, and differ in length.
    pub fn zip_map<U: Native, V: Native>(
        &self,
        other: &Column<'_, U>,
        f: impl Fn(T, U) -> V,
    ) -> NewColumn<V> {
        assert_eq!(self.len, other.len, "columns of one batch are of one length");
        let validity = match (self.validity(), other.validity()) {
            (Some(left), Some(right)) => Some(left.and(&right)),
            (left, right) => left.or(right),
        };
        NewColumn::zip_map(self.values(), other.values(), f, validity)
    }
}

/// Numbers and the like.
pub struct NativeView<'a, T: Clone> {
    values: Cow<'a, [T]>,
}

impl<'a, T: Pod> NativeView<'a, T> {
    pub(crate) fn new(node: &'a Node) -> Self {
        let bytes = &node.values[..node.length as usize * size_of::<T>()];
        Self { values: aligned(bytes) }
    }

    pub(crate) fn values(&self) -> &[T] {
        &self.values
    }
}

impl<'a, T: Pod> View<'a> for NativeView<'a, T> {
    type Value = T;

    fn value(&self, row: usize) -> T {
        self.values[row]
    }
}

/// Booleans.
pub struct BoolView<'a> {
    bits: &'a [u8],
}

impl<'a> BoolView<'a> {
    pub(crate) fn new(node: &'a Node) -> Self {
        Self { bits: &node.values }
    }
}

impl<'a> View<'a> for BoolView<'a> {
    type Value = bool;

    fn value(&self, row: usize) -> bool {
        bit(self.bits, row)
    }
}

/// Byte strings.
pub struct ByteView<'a> {
    offsets: Cow<'a, [i32]>,
    bytes: &'a [u8],
}

impl<'a> ByteView<'a> {
    pub(crate) fn new(node: &'a Node) -> Self {
        let bytes = &node.offsets[..(node.length as usize + 1) * size_of::<i32>()];
        Self { offsets: aligned(bytes), bytes: &node.values }
    }
}

impl<'a> View<'a> for ByteView<'a> {
    type Value = &'a [u8];

    fn value(&self, row: usize) -> &'a [u8] {
        &self.bytes[self.offsets[row] as usize..self.offsets[row + 1] as usize]
    }
}

/// Strings.
pub struct StrView<'a> {
    offsets: Cow<'a, [i32]>,
    text: &'a str,
}

impl<'a> StrView<'a> {
    pub(crate) fn new(node: &'a Node) -> Self {
        let bytes = &node.offsets[..(node.length as usize + 1) * size_of::<i32>()];
        #[expect(
            unsafe_code,
            reason = "to check all text again would cost more than most plugins do with it"
        )]
        // SAFETY: the contract promises UTF-8 in the values of a utf8 node. The host that keeps it could write anything
        // to this memory, so it is trusted anyway.
        let text = unsafe { std::str::from_utf8_unchecked(&node.values) };
        Self { offsets: aligned(bytes), text }
    }
}

impl<'a> View<'a> for StrView<'a> {
    type Value = &'a str;

    fn value(&self, row: usize) -> &'a str {
        &self.text[self.offsets[row] as usize..self.offsets[row + 1] as usize]
    }
}

/// Bytes as values: borrowed where they are aligned, as they mostly are, else copied.
pub(crate) fn aligned<T: Pod>(bytes: &[u8]) -> Cow<'_, [T]> {
    match try_cast_slice(bytes) {
        Ok(values) => Cow::Borrowed(values),
        Err(_) => Cow::Owned(pod_collect_to_vec(bytes)),
    }
}
