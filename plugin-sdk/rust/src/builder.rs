//! Writing columns.

use std::borrow::Borrow;
use std::marker::PhantomData;
use std::mem::MaybeUninit;

use bytemuck::{Pod, bytes_of, cast_slice};

use crate::bindings::types::Node;
use crate::bitmap::Bitmap;
use crate::types::{Native, Type};

/// How many values the loops of this crate make at each turn. A plugin that is metered looks at its fuel and at the clock
/// whenever a loop turns, for about 0.9 ns. One value at a time, that would be most of what a simple kernel costs.
pub(crate) const LANES: usize = 16;

/// Of these, so many are written out one after another, also where the function has a loop of its own and is repeated less
/// willingly.
const UNROLLED: usize = 8;

/// A column that a plugin makes: values side by side, and which of them are null.
///
/// Made from an iterator of values or of options, from a vector, by [`crate::column::Column::map`], or
/// pushed one by one.
pub struct NewColumn<T: Type + ?Sized> {
    buffer: T::Buffer,
    /// None as long as there are no nulls.
    validity: Option<Bitmap>,
    len: usize,
}

/// The values of a column that is being built.
pub trait Builder: Default {
    /// Room for this many values.
    fn reserve(&mut self, additional: usize);

    /// A value that stands where a null is.
    fn push_default(&mut self);

    /// The buffers: offsets (empty where the type has none) and values.
    fn into_buffers(self) -> (Vec<u8>, Vec<u8>);
}

/// Numbers and the like: their bytes, because bytes are what crosses, and a vector of numbers could not
/// be turned into one of bytes without a copy.
pub struct NativeBuffer<T> {
    bytes: Vec<u8>,
    values: PhantomData<T>,
}

impl<T> Default for NativeBuffer<T> {
    fn default() -> Self {
        Self { bytes: Vec::new(), values: PhantomData }
    }
}

impl<T: Pod> NativeBuffer<T> {
    fn push(&mut self, value: T) {
        self.bytes.extend_from_slice(bytes_of(&value));
    }

    /// A value for each of `inputs`.
    fn map<A: Copy>(inputs: &[A], f: impl Fn(A) -> T) -> Self {
        Self::filled(inputs.len(), |values| map_into(values, inputs, f))
    }

    /// A value for each pair of `left` and `right`, which are of one length.
    fn zip_map<A: Copy, B: Copy>(left: &[A], right: &[B], f: impl Fn(A, B) -> T) -> Self {
        assert_eq!(left.len(), right.len());
        Self::filled(left.len(), |values| zip_map_into(values, left, right, f))
    }

    /// `len` values. `fill` writes all of them.
    #[expect(unsafe_code, reason = "to clear the memory first would be a second pass over it")]
    fn filled(len: usize, fill: impl FnOnce(&mut [MaybeUninit<T>])) -> Self {
        let mut bytes: Vec<u8> = Vec::with_capacity(len * size_of::<T>());
        let start = bytes.as_mut_ptr().cast::<MaybeUninit<T>>();
        if start.is_aligned() {
            // SAFETY: there is room for `len` values, aligned, and values that may be uninitialised can be anything.
            fill(unsafe { std::slice::from_raw_parts_mut(start, len) });
        } else {
            // The allocator promises no alignment for bytes, and gives it nearly always.
            let mut values: Vec<T> = Vec::with_capacity(len);
            fill(&mut values.spare_capacity_mut()[..len]);
            // SAFETY: `fill` has written all of them.
            unsafe { values.set_len(len) };
            bytes.extend_from_slice(cast_slice(&values));
        }
        // SAFETY: `fill` has written all values, and they are plain data, without bytes between them.
        unsafe { bytes.set_len(len * size_of::<T>()) };
        Self { bytes, values: PhantomData }
    }
}

/// Writes a value for each of `inputs`. With vector instructions, which every host of components has: simple functions
/// then make several values at once.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn map_into<A: Copy, T>(values: &mut [MaybeUninit<T>], inputs: &[A], f: impl Fn(A) -> T) {
    let (blocks, rest) = values.as_chunks_mut::<LANES>();
    let (input_blocks, input_rest) = inputs.as_chunks::<LANES>();
    for (block, inputs) in blocks.iter_mut().zip(input_blocks) {
        for start in (0..LANES).step_by(UNROLLED) {
            for lane in start..start + UNROLLED {
                block[lane].write(f(inputs[lane]));
            }
        }
    }
    for (value, &input) in rest.iter_mut().zip(input_rest) {
        value.write(f(input));
    }
}

/// Writes a value for each pair, as [`map_into`] does.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn zip_map_into<A: Copy, B: Copy, T>(
    values: &mut [MaybeUninit<T>],
    left: &[A],
    right: &[B],
    f: impl Fn(A, B) -> T,
) {
    let (blocks, rest) = values.as_chunks_mut::<LANES>();
    let (left_blocks, left_rest) = left.as_chunks::<LANES>();
    let (right_blocks, right_rest) = right.as_chunks::<LANES>();
    let pairs = left_blocks.iter().zip(right_blocks);
    for (block, (left, right)) in blocks.iter_mut().zip(pairs) {
        for start in (0..LANES).step_by(UNROLLED) {
            for lane in start..start + UNROLLED {
                block[lane].write(f(left[lane], right[lane]));
            }
        }
    }
    let pairs = left_rest.iter().zip(right_rest);
    for (value, (&left, &right)) in rest.iter_mut().zip(pairs) {
        value.write(f(left, right));
    }
}

impl<T: Pod + Default> Builder for NativeBuffer<T> {
    fn reserve(&mut self, additional: usize) {
        self.bytes.reserve(additional * size_of::<T>());
    }

    fn push_default(&mut self) {
        self.push(T::default());
    }

    fn into_buffers(self) -> (Vec<u8>, Vec<u8>) {
        (Vec::new(), self.bytes)
    }
}

/// Booleans.
#[derive(Default)]
pub struct BoolBuffer(Bitmap);

impl Builder for BoolBuffer {
    fn reserve(&mut self, _additional: usize) {}

    fn push_default(&mut self) {
        self.0.push(false);
    }

    fn into_buffers(self) -> (Vec<u8>, Vec<u8>) {
        (Vec::new(), self.0.into_bytes())
    }
}

/// Strings and byte strings.
pub struct ByteBuffer {
    offsets: NativeBuffer<i32>,
    bytes: Vec<u8>,
}

impl Default for ByteBuffer {
    fn default() -> Self {
        let mut offsets = NativeBuffer::default();
        offsets.push(0);
        Self { offsets, bytes: Vec::new() }
    }
}

impl ByteBuffer {
    fn push(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
        self.end_value();
    }

    fn end_value(&mut self) {
        let end =
            i32::try_from(self.bytes.len()).expect("a column of strings holds less than 2 GiB");
        self.offsets.push(end);
    }
}

impl Builder for ByteBuffer {
    fn reserve(&mut self, additional: usize) {
        self.offsets.reserve(additional);
        self.bytes.reserve(additional * 8);
    }

    fn push_default(&mut self) {
        self.end_value();
    }

    fn into_buffers(self) -> (Vec<u8>, Vec<u8>) {
        (self.offsets.bytes, self.bytes)
    }
}

impl<T: Type + ?Sized> NewColumn<T> {
    /// An empty column with room for `capacity` values.
    pub fn with_capacity(capacity: usize) -> Self {
        let mut buffer = T::Buffer::default();
        buffer.reserve(capacity);
        Self { buffer, validity: None, len: 0 }
    }

    /// How many values there are, nulls included.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn push_null(&mut self) {
        self.validity.get_or_insert_with(|| Bitmap::all_set(self.len)).push(false);
        self.buffer.push_default();
        self.len += 1;
    }

    fn pushed_value(&mut self) {
        if let Some(validity) = &mut self.validity {
            validity.push(true);
        }
        self.len += 1;
    }

    pub(crate) fn into_node(self) -> Node {
        let (offsets, values) = self.buffer.into_buffers();
        Node {
            length: u32::try_from(self.len).expect("a batch has less than 2^32 rows"),
            validity: self.validity.map(Bitmap::into_bytes).unwrap_or_default(),
            offsets,
            values,
        }
    }
}

impl<T: Native> NewColumn<T> {
    pub fn push(&mut self, value: T) {
        self.buffer.push(value);
        self.pushed_value();
    }

    /// `f` of each value.
    pub(crate) fn map<A: Copy>(values: &[A], f: impl Fn(A) -> T, validity: Option<Bitmap>) -> Self {
        Self { buffer: NativeBuffer::map(values, f), validity, len: values.len() }
    }

    /// `f` of each pair of values.
    pub(crate) fn zip_map<A: Copy, B: Copy>(
        left: &[A],
        right: &[B],
        f: impl Fn(A, B) -> T,
        validity: Option<Bitmap>,
    ) -> Self {
        Self { buffer: NativeBuffer::zip_map(left, right, f), validity, len: left.len() }
    }
}

impl NewColumn<bool> {
    pub fn push(&mut self, value: bool) {
        self.buffer.0.push(value);
        self.pushed_value();
    }
}

impl NewColumn<str> {
    pub fn push(&mut self, value: &str) {
        self.buffer.push(value.as_bytes());
        self.pushed_value();
    }

    /// Pushes a value by writing to it, without a string in between.
    pub fn push_with(&mut self, write: impl FnOnce(&mut dyn std::fmt::Write)) {
        struct Writer<'a>(&'a mut Vec<u8>);
        impl std::fmt::Write for Writer<'_> {
            fn write_str(&mut self, text: &str) -> std::fmt::Result {
                self.0.extend_from_slice(text.as_bytes());
                Ok(())
            }
        }
        write(&mut Writer(&mut self.buffer.bytes));
        self.buffer.end_value();
        self.pushed_value();
    }
}

impl NewColumn<[u8]> {
    pub fn push(&mut self, value: &[u8]) {
        self.buffer.push(value);
        self.pushed_value();
    }
}

impl<T: Type + ?Sized> Default for NewColumn<T> {
    fn default() -> Self {
        Self::with_capacity(0)
    }
}

impl<T: Native> From<Vec<T>> for NewColumn<T> {
    fn from(values: Vec<T>) -> Self {
        Self::map(&values, |value| value, None)
    }
}

macro_rules! from_iterator {
    ($type:ty, $item:ident: $bound:path, $push:expr) => {
        impl<$item: $bound> FromIterator<Option<$item>> for NewColumn<$type> {
            fn from_iter<I: IntoIterator<Item = Option<$item>>>(values: I) -> Self {
                let values = values.into_iter();
                let mut column = Self::with_capacity(values.size_hint().0);
                let push: fn(&mut Self, &$item) = $push;
                for value in values {
                    match value {
                        Some(value) => push(&mut column, &value),
                        None => column.push_null(),
                    }
                }
                column
            }
        }
    };
}

from_iterator!(str, S: AsRef<str>, |column, value| column.push(value.as_ref()));
from_iterator!([u8], B: AsRef<[u8]>, |column, value| column.push(value.as_ref()));
from_iterator!(bool, B: Borrow<bool>, |column, value| column.push(*value.borrow()));

impl<T: Native> FromIterator<Option<T>> for NewColumn<T> {
    fn from_iter<I: IntoIterator<Item = Option<T>>>(values: I) -> Self {
        let values = values.into_iter();
        let mut column = Self::with_capacity(values.size_hint().0);
        for value in values {
            match value {
                Some(value) => column.push(value),
                None => column.push_null(),
            }
        }
        column
    }
}

impl<T: Native> FromIterator<T> for NewColumn<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let values = values.into_iter();
        let mut column = Self::with_capacity(values.size_hint().0);
        values.for_each(|value| column.push(value));
        column
    }
}
