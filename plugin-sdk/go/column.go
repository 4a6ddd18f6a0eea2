package plugin

import (
	"time"
	"unsafe"
)

// Ticks is a timestamp, date64, time or duration as the integer that it is: in the unit of its column, without conversion.
type Ticks int64

// Value is a Go type that stands for Arrow types in typed columns:
//
//	bool                                        boolean
//	int8 ... int64, uint8 ... uint64            the same
//	Float16, float32, float64                   the same
//	string                                      utf8, large-utf8
//	[]byte                                      binary, large-binary, fixed-size-binary
//	Date                                        date32
//	time.Time                                   timestamp of any unit and zone, date64
//	Ticks                                       timestamp, date64, time64, duration
//	Decimal                                     decimals of any width
//
// What has no typed column is read and written as an Array, value by value.
type Value interface {
	bool | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 | Float16 | float32 | float64 |
		string | []byte | Date | time.Time | Ticks | Decimal
}

// dataTypeOf is the type that a new column gets, unless it is declared otherwise.
func dataTypeOf[T Value]() DataType {
	var zero T
	switch any(zero).(type) {
	case bool:
		return DataType{Kind: KindBool}
	case int8:
		return DataType{Kind: KindInt8}
	case int16:
		return DataType{Kind: KindInt16}
	case int32:
		return DataType{Kind: KindInt32}
	case int64:
		return DataType{Kind: KindInt64}
	case uint8:
		return DataType{Kind: KindUint8}
	case uint16:
		return DataType{Kind: KindUint16}
	case uint32:
		return DataType{Kind: KindUint32}
	case uint64:
		return DataType{Kind: KindUint64}
	case Float16:
		return DataType{Kind: KindFloat16}
	case float32:
		return DataType{Kind: KindFloat32}
	case float64:
		return DataType{Kind: KindFloat64}
	case string:
		return DataType{Kind: KindUtf8}
	case []byte:
		return DataType{Kind: KindBinary}
	case Date:
		return DataType{Kind: KindDate32}
	case time.Time:
		return Timestamps(Microsecond, "UTC")
	case Ticks:
		return DataType{Kind: KindDuration, Unit: Microsecond}
	}
	return Decimals(38, 10)
}

// matches says whether columns of the type are read and written as T.
func matches[T Value](t DataType) bool {
	var zero T
	switch any(zero).(type) {
	case string:
		return t.Kind == KindUtf8 || t.Kind == KindLargeUtf8
	case []byte:
		return t.Kind == KindBinary || t.Kind == KindLargeBinary || t.Kind == KindFixedSizeBinary
	case time.Time:
		return t.Kind == KindTimestamp || t.Kind == KindDate64
	case Ticks:
		return t.Kind == KindTimestamp || t.Kind == KindDate64 || t.Kind == KindTime64 || t.Kind == KindDuration
	case Decimal:
		return t.Kind >= KindDecimal32 && t.Kind <= KindDecimal256
	}
	return t.Kind == dataTypeOf[T]().Kind
}

// Column is a column of a batch, with values of one Go type.
type Column[T Value] struct {
	array *Array
	// values are the column's own memory where T lies in it as it is; otherwise they are made when first asked for.
	values   []T
	validity []byte
	made     bool
}

// ColumnOf sees an array as a column of a Go type, such as the child of a list. The error says that it is of another type.
func ColumnOf[T Value](array *Array) (*Column[T], error) {
	if values := array.field.values(); !matches[T](values.Type) {
		return nil, typeMismatch[T](array.field.Name, values.Type)
	}
	return newColumn[T](array), nil
}

func typeMismatch[T Value](name string, actual DataType) error {
	return BadColumn(name, "is "+actual.String()+", but "+dataTypeOf[T]().String()+" is needed")
}

func newColumn[T Value](array *Array) *Column[T] {
	c := &Column[T]{array: array, validity: array.validity}
	t := array.field.Type
	switch {
	case t.Kind == KindDictionary:
		c.lookUp()
	case isNative[T]():
		c.values, c.made = sliceOf[T](array.values, array.length), true
	}
	return c
}

// isNative says whether values lie in memory as Arrow lays them out.
func isNative[T Value]() bool {
	var zero T
	switch any(zero).(type) {
	case bool, string, []byte, time.Time, Decimal:
		return false
	}
	return true
}

// lookUp makes the values and the validity of a column with a dictionary.
func (c *Column[T]) lookUp() {
	keys, dictionary := c.array, newColumn[T](c.array.children[0])
	values := dictionary.Values()
	c.values, c.made = make([]T, keys.length), true
	if dictionary.HasNulls() {
		c.validity = filledBitmap(keys.length, 0)
	}
	for row := range c.values {
		if keys.IsNull(row) {
			if dictionary.HasNulls() {
				clearBit(c.validity, row)
			}
			continue
		}
		key := keys.key(row)
		c.values[row] = values[key]
		if dictionary.IsNull(key) {
			clearBit(c.validity, row)
		}
	}
}

// Len returns the number of values, nulls included.
func (c *Column[T]) Len() int { return c.array.length }

// HasNulls says whether there can be nulls.
func (c *Column[T]) HasNulls() bool { return len(c.validity) > 0 }

// IsNull says whether a value is null.
func (c *Column[T]) IsNull(row int) bool {
	return len(c.validity) > 0 && c.validity[row>>3]>>(row&7)&1 == 0
}

// Value returns a value; an arbitrary one where it is null.
func (c *Column[T]) Value(row int) T {
	if c.made {
		return c.values[row]
	}
	return c.Values()[row]
}

// Get returns a value, and false where it is null.
func (c *Column[T]) Get(row int) (T, bool) {
	if c.IsNull(row) {
		var zero T
		return zero, false
	}
	return c.Value(row), true
}

// Values returns all values; those of nulls are arbitrary. Numbers, dates and ticks are the batch's own memory, and strings
// and byte slices lead into it: they must not be changed, and may be kept for as long as they are needed.
func (c *Column[T]) Values() []T {
	if c.made {
		return c.values
	}
	c.made = true
	a := c.array
	switch values := any(&c.values).(type) {
	case *[]string:
		*values = textsOf(a)
	case *[]bool:
		*values = make([]bool, a.length)
		for row := range *values {
			(*values)[row] = getBit(a.values, row)
		}
	case *[][]byte:
		*values = make([][]byte, a.length)
		for row := range *values {
			(*values)[row] = a.bytes(row)
		}
	case *[]time.Time:
		*values = make([]time.Time, a.length)
		unit := a.field.Type.Unit
		if a.field.Type.Kind == KindDate64 {
			unit = Millisecond
		}
		for row, ticks := range sliceOf[int64](a.values, a.length) {
			(*values)[row] = timestampOf(ticks, unit)
		}
	case *[]Decimal:
		*values = make([]Decimal, a.length)
		for row := range *values {
			(*values)[row], _ = a.Value(row).(Decimal)
		}
	}
	return c.values
}

// Array returns the column as it crossed: with its dictionary, where it has one.
func (c *Column[T]) Array() *Array { return c.array }

// textOf is a string without a copy: buffers never change.
func textOf(bytes []byte) string {
	return unsafe.String(unsafe.SliceData(bytes), len(bytes))
}

func textsOf(a *Array) []string {
	texts := make([]string, a.length)
	bytes := textOf(a.values)
	if a.field.Type.Kind == KindLargeUtf8 {
		offsets := sliceOf[int64](a.offsets, a.length+1)
		start := offsets[0]
		for row, end := range offsets[1:] {
			texts[row] = bytes[start:end]
			start = end
		}
		return texts
	}
	offsets := sliceOf[int32](a.offsets, a.length+1)
	start := offsets[0]
	for row, end := range offsets[1:] {
		texts[row] = bytes[start:end]
		start = end
	}
	return texts
}
