package plugin

import (
	"fmt"
	"strings"
)

// Kind is the sort of an Arrow type, without its parameters.
type Kind uint8

// The kinds of types that cross the boundary, in the order of the contract (wit/types.wit, data-type).
const (
	KindNull Kind = iota
	KindBool
	KindInt8
	KindInt16
	KindInt32
	KindInt64
	KindUint8
	KindUint16
	KindUint32
	KindUint64
	KindFloat16
	KindFloat32
	KindFloat64
	KindUtf8
	KindLargeUtf8
	KindBinary
	KindLargeBinary
	KindFixedSizeBinary
	KindDate32
	KindDate64
	KindTime32
	KindTime64
	KindTimestamp
	KindDuration
	KindInterval
	KindDecimal32
	KindDecimal64
	KindDecimal128
	KindDecimal256
	KindList
	KindLargeList
	KindFixedSizeList
	KindStruct
	KindMap
	KindDictionary
)

var kindNames = [...]string{
	"null", "boolean", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32",
	"float64", "utf8", "large-utf8", "binary", "large-binary", "fixed-size-binary", "date32", "date64", "time32", "time64",
	"timestamp", "duration", "interval", "decimal32", "decimal64", "decimal128", "decimal256", "list", "large-list",
	"fixed-size-list", "struct", "map", "dictionary",
}

// String returns the Arrow name, such as "large-utf8".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// TimeUnit is what a time, timestamp or duration counts.
type TimeUnit uint8

const (
	Second TimeUnit = iota
	Millisecond
	Microsecond
	Nanosecond
)

// String returns the Arrow name, such as "millisecond".
func (u TimeUnit) String() string {
	return [...]string{"second", "millisecond", "microsecond", "nanosecond"}[u&3]
}

// perSecond is how many units make a second.
func (u TimeUnit) perSecond() int64 {
	return [...]int64{1, 1e3, 1e6, 1e9}[u&3]
}

// IntervalUnit is what an interval consists of.
type IntervalUnit uint8

const (
	YearMonth IntervalUnit = iota
	DayTime
	MonthDayNano
)

// DataType is an Arrow type. Only the parameters that its kind has mean something; two types are the same when they are ==.
type DataType struct {
	Kind Kind
	// Unit is that of times, timestamps and durations.
	Unit TimeUnit
	// Interval is the unit of intervals.
	Interval IntervalUnit
	// Precision and Scale are those of decimals: an integer of so many digits, divided by 10 to the power of Scale.
	Precision uint8
	Scale     int8
	// Index is the kind of a dictionary's keys: one of the integers.
	Index Kind
	// Sorted says whether the keys of each map are in order.
	Sorted bool
	// Size is the bytes of each fixed-size-binary value, or the values of each fixed-size list.
	Size uint32
	// Zone is that of timestamps, such as "Europe/Berlin"; empty for the local clock.
	Zone string
}

// String returns the type as messages show it, such as "decimal128(12, 2)".
func (t DataType) String() string {
	switch t.Kind {
	case KindTimestamp:
		if t.Zone != "" {
			return fmt.Sprintf("timestamp(%s, %s)", t.Unit, t.Zone)
		}
		return fmt.Sprintf("timestamp(%s)", t.Unit)
	case KindTime32, KindTime64, KindDuration:
		return fmt.Sprintf("%s(%s)", t.Kind, t.Unit)
	case KindDecimal32, KindDecimal64, KindDecimal128, KindDecimal256:
		return fmt.Sprintf("%s(%d, %d)", t.Kind, t.Precision, t.Scale)
	case KindFixedSizeBinary, KindFixedSizeList:
		return fmt.Sprintf("%s(%d)", t.Kind, t.Size)
	}
	return t.Kind.String()
}

// width is the bytes of one value of a type whose values lie side by side; 0 for all others.
func (t DataType) width() int {
	switch t.Kind {
	case KindInt8, KindUint8:
		return 1
	case KindInt16, KindUint16, KindFloat16:
		return 2
	case KindInt32, KindUint32, KindFloat32, KindDate32, KindTime32, KindDecimal32:
		return 4
	case KindInt64, KindUint64, KindFloat64, KindDate64, KindTime64, KindTimestamp, KindDuration, KindDecimal64:
		return 8
	case KindDecimal128:
		return 16
	case KindDecimal256:
		return 32
	case KindInterval:
		return [...]int{4, 8, 16}[t.Interval%3]
	case KindFixedSizeBinary:
		return int(t.Size)
	case KindDictionary:
		return DataType{Kind: t.Index}.width()
	}
	return 0
}

// offsetWidth is the bytes of one offset; 0 for types without offsets.
func (t DataType) offsetWidth() int {
	switch t.Kind {
	case KindUtf8, KindBinary, KindList, KindMap:
		return 4
	case KindLargeUtf8, KindLargeBinary, KindLargeList:
		return 8
	}
	return 0
}

// Timestamps is the type of instants in the unit; zone is empty for those of the local clock.
func Timestamps(unit TimeUnit, zone string) DataType {
	return DataType{Kind: KindTimestamp, Unit: unit, Zone: zone}
}

// Decimals is the smallest of the decimal types of 128 and 256 bits that has the precision.
func Decimals(precision uint8, scale int8) DataType {
	if precision > 38 {
		return DataType{Kind: KindDecimal256, Precision: precision, Scale: scale}
	}
	return DataType{Kind: KindDecimal128, Precision: precision, Scale: scale}
}

// KeyValue is an entry of a field's metadata.
type KeyValue struct{ Key, Value string }

// Field is a column of a schema, or a part of a nested one.
type Field struct {
	// Name is unique among the field's siblings.
	Name string
	Type DataType
	// Nullable says whether nulls may occur.
	Nullable bool
	// Children are one for a list, the struct of key and value for a map, the fields of a struct, and the type of the
	// values for a dictionary.
	Children []Field
	Metadata []KeyValue
}

// values is the field of the values: the dictionary's, where there is one.
func (f *Field) values() *Field {
	if f.Type.Kind == KindDictionary && len(f.Children) == 1 {
		return &f.Children[0]
	}
	return f
}

// count is how many fields there are: this one and its descendants.
func (f *Field) count() int {
	count := 1
	for i := range f.Children {
		count += f.Children[i].count()
	}
	return count
}

// Schema is the columns of a plugin's input, in order.
type Schema struct {
	Fields []Field
}

// Position returns where the column of that name is. The error is a bad schema that lists the names there are.
func (s *Schema) Position(name string) (int, error) {
	for i := range s.Fields {
		if s.Fields[i].Name == name {
			return i, nil
		}
	}
	names := make([]string, len(s.Fields))
	for i := range s.Fields {
		names[i] = s.Fields[i].Name
	}
	return 0, BadColumn(name, "there is no such column; there are "+strings.Join(names, ", "))
}
