package plugin

import (
	"encoding/binary"
	"time"
)

// Values are those of a new column, made by a builder or of a slice.
type Values[T Value] struct {
	values []T
	// validity is empty where there are no nulls.
	validity []byte
	// text are the buffers that a TextBuilder made, in place of values.
	text    *Array
	lengths int
}

// FromSlice makes a new column of values, none of which is null. The slice must not be changed afterwards.
func FromSlice[T Value](values []T) *Values[T] {
	return &Values[T]{values: values, lengths: len(values)}
}

// Len returns the number of values.
func (v *Values[T]) Len() int { return v.lengths }

// nullable is what has nulls: a column of any type.
type nullable interface{ nulls() []byte }

func (c *Column[T]) nulls() []byte { return c.validity }

// NullsOf makes those values null that are null in the columns, each of which has as many rows.
func (v *Values[T]) NullsOf(columns ...nullable) *Values[T] {
	for _, column := range columns {
		validity := column.nulls()
		switch {
		case len(validity) == 0:
		case len(v.validity) == 0:
			v.validity = validity[:bitmapBytes(v.lengths)]
		default:
			both := make([]byte, bitmapBytes(v.lengths))
			for i := range both {
				both[i] = v.validity[i] & validity[i]
			}
			v.validity = both
		}
	}
	return v
}

// Map makes a new column of a function of each value. Nulls stay null; the function is called for them too, with an
// arbitrary value. A loop over Values and FromSlice is faster where the function is small.
func Map[T, U Value](column *Column[T], f func(T) U) *Values[U] {
	made := make([]U, column.Len())
	for row, value := range column.Values() {
		made[row] = f(value)
	}
	return FromSlice(made).NullsOf(column)
}

// Builder makes a new column value by value.
type Builder[T Value] struct {
	values   []T
	validity []byte
}

// NewBuilder returns a builder with room for so many values.
func NewBuilder[T Value](capacity int) *Builder[T] {
	return &Builder[T]{values: make([]T, 0, capacity)}
}

// Len returns the number of values so far.
func (b *Builder[T]) Len() int { return len(b.values) }

// Append adds a value.
func (b *Builder[T]) Append(value T) {
	if b.validity != nil {
		b.validity = appendBit(b.validity, len(b.values), true)
	}
	b.values = append(b.values, value)
}

// AppendNull adds a null.
func (b *Builder[T]) AppendNull() {
	if b.validity == nil {
		b.validity = filledBitmap(len(b.values), cap(b.values))
		trimBitmap(b.validity, len(b.values))
	}
	b.validity = appendBit(b.validity, len(b.values), false)
	var zero T
	b.values = append(b.values, zero)
}

// trimBitmap clears the bits behind the last one.
func trimBitmap(bitmap []byte, bits int) {
	if bits&7 != 0 {
		bitmap[bits>>3] &= 1<<(bits&7) - 1
	}
}

// AppendIf adds a value, or a null where valid is false: what Column.Get returns.
func (b *Builder[T]) AppendIf(value T, valid bool) {
	if valid {
		b.Append(value)
	} else {
		b.AppendNull()
	}
}

// Build returns the column. The builder must not be used any more.
func (b *Builder[T]) Build() *Values[T] {
	return &Values[T]{values: b.values, validity: b.validity, lengths: len(b.values)}
}

// TextBuilder makes a new column of strings, whose bytes are written where they will stay.
type TextBuilder struct {
	offsets  []int32
	bytes    []byte
	validity []byte
}

// NewTextBuilder returns a builder with room for so many values, of so many bytes altogether.
func NewTextBuilder(capacity, bytes int) *TextBuilder {
	b := &TextBuilder{offsets: make([]int32, 1, capacity+1), bytes: make([]byte, 0, bytes)}
	return b
}

// Len returns the number of values so far.
func (b *TextBuilder) Len() int { return len(b.offsets) - 1 }

// Append adds a value.
func (b *TextBuilder) Append(value string) {
	b.bytes = append(b.bytes, value...)
	b.end()
}

// AppendWith adds what the function appends to the slice that it gets, in the manner of strconv.AppendInt: UTF-8.
func (b *TextBuilder) AppendWith(add func([]byte) []byte) {
	b.bytes = add(b.bytes)
	b.end()
}

// AppendUpper adds a value in capitals, as strings.ToUpper makes them.
func (b *TextBuilder) AppendUpper(value string) {
	b.bytes = appendUpper(b.bytes, value)
	b.end()
}

// AppendLower adds a value in small letters, as strings.ToLower makes them.
func (b *TextBuilder) AppendLower(value string) {
	b.bytes = appendLower(b.bytes, value)
	b.end()
}

func (b *TextBuilder) end() {
	if b.validity != nil {
		b.validity = appendBit(b.validity, b.Len(), true)
	}
	b.offsets = append(b.offsets, int32(len(b.bytes)))
}

// AppendNull adds a null.
func (b *TextBuilder) AppendNull() {
	if b.validity == nil {
		b.validity = filledBitmap(b.Len(), cap(b.offsets))
		trimBitmap(b.validity, b.Len())
	}
	b.validity = appendBit(b.validity, b.Len(), false)
	b.offsets = append(b.offsets, int32(len(b.bytes)))
}

// Build returns the column. The builder must not be used any more.
func (b *TextBuilder) Build() *Values[string] {
	text := &Array{length: b.Len(), validity: b.validity, offsets: bytesOf(b.offsets), values: b.bytes}
	return &Values[string]{text: text, validity: b.validity, lengths: b.Len()}
}

// array lays the values out for a field of a matching type.
func (v *Values[T]) array(field *Field) (*Array, error) {
	a := &Array{field: field, length: v.lengths, validity: v.validity}
	t := field.Type
	if v.text != nil {
		a.offsets, a.values = v.text.offsets, v.text.values
		if t.Kind == KindLargeUtf8 {
			a.offsets = nil
			for _, offset := range sliceOf[int32](v.text.offsets, v.lengths+1) {
				a.offsets = binary.LittleEndian.AppendUint64(a.offsets, uint64(offset))
			}
		}
		return a, nil
	}
	switch values := any(v.values).(type) {
	case []string:
		layOut(a, values)
	case [][]byte:
		if t.Kind == KindFixedSizeBinary {
			return a, layOutFixed(a, values)
		}
		layOut(a, values)
	case []bool:
		a.values = make([]byte, bitmapBytes(len(values)))
		for row, value := range values {
			if value {
				a.values[row>>3] |= 1 << (row & 7)
			}
		}
	case []time.Time:
		unit := t.Unit
		if t.Kind == KindDate64 {
			unit = Millisecond
		}
		ticks := make([]int64, len(values))
		for row, value := range values {
			if a.validity == nil || getBit(a.validity, row) {
				ticks[row] = timestampIn(value, unit)
			}
		}
		a.values = bytesOf(ticks)
	case []Decimal:
		b := AnyBuilder{field: field}
		for row, value := range values {
			if a.validity != nil && !getBit(a.validity, row) {
				b.AppendNull()
			} else if err := b.Append(value); err != nil {
				return nil, err
			}
		}
		a.values = b.values
	default:
		a.values = bytesOf(v.values)
	}
	return a, nil
}

// layOut writes texts one behind another.
func layOut[B string | []byte](a *Array, values []B) {
	total := 0
	for _, value := range values {
		total += len(value)
	}
	bytes := make([]byte, 0, total)
	if a.field.Type.offsetWidth() == 8 {
		offsets := make([]int64, len(values)+1)
		for row, value := range values {
			bytes = append(bytes, value...)
			offsets[row+1] = int64(len(bytes))
		}
		a.offsets = bytesOf(offsets)
	} else {
		offsets := make([]int32, len(values)+1)
		for row, value := range values {
			bytes = append(bytes, value...)
			offsets[row+1] = int32(len(bytes))
		}
		a.offsets = bytesOf(offsets)
	}
	a.values = bytes
}

func layOutFixed(a *Array, values [][]byte) error {
	size := int(a.field.Type.Size)
	a.values = make([]byte, 0, size*len(values))
	for row, value := range values {
		if len(value) != size && (a.validity == nil || getBit(a.validity, row)) {
			return fatalf("column `%s`: a value has %d bytes in place of %d", a.field.Name, len(value), size)
		}
		a.values = append(a.values, value...)
		a.values = append(a.values, make([]byte, size-len(value))...)
	}
	return nil
}
